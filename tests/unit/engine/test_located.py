"""Switches and events are found, each at its time: every right value here is worked out by hand."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine_models import TIGHT_ANY_SIGN, compiled, same
from eubiosis.engine import Add, Integral, Maximum, Set, Tolerances, compile
from sbml_text import document, event, parameter, rate


def run(text, times, *names, **given_):
    solution = compiled(text).solve(times, names, tolerances=TIGHT_ANY_SIGN, **given_)
    assert set(solution.status) == {"ok"}
    return [solution[name][0] for name in names]


def infused(time, starts, width, amount, k):
    """x' = amount while an infusion runs, and -k x always."""
    total = 0.0
    for start in starts:
        end = min(time, start + width)
        if end > start:
            total += amount / k * (math.exp(-k * (time - end)) - math.exp(-k * (time - start)))
    return total


# --- by the time -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "window",
    [
        "time % 24 < 0.5",
        "time - 24*floor(time/24) < 0.5",
        "abs(time % 24 - 0.25) < 0.25",
        "!(time % 24 >= 0.5)",
        "sin(2*pi*(time % 24)/24 + 1.0) < sin(2*pi*0.5/24 + 1.0) && time % 24 < 1",
    ],
)
def test_a_periodic_infusion_happens_every_time(window):
    if window.startswith("sin"):
        window = "cos(2*pi*(time - 0.25)/24) > cos(2*pi*0.25/24)"
    (x,) = run(f"x = 0; k = 0.1; x' = -k*x + piecewise(10, {window}, 0)", [0, 100.3, 244], "x")
    for value, time in zip(x, (0, 100.3, 244), strict=True):
        assert value == pytest.approx(infused(time, np.arange(0, 300, 24), 0.5, 10, 0.1), rel=1e-8, abs=1e-12)


@pytest.mark.parametrize(
    "window",
    [
        "rem(time, 24) < 0.5",
        "xor(rem(time, 24) < 10, rem(time, 24) >= 0.5 && rem(time, 24) < 10)",
        "time - 24 * quotient(time, 24) <= 0.5",
        "time / 24 - 0.5 / 24 < floor(time / 24)",
        "ceil((time - 0.5) / 24) == floor(time / 24)",
        "min(rem(time, 24), 1) < 0.5 && max(rem(time, 24), 0.25) < 0.5",
        "rem(time, 24) < 0.5 && !(x < -1)",
    ],
)
def test_every_way_to_write_a_periodic_window(window):
    text = document(parameter("x", 0), rate("x", f"piecewise(10, {window}, 0) - 0.1 * x"))
    got = compile(text).solve([0, 100.3, 244], ["x"], tolerances=TIGHT_ANY_SIGN)
    for value, time in zip(got["x"][0], (0, 100.3, 244), strict=True):
        assert value == pytest.approx(infused(time, np.arange(0, 300, 24), 0.5, 10, 0.1), rel=1e-8, abs=1e-12)


@pytest.mark.parametrize("tolerance", [1e-3, 1e-6, 1e-10])
def test_a_plain_integral_of_windows_is_right_at_every_tolerance(tolerance):
    model = compiled("x = 0; x' = piecewise(1.05, time % 24 < 1, 0)")
    got = model.solve([0, 240], ["x"], tolerances=Tolerances(tolerance))
    assert got["x"][0, 1] == pytest.approx(10.5, rel=1e-9)
    drained = compiled("x = 0; k = 0.02; x' = -k*x + piecewise(20, time % 24 < 1, 0)")
    got = drained.solve([0, 720], ["x"], tolerances=Tolerances(tolerance))
    right = infused(720, np.arange(0, 720, 24), 1, 20, 0.02)
    assert got["x"][0, 1] == pytest.approx(right, rel=100 * tolerance)


def test_bounds_that_an_event_moves_are_followed():
    text = (
        "x = 0; dose = 24; x' = -0.1*x + piecewise(10, time >= dose && time < dose + 0.5, 0);"
        "at time >= dose + 1: dose = dose + 24"
    )
    (x,) = run(text, [0, 240], "x")
    assert x[1] == pytest.approx(infused(240, np.arange(24, 240, 24), 0.5, 10, 0.1), rel=1e-8)


def test_bounds_of_each_subject_and_bounds_that_an_input_moves():
    model = compiled("on = 1; width = 0.5; x = 0; x' = piecewise(1, time >= on && time < on + width, 0)")
    on, width = np.array([0.5, 2, 7, 100]), np.array([0.1, 1, 2, 1])
    got = model.solve([0, 10], ["x"], parameters={"on": on, "width": width})
    assert got["x"][:, 1] == pytest.approx([0.1, 1, 2, 0], rel=1e-9, abs=1e-12)
    moved = model.solve([0, 10], ["x"], inputs=[Set(3.0, "on", 6.0), Set(8.0, "on", 9.0)])
    assert moved["x"][0, 1] == pytest.approx(0.5 + 0.5 + 0.5, rel=1e-9)


def test_waves_are_solved_for_their_times():
    """sin t > 0.99 during pi - 2 asin 0.99 of each turn; the first time is at asin 0.99."""
    (y,) = run("y = 0; y' = piecewise(1, sin(time) > 0.99, 0)", [0, 2 * math.pi * 100], "y")
    assert y[1] == pytest.approx(100 * (math.pi - 2 * math.asin(0.99)), rel=1e-8)
    (n,) = run("n = 0; at exp(-0.1*time)*cos(20*time) > 0.3, t0=true: n = n + 1", [0, 50], "n")
    crests = sum(math.exp(-0.1 * t) * math.cos(20 * t) > 0.3 for t in np.arange(1, 200) * math.pi / 10)
    assert n[1] == crests  # peaks a little before the crests of the cosine are hardly higher
    (z,) = run("z = 0; z' = piecewise(1, time^2 > 4 && ln(time + 1) < 2, 0)", [0, 20], "z")
    assert z[1] == pytest.approx(math.exp(2) - 1 - 2, rel=1e-9)


@pytest.mark.parametrize(
    ("trigger", "times"),
    [
        ("cos(2*pi*time/24) >= 1", 24 * np.arange(1, 11)),
        ("cos(2*pi*time/24) == 1", 24 * np.arange(1, 11)),
        ("sin(time) == 1", math.pi * (2 * np.arange(40) + 0.5)),
        ("sin(time)^2 >= 1", math.pi * (np.arange(80) + 0.5)),
        ("(time - 3)^2 <= 0", [3]),
        ("sin(time) > 1 - 1e-9", math.pi * (2 * np.arange(40) + 0.5) - math.sqrt(2e-9)),
        ("exp(-(time - 3)^2/1e-6) > 0.5", [3 - math.sqrt(1e-6 * math.log(2))]),
        ("sin(time) > 1", []),
        ("sin(time) + sin(3.7*time) > 1.9999999", []),
    ],
)
def test_a_wave_that_touches_or_just_passes_its_border_fires(trigger, times):
    """No step is near these moments but by intent: nothing else moves fast."""
    text = f"n = 0; s = 0; x = 0; x' = 1; at {trigger}: n = n + 1, s = s + time"
    n, s = run(text, [0, 241], "n", "s")
    own = [time for time in times if time < 241]
    assert n[1] == len(own)
    assert s[1] == pytest.approx(sum(own), rel=1e-8)


def test_what_cannot_be_located_is_refused_by_name():
    model = compiled("x = 0; x' = 1; at factorial(time) > 7: x = 0")
    with pytest.raises(
        ValueError, match="event _E0: a comparison of factorial of what moves cannot be located"
    ):
        model.solve([0, 1], ["x"])


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 400), st.integers(1, 60), st.booleans())
def test_whole_numbers_are_exact(period, count, up):
    """floor(t / p) is n at n p to the last bit, for every whole p."""
    op = "floor" if up else "ceil"
    model = compiled(f"a := {op}(time/{period}); p = {period}; b := {op}(time/p); x = 0; x' = 1")
    times = np.arange(count + 1) * float(period)
    got = model.solve(times, ["a", "b"])
    assert got["a"][0].tolist() == list(range(count + 1))
    assert same(got["a"], got["b"])


# --- triggers that hold for a moment ---------------------------------------------------------------------


@pytest.mark.parametrize("period", [12, 0.1, 1 / 3, 7.3])
@pytest.mark.parametrize("trigger", ["time % p == 0", "time - p*floor(time/p) == 0", "!(time % p != 0)"])
def test_an_equality_fires_each_time(period, trigger):
    text = f"p = {period!r}; n = 0; x = 0; x' = 1; at {trigger}: n = n + 1"
    times = np.concatenate(([0.0], (np.arange(40) + 0.5) * period))
    (n,) = run(text, times, "n")
    assert n.tolist() == [0, *range(40)]


def test_an_equality_of_states_fires_where_they_pass_one_another():
    text = "n = 0; x = 0; x' = 1; y = 3; y' = -1; at x == y: n = n + 1, x = -9"
    n, x = run(text, [0, 1, 2, 3, 9], "n", "x")
    assert n.tolist() == [0, 0, 1, 1, 2]  # at 1.5, and with x = t - 10.5 again at 6.75
    assert x[[2, 4]] == pytest.approx([-8.5, -9 + 9 - 6.75])


@pytest.mark.parametrize(
    ("trigger", "at_one"),
    [
        *(("x > 1", 0), ("x >= 1", 1), ("time > 1", 0), ("time >= 1", 1), ("1 < x", 0), ("1 <= x", 1)),
        *(("!(x <= 1)", 0), ("x == 1", 1), ("x > 1 && time > 0.5", 0), ("floor(x) == 1", 1)),
        *(("floor(time) >= 1", 1), ("ceil(x) >= 2", 0), ("-x < -1", 0), ("x - 1 >= 0", 1)),
    ],
)
@pytest.mark.parametrize("outputs", [[0, 0.5, 1, 1.5], np.linspace(0, 2, 21)])
def test_what_holds_at_the_border_and_what_only_beyond(trigger, at_one, outputs):
    """With x' = 1, x > 1 does not hold yet at 1, and holds at every later time."""
    times = np.asarray(outputs, dtype=float)
    (f,) = run(f"f = 0; x = 0; x' = 1; at {trigger}: f = 1", times, "f")
    assert f[times < 1].tolist() == [0] * int((times < 1).sum())
    assert f[times == 1].tolist() == [at_one]
    assert f[times > 1].tolist() == [1] * int((times > 1).sum())


def test_conditions_at_the_start():
    for trigger, first in (("time > 0", 0), ("time >= 0", 1), ("x > 0", 0), ("x >= 0", 1), ("x == 0", 1)):
        (f,) = run(f"f = 0; x = 0; x' = 1; at {trigger}, t0=false: f = 1", [0, 1e-9, 1], "f")
        assert f.tolist() == [first, 1, 1], trigger


# --- by states -------------------------------------------------------------------------------------------


def test_a_window_on_a_clock_of_the_model():
    (x,) = run("x = 0; c = 0; c' = 1; x' = -0.1*x + piecewise(10, c >= 50 && c <= 50.5, 0)", [0, 60], "x")
    assert x[1] == pytest.approx(infused(60, [50], 0.5, 10, 0.1), rel=1e-8)


def test_a_window_narrower_than_any_step_fires():
    (f,) = run("s = 0; f = 0; s' = 0.4; at s > 0.18 && s < 0.19: f = 1", [0, 1], "f")
    assert f[1] == 1
    (n,) = run("s = 0; n = 0; s' = 1; at s > 5 && s < 5 + 1e-7: n = n + 1", [0, 10], "n")
    assert n[1] == 1


@settings(deadline=None, max_examples=40)
@given(st.floats(1e-8, 0.5), st.floats(0.3, 3), st.integers(-9, 6))
def test_a_peak_that_passes_a_threshold_for_a_moment_is_seen(depth, omega, size):
    """The sine passes 1 - depth upwards once a turn, however short the time above it."""
    scale = 10.0**size
    text = (
        f"x = 0; v = {omega * scale!r}; n = 0; x' = v; v' = -{omega * omega!r}*x;"
        f"at x > {(1 - depth) * scale!r}: n = n + 1"
    )
    tight = Tolerances(1e-12, negative=np.inf)
    got = compiled(text).solve([0, 10 * math.pi / omega], ["n"], tolerances=tight)
    assert got["n"][0, 1] == 5


def test_both_sides_of_a_kink_are_smooth_pieces():
    """x' = max(0, p - 1/2) with p = sin t: over one turn the integral is sqrt 3 - pi / 3."""
    text = "p = 0; q = 1; p' = q; q' = -p; x = 0; x' = max(0, p - 0.5); y = 0; y' = abs(q);"
    text += "z = 0; z' = min(p, 0)"
    x, y, z = run(text, [0, 2 * math.pi], "x", "y", "z")
    assert x[1] == pytest.approx(math.sqrt(3) - math.pi / 3, rel=1e-8)
    assert y[1] == pytest.approx(4, rel=1e-9)
    assert z[1] == pytest.approx(-2, rel=1e-9)


def test_a_stop_at_a_threshold_stays_there():
    (x,) = run("x = 1; x' = -piecewise(1, x > 0.25, 0)", [0, 0.5, 1, 50], "x")
    assert x == pytest.approx([1, 0.5, 0.25, 0.25], rel=1e-12)


def test_a_border_that_holds_the_course_has_a_word_of_its_own():
    model = compiled("x = 0; x' = 1 - 2*piecewise(1, x > 1, 0)")
    got = model.solve([0, 0.5, 2], ["x"], tolerances=TIGHT_ANY_SIGN)
    assert got.status == ("sliding",)
    assert got["x"][0, 1] == pytest.approx(0.5)
    assert np.isnan(got["x"][0, 2])


def test_integrals_and_extremes_of_what_switches():
    model = compiled(
        "p = 0; q = 1; p' = q; q' = -p; above := piecewise(1, p > 0.5, 0); w := piecewise(p, p < 0.9, 0)"
    )
    wanted = [Integral("above"), Maximum("w")]
    got = model.solve([0, 2 * math.pi], ["p"], reductions=wanted, tolerances=TIGHT_ANY_SIGN)
    assert got.reduced[wanted[0]][0] == pytest.approx(2 * math.pi / 3, rel=1e-8)
    assert got.reduced[wanted[1]][0] == pytest.approx(0.9, rel=2e-3)
    plain = model.solve([0, 2 * math.pi], ["p"], tolerances=TIGHT_ANY_SIGN)
    assert same(got.values, plain.values)


def test_a_dose_that_crosses_a_threshold_is_a_crossing():
    text = "x = 0; f = 0; x' = -x; y = 0; y' = piecewise(1, x > 0.5, 0); at x > 0.5: f = f + 1"
    f, y = run(text, [0, 1, 5], "f", "y", inputs=[Add(0.5, "x", 1.0), Add(3.0, "x", 2.0)])
    assert f[2] == 2
    left = 2 + math.exp(-2.5)
    assert y[2] == pytest.approx(math.log(2) + min(math.log(left / 0.5), 2), rel=1e-8)


def test_the_bits_of_a_subject_with_switches_do_not_depend_on_its_company():
    text = (
        "a = 1; x = 0; n = 0; k = 0; c = 0; c' = 1; x' = a*piecewise(1, c % 3 < 1, 0) - 0.3*x;"
        "E: at 0.7 after (x > 0.4): n = n + x; F: at time % 2 == 0: k = k + a"
    )
    model, people = compiled(text), 23
    a = np.linspace(0.5, 3, people)
    times = np.linspace(0, 20, 41)
    whole = model.solve(times, ["x", "n", "k"], parameters={"a": a}, threads=2)
    order = np.random.default_rng(1).permutation(people)
    other = model.solve(times, ["x", "n", "k"], parameters={"a": a[order]}, threads=1)
    assert set(whole.status) == {"ok"}
    assert same(np.ascontiguousarray(whole.values[order]), np.ascontiguousarray(other.values))
    alone = model.solve(times, ["x", "n", "k"], parameters={"a": a[7]})
    assert same(alone.values[0], whole.values[7])


# --- the meaning of events -------------------------------------------------------------------------------


def course(parts, times, *names):
    solution = compile(document(*parts)).solve(times, names, tolerances=TIGHT_ANY_SIGN)
    assert solution.status == ("ok",)
    return [solution[name][0].tolist() for name in names]


def test_an_event_is_triggered_again_while_it_waits_and_each_execution_happens():
    """E waits behind F and G, which turn its trigger off and on again: two executions."""
    parts = [parameter("a", 0), parameter("n", 0), parameter("x", 0), rate("x", "1")]
    parts += [
        event("E", "x >= 1 && a < 0.5", priority="1", n="n + 1", trigger_values=False),
        event("F", "x >= 1", priority="10", a="1"),
        event("G", "a > 0.5", priority="5", a="0"),
    ]
    assert course(parts, [0, 2], "n") == [[0, 2]]


def test_delays():
    """Values of the trigger or of the execution; what does not persist is dropped; each rise counts."""
    base = [parameter("n", 0), parameter("x", 0), rate("x", "1")]
    times = [0, 1, 2.9, 3, 3.5]
    late = event("E", "x >= 1", delay="2", n="x")
    assert course([*base, late], times, "n")[0] == pytest.approx([0, 0, 0, 1, 1])
    now = event("E", "x >= 1", delay="2", n="x", trigger_values=False)
    assert course([*base, now], times, "n")[0] == pytest.approx([0, 0, 0, 3, 3])
    dropped = event("E", "x >= 1 && x < 2", delay="2", n="x", persistent=False)
    assert course([*base, dropped], times, "n")[0] == [0, 0, 0, 0, 0]
    kept = event("E", "x >= 1 && x < 2", delay="2", n="x")
    assert course([*base, kept], times, "n")[0] == pytest.approx([0, 0, 0, 1, 1])
    often = event("E", "rem(x, 1) >= 0.5", delay="2.25", n="n + 1", trigger_values=False)
    assert course([*base, often], [0, 2.5, 3, 4, 5, 6], "n")[0] == [0, 0, 1, 2, 3, 4]
    growing = event("E", "rem(x, 1) >= 0.5", delay="x", n="n + 1", trigger_values=False)
    assert course([*base, growing], [0, 0.9, 1.1, 2.9, 3.1, 4.9, 5.1], "n")[0] == [0, 0, 1, 1, 2, 2, 3]


def test_executions_that_fall_together_follow_their_priorities_then():
    """E with delay 2 and F are due at 3; F counts first or last by its priority."""
    for priority, result in (("1", 2 * (0 + 1)), ("3", 2 * 0 + 1)):
        parts = [
            *(parameter("n", 0), parameter("x", 0), rate("x", "1")),
            event("E", "x >= 1", delay="2", priority="2", n="n + 1", trigger_values=False),
            event("F", "time >= 3", priority=priority, n="2 * n", trigger_values=False),
        ]
        assert course(parts, [0, 2, 3, 4], "n")[0] == [0, 0, result, result]


def test_a_delay_that_is_none_fails_the_subject():
    model = compiled("d = 1; n = 0; x = 0; x' = 1; E: at d after (x > 1): n = 1")
    got = model.solve([0, 3], ["n"], parameters={"d": np.array([1.0, -1.0, np.nan, 0.0])})
    assert got.status == ("ok", "event_failure", "event_failure", "ok")


# --- sensitivities across what switches ------------------------------------------------------------------

SMOOTH_PIECES = [
    ("y = 0; k = 1; x = 0; y' = k; x' = piecewise(1, y < 5, 0)", ["k"]),
    ("x = 0; thr = 0.7; x' = piecewise(1, x < thr, 0.5)", ["thr"]),
    ("x = 0; tau = 3; x' = floor(time/tau) - 0.1*x", ["tau"]),
    ("x = 0; tau = 3; w = 0.4; x' = piecewise(1, time % tau < w, 0) - 0.1*x", ["tau", "w"]),
    ("x = 1; k = 0.5; thr = 0.4; d = 2; x' = -k*x; at x < thr: x = x*d + k", ["k", "thr", "d"]),
    ("x = 1; k = 0.5; on = 1; p = 1; x' = -k*x*p; at time >= on: p = 2*k + time", ["k", "on"]),
    ("x = 1; k = 0.5; x' = -k*x + max(0, sin(time) - k) + abs(x - k)/10", ["k"]),
    (
        "x = 1; k = 0.5; n = 0.2; x' = 1 - k*x; at x > 1.4: x = x - k - n, n = n*k; at n < 0.04: x = x + n",
        ["k"],
    ),
]


@pytest.mark.parametrize(("text", "by"), SMOOTH_PIECES)
def test_derivatives_carry_the_jump_of_a_moving_moment(text, by):
    model, times = compiled(text), [0, 1.1, 10.3]
    got = model.sensitivities(times, ["x"], by, tolerances=TIGHT_ANY_SIGN)
    assert got.solution.status == ("ok",)
    for name in by:
        value = model.system.constants[name]
        step = 1e-4 * value
        near = {name: value + step * np.array([-2, -1, 1, 2])}
        runs = model.solve(times, ["x"], parameters=near, tolerances=TIGHT_ANY_SIGN)["x"]
        slopes = (runs[0] - 8 * runs[1] + 8 * runs[2] - runs[3]) / (12 * step)
        np.testing.assert_allclose(got.of("x", name)[0], slopes, rtol=2e-6, atol=1e-7)


def test_the_derivative_of_a_switching_time_is_exact():
    model = compiled("y = 0; k = 1; z = 0; y' = k; z' = piecewise(1, y < 5, 0)")
    got = model.sensitivities([0, 10], ["z"], ["k"], parameters={"k": np.array([1.0, 2.0])})
    assert got.of("z", "k")[:, 1] == pytest.approx([-5, -5 / 4], rel=1e-9)


def test_two_moments_that_part_have_no_derivative():
    """At p = 1 both switches fall together, and the slopes to the left and right differ."""
    model = compiled("p = 1; x = 0; y = 0; y' = 1; x' = piecewise(1, y < p, 0)*piecewise(1, time < 2 - p, 3)")
    got = model.sensitivities([0, 3], ["x"], ["p"])
    assert got.solution.status == ("non_finite",)
