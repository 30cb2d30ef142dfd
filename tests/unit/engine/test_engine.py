"""The engine against closed forms."""

import antimony
import numpy as np
import pytest
from scipy.special import expit

from eubiosis.engine import Tolerances, compile_system, read_sbml, solve
from eubiosis.engine.expressions import Number, Symbol

TIGHT = Tolerances(relative=1e-11, absolute=1e-13)


def sbml(text, name="m"):
    antimony.clearPreviousLoads()
    assert antimony.loadAntimonyString(f"model {name}()\n{text}\nend\n") >= 0, antimony.getLastError()
    return antimony.getSBMLString(name)


def kernel(text):
    return compile_system(read_sbml(sbml(text)))


GRID = np.linspace(0, 8, 33)


def test_exponential_decay():
    k = kernel("k = 0.7; x = 3; x' = -k*x; twice := 2*x")
    got = solve(k, GRID, ("x", "twice", "k"), tolerances=TIGHT)
    assert got.status == ("ok",)
    assert got.values.shape == (1, len(GRID), 3)
    np.testing.assert_allclose(got["x"][0], 3 * np.exp(-0.7 * GRID), rtol=1e-8)
    np.testing.assert_allclose(got["twice"][0], 2 * got["x"][0], rtol=1e-15)
    assert np.all(got["k"] == 0.7)


def test_logistic_growth():
    k = kernel("r = 1.3; K = 5; x = 0.1; x' = r*x*(1 - x/K)")
    exact = 5 * expit(1.3 * GRID + np.log(0.1 / 4.9))
    np.testing.assert_allclose(solve(k, GRID, ("x",), tolerances=TIGHT)["x"][0], exact, rtol=1e-8)


def test_harmonic_oscillator_returns_after_one_period():
    k = kernel("w = 2; x = 1; v = 0; x' = v; v' = -w^2*x")
    got = solve(k, np.array([0, np.pi / 4, np.pi]), ("x", "v"), tolerances=TIGHT).values[0]
    np.testing.assert_allclose(got, [[1, 0], [0, -2], [1, 0]], atol=1e-7)


def test_a_stiff_pair():
    """x' = -1000 (x - cos t): the exact answer is known."""
    k = kernel("x = 0; x' = -1000*(x - cos(time))")
    t = np.array([0.0, 0.5, 2.0, 6.0])
    a, b = 1000.0**2 / (1000.0**2 + 1), 1000.0 / (1000.0**2 + 1)
    exact = a * np.cos(t) + b * np.sin(t) - a * np.exp(-1000 * t)
    np.testing.assert_allclose(solve(k, t, ("x",), tolerances=TIGHT)["x"][0], exact, atol=1e-8)


def pulse_answer(t, rate, k, start, stop):
    """x' = rate [start <= t < stop] - k x from 0."""
    up = rate / k * (1 - np.exp(-k * np.clip(t - start, 0, stop - start)))
    return up * np.exp(-k * np.maximum(t - stop, 0))


def test_a_pulse_in_a_piecewise_input_is_not_stepped_over():
    """A pulse of 90 minutes after a long rest, with outputs only every 50 days."""
    k = kernel("k = 0.01; x = 0; u := piecewise(24, (time >= 60) && (time < 60.0625), 0); x' = u - k*x")
    assert k.system.bounds == (Number(60.0), Number(60.0625))
    t = np.arange(0.0, 201.0, 50.0)
    got = solve(k, t, ("x", "u"), tolerances=TIGHT)
    np.testing.assert_allclose(got["x"][0], pulse_answer(t, 24, 0.01, 60, 60.0625), rtol=1e-8, atol=1e-12)
    edges = solve(k, np.array([59.0, 60.0, 60.02, 60.0625]), ("u",))["u"][0]
    assert edges.tolist() == [0, 24, 24, 0]


def test_the_same_pulse_as_a_schedule():
    k = kernel("k = 0.01; var u = 0; x = 0; x' = u - k*x")
    t = np.arange(0.0, 201.0, 50.0)
    got = solve(k, t, ("x", "u"), schedule=[(60.0, {"u": 24.0}), (60.0625, {"u": 0.0})], tolerances=TIGHT)
    np.testing.assert_allclose(got["x"][0], pulse_answer(t, 24, 0.01, 60, 60.0625), rtol=1e-8, atol=1e-12)


def test_bounds_may_be_parameters_and_may_stand_on_either_side():
    k = kernel(
        "on = 2; off = 5; k = 1; x = 0; u := piecewise(3, (time >= on) && (off > time), 0); x' = u - k*x"
    )
    assert k.system.bounds == (Symbol("on"), Symbol("off"))
    np.testing.assert_allclose(
        solve(k, GRID, ("x",), tolerances=TIGHT)["x"][0], pulse_answer(GRID, 3, 1, 2, 5), atol=1e-10
    )


def test_a_pulse_whose_time_differs_between_subjects_is_not_stepped_over():
    k = kernel(
        "on = 2; k = 0.01; x = 0; u := piecewise(24, (time >= on) && (time < on + 0.0625), 0); x' = u - k*x"
    )
    assert k.system.parameters == ("on", "k")
    parameters = np.array([[2.0, 0.01], [130.0, 0.01], [60.0, 0.02]])
    t = np.arange(0.0, 201.0, 50.0)
    got = solve(k, t, ("x",), parameters=parameters, tolerances=TIGHT)["x"]
    for row, (on, rate) in zip(got, parameters, strict=True):
        np.testing.assert_allclose(row, pulse_answer(t, 24, rate, on, on + 0.0625), rtol=1e-8, atol=1e-12)


def test_a_timed_event_uses_values_from_before_it():
    event = "E: at (time >= at_day): x = y + dose, y = x;"
    k = kernel("k = 0.5; dose = 4; at_day = 3; x = 1; y = 2; x' = -k*x; y' = 0; " + event)
    got = solve(k, GRID, ("x", "y"), tolerances=TIGHT)
    exact = np.where(GRID < 3, np.exp(-0.5 * GRID), 6 * np.exp(-0.5 * (GRID - 3)))
    np.testing.assert_allclose(got["x"][0], exact, rtol=1e-8)
    np.testing.assert_allclose(got["y"][0], np.where(GRID < 3, 2, np.exp(-1.5)), rtol=1e-8)


def test_an_event_time_may_differ_between_subjects():
    k = kernel("when = 3; x = 0; x' = 0; E: at (time >= when): x = x + 1;")
    parameters = np.array([[1.0], [4.5]])
    got = solve(k, np.arange(0.0, 7.0), ("x",), parameters=parameters)
    assert got["x"].tolist() == [[0, 1, 1, 1, 1, 1, 1], [0, 0, 0, 0, 0, 1, 1]]


def test_initial_assignments_and_rules_out_of_order():
    k = kernel("a = 2; b = a*3; z := y + 1; y := x*b; x = 1; x' = z*0")
    assert k.system.constants == {"a": 2.0, "b": 6.0}
    assert k.system.assigned.index("y") < k.system.assigned.index("z")
    assert solve(k, [0.0], ("z",))["z"].tolist() == [[7.0]]


BASE = "k = 1; x = 1; x' = -k*x;"

PAIR = "k = 1; s = 0; x = 1; y = 0.5; x' = -k*x + s*y^2; y' = x*y/(1 + y) - 0.3*y; z := x + y"


def test_a_subject_does_not_depend_on_its_companions_or_their_order():
    k = kernel(PAIR)
    rng = np.random.default_rng(4)
    rows = np.column_stack([rng.uniform(0.5, 2, 6), rng.uniform(0, 0.2, 6)])
    order = [k.parameter_index["k"], k.parameter_index["s"]]
    parameters = np.tile(k.default_parameters, (6, 1))
    parameters[:, order] = rows
    together = solve(k, GRID, ("x", "y", "z"), parameters=parameters).values
    shuffled = rng.permutation(6)
    assert np.array_equal(
        solve(k, GRID, ("x", "y", "z"), parameters=parameters[shuffled]).values, together[shuffled]
    )
    for i in range(6):
        assert np.array_equal(
            solve(k, GRID, ("x", "y", "z"), parameters=parameters[i]).values[0], together[i]
        )


def test_kernel_columns_do_not_depend_on_each_other():
    k = kernel(PAIR)
    rng = np.random.default_rng(5)
    states = rng.uniform(0.1, 2, (2, 7))
    parameters = rng.uniform(0.1, 2, (len(k.system.parameters), 7))
    wide = np.empty_like(states)
    k.rates(0.0, states, parameters, wide)
    for i in range(7):
        one = np.empty((2, 1))
        k.rates(0.0, states[:, [i]].copy(), parameters[:, [i]].copy(), one)
        assert np.array_equal(one[:, 0], wide[:, i])


def test_more_output_points_do_not_change_the_answer_beyond_tolerance():
    k = kernel(PAIR)
    coarse = solve(k, [0.0, 8.0], ("x", "y")).values[0, -1]
    fine = solve(k, np.linspace(0, 8, 2001), ("x", "y")).values[0, -1]
    np.testing.assert_allclose(fine, coarse, rtol=1e-6)


def test_a_blow_up_is_not_finite_and_nan_from_there_on():
    """x' = x^2 from 1 is infinite at t = 1."""
    got = solve(kernel("x = 1; x' = x^2"), [0.0, 0.5, 2.0], ("x",))
    assert got.status == ("non_finite",)
    assert got["x"][0, 0] == 1.0
    assert np.isnan(got["x"][0, -1])


def test_a_failed_subject_stays_and_leaves_the_others_alone():
    k = kernel("x = 1; p = 1; x' = p*x^2")
    got = solve(k, [0.0, 0.5, 2.0], ("x",), parameters=np.array([[0.1], [1.0], [0.2]]), tolerances=TIGHT)
    assert got.status[0] == got.status[2] == "ok"
    assert got.status[1] != "ok"
    np.testing.assert_allclose(got["x"][0], 1 / (1 - 0.1 * np.array([0, 0.5, 2.0])), rtol=1e-8)
    np.testing.assert_allclose(got["x"][2], 1 / (1 - 0.2 * np.array([0, 0.5, 2.0])), rtol=1e-8)
    assert np.isnan(got.states[1]).all()


def test_the_step_limit_has_its_word():
    k = kernel("w = 100; x = 1; v = 0; x' = v; v' = -w^2*x")
    got = solve(k, [0.0, 100.0], ("x",), tolerances=Tolerances(max_steps=50))
    assert got.status == ("step_limit",)


def test_a_negative_state_has_its_word():
    got = solve(kernel("x = 1; x' = -1"), [0.0, 2.0], ("x",))
    assert got.status == ("negative",)


def test_wrong_requests_are_errors():
    k = kernel(BASE)
    with pytest.raises(KeyError, match="nothing"):
        solve(k, GRID, ("x", "nothing"))
    with pytest.raises(KeyError, match="nothing"):
        solve(k, GRID, ("x",), schedule=[(1.0, {"nothing": 1.0})])
    for times in ([0.0, 2.0, 1.0], [0.0, 0.0], [], [[0.0, 1.0]]):
        with pytest.raises(ValueError, match="times must increase"):
            solve(k, times, ("x",))


def test_one_time_returns_the_start():
    assert solve(kernel(BASE), [0.0], ("x",))["x"].tolist() == [[1.0]]


def test_inputs_are_left_alone():
    k = kernel(PAIR)
    states, parameters = k.default_states[None].copy(), k.default_parameters[None].copy()
    before = states.copy(), parameters.copy()
    solve(k, GRID, ("x",), states=states, parameters=parameters, schedule=[(1.0, {"k": 2.0})])
    assert np.array_equal(states, before[0])
    assert np.array_equal(parameters, before[1])
