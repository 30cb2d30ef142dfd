"""From what a paper prints (t, F, p, interval, standard error, median and range) to mean, SD and effect."""

from __future__ import annotations

import math

from eubiosis.core import laws
from eubiosis.core.scales import Scale, is_ratio
from eubiosis.evidence.synthesis.effects import EffectSize, smd_from_d


def sd_from_se(se: float, n: float) -> float:
    """Turn the standard error of a mean into the standard deviation: se sqrt(n) (Handbook 6.5.2.2)."""
    return se * math.sqrt(n)


def se_from_ci(low: float, high: float, *, level: float = 0.95, df: float | None = None) -> float:
    """Return the standard error behind a symmetric interval (Handbook 6.3.1).

    Without ``df`` the interval is taken as normal; with ``df`` as one of Student's t.
    """
    if high <= low:
        message = f"the interval [{low}, {high}] is empty"
        raise ValueError(message)
    return (high - low) / (2 * _critical(level, df))


def se_from_ratio_ci(low: float, high: float, *, level: float = 0.95) -> float:
    """Return the standard error of a log ratio from the ratio's interval (Handbook 6.3.2)."""
    if low <= 0:
        message = f"the lower limit {low} of a ratio must be positive"
        raise ValueError(message)
    return se_from_ci(math.log(low), math.log(high), level=level)


def se_from_p(estimate: float, p: float, *, df: float | None = None) -> float:
    """Return the standard error behind a two-sided p value (Handbook 6.3.2, 6.5.2.3)."""
    return abs(estimate) / abs(statistic_from_p(p, df=df))


def statistic_from_p(p: float, *, df: float | None = None) -> float:
    """Return the absolute t (or z without ``df``) of a two-sided p value; p must lie inside 0 to 1."""
    if not 0 < p < 1:
        message = f"p = {p} lies outside 0 to 1"
        raise ValueError(message)
    return float(laws.normal_point(p / 2) if df is None else laws.t_point(p / 2, df))


def effect_from_ci(
    estimate: float, low: float, high: float, scale: Scale, *, level: float = 0.95
) -> EffectSize:
    """Build an effect from a printed estimate and interval; ratios are given as ratios, returned as logs."""
    if is_ratio(scale):
        return EffectSize(math.log(estimate), se_from_ratio_ci(low, high, level=level) ** 2, scale)
    return EffectSize(estimate, se_from_ci(low, high, level=level) ** 2, scale)


def sd_from_difference_se(se: float, n1: float, n2: float) -> float:
    """Return the SD common to two groups behind the SE of their difference (Handbook 6.5.2.3).

    Applied to an adjusted difference it gives the residual SD, which is smaller than the raw one; a
    standardised difference built on it is then too large, so the record has to say so.
    """
    return se / math.sqrt(1 / n1 + 1 / n2)


def smd_from_t(t: float, n1: float, n2: float) -> EffectSize:
    """Return Hedges' g from an independent-samples t: d = t sqrt(1/n1 + 1/n2)."""
    return smd_from_d(t * math.sqrt(1 / n1 + 1 / n2), n1, n2)


def smd_from_f(f: float, n1: float, n2: float, *, sign: int) -> EffectSize:
    """Return Hedges' g from a one-way F with 1 numerator degree of freedom; F has lost the ``sign``."""
    if sign not in (-1, 1) or f < 0:
        message = f"F = {f} with sign {sign}: F must not be negative, sign is -1 or 1"
        raise ValueError(message)
    return smd_from_t(sign * math.sqrt(f), n1, n2)


def smd_from_p(p: float, n1: float, n2: float, *, sign: int) -> EffectSize:
    """Return Hedges' g from the exact two-sided p of a t test of two groups."""
    return smd_from_t(sign * statistic_from_p(p, df=n1 + n2 - 2), n1, n2)


def mean_sd_from_quartiles(q1: float, median: float, q3: float, n: float) -> tuple[float, float]:
    """Estimate mean and SD from median and quartiles (mean: Luo 2018; SD: Wan 2014, scenario 3).

    Both assume a symmetric distribution; the mean weighs the quartiles with 0.7 + 0.39/n.
    """
    weight = 0.7 + 0.39 / n
    mean = weight * (q1 + q3) / 2 + (1 - weight) * median
    width = 2 * float(laws.normal_quantile((0.75 * n - 0.125) / (n + 0.25)))
    return mean, (q3 - q1) / width


def mean_sd_from_range(low: float, median: float, high: float, n: float) -> tuple[float, float]:
    """Estimate mean and SD from median, smallest and largest (mean: Luo 2018; SD: Wan 2014, scenario 1)."""
    weight = 4 / (4 + n**0.75)
    mean = weight * (low + high) / 2 + (1 - weight) * median
    return mean, (high - low) / (2 * float(laws.normal_quantile((n - 0.375) / (n + 0.25))))


def _critical(level: float, df: float | None) -> float:
    tail = (1 - level) / 2
    return float(laws.normal_point(tail) if df is None else laws.t_point(tail, df))
