"""The report of a virtual trial: one HTML file with its figures and data inside, nothing fetched."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from typing import TypedDict

from eubiosis.core.model_forms import SURVIVES
from eubiosis.core.report_input import (
    AssumptionRow,
    EffectRow,
    HarmLine,
    MarkerChange,
    Quantiles,
    TrialReportInput,
)
from eubiosis.report.pages import render
from eubiosis.report.trial.courses import basis_figure, change_figure, course_figures, variance_figure
from eubiosis.report.trial.flow import flow_figure
from eubiosis.report.trial.forest import forest_figure
from eubiosis.report.trial.priors import form_cells, prior_cells
from eubiosis.report.trial.results_json import script_text
from eubiosis.report.trial.words import (
    NOT_ESTIMABLE,
    NOTICE,
    PRIOR_ONLY,
    control_name,
    estimable,
    interval_texts,
    low_to_high,
    origin_text,
    percent,
    scale_text,
    sentences,
    size_text,
    stated,
    truth_note,
    with_interval,
)

_BETTER = {"lower": "lower is better; ", "higher": "higher is better; "}


class EffectCells(TypedDict):
    """What a row of the table of effects shows."""

    tested: str
    label: str
    primary: bool
    arm: str
    scale: str
    better: str
    method: str
    quantiles: list[tuple[str, str, str]]
    power: tuple[str, str]
    coverage: str
    not_usable: str


class HarmCells(TypedDict):
    """What a row of the table of harms shows."""

    arm: str
    label: str
    serious: bool
    published: str
    source: str
    simulated: str
    control: str
    excluded: str
    size: str
    limit: str


class EffectGroup(TypedDict):
    """Rows under one heading; ``open`` says whether they are shown from the start."""

    name: str
    rows: list[EffectCells]
    open: bool


class ChangeCells(TypedDict):
    """What a row of the table of changes shows: a cell for each arm."""

    group: str
    quantity: str
    cells: list[str]


class AssumptionGroup(TypedDict):
    """Assumptions of one role, and how many of them are assumed."""

    role: str
    assumed: int
    rows: list[dict[str, str]]


def trial_report(report_input: TrialReportInput) -> str:
    """Return the report as HTML text that needs nothing beside itself.

    The same input gives the same bytes: nothing of the clock or the machine enters. All text of the input
    is escaped; a number that is not finite is written "not estimable".
    """
    css = resources.files("eubiosis.report").joinpath("templates/trial.css").read_text(encoding="utf-8")
    control = control_name(report_input)
    return render(
        "trial.html",
        page_css=css,
        r=report_input,
        notice=NOTICE,
        prior_only=PRIOR_ONLY,
        prior_only_sentence=f"Simulated; {PRIOR_ONLY}.",
        control=control,
        says=sentences(report_input),
        flow=flow_figure(report_input) if report_input.flow else "",
        forest=forest_figure(report_input) if report_input.effects else "",
        effect_groups=_effect_groups(report_input.effects, control),
        benefit=[_benefit_cells(row, control) for row in report_input.effects if row.primary],
        harms=[_harm_cells(line) for line in report_input.harms],
        courses=course_figures(report_input),
        change=change_figure(report_input) if report_input.changes else "",
        change_rows=[_change_cells(row, report_input) for row in report_input.changes],
        variance=variance_figure(report_input) if report_input.variance else "",
        basis=basis_figure(report_input) if report_input.basis_shares else "",
        prior_rows=prior_cells(report_input),
        form_rows=form_cells(report_input),
        survives=SURVIVES,
        assumption_groups=_assumption_groups(report_input.assumptions),
        origin=origin_text(report_input),
        size=size_text(report_input),
        data=script_text(report_input),
    )


def _effect_groups(rows: Sequence[EffectRow], control: str) -> list[EffectGroup]:
    groups: list[EffectGroup] = []
    for name, clinical in (("Clinical outcomes", True), ("Biological endpoints", False)):
        chosen = sorted((row for row in rows if row.clinical is clinical), key=lambda row: not row.primary)
        if chosen:
            shown = [_effect_cells(row, control) for row in chosen]
            groups.append({"name": name, "rows": shown, "open": clinical or len(groups) == 0})
    return groups


def _benefit_cells(row: EffectRow, control: str) -> dict[str, str]:
    truth = " ".join(part for part in _two_lines(row.truth) if part)
    return {"arm": row.arm, "label": row.label, "scale": scale_text(row, control), "truth": truth}


def _harm_cells(line: HarmLine) -> HarmCells:
    return {
        "arm": line.arm,
        "label": line.label,
        "serious": line.serious,
        "published": line.published or "no count of this therapy was read",
        "source": line.source,
        "simulated": "not simulated" if line.simulated is None else percent(line.simulated, decimals=1),
        "control": "no background read" if line.control is None else percent(line.control, decimals=1),
        "excluded": percent(line.excluded, decimals=1),
        "size": "none" if line.size is None else f"{line.size:,}",
        "limit": f"{percent(line.limit, decimals=1)} or more",
    }


def _effect_cells(row: EffectRow, control: str) -> EffectCells:
    return {
        "tested": row.tested,
        "label": row.label,
        "primary": row.primary,
        "arm": row.arm,
        "scale": scale_text(row, control),
        "better": _BETTER.get(row.better, ""),
        "method": row.method,
        "quantiles": [
            (*_two_lines(row.truth), truth_note(row)),
            (*_two_lines(row.estimate), ""),
            (*_two_lines(row.standardised, sign=True, decimals=2), ""),
        ],
        "power": _power_lines(row),
        "coverage": percent(row.coverage, decimals=1),
        "not_usable": f"{row.not_usable:,} of {row.trials:,}",
    }


def _two_lines(values: Quantiles, *, sign: bool = False, decimals: int | None = None) -> tuple[str, str]:
    """Return the median and, in brackets, its interval; the second is empty where nothing is estimable."""
    if not estimable(values):
        return NOT_ESTIMABLE, ""
    middle = interval_texts(values, sign=sign, decimals=decimals)[1]
    return middle, f"({low_to_high(values, sign=sign, decimals=decimals)})"


def _power_lines(row: EffectRow) -> tuple[str, str]:
    """Return the power and its Monte Carlo error, which is empty where nothing is estimable."""
    if not estimable((row.power, row.power_error)):
        return NOT_ESTIMABLE, ""
    return percent(row.power), percent(row.power_error, decimals=1)


def _change_cells(row: MarkerChange, report_input: TrialReportInput) -> ChangeCells:
    arms = [arm.name for arm in report_input.arms]
    cells = [
        with_interval(row.by_arm[arm], sign=True, decimals=2) if arm in row.by_arm else "–" for arm in arms
    ]
    return {"group": row.group, "quantity": row.quantity, "cells": cells}


def _assumption_groups(rows: Sequence[AssumptionRow]) -> list[AssumptionGroup]:
    by_role: dict[str, list[AssumptionRow]] = {}
    for row in rows:
        by_role.setdefault(row.role, []).append(row)
    return [
        {
            "role": role,
            "assumed": sum(row.basis == "assumed" for row in members),
            "rows": [_assumption_cells(row) for row in members],
        }
        for role, members in by_role.items()
    ]


def _assumption_cells(row: AssumptionRow) -> dict[str, str]:
    ranged = "" if row.low is None or row.high is None else f"{stated(row.low)} to {stated(row.high)}"
    return {
        "id": row.id,
        "description": row.description,
        "value": stated(row.value),
        "range": ranged,
        "unit": "" if row.unit == "-" else row.unit,
        "basis": row.basis,
        "read": row.read.replace("_", " "),
        "source": row.source,
        "note": row.note,
    }
