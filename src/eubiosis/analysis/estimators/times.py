"""Times that differ by rounding only are one time: .1 + .2 and .3 are a tie."""

from __future__ import annotations

import numpy as np

from eubiosis.analysis.columns import Floats

SAME = float(np.sqrt(np.finfo(float).eps))  # 1.5e-8, the tolerance of R's survival package


def same_times(*columns: Floats) -> tuple[tuple[Floats, ...], int]:
    """Return the columns with times that differ by rounding made equal, and how many distinct times went.

    Neighbours in the sorted list of all times are one time where they lie within 1.5e-8 of each other, or
    within that share of the mean absolute time (R's survival does the same before it looks for ties); each
    run of them becomes its smallest. Infinite or missing times are left alone.

    >>> same_times(np.array([0.1 + 0.2, 0.3]))
    ((array([0.3, 0.3]),), 1)
    """
    every = np.concatenate(columns) if columns else np.zeros(0)
    times = np.unique(every[np.isfinite(every)])
    if len(times) < 2:
        return columns, 0
    gaps = np.diff(times)
    near = (gaps <= SAME) | (gaps <= SAME * float(np.mean(np.abs(times))))
    if not near.any():
        return columns, 0
    first = times[np.concatenate(([True], ~near))]
    moved = []
    for column in columns:
        place = np.searchsorted(first, column, side="right") - 1
        moved.append(np.where(np.isfinite(column), first[np.maximum(place, 0)], column))
    return tuple(moved), len(times) - len(first)
