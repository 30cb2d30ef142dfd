"""One writer for a run: a lock with its owner and a heartbeat, taken over only from the dead."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import secrets
import socket
import threading
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from eubiosis.core.findings import Finding, FindingsError

LOCK = "lock.json"
_BEAT = 5.0  # seconds between heartbeats
_LOOK = 0.2  # seconds between two looks at a lock that cannot be read
_SILENT = 600.0  # seconds without one after which the owner on another machine counts as dead
_MOST_BYTES = 10_000  # of a lock
_MOST_NUMBER = 2**31  # of a process


@dataclass(frozen=True)
class Owner:
    """Who writes: process, machine, the start of both, and since when.

    ``boot`` names the start of the machine and, where the system has them, the space in which it counts its
    processes: a number says nothing about the processes of another start or of another space.
    """

    process: int
    machine: str
    boot: str
    process_start: str
    since: str
    token: str

    @property
    def words(self) -> str:
        """Return the owner in words."""
        return f"process {self.process} on {self.machine}, since {self.since}"


class RunLock:
    """Hold the lock of a folder for the length of a block.

    Entering raises ``FindingsError`` at once where another process holds it and may be alive. The lock of a
    process of this machine that has ended is taken over, whatever the clock says; that of another machine
    after ten minutes without a heartbeat; that of an owner under this machine's name whose number cannot be
    asked for (an earlier start, a container, a machine of the same name) when no heartbeat comes for twelve
    seconds. A holder that was taken for dead, because it stood still, is told so by ``demand``.
    """

    def __init__(self, folder: Path, *, shown: Path) -> None:
        self.path = folder / LOCK
        self.shown = shown
        self._owner = _this_process()
        self._stop = threading.Event()
        self._beating: threading.Thread | None = None

    def __enter__(self) -> RunLock:
        waiting = _Waiting()
        while True:
            try:
                self._create()
                break
            except FileExistsError:
                self._clear_if_dead(waiting)
        self._beating = threading.Thread(target=self._beat, daemon=True, name="heartbeat of a run")
        self._beating.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        if self._beating is not None:
            self._beating.join(_BEAT)  # a disk that does not answer keeps the heart, not the run
        if self.is_own():
            self.path.unlink(missing_ok=True)

    def is_own(self) -> bool:
        """Say whether the lock that lies there is this one."""
        owner = owner_of(self.path)
        return owner is not None and owner.token == self._owner.token

    def demand(self) -> None:
        """Raise ``FindingsError`` where the lock is gone, or another process has taken it over."""
        if self.is_own():
            return
        owner = owner_of(self.path)
        problem = f"{LOCK} of this run is gone, or damaged"
        if owner is not None:
            problem = f"{owner.words} has taken this run over, as from one that is dead"
        step = "when nobody writes there any more, the same command with --resume"
        raise self._finding(problem, "one writer at a time", step)

    def _create(self) -> None:
        temporary = self.path.with_name(f".{LOCK}.{secrets.token_hex(4)}.new")
        content = json.dumps(asdict(self._owner))
        try:
            temporary.write_text(content, encoding="utf-8")
            _link(temporary, self.path, content)
        finally:
            temporary.unlink(missing_ok=True)

    def _clear_if_dead(self, waiting: _Waiting) -> None:
        if self.path.is_dir():
            raise self._finding(f"{LOCK} is a folder", "the lock of a run", f"delete {self.path}")
        owner = owner_of(self.path)
        if owner is not None and alive(owner, self.path):
            raise self._refusal(owner)
        if owner is None and not waiting.stood_still(self.path):
            if waiting.in_vain:
                raise self._refusal(None)
            time.sleep(_LOOK)
            return
        grave = self.path.with_name(f".{LOCK}.{secrets.token_hex(4)}.old")
        with contextlib.suppress(FileNotFoundError):  # another process was faster: look again
            self.path.rename(grave)
            buried = owner_of(grave)
            if buried is not None and (owner is None or buried.token != owner.token):
                with contextlib.suppress(FileExistsError):  # a third was faster: the second is told so
                    _link(grave, self.path, json.dumps(asdict(buried)))
            grave.unlink(missing_ok=True)

    def _beat(self) -> None:
        while not self._stop.wait(_BEAT):
            with contextlib.suppress(OSError):
                if self.is_own():
                    os.utime(self.path)

    def _refusal(self, owner: Owner | None) -> FindingsError:
        who = "another process" if owner is None else owner.words
        step = "wait for it, end it, or give another --out"
        return self._finding(f"{who} writes this run", "one writer at a time", step)

    def _finding(self, problem: str, allowed: str, step: str) -> FindingsError:
        return FindingsError([Finding(str(self.shown), "--out", problem, allowed, step)])


class _Waiting:
    """Look at a lock that cannot be read until it is no half of one that is being written.

    It is counted in looks and not in seconds, so that neither a clock that stands or jumps nor a machine that
    sleeps meanwhile decides.
    """

    def __init__(self) -> None:
        self._seen: tuple[int, ...] | None = None
        self._looks_at_it = 0
        self._looks = 0

    def stood_still(self, path: Path) -> bool:
        """Say, at one more look, whether the lock was left alone for as long as a heart takes to beat."""
        seen = _identity(path)
        self._looks += 1
        self._looks_at_it = self._looks_at_it + 1 if seen == self._seen else 0
        self._seen = seen
        return abs(_age(path)) >= _BEAT or self._looks_at_it * _LOOK >= _BEAT

    @property
    def in_vain(self) -> bool:
        """Say whether somebody has been writing locks that cannot be read for much longer than that."""
        return self._looks * _LOOK > 4 * _BEAT


def owner_of(path: Path) -> Owner | None:
    """Return the owner that a lock names; None where there is no lock or it cannot be read."""
    try:
        if not path.is_file() or path.stat().st_size > _MOST_BYTES:
            return None
        record = json.loads(path.read_text(encoding="utf-8"))
        owner = Owner(**record)
    except (OSError, ValueError, TypeError, RecursionError):
        return None
    number, *texts = asdict(owner).values()
    whole = type(number) is int and 0 < number < _MOST_NUMBER
    return owner if whole and all(isinstance(t, str) and t.isprintable() for t in texts) else None


def alive(owner: Owner, path: Path) -> bool:
    """Say whether the owner of a lock may still be at work.

    The clock of this machine or of the owner's may jump. A heartbeat that looks as old, or as far ahead, as
    that of a dead owner is therefore waited for once more before the owner counts as dead.
    """
    here = _this_process()
    if owner.machine != here.machine:
        return abs(_age(path)) < _SILENT or _beats(path)
    if owner.boot != here.boot:
        return _beats(path)
    return _runs(owner.process) and owner.process_start in ("", _start_of(owner.process))


def _link(source: Path, target: Path, content: str) -> None:
    """Give a file another name, whole or not at all and never over another (``FileExistsError``).

    Where the disk knows no second names, ``content`` is written there, which may be seen half-written.
    """
    try:
        os.link(source, target)
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG):
            raise
        with target.open("x", encoding="utf-8") as out:
            out.write(content)


def _identity(path: Path) -> tuple[int, ...] | None:
    """Return what differs between two files in one place; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def _age(path: Path) -> float:
    """Return seconds since the last heartbeat; below zero where a clock was set back since."""
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return 0.0


def _beats(path: Path) -> bool:
    """Say whether a heart beats, by waiting for it; a lock that goes meanwhile has no owner."""
    try:
        before = path.stat().st_mtime_ns
        time.sleep(2.5 * _BEAT)
        return path.stat().st_mtime_ns != before
    except OSError:
        return False


def _this_process() -> Owner:
    number = os.getpid()
    return Owner(
        number,
        socket.gethostname(),
        f"{_first_line('/proc/sys/kernel/random/boot_id')} {_process_space()}".strip(),
        _start_of(number),
        datetime.now(UTC).isoformat(timespec="seconds"),
        secrets.token_hex(8),
    )


def _process_space() -> str:
    """Return the space in which this process has its number; empty where the system has none."""
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""


def _runs(process: int) -> bool:
    if os.name != "posix":
        return True  # cannot be asked without harm: the heartbeat and the user decide
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return _state_of(process) != "Z"  # one that has ended and was not collected writes nothing


def _start_of(process: int) -> str:
    """Return when a process started, in ticks since the machine did; empty where that cannot be read."""
    fields = _first_line(f"/proc/{process}/stat").rpartition(")")[2].split()
    return fields[19] if len(fields) > 19 else ""


def _state_of(process: int) -> str:
    fields = _first_line(f"/proc/{process}/stat").rpartition(")")[2].split()
    return fields[0] if fields else ""


def _first_line(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").partition("\n")[0]
    except OSError:
        return ""
