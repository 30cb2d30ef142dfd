"""Reactions: stoichiometries of every kind, local parameters, rates as symbols."""

import numpy as np
import pytest

from eubiosis.engine import UnsupportedSbmlError, read_sbml
from eubiosis.engine.expressions import Call, Number, Symbol
from plain_solver import solve
from sbml_text import (
    CORE,
    compartment,
    document,
    element,
    event,
    initial,
    maths,
    parameter,
    rate,
    reaction,
    reference,
    rule,
    species,
)

T = np.linspace(0, 2, 9)
POOL = (compartment("c", 1), species("A", amount=10), species("B", amount=0))


def course(text, *names):
    return solve(read_sbml(text), T, names).T


def test_stoichiometries_of_one_species_are_summed():
    """2 A + A + B -> 5 B + B: A falls by 3 and B rises by 5 for each event."""
    text = document(*POOL, reaction("R", [reference("A", 2), "A", "B"], [reference("B", 5), "B"], "0.5"))
    system = read_sbml(text)
    assert system.rates["A"] == Call("/", (Call("*", (Number(-3.0), Symbol("R"))), Symbol("c")))
    a, b = course(text, "A", "B")
    np.testing.assert_allclose(a, 10 - 1.5 * T)
    np.testing.assert_allclose(b, 2.5 * T, atol=1e-12)


def test_a_catalyst_on_both_sides_does_not_change():
    system = read_sbml(document(*POOL, reaction("R", ["A"], ["A", "B"], "0.5")))
    assert system.states == ("B",)
    assert system.constants["A"] == 10


def test_a_stoichiometry_with_an_id_is_a_quantity():
    text = document(
        *POOL,
        parameter("p", 0),
        rule("p", "2 * n"),
        reaction("R", ["A"], [reference("B", 3, "n", constant=True)], "0.5"),
    )
    assert read_sbml(text).constants["n"] == 3
    b, p, n = course(text, "B", "p", "n")
    np.testing.assert_allclose(b, 1.5 * T, atol=1e-12)
    assert set(p) == {6.0}
    assert set(n) == {3.0}


@pytest.mark.parametrize(
    ("part", "made"),
    [
        (initial("n", "4"), lambda t: 4 * t),
        (rule("n", "time"), lambda t: t**2 / 2),
        (rate("n", "1"), lambda t: 2 * t + t**2 / 2),
        (event("E", "time >= 1", n="6"), lambda t: np.where(t < 1, 2 * t, 2 + 6 * (t - 1))),
    ],
    ids=["initial assignment", "rule", "rate rule", "event"],
)
def test_a_stoichiometry_may_be_set_by_any_construct(part, made):
    text = document(*POOL, part, reaction("R", [], [reference("B", 2, "n")], "1"))
    np.testing.assert_allclose(course(text, "B")[0], made(T), rtol=1e-8, atol=1e-10)


def test_stoichiometry_mathematics_of_level_2():
    side = element(
        "speciesReference",
        element("stoichiometryMath", maths("<apply><plus/><ci>p</ci><ci>q</ci></apply>")),
        species="B",
    )
    text = document(
        *(part.replace(' constant="false"', "") for part in POOL),
        element("parameter", id="p", value=1, constant=False),
        element("parameter", id="q", value=1),
        rate("p", "<cn>1</cn>"),
        element(
            "reaction",
            element("listOfProducts", side) + element("kineticLaw", maths("<cn>3</cn>")),
            id="R",
        ),
        level=2,
        version=4,
    )
    np.testing.assert_allclose(course(text, "B")[0], 3 * (2 * T + T**2 / 2), rtol=1e-8, atol=1e-12)


def test_local_parameters_shadow_everything_inside_their_law_only():
    """Both laws use a local k; in R it also hides the species B. p is the global k."""
    text = document(
        *POOL,
        parameter("k", 100),
        parameter("p", 0),
        rule("p", "k"),
        reaction("R", ["A"], [], "k * B", local={"k": 2, "B": 0.25}),
        reaction("Q", [], ["B"], "k", local={"k": 3}),
    )
    system = read_sbml(text)
    assert {name: system.constants[name] for name in ("R.k", "R.B", "Q.k", "k")} == {
        "R.k": 2,
        "R.B": 0.25,
        "Q.k": 3,
        "k": 100,
    }
    a, b, p = course(text, "A", "B", "p")
    np.testing.assert_allclose(a, 10 - 0.5 * T)
    np.testing.assert_allclose(b, 3 * T, atol=1e-12)
    assert set(p) == {100.0}


def test_the_rate_of_a_reaction_is_a_symbol_everywhere():
    """In rules, rate rules, initial assignments, other laws and triggers."""
    text = document(
        *POOL,
        *(parameter(name, 0) for name in ("in_rule", "in_rate", "at_start", "hits")),
        rule("in_rule", "2 * R"),
        rate("in_rate", "R"),
        initial("at_start", "in_rule + Q"),
        reaction("R", ["A"], [], "0.5 * A"),
        reaction("Q", ["B"], [], "R / 5"),
        event("E", "R < 4", hits="hits + 1"),
    )
    system = read_sbml(text)
    assert system.constants["at_start"] == 10 + 1
    a, in_rule, in_rate, hits = course(text, "A", "in_rule", "in_rate", "hits")
    np.testing.assert_allclose(in_rule, a, rtol=1e-12)
    np.testing.assert_allclose(in_rate, 10 - a, rtol=1e-7, atol=1e-10)
    np.testing.assert_allclose(hits, np.log(1.25) / 0.5 < T)


def test_a_reaction_without_kinetic_law_that_changes_nothing_is_let_pass():
    fixed = species("X", amount=1, boundaryCondition=True)
    system = read_sbml(document(compartment("c", 1), fixed, reaction("R", ["X"], [], None)))
    assert "R" not in system.assigned
    with pytest.raises(UnsupportedSbmlError, match="symbol R"):
        read_sbml(
            document(
                compartment("c", 1), fixed, parameter("p"), rule("p", "R"), reaction("R", ["X"], [], None)
            )
        )


def test_a_fast_reaction_is_refused():
    text = document(*POOL, reaction("R", ["A"], [], "1", fast=True), level=3, version=1)
    with pytest.raises(UnsupportedSbmlError, match="reaction R: a fast reaction"):
        read_sbml(text)
    assert read_sbml(text.replace('fast="true"', 'fast="false"')).states == ("A",)


def test_an_algebraic_rule_is_refused():
    text = document(*POOL, parameter("p", 1), element("algebraicRule", maths("p - A")))
    with pytest.raises(UnsupportedSbmlError, match="algebraic rule 1"):
        read_sbml(text)


@pytest.mark.parametrize("required", [True, False])
def test_packages(required):
    """A package that is needed to understand the model is refused by its name; another is ignored."""
    space = "http://www.sbml.org/sbml/level3/version1"
    text = document(
        parameter("p", 1),
        attributes=f' xmlns:zz="{space}/zz/version1" zz:required="{str(required).lower()}"',
        version=1,
    )
    if required:
        with pytest.raises(UnsupportedSbmlError, match="required package zz"):
            read_sbml(text)
    else:
        assert read_sbml(text).constants == {"p": 1.0}
    comp = document(
        parameter("p", 1), version=1, attributes=f' xmlns:comp="{space}/comp/version1" comp:required="true"'
    )
    with pytest.raises(UnsupportedSbmlError, match="required package comp"):
        read_sbml(comp)


def test_what_is_no_sbml_is_a_value_error():
    for text in ("<nothing/>", "", f'<sbml xmlns="{CORE}" level="3" version="2"/>'):
        with pytest.raises(ValueError, match="libSBML cannot read"):
            read_sbml(text)
