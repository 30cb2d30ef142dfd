"""The tables: complete, closed, and growing only when nothing is wrong."""

import csv
import errno
import re
import shutil
from pathlib import Path

import pytest

from eubiosis.core.findings import FindingsError
from eubiosis.core.tables import write_table
from eubiosis.evidence.growing.adding import add, write_template
from eubiosis.evidence.records.rows import Study, StudyEstimate
from eubiosis.evidence.records.store import TABLES, load, packaged_folder
from eubiosis.evidence.synthesis.pooling import pool

SHARED = Path(__file__).resolve().parents[4] / "shared" / "evidence"
ROWS = {
    "estimates": 224, "studies": 85, "meta_analyses": 36, "recomputed_pools": 15, "adverse_events": 31,
    "anchors": 263, "control_arms": 198, "control_arm_rates": 39, "calibration_targets": 21, "taxa": 288,
    "consensus": 211, "signatures": 242, "entities": 146, "quantities": 96, "mechanisms": 118,
}  # fmt: skip


def test_every_extracted_row_is_there():
    evidence = load()
    sizes = {name: len(evidence.table(kind)) for kind, name in TABLES.items()}
    assert {name: sizes[name] for name in ROWS} == ROWS
    assert sum(s.species == "human" for s in evidence.studies.values()) == 52
    assert len({e.id for e in evidence.estimates}) == 224


def test_numbers_are_those_of_the_source():
    path = SHARED / "interventions.csv"
    if not path.exists():
        pytest.skip("../shared/evidence is absent")
    with path.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    columns = ("treatment_mean", "treatment_sd", "control_mean", "control_sd", "effect", "ci_low", "ci_high")
    for row, estimate in zip(rows, load().estimates, strict=True):
        assert (row["study_id"], row["outcome"]) == (estimate.study_id, estimate.outcome)
        for column in columns:
            value = getattr(estimate, column)
            assert (float(row[column]) if row[column] else None) == value
        assert row["p_value"] == estimate.p_value
        assert row["confidence"] == estimate.read


def test_reports_of_one_cohort_share_its_id():
    evidence = load()
    assert evidence.cohort_of("rahimlou2020") == evidence.cohort_of("rahimlou2022")
    assert evidence.cohort_of("haghikia2016") == evidence.cohort_of("duscha2020")
    assert evidence.cohort_of("kouchaki2017") != evidence.cohort_of("salami2019")


def test_every_name_of_an_outcome_finds_it():
    evidence = load()
    for name in ("hs-CRP", "hsCRP", "HS_CRP", "C-reactive protein", "high-sensitivity c-reactive protein"):
        assert evidence.outcome(name).id == "hs_CRP"
    assert evidence.intervention("fecal microbiota transplantation").id == "fmt"


def test_no_person_is_flagged_and_no_lookup_is_left():
    for path in packaged_folder().glob("*.tsv"):
        text = path.read_text("utf-8").lower()
        for word in ("papers flagged", "journal scrutiny", "shares authors with a group"):
            assert word not in text, f"{path.name}: {word}"
        assert not re.search(r"\bid \d{9,}", text), path.name


@pytest.fixture
def copy(tmp_path):
    shutil.copytree(packaged_folder(), tmp_path / "copy")
    return tmp_path / "copy"


@pytest.mark.parametrize(
    ("table", "old", "new", "word"),
    [
        ("studies", "\tnone\t", "\tnoone\t", "noone"),
        ("estimates", "study_id", "studyid", "studyid"),
        ("estimates", "kouchaki2017\t2017", "kouchaki2O17\t2017", 'nearest "kouchaki2017"'),
        ("outcomes", "hs_CRP\t", "hs_CRPP\t", "hs_CRP"),
    ],
)
def test_a_mistyped_cell_is_found_with_its_place(copy, table, old, new, word):
    path = copy / f"{table}.tsv"
    path.write_text(path.read_text("utf-8").replace(old, new, 1), "utf-8")
    with pytest.raises(FindingsError, match=word):
        load(copy)


def test_a_missing_table_is_found(copy):
    (copy / "scales.tsv").unlink()
    with pytest.raises(FindingsError, match="missing"):
        load(copy)


def test_every_schema_is_closed():
    for schema in TABLES:
        assert schema.model_config["extra"] == "forbid"
        assert schema.model_config["frozen"]


STUDY = {
    "id": "madeup2030", "first_author": "Madeup", "year": "2030", "species": "human", "population": "RRMS",
    "blinding": "double-blind", "intervention": "probiotic", "agent": "a made-up strain",
    "comparator": "placebo or usual care", "cohort_id": "madeup2030", "author_group": "madeup2030",
    "integrity_status": "none", "registry_id": "NCT99999999",
}  # fmt: skip
ESTIMATE = {
    "id": "madeup2030/1", "study_id": "madeup2030", "report_year": "2030", "design": "parallel RCT",
    "design_class": "randomised", "n_treatment": "50", "n_control": "50", "n_basis": "printed",
    "outcome": "hs_CRP", "outcome_scale": "hs-CRP ug/mL change", "scale": "hs-CRP ug/mL",
    "direction_better": "lower", "measure": "MD", "treatment_mean": "-0.1", "treatment_sd": "2.0",
    "control_mean": "0.0", "control_sd": "2.0", "effect": "-0.1", "ci_low": "-0.884", "ci_high": "0.684",
    "p_value": "0.8", "verdict": "no_difference", "dispersion_type": "SD", "effect_metric": "mean_difference",
    "effect_origin": "computed", "source": "made up for a test", "read": "full_text",
}  # fmt: skip


def fill(folder, study, estimate):
    write_template(folder)
    for name, row in (("studies.tsv", study), ("estimates.tsv", estimate)):
        path = folder / name
        header = path.read_text("utf-8").strip().split("\t")
        path.write_text("\t".join(header) + "\n" + "\t".join(row.get(c, "") for c in header) + "\n", "utf-8")
    return folder


def test_a_filled_template_is_checked_added_and_pooled(tmp_path):
    before = load()
    filled = fill(tmp_path / "filled", STUDY, ESTIMATE)
    after = add(filled, tmp_path / "grown", before)
    assert len(after.studies) == 86
    assert len(after.estimates) == 225
    assert load(tmp_path / "grown").estimates == after.estimates
    assert pool("hs-CRP", "probiotic", evidence=after, sensitivity=False).k == 4
    assert len(load().estimates) == 224  # the packaged tables are left alone
    with pytest.raises(FindingsError, match="not empty"):
        add(filled, tmp_path / "grown", before)


def test_a_disk_that_fills_leaves_no_half_of_the_grown_evidence(tmp_path, monkeypatch):
    filled = fill(tmp_path / "filled", STUDY, ESTIMATE)
    written = []

    def full(path, rows, columns):
        written.append(path)
        if len(written) == 2:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        write_table(path, rows, columns)

    monkeypatch.setattr("eubiosis.evidence.growing.adding.write_table", full)
    with pytest.raises(FindingsError, match="No space left"):
        add(filled, tmp_path / "grown", load())
    assert [path.name for path in tmp_path.iterdir()] == ["filled"]


@pytest.mark.parametrize(
    ("study", "estimate", "word"),
    [
        ({}, {"p_value": "0.001"}, "p against dispersions"),
        ({}, {"effect": "-3"}, "interval"),
        ({}, {"outcome": "hs_CRPP"}, 'nearest "hs_CRP"'),
        ({}, {"study_id": "unknown2030"}, "no study"),
        ({}, {"read": "recalled"}, "source not read"),
        ({"id": "kouchaki2017"}, {"study_id": "kouchaki2017"}, "occurs twice"),
        ({"registry_id": "NCT03718247"}, {}, "duplicate cohort"),
        ({"integrity_status": "notice"}, {}, "without a reason"),
        ({"species": "humann"}, {}, "humann"),
    ],
)
def test_a_template_with_a_defect_writes_nothing(tmp_path, study, estimate, word):
    filled = fill(tmp_path / "filled", {**STUDY, **study}, {**ESTIMATE, **estimate})
    with pytest.raises(FindingsError, match=word):
        add(filled, tmp_path / "grown", load())
    assert not (tmp_path / "grown").exists()


def test_templates_have_every_column_and_are_never_overwritten(tmp_path):
    studies, estimates = write_template(tmp_path)
    assert studies.read_text("utf-8").strip().split("\t") == list(Study.model_fields)
    assert estimates.read_text("utf-8").strip().split("\t") == list(StudyEstimate.model_fields)
    with pytest.raises(FindingsError, match="already"):
        write_template(tmp_path)
