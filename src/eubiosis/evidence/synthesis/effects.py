"""Effect sizes with their sampling variances.

Every function returns an ``EffectSize`` on the scale that its name says; ratios are natural logarithms.
Group 1 is the treated group, group 2 the control group. Equations are cited in each docstring; a bare
"Handbook" is the Cochrane Handbook for Systematic Reviews of Interventions, version 6, chapter 6 or 10.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.special import gammaln

from eubiosis.core.scales import Scale


@dataclass(frozen=True)
class EffectSize:
    """One estimate and its sampling variance on a named scale."""

    estimate: float
    variance: float
    scale: Scale

    def __post_init__(self) -> None:
        if not math.isfinite(self.estimate):
            message = f"the estimate {self.estimate} is not finite"
            raise ValueError(message)
        if not (math.isfinite(self.variance) and self.variance > 0):
            message = f"the variance {self.variance} is not a positive number"
            raise ValueError(message)

    @property
    def standard_error(self) -> float:
        """Return the square root of the variance."""
        return math.sqrt(self.variance)


def mean_difference(m1: float, sd1: float, n1: float, m2: float, sd2: float, n2: float) -> EffectSize:
    """Subtract two independent means; variance sd1^2/n1 + sd2^2/n2 (Handbook 10.3.1).

    >>> mean_difference(10, 2, 30, 9, 2, 30)
    EffectSize(estimate=1, variance=0.26666666666666666, scale='MD')
    """
    _check_groups(sd1, n1, sd2, n2)
    return EffectSize(m1 - m2, sd1**2 / n1 + sd2**2 / n2, "MD")


def hedges_correction(df: float) -> float:
    """Return the exact factor J that removes the small-sample bias of d (Hedges 1981, gamma functions).

    ``df`` are the degrees of freedom of the standardiser, more than 1.
    """
    if df <= 1:
        message = f"J needs more than 1 degree of freedom, not {df}"
        raise ValueError(message)
    return math.exp(float(gammaln(df / 2) - gammaln((df - 1) / 2)) - 0.5 * math.log(df / 2))


def pooled_sd(sd1: float, n1: float, sd2: float, n2: float) -> float:
    """Pool two standard deviations with n - 1 weights."""
    _check_groups(sd1, n1, sd2, n2)
    return math.sqrt(((n1 - 1) * sd1**2 + (n2 - 1) * sd2**2) / (n1 + n2 - 2))


def standardised_mean_difference(
    m1: float, sd1: float, n1: float, m2: float, sd2: float, n2: float, *, variance: str = "large-sample"
) -> EffectSize:
    """Divide a mean difference by the pooled SD, with Hedges' exact correction (Hedges & Olkin 1985).

    ``variance`` is "large-sample" (1/n1 + 1/n2 + g^2/(2(n1+n2))) or "unbiased" (Hedges 1983:
    1/n1 + 1/n2 + (1 - (m-2)/(m J^2)) g^2 with m = n1+n2-2).
    """
    d = (m1 - m2) / pooled_sd(sd1, n1, sd2, n2)
    return smd_from_d(d, n1, n2, variance=variance)


def smd_from_d(d: float, n1: float, n2: float, *, variance: str = "large-sample") -> EffectSize:
    """Correct Cohen's d of two groups and attach its variance, as ``standardised_mean_difference``."""
    df = n1 + n2 - 2
    correction = hedges_correction(df)
    g = correction * d
    base = 1 / n1 + 1 / n2
    if variance == "large-sample":
        return EffectSize(g, base + g**2 / (2 * (n1 + n2)), "SMD")
    if variance == "unbiased":
        return EffectSize(g, base + (1 - (df - 2) / (df * correction**2)) * g**2, "SMD")
    message = f'variance "{variance}" is unknown; allowed: large-sample, unbiased'
    raise ValueError(message)


def change_score(
    m_before: float, m_after: float, *, sd_before: float, sd_after: float, n: float, r: float
) -> EffectSize:
    """Return the mean change of one group, after minus before, given the correlation r of the two.

    The variance of a difference: (s0^2 + s1^2 - 2 r s0 s1)/n (Handbook 6.5.2.8).
    """
    return EffectSize(m_after - m_before, change_sd(sd_before, sd_after, r) ** 2 / n, "MD")


def change_sd(sd_before: float, sd_after: float, r: float) -> float:
    """Return the SD of a change from the SDs before and after and their correlation r (Handbook 6.5.2.8)."""
    if not -1 <= r <= 1:
        message = f"the correlation {r} lies outside -1 to 1"
        raise ValueError(message)
    return math.sqrt(sd_before**2 + sd_after**2 - 2 * r * sd_before * sd_after)


def standardised_change(m_before: float, m_after: float, sd_before: float, n: float, r: float) -> EffectSize:
    """Divide a mean change by the SD before, corrected for bias (Becker 1988).

    Variance 2(1-r)/n + g^2/(2n). It is a within-group change and never an effect against a control.
    """
    g = hedges_correction(n - 1) * (m_after - m_before) / sd_before
    return EffectSize(g, 2 * (1 - r) / n + g**2 / (2 * n), "SMD")


def difference_of_changes(treated: EffectSize, control: EffectSize) -> EffectSize:
    """Subtract the control group's (standardised) change from the treated group's (Becker 1988)."""
    if treated.scale != control.scale:
        message = f"changes on two scales: {treated.scale} and {control.scale}"
        raise ValueError(message)
    return EffectSize(treated.estimate - control.estimate, treated.variance + control.variance, treated.scale)


def log_risk_ratio(a: float, n1: float, c: float, n2: float) -> EffectSize:
    """Return log((a/n1)/(c/n2)), variance 1/a - 1/n1 + 1/c - 1/n2 (Handbook 6.4.1.1).

    ``a`` of ``n1`` treated and ``c`` of ``n2`` controls had the event; where a cell of the 2x2 table is
    zero, 0.5 is added to all four cells.
    """
    a, b, c, d = _cells(a, n1, c, n2)
    return EffectSize(
        math.log(a / (a + b)) - math.log(c / (c + d)), 1 / a - 1 / (a + b) + 1 / c - 1 / (c + d), "log RR"
    )


def log_odds_ratio(a: float, n1: float, c: float, n2: float) -> EffectSize:
    """Return log(ad/(bc)), variance 1/a + 1/b + 1/c + 1/d (Woolf 1955); zero cells as in the risk ratio."""
    a, b, c, d = _cells(a, n1, c, n2)
    return EffectSize(math.log(a * d / (b * c)), 1 / a + 1 / b + 1 / c + 1 / d, "log OR")


def risk_difference(a: float, n1: float, c: float, n2: float) -> EffectSize:
    """Return a/n1 - c/n2, variance p(1-p)/n of each group added; zero cells as in the risk ratio."""
    a, b, c, d = _cells(a, n1, c, n2)
    p1, p2 = a / (a + b), c / (c + d)
    return EffectSize(p1 - p2, p1 * (1 - p1) / (a + b) + p2 * (1 - p2) / (c + d), "RD")


def peto_log_odds_ratio(a: float, n1: float, c: float, n2: float) -> EffectSize:
    """Return (O - E)/V with the hypergeometric V, variance 1/V (Yusuf 1985)."""
    total, events = n1 + n2, a + c
    v = n1 * n2 * events * (total - events) / (total**2 * (total - 1))
    if v <= 0:
        message = "the Peto odds ratio needs at least one event and one non-event"
        raise ValueError(message)
    return EffectSize((a - n1 * events / total) / v, 1 / v, "log OR")


def log_rate_ratio(
    events1: float, time1: float, events2: float, time2: float, *, overdispersion: float = 1.0
) -> EffectSize:
    """Return log((x1/t1)/(x2/t2)), variance phi (1/x1 + 1/x2) (Handbook 6.7.1 for phi = 1).

    ``time`` is person-time; a zero count adds 0.5 to both counts. Relapse counts vary more than a
    Poisson count, so ``overdispersion`` phi above 1 should be given where it is known.
    """
    if min(time1, time2) <= 0 or min(events1, events2) < 0 or overdispersion < 1:
        message = "times must be positive, counts not negative, overdispersion at least 1"
        raise ValueError(message)
    if min(events1, events2) == 0:
        events1, events2 = events1 + 0.5, events2 + 0.5
    estimate = math.log(events1 / time1) - math.log(events2 / time2)
    return EffectSize(estimate, overdispersion * (1 / events1 + 1 / events2), "log rate ratio")


def log_hazard_ratio_from_logrank(observed_minus_expected: float, variance: float) -> EffectSize:
    """Return (O-E)/V, variance 1/V, of the log-rank test of the treated group (Peto; Tierney 2007)."""
    return EffectSize(observed_minus_expected / variance, 1 / variance, "log HR")


def _cells(a: float, n1: float, c: float, n2: float) -> tuple[float, float, float, float]:
    b, d = n1 - a, n2 - c
    if min(a, b, c, d) < 0:
        message = f"events {a}/{n1} and {c}/{n2} do not fit their groups"
        raise ValueError(message)
    if min(a, b, c, d) == 0:
        return a + 0.5, b + 0.5, c + 0.5, d + 0.5
    return a, b, c, d


def _check_groups(sd1: float, n1: float, sd2: float, n2: float) -> None:
    if min(sd1, sd2) < 0 or max(sd1, sd2) == 0:
        message = f"standard deviations {sd1} and {sd2}: none may be negative, not both zero"
        raise ValueError(message)
    if min(n1, n2) < 2:
        message = f"groups of {n1} and {n2}: each needs at least 2"
        raise ValueError(message)
