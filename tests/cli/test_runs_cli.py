"""Status, comparison and repetition of runs, and one line for whatever the machine refuses."""

import errno
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from eubiosis.cli import main as entry
from eubiosis.cli.running import _remembered
from eubiosis.cli.runs import cache, compare, rerun, status
from eubiosis.compute.run_folder import CHUNKS, unfinished
from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.findings import FindingsError
from eubiosis.workflow.runs import compare_runs, demand_whole, read_manifest, run_state
from eubiosis.workflow.runs import rerun as repeat
from eubiosis.workflow.trial_run import run_trial
from tiny_runs import tiny_workflow


def silent(text):
    """Say nothing."""


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two finished runs that differ in the seed."""
    folder = tmp_path_factory.mktemp("runs")
    for name, seed in (("one", 5), ("two", 6)):
        workflow = folder / f"{name}.yaml"
        workflow.write_text(tiny_workflow(seed=seed))
        run_trial(workflow, folder / name, progress=False, say=silent)
    return folder


def invoke(command, *arguments):
    return CliRunner().invoke(command, [str(a) for a in arguments])


def test_a_run_repeats_itself_from_its_own_folder(runs):
    found = invoke(rerun, runs / "one", "-q", "--processes", 1)
    assert (found.exit_code, found.stdout) == (
        0,
        "the same to the bit: every table, the results and the plan\n",
    )


def test_what_two_runs_differ_in_is_named_with_its_size(runs):
    found = compare_runs(runs / "one", runs / "two")
    kinds = {(each.kind, each.name) for each in found}
    assert {("seed", "seed"), ("input", "workflow"), ("file", "results.json")} <= kinds
    tables = {each.name: each for each in found if each.kind == "table"}
    assert "largest relative difference" in tables["tables/estimates.parquet"].second
    shown = invoke(compare, runs / "one", runs / "two")
    assert shown.exit_code == 1
    assert "seed seed: 5 | 6" in shown.stdout
    same = invoke(compare, runs / "one", runs / "one")
    assert (same.exit_code, same.stdout) == (0, "the same in everything but the log\n")
    assert json.loads(invoke(compare, runs / "one", runs / "two", "--json").stdout)


def test_a_changed_or_missing_file_or_a_way_out_is_refused_by_name(runs, tmp_path):
    for change, problem in (
        (lambda run: (run / "report.html").write_text("other"), "report.html: is not as it was written"),
        (lambda run: (run / "plan.json").unlink(), "plan.json: is missing"),
        (lambda run: (run / "manifest.json").write_text("[]"), "none that eubiosis wrote"),
        (lambda run: (run / "manifest.json").write_text("[" * 100_000), "cannot be read"),
        (leads_out, "leads out of the run folder"),
    ):
        copy = tmp_path / "copy"
        shutil.copytree(runs / "one", copy)
        change(copy)
        with pytest.raises(FindingsError, match=problem):
            compare_runs(copy, runs / "one")
        shutil.rmtree(copy)


def leads_out(run):
    record = json.loads((run / "manifest.json").read_text())
    record["files"]["../two/report.html"] = record["files"].pop("report.html")
    (run / "manifest.json").write_text(json.dumps(record))


def changed(run, copy, change):
    """Return a copy of a run with a changed manifest."""
    shutil.copytree(run, copy)
    record = json.loads((copy / "manifest.json").read_text())
    change(record)
    (copy / "manifest.json").write_text(json.dumps(record))
    return copy


@pytest.mark.parametrize("name", ["a\0b", "a\ud800b", "circle/a", "a" * 5_000])
def test_a_name_that_no_system_takes_leads_out(runs, tmp_path, name):
    def add(record):
        record["files"][name] = {"sha256": "", "bytes": 0}

    copy = changed(runs / "one", tmp_path / "copy", add)
    (copy / "circle").symlink_to("circle")
    for command in ([compare, copy, runs / "one"], [rerun, copy, "-q"]):
        found = invoke(*command)
        assert isinstance(found.exception, FindingsError)
        assert [each.problem for each in found.exception.findings] == ["leads out of the run folder"]


def test_what_a_manifest_says_moves_no_terminal(runs, tmp_path):
    def add(record):
        record["facts"] |= {"x": "a\x1b]0;owned\x07\nb\x9b", "y": "\ud800"}

    copy = changed(runs / "one", tmp_path / "copy", add)
    shown = invoke(compare, copy, runs / "one")
    assert shown.exit_code == 1
    assert shown.stdout.splitlines() == [
        r"fact x: a\x1b]0;owned\x07\nb\x9b | not there",
        r"fact y: \ud800 | not there",
    ]
    shown = invoke(compare, copy, runs / "one", "--json")
    assert shown.stdout.replace("\n", "").isprintable()
    assert [each["first"] for each in json.loads(shown.stdout)] == ["a\x1b]0;owned\x07\nb\x9b", "\ud800"]


def test_who_writes_is_said_in_characters_that_can_be_seen(tmp_path, monkeypatch):
    owner = SimpleNamespace(words="process 1 on \x1b[2J\nfinished, since \ud800")
    monkeypatch.setattr("eubiosis.workflow.runs.owner_of", lambda _: owner)
    monkeypatch.setattr("eubiosis.workflow.runs.alive", lambda *_: True)
    unfinished(tmp_path / "run").mkdir()
    said = invoke(status, tmp_path / "run").stdout
    assert said.endswith("process 1 on \\x1b[2J\\nfinished, since \\ud800\n")


def test_a_file_of_another_size_is_not_read(runs, tmp_path, monkeypatch):
    shutil.copytree(runs / "one", tmp_path / "copy")
    with (tmp_path / "copy" / "report.html").open("ab") as report:
        report.truncate(2**20)
    read = []
    monkeypatch.setattr("eubiosis.workflow.runs._sha256", lambda path: read.append(path.name))
    with pytest.raises(FindingsError, match=r"report\.html: is not as it was written"):
        compare_runs(tmp_path / "copy", runs / "one")
    assert read
    assert "report.html" not in read


def test_no_file_of_a_run_is_read_at_once(runs, monkeypatch):
    monkeypatch.setattr("pathlib.Path.read_bytes", None)
    demand_whole(runs / "one", read_manifest(runs / "one"))


def test_a_run_of_another_version_is_not_repeated(runs, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(runs / "one", copy)
    record = json.loads((copy / "manifest.json").read_text())
    (copy / "manifest.json").write_text(json.dumps({**record, "eubiosis": "0.0.1"}))
    found = invoke(rerun, copy, "-q")
    assert isinstance(found.exception, FindingsError)
    assert "version 0.0.1 made it" in str(found.exception)


def test_a_run_of_an_edited_model_is_repeated_with_its_folder_only(runs, tmp_path, monkeypatch):
    """The run itself is not made: what is checked comes before it."""

    def refused(copy, *options):
        return str(invoke(rerun, copy, "-q", *options).exception)

    given = []

    def stop(*_, **options):
        given.append((options["content"], options["large"]))
        raise KeyboardInterrupt

    monkeypatch.setattr("eubiosis.workflow.trial_run.run_trial", stop)
    edited = tmp_path / "edited"
    (edited / "models").mkdir(parents=True)
    (edited / "models" / "gut.ant").write_text("the gut")

    def add(record):
        digest = hashlib.sha256(b"the gut").hexdigest()
        record["inputs"]["model content/models/gut.ant"] = {"sha256": digest, "bytes": 7}

    copy = changed(runs / "one", tmp_path / "copy", add)
    assert "a model of its own" in refused(copy)
    assert "give --content" in refused(copy)
    assert "another is given" in refused(runs / "one", "--content", edited)
    invoke(rerun, copy, "-q", "--content", edited)
    invoke(rerun, runs / "one", "-q")
    assert given == [(edited, True), (PACKAGED_CONTENT, True)]
    (edited / "models" / "gut.ant").write_text("another")
    (edited / "new.tsv").write_text("")
    assert "is not what the run read: models/gut.ant, new.tsv;" in refused(copy, "--content", edited)
    assert len(given) == 2


def test_a_run_of_other_packaged_content_is_not_repeated(runs, tmp_path):
    def change(record):
        name = next(each for each in record["inputs"] if each.startswith("content/"))
        record["inputs"][name]["sha256"] = "0" * 64
        names.append(name.removeprefix("content/"))

    names = []
    copy = changed(runs / "one", tmp_path / "copy", change)
    with pytest.raises(FindingsError, match="the content of the package is not what the run read") as refused:
        repeat(copy, progress=False, say=silent)
    assert names[0] in str(refused.value)


def test_status_calls_no_other_folder_a_finished_run(tmp_path):
    (tmp_path / "manifest.json").write_text('{"name": "my web app"}')
    with pytest.raises(FindingsError, match="none that eubiosis wrote"):
        run_state(tmp_path)


def test_status_counts_numbers_only(tmp_path):
    hidden = unfinished(tmp_path / "run")
    hidden.mkdir()
    (hidden / "log.jsonl").write_text('{"gut_worlds": true, "seconds": 3}\n{"seconds": true}\n')
    found = run_state(tmp_path / "run")
    assert (found.of, found.seconds) == (None, 3.0)


def test_status_knows_finished_interrupted_and_nothing(runs, tmp_path, monkeypatch):
    assert invoke(status, runs / "one").stdout.startswith("finished in ")
    with pytest.raises(FindingsError, match="there is no run"):
        run_state(tmp_path / "none")

    def stop(*arguments, **options):
        assert run_state(tmp_path / "run").state == "running"
        raise KeyboardInterrupt

    monkeypatch.setattr("eubiosis.workflow.trial_run._write_report", stop)
    with pytest.raises(KeyboardInterrupt):
        run_trial(runs / "one.yaml", tmp_path / "run", progress=False, say=silent)
    found = run_state(tmp_path / "run")
    assert (found.state, found.chunks, found.of) == ("interrupted", 1, 1)
    assert "--resume" in invoke(status, tmp_path / "run").stdout


def test_status_of_a_large_run_counts_blocks_from_the_beginning(tmp_path, monkeypatch):
    for people, words in ((1_000, "0 of 1 gut worlds are"), (1_001, "0 blocks of gut worlds are")):
        place, seen = tmp_path / str(people), []

        def stop(*arguments, place=place, seen=seen, **options):
            seen.append(run_state(place).words)
            raise KeyboardInterrupt

        monkeypatch.setattr("eubiosis.workflow.trial_job.run_job", stop)
        workflow = tmp_path / f"{people}.yaml"
        workflow.write_text(tiny_workflow().replace("participants: 8", f"participants: {people}"))
        with pytest.raises(KeyboardInterrupt):
            run_trial(workflow, place, progress=False, say=silent)
        assert f"running: {words} written down" in seen[0]


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("gut-00000", "gut-00001"), "finished gut worlds that stay: 2;"),
        (
            ("gut-00000.block-00000", "gut-00000.block-00008.last"),
            "finished blocks of gut worlds that stay: 2;",
        ),
        ((), None),
    ],
)
def test_a_run_that_ends_in_between_says_what_stays_by_its_name(tmp_path, capsys, names, words):
    chunks = unfinished(tmp_path / "run") / CHUNKS
    chunks.mkdir(parents=True)
    for name in names:
        (chunks / f"{name}.chunk").write_bytes(b"")
    with pytest.raises(KeyboardInterrupt), _remembered(tmp_path / "run"):
        raise KeyboardInterrupt
    said = capsys.readouterr().err
    assert said == (f"{words} next: the same command with --resume\n" if words else "")


def test_kept_kernels_can_be_cleared(tmp_path, monkeypatch):
    monkeypatch.setenv("EUBIOSIS_CACHE_DIR", str(tmp_path / "kernels"))
    assert "0 kernels" in invoke(cache, "show").stdout
    (tmp_path / "kernels" / "a.kernel").write_bytes(b"code")
    (tmp_path / "kernels" / "other.txt").write_text("not ours")
    assert "1 kernels deleted" in invoke(cache, "clear").stdout
    assert [path.name for path in (tmp_path / "kernels").iterdir()] == ["other.txt"]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/some/report.html"), "make room"),
        (PermissionError(errno.EACCES, "Permission denied", "table.tsv"), "table.tsv: Permission denied"),
        (OSError("no number"), "no number"),
    ],
)
def test_what_the_machine_refuses_is_one_line(monkeypatch, capsys, error, words):
    def refuse(**options):
        raise error

    monkeypatch.setattr(entry, "cli", refuse)
    with pytest.raises(SystemExit) as stopped:
        entry.main()
    said = capsys.readouterr().err
    assert stopped.value.code == 1
    assert words in said
    assert said.count("\n") == 1


SPEAKS = """\
import sys
from eubiosis.cli.running import sayer
say = sayer(quiet=False)
for _ in range(3):
    say("a message")
print("the result", flush=True)
"""


@pytest.mark.parametrize("full", [False, True], ids=["no reader", "no room"])
def test_no_message_is_worth_a_run(full):
    """Standard error is a pipe that nobody reads, or a device that is full."""
    if full:
        if not Path("/dev/full").exists():
            pytest.skip("no device that is always full")
        errors = os.open("/dev/full", os.O_WRONLY)
    else:
        reader, errors = os.pipe()
        os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, "-c", SPEAKS], stdout=subprocess.PIPE, stderr=errors, text=True, check=False
        )
    finally:
        os.close(errors)
    assert (done.returncode, done.stdout) == (0, "the result\n")
