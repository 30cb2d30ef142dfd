"""What a trial report says of model forms and of the clinical prior: the same prior as brief and evidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.clinical_prior import packaged_clinical
from eubiosis.core.decisions import chances, tipping_ratio
from eubiosis.core.endpoints import ENDPOINTS
from eubiosis.core.model_forms import SURVIVES, ModelForm
from eubiosis.core.report_input import ClinicalPriorRow, FormEffect
from eubiosis.core.scales import is_ratio, natural
from eubiosis.core.world_intervals import ENOUGH_WORLDS, interval, interval_error
from eubiosis.evidence.forecast.priors import PriorBasis, prior
from eubiosis.model.model import Model
from eubiosis.trial.design import Design
from eubiosis.workflow.trial_chunk import Chunk

MIXED, OUTSIDE = "mixed", "outside"
# endpoint of the simulation -> outcome of the evidence and the scale asked for
PRIOR_OUTCOMES = {
    "relapses": ("relapse_rate", "rate-ratio"),
    "t2_lesions": ("new_T2_lesions", "rate-ratio"),
    "edss": ("EDSS", "auto"),
    "mfis": ("fatigue", "auto"),
}


def form_effects(design: Design, chunks: Sequence[Chunk], model: Model) -> tuple[FormEffect, ...]:
    """Return the true effect on the primary endpoint, and on relapses, in each form and mixed over worlds.

    Worlds run through the forms in turn; the mixture gives each form its stated weight, however many worlds
    it has, and its words say where a form is absent. No form where worlds have none.
    """
    form_of = {(row.gut_world, row.host_world): row.form for c in chunks for row in c.worlds}
    known = {form.id: form for form in model.forms.rows}
    if not form_of or not set(form_of.values()) <= set(known):
        return tuple(_outside_alone(design, chunks))
    ran = set(form_of.values())
    mixture = SURVIVES if ran == set(known) else f"mixed over {', '.join(sorted(ran))} alone: too few worlds"
    rows = []
    for endpoint in dict.fromkeys((design.primary, "relapses")):
        for arm in design.active:
            truths = [t for c in chunks for t in c.truths if (t.endpoint, t.arm) == (endpoint, arm.name)]
            for name in (*known, MIXED):
                own = [t for t in truths if name in (MIXED, form_of[t.gut_world, t.host_world])]
                if own:
                    values = np.array([t.value for t in own])
                    ratio = ENDPOINTS[endpoint].scale == "ratio"
                    shown = np.exp(values) if ratio else values
                    shares = None
                    if name == MIXED:
                        shares = _shares([form_of[t.gut_world, t.host_world] for t in own], known)
                    rows.append(
                        FormEffect(
                            endpoint=endpoint,
                            label=ENDPOINTS[endpoint].label,
                            arm=arm.name,
                            form=name,
                            form_label=mixture if name == MIXED else known[name].label,
                            weight=1.0 if name == MIXED else known[name].weight,
                            worlds=len(own),
                            enough=len(own) >= ENOUGH_WORLDS,
                            truth=interval(shown, shares),
                            truth_error=interval_error(shown, [t.gut_world for t in own], shares),
                        )
                    )
    return (*rows, *_outside_alone(design, chunks))


def _shares(forms: Sequence[str], known: Mapping[str, ModelForm]) -> NDArray[np.float64]:
    """Return the weight of each world of a mixture, summing to one: its form's, shared among its worlds."""
    counts = Counter(forms)
    shares = np.array([known[form].weight / counts[form] for form in forms])
    return np.asarray(shares / shares.sum())


def _outside_alone(design: Design, chunks: Sequence[Chunk]) -> list[FormEffect]:
    """Return what the term outside the mechanism alone does to relapses in each arm, over all worlds."""
    rows = []
    for arm in design.active:
        own = [row for c in chunks for row in c.worlds if row.arm == arm.name]
        ratios = np.exp(np.array([row.outside_log_ratio for row in own]))
        rows.append(
            FormEffect(
                endpoint="relapses",
                label=ENDPOINTS["relapses"].label,
                arm=arm.name,
                form=OUTSIDE,
                form_label="outside the mechanism, alone",
                weight=1.0,
                worlds=len(own),
                enough=len(own) >= ENOUGH_WORLDS,
                truth=interval(ratios),
                truth_error=interval_error(ratios, [row.gut_world for row in own]),
            )
        )
    return rows


def biomarker_fact() -> str:
    """Say how many biomarker rows weigh on couplings, and what share of the prior's draws is effective."""
    totals = packaged_clinical().totals
    shares = [row.effective / row.draws for row in totals]
    draws = sum(row.draws for row in totals if row.metabolite_class == "acids")
    return (
        f"drawn from a prior that the rows of coupling_rows.tsv weigh; by class of metabolite, "
        f"{100 * min(shares):.0f} to {100 * max(shares):.0f} % of its draws (up to {draws:,}) are effective"
    )


def clinical_priors(design: Design) -> tuple[ClinicalPriorRow, ...]:
    """Return the prior of each clinical endpoint in each active arm, as ``evidence prior`` gives it."""
    tables, rows = packaged_clinical(), []
    for arm in design.active:
        own = tables.therapy(arm.therapy.product)
        if own is None:
            continue
        for endpoint, (outcome, metric) in PRIOR_OUTCOMES.items():
            found = prior(outcome, own.intervention, metric=metric)
            before = prior(outcome, own.intervention, metric=metric, basis=PriorBasis(before=True))
            ratio = is_ratio(found.scale)
            said = chances(found, before) if ratio else ()
            acids = {row.metabolite_class: row.mean for row in tables.exposures.get(own.therapy, ())}
            low, middle, high = (natural(found.quantile(p), found.scale) for p in (0.025, 0.5, 0.975))
            rows.append(
                ClinicalPriorRow(
                    endpoint=endpoint,
                    label=ENDPOINTS[endpoint].label,
                    arm=arm.name,
                    intervention=own.intervention,
                    scale="ratio" if ratio else found.scale,
                    unit=found.unit,
                    prior=(low, middle, high),
                    basis=found.basis,
                    cohorts=found.cohorts,
                    outside_share=found.outside_share,
                    chances=tuple((c.statement, c.probability, c.before, c.word) for c in said),
                    tipping=tipping_ratio(acids.get("acids", 0.0)) if endpoint == "relapses" else None,
                    notes=found.notes,
                )
            )
    return tuple(rows)
