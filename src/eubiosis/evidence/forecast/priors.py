"""The prior of a new trial's true effect: what the trials predict, discounted, around a null-centred rest.

prior = (1 - w) predictive + w null-centred. The predictive part is the posterior predictive of the Bayesian
random-effects model with the variances of studies that failed a check inflated. w falls with the number of
independent groups of investigators, because small-study bias cannot be tested when they are few. Where no
trial exists, or all are held out, only the null-centred part is left. All discounts are assumptions with
their reasons in ``discounts.tsv``. For relapses and lesions the null-centred part is the prior of
``core.clinical_prior``, for everything else N(0, s0^2). Brief, trial report and ``evidence prior`` all ask
here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from eubiosis.core.clinical_prior import (
    ClinicalTables,
    Mixture,
    clinical_part,
    mechanism_part,
    packaged_clinical,
)
from eubiosis.core.decisions import BENEFIT
from eubiosis.core.effect_prior import EffectPrior
from eubiosis.core.findings import FindingCollector, FindingsError
from eubiosis.core.outside import outside_of
from eubiosis.core.provenance import SourcedNumber
from eubiosis.core.scales import METRICS, Scale, is_ratio
from eubiosis.core.tables import read_table
from eubiosis.evidence.records import companions
from eubiosis.evidence.records.store import Evidence, load
from eubiosis.evidence.synthesis.bayes import bayes_fit
from eubiosis.evidence.synthesis.pooling import default_tau_scale, nulls_without_numbers
from eubiosis.evidence.synthesis.selection import PoolQuestion, Selection, select

NOTICE = "An input of simulations; not evidence that a therapy works, and no advice for any person."
RELAPSE_OUTCOMES = ("relapse_rate", "relapse_rate_reported", "relapse_risk", "time_to_relapse")
LESION_OUTCOMES = ("new_T2_lesions", "Gd_lesions", "combined_unique_active_lesions", "MRI_lesions_total")


@dataclass(frozen=True)
class PriorBasis:
    """What the clinical part of a prior rests on.

    ``before`` leaves the biomarkers out that inform couplings, ``delta`` False the term outside the
    mechanism.
    """

    before: bool = False
    delta: bool = True


WITH_DATA = PriorBasis()


def prior(
    outcome: str,
    intervention: str,
    *,
    metric: str = "auto",
    leave_out: Sequence[str] = (),
    evidence: Evidence | None = None,
    basis: PriorBasis = WITH_DATA,
) -> EffectPrior:
    """Return the prior of the true effect of an intervention on an outcome in a new trial.

    ``leave_out`` names studies whose whole cohorts are held back everywhere, as beside any study to be
    forecast: from the trials of the intervention and from those of other agents behind the term outside the
    mechanism. ``basis`` says what the clinical part rests on. Raises ``FindingsError`` for unknown names and
    metrics.

    >>> found = prior("relapse rate", "probiotic")
    >>> found.mean, found.basis
    (0.0, 'assumed')
    """
    tables = evidence or load()
    clinical = clinical_tables(tables)
    add_on = {row.cohort for row in clinical.outside.trials} | clinical.biomarker_cohorts
    add_on -= set(tables.studies)
    known = tuple(name for name in leave_out if name not in add_on)
    question = PoolQuestion(outcome, intervention, leave_out=known, metric=metric)
    left_out = tuple(sorted({tables.cohort_of(name) for name in known} | (set(leave_out) & add_on)))
    return prior_of(
        select(tables, question),
        read_discounts(tables),
        tables,
        metric=metric,
        left_out=left_out,
        basis=basis,
    )


def prior_of(
    selection: Selection,
    discounts: Mapping[str, float],
    evidence: Evidence,
    *,
    metric: str = "auto",
    left_out: tuple[str, ...] = (),
    basis: PriorBasis = WITH_DATA,
) -> EffectPrior:
    """Return the prior that a selection gives; ``metric`` is the scale where no trial is left."""
    if not selection.included:
        return null_prior(selection, discounts, evidence, metric=metric, left_out=left_out, basis=basis)
    return _informed(selection, discounts, evidence, left_out, basis)


def prior_for_target(target_id: str, outcome: str, intervention: str, *, metric: str = "auto",
                     evidence: Evidence | None = None) -> EffectPrior:  # fmt: skip
    """Return the prior to use beside a calibration target: without any cohort of its studies.

    Raises ``FindingsError`` for an unknown target.

    >>> prior_for_target("H3", "fatigue", "diet", metric="SMD").left_out
    ('chen2023',)
    """
    tables = evidence or load()
    targets = {t.id: t for t in tables.table(companions.CalibrationTarget)}
    findings = FindingCollector()
    if target_id not in targets:
        findings.add("calibration_targets.tsv", target_id, "no such target", allowed=", ".join(targets))
    findings.raise_if_any()
    names = [name for name in targets[target_id].study_ids.split(";") if name in tables.studies]
    return prior(outcome, intervention, metric=metric, leave_out=names, evidence=tables)


def holdout_studies(evidence: Evidence | None = None) -> tuple[str, ...]:
    """Return the studies of every hold-out target: what a prior used for fitting has to leave out.

    >>> "chen2023" in holdout_studies()
    True
    """
    evidence = evidence or load()
    targets = evidence.table(companions.CalibrationTarget)
    named = (name for t in targets if t.role == "holdout" for name in t.study_ids.split(";"))
    return tuple(dict.fromkeys(name for name in named if name in evidence.studies))


def read_discounts(evidence: Evidence) -> dict[str, float]:
    """Read the discounts by id; raises ``FindingsError`` where one is missing or invalid."""
    findings = FindingCollector()
    rows = read_table(evidence.folder / "discounts.tsv", SourcedNumber, findings)
    numbers = {row.id: row.value for row in rows}
    needed = ("variance_factor_failed_check", "null_sd_smd", "null_sd_log", "null_sd_rd",
              *(f"null_weight_{n}" for n in (1, 2, 3, 5, 10)))  # fmt: skip
    for name in needed:
        if name not in numbers and not findings.findings:
            findings.add("discounts.tsv", name, "is missing", next_step="restore the row")
    findings.raise_if_any()
    return numbers


def _informed(
    selection: Selection,
    numbers: Mapping[str, float],
    evidence: Evidence,
    left_out: tuple[str, ...],
    basis: PriorBasis,
) -> EffectPrior:
    included = selection.included
    assert selection.scale is not None
    flagged = [one.study.integrity_status == "failed_check" for one in included]
    factor = numbers["variance_factor_failed_check"]
    y = np.array([one.derived.effect.estimate for one in included])
    v = np.array([one.derived.effect.variance * (factor if bad else 1.0)
                  for one, bad in zip(included, flagged, strict=True)])  # fmt: skip
    tau_scale = default_tau_scale(selection)
    posterior = bayes_fit(y, v, tau_scale=tau_scale)
    groups = len({one.study.author_group for one in included})
    null = null_weight(groups, numbers)
    own = tuple(one.study.cohort_id for one in included)
    rest = null_part(selection, selection.scale, numbers, evidence, (*left_out, *own), basis)
    keep = posterior.weights > 1e-9
    weights = (1 - null) * posterior.weights[keep] / posterior.weights[keep].sum()
    notes = [
        f"{len(included)} cohorts from {groups} independent groups",
        f"{100 * null:.0f} % of the weight is null-centred, SD {math.sqrt(rest.mixture.variance):.3g}",
        f"half-normal prior on tau with scale {tau_scale:.3g}",
    ]
    notes += [*rest.notes, *nulls_without_numbers(selection)]
    if any(flagged):
        names = ", ".join(one.study.id for one, bad in zip(included, flagged, strict=True) if bad)
        notes.append(f"variance times {factor:g} for a failed check: {names}")
    return EffectPrior(
        outcome=selection.outcome.id, intervention=selection.intervention, scale=selection.scale,
        unit=selection.unit, better=included[0].estimate.direction_better,
        weights=(*weights.tolist(), *(null * rest.mixture.weights).tolist()),
        means=(*posterior.means[keep].tolist(), *rest.mixture.means.tolist()),
        sds=(*posterior.predictive_sds[keep].tolist(), *rest.mixture.sds.tolist()),
        cohorts=own, left_out=left_out, basis="derived", notes=tuple(notes),
        outside_share=rest.outside_share, outside_cohorts=rest.cohorts,
    )  # fmt: skip


def null_prior(
    selection: Selection,
    discounts: Mapping[str, float],
    evidence: Evidence,
    *,
    metric: str = "auto",
    left_out: tuple[str, ...] = (),
    basis: PriorBasis = WITH_DATA,
) -> EffectPrior:
    """Return the null-centred prior of a question, as if no trial of the intervention were there."""
    counted = selection.outcome.id in (*RELAPSE_OUTCOMES, *LESION_OUTCOMES)
    plain: Scale = "log rate ratio" if counted else "SMD"
    scale = METRICS.get(metric, plain)
    if scale == "MD":
        findings = FindingCollector()
        findings.add("question", "metric", "a mean difference needs a trial to give its unit",
                     allowed="SMD or a ratio where no trial is left")  # fmt: skip
        raise FindingsError(findings.findings)
    reasons = tuple(dict.fromkeys(f"{x.study.id}: {x.reason}" for x in selection.excluded))
    rest = null_part(selection, scale, discounts, evidence, left_out, basis)
    return EffectPrior(
        outcome=selection.outcome.id, intervention=selection.intervention, scale=scale, unit="",
        better="not stated: no trial", weights=tuple(rest.mixture.weights.tolist()),
        means=tuple(rest.mixture.means.tolist()), sds=tuple(rest.mixture.sds.tolist()), cohorts=(),
        left_out=left_out, basis="assumed",
        notes=("no trial: centred on no effect and wide", *rest.notes, *reasons),
        outside_share=rest.outside_share, outside_cohorts=rest.cohorts,
    )  # fmt: skip


def null_weight(groups: int, numbers: Mapping[str, float]) -> float:
    """Return the share of the null-centred part for a number of independent groups."""
    step = max(n for n in (1, 2, 3, 5, 10) if n <= groups)
    return numbers[f"null_weight_{step}"]


@dataclass(frozen=True)
class NullPart:
    """The null-centred part of a prior; ``cohorts`` are the add-on trials behind the term outside."""

    mixture: Mixture
    notes: tuple[str, ...] = ()
    outside_share: float | None = None
    cohorts: tuple[str, ...] = ()


def null_part(
    selection: Selection,
    scale: Scale,
    numbers: Mapping[str, float],
    evidence: Evidence,
    left_out: Sequence[str] = (),
    basis: PriorBasis = WITH_DATA,
) -> NullPart:
    """Return the null-centred part on a scale: of mechanism and term outside for relapses and lesions."""
    outcome = selection.outcome.id
    if not is_ratio(scale) or outcome not in (*RELAPSE_OUTCOMES, *LESION_OUTCOMES):
        sd = _null_sd(scale, selection, numbers)
        return NullPart(Mixture(np.array([1.0]), np.array([0.0]), np.array([sd])))
    return _clinical_null(selection.intervention, outcome, evidence, left_out, basis)


def _clinical_null(
    intervention: str, outcome: str, evidence: Evidence, left_out: Sequence[str], basis: PriorBasis
) -> NullPart:
    tables = clinical_tables(evidence)
    term = evidence.intervention(intervention)
    own = tables.therapy(term.id) or tables.therapy(term.parent)
    therapy = "" if own is None else own.therapy
    effect_class = (term.parent or term.id) if own is None else own.effect_class
    lesions = outcome in LESION_OUTCOMES
    held = sorted(tables.biomarker_cohorts & set(left_out))
    basis = replace(basis, before=basis.before or bool(held))
    factor = 1.0 / tables.outside.value("lesion_slope") if lesions else 1.0
    found = clinical_part(
        tables, therapy, effect_class, leave_out=frozenset(left_out), before=basis.before,
        delta=basis.delta, factor=factor,
    )  # fmt: skip
    inside = mechanism_part(tables, therapy, before=basis.before).variance * factor**2
    outside = outside_of(tables.outside, frozenset(left_out))
    exposed = tables.exposures.get(therapy, ())
    where = (
        f"exposure as in the condition {exposed[0].condition} of the model"
        if exposed
        else "no exposure: the mechanism says nothing"
    )
    low, middle, high = (outside.tau_quantile(p) for p in (0.025, 0.5, 0.975))
    notes = [
        f"mechanism: {where}; SD of the log ratio {_sd_text(math.sqrt(inside))}, mixed over "
        f"{len(tables.forms.rows)} forms",
        f"outside the mechanism: SD of the log ratio between trials {middle:.2f} ({low:.2f} to {high:.2f}) "
        f"from {len(outside.rows)} add-on trials of other agents, centre 0"
        if basis.delta
        else "outside the mechanism: left away",
    ]
    if held:
        notes.append(f"couplings as before all biomarkers: {', '.join(held)} is left out")
    if basis.delta:
        notes.append(_sensitivity(found, tables, factor))
    if lesions:
        notes.append(f"lesions: the log ratio of relapses over {tables.outside.value('lesion_slope'):g}")
    cohorts = tuple(dict.fromkeys(row.cohort for row in outside.rows)) if basis.delta else ()
    share = 1 - inside / found.variance if found.variance else 0.0
    return NullPart(found, tuple(notes), share, cohorts)


def _sd_text(sd: float) -> str:
    return "under 0.01" if sd < 0.01 else f"{sd:.2g}"


def _sensitivity(found: Mixture, tables: ClinicalTables, factor: float) -> str:
    """Say what the chance of a ratio below 0.8 would be about the pooled mean of add-on trials."""
    centre = (tables.outside.numbers["centre"].low or 0.0) * factor
    prior = EffectPrior(
        "", "", "log rate ratio", "", "", tuple(found.weights.tolist()),
        tuple((found.means + centre).tolist()), tuple(found.sds.tolist()), (), (), "assumed", (),
    )  # fmt: skip
    return (
        f"sensitivity only: about a ratio of {math.exp(centre):.2f}, as pooled add-on trials have it, the "
        f"chance of a ratio below {BENEFIT:g} would be {100 * prior.chance_below(BENEFIT):.0f} %"
    )


def clinical_tables(evidence: Evidence) -> ClinicalTables:
    """Return the tables of the clinical prior, none of whose fit rows is a hold-out of the evidence."""
    held = frozenset(evidence.cohort_of(name) for name in holdout_studies(evidence))
    return packaged_clinical(held)


def _null_sd(scale: Scale, selection: Selection, numbers: Mapping[str, float]) -> float:
    if scale == "MD":
        return numbers["null_sd_smd"] / 0.5 * default_tau_scale(selection)
    if scale == "SMD":
        return numbers["null_sd_smd"]
    return numbers["null_sd_rd"] if scale == "RD" else numbers["null_sd_log"]


@dataclass(frozen=True)
class PriorComponents:
    """The normal components of a prior."""

    weights: tuple[float, ...]
    means: tuple[float, ...]
    sds: tuple[float, ...]


@dataclass(frozen=True)
class PriorReport:
    """A prior with its quantiles and, for ratios, two chances; components of ratios are on the log scale."""

    outcome: str
    intervention: str
    scale: Scale
    unit: str
    better: str
    basis: str
    mean: float
    sd: float
    quantiles: Mapping[str, float]
    ratio_quantiles: Mapping[str, float] | None
    cohorts: tuple[str, ...]
    left_out: tuple[str, ...]
    notes: tuple[str, ...]
    notice: str
    outside_share: float | None
    outside_cohorts: tuple[str, ...]
    chances: Mapping[str, float] | None
    components: PriorComponents


def prior_report(found: EffectPrior) -> PriorReport:
    """Return a prior as a report with its quantiles."""
    quantiles = {f"{p:g}": found.quantile(p) for p in (0.025, 0.25, 0.5, 0.75, 0.975)}
    ratios = {p: math.exp(q) for p, q in quantiles.items()} if is_ratio(found.scale) else None
    chances = (
        {"ratio below 0.8": found.chance_below(0.8), "ratio above 1.1": 1 - found.chance_below(1.1)}
        if is_ratio(found.scale)
        else None
    )
    return PriorReport(
        found.outcome, found.intervention, found.scale, found.unit, found.better, found.basis, found.mean,
        found.sd, quantiles, ratios, found.cohorts, found.left_out, found.notes, NOTICE,
        found.outside_share, found.outside_cohorts, chances,
        PriorComponents(found.weights, found.means, found.sds),
    )  # fmt: skip
