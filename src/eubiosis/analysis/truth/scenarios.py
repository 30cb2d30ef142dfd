"""Simulated trials with a known truth, one scenario per analysis and question.

The numbers are those of trials this package plans for: an annual relapse rate near 0.35 with dispersion
0.8, fatigue in standard deviations with a baseline correlation of one half, a fifth of people leaving.
They are made up to test the analyses, not to describe patients.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from eubiosis.analysis.columns import Floats
from eubiosis.analysis.estimators.binary import risk_contrasts
from eubiosis.analysis.estimators.continuous import ancova, geometric_mean_ratio
from eubiosis.analysis.estimators.counts import Law, rate_ratio
from eubiosis.analysis.estimators.imputation import reference_based_difference
from eubiosis.analysis.estimators.linear import Covariance
from eubiosis.analysis.estimators.repeated import SmallSample, cluster_trial, crossover, mmrm
from eubiosis.analysis.estimators.survival import (
    hazard_ratio,
    recurrent_rate_ratio,
    restricted_mean_difference,
)
from eubiosis.analysis.planning.classic import ancova_power, hazard_ratio_size, proportions_size
from eubiosis.analysis.planning.counts import (
    FollowUp,
    SequentialCounts,
    negative_binomial_power,
    sequential_negative_binomial,
)
from eubiosis.analysis.result import Estimate
from eubiosis.analysis.sequential.boundaries import boundaries
from eubiosis.analysis.sequential.interim import Look, decide
from eubiosis.analysis.truth.operating import Scenario

TREATED, CONTROL = "active", "placebo"
RATE, DISPERSION, CORRELATION = 0.35, 0.8, 0.5
Trial = Callable[[np.random.Generator], Estimate]


def scenarios() -> tuple[Scenario, ...]:
    """Return every scenario of the validation, in the order of its table."""
    return (*_counts(), *_looks(), *_scores(), *_times(), *_repeated(), *_others())


def _arms(n: int) -> NDArray[np.str_]:
    return np.repeat([TREATED, CONTROL], n)


def _counts() -> list[Scenario]:
    found = []
    for n, rate, ratio, dropout in (
        (150, RATE, 1.0, 0.0),
        (150, RATE, 0.6, 0.0),
        (150, RATE, 0.6, 0.2),
        (313, RATE, 0.7, 0.0),
        (40, RATE, 1.0, 0.2),
        (40, RATE, 0.5, 0.2),
        (100, 0.12, 1.0, 0.0),
        (20, 0.12, 1.0, 0.0),
    ):
        follow_up = FollowUp(2.0, dropout_per_year=dropout)
        planned = None if ratio == 1 else negative_binomial_power(n, rate, ratio, DISPERSION, follow_up)
        name = f"relapses, {n} per arm, rate {rate}, ratio {ratio}, drop-out {dropout}/y"
        found.append(Scenario(name, "NB", ratio, ratio == 1, _count_trial(n, rate, ratio, dropout), planned))
    name = f"relapses, 150 per arm, rate {RATE}, ratio 1.0, drop-out 0.2/y"
    laws: tuple[tuple[str, Law], ...] = (
        ("NB", "negative binomial"),
        ("Poisson", "Poisson"),
        ("Poisson, robust errors", "Poisson, robust"),
    )
    for method, law in laws:
        found.append(Scenario(name, method, 1.0, True, _count_trial(150, RATE, 1.0, 0.2, law=law)))
    trial = _count_trial(150, RATE, 0.6, 0.2, adjusted=True)
    name = f"relapses, 150 per arm, rate {RATE}, ratio 0.6, drop-out 0.2/y, prior relapses matter"
    found.append(Scenario(name, "NB, prior relapses as covariate", 0.6, False, trial))
    return found


def _count_trial(
    n: int,
    rate: float,
    ratio: float,
    dropout: float,
    *,
    law: Law = "negative binomial",
    adjusted: bool = False,
) -> Trial:
    def trial(draw: np.random.Generator) -> Estimate:
        arm = _arms(n)
        years = np.full(2 * n, 2.0)
        if dropout:
            years = np.minimum(years, draw.exponential(1 / dropout, 2 * n))
        prior = draw.poisson(1.3, 2 * n).astype(np.float64)
        mean = rate * years * np.where(arm == TREATED, ratio, 1.0)
        if adjusted:
            mean = mean * np.exp(0.2 * (prior - 1.3))
        counts = draw.poisson(mean * draw.gamma(1 / DISPERSION, DISPERSION, 2 * n))
        covariates = {"prior": prior} if adjusted else None
        return rate_ratio(
            counts, years, arm, covariates=covariates, law=law, treated=TREATED, control=CONTROL
        )

    return trial


def _looks() -> list[Scenario]:
    """Group-sequential relapse trials: three looks by calendar time, boundaries at observed information."""
    found = []
    design = boundaries([1 / 3, 2 / 3, 1.0])
    follow_up = FollowUp(1.5, 1.0)
    plan = sequential_negative_binomial(design, RATE, 0.6, DISPERSION, follow_up)
    for ratio in (1.0, 0.6):
        name = f"relapses, 3 looks, {plan.trial.n_control} per arm, ratio {ratio}"
        trial = _sequential_trial(plan, ratio)
        power = None if ratio == 1 else design.power
        found.append(Scenario(name, "NB, LD-OBF, one-sided", ratio, ratio == 1, trial, power, design.alpha))
    return found


def _sequential_trial(plan: SequentialCounts, ratio: float) -> Trial:
    """Stop at the first crossing; the p-value is 0 or 1 by the boundary, the interval the last look's."""

    def trial(draw: np.random.Generator) -> Estimate:
        n, follow_up = plan.trial.n_control, plan.trial.follow_up
        arm, entry = _arms(n), draw.uniform(0, follow_up.accrual_years, 2 * n)
        rate = RATE * np.where(arm == TREATED, ratio, 1.0) * draw.gamma(1 / DISPERSION, DISPERSION, 2 * n)
        longest = plan.trial.calendar_years - entry
        events = [
            np.sort(draw.uniform(0, end, draw.poisson(own * end)))
            for own, end in zip(rate, longest, strict=True)
        ]
        looks: list[Look] = []
        for k, now in enumerate(plan.calendar_years):
            years = np.clip(now - entry, 0.0, None)
            counts = [np.searchsorted(times, t) for times, t in zip(events, years, strict=True)]
            one = rate_ratio(counts, years, arm, treated=TREATED, control=CONTROL)
            last = k == len(plan.calendar_years) - 1
            if not one.usable:  # nothing to look at yet
                continue
            z = -math.log(one.estimate) / one.standard_error
            looks.append(Look(1 / one.standard_error**2, z))
            decision = decide(looks, plan.information_needed, last=last)
            if decision.stop == "efficacy":
                return replace(one, p_value=0.0)
            if decision.stop == "futility":
                break
        return replace(one, p_value=1.0)

    return trial


def _scores() -> list[Scenario]:
    found = []
    for n, effect in ((15, 0.0), (60, 0.0), (60, 0.5), (132, 0.3)):
        planned = ancova_power((n, n), (0.0, effect), 1 - CORRELATION**2) if effect else None
        name = f"fatigue, {n} per arm, effect {effect} SD"
        found.append(
            Scenario(name, "ANCOVA", -effect, effect == 0, _score_trial(n, effect, "model"), planned)
        )
    for covariance in ("model", "HC3"):
        kind: Covariance = "HC3" if covariance == "HC3" else "model"
        trial = _score_trial(40, 0.0, kind, uneven=True)
        name = "fatigue, 20 active and 60 placebo, the active twice as variable"
        found.append(Scenario(name, f"ANCOVA, {covariance} errors", 0.0, True, trial))
    name = "NfL, 60 per arm, ratio of geometric means 0.8"
    found.append(Scenario(name, "ANCOVA of the logarithm", 0.8, False, _biomarker_trial(60, 0.8)))
    return found


def _score_trial(n: int, effect: float, covariance: Covariance, *, uneven: bool = False) -> Trial:
    def trial(draw: np.random.Generator) -> Estimate:
        arm = np.repeat([TREATED, CONTROL], [n // 2, 3 * n // 2]) if uneven else _arms(n)
        base = draw.normal(0, 1, 2 * n)
        noise = draw.normal(0, math.sqrt(1 - CORRELATION**2), 2 * n)
        noise = noise * np.where(arm == TREATED, 2.0, 1.0) if uneven else noise
        outcome = CORRELATION * base + noise - effect * (arm == TREATED)
        return ancova(
            outcome,
            arm,
            covariates={"baseline": base},
            covariance=covariance,
            treated=TREATED,
            control=CONTROL,
        )

    return trial


def _biomarker_trial(n: int, ratio: float) -> Trial:
    def trial(draw: np.random.Generator) -> Estimate:
        arm = _arms(n)
        base = draw.normal(2.3, 0.5, 2 * n)
        later = 0.7 + 0.7 * base + draw.normal(0, 0.3, 2 * n) + math.log(ratio) * (arm == TREATED)
        return geometric_mean_ratio(
            np.exp(later), arm, baseline=np.exp(base), treated=TREATED, control=CONTROL
        )

    return trial


def _times() -> list[Scenario]:
    found = []
    hazard = -math.log(0.75) / 2
    for n, ratio in ((100, 1.0), (472, 0.7), (25, 1.0)):
        planned = None
        if ratio != 1:
            size = hazard_ratio_size(ratio, hazard, follow_up_years=2.0, accrual_years=1.0)
            assert size.n_control == n
            planned = size.power
        name = f"progression, {n} per arm, hazard ratio {ratio}"
        found.append(Scenario(name, "Cox", ratio, ratio == 1, _time_trial(n, hazard, ratio), planned))
    for ratio in (1.0, 0.6):
        means = [-math.expm1(-h * 2) / h for h in (0.4 * ratio, 0.4)]
        name = f"first relapse, 100 per arm, hazard ratio {ratio}, mean to 2 years"
        trial = _mean_time_trial(100, 0.4, ratio)
        found.append(Scenario(name, "RMST difference", means[0] - means[1], ratio == 1, trial))
    for ratio in (1.0, 0.6):
        name = f"recurrent relapses, 100 per arm, gamma frailty, rate ratio {ratio}"
        found.append(Scenario(name, "LWYY", ratio, ratio == 1, _recurrent_trial(100, ratio)))
    return found


def _observed(draw: np.random.Generator, hazards: Floats, end: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    times = draw.exponential(1 / hazards)
    return np.minimum(times, end), times <= end


def _time_trial(n: int, hazard: float, ratio: float) -> Trial:
    def trial(draw: np.random.Generator) -> Estimate:
        arm = _arms(n)
        end = draw.uniform(2.0, 3.0, 2 * n)
        time, event = _observed(draw, hazard * np.where(arm == TREATED, ratio, 1.0), end)
        return hazard_ratio(time, event, arm, treated=TREATED, control=CONTROL)

    return trial


def _mean_time_trial(n: int, hazard: float, ratio: float) -> Trial:
    def trial(draw: np.random.Generator) -> Estimate:
        arm = _arms(n)
        end = draw.uniform(2.0, 3.0, 2 * n)
        time, event = _observed(draw, hazard * np.where(arm == TREATED, ratio, 1.0), end)
        return restricted_mean_difference(time, event, arm, limit=2.0, treated=TREATED, control=CONTROL)

    return trial


def _recurrent_trial(n: int, ratio: float) -> Trial:
    def trial(draw: np.random.Generator) -> Estimate:
        arm = _arms(n)
        frailty = draw.gamma(1 / DISPERSION, DISPERSION, 2 * n)
        end = np.minimum(2.0, draw.exponential(5.0, 2 * n))
        rows: list[tuple[int, float, float, int, str]] = []
        for i in range(2 * n):
            rate = 0.5 * frailty[i] * (ratio if arm[i] == TREATED else 1.0)
            times = np.sort(draw.uniform(0, end[i], draw.poisson(rate * end[i])))
            edges = [0.0, *times.tolist(), float(end[i])]
            rows.extend(
                (i, edges[j], edges[j + 1], int(j < len(times)), str(arm[i])) for j in range(len(edges) - 1)
            )
        person, start, stop, event, group = (np.array(column) for column in zip(*rows, strict=True))
        return recurrent_rate_ratio(person, start, stop, event, group, treated=TREATED, control=CONTROL)

    return trial


def _repeated() -> list[Scenario]:
    found = []
    for n, effect in ((40, 0.0), (40, 6.0), (12, 0.0)):
        name = f"fatigue at 3 visits, {n} per arm, drop-out after a bad visit, effect {effect} points"
        trial = _repeated_trial(n, effect)
        found.append(Scenario(name, "MMRM, Kenward-Roger, linear", -effect, effect == 0, trial))
    others: tuple[SmallSample, ...] = ("Kenward-Roger", "Satterthwaite")
    name = "fatigue at 3 visits, 12 per arm, drop-out after a bad visit, effect 0.0 points"
    for small_sample in others:
        trial = _repeated_trial(12, 0.0, small_sample=small_sample)
        found.append(Scenario(name, f"MMRM, {small_sample}", 0.0, True, trial))
    name = "fatigue at 3 visits, 40 per arm, drop-out after a bad visit, effect 6.0 points"
    completers = _repeated_trial(40, 6.0, completers=True)
    found.append(Scenario(name, "ANCOVA of completers", -6.0, False, completers))
    found.append(Scenario(name, "multiple imputation MAR, ANCOVA", -6.0, False, _imputed_trial(40, 6.0)))
    return found


def _visits(draw: np.random.Generator, n: int, effect: float) -> tuple[NDArray[np.str_], Floats, Floats]:
    """Draw baseline and three visits; a bad visit makes leaving before the next one likelier."""
    arm = _arms(n)
    base = draw.normal(38, 12, 2 * n)
    outcomes = (14 + 0.6 * base + draw.normal(0, 6, 2 * n))[:, None] + draw.normal(0, 6, (2 * n, 3))
    outcomes -= np.outer(arm == TREATED, [effect / 3, 2 * effect / 3, effect])
    for visit in (1, 2):
        leaves = draw.random(2 * n) < 1 / (1 + np.exp(-(-2.3 + 0.12 * (outcomes[:, visit - 1] - 37))))
        outcomes[leaves | np.isnan(outcomes[:, visit - 1]), visit:] = np.nan
    return arm, base, outcomes


def _repeated_trial(
    n: int,
    effect: float,
    *,
    completers: bool = False,
    small_sample: SmallSample = "Kenward-Roger, linear",
) -> Trial:
    def trial(draw: np.random.Generator) -> Estimate:
        arm, base, outcomes = _visits(draw, n, effect)
        if completers:
            return ancova(
                outcomes[:, -1], arm, covariates={"baseline": base}, treated=TREATED, control=CONTROL
            )
        return mmrm(
            np.repeat(np.arange(2 * n), 3),
            np.tile([12.0, 24.0, 48.0], 2 * n),
            outcomes.ravel(),
            np.repeat(arm, 3),
            covariates={"baseline": np.repeat(base, 3)},
            by_visit=["baseline"],
            small_sample=small_sample,
            treated=TREATED,
            control=CONTROL,
        )[-1]

    return trial


def _imputed_trial(n: int, effect: float) -> Trial:
    def trial(draw: np.random.Generator) -> Estimate:
        arm, base, outcomes = _visits(draw, n, effect)
        seed = int(draw.integers(0, 2**31))
        return reference_based_difference(
            outcomes,
            arm,
            strategy="MAR",
            covariates={"b": base},
            imputations=10,
            seed=seed,
            treated=TREATED,
            control=CONTROL,
        )

    return trial


def _others() -> list[Scenario]:
    found = []
    planned = proportions_size(0.3, 0.5).power
    for n, risk, power in ((93, 0.3, None), (93, 0.5, planned), (20, 0.3, None)):
        name = f"responders, {n} per arm, risks {risk} and 0.3"
        trial = _responder_trial(n, risk)
        found.append(Scenario(name, "logistic, risk difference", risk - 0.3, risk == 0.3, trial, power))
    found.append(Scenario("crossover, 14 per sequence", "mixed model", 0.0, True, _crossover_trial(14)))
    for robust in (False, True):
        kind = "cluster-robust least squares" if robust else "mixed model, Kenward-Roger"
        name = "cluster trial, 8 kitchens of 10 per arm, ICC 0.05"
        found.append(Scenario(name, kind, 0.0, True, _cluster_trial(8, 10, robust=robust)))
    return found


def _responder_trial(n: int, risk: float) -> Trial:
    def trial(draw: np.random.Generator) -> Estimate:
        arm = _arms(n)
        event = draw.random(2 * n) < np.where(arm == TREATED, risk, 0.3)
        return risk_contrasts(event, arm, treated=TREATED, control=CONTROL)[0]

    return trial


def _crossover_trial(per_sequence: int) -> Trial:
    def trial(draw: np.random.Generator) -> Estimate:
        people = 2 * per_sequence
        person, period = np.repeat(np.arange(people), 2), np.tile([1, 2], people)
        arm = np.where((person % 2 == 0) == (period == 1), TREATED, CONTROL)
        outcome = (
            np.repeat(draw.normal(36, 8, people), 2) - 1.2 * (period == 2) + draw.normal(0, 4, 2 * people)
        )
        return crossover(person, period, outcome, arm, treated=TREATED, control=CONTROL)

    return trial


def _cluster_trial(clusters: int, size: int, *, robust: bool) -> Trial:
    def trial(draw: np.random.Generator) -> Estimate:
        cluster = np.repeat(np.arange(2 * clusters), size)
        arm = np.where(cluster < clusters, TREATED, CONTROL)
        shared = np.repeat(draw.normal(0, math.sqrt(0.05), 2 * clusters), size)
        outcome = shared + draw.normal(0, math.sqrt(0.95), len(cluster))
        return cluster_trial(cluster, outcome, arm, robust=robust, treated=TREATED, control=CONTROL)

    return trial
