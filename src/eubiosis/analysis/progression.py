"""Confirmed progression of disability (EDSS), from what is rated at visits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
CONFIRMED_AFTER = 12.0  # weeks
_APART = CONFIRMED_AFTER - 1e-6  # visits on tenths of a week are no exact multiples
AFTER_RELAPSE = 30.0  # days from the onset of a relapse on which a rating neither starts nor confirms


def rise_needed(entry: Floats) -> Floats:
    """Return the rise of EDSS that counts from a score at entry: 1.5 from 0, 1 up to 5, 0.5 from 5.5."""
    return np.where(entry == 0, 1.5, np.where(entry < 5.5, 1.0, 0.5))


def can_confirm(weeks: Floats) -> bool:
    """Say whether any rise could be confirmed: two visits (visits,) after entry lie 12 weeks apart."""
    return len(weeks) > 2 and bool(weeks[-1] - weeks[1] >= _APART)


def confirmed_visit(scores: Floats, weeks: Floats, near: Bools) -> Ints:
    """Return the visit at which a rise of EDSS is first seen that is confirmed later; 0 where none is.

    ``scores`` and ``near`` are (visits, ...), the first visit that at entry; the answer is (...). A rise is
    confirmed by a visit planned 12 weeks later or more (``weeks`` (visits,)) that shows it too, and so does
    every attended one in between. Visits ``near`` a relapse neither start nor confirm. A score that is NaN
    was not rated.

    >>> near = np.zeros((3, 1), dtype=bool)
    >>> confirmed_visit(np.array([2.0, 3.0, 3.0])[:, None], np.array([0.0, 4.4, 16.4]), near).tolist()
    [1]
    >>> edss = np.array([2.0, 3.0, np.nan, 3.5])[:, None]
    >>> confirmed_visit(edss, np.array([0.0, 12.0, 24.0, 36.0]), np.zeros((4, 1), dtype=bool)).tolist()
    [1]
    """
    with np.errstate(invalid="ignore"):
        beyond = scores - scores[0] >= rise_needed(scores[0])
    stays = beyond | np.isnan(scores)
    found = np.zeros(scores.shape[1:], dtype=np.int64)
    for first in range(len(weeks) - 2, 0, -1):  # an earlier one overwrites
        if weeks[-1] - weeks[first] < _APART:
            continue
        held = beyond[first] & ~near[first]
        confirmed = np.zeros_like(held)
        for later in range(first + 1, len(weeks)):
            if not held.any():
                break
            held = held & stays[later]
            if weeks[later] - weeks[first] >= _APART:
                confirmed |= held & beyond[later] & ~near[later]
        found[confirmed] = first
    return found
