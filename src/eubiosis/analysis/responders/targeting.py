"""How much better it would be to treat those first whom a score expects to gain most.

The curve is the targeting operator characteristic (TOC), its areas AUTOC and Qini (Yadlowsky and others 2025,
Journal of the American Statistical Association 120:38). Benefits are oriented so that more is better.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Area = Literal["autoc", "qini"]


def by_score(benefits: Floats, scores: Floats) -> Floats:
    """Return benefits with the highest score first; people of one score share the mean of theirs, (people,).

    >>> by_score(np.array([1.0, 2.0, 6.0]), np.array([0.0, 1.0, 0.0])).tolist()
    [2.0, 3.5, 3.5]
    """
    levels, place = np.unique(-scores, return_inverse=True)
    sizes = np.bincount(place, minlength=len(levels))
    means = np.bincount(place, weights=benefits, minlength=len(levels)) / sizes
    return np.asarray(np.repeat(means, sizes), dtype=np.float64)


def gain_curve(benefits: Floats, scores: Floats, shares: Floats) -> Floats:
    """Return what those with the highest scores gain beyond everybody, by their share of all, (shares,).

    ``shares`` lie in (0, 1]; a person at the edge counts in part. At 1 nothing is gained.

    >>> gain_curve(np.array([3.0, 1.0]), np.array([1.0, 0.0]), np.array([0.5, 1.0])).tolist()
    [1.0, 0.0]
    """
    ordered = by_score(benefits, scores)
    sums = np.concatenate(([0.0], np.cumsum(ordered)))
    at = shares * len(ordered)
    return np.asarray(np.interp(at, np.arange(len(sums)), sums) / at - ordered.mean())


def area_weights(people: int, area: Area) -> Floats:
    """Return the weight of the person at each rank, (people,): the area is the mean of weight times benefit.

    ``autoc`` weighs all shares alike, ``qini`` each share by itself. The weights sum to zero.
    """
    rank = np.arange(1, people + 1)
    if area == "qini":
        return np.asarray((people - rank + 1) / people - (people + 1) / (2 * people))
    return np.asarray(np.cumsum((1.0 / rank)[::-1])[::-1] - 1.0)


def area_under(benefits: Floats, scores: Floats, area: Area) -> tuple[float, float]:
    """Return the area between the curve and none, and its standard error for a score learned elsewhere.

    The area is the mean of the curve (times the share, for ``qini``) over the shares 1/n, 2/n, ... 1.
    """
    ordered = by_score(benefits, scores)
    weights = area_weights(len(ordered), area)
    value = float(np.mean(weights * ordered))
    mean, order = ordered.mean(), np.argsort(-scores, kind="stable")
    error = float(np.sqrt(np.sum(np.square(weights * (benefits[order] - mean)))) / len(ordered))
    return value, error
