"""Steady states against closed forms, long integration and conservation."""

import numpy as np
import pytest

from engine_models import TIGHT, compiled, same
from eubiosis.engine import Tolerances

LONG = Tolerances(relative=1e-10, absolute=1e-13)
every_way = pytest.mark.parametrize(
    "newton", [None, True, False], ids=["course", "newton", "pseudo-transient"]
)


@pytest.fixture(scope="module")
def cascade():
    """Made at a rate, turned over by a saturated enzyme and a linear one; stiff."""
    return compiled(
        "a = 1; v = 3; K = 0.5; d = 0.2; f = 1000; x = 0.1; y = 0.1; z = 0;"
        "x' = a - v*x/(K + x); y' = v*x/(K + x) - d*y; z' = f*(y - z); total := x + y"
    )


@every_way
def test_steady_states_by_hand(cascade, newton):
    """v x / (K + x) = a and d y = a."""
    a, v = np.array([1.0, 0.2, 2.9]), 3.0
    got = cascade.steady_state(["x", "total", "a"], parameters={"a": a}, tolerances=LONG, newton=newton)
    assert got.status == ("ok",) * 3
    np.testing.assert_allclose(got["x"], a * 0.5 / (v - a), rtol=1e-8)
    np.testing.assert_allclose(got.states[:, 1], a / 0.2, rtol=1e-8)
    np.testing.assert_allclose(got["total"], got["x"] + got.states[:, 1], rtol=1e-14)
    assert got["a"].tolist() == a.tolist()


@every_way
def test_steady_states_are_where_long_courses_end(cascade, newton):
    rng = np.random.default_rng(11)
    given = {"a": rng.uniform(0.1, 2.5, 13), "d": rng.uniform(0.1, 2, 13), "K": rng.uniform(0.1, 5, 13)}
    course = cascade.solve([0.0, 3000.0], parameters=given, tolerances=TIGHT)
    got = cascade.steady_state(parameters=given, tolerances=LONG, newton=newton)
    assert set(got.status) == set(course.status) == {"ok"}
    np.testing.assert_allclose(got.states, course.states, rtol=1e-7)


@every_way
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
    assert got.status[1] == "unsettled"
    assert np.isnan(got["x"][1])
    assert np.isnan(got.states[1]).all()
    assert got["x"][[0, 2]] == pytest.approx([0, 1], abs=1e-9)


@pytest.fixture(scope="module")
def switch():
    """Self-activation: stable at about 0.1 and 9.0, with the watershed near 0.9."""
    return compiled("b = 0.1; x = 1; x' = b + 10*x^2/(10 + x^2) - x")


@pytest.mark.parametrize("newton", [None, False], ids=["course", "pseudo-transient"])
def test_the_basin_is_that_of_the_start(switch, newton):
    start = np.concatenate((np.linspace(0, 2, 41), np.linspace(2.5, 12, 8)))
    course = switch.solve([0.0, 400.0], initial={"x": start}, tolerances=TIGHT)
    got = switch.steady_state(["x"], initial={"x": start}, newton=newton, tolerances=LONG)
    assert set(got.status) == {"ok"}
    assert 5 < np.sum(course.states < 1) < 44
    np.testing.assert_allclose(got["x"], course.states[:, 0], rtol=1e-7)


def test_newton_ends_at_a_root_too_whichever(switch):
    got = switch.steady_state(["x"], initial={"x": np.linspace(0, 12, 49)}, tolerances=LONG, newton=True)
    x = got["x"][np.array(got.status) == "ok"]
    assert len(x) == 49
    np.testing.assert_allclose(0.1 + 10 * x**2 / (10 + x**2) - x, 0, atol=1e-8)


def test_the_time_is_held(cascade):
    model = compiled("x = 0; x' = 1 + time - 2*x")
    assert model.steady_state(["x"], time=5.0, tolerances=LONG)["x"][0] == pytest.approx(3.0)


@every_way
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


def test_a_cycle_of_events_has_no_steady_state_and_is_refused():
    """x rises to 0.5 and is set back for ever; without the event it would rest at 1."""
    model = compiled("x = 0; x' = 1 - x; E: at x > 0.5: x = 0;")
    with pytest.raises(ValueError, match="event E: a steady state takes no SBML events into account"):
        model.steady_state(["x"])
    assert model.steady_state(["x"], ignore_events=True)["x"][0] == pytest.approx(1.0, rel=1e-12)


def test_rates_that_change_with_the_time_are_refused_unless_it_is_held():
    model = compiled("a := 1 + time; x = 0; x' = a - x; note := time + x")
    with pytest.raises(ValueError, match=r"the rate of x changes with the time.*time=0\.0"):
        model.steady_state(["x"])
    got = model.steady_state(["x", "note"], time=2.0)
    assert got.values[0] == pytest.approx([3.0, 5.0], rel=1e-12)
    only_seen = compiled("x = 0; x' = 1 - x; note := time + x")
    assert only_seen.steady_state(["note"])["note"][0] == pytest.approx(1.0, rel=1e-12)


def test_the_course_leads_away_from_what_is_unstable():
    """Logistic growth from 0.01 ends at 1; Newton's method goes to 0, and is told unstable."""
    model = compiled("x = 0.01; x' = x*(1 - x)")
    course, newton = (model.steady_state(["x"], newton=way) for way in (None, True))
    assert course["x"][0] == pytest.approx(1.0, rel=1e-12)
    assert (course.stability, newton.stability) == (("stable",), ("unstable",))
    assert course.slowest[0] == pytest.approx(-1.0)
    assert newton["x"][0] == pytest.approx(0.0, abs=1e-9)
    assert newton.slowest[0] == pytest.approx(1.0)


def test_a_toggle_switch_ends_on_the_side_of_its_start():
    """u = 4 / (1 + v^3) and the reverse: two stable states and a saddle at u = v = 1.2838."""
    model = compiled("u = 1.2; v = 1; u' = 4/(1 + v^3) - u; v' = 4/(1 + u^3) - v")
    start = {"u": np.array([1.2, 1.0, 3.0]), "v": np.array([1.0, 1.2, 0.0])}
    got = model.steady_state(["u", "v"], initial=start)
    high, low = got["u"][0], got["v"][0]
    assert high == pytest.approx(4 / (1 + low**3), rel=1e-12)
    assert low == pytest.approx(4 / (1 + high**3), rel=1e-12)
    assert high > 3.9
    np.testing.assert_allclose(got.values, [[high, low], [low, high], [high, low]], rtol=1e-12)
    assert got.stability == ("stable",) * 3
    saddle = model.steady_state(["u", "v"], newton=True)
    assert saddle.values[0] == pytest.approx([1.28378166586] * 2)
    assert saddle.stability == ("unstable",)


def test_eigenvalues_by_hand_without_those_of_conserved_sums():
    """A <-> B at rates k and m: the sum is kept, the other eigenvalue is -(k + m)."""
    model = compiled("k = 0.3; m = 0.5; A = 2; B = 0; A' = m*B - k*A; B' = k*A - m*B; C = 1; C' = 4 - 2*C")
    k = np.array([0.3, 5.0])
    got = model.steady_state(["A"], parameters={"k": k})
    np.testing.assert_allclose(got["A"], 2 * 0.5 / (k + 0.5), rtol=1e-12)
    np.testing.assert_allclose(got.slowest, -np.minimum(k + 0.5, 2.0), rtol=1e-10)


def test_an_eigenvalue_that_is_zero_without_a_sum_is_marginal():
    """S -> P at rate S and S -> Q at rate S^2: at S = 0 any P rests, with P = ln(1 + S0), Q = S0 - P."""
    model = compiled("S = 3; P = 0; Q = 0; S' = -S - S^2; P' = S; Q' = S^2")
    got = model.steady_state(["P", "Q"])
    assert got.status == ("ok",)
    assert got.values[0] == pytest.approx([np.log(4.0), 3 - np.log(4.0)], rel=1e-6)
    assert got.stability == ("marginal",)


def test_a_steady_state_of_tiny_amounts_is_as_exact():
    model = compiled("a = 1e-13; x = 0; y = 0; x' = a - 0.5*x; y' = 0.5*x - 4*y")
    got = model.steady_state(["x", "y"])
    np.testing.assert_allclose(got.values[0], [2e-13, 0.25e-13], rtol=1e-12)


def test_slow_and_fast_units_of_time_come_to_the_same():
    for speed in (1e-8, 1.0, 1e8):
        model = compiled(f"q = {speed}; x = 0; y = 0; x' = q*(2 - x); y' = q*(x*x - y)")
        got = model.steady_state(["y"])
        assert got.status == ("ok",)
        assert got["y"][0] == pytest.approx(4.0, rel=1e-10)
        assert got.slowest[0] == pytest.approx(-speed)


def test_an_oscillation_never_settles():
    model = compiled("x = 1; v = 0; x' = v; v' = -x")
    got = model.steady_state(["x"])
    assert got.status == ("step_limit",)
    assert np.isnan(got["x"][0])
    assert got.stability == ("",)


@every_way
def test_a_root_at_zero_is_no_resting_place(newton):
    """x' = 1 - sqrt(x) from 0, where the slope is infinite: at rest at 1, eigenvalue -1/2."""
    got = compiled("x = 0; x' = 1 - sqrt(x)").steady_state(["x"], newton=newton)
    assert got.status == ("ok",)
    assert got["x"][0] == pytest.approx(1.0, rel=1e-8)
    assert got.slowest[0] == pytest.approx(-0.5, rel=1e-6)
