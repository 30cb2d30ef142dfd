"""Large runs that keep endpoints only: a population, its cost by size, and a study over worlds."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache

import numpy as np

from benchmarks import ours
from benchmarks.child import Measured, measured, peak_memory_mb
from benchmarks.curves import progress
from benchmarks.networks import exponent
from eubiosis.model import load
from eubiosis.model.model import Model
from eubiosis.model.niche import OK
from eubiosis.model.worlds import Couplings
from eubiosis.trial.expected import ExpectedEndpoints

SIZES = (1_000, 10_000, 100_000)
QUICK_SIZES = (200, 1_000)
ARMS = 2


@dataclass(frozen=True)
class Study:
    """A study over worlds: every subject of every world in every arm under every coupling variant."""

    worlds: int = 200
    subjects: int = 2_000
    arms: int = 4
    couplings: tuple[Couplings, ...] = ("symmetric", "zero", "hand_fit")

    @property
    def runs(self) -> int:
        """Two-year runs of one subject."""
        return self.worlds * self.subjects * self.arms * len(self.couplings)


def _population(size: int, threads: int) -> dict[str, object]:
    """Run one population in this process and summarise it; called in a fresh process."""
    model = load()
    ours.stream_population(model, 100, ARMS, threads)  # compiles; not timed
    begin, used = time.perf_counter(), time.process_time()
    ends = ours.stream_population(model, size, ARMS, threads)
    seconds, used = time.perf_counter() - begin, time.process_time() - used
    means = {name: float(np.nanmean(ends.values[..., k])) for k, name in enumerate(ends.endpoints)}
    return {"seconds": seconds, "cpu_seconds": used, **_words(ends), "means": means}


def _words(ends: ExpectedEndpoints) -> dict[str, object]:
    """Say how many have a steady gut and were run, and what became of the others."""
    words = Counter(ends.status)
    return {"run": words.pop(OK, 0), "not_run": dict(words)}


def population(threads: int, *, quick: bool) -> dict[str, object]:
    """Time 1,000 to 100,000 subjects x 2 arms x 2 years with a daily random drive, and their peak memory."""
    sizes = QUICK_SIZES if quick else SIZES
    runs: list[tuple[int, Measured]] = []
    for size in sizes:
        runs.append((size, measured(_population, size, threads)))
        progress(f"population {size}: {runs[-1][1].result['seconds']:.1f} s, {runs[-1][1].peak_mb:.0f} MB")
    size, last = runs[-1]
    result = last.result
    return {
        "threads": threads,
        "subjects": size,
        "arms": ARMS,
        **result,
        "ours_per_s": result["run"] * ARMS / result["seconds"],
        "ours_per_cpu_s": result["run"] * ARMS / result["cpu_seconds"],
        "peak_memory_mb": {str(n): run.peak_mb for n, run in runs},
        "memory_grows_by": runs[-1][1].peak_mb / runs[0][1].peak_mb,
    }


def scaling_subjects(threads: int, *, quick: bool) -> dict[str, object]:
    """Fit the exponent of cost in the number of subjects, from the medians of three runs of each size."""
    sizes = QUICK_SIZES if quick else SIZES
    seconds, used = [], []
    for size in sizes:
        rounds = 1 if quick or size == sizes[-1] else 3
        results = [measured(_population, size, threads).result for _ in range(rounds)]
        seconds.append(float(np.median([r["seconds"] for r in results])))
        used.append(float(np.median([r["cpu_seconds"] for r in results])))
        progress(f"scaling {size} subjects: {seconds[-1]:.1f} s, {used[-1]:.1f} s of processor time")
    widths = [float(size) for size in sizes]
    return {
        "threads": threads,
        "sizes": list(sizes),
        "seconds": seconds,
        "cpu_seconds": used,
        "exponent": exponent(widths, seconds),
        "exponent_of_processor_time": exponent(widths, used),
        "ours_per_s": sizes[-1] * ARMS / seconds[-1],
    }


@dataclass(frozen=True)
class WorldRun:
    """One world as a process ran it: the clock at both ends, processor seconds, and what came out."""

    start: float
    stop: float
    cpu: float
    run: int
    not_run: int
    relapses: float
    peak_mb: float


@cache
def _model() -> Model:
    return load()


def _get_ready(plan: Study, threads: int) -> None:
    """Load the model and compile in this process, so that its first world is like every other."""
    ours.run_world(_model(), 0, 50, plan.arms, plan.couplings, threads)


def _world(number: int, plan: Study, threads: int) -> WorldRun:
    """Run one world of a study in a process that is ready."""
    begin, used = time.perf_counter(), time.process_time()
    ends = ours.run_world(_model(), number, plan.subjects, plan.arms, plan.couplings, threads)
    relapses = ends.values[..., ends.endpoints.index("expected_relapses")]
    run = sum(word == OK for word in ends.status)
    return WorldRun(
        begin,
        time.perf_counter(),
        time.process_time() - used,
        run,
        len(ends.status) - run,
        float(np.nanmean(relapses)),
        peak_memory_mb(),
    )


def _spread(worlds: Sequence[int], plan: Study, processes: int, threads: int) -> list[WorldRun]:
    """Run worlds on several processes, each with so many threads."""
    with ProcessPoolExecutor(
        processes,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_get_ready,
        initargs=(plan, threads),
    ) as pool:
        futures = [pool.submit(_world, number, plan, threads) for number in worlds]
        runs = []
        for done, future in enumerate(futures, start=1):
            runs.append(future.result())
            took = runs[-1].stop - runs[-1].start
            progress(f"study: {done}/{len(worlds)} worlds, {processes} x {threads}, {took:.1f} s")
    return runs


def _span(runs: Sequence[WorldRun]) -> float:
    """Return the wall seconds from the first world's start to the last world's end."""
    return max(run.stop for run in runs) - min(run.start for run in runs)


def study(threads: int, *, quick: bool, full: bool) -> dict[str, object]:
    """Run 2 % of the study's worlds and project, or with ``full`` run all of them.

    Worlds are spread over processes of one thread each; the projection also measures the same worlds one
    after the other on all threads. Worlds cost alike (each has the same number of subjects), so the
    projection is linear in them; its ends are the fastest and the slowest world that was run. Loading and
    compiling, some seconds in each process, are not in the times.
    """
    plan = Study()
    count = plan.worlds if full else max(threads, round(0.02 * plan.worlds))
    numbers = range(1, 1 + (threads if quick else count))  # world 0 holds the table values
    runs = _spread(numbers, plan, threads, 1)
    seconds, share = _span(runs), plan.worlds / len(runs)
    row: dict[str, object] = {}
    if not full and threads > 1:
        row["seconds_by_threads"] = _span(_spread(numbers, plan, 1, threads))
    held = sum(run.run for run in runs)
    each = [(run.stop - run.start) / threads for run in runs]
    return row | {
        "threads": threads,
        "cores": os.cpu_count(),
        "worlds": len(runs),
        "full": full,
        "runs_of_all": plan.runs,
        "seconds": seconds,
        "cpu_seconds": sum(run.cpu for run in runs),
        "projected_seconds": seconds * share,
        "projected_low": min(each) * plan.worlds,
        "projected_high": max(each) * plan.worlds,
        "projected_cpu_seconds": sum(run.cpu for run in runs) * share,
        "ours_per_s": held * plan.arms * len(plan.couplings) / seconds,
        "peak_memory_mb_per_process": max(run.peak_mb for run in runs),
        "not_run_share": sum(run.not_run for run in runs) / (len(runs) * plan.subjects),
        "mean_relapses_low_and_high": [min(r.relapses for r in runs), max(r.relapses for r in runs)],
    }
