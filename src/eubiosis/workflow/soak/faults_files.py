"""Faults of files and disks: damage, no room, no right to write, a clock that jumps."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from eubiosis.compute.run_folder import CHUNKS, unfinished
from eubiosis.compute.run_lock import LOCK
from eubiosis.core.findings import FindingsError
from eubiosis.workflow.soak.bench import KEPT, Bench
from eubiosis.workflow.soak.outcomes import NotHere, Outcome, demand_clear_end, resumed
from eubiosis.workflow.soak.processes import Lost, chunks, ended, until

SMALL = 24_000_000  # bytes of the disk that is made full


def file_too_large(bench: Bench) -> Outcome:
    """Let no file grow beyond half a chunk."""
    import resource

    run, _ = bench.begun(1)
    size = max(path.stat().st_size for path in (bench.folder / "interrupted" / CHUNKS).iterdir()) // 2
    process = bench.start(run, limit=lambda pid: resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, size)))
    demand_clear_end(bench, run, ended(process))
    return resumed(bench, run)


def disk_full(bench: Bench) -> Outcome:
    """Fill a small disk when the first chunk is there; make room again."""
    with _small_disk(bench) as disk:
        run = disk / "run"
        process = bench.start(run)
        until(lambda: bool(chunks(run)) or process.poll() is not None)
        ballast = disk / "ballast"
        _fill(ballast)
        code = ended(process)
        if run.exists():  # it was through already
            return "recovered"
        demand_clear_end(bench, run, code)
        ballast.unlink()
        return resumed(bench, run)


def read_only(bench: Bench) -> Outcome:
    """Let a run go on in a folder that nobody may write: as root on a disk that is mounted so."""
    if os.geteuid() != 0:
        run, hidden = bench.begun(1)
        hidden.chmod(0o500)
        try:
            code = ended(bench.start(run))
        finally:
            hidden.chmod(0o700)
        demand_clear_end(bench, run, code)
        return resumed(bench, run)
    with _small_disk(bench) as disk:
        _, hidden = bench.begun(1)
        run = disk / "run"
        shutil.move(hidden, unfinished(run))
        _mount(disk, "remount,ro")
        try:
            code = ended(bench.start(run))
        finally:
            _mount(disk, "remount,rw")
        demand_clear_end(bench, run, code)
        return resumed(bench, run)


@contextmanager
def _small_disk(bench: Bench) -> Iterator[Path]:
    """Yield a small disk in memory; who may not mount one is told so."""
    disk = bench.folder / f"disk-{bench.number}-{bench.turn}"
    disk.mkdir(exist_ok=True)
    bench.number += 1
    _mount(disk, f"size={SMALL}")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True, capture_output=True)


def _mount(disk: Path, options: str) -> None:
    command = ["mount", "-t", "tmpfs", "-o", options, "none", str(disk)]
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode != 0:
        raise NotHere("a small disk can be mounted by root only")


def _fill(ballast: Path) -> None:
    block = 1 << 20
    with ballast.open("wb", buffering=0) as out:
        while block:
            try:
                out.write(bytes(block))
            except OSError:
                block //= 16


def damaged(what: str) -> Callable[[Bench], Outcome]:
    """Return a fault: chunks, the lock or the kept kernels truncated, flipped, deleted in turn."""

    def inject(bench: Bench) -> Outcome:
        run, hidden = bench.begun(KEPT)
        if what == "kernels":
            paths = bench.kernels
        else:
            paths = [hidden / LOCK] if what == "lock" else sorted((hidden / CHUNKS).glob("*.chunk"))
        if not paths:
            raise Lost(f"there are no {what} to damage")
        for number, path in enumerate(paths):
            _CHANGES[(number + bench.turn) % len(_CHANGES)](path)
        return resumed(bench, run)

    return inject


def foreign_chunk(bench: Bench) -> Outcome:
    """Put a chunk of another version beside ours."""
    run, hidden = bench.begun(1)
    from eubiosis.compute.chunk_store import ChunkStore

    ChunkStore(hidden / CHUNKS, "0" * 64).write("z-of-another-version", b"of another version")
    code, said = ended(bench.start(run)), bench.said()
    if code != 1 or "of another workflow, table, model or version" not in said or len(chunks(run)) != 2:
        raise Lost(f"the run ended with {code}: {said[:200]}")
    shutil.rmtree(hidden)
    return "refused"


def manifest(bench: Bench) -> Outcome:
    """Damage the manifest of a finished run."""
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


def clock(bench: Bench) -> Outcome:
    """Let the clock jump: the heartbeat and every chunk are months old, or months ahead."""
    run, hidden = bench.begun(KEPT)
    now = time.time()
    for path in [hidden / LOCK, *(hidden / CHUNKS).iterdir()]:
        os.utime(path, (now + bench.dice.choice((-1e7, 1e7)),) * 2)
    return resumed(bench, run)


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


_CHANGES = (_truncate, _flip, Path.unlink)
