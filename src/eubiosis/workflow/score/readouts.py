"""What finished studies found, on the scale of the forecasts: arms of cohorts, rows of targets, trials."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from eubiosis.analysis.scoreboard import interval_error
from eubiosis.calibration.roles import Row, ever_fitted, read_tables, roles
from eubiosis.calibration.waves_terms import kind_of, study_of
from eubiosis.calibration.worlds_history import TOLD_TWICE
from eubiosis.core.clinical_prior import packaged_clinical
from eubiosis.core.findings import FindingCollector
from eubiosis.core.scales import Scale
from eubiosis.core.scoreboard import NotScored, ReadOut, ScoreStatus
from eubiosis.evidence import load as load_evidence
from eubiosis.evidence.records.store import Evidence
from eubiosis.evidence.synthesis.derive import derive
from eubiosis.model.content import TargetRow
from eubiosis.model.natural_history.answers import JOINED
from eubiosis.workflow.forecast.quantities import QUANTITIES
from eubiosis.workflow.score.tables import TrialRow, arm_rows, cohort_rows, not_scored_rows, trial_rows

FITTED_ROWS = ("Drabinska 2018", "Duncan 2007", "iMSMS 2022")  # studies of fit rows that are scored as such
_RATIOS = ("ratio", "ratio_to", "over_healthy", "drug")
_KINDS = {"guild": "guilds", "stool_acid": "stool acids"}
DRUGS = "relapses on a drug"
LEVELS = "natural history"


@dataclass(frozen=True)
class AskedQuantity:
    """A read-out with what its forecast needs to know; the forecast sees all of it but the read-out.

    ``route`` is "arm", "row" or "trial"; ``key`` the quantity of the model, the target row or the trial.
    ``covariate`` is what a trial-level regression and minus-baseline start from; ``change`` False for a
    level, of which no change is no forecast. ``family`` says whose spread is the reference's; a figure that
    was picked from a profile because it moved (not ``whole``) is in nobody's.
    """

    read_out: ReadOut
    label: str
    kind: str
    family: str
    population: str
    unit: str
    status: ScoreStatus
    route: str
    key: str
    covariate: float | None = None
    baseline: float | None = None
    change: bool = True
    holdout: bool = False
    whole: bool = True


def asked_quantities() -> tuple[AskedQuantity, ...]:
    """Return everything that is scored, in the order of the tables; raises ``FindingsError``."""
    return (*_arms(), *_rows(), *(asked_of_trial(row) for row in trial_rows()))


def _arms() -> Iterator[AskedQuantity]:
    arms = {(row.study, row.arm): row for row in arm_rows()}
    labels = {quantity.id: quantity.label for quantity in QUANTITIES}
    for row in cohort_rows():
        arm = arms[row.study, row.arm]
        yield AskedQuantity(
            ReadOut(row.study, row.arm, row.quantity, row.estimate, row.se, row.people, arm.source),
            labels[row.quantity], _KINDS[row.kind], arm.family, arm.population, row.unit,
            arm.guilds if row.kind == "guild" else arm.acids, "arm", row.quantity, baseline=row.baseline,
        )  # fmt: skip


def _rows() -> Iterator[AskedQuantity]:
    by_id = {row.id: row for row in roles()}
    log = read_tables().log
    for row in by_id.values():
        target = row.target_row
        if target is None or why_not(row):
            continue
        fitted = ever_fitted(row, log) or row.kind == "drug_class"
        if row.role == "fit" and study_of(target) not in FITTED_ROWS:
            continue
        yield _asked_row(row, target, "fitted" if fitted else "seen", by_id)


def why_not(row: Row) -> str:
    """Say why a row of the target table cannot be scored; empty where it can."""
    target = row.target_row
    if row.role not in ("fit", "check"):
        return f"role {row.role}"
    if row.same_as:
        return f"the same figure as {row.same_as}"
    if target is None:
        return row.reason or "no target of the model asks it"
    if row.refusals:
        return f"not what the model is asked: {'; '.join(row.refusals)}"
    if row.role == "check" and row.id in TOLD_TWICE:
        return TOLD_TWICE[row.id]
    if row.read == "recalled" or "none" in row.people:
        return "nobody has read the source"
    if target.target is None or target.low is None or target.high is None:
        return "no estimate or no interval was read"
    if row.kind not in ("gut", "natural_history", "drug_class"):
        return row.reason or "the model gives no such quantity in a course"
    ratio = target.statistic in _RATIOS
    if row.kind == "natural_history" and target.condition != JOINED:
        return "no course of the model answers it"
    if row.kind == "gut" and not ratio:
        return "a level of the healthy gut and no change: nothing is forecast"
    if row.kind == "gut" and row.role == "fit" and kind_of(target) == "other":
        return "fitted, and neither guild nor stool acid"
    ends = (target.low, target.target, target.high)
    if ratio and min(ends) <= 0:
        return "a ratio of 0 has no logarithm"
    if target.target in (target.low, target.high):
        return "its estimate is an end of its range: that is no interval"
    return ""


def _asked_row(row: Row, target: TargetRow, status: ScoreStatus, by_id: dict[str, Row]) -> AskedQuantity:
    ratio = target.statistic in _RATIOS
    ends = [float(x) for x in (target.low, target.target, target.high) if x is not None]
    low, estimate, high = (math.log(x) for x in ends) if ratio else ends
    study, kind = study_of(target), _KINDS.get(kind_of(target), "stool mass")
    covariate = None
    if row.kind == "drug_class":
        study, kind = next(iter(sorted(row.cohorts))).upper(), DRUGS
        lesions = by_id[f"N{int(row.id[1:]) - 1}"].target_row
        assert lesions is not None
        assert lesions.condition == target.condition
        covariate = None if lesions.target is None else math.log(lesions.target)
    elif row.kind == "natural_history":
        kind = LEVELS
    population = "people with MS" if row.in_ms else "healthy people"
    read_out = ReadOut(
        study, target.condition, row.id, estimate, interval_error(estimate, low, high), None, target.source
    )
    family = DRUGS if kind == DRUGS else "diet or supplement"
    return AskedQuantity(
        read_out, target.quantity, kind, family, population, "log ratio" if ratio else target.unit, status,
        "row", row.id, covariate, None, ratio,
        whole=kind != _KINDS["guild"] or study in {arm.study for arm in arm_rows()},
    )  # fmt: skip


def asked_of_trial(row: TrialRow) -> AskedQuantity:
    """Return what a trial found; raises ``FindingsError`` for a record that is unknown or has no interval."""
    evidence = load_evidence()
    estimate, se, people = _found(row, evidence)
    unit = "standard deviations" if row.scale == "SMD" else "log ratio"
    return AskedQuantity(
        ReadOut(row.study, row.arm, row.endpoint, estimate, se, people, row.read_out),
        row.kind, row.kind, row.family, row.population, unit, row.status, "trial", row.study,
        holdout=row.status == "fresh",
    )  # fmt: skip


def _found(row: TrialRow, evidence: Evidence) -> tuple[float, float, int | None]:
    findings = FindingCollector()
    if row.read_out.startswith("delta:"):
        cohort = row.read_out.removeprefix("delta:")
        own = [each for each in packaged_clinical().outside.trials if each.cohort == cohort]
        if own:
            return own[0].estimate, own[0].se, own[0].randomised
    else:
        records = [e for e in evidence.estimates if e.id == row.read_out]
        derived = derive(records[0]) if records else {}
        scales: tuple[Scale, ...] = ("SMD",) if row.scale == "SMD" else ("log HR", "log rate ratio", "log RR")
        for scale in scales:
            if scale in derived:
                effect = derived[scale].effect
                sizes = (records[0].n_treatment or 0) + (records[0].n_control or 0)
                return effect.estimate, math.sqrt(effect.variance), sizes or None
    findings.add(
        "trials.tsv", row.study, f"{row.read_out} is unknown or has no interval on the scale {row.scale}",
        allowed="a record with an interval", next_step="list the study as not scored, with its reason",
    )  # fmt: skip
    findings.raise_if_any()
    raise AssertionError


def other_effects(kind: str, without: Sequence[str]) -> dict[str, tuple[float, float]]:
    """Return the effects of the evidence's other trials, cohort -> estimate and standard error.

    Of fatigue as standardised differences, of relapses those of add-on trials. Neither holds a hold-out nor a
    cohort of ``without``.
    """
    held = {row.cohort for row in trial_rows() if row.status == "fresh"} | set(without)
    found: dict[str, tuple[float, float]] = {}
    if kind == "relapses":
        for trial in packaged_clinical().outside.trials:
            if trial.cohort not in held and trial.role != "holdout":
                found.setdefault(trial.cohort, (trial.estimate, trial.se))
        return found
    evidence = load_evidence()
    for record in evidence.estimates:
        cohort = evidence.cohort_of(record.study_id)
        if record.outcome != kind or record.analysis != "main" or {cohort, record.study_id} & held:
            continue
        effect = derive(record).get("SMD")
        if effect is not None:
            found.setdefault(cohort, (effect.effect.estimate, math.sqrt(effect.effect.variance)))
    return found


def not_scored() -> tuple[NotScored, ...]:
    """Return every cohort, check row and hold-out that is not scored, with its reason."""
    listed = [NotScored(row.id, row.what, row.reason) for row in not_scored_rows()]
    done = {row.id for row in listed} | {"C6", "H3", "H4", "H5"}
    for row in roles():
        if row.role in ("check", "holdout") and row.id not in done:
            why = why_not(row)
            if why:
                listed.append(NotScored(row.id, row.quantity, why))
    return tuple(listed)
