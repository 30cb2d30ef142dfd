"""What a species' symbol means, in every kind of compartment: closed forms worked out by hand."""

import math

import numpy as np
import pytest

from eubiosis.engine import UnsupportedSbmlError, read_sbml
from eubiosis.engine.expressions import Call, Number, Symbol
from plain_solver import solve
from sbml_text import (
    compartment,
    document,
    event,
    initial,
    parameter,
    rate,
    reaction,
    reference,
    rule,
    species,
)

T = np.linspace(0, 2, 9)


def course(text, *names):
    return solve(read_sbml(text), T, names).T


def test_a_concentration_in_a_constant_volume_is_a_state():
    """A -> B with law c k A: [A] = 2 exp(-k t) from amount 8 in 4 litres; B appears in 2 litres."""
    system = read_sbml(
        document(
            compartment("c", 4),
            compartment("d", 2),
            species("A", amount=8),
            species("B", "d", concentration=0.5),
            parameter("k", 0.3),
            reaction("R", ["A"], ["B"], "c * k * A"),
        )
    )
    assert system.states == ("A", "B")
    assert system.initial == {"A": 2.0, "B": 0.5}
    assert system.initial_rules == {"A": Call("/", (Number(8.0), Symbol("c")))}
    a, b, r = solve(system, T, ("A", "B", "R")).T
    np.testing.assert_allclose(a, 2 * np.exp(-0.3 * T), rtol=1e-8)
    np.testing.assert_allclose(b, 0.5 + (8 - 4 * a) / 2, rtol=1e-8)
    np.testing.assert_allclose(r, 4 * 0.3 * a, rtol=1e-12)


def test_a_species_in_amounts_ignores_the_volume():
    text = document(
        compartment("c", 4),
        species("A", concentration=2, hasOnlySubstanceUnits=True),
        parameter("k", 0.3),
        reaction("R", ["A"], [], "k * A"),
    )
    system = read_sbml(text)
    assert system.initial == {"A": 8.0}
    assert system.initial_rules == {"A": Call("*", (Number(2.0), Symbol("c")))}
    np.testing.assert_allclose(course(text, "A")[0], 8 * np.exp(-0.3 * T), rtol=1e-8)


def test_a_growing_volume_dilutes_a_concentration_and_keeps_the_amount():
    """V = 2 exp(t/2), amount 6 constant: [A] = 3 exp(-t/2)."""
    parts = [compartment("c", 2), rate("c", "c / 2")]
    for constant in (False, True):
        text = document(*parts, species("A", amount=6, constant=constant, boundaryCondition=constant))
        system = read_sbml(text)
        assert system.states == ("c",)
        assert system.constants["A.amount"] == 6
        np.testing.assert_allclose(course(text, "A")[0], 3 * np.exp(-T / 2), rtol=1e-8)


def test_a_reaction_in_a_volume_that_grows():
    """d(amount)/dt = V r with V = 1 + t and r = 2: amount = 2 (t + t^2/2), [A] = amount / V."""
    text = document(
        compartment("c", 1),
        rule("c", "1 + time"),
        species("A", concentration=0),
        reaction("R", [], ["A"], "2 * c"),
    )
    system = read_sbml(text)
    assert system.states == ("A.amount",)
    amount, concentration = course(text, "A.amount", "A")
    np.testing.assert_allclose(amount, 2 * (T + T**2 / 2), rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(concentration, amount / (1 + T), rtol=1e-12)


def test_a_rate_rule_is_for_the_concentration_even_when_the_volume_changes():
    text = document(compartment("c", 2), rate("c", "1"), species("A", amount=6), rate("A", "-A"))
    system = read_sbml(text)
    assert set(system.states) == {"c", "A"}
    np.testing.assert_allclose(course(text, "A")[0], 3 * np.exp(-T), rtol=1e-8)


def test_an_event_on_the_volume_keeps_the_amount_of_a_concentration_with_a_rate_rule():
    """At t = 1 the volume doubles, so the concentration halves, and then follows its rule again."""
    text = document(
        compartment("c", 2),
        species("A", concentration=3),
        rate("A", "0.5"),
        event("E", "time >= 1", c="4"),
    )
    expected = np.where(T < 1, 3 + 0.5 * T, 3.5 / 2 + 0.5 * (T - 1))
    np.testing.assert_allclose(course(text, "A")[0], expected, rtol=1e-8)


def test_an_event_on_a_parameter_that_sets_the_volume_counts_as_well():
    text = document(
        compartment("c"),
        rule("c", "2 * p"),
        parameter("p", 1),
        species("A", concentration=3),
        species("B", concentration=5),
        rate("A", "0.5"),
        event("E", "time >= 1", p="p * 2"),
    )
    a, b = course(text, "A", "B")
    np.testing.assert_allclose(a, np.where(T < 1, 3 + 0.5 * T, 3.5 / 2 + 0.5 * (T - 1)), rtol=1e-8)
    np.testing.assert_allclose(b, np.where(T < 1, 5, 2.5), rtol=1e-12)


@pytest.mark.parametrize("at_trigger", [True, False])
def test_an_event_that_sets_volume_and_concentration_together(at_trigger):
    """What is assigned is an amount, in the volume before: (3 + 1) x 2, so 8 / 5 in the new one."""
    text = document(
        compartment("c", 2),
        species("A", concentration=3),
        species("B", concentration=1),
        event("E", "time >= 1", c="5", A="A + 1", trigger_values=at_trigger),
    )
    a, b, amount = course(text, "A", "B", "A.amount")
    np.testing.assert_allclose(a, np.where(T < 1, 3, 1.6))
    np.testing.assert_allclose(b, np.where(T < 1, 1, 0.4))
    np.testing.assert_allclose(amount, np.where(T < 1, 6, 8))


def test_an_assigned_concentration_is_not_overtaken_by_another_event_on_the_volume():
    """Both fire at t = 1; the volume changes first, then A is 7: what was assigned is the concentration."""
    parts = (compartment("c", 2), species("A", concentration=3))
    for trigger_values in (True, False):
        first = event("grow", "time >= 1", priority="2", c="8")
        second = event("dose", "time >= 1", priority="1", A="7", trigger_values=trigger_values)
        a, amount = course(document(*parts, first, second), "A", "A.amount")
        np.testing.assert_allclose(a, np.where(T < 1, 3, 7))
        np.testing.assert_allclose(amount, np.where(T < 1, 6, 56))


def test_values_kept_from_the_trigger_are_those_of_the_trigger():
    """dose assigns A + 1 with A from before the volume changed: 4, whatever A is when it is executed."""
    text = document(
        compartment("c", 2),
        species("A", concentration=3),
        event("grow", "time >= 1", priority="2", c="8"),
        event("dose", "time >= 1", priority="1", A="A + 1"),
    )
    np.testing.assert_allclose(course(text, "A")[0], np.where(T < 1, 3, 4))


def test_a_point_has_no_volume():
    text = document(
        compartment("c", None, 0),
        species("A", amount=8),
        parameter("k", 0.3),
        reaction("R", ["A"], [], "k * A"),
    )
    np.testing.assert_allclose(course(text, "A")[0], 8 * np.exp(-0.3 * T), rtol=1e-8)


def test_a_compartment_without_size_leaves_amounts_and_nothing_else():
    parts = (compartment("c", None), species("A", amount=8), parameter("k", 0.3))
    a, amount = course(document(*parts, reaction("R", ["A"], [], "k")), "A", "A.amount")
    assert np.isnan(a).all()
    np.testing.assert_allclose(amount, 8 - 0.3 * T)
    with pytest.raises(UnsupportedSbmlError, match="no value for c"):
        read_sbml(document(*parts, reaction("R", ["A"], [], "k * A")))


def test_boundary_and_constant_species_are_not_changed_by_reactions():
    text = document(
        compartment("c", 2),
        species("A", amount=4, boundaryCondition=True),
        species("B", amount=2, boundaryCondition=True, constant=True),
        species("C", amount=0),
        reaction("R", ["A", "B"], ["C"], "A * B"),
    )
    system = read_sbml(text)
    assert system.states == ("C",)
    assert system.constants["A"] == 2
    np.testing.assert_allclose(course(text, "C")[0], 2 * 1 * T / 2, atol=1e-12)


def test_conversion_factors_of_the_model_and_of_a_species():
    text = document(
        compartment("c", 1),
        species("A", amount=100, hasOnlySubstanceUnits=True),
        species("B", amount=0, hasOnlySubstanceUnits=True, conversionFactor="g"),
        parameter("f", 10, constant=True),
        parameter("g", 0.5, constant=True),
        reaction("R", ["A"], [reference("B", 3)], "2"),
        conversionFactor="f",
    )
    a, b, r = course(text, "A", "B", "R")
    np.testing.assert_allclose(a, 100 - 10 * 2 * T)
    np.testing.assert_allclose(b, 0.5 * 3 * 2 * T, atol=1e-12)
    np.testing.assert_allclose(r, 2)


def test_an_assigned_species_is_no_state():
    text = document(
        compartment("c", 2), species("A", amount=1, boundaryCondition=True), rule("A", "3 + time")
    )
    system = read_sbml(text)
    assert system.states == ()
    assert system.assigned == ("A",)
    np.testing.assert_allclose(course(text, "A")[0], 3 + T)


def test_an_initial_assignment_of_a_species_is_in_the_meaning_of_its_symbol():
    parts = [compartment("c", 4), initial("A", "6"), initial("B", "6"), initial("C", "6")]
    system = read_sbml(
        document(
            *parts,
            compartment("v", 4),
            rate("v", "1"),
            species("A", amount=1),
            species("B", amount=1, hasOnlySubstanceUnits=True),
            species("C", "v", amount=1),
        )
    )
    assert system.constants["A"] == 6
    assert system.constants["B"] == 6
    assert system.constants["C.amount"] == 24


REFUSED = {
    "rule and reaction": (
        (species("A", amount=1), rate("A", "1"), reaction("R", ["A"], [], "1")),
        ("species A", "rule", "reactions"),
    ),
    "no kinetic law": (
        (species("A", amount=1), reaction("R", ["A"], [], None)),
        ("reaction R", "kinetic law"),
    ),
    "no stoichiometry": (
        (species("A", amount=1), reaction("R", [reference("A", None)], [], "1")),
        ("reaction R", "stoichiometry", "A"),
    ),
    "unknown species": ((reaction("R", ["Z"], [], "1"),), ("reaction R", "species Z")),
    "unknown compartment": ((species("A", "nowhere", amount=1),), ("species A", "compartment nowhere")),
    "rule for nothing": ((rule("nothing", "1"),), ("nothing", "rule")),
    "two rules": ((parameter("p", 1), rule("p", "1"), rate("p", "2")), ("p", "more than one rule")),
    "rule and initial assignment": (
        (parameter("p", 1), rule("p", "1"), initial("p", "2")),
        ("p", "assignment rule", "initial assignment"),
    ),
    "missing start of a state": ((species("A"), reaction("R", [], ["A"], "1")), ("no value for A",)),
    "missing parameter": ((parameter("p"), parameter("q", 1), rate("q", "p")), ("no value for p",)),
    "circle of rules": (
        (parameter("p"), parameter("q"), rule("p", "q + 1"), rule("q", "p")),
        ("assignment rules", "p -> q -> p"),
    ),
    "circle of initial assignments": (
        (parameter("p"), parameter("q"), initial("p", "q + 1"), initial("q", "p")),
        ("initial values", "p -> q -> p"),
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_models(case):
    parts, words = REFUSED[case]
    with pytest.raises(UnsupportedSbmlError) as caught:
        read_sbml(document(compartment("c", 1), *parts))
    for word in words:
        assert word in str(caught.value)


def test_a_value_that_nothing_needs_may_be_missing():
    system = read_sbml(document(parameter("p"), parameter("q", 1), rate("q", "2")))
    assert math.isnan(system.constants["p"])
