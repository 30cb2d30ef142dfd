"""What was observed in each arm: means by visit, rates, shares, survival; and what is missing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from eubiosis.analysis.estimators.survival import SurvivalCurve, kaplan_meier
from eubiosis.analysis.trial_table.cells import Floats
from eubiosis.analysis.trial_table.prepare import EndpointData
from eubiosis.core.trial_plan import TrialPlan

Statistic = Literal["mean", "geometric mean", "events per exposure", "share with the event"]


@dataclass(frozen=True)
class ArmSummary:
    """One arm at one visit: the statistic as observed, its interval, and how many have a value."""

    arm: str
    visit: str
    week: float
    statistic: Statistic
    n: int
    missing: int
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class ArmCurve:
    """The Kaplan-Meier curve of one arm."""

    arm: str
    curve: SurvivalCurve


def summaries_of(data: EndpointData, plan: TrialPlan) -> tuple[ArmSummary, ...]:
    """Summarise what was observed, arm by arm, at every visit of the endpoint or once.

    Means have intervals of Student's t (of the logarithm for geometric means), shares Wilson's, rates those
    of Student's t of the ratio of totals. They are not adjusted for anything.
    """
    rows = []
    for arm in plan.arms:
        inside = data.arm == arm.name
        if data.planned.kind == "count":
            assert data.exposure is not None
            rows.append(_rate(data.outcome[inside], data.exposure[inside], arm.name, data, plan))
            continue
        if data.planned.kind == "time to event":
            continue
        for k in range(data.by_visit.shape[1]):
            values = data.by_visit[inside, k]
            visit, week = (data.visits[k].name, data.visits[k].week) if data.visits else ("", math.nan)
            rows.append(_one(values, arm.name, visit, week, data, plan))
    return tuple(rows)


def curves_of(data: EndpointData, plan: TrialPlan) -> tuple[ArmCurve, ...]:
    """Return the survival curve of each arm of a time to an event, of who has a time and a status."""
    if data.event is None:
        return ()
    complete = ~np.isnan(data.outcome) & ~np.isnan(data.event)
    curves = []
    for arm in plan.arms:
        rows = complete & (data.arm == arm.name)
        if rows.any():
            curves.append(ArmCurve(arm.name, kaplan_meier(data.outcome[rows], data.event[rows])))
    return tuple(curves)


def _one(
    values: Floats, arm: str, visit: str, week: float, data: EndpointData, plan: TrialPlan
) -> ArmSummary:
    seen = values[~np.isnan(values)]
    missing = len(values) - len(seen)
    if data.planned.kind == "binary":
        share, low, high = _wilson(float(seen.sum()), len(seen), plan.alpha)
        return ArmSummary(arm, visit, week, "share with the event", len(seen), missing, share, low, high)
    log = data.planned.kind == "ratio biomarker"
    mean, low, high = _mean(np.log(seen) if log else seen, plan.alpha)
    if log:
        mean, low, high = math.exp(mean), math.exp(low), math.exp(high)
    statistic: Statistic = "geometric mean" if log else "mean"
    return ArmSummary(arm, visit, week, statistic, len(seen), missing, mean, low, high)


def _mean(values: Floats, alpha: float) -> tuple[float, float, float]:
    """Return the mean and the interval of Student's t; NaN where there are too few."""
    if len(values) == 0:
        return math.nan, math.nan, math.nan
    mean = float(values.mean())
    if len(values) == 1:
        return mean, math.nan, math.nan
    reach = _t_point(alpha, len(values) - 1) * float(values.std(ddof=1)) / math.sqrt(len(values))
    return mean, mean - reach, mean + reach


def _t_point(alpha: float, freedom: int) -> float:
    from scipy.special import stdtrit

    return -float(stdtrit(freedom, alpha / 2))


def _wilson(events: float, n: int, alpha: float) -> tuple[float, float, float]:
    """Return a share and its score interval (Wilson 1927)."""
    from scipy.special import ndtri

    if n == 0:
        return math.nan, math.nan, math.nan
    z = -float(ndtri(alpha / 2))
    share = events / n
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    reach = z / (1 + z**2 / n) * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return share, 0.0 if events == 0 else middle - reach, 1.0 if events == n else middle + reach


def _rate(counts: Floats, exposure: Floats, arm: str, data: EndpointData, plan: TrialPlan) -> ArmSummary:
    """Return total events over total exposure; the interval is that of a ratio of means over people."""
    seen = ~np.isnan(counts) & (exposure > 0)
    n, events, total = int(seen.sum()), float(counts[seen].sum()), float(exposure[seen].sum())
    visit = data.planned.visit or ""
    week = plan.week(visit) if visit else math.nan
    missing = len(counts) - n
    if n < 2 or total == 0:
        return ArmSummary(arm, visit, week, "events per exposure", n, missing, math.nan, math.nan, math.nan)
    rate = events / total
    spread = float(np.sum((counts[seen] - rate * exposure[seen]) ** 2))
    error = math.sqrt(n / (n - 1) * spread) / total
    reach = _t_point(plan.alpha, n - 1) * error
    low = max(rate - reach, 0.0)
    return ArmSummary(arm, visit, week, "events per exposure", n, missing, rate, low, rate + reach)
