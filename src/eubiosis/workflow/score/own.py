"""A user's own finished study: predicted from a workflow, sealed, then compared with its table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from eubiosis.analysis.scoreboard import score_forecasts
from eubiosis.analysis.trial_table.results import TrialAnalysis
from eubiosis.core.clinical_prior import packaged_clinical
from eubiosis.core.endpoints import ENDPOINTS
from eubiosis.core.findings import FindingCollector, unknown_word
from eubiosis.core.scoreboard import ReadOut, Scoreboard, SealedForecast, SealedQuantity, SealSeen
from eubiosis.core.trial_plan import TrialPlan
from eubiosis.core.version import __version__
from eubiosis.model import load
from eubiosis.workflow.analyse import analyse_files
from eubiosis.workflow.forecast.skill import model_hash
from eubiosis.workflow.score.predict import DRAWS, Say
from eubiosis.workflow.score.readouts import asked_quantities, other_effects
from eubiosis.workflow.score.reference import OtherFigure, mean_of, spread_about_none
from eubiosis.workflow.score.sealed import SEALS, mark_compared, read_sealed, said, seal
from eubiosis.workflow.score.trials import (
    GUT_WORLDS,
    HOST_WORLDS,
    effect_of,
    effects_over_worlds,
    spread_draws,
)
from eubiosis.workflow.trial_run import check_run
from eubiosis.workflow.workflow import Workflow

STUDY = "your study"
_EVIDENCE = {"mfis": "fatigue", "edss": "EDSS", "relapses": "relapses"}
_LESIONS = ("t2_lesions", "gd_lesions")
_NOTES = (
    "One study shows no skill and no lack of it: its ratio is printed without an interval. What counts is "
    "many studies, each predicted before it was read.",
    "The forecast is that of the workflow's true effects over its worlds. Its worlds may have been matched "
    "to figures that your study shares people with; nothing here can know that.",
)
SECOND_LOOK = (
    "A second look ({arms}): another forecast of this study lay in the folder and had been compared with a "
    "table. What is changed after that is no forecast."
)


def own_board(
    table: Path, workflow: Path, plan: Path, forecasts: Path, *, today: date, say: Say,
    gut_worlds: int = GUT_WORLDS, host_worlds: int = HOST_WORLDS,
) -> Scoreboard:  # fmt: skip
    """Predict a workflow, seal the forecast in the folder ``forecasts``, then analyse ``table`` and compare.

    The table is that of ``eubiosis trial analyse`` with its plan. Raises ``FindingsError`` where plan and
    workflow are of different designs, an estimate has no interval, or a file is at fault.
    """
    _check_folder(forecasts)
    spec = check_run(workflow)
    analysis = analyse_files(table, plan)
    check_same_design(analysis.plan, spec, plan.name)
    found = read_outs_of(analysis)
    say("the workflow is run in its worlds; the table is not looked at")
    made = forecast_of_workflow(
        spec, [(r.quantity, r.arm) for r in found], today, gut_worlds=gut_worlds, host_worlds=host_worlds
    )
    seal(forecasts, made)
    held = read_sealed(forecasts)
    board = score_forecasts([f for f, _ in held], found, title=f"Scoreboard: {spec.title}")
    again = [f.arm for f, row in held if row.first_said not in ("", said(f))]
    notes = _NOTES if not again else (SECOND_LOOK.format(arms=", ".join(again)), *_NOTES)
    mark_compared(forecasts, today)
    seals = tuple(
        SealSeen(f.study, f.arm, row.predicted, row.compared, row.sha256, f.worlds, f.effective, f.how)
        for f, row in read_sealed(forecasts)
    )
    return replace(board, seals=seals, notes=notes)


def _check_folder(forecasts: Path) -> None:
    """Raise ``FindingsError`` where a folder holds forecasts of other studies: their seals would go."""
    if not (forecasts / SEALS).is_file():
        return
    findings = FindingCollector()
    for name in dict.fromkeys(f.study for f, _ in read_sealed(forecasts) if f.study != STUDY):
        findings.add(str(forecasts), name, "a forecast of another study is sealed here",
                     allowed="a new folder, or one of this study",
                     next_step="give another --forecasts")  # fmt: skip
    findings.raise_if_any()


def check_same_design(plan: TrialPlan, spec: Workflow, file: str) -> None:
    """Raise ``FindingsError`` with everything in which a plan is of another design than a workflow."""
    findings = FindingCollector()
    arms = [arm.name for arm in spec.design.arms]

    def differs(where: str, what: str, allowed: str = "") -> None:
        step = "name arms, endpoints and weeks in the plan as in the workflow, or score another workflow"
        findings.add(file, where, f"another design: {what}", allowed=allowed, next_step=step)

    for arm in plan.arms:
        if arm.name not in arms:
            differs("arms", f"arm {unknown_word(arm.name, arms)}", ", ".join(arms))
    for name in arms:
        if name not in {arm.name for arm in plan.arms}:
            differs("arms", f"the workflow's arm {name} is not in the plan")
    if plan.control.name in arms and plan.control.name != spec.design.control.name:
        differs("arms", f"control {plan.control.name}", spec.design.control.name)
    last = max(spec.design.visits)
    for endpoint in plan.endpoints:
        if endpoint.name not in ENDPOINTS:
            differs(endpoint.name, f"endpoint {unknown_word(endpoint.name, ENDPOINTS)}", ", ".join(ENDPOINTS))
        elif endpoint.visit is not None and plan.week(endpoint.visit) != last:
            said = f"compared in week {plan.week(endpoint.visit):g}"
            differs(endpoint.name, said, f"week {last:g}, the workflow's last")
    findings.raise_if_any()


def read_outs_of(analysis: TrialAnalysis) -> list[ReadOut]:
    """Return what a table found, logs of ratios; raises ``FindingsError`` where there is no interval."""
    findings = FindingCollector()
    found = []
    for result in analysis.endpoints:
        ratio = ENDPOINTS[result.planned.name].scale == "ratio"
        for one in result.by_name:
            estimate, error = one.estimate, one.estimate.standard_error
            where = f"{result.planned.name}, {estimate.treated}"
            if not (estimate.usable and math.isfinite(error) and error > 0):
                why = estimate.detail.get("reason", estimate.status)
                findings.add(
                    analysis.file, where, f"no interval: {why}", allowed="an estimate with a standard error",
                    next_step="change the plan or leave the endpoint out",
                )  # fmt: skip
            elif ratio != ("ratio" in estimate.scale):
                findings.add(
                    analysis.file, where, f"another design: the scale is a {estimate.scale}",
                    allowed="a ratio" if ratio else "a difference of means",
                    next_step="choose a model for that kind",
                )  # fmt: skip
            else:
                value = math.log(estimate.estimate) if ratio else estimate.estimate
                people = estimate.n_treated + estimate.n_control
                found.append(
                    ReadOut(STUDY, estimate.treated, result.planned.name, value, error, people, analysis.file)
                )
    findings.raise_if_any()
    return found


def forecast_of_workflow(
    spec: Workflow, wanted: Sequence[tuple[str, str]], today: date, *, gut_worlds: int, host_worlds: int
) -> list[SealedForecast]:
    """Return the forecasts of (endpoint, arm) pairs, one for each arm; nothing of any table enters."""
    model = load()
    found = effects_over_worlds(spec, model, gut_worlds=gut_worlds, host_worlds=host_worlds)
    made = []
    for arm in dict.fromkeys(name for _, name in wanted):
        quantities = []
        for endpoint in (e for e, name in wanted if name == arm):
            effect = effect_of(found, endpoint, arm, "workflow")
            draws = spread_draws(DRAWS, effect.values, spec.seed, "own")
            known, others = ENDPOINTS[endpoint], others_of(endpoint, effect.unit_sd)
            quantities.append(
                SealedQuantity(
                    endpoint, known.label, known.place, "log ratio" if known.scale == "ratio" else known.unit,
                    "yours", tuple(float(f"{x:.4g}") for x in draws), spread_about_none(others), None,
                    mean_of(others),
                    len({each.study for each in others}),
                )
            )  # fmt: skip
        worlds = gut_worlds * host_worlds
        made.append(
            SealedForecast(
                STUDY, arm, "as in the workflow", today.isoformat(), __version__, model_hash(model.content),
                spec.title, "nothing was left out: the worlds as shipped", worlds, float(worlds),
                tuple(quantities),
            )
        )  # fmt: skip
    return made


def others_of(endpoint: str, unit_sd: float) -> list[OtherFigure]:
    """Return what other studies found of an endpoint on its scale: the spread of the reference."""
    if endpoint in _EVIDENCE:
        factor = 1.0 if endpoint == "relapses" else unit_sd
        found = other_effects(_EVIDENCE[endpoint], ())
        return [OtherFigure(name, y * factor, se * factor) for name, (y, se) in found.items()]
    if endpoint in _LESIONS:
        slope = packaged_clinical().outside.value("lesion_slope")
        return [OtherFigure(n, y / slope, se / slope) for n, (y, se) in other_effects("relapses", ()).items()]
    kind = {"guild": "guilds", "stool": "stool acids"}.get(ENDPOINTS[endpoint].place, "")
    return [
        OtherFigure(a.read_out.study, a.read_out.estimate, a.read_out.se)
        for a in asked_quantities()
        if kind and a.kind == kind and a.change and a.family == "diet or supplement"
    ]
