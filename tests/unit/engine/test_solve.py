"""Courses against closed forms."""

import numpy as np
import pytest
from scipy.linalg import expm
from scipy.special import expit

from engine_models import TIGHT, TIGHT_ANY_SIGN, compiled
from eubiosis.engine import Tolerances
from eubiosis.engine.expressions import Number, Symbol

GRID = np.linspace(0, 8, 33)


def test_exponential_decay():
    got = compiled("k = 0.7; x = 3; x' = -k*x; twice := 2*x").solve(
        GRID, ["x", "twice", "k"], tolerances=TIGHT
    )
    assert got.status == ("ok",)
    assert got.values.shape == (1, len(GRID), 3)
    np.testing.assert_allclose(got["x"][0], 3 * np.exp(-0.7 * GRID), rtol=1e-9)
    np.testing.assert_allclose(got["twice"][0], 2 * got["x"][0], rtol=1e-15)
    assert np.all(got["k"] == 0.7)
    np.testing.assert_allclose(got.states[0], [3 * np.exp(-5.6)], rtol=1e-9)


def test_a_decay_chain_is_a_matrix_exponential():
    rates = [3.0, 0.4, 1.7, 1e4, 0.05]
    names = [f"x{i}" for i in range(len(rates))]
    text = "".join(f"k{i} = {k}; x{i} = {int(i == 0)};" for i, k in enumerate(rates))
    for i in range(len(rates)):
        text += f"x{i}' = {f'k{i - 1}*x{i - 1}' if i else '0'} - k{i}*x{i};"
    matrix = -np.diag(rates) + np.diag(rates[:-1], -1)
    got = compiled(text).solve(GRID, names, tolerances=TIGHT)
    exact = np.array([expm(matrix * t)[:, 0] for t in GRID])
    np.testing.assert_allclose(got.values[0], exact, rtol=1e-8, atol=1e-12)


def test_logistic_growth_with_personal_numbers():
    model = compiled("r = 1.3; K = 5; x = 0.1; x' = r*x*(1 - x/K)")
    r, capacity, start = np.array([1.3, 0.2, 4.0]), np.array([5.0, 2.0, 80.0]), np.array([0.1, 3.0, 1e-3])
    got = model.solve(GRID, ["x"], parameters={"r": r, "K": capacity}, initial={"x": start}, tolerances=TIGHT)
    ratio = (capacity - start) / start
    exact = capacity[:, None] / (1 + ratio[:, None] * np.exp(-np.outer(r, GRID)))
    np.testing.assert_allclose(got["x"], exact, rtol=1e-8)
    assert exact[0] == pytest.approx(5 * expit(1.3 * GRID + np.log(0.1 / 4.9)))


def test_an_oscillator_returns_after_one_period():
    model = compiled("w = 2; x = 1; v = 0; x' = v; v' = -w^2*x")
    got = model.solve([0, np.pi / 4, np.pi], ["x", "v"], tolerances=TIGHT_ANY_SIGN)
    assert got.status == ("ok",)
    np.testing.assert_allclose(got.values[0], [[1, 0], [0, -2], [1, 0]], atol=1e-8)


def test_a_stiff_pull_towards_a_forcing_in_time():
    """x' = -1000 (x - cos t): the exact answer is known."""
    t = np.array([0.0, 0.5, 2.0, 6.0])
    a, b = 1000.0**2 / (1000.0**2 + 1), 1000.0 / (1000.0**2 + 1)
    exact = a * np.cos(t) + b * np.sin(t) - a * np.exp(-1000 * t)
    got = compiled("x = 0; x' = -1000*(x - cos(time))").solve(t, ["x"], tolerances=TIGHT_ANY_SIGN)
    np.testing.assert_allclose(got["x"][0], exact, atol=1e-9)


def test_a_start_that_is_not_zero_counts_in_the_time_of_the_model():
    """x' = t from t = 3: x = (t^2 - 9) / 2."""
    t = np.array([3.0, 4.0, 7.5])
    got = compiled("x = 0; x' = time; u := 2*time").solve(t, ["x", "u"], tolerances=TIGHT)
    np.testing.assert_allclose(got["x"][0], (t**2 - 9) / 2, rtol=1e-10)
    assert got["u"][0].tolist() == [6.0, 8.0, 15.0]


def test_one_time_returns_the_start():
    got = compiled("x = 1; x' = -x").solve([0.0], ["x"])
    assert got["x"].tolist() == [[1.0]]
    assert got.status == ("ok",)
    assert got.states.tolist() == [[1.0]]


@pytest.mark.parametrize("method", ["rodas4", "rodas5p"])
def test_tolerances_are_kept(method):
    """The error at the end is of the size of the tolerance: below 20 times it on an easy problem."""
    model = compiled("x = 1; y = 0; x' = -x + 2*y; y' = x - 2*y - y^2")
    end = model.solve([0, 5], ["x", "y"], tolerances=TIGHT).values[0, -1]
    for relative in (1e-4, 1e-6, 1e-8):
        got = model.solve([0, 5], ["x", "y"], tolerances=Tolerances(relative, relative * 1e-2), method=method)
        assert np.abs(got.values[0, -1] / end - 1).max() < 20 * relative


def test_absolute_tolerances_may_differ_between_states():
    """A loose tolerance on a fast state that nothing depends on saves its steps."""
    model = compiled("x = 1; y = 1; v = 0; x' = -x; y' = v; v' = -400*y")
    tight, loose = Tolerances(1e-8, 1e-10), Tolerances(1e-8, np.array([1e-10, 1e6, 1e6]), negative=np.inf)
    assert model.system.states == ("x", "y", "v")
    many = model.solve([0, 3], ["x"], tolerances=tight).effort[0, 0]
    few = model.solve([0, 3], ["x"], tolerances=loose)
    assert few.effort[0, 0] < many / 4
    assert few["x"][0, 1] == pytest.approx(np.exp(-3), rel=1e-7)


def test_assigned_quantities_are_known_to_the_rates_in_any_order():
    model = compiled("a = 2; b = a*3; z := y + 1; y := x*b; x = 1; x' = z*0 - x")
    assert model.system.constants["b"] == 6.0
    assert model.solve([0.0, 1.0], ["z"])["z"][0] == pytest.approx([7.0, 6 * np.exp(-1) + 1])
    personal = model.solve([0.0], ["z", "b"], parameters={"a": np.array([1.0, 4.0])})
    assert personal["b"][:, 0].tolist() == [3.0, 12.0]  # b follows a


def test_rates_and_assigned_quantities_at_given_states_do_not_depend_on_the_columns():
    model = compiled("k = 1; s = 0; x = 1; y = 0.5; x' = -k*x + s*y^2; y' = x*y/(1 + y) - 0.3*y; z := x + y")
    rng = np.random.default_rng(5)
    x, y = states = rng.uniform(0.1, 2, (2, 7))
    parameters = rng.uniform(0.1, 2, (len(model.system.parameters), 7))
    k, s = parameters[model.parameter_index["k"]], parameters[model.parameter_index["s"]]
    wide = np.empty_like(states)
    model.rates(0.0, states, parameters, wide)
    np.testing.assert_allclose(wide, [-k * x + s * y**2, x * y / (1 + y) - 0.3 * y], rtol=1e-14)
    np.testing.assert_array_equal(model.assigned_at(0.0, states, parameters), (x + y)[None])
    for i in range(7):
        one = np.empty((2, 1))
        model.rates(0.0, states[:, [i]].copy(), parameters[:, [i]].copy(), one)
        assert np.array_equal(one[:, 0], wide[:, i])


# --- switches in time ------------------------------------------------------------------------------------


def pulse_answer(t, rate, k, start, stop):
    """x' = rate [start <= t < stop] - k x from 0."""
    up = rate / k * (1 - np.exp(-k * np.clip(t - start, 0, stop - start)))
    return up * np.exp(-k * np.maximum(t - stop, 0))


@pytest.fixture(scope="module")
def pulsed():
    return compiled(
        "on = 2; off = 5; rate = 3; k = 1; x = 0; x' = u - k*x;"
        "u := piecewise(rate, (time >= on) && (off > time), 0)"
    )


def test_a_pulse_in_a_piecewise_input_is_not_stepped_over():
    """A pulse of 90 minutes after a long rest, with outputs only every 50 days."""
    model = compiled("k = 0.01; x = 0; u := piecewise(24, (time >= 60) && (time < 60.0625), 0); x' = u - k*x")
    assert model.system.bounds == (Number(60.0), Number(60.0625))
    t = np.arange(0.0, 201.0, 50.0)
    got = model.solve(t, ["x"], tolerances=TIGHT)["x"][0]
    np.testing.assert_allclose(got, pulse_answer(t, 24, 0.01, 60, 60.0625), rtol=1e-9, atol=1e-12)
    edges = model.solve([59.0, 60.0, 60.02, 60.0625], ["u"])["u"][0]
    assert edges.tolist() == [0, 24, 24, 0]


def test_bounds_may_be_parameters_and_may_stand_on_either_side(pulsed):
    assert set(pulsed.system.bounds) == {Symbol("on"), Symbol("off")}
    got = pulsed.solve(GRID, ["x"], tolerances=TIGHT)["x"][0]
    np.testing.assert_allclose(got, pulse_answer(GRID, 3, 1, 2, 5), atol=1e-11)


def test_a_pulse_whose_time_differs_between_subjects_is_not_stepped_over(pulsed):
    on, k = np.array([2.0, 130.0, 60.0, 500.0]), np.array([0.01, 0.01, 0.02, 0.01])
    t = np.arange(0.0, 201.0, 50.0)
    given = {"on": on, "off": on + 0.0625, "k": k, "rate": 24.0}
    got = pulsed.solve(t, ["x"], parameters=given, tolerances=TIGHT)["x"]
    for row, start, rate in zip(got, on, k, strict=True):
        np.testing.assert_allclose(
            row, pulse_answer(t, 24, rate, start, start + 0.0625), rtol=1e-9, atol=1e-12
        )


def test_a_bound_that_is_undefined_for_one_subject_is_no_bound(pulsed):
    model = compiled("p = 1; x = 0; x' = piecewise(1, time < 1/p, 0)")
    got = model.solve([0, 3], ["x"], parameters={"p": np.array([1.0, 0.0, 0.5])}, tolerances=TIGHT)
    np.testing.assert_allclose(got["x"][:, 1], [1, 3, 2], rtol=1e-10)


# --- events ----------------------------------------------------------------------------------------------


def test_a_timed_event_uses_values_from_before_it():
    event = "E: at (time >= at_day): x = y + dose, y = x;"
    model = compiled("k = 0.5; dose = 4; at_day = 3; x = 1; y = 2; x' = -k*x; y' = 0; " + event)
    got = model.solve(GRID, ["x", "y"], tolerances=TIGHT)
    exact = np.where(GRID < 3, np.exp(-0.5 * GRID), 6 * np.exp(-0.5 * (GRID - 3)))
    np.testing.assert_allclose(got["x"][0], exact, rtol=1e-9)
    np.testing.assert_allclose(got["y"][0], np.where(GRID < 3, 2, np.exp(-1.5)), rtol=1e-9)


def test_an_event_time_may_differ_between_subjects():
    model = compiled("when = 3; x = 0; x' = 0; E: at (time >= when): x = x + 1;")
    got = model.solve(np.arange(0.0, 7.0), ["x"], parameters={"when": np.array([1.0, 4.5])})
    assert got["x"].tolist() == [[0, 1, 1, 1, 1, 1, 1], [0, 0, 0, 0, 0, 1, 1]]


def test_a_bouncing_ball_loses_its_height():
    """Restitution 0.8 from height 5 under g = 9.81: bounce n comes at t1 + sum 2 t1 0.8^j."""
    model = compiled("h = 5; v = 0; h' = v; v' = -9.81; n = 0; E: at (h < 0): v = -0.8*v, h = 0, n = n + 1;")
    fall = np.sqrt(2 * 5 / 9.81)
    bounces = fall + 2 * fall * np.cumsum(np.concatenate(([0], 0.8 ** np.arange(1, 5))))
    inside = (bounces[:-1] + bounces[1:]) / 2
    got = model.solve([0, *inside], ["h", "n"], tolerances=TIGHT_ANY_SIGN)
    assert got.status == ("ok",)
    assert got["n"][0].tolist() == [0, 1, 2, 3, 4]
    np.testing.assert_allclose(got["h"][0, 1:], 5 * 0.64 ** np.arange(1, 5), rtol=1e-8)
