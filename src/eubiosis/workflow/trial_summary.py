"""From the results of all worlds to what the report shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from eubiosis.analysis.estimates import Estimates
from eubiosis.analysis.truth import Characteristic, OperatingCharacteristics, operating_characteristics
from eubiosis.core.endpoints import ENDPOINTS, Endpoint
from eubiosis.core.guilds import GUILD_NAMES
from eubiosis.core.power_surface import PowerSurface
from eubiosis.core.provenance import SourcedFact
from eubiosis.core.report_input import (
    ArmInfo,
    AssumptionRow,
    CourseBand,
    EffectRow,
    FlowRow,
    MarkerChange,
    SimulationSize,
    TrialReportInput,
    VarianceRow,
)
from eubiosis.core.table_schemas import REASONS_FOR_LEAVING
from eubiosis.core.world_intervals import ENOUGH_WORLDS, interval, widened
from eubiosis.model import load
from eubiosis.model.check import basis_shares
from eubiosis.model.model import Model
from eubiosis.model.numbers import standing
from eubiosis.model.worlds import world_rows
from eubiosis.trial.design import Design
from eubiosis.trial.simulate import MOST_IN_ONE_BLOCK
from eubiosis.trial.simulation import Simulation
from eubiosis.trial.world.layer import trial_numbers
from eubiosis.trial.world.leaving import reasons
from eubiosis.workflow.applicability import applicability
from eubiosis.workflow.ethics import withheld_words
from eubiosis.workflow.plan import analysis_plan
from eubiosis.workflow.responder_figures import responder_figures
from eubiosis.workflow.score.shown import shown_groups
from eubiosis.workflow.trial_answer import trial_answer
from eubiosis.workflow.trial_chunk import Chunk, TrialCounts
from eubiosis.workflow.trial_clocks import clock_rows
from eubiosis.workflow.trial_forms import clinical_priors, form_effects
from eubiosis.workflow.trial_harms import burden_lines, harm_lines, transplant_lines
from eubiosis.workflow.trial_intercurrent import intercurrent_lines, intercurrent_numbers_used
from eubiosis.workflow.trial_lines import course_lines
from eubiosis.workflow.trial_surface import surface_of
from eubiosis.workflow.trial_week_changes import week_rows
from eubiosis.workflow.unsure import Unsure
from eubiosis.workflow.workflow import Workflow
from eubiosis.workflow.world_shares import world_sensitivity
from eubiosis.workflow.worlds_used import history_numbers, worlds_warnings

Array = NDArray[np.float64]
_BAND = (5.0, 25.0, 50.0, 75.0, 95.0)
_NO_BAND = (float("nan"),) * len(_BAND)  # where nobody was seen
_COURSES = ("mfis", "edss", "nfl", "treg", "stool_scfa", "stool_butyrate", "stool_propionate",
            "plasma_propionate", "share_BIF", "share_FAE", "share_ROS", "share_ANA", "share_AKK")  # fmt: skip


def report_input(
    workflow: Workflow,
    chunks: Sequence[Chunk],
    facts: Mapping[str, str],
    model: Model | None = None,
    warnings: Sequence[str] = (),
) -> TrialReportInput:
    """Summarise all worlds and trials of a job; ``model`` is the one that ran (default: the packaged one).

    ``warnings`` are those of the job itself; they come first.
    """
    model, design = model or load(), workflow.design
    found = _characteristics(chunks)
    effects, variance = _effects(design, found, model)
    forms = form_effects(design, chunks, model)
    cells = [cell for chunk in chunks for cell in chunk.surface]
    surface = surface_of(cells, design, workflow.seed) if cells else None
    return TrialReportInput(
        title=workflow.title,
        question=workflow.question,
        context_of_use=workflow.context_of_use,
        decision=workflow.decision,
        design=_design(design),
        arms=tuple(ArmInfo(arm.name, arm.therapy.describe(), arm.control) for arm in design.arms),
        flow=_flow(design, chunks),
        effects=effects,
        courses=_courses(design, workflow.simulation, chunks),
        course_lines=course_lines(design, chunks[0].example),
        clocks=clock_rows(design, workflow.simulation, [chunk.clocks for chunk in chunks]),
        week_changes=week_rows(design, [chunk.by_week for chunk in chunks], block_only=chunks[0].blocks > 0),
        changes=_changes(design, chunks, Unsure.of(model, design, found)),
        variance=variance,
        assumptions=_assumptions(model, design, workflow.simulation),
        basis_shares=basis_shares(model),
        facts=tuple(facts.items()),
        warnings=(
            *warnings,
            *worlds_warnings(model, workflow.simulation),
            *_warnings(workflow.simulation),
            *_not_represented(design),
            *_not_redrawn(workflow, surface),
            *_the_same(design),
        ),
        forms=forms,
        priors=clinical_priors(design),
        size=SimulationSize(
            seed=workflow.seed,
            worlds=workflow.simulation.worlds,
            trials=workflow.simulation.replicates,
            participants=design.participants,
            design_hash=analysis_plan(workflow).digest[:12],
        ),
        harms=harm_lines(design, chunks),
        burden=burden_lines(design),
        transplants=transplant_lines(design),
        intercurrent=intercurrent_lines(design, [counts for chunk in chunks for counts in chunk.flow]),
        ethics=withheld_words(design),
        justification=workflow.justification or "",
        answer=trial_answer(workflow, chunks, effects, forms, surface, model),
        applicability=applicability(workflow),
        surface=surface,
        responders=responder_figures(design, chunks),
        sensitivity=world_sensitivity(design, chunks, model, workflow.seed),
        scoreboard=shown_groups(),
    )


def _design(design: Design) -> tuple[tuple[str, str], ...]:
    rules, level = design.eligibility, design.control_level
    entry = ["relapsing-remitting course"]
    if rules.age is not None:
        entry.append(f"age {rules.age[0]:g} to {rules.age[1]:g} years")
    if rules.edss is not None:
        entry.append(f"EDSS {rules.edss[0]:g} to {rules.edss[1]:g}")
    if rules.relapses_last_year is not None:
        least = rules.relapses_last_year
        entry.append(f"at least {least} {'relapse' if least == 1 else 'relapses'} in the last year")
    if rules.mfis_from is not None:
        entry.append(f"MFIS {rules.mfis_from:g} or more at screening")
    return (
        ("structure", f"{len(design.arms)} parallel arms, {design.participants:,} participants, allocation "
         + ":".join(map(str, design.allocation))),
        ("randomisation", f"permuted blocks of {design.block * sum(design.allocation)}"),
        ("eligibility", ", ".join(entry)),
        ("visits", "weeks " + ", ".join(f"{week:g}" for week in design.visits)),
        ("drop-out", f"at random, at a rate of {design.dropout_per_year:g} a person and year"),
        ("level of the control arm", f"set, not predicted: {level.relapses_per_year:g} relapses a year and "
         f"{level.gd_lesions_per_scan:g} Gd+ lesions a scan in those who enter"),
        ("response to placebo", f"{design.placebo_response_mfis:g} MFIS points in every arm (assumed)"
         .replace("-", "−")),
        ("primary endpoint", ENDPOINTS[design.primary].label),
    )  # fmt: skip


def _effects(
    design: Design, found: OperatingCharacteristics, model: Model
) -> tuple[tuple[EffectRow, ...], tuple[VarianceRow, ...]]:
    analysed = {(row.endpoint, row.arm): row for row in found}
    rows = [
        (endpoint, analysed[endpoint.id, arm.name])
        for endpoint in ENDPOINTS.values()
        for arm in design.active
        if (endpoint.id, arm.name) in analysed
    ]
    unsure = Unsure.of(model, design, found)
    effects = tuple(
        _effect(endpoint, row, design.primary, unsure.sd(endpoint, row.arm, row.truth[1]))
        for endpoint, row in rows
    )
    variance = tuple(
        VarianceRow(endpoint.id, _label(endpoint), row.arm, *row.variance) for endpoint, row in rows
    )
    return effects, variance


def _characteristics(chunks: Sequence[Chunk]) -> OperatingCharacteristics:
    return operating_characteristics(
        Estimates(tuple(row for chunk in chunks for row in chunk.estimates)),
        [truth for chunk in chunks for truth in chunk.truths],
    )


def _effect(endpoint: Endpoint, row: Characteristic, primary: str, discrepancy: float) -> EffectRow:
    ratio = endpoint.scale == "ratio"
    return EffectRow(
        endpoint=endpoint.id,
        label=_label(endpoint),
        arm=row.arm,
        scale=endpoint.scale,
        unit=endpoint.unit,
        better=endpoint.better,
        truth=widened(row.truth, discrepancy, ratio=ratio),
        truth_error=row.truth_error,
        discrepancy=discrepancy,
        estimate=row.estimate,
        standardised=widened(row.standardised, discrepancy / row.unit_sd, ratio=False)
        if discrepancy
        else row.standardised,
        power=row.power,
        power_error=row.power_error,
        coverage=row.coverage,
        trials=row.trials,
        not_usable=row.not_usable,
        method=row.method,
        clinical=endpoint.clinical,
        tested=endpoint.tested,
        primary=endpoint.id == primary,
    )


def _label(endpoint: Endpoint) -> str:
    if endpoint.guild:
        return f"Share of {GUILD_NAMES[endpoint.guild]}"
    return endpoint.label


def _flow(design: Design, chunks: Sequence[Chunk]) -> tuple[FlowRow, ...]:
    screened = [counts for chunk in chunks for counts in chunk.screened]
    trials = [counts for chunk in chunks for counts in chunk.flow]

    def mean(counts: Sequence[Mapping[str, float]]) -> dict[str, float]:
        return {arm.name: float(np.mean([each[arm.name] for each in counts])) for arm in design.arms}

    rows = [FlowRow("screened", float(np.mean([sum(c.values()) for c in screened])))]
    reasons = sorted({reason for counts in screened for reason in counts} - {"enrolled"})
    rows += [
        FlowRow(reason, float(np.mean([c.get(reason, 0) for c in screened])), left=True) for reason in reasons
    ]
    randomised, completed = mean([t.randomised for t in trials]), mean([t.completed for t in trials])
    lost = {arm: randomised[arm] - completed[arm] for arm in randomised}
    rows += [
        FlowRow("randomised", sum(randomised.values()), randomised),
        *(_leaving(design, trials) or [FlowRow("lost to follow-up", sum(lost.values()), lost, left=True)]),
        FlowRow("completed", sum(completed.values()), completed),
    ]
    return tuple(rows)


def _leaving(design: Design, trials: Sequence[TrialCounts]) -> list[FlowRow]:
    """Return how many left an arm for each reason, the mean over trials; nothing where no trial says why."""
    rows = []
    for word, meaning in REASONS_FOR_LEAVING.items():
        by_arm = {
            arm.name: float(np.mean([each.left.get((arm.name, word), 0) for each in trials]))
            for arm in design.arms
        }
        if any(by_arm.values()):
            rows.append(FlowRow(f"left: {meaning}", sum(by_arm.values()), by_arm, left=True))
    return rows


def _courses(design: Design, simulation: Simulation, chunks: Sequence[Chunk]) -> tuple[CourseBand, ...]:
    bands, trials = [], simulation.worlds
    for name in _COURSES:
        by_arm = {}
        for arm in design.arms:
            rows = []
            for week in design.visits:
                values = np.concatenate([_seen_at(c, name, week, arm.name) for c in chunks])
                rows.append(tuple(np.percentile(values, _BAND).tolist() if len(values) else _NO_BAND))
            by_arm[arm.name] = tuple(rows)
        endpoint = ENDPOINTS[name]
        entry, names = design.visits[0], [arm.name for arm in design.arms]
        people = sum(len(_seen_at(chunk, name, entry, arm)) for chunk in chunks for arm in names)
        bands.append(
            CourseBand(
                name,
                _label(endpoint),
                endpoint.unit,
                tuple(design.visits),
                by_arm,
                levels=_BAND,
                trials=trials,
                people=people / trials,
                block_only=chunks[0].blocks > 0,
            )
        )
    return tuple(bands)


def _seen_at(chunk: Chunk, endpoint: str, week: float, arm: str) -> NDArray[np.float64]:
    """Return what was seen at a visit, (people,): nothing where a block has nobody of an arm."""
    return chunk.visits.get(endpoint, {}).get(week, {}).get(arm, np.empty(0))


def _changes(design: Design, chunks: Sequence[Chunk], unsure: Unsure) -> tuple[MarkerChange, ...]:
    rows = []
    for marker in chunks[0].changes:
        group = ENDPOINTS[marker].place
        by_arm = {
            arm.name: interval(np.concatenate([c.changes[marker][arm.name] for c in chunks]))
            for arm in design.arms
        }
        by_arm |= {
            arm.name: widened(
                by_arm[arm.name],
                unsure.sd(ENDPOINTS[marker], arm.name, float(np.exp2(by_arm[arm.name][1]))) / np.log(2),
                ratio=False,
            )
            for arm in design.active
        }
        people = [max(map(len, c.changes[marker].values())) for c in chunks]
        rows.append(
            MarkerChange(
                group,
                _label(ENDPOINTS[marker]),
                by_arm,
                sum(people),
                sum(count > 0 for count in people),
                block_only=chunks[0].blocks > 0,
            )
        )
    return tuple(rows)


def _assumptions(model: Model, design: Design, simulation: Simulation) -> tuple[AssumptionRow, ...]:
    drawn = (row.id for row in world_rows(model))
    history = history_numbers(model, simulation)
    rows = dict.fromkeys((*drawn, *history, *(path.id for path in model.couplings.drawn)))
    varied = [(model.content.numbers[name], "varies between worlds") for name in rows]
    left = [
        each.model_copy(update={"description": f"share of those who leave: {each.description}"})
        for each in reasons()
    ]
    layer = [
        (number, "trial layer")
        for number in (*trial_numbers().values(), *left, *intercurrent_numbers_used(design))
    ]
    listed = {number.id for number, _ in varied}
    rest = [
        (number, standing(number, listed))
        for number in model.content.numbers.values()
        if number.basis == "assumed" and number.id not in listed
    ]
    return tuple(_assumption(number, role) for number, role in (*varied, *layer, *rest))


def _assumption(number: SourcedFact, role: str) -> AssumptionRow:
    return AssumptionRow(
        number.id, number.description, number.value, number.unit, number.low, number.high, number.basis,
        number.read or "", number.source, number.note, role,
    )  # fmt: skip


def _not_redrawn(workflow: Workflow, surface: PowerSurface | None) -> tuple[str, ...]:
    """Say why a surface that was asked for is missing."""
    large = workflow.design.participants > MOST_IN_ONE_BLOCK
    if workflow.surface_grid is None or surface is not None or not large:
        return ()
    return (
        f"no trials of other sizes were redrawn: a trial of more than {MOST_IN_ONE_BLOCK:,} participants is "
        "run in blocks of people, and power at other sizes is in closed form only",
    )


def _the_same(design: Design) -> Iterator[str]:
    """Say of two arms in which everybody takes the same that nothing but chance can lie between them."""
    for one, other in combinations(design.arms, 2):
        inert = all(part.record.group == "placebo" for arm in (one, other) for part in arm.therapy.components)
        if inert or one.therapy == other.therapy:
            yield (
                f"arms {one.name} and {other.name} take the same: their true difference is zero, and what is "
                "estimated between them is chance."
            )


def _not_represented(design: Design) -> Iterator[str]:
    """Say of each product what of it the model lacks."""
    seen = {part.product: part.record for arm in design.arms for part in arm.therapy.components}
    for record in seen.values():
        if record.representable == "not representable":
            yield (
                f"{record.label} is not representable: {record.why}. The model gives its arm nothing, so "
                "that it does as an arm without it; that is no prediction, and evidence alone answers."
            )
        elif record.representable == "direct effect only":
            yield f"{record.label} acts by a direct term only: {record.why}."


def _warnings(simulation: Simulation) -> tuple[str, ...]:
    texts = []
    if simulation.couplings == "hand_fit":
        texts.append(
            "The gut-to-host couplings are the specification's one-signed hand fit: not a prediction."
        )
    if simulation.worlds < ENOUGH_WORLDS:
        one = simulation.worlds == 1
        texts.append(
            f"{simulation.worlds} {'world' if one else 'worlds'}, {simulation.gut_worlds} of the gut, "
            f"{'stands' if one else 'stand'} behind an interval over worlds; fewer than "
            f"{ENOUGH_WORLDS} leave "
            "its ends rough. Their Monte Carlo error stands beside them."
        )
    return tuple(texts)
