"""``eubiosis schema``: the data dictionary on the command line."""

import json

from eubiosis.core.dictionary import dictionary_markdown, dictionary_tsv
from eubiosis.core.table_schemas import TABLES


def test_the_dictionary_is_printed(eubiosis):
    assert eubiosis("schema", "tables") == (0, dictionary_tsv(), "")
    assert eubiosis("schema", "tables", "--markdown") == (0, dictionary_markdown(), "")


def test_one_table_is_printed_as_json(eubiosis):
    status, out, _ = eubiosis("schema", "tables", "estimates", "--json")
    (record,) = json.loads(out)
    assert status == 0
    assert record["name"] == "estimates"
    assert [column["name"] for column in record["columns"]] == list(TABLES["estimates"].names)
    coded = next(column for column in record["columns"] if column["name"] == "status")
    assert coded["coding"]["ok"] == "the numbers may be read"


def test_an_unknown_table_is_a_finding_and_two_forms_are_a_usage_error(eubiosis):
    status, out, err = eubiosis("schema", "tables", "estimate", "visits")
    assert (status, out) == (1, "")
    assert 'table "estimate" is unknown; nearest "estimates"' in err
    assert 'table "visits" is unknown' in err
    assert eubiosis("schema", "tables", "--json", "--markdown")[0] == 2


def test_the_question_of_a_brief_is_closed_and_has_bounds(eubiosis):
    status, out, _ = eubiosis("schema", "question")
    schema = json.loads(out)
    assert status == 0
    assert all(one["additionalProperties"] is False for one in (schema, *schema["$defs"].values()))
    assert schema["$defs"]["AskedDesign"]["properties"]["years"]["items"]["maximum"] == 5
