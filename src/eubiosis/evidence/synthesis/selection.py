"""Which estimates enter a pool, and the reason for each one that does not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from eubiosis.core.findings import Finding, FindingsError, unknown_word
from eubiosis.core.scales import METRICS, Scale
from eubiosis.evidence.records.rows import Integrity, OutcomeTerm, Study, StudyEstimate
from eubiosis.evidence.records.store import Evidence
from eubiosis.evidence.synthesis.derive import DerivedEffect, as_printed, derive

SAFE_STATUS: tuple[Integrity, ...] = ("none", "failed_check")
Dispersions = Literal["converted", "as printed"]


class Exclusion(StrEnum):
    """Why an estimate stays out of a pool."""

    SPECIES = "not in people"
    LEFT_OUT = "left out as asked"
    NOT_ASKED = "not asked for"
    INTEGRITY = "integrity status"
    NOT_RANDOMISED = "not randomised"
    WITHIN_ARM = "within one arm"
    NO_NUMBER = "no number"
    RECALLED = "recalled"
    COMPARATOR = "another comparator"
    NO_VARIANCE = "no variance"
    METRIC = "another metric"
    SCALE = "another scale"
    SAME_COHORT = "cohort counted once"


@dataclass(frozen=True)
class PoolQuestion:
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
    estimate: StudyEstimate
    derived: DerivedEffect


@dataclass(frozen=True)
class Excluded:
    """One estimate of the outcome and intervention that is not pooled: why, and the same in words."""

    study: Study
    estimate: StudyEstimate
    why: Exclusion
    reason: str

    @property
    def silent_null(self) -> bool:
        """Say whether it is a randomised comparison that found no difference and prints no usable number."""
        return (
            self.estimate.verdict == "no_difference"
            and self.estimate.randomised
            and self.estimate.measure != "within_change"
            and self.why in (Exclusion.NO_NUMBER, Exclusion.NO_VARIANCE)
        )


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


def select(evidence: Evidence, question: PoolQuestion) -> Selection:
    """Choose at most one estimate per cohort and say why each other one stays out.

    Country, city and authors play no part. Raises ``FindingsError`` for an unknown outcome, intervention,
    study or metric.
    """
    outcome, intervention = evidence.outcome(question.outcome), evidence.intervention(question.intervention)
    _check_names(evidence, question)
    selection = Selection(outcome, intervention.id, intervention.label)
    left_out = {evidence.cohort_of(name) for name in question.leave_out}
    candidates: list[tuple[Study, StudyEstimate, dict[Scale, DerivedEffect]]] = []
    for estimate in evidence.estimates:
        study = evidence.studies[estimate.study_id]
        if estimate.outcome != outcome.id or intervention.id not in (study.intervention, study.subclass):
            continue
        read = as_printed(estimate) if question.dispersions == "as printed" else estimate
        derived = derive(read)
        reason = _reason(study, read, derived, question, left_out)
        if reason:
            selection.excluded.append(Excluded(study, estimate, *reason))
        else:
            candidates.append((study, read, derived))
    _choose_metric(selection, candidates, question.metric)
    _one_per_cohort(selection, question.studies)
    return selection


def _reason(
    study: Study,
    estimate: StudyEstimate,
    derived: dict[Scale, DerivedEffect],
    question: PoolQuestion,
    left_out: set[str],
) -> tuple[Exclusion, str] | None:
    """Return why an estimate cannot be pooled, the first reason that holds; None where it can."""
    named = study.id in question.studies
    status, comparator = study.integrity_status, study.comparator
    checks = (
        (study.species != "human", Exclusion.SPECIES, f"not in people ({study.species})"),
        (study.cohort_id in left_out, Exclusion.LEFT_OUT, f"cohort {study.cohort_id} is left out as asked"),
        (bool(question.studies) and not named, Exclusion.NOT_ASKED, "not among the studies asked for"),
        (
            status not in question.statuses,
            Exclusion.INTEGRITY,
            f"integrity status {status}: {study.integrity_reason}",
        ),
        (not estimate.randomised, Exclusion.NOT_RANDOMISED, "not a randomised comparison"),
        (
            estimate.measure == "within_change",
            Exclusion.WITHIN_ARM,
            "a change within one arm, no comparison with a control",
        ),
        (estimate.measure == "narrative", Exclusion.NO_NUMBER, "no number readable in the source"),
        (
            estimate.read == "recalled" and not question.include_recalled,
            Exclusion.RECALLED,
            "recalled: nobody has read the source",
        ),
        (
            comparator in ("lower dose", "active treatment") and not named,
            Exclusion.COMPARATOR,
            f"compared with: {comparator}; name the study to include it",
        ),
        (not derived, Exclusion.NO_VARIANCE, "no variance can be computed from what was printed"),
    )
    return next(((why, words) for holds, why, words in checks if holds), None)


def _choose_metric(
    selection: Selection,
    candidates: list[tuple[Study, StudyEstimate, dict[Scale, DerivedEffect]]],
    metric: str,
) -> None:
    """Take the metric asked for; or MD on one shared scale, SMD on several, else the commonest ratio."""
    if not candidates:
        return
    continuous = [c for c in candidates if "MD" in c[2]]
    primary = [c for c in continuous if c[1].analysis == "main"]
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
            why, reason = Exclusion.METRIC, f"gives {' or '.join(derived)}, not {wanted}"
        elif wanted == "MD" and estimate.scale != common:
            why, reason = Exclusion.SCALE, f'measured on "{estimate.scale}", the others on "{common}"'
        else:
            selection.included.append(Included(study, estimate, derived[wanted]))
            continue
        selection.excluded.append(Excluded(study, estimate, why, reason))
    selection.scale = wanted
    selection.unit = common if wanted == "MD" else ""


def _first_of_each_cohort(
    candidates: list[tuple[Study, StudyEstimate, dict[Scale, DerivedEffect]]],
) -> list[tuple[Study, StudyEstimate, dict[Scale, DerivedEffect]]]:
    first = {study.cohort_id: (study, estimate, derived) for study, estimate, derived in reversed(candidates)}
    return list(first.values())


def _one_per_cohort(selection: Selection, order: Sequence[str]) -> None:
    """Keep one estimate of each cohort: as named, main analysis, unflagged, larger, first in the table."""

    def rank(item: tuple[int, Included]) -> tuple[int, bool, bool, int, int]:
        position, one = item
        named = order.index(one.study.id) if one.study.id in order else len(order)
        size = (one.estimate.n_treatment or 0) + (one.estimate.n_control or 0)
        return (
            named,
            one.estimate.analysis == "sensitivity",
            one.study.integrity_status != "none",
            -size,
            position,
        )

    best: dict[str, Included] = {}
    for _, one in sorted(enumerate(selection.included), key=rank):
        best.setdefault(one.study.cohort_id, one)
    kept = [one for one in selection.included if best[one.study.cohort_id] is one]
    for one in selection.included:
        chosen = best[one.study.cohort_id]
        if chosen is not one:
            reason = f"cohort {one.study.cohort_id} counts once; {chosen.estimate.id} stands for it"
            selection.excluded.append(Excluded(one.study, one.estimate, Exclusion.SAME_COHORT, reason))
    selection.included = kept


def _check_names(evidence: Evidence, question: PoolQuestion) -> None:
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
