"""Work that grows while it is done: every piece once, wherever it runs; a failure begins nothing else."""

import multiprocessing
import time
from pathlib import Path
from unittest.mock import Mock

import pytest

from eubiosis.compute import pool
from eubiosis.compute.executors import Executor
from eubiosis.compute.pool import work_through
from eubiosis.compute.worker_process import Returned

EXECUTORS = [Executor(), Executor(workers=2), Executor("dask-local", 2)]
NAMES = [f"{executor.kind}-{executor.workers}" for executor in EXECUTORS]


def needs(executor):
    if executor.kind == "dask-local":
        pytest.importorskip("distributed", reason="needs eubiosis[dask]")
        pytest.importorskip("cryptography", reason="needs eubiosis[dask]")


def halves(item):
    """Return what is left to do of an item; a module function, so that it travels."""
    if item == 3:
        raise ValueError("three is refused")
    return [item // 2, item - item // 2] if item > 1 else []


def wait_for(item):
    number, file = item
    until = time.monotonic() + 60
    while file and not Path(file).exists() and time.monotonic() < until:
        time.sleep(0.02)
    return number


def added(_, result):
    return result


def nap(item):
    number, seconds = item
    time.sleep(seconds)
    return number


@pytest.mark.parametrize("executor", EXECUTORS, ids=NAMES)
def test_what_a_result_adds_is_done_too_and_everything_once(executor):
    """Halving 8 down to ones meets 8, two 4, four 2 and eight 1."""
    needs(executor)
    met = []

    def then(item, result):
        met.append(item)
        return result

    executor.work_through(halves, [8], then, progress=False)
    assert sorted(met) == [1] * 8 + [2] * 4 + [4] * 2 + [8]


@pytest.mark.parametrize("executor", EXECUTORS, ids=NAMES)
def test_a_failure_is_raised_and_names_its_item(executor):
    """6 makes 3 and 3."""
    needs(executor)
    begun = []

    def then(item, result):
        begun.append(item)
        return result

    with pytest.raises(ValueError, match="three is refused") as caught:
        executor.work_through(halves, [6], then, progress=False)
    first = ("item 1: 3", "item 2: 3") if executor.kind == "dask-local" else ("item 1: 3",)
    assert caught.value.__notes__[-1] in first
    assert begun == [6]


@pytest.mark.parametrize("executor", EXECUTORS, ids=NAMES)
def test_what_then_raises_ends_the_work_and_every_process(executor):
    """While another worker is busy."""
    needs(executor)

    def then(item, result):
        raise RuntimeError("no more")

    others = set(multiprocessing.active_children())
    with pytest.raises(RuntimeError, match="no more"):
        executor.work_through(nap, [(0, 0.0), (1, 1.0), (2, 1.0)], then, progress=False)
    until = time.monotonic() + 60
    while set(multiprocessing.active_children()) - others and time.monotonic() < until:
        time.sleep(0.05)
    assert not set(multiprocessing.active_children()) - others


def test_nobody_waits_for_the_slowest_of_a_round(tmp_path):
    """Item 0 lasts until what the others add has been done."""
    order, over = [], tmp_path / "over"

    def then(item, number):
        order.append(number)
        if number == 21:
            over.write_text("")
        return [(number + 10, "")] if number in (1, 11) else []

    work_through(wait_for, [(0, str(over)), (1, "")], then, 2, progress=False)
    assert order == [1, 11, 21, 0]


def test_a_worker_whose_answer_waits_is_not_looked_at():
    """It computes nothing because this process took long over another."""

    class NoLook:
        seconds = 0.0

        def look(self, processes):
            raise AssertionError(f"looked at {processes}")

    workers, worker = pool.Workers(1), Mock(pid=1)
    answer = Returned(worker, 0, "done")
    workers._busy[worker] = 0
    workers._answers.put(answer)
    assert workers._next_answer(NoLook()) is answer
    workers._busy[worker] = 1
    with pytest.raises(AssertionError, match="looked at"):
        workers._next_answer(NoLook())


def test_fewer_than_one_process_is_refused():
    with pytest.raises(ValueError, match="1 or more"):
        work_through(halves, [8], added, 0, progress=False)


def test_the_bar_grows_with_the_work(capsys):
    work_through(halves, [2], added, 1, progress=True, label="blocks")
    said = capsys.readouterr().err
    assert "blocks" in said
    assert "3/3" in said
    work_through(halves, [2], added, 1, progress=False)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("executor", EXECUTORS, ids=NAMES)
def test_no_work_is_no_work(executor):
    """Not even a cluster is begun for it."""

    def then(item, result):
        raise AssertionError(f"{item} was done")

    others = set(multiprocessing.active_children())
    executor.work_through(halves, [], then, progress=False)
    assert set(multiprocessing.active_children()) == others
