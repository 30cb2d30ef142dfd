"""First-order variance-based sensitivity indices from given draws: what the worlds of a run hold already.

The index of a number X on an effect Y is Var(E[Y | X]) / Var(Y) (Sobol' 1993). It is estimated from draws
that were made for another purpose: Y, sorted by X, is regressed on the first cosines of the rank, and the
explained share is corrected for their number (EASI: Plischke 2010, Reliability Engineering & System Safety
95:354; correction: Tissot and Prieur 2012, same journal 107:205). Total indices do not follow from given
draws, and numbers that hang together share what they explain.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from eubiosis.core import laws
from eubiosis.core.world_sensitivity import IndexOverWorlds

Array = NDArray[np.float64]
COSINES = 6
_HALVES, _SHUFFLES = 200, 200


def first_order(values: Array, effects: Array) -> Array:
    """Return the index of each number, shape (numbers,), from draws (draws, numbers) and effects (draws,).

    Every row is a draw of its own. About zero, below it too, where a number has no influence; ties are kept
    in the order of the draws, which must be a random one where there are any. Not a number where effects do
    not vary or a number does not, or with fewer than eight draws.

    >>> x = np.linspace(0.0, 1.0, 200)[:, None]
    >>> first_order(x, x[:, 0] ** 2).round(2).tolist()
    [1.0]
    """
    order = np.argsort(values, axis=0, kind="stable")
    if len(effects) < COSINES + 2:
        return np.full(values.shape[1], np.nan)
    found = _explained(effects[order.T])
    return np.where(np.ptp(values, axis=0) > 0, found, np.nan)


def _explained(rows: Array) -> Array:
    """Return the corrected share of the variance of each row (rows, draws) that the cosines explain."""
    count = rows.shape[1]
    terms = np.arange(1, COSINES + 1)[:, None]
    waves = np.sqrt(2 / count) * np.cos(np.pi * terms * (np.arange(count) + 0.5) / count)
    centred = rows - rows.mean(axis=1, keepdims=True)
    total = (centred**2).sum(axis=1)
    share = ((centred @ waves.T) ** 2).sum(axis=1) / np.where(total > 0, total, np.nan)
    return np.asarray(1 - (1 - share) * (count - 1) / (count - 1 - COSINES))


def clusters(values: Array) -> NDArray[np.int64]:
    """Return for each draw (draws, numbers) which different row of numbers it has, counted from 0."""
    return np.unique(values, axis=0, return_inverse=True)[1].reshape(-1)


def cluster_means(rows: Array, of: NDArray[np.int64]) -> Array:
    """Return the mean of ``rows`` (draws, ...) over each cluster, shape (clusters, ...)."""
    size = int(of.max()) + 1
    sums = np.zeros((size, *rows.shape[1:]))
    np.add.at(sums, of, rows)
    counts = np.bincount(of, minlength=size).reshape(size, *[1] * (rows.ndim - 1))
    return np.asarray(sums / counts)


def noise_level(
    values: Array, effects: Array, units: NDArray[np.int64], generator: np.random.Generator
) -> float:
    """Return what the largest index of numbers without influence stays below in 19 of 20 cases.

    ``values`` (draws, numbers), ``effects`` and ``units`` (draws,): the effects are shuffled against the
    numbers, unit for unit, which keeps how numbers hang together and how the effects of a unit do.
    """
    order = np.argsort(values, axis=0, kind="stable").T
    shuffled = (effects[shuffled_units(units, generator)] for _ in range(_SHUFFLES))
    largest = [float(np.nanmax(_explained(one[order]))) for one in shuffled]
    return float(np.quantile(largest, 0.95))


def shuffled_units(units: NDArray[np.int64], generator: np.random.Generator) -> NDArray[np.int64]:
    """Return an order of the draws in which units have changed places with others of their size.

    Within a unit the draws change places too.

    >>> order = shuffled_units(np.array([0, 0, 1, 1, 2]), np.random.default_rng(1))
    >>> int(order[4]), {frozenset(order[:2].tolist()), frozenset(order[2:4].tolist())} == {
    ...     frozenset({0, 1}), frozenset({2, 3})}
    (4, True)
    """
    found = np.empty(len(units), dtype=np.int64)
    by_size: dict[int, list[NDArray[np.int64]]] = {}
    for unit in np.unique(units):
        rows = np.flatnonzero(units == unit)
        by_size.setdefault(len(rows), []).append(rows)
    for blocks in by_size.values():
        for k, j in enumerate(generator.permutation(len(blocks)).tolist()):
            found[blocks[k]] = generator.permutation(blocks[j])
    return found


def halves(values: Array, effects: Array, units: NDArray[np.int64], generator: np.random.Generator) -> Array:
    """Return the standard error of each index (numbers,): its spread over random halves of the ``units``.

    Draws of one unit (draws,) belong together and stay together; drawn without replacement, since doubled
    draws would count as explained.
    """
    names = np.unique(units)
    found = []
    for _ in range(_HALVES):
        chosen = np.isin(units, generator.permutation(names)[: len(names) // 2])
        found.append(first_order(values[chosen], effects[chosen]))
    return np.asarray(np.nanstd(np.array(found), axis=0))


def bounded(share: float, error: float) -> IndexOverWorlds:
    """Return an index with its 95 % interval, held between 0 and 1."""
    reach = laws.Z975 * error
    low, middle, high = (float(np.clip(one, 0.0, 1.0)) for one in (share - reach, share, share + reach))
    return IndexOverWorlds(middle, low, high)


def between(effects: Array, groups: NDArray[np.int64], units: NDArray[np.int64]) -> IndexOverWorlds:
    """Return the index of everything that draws in one group share, with its 95 % interval.

    ``groups`` and ``units`` (draws,): draws of one unit within a group are antithetic, so that means of units
    are what scatters within a group. The variance between groups by one-way analysis of variance, without
    bias; its interval follows from the F law, as if means were normal. The rest, 1 - index, is
    the total index of all that differs within groups. Not a number with fewer than two groups, or one unit
    in each.
    """
    nothing = IndexOverWorlds(np.nan, np.nan, np.nan)
    total = float(np.var(effects, ddof=1)) if len(effects) > 1 else 0.0
    pairs = clusters(np.column_stack([groups, units]).astype(float))
    means = cluster_means(effects, pairs)
    group_of = cluster_means(groups.astype(float), pairs).round().astype(np.int64)
    counts = np.bincount(group_of)
    counts = counts[counts > 0]
    number, size = len(counts), len(means)
    if number < 2 or size <= number or not total > 0:
        return nothing
    centres = cluster_means(means, clusters(group_of[:, None].astype(float)))
    each = clusters(group_of[:, None].astype(float))
    within = float(((means - centres[each]) ** 2).sum()) / (size - number)
    among = float((counts * (centres - means.mean()) ** 2).sum()) / (number - 1)
    each_holds = (size - float((counts**2).sum()) / size) / (number - 1)
    if within <= 1e-12 * total:  # nothing scatters within a group: what is left is known
        share = float(np.clip(among / each_holds / total, 0.0, 1.0))
        return IndexOverWorlds(share, share, share)
    ratio = among / within
    ends = [float(laws.f_quantile(p, number - 1, size - number)) for p in (0.975, 0.025)]
    shares = [(ratio / end - 1) * within / each_holds / total for end in (ends[0], 1.0, ends[1])]
    low, middle, high = (float(np.clip(one, 0.0, 1.0)) for one in shares)
    return IndexOverWorlds(middle, low, high)
