"""The main job around a simulation that is put in its place: order, files, failures."""

import json
import re
import shutil
import sys
import types
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow.parquet as pq
import pytest

from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.findings import FindingsError
from eubiosis.core.frame import Table
from eubiosis.core.report_input import empty_report
from eubiosis.core.table_schemas import OBSERVED_VISITS
from eubiosis.workflow.doctor import Examination, examine, steady_error
from eubiosis.workflow.trial_run import run_trial


@dataclass(frozen=True)
class FakeJob:
    tables: dict
    report_input: object = field(
        default_factory=lambda: replace(empty_report("A run"), warnings=("few worlds",))
    )
    facts: dict = field(default_factory=lambda: {"subjects_failed": "0"})
    parts: int = 0


@pytest.fixture
def stage(monkeypatch):
    """Put a simulation and a report in the place of the real ones; what they see is recorded."""
    seen = {}

    def run_job(workflow, *, executor, progress, content, store, resumed):
        assert callable(resumed)
        assert store.names() == []
        seen.update(workflow=workflow, executor=executor, progress=progress, content=content)
        if "error" in seen:
            raise seen["error"]
        week = np.array(workflow.design.visits)
        who = {"subject": np.ones(len(week), dtype=int), "arm": ["placebo"] * len(week)}
        columns = {**who, "week": week, "mfis": week * workflow.seed}
        return FakeJob({"observed_visits": Table(columns, schema=OBSERVED_VISITS)})

    job = types.ModuleType("eubiosis.workflow.trial_job")
    job.run_job = run_job
    report = types.ModuleType("eubiosis.report.trial.page")
    report.trial_report = lambda _: "<html>simulated</html>"
    report.results_json = lambda _: {"origin": "simulated"}
    results = types.ModuleType("eubiosis.report.trial.results_json")
    results.results_text = lambda _: '{"origin": "simulated"}'
    monkeypatch.setitem(sys.modules, results.__name__, results)
    monkeypatch.setitem(sys.modules, job.__name__, job)
    monkeypatch.setitem(sys.modules, report.__name__, report)
    return seen


def test_an_edited_model_is_checked_handed_on_and_recorded(write, tmp_path, stage):
    content = tmp_path / "mine"
    shutil.copytree(PACKAGED_CONTENT, content, ignore=shutil.ignore_patterns("__pycache__"))
    said = []
    run_trial(write(), tmp_path / "run", say=said.append, content=content)
    assert "warning: few worlds" in said
    assert "few worlds" in (tmp_path / "run" / "log.jsonl").read_text(encoding="utf-8")
    assert stage["content"] == content
    manifest = (tmp_path / "run/manifest.json").read_text()
    assert "model content/models/host.ant" in manifest
    assert "content/therapies/inulin.yaml" in manifest
    (content / "models/host.ant").write_text("model host()\n  host_R' = host_q\nend\n")
    with pytest.raises(FindingsError) as caught:
        run_trial(write(), tmp_path / "second", say=lambda _: None, content=content)
    words = str(caught.value)
    assert '"host_q" is unknown' in words
    assert "the output host_lesion_rate" in words
    assert not (tmp_path / "second").exists()


def test_a_run_writes_all_its_files(write, tmp_path, stage):
    said = []
    path = run_trial(write(), tmp_path / "run", processes=2, progress=False, say=said.append)
    run = tmp_path / "run"
    assert path == run / "report.html"
    assert path.read_text() == "<html>simulated</html>"
    assert {p.relative_to(run).as_posix() for p in run.rglob("*") if p.is_file()} == {
        "workflow_resolved.yaml",
        "plan.json",
        "tables/observed_visits.parquet",
        "data_dictionary.tsv",
        "results.json",
        "credibility.json",
        "report.html",
        "log.jsonl",
        "manifest.json",
    }
    assert (stage["executor"].workers, stage["progress"], stage["workflow"].seed) == (2, False, 2026)
    table = pq.read_table(run / "tables" / "observed_visits.parquet")
    assert table["mfis"].to_pylist() == [0.0, 12 * 2026, 24 * 2026, 36 * 2026, 48 * 2026]
    assert json.loads(table.schema.metadata[b"units"]) == {"subject": "-", "week": "week", "mfis": "points"}
    dictionary = (run / "data_dictionary.tsv").read_text().splitlines()
    assert dictionary[3].startswith("observed_visits\tweek\tPlanned week of the visit")
    assert any("seed 2026" in line for line in said)
    assert any("6 gut worlds x 6 host worlds x 8 replicates: 288 trials" in line for line in said)


def test_the_plan_is_fixed_before_the_simulation(write, tmp_path, stage):
    run_trial(write(), tmp_path / "run", say=lambda _: None)
    record = json.loads((tmp_path / "run" / "plan.json").read_text())
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    log = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    events = [line["event"] for line in log]
    assert events.index("analysis plan fixed") < events.index("simulated") < events.index("report written")
    assert {record["sha256"], log[1]["sha256"], manifest["facts"]["analysis_plan_sha256"]} == {
        record["sha256"]
    }
    assert re.fullmatch("[0-9a-f]{64}", record["sha256"])
    assert manifest["seeds"] == {"seed": 2026}
    assert manifest["facts"]["subjects_failed"] == "0"
    assert "content/parameters/gut.tsv" in manifest["inputs"]
    assert str(tmp_path) not in json.dumps(manifest)


def test_same_seed_same_tables(write, tmp_path, stage):
    for name in ("one", "two"):
        run_trial(write(), tmp_path / name, say=lambda _: None)
    run_trial(write(add="seed: 4\n"), tmp_path / "three", say=lambda _: None)
    one, two, three = (
        (tmp_path / n / "tables" / "observed_visits.parquet").read_bytes() for n in ("one", "two", "three")
    )
    assert one == two != three


@pytest.mark.parametrize("error", [ArithmeticError("no"), KeyboardInterrupt(), MemoryError()])
def test_a_failure_in_the_simulation_leaves_only_the_workflow(write, tmp_path, stage, error):
    stage["error"] = error
    path = write()
    with pytest.raises(type(error)):
        run_trial(path, tmp_path / "runs" / "run", say=lambda _: None)
    assert [p.name for p in tmp_path.iterdir()] == ["workflow.yaml"]


def test_bad_tables_are_found_before_anything_is_written(write, tmp_path, stage):
    (tmp_path / "t.tsv").write_text("id\tBlautia\tDorea\na\t0\t0\nb\t-1\t2\nb\t1\tx\n")
    (tmp_path / "m.tsv").write_text("who\tarm\na\tMS\nb\tControl\n")
    path = write(
        add="population: {source: stool, table: t.tsv, metadata: m.tsv, id_column: who, group_column: arm, "
        "control: Controls}\n"
    )
    with pytest.raises(FindingsError) as caught:
        run_trial(path, tmp_path / "run", say=lambda _: None)
    for words in ("sample a: no reads", "below zero", "occurs 2 times", "text where a number belongs"):
        assert words in str(caught.value)
    assert not (tmp_path / "run").exists()
    assert "workflow" not in stage


def test_a_group_that_nobody_is_in_is_a_finding(write, tmp_path, stage):
    (tmp_path / "t.tsv").write_text("id\tBlautia\tDorea\na\t3\t1\nb\t1\t2\n")
    (tmp_path / "m.tsv").write_text("who\tarm\na\tRRMS\nb\tControl\n")
    path = write(
        add="population: {source: stool, table: t.tsv, metadata: m.tsv, id_column: who, group_column: arm, "
        "control: Controls}\n"
    )
    with pytest.raises(FindingsError, match=r'"Controls" is unknown; nearest "Control"') as caught:
        run_trial(path, tmp_path / "run", say=lambda _: None)
    assert 'group "MS" is unknown; nearest "RRMS"' in str(caught.value)


def test_the_doctor_notices_a_model_that_has_moved(monkeypatch):
    assert all(isinstance(result, Examination) and result.passed for result in examine())
    from eubiosis.model.model import Model

    sound = Model.parameters
    monkeypatch.setattr(Model, "parameters", lambda self, person, kernel: 1.01 * sound(self, person, kernel))
    assert steady_error() > 1e-3
    assert [result.passed for result in examine()] == [True, False]
