"""Run the model that a plan names on the prepared data of one endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from eubiosis.analysis.columns import build_design
from eubiosis.analysis.estimators.binary import risk_contrasts
from eubiosis.analysis.estimators.continuous import ancovas, geometric_mean_ratios
from eubiosis.analysis.estimators.counts import fit_counts, rate_ratios
from eubiosis.analysis.estimators.imputation import Strategy, reference_based_difference
from eubiosis.analysis.estimators.linear import fit_least_squares
from eubiosis.analysis.estimators.repeated import mmrm
from eubiosis.analysis.estimators.survival import hazard_ratio
from eubiosis.analysis.result import Estimate
from eubiosis.analysis.trial_table.cells import Floats, Ints
from eubiosis.analysis.trial_table.prepare import CovariateValues, EndpointData
from eubiosis.core.streams import stream
from eubiosis.core.trial_plan import IMPUTING, TrialPlan

BASELINE = "baseline"
STRATEGY_CODES: Mapping[str, Strategy] = MappingProxyType(
    {
        "multiple imputation at random": "MAR",
        "jump to reference": "J2R",
        "copy increments in reference": "CIR",
        "copy reference": "CR",
    }
)
_SUMMARIES = ("risk difference", "risk ratio", "odds ratio")


@dataclass(frozen=True)
class VisitEstimate:
    """An estimate at a visit of the plan ("" where the endpoint has none)."""

    visit: str
    estimate: Estimate


@dataclass(frozen=True)
class Residuals:
    """Standardised residuals (values,), sorted, and what they are; empty where the model has none."""

    values: Floats
    how: str


def estimates_of(data: EndpointData, plan: TrialPlan) -> tuple[VisitEstimate, ...]:
    """Estimate every active arm against control by the model of the plan.

    The first of each arm is the contrast that the plan names; those at the other visits of a mixed model
    follow.
    """
    model = data.planned.model
    if model == "mmrm":
        return _by_mmrm(data, plan)
    visit = data.planned.visit or ""
    if data.planned.missing_data in IMPUTING:
        found = _imputed(data, plan)
    elif model == "ancova":
        found = ancovas(
            data.outcome, data.arm, control=plan.control.name, covariates=covariates_of(data),
            endpoint=data.planned.name, level=1 - plan.alpha,
        )  # fmt: skip
    elif model == "ratio of geometric means":
        found = geometric_mean_ratios(
            data.outcome, data.arm, control=plan.control.name, baseline=data.baseline,
            covariates=data.covariates, endpoint=data.planned.name, level=1 - plan.alpha,
        )  # fmt: skip
    elif model == "negative binomial":
        assert data.exposure is not None
        found = rate_ratios(
            data.outcome, data.exposure, data.arm, control=plan.control.name, covariates=covariates_of(data),
            endpoint=data.planned.name, level=1 - plan.alpha,
        )  # fmt: skip
    else:
        found = tuple(_one_arm(data, plan, arm.name) for arm in plan.active)
    by_arm = {one.treated: one for one in found}
    return tuple(VisitEstimate(visit, by_arm[arm.name]) for arm in plan.active)


def covariates_of(data: EndpointData) -> dict[str, CovariateValues]:
    """Return the covariates of a model, the baseline first."""
    first = {} if data.baseline is None else {BASELINE: data.baseline}
    return {**first, **data.covariates}


def modelled_visits(data: EndpointData) -> Ints:
    """Return which visits enter a mixed model: those after the baseline at which anybody was seen."""
    start = -np.inf
    if data.planned.baseline_visit is not None:
        start = next(one.week for one in data.visits if one.name == data.planned.baseline_visit)
    seen = ~np.isnan(data.by_visit).all(axis=0)
    weeks = np.array([one.week for one in data.visits])
    return np.flatnonzero(seen & (weeks > start))


def _by_mmrm(data: EndpointData, plan: TrialPlan) -> tuple[VisitEstimate, ...]:
    chosen = modelled_visits(data)
    people, count = len(data.arm), len(chosen)
    weeks = np.array([data.visits[k].week for k in chosen])
    repeated = {name: np.repeat(values, count) for name, values in covariates_of(data).items()}
    found = []
    for arm in plan.active:
        rows = mmrm(
            np.repeat(np.arange(people), count), np.tile(weeks, people), data.by_visit[:, chosen].ravel(),
            np.repeat(data.arm, count), treated=arm.name, control=plan.control.name, covariates=repeated,
            by_visit=(BASELINE,) if data.baseline is not None else (), endpoint=data.planned.name,
            level=1 - plan.alpha, small_sample=data.planned.small_sample,
        )  # fmt: skip
        at = {float(one.detail["visit"]): one for one in rows}
        found += [VisitEstimate(one.name, at[one.week]) for one in data.visits if one.week in at]
    return tuple(sorted(found, key=lambda one: one.visit != data.planned.visit))


def _imputed(data: EndpointData, plan: TrialPlan) -> tuple[Estimate, ...]:
    chosen = modelled_visits(data)
    last = next(k for k, one in enumerate(data.visits) if one.name == data.planned.visit)
    chosen = np.append(chosen[chosen < last], last)
    return tuple(
        reference_based_difference(
            data.by_visit[:, chosen], data.arm, treated=arm.name, control=plan.control.name,
            strategy=STRATEGY_CODES[data.planned.missing_data], covariates=covariates_of(data),
            imputations=data.planned.imputations, seed=plan.seed, endpoint=data.planned.name,
            level=1 - plan.alpha,
        )
        for arm in plan.active
    )  # fmt: skip


def _one_arm(data: EndpointData, plan: TrialPlan, treated: str) -> Estimate:
    if data.planned.model == "cox":
        assert data.event is not None
        return hazard_ratio(
            data.outcome, data.event, data.arm, treated=treated, control=plan.control.name,
            covariates=covariates_of(data), endpoint=data.planned.name, level=1 - plan.alpha,
        )  # fmt: skip
    found = risk_contrasts(
        data.outcome, data.arm, treated=treated, control=plan.control.name, covariates=covariates_of(data),
        endpoint=data.planned.name, level=1 - plan.alpha,
    )  # fmt: skip
    return found[_SUMMARIES.index(str(data.planned.summary))]


def residuals_of(data: EndpointData, plan: TrialPlan) -> Residuals:
    """Return the residuals that a quantile plot shows.

    Least squares: residuals over their standard deviation. A mixed model: those of the least-squares fit of
    the same means, over their standard deviation at each visit. Counts: randomised quantile residuals (Dunn
    and Smyth 1996, Journal of Computational and Graphical Statistics 5:236). Others have none.
    """
    model = data.planned.model
    if model in ("ancova", "ratio of geometric means"):
        return _least_squares_residuals(data, plan, log=model != "ancova")
    if model == "mmrm":
        return _visit_residuals(data, plan)
    if model == "negative binomial":
        return _count_residuals(data, plan)
    return Residuals(np.array([]), "")


def _least_squares_residuals(data: EndpointData, plan: TrialPlan, *, log: bool) -> Residuals:
    covariates = covariates_of(data)
    outcome = np.log(data.outcome) if log else data.outcome
    if log and data.baseline is not None:
        covariates[BASELINE] = np.log(data.baseline)
    fitted = _fitted(outcome, data.arm, covariates, plan)
    how = "residuals of the complete cases over their standard deviation" + (
        ", of the logarithm" if log else ""
    )
    return Residuals(np.sort(fitted), how)


def _fitted(
    outcome: Floats, arm: np.ndarray[tuple[int, ...], np.dtype[np.str_]],
    covariates: Mapping[str, CovariateValues], plan: TrialPlan,
) -> Floats:  # fmt: skip
    """Return standardised least-squares residuals of the complete rows; empty where there is no fit."""
    design = build_design(arm, plan.control.name, required={"outcome": outcome}, covariates=covariates)
    fit = fit_least_squares(design.values["outcome"], design.matrix)
    if not fit.soundness.usable or not fit.sigma > 1e-10 * fit.size:
        return np.array([])
    return np.asarray(fit.residuals / fit.sigma, dtype=np.float64)


def _visit_residuals(data: EndpointData, plan: TrialPlan) -> Residuals:
    parts = [_fitted(data.by_visit[:, k], data.arm, covariates_of(data), plan) for k in modelled_visits(data)]
    how = "residuals of the least-squares fit at each visit over their standard deviation there"
    return Residuals(np.sort(np.concatenate(parts)) if parts else np.array([]), how)


def _count_residuals(data: EndpointData, plan: TrialPlan) -> Residuals:
    from scipy.special import ndtri
    from scipy.stats import nbinom, poisson

    assert data.exposure is not None
    design, fit = fit_counts(
        data.outcome, data.exposure, data.arm, control=plan.control.name, covariates=covariates_of(data)
    )
    if not fit.soundness.usable or not np.all(np.isfinite(fit.coefficients)):
        return Residuals(np.array([]), "")
    used = np.ones(len(design.arm), dtype=bool) if fit.used is None else fit.used
    counts = design.values["counts"][used]
    mean = np.exp(design.matrix[used] @ fit.coefficients) * design.values["years"][used]
    law = poisson(mean)
    if fit.dispersion > 0:
        size = 1 / fit.dispersion
        law = nbinom(size, size / (size + mean))
    low, high = law.cdf(counts - 1), law.cdf(counts)
    draw = stream(plan.seed, f"analyse/residuals/{data.planned.name}").random(len(counts))
    share = np.clip(low + draw * (high - low), 1e-12, 1 - 1e-12)
    return Residuals(np.sort(ndtri(share)), "randomised quantile residuals of the negative binomial fit")
