"""Times to relapse and progression: what a chunk keeps of them, and the rows that a report shows.

Of every trial that is read a chunk keeps its curves at a few weeks, in half precision; of all of them
together the numbers at risk. A block keeps counts, which add up to those of the trial.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eubiosis.analysis.clock_counts import ClockCounts
from eubiosis.analysis.progression import CONFIRMED_AFTER, can_confirm
from eubiosis.core.over_time import ClockCurve, ClockOutcome
from eubiosis.core.trial_stacks import TrialStack
from eubiosis.trial.design import Design
from eubiosis.trial.simulation import Simulation

Values = NDArray[np.float64]
Halves = NDArray[np.float16]
Whole = NDArray[np.int64]
Sums = NDArray[np.int32]  # of people over the trials of a gut world: 48 trials of 10^6 at most
_MOST_POINTS = 12  # at which a curve is read, besides entry
_OF_A_PAIR, _OF_A_GUT_WORLD = 8, 48  # trials that are read
_BAND = (5.0, 50.0, 95.0)
_LABELS: dict[ClockOutcome, tuple[str, str]] = {
    "first_relapse": ("Free of relapse", "share of people"),
    "progression": ("Free of confirmed progression", "share of people"),
    "relapses": ("Cumulative relapses", "relapses a person"),
}
_NOTES: dict[ClockOutcome, str] = {
    "first_relapse": "time to the first relapse, censored at the end of follow-up; times in whole weeks",
    "progression": (
        "EDSS up by 1.5 from 0, by 1 from 1 to 5, by 0.5 from 5.5, at every visit until one 12 weeks later "
        "or more; no visit within 30 days of the onset of a relapse starts or confirms it; dated by the "
        "planned visit of the first rise, so that none is dated by the last visits, which nothing confirms; "
        "censored at the last rating"
    ),
    "relapses": "all relapses recorded while followed; times in whole weeks",
}


@dataclass(frozen=True)
class ClockCurves:
    """What a gut world keeps: R trials of all its pairs of worlds, in their order.

    ``relapse_free``, ``progression_free`` and ``relapses`` are (R, arms, points) at the points of ``points``.
    Sums over the trials: numbers at risk (arms, points + 1) with those at entry first; ``people`` (arms,);
    ``events`` (outcomes, arms).
    """

    relapse_free: Halves
    progression_free: Halves
    relapses: Halves
    free_at_risk: Sums
    rated_at_risk: Sums
    followed: Sums
    people: Sums
    events: Sums


def trials_read(simulation: Simulation) -> int:
    """Return how many trials of each pair of worlds the clocks are read in: 8, or 48 of a gut world."""
    return min(simulation.replicates, max(1, min(_OF_A_PAIR, _OF_A_GUT_WORLD // simulation.host_worlds)))


def read_weeks(design: Design) -> tuple[int, ...]:
    """Return the weeks after entry at which a clock is read: at most twelve, evenly, the last among them."""
    last = max(1, int(np.ceil(design.visits[-1] - 1e-6)))
    step = -(-last // _MOST_POINTS)
    return tuple(sorted({*range(step, last + 1, step), last}))


def read_visits(design: Design) -> tuple[int, ...]:
    """Return the positions of the visits at which progression is read: none where it cannot be confirmed."""
    if not can_confirm(np.array(design.visits)):
        return ()
    after = len(design.visits) - 1
    return tuple(sorted({round(k) for k in np.linspace(1, after, min(after, _MOST_POINTS)).tolist()}))


class ClockSums:
    """Counts of the trials that are read, by host world; trials come in stacks.

    ``per_pair`` says how many trials of a pair of worlds are read (``trials_read``).
    """

    def __init__(self, per_pair: int) -> None:
        self.per_pair = per_pair
        self._parts: dict[int, list[ClockCounts]] = {}

    def add(self, stack: TrialStack) -> None:
        """Count the trials of a stack that are read."""
        few = int(np.count_nonzero(stack.replicates < self.per_pair))
        counts = ClockCounts.of(stack.take(few)) if few else None
        if counts is not None:
            self._parts.setdefault(stack.host_world, []).append(counts)

    def pairs(self) -> tuple[ClockCounts, ...]:
        """Return the counts of each host world that had trials, in the order of the stacks."""
        return tuple(ClockCounts.concat(parts) for parts in self._parts.values())


def curves_of(counts: Sequence[ClockCounts], design: Design) -> ClockCurves | None:
    """Return what a chunk keeps of the counts of its host worlds; None where nothing was counted."""
    if not counts:
        return None
    all_of = ClockCounts.concat(counts)
    weeks = np.array(read_weeks(design)) - 1
    visits = np.array(read_visits(design), dtype=np.int64)
    free, free_risk = all_of.relapse_free()
    mean, followed = all_of.mean_relapses()
    rated, rated_risk = all_of.progression_free()
    people = all_of.people.sum(axis=0, dtype=np.int64)
    events = (all_of.first, all_of.progressed, all_of.relapses)

    def at_risk(risk: Whole, points: Whole) -> Sums:
        return np.concatenate((people[:, None], risk[..., points].sum(axis=0)), axis=1).astype(np.int32)

    return ClockCurves(
        free[..., weeks].astype(np.float16),
        rated[..., visits].astype(np.float16),
        mean[..., weeks].astype(np.float16),
        at_risk(free_risk, weeks),
        at_risk(rated_risk, visits),
        at_risk(followed, weeks),
        people.astype(np.int32),
        np.stack([each.sum(axis=(0, 2), dtype=np.int32) for each in events]),
    )


def clock_rows(
    design: Design, simulation: Simulation, curves: Sequence[ClockCurves | None]
) -> tuple[ClockCurve, ...]:
    """Return the rows of a report, outcome by outcome; none where no times were recorded."""
    kept = [each for each in curves if each is not None]
    if not kept:
        return ()
    weeks = tuple(float(week) for week in read_weeks(design))
    visits = tuple(float(design.visits[v]) for v in read_visits(design))
    free = np.concatenate([each.relapse_free for each in kept])
    rated = np.concatenate([each.progression_free for each in kept])
    relapses = np.concatenate([each.relapses for each in kept])
    trials = len(free)
    people = _summed(each.people for each in kept) / trials
    events = _summed(each.events for each in kept) / trials
    parts: tuple[tuple[ClockOutcome, tuple[float, ...], Halves, Whole, float], ...] = (
        ("first_relapse", weeks, free, _summed(each.free_at_risk for each in kept), 1.0),
        ("progression", visits, rated, _summed(each.rated_at_risk for each in kept), 1.0),
        ("relapses", weeks, relapses, _summed(each.followed for each in kept), 0.0),
    )
    rows = []
    for o, (outcome, times, values, risk, start) in enumerate(parts):
        label, unit = _LABELS[outcome]
        for k, arm in enumerate(design.arms):
            low, median, high = _over_trials(np.asarray(values[:, k], dtype=np.float64), start)
            read = np.count_nonzero(np.isfinite(values[:, k]), axis=0)
            rows.append(
                ClockCurve(
                    outcome=outcome,
                    label=label,
                    unit=unit,
                    arm=arm.name,
                    weeks=(0.0, *times) if times else (),
                    median=median if times else (),
                    low=low if times else (),
                    high=high if times else (),
                    at_risk=tuple((risk[k] / trials).tolist()) if times else (),
                    read=(trials, *read.tolist()) if times else (),
                    trials=trials,
                    per_pair=trials_read(simulation),
                    replicates=simulation.replicates,
                    people=float(people[k]),
                    events=float(events[o, k]),
                    note=_NOTES[outcome] if times else _why_none(design),
                )
            )
    return tuple(rows)


def _summed(parts: Iterable[Sums]) -> Whole:
    return np.asarray(np.sum([np.asarray(part, dtype=np.int64) for part in parts], axis=0))


def _over_trials(values: Values, start: float) -> Iterator[tuple[float, ...]]:
    """Yield the 5, 50 and 95 % points over trials (trials, points), each with the value at entry first."""
    for level in _BAND:
        points = [
            float(np.percentile(own[np.isfinite(own)], level)) if np.isfinite(own).any() else float("nan")
            for own in values.T
        ]
        yield (start, *points)


def _why_none(design: Design) -> str:
    apart = f"{CONFIRMED_AFTER:g} weeks"
    weeks = ", ".join(f"{week:g}" for week in design.visits)
    return (
        f"no progression can be confirmed: no two visits after entry are planned {apart} apart or more "
        f"(weeks {weeks})"
    )
