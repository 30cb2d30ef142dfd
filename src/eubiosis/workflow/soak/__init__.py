"""Bad days on purpose: faults injected into a tiny run, which has to end in the bytes of an undisturbed one.

Each fault ends in one of three ways: the run goes on and has the same bytes; it is refused in a clear
message and nothing that was finished is gone; or something is lost, which is the defect that is looked for.
Nothing listens but on loopback, and nothing is written outside the folder that is given.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from pathlib import Path

from eubiosis.core.findings import Finding, FindingsError
from eubiosis.workflow.soak.bench import Bench
from eubiosis.workflow.soak.faults import FAULTS
from eubiosis.workflow.soak.outcomes import NotHere, Outcome
from eubiosis.workflow.soak.processes import Lost


@dataclass(frozen=True)
class FaultCount:
    """How often a fault was injected, and how it ended; ``words`` says what was lost or not tried."""

    fault: str
    tried: int = 0
    recovered: int = 0
    refused: int = 0
    lost: int = 0
    words: str = ""

    def with_one(self, outcome: Outcome, words: str = "") -> FaultCount:
        """Count one more."""
        more = {"tried": self.tried + 1, outcome: getattr(self, outcome) + 1}
        return replace(self, **more, words=words or self.words)


def soak(
    folder: Path,
    *,
    kills: int = 50,
    minutes: float = 30.0,
    only: Collection[str] = (),
    say: Callable[[str], None],
    seed: int = 1,
) -> tuple[FaultCount, ...]:
    """Inject every fault of ``FAULTS`` (or those in ``only``) below an empty folder, and count the ends.

    ``kills`` is how often the main process and its workers are killed at random moments (7 and 3 in 10); the
    other faults come once, or more often where there are many kills. No fault is begun after ``minutes``.
    Raises ``FindingsError`` for an unknown fault, a folder that is not empty and a system without signals.
    """
    unknown = [name for name in only if name not in FAULTS]
    if unknown:
        raise _refused("--only", f'"{unknown[0]}" is no fault', "; ".join(FAULTS))
    if os.name != "posix" or not Path("/proc/self/stat").exists():
        raise _refused("--soak", "this system has no signals or no /proc", "Linux")
    if folder.exists() and any(folder.iterdir()):
        raise _refused(str(folder), "the folder is not empty", "a new or empty folder")
    bench = Bench.made(folder, random.Random(seed), say, time.monotonic() + 60 * minutes)
    return tuple(
        _injected(name, max(1, round(kills * share)), inject, bench, say)
        for name, (share, inject) in FAULTS.items()
        if not only or name in only
    )


def _injected(
    name: str, times: int, inject: Callable[[Bench], Outcome], bench: Bench, say: Callable[[str], None]
) -> FaultCount:
    """Inject one fault so many times; what it leaves unfinished has to end in the same bytes."""
    count = FaultCount(name)
    for turn in range(times):
        if time.monotonic() > bench.end:
            return replace(count, words=count.words or "the time was over")
        bench.turn = turn
        try:
            outcome = inject(bench)
            if turn == times - 1:
                bench.finish()
        except NotHere as reason:
            return replace(count, words=str(reason))
        except Lost as loss:
            count = count.with_one("lost", str(loss))
            bench.number += 1
        else:
            count = count.with_one(outcome)
        say(f"{name}: {count.tried} tried, {count.lost} lost {count.words}".rstrip())
    return count


def _refused(place: str, problem: str, allowed: str) -> FindingsError:
    return FindingsError([Finding("soak", place, problem, allowed, "give one of these")])
