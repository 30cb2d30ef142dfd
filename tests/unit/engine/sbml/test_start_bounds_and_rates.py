"""Initial values, times of switches and rates of change, against values worked out by hand."""

import math

import numpy as np
import pytest

from eubiosis.engine import UnsupportedSbmlError, read_sbml
from eubiosis.engine.expressions import Call, Number, Symbol, evaluate
from plain_solver import solve
from sbml_text import (
    compartment,
    document,
    element,
    event,
    initial,
    maths,
    parameter,
    rate,
    reaction,
    rule,
    species,
)

T = np.linspace(0, 2, 9)
P, Q = parameter("p", 1), parameter("q", 2)


def course(text, *names):
    return solve(read_sbml(text), T, names).T


# --- initial values ----------------------------------------------------------------------------------


def test_initial_assignments_in_any_order_through_rules_and_reactions():
    """r = 3; z = r + 1 (rule); R = 2 z (law); p = R + q; q = 10."""
    text = document(
        compartment("c", 1),
        species("A", amount=0),
        *(parameter(name, 0) for name in ("p", "q", "r", "z")),
        initial("p", "R + q"),
        initial("q", "10"),
        initial("r", "q - 7"),
        rule("z", "r + 1 + time"),
        reaction("R", [], ["A"], "2 * z"),
    )
    system = read_sbml(text)
    assert system.constants["p"] == 18
    assert list(system.initial_rules).index("r") < list(system.initial_rules).index("p")


def test_initial_rules_recompute_what_depends_on_a_changed_parameter():
    """The same numbers as in a file in which the parameter has the other value."""

    def text(k):
        return document(
            compartment("c", k),
            compartment("v", 2),
            rule("v", "3 * c"),
            species("A", amount=6),
            species("B", "v", concentration=5),
            parameter("p", 0),
            parameter("z", 0),
            parameter("y", 1),
            rate("y", "-z"),
            rule("z", "p + c"),
            initial("p", "2 * c + B"),
            initial("y", "z^2"),
            reaction("R", ["A"], ["B"], "1"),
        )

    first, other = read_sbml(text(2.0)), read_sbml(text(0.5))
    assert first.initial_rules == other.initial_rules
    values = {**first.constants, **first.initial, "c": 0.5, "<time>": 0.0}
    for name, tree in first.initial_rules.items():
        assert not set(first.assigned) & set(_symbols(tree))
        values[name] = evaluate(tree, values)
    expected = {**other.constants, **other.initial}
    assert {name: values[name] for name in expected} == pytest.approx(expected, rel=1e-15)
    assert expected["A"] == 12
    assert expected["B.amount"] == 7.5
    assert expected["p"] == 6


def _symbols(tree):
    if isinstance(tree, Symbol):
        yield tree.name
    elif isinstance(tree, Call):
        for argument in tree.arguments:
            yield from _symbols(argument)


def test_initial_values_follow_floating_point():
    system = read_sbml(document(P, Q, parameter("r", "INF"), parameter("s", "NaN"), initial("p", "q / 0")))
    assert system.constants["p"] == math.inf
    assert system.constants["r"] == math.inf
    assert math.isnan(system.constants["s"])


def test_rules_and_assignments_without_mathematics_change_nothing():
    system = read_sbml(
        document(P, Q, parameter("r", 3), rule("p", None), rate("q", None), initial("r", None))
    )
    assert system.constants == {"p": 1.0, "q": 2.0, "r": 3.0}
    assert system.states == ()
    assert system.assigned == ()


# --- times of switches -------------------------------------------------------------------------------


def bounds(*formulas, trigger=None):
    extra = [] if trigger is None else [event("E", trigger, x="1")]
    parts = [parameter(f"u{i}") for i in range(len(formulas))]
    parts += [rule(f"u{i}", formula) for i, formula in enumerate(formulas)]
    quantities = [
        parameter("x", 1),
        parameter("lag"),
        parameter("clock"),
        parameter("double"),
        rule("lag", "2 * p + q"),
    ]
    quantities += [rule("clock", "time - 3"), rule("double", "2 * p")]
    system = read_sbml(document(P, Q, *quantities, *parts, *extra))
    return [evaluate(bound, system.constants) for bound in system.bounds]


@pytest.mark.parametrize(
    ("formula", "time"),
    [
        ("piecewise(1, time >= 5, 0)", 5),
        ("piecewise(1, 5 > time, 0)", 5),
        ("time < p + 4 * q", 9),
        ("time == lag", 4),
        ("time - 3 > 0", 3),
        ("clock > 4", 7),
        ("2 * time > 9", 4.5),
        ("time / q > 3", 6),
        ("-time < -8", 8),
        ("time > 10 - time", 5),
        ("3 * (clock + p) >= double", 2 + 2 / 3),
        ("3 + sin(double > time)", 2),
    ],
)
def test_the_time_of_a_switch(formula, time):
    assert bounds(formula) == [pytest.approx(time, rel=1e-15)]
    assert bounds(trigger=formula) == [pytest.approx(time, rel=1e-15)]


@pytest.mark.parametrize(
    "formula", ["p > q", "time > x", "time^2 > 4", "x * time > 3", "sin(time) > 0", "time > time"]
)
def test_what_has_no_constant_time_is_no_bound(formula):
    assert bounds(formula, trigger="time >= 1") == [1.0]


def test_equal_bounds_are_listed_once():
    assert bounds("time >= 5", "time < 5", "time > 6") == [5, 6]


# --- rates of change ---------------------------------------------------------------------------------


def test_the_rate_of_everything():
    """A' = -0.5 A in amounts, V' = 0.25, [B] = amount / V with amount' = 0.5 A."""
    text = document(
        compartment("c", 2),
        compartment("v", 4),
        rate("v", "0.25"),
        species("A", amount=8, hasOnlySubstanceUnits=True),
        species("B", "v", amount=4),
        species("C", "v", amount=4, constant=True, boundaryCondition=True),
        species("D", amount=6),
        P,
        *(parameter(f"r{name}") for name in "ABCDvp"),
        *(rule(f"r{name}", f"rateOf({name})") for name in "ABCDvp"),
        reaction("R", ["A"], ["B", "D"], "0.5 * A"),
    )
    a, v, b, c, ra, rb, rc, rd, rv, rp = course(text, "A", "v", "B", "C", *(f"r{name}" for name in "ABCDvp"))
    np.testing.assert_allclose(ra, -0.5 * a, rtol=1e-12)
    np.testing.assert_allclose(rv, 0.25)
    np.testing.assert_allclose(rb, (0.5 * a - b * 0.25) / v, rtol=1e-12)
    np.testing.assert_allclose(rc, -c * 0.25 / v, rtol=1e-12)
    np.testing.assert_allclose(rd, 0.25 * a, rtol=1e-12)
    assert set(rp) == {0.0}


def test_the_rate_in_rates_events_starts_and_functions():
    text = document(
        element(
            "functionDefinition",
            maths(
                "<lambda><bvar><ci>x</ci></bvar><apply><times/><cn>2</cn><apply><csymbol encoding='text' "
                "definitionURL='http://www.sbml.org/sbml/symbols/rateOf'>rateOf</csymbol><ci>x</ci></apply>"
                "</apply></lambda>"
            ),
            id="f",
        ),
        parameter("x", 1),
        parameter("y", 0),
        parameter("s", 0),
        parameter("hits", 0),
        rate("x", "3 - time"),
        rate("y", "f(x)"),
        initial("s", "rateOf(x) + 1"),
        event("E", "rateOf(x) < 2", hits="rateOf(x)"),
        compartment("c"),
        species("A", amount=1),
        reaction("R", ["A"], [], "rateOf(k)", local={"k": 3}),
    )
    system = read_sbml(text)
    assert system.constants["s"] == 4
    x, y, hits = course(text, "x", "y", "hits")
    np.testing.assert_allclose(x, 1 + 3 * T - T**2 / 2, rtol=1e-8)
    np.testing.assert_allclose(y, 2 * (x - 1), rtol=1e-8, atol=1e-12)
    assert hits[-1] == pytest.approx(2, abs=1e-8)
    assert system.rules["R"] == Number(0.0)


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ((rule("p", "3"), rate("q", "rateOf(p)")), ("q", "rateOf p", "assigns")),
        (
            (
                *(compartment("c"), rule("c", "time"), species("A", amount=1)),
                *(reaction("R", ["A"], [], "1"), rule("q", "rateOf(A)")),
            ),
            ("q", "rateOf A", "compartment c"),
        ),
        ((rate("p", "rateOf(q)"), rate("q", "rateOf(p)")), ("circle", "p.rate", "q.rate")),
    ],
)
def test_refused_rates(parts, words):
    with pytest.raises(UnsupportedSbmlError) as caught:
        read_sbml(document(P, Q, *parts))
    for word in words:
        assert word in str(caught.value)
