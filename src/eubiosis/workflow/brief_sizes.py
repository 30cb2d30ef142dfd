"""How many people each endpoint of a question needs, and what the trial that can be run promises."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from typing import Any

import numpy as np
from scipy.stats import norm

from eubiosis.analysis.planning.assurance import (
    mean_difference_error,
    optimistic_prior,
    rate_ratio_error,
    sceptical_prior,
)
from eubiosis.analysis.planning.classic import ancova_size, event_probability, hazard_ratio_size, t_test_size
from eubiosis.analysis.planning.counts import FollowUp, negative_binomial_size
from eubiosis.analysis.planning.prior_assurance import MixturePrior, prior_assurance, size_for_assurance
from eubiosis.core.effect_prior import EffectPrior
from eubiosis.core.provenance import SourcedNumber
from eubiosis.evidence.forecast.control_arms import RateForecast
from eubiosis.workflow.files.question import AskedDesign, AskedEndpoint, Kind

SCENARIOS = 15
TARGETS = (0.5, 0.8)
LARGEST = 1e5
DISPERSIONS = {
    "relapse_rate": "arr_dispersion",
    "Gd_lesions": "gd_dispersion",
    "new_T2_lesions": "t2_dispersion",
}


@dataclass(frozen=True)
class Level:
    """The control level of an endpoint: equally probable values and the middle, low and high one.

    Rates a year, lesions a scan, or hazards a year; empty for a score, which has none.
    """

    middle: float = math.nan
    low: float = math.nan
    high: float = math.nan
    scenarios: tuple[float, ...] = ()
    dispersion: float = 0.0


@dataclass(frozen=True)
class Planned:
    """An endpoint with all that its size rests on."""

    asked: AskedEndpoint
    outcome: str
    kind: Kind
    level: Level
    dropout: float
    design: AskedDesign
    priors: tuple[MixturePrior, ...] = field(default=())

    @property
    def benefit(self) -> float:
        """Return the planned effect, benefit positive: minus a log ratio, or SDs."""
        return benefit(self.asked.effect, self.kind)

    @property
    def relevant(self) -> float:
        """Return the smallest relevant effect, benefit positive; zero where none is given."""
        return 0.0 if self.asked.relevant is None else benefit(self.asked.relevant, self.kind)


def benefit(effect: float, kind: Kind) -> float:
    """Return an effect with benefit positive."""
    return effect if kind == "score" else -math.log(effect)


def rate_level(forecast: RateForecast, dispersion: float) -> Level:
    """Return the level of a relapse rate from its forecast."""
    rates = forecast.true_rates(SCENARIOS)
    return Level(forecast.rate, forecast.low, forecast.high, tuple(rates.tolist()), dispersion)


def positive_level(middle: float, low: float, high: float, dispersion: float = 0.0) -> Level:
    """Return a level whose logarithm is taken as normal between its 2.5 and 97.5 % points."""
    spread = math.log(high / low) / (2 * 1.959964)
    p = (np.arange(SCENARIOS) + 0.5) / SCENARIOS
    values = np.exp(math.log(middle) + spread * norm.ppf(p))
    return Level(middle, low, high, tuple(values.tolist()), dispersion)


def sizes(planned: Planned) -> list[dict[str, Any]]:
    """Return a row for each length of treatment: people per arm, or "not reachable"."""
    return [_size_row(planned, years) for years in planned.design.years]


def _size_row(planned: Planned, years: float) -> dict[str, Any]:
    levels = (planned.level.middle,) if planned.kind == "score" else (
        planned.level.middle, planned.level.low, planned.level.high
    )  # fmt: skip
    needed = [_needed(planned, level, years) for level in levels]
    largest = planned.design.recruitable_per_arm
    reachable = needed[0] <= largest
    return {
        "years": years,
        "n_per_arm": needed[0],
        "n_if_control_low": max(needed),
        "n_if_control_high": min(needed),
        "reachable": reachable,
        "answer": str(needed[0]) if reachable else "not reachable",
    }


def _needed(planned: Planned, level: float, years: float) -> int:
    goal: dict[str, Any] = {"power": planned.design.power, "alpha": planned.design.alpha}
    effect = planned.asked.effect
    staying = math.exp(-planned.dropout * years)
    if planned.kind == "score":
        correlation = planned.asked.baseline_correlation
        found = (
            t_test_size(effect, **goal) if correlation is None else ancova_size(effect, correlation, **goal)
        )
        return math.ceil(found.n_per_arm / staying)
    if planned.kind == "time":
        return hazard_ratio_size(
            effect, level, follow_up_years=years, dropout_per_year=planned.dropout, **goal
        ).n_per_arm
    if planned.outcome == "Gd_lesions":  # one scan at the end, which those who left do not have
        found = negative_binomial_size(level, effect, planned.level.dispersion, FollowUp(1.0), **goal)
        return math.ceil(found.n_per_arm / staying)
    follow_up = FollowUp(years, dropout_per_year=planned.dropout)
    return negative_binomial_size(level, effect, planned.level.dispersion, follow_up, **goal).n_per_arm


def unit_errors(planned: Planned, years: float) -> Callable[[float], Sequence[float]]:
    """Return the standard errors of the benefit for one person per arm, one for each scenario."""
    staying = math.exp(-planned.dropout * years)
    correlation = planned.asked.baseline_correlation or 0.0
    score = mean_difference_error(staying, 1 - correlation**2)
    follow_up = FollowUp(years, dropout_per_year=planned.dropout)

    @cache
    def errors(effect: float) -> tuple[float, ...]:
        if planned.kind == "score":
            return (score(effect),)
        if planned.kind == "time":
            return tuple(
                _hazard_error(level, effect, years, planned.dropout) for level in planned.level.scenarios
            )
        if planned.outcome == "Gd_lesions":
            staying_errors = (
                rate_ratio_error(staying, level, planned.level.dispersion, FollowUp(1.0))(effect)
                for level in planned.level.scenarios
            )
            return tuple(staying_errors)
        return tuple(
            rate_ratio_error(1.0, level, planned.level.dispersion, follow_up)(effect)
            for level in planned.level.scenarios
        )

    return errors


def assurances(planned: Planned, years: float) -> list[dict[str, Any]]:
    """Return what a trial of the recruitable size promises under each prior, and the sizes for assurance.

    "not reachable" where no size, or only one beyond what can be recruited, has that assurance.
    """
    unit = unit_errors(planned, years)
    largest = planned.design.recruitable_per_arm
    alpha = planned.design.alpha / 2

    def errors_at(size: float) -> Callable[[float], Sequence[float]]:
        return lambda effect: [error / math.sqrt(size) for error in unit(effect)]

    rows = []
    for prior in planned.priors:
        found = prior_assurance(prior, errors_at(largest), alpha=alpha, relevant=planned.relevant)
        wanted = {f"{t:.0%}": size_for_assurance(prior, errors_at, t, LARGEST) for t in TARGETS}
        rows.append(
            {
                "prior": prior.name,
                "years": years,
                "people_per_arm": largest,
                **asdict(found),
                "prior_mean": prior.mean,
                "sizes": {k: int(v) if math.isfinite(v) else None for k, v in wanted.items()},
                "reachable": {k: v <= largest for k, v in wanted.items()},
            }
        )
    return rows


def priors_of(
    planned_benefit: float, kind: Kind, found: EffectPrior, sd: float | None, discounts: Mapping[str, float]
) -> tuple[MixturePrior, ...]:
    """Return the priors to plan with: null-centred, sceptical, optimistic, and the evidence where it is.

    ``sd`` turns a mean difference into SDs; without it the evidence has no prior on this scale.
    """
    null = discounts["null_sd_smd" if kind == "score" else "null_sd_log"]
    sceptical, optimistic = sceptical_prior(planned_benefit), optimistic_prior(planned_benefit)
    rows = [
        MixturePrior("null-centred", (1.0,), (0.0,), (null,)),
        MixturePrior("sceptical", (1.0,), (sceptical.mean,), (sceptical.sd,)),
        MixturePrior("optimistic", (1.0,), (optimistic.mean,), (optimistic.sd,)),
    ]
    fits = found.scale == "SMD" or (found.scale == "MD" and sd is not None) if kind == "score" else (
        found.scale.startswith("log")
    )  # fmt: skip
    if found.basis == "derived" and fits:
        sign = -1.0 if found.better == "lower" else 1.0
        unit = sd if found.scale == "MD" and sd is not None else 1.0
        rows.append(
            MixturePrior(
                "evidence, discounted",
                found.weights,
                tuple(sign * mean / unit for mean in found.means),
                tuple(one / unit for one in found.sds),
            )
        )
    return tuple(rows)


def dispersion_of(outcome: str, assumptions: Mapping[str, SourcedNumber]) -> float:
    """Return the dispersion of a counted outcome."""
    return assumptions[DISPERSIONS[outcome]].value


def _hazard_error(hazard: float, effect: float, years: float, dropout: float) -> float:
    seen = [event_probability(h, years, 0.0, dropout) for h in (hazard, hazard * math.exp(-effect))]
    return math.sqrt(1 / seen[0] + 1 / seen[1])
