"""Files that break a rule of the schema: read with a warning where the meaning stays, refused where not."""

import pytest

from eubiosis.engine import SbmlWarning, UnsupportedSbmlError, read_sbml
from sbml_text import algebraic, document, parameter, rate, reaction, species
from sbml_text import compartment as room

LAYOUT = ' xmlns:layout="http://www.sbml.org/sbml/level3/version1/layout/version1"'
COMP = ' xmlns:comp="http://www.sbml.org/sbml/level3/version1/comp/version1"'
PARTS = (parameter("x", 3), rate("x", "-x"))


def altered(old, new):
    text = document(*PARTS, version=1)
    assert old in text
    return text.replace(old, new, 1)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (document(*PARTS, version=1, attributes=LAYOUT), "layout:required"),
        (altered('id="x"', 'id="x" sboTerm="SBO:12"'), "sboTerm"),
        (altered('id="x"', 'id="x" metaid="1x"'), "metaid"),
        (altered('id="x"', 'id="x" units="1x"'), "unit"),
        (altered("<listOfP", "<notes><p>good</p></notes><listOfP"), "Notes"),
        (altered("<listOfP", "<listOfSpecies/><listOfP"), "Empty ListOf"),
    ],
)
def test_what_does_not_change_the_meaning_is_a_warning(text, words):
    with pytest.warns(SbmlWarning, match=f"line .*{words}.*means the same"):
        system = read_sbml(text)
    assert (system.states, system.initial) == (("x",), {"x": 3.0})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (altered(' constant="false"', ""), "Parameter"),
        (altered("<listOfP", "<listOfSomething/><listOfP"), "unrecognized element"),
        (document(*PARTS, version=1, attributes=COMP), "the required package comp"),
        (altered("</math>", ""), "line 7: XML tag mismatch"),
    ],
)
def test_what_may_change_it_is_refused(text, words):
    with pytest.raises(ValueError, match=words):
        read_sbml(text)


def test_all_elements_that_are_not_supported_are_named_at_once():
    fast = reaction("R", ["S"], [], "1").replace("<reaction ", '<reaction fast="true" ', 1)
    text = document(
        room("c", 1), species("S", amount=1), parameter("p", 1), algebraic("p - 1"), fast, version=1
    )
    with pytest.raises(UnsupportedSbmlError) as caught:
        read_sbml(text)
    assert "algebraic rule 1: an algebraic rule is not supported" in str(caught.value)
    assert "reaction R: a fast reaction is not supported" in str(caught.value)
    assert caught.value.feature == "an algebraic rule"


def test_the_delay_function_is_named_whatever_its_label_and_arguments():
    label = '<csymbol encoding="text" definitionURL="http://www.sbml.org/sbml/symbols/delay">rateOf</csymbol>'
    late = f"<apply>{label}<ci>nothing</ci><apply><ci>unknown</ci><ci>x</ci></apply></apply>"
    with pytest.raises(UnsupportedSbmlError, match="x: the delay function is not supported") as caught:
        read_sbml(document(parameter("x", 1), rate("x", late)))
    assert caught.value.feature == "the delay function"


def sum_of(count, deep):
    """Return x' as ``count`` sines inside one another, or a sum of as many terms."""
    inner = "<apply><sin/>" * count + "<ci>x</ci>" + "</apply>" * count
    wide = "<apply><plus/>" + "<ci>x</ci>" * count + "</apply>"
    return document(parameter("x", 1), rate("x", inner if deep else wide))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (sum_of(10_000, deep=True), "element sin: elements nested more than 1000 deep"),
        (sum_of(700, deep=True), "mathematics nested this deeply"),
        (sum_of(1_000_000, deep=False), "a text of more than 500000 elements"),
        (
            altered("<sbml", '<!DOCTYPE sbml [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><sbml'),
            "entity a: an entity declaration",
        ),
    ],
)
def test_texts_beyond_all_measure_are_refused_at_once(text, words):
    with pytest.raises(UnsupportedSbmlError, match=words):
        read_sbml(text)


@pytest.mark.parametrize(
    "value",
    [
        "<notanumber/>",
        "<infinity/>",
        "<apply><minus/><infinity/></apply>",
        "<apply><divide/><cn>0</cn><cn>0</cn></apply>",
    ],
)
def test_a_constant_exponent_that_is_no_finite_number_is_refused(value):
    power = f"<apply><power/><ci>x</ci>{value}</apply>"
    with pytest.raises(UnsupportedSbmlError, match=r"x: an exponent that is (infinite|not a number)"):
        read_sbml(document(parameter("x", 1), rate("x", power)))
