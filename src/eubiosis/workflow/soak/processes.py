"""Processes and what they leave, as the soak looks at them: /proc, signals, finished chunks, tables."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from eubiosis.compute.run_folder import CHUNKS, unfinished

LONGEST = 300.0  # seconds that a run of this size may take, at the least, before it counts as one that hangs
TIMES = 6.0  # and how many times as long as the undisturbed one, on a machine that others use


class Lost(Exception):
    """Something that was finished is gone, differs, hangs or is told in a traceback."""


class Patience:
    """How long a run may take before it counts as one that hangs, in seconds."""

    seconds = LONGEST

    @classmethod
    def of(cls, undisturbed: float) -> None:
        """Set it after the time that an undisturbed run took."""
        cls.seconds = max(LONGEST, TIMES * undisturbed)


def tables(run: Path) -> dict[str, bytes]:
    """Return the bytes of the tables and results of a finished run, by name."""
    files = [*sorted((run / "tables").glob("*.parquet")), run / "results.json"]
    return {path.name: path.read_bytes() for path in files if path.is_file()}


def chunks(run: Path) -> set[str]:
    """Return the names of the finished chunks of an unfinished run."""
    return {path.name for path in (unfinished(run) / CHUNKS).glob("*.chunk")}


def ended(process: subprocess.Popen[bytes]) -> int:
    """Wait for a process and return its exit status; raises ``Lost`` where it does not end."""
    try:
        return process.wait(Patience.seconds)
    except subprocess.TimeoutExpired:
        kill(process)
        raise Lost(f"no end within {Patience.seconds:.0f} s") from None


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a process with kill -9."""
    process.kill()
    process.wait()


def send(process: int, number: signal.Signals) -> None:
    """Send a signal to a process that may have ended."""
    with Vanishing():
        os.kill(process, number)


class Vanishing:
    """Pass over a process that has ended meanwhile."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> bool:
        return kind is not None and issubclass(kind, ProcessLookupError)


def rest(process: subprocess.Popen[bytes], seconds: float) -> None:
    """Wait, or until the process has ended."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return


def until(there: Callable[[], bool]) -> None:
    """Wait for a condition; raises ``Lost`` where it does not come."""
    end = time.monotonic() + Patience.seconds
    while not there():
        if time.monotonic() > end:
            raise Lost(f"nothing happened for {Patience.seconds:.0f} s")
        time.sleep(0.02)


def none_left(processes: Collection[int]) -> None:
    """Raise ``Lost`` where processes outlive their run by more than half a minute."""
    end = time.monotonic() + 30
    while left := [each for each in processes if _state(each) not in ("", "Z")]:
        if time.monotonic() > end:
            for each in left:
                send(each, signal.SIGKILL)
            raise Lost(f"{len(left)} processes outlive the run")
        time.sleep(0.05)


def workers(process: int) -> list[int]:
    """Return the children of a process that do work: all but the tracker of its resources."""
    found = []
    for child in children(process):
        try:
            command = Path(f"/proc/{child}/cmdline").read_bytes()
        except OSError:
            continue
        if b"spawn_main" in command:
            found.append(child)
    return found


def children(process: int) -> list[int]:
    """Return the processes that a process has started."""
    return [child for child, parent in _parents() if parent == process]


def _parents() -> Iterator[tuple[int, int]]:
    for path in Path("/proc").glob("[0-9]*"):
        fields = _fields(int(path.name))
        if fields and fields[0] != "Z":
            yield int(path.name), int(fields[1])


def _state(process: int) -> str:
    fields = _fields(process)
    return fields[0] if fields else ""


def _fields(process: int) -> list[str]:
    try:
        return Path(f"/proc/{process}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return []
