"""Pool 2x2 tables and event counts without a normal approximation per study: Mantel-Haenszel and Peto.

A study with an empty arm, or whose table says nothing on the measure, is left out of the pool and named; it
does not refuse the pool. Individual effects, which only Q needs, add 0.5 where one cell is zero; studies
without events, or with nothing but events, in both arms have none (the conventions of metafor's rma.mh and
rma.peto).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from eubiosis.core import laws
from eubiosis.core.soundness import OK, USABLE, Soundness, Status
from eubiosis.evidence.synthesis.effects import (
    EffectSize,
    log_odds_ratio,
    log_rate_ratio,
    log_risk_ratio,
    peto_log_odds_ratio,
)
from eubiosis.evidence.synthesis.heterogeneity import Array

Counts = Sequence[float] | Array
LeftOut = tuple[tuple[int, str], ...]


@dataclass(frozen=True)
class CountPool:
    """A pooled log ratio, its standard error and the heterogeneity Q of the studies around it.

    ``k`` studies were given; ``left_out`` lists the position and the reason of those that say nothing on the
    measure; Q has ``q_df`` degrees of freedom. Where ``status`` forbids the numbers they are NaN and
    ``reason`` says why.
    """

    estimate: float
    standard_error: float
    q: float
    k: int
    q_df: int = 0
    left_out: LeftOut = ()
    status: Status = "ok"
    reason: str = ""

    @property
    def usable(self) -> bool:
        """Say whether the numbers may be read."""
        return self.status in USABLE

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Return the normal interval of the log ratio."""
        half = float(laws.normal_point((1 - level) / 2)) * self.standard_error
        return self.estimate - half, self.estimate + half


@dataclass(frozen=True)
class TableTest:
    """A chi-squared test over 2x2 tables: statistic, degrees of freedom, p value, and who was left out."""

    statistic: float
    df: int
    p_value: float
    left_out: LeftOut = ()
    status: Status = "ok"
    reason: str = ""


def mantel_haenszel_rr(a: Counts, n1: Counts, c: Counts, n2: Counts) -> CountPool:
    """Pool risk ratios of a of n1 treated and c of n2 controls; variance of Greenland & Robins 1985.

    Each argument (k,), one value a study. The estimate is a log ratio.

    >>> round(math.exp(mantel_haenszel_rr([5, 9], [50, 60], [10, 15], [50, 60]).estimate), 3)
    0.56
    """
    k = len(a)
    (a_, n1_, c_, n2_), left_out = _informative(a, n1, c, n2, odds=False)
    total = n1_ + n2_
    r, s = float((a_ * n2_ / total).sum()), float((c_ * n1_ / total).sum())
    soundness = _ratio_defined(r, s)
    if not soundness.usable:
        return _no_pool(k, left_out, soundness)
    spread = (n1_ * n2_ * (a_ + c_) - a_ * c_ * total) / total**2
    q, df = _q(log_risk_ratio, (a_, n1_, c_, n2_), math.log(r / s))
    return _pooled(math.log(r / s), float(spread.sum() / (r * s)), q, df, k=k, left_out=left_out)


def mantel_haenszel_or(a: Counts, n1: Counts, c: Counts, n2: Counts) -> CountPool:
    """Pool odds ratios; variance of Robins, Breslow & Greenland 1986. Arguments as in the risk ratio.

    >>> round(math.exp(mantel_haenszel_or([5, 9], [50, 60], [10, 15], [50, 60]).estimate), 3)
    0.494
    """
    k = len(a)
    (a_, n1_, c_, n2_), left_out = _informative(a, n1, c, n2, odds=True)
    b_, d_ = n1_ - a_, n2_ - c_
    total = n1_ + n2_
    r, s = a_ * d_ / total, b_ * c_ / total
    p, q_ = (a_ + d_) / total, (b_ + c_) / total
    rs, ss = float(r.sum()), float(s.sum())
    soundness = _ratio_defined(rs, ss)
    if not soundness.usable:
        return _no_pool(k, left_out, soundness)
    variance = (
        (p * r).sum() / (2 * rs**2) + (p * s + q_ * r).sum() / (2 * rs * ss) + (q_ * s).sum() / (2 * ss**2)
    )
    q, df = _q(log_odds_ratio, (a_, n1_, c_, n2_), math.log(rs / ss))
    return _pooled(math.log(rs / ss), float(variance), q, df, k=k, left_out=left_out)


def mantel_haenszel_rate_ratio(x1: Counts, t1: Counts, x2: Counts, t2: Counts) -> CountPool:
    """Pool rate ratios of x1 events in t1 person-years over x2 in t2 (Rothman & Greenland). Each (k,).

    >>> round(math.exp(mantel_haenszel_rate_ratio([30], [100], [60], [100]).estimate), 12)
    0.5
    """
    k = len(x1)
    x1_, t1_, x2_, t2_ = _floats(x1, t1, x2, t2)
    reasons = [
        "no person-time in an arm" if min(one, other) == 0 else "no events" if first + second == 0 else ""
        for first, one, second, other in zip(x1_, t1_, x2_, t2_, strict=True)
    ]
    (x1_, t1_, x2_, t2_), left_out = _keep((x1_, t1_, x2_, t2_), reasons)
    total = t1_ + t2_
    r, s = float((x1_ * t2_ / total).sum()), float((x2_ * t1_ / total).sum())
    soundness = _ratio_defined(r, s)
    if not soundness.usable:
        return _no_pool(k, left_out, soundness)
    variance = float((t1_ * t2_ * (x1_ + x2_) / total**2).sum() / (r * s))
    q, df = _q(log_rate_ratio, (x1_, t1_, x2_, t2_), math.log(r / s))
    return _pooled(math.log(r / s), variance, q, df, k=k, left_out=left_out)


def peto(a: Counts, n1: Counts, c: Counts, n2: Counts) -> CountPool:
    """Pool odds ratios by Peto's one-step method (Yusuf 1985); for rare events and balanced arms.

    >>> round(math.exp(peto([1, 0], [100, 90], [4, 3], [100, 90]).estimate), 3)
    0.217
    """
    k = len(a)
    columns, left_out = _informative(a, n1, c, n2, odds=True)
    effects = [peto_log_odds_ratio(*row) for row in zip(*columns, strict=True)]
    if not effects:
        return _no_pool(k, left_out, Soundness("too_few_events", "no study has an event and a non-event"))
    weight = np.array([1 / e.variance for e in effects])
    estimate = float((weight * [e.estimate for e in effects]).sum() / weight.sum())
    q = float(sum((e.estimate - estimate) ** 2 / e.variance for e in effects))
    return CountPool(estimate, float(weight.sum()) ** -0.5, q, k, len(effects) - 1, left_out)


def cochran_mantel_haenszel(a: Counts, n1: Counts, c: Counts, n2: Counts) -> TableTest:
    """Test a common odds ratio of 1 over strata, with continuity correction, by chi-square(1).

    >>> found = cochran_mantel_haenszel([5, 9], [50, 60], [10, 15], [50, 60])
    >>> round(found.statistic, 3), round(found.p_value, 3)
    (3.102, 0.078)
    """
    (a_, n1_, c_, n2_), left_out = _informative(a, n1, c, n2, odds=True)
    if not len(a_):
        return TableTest(
            math.nan, 1, math.nan, left_out, "too_few_events", "no study has an event and a non-event"
        )
    total, events = n1_ + n2_, a_ + c_
    variance = (n1_ * n2_ * events * (total - events) / (total**2 * (total - 1))).sum()
    away = abs((a_ - n1_ * events / total).sum())
    statistic = float((away - min(0.5, away)) ** 2 / variance)
    return TableTest(statistic, 1, float(laws.chi2_sf(statistic, 1)), left_out)


def tarone(a: Counts, n1: Counts, c: Counts, n2: Counts) -> TableTest:
    """Test that the strata share one odds ratio (Breslow-Day statistic as corrected by Tarone 1985).

    >>> found = tarone([5, 9], [50, 60], [10, 15], [50, 60])
    >>> round(found.statistic, 2), round(found.p_value, 2)
    (0.05, 0.82)
    """
    (a_, n1_, c_, n2_), left_out = _informative(a, n1, c, n2, odds=True)
    pooled = mantel_haenszel_or(a_, n1_, c_, n2_)
    if not pooled.usable or len(a_) < 2:
        reason = pooled.reason or "fewer than two studies say anything on the odds ratio"
        status: Status = pooled.status if not pooled.usable else "no_information"
        return TableTest(math.nan, max(len(a_) - 1, 0), math.nan, left_out, status, reason)
    ratio = math.exp(pooled.estimate)
    events = a_ + c_
    fitted = np.array([_fitted_cell(*row, ratio) for row in zip(n1_, n2_, events, strict=True)])
    variance = 1 / (1 / fitted + 1 / (events - fitted) + 1 / (n1_ - fitted) + 1 / (n2_ - events + fitted))
    statistic = float(((a_ - fitted) ** 2 / variance).sum() - (a_ - fitted).sum() ** 2 / variance.sum())
    return TableTest(statistic, len(a_) - 1, float(laws.chi2_sf(statistic, len(a_) - 1)), left_out)


def _fitted_cell(n1: float, n2: float, events: float, ratio: float) -> float:
    """Solve a(n2 - m + a) = OR (n1 - a)(m - a) for the cell a that the margins allow: the left side gains."""

    def excess(cell: float) -> float:
        return cell * (n2 - events + cell) - ratio * (n1 - cell) * (events - cell)

    return laws.root(excess, max(0.0, events - n2), min(n1, events))


def _informative(
    a: Counts, n1: Counts, c: Counts, n2: Counts, *, odds: bool
) -> tuple[tuple[Array, ...], LeftOut]:
    """Leave out the tables with an empty arm or no events; for odds also those with nothing but events."""
    a_, n1_, c_, n2_ = _floats(a, n1, c, n2)
    reasons = []
    for events, one, others, other in zip(a_, n1_, c_, n2_, strict=True):
        if events > one or others > other:
            message = f"events {events:g}/{one:g} and {others:g}/{other:g} do not fit their groups"
            raise ValueError(message)
        if min(one, other) == 0:
            reasons.append("an empty arm")
        elif events + others == 0:
            reasons.append("no events")
        else:
            reasons.append("nothing but events" if odds and events + others == one + other else "")
    return _keep((a_, n1_, c_, n2_), reasons)


def _keep(columns: tuple[Array, ...], reasons: Sequence[str]) -> tuple[tuple[Array, ...], LeftOut]:
    kept = np.array([not reason for reason in reasons], dtype=bool)
    left_out = tuple((i, reason) for i, reason in enumerate(reasons) if reason)
    return tuple(column[kept] for column in columns), left_out


def _ratio_defined(above: float, below: float) -> Soundness:
    if above == below == 0:
        return Soundness("too_few_events", "no study says anything on the ratio")
    if above == 0 or below == 0:
        return Soundness("separated", "one arm has no events in any study: the ratio is 0 or infinite")
    return OK


def _pooled(estimate: float, variance: float, q: float, q_df: int, *, k: int, left_out: LeftOut) -> CountPool:
    if not variance > 0:
        lost = Soundness("no_variance", "every participant has the event: the ratio has no sampling variance")
        return _no_pool(k, left_out, lost)
    return CountPool(estimate, math.sqrt(variance), q, k, q_df, left_out)


def _no_pool(k: int, left_out: LeftOut, soundness: Soundness) -> CountPool:
    return CountPool(math.nan, math.nan, math.nan, k, 0, left_out, soundness.status, soundness.reason)


def _q(
    effect: Callable[[float, float, float, float], EffectSize], columns: tuple[Array, ...], estimate: float
) -> tuple[float, int]:
    """Return Q of the individual effects and its degrees of freedom; tables all of events have no effect."""
    effects = [
        effect(*row)
        for row in zip(*columns, strict=True)
        if effect is log_rate_ratio or row[0] + row[2] < row[1] + row[3]
    ]
    if len(effects) < 2:
        return 0.0, 0
    q = sum((one.estimate - estimate) ** 2 / one.variance for one in effects)
    return float(q), len(effects) - 1


def _floats(*columns: Counts) -> tuple[Array, ...]:
    arrays = tuple(np.asarray(column, dtype=float) for column in columns)
    if len({len(one) for one in arrays}) > 1 or not all(np.all(np.isfinite(x) & (x >= 0)) for x in arrays):
        message = "allowed: four columns of equal length, finite and not negative"
        raise ValueError(message)
    return arrays
