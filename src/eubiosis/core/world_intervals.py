"""Intervals over worlds: their Monte Carlo error, and what a named discrepancy adds to them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.laws import Z975
from eubiosis.core.streams import stream

Quantiles = tuple[float, float, float]  # 2.5, 50 and 97.5 %
INTERVAL = (2.5, 50.0, 97.5)
ENOUGH_WORLDS = 200
_RESAMPLES = 400


def interval(values: NDArray[np.float64], weights: NDArray[np.float64] | None = None) -> Quantiles:
    """Return the 2.5, 50 and 97.5 % points; not a number where there are no values.

    With ``weights`` (one a value, of any sum) a point is the least value that carries at least its share of
    the weight.

    >>> interval(np.array([1.0, 2.0, 3.0]), np.array([0.0, 1.0, 3.0]))
    (2.0, 3.0, 3.0)
    """
    if not len(values):
        return (math.nan, math.nan, math.nan)
    low, middle, high = _points(values, weights)
    return float(low), float(middle), float(high)


def interval_error(
    values: NDArray[np.float64], blocks: Sequence[int], weights: NDArray[np.float64] | None = None
) -> Quantiles:
    """Return the Monte Carlo error of each point of an interval over worlds.

    ``blocks`` says which worlds hang together (mirror images, host worlds of one gut world): they are drawn
    anew together, with replacement (bootstrap; Efron 1979), and take their ``weights`` along. With few blocks
    the ends are nearly the extremes and the error is itself too small. Not a number for fewer than two
    blocks.

    >>> interval_error(np.array([1.0, 1.0, 1.0]), [0, 1, 2])
    (0.0, 0.0, 0.0)
    """
    names, members = np.unique(np.asarray(blocks), return_inverse=True)
    if len(names) < 2:
        return (math.nan, math.nan, math.nan)
    generator = stream(0, "interval error")
    drawn = generator.integers(len(names), size=(_RESAMPLES, len(names)))
    if weights is not None:
        return _weighted_error(values, members, weights, drawn)
    own = [values[members == k] for k in range(len(names))]
    if len({len(each) for each in own}) == 1:  # all resamples at once: the same points, much sooner
        found = np.ascontiguousarray(
            np.percentile(np.array(own)[drawn].reshape(_RESAMPLES, -1), INTERVAL, axis=1).T
        )
    else:
        found = np.array([np.percentile(np.concatenate([own[k] for k in some]), INTERVAL) for some in drawn])
    low, middle, high = np.std(found, axis=0, ddof=1)
    return float(low), float(middle), float(high)


def _weighted_error(
    values: NDArray[np.float64],
    members: NDArray[np.intp],
    weights: NDArray[np.float64],
    drawn: NDArray[np.int64],
) -> Quantiles:
    """Return the errors of weighted points; a block of ``drawn`` (resamples, blocks) twice weighs twice."""
    order = np.argsort(values, kind="stable")
    times = np.array([np.bincount(some, minlength=drawn.shape[1]) for some in drawn])
    ladders = np.cumsum(times[:, members[order]] * weights[order], axis=1)
    ladders = ladders[ladders[:, -1] > 0]
    at = [np.argmax(ladders >= percent / 100 * ladders[:, -1:], axis=1) for percent in INTERVAL]
    low, middle, high = (float(np.std(values[order][rows], ddof=1)) for rows in at)
    return low, middle, high


def effective_worlds(weights: NDArray[np.float64]) -> float:
    """Return how many equally weighted worlds tell as much (Kish 1965).

    >>> effective_worlds(np.array([2.0, 2.0, 0.0]))
    2.0
    """
    return float(weights.sum() ** 2 / (weights**2).sum())


def weighted_points(
    values: NDArray[np.float64], weights: NDArray[np.float64], percents: Sequence[float]
) -> NDArray[np.float64]:
    """Return percentage points of weighted values (worlds, ...), shape (percents, ...)."""
    found = np.percentile(values, percents, axis=0, weights=weights, method="inverted_cdf")
    return np.asarray(found)


def _points(values: NDArray[np.float64], weights: NDArray[np.float64] | None) -> NDArray[np.float64]:
    if weights is None:
        return np.asarray(np.percentile(values, INTERVAL))
    return weighted_points(values, weights, INTERVAL)


def widened(quantiles: Quantiles, sd: float, *, ratio: bool) -> Quantiles:
    """Return an interval widened by a discrepancy of standard deviation ``sd``.

    The squares of the half-widths add up, each side by itself; on the log scale for a ``ratio``, where ``sd``
    is one of the logarithm. The median stays.

    >>> [round(x, 4) for x in widened((1.0, 1.0, 1.0), 0.1, ratio=True)]
    [0.822, 1.0, 1.2165]
    """
    if not sd or not all(math.isfinite(q) for q in quantiles) or (ratio and min(quantiles) <= 0):
        return quantiles
    low, middle, high = (math.log(q) for q in quantiles) if ratio else quantiles
    beyond = Z975 * sd
    low, high = middle - math.hypot(middle - low, beyond), middle + math.hypot(high - middle, beyond)
    return (math.exp(low), quantiles[1], math.exp(high)) if ratio else (low, middle, high)
