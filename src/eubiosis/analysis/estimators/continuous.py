"""Scores and biomarkers at one visit: ANCOVA, ratios of geometric means, standardised differences."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from eubiosis.analysis.columns import TABLE, DesignMatrix, Floats, arm_column, build_design, demand_arm
from eubiosis.analysis.estimators.linear import NO_RESIDUAL, Covariance, LinearFit, fit_least_squares
from eubiosis.analysis.guard import vanishes
from eubiosis.analysis.result import Estimate, Scale, failed, wald
from eubiosis.core.findings import FindingCollector
from eubiosis.core.soundness import OK, Soundness, worst


def ancovas(
    outcome: ArrayLike,
    arm: ArrayLike,
    *,
    control: str,
    covariates: Mapping[str, ArrayLike] | None = None,
    covariance: Covariance = "model",
    endpoint: str = "score",
    level: float = 0.95,
) -> tuple[Estimate, ...]:
    """Estimate the adjusted mean difference of every arm against control by analysis of covariance.

    ``outcome`` and ``arm`` have one entry per participant; ``covariates`` holds the baseline value and
    the strata, text columns being coded against their first level. ``covariance`` "HC3" is robust to
    unequal variances. The interval uses Student's t with the residual degrees of freedom. ``detail`` has
    the residual SD, R2, the SD of the outcome pooled within the two arms and the crude difference. Rows
    with a missing value are counted; columns of unequal length raise.

    >>> import numpy as np
    >>> fatigue = np.array([40.0, 42.0, 44.0, 35.0, 38.0, 41.0])
    >>> arm = np.array(["placebo"] * 3 + ["inulin"] * 3)
    >>> round(ancovas(fatigue, arm, control="placebo")[0].estimate, 6)
    -4.0
    """
    design = build_design(arm, control, required={"outcome": outcome}, covariates=covariates)
    fit = fit_least_squares(design.values["outcome"], design.matrix, covariance)
    method = "ANCOVA" if covariance == "model" else f"ANCOVA, {covariance}"
    return tuple(
        _difference(
            design, fit, treated, method=method, scale="mean difference", endpoint=endpoint, level=level
        )
        for treated in design.treated_arms
    )


def ancova(
    outcome: ArrayLike,
    arm: ArrayLike,
    *,
    treated: str,
    control: str,
    covariates: Mapping[str, ArrayLike] | None = None,
    covariance: Covariance = "model",
    endpoint: str = "score",
    level: float = 0.95,
) -> Estimate:
    """Estimate the adjusted mean difference of one arm against another; see ``ancovas``.

    >>> arm = ["active", "control"] * 4
    >>> before, after = [30, 28, 35, 33, 41, 40, 25, 27], [26, 28, 30, 34, 35, 41, 22, 26]
    >>> found = ancova(after, arm, treated="active", control="control", covariates={"baseline": before})
    >>> found.status, round(found.estimate, 2)
    ('ok', -4.71)
    """
    results = ancovas(
        outcome,
        arm,
        control=control,
        covariates=covariates,
        covariance=covariance,
        endpoint=endpoint,
        level=level,
    )
    return _pick(results, treated)


def geometric_mean_ratio(
    outcome: ArrayLike,
    arm: ArrayLike,
    *,
    treated: str,
    control: str,
    baseline: ArrayLike | None = None,
    covariates: Mapping[str, ArrayLike] | None = None,
    covariance: Covariance = "model",
    endpoint: str = "biomarker",
    level: float = 0.95,
) -> Estimate:
    """Estimate the ratio of geometric means of a positive biomarker by ANCOVA of its logarithm.

    ``baseline``, on the biomarker's own scale, enters as its logarithm; other covariates as they are. A
    value of zero or less has no logarithm and raises: a value below the limit of quantification has to
    be set by the caller, by a stated rule.

    >>> arm = ["active", "control"] * 3
    >>> found = geometric_mean_ratio([2.0, 1.0, 2.2, 1.1, 1.8, 0.9], arm, treated="active", control="control")
    >>> found.status, round(found.estimate, 2)
    ('ok', 2.0)
    """
    results = geometric_mean_ratios(
        outcome,
        arm,
        control=control,
        baseline=baseline,
        covariates=covariates,
        covariance=covariance,
        endpoint=endpoint,
        level=level,
    )
    return _pick(results, treated)


def geometric_mean_ratios(
    outcome: ArrayLike,
    arm: ArrayLike,
    *,
    control: str,
    baseline: ArrayLike | None = None,
    covariates: Mapping[str, ArrayLike] | None = None,
    covariance: Covariance = "model",
    endpoint: str = "biomarker",
    level: float = 0.95,
) -> tuple[Estimate, ...]:
    """Estimate the ratio of every arm against control from one regression; see ``geometric_mean_ratio``."""
    findings = FindingCollector()
    logs: dict[str, Floats] = {}
    for name, column in (("outcome", outcome), ("log baseline", baseline)):
        if column is None:
            continue
        values = np.asarray(column, dtype=np.float64)
        if np.any(values <= 0):
            findings.add(
                TABLE, name, "a value of zero or less", allowed="positive values, or missing ones",
                next_step="set values below the limit of quantification by a stated rule",
            )  # fmt: skip
        else:
            logs[name] = np.log(values)
    findings.raise_if_any()
    extra = {"log baseline": logs["log baseline"]} if baseline is not None else {}
    design = build_design(
        arm, control, required={"outcome": logs["outcome"]}, covariates={**extra, **(covariates or {})}
    )
    fit = fit_least_squares(design.values["outcome"], design.matrix, covariance)
    return tuple(
        _difference(
            design,
            fit,
            name,
            method="ANCOVA of the logarithm",
            scale="ratio of geometric means",
            endpoint=endpoint,
            level=level,
        )
        for name in design.treated_arms
    )


def cohen_d(
    outcome: ArrayLike,
    arm: ArrayLike,
    *,
    treated: str,
    control: str,
    endpoint: str = "score",
    level: float = 0.95,
) -> Estimate:
    """Estimate Cohen's d: the crude mean difference over the SD pooled within the two arms.

    The interval inverts the noncentral t distribution; the p-value is that of Student's t test. The
    standard error is sqrt(1/n1 + 1/n0 + d^2 / (2 (n1 + n0))) (Hedges and Olkin 1985), for display.

    >>> arm = ["active", "control"] * 3
    >>> round(cohen_d([5, 3, 6, 4, 7, 5], arm, treated="active", control="control").estimate, 2)
    2.0
    """
    return _standardised(
        outcome, arm, treated=treated, control=control, endpoint=endpoint, level=level, corrected=False
    )


def hedges_g(
    outcome: ArrayLike,
    arm: ArrayLike,
    *,
    treated: str,
    control: str,
    endpoint: str = "score",
    level: float = 0.95,
) -> Estimate:
    """Estimate Hedges' g: Cohen's d and its interval times the exact small-sample factor J.

    J = Gamma(m/2) / (sqrt(m/2) Gamma((m-1)/2)) with m = n1 + n0 - 2 (Hedges 1981).

    >>> arm = ["active", "control"] * 3
    >>> round(hedges_g([5, 3, 6, 4, 7, 5], arm, treated="active", control="control").estimate, 2)
    1.6
    """
    return _standardised(
        outcome, arm, treated=treated, control=control, endpoint=endpoint, level=level, corrected=True
    )


def small_sample_factor(degrees_of_freedom: float) -> float:
    """Return Hedges' exact factor J, which makes a standardised difference unbiased.

    >>> round(small_sample_factor(10), 4)
    0.9227
    """
    from scipy.special import gammaln

    half = degrees_of_freedom / 2
    return float(np.exp(gammaln(half) - gammaln(half - 0.5)) / math.sqrt(half))


def noncentral_t_interval(statistic: float, degrees_of_freedom: float, level: float) -> tuple[float, float]:
    """Return the noncentrality parameters for which ``statistic`` is the upper and the lower tail point."""
    from scipy.optimize import brentq
    from scipy.stats import nct

    tail = (1 - level) / 2

    def solve(probability: float) -> float:
        def excess(shift: float) -> float:  # falls as the shift grows
            return float(nct.cdf(statistic, degrees_of_freedom, shift)) - probability

        direction = 1.0 if excess(statistic) > 0 else -1.0
        near, far = statistic, statistic + direction
        while excess(far) * direction > 0:
            near, far = far, far + direction
        return float(brentq(excess, min(near, far), max(near, far), xtol=1e-12))

    return solve(1 - tail), solve(tail)


def pooled_sd(first: Floats, second: Floats) -> float:
    """Return the standard deviation pooled within two groups."""
    freedom = len(first) + len(second) - 2
    total = float(np.sum((first - first.mean()) ** 2) + np.sum((second - second.mean()) ** 2))
    return math.sqrt(total / freedom)


def enough(one: Floats, other: Floats) -> Soundness:
    """Say whether both arms have the two participants that a difference of means needs."""
    if min(len(one), len(other)) < 2:
        return Soundness("too_few_participants", f"{len(one)} and {len(other)} participants in the two arms")
    return OK


def _difference(
    design: DesignMatrix,
    fit: LinearFit,
    treated: str,
    *,
    method: str,
    scale: Scale,
    endpoint: str,
    level: float,
) -> Estimate:
    outcome = design.values["outcome"]
    one, other = outcome[design.arm == treated], outcome[design.arm == design.control]
    counts = design.counts(treated)
    arms = (treated, design.control)
    column = design.column(arm_column(treated))
    soundness = worst(design.soundness, enough(one, other))
    if not soundness.usable:
        return failed(
            soundness, endpoint=endpoint, method=method, arms=arms, scale=scale, counts=counts, level=level
        )
    soundness = fit.judge(column)
    detail: dict[str, float | int | str] = {
        "residual_sd": fit.sigma,
        "r_squared": fit.r_squared,
        "pooled_sd": pooled_sd(one, other),
        "crude_difference": float(one.mean() - other.mean()),
        **fit.blind.note(),
    }
    return wald(
        float(fit.coefficients[column]),
        fit.standard_error(column),
        endpoint=endpoint,
        method=method,
        arms=arms,
        scale=scale,
        counts=counts,
        level=level,
        degrees_of_freedom=float(fit.degrees_of_freedom),
        soundness=soundness,
        detail=detail,
    )


def _standardised(
    outcome: ArrayLike,
    arm: ArrayLike,
    *,
    treated: str,
    control: str,
    endpoint: str,
    level: float,
    corrected: bool,
) -> Estimate:
    from scipy.stats import t

    design = build_design(arm, control, required={"outcome": outcome})
    demand_arm(treated, design.treated_arms)
    values = design.values["outcome"]
    one, other = values[design.arm == treated], values[design.arm == control]
    counts = design.counts(treated)
    method = "Hedges g" if corrected else "Cohen d"
    scale: Scale = "standardised mean difference"
    arms = (treated, control)
    soundness = worst(design.soundness, enough(one, other))
    if soundness.usable:
        size = float(np.max(np.abs(np.concatenate([one, other]))))
        soundness = NO_RESIDUAL if vanishes(pooled_sd(one, other) ** 2, size**2) else OK
    if not soundness.usable:
        return failed(
            soundness,
            endpoint=endpoint,
            method=method,
            arms=arms,
            scale=scale,
            counts=counts,
            level=level,
        )
    freedom = float(len(one) + len(other) - 2)
    spread = pooled_sd(one, other)
    per_unit = math.sqrt(1 / len(one) + 1 / len(other))
    d = float(one.mean() - other.mean()) / spread
    low, high = noncentral_t_interval(d / per_unit, freedom, level)
    factor = small_sample_factor(freedom) if corrected else 1.0
    error = math.sqrt(per_unit**2 + d**2 / (2 * (len(one) + len(other))))
    return Estimate(
        endpoint,
        method,
        treated,
        control,
        scale,
        factor * d,
        factor * error,
        factor * low * per_unit,
        factor * high * per_unit,
        float(2 * t.sf(abs(d) / per_unit, freedom)),
        counts.n_treated,
        counts.n_control,
        counts.missing_treated,
        counts.missing_control,
        level=level,
        degrees_of_freedom=freedom,
        detail={"pooled_sd": spread, "crude_difference": d * spread},
    )


def _pick(results: tuple[Estimate, ...], treated: str) -> Estimate:
    by_arm = {one.treated: one for one in results}
    demand_arm(treated, by_arm)
    return by_arm[treated]


def glass_delta(outcome: ArrayLike, arm: ArrayLike, *, treated: str, control: str) -> float:
    """Return the crude mean difference over the SD of the control arm (Glass 1976).

    NaN where an arm has fewer than two participants, the control arm does not vary or a value is infinite.
    """
    design = build_design(arm, control, required={"outcome": outcome})
    demand_arm(treated, design.treated_arms)
    values = design.values["outcome"]
    one, other = values[design.arm == treated], values[design.arm == control]
    if not worst(design.soundness, enough(one, other)).usable:
        return math.nan
    spread = float(other.std(ddof=1))
    if vanishes(spread**2, float(np.max(np.abs(other))) ** 2):
        return math.nan
    return float((one.mean() - other.mean()) / spread)
