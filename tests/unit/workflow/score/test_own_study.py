"""A user's own study: a table of another design is refused, an honest one is scored after its seal."""

import shutil
from datetime import date

import pytest
import yaml

from eubiosis.core.findings import FindingsError
from eubiosis.workflow.score.own import others_of, own_board
from eubiosis.workflow.score.tables import FORECASTS
from trial_plans import endpoint, plan, rows, text_of

WORKFLOW = {
    "title": "Made", "question": "Does it?", "context_of_use": "a test", "decision": "none",
    "eligibility": {"background": "stable"},
    "arms": [{"name": "placebo", "therapy": "placebo", "control": True},
             {"name": "inulin", "therapy": "inulin", "dose": "12 g/day"}],
    "design": {"participants": 8, "visits": [0, 12]},
    "primary": "mfis",
}  # fmt: skip


def score(folder, made_plan, table=None, workflow=None, **worlds):
    files = {name: folder / name for name in ("workflow.yaml", "plan.yaml", "table.csv")}
    files["workflow.yaml"].write_text(yaml.safe_dump(workflow or WORKFLOW))
    files["plan.yaml"].write_text(yaml.safe_dump(made_plan))
    files["table.csv"].write_text(text_of(rows() if table is None else table))
    return own_board(
        files["table.csv"], files["workflow.yaml"], files["plan.yaml"], folder / "sealed",
        today=date(2026, 1, 5), say=lambda _: None, gut_worlds=1, host_worlds=worlds.get("host_worlds", 2),
    )  # fmt: skip


def test_a_finished_study_is_sealed_and_scored(tmp_path):
    made = score(tmp_path, plan(endpoint(name="mfis")))
    (one,) = made.quantities
    assert (one.quantity, one.arm, one.status) == ("mfis", "inulin", "yours")
    assert made.seals[0].predicted == made.seals[0].compared == "2026-01-05"
    assert [group.group for group in made.groups] == ["yours"]
    assert made.group("yours").crps.low is None  # one study: no interval, no claim
    assert "no claim" in made.group("yours").crps.verdict


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"endpoints": [endpoint(name="fatigue")]}, 'another design: endpoint "fatigue"'),
        ({"arms": [{"name": "placebo", "control": True, "spellings": ["Placebo"]},
                   {"name": "butyrate", "spellings": ["Inulin"]}]}, "another design: arm"),
        ({"arms": [{"name": "placebo", "spellings": ["Placebo"]},
                   {"name": "inulin", "control": True, "spellings": ["Inulin"]}]}, "another design: control"),
        ({"visits": [{"name": "Baseline", "week": 0}, {"name": "Week 12", "week": 24}]}, "in week 24"),
    ],
)  # fmt: skip
def test_a_table_of_another_design_is_refused_by_name(tmp_path, change, said):
    with pytest.raises(FindingsError, match=said):
        score(tmp_path, plan(endpoint(name="mfis")) | change)
    assert not (tmp_path / "sealed").exists()


def test_a_read_out_without_interval_is_refused(tmp_path):
    exact = [[*row[:3], 40, *row[4:]] for row in rows()]
    with pytest.raises(FindingsError, match="no interval"):
        score(tmp_path, plan(endpoint(name="mfis")), exact)


def test_a_forecast_that_changes_after_its_comparison_is_called_a_second_look(tmp_path):
    first = score(tmp_path, plan(endpoint(name="mfis")))
    assert not any("second look" in note for note in first.notes)
    same = score(tmp_path, plan(endpoint(name="mfis")))
    assert not any("second look" in note for note in same.notes)
    arms = [WORKFLOW["arms"][0], WORKFLOW["arms"][1] | {"dose": "3 g/day"}]
    made = score(tmp_path, plan(endpoint(name="mfis")), workflow=WORKFLOW | {"arms": arms})
    assert "A second look (inulin)" in made.notes[0]


def test_seals_of_other_studies_are_not_overwritten(tmp_path):
    shutil.copytree(FORECASTS, tmp_path / "sealed")
    before = (tmp_path / "sealed" / "seals.tsv").read_bytes()
    with pytest.raises(FindingsError, match="another study is sealed here"):
        score(tmp_path, plan(endpoint(name="mfis")))
    assert (tmp_path / "sealed" / "seals.tsv").read_bytes() == before


def test_a_reference_exists_where_other_studies_measured_the_like():
    assert len(others_of("relapses", 1.0)) > 5
    assert {o.study for o in others_of("share_BIF", 1.0)} >= {"Baxter 2019", "Tap 2015"}
    assert others_of("treg", 1.0) == []
    slope = others_of("t2_lesions", 1.0)[0].estimate / others_of("relapses", 1.0)[0].estimate
    assert slope == pytest.approx(1 / 0.52)
