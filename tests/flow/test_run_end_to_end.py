"""`eubiosis run`, nothing replaced: a small workflow to its tables, results and report."""

import json
import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from eubiosis.cli.main import cli
from eubiosis.workflow.all_tables import ALL_TABLES

WORKFLOW = """\
title: A small trial
question: Does anything move?
context_of_use: a test
decision: none
seed: 5
arms:
  - {name: placebo, therapy: placebo, stop: week 12}
  - {name: inulin, therapy: inulin, dose: 12 g/day, stop: week 12}
  - {name: propionate, therapy: propionate, dose: 1000 mg/day, stop: week 12}
design: {participants: 18, visits: [0, 6, 12], allocation: [1, 1, 1]}
primary: mfis
simulation: {gut_worlds: 2, host_worlds: 2, replicates: 2}
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    (folder / "workflow.yaml").write_text(WORKFLOW)
    arguments = [
        "run",
        str(folder / "workflow.yaml"),
        "--out",
        str(folder / "out"),
        "--processes",
        "1",
        "--quiet",
        "--tables",
        "all",
    ]
    result = CliRunner().invoke(cli, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    return folder / "out"


def test_the_folder_is_whole(finished):
    names = {p.relative_to(finished).as_posix() for p in finished.rglob("*") if p.is_file()}
    manifest = json.loads((finished / "manifest.json").read_text())
    assert names == {"manifest.json", *manifest["files"]}
    assert {"report.html", "results.json", "plan.json", "workflow_resolved.yaml", "log.jsonl"} <= names


def test_the_tables_of_all_trials_are_there(finished):
    """Two by two worlds of two trials of eighteen people; the first is the one that lies apart."""
    files = sorted((finished / "tables" / "all" / "trial_subjects").iterdir())
    assert [path.name for path in files] == ["gut-00000.parquet", "gut-00001.parquet"]
    parts = [pq.read_table(pa.BufferReader(path.read_bytes())) for path in files]
    whole = pa.concat_tables(parts).to_pandas()
    assert whole.groupby(["gut_world", "host_world", "replicate"]).size().tolist() == [18] * 8
    assert json.loads(parts[0].schema.metadata[b"units"])["relapses"] == "relapse"  # totals, not a rate
    assert b"simulated" in parts[0].schema.metadata[b"origin"]
    first = pq.read_table(finished / "tables" / "observed_subjects.parquet").to_pandas()
    same = whole[(whole.gut_world == 0) & (whole.host_world == 0) & (whole.replicate == 0)]
    assert same[list(first)].reset_index(drop=True).equals(first)
    assert {path.name for path in (finished / "tables" / "all").iterdir()} == {s.name for s in ALL_TABLES}
    assert "  tables: all" in (finished / "workflow_resolved.yaml").read_text()


def test_every_loss_has_a_reason_and_every_relapse_a_day(finished):
    subjects = pq.read_table(finished / "tables" / "observed_subjects.parquet").to_pandas()
    relapses = pq.read_table(finished / "tables" / "observed_relapses.parquet").to_pandas()
    assert ((subjects.left_because == "completed") == subjects.completed).all()
    counted = relapses.groupby("subject").size().reindex(subjects.subject, fill_value=0)
    assert counted.tolist() == subjects.relapses.tolist()
    assert (subjects.gd_lesions_at_entry >= 0).all()


def test_the_plan_was_fixed_before_the_simulation(finished):
    events = [json.loads(line) for line in (finished / "log.jsonl").read_text().splitlines()]
    order = [event["event"] for event in events]
    assert order.index("analysis plan fixed") < order.index("simulated")
    plan = json.loads((finished / "plan.json").read_text())
    manifest = json.loads((finished / "manifest.json").read_text())
    assert plan["sha256"] == manifest["facts"]["analysis_plan_sha256"]


def test_tables_add_up(finished):
    estimates = pq.read_table(finished / "tables" / "estimates.parquet").to_pydict()
    assert len(estimates["endpoint"]) == 8 * 28 * 2  # trials x endpoints x active arms
    subjects = pq.read_table(finished / "tables" / "observed_subjects.parquet").to_pydict()
    assert sorted(subjects["arm"]) == ["inulin"] * 6 + ["placebo"] * 6 + ["propionate"] * 6
    origin = pq.read_schema(finished / "tables" / "estimates.parquet").metadata[b"origin"]
    assert b"prior only: not calibrated to any clinical outcome" in origin


def test_the_report_says_what_it_is_and_needs_nothing_else(finished):
    page = (finished / "report.html").read_text(encoding="utf-8")
    assert "prior only: not calibrated to any clinical outcome" in page
    assert "no trial in our tables has tested relapses" in page
    assert not re.search(r"""(src|href)=["'](?!#|data:)""", page)
    assert ">nan<" not in page.lower()
