"""Relapse and lesion counts: rate ratios by negative binomial regression, and marginal rates per arm."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from eubiosis.analysis.columns import TABLE, Bools, DesignMatrix, Floats, arm_column, build_design, demand_arm
from eubiosis.analysis.estimators.count_profiles import profile_interval
from eubiosis.analysis.estimators.negbin import CountFit, fit_negative_binomial, fit_poisson
from eubiosis.analysis.guard import vanishes
from eubiosis.analysis.result import (
    Counts,
    Estimate,
    Scale,
    Statistic,
    chi_squared,
    failed,
    no_statistic,
    wald,
)
from eubiosis.core.findings import FindingCollector, unknown_word
from eubiosis.core.soundness import OK, Soundness, worst

Law = Literal["negative binomial", "Poisson", "Poisson, robust"]
Interval = Literal["Wald", "profile"]


def rate_ratios(
    counts: ArrayLike,
    years: ArrayLike,
    arm: ArrayLike,
    *,
    control: str,
    covariates: Mapping[str, ArrayLike] | None = None,
    law: Law = "negative binomial",
    endpoint: str = "relapses per year",
    level: float = 0.95,
    interval: Interval = "Wald",
) -> tuple[Estimate, ...]:
    """Estimate the rate ratio of every arm against the control arm from one regression.

    ``counts``, ``years`` (follow-up) and ``arm`` have one entry per participant; ``covariates`` are
    further columns, text ones being coded against their first level. The log of the follow-up is the
    offset. The standard error is that of the full information of the NB2 likelihood (of the sandwich for
    the robust Poisson). ``interval`` is Wald's or that of the profile likelihood, which a small trial needs;
    the p-value is then that of the likelihood ratio, for the negative binomial law alone. A participant
    without follow-up or with a missing value is counted as missing.
    An arm without events gives "too_few_events": the ratio has no finite estimate there. Where the counts
    show no overdispersion the status is "boundary" and the fit is Poisson. Negative follow-up or counts,
    fractional counts and columns of unequal length raise.

    >>> import numpy as np
    >>> counts, years = np.array([2, 4, 3, 3, 1, 2, 1, 2]), np.full(8, 1.0)
    >>> arm = np.array(["placebo"] * 4 + ["inulin"] * 4)
    >>> round(rate_ratios(counts, years, arm, control="placebo")[0].estimate, 3)
    0.5
    """
    if interval not in get_args(Interval):
        message = f"interval: {unknown_word(str(interval), get_args(Interval))}; allowed: Wald, profile"
        raise ValueError(message)
    if interval == "profile" and law != "negative binomial":
        message = f'interval "profile" with the law "{law}"; allowed: the law "negative binomial"'
        raise ValueError(message)
    design, fit = fit_counts(counts, years, arm, control=control, covariates=covariates, law=law)
    outcome, follow_up = design.values["counts"], design.values["years"]
    results = []
    for treated in design.treated_arms:
        rows = {name: design.arm == name for name in (treated, control)}
        detail: dict[str, float | int | str] = {
            "dispersion": fit.dispersion,
            "dispersion_se": fit.dispersion_se,
            "log_likelihood": fit.log_likelihood,
            "iterations": fit.iterations,
            "events_treated": int(outcome[rows[treated]].sum()),
            "events_control": int(outcome[rows[control]].sum()),
            "years_treated": float(follow_up[rows[treated]].sum()),
            "years_control": float(follow_up[rows[control]].sum()),
            **fit.blind.note(),
        }
        column = design.column(arm_column(treated))
        one = wald(
            float(fit.coefficients[column]),
            fit.standard_error(column),
            endpoint=endpoint,
            method=law,
            arms=(treated, control),
            scale="rate ratio",
            counts=design.counts(treated),
            level=level,
            soundness=_judge(design, fit, treated),
            detail=detail,
        )
        results.append(_profiled(one, design, fit) if interval == "profile" else one)
    return tuple(results)


def _profiled(one: Estimate, design: DesignMatrix, fit: CountFit) -> Estimate:
    """Put the profile likelihood interval and the p-value of the likelihood ratio into an estimate."""
    if not one.usable:
        return one
    low, high = profile_interval(design, fit, one.treated, level=one.level)
    smaller = np.delete(design.matrix, design.column(arm_column(one.treated)), axis=1)
    without = fit_negative_binomial(design.values["counts"], smaller, np.log(design.values["years"]))
    if not without.soundness.usable or math.isnan(low) or math.isnan(high):
        return failed(
            Soundness("not_converged", "the likelihood has no maximum at some rate ratio"),
            endpoint=one.endpoint,
            method=f"{one.method}, profile likelihood",
            arms=(one.treated, one.control),
            scale=one.scale,
            counts=design.counts(one.treated),
            level=one.level,
            detail=one.detail,
        )
    test = chi_squared("likelihood ratio", max(2 * (fit.log_likelihood - without.log_likelihood), 0.0), 1)
    with np.errstate(over="ignore"):
        ends = np.exp([low, high])
    return replace(
        one,
        ci_low=float(ends[0]),
        ci_high=float(ends[1]),
        p_value=test.p_value,
        method=f"{one.method}, profile likelihood",
    )


def rate_ratio(
    counts: ArrayLike,
    years: ArrayLike,
    arm: ArrayLike,
    *,
    treated: str,
    control: str,
    covariates: Mapping[str, ArrayLike] | None = None,
    law: Law = "negative binomial",
    endpoint: str = "relapses per year",
    level: float = 0.95,
) -> Estimate:
    """Estimate the rate ratio of one arm against another; every arm in the table enters the regression.

    As ``rate_ratios``, which gives all contrasts at the cost of one; an unknown arm raises.

    >>> arm = ["active", "control"] * 6
    >>> relapses, years = [0, 1, 1, 2, 0, 0, 1, 3, 0, 1, 0, 2], [1.0] * 12
    >>> found = rate_ratio(relapses, years, arm, treated="active", control="control")
    >>> found.status, round(found.estimate, 3)
    ('boundary', 0.222)
    """
    results = rate_ratios(
        counts, years, arm, control=control, covariates=covariates, law=law, endpoint=endpoint, level=level
    )
    by_arm = {one.treated: one for one in results}
    demand_arm(treated, by_arm)
    return by_arm[treated]


def likelihood_ratio_test(
    counts: ArrayLike,
    years: ArrayLike,
    arm: ArrayLike,
    *,
    treated: str,
    control: str,
    covariates: Mapping[str, ArrayLike] | None = None,
) -> Statistic:
    """Test one arm's rate against the control by the likelihood ratio of two NB regressions.

    The dispersion is estimated in both. Where a fit has no numbers the statistic and its p-value are
    NaN. With an arm without events the test still has no finite fit and is NaN too.
    """
    design, fit = fit_counts(counts, years, arm, control=control, covariates=covariates)
    demand_arm(treated, design.treated_arms)
    soundness = _judge(design, fit, treated)
    if not soundness.usable:
        return no_statistic("likelihood ratio", 1, soundness)
    smaller = np.delete(design.matrix, design.column(arm_column(treated)), axis=1)
    without = fit_negative_binomial(design.values["counts"], smaller, np.log(design.values["years"]))
    if not without.soundness.usable:
        return no_statistic("likelihood ratio", 1, without.soundness)
    value = 2 * (fit.log_likelihood - without.log_likelihood)
    return chi_squared("likelihood ratio", max(value, 0.0), 1)


def marginal_rates(
    counts: ArrayLike,
    years: ArrayLike,
    arm: ArrayLike,
    *,
    treated: str,
    control: str,
    covariates: Mapping[str, ArrayLike] | None = None,
    endpoint: str = "relapses per year",
    level: float = 0.95,
) -> tuple[Estimate, Estimate, Estimate, Estimate]:
    """Estimate the marginal rate of two arms by g-computation, with their ratio and difference.

    Returns (rate in the treated arm, rate in the control arm, ratio, difference), events per person-year:
    the NB regression predicts every participant's rate under either arm and the predictions are averaged.
    Intervals are by the delta method, for the covariates as observed, on the log scale except for the
    difference. The rates of single arms carry an empty ``control`` and no p-value.

    >>> arm = ["active", "control"] * 6
    >>> relapses, years = [0, 1, 1, 2, 0, 0, 1, 3, 0, 1, 0, 2], [1.0] * 12
    >>> rates = marginal_rates(relapses, years, arm, treated="active", control="control")
    >>> [(one.scale, round(one.estimate, 3)) for one in rates]
    [('rate', 0.333), ('rate', 1.5), ('rate ratio', 0.222), ('rate difference', -1.167)]
    """
    design, fit = fit_counts(counts, years, arm, control=control, covariates=covariates)
    demand_arm(treated, design.treated_arms)
    means, gradients = [], []
    for name in (treated, control):
        matrix = design.with_arm(name)
        if not len(matrix):  # nobody is left: a mean over nobody is not a number
            matrix = np.full((1, matrix.shape[1]), math.nan)
        rates = np.exp(matrix @ fit.coefficients)
        means.append(float(rates.mean()))
        gradients.append((matrix * rates[:, None]).mean(axis=0))
    both = np.concatenate([design.with_arm(name) for name in (treated, control)])
    soundness = worst(_judge(design, fit, treated), fit.blind.on(both))
    sizes = design.counts(treated)
    relative = [gradient / mean for gradient, mean in zip(gradients, means, strict=True)]
    logs = [math.log(mean) if mean > 0 else math.nan for mean in means]
    alone = (
        Counts(sizes.n_treated, 0, sizes.missing_treated, 0),
        Counts(sizes.n_control, 0, sizes.missing_control, 0),
    )
    pair = (treated, control)
    parts: tuple[tuple[float, Floats, Scale, tuple[str, str], Counts], ...] = (
        (logs[0], relative[0], "rate", (treated, ""), alone[0]),
        (logs[1], relative[1], "rate", (control, ""), alone[1]),
        (logs[0] - logs[1], relative[0] - relative[1], "rate ratio", pair, sizes),
        (means[0] - means[1], gradients[0] - gradients[1], "rate difference", pair, sizes),
    )
    first, second, ratio, difference = (
        wald(
            value,
            math.sqrt(max(float(gradient @ fit.covariance @ gradient), 0.0))
            if soundness.usable
            else math.nan,
            endpoint=endpoint,
            method="negative binomial, g-computation",
            arms=arms,
            scale=scale,
            counts=size,
            level=level,
            soundness=soundness,
            detail={"dispersion": fit.dispersion, **fit.blind.note()},
        )
        for value, gradient, scale, arms, size in parts
    )
    return replace(first, p_value=math.nan), replace(second, p_value=math.nan), ratio, difference


def fit_counts(
    counts: ArrayLike,
    years: ArrayLike,
    arm: ArrayLike,
    *,
    control: str,
    covariates: Mapping[str, ArrayLike] | None = None,
    law: Law = "negative binomial",
) -> tuple[DesignMatrix, CountFit]:
    """Fit the count regression of a trial table; return its design and the fit.

    Arguments as for ``rate_ratios``. Follow-up of zero years carries no information on a rate: such a
    participant is counted as missing, and with events in it the table contradicts itself.
    """
    if law not in get_args(Law):
        message = f"law: {unknown_word(str(law), get_args(Law))}; allowed: {'; '.join(get_args(Law))}"
        raise ValueError(message)
    follow_up = np.array(years, dtype=np.float64)
    if np.any(follow_up < 0):
        findings = FindingCollector()
        findings.add(TABLE, "years", "negative follow-up", allowed="years >= 0")
        findings.raise_if_any()
    unseen = follow_up == 0
    follow_up[unseen] = np.nan
    design = build_design(
        arm, control, required={"counts": counts, "years": follow_up}, covariates=covariates
    ).doubted(_events_without_time(np.asarray(counts, dtype=np.float64), unseen))
    outcome, offset = design.values["counts"], np.log(design.values["years"])
    if len(outcome) <= design.matrix.shape[1]:
        empty = np.full(design.matrix.shape[1], math.nan)
        square = np.full((len(empty), len(empty)), math.nan)
        few = Soundness("too_few_participants", f"{len(outcome)} complete rows for {len(empty)} columns")
        return design, CountFit(empty, square, square, math.nan, math.nan, math.nan, 0, few)
    if law == "negative binomial":
        return design, fit_negative_binomial(outcome, design.matrix, offset)
    fit = fit_poisson(outcome, design.matrix, offset)
    return design, _robust(design, fit, outcome, offset) if law == "Poisson, robust" else fit


def _robust(design: DesignMatrix, fit: CountFit, outcome: Floats, offset: Floats) -> CountFit:
    """Replace the covariance of a Poisson fit by the sandwich without small-sample factor (HC0)."""
    used = np.ones(len(outcome), dtype=bool) if fit.used is None else fit.used
    matrix = design.matrix[used]
    scores = matrix * (outcome[used] - np.exp(matrix @ fit.coefficients + offset[used]))[:, None]
    sandwich = fit.covariance @ (scores.T @ scores) @ fit.covariance
    return replace(fit, covariance=sandwich, covariance_fixed=fit.covariance, dispersion=0.0)


def _events_without_time(counts: Floats, unseen: Bools) -> Soundness:
    """Find events in a participant who was never followed."""
    rows = np.flatnonzero(unseen & (counts > 0))
    if not len(rows):
        return OK
    row = int(rows[0])
    return Soundness("contradictory", f"row {row + 1}: {counts[row]:g} events in no time of follow-up")


def _judge(design: DesignMatrix, fit: CountFit, treated: str) -> Soundness:
    """Say whether the ratio of one arm against the control may be read."""
    if not design.soundness.usable:
        return design.soundness
    outcome = design.values["counts"]
    for name in (treated, design.control):
        rows = design.arm == name
        if not rows.any():
            return Soundness("too_few_participants", f"nobody was observed in {name}")
        if outcome[rows].sum() == 0:
            return Soundness("too_few_events", f"no event in {name}")
    if not fit.soundness.usable:
        return fit.soundness
    column = design.column(arm_column(treated))
    flat = vanishes(float(fit.covariance[column, column]), float(fit.covariance_fixed[column, column]))
    none = Soundness("no_variance", "the counts do not vary around their means") if flat else OK
    return worst(fit.blind.on_column(column), none, fit.soundness)
