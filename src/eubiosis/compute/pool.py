"""Map a function over items on several processes: results in the order of the items, or as they come."""

from __future__ import annotations

import atexit
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import NoReturn, TypeVar, cast

from tqdm import tqdm

from eubiosis.compute.worker_process import RestWatch, Returned, WorkerProcess, end_with_kill
from eubiosis.core.findings import ExecutorError, Finding
from eubiosis.core.machine import available_cores

Item = TypeVar("Item")
Result = TypeVar("Result")
Then = Callable[[Item, Result], Sequence[Item]]
_SHOWN = 80
_REST = 5.0  # seconds between looks at the workers
_RESTS = 12  # looks in a row at which a worker with work has computed nothing: it hangs
_END = 10.0  # seconds that workers without work may take to end


def map_ordered(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    processes: int = 1,
    progress: bool | None = None,
    *,
    label: str = "",
) -> list[Result]:
    """Return ``function(item)`` for every item, in the order of the items whatever the process count.

    One process runs inside this one. More are started afresh ("spawn"), so ``function`` must be importable
    and items and results must travel between processes; they end by themselves should this one be killed.
    ``progress`` draws a bar on standard error: True always, False never, None where standard error is a
    terminal. The exception of the first item that fails (in the order of the items) is raised as it is, in
    words as ``RuntimeError`` where it cannot be made anew here, with a note that names the item; items that
    have not begun are then dropped; Ctrl-C ends those that are running. Raises ``ValueError`` for fewer than
    one process, and ``ExecutorError`` where a process ends unasked (killed, or out of memory), or one that
    has work computes nothing for a minute.

    >>> map_ordered(len, ["a", "bcd"], processes=1, progress=False)
    [1, 3]
    """
    _demand_one(processes)
    work = list(items)
    workers = min(processes, len(work))
    if workers <= 1:
        return [_one(function, item, k) for k, item in enumerate(_bar(work, len(work), progress, label))]
    with Workers(workers) as pool:
        return pool.map_ordered(function, work, progress, label=label)


def work_through(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    then: Then[Item, Result],
    processes: int = 1,
    progress: bool | None = None,
    *,
    label: str = "",
) -> None:
    """Call ``function`` on items, and on those that ``then`` adds for a result, until none is left.

    ``then(item, result)`` is called in this process when a result is there, in whatever order, and returns
    what else is to be done, nothing in most cases. Of items that fail the one is raised that was asked for
    first. See ``map_ordered`` for all else.

    >>> seen = []
    >>> work_through(len, ["abc"], lambda item, size: seen.append(size) or [item[1:]] * (size > 1))
    >>> seen
    [3, 2, 1]
    """
    _demand_one(processes)
    if processes > 1:
        with Workers(processes) as pool:
            pool.work_through(function, items, then, progress, label=label)
        return
    work = list(items)
    with progress_bar(len(work), progress, label) as bar:
        for number, item in enumerate(work):  # it grows meanwhile
            work += then(item, _one(function, item, number))
            moved(bar, len(work))


class Workers:
    """Processes that work through several lists of items; they end with the block, also where one hangs.

    See ``map_ordered`` for what they promise. They are started by the first list that needs them.
    """

    def __init__(self, processes: int) -> None:
        _demand_one(processes)
        self._count = processes
        self._workers: list[WorkerProcess] = []
        self._busy: dict[WorkerProcess, int] = {}
        self._answers: SimpleQueue[Returned] = SimpleQueue()

    def __enter__(self) -> Workers:
        atexit.register(self._kill)  # an exception in the middle of the end leaves nobody to wait for
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # stopped from outside, or a worker is lost or hangs: do not wait for items that are running
        try:
            if error is None or (isinstance(error, Exception) and not isinstance(error, ExecutorError)):
                self._let_go()
        finally:
            self._kill()
        atexit.unregister(self._kill)

    def map_ordered(
        self,
        function: Callable[[Item], Result],
        items: Sequence[Item],
        progress: bool | None = None,
        *,
        label: str = "",
    ) -> list[Result]:
        """Return ``function(item)`` for every item, in the order of the items."""
        found: dict[int, Result] = {}
        for number, get in _bar(self._finished(function, items), len(items), progress, label):
            found[number] = named(get, items[number], number)
        return [found[number] for number in range(len(items))]

    def work_through(
        self,
        function: Callable[[Item], Result],
        items: Sequence[Item],
        then: Then[Item, Result],
        progress: bool | None = None,
        *,
        label: str = "",
    ) -> None:
        """Call ``function`` on items, and on those that ``then`` adds; see ``work_through``."""
        work = list(items)
        with progress_bar(len(work), progress, label) as bar:
            for number, get in self._finished(function, work):
                work += then(work[number], named(get, work[number], number))
                moved(bar, len(work))

    def _finished(
        self, function: Callable[[Item], Result], items: Sequence[Item]
    ) -> Iterator[tuple[int, Callable[[], Result]]]:
        """Yield the number of an item and what returns or raises its result, as they come.

        The list may grow meanwhile. After an item that failed no other is begun, and those before it are
        waited for: the first is raised.
        """
        self._forget_the_unfinished()
        watch, begun = RestWatch(_REST), 0
        failed: float = float("inf")
        first: BaseException | None = None
        while begun < min(failed, len(items)) or any(number < failed for number in self._busy.values()):
            while begun < min(failed, len(items)) and len(self._busy) < self._count:
                worker = self._free()
                self._busy[worker] = begun
                worker.begin(begun, function, items[begun])
                begun += 1
            answer = self._next_answer(watch)
            if answer is None:
                continue
            if answer.error is None:
                yield answer.number, partial(_same, cast("Result", answer.result))
            elif answer.number < failed:
                failed, first = answer.number, answer.error
        if first is not None:
            yield int(failed), partial(_raise, first)

    def _free(self) -> WorkerProcess:
        """Return a worker without work, a new one where there is none; one that has ended is replaced."""
        for worker in [each for each in self._workers if each not in self._busy]:
            if worker.process.is_alive():
                return worker
            self._workers.remove(worker)
        worker = WorkerProcess(max(1, available_cores() // self._count), self._answers)
        self._workers.append(worker)
        return worker

    def _forget_the_unfinished(self) -> None:
        """End the workers that still work on a list that was given up."""
        end_with_kill(self._busy)
        self._workers = [worker for worker in self._workers if worker not in self._busy]
        self._busy = {}

    def _next_answer(self, watch: RestWatch) -> Returned | None:
        """Return what comes next; None after a look at the workers, which raises where one hangs."""
        if self._answers.empty():  # a worker whose answer waits here rests for a good reason
            rested = watch.look([worker.pid for worker in self._busy])
            if hanging := sum(looks >= _RESTS for looks in rested.values()):
                idle = f"{hanging} of {len(self._workers)} computed nothing for {_REST * _RESTS:.0f} s"
                raise _lost(f"the worker processes hang: {idle}")
        try:
            answer = self._answers.get(timeout=watch.seconds)
        except Empty:
            return None
        if self._busy.pop(answer.worker, None) is None:
            return None  # of a list that was given up
        if answer.ended:
            raise _lost("a worker process ended unasked: it was killed, or the memory did not suffice")
        return answer

    def _let_go(self) -> None:
        """Let the workers end by themselves: idle ones soon, others as long as they compute."""
        for worker in self._workers:
            worker.let_go()
        watch, idle_until = RestWatch(_REST), time.monotonic() + _END
        while alive := [worker for worker in self._workers if worker.process.is_alive()]:
            alive[0].process.join(min(0.05, watch.seconds))
            rested = watch.look([worker.pid for worker in alive])
            works = [worker for worker in alive if worker in self._busy and rested.get(worker.pid, 1) == 0]
            if not works and time.monotonic() > idle_until:
                return

    def _kill(self) -> None:
        end_with_kill(self._workers)
        self._workers, self._busy = [], {}


def _demand_one(processes: int) -> None:
    if processes < 1:
        message = f"{processes} processes; allowed: 1 or more"
        raise ValueError(message)


def _lost(problem: str) -> ExecutorError:
    step = (
        "run it again (finished pieces of a run stay: --resume), with fewer processes where memory is short"
    )
    return ExecutorError([Finding("processes", "", problem, next_step=step)])


def _same(result: Result) -> Result:
    return result


def _raise(error: BaseException) -> NoReturn:
    raise error


def _one(function: Callable[[Item], Result], item: Item, number: int) -> Result:
    return named(lambda: function(item), item, number)


def named(get: Callable[[], Result], item: object, number: int) -> Result:
    """Return ``get()``; an exception is raised as it is, with a note that names the item."""
    try:
        return get()
    except Exception as error:
        text = repr(item)
        error.add_note(f"item {number}: {text if len(text) <= _SHOWN else text[:_SHOWN] + '...'}")
        raise


def _bar(items: Iterable[Item], total: int, progress: bool | None, label: str) -> Iterable[Item]:
    if not _shown(progress):
        return items
    bar: Iterable[Item] = tqdm(items, total=total, desc=label or None, file=sys.stderr)
    return bar


def progress_bar(total: int, progress: bool | None, label: str) -> tqdm[NoReturn]:
    """Return a bar to be moved by hand, invisible where ``progress`` says so."""
    return tqdm(total=total, desc=label or None, file=sys.stderr, disable=not _shown(progress))


def moved(bar: tqdm[NoReturn], total: int) -> None:
    """Move a bar on by one; its ``total`` may have grown."""
    bar.total = total
    bar.update()


def _shown(progress: bool | None) -> bool:
    return sys.stderr.isatty() if progress is None else progress
