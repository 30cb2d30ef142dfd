"""One writer at a time; only the dead are inherited from."""

import dataclasses
import errno
import itertools
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

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
@pytest.mark.parametrize("change", [{"boot": "another start of the machine"}, {"process_start": "1"}])
def test_a_number_that_another_process_has_now_is_no_owner(tmp_path, change):
    with locked(tmp_path):
        record = json.loads((tmp_path / LOCK).read_text())
    (tmp_path / LOCK).write_text(json.dumps({**record, **change}))
    with locked(tmp_path):
        assert owner_of(tmp_path / LOCK).token != record["token"]


def test_the_owner_on_another_machine_lives_while_its_heart_beats(tmp_path, monkeypatch):
    monkeypatch.setattr("eubiosis.compute.run_lock._BEAT", 0.2)
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
    monkeypatch.setattr("eubiosis.compute.run_lock._BEAT", 0.2)
    elsewhere(tmp_path)
    lock = tmp_path / LOCK
    os.utime(lock, (time.time() + jump,) * 2)
    beat = threading.Timer(0.2, os.utime, (lock, (time.time() + jump + 5,) * 2))
    beat.start()
    with pytest.raises(FindingsError, match="on elsewhere"), locked(tmp_path):
        pass
    beat.join()
    with locked(tmp_path):  # and now its heart stands still
        assert owner_of(lock).machine != "elsewhere"


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
