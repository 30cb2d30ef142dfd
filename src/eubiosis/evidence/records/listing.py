"""Lists of the records, one study in full, and a pool as text: what a person looks at first."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from eubiosis.core.evidence_report import Interval, PooledStudy, PoolReport, WaldMean
from eubiosis.core.kinds import how_many
from eubiosis.core.record import FLAT
from eubiosis.evidence.integrity.trial_checks import check_trials
from eubiosis.evidence.records.rows import AgentTaxon, RiskOfBias, Study, StudyEstimate
from eubiosis.evidence.records.store import Evidence


@dataclass(frozen=True)
class StudyLine:
    """One study in a list, with the number of its estimates."""

    id: str
    year: int
    species: str
    intervention: str
    agent: str
    cohort: str
    integrity: str
    estimates: int
    doi: str


@dataclass(frozen=True)
class OutcomeLine:
    """One outcome term in a list, with its other names and number of estimates."""

    id: str
    label: str
    domain: str
    estimates: int
    aliases: str


@dataclass(frozen=True)
class InterventionLine:
    """One intervention term in a list, with its other names and number of studies."""

    id: str
    label: str
    parent: str
    studies: int
    aliases: str


@dataclass(frozen=True)
class CheckLine:
    """A check of one study that could be made."""

    check: str
    estimate: str
    outcome: str
    detail: str


@dataclass(frozen=True)
class StudyRecord:
    """Everything recorded about one study."""

    study: Study = field(metadata=FLAT)
    same_cohort: str
    agent_taxa: tuple[AgentTaxon, ...]
    estimates: tuple[StudyEstimate, ...]
    checks: tuple[CheckLine, ...]
    risk_of_bias: tuple[RiskOfBias, ...]


def list_studies(
    evidence: Evidence, outcome: str | None = None, intervention: str | None = None
) -> tuple[StudyLine, ...]:
    """Return one row per study, limited to an outcome and an intervention where given."""
    wanted = evidence.outcome(outcome).id if outcome else None
    term = evidence.intervention(intervention).id if intervention else None
    counts = Counter(e.study_id for e in evidence.estimates if wanted in (None, e.outcome))
    return tuple(
        StudyLine(
            study.id,
            study.year,
            study.species,
            study.subclass or study.intervention,
            study.agent,
            study.cohort_id,
            study.integrity_status,
            counts[study.id],
            study.doi,
        )
        for study in evidence.studies.values()
        if counts[study.id] and term in (None, study.intervention, study.subclass)
    )


def list_outcomes(evidence: Evidence) -> tuple[OutcomeLine, ...]:
    """Return one row per outcome term with its other names and number of estimates."""
    counts = Counter(e.outcome for e in evidence.estimates)
    return tuple(
        OutcomeLine(t.id, t.label, t.domain, counts[t.id], t.aliases) for t in evidence.outcomes.values()
    )


def list_interventions(evidence: Evidence) -> tuple[InterventionLine, ...]:
    """Return one row per intervention term with its other names and number of studies."""
    counts = Counter(term for s in evidence.studies.values() for term in {s.intervention, s.subclass} if term)
    return tuple(
        InterventionLine(t.id, t.label, t.parent, counts[t.id], t.aliases)
        for t in evidence.interventions.values()
    )


def show_study(evidence: Evidence, study_id: str) -> StudyRecord:
    """Return everything recorded about one study: other reports, taxa, estimates, checks made."""
    study = evidence.study(study_id)
    same = [s.id for s in evidence.studies.values() if s.cohort_id == study.cohort_id and s.id != study.id]
    return StudyRecord(
        study,
        ", ".join(same),
        tuple(row for row in evidence.table(AgentTaxon) if row.agent == study.agent),
        tuple(e for e in evidence.estimates if e.study_id == study.id),
        tuple(
            CheckLine(r.check, r.estimate_id, r.outcome, r.detail)
            for r in check_trials(evidence)
            if r.study_id == study.id and r.outcome != "not possible"
        ),
        tuple(row for row in evidence.table(RiskOfBias) if row.study_id == study.id),
    )


def pool_text(report: PoolReport) -> str:
    """Format a pool as text."""
    pooled = report.summary
    unit = f" {pooled.unit}" if pooled.unit else ""
    headline = Interval(pooled.ci_method, pooled.estimate, pooled.ci_low, pooled.ci_high)
    names = ("wald", "hartung-knapp", "bayesian")
    lines = [
        f"{report.outcome_label} under {report.intervention_label}: {pooled.metric}{unit}, "
        f"{pooled.better} is better; {how_many(pooled.k, 'cohort')}, "
        f"{how_many(pooled.participants, 'participant')}",
        "",
        f"  {pooled.ci_method:<24} {_interval(headline)}   <- headline",
        *(
            f"  {name:<24} {_interval(one)}  {'' if one.estimate is None else one.note}".rstrip()
            for name, one in zip(names, pooled.intervals.rows, strict=True)
        ),
        f"  {'prediction':<24} [{pooled.pi_low:.2f}, {pooled.pi_high:.2f}]  {report.pi_method}",
        f"  {_heterogeneity(report)}",
        "",
        "included",
    ]
    for one in pooled.included:
        lines.append(f"  {one.study:<22} {_span(one)}  weight {100 * one.weight:.0f} %  {one.how}")
        lines.append(f"  {'':<22} {one.source} (read: {one.read})")
        if one.flagged:
            lines.append(f"  {'':<22} MARKED {one.integrity_status}: {one.integrity_reason}")
    lines += ["", "excluded"]
    lines += [f"  {out.estimate_id:<22} {out.reason}" for out in report.excluded]
    lines += ["", "warnings", *(f"  {text}" for text in pooled.warnings)]
    lines += ["", "if a choice were made differently"]
    lines += [f"  {_interval(x.interval)}  k {x.k}  {x.change}" for x in pooled.sensitivity]
    if report.subgroups is not None:
        divided = report.subgroups
        lines += ["", f"divided by {divided.by} ({divided.note})"]
        lines += [f"  {_span(x.mean)}  k {x.k}  {x.group}" for x in divided.groups]
        lines.append(f"  difference: p = {divided.difference.p:.3f}")
    lines += ["", f"certainty: {pooled.certainty.level}"]
    lines += [f"  {d.name} -{d.steps_down}: {d.reason}" for d in pooled.certainty.domains]
    return "\n".join([*lines, "", report.notice])


def _heterogeneity(report: PoolReport) -> str:
    if report.tau2 is None or report.i2 is None:
        return "tau2 and I2 are not estimable from one study"
    return f"tau2 {report.tau2:.3g} ({report.tau2_method}), I2 {report.i2:.0f} %"


def _interval(one: Interval) -> str:
    if one.estimate is None:
        return one.note or "not defined"
    return f"{one.estimate:.2f} [{one.low:.2f}, {one.high:.2f}]"


def _span(one: WaldMean | PooledStudy) -> str:
    return f"{one.estimate:.2f} [{one.ci_low:.2f}, {one.ci_high:.2f}]"
