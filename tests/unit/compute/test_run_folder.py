"""The run folder: whole or not at all, the same bytes for the same tables, nothing of the machine in it."""

import errno
import getpass
import hashlib
import json
import os
import platform
import re
import sys

import numpy as np
import pyarrow.parquet as pq
import pytest

from eubiosis.compute.chunk_store import ChunkStore
from eubiosis.compute.run_folder import ORIGIN, RunFolder, table_bytes, unfinished
from eubiosis.core.findings import ExecutorError, Finding, FindingsError
from eubiosis.core.frame import Table

COLUMNS = {"subject": np.array([1, 2, 3]), "arm": np.array(["a", "b", "a"]), "mfis": [1.5, float("nan"), 3.0]}
TABLE = Table(COLUMNS, name="observed", units={"mfis": "points"})


def write_one(target):
    with RunFolder(target) as folder:
        folder.write_text("report.html", "<p>simulated</p>")
        folder.write_table("observed", TABLE)
        folder.add_seed("seed", 7)
        folder.add_fact("subjects", 3)


def within(target, work):
    with RunFolder(target) as folder:
        work(folder)


def test_files_appear_at_the_end_and_the_manifest_hashes_every_one(tmp_path):
    target = tmp_path / "run"
    with RunFolder(target) as folder:
        folder.write_text("a/b.txt", "Käse")
        assert not target.exists()
    manifest = json.loads((target / "manifest.json").read_text())
    found = {p.relative_to(target).as_posix() for p in target.rglob("*") if p.is_file()}
    assert set(manifest["files"]) == found - {"manifest.json"} == {"a/b.txt", "log.jsonl"}
    for name, record in manifest["files"].items():
        content = (target / name).read_bytes()
        assert record == {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    assert [p.name for p in tmp_path.iterdir()] == ["run"]
    events = [json.loads(line)["event"] for line in (target / "log.jsonl").read_text().splitlines()]
    assert events == ["started", "finished"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_a_failure_leaves_nothing_behind(tmp_path, error):
    def fail(folder):
        assert folder.folder.is_dir()
        folder.write_text("half.txt", "half")
        raise error

    with pytest.raises(error):
        within(tmp_path / "deep" / "er" / "run", fail)
    assert list(tmp_path.iterdir()) == []


def test_a_failure_in_the_manifest_leaves_nothing_behind(tmp_path):
    with (
        pytest.raises(ValueError, match="absolute path"),
        RunFolder(tmp_path / "run") as folder,
    ):
        folder.add_fact("table", "/somewhere/table.tsv")
    assert list(tmp_path.iterdir()) == []


def test_parents_that_others_use_meanwhile_stay(tmp_path):
    def fail(folder):
        (tmp_path / "runs" / "other.txt").write_text("mine")
        raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        within(tmp_path / "runs" / "run", fail)
    assert [p.name for p in (tmp_path / "runs").iterdir()] == ["other.txt"]


def test_an_existing_run_is_left_as_it_is(tmp_path):
    target = tmp_path / "run"
    target.mkdir()
    (target / "mine.txt").write_text("keep")
    with pytest.raises(FindingsError, match=r"not empty.*nothing is overwritten.*give another --out"):
        write_one(target)
    assert (target / "mine.txt").read_text() == "keep"
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def test_a_run_that_appears_meanwhile_is_left_as_it_is(tmp_path):
    target = tmp_path / "run"

    def be_late(folder):
        folder.write_text("a.txt", "a")
        target.mkdir()
        (target / "theirs.txt").write_text("first")

    with pytest.raises(FindingsError, match="not empty"):
        within(target, be_late)
    assert [p.name for p in target.iterdir()] == ["theirs.txt"]
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def test_an_empty_folder_is_filled(tmp_path):
    (tmp_path / "run").mkdir()
    write_one(tmp_path / "run")
    assert (tmp_path / "run" / "report.html").read_text() == "<p>simulated</p>"


def test_a_file_in_the_way_is_a_finding(tmp_path):
    (tmp_path / "file").write_text("keep")
    with pytest.raises(FindingsError, match="a file stands where"):
        write_one(tmp_path / "file")
    with pytest.raises(FindingsError, match="cannot be made here"):
        write_one(tmp_path / "file" / "run")
    assert (tmp_path / "file").read_text() == "keep"


@pytest.mark.skipif(
    sys.platform == "win32" or getattr(os, "geteuid", lambda: 1)() == 0, reason="root may write everywhere"
)
def test_a_parent_without_write_permission_is_a_finding(tmp_path):
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    with pytest.raises(FindingsError, match=r"cannot be made here \(Permission denied\)"):
        write_one(locked / "run")


def test_the_manifest_says_nothing_about_the_machine_or_the_user(tmp_path, monkeypatch):
    (tmp_path / "secret_place").mkdir()
    source = tmp_path / "secret_place" / "table.tsv"
    source.write_text("x")
    monkeypatch.chdir(tmp_path)
    with RunFolder(tmp_path / "run") as folder:
        folder.add_input("stool table", source)
    text = (tmp_path / "run" / "manifest.json").read_text() + (tmp_path / "run" / "log.jsonl").read_text()
    for private in (str(tmp_path), "secret_place", "table.tsv"):
        assert private not in text
    words = set(re.split(r"[^\w.-]+", text))
    assert "seconds" in words
    assert words.isdisjoint({platform.node(), getpass.getuser()})
    record = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert record["inputs"]["stool table"]["sha256"] == hashlib.sha256(b"x").hexdigest()
    assert record["origin"] == ORIGIN


def test_parquet_bytes_depend_on_the_columns_only(tmp_path):
    for name in ("one", "two"):
        write_one(tmp_path / name)
    first, second = ((tmp_path / n / "tables" / "observed.parquet").read_bytes() for n in ("one", "two"))
    assert first == second
    changed = TABLE.with_column("mfis", [1.5, 2.0, 3.0])
    assert table_bytes(changed) != table_bytes(TABLE) == first
    assert table_bytes(TABLE, {"about": "one world"}) != first


def test_a_table_carries_its_origin_and_comes_back_as_it_was(tmp_path):
    write_one(tmp_path / "run")
    table = pq.read_table(tmp_path / "run" / "tables" / "observed.parquet")
    assert table.schema.metadata[b"origin"].decode() == (
        "simulated; prior only: not calibrated to any clinical outcome"
    )
    assert json.loads(table.schema.metadata[b"units"]) == {"mfis": "points"}
    assert table["arm"].to_pylist() == ["a", "b", "a"]
    assert table["subject"].to_pylist() == [1, 2, 3]
    values = table["mfis"].to_numpy()
    assert values[[0, 2]].tolist() == [1.5, 3.0]
    assert np.isnan(values[1])


def test_a_false_origin_is_refused():
    with pytest.raises(ValueError, match="origin"):
        table_bytes(TABLE, {"origin": "measured"})


@pytest.mark.parametrize("name", ["../out.txt", "/out.txt", "log.jsonl", "manifest.json", "twice.txt"])
def test_names_that_leave_the_folder_or_are_taken_are_refused(tmp_path, name):
    def write_twice(folder):
        folder.write_text("twice.txt", "once")
        folder.write_text(name, "x")

    with pytest.raises(ValueError, match="taken, reserved or outside"):
        within(tmp_path / "run", write_twice)
    assert list(tmp_path.iterdir()) == []


def test_writing_outside_the_block_is_refused(tmp_path):
    with pytest.raises(RuntimeError, match="inside its with block"):
        RunFolder(tmp_path / "run").write_text("a.txt", "a")


def test_an_earlier_run_is_replaced_only_where_nothing_else_lies(tmp_path):
    target = tmp_path / "demo"
    with RunFolder(target) as folder:
        folder.write_text("first.txt", "one")
    with RunFolder(target, replace=True) as folder:
        folder.write_text("second.txt", "two")
    assert not (target / "first.txt").exists()
    assert (target / "second.txt").read_text() == "two"
    (target / "mine.txt").write_text("a user's own file")
    with pytest.raises(FindingsError, match="not empty"), RunFolder(target, replace=True):
        raise AssertionError("the block must not be entered")
    assert (target / "mine.txt").read_text() == "a user's own file"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["demo"]


def test_names_that_differ_in_capitals_only_are_one_file_on_some_systems(tmp_path):
    def write(folder):
        folder.write_text("Results.json", "{}")
        folder.write_text("results.JSON", "{}")

    with pytest.raises(ValueError, match="taken"):
        within(tmp_path / "run", write)
    with pytest.raises(ValueError, match="reserved"):
        within(tmp_path / "run", lambda folder: folder.write_text("MANIFEST.json", "{}"))


def test_every_text_file_has_the_line_ends_of_linux(tmp_path):
    write_one(tmp_path / "run")
    for name in ("log.jsonl", "manifest.json", "report.html"):
        assert b"\r" not in (tmp_path / "run" / name).read_bytes()


def interrupted(target, *, chunks=1, by=KeyboardInterrupt):
    def work(folder):
        store = folder.chunks("key")
        for k in range(chunks):
            store.write(f"gut-{k}", b"numbers")
        folder.write_text("a.txt", "half")
        raise by

    with pytest.raises(by if isinstance(by, type) else type(by)):
        within(target, work)


def test_an_interruption_keeps_finished_chunks_and_nothing_else(tmp_path):
    interrupted(tmp_path / "run", chunks=2)
    partial = unfinished(tmp_path / "run")
    with pytest.raises(
        FindingsError, match="an unfinished run lies there, with 2 finished chunks"
    ) as refused:
        write_one(tmp_path / "run")
    assert "--resume" in refused.value.findings[0].next_step
    with RunFolder(tmp_path / "run", resume=True) as folder:
        assert folder.chunks("key").whole() == ["gut-0", "gut-1"]
        assert not (partial / "a.txt").exists()
        folder.write_text("a.txt", "whole")
    assert sorted(p.name for p in (tmp_path / "run").iterdir()) == ["a.txt", "log.jsonl", "manifest.json"]
    assert not partial.exists()


def test_an_interruption_before_the_first_chunk_leaves_nothing(tmp_path):
    interrupted(tmp_path / "run", chunks=0)
    assert list(tmp_path.iterdir()) == []


def test_what_the_same_input_would_meet_again_keeps_nothing(tmp_path):
    interrupted(tmp_path / "run", by=FindingsError([Finding("workflow", "design", "too small", "", "")]))
    assert list(tmp_path.iterdir()) == []
    interrupted(tmp_path / "run", by=OSError(28, "No space left on device"))
    assert [path.name for path in tmp_path.iterdir()] == [".run.partial"]


def test_the_chunks_of_another_workflow_are_refused_not_used(tmp_path):
    interrupted(tmp_path / "run")
    with (
        pytest.raises(FindingsError, match="of another workflow"),
        RunFolder(tmp_path / "run", resume=True) as folder,
    ):
        folder.chunks("other")
    with RunFolder(tmp_path / "run", resume=True) as folder:  # and were not lost by it
        assert folder.chunks("key").whole() == ["gut-0"]


def test_the_second_writer_is_refused_before_it_has_worked(tmp_path):
    with RunFolder(tmp_path / "run") as first:
        with pytest.raises(FindingsError, match="writes this run"), RunFolder(tmp_path / "run"):
            pass
        first.write_text("a.txt", "still here")
    assert (tmp_path / "run" / "a.txt").read_text() == "still here"


def test_a_hidden_folder_that_leads_elsewhere_is_refused(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "mine.txt").write_text("keep")
    unfinished(tmp_path / "run").symlink_to(elsewhere)
    with pytest.raises(FindingsError, match="link"), RunFolder(tmp_path / "run"):
        pass
    assert (elsewhere / "mine.txt").read_text() == "keep"


def begun(folder):
    """Write one chunk and return the store."""
    store = folder.chunks("key")
    store.write("gut-00000", b"numbers")
    return store


@pytest.mark.parametrize("place", ["_write_manifest", "_publish"])
def test_a_disk_that_is_full_at_the_very_end_costs_no_chunk(tmp_path, monkeypatch, place):
    def full(self):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(RunFolder, place, full)
    with pytest.raises(OSError, match="No space"):
        within(tmp_path / "run", begun)
    monkeypatch.undo()
    with RunFolder(tmp_path / "run", resume=True) as folder:
        assert folder.chunks("key").read("gut-00000") == b"numbers"
    assert [p.name for p in tmp_path.iterdir()] == ["run"]
    assert sorted(p.name for p in (tmp_path / "run").iterdir()) == ["log.jsonl", "manifest.json"]


@pytest.mark.parametrize(("error", "kept"), [(ExecutorError, True), (FindingsError, False)])
def test_machines_that_fail_cost_no_chunk_and_findings_end_the_run(tmp_path, error, kept):
    def fail(folder):
        begun(folder)
        raise error([Finding("executor", "", "no scheduler answers")])

    with pytest.raises(error):
        within(tmp_path / "run", fail)
    assert unfinished(tmp_path / "run").exists() == kept


def test_a_disk_that_is_full_at_the_lock_leaves_no_folder(tmp_path, monkeypatch):
    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "link", full)
    with pytest.raises(FindingsError, match="No space"):
        write_one(tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("manifest", ["[" * 100_000, json.dumps({"origin": ORIGIN, "files": 3})])
def test_a_strange_manifest_is_no_run_to_replace(tmp_path, manifest):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "manifest.json").write_text(manifest)
    (tmp_path / "run" / "mine.txt").write_text("keep")
    with pytest.raises(FindingsError, match="not empty"):
        RunFolder(tmp_path / "run", replace=True).__enter__()
    assert (tmp_path / "run" / "mine.txt").read_text() == "keep"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes and links")
def test_a_chunk_that_leads_out_or_is_a_pipe_counts_as_missing(tmp_path):
    whole = ChunkStore(tmp_path / "elsewhere", "key")
    whole.write("gut-00000", b"numbers")
    store = ChunkStore(tmp_path / "chunks", "key")
    store.folder.mkdir()
    (store.folder / "gut-00000.chunk").symlink_to(tmp_path / "elsewhere" / "gut-00000.chunk")
    os.mkfifo(store.folder / "gut-00001.chunk")
    assert store.whole() == []
    store.write("gut-00000", b"others")
    assert (store.read("gut-00000"), whole.read("gut-00000")) == (b"others", b"numbers")
