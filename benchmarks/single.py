"""Workloads without a peer's curve: niche factors, start-up, and the machine's limit."""

from __future__ import annotations

import os
import tempfile
import time
from collections import Counter
from statistics import median

import numpy as np

from benchmarks import ours
from benchmarks.cases import Case, full_step
from benchmarks.child import Measured, measured, python
from benchmarks.copasi_peer import Copasi
from benchmarks.curves import progress
from benchmarks.peak import flops, lanes, operations, peak_divisions, peak_gflops
from benchmarks.people import draw_candidates, load_people
from benchmarks.roadrunner_peer import RoadRunner, Tolerance
from eubiosis.engine.codegen.native import CACHE_VARIABLE
from eubiosis.model import load

_NICHE_PEOPLE = 1_000
_NICHE_WANTED = 5.0  # seconds
_TABLE = 200


def niche(threads: int, *, quick: bool) -> dict[str, object]:
    """Time the niches of 1,000 candidates with MS; median of five rounds."""
    model = load()
    size = 200 if quick else _NICHE_PEOPLE
    shares = draw_candidates(model, size).shares
    ours.held_niches(model, shares[:100], threads)  # compiles
    seconds, used = [], []
    for _ in range(1 if quick else 5):
        begin, processor = time.perf_counter(), time.process_time()
        held = ours.held_niches(model, shares, threads)
        seconds.append(time.perf_counter() - begin)
        used.append(time.process_time() - processor)
    return {
        "threads": threads,
        "people": size,
        "seconds": median(seconds),
        "cpu_seconds": median(used),
        "seconds_per_1000": 1_000 * median(seconds) / size,
        "wanted_seconds": _NICHE_WANTED,
        "ours_per_s": size / median(seconds),
        "status": dict(Counter(held.status)),
        "largest_factor": float(np.nanmax(held.largest_factor)),
        "share_above_100": float(np.mean(held.largest_factor > 100)),
        "residual_quantiles_50_90_99": np.nanpercentile(held.residual, (50, 90, 99)).tolist(),
    }


_IMPORT = "import time; t = time.perf_counter(); import {name}; print(time.perf_counter() - t)"


def _first_subject(case: Case, cache: str) -> ours.FirstSubject:
    """Solve a case's first subject with compiled code kept in a folder; called in a fresh process."""
    os.environ[CACHE_VARIABLE] = cache
    return ours.first_subject(case)


def _load_model() -> float:
    begin = time.perf_counter()
    load().sbml()
    return time.perf_counter() - begin


def _first_of_peer(peer: type[RoadRunner] | type[Copasi], case: Case) -> float:
    """Load a case into a peer and solve its first subject; called in a fresh process."""
    loaded = peer(case)
    begin = time.perf_counter()
    loaded.set_tolerance(Tolerance(1e-6, tuple([1e-9] * len(case.states))))
    loaded.run(0)
    return loaded.load_seconds + time.perf_counter() - begin


def startup(threads: int, *, quick: bool) -> dict[str, object]:
    """Time imports, and SBML text to a first solved subject, in fresh processes.

    Cold with an empty folder for compiled code, warm with the same folder again. Peers keep no code; writing
    their form of the file is not counted.
    """
    del threads
    rounds = 1 if quick else 5
    imports = {
        name: median(python(_IMPORT.format(name=name))[0] for _ in range(rounds))
        for name in ("eubiosis", "eubiosis.engine", "numpy")
    }
    model = load()
    case = full_step(model, load_people(model, _TABLE)).of(1)
    cold, warm = [], []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as cache:
            cold.append(measured(_first_subject, case, cache))
            warm.append(measured(_first_subject, case, cache))
        progress(f"cold {cold[-1].result}, warm {warm[-1].result}")
    peers = {
        peer.__name__: median(measured(_first_of_peer, peer, case).result for _ in range(min(rounds, 3)))
        for peer in (RoadRunner, Copasi)
    }
    return {
        "threads": 1,
        "import_seconds": imports,
        "packaged_model_to_sbml_seconds": measured(_load_model).result,
        "read_sbml_seconds": median(run.result.read for run in (*cold, *warm)),
        "cold_seconds": _to_subject(cold),
        "warm_seconds": _to_subject(warm),
        "peers_seconds": peers,
        "memory_cold_mb": median(run.peak_mb for run in cold),
        "memory_warm_mb": median(run.peak_mb for run in warm),
        "memory_before_mb": measured(_nothing).peak_mb,
    }


def _to_subject(runs: list[Measured]) -> float:
    return float(median(run.result.read + run.result.compile_and_solve for run in runs))


def _nothing() -> None:
    """Do nothing, for the memory of an interpreter with the imports of this module."""


def limit(threads: int, *, quick: bool) -> dict[str, object]:
    """Compare what one core does in ``full_step`` with what it could do.

    Operations are counted in the generated code of one step and multiplied by the steps that were tried;
    output between steps and the choice of steps are not counted. Divisions have a peak of their own: the
    time that they and the multiply-adds need at least, one after the other, is ``least_seconds``.
    """
    del threads
    rounds = 3 if quick else 9
    model = load()
    case = full_step(model, load_people(model, _TABLE))
    own = ours.Ours(case, 1)
    people = case.people.first(200 if quick else 2_000)
    tolerance = Tolerance(1e-6, tuple([1e-9] * len(case.states)))
    used = []
    for _ in range(1 if quick else 3):
        begin = time.process_time()
        solution = own.solve(people, tolerance)
        used.append(time.process_time() - begin)
    steps = float(np.mean(solution.effort[:, 0]))
    counted = step_operations(own)
    divisions = counted["fdiv"] / lanes()
    a_step = flops(counted) / lanes()
    seconds = median(used) / len(people)
    peak, divided = peak_gflops(rounds=rounds), peak_divisions(rounds=rounds)
    least = steps * ((a_step - divisions) / peak + divisions / divided) / 1e9
    return {
        "threads": 1,
        "lanes": lanes(),
        "peak_gflops_per_core": peak,
        "peak_gflops_4_lanes": peak_gflops(4, rounds=rounds),
        "peak_divisions_per_core": divided,
        "flops_per_step": a_step,
        "divisions_per_step": divisions,
        "steps_per_subject": steps,
        "rejected_per_subject": float(np.mean(solution.effort[:, 1])),
        "cpu_seconds_per_subject": seconds,
        "ours_per_s": 1 / seconds,
        "gflops": a_step * steps / seconds / 1e9,
        "share_of_peak": a_step * steps / seconds / 1e9 / peak,
        "least_seconds_per_subject": least,
        "share_of_limit": least / seconds,
    }


def step_operations(own: ours.Ours) -> Counter[str]:
    """Count the operations of one step of all lanes: factor, stages of rates and substitution, and loops."""
    text, rows, stages = own.generated_code()
    counts = operations(text, rows)
    total = counts["step"] + counts["factor"]
    for _ in range(stages):
        total += counts["substitute"]
    for _ in range(stages - 1):  # those of the first stage come out of factor
        total += counts["rates"]
    return total
