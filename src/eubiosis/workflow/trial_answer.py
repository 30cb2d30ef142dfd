"""The first screen of a trial report: what the design can see, what would matter, what to do next."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from eubiosis.analysis.planning.assurance import sceptical_prior
from eubiosis.analysis.planning.counts import FollowUp
from eubiosis.analysis.planning.prior_assurance import MixturePrior
from eubiosis.analysis.planning.reach import (
    LARGEST,
    CountLaw,
    SpreadLaw,
    curve_under,
    detectable,
    participants_needed,
    power_at,
    worlds_prior,
)
from eubiosis.analysis.result import RATIO_SCALES
from eubiosis.core.calendar import DAYS_PER_YEAR
from eubiosis.core.clinical_prior import packaged_clinical
from eubiosis.core.decisions import tipping_ratio
from eubiosis.core.design_defaults import design_defaults
from eubiosis.core.effect_prior import EffectPrior
from eubiosis.core.endpoints import ENDPOINTS, Endpoint
from eubiosis.core.power_surface import PowerSurface, kind_of
from eubiosis.core.report_input import EffectRow, FormEffect
from eubiosis.core.scales import is_ratio
from eubiosis.core.trial_answer import (
    Band,
    ComparisonAnswer,
    PowerLine,
    Promise,
    TippingRow,
    TrialAnswer,
    WhatIf,
)
from eubiosis.core.verdict import EffectWords, Reach, overall, verdict
from eubiosis.evidence.forecast.control_arms import read_assumptions
from eubiosis.evidence.forecast.priors import prior
from eubiosis.model import Model
from eubiosis.trial.design import Arm, Design
from eubiosis.workflow.assurance_grids import assurance_grids, assured, law_of_length, rounded
from eubiosis.workflow.fingerprints import fingerprint_rows
from eubiosis.workflow.next_step import next_step
from eubiosis.workflow.plan import ALPHA
from eubiosis.workflow.trial_chunk import Chunk
from eubiosis.workflow.trial_forms import MIXED, OUTSIDE, PRIOR_OUTCOMES
from eubiosis.workflow.what_is_known import PublishedEvidence, what_is_known
from eubiosis.workflow.workflow import Workflow

POWER = 0.8
LEAST_TRIALS = 20  # with numbers, behind a spread
_SIZES = 28
_DISPERSIONS = {"relapses": "arr_dispersion", "gd_lesions": "gd_dispersion", "t2_lesions": "t2_dispersion"}
_COMMON = "the prior that the brief and the evidence give this question"
_SCEPTICAL = "normal, centred on no effect, with 5 % beyond the relevant effect"
_WORLDS = "the simulated worlds, equally probable, with the model's named discrepancies"


@dataclass(frozen=True)
class _Comparison:
    """One endpoint in one active arm, with the spread of its estimates and the priors of its effect."""

    endpoint: Endpoint
    arm: Arm
    row: EffectRow
    words: EffectWords
    relevant: float | None  # benefit positive, on the scale of the analysis
    law: SpreadLaw
    alpha: float
    worlds: MixturePrior | None
    common: MixturePrior | None
    sceptical: MixturePrior | None


def trial_answer(
    workflow: Workflow,
    chunks: Sequence[Chunk],
    effects: Sequence[EffectRow],
    forms: Sequence[FormEffect],
    surface: PowerSurface | None = None,
    model: Model | None = None,
) -> TrialAnswer:
    """Return the first screen of a report: verdicts of the endpoints named beforehand, power, next step.

    Endpoints that were not named beforehand have no verdict, whatever they show.
    """
    design = workflow.design
    known = what_is_known(workflow, _spreads(chunks))
    named = dict.fromkeys((design.primary, *workflow.relevant))
    found = [one for name in named for one in _comparisons(workflow, chunks, effects, ENDPOINTS[name], known)]
    rows = tuple(_answer(one, workflow) for one in found)
    primary = [row for row in rows if row.primary]
    arm, headline = overall([(row.arm, row.verdict, _worst(row)) for row in primary])
    biological = next((row.endpoint for row in rows if row.role == "biological" and not row.primary), None)
    marker = next((row.endpoint for row in rows if row.role != "clinical" and not row.primary), None)
    second = biological or marker
    lines = tuple(line for one in found for line in _lines(one, design, surface))
    return TrialAnswer(
        headline=headline,
        headline_of=arm,
        rows=rows,
        lines=lines,
        pictured=tuple(name for name in (design.primary, second) if name is not None),
        step=next_step(workflow, rows, known),
        what_if=tuple(_what_if(found, arm, design)),
        tipping=tuple(_tipping(workflow, forms)),
        fingerprint=fingerprint_rows(workflow, chunks, model),
        known=known.parts,
        published=known.published,
        grids=tuple(assurance_grids(found, design, _sizes(design))),
        notes=tuple(_notes(rows, workflow)),
    )


def _worst(row: ComparisonAnswer) -> float:
    return math.inf if row.participants_needed[2] is None else float(row.participants_needed[2])


def _notes(rows: Sequence[ComparisonAnswer], workflow: Workflow) -> Iterator[str]:
    few = [row for row in rows if row.trials - row.not_usable < LEAST_TRIALS]
    if few:
        yield (
            f"{few[0].trials - few[0].not_usable} simulated trials with numbers stand behind the spread of "
            f"{few[0].label}; fewer than {LEAST_TRIALS} leave what the design can see rough."
        )
    if workflow.design.primary not in workflow.relevant:
        yield "No relevant difference is named for the primary endpoint, so that no verdict can be given."


def _comparisons(
    workflow: Workflow,
    chunks: Sequence[Chunk],
    effects: Sequence[EffectRow],
    endpoint: Endpoint,
    known: PublishedEvidence,
) -> Iterator[_Comparison]:
    design = workflow.design
    for arm in design.active:
        row = next((r for r in effects if (r.endpoint, r.arm) == (endpoint.id, arm.name)), None)
        if row is None:
            continue
        asked = workflow.relevant.get(endpoint.id)
        falls = endpoint.better == "lower" or (
            endpoint.better == "neither" and asked is not None and asked < 1
        )
        sign = -1.0 if falls else 1.0
        words = EffectWords(row.label, endpoint.scale, endpoint.unit, falls, kind_of(endpoint))
        relevant = asked if asked is None or endpoint.scale == "difference" else abs(math.log(asked))
        truths, unit = _truths(chunks, endpoint.id, arm.name)
        worlds = worlds_prior((sign * truths).tolist(), row.discrepancy) if len(truths) else None
        sceptical = None
        if relevant is not None:
            made = sceptical_prior(relevant)
            sceptical = MixturePrior("sceptical", (1.0,), (made.mean,), (made.sd,))
        yield _Comparison(
            endpoint=endpoint,
            arm=arm,
            row=row,
            words=words,
            relevant=relevant,
            law=_law(design, chunks, endpoint, arm.name, known),
            alpha=ALPHA / len(design.active),
            worlds=worlds,
            common=_common(endpoint.id, arm, unit),
            sceptical=sceptical,
        )


def _spreads(chunks: Sequence[Chunk]) -> dict[str, float]:
    """Return the SD between subjects by endpoint, the mean over worlds."""
    found: dict[str, list[float]] = {}
    for chunk in chunks:
        for one in chunk.truths:
            found.setdefault(one.endpoint, []).append(one.unit_sd)
    return {name: float(np.mean(values)) for name, values in found.items()}


def _truths(chunks: Sequence[Chunk], endpoint: str, arm: str) -> tuple[np.ndarray, float]:
    """Return the true effects (worlds,), on the scale of the analysis, and the SD between subjects."""
    own = [t for c in chunks for t in c.truths if (t.endpoint, t.arm) == (endpoint, arm)]
    values = np.array([t.value for t in own])
    return values[np.isfinite(values)], float(np.mean([t.unit_sd for t in own])) if own else math.nan


def _law(
    design: Design, chunks: Sequence[Chunk], endpoint: Endpoint, arm: str, known: PublishedEvidence
) -> SpreadLaw:
    """Return how the standard error of a comparison depends on size, rate and effect, from the simulation."""
    truth = {(t.gut_world, t.host_world): t.value
             for c in chunks for t in c.truths if (t.endpoint, t.arm) == (endpoint.id, arm)}  # fmt: skip
    errors, reported = [], []
    for chunk in chunks:
        for one in chunk.estimates:
            found = one.estimate
            if (found.endpoint, found.treated) != (endpoint.id, arm) or not found.usable:
                continue
            value = math.log(found.estimate) if found.scale in RATIO_SCALES else found.estimate
            errors.append(value - truth[one.trial.gut_world, one.trial.host_world])
            reported.append(found.standard_error)
    kept = np.array([e for e in errors if math.isfinite(e)])
    if len(kept) >= LEAST_TRIALS:
        error = float(np.sqrt(np.mean(kept**2)))
        monte_carlo = error / math.sqrt(2 * (len(kept) - 1))
    else:
        finite = [one for one in reported if math.isfinite(one)]
        error = float(np.median(finite)) if finite else math.nan
        monte_carlo = error / math.sqrt(2 * max(len(finite) - 1, 1)) if finite else math.nan
    counts = _count_law(design, endpoint, design.visits[-1], known) if endpoint.counted else None
    return SpreadLaw(error, monte_carlo, design.participants, counts, counts)


def _count_law(design: Design, endpoint: Endpoint, weeks: float, known: PublishedEvidence) -> CountLaw:
    follow_up = FollowUp(7 * weeks / DAYS_PER_YEAR, dropout_per_year=design.dropout_per_year)
    low, stated, high = rate_band(design, endpoint.id, known.rates)
    return CountLaw((high, stated, low), read_assumptions()[_DISPERSIONS[endpoint.id]].value, follow_up)


def rate_band(
    design: Design, endpoint: str, forecasts: Mapping[str, tuple[float, float, float]]
) -> tuple[float, float, float]:
    """Return the low, the stated and the high rate of the control arm, a year or a scan.

    The stated one is the design's. The band is as wide, as a ratio, as what published control arms forecast
    for a new one (95 %); without a forecast it is the range of the packaged default. A design states no level
    of new T2 lesions: theirs is that of published arms, as it is.
    """
    level = design.control_level
    name = "relapses_per_year" if endpoint == "relapses" else "gd_lesions_per_scan"
    found = forecasts.get(endpoint)
    if endpoint == "t2_lesions" and found is not None:
        return found
    stated = max(getattr(level, name), 1e-3)
    if found is None:
        row = design_defaults()[name]
        low, middle, high = row.low or row.value, row.value, row.high or row.value
    else:
        low, middle, high = found
    return stated * low / middle, stated, stated * high / middle


def _common(endpoint: str, arm: Arm, unit_sd: float) -> MixturePrior | None:
    """Return the prior of evidence and brief, benefit positive; None where it has none for the endpoint."""
    own = packaged_clinical().therapy(arm.therapy.product)
    if own is None or endpoint not in PRIOR_OUTCOMES:
        return None
    outcome, metric = PRIOR_OUTCOMES[endpoint]
    found: EffectPrior = prior(outcome, own.intervention, metric=metric)
    if is_ratio(found.scale) != (ENDPOINTS[endpoint].scale == "ratio"):
        return None
    unit = unit_sd if found.scale == "SMD" else 1.0
    if not (math.isfinite(unit) and unit > 0) or found.scale == "RD":
        return None
    sign = -1.0 if found.better == "lower" else 1.0
    sds = [unit * sd for sd in found.sds]
    least = 1e-4 * max(sds)
    return MixturePrior(
        "common",
        found.weights,
        tuple(sign * unit * mean for mean in found.means),
        tuple(max(sd, least) for sd in sds),
    )


def _answer(one: _Comparison, workflow: Workflow) -> ComparisonAnswer:
    design, row = workflow.design, one.row
    sees = detectable(one.law, design.participants, one.alpha, POWER)
    band: tuple[int | None, int | None, int | None] = (None, None, None)
    if one.relevant is not None:
        band = _in_blocks(participants_needed(one.law, one.relevant, one.alpha, POWER), design)
    counts = one.law.counts
    shown: Band = (None, None, None)
    if not any(math.isnan(value) for value in sees):
        best, stated, worst = (one.words.natural(v) if math.isfinite(v) else None for v in sees)
        shown = (best, stated, worst)
    found = verdict(Reach(sees, one.relevant, rated=counts is not None), one.words)
    return ComparisonAnswer(
        endpoint=one.endpoint.id,
        label=row.label,
        role=one.words.role,
        primary=row.primary,
        arm=row.arm,
        control=design.control.name,
        scale=one.endpoint.scale,
        unit=one.endpoint.unit,
        better="lower" if one.words.falls else "higher",
        relevant=workflow.relevant.get(one.endpoint.id),
        power=POWER,
        alpha=one.alpha,
        comparisons=len(design.active),
        participants=design.participants,
        weeks=design.visits[-1],
        detectable=shown,
        participants_needed=band,
        level=(None, None, None) if counts is None else counts.rates,
        level_unit="" if counts is None else "lesions/scan" if one.endpoint.place == "scan" else "1/year",
        verdict=found,
        promises=tuple(_promises(one, design)),
        simulated_power=row.power,
        interval=row.truth,
        tipping=_factor(one),
        per_doubling=_per_doubling(one),
        standard_error=one.law.error,
        trials=row.trials,
        not_usable=row.not_usable,
    )


def _promises(one: _Comparison, design: Design) -> Iterator[Promise]:
    if not (math.isfinite(one.law.error) and one.law.error > 0):
        return
    priors = (("common", _COMMON, one.common), ("sceptical", _SCEPTICAL, one.sceptical),
              ("simulated worlds", _WORLDS, one.worlds))  # fmt: skip
    for name, words, made in priors:
        if made is None:
            continue
        curve = curve_under(made, one.law, one.alpha)
        found = curve.at(one.law.participants)
        size = curve.size_for(POWER, 100_000) if name != "simulated worlds" else math.inf
        yield Promise(
            prior=name,  # type: ignore[arg-type]
            words=words,
            assurance=found.assurance,
            wrong_sign=found.below_relevant_given_success,
            ceiling=found.ceiling,
            participants_for_80=design.size_for(int(size)) if math.isfinite(size) else None,
        )


def _factor(one: _Comparison) -> float | None:
    """Return how many times the outermost effect of the worlds towards benefit the relevant effect is."""
    if one.relevant is None or one.worlds is None:
        return None
    low, _, high = one.row.truth
    if one.endpoint.scale == "ratio":
        if not (low > 0 and high > 0):
            return None
        low, high = math.log(low), math.log(high)
    edge = -low if one.words.falls else high
    return one.relevant / edge if math.isfinite(edge) and edge > 1e-9 else None


def _per_doubling(one: _Comparison) -> float | None:
    asked = one.relevant
    if one.endpoint.id != "relapses" or asked is None:
        return None
    own = packaged_clinical().therapy(one.arm.therapy.product)
    if own is None:
        return None
    acids = {r.metabolite_class: r.mean for r in packaged_clinical().exposures.get(own.therapy, ())}
    return tipping_ratio(acids.get("acids", 0.0), math.exp(-asked))


def _what_if(found: Sequence[_Comparison], arm: str, design: Design) -> Iterator[WhatIf]:
    """Yield the size of the primary endpoint under other assumptions, the largest change first."""
    one = next((each for each in found if each.row.primary and each.arm.name == arm), None)
    if one is None or one.relevant is None or not (math.isfinite(one.law.error) and one.law.error > 0):
        return
    base = _needed(one.law, one.relevant, one.alpha, POWER, design)
    rows = list(_changes_of(one, design))
    large = base is not None and base <= design.participants
    rows.sort(key=lambda row: -abs(math.log((row[1] or 10 * LARGEST) / (base or 10 * LARGEST))))
    for change, size in rows:
        yield WhatIf(change, size, (size is not None and size <= design.participants) != large)


def _changes_of(one: _Comparison, design: Design) -> Iterator[tuple[str, int | None]]:
    law, alpha, matters = one.law, one.alpha, one.relevant
    assert matters is not None
    yield "the relevant effect were half as large", _needed(law, matters / 2, alpha, POWER, design)
    yield "the relevant effect were twice as large", _needed(law, 2 * matters, alpha, POWER, design)
    yield "estimates scattered by a quarter more", _needed(_scaled(law, 1.25), matters, alpha, POWER, design)
    yield "estimates scattered by a quarter less", _needed(_scaled(law, 0.75), matters, alpha, POWER, design)
    yield "90 % power were asked for", _needed(law, matters, alpha, 0.9, design)
    if len(design.active) > 1:
        yield "one comparison were tested alone, at 0.05", _needed(law, matters, ALPHA, POWER, design)
    weeks = 2 * design.visits[-1]
    longer = law_of_length(law, design, weeks)
    yield f"people were followed for {weeks:g} weeks", _needed(longer, matters, alpha, POWER, design)
    if law.counts is not None:
        rates = law.counts.rates
        for k, name in ((0, "high"), (2, "low")):
            counts = replace(law.counts, rates=(rates[k],) * 3)
            size = _needed(replace(law, counts=counts), matters, alpha, POWER, design)
            yield f"the control rate were known to be {name} ({rates[k]:.2g})", size


def _scaled(law: SpreadLaw, factor: float) -> SpreadLaw:
    return replace(law, error=factor * law.error, monte_carlo=factor * law.monte_carlo)


def _needed(law: SpreadLaw, effect: float, alpha: float, power: float, design: Design) -> int | None:
    return _in_blocks(participants_needed(law, effect, alpha, power), design)[2]


def _in_blocks(
    sizes: tuple[int | None, int | None, int | None], design: Design
) -> tuple[int | None, int | None, int | None]:
    """Return sizes that fill whole blocks of randomisation: those that a trial of this design can have."""
    best, stated, worst = (None if size is None else design.size_for(size) for size in sizes)
    return best, stated, worst


def _tipping(workflow: Workflow, forms: Sequence[FormEffect]) -> Iterator[TippingRow]:
    """Yield how much stronger each form of the model would have to be for its effect to matter."""
    for row in forms:
        asked = workflow.relevant.get(row.endpoint)
        if asked is None or row.form == MIXED:
            continue
        endpoint = ENDPOINTS[row.endpoint]
        ratio, falls = endpoint.scale == "ratio", endpoint.better == "lower"
        edge = row.truth[0] if falls else row.truth[2]
        size = abs(math.log(asked)) if ratio else asked
        reached = math.nan
        if math.isfinite(edge) and (edge > 0 or not ratio):
            reached = (-1 if falls else 1) * (math.log(edge) if ratio else edge)
        yield TippingRow(
            endpoint=row.endpoint,
            label=row.label,
            arm=row.arm,
            form=row.form,
            form_label="outside the mechanism" if row.form == OUTSIDE else row.form_label,
            relevant=asked,
            scale=endpoint.scale,
            unit=endpoint.unit,
            edge=edge,
            factor=size / reached if reached > 1e-9 else None,
            worlds=row.worlds,
        )


def _sizes(design: Design) -> tuple[int, ...]:
    block = design.block * sum(design.allocation)
    own = design.participants
    top = max(5_000, 4 * own)
    tried = np.geomspace(max(block, min(24, own)), top, _SIZES)
    return tuple(sorted({own, *(block * max(1, round(one / block)) for one in tried.tolist())}))


def durations(design: Design) -> tuple[float, ...]:
    """Return the lengths of treatment that the picture offers, in weeks: half, as planned, twice."""
    weeks = design.visits[-1]
    return tuple(w for w in (weeks / 2, weeks, 2 * weeks) if 4 <= w <= 208 or w == weeks)


def _lines(one: _Comparison, design: Design, surface: PowerSurface | None) -> Iterator[PowerLine]:
    if not (math.isfinite(one.law.error) and one.law.error > 0):
        return
    sizes = _sizes(design)
    for weeks in durations(design):
        law = law_of_length(one.law, design, weeks)
        band: list[tuple[float, ...]] = [(), (), ()]
        if one.relevant is not None:
            table = np.array([power_at(law, one.relevant, n, one.alpha) for n in sizes])
            band = [rounded(table[:, k]) for k in (2, 1, 0)]
        expected = one.common or one.worlds
        yield PowerLine(
            endpoint=one.endpoint.id,
            label=one.row.label,
            role=one.words.role,
            primary=one.row.primary,
            arm=one.row.arm,
            weeks=weeks,
            participants=sizes,
            low=band[0],
            middle=band[1],
            high=band[2],
            common=assured(expected, law, one.alpha, sizes),
            sceptical=assured(one.sceptical, law, one.alpha, sizes),
            simulated=_simulated(surface, one, weeks),
        )


def _simulated(
    surface: PowerSurface | None, one: _Comparison, weeks: float
) -> tuple[tuple[int, float, float], ...]:
    """Return participants, power and its error of trials that were redrawn, one sample a visit."""
    if surface is None:
        return ()
    points = surface.line(one.endpoint.id, one.arm.name, weeks)
    return tuple(
        (p.participants, round(p.power, 4), round(p.power_error, 4)) for p in points if not p.without_numbers
    )
