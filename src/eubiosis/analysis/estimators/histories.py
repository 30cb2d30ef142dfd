"""Rows of event histories, the risk sets they make, and who competes in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eubiosis.analysis.columns import Bools, Floats
from eubiosis.analysis.guard import STRICT


@dataclass(frozen=True)
class Histories:
    """Rows of event histories: matrix (rows, columns), start, stop, event and stratum number (rows,)."""

    matrix: Floats
    start: Floats
    stop: Floats
    event: Bools
    stratum: NDArray[np.intp]

    def parts(self) -> list[Stratum]:
        """Split by stratum; a stratum without events says nothing and is left out."""
        return [
            Stratum(self.matrix[rows], self.start[rows], self.stop[rows], self.event[rows], rows)
            for rows in (np.flatnonzero(self.stratum == s) for s in np.unique(self.stratum))
            if self.event[rows].any()
        ]


class Stratum:
    """Rows of one stratum, sorted by the end of their interval, with the risk set of each event time."""

    def __init__(
        self, matrix: Floats, start: Floats, stop: Floats, event: Bools, rows: NDArray[np.intp]
    ) -> None:
        order = np.argsort(stop, kind="stable")
        self.matrix, self.start, self.stop = matrix[order], start[order], stop[order]
        self.event, self.rows = event[order], rows[order]
        self.times, inverse_, self.deaths = np.unique(
            self.stop[self.event], return_inverse=True, return_counts=True
        )
        self.first = np.searchsorted(self.stop, self.times, side="left")  # risk set: rows from here on ...
        self.by_start = np.argsort(self.start, kind="stable")
        self.late = len(stop) - np.searchsorted(self.start[self.by_start], self.times, side="left")
        self.delayed = bool(np.any(self.start >= self.times[0]))
        self.time_of_event = inverse_.astype(np.intp)
        # one entry per event: which event time, and its rank among the ties as a fraction
        self.entry = np.repeat(np.arange(len(self.times)), self.deaths)
        starts = np.concatenate(([0], np.cumsum(self.deaths)[:-1]))
        ranks = np.arange(len(self.entry)) - np.repeat(starts, self.deaths)
        self.fraction = ranks / np.repeat(self.deaths, self.deaths)

    def at_risk(self, values: Floats) -> Floats:
        """Sum ``values`` (rows, ...) over the risk set of each event time."""
        tail = np.concatenate((np.cumsum(values[::-1], axis=0)[::-1], np.zeros((1, *values.shape[1:]))))
        sums: Floats = tail[self.first]
        if self.delayed:  # ... without those who enter at that time or later
            ordered = values[self.by_start]
            late = np.concatenate((np.cumsum(ordered[::-1], axis=0)[::-1], np.zeros((1, *values.shape[1:]))))
            sums = sums - late[len(values) - self.late]
        return sums

    def tied(self, values: Floats) -> Floats:
        """Sum ``values`` over the rows that have their event at each event time."""
        sums = np.zeros((len(self.times), *values.shape[1:]))
        np.add.at(sums, self.time_of_event, values[self.event])
        return sums


def comparisons(data: Histories) -> Floats:
    """Return the distinct differences between who had an event and who was at risk, (terms, columns)."""
    found = [np.zeros((1, data.matrix.shape[1]))]
    for part in data.parts():
        for time in part.times:
            at_risk = np.unique(part.matrix[(part.stop >= time) & (part.start < time)], axis=0)
            had = np.unique(part.matrix[part.event & (part.stop == time)], axis=0)
            found.append((had[:, None] - at_risk[None]).reshape(-1, data.matrix.shape[1]))
    return np.unique(np.concatenate(found), axis=0)


def competing(data: Histories, direction: Floats) -> tuple[Histories, NDArray[np.intp]]:
    """Leave out of each risk set whom its events outdo along a direction; return the rows' numbers too.

    A row that competes in some risk sets only is split into the stretches of time in which it does.
    """
    level = data.matrix @ direction
    slack = STRICT * float(np.max(np.abs(data.matrix) @ np.abs(direction)))
    rows: list[int] = []
    stretches: list[tuple[float, float, bool]] = []
    for stratum in np.unique(data.stratum):
        members = np.flatnonzero(data.stratum == stratum)
        with_event = members[data.event[members]]
        times = np.unique(data.stop[with_event])
        top = np.full(len(times), -np.inf)
        np.maximum.at(top, np.searchsorted(times, data.stop[with_event]), level[with_event])
        for row in members.tolist():
            start, stop = float(data.start[row]), float(data.stop[row])
            first, last = np.searchsorted(times, [start, stop], side="right")
            competes = np.concatenate(([False], level[row] >= top[first:last] - slack, [False]))
            edges = np.flatnonzero(np.diff(competes.astype(int)))
            for begin, end in edges.reshape(-1, 2).tolist():
                opens = start if begin == 0 else float(times[first + begin - 1])
                closes = float(times[first + end - 1])
                rows.append(row)
                stretches.append((opens, closes, bool(data.event[row]) and closes == stop))
    number = np.array(rows, dtype=np.intp)
    starts, stops, event = (np.array(column) for column in zip(*stretches, strict=True))
    return Histories(data.matrix[number], starts, stops, event.astype(bool), data.stratum[number]), number
