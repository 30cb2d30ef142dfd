"""Which estimates enter a pool, and the reason for each one that does not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from eubiosis.core.findings import Finding, FindingsError, unknown_word
from eubiosis.evidence.records.rows import Estimate, Integrity, OutcomeTerm, Study
from eubiosis.evidence.records.store import Evidence
from eubiosis.evidence.synthesis.derive import Derived, as_printed, derive
from eubiosis.evidence.synthesis.effects import Scale

METRICS: dict[str, Scale] = {
    "MD": "MD",
    "SMD": "SMD",
    "RD": "RD",
    "RR": "log RR",
    "OR": "log OR",
    "HR": "log HR",
    "rate-ratio": "log rate ratio",
}
SAFE_STATUS: tuple[Integrity, ...] = ("none", "failed_check")
Dispersions = Literal["converted", "as printed"]


@dataclass(frozen=True)
class Question:
    """What to pool. ``studies`` limits the pool to those named; ``leave_out`` drops their whole cohorts."""

    outcome: str
    intervention: str
    studies: tuple[str, ...] = ()
    leave_out: tuple[str, ...] = ()
    metric: str = "auto"
    statuses: tuple[Integrity, ...] = SAFE_STATUS
    include_recalled: bool = False
    dispersions: Dispersions = "converted"


@dataclass(frozen=True)
class Included:
    """One estimate that is pooled."""

    study: Study
    estimate: Estimate
    derived: Derived


@dataclass(frozen=True)
class Excluded:
    """One estimate of the outcome and intervention that is not pooled, and why."""

    study: Study
    estimate: Estimate
    reason: str


@dataclass
class Selection:
    """The estimates of a question, split; ``scale`` is the scale of every effect included."""

    outcome: OutcomeTerm
    intervention: str
    intervention_label: str
    scale: Scale | None = None
    unit: str = ""
    included: list[Included] = field(default_factory=list)
    excluded: list[Excluded] = field(default_factory=list)


def select(evidence: Evidence, question: Question) -> Selection:
    """Choose at most one estimate per cohort and say why each other one stays out.

    Country, city and authors play no part. Raises ``FindingsError`` for an unknown outcome, intervention,
    study or metric.
    """
    outcome, intervention = evidence.outcome(question.outcome), evidence.intervention(question.intervention)
    _check_names(evidence, question)
    selection = Selection(outcome, intervention.id, intervention.label)
    left_out = {evidence.cohort_of(name) for name in question.leave_out}
    candidates: list[tuple[Study, Estimate, dict[Scale, Derived]]] = []
    for estimate in evidence.estimates:
        study = evidence.studies[estimate.study_id]
        if estimate.outcome != outcome.id or intervention.id not in (study.intervention, study.subclass):
            continue
        read = as_printed(estimate) if question.dispersions == "as printed" else estimate
        derived = derive(read)
        reason = _reason(study, read, derived, question, left_out)
        if reason:
            selection.excluded.append(Excluded(study, estimate, reason))
        else:
            candidates.append((study, read, derived))
    _choose_metric(selection, candidates, question.metric)
    _one_per_cohort(selection, question.studies)
    return selection


def _reason(
    study: Study, estimate: Estimate, derived: dict[Scale, Derived], question: Question, left_out: set[str]
) -> str:
    """Return why an estimate cannot be pooled, or an empty string; the first reason that holds."""
    named = study.id in question.studies
    checks = (
        (study.species != "human", f"not in people ({study.species})"),
        (study.cohort_id in left_out, f"cohort {study.cohort_id} is left out as asked"),
        (bool(question.studies) and not named, "not among the studies asked for"),
        (
            study.integrity_status not in question.statuses,
            f"integrity status {study.integrity_status}: {study.integrity_reason}",
        ),
        (estimate.design_class not in ("randomised", "randomised_crossover"), "not a randomised comparison"),
        (estimate.measure == "within_change", "a change within one arm, no comparison with a control"),
        (estimate.measure == "narrative", "no number readable in the source"),
        (
            estimate.read == "recalled" and not question.include_recalled,
            "recalled: nobody has read the source",
        ),
        (
            study.comparator in ("lower dose", "active treatment") and not named,
            f"compared with: {study.comparator}; name the study to include it",
        ),
        (not derived, "no variance can be computed from what was printed"),
    )
    return next((reason for holds, reason in checks if holds), "")


def _choose_metric(
    selection: Selection, candidates: list[tuple[Study, Estimate, dict[Scale, Derived]]], metric: str
) -> None:
    """Take the metric asked for; or MD on one shared scale, SMD on several, else the commonest ratio."""
    if not candidates:
        return
    continuous = [c for c in candidates if "MD" in c[2]]
    primary = [c for c in continuous if "sensitivity" not in c[1].outcome_scale]
    scales = Counter(c[1].scale for c in _first_of_each_cohort(primary or continuous))
    if metric != "auto":
        wanted: Scale = METRICS[metric]
    elif len(continuous) * 2 >= len(candidates):
        wanted = "MD" if len(scales) == 1 else "SMD"
    else:
        kinds = Counter(scale for c in candidates for scale in c[2] if scale not in ("MD", "SMD"))
        wanted = kinds.most_common(1)[0][0]
    common = scales.most_common(1)[0][0] if scales else ""
    for study, estimate, derived in candidates:
        if wanted not in derived:
            offers = " or ".join(derived)
            reason = f"gives {offers}, not {wanted}"
        elif wanted == "MD" and estimate.scale != common:
            reason = f'measured on "{estimate.scale}", the others on "{common}"'
        else:
            selection.included.append(Included(study, estimate, derived[wanted]))
            continue
        selection.excluded.append(Excluded(study, estimate, reason))
    selection.scale = wanted
    selection.unit = common if wanted == "MD" else ""


def _first_of_each_cohort(
    candidates: list[tuple[Study, Estimate, dict[Scale, Derived]]],
) -> list[tuple[Study, Estimate, dict[Scale, Derived]]]:
    first = {study.cohort_id: (study, estimate, derived) for study, estimate, derived in reversed(candidates)}
    return list(first.values())


def _one_per_cohort(selection: Selection, order: Sequence[str]) -> None:
    """Keep one estimate of each cohort: as named, main analysis, unflagged, larger, first in the table."""

    def rank(item: tuple[int, Included]) -> tuple[int, bool, bool, int, int]:
        position, one = item
        named = order.index(one.study.id) if one.study.id in order else len(order)
        size = (one.estimate.n_treatment or 0) + (one.estimate.n_control or 0)
        sensitivity = "sensitivity" in one.estimate.outcome_scale
        return named, sensitivity, one.study.integrity_status != "none", -size, position

    best: dict[str, Included] = {}
    for _, one in sorted(enumerate(selection.included), key=rank):
        best.setdefault(one.study.cohort_id, one)
    kept = [one for one in selection.included if best[one.study.cohort_id] is one]
    for one in selection.included:
        chosen = best[one.study.cohort_id]
        if chosen is not one:
            reason = f"cohort {one.study.cohort_id} counts once; {chosen.estimate.id} stands for it"
            selection.excluded.append(Excluded(one.study, one.estimate, reason))
    selection.included = kept


def _check_names(evidence: Evidence, question: Question) -> None:
    findings = [
        Finding(
            "question",
            "studies",
            unknown_word(name, evidence.studies),
            next_step="see: eubiosis evidence list",
        )
        for name in (*question.studies, *question.leave_out)
        if name not in evidence.studies
    ]
    if question.metric not in ("auto", *METRICS):
        findings.append(
            Finding("question", "metric", unknown_word(question.metric, METRICS), allowed=", ".join(METRICS))
        )
    if findings:
        raise FindingsError(findings)
