"""Solver corners that SBML files ask for: one time only, numbers that are not finite, nothing that moves."""

import math

import numpy as np
import pytest

import plain_solver
from eubiosis.engine import Tolerances, compile, read_sbml
from sbml_text import document, event, parameter, rate, rule

TIMES = np.linspace(0, 4, 17)
TIGHT = Tolerances(1e-9, 1e-13, negative=math.inf)


def parameters(**values):
    return [parameter(name, value) for name, value in values.items()]


def solve(text, *names, times=TIMES):
    solution = compile(read_sbml(text)).solve(times, names, tolerances=TIGHT)
    assert solution.status == ("ok",)
    return solution.values[0].T


def test_one_time_is_the_start_and_what_happens_there():
    text = document(*parameters(x=3, n=0), rate("x", "-x"), event("E", "time >= 0", n="7", initial=False))
    assert solve(text, "x", "n", times=[0.0]).tolist() == [[3], [7]]


def test_a_value_that_is_not_there_yet_spoils_nothing_else():
    """p has no value before the event at 2; q and z do not need it."""
    text = document(
        *parameters(p=None, q=1, z=None, w=None),
        rate("q", "1"),
        rule("z", "2 * q"),
        rule("w", "p + q"),
        event("E", "time >= 2", p="5"),
    )
    p, q, z, w = solve(text, "p", "q", "z", "w")
    early = TIMES < 2
    assert np.isnan(p[early]).all()
    assert np.isnan(w[early]).all()
    assert set(p[~early]) == {5}
    np.testing.assert_allclose(q, 1 + TIMES, rtol=1e-9)
    np.testing.assert_allclose(z, 2 + 2 * TIMES, rtol=1e-9)
    np.testing.assert_allclose(w[~early], 6 + TIMES[~early], rtol=1e-9)


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        ("0/0", math.nan),
        ("0/(x - x)", math.nan),
        ("1/0", math.inf),
        ("-1/0", -math.inf),
        ("-x/0", -math.inf),
        ("p - p", math.nan),
        ("p + 1", math.inf),
        ("0 * infinity", math.nan),
        ("ln(0)", -math.inf),
        ("sqrt(-1)", math.nan),
        ("exp(1000)", math.inf),
        ("piecewise(1/(x - x), x > 100, 5)", 5),
        ("piecewise(x, x > 100)", math.nan),
        ("notanumber == notanumber", 0),
        ("0^0", 1),
    ],
)
def test_undefined_mathematics_follows_floating_point(formula, value):
    text = document(*parameters(x=1, p="INF", z=None), rate("x", "-x"), rule("z", formula))
    np.testing.assert_array_equal(solve(text, "z")[0], np.full(len(TIMES), value))


EVENTS = {
    "at the start": [event("E", "time >= 0", a="7", initial=False), event("F", "a > 5", b="1")],
    "not at the start": [event("E", "time >= 0", a="7")],
    "a cascade by priority": [
        event("E", "time >= 1", priority="1", a="1"),
        event("F", "a > 0.5", priority="5", b="c + 1"),
        event("G", "time >= 1", priority="3", c="10"),
    ],
    "dropped": [
        event("E", "time >= 1 && b < 0.5", priority="1", a="1", persistent=False),
        event("F", "time >= 1", priority="2", b="1"),
    ],
    "kept": [
        event("E", "time >= 1 && b < 0.5", priority="1", a="1"),
        event("F", "time >= 1", priority="2", b="1"),
    ],
    "values of the execution": [
        event("E", "time >= 1", priority="1", a="b", trigger_values=False),
        event("F", "time >= 1", priority="2", b="1"),
    ],
    "values of the trigger": [
        event("E", "time >= 1", priority="1", a="b"),
        event("F", "time >= 1", priority="2", b="1"),
    ],
    "by a state, again and again": [event("E", "x < 0.4", x="1", a="a + 1")],
    "by the rate of a state": [event("E", "rateOf(x) > -0.5", a="time")],
    "after a delay, with the values of the trigger": [
        event("E", "x < 0.7", delay="1.1", a="x", b="time"),
        event("F", "b > 0.1", delay="a", c="x + time", trigger_values=False),
    ],
    "after a delay, unless it is over by then": [
        event("E", "x < 0.7 && x > 0.3", delay="1.1", a="1", persistent=False),
        event("F", "x < 0.7 && x > 0.3", delay="0.4", b="1", persistent=False),
    ],
    "after delays, by priority": [
        event("E", "time >= 0.5", delay="1.5", priority="c", a="a + 1", trigger_values=False),
        event("F", "time >= 1.25", delay="0.75", priority="1", a="2 * a", trigger_values=False),
        event("G", "time >= 1.75", c="5"),
    ],
    "after a time, not at it": [event("E", "time > 1", a="1"), event("F", "time == 2", b="1")],
}


@pytest.mark.parametrize("case", EVENTS)
@pytest.mark.parametrize("moving", [True, False])
def test_events_against_plain_python(case, moving):
    """The same file through two event loops that share no code; also where nothing moves at all."""
    parts = [*parameters(a=0, b=0, c=0), parameter("x", 1), *EVENTS[case]]
    text = document(*parts, rate("x", "-x")) if moving else document(*parts)
    names = ("a", "b", "c", "x")
    expected = plain_solver.solve(read_sbml(text), TIMES, names)
    np.testing.assert_allclose(solve(text, *names).T, expected, rtol=1e-6, atol=1e-9)
