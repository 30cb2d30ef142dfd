"""One writer at a time; only the dead are inherited from."""

import dataclasses
import errno
import itertools
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from unittest import mock

import pytest

from eubiosis.compute.run_lock import LOCK, RunLock, owner_of
from eubiosis.core.findings import FindingsError


def locked(folder):
    return RunLock(folder, shown=folder / "run")


def test_the_second_is_refused_at_once_and_told_by_whom(tmp_path):
    with locked(tmp_path), pytest.raises(FindingsError) as refused, locked(tmp_path):
        pass
    (finding,) = refused.value.findings
    assert f"process {os.getpid()} on " in finding.problem
    assert "end it" in finding.next_step
    assert not (tmp_path / LOCK).exists()  # given back
    with locked(tmp_path):
        assert owner_of(tmp_path / LOCK).process == os.getpid()


def test_the_lock_of_a_process_that_has_ended_is_taken_over(tmp_path):
    with locked(tmp_path):
        record = json.loads((tmp_path / LOCK).read_text())
    ended = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True, check=True
    )
    (tmp_path / LOCK).write_text(json.dumps({**record, "process": int(ended.stdout)}))
    os.utime(tmp_path / LOCK, (4e9, 4e9))  # whatever the clock said when it died
    with locked(tmp_path):
        assert owner_of(tmp_path / LOCK).process == os.getpid()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_a_number_that_another_process_has_now_is_no_owner(tmp_path, monkeypatch):
    sleeps(monkeypatch, forbidden)
    changed(tmp_path, process_start="1")
    with locked(tmp_path) as lock:
        assert lock.is_own()


def changed(folder, **change):
    """Leave a lock of this process, with changes; return its path."""
    (folder / LOCK).unlink(missing_ok=True)
    with locked(folder):
        record = json.loads((folder / LOCK).read_text())
    (folder / LOCK).write_text(json.dumps({**record, **change}))
    return folder / LOCK


def sleeps(monkeypatch, meanwhile):
    """Pass over every sleep of a lock; ``meanwhile`` is called with its seconds."""
    monkeypatch.setattr("eubiosis.compute.run_lock.time.sleep", meanwhile)


def forbidden(seconds):
    raise AssertionError(f"it waits for {seconds} s")


@pytest.mark.parametrize(
    ("machine", "number"),
    [({}, 2**30), ({}, os.getpid()), ({"boot": ""}, os.getpid())],
    ids=["no process", "another process", "an older lock"],
)
def test_an_owner_whose_number_cannot_be_asked_for_lives_while_its_heart_beats(
    tmp_path, monkeypatch, machine, number
):
    """It is of an earlier start of this machine, of a container on it, or of another of the same name."""
    lock = changed(tmp_path, **{"boot": "another start", "process": number, **machine})
    os.utime(lock, (1e9, 1e9))
    sleeps(monkeypatch, lambda seconds: os.utime(lock, (1e9, 1e9 + seconds)))
    with pytest.raises(FindingsError, match="writes this run"), locked(tmp_path):
        pass
    slept = []
    sleeps(monkeypatch, slept.append)  # and now its heart stands still
    with locked(tmp_path) as other:
        assert other.is_own()
    assert slept == [12.5]


@pytest.mark.skipif(not Path("/proc/self/ns/pid").exists(), reason="needs spaces of processes")
def test_the_space_of_a_process_belongs_to_its_number(tmp_path):
    with locked(tmp_path) as lock:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        assert owner_of(lock.path).boot == f"{boot} {Path('/proc/self/ns/pid').readlink()}"


def test_the_owner_on_another_machine_lives_while_its_heart_beats(tmp_path, monkeypatch):
    sleeps(monkeypatch, lambda _: None)
    with locked(tmp_path):
        record = json.loads((tmp_path / LOCK).read_text())
    (tmp_path / LOCK).write_text(json.dumps({**record, "machine": "elsewhere"}))
    with pytest.raises(FindingsError, match="on elsewhere"), locked(tmp_path):
        pass
    os.utime(tmp_path / LOCK, (1e9, 1e9))
    with locked(tmp_path):
        assert owner_of(tmp_path / LOCK).machine != "elsewhere"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"process": "x"}'])
def test_a_damaged_lock_has_no_owner_and_is_cleared_when_it_is_old(tmp_path, text):
    (tmp_path / LOCK).write_text(text)
    assert owner_of(tmp_path / LOCK) is None
    os.utime(tmp_path / LOCK, (1e9, 1e9))
    with locked(tmp_path):
        assert dataclasses.asdict(owner_of(tmp_path / LOCK))["process"] == os.getpid()


@pytest.mark.parametrize(
    ("clock", "reading"),
    [("time", lambda: 1e9), ("monotonic", itertools.count(0, 1000).__next__)],
    ids=["a clock that stands", "a machine that sleeps"],
)
def test_a_lock_that_was_damaged_just_now_is_waited_for_and_cleared(tmp_path, monkeypatch, clock, reading):
    """It may be half of one that is being written, for as long as a heart takes to beat, and no longer."""
    slept = []
    monkeypatch.setattr(time, clock, reading)
    monkeypatch.setattr("eubiosis.compute.run_lock.time.sleep", slept.append)
    (tmp_path / LOCK).write_text("{", encoding="utf-8")
    os.utime(tmp_path / LOCK, (time.time(),) * 2)
    with RunLock(tmp_path, shown=tmp_path) as lock:
        assert owner_of(lock.path) is not None
    assert sum(slept) == pytest.approx(5)


def test_a_lock_that_is_being_written_is_left_to_its_writer(tmp_path, monkeypatch):
    with locked(tmp_path):
        whole = (tmp_path / LOCK).read_text()
    halves = iter([whole[:10], whole[:50], whole])
    monkeypatch.setattr(
        "eubiosis.compute.run_lock.time.sleep", lambda _: (tmp_path / LOCK).write_text(next(halves))
    )
    (tmp_path / LOCK).touch()
    with pytest.raises(FindingsError, match=f"process {os.getpid()} on"), locked(tmp_path):
        pass
    assert (tmp_path / LOCK).read_text() == whole


def test_locks_that_nobody_can_read_are_not_waited_for_without_end(tmp_path, monkeypatch):
    longer = itertools.count(1)
    monkeypatch.setattr(
        "eubiosis.compute.run_lock.time.sleep", lambda _: (tmp_path / LOCK).write_text("{" * next(longer))
    )
    (tmp_path / LOCK).touch()
    with pytest.raises(FindingsError, match="another process writes this run"), locked(tmp_path):
        pass
    assert next(longer) == pytest.approx(4 * 5 / 0.2, abs=2)


def test_a_lock_that_somebody_else_has_taken_is_not_given_back(tmp_path):
    with locked(tmp_path):
        record = json.loads((tmp_path / LOCK).read_text())
        (tmp_path / LOCK).write_text(json.dumps({**record, "token": "theirs"}))
    assert owner_of(tmp_path / LOCK).token == "theirs"


def elsewhere(folder):
    with locked(folder):
        record = json.loads((folder / LOCK).read_text())
    (folder / LOCK).write_text(json.dumps({**record, "machine": "elsewhere"}))


@pytest.mark.parametrize("jump", [-1e7, 1e7])
def test_a_clock_that_jumps_neither_kills_the_living_nor_keeps_the_dead(tmp_path, monkeypatch, jump):
    elsewhere(tmp_path)
    lock = tmp_path / LOCK
    now = time.time()
    os.utime(lock, (now + jump,) * 2)
    sleeps(monkeypatch, lambda seconds: os.utime(lock, (now + jump + seconds,) * 2))
    with pytest.raises(FindingsError, match="on elsewhere"), locked(tmp_path):
        pass
    sleeps(monkeypatch, lambda _: None)  # and now its heart stands still
    with locked(tmp_path):
        assert owner_of(lock).machine != "elsewhere"


def once(monkeypatch, happens):
    """Let something happen just before a lock is moved aside, once."""
    moves, real = iter([happens]), Path.rename

    def rename(path, target):
        if path.name == LOCK:
            next(moves, lambda: None)()
        return real(path, target)

    monkeypatch.setattr(Path, "rename", rename)


@pytest.mark.parametrize("before", ["{", None], ids=["unreadable", "of the dead"])
def test_a_new_owner_that_comes_before_an_old_lock_is_removed_keeps_its_own(tmp_path, monkeypatch, before):
    second = changed(tmp_path).read_text()
    lock = changed(tmp_path, process_start="1")
    if before is not None:
        lock.write_text(before)
        os.utime(lock, (1e9, 1e9))
    once(monkeypatch, lambda: lock.write_text(second))
    with pytest.raises(FindingsError, match=f"process {os.getpid()} on"), locked(tmp_path):
        pass
    assert lock.read_text() == second
    assert [path.name for path in tmp_path.iterdir()] == [LOCK]


def test_a_third_owner_is_not_overwritten_by_the_second_put_back(tmp_path, monkeypatch):
    second, third = changed(tmp_path).read_text(), changed(tmp_path).read_text()
    lock = changed(tmp_path, process_start="1")
    once(monkeypatch, lambda: lock.write_text(second))
    real = os.link

    def link(source, target):
        if str(source).endswith(".old"):
            lock.write_text(third)
        real(source, target)

    monkeypatch.setattr(os, "link", link)
    with pytest.raises(FindingsError, match=f"process {os.getpid()} on"), locked(tmp_path):
        pass
    assert lock.read_text() == third
    assert [path.name for path in tmp_path.iterdir()] == [LOCK]


@pytest.mark.parametrize(
    ("now", "words"),
    [
        ({"token": "theirs"}, f"process {os.getpid()} on .* has taken this run over.*--resume"),
        ({"process": -1}, "lock.json of this run is gone, or damaged"),
    ],
    ids=["taken over", "damaged"],
)
def test_a_lock_that_is_no_more_ones_own_is_said_and_kept_alive_by_nobody(tmp_path, monkeypatch, now, words):
    touched = []
    monkeypatch.setattr(os, "utime", touched.append)
    lock = locked(tmp_path)
    lock._create()  # without a heart of its own: it beats once each time it is asked to
    lock.demand()
    beat_once(lock)
    assert touched == [lock.path]
    record = {**json.loads(lock.path.read_text()), **now}
    lock.path.write_text(json.dumps(record))
    beat_once(lock)
    assert touched == [lock.path]
    with pytest.raises(FindingsError, match=words):
        lock.demand()
    lock.__exit__(None, None, None)
    assert json.loads(lock.path.read_text()) == record


def beat_once(lock):
    lock._stop = mock.Mock(wait=mock.Mock(side_effect=[False, True]))
    lock._beat()


def test_a_folder_in_the_place_of_a_lock_is_named_to_be_deleted(tmp_path, monkeypatch):
    sleeps(monkeypatch, forbidden)
    (tmp_path / LOCK).mkdir()
    with pytest.raises(FindingsError, match=f"is a folder.*delete {tmp_path / LOCK}"), locked(tmp_path):
        pass
    assert (tmp_path / LOCK).is_dir()


@pytest.mark.parametrize(
    "change",
    [{"process": 10**30}, {"process": True}, {"machine": "\x1b[2J"}, {"since": ["x"]}, {"token": None}],
)
def test_a_lock_from_elsewhere_names_no_owner_that_could_do_harm(tmp_path, change):
    elsewhere(tmp_path)
    record = json.loads((tmp_path / LOCK).read_text())
    (tmp_path / LOCK).write_text(json.dumps({**record, **change}))
    assert owner_of(tmp_path / LOCK) is None


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_in_the_place_of_a_lock_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / LOCK)
    os.utime(tmp_path / LOCK, (1e9, 1e9))
    with locked(tmp_path):
        assert owner_of(tmp_path / LOCK).process == os.getpid()


def test_a_full_disk_leaves_no_half_of_a_lock(tmp_path, monkeypatch):
    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "link", full)
    with pytest.raises(OSError, match="No space"), locked(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []
