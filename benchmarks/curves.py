"""Work-precision curves of several engines on one case, measured in turns, and speeds at equal error."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from benchmarks.errors import Error, error, speed_at
from benchmarks.reference import Reference
from benchmarks.roadrunner_peer import Tolerance
from benchmarks.workers import Batch

TOLERANCES = (1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8)
COMMON_ERRORS = (1e-3, 1e-4, 1e-5, 1e-6)
PEER_TOLERANCE = 1e-6
Runner = Callable[[Tolerance], Batch]


@dataclass(frozen=True)
class Point:
    """One engine at one tolerance: medians over the rounds."""

    relative: float
    per_s: float
    per_cpu_s: float
    error: Error


@dataclass(frozen=True)
class Curve:
    """The points of one engine, from loose to tight."""

    engine: str
    points: tuple[Point, ...]

    def at(self, wanted: float, *, processor: bool = False) -> float:
        """Return the speed (subjects a wall or processor second) at an achieved median error.

        NaN outside the curve.
        """
        speeds = [p.per_cpu_s if processor else p.per_s for p in self.points]
        return speed_at([p.error.median for p in self.points], speeds, wanted)

    def point(self, relative: float) -> Point:
        """Return the point of one tolerance, or the one nearest to it."""
        return min(self.points, key=lambda p: abs(np.log(p.relative / relative)))


def measure(
    engines: Mapping[str, Runner],
    reference: Reference,
    *,
    tolerances: Sequence[float] = TOLERANCES,
    rounds: int = 3,
) -> dict[str, Curve]:
    """Run every engine at every tolerance, engines in turns within each round; medians over the rounds.

    An engine may run more subjects than the reference has; the error is over those that it has.
    """
    seen: dict[tuple[str, float], list[Batch]] = {}
    errors: dict[tuple[str, float], Error] = {}
    for number in range(rounds):
        for relative in tolerances:
            tolerance = reference.tolerance(relative)
            for name, run in engines.items():
                batch = run(tolerance)
                if number == 0:
                    known = min(len(batch.values), len(reference.values))
                    errors[name, relative] = error(batch.values[:known], reference.values[:known])
                own = Batch(
                    batch.values[:0], batch.wall / len(batch.values), batch.processor / len(batch.values)
                )
                seen.setdefault((name, relative), []).append(own)
                progress(f"round {number + 1}/{rounds}  {name:<12} rtol {relative:g}  {1 / own.wall:.1f}/s")
    curves = {}
    for name in engines:
        points = tuple(
            Point(
                relative,
                1 / median(batch.wall for batch in seen[name, relative]),
                1 / median(batch.processor for batch in seen[name, relative]),
                errors[name, relative],
            )
            for relative in tolerances
        )
        curves[name] = Curve(name, points)
    return curves


def compare(ours: Curve, peer: Curve, threads: int) -> dict[str, object]:
    """Return the measures of ours against one peer.

    ``ratio_at_equal_error`` is taken at the error that the peer achieves at its relative tolerance of 1e-6,
    the default of many a script; where our curve does not reach it, it is null and the ratios at the common
    errors stand alone. On a machine that others use as well, the ratio in processor time is the steadier one.
    """
    usual = peer.point(PEER_TOLERANCE)
    near = min(ours.points, key=lambda p: abs(np.log(max(p.error.median, 1e-300) / usual.error.median)))
    wanted = usual.error.median
    on_processor = ours.at(wanted, processor=True) / peer.at(wanted, processor=True)
    ratios = {f"{e:g}": number(ours.at(e) / peer.at(e)) for e in COMMON_ERRORS}
    return {
        "peer": peer.engine,
        "threads": threads,
        "peer_per_s": usual.per_s,
        "peer_per_cpu_s": usual.per_cpu_s,
        "error_peer": usual.error.median,
        "error_peer_max": usual.error.maximum,
        "peer_failed": usual.error.failed,
        "peer_relative_tolerance": usual.relative,
        "peer_curve": _rows(peer),
        "ours_per_s": near.per_s,
        "ours_per_cpu_s": near.per_cpu_s,
        "error_ours": near.error.median,
        "error_ours_max": near.error.maximum,
        "ours_failed": near.error.failed,
        "ours_relative_tolerance": near.relative,
        "ratio_at_equal_error": number(ours.at(wanted) / peer.at(wanted)),
        "ratio_at_equal_error_processor_time": number(on_processor),
        "ratios_at_error": ratios,
        "ours_curve": _rows(ours),
    }


def _rows(curve: Curve) -> list[dict[str, float]]:
    return [
        {
            "relative": p.relative,
            "per_s": p.per_s,
            "per_cpu_s": p.per_cpu_s,
            "error": p.error.median,
            "error_max": p.error.maximum,
            "failed": p.error.failed,
        }
        for p in curve.points
    ]


def number(value: float) -> float | None:
    """Return a number that JSON knows: null in place of NaN."""
    return float(value) if np.isfinite(value) else None


def progress(text: str) -> None:
    """Write a line of progress to the standard error stream."""
    print(text, file=sys.stderr, flush=True)
