"""Events in continuous time by a change of clock, so that arms share a subject's luck.

A subject's unit exponentials are the same in every arm; an event falls where the arm's own cumulated rate
passes their partial sums. Equal rates give equal events, and a lower rate can only delay them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.streams import SubjectDraws
from eubiosis.engine import Array


def event_days(rate: Array, seed: int, decision: str, subject: int) -> Array:
    """Return the times (days, from 0) of the events of one subject; ``rate`` is per day, shape (days,)."""
    clock = cumulated(np.asarray(rate, dtype=float)[:, None])
    _, days = passages(clock, clock_marks(clock[-1], seed, decision, (subject,)))
    return days


def cumulated(rates: Array) -> Array:
    """Return the expected events up to the end of each day, from 0 on, shape (days + 1, subjects)."""
    clock = np.zeros((len(rates) + 1, *rates.shape[1:]))
    np.cumsum(rates, axis=0, out=clock[1:])
    return clock


def clock_marks(until: Array, seed: int, decision: str, subjects: Sequence[int]) -> Array:
    """Return partial sums of each subject's unit exponentials, shape (subjects, marks), to past ``until``.

    ``until`` (subjects,) is the cumulated rate to be covered; one that is not finite asks for nothing.
    """
    marks = np.cumsum(SubjectDraws(seed, tuple(subjects)).exponentials(decision, _CHUNK), axis=1)
    while len(short := np.flatnonzero((marks[:, -1] < until) & np.isfinite(until))):
        drawn = marks.shape[1]
        draws = SubjectDraws(seed, tuple(subjects[i] for i in short.tolist()))
        more = draws.exponentials(decision, 2 * drawn)[:, drawn:]
        marks = np.concatenate((marks, np.full((len(marks), drawn), np.inf)), axis=1)
        for first in range(0, drawn, _CHUNK):  # summed by the chunk, however many are drawn at a time
            chunk = np.cumsum(more[:, first : first + _CHUNK], axis=1)
            begin = drawn + first
            marks[short, begin : begin + _CHUNK] = marks[short, begin - 1, None] + chunk
    return marks


def passages(clock: Array, marks: Array) -> tuple[NDArray[np.intp], Array]:
    """Return when each subject's clock passes its marks: subjects (positions) and days, shape (events,).

    ``clock`` (days + 1, subjects) never falls, ``marks`` (subjects, marks) rise; within a day the clock runs
    evenly. Events are in the order of the subjects and, within one, of time.
    """
    who, column = np.nonzero(marks < clock[-1][:, None])
    mark = marks[who, column]
    low, high = np.zeros(len(who), dtype=np.intp), np.full(len(who), len(clock) - 1)
    while np.any(high - low > 1):  # clock at low <= mark < clock at high
        middle = (low + high) // 2
        reached = clock[middle, who] <= mark
        low, high = np.where(reached, middle, low), np.where(reached, high, middle)
    begin = clock[low, who]
    return who, 1.0 / (clock[high, who] - begin) * (mark - begin) + low


def by_subject(who: NDArray[np.intp], days: Array, subjects: int) -> Array:
    """Lay events out in one row a subject, padded with infinity; shape (subjects, most events of one)."""
    counts = np.bincount(who, minlength=subjects)
    first = np.cumsum(counts) - counts
    rows = np.full((subjects, max(int(counts.max(initial=0)), 1)), np.inf)
    rows[who, np.arange(len(who)) - first[who]] = days
    return rows


def without_refractory(days: Array, refractory: float) -> Array:
    """Drop events that fall within ``refractory`` days of the last one kept.

    ``days`` is one subject's, shape (events,), or one row a subject, padded with infinity.
    """
    if days.ndim == 1:
        rows = without_refractory(days[None], refractory)[0]
        return np.asarray(rows[np.isfinite(rows)])
    last = np.full(len(days), -np.inf)
    kept = np.full(days.shape, np.inf)
    for k in range(days.shape[1]):
        keep = days[:, k] >= last + refractory
        kept[keep, k] = last[keep] = days[keep, k]
    return np.sort(kept, axis=1)


_CHUNK = 32
