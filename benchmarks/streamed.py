"""Large runs that keep endpoints only: a population, its cost by size, and a study over worlds."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from benchmarks import ours
from benchmarks.child import Measured, measured
from benchmarks.curves import progress
from benchmarks.networks import exponent
from benchmarks.people import load_people
from eubiosis.model import load

SIZES = (1_000, 10_000, 100_000)
QUICK_SIZES = (200, 1_000)
ARMS = 2
_TABLE = 200  # solved subjects that a large population goes round


@dataclass(frozen=True)
class Study:
    """A study over worlds: every subject of every world in every arm under every coupling variant."""

    worlds: int = 200
    subjects: int = 2_000
    arms: int = 4
    couplings: tuple[str, ...] = ("symmetric", "zero", "hand_fit")

    @property
    def runs(self) -> int:
        """Two-year runs of one subject."""
        return self.worlds * self.subjects * self.arms * len(self.couplings)


def _population(size: int, threads: int) -> dict[str, float]:
    """Run one population in this process and summarise it; called in a fresh process."""
    model = load()
    people = load_people(model, _TABLE)
    ours.stream_population(model, people, min(size, 100), ARMS, threads)  # compiles; not timed
    begin = time.perf_counter()
    endpoints = ours.stream_population(model, people, size, ARMS, threads)
    seconds = time.perf_counter() - begin
    means = {f"mean_{name}": float(np.nanmean(values)) for name, values in endpoints.items()}
    failed = max(int(np.sum(~np.isfinite(values))) for values in endpoints.values())
    return {"seconds": seconds, "failed": float(failed), **means}


def population(threads: int, *, quick: bool) -> dict[str, object]:
    """Time 1,000 to 100,000 subjects x 2 arms x 2 years with a daily random drive, and their peak memory."""
    sizes = QUICK_SIZES if quick else SIZES
    runs: list[tuple[int, Measured]] = []
    for size in sizes:
        runs.append((size, measured(_population, size, threads)))
        progress(f"population {size}: {runs[-1][1].result['seconds']:.1f} s, {runs[-1][1].peak_mb:.0f} MB")
    size, last = runs[-1]
    seconds = last.result["seconds"]
    return {
        "threads": threads,
        "subjects": size,
        "arms": ARMS,
        "seconds": seconds,
        "ours_per_s": size * ARMS / seconds,
        "peak_memory_mb": {str(n): run.peak_mb for n, run in runs},
        "memory_grows_by": runs[-1][1].peak_mb / runs[0][1].peak_mb,
        "results": last.result,
    }


def scaling_subjects(threads: int, *, quick: bool) -> dict[str, object]:
    """Fit the exponent of cost in the number of subjects, from the medians of three runs of each size."""
    sizes = QUICK_SIZES if quick else SIZES
    seconds = []
    for size in sizes:
        rounds = 1 if quick or size == sizes[-1] else 3
        times = [measured(_population, size, threads).result["seconds"] for _ in range(rounds)]
        seconds.append(float(np.median(times)))
        progress(f"scaling {size} subjects: {seconds[-1]:.1f} s")
    return {
        "threads": threads,
        "sizes": list(sizes),
        "seconds": seconds,
        "exponent": exponent([float(size) for size in sizes], seconds),
        "ours_per_s": sizes[-1] * ARMS / seconds[-1],
    }


def _worlds(first: int, count: int, plan: Study, threads: int) -> dict[str, float]:
    """Run some worlds of a study in this process, one after the other; called in a fresh process."""
    model = load()
    ours.run_world(model, 0, min(plan.subjects, 50), plan.arms, plan.couplings, threads)  # compiles
    begin = time.perf_counter()
    failed, sums = 0, 0.0
    for number in range(first, first + count):
        endpoints: Mapping[str, np.ndarray] = ours.run_world(
            model, number, plan.subjects, plan.arms, plan.couplings, threads
        )
        relapses = endpoints["relapses"]
        failed += int(np.sum(~np.isfinite(relapses)))
        sums += float(np.nansum(relapses))
    return {"seconds": time.perf_counter() - begin, "failed": float(failed), "relapses": sums}


def study(threads: int, *, quick: bool, full: bool) -> dict[str, object]:
    """Run 2 % of the study's worlds and project, or with ``full`` run all of them.

    Worlds cost alike (each has the same number of subjects), so the projection is linear in them; its
    uncertainty is the spread between the worlds that were run.
    """
    plan = Study()
    count = plan.worlds if full else max(1 if quick else 4, round(0.02 * plan.worlds))
    if quick:
        count = 1
    each = []
    first = 1  # world 0 holds the table values
    blocks = 1 if full else count
    for block in range(blocks):
        size = count // blocks
        each.append(measured(_worlds, first + block * size, size, plan, threads))
        progress(f"study: {size} worlds in {each[-1].result['seconds']:.1f} s")
    seconds = sum(run.result["seconds"] for run in each)
    a_world = [run.result["seconds"] * blocks / count for run in each]
    runs = plan.runs * count // plan.worlds
    return {
        "threads": threads,
        "cores": os.cpu_count(),
        "runs": runs,
        "full": full,
        "seconds": seconds,
        "projected_seconds": seconds * plan.worlds / count,
        "projected_low": min(a_world) * plan.worlds,
        "projected_high": max(a_world) * plan.worlds,
        "ours_per_s": runs / seconds,
        "peak_memory_mb": max(run.peak_mb for run in each),
        "failed": sum(run.result["failed"] for run in each),
    }
