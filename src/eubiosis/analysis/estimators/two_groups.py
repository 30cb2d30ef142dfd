"""Two groups of samples, one number or many: difference of means, shift, prevalence; permuted where few.

Every function takes (samples, columns) of both groups and judges each column by itself; permutations move
whole samples, the same for every column.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from eubiosis.analysis.columns import Floats
from eubiosis.analysis.estimators.binary import newcombe_interval
from eubiosis.core.streams import stream

FEW = 20  # samples in the smaller group under which p-values come from permutations
PERMUTATIONS = 9_999
_BATCH = 200
_PAIRS = 4_000_000
_BISECTIONS = 60


@dataclass(frozen=True)
class GroupDifferences:
    """One contrast for each column, arrays (columns,): effect, 95 % interval, p-value.

    NaN where a column cannot be judged (fewer than two samples in a group, or a number that does not vary).
    ``method`` says in words how.
    """

    effect: Floats
    low: Floats
    high: Floats
    p_value: Floats
    method: str


def mean_differences(group: ArrayLike, control: ArrayLike, *, seed: int) -> GroupDifferences:
    """Return differences of means, group minus control, with Welch's intervals.

    p is Welch's; where the smaller group has fewer than 20 samples it is the share of permutations with as
    large a Welch statistic, all of them where there are fewer than 9,999.

    >>> found = mean_differences([[1.0], [2.0], [3.0]], [[0.0], [1.0], [2.0]], seed=1)
    >>> found.effect.tolist(), round(float(found.low[0]), 2)
    ([1.0], -1.27)
    """
    from scipy.special import stdtr, stdtrit

    a, b = _pair(group, control)
    effect, error, freedom = _welch(a, b)
    with np.errstate(all="ignore"):
        reach = stdtrit(freedom, 0.975) * error
        p_value = 2 * stdtr(freedom, -np.abs(effect / error))
    judged = np.isfinite(error) & (error > 0)
    how = "difference of means, Welch's interval and test"
    if _few(a, b):
        p_value = _permuted(a, b, _statistic, seed)
        how = f"difference of means, Welch's interval; {_permuted_words(a, b)} of Welch's statistic"
    low, high = (np.where(judged, effect + sign * reach, np.nan) for sign in (-1, 1))
    return GroupDifferences(effect, low, high, np.where(judged, p_value, np.nan), how)


def shifts(group: ArrayLike, control: ArrayLike, *, seed: int) -> GroupDifferences:
    """Return Hodges and Lehmann's shifts, group over control, with the intervals of the rank-sum test.

    The shift is the median of all differences between a sample of the group and one of the controls; its
    interval are order statistics of these (normal approximation with ties left out). p is of the rank sum
    with ties counted; where the smaller group has fewer than 20 samples it is permuted.
    """
    from scipy.special import ndtri

    a, b = _pair(group, control)
    n, m = len(a), len(b)
    place = n * m / 2 + ndtri(0.025) * np.sqrt(n * m * (n + m + 1) / 12)
    first = max(round(place), 1)
    columns = a.shape[1]
    effect, low, high = (np.full(columns, np.nan) for _ in range(3))
    for k in range(columns):
        if n > 1 and m > 1:
            middle = [(n * m + 1) // 2, (n * m + 2) // 2]
            found = _differences_at(a[:, k], b[:, k], [*middle, first, n * m + 1 - first])
            effect[k], low[k], high[k] = (found[0] + found[1]) / 2, found[2], found[3]
    ranks = _ranks(np.concatenate([a, b]))
    if _few(a, b):
        p_value = _permuted(ranks[:n], ranks[n:], lambda x, y, axis: x.mean(axis) - y.mean(axis), seed)
        how = f"Hodges and Lehmann's shift; {_permuted_words(a, b)} of the rank sum"
    else:
        p_value = _rank_sum(ranks, n)
        how = "Hodges and Lehmann's shift; Mann and Whitney's test, ties counted"
    varies = np.ptp(np.concatenate([a, b]), axis=0) > 0
    judged = varies & (n > 1) & (m > 1)
    none = ~judged
    low[none], high[none] = np.nan, np.nan
    return GroupDifferences(effect, low, high, np.where(judged, p_value, np.nan), how)


def prevalence_differences(group: ArrayLike, control: ArrayLike) -> GroupDifferences:
    """Return differences of the share of samples with a value above zero: Newcombe, Fisher."""
    from scipy.stats import fisher_exact

    a, b = _pair(group, control)
    n, m = len(a), len(b)
    with_a, with_b = (a > 0).sum(axis=0), (b > 0).sum(axis=0)
    rows = []
    for x, y in zip(with_a.tolist(), with_b.tolist(), strict=True):
        if not n or not m:
            rows.append((np.nan,) * 4)
            continue
        low, high = newcombe_interval((x, y), (n, m))
        same = x + y in (0, n + m)
        p_value = np.nan if same else float(fisher_exact([[x, n - x], [y, m - y]]).pvalue)
        rows.append((x / n - y / m, low, high, p_value))
    table = np.array(rows, dtype=np.float64).reshape(-1, 4)
    return GroupDifferences(
        table[:, 0], table[:, 1], table[:, 2], table[:, 3],
        "difference of prevalences, Newcombe's interval, Fisher's exact test",
    )  # fmt: skip


def _pair(group: ArrayLike, control: ArrayLike) -> tuple[Floats, Floats]:
    a, b = (np.asarray(one, dtype=np.float64) for one in (group, control))
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1]:
        message = f"groups of shapes {a.shape} and {b.shape}; allowed: (samples, columns), the same columns"
        raise ValueError(message)
    return a, b


def _few(a: Floats, b: Floats) -> bool:
    return 2 <= min(len(a), len(b)) < FEW


def _welch(a: Floats, b: Floats) -> tuple[Floats, Floats, Floats]:
    """Return effect, standard error and degrees of freedom of each column; NaN for groups of one."""
    if min(len(a), len(b)) < 2:
        blank = np.full(a.shape[1], np.nan)
        effect = a.mean(axis=0) - b.mean(axis=0) if min(len(a), len(b)) else blank
        return np.asarray(effect), blank, blank
    parts = [one.var(axis=0, ddof=1) / len(one) for one in (a, b)]
    error = np.sqrt(parts[0] + parts[1])
    with np.errstate(all="ignore"):
        below = parts[0] ** 2 / (len(a) - 1) + parts[1] ** 2 / (len(b) - 1)
        freedom = (parts[0] + parts[1]) ** 2 / below
    return a.mean(axis=0) - b.mean(axis=0), error, freedom


def _statistic(x: Floats, y: Floats, axis: int) -> Floats:
    with np.errstate(all="ignore"):
        error = np.sqrt(x.var(axis=axis, ddof=1) / x.shape[axis] + y.var(axis=axis, ddof=1) / y.shape[axis])
        found = (x.mean(axis=axis) - y.mean(axis=axis)) / error
    # two groups without any spread: as far apart as can be, or not at all
    return np.asarray(np.nan_to_num(found, nan=0.0, posinf=1e300, neginf=-1e300))


def _permuted(a: Floats, b: Floats, statistic: Callable[..., Floats], seed: int) -> Floats:
    from scipy.stats import permutation_test

    found = permutation_test(
        (a, b), statistic, permutation_type="independent", vectorized=True, n_resamples=PERMUTATIONS,
        batch=_BATCH, axis=0, random_state=stream(seed, "two groups", 0),
    )  # fmt: skip
    return np.asarray(found.pvalue, dtype=np.float64)


def _permuted_words(a: Floats, b: Floats) -> str:
    from math import comb

    every = comb(len(a) + len(b), len(a))
    return f"all {every:,} permutations" if every <= PERMUTATIONS else f"{PERMUTATIONS:,} permutations"


def _ranks(values: Floats) -> Floats:
    from scipy.stats import rankdata

    return np.asarray(rankdata(values, axis=0), dtype=np.float64)


def _rank_sum(ranks: Floats, n: int) -> Floats:
    """Return two-sided p-values of the rank sum of the first ``n``: normal, ties and continuity counted."""
    from scipy.special import ndtr

    total = len(ranks)
    m = total - n
    away = np.abs(ranks[:n].sum(axis=0) - n * (total + 1) / 2)
    variance = n * m / (total * (total - 1)) * ((ranks - (total + 1) / 2) ** 2).sum(axis=0)
    with np.errstate(all="ignore"):
        z = np.maximum(away - 0.5, 0.0) / np.sqrt(variance)
    return np.asarray(np.minimum(2 * ndtr(-z), 1.0))


def _differences_at(a: Floats, b: Floats, places: list[int]) -> list[float]:
    """Return the differences a - b that stand at ``places`` (from 1) when all are sorted."""
    if len(a) * len(b) <= _PAIRS:
        wanted = sorted({place - 1 for place in places})
        ordered = np.partition((a[:, None] - b[None]).ravel(), wanted)
        return [float(ordered[place - 1]) for place in places]
    below = np.sort(b)
    ends = (float(a.min() - b.max()), float(a.max() - b.min()))
    found = []
    for place in places:
        low, high = ends
        for _ in range(_BISECTIONS):
            middle = (low + high) / 2
            # pairs with a - b <= middle are those with b >= a - middle
            count = int((len(below) - np.searchsorted(below, a - middle, side="left")).sum())
            low, high = (low, middle) if count >= place else (middle, high)
        found.append(high)
    return found
