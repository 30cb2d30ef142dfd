"""Conditions of the time, drawn at random: as many rises, and as much time spent, as a fine grid shows."""

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from eubiosis.engine import Integral, Tolerances, compile
from sbml_text import document, event, parameter, rate, rule

END, POINTS = 20.0, 400_001
TIME = np.linspace(0, END, POINTS)
number = st.floats(0.2, 3).map(lambda value: round(value, 3))


@st.composite
def waves(draw, depth=2):
    """Return a function of the time as a formula, and its values on the grid."""
    kind = draw(st.sampled_from(["sin", "cos", "fade", "square", "sum", "product", "least", "rem", "root"]))
    a, b, c = draw(number), draw(number), draw(number)
    if depth == 0 or kind in ("sin", "cos"):
        name = kind if kind in ("sin", "cos") else "sin"
        return f"{a} * {name}({b} * time + {c})", a * getattr(np, name)(b * TIME + c)
    if kind == "fade":
        return f"{a} * exp(-time / {10 * b})", a * np.exp(-TIME / (10 * b))
    if kind == "rem":
        return f"{a} * rem(time, {b}) / {b}", a * np.fmod(TIME, b) / b
    (f, x), (g, y) = draw(waves(depth=depth - 1)), draw(waves(depth=depth - 1))
    forms = {
        "square": (f"({f})^2", x**2),
        "sum": (f"{f} + {g}", x + y),
        "product": (f"({f}) * ({g})", x * y),
        "least": (f"min({f}, {g})", np.minimum(x, y)),
        "root": (f"sqrt(2 + abs({f}))", np.sqrt(2 + np.abs(x))),
    }
    return forms[kind]


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow]
)
@given(waves(), st.floats(0.05, 0.95))
def test_conditions_of_the_time_against_a_fine_grid(wave, share):
    formula, values = wave
    level = float(np.round(values.min() + share * (values.max() - values.min()), 4))
    gap = values - level
    turning = (np.diff(gap[:-1]) * np.diff(gap[1:])) <= 0
    assume(np.abs(gap[1:-1][turning]).min(initial=1.0) > 1e-3)  # no peak that the grid may cut off
    assume(np.abs(gap[0]) > 1e-3)
    on = gap > 0
    rises = int((on[1:] & ~on[:-1]).sum())
    text = document(
        *(parameter(name, 0) for name in ("n", "x", "above")),
        rate("x", "1"),
        rule("above", f"piecewise(1, {formula} > {level}, 0)"),
        event("E", f"{formula} > {level}", n="n + 1"),
    )
    course = compile(text).solve([0, END], ["n"], reductions=[Integral("above")], tolerances=Tolerances(1e-6))
    assert course.status == ("ok",)
    assert course["n"][0, 1] == rises
    spent = on.mean() * END
    assert abs(course.reduced[Integral("above")][0] - spent) < 2e-4 * (1 + rises)


@pytest.mark.parametrize(
    ("formula", "plain"),
    [
        ("min(min({f}, {g}), {f})", "min({f}, {g})"),
        ("min({f}, min({f}, {g}))", "min({f}, {g})"),
        ("max(max({f}, {g}), {f})", "max({f}, {g})"),
        ("min(min(min({f}, {g}), {h}), {f})", "min(min({f}, {g}), {h})"),
        ("max(abs({g}), {g})", "abs({g})"),
        ("max(abs({g}) + {g}, 0) / 2", "max({g}, 0)"),
    ],
)
def test_a_choice_that_is_compared_with_its_own_term_is_that_choice(formula, plain):
    """Where f is the lesser, min(f, g) - f is zero as long as it is: no change that has to be looked for."""
    terms = {"f": "0.793 * cos(0.333 * time + 0.5)", "g": "2.783 * sin(2.528 * time + 2.189)"}
    terms["h"] = "0.9 * sin(1.3 * time)"
    found = []
    for one in (formula, plain):
        condition = f"{one.format(**terms)} > 0.2"
        text = document(
            *(parameter(name, 0) for name in ("n", "x", "above")),
            rate("x", "1"),
            rule("above", f"piecewise(1, {condition}, 0)"),
            event("E", condition, n="n + 1"),
        )
        tolerances = Tolerances(1e-6, max_steps=5_000)
        course = compile(text).solve([0, END], ["n"], reductions=[Integral("above")], tolerances=tolerances)
        assert course.status == ("ok",)
        found.append((course["n"][0, 1], course.reduced[Integral("above")][0]))
    assert found[0][0] == found[1][0] > 0
    assert abs(found[0][1] - found[1][1]) < 1e-9
