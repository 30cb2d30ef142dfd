"""A number never travels alone: each rule of provenance refuses what it should and nothing else."""

import pytest
from pydantic import ValidationError

from eubiosis.core.findings import FindingCollector
from eubiosis.core.provenance import SourcedNumber
from eubiosis.core.tables import read_table

GOOD = {
    "id": "k",
    "description": "a rate",
    "value": 2.0,
    "unit": "1/d",
    "low": 1.0,
    "high": 3.0,
    "basis": "measured",
    "read": "table",
    "source": "Somebody 2020",
}


def test_a_complete_number_passes():
    assert SourcedNumber(**GOOD).value == 2.0


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
        {"low": None, "high": None},
        {"low": 2.0, "high": 2.0},
    ],
)
def test_what_the_rules_allow(change):
    SourcedNumber(**(GOOD | change))


def test_the_finding_of_a_table_says_what_is_allowed_and_what_to_do(tmp_path):
    path = tmp_path / "numbers.tsv"
    path.write_text(
        "id\tdescription\tvalue\tunit\tbasis\tread\tsource\nk\ta rate\t1\t1/d\tmeasured\trecalled\tX\n"
        "j\ta rate\tnan\t1/d\tmeasured\ttable\tX\ni\ta rate\t1\t1/d\t\ttable\tX\n"
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
    assert not [n for n in model.content.numbers if n.startswith(("tgt_", "claim_"))]
