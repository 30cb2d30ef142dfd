"""A number never travels alone, and an assumed one is never fixed: each rule refuses what it should."""

import math

import pytest
from pydantic import ValidationError

from eubiosis.core.findings import FindingCollector
from eubiosis.core.provenance import SourcedFact, SourcedNumber
from eubiosis.core.tables import read_table

GOOD = {
    "id": "k",
    "description": "a rate",
    "value": 2.0,
    "unit": "1/d",
    "low": 1.0,
    "high": 3.0,
    "uncertainty": "lognormal",
    "level": "world",
    "basis": "measured",
    "read": "table",
    "source": "Somebody 2020",
}


def test_a_complete_number_passes():
    assert SourcedNumber(**GOOD).value == 2.0


BARE = {"low": None, "high": None, "uncertainty": "none"}
ASSUMED = {"basis": "assumed", "note": "no source found", "source": ""}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"basis": "fitted", "fitted_to": "x", "read": "recalled"}, "nobody has read"),
        ({"basis": "derived", "read": "recalled"}, "nobody has read"),
        ({"basis": "assumed"}, "assumed without a note"),
        ({"basis": "measured", "source": ""}, "measured without a source"),
        ({"basis": "derived", "source": ""}, "derived without a source"),
        ({"basis": "fitted", "source": "", "fitted_to": "x"}, "fitted without a source"),
        ({"basis": "fitted"}, "fitted without fitted_to"),
        ({"value": 0.5}, "outside low 1 to high 3"),
        ({"value": 3.5}, "outside low 1 to high 3"),
        ({"low": None}, "one of low and high is empty"),
        ({"high": None}, "one of low and high is empty"),
        ({"value": float("nan")}, "not finite"),
        ({"value": float("inf"), "low": None, "high": None}, "not finite"),
        ({"basis": "guessed"}, "measured"),
        ({"read": "skimmed"}, "full_text"),
        ({"colour": "red"}, "Extra inputs"),
        ({"uncertainty": None}, "uncertainty"),
        ({"uncertainty": "beta"}, "lognormal"),
        ({"level": None}, "level"),
        ({"level": "patient"}, "world"),
        (ASSUMED | BARE, "assumed and fixed"),
        ({"uncertainty": "none"}, "range without a law"),
        ({"basis": "fitted", "fitted_to": "x"} | BARE, "fitted without a range"),
        ({"low": None, "high": None}, "without a range"),
        ({"low": 2.0, "high": 2.0}, "without a range"),
        ({"low": 0.0}, "lognormal from 0"),
        ({"low": 0.0, "uncertainty": "loguniform"}, "loguniform from 0"),
        ({"value": 3.0}, "median at an end"),
        ({"uncertainty": "logitnormal"}, "logitnormal from 1"),
        ({"uncertainty": "symmetric"}, "symmetric from 1"),
        ({"uncertainty": "dirichlet"}, "outside a whole"),
        ({"uncertainty": "dirichlet", "together": "line:x+"}, "outside a whole"),
        ({"together": "family:x"}, "together .family:x"),
        ({"together": "line:x"}, "together .line:x"),
        ({"together": "rank:x"} | BARE, "group without an uncertainty"),
        ({"level": "definition"}, "a definition with uncertainty"),
        (BARE | {"level": "definition", "variability": 0.1}, "a definition with uncertainty"),
        ({"variability": 0.3}, "level .world. with variability 0.3"),
        ({"level": "person"}, "level .person. with variability None"),
        ({"level": "visit"}, "level .visit. with variability None"),
        ({"level": "person", "variability": 0.0}, "variability 0"),
    ],
)
def test_each_rule_refuses(change, problem):
    with pytest.raises(ValidationError, match=problem):
        SourcedNumber(**(GOOD | change))


@pytest.mark.parametrize(
    "change",
    [
        {"basis": "assumed", "note": "no source found", "source": ""},
        {"basis": "assumed", "note": "from memory", "read": "recalled"},
        {"basis": "fitted", "fitted_to": "the total of acids"},
        BARE,
        ASSUMED | BARE | {"level": "definition"},
        {"uncertainty": "none", "level": "definition"},
        BARE | {"basis": "fitted", "fitted_to": "x", "note": "no range was found"},
        {"level": "person", "variability": 0.4},
        {"level": "study"},
        {"value": 3.0, "uncertainty": "uniform"},
        {"value": 0.3, "low": 0.1, "high": 0.5, "uncertainty": "logitnormal"},
        {"value": 1.0, "low": -2.0, "high": 2.0, "uncertainty": "symmetric"},
        {"value": 0.3, "low": 0.0, "high": 0.5, "uncertainty": "dirichlet", "together": "whole:x"},
        {"together": "line:x-"},
    ],
)
def test_what_the_rules_allow(change):
    SourcedNumber(**(GOOD | change))


def test_the_finding_of_a_table_says_what_is_allowed_and_what_to_do(tmp_path):
    path = tmp_path / "numbers.tsv"
    path.write_text(
        "id\tdescription\tvalue\tunit\tuncertainty\tlevel\tbasis\tread\tsource\n"
        "k\ta rate\t1\t1/d\tnone\tworld\tmeasured\trecalled\tX\n"
        "j\ta rate\tnan\t1/d\tnone\tworld\tmeasured\ttable\tX\n"
        "i\ta rate\t1\t1/d\tnone\tworld\t\ttable\tX\n"
    )
    collector = FindingCollector()
    assert read_table(path, SourcedNumber, collector) == []
    first, second, third = collector.findings
    assert first.place == "line 2 (k)"
    assert "assumed" in first.allowed
    assert "read the source" in first.next_step
    assert "not finite" in second.problem
    assert third.place == "line 4 (i), column basis"


def test_every_packaged_number_obeys_the_rules_by_hand(model):
    """The same rules, checked on the loaded tables without the schema."""
    rows = [*model.content.numbers.values(), *model.content.initial.values()]
    assert len(rows) > 500
    for row in rows:
        if row.read == "recalled":
            assert row.basis == "assumed", row.id
        assert row.note if row.basis == "assumed" else row.source, row.id
        if row.basis == "fitted":
            assert row.fitted_to, row.id
        if row.low is not None and row.high is not None:
            assert row.low <= row.value <= row.high, row.id
        if row.basis == "assumed" and row.level != "definition":
            assert row.uncertainty != "none", row.id
            assert row.low < row.high, row.id
    assert {"recalled"}.isdisjoint(row.read for row in rows)  # read, or without a source
    assert not [n for n in model.content.numbers if n.startswith(("tgt_", "claim_"))]


@pytest.mark.parametrize(
    "cells", [{"high": 1e300}, {"low": -1e16}, {"high": math.inf}, {"value": 2e15, "high": 3e15}]
)
def test_a_number_beyond_any_quantity_is_refused_wherever_it_stands(cells):
    fields = {"id": "x", "description": "made up", "value": 2.0, "low": 1.0, "high": 3.0, "unit": "L"}
    origin = {"basis": "assumed", "note": "a test"}
    assert SourcedFact(**fields, **origin).high == 3.0
    with pytest.raises(ValidationError, match="beyond any quantity"):
        SourcedFact(**{**fields, **cells}, **origin)
