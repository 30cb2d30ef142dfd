"""Events, and what the older levels of SBML mean."""

import numpy as np
import pytest

from eubiosis.engine import UnsupportedSbmlError, read_sbml
from eubiosis.engine.expressions import Call, Number, Symbol
from plain_solver import solve
from sbml_text import compartment, document, element, event, maths, parameter, rate, rule, species

T = np.linspace(0, 2, 9)
P, Q = parameter("p", 1), parameter("q", 2)


def course(text, *names):
    return solve(read_sbml(text), T, names).T


# --- events ------------------------------------------------------------------------------------------


def test_what_an_event_assigns_becomes_a_state_that_stands_still():
    system = read_sbml(document(P, Q, event("E", "time >= 1", p="q + 3")))
    assert system.states == ("p",)
    assert system.rates == {"p": Number(0.0)}
    assert system.moving == ()
    (only,) = system.events
    assert only.id == "E"
    assert only.trigger == Call(">=", (Symbol("<time>"), Number(1.0)))
    assert only.assignments == (("p", Call("+", (Symbol("q"), Number(3.0)))),)
    assert (only.initial_value, only.persistent, only.use_trigger_values) == (True, True, True)
    assert only.priority is None


def test_the_attributes_of_an_event():
    text = document(
        P,
        Q,
        event(None, "p > q", priority="2 * q", p="1", persistent=False, initial=False, trigger_values=False),
    )
    (only,) = read_sbml(text).events
    assert only.id == "event 1"
    assert (only.initial_value, only.persistent, only.use_trigger_values) == (False, False, False)
    assert only.priority == Call("*", (Number(2.0), Symbol("q")))


def test_events_without_trigger_or_mathematics_do_nothing():
    """Level 3 Version 2: no trigger, a trigger without mathematics, an assignment without mathematics."""
    bare = element(
        "event",
        element("trigger", initialValue=False, persistent=True),
        id="E2",
        useValuesFromTriggerTime=True,
    )
    half = event("E3", "time >= 1", p=None, q="7")
    no_priority = event("E4", "time >= 1", p="4").replace("<listOf", "<priority/><delay/><listOf", 1)
    system = read_sbml(document(P, Q, event("E1", None, p="9"), bare, half, no_priority))
    assert [each.id for each in system.events] == ["E3", "E4"]
    assert [name for name, _ in system.events[0].assignments] == ["q"]
    assert system.events[1].priority is None


def test_a_number_may_be_a_trigger():
    text = document(
        P, Q, event("E", "p", q="5"), event("F", "time >= 1", p="0"), event("G", "time >= 1.5", p="3")
    )
    np.testing.assert_allclose(course(text, "q")[0], np.where(T < 1.5, 2, 5))


def test_level_2_triggers_start_true_and_persist():
    text = document(
        element("parameter", id="p", value=1, constant=False),
        element(
            "event",
            element("trigger", maths("<apply><geq/><ci>p</ci><cn>1</cn></apply>"))
            + element(
                "listOfEventAssignments", element("eventAssignment", maths("<cn>5</cn>"), variable="p")
            ),
            id="E",
        ),
        level=2,
        version=4,
    )
    (only,) = read_sbml(text).events
    assert (only.initial_value, only.persistent, only.use_trigger_values) == (True, True, True)


def test_a_size_that_an_event_sets_is_corrected_at_execution():
    """Another event may change the volume in between, so the new concentration is kept apart."""
    parts = (compartment("c", 2), species("A", concentration=3))
    alone = read_sbml(
        document(*parts, event("dose", "time >= 1", A="7"), event("grow", "time >= 2", p="1"), P)
    )
    assert alone.states == ("A", "p")
    rival = read_sbml(document(*parts, event("dose", "time >= 1", A="7"), event("grow", "time >= 2", c="8")))
    assert [each.id for each in rival.events] == ["dose", "grow"]
    dose = rival.events[0]
    assert dose.assignments == (("A", Number(7.0)),)
    assert dose.finish == (("A.amount", Call("*", (Symbol("dose.A"), Symbol("c")))),)
    late = read_sbml(document(*parts, event("dose", "time >= 1", delay="2", A="7"), rate("c", "1")))
    assert late.events[0].delay == Number(2.0)
    assert late.events[0].finish == dose.finish


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ((event("E", "time >= 1", delay="2 * z", p="3"),), ("E", "symbol z")),
        ((event("E", "time >= delay(p, 1)", p="3"),), ("event E", "delay")),
        ((event("E", "time >= 1", z="3"),), ("z", "event", "not declared")),
        ((event("E", "time >= z", p="3"),), ("E", "symbol z")),
        ((event("E", "time >= 1", priority="z", p="3"),), ("E", "symbol z")),
        ((event("E", "time >= 1", p="3"), rule("p", "4")), ("p", "assignment rule", "event")),
    ],
)
def test_refused_events(parts, words):
    with pytest.raises(UnsupportedSbmlError) as caught:
        read_sbml(document(P, Q, *parts))
    for word in words:
        assert word in str(caught.value)


def test_two_assignments_to_one_variable_are_refused():
    twice = event("E", "time >= 1", p="3").replace(
        "</listOf", element("eventAssignment", maths("4"), variable="p") + "</listOf"
    )
    with pytest.raises(UnsupportedSbmlError, match="event E: more than one assignment to p"):
        read_sbml(document(P, twice))


# --- levels ------------------------------------------------------------------------------------------


def test_level_1_is_converted():
    """A -> 3/2 B in 2 litres with law k A c: [A] = 2 exp(-k t)."""
    text = """<?xml version="1.0" encoding="UTF-8"?>
<sbml xmlns="http://www.sbml.org/sbml/level1" level="1" version="2"><model name="m">
<listOfCompartments><compartment name="c" volume="2"/></listOfCompartments>
<listOfSpecies><species name="A" compartment="c" initialAmount="4"/>
<species name="B" compartment="c" initialAmount="0"/></listOfSpecies>
<listOfParameters><parameter name="q" value="1"/></listOfParameters>
<listOfRules><parameterRule name="q" formula="A + B" type="scalar"/></listOfRules>
<listOfReactions><reaction name="R" reversible="false">
<listOfReactants><speciesReference species="A"/></listOfReactants>
<listOfProducts><speciesReference species="B" stoichiometry="3" denominator="2"/></listOfProducts>
<kineticLaw formula="k * A * c"><listOfParameters><parameter name="k" value="0.5"/></listOfParameters>
</kineticLaw></reaction></listOfReactions></model></sbml>"""
    a, b, q = course(text, "A", "B", "q")
    np.testing.assert_allclose(a, 2 * np.exp(-0.5 * T), rtol=1e-8)
    np.testing.assert_allclose(b, 1.5 * (2 - a), rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(q, a + b, rtol=1e-12)


@pytest.mark.parametrize(
    ("law", "own", "words"),
    [
        (' timeUnits="minute"', "", ("reaction R", "time units")),
        (' substanceUnits="item"', "", ("reaction R", "substance units")),
        (' timeUnits="time" substanceUnits="substance"', "", None),
        ("", ' spatialSizeUnits="area"', ("species A", "spatial size units")),
        ("", ' spatialSizeUnits="volume"', None),
    ],
)
def test_units_of_their_own_in_level_2_version_1(law, own, words):
    text = f"""<?xml version="1.0" encoding="UTF-8"?>
<sbml xmlns="http://www.sbml.org/sbml/level2" level="2" version="1"><model id="m">
<listOfUnitDefinitions><unitDefinition id="minute"><listOfUnits><unit kind="second" multiplier="60"/>
</listOfUnits></unitDefinition></listOfUnitDefinitions>
<listOfCompartments><compartment id="c" size="2"/></listOfCompartments>
<listOfSpecies><species id="A" compartment="c" initialAmount="4"{own}/></listOfSpecies>
<listOfReactions><reaction id="R">
<listOfReactants><speciesReference species="A"/></listOfReactants>
<kineticLaw{law}>{maths("<cn>0.5</cn>")}</kineticLaw></reaction></listOfReactions></model></sbml>"""
    if words is None:
        assert read_sbml(text).initial == {"A": 2.0}
        return
    with pytest.raises(UnsupportedSbmlError) as caught:
        read_sbml(text)
    for word in words:
        assert word in str(caught.value)
