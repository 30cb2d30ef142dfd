"""From the results of all worlds to what the report shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from eubiosis.analysis.result import Estimate
from eubiosis.core.endpoints import ENDPOINTS, Endpoint
from eubiosis.core.guilds import GUILD_NAMES
from eubiosis.core.provenance import SourcedNumber
from eubiosis.core.report_input import (
    ArmInfo,
    AssumptionRow,
    ChangeRow,
    CourseBand,
    EffectRow,
    FlowRow,
    Quantiles,
    SimulationSize,
    TrialReportInput,
    VarianceRow,
)
from eubiosis.model import load
from eubiosis.model.check import basis_shares
from eubiosis.model.worlds import world_rows
from eubiosis.trial.design import Design
from eubiosis.trial.world.layer import trial_numbers
from eubiosis.workflow.files.spec import WorkflowSpec
from eubiosis.workflow.plan import analysis_plan, plan_hash
from eubiosis.workflow.trial_worlds import Truth, WorldResult

Array = NDArray[np.float64]
_BAND = (2.5, 25.0, 50.0, 75.0, 97.5)
_INTERVAL = (2.5, 50.0, 97.5)
_COURSES = ("mfis", "edss", "treg", "stool_scfa", "stool_butyrate", "stool_propionate", "plasma_propionate",
            "share_BIF", "share_FAE", "share_ROS", "share_ANA", "share_AKK")  # fmt: skip


def report_input(
    spec: WorkflowSpec, design: Design, results: Sequence[WorldResult], facts: Mapping[str, str]
) -> TrialReportInput:
    """Summarise all worlds and trials of a job."""
    model = load()
    effects, variance = _effects(spec, design, results)
    return TrialReportInput(
        title=spec.title,
        question=spec.question,
        context_of_use=spec.context_of_use,
        decision=spec.decision,
        design=_design(design),
        arms=tuple(ArmInfo(arm.name, arm.therapy.describe(), arm.control) for arm in design.arms),
        flow=_flow(design, results),
        effects=effects,
        courses=_courses(design, results),
        changes=_changes(design, results),
        variance=variance,
        assumptions=_assumptions(),
        basis_shares=basis_shares(model),
        facts=tuple(facts.items()),
        warnings=_warnings(spec),
        size=SimulationSize(
            seed=spec.seed,
            worlds=spec.simulation.gut_worlds * spec.simulation.host_worlds,
            trials=spec.simulation.replicates,
            participants=design.participants,
            design_hash=plan_hash(analysis_plan(spec))[:12],
        ),
    )


def _design(design: Design) -> tuple[tuple[str, str], ...]:
    rules, level = design.eligibility, design.control_level
    entry = ["relapsing-remitting course"]
    if rules.age is not None:
        entry.append(f"age {rules.age[0]:g} to {rules.age[1]:g} years")
    if rules.edss is not None:
        entry.append(f"EDSS {rules.edss[0]:g} to {rules.edss[1]:g}")
    if rules.relapses_last_year is not None:
        entry.append(f"at least {rules.relapses_last_year} relapses in the last year")
    if rules.mfis_from is not None:
        entry.append(f"MFIS {rules.mfis_from:g} or more at screening")
    return (
        ("structure", f"{len(design.arms)} parallel arms, {design.participants} subjects, allocation "
         + ":".join(map(str, design.allocation))),
        ("randomisation", f"permuted blocks of {design.block * sum(design.allocation)}"),
        ("eligibility", ", ".join(entry)),
        ("visits", "weeks " + ", ".join(f"{week:g}" for week in design.visits)),
        ("dropout", f"{design.dropout_per_year:g} a year, at random"),
        ("level of the control arm", f"set, not predicted: {level.relapses_per_year:g} relapses a year and "
         f"{level.gd_lesions_per_scan:g} Gd+ lesions a scan before entry criteria"),
        ("response to placebo", f"{design.placebo_response_mfis:g} MFIS points in every arm (assumed)"),
        ("primary endpoint", ENDPOINTS[design.primary].label),
    )  # fmt: skip


def _effects(
    spec: WorkflowSpec, design: Design, results: Sequence[WorldResult]
) -> tuple[tuple[EffectRow, ...], tuple[VarianceRow, ...]]:
    truths: dict[tuple[str, str], list[Truth]] = {}
    estimates: dict[tuple[str, str], list[tuple[str, Estimate]]] = {}
    for result in results:
        for truth in result.truths:
            truths.setdefault((truth.endpoint, truth.arm), []).append(truth)
        for world, _, estimate in result.estimates:
            estimates.setdefault((estimate.endpoint, estimate.treated), []).append((world, estimate))
    effects, variance = [], []
    for endpoint in ENDPOINTS.values():
        for arm in design.active:
            key = (endpoint.id, arm.name)
            effects.append(_effect(endpoint, arm.name, truths[key], estimates[key], spec.primary))
            variance.append(_variance(endpoint, arm.name, truths[key], estimates[key]))
    return tuple(effects), tuple(variance)


def _effect(
    endpoint: Endpoint, arm: str, truths: list[Truth], estimates: list[tuple[str, Estimate]], primary: str
) -> EffectRow:
    ratio = endpoint.scale == "ratio"
    values = np.array([t.value for t in truths])
    by_world = {t.world: t.value for t in truths}
    usable = [(world, e) for world, e in estimates if e.usable]
    covered = [
        _on_scale(e.ci_low, ratio) <= by_world[world] <= _on_scale(e.ci_high, ratio) for world, e in usable
    ]
    power, power_error = _power(estimates)
    unit = float(np.mean([t.unit_sd for t in truths]))
    return EffectRow(
        endpoint=endpoint.id,
        label=_label(endpoint),
        arm=arm,
        scale=endpoint.scale,
        unit=endpoint.unit,
        better=endpoint.better,
        truth=_interval(np.exp(values) if ratio else values),
        estimate=_interval(np.array([e.estimate for _, e in usable])),
        standardised=_interval(values / unit) if unit > 0 else (float("nan"),) * 3,
        power=power,
        power_error=power_error,
        coverage=float(np.mean(covered)) if covered else float("nan"),
        trials=len(estimates),
        not_usable=len(estimates) - len(usable),
        method=estimates[0][1].method,
        clinical=endpoint.clinical,
        tested=endpoint.tested,
        primary=endpoint.id == primary,
    )


def _power(estimates: list[tuple[str, Estimate]]) -> tuple[float, float]:
    """Return the share of significant trials and its Monte Carlo error.

    The error is over gut worlds, which share neither people nor luck: trials within one share their people.
    """
    hits: dict[str, list[bool]] = {}
    for world, estimate in estimates:
        hits.setdefault(world.split(".")[0], []).append(estimate.significant())
    means = np.array([np.mean(values) for values in hits.values()])
    error = float(np.std(means, ddof=1) / np.sqrt(len(means))) if len(means) > 1 else float("nan")
    return float(means.mean()), error


def _variance(
    endpoint: Endpoint, arm: str, truths: list[Truth], estimates: list[tuple[str, Estimate]]
) -> VarianceRow:
    """Split the variance of the estimates: worlds, subjects, and all that happens in one trial.

    ``worlds`` is the variance of the true effects between worlds less what the draw of subjects adds to it;
    ``sampling`` what is left of the mean squared distance of an estimate from the truth of its world.
    """
    ratio = endpoint.scale == "ratio"
    by_world = {t.world: t.value for t in truths}
    errors = [_on_scale(e.estimate, ratio) - by_world[w] for w, e in estimates if e.usable]
    subjects = float(np.mean([t.spread**2 for t in truths]))
    worlds = max(float(np.var([t.value for t in truths])) - subjects, 0.0)
    sampling = float(np.mean(np.square(errors))) if errors else float("nan")
    total = worlds + subjects + sampling
    shares = [x / total if total > 0 else float("nan") for x in (worlds, subjects, sampling)]
    return VarianceRow(endpoint.id, _label(endpoint), arm, *shares)


def _on_scale(value: float, ratio: bool) -> float:
    return float(np.log(value)) if ratio else value


def _interval(values: Array) -> Quantiles:
    if not len(values):
        return (float("nan"), float("nan"), float("nan"))
    low, middle, high = np.percentile(values, _INTERVAL)
    return float(low), float(middle), float(high)


def _label(endpoint: Endpoint) -> str:
    if endpoint.id.startswith("share_"):
        return f"Share of {GUILD_NAMES[endpoint.id.removeprefix('share_')]}"
    return endpoint.label


def _flow(design: Design, results: Sequence[WorldResult]) -> tuple[FlowRow, ...]:
    screened = [counts for result in results for counts in result.screened]
    trials = [flow for result in results for flow in result.flow]

    def mean(stage: str) -> dict[str, float]:
        return {arm.name: float(np.mean([t[stage][arm.name] for t in trials])) for arm in design.arms}

    rows = [FlowRow("screened", float(np.mean([sum(c.values()) for c in screened])))]
    reasons = sorted({reason for counts in screened for reason in counts} - {"enrolled"})
    rows += [
        FlowRow(reason, float(np.mean([c.get(reason, 0) for c in screened])), left=True) for reason in reasons
    ]
    randomised, completed = mean("randomised"), mean("completed")
    lost = {arm: randomised[arm] - completed[arm] for arm in randomised}
    rows += [
        FlowRow("randomised", sum(randomised.values()), randomised),
        FlowRow("lost to follow-up", sum(lost.values()), lost, left=True),
        FlowRow("completed", sum(completed.values()), completed),
    ]
    return tuple(rows)


def _courses(design: Design, results: Sequence[WorldResult]) -> tuple[CourseBand, ...]:
    bands = []
    for name in _COURSES:
        by_arm = {}
        for arm in design.arms:
            rows = []
            for week in design.visits:
                values = np.concatenate([r.visits[name][week][arm.name] for r in results])
                rows.append(tuple(float(q) for q in np.percentile(values, _BAND)))
            by_arm[arm.name] = tuple(rows)
        endpoint = ENDPOINTS[name]
        bands.append(CourseBand(name, _label(endpoint), endpoint.unit, tuple(design.visits), by_arm))
    return tuple(bands)


def _changes(design: Design, results: Sequence[WorldResult]) -> tuple[ChangeRow, ...]:
    rows = []
    for marker in results[0].changes:
        group = {"share": "guild", "stool": "stool", "plasma": "plasma"}[marker.split("_")[0]]
        by_arm = {
            arm.name: _interval(np.concatenate([r.changes[marker][arm.name] for r in results]))
            for arm in design.arms
        }
        rows.append(ChangeRow(group, _label(ENDPOINTS[marker]), by_arm))
    return tuple(rows)


def _assumptions() -> tuple[AssumptionRow, ...]:
    model = load()
    varied = [(model.content.numbers[row.id], "varies between worlds") for row in world_rows(model)]
    couplings = [
        (number, "varies between worlds")
        for name, number in model.content.numbers.items()
        if name.startswith("host_c_") and number.description.startswith("gut-to-host coupling")
    ]
    layer = [(number, "trial layer") for number in trial_numbers().values()]
    listed = {number.id for number, _ in (*varied, *couplings)}
    rest = [
        (number, "held fixed")
        for number in model.content.numbers.values()
        if number.basis == "assumed" and number.id not in listed
    ]
    return tuple(_assumption(number, role) for number, role in (*varied, *couplings, *layer, *rest))


def _assumption(number: SourcedNumber, role: str) -> AssumptionRow:
    return AssumptionRow(
        number.id, number.description, number.value, number.unit, number.low, number.high, number.basis,
        number.read or "", number.source, number.note, role,
    )  # fmt: skip


def _warnings(spec: WorkflowSpec) -> tuple[str, ...]:
    texts = []
    if spec.simulation.couplings == "hand_fit":
        texts.append(
            "The gut-to-host couplings are the specification's one-signed hand fit: not a prediction."
        )
    if spec.simulation.gut_worlds * spec.simulation.host_worlds < 20:
        texts.append("Fewer than 20 worlds: intervals over worlds are rough.")
    return tuple(texts)
