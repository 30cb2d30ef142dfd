"""What every pair of worlds shows at every visit: contrasts of markers, over its trials."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.endpoints import ENDPOINTS
from eubiosis.core.trial_stacks import TrialStack

Array = NDArray[np.float64]
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


class VisitSums:
    """Sums of changes from baseline by pair of worlds, endpoint, visit and arm; trials come in stacks."""

    def __init__(self, control: str) -> None:
        self.control = control
        self._sums: dict[tuple[int, int, str, float], dict[str, Array]] = {}
        self._counts: dict[tuple[int, int, str, float], dict[str, Array]] = {}

    def add(self, stack: TrialStack) -> None:
        """Take in all trials of a stack."""
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
                    place = (stack.gut_world, stack.host_world, endpoint, float(week))
                    kept = self._sums.setdefault(place, {})
                    kept[arm] = kept.get(arm, np.zeros(3)) + sums
        self._add_counts(stack)

    def _add_counts(self, stack: TrialStack) -> None:
        """Sum events, time, their squares and product, over the people who were followed for some time."""
        for endpoint in FORM_COUNTS:
            row = ENDPOINTS[endpoint]
            if row.events not in stack.of_subjects:
                continue
            events, time = stack.column(row.events), stack.column(row.exposure)
            place = (stack.gut_world, stack.host_world, endpoint, float(stack.weeks[-1]))
            kept = self._counts.setdefault(place, {})
            for k, arm in enumerate(stack.arms):
                rows = (stack.arm == k) & (time > 0)
                e, t = events[rows], time[rows]
                sums = np.array([rows.sum(), e.sum(), t.sum(), e @ e, e @ t, t @ t], dtype=float)
                kept[arm] = kept.get(arm, np.zeros(6)) + sums

    def rows(self) -> tuple[VisitEffect, ...]:
        """Return a row for each active arm, visit and endpoint of each pair; none where nobody was seen."""
        found = [*_of_counts(self._counts, self.control)]
        for (gut, host, endpoint, week), by_arm in self._sums.items():
            means = {arm: _mean(sums) for arm, sums in by_arm.items()}
            base = means.get(self.control)
            if base is None:
                continue
            for arm, own in means.items():
                if arm == self.control or own is None:
                    continue
                error = float(np.sqrt(own[1] / own[2] + base[1] / base[2]))
                spread = float(np.sqrt((own[1] + base[1]) / 2))
                found.append(VisitEffect(gut, host, endpoint, arm, week, own[0] - base[0], error, spread))
        return tuple(found)


def _of_counts(
    sums: Mapping[tuple[int, int, str, float], Mapping[str, Array]], control: str
) -> Iterator[VisitEffect]:
    for (gut, host, endpoint, week), by_arm in sums.items():
        rates = {arm: _log_rate(own) for arm, own in by_arm.items()}
        base = rates.get(control)
        for arm, own in rates.items():
            if arm == control or own is None or base is None:
                continue
            error = float(np.sqrt(own[1] / own[2] + base[1] / base[2]))
            spread = float(np.sqrt((own[1] + base[1]) / 2))
            yield VisitEffect(gut, host, endpoint, arm, week, own[0] - base[0], error, spread)


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
