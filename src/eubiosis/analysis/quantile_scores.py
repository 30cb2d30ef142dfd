"""Scores of forecasts that are quantiles, as in tables of the hubverse: the weighted interval score."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
_SAME = 1e-9


@dataclass(frozen=True)
class WeightedInterval:
    """The weighted interval score and its three parts, which sum to it.

    ``dispersion`` is the width of the intervals, ``overprediction`` what lies below them (the forecast
    was too high), ``underprediction`` what lies above; smaller is better, in the unit of what is measured.
    """

    score: float
    dispersion: float
    overprediction: float
    underprediction: float


def interval_score(measured: float, low: float, high: float, coverage: float) -> float:
    """Return the interval score of a central interval with a ``coverage`` such as 0.9 (smaller is better).

    Width, and 2/alpha times how far the measured value lies outside (Gneiting and Raftery 2007, equation 43).
    Raises ``ValueError`` for ends out of order or a coverage that is none.

    >>> interval_score(5.0, 0.0, 4.0, 0.5)
    8.0
    """
    if not low <= high or not 0 < coverage < 1:
        message = f"an interval from {low:g} to {high:g} with coverage {coverage:g}"
        raise ValueError(message)
    alpha = 1 - coverage
    return (high - low) + 2 / alpha * (max(low - measured, 0.0) + max(measured - high, 0.0))


def weighted_interval_score(measured: float, levels: ArrayLike, values: ArrayLike) -> WeightedInterval:
    """Return the weighted interval score of ``values`` (levels,) at quantile ``levels`` that mirror about .5.

    With K central intervals and the median m: (|y - m| / 2 + sum of alpha/2 interval scores) / (K + 1/2);
    Bracher and others 2021 (PLoS Comput Biol 17:e1008618), cited as the origin, the median counted once as
    in scoringutils. It is twice the mean quantile loss and close to the CRPS with many levels. Raises
    ``ValueError`` for levels without a median or a partner, or values that fall.

    >>> round(weighted_interval_score(1.0, [0.25, 0.5, 0.75], [-1.0, 0.0, 1.0]).score, 6)
    0.666667
    """
    p, q = (np.asarray(a, dtype=float) for a in (levels, values))
    _check(p, q)
    half = len(p) // 2
    width = over = under = 0.0
    for k in range(half):
        low, high, alpha = q[k], q[-1 - k], 2 * p[k]
        width += alpha / 2 * (high - low)
        over += max(low - measured, 0.0)
        under += max(measured - high, 0.0)
    over += max(q[half] - measured, 0.0) / 2
    under += max(measured - q[half], 0.0) / 2
    parts = [float(part) / (half + 0.5) for part in (width, over, under)]
    return WeightedInterval(sum(parts), *parts)


def quantile_loss(measured: float, levels: ArrayLike, values: ArrayLike) -> Array:
    """Return the loss of each quantile (levels,), (1[y < q] - p)(q - y): 0 at best.

    >>> quantile_loss(1.0, [0.25, 0.75], [0.0, 3.0]).tolist()
    [0.25, 0.5]
    """
    p, q = (np.asarray(a, dtype=float) for a in (levels, values))
    return np.asarray(((measured < q).astype(float) - p) * (q - measured))


def inside(measured: float, levels: ArrayLike, values: ArrayLike, coverage: float) -> bool:
    """Say whether the central interval of a ``coverage`` holds the measured value; its ends count as inside.

    Raises ``ValueError`` where the levels lack the interval's ends.

    >>> inside(1.0, [0.25, 0.5, 0.75], [-1.0, 0.0, 1.0], 0.5)
    True
    """
    p, q = (np.asarray(a, dtype=float) for a in (levels, values))
    ends = []
    for level in ((1 - coverage) / 2, (1 + coverage) / 2):
        place = np.flatnonzero(np.abs(p - level) < _SAME)
        if not len(place):
            message = f"no quantile at {level:g} for the interval of {coverage:g}"
            raise ValueError(message)
        ends.append(float(q[place[0]]))
    return ends[0] <= measured <= ends[1]


def _check(p: Array, q: Array) -> None:
    """Raise ``ValueError`` unless levels rise, mirror about the median, and values do not fall."""
    wrong = ""
    if p.ndim != 1 or p.shape != q.shape or len(p) % 2 == 0:
        wrong = "one value a level, the median among them"
    elif not (np.isfinite(q).all() and (np.diff(p) > 0).all() and p[0] > 0 and p[-1] < 1):
        wrong = "finite values at levels that rise between 0 and 1"
    elif np.abs(p + p[::-1] - 1).max() > _SAME:
        wrong = "a partner 1 - p for every level p"
    elif (np.diff(q) < 0).any():
        wrong = "quantiles that do not fall as their level rises"
    if wrong:
        message = f"quantiles have to be: {wrong}"
        raise ValueError(message)
