"""Events of many trials at once: the clocks of one world, read at the marks of every trial.

As in ``events``, an event falls where the cumulated rate of an arm passes a partial sum of unit exponentials
that is the person's own in every arm: equal rates give equal events, and a lower rate can only delay them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.trial_draws import TrialDraws
from eubiosis.engine import Array
from eubiosis.trial.world.events import cumulated

Ints = NDArray[np.int64]
_LEAST_WIDTH = 4


@dataclass(frozen=True)
class Clocks:
    """Cumulated expected events of n people, read backwards: when is a mark passed?

    ``courses`` (people, days + 1) never fall, and are kept in single precision: where a mark is passed, the
    expected events are it to 1e-7 of the whole course, and equal rates still give equal courses. The first
    ``before`` days of a course lie before day 0. ``rows`` (n,) says whose course each of the n people has,
    None for their own in order.
    """

    courses: NDArray[np.floating]
    before: int
    rows: Ints | None = None

    @classmethod
    def of(cls, rates: Array, already: Array | None = None) -> Clocks:
        """Make the clocks of daily ``rates``, shape (days, n).

        With ``already`` (n,), the expected number of events from before day 0 that still matter, a clock
        passes those on a day of its own before day 0: ``days`` then gives them a negative day.
        """
        clock, before = cumulated(rates), 0 if already is None else 1
        courses = np.zeros((clock.shape[1], len(clock) + before), dtype=np.float32)
        courses[:, before:] = clock.T if already is None else (already + clock).T
        return cls(courses, before)

    def take(self, people: Ints) -> Clocks:
        """Return the clocks of some people, in the order of ``people`` (positions); no course is copied."""
        return replace(self, rows=self._place(people))

    def _place(self, people: Ints) -> Ints:
        return people if self.rows is None else self.rows[people]

    def _of_people(self, by_course: NDArray[np.floating]) -> NDArray[np.floating]:
        return by_course if self.rows is None else by_course[self.rows]

    def values(self, who: Ints, days: Ints) -> Array:
        """Return the values of people ``who`` at the positions ``days`` of their courses, of one shape."""
        return np.asarray(self.courses[self._place(who), days], dtype=np.float64)

    @property
    def whole(self) -> Array:
        """Return everybody's course, shape (n, days + 1)."""
        return self._of_people(self.courses).astype(np.float64)

    @classmethod
    def concat(cls, parts: Sequence[Clocks]) -> Clocks:
        """Put the people of several clocks one after the other."""
        return cls(np.concatenate([part._of_people(part.courses) for part in parts]), parts[0].before)

    def short(self, days: int) -> Clocks:
        """Return the clocks of the first ``days`` days from entry."""
        courses = np.ascontiguousarray(self.courses[:, : self.before + days + 1])
        return replace(self, courses=courses)

    def scaled(self, ratio: float) -> Clocks:
        """Return the clocks with all rates from entry on multiplied by a ratio."""
        entry = self.courses[:, [self.before]].astype(np.float64)
        later = np.arange(self.courses.shape[1]) > self.before
        courses = np.where(later, entry + ratio * (self.courses - entry), self.courses)
        return replace(self, courses=courses.astype(np.float32))

    @property
    def until(self) -> Array:
        """Return the expected events over all days, shape (n,)."""
        return self._on(-1)

    @property
    def expected(self) -> Array:
        """Return the expected events from entry to the last day, shape (n,)."""
        return np.asarray(self.until - self.at_entry)

    @property
    def at_entry(self) -> Array:
        """Return the expected events from before day 0, shape (n,)."""
        return self._on(self.before)

    def _on(self, day: int) -> Array:
        return self._of_people(self.courses[:, day]).astype(np.float64)

    def days(self, who: Ints, marks: Array) -> Array:
        """Return the days on which people ``who`` (events,) pass ``marks`` that lie before their ends."""
        flat, first = self.courses.reshape(-1), self._place(who) * self.courses.shape[1]
        place, left = first.copy(), self.courses.shape[1] - 2
        while left > 0:  # the day on which a mark is passed begins at ``place``, or up to ``left`` days later
            step = (left + 1) // 2
            place += np.where(flat[place + step] <= marks, step, 0)
            left -= step
        begin = flat[place].astype(np.float64)
        width = flat[place + 1] - begin
        part = np.divide(marks - begin, width, out=np.zeros_like(marks), where=width > 0)
        return np.asarray(place - first - self.before + np.clip(part, 0.0, 1.0))


@dataclass(frozen=True)
class Marks:
    """Marks of events, all of shape (events,); those of one trial and person lie together, in time.

    ``trial`` and ``person`` are positions, ``fate`` is an exponential of mean 1 that is the event's own.
    """

    trial: Ints
    person: Ints
    mark: Array
    fate: Array

    def take(self, rows: NDArray[np.bool_]) -> Marks:
        """Return some of the marks."""
        return Marks(self.trial[rows], self.person[rows], self.mark[rows], self.fate[rows])


def widths(expected: Array) -> Ints:
    """Return how many marks are drawn at a time for people who expect so many events, shape (n,).

    A power of two, of the person's own expectation only, that is rarely too small.
    """
    enough = expected + 4 * np.sqrt(expected) + 3
    return np.asarray(2 ** np.ceil(np.log2(np.maximum(enough, _LEAST_WIDTH))), dtype=np.int64)


def marks_below(draws: TrialDraws, decision: str, expected: Array, until: Array) -> Marks:
    """Draw every person's marks in every trial, as far as ``until`` (n,), and a fate for each.

    ``expected`` (n,) decides who is drawn with whom (``widths``): people of one width fill a stream in the
    order of entry, chunk after chunk until the sums of all are past ``until``.
    """
    parts = []
    own = widths(expected)
    for width in np.unique(own).tolist():
        people = np.flatnonzero(own == width)
        marks, fates = _chunk(draws, f"{decision}/{width}/0", len(people), width)
        chunk = 1
        while np.any(marks[..., -1] < until[people, None]):
            more, others = _chunk(draws, f"{decision}/{width}/{chunk}", len(people), width)
            marks = np.concatenate((marks, marks[..., -1:] + more), axis=-1)
            fates = np.concatenate((fates, others), axis=-1)
            chunk += 1
        passed = marks < until[people, None, None]
        row, trial, _ = np.nonzero(passed)
        parts.append((trial, people[row], marks[passed], fates[passed]))
    return Marks(*(np.concatenate(values) for values in zip(*parts, strict=True)))


def _chunk(draws: TrialDraws, decision: str, people: int, width: int) -> tuple[Array, Array]:
    """Draw sums of exponentials and fates, both (people, trials, width): a person's events lie together."""
    values = np.ascontiguousarray(draws.exponentials(decision, people, 2 * width).transpose(1, 0, 2))
    return np.cumsum(values[..., :width], axis=-1), values[..., width:]


__all__ = ["Clocks", "Marks", "marks_below", "widths"]
