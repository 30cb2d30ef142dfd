"""results.json against its schema, and the report back from it, to the byte."""

import json
from dataclasses import fields, replace

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_input_factory import make_hard_input, make_report_input

from eubiosis.core.report_input import TrialReportInput
from eubiosis.core.typed_json import NotSo, read_as, schema_of
from eubiosis.report.trial.page import trial_report
from eubiosis.report.trial.results_json import results_json, results_text
from eubiosis.report.trial.results_schema import read_results, results_schema

SCHEMA = results_schema()
CHECK = jsonschema.Draft202012Validator(SCHEMA)


def test_the_schema_is_one_and_names_every_key():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert set(SCHEMA["properties"]) == set(results_json(make_report_input()))


@pytest.mark.parametrize("made", [make_report_input(), make_hard_input()], ids=["plain", "hard"])
def test_results_validate_and_the_report_comes_back_to_the_byte(made):
    text = results_text(made)
    record = json.loads(text)
    assert [each.message for each in CHECK.iter_errors(record)] == []
    back = read_results(record)
    assert results_text(back) == text
    assert trial_report(back) == trial_report(made)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda r: r.pop("effects"), "effects"),
        (lambda r: r["effects"]["rows"][0].update(power="high"), "effects"),
        (lambda r: r["effects"]["rows"][0].pop("power"), "effects"),
        (lambda r: r.update(title=7), "title"),
        (lambda r: r.update(schema="eubiosis.trial_results/99"), "schema"),
        (lambda r: r.update(arms=[3]), "arms"),
    ],
)
def test_what_does_not_fit_is_refused_by_place_and_by_the_schema(change, place):
    record = json.loads(results_text(make_report_input()))
    change(record)
    with pytest.raises(NotSo, match=place):
        read_results(record)
    assert not CHECK.is_valid(record)


def test_a_field_without_a_key_would_be_seen():
    known = {one.name for one in fields(TrialReportInput)}
    keys = set(results_json(make_report_input()))
    assert known - keys == {"priors", "size", "surface"}  # they stand under another key


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_come_back(value):
    assert read_as(tuple[float, ...], [value, None])[0] == value


def test_kinds_that_are_not_told_apart_are_refused():
    assert schema_of(dict[str, float]) == {
        "type": "object",
        "additionalProperties": {"type": ["number", "null"]},
    }
    with pytest.raises(TypeError):
        schema_of(set)
    for hint, value in ((int, True), (float, True), (float, "1"), (tuple[int, int], [1]), (str | None, 3)):
        with pytest.raises(NotSo):
            read_as(hint, value, "here")


def test_a_title_of_a_hundred_thousand_characters_is_printed_whole_or_refused():
    page = trial_report(replace(make_report_input(), title="x" * 100_000))
    assert len(page) < 5_000_000
