"""Certainty of a pooled estimate by GRADE's five reasons to rate down, by written rules.

The rules are ours and mechanical (Cochrane Handbook chapter 14 leaves them to judgement): they show why a
pool deserves no more trust than it gets and do not replace a guideline panel.
"""

from __future__ import annotations

from dataclasses import dataclass

from eubiosis.core.evidence_report import CertaintyLevel
from eubiosis.core.kinds import how_many
from eubiosis.core.scales import is_ratio
from eubiosis.evidence.records.rows import RiskOfBias
from eubiosis.evidence.records.store import Evidence, load
from eubiosis.evidence.synthesis.pooling import PooledEffect, nulls_without_numbers
from eubiosis.evidence.synthesis.small_study import ENOUGH_STUDIES, egger

LEVELS: tuple[CertaintyLevel, ...] = ("high", "moderate", "low", "very low")
INFORMATION_SIZE = 400  # participants; GRADE's rule of thumb for a continuous outcome
SURROGATES = ("biomarker", "immune", "microbiome")


@dataclass(frozen=True)
class Domain:
    """One of the five reasons: how many levels it takes off, and why."""

    name: str
    steps: int
    reason: str


@dataclass(frozen=True)
class Certainty:
    """The level that is left after all domains, starting from high for randomised trials."""

    level: CertaintyLevel
    participants: int
    domains: tuple[Domain, ...]


def grade(pooled: PooledEffect, evidence: Evidence | None = None) -> Certainty:
    """Rate a pool of randomised trials; every domain carries its reason, also where it takes nothing off.

    >>> from eubiosis.evidence import pool
    >>> rated = grade(pool("hs-CRP", "probiotic"))
    >>> rated.level, rated.participants
    ('very low', 165)
    """
    evidence = evidence or load()
    people = sum(
        (x.estimate.n_treatment or 0) + (x.estimate.n_control or 0) for x in pooled.selection.included
    )
    domains = (
        _risk_of_bias(pooled, evidence),
        _inconsistency(pooled),
        _indirectness(pooled),
        _imprecision(pooled, people),
        _publication_bias(pooled),
    )
    down = min(len(LEVELS) - 1, sum(domain.steps for domain in domains))
    return Certainty(LEVELS[down], people, domains)


def _risk_of_bias(pooled: PooledEffect, evidence: Evidence) -> Domain:
    judged = {row.study_id: row.overall for row in evidence.table(RiskOfBias)}
    included = pooled.selection.included
    unjudged = [x.study.id for x in included if not judged.get(x.study.id)]
    bad = [x.study.id for x in included if judged.get(x.study.id) in ("high", "serious", "critical")]
    failed = [x.study.id for x in included if x.study.integrity_status == "failed_check"]
    steps, reasons = 0, []
    if bad or unjudged:
        steps += 1
        if bad:
            reasons.append(f"high risk of bias: {', '.join(bad)}")
        if unjudged:
            reasons.append(f"nobody has judged the risk of bias of {', '.join(unjudged)}")
    if failed:
        steps += 1
        reasons.append(f"a check of the printed numbers failed: {', '.join(failed)}")
    return Domain("risk of bias", steps, "; ".join(reasons) or "all studies judged, none at high risk")


def _inconsistency(pooled: PooledEffect) -> Domain:
    if pooled.k == 1:
        return Domain("inconsistency", 0, "one cohort: cannot be judged")
    crosses = _includes_no_effect(pooled, pooled.prediction.low, pooled.prediction.high)
    steps = int(pooled.i2 > 50 or crosses)
    reason = f"I2 {pooled.i2:.0f} %; the prediction interval "
    return Domain(
        "inconsistency", steps, reason + ("includes no effect" if crosses else "excludes no effect")
    )


def _indirectness(pooled: PooledEffect) -> Domain:
    outcome = pooled.selection.outcome
    if outcome.domain in SURROGATES:
        return Domain("indirectness", 1, f"{outcome.label} is a marker and not what a patient feels")
    return Domain("indirectness", 0, "an outcome that matters to patients, measured in them")


def _imprecision(pooled: PooledEffect, people: int) -> Domain:
    steps, reasons = 0, [f"{people} participants"]
    if people < INFORMATION_SIZE:
        steps += 1
        reasons.append(f"fewer than {INFORMATION_SIZE}")
    if _includes_no_effect(pooled, pooled.headline.low, pooled.headline.high):
        steps += 1
        reasons.append("the interval includes no effect")
    return Domain("imprecision", steps, "; ".join(reasons))


def _publication_bias(pooled: PooledEffect) -> Domain:
    """Rate down for nulls that print no number, and for an asymmetric funnel where it can be judged."""
    missing = nulls_without_numbers(pooled.selection)
    if pooled.k < ENOUGH_STUDIES:
        few = how_many(pooled.k, "study", "studies")
        reason = f"{few}, fewer than the {ENOUGH_STUDIES} a test needs: not excluded"
        return Domain("publication bias", len(missing), "; ".join([*missing, reason]))
    effects = [x.derived.effect for x in pooled.selection.included]
    test = egger([e.estimate for e in effects], [e.variance for e in effects])
    steps = int((test.usable and test.p_value < 0.1) or bool(missing))
    told = f"Egger p = {test.p_value:.3f}" if test.usable else f"no Egger test: {test.reason}"
    return Domain("publication bias", steps, "; ".join([*missing, told]))


def _includes_no_effect(pooled: PooledEffect, low: float | None, high: float | None) -> bool:
    null = 1.0 if is_ratio(pooled.scale) else 0.0
    assert low is not None
    assert high is not None
    return low <= null <= high
