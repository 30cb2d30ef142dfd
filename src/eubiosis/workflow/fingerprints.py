"""Which marker at which visit would tell two forms of the model apart, and from how many people."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from eubiosis.analysis.planning.forms_apart import FormLaw, chance_of_right, participants_for_chance
from eubiosis.core.endpoints import ENDPOINTS
from eubiosis.core.trial_answer import FingerprintRow
from eubiosis.model import Model
from eubiosis.trial.world.layer import trial_values
from eubiosis.workflow.trial_chunk import Chunk
from eubiosis.workflow.visit_effects import VisitEffect
from eubiosis.workflow.workflow import Workflow

LEAST_WORLDS = 5  # of each form, behind a statement about it
SAMPLES = (1, 4)  # averaged at a visit: of blood, or ratings and questionnaires
# marker -> the number that is its standard deviation within a person, of the logarithm for ratios
_WITHIN = {
    "treg": "trial_sd_ln_treg", "nfl": "trial_sd_ln_nfl", "edss": "host_edss_sd", "mfis": "host_mfis_sem",
}  # fmt: skip


@dataclass(frozen=True)
class _Marker:
    """One marker of one arm at one visit: what each form lets it do, and its spread between people."""

    endpoint: str
    arm: str
    week: float
    laws: Mapping[str, FormLaw]
    spread: float


def fingerprint_rows(
    workflow: Workflow, chunks: Sequence[Chunk], model: Model | None = None
) -> tuple[FingerprintRow, ...]:
    """Return for each two forms every marker and visit that may tell them apart, the best first.

    Markers that can be taken several times at a visit have a row for one sample and one for four; without the
    ``model`` that ran, ratings and questionnaires have one only. Counts are those of the whole follow-up.
    Only what a form can move is tried: all forms share the gut. The true effects of a form are
    taken as normal, about no effect where the couplings are symmetric, and their variance is that of the
    worlds less that of their errors; one that chance alone would show is none. Empty where a form has fewer
    than five worlds.
    """
    form_of = {(row.gut_world, row.host_world): row.form for chunk in chunks for row in chunk.worlds}
    effects = [row for chunk in chunks for row in chunk.visit_effects]
    markers = list(_markers(effects, form_of, symmetric=workflow.simulation.couplings == "symmetric"))
    forms = sorted(set(form_of.values()))
    rows: list[FingerprintRow] = []
    within = _within_people(model)
    for pair in combinations(forms, 2):
        for marker in markers:
            if set(pair) <= set(marker.laws):
                taken = SAMPLES if marker.endpoint in within else (1,)
                rows += [_row(marker, pair, samples, workflow, within) for samples in taken]
    return tuple(sorted(rows, key=lambda row: (-row.chance, -row.ceiling)))


def _within_people(model: Model | None) -> dict[str, float]:
    """Return the standard deviation within a person of the markers that can be taken several times."""
    known = trial_values() if model is None else {**trial_values(), **model.content.by_name}
    return {marker: known[name] for marker, name in _WITHIN.items() if name in known}


def _markers(
    effects: Sequence[VisitEffect], form_of: Mapping[tuple[int, int], str], *, symmetric: bool
) -> Iterator[_Marker]:
    groups: dict[tuple[str, str, float], list[VisitEffect]] = {}
    for row in effects:
        groups.setdefault((row.endpoint, row.arm, row.week), []).append(row)
    for (endpoint, arm, week), rows in groups.items():
        by_form: dict[str, list[VisitEffect]] = {}
        for row in rows:
            form = form_of.get((row.gut_world, row.host_world))
            if form is not None and math.isfinite(row.value) and math.isfinite(row.error):
                by_form.setdefault(form, []).append(row)
        laws = {
            form: _law(own, symmetric=symmetric) for form, own in by_form.items() if len(own) >= LEAST_WORLDS
        }
        if len(laws) > 1:
            yield _Marker(endpoint, arm, week, laws, float(np.mean([row.spread for row in rows])))


def _law(rows: Sequence[VisitEffect], *, symmetric: bool) -> FormLaw:
    values, errors = np.array([row.value for row in rows]), np.array([row.error for row in rows])
    mean = 0.0 if symmetric else float(values.mean())
    total = float(np.mean(np.square(values - mean)))
    variance = total - float(np.mean(np.square(errors)))
    # a spread that chance alone would show is none
    return FormLaw(mean, math.sqrt(variance) if variance > total * math.sqrt(2 / len(rows)) else 0.0)


def _row(
    marker: _Marker, pair: tuple[str, str], samples: int, workflow: Workflow, within: Mapping[str, float]
) -> FingerprintRow:
    design = workflow.design
    unit = _unit_error(marker, samples, design.allocation, within.get(marker.endpoint))
    first, second = marker.laws[pair[0]], marker.laws[pair[1]]
    needed = participants_for_chance(first, second, unit)
    return FingerprintRow(
        endpoint=marker.endpoint,
        label=ENDPOINTS[marker.endpoint].label,
        arm=marker.arm,
        week=marker.week,
        forms=pair,
        participants=design.participants,
        samples=samples,
        chance=chance_of_right(first, second, unit / math.sqrt(design.participants)),
        ceiling=chance_of_right(first, second, 0.0),
        participants_needed=None if needed is None else design.size_for(needed),
    )


def _unit_error(marker: _Marker, samples: int, allocation: Sequence[int], within: float | None) -> float:
    """Return the error of a contrast of mean changes for one participant of the whole trial.

    Averaging samples at both visits shrinks the part of the variance that lies within a person.
    """
    variance = marker.spread**2
    if within is not None:
        variance = max(variance - 2 * within**2 * (1 - 1 / samples), variance / samples)
    shares = np.asarray(allocation) / sum(allocation)
    return math.sqrt(variance * 2 / float(shares.min()))
