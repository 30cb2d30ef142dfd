"""Sample size and power for means, ANCOVA, hazard ratios, proportions, crossover and clusters.

Powers are two-sided at ``alpha`` and do not count rejections in the wrong direction.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np

from eubiosis.analysis.planning.sizes import SampleSize, positive, quantiles, round_up, solve_size
from eubiosis.core import laws

AncovaMethod = Literal["reduced SD", "Borm", "exact"]


def t_test_power(n_per_arm: float, effect_size: float, alpha: float = 0.05) -> float:
    """Return the power of Student's t test for a standardised difference, by the noncentral t law.

    >>> round(t_test_power(20, 0.3), 4)
    0.1503
    """
    return _t_power(2 * (n_per_arm - 1), abs(effect_size) * math.sqrt(n_per_arm / 2), alpha)


def t_test_size(effect_size: float, *, power: float = 0.8, alpha: float = 0.05) -> SampleSize:
    """Compute the size of a two-arm trial for a standardised difference in means.

    >>> t_test_size(0.3).n_per_arm
    176
    """
    positive(effect_size=abs(effect_size))
    quantiles(alpha, power)
    exact = solve_size(lambda n: t_test_power(n, effect_size, alpha), power, 2.0)
    n = round_up(exact)
    return SampleSize(
        "mean difference", "t test", n, n, exact, t_test_power(n, effect_size, alpha), power, alpha
    )


def ancova_size(
    effect_size: float,
    baseline_correlation: float,
    *,
    power: float = 0.8,
    alpha: float = 0.05,
    method: AncovaMethod = "reduced SD",
) -> SampleSize:
    """Compute the size of a two-arm trial analysed by ANCOVA on the baseline value.

    "reduced SD" is the t test with the standard deviation times sqrt(1 - r^2); "Borm" the t-test size
    times 1 - r^2 plus one per arm (Borm 2007, Journal of Clinical Epidemiology 60:1234); "exact" treats
    the baseline as normal and random (Shieh 2020, Psychometrika 85:101). A correlation outside
    (-1, 1) raises ``ValueError``.

    >>> [ancova_size(0.3, 0.5, method=m).n_per_arm for m in ("reduced SD", "Borm")]
    [132, 133]
    """
    if not -1 < baseline_correlation < 1:
        message = f"baseline_correlation {baseline_correlation}; allowed: between -1 and 1"
        raise ValueError(message)
    unexplained = 1 - baseline_correlation**2
    if method == "Borm":
        exact = t_test_size(effect_size, power=power, alpha=alpha).n_control_exact * unexplained + 1
    elif method == "exact":
        exact = solve_size(
            lambda n: ancova_power((n, n), (0.0, effect_size), unexplained, alpha=alpha), power, 3.0
        )
    else:
        exact = t_test_size(effect_size / math.sqrt(unexplained), power=power, alpha=alpha).n_control_exact
    n = round_up(exact)
    reached = ancova_power((n, n), (0.0, effect_size), unexplained, alpha=alpha)
    detail = {"power_is": "exact power of the rounded size (Shieh 2020)"}
    return SampleSize("mean difference", f"ANCOVA, {method}", n, n, exact, reached, power, alpha, detail)


def ancova_power(
    sizes: Sequence[float],
    means: Sequence[float],
    error_variance: float,
    *,
    covariates: int = 1,
    alpha: float = 0.05,
    law: Literal["exact", "Shieh"] = "exact",
) -> float:
    """Return the power of the ANCOVA F test of equal adjusted means with normal covariates.

    ``sizes`` and ``means`` (arms,), ``error_variance`` that left by the covariates. With N participants,
    G arms and P random normal covariates the noncentrality is that of the design without covariates
    times a Beta((N - 1 - P)/2, P/2) variable, over which the power is averaged. Shieh (2020), whom the R
    function follows, takes Beta((N - G - P + 1)/2, P/2): the same for two arms, and slightly low for
    more, where imbalance of the covariates in the other contrasts also counts. With two arms the F test
    rejects in either direction.
    """
    from scipy.integrate import quad
    from scipy.stats import beta, f, ncf

    n, mean = np.asarray(sizes, dtype=np.float64), np.asarray(means, dtype=np.float64)
    groups, total = len(n), float(n.sum())
    contrasts, freedom = groups - 1, total - groups - covariates
    centre = float(n @ mean) / total
    shift = float(n @ (mean - centre) ** 2) / error_variance
    critical = float(f.isf(alpha, contrasts, freedom))
    extra = contrasts if law == "exact" else 1
    balance = beta((total - groups + extra - covariates) / 2, covariates / 2)
    value, _ = quad(
        lambda p: float(ncf.sf(critical, contrasts, freedom, max(shift * float(balance.ppf(p)), 1e-12))),
        0.0,
        1.0,
        epsabs=1e-9,
        epsrel=1e-9,
        limit=200,
    )
    return float(value)


def paired_t_size(effect_size: float, *, power: float = 0.8, alpha: float = 0.05) -> SampleSize:
    """Compute the number of pairs (or of participants of a crossover) for a standardised difference.

    ``effect_size`` is the difference over the standard deviation of the within-pair differences. The
    number stands in ``n_control``; nobody is added for the other arm.
    """
    positive(effect_size=abs(effect_size))

    def power_at(pairs: float) -> float:
        return _t_power(pairs - 1, abs(effect_size) * math.sqrt(pairs), alpha)

    exact = solve_size(power_at, power, 2.0)
    n = round_up(exact)
    return SampleSize("mean difference", "paired t test", n, 0, exact, power_at(n), power, alpha)


def proportions_size(
    control: float, treated: float, *, power: float = 0.8, alpha: float = 0.05
) -> SampleSize:
    """Compute the size for two proportions by the normal test with the pooled variance under the null."""
    if not (0 < control < 1 and 0 < treated < 1) or control == treated:
        message = f"proportions {control} and {treated}; allowed: two different values between 0 and 1"
        raise ValueError(message)
    z_alpha, z_beta = quantiles(alpha, power)
    pooled = math.sqrt((control + treated) * (1 - (control + treated) / 2))
    apart = math.sqrt(control * (1 - control) + treated * (1 - treated))
    gap = abs(control - treated)
    exact = ((z_alpha * pooled + z_beta * apart) / gap) ** 2
    n = round_up(exact)
    reached = float(laws.normal_cdf((math.sqrt(n) * gap - z_alpha * pooled) / apart))
    detail = {"cohen_h": cohen_h(control, treated)}
    return SampleSize(
        "risk difference", "normal test of two proportions", n, n, exact, reached, power, alpha, detail
    )


def cohen_h(first: float, second: float) -> float:
    """Return the difference of the arcsine-transformed proportions, positive when the first is larger.

    >>> round(cohen_h(0.5, 0.3), 4)
    0.4115
    """
    return 2 * math.asin(math.sqrt(first)) - 2 * math.asin(math.sqrt(second))


def hazard_ratio_events(
    hazard_ratio: float, *, power: float = 0.8, alpha: float = 0.05, allocation: float = 1.0
) -> float:
    """Return the number of events for a hazard ratio (Schoenfeld 1983, Biometrics 39:499), unrounded.

    >>> round(hazard_ratio_events(0.7), 1)
    246.8
    """
    positive(hazard_ratio=hazard_ratio, allocation=allocation)
    if hazard_ratio == 1:
        message = "hazard_ratio 1; allowed: any other positive number"
        raise ValueError(message)
    z_alpha, z_beta = quantiles(alpha, power)
    balance = (1 + allocation) ** 2 / allocation
    return balance * ((z_alpha + z_beta) / math.log(hazard_ratio)) ** 2


def hazard_ratio_size(
    hazard_ratio: float,
    control_hazard: float,
    *,
    follow_up_years: float,
    accrual_years: float = 0.0,
    dropout_per_year: float = 0.0,
    power: float = 0.8,
    alpha: float = 0.05,
    allocation: float = 1.0,
) -> SampleSize:
    """Compute the size of a trial with a time-to-event endpoint and exponential times.

    ``control_hazard`` and ``dropout_per_year`` are constant hazards per year; participants enter uniformly
    over ``accrual_years`` and are followed until ``follow_up_years`` after the last entry.
    """
    positive(control_hazard=control_hazard, follow_up_years=follow_up_years)
    events = hazard_ratio_events(hazard_ratio, power=power, alpha=alpha, allocation=allocation)
    chance = [
        event_probability(hazard, follow_up_years, accrual_years, dropout_per_year)
        for hazard in (control_hazard, hazard_ratio * control_hazard)
    ]
    exact = events / (chance[0] + allocation * chance[1])
    n_control, n_treated = round_up(exact), round_up(allocation * exact)
    got = n_control * chance[0] + n_treated * chance[1]
    z_alpha, _ = quantiles(alpha, power)
    ratio = n_treated / n_control
    reached = float(
        laws.normal_cdf(math.sqrt(got * ratio) / (1 + ratio) * abs(math.log(hazard_ratio)) - z_alpha)
    )
    detail: dict[str, float | int | str] = {
        "events": round_up(events),
        "events_exact": events,
        "event_probability_control": chance[0],
        "event_probability_treated": chance[1],
    }
    return SampleSize(
        "hazard ratio", "Schoenfeld", n_control, n_treated, exact, reached, power, alpha, detail
    )


def event_probability(
    hazard: float, follow_up_years: float, accrual_years: float = 0.0, dropout_per_year: float = 0.0
) -> float:
    """Return the probability that an event is seen before drop-out and before the trial ends."""
    total = hazard + dropout_per_year
    if accrual_years == 0:
        return hazard / total * -math.expm1(-total * follow_up_years)
    lived = math.exp(-total * follow_up_years) * -math.expm1(-total * accrual_years) / (total * accrual_years)
    return hazard / total * (1 - lived)


def design_effect(cluster_size: float, intraclass_correlation: float, size_variation: float = 0.0) -> float:
    """Return the factor by which clusters inflate a sample size.

    1 + ((1 + CV^2) m - 1) ICC with mean cluster size m and ``size_variation`` its coefficient of
    variation (Eldridge 2006, International Journal of Epidemiology 35:1292).

    >>> round(design_effect(10, 0.05), 2)
    1.45
    """
    return 1 + ((1 + size_variation**2) * cluster_size - 1) * intraclass_correlation


def _t_power(freedom: float, shift: float, alpha: float) -> float:
    from scipy.special import nctdtr

    return float(1 - nctdtr(freedom, shift, float(laws.t_point(alpha / 2, freedom))))
