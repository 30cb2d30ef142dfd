"""What every pair of worlds shows at every visit: contrasts of markers, over its trials."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.endpoints import ENDPOINTS
from eubiosis.core.trial_stacks import TrialStack

Array = NDArray[np.float64]
Place = tuple[str, float]  # endpoint, week
Sums = dict[tuple[int, int], dict[Place, dict[str, Array]]]  # by pair of worlds, place and arm
# markers that a form of the model can move; all forms share the gut, so that its markers cannot
FORM_MARKERS = tuple(
    name
    for name, row in ENDPOINTS.items()
    if not row.counted and row.place not in ("stool", "plasma", "guild")
)
FORM_COUNTS = tuple(name for name, row in ENDPOINTS.items() if row.counted)


@dataclass(frozen=True)
class VisitEffect:
    """An active arm against the control at one visit, in one pair of worlds, over all its trials.

    Visits between the first and the last are those of the first ``WHOLE_TRIALS`` trials (``trial_stacks``).
    ``value`` is the difference of the mean changes from baseline (of logarithms for ratios), ``error`` its
    standard error, ``spread`` the standard deviation of a change between people. Of what is counted it is the
    log ratio of the rates over the whole follow-up, ``spread`` the error that one person would give it.
    """

    gut_world: int
    host_world: int
    endpoint: str
    arm: str
    week: float
    value: float
    error: float
    spread: float


@dataclass(frozen=True)
class PairSums:
    """Sums over the people of all trials of one pair of worlds, which add up over blocks of people.

    ``changes`` (measured, arms, 3): people, changes from baseline and their squares at each endpoint and week
    of ``measured``; ``counts`` (counted, arms, 6): people, events, years, and the products of events with
    themselves, of events with years and of years with themselves.
    """

    gut_world: int
    host_world: int
    arms: tuple[str, ...]
    measured: tuple[Place, ...]
    changes: Array
    counted: tuple[Place, ...]
    counts: Array

    def plus(self, more: PairSums) -> PairSums:
        """Return the sums over the people of both, of the same trials."""
        return replace(self, changes=self.changes + more.changes, counts=self.counts + more.counts)


class VisitSums:
    """Sums of changes from baseline by pair of worlds, endpoint, visit and arm; trials come in stacks."""

    def __init__(self, control: str) -> None:
        self.control = control
        self._arms: dict[tuple[int, int], tuple[str, ...]] = {}
        self._changes: Sums = {}
        self._counts: Sums = {}

    def add(self, stack: TrialStack) -> None:
        """Take in all trials of a stack."""
        pair = (stack.gut_world, stack.host_world)
        self._arms.setdefault(pair, tuple(stack.arms))
        places = self._changes.setdefault(pair, {})
        for endpoint in FORM_MARKERS:
            if endpoint not in stack.of_visits:
                continue
            values = np.asarray(stack.of_visits[endpoint], dtype=float)
            if ENDPOINTS[endpoint].scale == "ratio":
                with np.errstate(divide="ignore", invalid="ignore"):
                    values = np.log(np.where(values > 0, values, np.nan))
            change = values - values[:1]
            seen = stack.attended & stack.attended[:1] & np.isfinite(change)
            for k, arm in enumerate(stack.arms):
                for v, week in enumerate(stack.weeks[1:], start=1):
                    rows = seen[v] & (stack.arm == k)
                    own = change[v][rows]
                    sums = np.array([rows.sum(), own.sum(), np.square(own).sum()], dtype=float)
                    kept = places.setdefault((endpoint, float(week)), {})
                    kept[arm] = kept.get(arm, np.zeros(3)) + sums
        self._add_counts(stack)

    def _add_counts(self, stack: TrialStack) -> None:
        """Sum events, time, their squares and product, over the people who were followed for some time."""
        places = self._counts.setdefault((stack.gut_world, stack.host_world), {})
        for endpoint in FORM_COUNTS:
            row = ENDPOINTS[endpoint]
            if row.events not in stack.of_subjects:
                continue
            events, time = stack.column(row.events), stack.column(row.exposure)
            kept = places.setdefault((endpoint, float(stack.weeks[-1])), {})
            for k, arm in enumerate(stack.arms):
                rows = (stack.arm == k) & (time > 0)
                e, t = events[rows], time[rows]
                sums = np.array([rows.sum(), e.sum(), t.sum(), e @ e, e @ t, t @ t], dtype=float)
                kept[arm] = kept.get(arm, np.zeros(6)) + sums

    def pairs(self) -> tuple[PairSums, ...]:
        """Return the sums of each pair of worlds, in the order of the stacks."""
        return tuple(
            PairSums(
                *pair,
                arms,
                tuple(self._changes[pair]),
                _stacked(self._changes[pair], arms, 3),
                tuple(self._counts[pair]),
                _stacked(self._counts[pair], arms, 6),
            )
            for pair, arms in self._arms.items()
        )

    def rows(self) -> tuple[VisitEffect, ...]:
        """Return a row for each active arm, visit and endpoint of each pair; none where nobody was seen."""
        return effects_of_pairs(self.pairs(), self.control)


def effects_of_pairs(pairs: Iterable[PairSums], control: str) -> tuple[VisitEffect, ...]:
    """Return a row for each active arm, visit and endpoint of each pair; those of counts come first."""
    pairs = tuple(pairs)
    counts = (_contrasts(each, each.counted, each.counts, _log_rate, control) for each in pairs)
    changes = (_contrasts(each, each.measured, each.changes, _mean, control) for each in pairs)
    return tuple(row for part in (*counts, *changes) for row in part)


def _stacked(places: Mapping[Place, Mapping[str, Array]], arms: tuple[str, ...], size: int) -> Array:
    rows = [[by_arm[arm] for arm in arms] for by_arm in places.values()]
    return np.array(rows, dtype=np.float64).reshape(len(places), len(arms), size)


def _contrasts(
    pair: PairSums,
    places: tuple[Place, ...],
    sums: Array,
    reduced: Callable[[Array], tuple[float, float, float] | None],
    control: str,
) -> Iterator[VisitEffect]:
    for (endpoint, week), of_place in zip(places, sums, strict=True):
        by_arm = {arm: reduced(own) for arm, own in zip(pair.arms, of_place, strict=True)}
        base = by_arm.get(control)
        for arm, own in by_arm.items():
            if arm == control or own is None or base is None:
                continue
            error = float(np.sqrt(own[1] / own[2] + base[1] / base[2]))
            spread = float(np.sqrt((own[1] + base[1]) / 2))
            yield VisitEffect(
                pair.gut_world, pair.host_world, endpoint, arm, week, own[0] - base[0], error, spread
            )


def _log_rate(sums: Array) -> tuple[float, float, float] | None:
    """Return the log rate, its variance for one person (delta method), and people; None without events."""
    number, events, time, events_squared, product, time_squared = (float(one) for one in sums)
    if events <= 0 or number < 2:
        return None
    rate = events / time
    squares = events_squared - 2 * rate * product + rate**2 * time_squared
    return float(np.log(rate)), number * max(squares, 0.0) / events**2, number


def _mean(sums: Array) -> tuple[float, float, float] | None:
    """Return mean, variance and number of changes; None for fewer than two."""
    number, total, squares = (float(one) for one in sums)
    if number < 2:
        return None
    mean = total / number
    return mean, max(squares - number * mean**2, 0.0) / (number - 1), number
