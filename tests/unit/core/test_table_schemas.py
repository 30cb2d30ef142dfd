"""The schemas of the tables: complete, in step with the code that fills them and with the documentation."""

import csv
import io
from pathlib import Path
from typing import get_args

import pytest

from eubiosis.analysis.result import RATIO_SCALES, USABLE, Estimate, Scale, Status
from eubiosis.core.dictionary import HEADER, dictionary_markdown, dictionary_tsv
from eubiosis.core.endpoints import ENDPOINTS
from eubiosis.core.table_schemas import ESTIMATE_SCALES, ESTIMATE_STATUS, PROFILE_STATUS, TABLES
from eubiosis.population.stool.table import USABLE as USABLE_PROFILES
from eubiosis.population.stool.table import Status as ProfileStatus

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "data_dictionary.md"
COLUMNS = [(schema, column) for schema in TABLES.values() for column in schema.columns]


@pytest.mark.parametrize(("schema", "column"), COLUMNS, ids=lambda x: x.name)
def test_every_column_says_what_it_is(schema, column):
    assert column.meaning
    assert column.meaning[0].isupper()
    assert not column.meaning.endswith(".")
    numeric = column.kind in ("number", "count")
    assert bool(column.unit) == numeric, "numbers have a unit, others have none"
    assert not column.coding or column.kind == "text"
    assert schema.meaning.endswith(".")
    assert schema.row


def test_codings_are_the_words_of_the_code():
    assert set(ESTIMATE_SCALES) == set(get_args(Scale)) >= RATIO_SCALES
    assert set(ESTIMATE_STATUS) == set(get_args(Status))
    assert {word for word, said in ESTIMATE_STATUS.items() if "may be read" in said} == USABLE
    assert set(PROFILE_STATUS) == {*get_args(ProfileStatus), "too_shallow"}  # of a contrast
    assert {word for word, said in PROFILE_STATUS.items() if said.startswith("can be")} == set(
        USABLE_PROFILES
    )


def test_every_field_of_an_estimate_has_a_column():
    fields = set(Estimate.__dataclass_fields__) - {"detail", "level"}
    assert set(TABLES["estimates"].names) - {"world", "replicate"} == fields


def test_every_endpoint_is_in_an_observed_table_and_has_its_unit_there():
    observed = {**{c.name: c for c in TABLES["observed_subjects"].columns}}
    observed |= {c.name: c for c in TABLES["observed_visits"].columns}
    assert set(ENDPOINTS) <= set(observed)
    counted = {"relapses", "gd_lesions", "t2_lesions"}  # the table holds counts, the endpoint is a rate
    for name in set(ENDPOINTS) - counted:
        assert observed[name].unit == ENDPOINTS[name].unit


def test_truth_is_marked_as_latent_and_nothing_else_is():
    assert {name for name, schema in TABLES.items() if schema.latent} == {
        "latent_subjects", "latent_effects", "latent_worlds", "trial_latent", "trial_guts", "true_effects",
        "operating_characteristics", "courses", "derivatives", "solved_subjects", "steady_states",
    }  # fmt: skip


def test_the_page_of_the_documentation_is_made_from_the_schemas():
    assert PAGE.read_text(encoding="utf-8") == dictionary_markdown()


def test_the_dictionary_of_a_folder_has_one_line_for_each_column():
    rows = list(csv.reader(io.StringIO(dictionary_tsv()), delimiter="\t"))
    assert tuple(rows[0]) == HEADER
    assert [tuple(row[:2]) for row in rows[1:]] == [(s.name, c.name) for s, c in COLUMNS]
    status = next(row for row in rows if row[:2] == ["estimates", "status"])
    assert "separated = no numbers: the likelihood rises for ever" in status[5]
