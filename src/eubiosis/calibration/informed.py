"""What the data informed: weighted worlds against draws of the prior, one number or prediction at a time.

Every comparison is made on the scale of the prior's own normal scores: a value becomes the quantile that it
has among the draws of the prior, and that a normal score. There a prior of any law has variance 1, so one
shrinkage means the same for a rate, a share and a ratio. What is judged is each number by itself; a set of
numbers may be bound together more tightly than any of them alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri

from eubiosis.core.findings import Finding, FindingsError
from eubiosis.core.informed import Measure, Profile
from eubiosis.core.laws import normal_point
from eubiosis.core.streams import stream
from eubiosis.core.world_intervals import effective_worlds, interval, interval_error
from eubiosis.engine import Array

PARTS = 10
_RESAMPLES = 400
_CHANCE = 0.05  # of one false "informed" in a whole table; half for the distance, half for the shrinkage


class Described(NamedTuple):
    """What a number or a prediction is called, and its unit."""

    label: str
    unit: str


def measures(
    prior: Mapping[str, Array],
    worlds: Mapping[str, Array],
    weights: Array,
    described: Mapping[str, Described],
) -> tuple[Measure, ...]:
    """Return how far the data moved each of ``worlds``, in their order.

    ``prior`` holds draws (draws,), ``worlds`` values (worlds,) with ``weights`` (worlds,) of any sum.
    Draws and worlds whose value is not finite (no steady state) are left out of that measure. Raises
    ``FindingsError`` where a name has no draws of the prior, or where fewer than two values are left.
    """
    without = [name for name in worlds if name not in prior]
    if without:
        raise FindingsError(
            [Finding("informed", name, "no draws of its prior", next_step="draw it") for name in without]
        )
    few = [
        name
        for name, values in worlds.items()
        if (np.isfinite(values) & (weights > 0)).sum() < 2 or np.isfinite(prior[name]).sum() < 2
    ]
    if few:
        raise FindingsError(
            [
                Finding(
                    "informed", name, "fewer than two finite values",
                    "2 or more worlds and draws of the prior", "run more sets",
                )
                for name in few
            ]
        )  # fmt: skip
    count = len(worlds)
    return tuple(
        _measure(name, prior[name], values, weights, count, described.get(name, Described(name, "-")))
        for name, values in worlds.items()
    )


def scores(prior: Array, values: Array) -> Array:
    """Return the normal scores of values (n,) among draws of their prior (draws,).

    A value between two draws lies between their places; one beyond all draws takes the last place.

    >>> scores(np.arange(99.0), np.array([49.0])).round(12)
    array([0.])
    """
    ordered = np.sort(prior)
    size = len(ordered)
    below = np.searchsorted(ordered, values, side="left")
    upto = np.searchsorted(ordered, values, side="right")
    places = (below + upto) / (2 * size)
    return np.asarray(ndtri(np.clip(places, 0.5 / size, 1 - 0.5 / size)))


def kolmogorov(prior: Array, values: Array, weights: Array) -> float:
    """Return the largest gap between the distribution of draws (draws,) and of weighted values (n,).

    >>> kolmogorov(np.arange(4.0), np.array([0.0, 1.0]), np.array([1.0, 1.0]))
    0.5
    """
    at = np.unique(np.concatenate([prior, values]))
    first = np.searchsorted(np.sort(prior), at, side="right") / len(prior)
    order = np.argsort(values)
    ladder = np.concatenate([[0.0], np.cumsum(weights[order]) / weights.sum()])
    second = ladder[np.searchsorted(values[order], at, side="right")]
    return float(np.abs(first - second).max())


def critical_distance(draws: float, effective: float, comparisons: int) -> float:
    """Return the distance that chance exceeds in one of forty tables of so many comparisons.

    Smirnov's law for large samples of ``draws`` and ``effective`` independent values, shared out over the
    table (Bonferroni).
    """
    level = _CHANCE / 2 / comparisons
    return math.sqrt(-math.log(level / 2) / 2 * (1 / draws + 1 / effective))


def profile(
    name: str,
    prior: Array,
    values: Array,
    weights: Array,
    *,
    described: Described,
    seen: tuple[Array, Array] | None = None,
) -> Profile:
    """Return the weight of the worlds over ``PARTS`` equal parts of a prior, and the best of each part.

    ``seen`` holds values of sets that were run, worlds or not, and their implausibility, (sets,) each.
    """
    edges = np.quantile(prior, np.linspace(0, 1, PARTS + 1)[1:-1])
    part = np.searchsorted(edges, values, side="right")

    inside = np.equal.outer(np.arange(PARTS), part) * weights
    shares = inside.sum(axis=1) / weights.sum()
    times = _times(len(values), "calibration/profile")
    again = times @ inside.T
    errors = np.std(again / again.sum(axis=1, keepdims=True), axis=0, ddof=1)
    best: list[float | None] = [None] * PARTS
    if seen is not None:
        among = np.searchsorted(edges, seen[0], side="right")
        for k in np.unique(among):
            best[k] = float(seen[1][among == k].min())
    return Profile(
        name,
        described.label,
        described.unit,
        tuple(float(edge) for edge in edges),
        tuple(float(share) for share in shares),
        tuple(float(error) for error in errors),
        tuple(best),
    )


def _measure(
    name: str, prior: Array, values: Array, weights: Array, count: int, described: Described
) -> Measure:
    drawn = prior[np.isfinite(prior)]
    kept = np.isfinite(values) & (weights > 0)
    own, weight = values[kept], weights[kept]
    effective = effective_worlds(weight)
    at = scores(drawn, own)
    middle, left = _moments(at, weight)
    blocks = range(len(own))
    again = _times(len(own), "calibration/shrinkage") * weight
    again /= again.sum(axis=1, keepdims=True)
    means = again @ at
    spreads = (again @ at**2 - means**2) / (1 - (again**2).sum(axis=1))
    distance = kolmogorov(drawn, own, weight)
    critical = critical_distance(len(drawn), effective, count)
    # the draws of the prior err too: their variance by 2 / n, their mean by 1 / n
    error = math.hypot(float(spreads.std(ddof=1)), math.sqrt(2 / len(drawn)))
    narrower = 1 - left > float(normal_point(_CHANCE / 2 / count)) * error
    return Measure(
        name,
        described.label,
        described.unit,
        interval(drawn),
        interval(own, weight),
        interval_error(own, blocks, weight),
        shrinkage=1 - left,
        error=error,
        shift=middle,
        shift_error=math.hypot(float(means.std(ddof=1)), 1 / math.sqrt(len(drawn))),
        distance=distance,
        critical=critical,
        informed=distance > critical or narrower,
    )


@lru_cache(maxsize=4)
def _times(size: int, decision: str) -> Array:
    """Return how often each of ``size`` worlds is drawn in each resample, shape (resamples, size)."""
    drawn = stream(0, decision).integers(size, size=(_RESAMPLES, size))
    return np.array([np.bincount(rows, minlength=size) for rows in drawn], dtype=float)


def _moments(values: Array, weights: Array) -> tuple[float, float]:
    """Return the weighted mean and variance, the latter without bias for equal weights."""
    share = weights / weights.sum()
    mean = float(share @ values)
    spread = float(share @ (values - mean) ** 2)
    return mean, spread / (1 - float((share**2).sum()))
