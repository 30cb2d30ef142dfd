"""Steady states against closed forms, long integration and conservation."""

import numpy as np
import pytest

from engine_models import TIGHT, compiled, same
from eubiosis.engine import Tolerances

LONG = Tolerances(relative=1e-10, absolute=1e-13)
both_ways = pytest.mark.parametrize("newton", [True, False], ids=["newton", "pseudo-transient"])


@pytest.fixture(scope="module")
def cascade():
    """Made at a rate, turned over by a saturated enzyme and a linear one; stiff."""
    return compiled(
        "a = 1; v = 3; K = 0.5; d = 0.2; f = 1000; x = 0.1; y = 0.1; z = 0;"
        "x' = a - v*x/(K + x); y' = v*x/(K + x) - d*y; z' = f*(y - z); total := x + y"
    )


@both_ways
def test_steady_states_by_hand(cascade, newton):
    """v x / (K + x) = a and d y = a."""
    a, v = np.array([1.0, 0.2, 2.9]), 3.0
    got = cascade.steady_state(["x", "total", "a"], parameters={"a": a}, tolerances=LONG, newton=newton)
    assert got.status == ("ok",) * 3
    np.testing.assert_allclose(got["x"], a * 0.5 / (v - a), rtol=1e-8)
    np.testing.assert_allclose(got.states[:, 1], a / 0.2, rtol=1e-8)
    np.testing.assert_allclose(got["total"], got["x"] + got.states[:, 1], rtol=1e-14)
    assert got["a"].tolist() == a.tolist()


@both_ways
def test_steady_states_are_where_long_courses_end(cascade, newton):
    rng = np.random.default_rng(11)
    given = {"a": rng.uniform(0.1, 2.5, 13), "d": rng.uniform(0.1, 2, 13), "K": rng.uniform(0.1, 5, 13)}
    course = cascade.solve([0.0, 3000.0], parameters=given, tolerances=TIGHT)
    got = cascade.steady_state(parameters=given, tolerances=LONG, newton=newton)
    assert set(got.status) == set(course.status) == {"ok"}
    np.testing.assert_allclose(got.states, course.states, rtol=1e-7)


@both_ways
def test_conserved_sums_stay_what_they_are(newton):
    """A cycle of three forms and a second of two: the sums of the start are those of the end."""
    model = compiled(
        "k1 = 3; k2 = 0.5; k3 = 40; r = 2; A = 1; B = 2; C = 0.5; P = 4; Q = 0;"
        "A' = k3*C - k1*A; B' = k1*A - k2*B; C' = k2*B - k3*C; P' = r*Q - A*P; Q' = A*P - r*Q"
    )
    start = np.random.default_rng(2).uniform(0.1, 5, (9, 5))
    assert model.system.states == ("A", "B", "C", "P", "Q")
    got = model.steady_state(initial=start, tolerances=LONG, newton=newton)
    assert set(got.status) == {"ok"}
    for part in (slice(0, 3), slice(3, 5)):
        np.testing.assert_allclose(got.states[:, part].sum(axis=1), start[:, part].sum(axis=1), rtol=1e-9)
    weights = 1 / np.array([3, 0.5, 40])  # A : B : C are as 1 / k
    shares = got.states[:, :3] / got.states[:, :3].sum(axis=1, keepdims=True)
    np.testing.assert_allclose(shares, np.tile(weights / weights.sum(), (9, 1)), rtol=1e-7)


def test_what_never_settles_is_a_failure_and_stays_in_the_table():
    model = compiled("p = 0; x = 1; y = 1; x' = p - x*(1 - p); y' = 1 - y")
    got = model.steady_state(["x"], parameters={"p": np.array([0.0, 1.0, 0.5])}, tolerances=LONG)
    assert got.status[0] == got.status[2] == "ok"
    assert got.status[1] in ("step_limit", "non_finite")
    assert np.isnan(got["x"][1])
    assert np.isnan(got.states[1]).all()
    assert got["x"][[0, 2]] == pytest.approx([0, 1], abs=1e-9)


@pytest.fixture(scope="module")
def switch():
    """Self-activation: stable at about 0.1 and 9.0, with the watershed near 0.9."""
    return compiled("b = 0.1; x = 1; x' = b + 10*x^2/(10 + x^2) - x")


def test_pseudo_transient_steps_follow_the_basin(switch):
    start = np.concatenate((np.linspace(0, 2, 41), np.linspace(2.5, 12, 8)))
    course = switch.solve([0.0, 400.0], initial={"x": start}, tolerances=TIGHT)
    got = switch.steady_state(["x"], initial={"x": start}, newton=False, tolerances=LONG)
    assert set(got.status) == {"ok"}
    assert 5 < np.sum(course.states < 1) < 44
    np.testing.assert_allclose(got["x"], course.states[:, 0], rtol=1e-7)


def test_newton_ends_at_a_root_too_whichever(switch):
    got = switch.steady_state(["x"], initial={"x": np.linspace(0, 12, 49)}, tolerances=LONG)
    x = got["x"][np.array(got.status) == "ok"]
    assert len(x) == 49
    np.testing.assert_allclose(0.1 + 10 * x**2 / (10 + x**2) - x, 0, atol=1e-8)


def test_the_time_is_held(cascade):
    model = compiled("x = 0; x' = 1 + time - 2*x")
    assert model.steady_state(["x"], time=5.0, tolerances=LONG)["x"][0] == pytest.approx(3.0)


@both_ways
def test_a_steady_state_does_not_depend_on_the_company(cascade, newton):
    rng = np.random.default_rng(1)
    a = rng.uniform(0.1, 2.5, 23)
    a[[4, 17]] = 3.5  # more than can be turned over: never steady
    limited = Tolerances(relative=1e-10, absolute=1e-13, max_steps=500)
    whole = cascade.steady_state(["total"], parameters={"a": a}, tolerances=limited, newton=newton)
    assert [i for i, word in enumerate(whole.status) if word != "ok"] == [4, 17]
    rows = rng.permutation(23)[:10]
    part = cascade.steady_state(
        ["total"], parameters={"a": a[rows]}, tolerances=limited, newton=newton, threads=1
    )
    for name in ("values", "states", "effort"):
        assert same(getattr(part, name), getattr(whole, name)[rows]), name
