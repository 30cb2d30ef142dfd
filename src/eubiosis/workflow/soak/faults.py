"""The faults: each does its harm once and says how that ended, or raises ``Lost``."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from eubiosis.compute.run_folder import CHUNKS, unfinished
from eubiosis.compute.run_lock import LOCK
from eubiosis.core.findings import FindingsError
from eubiosis.workflow.soak.bench import WORLDS, Bench
from eubiosis.workflow.soak.processes import (
    Lost,
    Vanishing,
    children,
    chunks,
    ended,
    kill,
    none_left,
    rest,
    send,
    until,
    workers,
)

Outcome = Literal["recovered", "refused", "lost"]


class NotHere(Exception):
    """A fault that cannot be injected on this machine."""


def _kill_main(bench: Bench) -> Outcome:
    run = bench.run
    before = chunks(run)
    process = bench.start(run)
    rest(process, bench.dice.uniform(0.0, bench.seconds))
    hands = children(process.pid)
    kill(process)
    none_left(hands)
    return _after(bench, run, before)


def _kill_worker(bench: Bench) -> Outcome:
    run = bench.run
    before = chunks(run)
    process = bench.start(run)
    until(lambda: bool(workers(process.pid)) or process.poll() is not None)
    rest(process, bench.dice.uniform(0.0, bench.seconds / 2))
    hands = workers(process.pid)
    if hands:
        send(bench.dice.choice(hands), signal.SIGKILL)
    code = ended(process)
    if code not in (0, 1):
        raise Lost(f"the run ended with {code}")
    bench.said()
    none_left(hands)
    return _after(bench, run, before)


def _signalled(number: signal.Signals) -> Callable[[Bench], Outcome]:
    """Return a fault: a signal to every process of the terminal, at a random moment after the first chunk."""

    def inject(bench: Bench) -> Outcome:
        run = bench.run
        process = bench.start(run)
        until(lambda: unfinished(run).exists() or process.poll() is not None)
        rest(process, bench.dice.uniform(0.0, bench.seconds / 2))
        before, hands = chunks(run), children(process.pid)
        if process.poll() is None:
            os.killpg(process.pid, number)
        code = ended(process)
        if code not in (0, 130, -number):  # the last: before the command had begun
            raise Lost(f"the run ended with {code}")
        bench.said()
        none_left(hands)
        return _after(bench, run, before)

    return inject


def _hang(bench: Bench) -> Outcome:
    run = bench.run
    process = bench.start(run)
    until(lambda: bool(workers(process.pid)) or process.poll() is not None)
    for worker in (hands := workers(process.pid)):
        send(worker, signal.SIGSTOP)
    code = ended(process)
    said = bench.said()
    if code != 1 or "hang" not in said:
        raise Lost(f"the run ended with {code}: {said[:200]}")
    none_left(hands)
    bench.finish()
    return "recovered"


def _without_memory(bench: Bench) -> Outcome:
    import resource

    run, hidden = bench.begun(1)
    process = bench.start(run)
    until(lambda: bool(workers(process.pid)) or process.poll() is not None)
    for worker in workers(process.pid)[:1]:
        with Vanishing():
            resource.prlimit(worker, resource.RLIMIT_AS, (50_000_000, 50_000_000))
    code = ended(process)
    if code not in (0, 1):
        raise Lost(f"the run ended with {code}")
    said = (bench.folder / "said").read_text(encoding="utf-8", errors="replace")
    if code == 1 and "next:" not in said:
        raise Lost(f"no clear word: {said[-200:]}")
    if code == 1 and not chunks(run):
        raise Lost("the finished chunk is gone")
    del hidden
    return _resumed(bench, run)


def _disk_full(bench: Bench) -> Outcome:
    import resource

    run, _ = bench.begun(1)
    size = max(path.stat().st_size for path in (bench.folder / "interrupted" / CHUNKS).iterdir()) // 2
    process = bench.start(run, limit=lambda pid: resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, size)))
    code, said = ended(process), bench.said()
    if code != 1 or "next:" not in said or not chunks(run):
        raise Lost(f"the run ended with {code}: {said[:200]}")
    return _resumed(bench, run)


def _read_only(bench: Bench) -> Outcome:
    if os.geteuid() == 0:
        raise NotHere("root may write everywhere")
    run, hidden = bench.begun(1)
    hidden.chmod(0o500)
    try:
        code, said = ended(bench.start(run)), bench.said()
    finally:
        hidden.chmod(0o700)
    if code != 1 or "next:" not in said:
        raise Lost(f"the run ended with {code}: {said[:200]}")
    return _resumed(bench, run)


def _damaged(what: str) -> Callable[[Bench], Outcome]:
    """Return a fault: chunks, the lock or the kept kernels truncated, flipped, deleted in turn."""

    def inject(bench: Bench) -> Outcome:
        run, hidden = bench.begun(WORLDS - 1)
        if what == "kernels":
            from eubiosis.engine.codegen.native import cache_folder, kept_kernels

            folder = cache_folder()
            paths = [] if folder is None else kept_kernels(folder)
        else:
            paths = [hidden / LOCK] if what == "lock" else sorted((hidden / CHUNKS).glob("*.chunk"))
        for path, change in zip(paths, _CHANGES * len(paths), strict=False):
            change(path)
        return _resumed(bench, run)

    return inject


def _foreign_chunk(bench: Bench) -> Outcome:
    run, hidden = bench.begun(1)
    from eubiosis.compute.chunk_store import ChunkStore

    ChunkStore(hidden / CHUNKS, "0" * 64).write("gut-00001", b"of another version")
    code, said = ended(bench.start(run)), bench.said()
    if code != 1 or "of another workflow, table, model or version" not in said or len(chunks(run)) != 2:
        raise Lost(f"the run ended with {code}: {said[:200]}")
    shutil.rmtree(hidden)
    return "refused"


def _other_worker(bench: Bench) -> Outcome:
    del bench
    if importlib.util.find_spec("distributed") is None:
        raise NotHere("Dask is not installed")
    from eubiosis.compute.dask_pool import checked, identity

    try:
        checked(("0.0.0", *identity()[1:]), len, "")
    except FindingsError:
        return "refused"
    raise Lost("a worker of another version did work")


def _manifest(bench: Bench) -> Outcome:
    from eubiosis.workflow.runs import compare_runs

    for change in _CHANGES:
        copy = bench.folder / "copy"
        shutil.copytree(bench.folder / "whole", copy)
        change(copy / "manifest.json")
        try:
            if compare_runs(copy, bench.folder / "whole") == ():
                raise Lost("a damaged manifest went unseen")
        except FindingsError:
            pass
        finally:
            shutil.rmtree(copy)
    return "refused"


def _two_writers(bench: Bench) -> Outcome:
    run = bench.run
    process = bench.start(run)
    until(lambda: (unfinished(run) / LOCK).exists() or process.poll() is not None)
    first = (bench.folder / "said").rename(bench.folder / "said-first")
    code = ended(bench.start(run))
    if code != 1 or "writes this run" not in bench.said():
        raise Lost(f"the second writer ended with {code}")
    first.unlink()
    if ended(process) != 0:
        raise Lost(f"the first writer ended with {process.returncode}")
    bench.check(run)
    return "recovered"


def _clock(bench: Bench) -> Outcome:
    run, hidden = bench.begun(WORLDS - 1)
    now = time.time()
    for path in [hidden / LOCK, *(hidden / CHUNKS).iterdir()]:
        os.utime(path, (now + bench.dice.choice((-1e7, 1e7)),) * 2)
    return _resumed(bench, run)


def _dask_worker(bench: Bench) -> Outcome:
    if importlib.util.find_spec("distributed") is None:
        raise NotHere("Dask is not installed")
    run, _ = bench.begun(1)
    process = bench.start(run, "--executor", "dask-local:2")
    until(lambda: len(workers(process.pid)) >= 2 or process.poll() is not None)
    rest(process, bench.dice.uniform(0.0, bench.seconds / 2))
    for worker in workers(process.pid)[:1]:
        send(worker, signal.SIGKILL)
    if ended(process) != 0:
        raise Lost(f"the run ended with {process.returncode}: {bench.said()[:200]}")
    bench.check(run)
    return "recovered"


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


_CHANGES = (_truncate, _flip, Path.unlink)
KILLS = ("kill -9 of the main process", "kill -9 of a worker")
FAULTS: dict[str, tuple[float, Callable[[Bench], Outcome]]] = {  # share of the kills, and what is done
    KILLS[0]: (0.5, _kill_main),
    KILLS[1]: (0.5, _kill_worker),
    "Ctrl-C (SIGINT)": (0.06, _signalled(signal.SIGINT)),
    "SIGTERM": (0.06, _signalled(signal.SIGTERM)),
    "closed terminal (SIGHUP)": (0.06, _signalled(getattr(signal, "SIGHUP", signal.SIGTERM))),
    "workers that hang": (0.0, _hang),
    "a worker without memory": (0.04, _without_memory),
    "no room for a chunk": (0.04, _disk_full),
    "read-only folder": (0.0, _read_only),
    "chunks truncated, flipped": (0.04, _damaged("chunks")),
    "lock truncated": (0.02, _damaged("lock")),
    "kernels truncated, flipped, deleted": (0.02, _damaged("kernels")),
    "manifest truncated, flipped, deleted": (0.0, _manifest),
    "a chunk of another version": (0.0, _foreign_chunk),
    "a worker of another version": (0.0, _other_worker),
    "two runs into one folder": (0.04, _two_writers),
    "a clock that jumps": (0.04, _clock),
    "kill -9 of a Dask worker": (0.04, _dask_worker),
}


def _after(bench: Bench, run: Path, before: set[str]) -> Outcome:
    """Judge a run that was ended: what was finished has to be there still, whole."""
    if run.exists():
        bench.check(run)
    elif not before <= chunks(run):
        raise Lost(f"chunks are gone: {sorted(before - chunks(run))}")
    return "recovered"


def _resumed(bench: Bench, run: Path) -> Outcome:
    if not run.exists() and ended(bench.start(run)) != 0:
        raise Lost(f"the resume failed: {bench.said()[:200]}")
    bench.check(run)
    return "recovered"
