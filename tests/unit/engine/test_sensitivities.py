"""Derivatives by parameters against closed forms and central differences."""

import numpy as np
import pytest

from engine_models import TIGHT, compiled
from eubiosis.engine import Add, AtLeast, Scale, Set, Tolerances

T = np.linspace(0, 4, 9)


def test_decay_by_hand():
    """x = s e^(-kt): dx/dk = -t x, dx/ds = e^(-kt) through the initial assignment x0 = s^2 / 4."""
    model = compiled("k = 0.7; s = 3; x = s^2/4; x' = -k*x; y := k*x + s")
    got = model.sensitivities(T, ["x", "y", "k"], ["k", "s"], tolerances=TIGHT)
    x = 2.25 * np.exp(-0.7 * T)
    assert got.derivatives.shape == (1, len(T), 3, 2)
    np.testing.assert_allclose(got.solution["x"][0], x, rtol=1e-9)
    np.testing.assert_allclose(got.of("x", "k")[0], -T * x, rtol=1e-8, atol=1e-11)
    np.testing.assert_allclose(got.of("x", "s")[0], 1.5 * np.exp(-0.7 * T), rtol=1e-8)
    np.testing.assert_allclose(got.of("y", "k")[0], x - 0.7 * T * x, rtol=1e-8)
    np.testing.assert_allclose(got.of("y", "s")[0], 1.05 * np.exp(-0.7 * T) + 1, rtol=1e-8)
    assert got.of("k", "k").tolist() == [[1.0] * len(T)]
    assert got.of("k", "s").tolist() == [[0.0] * len(T)]


def test_initial_assignments_are_derived_at_each_subjects_own_values():
    """x0 = a^2 and y0 = x0 + a b follow each subject's a; where x0 is given it does not."""
    model = compiled("a = 2; b = 1; x = a^2; y = x + a*b; x' = -x; y' = -y")
    a, b = np.array([2.0, 3.0, -1.0]), np.array([1.0, 0.5, 4.0])
    got = model.sensitivities([0, 1], ["x", "y"], ["a", "b"], parameters={"a": a, "b": b}, tolerances=TIGHT)
    left = np.array([1, np.exp(-1)])
    np.testing.assert_allclose(got.of("x", "a"), np.outer(2 * a, left), rtol=1e-9)
    np.testing.assert_allclose(got.of("y", "a"), np.outer(2 * a + b, left), rtol=1e-9)
    np.testing.assert_allclose(got.of("y", "b"), np.outer(a, left), rtol=1e-9)
    given = model.sensitivities([0, 1], ["x", "y"], ["a"], parameters={"a": a}, initial={"x": 7.0})
    assert given.of("x", "a").tolist() == [[0.0, 0.0]] * 3
    np.testing.assert_allclose(given.of("y", "a"), np.outer(np.ones(3), left), rtol=1e-7)
    common = model.sensitivities([0, 1], ["x"], ["a"], parameters={"a": 5.0}, tolerances=TIGHT)
    np.testing.assert_allclose(common.of("x", "a"), [10 * left], rtol=1e-9)


@pytest.fixture(scope="module")
def feedback():
    """Stiff feedback with a Hill term, a clock and an initial assignment."""
    return compiled(
        "a = 2; K = 0.8; n = 2.5; fast = 500; x = a/4; y = 0.2; z = 0.1; h := x^n/(K^n + x^n);"
        "x' = a*(1 + sin(time)/2)/(1 + y) - x; y' = h - 0.3*y; z' = fast*(x*y - z); out := h*z + K"
    )


DOSES = [
    Add(0.7, "x", 1.5),
    Scale(1.3, "y", 0.25),
    Set(2.1, "z", 3.0),
    Add(2.6, "z", 0.5),
    Set(3.0, "fast", 20.0),
]


@pytest.mark.parametrize("parameter", ["a", "K", "n"])
@pytest.mark.parametrize("inputs", [[], DOSES], ids=["free", "dosed"])
def test_derivatives_are_those_of_central_differences(feedback, parameter, inputs):
    names, value = ["x", "y", "z", "out"], {"a": 2.0, "K": 0.8, "n": 2.5}[parameter]
    step = 1e-4 * value
    shifts = np.array([-2, -1, 1, 2]) * step
    runs = feedback.solve(
        T, names, parameters={parameter: value + shifts}, inputs=inputs, tolerances=TIGHT
    ).values
    slopes = (runs[0] - 8 * runs[1] + 8 * runs[2] - runs[3]) / (12 * step)
    got = feedback.sensitivities(T, names, ["a", "K", "n"], inputs=inputs, tolerances=TIGHT)
    for i, name in enumerate(names):
        np.testing.assert_allclose(
            got.of(name, parameter)[0], slopes[:, i], rtol=2e-6, atol=2e-7, err_msg=name
        )


def test_derivatives_do_not_depend_on_the_company(feedback):
    a = np.linspace(1, 3, 11)
    whole = feedback.sensitivities(T, ["out"], ["K"], parameters={"a": a}, inputs=DOSES)
    part = feedback.sensitivities(T, ["out"], ["K"], parameters={"a": a[[7, 2]]}, inputs=DOSES, threads=1)
    assert part.derivatives.tobytes() == np.ascontiguousarray(whole.derivatives[[7, 2]]).tobytes()


def test_the_derivatives_are_under_error_control(feedback):
    tight = feedback.sensitivities(T, ["z"], ["n"], tolerances=TIGHT).derivatives
    for relative in (1e-4, 1e-6):
        got = feedback.sensitivities(T, ["z"], ["n"], tolerances=Tolerances(relative, relative / 100))
        assert np.abs(got.derivatives - tight).max() < 30 * relative * np.abs(tight).max()


def test_a_failed_subject_has_no_derivatives_from_there_on():
    model = compiled("p = 1; x = 1; x' = p*x^2")
    got = model.sensitivities(
        [0, 0.5, 2], ["x"], ["p"], parameters={"p": np.array([0.1, 1.0])}, tolerances=TIGHT
    )
    assert got.solution.status == ("ok", "non_finite")
    np.testing.assert_allclose(
        got.of("x", "p")[0, 1:], [t / (1 - 0.1 * t) ** 2 for t in (0.5, 2.0)], rtol=1e-7
    )
    assert got.of("x", "p")[1, 1] == pytest.approx(0.5 / 0.25, rel=1e-7)
    assert np.isnan(got.of("x", "p")[1, 2])


def refused(text, by, message, inputs=()):
    model = compiled(text)
    with pytest.raises(ValueError, match=message):
        model.sensitivities([0, 1], ["x"], [by], inputs=inputs)


def test_what_has_no_derivative_is_refused():
    plain = "k = 1; x = 1; x' = -k*x;"
    refused(plain + "E: at 2 after (x < 0.5): x = 1;", "k", "event E: sensitivities across a delay")
    refused(plain, "k", "k is set by an input", [Set(0.5, "k", 2.0)])
    refused(plain, "k", "raises a state to a level", [AtLeast(0.5, "x", 2.0)])
    refused("a = 1; k = 2*a; x = 1; x' = -k*x;", "a", "a initialises the parameter k")


def test_derivatives_by_initial_values_by_hand():
    """x = x0 e^(-kt); y = y0 + k x0 (1 - e^(-kt)) / k with y0 = 2 x0 by an initial assignment."""
    model = compiled("k = 0.7; x = 3; y = 2*x; x' = -k*x; y' = k*x; z := x*y")
    got = model.sensitivities(T, ["x", "y", "z"], ["x", "y", "k"], tolerances=TIGHT)
    left = np.exp(-0.7 * T)
    x, y = 3 * left, 6 + 3 * (1 - left)
    np.testing.assert_allclose(got.of("x", "x")[0], left, rtol=1e-9)
    np.testing.assert_allclose(got.of("y", "x")[0], 3 - left, rtol=1e-9)
    np.testing.assert_allclose(got.of("y", "y")[0], 1.0, rtol=1e-12)
    np.testing.assert_allclose(got.of("x", "y")[0], 0.0, atol=1e-15)
    np.testing.assert_allclose(got.of("z", "x")[0], left * y + x * (3 - left), rtol=1e-9)
    given = model.sensitivities(T, ["y"], ["x"], initial={"y": 1.0}, tolerances=TIGHT)
    np.testing.assert_allclose(given.of("y", "x")[0], 1 - left, rtol=1e-9, atol=1e-12)


def test_derivatives_by_initial_values_are_those_of_central_differences(feedback):
    step = 1e-4 * 0.5
    shifts = 0.5 + np.array([-2, -1, 1, 2]) * step
    runs = feedback.solve(T, ["x", "out"], initial={"x": shifts}, inputs=DOSES, tolerances=TIGHT).values
    slopes = (runs[0] - 8 * runs[1] + 8 * runs[2] - runs[3]) / (12 * step)
    got = feedback.sensitivities(T, ["x", "out"], ["K", "x"], inputs=DOSES, tolerances=TIGHT)
    for i, name in enumerate(("x", "out")):
        np.testing.assert_allclose(got.of(name, "x")[0], slopes[:, i], rtol=2e-6, atol=2e-8)


def test_a_state_that_only_events_change_has_an_initial_value_too():
    """x' = f, f doubled at t = 1 by an event: x = f0 + 2 f0 (t - 1); then an input sets f to 5."""
    model = compiled("x = 0; f = 3; x' = f; E: at time >= 1: f = 2*f;")
    inputs = [Set(2.0, "f", 5.0)]
    got = model.sensitivities([0.0, 1.5, 2.0, 4.0], ["x", "f"], ["f", "x"], inputs=inputs, tolerances=TIGHT)
    np.testing.assert_allclose(got.solution["x"][0], [0, 6, 9, 19], rtol=1e-10)
    np.testing.assert_allclose(got.of("x", "f")[0], [0, 2, 3, 3], rtol=1e-10)
    np.testing.assert_allclose(got.of("f", "f")[0], [1, 2, 0, 0], rtol=1e-10)
    np.testing.assert_allclose(got.of("x", "x")[0], 1.0, rtol=1e-10)


def test_an_initial_value_may_need_an_assigned_quantity_of_the_time():
    """A model begins at time 0: u = p + t is p there, x0 = 3 p."""
    model = compiled("p = 2; u := p + time; x = 3*u; x' = -0.1*x")
    p, left = np.array([2.0, 5.0]), np.exp(-0.1 * T)
    got = model.solve(T, ["x", "u"], parameters={"p": p}, tolerances=TIGHT)
    np.testing.assert_allclose(got["x"], np.outer(3 * p, left), rtol=1e-9)
    np.testing.assert_allclose(got["u"], p[:, None] + T)
    slopes = model.sensitivities(T, ["x"], ["p"], parameters={"p": p}, tolerances=TIGHT)
    np.testing.assert_allclose(slopes.of("x", "p"), [3 * left] * 2, rtol=1e-9)


def test_a_parameter_that_follows_through_a_state_is_refused_too():
    refused("a = 1; y = a^2; k = 2*y; x = 1; x' = -k*x; y' = -y;", "a", "a initialises the parameter k")
    model = compiled("a = 1; k = 2*a; x = 1; x' = -k*x;")
    got = model.sensitivities([0, 1], ["x"], ["a"], parameters={"k": 3.0}, tolerances=TIGHT)
    assert got.of("x", "a").tolist() == [[0.0, 0.0]]  # k is given, so a decides nothing
