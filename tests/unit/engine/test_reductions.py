"""Numbers accumulated on the way, against closed forms."""

import tracemalloc

import numpy as np
import pytest

from engine_models import TIGHT, TIGHT_ANY_SIGN, compiled, same
from eubiosis.engine import Add, Integral, Last, Maximum, Minimum, Set, Tolerances


@pytest.fixture(scope="module")
def oscillator():
    return compiled("w = 2; a = 3; x = 0; v = 6; x' = v; v' = -w^2*x; square := x*x; c := a + time*0")


def test_integrals_have_the_order_of_the_method(oscillator):
    """x = 3 sin 2t: its integral to t is 3 (1 - cos 2t) / 2, that of x^2 is 9 (t / 2 - sin(4t) / 8)."""
    wanted = [Integral("x"), Integral("square"), Integral("a")]
    got = oscillator.solve([0.0, 5.0], reductions=wanted, tolerances=TIGHT_ANY_SIGN).reduced
    assert got[wanted[0]][0] == pytest.approx(1.5 * (1 - np.cos(10.0)), rel=1e-9)
    assert got[wanted[1]][0] == pytest.approx(9 * (2.5 - np.sin(20.0) / 8), rel=1e-9)
    assert got[wanted[2]][0] == pytest.approx(15.0, rel=1e-13)


@pytest.mark.parametrize("relative", [1e-4, 1e-6, 1e-8])
def test_extremes_are_located_between_points(oscillator, relative):
    """x = 3 sin 2t reaches 3 and -3, x^2 reaches 9: missed by the error of the course and no more."""
    wanted = [Minimum("x"), Maximum("x"), Maximum("square"), Minimum("square")]
    tolerances = Tolerances(relative, relative * 1e-3)
    got = oscillator.solve([0.0, 5.0], reductions=wanted, tolerances=tolerances)
    assert got.effort[0, 0] < 500  # points a quarter of a step apart would miss by 1e-4 of it
    low, high, top, least = (got.reduced[w][0] for w in wanted)
    error = 50 * relative
    assert high == pytest.approx(3, rel=error)
    assert low == pytest.approx(-3, rel=error)
    assert top == pytest.approx(9, rel=2 * error)
    assert 0 <= least < 9e-3 * relative**0.25


def test_the_peak_of_a_dose_is_located():
    """Bateman: with ka = 1.2 and k = 0.3 the peak is at ln(ka / k) / (ka - k), the height by hand."""
    model = compiled(
        "ka = 1.2; k = 0.3; gut = 10; x = 0; gut' = -ka*gut; x' = ka*gut - k*x; y := x^2/(1 + x)"
    )
    k = np.array([0.3, 0.1, 0.9])
    wanted = [Maximum("x"), Maximum("y")]
    got = model.solve([0.0, 40.0], values={"k": k}, reductions=wanted, tolerances=Tolerances(1e-6))
    at = np.log(1.2 / k) / (1.2 - k)
    peak = 10 * 1.2 / (1.2 - k) * (np.exp(-k * at) - np.exp(-1.2 * at))
    np.testing.assert_allclose(got.reduced[wanted[0]], peak, rtol=2e-6)
    np.testing.assert_allclose(got.reduced[wanted[1]], peak**2 / (1 + peak), rtol=4e-6)


def test_no_extreme_is_reported_that_the_course_does_not_reach():
    """A kink and a jump: the polynomial between points overshoots, the reported values do not."""
    model = compiled(
        "x = 0; x' = 1; kink := abs(x - 1.3); jump := piecewise(1, x < 2.1, 0); top := min(x, 2.7)"
    )
    wanted = [Maximum("kink"), Minimum("kink"), Maximum("jump"), Minimum("jump"), Maximum("top")]
    got = model.solve([0.0, 4.0], reductions=wanted).reduced
    assert [got[w][0] for w in wanted] == pytest.approx([2.7, 0.0, 1.0, 0.0, 2.7], abs=1e-9)
    assert all(got[w][0] <= high for w, high in zip(wanted[2:], (1.0, 0.0, 2.7 + 1e-12), strict=True))


def test_extremes_take_in_both_sides_of_every_change():
    """A bolus that is halved at once would be missed by points inside the steps."""
    model = compiled("k = 1; u = 0; x = 2; x' = -k*x; y := x + u")
    inputs = [Add(1.0, "x", 10.0), Set(2.0, "x", 0.5), Set(2.0, "u", 7.0), Set(3.0, "u", 0.0)]
    wanted = [Maximum("x"), Minimum("x"), Maximum("y"), Maximum("u"), Minimum("u")]
    got = model.solve([0.0, 2.5], reductions=wanted, inputs=inputs, tolerances=TIGHT).reduced
    top = 2 * np.exp(-1) + 10
    assert got[wanted[0]][0] == pytest.approx(top, rel=1e-9)
    assert got[wanted[1]][0] == pytest.approx(0.5 * np.exp(-0.5), rel=1e-9)
    assert got[wanted[2]][0] == pytest.approx(top, rel=1e-9)
    assert got[wanted[3]][0] == 7.0
    assert got[wanted[4]][0] == 0.0


def test_a_quantity_that_drops_at_a_switch_is_seen_before_it_drops():
    model = compiled("x = 0; x' = 1; ramp := piecewise(time, time < 1, 0)")
    reduced = model.solve([0, 2], reductions=[Maximum("ramp"), Minimum("ramp")]).reduced
    assert reduced[Maximum("ramp")][0] == pytest.approx(1.0, rel=1e-14)
    assert reduced[Minimum("ramp")][0] == 0.0


def test_the_start_and_the_end_count_as_well():
    model = compiled("x = 5; x' = -x")
    wanted = [Maximum("x"), Minimum("x"), Last("x")]
    got = model.solve([0.0, 2.0], ["x"], reductions=wanted, inputs=[Add(2.0, "x", 50.0)], tolerances=TIGHT)
    end = 5 * np.exp(-2)
    assert got.reduced[wanted[0]][0] == pytest.approx(end + 50, rel=1e-9)
    assert got.reduced[wanted[1]][0] == pytest.approx(end, rel=1e-9)
    assert got.reduced[wanted[2]][0] == got["x"][0, 1]
    rising = model.solve([0.0, 2.0], reductions=wanted, tolerances=TIGHT).reduced
    assert rising[wanted[0]][0] == 5.0


def test_integrals_add_up_over_changes_and_parts():
    """The integral over a year is the sum of those over its halves, with boluses in both."""
    model = compiled("k = 0.7; x = 1; x' = -k*x")
    doses = [Add(0.5, "x", 2.0), Add(3.0, "x", 1.0)]
    whole = model.solve([0.0, 4.0], reductions=[Integral("x")], inputs=doses, tolerances=TIGHT)
    first = model.solve([0.0, 2.0], reductions=[Integral("x")], inputs=doses[:1], tolerances=TIGHT)
    second = model.solve(
        [2.0, 4.0], reductions=[Integral("x")], inputs=doses[1:], initial=first.states, tolerances=TIGHT
    )
    total = first.reduced[Integral("x")][0] + second.reduced[Integral("x")][0]
    assert whole.reduced[Integral("x")][0] == pytest.approx(total, rel=1e-10)
    # what came in minus what is left, over the rate
    assert total == pytest.approx((1 + 2 + 1 - whole.states[0, 0]) / 0.7, rel=1e-10)


def test_last_is_the_value_at_the_last_time(oscillator):
    wanted = [Last("square"), Last("c"), Last("w")]
    a = np.array([1.0, 2.0])
    got = oscillator.solve(
        np.linspace(0, 3, 7),
        ["square", "c"],
        parameters={"a": a},
        reductions=wanted,
        inputs=[Set(3.0, "w", 9.0)],
    )
    assert same(got.reduced[wanted[0]], np.ascontiguousarray(got["square"][:, -1]))
    assert got.reduced[wanted[1]].tolist() == [1.0, 2.0]
    assert got.reduced[wanted[2]].tolist() == [9.0, 9.0]


def test_reductions_do_not_depend_on_output_points(oscillator):
    wanted = [Integral("square"), Maximum("x"), Minimum("v"), Last("x")]
    few = oscillator.solve([0.0, 5.0], reductions=wanted)
    many = oscillator.solve(np.linspace(0, 5, 301), ["x", "square"], reductions=wanted)
    for reduction in wanted:
        assert same(few.reduced[reduction], many.reduced[reduction])


def test_nothing_is_kept_for_output_points_that_nobody_asked_to_see(oscillator):
    """200 000 points of two states and 40 subjects would be 128 megabytes."""
    loose = Tolerances(1e-4, 1e-4, negative=np.inf)
    times, w = np.linspace(0, 5, 200_001), np.linspace(1, 2, 40)
    oscillator.solve([0, 5], reductions=[Integral("x")], parameters={"w": w}, tolerances=loose)
    tracemalloc.start()
    got = oscillator.solve(times, (), reductions=[Integral("x")], parameters={"w": w}, tolerances=loose)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert got.values.shape == (40, 200_001, 0)
    assert peak < 8 * times.nbytes
