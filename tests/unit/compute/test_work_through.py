"""Work that grows while it is done: every piece once, wherever it runs; a failure begins nothing else."""

import time

import pytest

from eubiosis.compute.executors import Executor
from eubiosis.compute.pool import work_through

EXECUTORS = [Executor(), Executor(workers=2), Executor("dask-local", 2)]


def halves(item):
    """Return what is left to do of an item; a module function, so that it travels."""
    if item == 3:
        raise ValueError("three is refused")
    return [item // 2, item - item // 2] if item > 1 else []


def added(_, result):
    return result


def nap(item):
    number, seconds = item
    time.sleep(seconds)
    return number


@pytest.mark.parametrize("executor", EXECUTORS, ids=lambda executor: f"{executor.kind}-{executor.workers}")
def test_what_a_result_adds_is_done_too_and_everything_once(executor):
    """Halving 8 down to ones meets 8, two 4, four 2 and eight 1."""
    if executor.kind == "dask-local":
        pytest.importorskip("distributed", reason="needs eubiosis[dask]")
        pytest.importorskip("cryptography", reason="needs eubiosis[dask]")
    met = []

    def then(item, result):
        met.append(item)
        return result

    executor.work_through(halves, [8], then, progress=False)
    assert sorted(met) == [1] * 8 + [2] * 4 + [4] * 2 + [8]


@pytest.mark.parametrize("processes", [1, 2])
def test_a_failure_is_raised_and_names_its_item(processes):
    """6 makes 3 and 3."""
    begun = []

    def then(item, result):
        begun.append(item)
        return result

    with pytest.raises(ValueError, match="three is refused") as caught:
        work_through(halves, [6], then, processes, progress=False)
    assert caught.value.__notes__[-1] == "item 1: 3"
    assert begun == [6]


def test_what_then_raises_ends_the_work():
    def then(item, result):
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        work_through(halves, [8], then, 2, progress=False)


def test_nobody_waits_for_the_slowest_of_a_round():
    """While one item takes long, the others and what they add come and go."""
    order = []

    def then(item, number):
        order.append(number)
        return [(number + 10, 0.0)] if number in (1, 2, 11) else []

    work_through(nap, [(0, 2.0), (1, 0.0), (2, 0.0)], then, 2, progress=False)
    assert order == [1, 2, 11, 12, 21, 0]


def test_the_bar_grows_with_the_work(capsys):
    work_through(halves, [2], added, 1, progress=True, label="blocks")
    said = capsys.readouterr().err
    assert "blocks" in said
    assert "3/3" in said
    work_through(halves, [2], added, 1, progress=False)
    assert capsys.readouterr().err == ""


def test_no_work_is_no_work():
    for executor in EXECUTORS:
        executor.work_through(halves, [], added, progress=False)
