"""Workloads with peers: the joined model with and without weekly doses, and generated networks."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

import numpy as np

from benchmarks.cases import Case, full_step, full_weekly
from benchmarks.copasi_peer import Copasi
from benchmarks.curves import PEER_TOLERANCE, Curve, Runner, compare, measure, number, progress
from benchmarks.errors import subject_errors
from benchmarks.networks import SIZES, exponent, ring
from benchmarks.ours import Ours
from benchmarks.people import load_people
from benchmarks.reference import Reference, independent, reference
from benchmarks.roadrunner_peer import RoadRunner, Tolerance
from benchmarks.workers import Batch, PeerPool
from eubiosis.model import load

_PEERS = {"roadrunner": RoadRunner, "copasi": Copasi}
_CHECK_TOLERANCE = 1e-10
_TABLE = 200
_LARGEST = (  # of the largest network, beside all sizes
    *("ours_per_s", "peer_per_s", "error_ours", "error_peer", "ratio_at_equal_error", "threads", "peer"),
    "ratio_at_equal_error_processor_time",
)


def step(threads: int, *, quick: bool) -> dict[str, object]:
    """Measure ``full_step``: one therapy on and off."""
    model = load()
    case = full_step(model, load_people(model, _TABLE))
    return _against_peers(
        case, threads, known=16 if quick else 100, many=200 if quick else 2_000, quick=quick
    )


def weekly(threads: int, *, quick: bool) -> dict[str, object]:
    """Measure ``full_weekly``: the same with 104 weekly boluses."""
    model = load()
    case = full_weekly(model, load_people(model, _TABLE))
    return _against_peers(case, threads, known=4 if quick else 24, many=100 if quick else 1_000, quick=quick)


def _against_peers(case: Case, threads: int, *, known: int, many: int, quick: bool) -> dict[str, object]:
    """Run a case by us and the peers in turns; ``known`` subjects have a reference, we run ``many``."""
    truth = reference(case, known, threads)
    agreement = check(case, truth, rows=1 if quick else 3)
    tolerances = (1e-4, 1e-6) if quick else (1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8)
    with ExitStack() as stack:
        own = Ours(case.of(known), threads)  # the same subjects as the peers, over and over
        engines: dict[str, Runner] = {"ours": own.runner(many)}
        loads = {}
        for name, build in _PEERS.items():
            pool = stack.enter_context(PeerPool(build, case.of(known), threads))
            loads[name] = pool.load_seconds
            engines[name] = _peer(pool, known)
        curves = measure(engines, truth, tolerances=tolerances, rounds=1 if quick else 3)
    row = compare(curves["ours"], curves["roadrunner"], threads)
    row["copasi"] = compare(curves["ours"], curves["copasi"], threads)
    row |= against_faster(curves)
    return row | {
        "subjects": many,
        "subjects_with_reference": known,
        "reference_agreement": agreement,
        "load_seconds": loads,
        "compile_seconds": own.compile_seconds,
    }


def _peer(pool: PeerPool, size: int) -> Callable[[Tolerance], Batch]:
    def run(tolerance: Tolerance) -> Batch:
        return pool.run(size, tolerance)

    return run


def against_faster(curves: dict[str, Curve]) -> dict[str, object]:
    """Return the peer that is faster at the error that libRoadRunner achieves at 1e-6, and ours against it.

    By processor time, which other users of the machine disturb least; the ratio is given in wall time too.
    """
    wanted = curves["roadrunner"].point(PEER_TOLERANCE).error.median
    speeds = {name: np.nan_to_num(curves[name].at(wanted, processor=True)) for name in _PEERS}
    faster = max(speeds, key=lambda name: float(speeds[name]))
    ours, peer = curves["ours"], curves[faster]
    on_processor = ours.at(wanted, processor=True) / peer.at(wanted, processor=True)
    return {
        "faster_peer": faster,
        "ratio_to_faster_peer": number(ours.at(wanted) / peer.at(wanted)),
        "ratio_to_faster_peer_processor_time": number(on_processor),
    }


def check(case: Case, truth: Reference, rows: int) -> dict[str, object]:
    """Compare the reference with LSODA on independently written rates, for the first ``rows`` it can solve.

    LSODA gives up on some of the stiffest subjects at this tolerance; those are counted.
    """
    errors: list[float] = []
    given_up = 0
    for row in range(len(truth.values)):
        if len(errors) == rows:
            break
        try:
            path = independent(case, row, truth.tolerance(_CHECK_TOLERANCE))
        except ArithmeticError as problem:
            given_up += 1
            progress(f"{case.name}: LSODA gives up on subject {row}: {problem}")
            continue
        mixed = truth.values.copy()
        mixed[row] = path
        errors.append(float(subject_errors(mixed, truth.values)[row]))
    worst = max(errors, default=float("nan"))
    progress(f"{case.name}: reference and LSODA agree to {worst:.1e} on {len(errors)} subjects")
    return {"largest_error": number(worst), "subjects": len(errors), "given_up": given_up}


def scaling_states(threads: int, *, quick: bool) -> dict[str, object]:
    """Measure generated networks of 10 to 160 states, and fit the exponent of cost in states."""
    sizes = SIZES[:3] if quick else SIZES
    rows: dict[str, dict[str, object]] = {}
    costs: dict[str, list[float]] = {}
    for states in sizes:
        known = 20 if quick else max(50, 12_000 // states)
        case = ring(states, known)
        truth = reference(case, min(known, 100), threads)
        agreement = check(case, truth, rows=1)
        with ExitStack() as stack:
            own = Ours(case, threads)
            engines: dict[str, Runner] = {"ours": own.runner(10 * known)}
            for name, build in _PEERS.items():
                pool = stack.enter_context(PeerPool(build, case, threads))
                engines[name] = _peer(pool, known if name == "roadrunner" else max(10, known // 4))
            curves = measure(engines, truth, tolerances=(1e-3, 1e-4, 1e-6, 1e-8), rounds=1 if quick else 3)
        rows[str(states)] = compare(curves["ours"], curves["roadrunner"], threads) | {
            "copasi": compare(curves["ours"], curves["copasi"], threads),
            "reference_agreement": agreement,
            "compile_seconds": own.compile_seconds,
            **against_faster(curves),
        }
        wanted = curves["roadrunner"].point(PEER_TOLERANCE).error.median
        for name, curve in curves.items():
            costs.setdefault(name, []).append(1 / curve.at(wanted, processor=True))
    widths = [float(size) for size in sizes]
    largest = rows[str(sizes[-1])]
    return {name: largest[name] for name in _LARGEST} | {
        "states": list(sizes),
        "exponents_of_processor_time": {name: number(exponent(widths, v)) for name, v in costs.items()},
        "by_states": rows,
    }
