"""How a fault ends, and what every fault does afterwards: look at what is left, and let the run go on."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from eubiosis.workflow.soak.bench import Bench
from eubiosis.workflow.soak.processes import Lost, chunks, ended

Outcome = Literal["recovered", "refused", "lost"]


class NotHere(Exception):
    """A fault that cannot be injected on this machine."""


def after(bench: Bench, run: Path, before: set[str]) -> Outcome:
    """Judge a run that was ended: what was finished has to be there still, whole."""
    if run.exists():
        bench.check(run)
    elif not before <= chunks(run):
        raise Lost(f"chunks are gone: {sorted(before - chunks(run))}")
    return "recovered"


def resumed(bench: Bench, run: Path) -> Outcome:
    """Let an interrupted run go on: it has to end, in the bytes of the undisturbed one."""
    if not run.exists() and ended(bench.start(run)) != 0:
        raise Lost(f"the resume failed: {bench.said()[:200]}")
    bench.check(run)
    return "recovered"


def demand_clear_end(bench: Bench, run: Path, code: int) -> None:
    """Raise ``Lost`` where a run that could not go on ended without a clear word, or without its chunks."""
    said = bench.said()
    if code != 1 or "next:" not in said or not chunks(run):
        raise Lost(f"the run ended with {code}: {said[:200]}")
