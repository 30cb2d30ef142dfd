"""Times to events of many trials as counts on a fixed grid, which add up over blocks of people.

A time is rounded up to a whole week; progression is dated by the planned visit. What happens in a week
happens before anybody leaves in it, as Kaplan and Meier (1958) have ties. From the counts come the
Kaplan-Meier estimate and the mean cumulative number of events (Nelson 1988), and both are the same whether
the people of a trial were counted at once or block after block.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eubiosis.analysis.progression import AFTER_RELAPSE, confirmed_visit
from eubiosis.analysis.strategies import days_of_visits, places
from eubiosis.core.calendar import DAYS_PER_YEAR
from eubiosis.core.trial_stacks import TrialStack

Floats = NDArray[np.float64]
Counts = NDArray[np.integer]  # of people or events; no more bits than they need
Whole = NDArray[np.int64]
_ROUNDING = 1e-6  # weeks


@dataclass(frozen=True)
class ClockCounts:
    """Counts of R trials by arm: ``people`` (R, arms), and by week (R, arms, weeks) or visit (.., visits).

    ``first`` people with their first relapse in a week, ``ended`` people whose follow-up ended without one;
    ``relapses`` all relapses, ``left`` people whose follow-up ended. ``progressed`` people whose confirmed
    progression is first seen at a visit, ``seen_last`` people without one whose last rating is of that visit.
    """

    people: Counts
    first: Counts
    ended: Counts
    relapses: Counts
    left: Counts
    progressed: Counts
    seen_last: Counts

    @classmethod
    def of(cls, stack: TrialStack) -> ClockCounts | None:
        """Count the trials of a stack, as they were recorded; None where no days of relapses were.

        Raises ``ValueError`` where the stack lacks EDSS.
        """
        if not stack.relapses:
            return None
        shape = (len(stack), len(stack.arms))
        weeks = max(1, int(np.ceil(stack.weeks[-1] - _ROUNDING)))
        followed = stack.column("follow_up_years") * DAYS_PER_YEAR
        end = np.clip(np.ceil(followed / 7.0 - _ROUNDING).astype(np.int64), 1, weeks)
        trial, person = places(stack, stack.relapses)
        day = np.asarray(stack.relapses["day"], dtype=np.float64)
        week = np.minimum(np.ceil(day / 7.0).astype(np.int64), end[trial, person])
        first = np.full(stack.arm.shape, weeks + 1)
        np.minimum.at(first, (trial, person), week)
        had = first <= weeks

        def by(time: Whole, who: NDArray[np.bool_] | None = None, size: int = weeks) -> Counts:
            rows, columns = np.nonzero(np.ones(stack.arm.shape, dtype=bool) if who is None else who)
            return _counts((rows, stack.arm[rows, columns], time[rows, columns]), (*shape, size))

        visit, last = _progression(stack, trial, person, day)
        visits = len(stack.weeks)
        return cls(
            _counts((np.repeat(np.arange(shape[0]), stack.arm.shape[1]), stack.arm.ravel()), shape),
            by(first - 1, had),
            by(end - 1, ~had),
            _counts((trial, stack.arm[trial, person], week - 1), (*shape, weeks)),
            by(end - 1),
            by(visit, visit > 0, visits),
            by(last, visit == 0, visits),
        )

    def plus(self, more: ClockCounts) -> ClockCounts:
        """Return the counts of both groups of people together, of the same trials."""
        return ClockCounts(
            *(
                np.asarray(value, dtype=np.int64) + np.asarray(getattr(more, name), dtype=np.int64)
                for name, value in vars(self).items()
            )
        )

    @classmethod
    def concat(cls, parts: Sequence[ClockCounts]) -> ClockCounts:
        """Put the trials of several counts one after the other."""
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in vars(parts[0])))

    def relapse_free(self) -> tuple[Floats, Whole]:
        """Return the share without a relapse after each week, and the people at risk in it."""
        return survival_of_counts(self.first, self.ended, self.people)

    def progression_free(self) -> tuple[Floats, Whole]:
        """Return the share without confirmed progression after each visit, and the people at risk at it."""
        return survival_of_counts(self.progressed, self.seen_last, self.people)

    def mean_relapses(self) -> tuple[Floats, Whole]:
        """Return the mean number of relapses a person up to each week, and the people followed in it."""
        return mean_cumulative_count(self.relapses, self.left, self.people)


def survival_of_counts(events: Counts, censored: Counts, people: Counts) -> tuple[Floats, Whole]:
    """Return Kaplan-Meier's estimate after each time and the number at risk at it, both (..., times).

    ``events`` and ``censored`` (..., times) count people, all of ``people`` (...); who is censored at a time
    is at risk at it. Where nobody is at risk any more and some were free of the event, the estimate is NaN.

    >>> survival_of_counts(np.array([1, 0, 1]), np.array([0, 1, 1]), np.array(4))[0].tolist()
    [0.75, 0.75, 0.375]
    """
    risk = _at_risk(np.asarray(events, dtype=np.int64) + censored, people)
    there = risk > 0
    kept = 1.0 - np.divide(events, risk, out=np.zeros(risk.shape), where=there)
    survival = np.cumprod(kept, axis=-1)
    return np.where(there | (survival == 0), survival, np.nan), risk


def mean_cumulative_count(events: Counts, left: Counts, people: Counts) -> tuple[Floats, Whole]:
    """Return the mean cumulative number of events a person, and the number followed, both (..., times).

    The sum over times of events over people followed: Nelson's estimate without a terminal event. NaN from
    the time on at which nobody is followed any more.

    >>> mean_cumulative_count(np.array([2, 1]), np.array([2, 2]), np.array(4))[0].tolist()
    [0.5, 1.0]
    """
    risk = _at_risk(np.asarray(left, dtype=np.int64), people)
    there = risk > 0
    rates = np.divide(events, risk, out=np.zeros(risk.shape), where=there)
    return np.where(there, np.cumsum(rates, axis=-1), np.nan), risk


def _at_risk(gone: Whole, people: Counts) -> Whole:
    before = np.cumsum(gone, axis=-1) - gone
    return np.asarray(np.asarray(people, dtype=np.int64)[..., None] - before)


def _progression(stack: TrialStack, trial: Whole, person: Whole, day: Floats) -> tuple[Whole, Whole]:
    """Return the visit of a confirmed progression (0: none) and the last rated visit, (trials, people)."""
    if "edss" not in stack.of_visits:
        message = "progression needs EDSS at the visits"
        raise ValueError(message)
    scores = np.asarray(stack.of_visits["edss"], dtype=np.float64)
    scores = np.where(stack.attended, scores, np.nan)
    near = np.zeros(scores.shape, dtype=bool)
    since = days_of_visits(stack)[:, trial, person] - day
    for own, gap in zip(near, since, strict=True):
        hit = (gap >= 0) & (gap <= AFTER_RELAPSE)
        own[trial[hit], person[hit]] = True
    rated = np.isfinite(scores)
    # whoever has no rating at entry is censored there
    last = np.where(rated[0], len(rated) - 1 - np.argmax(rated[::-1], axis=0), 0)
    return confirmed_visit(scores, stack.weeks, near), last


def _counts(places_of: tuple[Whole, ...], shape: tuple[int, ...]) -> Counts:
    """Count rows by their places, in as few bits as the counts of a block need."""
    flat = np.ravel_multi_index(places_of, shape)
    found = np.bincount(flat, minlength=int(np.prod(shape))).reshape(shape)
    small = found.max(initial=0) <= np.iinfo(np.uint16).max
    return found.astype(np.uint16 if small else np.int64)
