"""Read one damaged file after the other in a child process that is ended when it hangs."""

from __future__ import annotations

import contextlib
import os
import random
import select
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import yaml
from hypothesis import HealthCheck, Phase, given, seed, settings

from benchmarks.fuzzing.kinds import Kind, Reader
from benchmarks.fuzzing.mutations import mutated, trees
from eubiosis.core.findings import FindingsError
from eubiosis.population.stool import hdf5_files

HANG = 10  # seconds of the processor, or at rest
LOOK = 0.2  # seconds between two looks at a child
GUARDED = 4.0  # seconds, for what the program itself reads in a child with limits
MEMORY = 4 * 1024**3  # address space of a child
BATCH = 200


class Hang(BaseException):
    """A case that takes too long."""


class Watch:
    """Note what is opened for writing, removed or renamed outside the folder of the case."""

    def __init__(self) -> None:
        self.inside = ""
        self.outside: list[str] = []
        sys.addaudithook(self._heard)

    def _heard(self, event: str, arguments: tuple[object, ...]) -> None:
        if not self.inside:
            return
        paths: tuple[object, ...] = ()
        if event == "open" and len(arguments) > 2 and isinstance(arguments[2], int):
            writes = arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            paths = arguments[:1] if writes else ()
        elif event in ("os.remove", "os.rmdir", "os.mkdir", "os.symlink", "os.truncate"):
            paths = arguments[:1]
        elif event in ("os.rename", "os.link"):
            paths = arguments[:2]
        elif event == "subprocess.Popen" and _reads_hdf5(arguments):
            return
        elif event in ("os.system", "subprocess.Popen", "os.exec", "socket.connect"):
            self.outside.append(event)
        for path in paths:
            if isinstance(path, str | bytes) and not self._own(os.fsdecode(path)):
                self.outside.append(f"{event} {os.fsdecode(path)}")

    def _own(self, path: str) -> bool:
        # relative names come from rmtree, which works below an open folder; byte code is Python's own
        whole = os.path.realpath(path)
        return whole.startswith(self.inside) or "__pycache__" in path or "/" not in path or path == os.devnull


def _reads_hdf5(arguments: tuple[object, ...]) -> bool:
    """Whether a process is the one that the program itself begins, for HDF5, as it is meant to be begun."""
    command = arguments[1] if len(arguments) > 1 else ()
    return isinstance(command, list) and command[:3] == [sys.executable, "-P", str(hdf5_files.CHILD)]


def attempt(reader: Reader, content: bytes, watch: Watch, allowed: tuple[type[Exception], ...] = ()) -> str:
    """Read one file; return "ok", or what went wrong."""

    def late(number: int, frame: FrameType | None) -> None:
        del number, frame
        raise Hang

    folder = Path(tempfile.mkdtemp(prefix="eubiosis-fuzz-"))
    before = signal.signal(signal.SIGPROF, late)
    watch.inside, watch.outside = os.path.realpath(folder), []
    # of the processor: on a busy machine a case waits, and one that was stopped goes on
    signal.setitimer(signal.ITIMER_PROF, HANG)
    try:
        reader(folder, content)
    except (FindingsError, OSError) as error:
        str(error)
    except Hang:
        return "hang"
    except Exception as error:  # noqa: BLE001 - the point of the exercise
        if not isinstance(error, allowed or ()):
            return f"traceback: {type(error).__name__}: {str(error)[:150]}"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        outside, watch.inside = watch.outside, ""
        signal.signal(signal.SIGPROF, before)
        shutil.rmtree(folder, ignore_errors=True)
    return f"write elsewhere: {outside[0]}" if outside else "ok"


@dataclass
class Count:
    """Cases of one kind: how many, how many the guard's limits ended, CPU seconds, and the failures."""

    cases: int = 0
    ended: int = 0
    seconds: float = 0.0
    failures: list[str] = field(default_factory=list)


def run_batch(name: str, kind: Kind, batch: int, seed_: int, most: int, watch: Watch, count: Count) -> None:
    """Read up to ``most`` cases of a batch; a case that hangs or crashes costs its child, not the batch."""
    with tempfile.TemporaryDirectory(prefix="eubiosis-fuzz-", ignore_cleanup_errors=True) as folder:
        _run_batch(name, kind, batch, seed_, most, watch, count, Path(folder))
    count.cases += most


def _run_batch(
    name: str, kind: Kind, batch: int, seed_: int, most: int, watch: Watch, count: Count, folder: Path
) -> None:
    done = 0
    while done < most:
        read_end, write_end = os.pipe()
        child = os.fork()
        if child == 0:
            code = 1
            try:
                os.close(read_end)
                tempfile.tempdir = str(folder)  # what a child that is ended leaves goes with the batch
                _cases(kind, batch, seed_, done, most, watch, write_end)
                code = 0
            finally:
                os._exit(code)
        os.close(write_end)
        done, said = _listened(
            read_end, child, GUARDED if kind.guarded else HANG + 5.0, done, count, name, batch
        )
        os.close(read_end)
        if said and kind.guarded:
            count.ended += 1
        elif said:
            count.failures.append(f"{name}, batch {batch} case {done - 1}: {said}")


def _cases(kind: Kind, batch: int, seed_: int, first: int, most: int, watch: Watch, pipe: int) -> None:
    """Read the cases of a batch from ``first`` on, and tell the parent of each as it is done."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for number, content in enumerate(_contents(kind, batch, seed_, most, lambda: os.write(pipe, b"\n"))):
        if number >= first:
            said = attempt(kind.reader, content, watch, kind.allowed)
            words = "" if said == "ok" else said.replace("\n", " ")
            os.write(pipe, f"{number} {words}\n".encode("utf-8", "replace"))


def _contents(
    kind: Kind, batch: int, seed_: int, most: int, alive: Callable[[], object] = int
) -> Iterator[bytes]:
    """Yield the files of a batch; ``alive`` is called for every tree that is drawn before them."""
    if not kind.tree:
        for number in range(most):
            yield mutated(kind.good, random.Random(f"{seed_} {batch} {number}"))
        return
    drawn: list[bytes] = []

    @seed(seed_ * 1_000_003 + batch)
    @settings(max_examples=most, database=None, deadline=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(trees(yaml.safe_load(kind.good)))
    def draw(content: bytes) -> None:
        drawn.append(content)
        alive()

    draw()
    yield from (drawn * most)[:most]  # hypothesis may run out of new ones


def _listened(
    pipe: int, child: int, patience: float, done: int, count: Count, name: str, batch: int
) -> tuple[int, str]:
    """Follow a child; return how many cases are over, and how one of them ended the child ("": none did)."""
    held, silent = b"", 0.0
    while True:
        ready, _, _ = select.select([pipe], [], [], LOOK)
        if ready:
            chunk = os.read(pipe, 65536)
            if not chunk:
                break
            silent = 0.0
            *lines, held = (held + chunk).split(b"\n")
            for line in filter(None, lines):
                number, _, words = line.decode().partition(" ")
                done = int(number) + 1
                if words:
                    count.failures.append(f"{name}, batch {batch} case {number}: {words}")
        elif (silent := silent + LOOK) > patience:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
            _gone(child, count)
            return done + 1, "hang inside a library"
    status = _gone(child, count)
    return (done, "") if status == 0 else (done + 1, f"the process ended with {status}")


def _gone(child: int, count: Count) -> int:
    _, status, usage = os.wait4(child, 0)
    count.seconds += usage.ru_utime + usage.ru_stime
    return os.waitstatus_to_exitcode(status)
