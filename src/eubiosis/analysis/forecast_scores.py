"""Scores of forecasts against what was measured: absolute error, CRPS, rank correlation, resampled people."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eubiosis.core.streams import stream

Array = NDArray[np.float64]
_RESAMPLES = 2_000
_FAR = 38.0  # standard deviations beyond which nothing is left of a normal law


def crps_normal(measured: ArrayLike, mean: ArrayLike, sd: ArrayLike) -> Array:
    """Return the continuous ranked probability score of normal forecasts, in the shape of ``measured``.

    Closed form of Gneiting and Raftery 2007 (J Am Stat Assoc 102:359), cited as the origin of the score. It
    is in the unit of what is measured, smaller is better, and with ``sd`` 0 it is the absolute error. Raises
    ``ValueError`` for a negative ``sd``.

    >>> crps_normal([1.0], [0.0], [0.0]).tolist()
    [1.0]
    """
    from scipy.special import ndtr

    y, m, s = np.broadcast_arrays(*(np.asarray(a, dtype=float) for a in (measured, mean, sd)))
    if (s < 0).any():
        message = "a standard deviation below 0"
        raise ValueError(message)
    away = np.abs(y - m)
    near = away < _FAR * s
    z = np.divide(away, s, out=np.zeros(y.shape), where=near)
    density = np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    wide = s * (z * (2 * ndtr(z) - 1) + 2 * density - 1 / math.sqrt(math.pi))
    return np.asarray(np.where(near, wide, away - s / math.sqrt(math.pi)), dtype=float)


def rank_correlation(first: ArrayLike, second: ArrayLike) -> float:
    """Return Spearman's rank correlation over pairs that are both known; NaN below three or without spread.

    >>> rank_correlation([1, 2, 3, 4], [10, 20, 30, 25])
    0.8
    """
    from scipy.stats import rankdata

    a, b = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    known = np.isfinite(a) & np.isfinite(b)
    if known.sum() < 3:
        return math.nan
    ranks = [rankdata(values[known]) for values in (a, b)]
    centred = [r - r.mean() for r in ranks]
    size = math.sqrt(float(centred[0] @ centred[0]) * float(centred[1] @ centred[1]))
    return round(float(centred[0] @ centred[1]) / size, 12) if size > 0 else math.nan


def resampled_rows(rows: int, *, seed: int = 0, groups: ArrayLike | None = None) -> list[NDArray[np.int64]]:
    """Return positions of resampled people, 2,000 times; whole ``groups`` (rows,) where given."""
    draw = stream(seed, "forecast scores")
    if groups is None:
        return list(draw.integers(0, rows, (_RESAMPLES, rows)))
    names, own = np.unique(np.asarray(groups), return_inverse=True)
    members = [np.flatnonzero(own == k) for k in range(len(names))]
    picks = draw.integers(0, len(names), (_RESAMPLES, len(names)))
    return [np.concatenate([members[k] for k in pick]) for pick in picks]


def mean_interval(values: ArrayLike, *, seed: int = 0) -> tuple[float, float, float]:
    """Return the mean of people's values and the 2.5 and 97.5 % points over resampled people (bootstrap).

    >>> mean_interval([2.0, 2.0, 2.0])
    (2.0, 2.0, 2.0)
    """
    own = np.asarray(values, dtype=float)
    means = np.array([own[pick].mean() for pick in resampled_rows(len(own), seed=seed)])
    low, high = np.quantile(means, [0.025, 0.975])
    return float(own.mean()), float(low), float(high)
