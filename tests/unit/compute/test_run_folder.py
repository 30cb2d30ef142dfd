"""The run folder: whole or not at all, the same bytes for the same tables, nothing of the machine in it."""

import errno
import getpass
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from eubiosis.compute import run_folder
from eubiosis.compute.chunk_store import ChunkStore, gone
from eubiosis.compute.run_folder import ORIGIN, RunFolder, table_bytes, unfinished
from eubiosis.compute.run_lock import LOCK, RunLock
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


def test_one_chunk_that_is_gone_takes_no_other_along(tmp_path):
    """The finding says --resume, which goes on with the others."""
    interrupted(tmp_path / "run", chunks=2, by=gone("gut-00000"))
    with RunFolder(tmp_path / "run", resume=True) as folder:
        assert folder.chunks("key").whole() == ["gut-0", "gut-1"]


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


def test_a_file_that_the_disk_does_not_take_is_named(tmp_path, monkeypatch):
    def too_large(*arguments):
        raise OSError(errno.EFBIG, "File too large")

    def write(folder):
        monkeypatch.setattr(Path, "write_bytes", too_large)
        folder.write_text("tables/a.txt", "large")

    with pytest.raises(OSError, match="File too large") as raised:
        within(tmp_path / "run", write)
    assert raised.value.filename == str(unfinished(tmp_path / "run") / "tables" / "a.txt")
    monkeypatch.undo()
    with pytest.raises(OSError, match="File too large") as raised, RunFolder(tmp_path / "run"):
        monkeypatch.setattr(os, "fsync", too_large)
    assert raised.value.filename == str(unfinished(tmp_path / "run") / "log.jsonl")


def test_a_link_is_refused_before_any_work(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "run").symlink_to(tmp_path / "real")
    with pytest.raises(FindingsError, match=r"a link stands where.*give the folder that it leads to"):
        RunFolder(tmp_path / "run").__enter__()
    write_one(tmp_path / "real")
    for replace in (False, True):
        with pytest.raises(FindingsError, match="a link stands where"):
            RunFolder(tmp_path / "run", replace=replace).__enter__()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["real", "run"]


@pytest.mark.parametrize("name", ["", ".", "..", "new/..", "disk"])
def test_a_folder_that_nothing_can_be_renamed_to_is_refused_before_any_work(tmp_path, monkeypatch, name):
    here = tmp_path / "here"
    (here / "disk").mkdir(parents=True)
    if name in ("", "."):
        (here / "disk").rmdir()
    monkeypatch.chdir(here)
    monkeypatch.setattr(os.path, "ismount", lambda path: Path(path).name == "disk")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(FindingsError, match="a new folder below it") as refused:
        RunFolder(Path(name)).__enter__()
    assert f"--out {Path(name) / 'run'}" in refused.value.findings[0].next_step
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("look", ["samefile", "iterdir", "rglob"])
def test_a_run_that_goes_while_it_is_looked_at_is_no_hindrance(tmp_path, monkeypatch, look):
    """Another process replaces it, or somebody removes it."""
    target = tmp_path / "run"
    write_one(target)
    real = getattr(Path, look)

    def late(path, *arguments):
        monkeypatch.undo()
        shutil.rmtree(target)
        return real(path, *arguments)

    monkeypatch.setattr(Path, look, late)
    with RunFolder(target, replace=True) as folder:
        folder.write_text("second.txt", "two")
    assert (target / "second.txt").exists()


def at_the_fsync(monkeypatch, happens):
    """Let something happen while the files are forced to the disk."""
    real = run_folder._force

    def force(path):
        happens()
        real(path)

    monkeypatch.setattr(run_folder, "_force", force)


def before_renames(monkeypatch, *happens):
    """Let something happen before each renaming to or from the target, one after the other."""
    left, real = iter(happens), Path.rename

    def rename(path, target):
        if "run" in (path.name, Path(target).name):
            next(left, lambda: None)()
        return real(path, target)

    monkeypatch.setattr(Path, "rename", rename)


@pytest.mark.parametrize("moment", [at_the_fsync, before_renames])
def test_a_file_put_into_the_empty_target_at_the_end_is_kept(tmp_path, monkeypatch, moment):
    target = tmp_path / "run"
    target.mkdir()
    moment(monkeypatch, lambda: (target / "mine.txt").write_text("keep"))
    with pytest.raises(FindingsError, match="not empty"):
        within(target, begun)
    assert (target / "mine.txt").read_text() == "keep"
    assert [path.name for path in target.iterdir()] == ["mine.txt"]
    monkeypatch.undo()
    (target / "mine.txt").unlink()
    with RunFolder(target, resume=True) as folder:  # and no chunk was lost
        assert folder.chunks("key").whole() == ["gut-00000"]
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_file_put_into_the_run_that_is_being_replaced_is_kept(tmp_path, monkeypatch):
    target = tmp_path / "run"
    write_one(target)
    before_renames(monkeypatch, lambda: (target / "mine.txt").write_text("keep"))
    with pytest.raises(FindingsError, match="not empty"), RunFolder(target, replace=True):
        pass
    assert (target / "mine.txt").read_text() == "keep"
    assert (target / "report.html").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def stop(error):
    raise error


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(errno.EIO, "Input/output error")])
def test_an_earlier_run_has_its_name_again_when_it_cannot_be_replaced(tmp_path, monkeypatch, error):
    target = tmp_path / "run"
    write_one(target)
    before_renames(monkeypatch, lambda: None, lambda: stop(error))
    with pytest.raises(type(error)), RunFolder(target, replace=True) as folder:
        folder.write_text("second.txt", "two")
    assert (target / "report.html").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_an_earlier_run_whose_name_is_taken_meanwhile_is_named(tmp_path, monkeypatch):
    target = tmp_path / "run"
    write_one(target)

    def come():
        target.mkdir()
        (target / "theirs.txt").write_text("keep")

    before_renames(monkeypatch, lambda: None, come)
    with pytest.raises(FindingsError, match="a folder came there") as refused:
        RunFolder(target, replace=True).__enter__().__exit__(None, None, None)
    (old,) = (path for path in tmp_path.iterdir() if path.suffix == ".old")
    assert str(old) in refused.value.findings[0].next_step
    assert (old / "report.html").exists()
    assert (target / "theirs.txt").read_text() == "keep"


@pytest.mark.parametrize("error", [FileNotFoundError(), PermissionError()])
def test_an_earlier_run_that_cannot_be_removed_does_not_fail_the_one_in_its_place(
    tmp_path, monkeypatch, error
):
    target, real = tmp_path / "run", Path.rename
    write_one(target)

    def rename(path, target):
        return stop(error) if path.suffix == ".old" else real(path, target)

    with RunFolder(target, replace=True) as folder:
        folder.write_text("second.txt", "two")
        monkeypatch.setattr(Path, "rename", rename)
    monkeypatch.undo()
    assert (target / "second.txt").exists()
    with RunFolder(target, replace=True) as folder:  # and the next one tries again
        assert [path.name for path in tmp_path.glob(".*.old")] == []
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_two_runs_below_one_new_folder_begin_at_once(tmp_path, monkeypatch):
    real = Path.mkdir
    other = RunFolder(tmp_path / "new" / "b")

    def mkdir(path, *arguments, **options):
        monkeypatch.setattr(Path, "mkdir", real)
        other.__enter__()  # just before the first makes the folder above both
        real(path, *arguments, **options)

    monkeypatch.setattr(Path, "mkdir", mkdir)
    with pytest.raises(KeyboardInterrupt):
        within(tmp_path / "new" / "a", lambda _: stop(KeyboardInterrupt()))
    other.__exit__(None, None, None)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["b"]


def test_a_run_begins_where_another_removes_the_folders_it_needs(tmp_path, monkeypatch):
    other = RunFolder(tmp_path / "new" / "run")
    other.__enter__()
    real = RunLock.__enter__

    def late(lock):
        monkeypatch.setattr(RunLock, "__enter__", real)
        other.__exit__(KeyboardInterrupt, None, None)
        return real(lock)

    monkeypatch.setattr(RunLock, "__enter__", late)
    write_one(tmp_path / "new" / "run")
    assert (tmp_path / "new" / "run" / "report.html").exists()


def test_a_run_that_begins_while_another_is_removed_keeps_its_folder(tmp_path, monkeypatch):
    second, real = RunFolder(tmp_path / "run"), shutil.rmtree

    def rmtree(path, **options):
        monkeypatch.setattr(shutil, "rmtree", real)
        second.__enter__()
        second.write_text("second.txt", "two")
        real(path, **options)

    def fail(folder):
        monkeypatch.setattr(shutil, "rmtree", rmtree)
        stop(KeyboardInterrupt())

    with pytest.raises(KeyboardInterrupt):
        within(tmp_path / "run", fail)
    second.__exit__(None, None, None)
    assert (tmp_path / "run" / "second.txt").read_text() == "two"
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def taken_over(folder):
    """Let another process take the lock of a run, as from one that is dead."""
    lock = folder.folder / LOCK
    record = json.loads(lock.read_text())
    lock.write_text(json.dumps({**record, "token": "theirs", "process": 1}))


def test_a_run_that_was_taken_over_writes_nothing_more_and_leaves_all_to_the_new_owner(tmp_path):
    def be_late(folder):
        begun(folder)
        taken_over(folder)
        folder.write_text("late.txt", "late")

    with pytest.raises(FindingsError, match=r"process 1 on .* has taken this run over"):
        within(tmp_path / "run", be_late)
    partial = unfinished(tmp_path / "run")
    assert sorted(path.name for path in partial.iterdir()) == ["chunks", LOCK, "log.jsonl"]
    assert json.loads((partial / LOCK).read_text())["token"] == "theirs"


def test_a_run_that_was_taken_over_is_not_published(tmp_path):
    with pytest.raises(FindingsError, match="has taken this run over"):
        within(tmp_path / "run", taken_over)
    assert [path.name for path in tmp_path.iterdir()] == [".run.partial"]
    assert json.loads((unfinished(tmp_path / "run") / LOCK).read_text())["token"] == "theirs"


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        ("chunks/tables", "link"),
        ("chunks/.gut-0.1a2b3c4d.new", "folder"),
        ("chunks/gut-1.chunk", "folder"),
        ("chunks/tables/gut-1.chunk", "folder"),
        (LOCK, "folder"),
    ],
)
def test_what_stands_in_the_place_of_chunks_or_lock_is_named_to_be_deleted(tmp_path, place, kind):
    interrupted(tmp_path / "run")
    path, elsewhere = unfinished(tmp_path / "run") / place, tmp_path / "elsewhere"
    elsewhere.mkdir()
    path.parent.mkdir(exist_ok=True)
    if kind == "link":
        path.symlink_to(elsewhere)
    else:
        path.mkdir()
    with pytest.raises(FindingsError, match=f"{place} is a {kind}") as refused:
        RunFolder(tmp_path / "run", resume=True).__enter__()
    assert refused.value.findings[0].next_step == f"delete {path}"
    assert list(elsewhere.iterdir()) == []


KILLED = """\
import os, sys
from pathlib import Path
from eubiosis.compute.run_folder import RunFolder

def killed(target, replace, last):
    calls = iter(range(last))

    def deadly(real):
        def call(*arguments, **options):
            if next(calls, None) is None:
                os._exit(9)
            return real(*arguments, **options)
        return call

    with RunFolder(target, replace=replace) as folder:
        store = folder.chunks("key")
        store.write("gut-00000", b"numbers")
        store.write("gut-00001", b"numbers")
        folder.write_text("second.txt", "two")
        folder.write_text("tables/a.txt", "table")
        for name in ("rename", "mkdir", "rmdir", "unlink"):
            setattr(os, name, deadly(getattr(os, name)))

os.fsync = lambda handle: None  # a kill takes nothing from the disk
kind, folder = sys.argv[1], Path(sys.argv[2])
for last in range(1000):
    target = folder / str(last) / "run"
    target.parent.mkdir()
    if kind == "empty":
        target.mkdir()
    if kind == "earlier":
        with RunFolder(target) as run:
            run.write_text("first.txt", "one")
    child = os.fork()
    if child == 0:
        killed(target, kind == "earlier", last)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status != 9:
        sys.exit(status)
"""
SECOND = ["log.jsonl", "manifest.json", "second.txt", "tables"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("kind", ["new", "empty", "earlier"])
def test_a_kill_at_any_moment_of_the_end_leaves_chunks_or_a_whole_run(tmp_path, kind):
    """The process ends before the first, the second, ... change that it makes on the disk at the end."""
    subprocess.run([sys.executable, "-c", KILLED, kind, str(tmp_path)], check=True)
    folders = sorted(tmp_path.iterdir(), key=lambda path: int(path.name))
    ends = set()
    for folder in folders:
        target = folder / "run"
        names = sorted(path.name for path in target.iterdir()) if target.exists() else []
        if names == SECOND:
            ends.add("whole")
            with pytest.raises(FindingsError, match="not empty"):
                RunFolder(target, resume=True).__enter__()
        else:
            ends.add("chunks")
            earlier = names == ["first.txt", "log.jsonl", "manifest.json"]
            assert earlier == (kind == "earlier" and target.exists())
            with RunFolder(target, replace=kind == "earlier", resume=True) as run:
                assert target.exists() == (kind != "new")
                assert run.chunks("key").whole() == ["gut-00000", "gut-00001"]
                run.write_text("second.txt", "two")
                run.write_text("tables/a.txt", "table")
        assert sorted(path.name for path in target.iterdir()) == SECOND
        assert [path.name for path in folder.iterdir()] == ["run"]
    assert ends == {"chunks", "whole"}
    assert len(folders) > 10


def test_what_lies_beside_a_finished_run_and_is_another_s_stays(tmp_path):
    target = tmp_path / "run"
    write_one(target)
    folder = RunFolder(target, replace=True).__enter__()
    begun(folder)
    folder.__exit__(KeyboardInterrupt, None, None)
    (tmp_path / ".run.12345678.old").mkdir()
    (tmp_path / ".run.12345678.old" / "mine.txt").write_text("keep")
    with pytest.raises(FindingsError, match="not empty"):
        RunFolder(target, resume=True).__enter__()
    assert sorted(path.name for path in tmp_path.iterdir()) == [".run.12345678.old", ".run.partial", "run"]
    with RunFolder(target, replace=True, resume=True) as folder:
        assert folder.chunks("key").whole() == ["gut-00000"]
    assert (tmp_path / ".run.12345678.old" / "mine.txt").read_text() == "keep"


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
