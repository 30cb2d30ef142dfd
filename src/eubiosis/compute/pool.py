"""Map a function over items on several processes, with results in the order of the items."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing import resource_tracker
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import TracebackType
from typing import NoReturn, TypeVar

from tqdm import tqdm

from eubiosis.core.findings import ExecutorError, Finding
from eubiosis.core.frame import spare_pandas
from eubiosis.core.machine import THREADS_VARIABLE, available_cores, keep_few_arenas

Item = TypeVar("Item")
Result = TypeVar("Result")
_SHOWN = 80
_LOOK = 0.5  # seconds between looks at the parent
_REST = 5.0  # seconds between looks at the workers
_RESTS = 12  # looks in a row at which no worker has computed anything: they hang
# Windows can wait for no more than 63 handles, and the executor allows 61 processes there
_MOST_PROCESSES = 61 if sys.platform == "win32" else sys.maxsize


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
    terminal. The exception of the first item that fails (in the order of the items) is raised as it is, with
    a note that names the item; items that have not begun are then dropped; Ctrl-C ends those that are
    running. Raises ``ValueError`` for fewer than one process, and ``ExecutorError`` where a process ends
    unasked (killed, or out of memory) or none computes anything for a minute.

    >>> map_ordered(len, ["a", "bcd"], processes=1, progress=False)
    [1, 3]
    """
    if processes < 1:
        message = f"{processes} processes; allowed: 1 or more"
        raise ValueError(message)
    work = list(items)
    workers = min(processes, len(work))
    if workers <= 1:
        return [_one(function, item, k) for k, item in enumerate(_bar(work, len(work), progress, label))]
    with Workers(workers) as pool:
        return pool.map_ordered(function, work, progress, label=label)


class Workers:
    """Processes that work through several lists of items; they end with the block.

    See ``map_ordered`` for what they promise. They are started by the first list that needs them.
    """

    def __init__(self, processes: int) -> None:
        self._count = min(processes, _MOST_PROCESSES)
        self._executor: ProcessPoolExecutor | None = None
        self._others: set[BaseProcess] = set()

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._executor is None:
            return
        # stopped from outside, or a worker is lost or hangs: do not wait for items that are running
        if error is not None and (isinstance(error, ExecutorError) or not isinstance(error, Exception)):
            self._kill()
        self._executor.shutdown(cancel_futures=True)

    def map_ordered(
        self,
        function: Callable[[Item], Result],
        items: Sequence[Item],
        progress: bool | None = None,
        *,
        label: str = "",
    ) -> list[Result]:
        """Return ``function(item)`` for every item, in the order of the items."""
        # what cannot travel fails here, not in the executor's own thread, where it could block the shutdown
        for number, item in enumerate(items):
            named(partial(pickle.dumps, (function, item)), item, number)
        executor = self._started()
        futures = [executor.submit(function, item) for item in items]
        results = []
        try:
            for k, future in enumerate(_bar(futures, len(futures), progress, label)):
                _wait(future, set(multiprocessing.active_children()) - self._others)
                results.append(named(future.result, items[k], k))
        except BaseException as error:
            for future in futures:
                future.cancel()
            if isinstance(error, BrokenProcessPool):
                raise _lost(
                    "a worker process ended unasked: it was killed, or the memory did not suffice"
                ) from None
            raise
        return results

    def _started(self) -> ProcessPoolExecutor:
        if self._executor is None:
            self._others = set(multiprocessing.active_children())
            _begin_tracker()
            self._executor = ProcessPoolExecutor(
                self._count,
                mp_context=multiprocessing.get_context("spawn"),
                initializer=_begin_worker,
                initargs=(max(1, available_cores() // self._count), os.getpid()),
            )
        return self._executor

    def _kill(self) -> None:
        workers = set(multiprocessing.active_children()) - self._others
        try:
            for worker in workers:
                worker.kill()  # one that is stopped would not hear a request
        finally:  # a second signal may come in between, and one left over would be waited for without end
            for worker in workers:
                worker.kill()


def _wait(future: Future[Result], workers: set[BaseProcess]) -> None:
    """Wait for a future; raises ``ExecutorError`` where every worker rests and none comes forward."""
    numbers = [worker.pid for worker in workers if worker.pid]
    before, rested = _ticks(numbers), 0
    while not future.done():
        try:
            future.exception(timeout=_REST)
        except TimeoutError:
            now = _ticks(numbers)
            rested = rested + 1 if _rest(before, now) else 0
            before = now
            if rested >= _RESTS and not future.done():
                raise _lost(f"the worker processes hang: none computed for {_REST * _RESTS:.0f} s") from None


def _rest(before: dict[int, int] | None, now: dict[int, int] | None) -> bool:
    """Say whether no process has computed: one tick is what the watch over the parent takes at most."""
    if before is None or now is None or before.keys() != now.keys():
        return False
    return all(now[process] - before[process] <= 1 for process in now)


def _ticks(processes: Iterable[int]) -> dict[int, int] | None:
    """Return the processor time of processes in ticks; None where the system does not say."""
    found = {}
    for process in processes:
        try:
            text = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            if not Path("/proc/self/stat").exists():
                return None
            continue  # it has ended
        found[process] = sum(map(int, text.rpartition(")")[2].split()[11:13]))
    return found


def _lost(problem: str) -> ExecutorError:
    step = (
        "run it again (finished pieces of a run stay: --resume), with fewer processes where memory is short"
    )
    return ExecutorError([Finding("processes", "", problem, next_step=step)])


def _begin_tracker() -> None:
    """Begin the interpreter's tracker of shared resources so that a closed terminal does not end it first."""
    if os.name == "posix" and threading.current_thread() is threading.main_thread():
        before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # what is ignored stays so in a child
        try:
            resource_tracker.ensure_running()
        finally:
            signal.signal(signal.SIGHUP, before)


def _begin_worker(threads: int, parent: int) -> None:
    """Keep a worker's own threads from taking the cores of the others, and end it when its parent is gone.

    Ctrl-C reaches every process of a terminal; only the parent answers it.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    keep_few_arenas()
    spare_pandas()
    os.environ.setdefault(THREADS_VARIABLE, str(threads))
    threading.Thread(
        target=_outlive_nobody, args=(parent,), daemon=True, name="watch over the parent"
    ).start()


def _outlive_nobody(parent: int) -> None:
    """End this process when its parent has ended without a word, as after kill -9."""
    if os.name != "posix":  # elsewhere the number of a parent never changes
        return
    while os.getppid() == parent:
        time.sleep(_LOOK)
    os._exit(1)


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


def _shown(progress: bool | None) -> bool:
    return sys.stderr.isatty() if progress is None else progress
