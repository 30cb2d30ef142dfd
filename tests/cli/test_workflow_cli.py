"""``run``, ``demo``, ``new``, ``check`` and ``doctor``: exit status, what goes where, nothing left behind."""

import sys
import types

import pytest

from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.errors import NumericalFailuresError
from eubiosis.core.frame import Table
from eubiosis.core.report_input import empty_report
from eubiosis.core.table_schemas import OBSERVED_VISITS


@pytest.fixture
def run(monkeypatch, eubiosis, tmp_path):
    """Run a command in an empty folder; return status, stdout, stderr."""
    monkeypatch.chdir(tmp_path)
    return eubiosis


@pytest.fixture
def stage(monkeypatch):
    """Put a simulation and a report in the place of the real ones."""
    seen = {"error": None}

    def run_job(workflow, *, executor, progress, content, store, **others):
        design = workflow.design
        seen.update(arms=[arm.name for arm in design.arms], executor=executor, progress=progress)
        assert content == PACKAGED_CONTENT
        if seen["error"] is not None:
            raise seen["error"]
        rows = {"subject": [1] * len(design.visits), "arm": ["placebo"] * len(design.visits)}
        table = Table({**rows, "week": design.visits}, schema=OBSERVED_VISITS)
        return types.SimpleNamespace(
            tables={"observed_visits": table}, report_input=empty_report("A run"), facts={}, parts=0
        )

    job = types.ModuleType("eubiosis.workflow.trial_job")
    job.run_job = run_job
    report = types.ModuleType("eubiosis.report.trial.page")
    report.trial_report = lambda _: "<html>simulated</html>"
    report.results_json = lambda _: {}
    results = types.ModuleType("eubiosis.report.trial.results_json")
    results.results_text = lambda _: '{"origin": "simulated"}'
    monkeypatch.setitem(sys.modules, results.__name__, results)
    monkeypatch.setitem(sys.modules, job.__name__, job)
    monkeypatch.setitem(sys.modules, report.__name__, report)
    return seen


def test_new_makes_a_workflow_that_check_accepts_and_run_runs(run, stage, tmp_path):
    assert run("new", "mine")[:2] == (0, "mine/workflow.yaml\n")
    status, out, err = run("check", "mine/workflow.yaml")
    assert (status, err) == (0, "")
    assert out.startswith("mine/workflow.yaml: no findings (workflow: 120 subjects; arms placebo, inulin")
    status, out, err = run("run", "mine/workflow.yaml", "--out", "first", "--processes", 2)
    assert (status, out) == (0, "first/report.html\n")
    assert "seed 2026" in err
    assert stage["executor"].workers == 2
    assert sorted(p.name for p in tmp_path.iterdir()) == ["first", "mine"]


def test_new_never_overwrites(run, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "file").write_text("keep")
    for name, words in (
        ("mine", "exists already"),
        ("file", "a file stands there"),
        ("no/where", "cannot be made"),
    ):
        status, out, err = run("new", name)
        assert (status, out) == (1, "")
        assert words in err
        assert "next: " in err
    assert list((tmp_path / "mine").iterdir()) == []
    assert (tmp_path / "file").read_text() == "keep"


def test_quiet_says_nothing_but_the_path(run, stage):
    run("new", "mine")
    assert run("run", "mine/workflow.yaml", "--out", "r", "--quiet") == (0, "r/report.html\n", "")
    assert stage["progress"] is False


def test_the_demo_runs_the_packaged_trial(run, stage, tmp_path):
    status, out, err = run("demo", "--out", "shown")
    assert (status, out) == (0, "shown/report.html\n")
    assert stage["arms"] == ["placebo", "inulin", "propionate"]
    assert "120 subjects in 3 arms" in err
    # an earlier demo is replaced, but never a folder that holds something else
    assert run("demo", "--out", "shown")[:2] == (0, "shown/report.html\n")
    (tmp_path / "shown" / "mine.txt").write_text("keep")
    status, out, err = run("demo", "--out", "shown")
    assert (status, out) == (1, "")
    assert "not empty" in err
    assert (tmp_path / "shown" / "mine.txt").read_text() == "keep"


def test_check_reports_every_finding_of_every_file(run, tmp_path):
    run("new", "mine")
    text = (tmp_path / "mine" / "workflow.yaml").read_text()
    (tmp_path / "bad.yaml").write_text(text.replace("inulin\n    dose", "inulim\n    dose") + "sead: 1\n")
    (tmp_path / "bad.tsv").write_text("id\tBlautia\tDorea\na\t-1\t0\nb\t0\t0\n")
    (tmp_path / "good.tsv").write_text("id\tBlautia\tDorea\na\t1\t0\nb\t2\t7\n")
    status, out, err = run("check", "bad.yaml", "good.tsv", "bad.tsv", "lost.tsv", "lost.yaml")
    assert status == 1
    assert out == "good.tsv: no findings (stool table: 2 samples, 2 usable, counts)\n"
    for words in (
        "bad.yaml: 2 findings",
        '"inulim" is unknown; nearest "inulin"',
        'nearest "seed"',
        "bad.tsv: 2 findings",
        "lost.tsv: 1 finding",
        "lost.yaml: 1 finding",
    ):
        assert words in err


def test_findings_end_with_1_and_leave_nothing(run, stage, tmp_path):
    (tmp_path / "bad.yaml").write_text("title: x\n")
    status, out, err = run("run", "bad.yaml", "--out", "r")
    assert (status, out) == (1, "")
    assert "question: the key is missing" in err
    run("new", "mine")
    (tmp_path / "file").write_text("keep")
    status, out, err = run("run", "mine/workflow.yaml", "--out", "file/r")
    assert (status, out) == (1, "")
    assert "file is a file and no folder" in err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bad.yaml", "file", "mine"]


def test_too_many_numerical_failures_end_with_3_and_leave_nothing(run, stage, tmp_path):
    run("new", "mine")
    stage["error"] = NumericalFailuresError(7, 100, 2, {"step_limit": 7})
    status, out, err = run("run", "mine/workflow.yaml", "--out", "r", "--quiet")
    assert (status, out) == (3, "")
    assert err == "7 of 100 solutions failed numerically; allowed: 2 (7 step_limit)\n"
    assert [p.name for p in tmp_path.iterdir()] == ["mine"]


def test_ctrl_c_ends_with_130_and_leaves_nothing(run, stage, tmp_path):
    run("new", "mine")
    stage["error"] = KeyboardInterrupt()
    status, out, err = run("run", "mine/workflow.yaml", "--out", "r", "--quiet")
    assert (status, out) == (130, "")
    assert "stopped" in err
    assert [p.name for p in tmp_path.iterdir()] == ["mine"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run",), "Missing argument"),
        (("run", "w.yaml"), "Missing option '--out'"),
        (("run", "w.yaml", "--out", "r", "--processes", "0"), "not in the range x>=1"),
        (("run", "w.yaml", "--out", "r", "--processes", "two"), "not a valid integer"),
        (("new",), "Missing argument"),
        (("check",), "Missing argument"),
        (("doctor", "--fast"), "No such option"),
        (("rnu",), '"rnu" is unknown; nearest "run"'),
    ],
)
def test_a_wrong_command_line_ends_with_2(run, tmp_path, arguments, message):
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    assert message in err
    assert list(tmp_path.iterdir()) == []


def test_the_doctor_ends_with_1_where_an_answer_is_wrong(run, monkeypatch):
    status, out, _ = run("doctor")
    assert status == 0
    assert out.count("\nok ") == 2
    assert "cores" in out
    monkeypatch.setattr("eubiosis.workflow.doctor.decay_error", lambda: 0.5)
    status, out, err = run("doctor")
    assert status == 1
    assert out.count("\nFAILED ") == 1
    assert "cannot be trusted" in err
