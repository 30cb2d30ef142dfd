"""How many people each endpoint of a question needs, and what the trial that can be run promises."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from eubiosis.analysis.planning.assurance import optimistic_prior, sceptical_prior
from eubiosis.analysis.planning.classic import event_probability, hazard_ratio_size, t_test_size
from eubiosis.analysis.planning.counts import FollowUp, information_per_rate, negative_binomial_size
from eubiosis.analysis.planning.prior_assurance import AssuranceCurve, MixturePrior
from eubiosis.core import laws
from eubiosis.core.brief import AssuranceRow, ChosenByCutoff, KnownPool, PlannedEffectRow, PowerPoint, SizeRow
from eubiosis.core.control_arm import EndpointForecast, RateForecast
from eubiosis.core.effect_prior import EffectPrior
from eubiosis.core.laws import Floats
from eubiosis.core.question import AskedDesign, AskedEndpoint, OutcomeKind
from eubiosis.core.scales import is_ratio

SCENARIOS = 15
TARGETS = (0.5, 0.8)
LARGEST = 1e5


@dataclass(frozen=True)
class Level:
    """The control level of an endpoint: equally probable values and the middle, low and high one.

    Rates a year, lesions a scan, or hazards a year.
    """

    middle: float
    low: float
    high: float
    scenarios: Floats
    dispersion: float = 0.0


@dataclass(frozen=True)
class Planned:
    """An endpoint with all that its size rests on; ``level`` is None for a score, which needs none.

    ``one_scan`` where what counts is one scan at the end, which those who left do not have.
    """

    asked: AskedEndpoint
    kind: OutcomeKind
    level: Level | None
    dropout: float
    design: AskedDesign
    one_scan: bool = False

    @property
    def benefit(self) -> float:
        """Return the planned effect, benefit positive: minus a log ratio, or SDs."""
        return benefit(self.asked.effect, self.kind)

    @property
    def relevant(self) -> float:
        """Return the smallest relevant effect, benefit positive; zero where none is given."""
        return 0.0 if self.asked.relevant is None else benefit(self.asked.relevant, self.kind)

    def staying(self, years: float) -> float:
        """Return the share that has not left after some years."""
        return math.exp(-self.dropout * years)

    @property
    def unexplained(self) -> float:
        """Return the share of a score's variance that its baseline does not explain."""
        return 1 - (self.asked.baseline_correlation or 0.0) ** 2


def benefit(effect: float, kind: OutcomeKind) -> float:
    """Return an effect with benefit positive."""
    return effect if kind == "score" else -math.log(effect)


def rate_level(forecast: RateForecast, dispersion: float) -> Level:
    """Return the level of a relapse rate from its forecast."""
    return Level(forecast.rate, forecast.low, forecast.high, forecast.true_rates(SCENARIOS), dispersion)


def endpoint_level(forecast: EndpointForecast, kind: OutcomeKind, dispersion: float = 0.0) -> Level | None:
    """Return the level of a count or of a hazard from its forecast; None where that has no number.

    The logarithm is taken as normal between the 2.5 and 97.5 % points.
    """
    middle, low, high = forecast.value, forecast.low, forecast.high
    if middle is None or low is None or high is None:
        return None
    if kind == "time":
        middle, low, high = (-math.log1p(-share) / forecast.years for share in (middle, low, high))
    spread = math.log(high / low) / (2 * laws.Z975)
    points = laws.normal_quantile((np.arange(SCENARIOS) + 0.5) / SCENARIOS)
    return Level(middle, low, high, np.exp(math.log(middle) + spread * points), dispersion)


def sizes(planned: Planned) -> tuple[SizeRow, ...]:
    """Return a row for each length of treatment: people per arm, or "not reachable"."""
    return tuple(_size_row(planned, years) for years in planned.design.years)


def _size_row(planned: Planned, years: float) -> SizeRow:
    level = planned.level
    if level is None:
        needed = [_needed_for_score(planned, years)]
    else:
        needed = [_needed(planned, each, years) for each in (level.middle, level.low, level.high)]
    reachable = needed[0] <= planned.design.recruitable_per_arm
    answer = str(needed[0]) if reachable else "not reachable"
    return SizeRow(years, needed[0], max(needed), min(needed), reachable, answer)


def _needed_for_score(planned: Planned, years: float) -> int:
    """Return the size of the t test with the SD that the baseline leaves, for those who stay."""
    effect = planned.asked.effect / math.sqrt(planned.unexplained)
    found = t_test_size(effect, power=planned.design.power, alpha=planned.design.alpha)
    return math.ceil(found.n_per_arm / planned.staying(years))


def _needed(planned: Planned, level: float, years: float) -> int:
    power, alpha, effect = planned.design.power, planned.design.alpha, planned.asked.effect
    if planned.kind == "time":
        return hazard_ratio_size(
            effect, level, follow_up_years=years, dropout_per_year=planned.dropout, power=power, alpha=alpha
        ).n_per_arm
    spread = 0.0 if planned.level is None else planned.level.dispersion
    if planned.one_scan:
        found = negative_binomial_size(level, effect, spread, FollowUp(1.0), power=power, alpha=alpha)
        return math.ceil(found.n_per_arm / planned.staying(years))
    follow_up = FollowUp(years, dropout_per_year=planned.dropout)
    return negative_binomial_size(level, effect, spread, follow_up, power=power, alpha=alpha).n_per_arm


def unit_errors(planned: Planned, years: float) -> Callable[[Floats], Floats]:
    """Return the standard errors of the benefit for one person per arm, as ``AssuranceCurve`` asks."""
    staying, level = planned.staying(years), planned.level
    if level is None:
        score = math.sqrt(2 * planned.unexplained / staying)
        return lambda effects: np.full((len(effects), 1), score)
    if planned.kind == "time":
        return lambda effects: _hazard_errors(level, effects, years, planned.dropout)
    follow_up = FollowUp(1.0) if planned.one_scan else FollowUp(years, dropout_per_year=planned.dropout)
    kept = staying if planned.one_scan else 1.0
    control = 1 / information_per_rate(level.scenarios, level.dispersion, follow_up)

    def errors(effects: Floats) -> Floats:
        rates = level.scenarios * np.exp(-effects)[:, None]
        treated = 1 / information_per_rate(rates, level.dispersion, follow_up)
        return np.sqrt((control + treated) / kept)

    return errors


def _hazard_errors(level: Level, effects: Floats, years: float, dropout: float) -> Floats:
    def seen(hazards: Floats) -> Floats:
        chances = [event_probability(hazard, years, 0.0, dropout) for hazard in hazards.ravel().tolist()]
        return np.array(chances).reshape(hazards.shape)

    treated = level.scenarios * np.exp(-effects)[:, None]
    return np.sqrt(1 / seen(level.scenarios) + 1 / seen(treated))


def assurances(planned: Planned, priors: tuple[MixturePrior, ...], years: float) -> tuple[AssuranceRow, ...]:
    """Return what a trial of the recruitable size promises under each prior, and the sizes for assurance.

    "not reachable" where no size, or only one beyond what can be recruited, has that assurance.
    """
    unit, largest = unit_errors(planned, years), planned.design.recruitable_per_arm
    rows = []
    for prior in priors:
        curve = AssuranceCurve(prior, unit, planned.design.alpha / 2)
        found = curve.at(largest, planned.relevant)
        wanted = {f"{target:.0%}": curve.size_for(target, LARGEST) for target in TARGETS}
        rows.append(
            AssuranceRow(
                prior.name,
                years,
                largest,
                **vars(found),
                prior_mean=prior.mean,
                sizes={name: int(n) if math.isfinite(n) else None for name, n in wanted.items()},
                reachable={name: n <= largest for name, n in wanted.items()},
            )
        )
    return tuple(rows)


def priors_of(
    planned_benefit: float,
    kind: OutcomeKind,
    found: EffectPrior,
    pool: KnownPool | None,
    rest: EffectPrior,
) -> tuple[MixturePrior, ...]:
    """Return the priors to plan with: null-centred, sceptical, optimistic, and the evidence where it is.

    ``rest`` is the null-centred part on the scale planned with, centred on or near no effect.
    The effects planned with are in SDs between people. A mean difference is divided by that SD, and one in
    SDs of the change is brought to it; where it does not follow, the evidence has no prior on this scale.
    """
    sceptical, optimistic = sceptical_prior(planned_benefit), optimistic_prior(planned_benefit)
    rows = [
        MixturePrior("null-centred", rest.weights, tuple(-mean for mean in rest.means), rest.sds),
        MixturePrior("sceptical", (1.0,), (sceptical.mean,), (sceptical.sd,)),
        MixturePrior("optimistic", (1.0,), (optimistic.mean,), (optimistic.sd,)),
    ]
    unit: float | None = 1.0
    if pool is not None and found.scale == "MD":
        unit = pool.sd_between
    elif pool is not None and found.scale == "SMD" and pool.sd_kind in ("change", "mixed"):
        unit = pool.sd_between / pool.sd if pool.sd_between is not None and pool.sd else None
    fits = found.scale in ("SMD", "MD") if kind == "score" else is_ratio(found.scale)
    if found.basis == "derived" and fits and unit is not None:
        sign = -1.0 if found.better == "lower" else 1.0
        means = tuple(sign * mean / unit for mean in found.means)
        sds = tuple(one / unit for one in found.sds)
        rows.append(MixturePrior("evidence, discounted", found.weights, means, sds))
    return tuple(rows)


def chosen_by_cutoff(
    planned: Planned, threshold: float, mean: float, sd: float, years: float
) -> ChosenByCutoff | None:
    """Return what an entry cut-off on the score does to its correlation; None where none is planned with.

    Baselines are normal and cut off below: their variance falls by the factor u = 1 + z h - h^2 with h the
    hazard of the normal law at z, and the correlation to r sqrt(u / (1 - r^2 + r^2 u)) (range restriction,
    Thorndike's case 2).
    """
    r = planned.asked.baseline_correlation
    if r is None:
        return None
    z = (threshold - mean) / sd
    hazard = float(laws.normal_pdf(z) / laws.normal_sf(z))
    kept = 1 + z * hazard - hazard**2
    lowered = r * math.sqrt(kept / (1 - r**2 + r**2 * kept))
    asked = planned.asked.model_copy(update={"baseline_correlation": lowered})
    needed = _needed_for_score(replace(planned, asked=asked), years)
    return ChosenByCutoff(threshold, lowered, math.sqrt(kept), needed)


def other_effects(planned: Planned, years: float) -> tuple[PlannedEffectRow, ...]:
    """Return the size for half to one and a half times the planned effect, on the log scale for ratios."""
    rows = []
    for factor in (0.5, 0.75, 1.0, 1.25, 1.5):
        plain = planned.kind == "score"
        effect = planned.asked.effect * factor if plain else planned.asked.effect**factor
        asked = planned.asked.model_copy(update={"effect": effect})
        sizes_at = []
        for power in (0.8, 0.9):
            design = planned.design.model_copy(update={"power": power})
            other = replace(planned, asked=asked, design=design)
            level = planned.level
            sizes_at.append(
                _needed_for_score(other, years) if level is None else _needed(other, level.middle, years)
            )
        rows.append(PlannedEffectRow(effect, *sizes_at))
    return tuple(rows)


def power_curve(planned: Planned, years: float, largest: int) -> tuple[PowerPoint, ...]:
    """Return the power at the planned effect for sizes up to twice the recruitable one.

    By the normal law with the standard error of the plan at the middle control level.
    """
    level = planned.level
    middle = None if level is None else replace(level, scenarios=np.array([level.middle]))
    errors = unit_errors(replace(planned, level=middle), years)
    unit = float(errors(np.array([planned.benefit]))[0, 0])
    point = float(laws.normal_point(planned.design.alpha / 2))
    tried = sorted({max(4, round(largest * share)) for share in np.linspace(0.1, 2.0, 20)})
    power = laws.normal_cdf(planned.benefit * np.sqrt(np.array(tried)) / unit - point)
    return tuple(PowerPoint(n, float(one)) for n, one in zip(tried, power, strict=True))
