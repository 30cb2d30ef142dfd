"""Workloads without a peer: niche factors, start-up, and the machine's limit."""

from __future__ import annotations

import tempfile
import time
from statistics import median

import numpy as np

from benchmarks import ours
from benchmarks.cases import full_step
from benchmarks.child import measured, python
from benchmarks.curves import progress
from benchmarks.peak import flops, lanes, operations, peak_gflops
from benchmarks.people import draw_candidates, load_people
from eubiosis.model import load

_NICHE_PEOPLE = 1_000
_NICHE_WANTED = 5.0  # seconds


def niche(threads: int, *, quick: bool) -> dict[str, object]:
    """Time the niche factors of 1,000 candidates with MS (50 of them when quick, scaled up)."""
    model = load()
    size = 50 if quick else _NICHE_PEOPLE
    shares = draw_candidates(model, size).shares
    ours.niche_factors(model, shares[:2], threads)  # compiles
    begin = time.perf_counter()
    factors, unsolved = ours.niche_factors(model, shares, threads)
    seconds = time.perf_counter() - begin
    largest = np.max(factors[np.all(np.isfinite(factors), axis=1)], axis=1)
    return {
        "threads": threads,
        "people": size,
        "seconds": seconds,
        "seconds_per_1000": 1_000 * seconds / size,
        "wanted_seconds": _NICHE_WANTED,
        "ours_per_s": size / seconds,
        "unsolved": unsolved,
        "largest_factor": float(np.max(largest)),
        "share_above_1000": float(np.mean(largest > 1_000)),
    }


_IMPORT = "import time; t = time.perf_counter(); import {name}; print(time.perf_counter() - t)"


def _compile() -> dict[str, float]:
    """Load and compile the joined model; called in a fresh process."""
    begin = time.perf_counter()
    model = load()
    loaded = time.perf_counter()
    ours.compile_full(model)
    return {"load": loaded - begin, "compile": time.perf_counter() - loaded}


def _compile_apart(cache: str) -> dict[str, float]:
    """Compile with the cache in a folder of its own; the variable is set before anything is compiled."""
    import os

    os.environ[ours.CACHE_VARIABLE] = cache
    return _compile()


def startup(threads: int, *, quick: bool) -> dict[str, object]:
    """Time imports and compilation in fresh processes; cold with an empty cache, warm with a full one."""
    del threads
    rounds = 1 if quick else 5
    imports = {
        name: median(python(_IMPORT.format(name=name))[0] for _ in range(rounds))
        for name in ("eubiosis", "eubiosis.engine", "numpy")
    }
    with tempfile.TemporaryDirectory() as cache:
        cold = measured(_compile_apart, cache)
        progress(f"cold: {cold.result}")
        warm = [measured(_compile_apart, cache) for _ in range(rounds)]
    nothing = measured(_nothing)
    return {
        "import_seconds": imports,
        "load_seconds": cold.result["load"],
        "compile_cold_seconds": cold.result["compile"],
        "compile_warm_seconds": median(run.result["compile"] for run in warm),
        "memory_cold_mb": cold.peak_mb,
        "memory_warm_mb": median(run.peak_mb for run in warm),
        "memory_before_mb": nothing.peak_mb,
        "batched_engine": ours.available(),
    }


def _nothing() -> None:
    """Do nothing, for the memory of an interpreter with the imports of this module."""


def limit(threads: int, *, quick: bool) -> dict[str, object]:
    """Measure the peak of one core and, where the engine tells, the operations of ``full_step``."""
    rounds = 3 if quick else 9
    row: dict[str, object] = {
        "threads": threads,
        "lanes": lanes(),
        "peak_gflops_per_core": peak_gflops(rounds=rounds),
        "peak_gflops_4_lanes": peak_gflops(4, rounds=rounds),
    }
    model = load()
    case = full_step(model, load_people(model, 200))
    try:
        text, calls = ours.generated_code(case)
    except NotImplementedError as problem:
        return row | {"flops_per_subject": None, "note": str(problem)}
    counted = operations(text)
    total = sum(flops(counted[name]) * count for name, count in calls.items())
    return row | {"flops_per_subject": total, "operations": {k: dict(v) for k, v in counted.items()}}
