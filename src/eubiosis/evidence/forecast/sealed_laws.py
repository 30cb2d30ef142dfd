"""The distributions that are sealed: what a trial will print, from the evidence and from a simple reference.

The forecast is what the software says to a user who asks today (``control_arm``, ``prior``), with the
sampling error of the coming trial in it. The reference needs no model: for a control arm the latest
arms of the same comparator without a trend, for an effect no change with the spread of the other studies.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from eubiosis.core import laws
from eubiosis.core.calendar import WEEKS_PER_YEAR
from eubiosis.core.control_arm import ControlQuestion
from eubiosis.core.sealed import LEVELS, SealedTarget, SealedTrial
from eubiosis.evidence.forecast.control_arms import (
    count_quantile,
    forecast_rate,
    rate_rows,
    read_assumptions,
    relapse_free_share,
    why_no_rate,
)
from eubiosis.evidence.forecast.control_endpoints import choose_rows
from eubiosis.evidence.forecast.priors import prior
from eubiosis.evidence.records.store import Evidence
from eubiosis.evidence.synthesis.bayes import mixture_quantile
from eubiosis.evidence.synthesis.selection import PoolQuestion, select

Quantiles = tuple[float, ...]
_POINTS = 2001  # equally probable true values behind a mixture
LATEST = 10  # arms behind the reference of a rate
_FEWEST = 3  # studies whose spread is a reference; with fewer, those of every score are taken
_SCORES = ("EDSS", "fatigue")
_MICROBIOME = ("probiotic", "prebiotic", "synbiotic", "fmt", "scfa", "bile_acid", "antibiotic", "diet")


def evidence_quantiles(trial: SealedTrial, target: SealedTarget, evidence: Evidence) -> Quantiles:
    """Return what the evidence says (23,) of a number that a trial will print, sampling error included.

    Raises ``ValueError`` where the evidence gives no usable forecast.
    """
    if target.kind == "smd":
        found = prior(target.evidence, trial.intervention, metric="SMD", evidence=evidence)
        parts = (np.asarray(found.weights), np.asarray(found.means), np.asarray(found.sds))
        return _seen_smd(trial, *parts)
    question, numbers = _question(trial), read_assumptions(evidence)
    dispersion = numbers["arr_dispersion"].value
    forecast = forecast_rate(question, rate_rows(evidence, first_hand=True), numbers)
    why = why_no_rate(question, forecast, numbers)
    if why:
        message = f"{trial.trial}, {target.target}: {why}"
        raise ValueError(message)
    rates = forecast.true_rates(_POINTS)
    if target.kind == "rate":
        return _seen_rates(rates, _people(trial), question.years, dispersion)
    return _seen_shares(relapse_free_share(rates, question.years, dispersion), _people(trial))


def reference_quantiles(trial: SealedTrial, target: SealedTarget, evidence: Evidence) -> Quantiles:
    """Return what the simple reference says (23,) of a number that a trial will print.

    The scatter between arms of the past holds their sampling error already, so none is added to it.
    """
    if target.kind == "smd":
        tau = reference_spread(target.evidence, evidence)[0]
        return _seen_smd(trial, np.array([1.0]), np.array([0.0]), np.array([tau]))
    on_drug = trial.background != "none"
    if target.kind == "rate":
        arms = [row for row in rate_rows(evidence, first_hand=True) if row.on_drug is on_drug]
        rows = sorted(arms, key=lambda row: row.year_published)[-LATEST:]
        return tuple(np.exp(_next_value([math.log(row.relapses_per_year) for row in rows])).tolist())
    used, _ = choose_rows(target.evidence, _question(trial), read_assumptions(evidence), evidence)
    hazards = np.exp(_next_value([one.value for one in used]))
    return tuple(np.exp(-hazards[::-1] * _question(trial).years).tolist())


def reference_spread(outcome: str, evidence: Evidence) -> tuple[float, tuple[str, ...]]:
    """Return the spread between true effects about no effect (SD units), and the cohorts behind it.

    Every randomised comparison of a microbiome therapy on the outcome without a failed check, one for each
    cohort: the mean square of the printed effects less the mean of their sampling variances. With fewer than
    three cohorts, those of EDSS and fatigue are taken.
    """
    found = _effects(outcome, evidence)
    if len(found) < _FEWEST:
        found = {
            f"{name}: {cohort}": pair for name in _SCORES for cohort, pair in _effects(name, evidence).items()
        }
    squares = float(np.mean([effect**2 for effect, _ in found.values()]))
    return math.sqrt(max(squares - float(np.mean([v for _, v in found.values()])), 0.0)), tuple(found)


def _effects(outcome: str, evidence: Evidence) -> dict[str, tuple[float, float]]:
    """Return (effect, variance) of each cohort in SD units."""
    found: dict[str, tuple[float, float]] = {}
    for intervention in _MICROBIOME:
        chosen = select(evidence, PoolQuestion(outcome, intervention, metric="SMD", statuses=("none",)))
        for one in chosen.included if chosen.scale == "SMD" else ():
            effect = one.derived.effect
            found.setdefault(one.study.cohort_id, (effect.estimate, effect.variance))
    return found


def _question(trial: SealedTrial) -> ControlQuestion:
    years = round(trial.weeks / WEEKS_PER_YEAR, 4)
    return ControlQuestion(year=trial.year, background=trial.background, people=trial.people, years=years)


def _people(trial: SealedTrial) -> int:
    return max(round(trial.people * trial.analysed), 2)


def _seen_rates(rates: laws.Floats, people: int, years: float, dispersion: float) -> Quantiles:
    size, time = people / dispersion, people * years
    chances = size / (size + time * rates)
    return tuple(
        _count_at(level, lambda count, one: laws.negative_binomial_cdf(count, size, one), chances) / time
        for level in LEVELS
    )


def _seen_shares(shares: laws.Floats, people: int) -> Quantiles:
    return tuple(
        _count_at(level, lambda count, one: laws.binomial_cdf(count, people, one), shares) / people
        for level in LEVELS
    )


def _count_at(level: float, law: Callable[[int, laws.Floats], laws.Floats], chances: laws.Floats) -> int:
    return count_quantile(lambda count: float(np.mean(law(count, chances))), level, 100)


def _seen_smd(trial: SealedTrial, weights: laws.Floats, means: laws.Floats, sds: laws.Floats) -> Quantiles:
    """Add the sampling error of a standardised difference between two arms of ``people`` each.

    Its variance is 2 / n + d^2 / (4 n), with d^2 the mean square of the component (Hedges 1981, cited as the
    origin of the large-sample variance).
    """
    people = _people(trial)
    wide = np.sqrt(sds**2 + 2 / people + (means**2 + sds**2) / (4 * people))
    return tuple(mixture_quantile(level, weights, means, wide) for level in LEVELS)


def _next_value(values: Sequence[float]) -> laws.Floats:
    """Return quantiles (23,) of a further value from the same normal law: Student's t with k - 1 degrees."""
    own = np.asarray(values, dtype=float)
    reach = laws.t_quantile(np.array(LEVELS), len(own) - 1)
    return np.asarray(own.mean() + own.std(ddof=1) * math.sqrt(1 + 1 / len(own)) * reach, dtype=np.float64)
