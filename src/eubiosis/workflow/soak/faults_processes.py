"""Faults of processes: each does its harm once and says how that ended, or raises ``Lost``."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

from eubiosis.compute.run_folder import unfinished
from eubiosis.compute.run_lock import LOCK
from eubiosis.workflow.soak.bench import Bench
from eubiosis.workflow.soak.outcomes import Outcome, after, resumed
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
    tables,
    until,
    workers,
)


def kill_main(bench: Bench) -> Outcome:
    """End the main process with kill -9 at a random moment; nobody may outlive it."""
    run = bench.run
    before = chunks(run)
    process = bench.start(run, "--processes", bench.dice.choice("12"))
    rest(process, bench.dice.uniform(0.0, bench.seconds))
    hands = children(process.pid)
    kill(process)
    none_left(hands)
    return after(bench, run, before)


def kill_worker(bench: Bench) -> Outcome:
    """End one worker with kill -9 at a random moment."""
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
    return after(bench, run, before)


def signalled(number: signal.Signals) -> Callable[[Bench], Outcome]:
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
        return after(bench, run, before)

    return inject


def hang(bench: Bench) -> Outcome:
    """Stop workers, so that they neither work nor end: at their birth, or at a random moment.

    A run that needs them no more ends all the same; otherwise it says so, and a resume goes on.
    """
    run = bench.run
    process = bench.start(run)
    until(lambda: len(workers(process.pid)) > 1 or process.poll() is not None)
    if bench.turn:
        rest(process, bench.dice.uniform(0.0, bench.seconds / 2))
    hands = workers(process.pid)
    for worker in hands[: 1 + bench.turn % 2]:  # one of the two, then both
        send(worker, signal.SIGSTOP)
    code = ended(process)
    said = bench.said()
    if code != 0 and (code != 1 or "hang" not in said):
        raise Lost(f"the run ended with {code}: {said[:200]}")
    none_left(hands)
    bench.finish()
    return "recovered"


def without_memory(bench: Bench) -> Outcome:
    """Take the memory of one worker away."""
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
    return resumed(bench, run)


def two_writers(bench: Bench) -> Outcome:
    """Start a second run into the folder of the first."""
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


def failing_subjects(bench: Bench) -> Outcome:
    """Let one gut in a hundred fail: a run that is killed then ends as the one that was not."""
    whole = bench.folder / "failing-whole"
    if not whole.exists():
        if (code := ended(bench.start(whole, failing=True))) != 0:
            raise Lost(f"a run with failing subjects ended with {code}: {bench.said()[:200]}")
        if b"non_finite" not in (whole / "results.json").read_bytes():
            raise Lost("a failed subject is counted nowhere")
    run = bench.folder / f"failing-{bench.turn}"
    process = bench.start(run, failing=True)
    until(lambda: bool(chunks(run)) or process.poll() is not None)
    kill(process)
    if not run.exists() and ended(bench.start(run, failing=True)) != 0:
        raise Lost(f"the resume failed: {bench.said()[:200]}")
    if tables(run) != tables(whole):
        raise Lost("failing subjects change a resumed run")
    return "recovered"
