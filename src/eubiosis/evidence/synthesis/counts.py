"""Pool 2x2 tables and event counts without a normal approximation per study: Mantel-Haenszel and Peto."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eubiosis.core import laws
from eubiosis.evidence.synthesis.effects import (
    EffectSize,
    log_odds_ratio,
    log_rate_ratio,
    log_risk_ratio,
    peto_log_odds_ratio,
)
from eubiosis.evidence.synthesis.heterogeneity import Array

Counts = Sequence[float] | Array


@dataclass(frozen=True)
class CountPool:
    """A pooled log ratio, its standard error and the heterogeneity Q of the studies around it."""

    estimate: float
    standard_error: float
    q: float
    k: int

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Return the normal interval of the log ratio."""
        half = float(laws.normal_point((1 - level) / 2)) * self.standard_error
        return self.estimate - half, self.estimate + half


def mantel_haenszel_rr(a: Counts, n1: Counts, c: Counts, n2: Counts) -> CountPool:
    """Pool risk ratios of a of n1 treated and c of n2 controls; variance of Greenland & Robins 1985.

    Each argument (k,), one value a study. The estimate is a log ratio.

    >>> round(math.exp(mantel_haenszel_rr([5, 9], [50, 60], [10, 15], [50, 60]).estimate), 3)
    0.56
    """
    a_, n1_, c_, n2_ = _floats(a, n1, c, n2)
    total = n1_ + n2_
    r, s = (a_ * n2_ / total).sum(), (c_ * n1_ / total).sum()
    spread = (n1_ * n2_ * (a_ + c_) - a_ * c_ * total) / total**2
    b = math.log(r / s)
    q = _q([log_risk_ratio(*row) for row in zip(a_, n1_, c_, n2_, strict=True)], b)
    return CountPool(b, math.sqrt(spread.sum() / (r * s)), q, len(a_))


def mantel_haenszel_or(a: Counts, n1: Counts, c: Counts, n2: Counts) -> CountPool:
    """Pool odds ratios; variance of Robins, Breslow & Greenland 1986. Arguments as in the risk ratio.

    >>> round(math.exp(mantel_haenszel_or([5, 9], [50, 60], [10, 15], [50, 60]).estimate), 3)
    0.494
    """
    a_, n1_, c_, n2_ = _floats(a, n1, c, n2)
    b_, d_ = n1_ - a_, n2_ - c_
    total = n1_ + n2_
    r, s = a_ * d_ / total, b_ * c_ / total
    p, q_ = (a_ + d_) / total, (b_ + c_) / total
    rs, ss = r.sum(), s.sum()
    variance = (
        (p * r).sum() / (2 * rs**2) + (p * s + q_ * r).sum() / (2 * rs * ss) + (q_ * s).sum() / (2 * ss**2)
    )
    estimate = math.log(rs / ss)
    q = _q([log_odds_ratio(*row) for row in zip(a_, n1_, c_, n2_, strict=True)], estimate)
    return CountPool(estimate, math.sqrt(variance), q, len(a_))


def mantel_haenszel_rate_ratio(x1: Counts, t1: Counts, x2: Counts, t2: Counts) -> CountPool:
    """Pool rate ratios of x1 events in t1 person-years over x2 in t2 (Rothman & Greenland). Each (k,).

    >>> round(math.exp(mantel_haenszel_rate_ratio([30], [100], [60], [100]).estimate), 12)
    0.5
    """
    x1_, t1_, x2_, t2_ = _floats(x1, t1, x2, t2)
    total = t1_ + t2_
    r, s = (x1_ * t2_ / total).sum(), (x2_ * t1_ / total).sum()
    variance = (t1_ * t2_ * (x1_ + x2_) / total**2).sum() / (r * s)
    b = math.log(r / s)
    q = _q([log_rate_ratio(*row) for row in zip(x1_, t1_, x2_, t2_, strict=True)], b)
    return CountPool(b, math.sqrt(variance), q, len(x1_))


def peto(a: Counts, n1: Counts, c: Counts, n2: Counts) -> CountPool:
    """Pool odds ratios by Peto's one-step method (Yusuf 1985); for rare events and balanced arms.

    >>> round(math.exp(peto([1, 0], [100, 90], [4, 3], [100, 90]).estimate), 3)
    0.217
    """
    effects = [peto_log_odds_ratio(*row) for row in zip(*_floats(a, n1, c, n2), strict=True)]
    weight = np.array([1 / e.variance for e in effects])
    estimate = float((weight * [e.estimate for e in effects]).sum() / weight.sum())
    return CountPool(estimate, float(weight.sum()) ** -0.5, _q(effects, estimate), len(effects))


def cochran_mantel_haenszel(a: Counts, n1: Counts, c: Counts, n2: Counts) -> tuple[float, float]:
    """Test a common odds ratio of 1 over strata, with continuity correction; chi-square(1) and p.

    >>> [round(x, 3) for x in cochran_mantel_haenszel([5, 9], [50, 60], [10, 15], [50, 60])]
    [3.102, 0.078]
    """
    a_, n1_, c_, n2_ = _floats(a, n1, c, n2)
    total, events = n1_ + n2_, a_ + c_
    variance = (n1_ * n2_ * events * (total - events) / (total**2 * (total - 1))).sum()
    statistic = (abs((a_ - n1_ * events / total).sum()) - 0.5) ** 2 / variance
    return float(statistic), float(laws.chi2_sf(statistic, 1))


def tarone(a: Counts, n1: Counts, c: Counts, n2: Counts) -> tuple[float, float]:
    """Test that the strata share one odds ratio (Breslow-Day statistic as corrected by Tarone 1985).

    >>> [round(x, 2) for x in tarone([5, 9], [50, 60], [10, 15], [50, 60])]
    [0.05, 0.82]
    """
    a_, n1_, c_, n2_ = _floats(a, n1, c, n2)
    ratio = math.exp(mantel_haenszel_or(a_, n1_, c_, n2_).estimate)
    events = a_ + c_
    fitted = np.array([_fitted_cell(*row, ratio) for row in zip(n1_, n2_, events, strict=True)])
    variance = 1 / (1 / fitted + 1 / (events - fitted) + 1 / (n1_ - fitted) + 1 / (n2_ - events + fitted))
    statistic = float(((a_ - fitted) ** 2 / variance).sum() - (a_ - fitted).sum() ** 2 / variance.sum())
    return statistic, float(laws.chi2_sf(statistic, len(a_) - 1))


def _fitted_cell(n1: float, n2: float, events: float, ratio: float) -> float:
    """Solve a(n2 - m + a) = OR (n1 - a)(m - a) for the cell a that the margins allow."""
    roots = np.roots([1 - ratio, n2 - events + ratio * (n1 + events), -ratio * n1 * events])
    low, high = max(0.0, events - n2), min(n1, events)
    return float(next(root for root in roots.real if low <= root <= high))


def _q(effects: Sequence[EffectSize], estimate: float) -> float:
    return float(sum((e.estimate - estimate) ** 2 / e.variance for e in effects))


def _floats(*columns: Counts) -> tuple[Array, ...]:
    return tuple(np.asarray(column, dtype=float) for column in columns)
