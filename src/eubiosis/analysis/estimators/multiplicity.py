"""Several hypotheses: adjusted p-values by step-wise, graphical and gatekeeping procedures.

In a procedure with an order or a graph a p-value that is NaN (an analysis without numbers) counts as 1: it
hands on nothing. ``adjust`` leaves it out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from eubiosis.analysis.columns import Floats

Procedure = Literal["bonferroni", "holm", "hochberg", "hommel", "BH", "BY"]


def adjust(p_values: ArrayLike, procedure: Procedure = "holm") -> Floats:
    """Return adjusted p-values (hypotheses,).

    "bonferroni", "holm", "hochberg" and "hommel" control the chance of any false rejection, "BH" and "BY"
    the false discovery rate (Benjamini and Hochberg 1995; Benjamini and Yekutieli 2001). A p-value that is
    NaN (an analysis without numbers) stays NaN. For the false discovery rate it was not tested and is not
    among the hypotheses that the others are adjusted for; the other procedures guard a planned family, in
    which it still counts. Values outside 0 to 1 raise ``ValueError``.

    >>> adjust([0.01, 0.04, 0.03]).round(4).tolist()
    [0.03, 0.06, 0.06]
    """
    every = np.array(p_values, dtype=np.float64)
    undefined = np.isnan(every)
    kept = ~undefined if procedure in ("BH", "BY") else np.ones(every.shape, dtype=bool)
    p = _checked(every[kept])
    count = len(p)
    adjusted = np.full(every.shape, np.nan)
    if not count:
        return adjusted
    order = np.argsort(p, kind="stable")
    ranked = p[order]
    rank = np.arange(1, count + 1)
    if procedure == "bonferroni":
        steps = count * ranked
    elif procedure == "holm":
        steps = np.maximum.accumulate((count - rank + 1) * ranked)
    elif procedure == "hochberg":
        steps = _from_above((count - rank + 1) * ranked)
    elif procedure == "BH":
        steps = _from_above(count / rank * ranked)
    elif procedure == "BY":
        steps = _from_above(float(np.sum(1.0 / rank)) * count / rank * ranked)
    else:
        steps = _hommel(ranked)
    adjusted[np.flatnonzero(kept)[order]] = np.minimum(steps, 1.0)
    adjusted[undefined] = np.nan
    return adjusted


def graph(p_values: ArrayLike, weights: ArrayLike, transitions: ArrayLike) -> Floats:
    """Return adjusted p-values of a graphical Bonferroni procedure.

    Bretz, Maurer, Brannath and Posch (2009, Statistics in Medicine 28:586). ``weights`` (hypotheses,)
    share alpha at the start, ``transitions`` (hypotheses, hypotheses) say which share of a rejected
    hypothesis' weight goes where. Weights or rows that sum to more than one, negative
    entries or a diagonal other than zero raise ``ValueError``.
    """
    p = _checked(p_values)
    weight, edge = np.array(weights, dtype=np.float64), np.array(transitions, dtype=np.float64)
    count = len(p)
    if (
        weight.shape != (count,)
        or edge.shape != (count, count)
        or np.any(weight < 0)
        or np.any(edge < 0)
        or weight.sum() > 1 + 1e-9
        or np.any(edge.sum(axis=1) > 1 + 1e-9)
        or np.any(np.diag(edge) != 0)
    ):
        message = "weights and rows of transitions: allowed non-negative, summing to at most 1, diagonal 0"
        raise ValueError(message)
    adjusted, open_, largest = np.ones(count), list(range(count)), 0.0
    while open_:
        ratios = [p[i] / weight[i] if weight[i] > 0 else np.inf for i in open_]
        chosen = open_[int(np.argmin(ratios))]
        if not np.isfinite(min(ratios)):
            break  # what is left gets no alpha: adjusted p-value 1
        largest = max(largest, min(ratios))
        adjusted[chosen] = min(largest, 1.0)
        open_.remove(chosen)
        weight, edge = _without(weight, edge, chosen, open_)
    return adjusted


def fixed_sequence(p_values: ArrayLike) -> Floats:
    """Return adjusted p-values of testing in a fixed order, stopping at the first failure.

    >>> fixed_sequence([0.01, 0.06, 0.001]).tolist()
    [0.01, 0.06, 0.06]
    """
    return np.maximum.accumulate(_checked(p_values))


def fallback(p_values: ArrayLike, weights: ArrayLike) -> Floats:
    """Return adjusted p-values of the fallback procedure: a rejected weight goes to the next hypothesis.

    Wiens (2003, Pharmaceutical Statistics 2:211).

    >>> fallback([0.01, 0.04, 0.2], [0.5, 0.3, 0.2]).round(3).tolist()
    [0.02, 0.05, 0.2]
    """
    return graph(p_values, weights, np.eye(len(_checked(p_values)), k=1))


def parallel_gatekeeping(
    p_values: ArrayLike, families: Sequence[Sequence[int]], truncation: Sequence[float]
) -> Floats:
    """Return adjusted p-values of parallel gatekeeping with truncated Holm tests in each family.

    ``families`` lists the positions of each family's hypotheses in order of testing, ``truncation`` its
    gamma in [0, 1): 0 is Bonferroni; the last family may have 1, the full Holm test. What a family does
    not lose on its accepted hypotheses passes to the next (Dmitrienko, Tamhane and Wiens 2008,
    Biometrical Journal 50:667). A family before the last with gamma 1 raises ``ValueError``.

    >>> parallel_gatekeeping([0.01, 0.03, 0.02], [[0, 1], [2]], [0.5, 1.0]).round(3).tolist()
    [0.02, 0.04, 0.04]
    """
    p = _checked(p_values)
    if len(truncation) != len(families) or any(not 0 <= g < 1 for g in truncation[:-1]):
        message = "truncation: allowed one value per family, in [0, 1) for all but the last"
        raise ValueError(message)
    return np.array([_smallest_level(p, families, truncation, i) for i in range(len(p))])


def _smallest_level(
    p: Floats, families: Sequence[Sequence[int]], truncation: Sequence[float], hypothesis: int
) -> float:
    """Find by bisection the smallest alpha at which a hypothesis is rejected."""
    low, high = 0.0, 1.0
    if hypothesis not in _gate(p, families, truncation, high):
        return 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if hypothesis in _gate(p, families, truncation, middle):
            high = middle
        else:
            low = middle
    return high


def _gate(
    p: Floats, families: Sequence[Sequence[int]], truncation: Sequence[float], alpha: float
) -> set[int]:
    rejected: set[int] = set()
    left = alpha
    for members, gamma in zip(families, truncation, strict=True):
        size, passed = len(members), 0
        for step, i in enumerate(sorted(members, key=lambda j: float(p[j]))):
            if p[i] > (gamma / (size - step) + (1 - gamma) / size) * left:
                break
            rejected.add(i)
            passed += 1
        kept = size - passed
        left -= (gamma + (1 - gamma) * kept / size) * left if kept else 0.0
        if left <= 0:
            break
    return rejected


def _without(weight: Floats, edge: Floats, gone: int, rest: list[int]) -> tuple[Floats, Floats]:
    """Hand on the weight of a rejected hypothesis and close its node."""
    new_weight, new_edge = np.zeros_like(weight), np.zeros_like(edge)
    for i in rest:
        new_weight[i] = weight[i] + weight[gone] * edge[gone, i]
        loop = edge[i, gone] * edge[gone, i]
        for k in rest:
            if k != i and loop < 1:
                new_edge[i, k] = (edge[i, k] + edge[i, gone] * edge[gone, k]) / (1 - loop)
    return new_weight, new_edge


def _hommel(ranked: Floats) -> Floats:
    """Hommel (1988) by Wright's algorithm (1992, Biometrics 48:1005) on sorted p-values."""
    count = len(ranked)
    index = np.arange(1, count + 1)
    best = np.full(count, np.min(count * ranked / index))
    for m in range(count - 1, 1, -1):
        upper = np.arange(count - m + 1, count)  # positions of the m - 1 largest
        smallest = float(np.min(m * ranked[upper] / np.arange(2, m + 1)))
        lower = np.arange(0, count - m + 1)
        level = np.minimum(m * ranked, smallest)
        level[upper] = level[lower[-1]]
        best = np.maximum(best, level)
    return np.maximum(best, ranked)


def _from_above(values: Floats) -> Floats:
    result: Floats = np.minimum.accumulate(values[::-1])[::-1]
    return result


def _checked(p_values: ArrayLike) -> Floats:
    p = np.array(p_values, dtype=np.float64)
    p[np.isnan(p)] = 1.0
    if p.ndim != 1 or np.any((p < 0) | (p > 1)):
        message = "p-values: allowed a list of numbers between 0 and 1"
        raise ValueError(message)
    return p
