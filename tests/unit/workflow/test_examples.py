"""Every therapy has an example that passes the check, and every target its workflow or a reason."""

import csv
from pathlib import Path

import pytest

from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.endpoints import ENDPOINTS
from eubiosis.core.findings import FindingCollector
from eubiosis.therapy import products
from eubiosis.workflow.examples import REPLAYS, example_workflow, replays
from eubiosis.workflow.files.check_files import check_file
from eubiosis.workflow.files.workflow_yaml import read_workflow

TARGETS = PACKAGED_CONTENT / "evidence" / "calibration_targets.tsv"


def targets():
    with TARGETS.open(encoding="utf-8", newline="") as lines:
        return {row["id"]: row["role"] for row in csv.DictReader(lines, delimiter="\t")}


def test_every_fit_and_check_row_has_a_workflow_or_a_reason_and_no_holdout_has_either():
    wanted = {name: role for name, role in targets().items() if role in ("fit", "check")}
    assert {row.id: row.role for row in replays()} == wanted
    assert all(role == "holdout" for name, role in targets().items() if name not in wanted)
    files = {row.file for row in replays() if row.file}
    assert files == {path.name for path in REPLAYS.glob("*.yaml")}


@pytest.mark.parametrize("row", [row for row in replays() if row.path], ids=lambda row: row.id)
def test_a_replay_passes_the_check_and_ends_where_its_row_says(row):
    findings = FindingCollector()
    check_file(row.path, findings)
    assert findings.findings == []
    design = read_workflow(row.path).design
    assert design.primary == row.endpoint in ENDPOINTS
    assert design.visits[-1] == row.week


@pytest.mark.parametrize("name", products())
def test_every_therapy_has_an_example_that_passes_the_check(name, tmp_path: Path):
    path = tmp_path / "workflow.yaml"
    path.write_text(example_workflow(name), encoding="utf-8")
    design = read_workflow(path).design
    assert design.active[0].therapy.product == name
