"""One worker process with a pipe of its own: nothing is shared with other workers, no wait is without bound.

Workers that share queues share their locks too: one that is stopped or killed while it holds a lock, or has
written half an answer, keeps the others and their parent waiting for ever. Here a worker's pipe is read and
written by a thread of its own in the parent, and ends when the process does.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from queue import SimpleQueue
from typing import TypeVar

from eubiosis.core.frame import spare_pandas
from eubiosis.core.machine import THREADS_VARIABLE, keep_little_memory, use_one_algebra_thread

KILLED = 10.0  # seconds that the system may take to remove a process that was ended with kill -9
_LOOK = 0.5  # seconds between looks at the parent
Order = tuple[Callable[..., object], object]  # a function and its item
SentT = TypeVar("SentT")
ReceivedT = TypeVar("ReceivedT")
Said = tuple[bool, object]  # False and a result; or True twice, with a traceback in words and an exception


@dataclass(frozen=True)
class Returned:
    """What came back for item ``number`` from ``worker``: a result, or what the function raised.

    ``ended`` says that the process did, and nothing came back.
    """

    worker: WorkerProcess
    number: int
    result: object = None
    error: BaseException | None = None
    ended: bool = False


class WorkerProcess:
    """A process that calls functions one after the other, and the thread that speaks with it."""

    def __init__(self, threads: int, answers: SimpleQueue[Returned]) -> None:
        _begin_tracker()
        use_one_algebra_thread()  # a child reads it when it loads numpy, long before its first line
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        self.process = context.Process(target=_work, args=(theirs, threads, os.getpid()))
        self._orders: SimpleQueue[tuple[int, Order] | None] = SimpleQueue()
        try:
            self.process.start()
        finally:
            theirs.close()  # with the process its end of the pipe is gone
        threading.Thread(
            target=self._attend, args=(ours, answers), daemon=True, name=f"worker {self.process.pid}"
        ).start()

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self.process.pid or 0

    def begin(self, number: int, function: Callable[..., object], item: object) -> None:
        """Let it call ``function(item)``; returns at once."""
        self._orders.put((number, (function, item)))

    def let_go(self) -> None:
        """Let it end when its work is done; returns at once."""
        self._orders.put(None)

    def _attend(self, pipe: Connection[Order, Said], answers: SimpleQueue[Returned]) -> None:
        with pipe:
            while (order := self._orders.get()) is not None:
                number, (function, item) = order
                try:
                    _send(pipe, (function, item))
                    answers.put(Returned(self, number, *_received(pipe)))
                except _PipeGone:
                    answers.put(Returned(self, number, ended=True))
                    return
                except Exception as error:  # noqa: BLE001 - what cannot travel has failed; the caller raises it
                    answers.put(Returned(self, number, error=error))


class _PipeGone(Exception):
    """The process at the other end of a pipe is not there."""


def _send(pipe: Connection[SentT, ReceivedT], content: SentT) -> None:
    """Send an object; raises ``_PipeGone``, or what its own pickling raises, an ``OSError`` too."""
    packed = ForkingPickler.dumps(content)
    try:
        pipe.send_bytes(packed)
    except (EOFError, OSError) as error:
        raise _PipeGone from error


def _receive(pipe: Connection[SentT, ReceivedT]) -> ReceivedT:
    """Return the next object; raises ``_PipeGone``, or what making it anew raises, an ``OSError`` too."""
    try:
        packed = pipe.recv_bytes()
    except (EOFError, OSError) as error:
        raise _PipeGone from error
    content: ReceivedT = ForkingPickler.loads(packed)
    return content


def _received(pipe: Connection[Order, Said]) -> tuple[object, BaseException | None]:
    """Return a result and None, or None and an exception: in words where it does not travel."""
    fails, content = _receive(pipe)
    if not fails:
        return content, None
    try:
        _, error = _receive(pipe)
    except _PipeGone:
        raise
    except Exception:  # noqa: BLE001 - whatever an exception of another does when it is made anew
        error = RuntimeError(content)
    assert isinstance(error, BaseException)
    return None, error


def end_with_kill(workers: Iterable[WorkerProcess]) -> None:
    """End processes with kill -9, which a stopped one hears too, and wait for that, but not for ever."""
    each = list(workers)
    try:
        for worker in each:
            worker.process.kill()
    finally:  # a second signal may come in between, and one left over would be waited for without end
        for worker in each:
            worker.process.kill()
    end = time.monotonic() + KILLED
    for worker in each:
        worker.let_go()  # the thread that speaks with it
        worker.process.join(max(0.1, end - time.monotonic()))


class RestWatch:
    """How many looks in a row, so many seconds apart, each process has computed nothing.

    One that has its parent looked after takes a tick in between; ``most`` are nothing.
    """

    def __init__(self, seconds: float, most: int = 1) -> None:
        self._seconds = seconds
        self._most = most
        self._next = time.monotonic() + seconds
        self._ticks: dict[int, int] = {}
        self._rested: dict[int, int] = {}

    @property
    def seconds(self) -> float:
        """Seconds until the next look."""
        return max(0.0, self._next - time.monotonic())

    def look(self, processes: Collection[int]) -> dict[int, int]:
        """Return the looks at rest of these processes, after a look where one is due.

        A process that came into the list since the last look has rested at none. A clock is not asked: looks
        are counted, so a machine that slept meanwhile has missed one. Empty where the system does not say.
        """
        self._rested = {process: self._rested.get(process, 0) for process in processes}
        if self.seconds == 0.0:
            now = ticks(processes)
            for process in processes:
                before, after = self._ticks.get(process), (now or {}).get(process)
                rests = before is not None and after is not None and after - before <= self._most
                self._rested[process] = self._rested[process] + 1 if rests else 0
            if now is None:
                self._rested = {}
            self._ticks = now or {}
            self._next = time.monotonic() + self._seconds
        return self._rested


def ticks(processes: Iterable[int]) -> dict[int, int] | None:
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


def _begin_tracker() -> None:
    """Begin the interpreter's tracker of shared resources so that a closed terminal does not end it first."""
    if os.name == "posix" and threading.current_thread() is threading.main_thread():
        before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # what is ignored stays so in a child
        try:
            resource_tracker.ensure_running()
        finally:
            signal.signal(signal.SIGHUP, before)


def _work(pipe: Connection[Said, Order], threads: int, parent: int) -> None:
    """Answer until the parent closes the pipe, and end at once: what is kept is on the disk by then.

    The interpreter would take a fifth of a second to tidy up, for which the parent waits.
    """
    _begin(threads, parent)
    with contextlib.suppress(_PipeGone), pipe:
        while True:
            _answer(pipe)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # its other end is gone
            stream.flush()
    os._exit(0)


def _answer(pipe: Connection[Said, Order]) -> None:
    """Call one function; an exception travels after its traceback in words."""
    try:
        function, item = _receive(pipe)
    except _PipeGone:
        raise
    except Exception as error:  # noqa: BLE001 - what cannot be made anew here; the parent raises it
        _send_failure(pipe, error)
        return
    try:
        result = function(item)
    except BaseException as error:  # noqa: BLE001 - the parent raises it
        _send_failure(pipe, error)
        return
    try:
        _send(pipe, (False, result))
    except _PipeGone:
        raise
    except Exception as error:  # noqa: BLE001 - a result that does not travel
        _send_failure(pipe, error)


def _send_failure(pipe: Connection[Said, Order], error: BaseException) -> None:
    words = "".join(traceback.format_exception(error)).rstrip()
    _send(pipe, (True, f"in a worker process: {words}"))
    error.add_note("in a worker process:\n" + words)
    try:
        _send(pipe, (True, error))
    except _PipeGone:
        raise
    except Exception:  # noqa: BLE001 - it does not travel: in words
        _send(pipe, (True, RuntimeError(f"{type(error).__name__}: {error}\nin a worker process:\n{words}")))


def _begin(threads: int, parent: int) -> None:
    """Keep a worker's own threads from taking the cores of the others, and end it when its parent is gone.

    Ctrl-C reaches every process of a terminal; only the parent answers it.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    keep_little_memory()
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
