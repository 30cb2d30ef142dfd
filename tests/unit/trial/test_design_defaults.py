"""What a design says where its author says nothing: every number with its unit, basis and reason."""

import re
from itertools import pairwise
from pathlib import Path

import pytest

import eubiosis
from eubiosis.core.design_defaults import TABLE, design_defaults
from eubiosis.therapy import Adherence, placebo, prebiotic
from eubiosis.trial import ControlLevel, Design, Eligibility

DEFAULTS = design_defaults()
SOURCES = Path(eubiosis.__file__).parent
USED = {
    name
    for path in SOURCES.rglob("*.py")
    for name in re.findall(r"\bdefault\(\"(\w+)\"\)", path.read_text(encoding="utf-8"))
}


def test_every_default_that_the_code_asks_for_is_in_the_table_and_no_other():
    assert set(DEFAULTS) == USED
    assert len(USED) == 17


@pytest.mark.parametrize("row", DEFAULTS.values(), ids=lambda row: row.id)
def test_a_default_has_a_unit_a_range_and_a_basis(row):
    assert row.unit
    assert row.description
    assert row.basis in ("measured", "fitted", "derived", "assumed")
    # an assumption says why, anything else where it stands
    assert row.note if row.basis == "assumed" else row.source
    assert row.low is not None
    assert row.high is not None
    assert row.low <= row.value <= row.high


def test_what_is_left_out_is_the_number_of_the_table():
    lines = [line.split("\t") for line in TABLE.read_text(encoding="utf-8").splitlines()]
    value = {line[0]: float(line[lines[0].index("value")]) for line in lines[1:]}  # read without our reader
    arms = {"placebo": placebo(), "inulin": prebiotic("inulin", dose="12 g/day")}
    design = Design(arms=arms, participants=40, primary="mfis")
    level, entry, adherence = design.control_level, design.eligibility, design.arms[1].therapy.adherence
    assert level.relapses_per_year == value["relapses_per_year"]
    assert level.gd_lesions_per_scan == value["gd_lesions_per_scan"]
    assert design.dropout_per_year == value["dropout_per_year"]
    assert design.placebo_response_mfis == value["placebo_response_mfis"]
    assert entry.age == (value["age_from"], value["age_to"])
    assert entry.edss == (value["edss_from"], value["edss_to"])
    assert design.visits[-1] == value["last_visit"]
    assert {later - week for week, later in pairwise(design.visits)} == {value["visit_interval"]}
    assert design.block == value["block"]
    assert (adherence.mean, adherence.sd) == (value["adherence_mean"], value["adherence_sd"])
    assert (level, entry, adherence) == (ControlLevel(), Eligibility(), Adherence())


def test_the_default_design_is_the_one_before_the_table():
    """Numbers of earlier runs stay what they were."""
    arms = {"placebo": placebo(), "inulin": prebiotic("inulin", dose="12 g/day")}
    design = Design(arms=arms, participants=40, primary="mfis")
    assert design.visits == (0.0, 12.0, 24.0, 36.0, 48.0)
    assert (design.block, design.dropout_per_year, design.placebo_response_mfis) == (2, 0.12, -4.0)
    assert (design.eligibility.age, design.eligibility.edss) == ((18.0, 60.0), (0.0, 5.5))
    assert (design.control_level.relapses_per_year, design.control_level.gd_lesions_per_scan) == (0.3, 0.8)
    assert (design.arms[0].therapy.adherence.mean, design.arms[0].therapy.adherence.sd) == (0.85, 0.15)
