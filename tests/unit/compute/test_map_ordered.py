"""The process pool: one order and one result whatever the number of processes."""

import errno
import multiprocessing
import os
import pickle
import signal
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from eubiosis.compute import pool
from eubiosis.compute.pool import map_ordered
from eubiosis.core.errors import NumericalFailuresError
from eubiosis.core.findings import ExecutorError, Finding, FindingsError
from eubiosis.core.machine import available_cores
from eubiosis.core.streams import stream


def draw(subject):
    """Draw from a subject's own stream; a module function, so that it travels to another process."""
    return subject, stream(11, "test.pool", subject).standard_normal(4)


def root_of(value):
    if value < 0:
        raise ValueError(f"no root of {value}")
    return float(np.sqrt(value))


def test_same_bytes_in_one_and_two_processes_in_the_order_of_the_items():
    items = [5, 3, 9, 1, 4]
    alone = map_ordered(draw, items, 1, progress=False)
    pair = map_ordered(draw, items, 2, progress=False)
    assert [subject for subject, _ in pair] == items
    assert [values.tobytes() for _, values in alone] == [values.tobytes() for _, values in pair]
    assert len({values.tobytes() for _, values in pair}) == len(items)


@pytest.mark.parametrize("processes", [1, 2])
def test_an_exception_keeps_its_type_and_names_the_first_item_that_failed(processes):
    with pytest.raises(ValueError, match="no root of -2") as caught:
        map_ordered(root_of, [4.0, -2.0, 9.0, -7.0], processes, progress=False)
    assert caught.value.__notes__[-1] == "item 1: -2.0"


def test_one_process_stays_in_this_one():
    seen = []
    assert map_ordered(seen.append, [1, 2], processes=1, progress=False) == [None, None]
    assert seen == [1, 2]
    # a function that cannot travel cannot be used with two
    with pytest.raises((pickle.PicklingError, AttributeError, TypeError)):
        map_ordered(lambda item: item, [1, 2], processes=2, progress=False)


def test_the_bar_is_on_stderr_and_only_when_asked_for(capsys):
    map_ordered(root_of, [1.0, 4.0], 1, progress=True, label="worlds")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "worlds" in captured.err
    assert "2/2" in captured.err
    map_ordered(root_of, [1.0, 4.0], 1)  # standard error is no terminal here
    assert capsys.readouterr().err == ""


def test_no_items_and_no_processes():
    assert map_ordered(root_of, [], 2, progress=False) == []
    with pytest.raises(ValueError, match="0 processes; allowed: 1 or more"):
        map_ordered(root_of, [1.0], 0)
    assert available_cores() >= 1


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_stopping_does_not_wait_for_what_is_running(monkeypatch, stop):
    def stopped(items, *_):
        yield next(iter(items))
        raise stop

    monkeypatch.setattr("eubiosis.compute.pool._bar", stopped)
    began = time.monotonic()
    with pytest.raises(stop):
        map_ordered(time.sleep, [0.0, 60.0, 60.0], 2, progress=False)
    assert time.monotonic() - began < 30
    assert multiprocessing.active_children() == []


def end_itself(item):
    """Leave without a word, as a process does that the system ends for its memory."""
    if item == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return item


@pytest.mark.skipif(os.name != "posix", reason="kills a process")
def test_a_worker_that_ends_unasked_is_one_finding_and_nobody_is_left():
    with pytest.raises(ExecutorError, match=r"a worker process ended unasked.*--resume"):
        map_ordered(end_itself, [0, 1, 2, 3], 2, progress=False)
    assert multiprocessing.active_children() == []


def stop_itself(item):
    os.kill(os.getpid(), signal.SIGSTOP)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_workers_that_hang_are_ended_and_the_wait_too(monkeypatch):
    monkeypatch.setattr("eubiosis.compute.pool._REST", 0.2)
    monkeypatch.setattr("eubiosis.compute.pool._RESTS", 10)
    with pytest.raises(ExecutorError, match="the worker processes hang"):
        map_ordered(stop_itself, [0, 1], 2, progress=False)
    assert multiprocessing.active_children() == []


def stop_at_zero(item):
    if item == 0:
        stop_itself(item)
    return item


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_one_worker_that_hangs_is_found_when_the_others_rest(monkeypatch):
    monkeypatch.setattr("eubiosis.compute.pool._REST", 0.6)  # longer than a worker sleeps between looks
    monkeypatch.setattr("eubiosis.compute.pool._RESTS", 5)
    with pytest.raises(ExecutorError, match="the worker processes hang"):
        map_ordered(stop_at_zero, [0, 1, 2, 3], 2, progress=False)
    assert multiprocessing.active_children() == []


def test_a_second_signal_while_workers_are_ended_leaves_none(monkeypatch):
    class Worker:
        heard = 0

        def kill(self):
            Worker.heard += 1
            if Worker.heard == 1:
                raise KeyboardInterrupt
            self.ended = True

        def join(self, timeout):
            assert self.ended
            assert timeout < 60

    both = [SimpleNamespace(process=Worker(), let_go=int) for _ in range(2)]
    workers = pool.Workers(2)
    workers._workers = both
    with pytest.raises(KeyboardInterrupt):
        workers._kill()
    assert [each.process.ended for each in both] == [True, True]


class Odd(Exception):
    """One that cannot be made anew from its text."""

    def __init__(self, number, *, unit):
        super().__init__(f"{number} odd {unit}")


class Sunk:
    """A result that the machine refuses to pickle there, or to make anew here."""

    def __init__(self, where):
        self.where = where

    def __getstate__(self):
        if self.where == "there":
            raise OSError(errno.ENOSPC, "No space left on device", "/a/table")
        return {"where": self.where}

    def __setstate__(self, state):
        raise FileNotFoundError(errno.ENOENT, "No such file or directory", "/a/table")


def fail_in_its_own_way(item):
    if item == "findings":
        raise FindingsError([Finding("trial.yaml", "arms", "nobody enters", next_step="widen it")])
    if item == "numerical":
        raise NumericalFailuresError(3, 9, 1, {"non_finite": 3})
    if item == "end of a file":
        raise EOFError("the table ends early")
    if item == "does not return":
        return (item for _ in "ab")
    if item == "a disk that is full":
        return Sunk("there")
    if item == "made anew from a file that is gone":
        return Sunk("here")
    raise Odd(7, unit="days")


def test_what_fails_in_a_worker_says_here_what_it_said_there():
    with pool.Workers(2) as workers:

        def fails(item):
            return workers.map_ordered(fail_in_its_own_way, [item, item], progress=False)

        with pytest.raises(FindingsError) as caught:
            fails("findings")
        assert caught.value.findings[0].place == "arms"
        assert str(caught.value) == "trial.yaml: 1 finding\n  arms: nobody enters; next: widen it"
        with pytest.raises(NumericalFailuresError, match=r"3 of 9 .* allowed: 1 \(3 non_finite\)"):
            fails("numerical")
        with pytest.raises(EOFError, match="the table ends early"):
            fails("end of a file")
        with pytest.raises(TypeError, match="generator"):
            fails("does not return")
        with pytest.raises(RuntimeError, match="7 odd days"):
            fails("odd")
        with pytest.raises(OSError, match="No space left on device: '/a/table'") as full:
            fails("a disk that is full")
        assert "in a worker process" in full.value.__notes__[0]
        with pytest.raises(FileNotFoundError, match="/a/table"):
            fails("made anew from a file that is gone")
        with pytest.raises(FileNotFoundError, match="/a/table"):  # on its way to the worker
            workers.map_ordered(root_of, [Sunk("here"), Sunk("here")], progress=False)
        with pytest.raises(OSError, match="No space left on device"):
            workers.map_ordered(root_of, [Sunk("there"), Sunk("there")], progress=False)
        assert workers.map_ordered(root_of, [4.0, 9.0], progress=False) == [2.0, 3.0]  # it works on


@pytest.mark.skipif(os.name != "posix", reason="stops processes")
@pytest.mark.parametrize("moment", ["idle", "in between", "failing"])
def test_the_end_does_not_wait_for_a_worker_that_is_stopped(monkeypatch, moment):
    monkeypatch.setattr("eubiosis.compute.pool._REST", 0.6)
    monkeypatch.setattr("eubiosis.compute.pool._RESTS", 5)
    monkeypatch.setattr("eubiosis.compute.pool._END", 1.0)
    began = time.monotonic()
    if moment == "failing":  # one fails and the other, whose item comes later, is stopped
        with pytest.raises(ValueError, match="no root of -1"):
            map_ordered(fail_or_stop, [-1.0, "stop"], 2, progress=False)
    else:
        with pool.Workers(2) as workers:
            assert workers.map_ordered(root_of, [4.0, 9.0], progress=False) == [2.0, 3.0]
            for worker in workers._workers:
                os.kill(worker.pid, signal.SIGSTOP)
            if moment == "in between":  # it is given work that it does not begin
                with pytest.raises(ExecutorError, match="hang: 2 of 2 computed nothing for 3 s"):
                    workers.map_ordered(root_of, [4.0, 9.0], progress=False)
    assert multiprocessing.active_children() == []
    assert time.monotonic() - began < 60
    ended = [thread for thread in threading.enumerate() if thread.name.startswith("worker ")]
    for thread in ended:
        thread.join(10)
    assert not any(thread.is_alive() for thread in ended)


def fail_or_stop(item):
    if item == "stop":
        stop_itself(item)
    time.sleep(1.0)  # the other is stopped by then
    return root_of(item)


@pytest.mark.skipif(os.name != "posix", reason="kills a process")
def test_a_worker_that_went_without_work_is_replaced():
    with pool.Workers(2) as workers:
        assert workers.map_ordered(root_of, [4.0, 9.0], progress=False) == [2.0, 3.0]
        workers._workers[0].process.kill()
        workers._workers[0].process.join(30)
        assert workers.map_ordered(root_of, [16.0, 25.0], progress=False) == [4.0, 5.0]
