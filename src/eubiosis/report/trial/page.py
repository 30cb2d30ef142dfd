"""The report of a virtual trial: one HTML file with its figures and data inside, nothing fetched.

The first screen answers, the rest proves it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

from eubiosis.core.endpoints import ENDPOINTS, in_sentence
from eubiosis.core.model_forms import SURVIVES
from eubiosis.core.output import Page
from eubiosis.core.power_surface import kind_of
from eubiosis.core.report_input import AssumptionRow, EffectRow, HarmLine, TrialReportInput
from eubiosis.core.study_names import named
from eubiosis.report.pages import render
from eubiosis.report.trial.board import board_cells
from eubiosis.report.trial.clocks import band_words, clock_figures, few_words
from eubiosis.report.trial.course_lines import course_rows, course_words, line_panels, lines_words
from eubiosis.report.trial.courses import basis_cells, change_cells, course_panels, variance_cells
from eubiosis.report.trial.first_screen import first_screen
from eubiosis.report.trial.flow import flow_levels
from eubiosis.report.trial.forest import axis_words, effect_groups
from eubiosis.report.trial.heatmap import heat_rows, heat_sizes, heat_words, heatmap
from eubiosis.report.trial.methods import fifteen_points, methods, reporting_items
from eubiosis.report.trial.power_lengths import length_cells, length_legend, length_panels, length_words
from eubiosis.report.trial.power_picture import picture_legend, power_picture
from eubiosis.report.trial.priors import form_cells, prior_cells
from eubiosis.report.trial.published import published_cells
from eubiosis.report.trial.responders import responder_cells
from eubiosis.report.trial.results_json import script_text
from eubiosis.report.trial.sensitivity import index_groups, top_words, tornado
from eubiosis.report.trial.sentences import sentences
from eubiosis.report.trial.tipping import (
    blind_markers,
    fingerprint_parts,
    fingerprint_words,
    tipping_cells,
)
from eubiosis.report.trial.week_changes import colour_limit, heat_panels, week_size, week_table, week_words
from eubiosis.report.trial.words import (
    NOT_ESTIMABLE,
    PRIOR_ONLY,
    arm_hues,
    change_size,
    control_name,
    estimable,
    first_trials_text,
    many,
    number,
    origin_text,
    percent,
    scale_text,
    size_text,
    stamp_text,
    stated,
    with_interval,
)

_EDGE = "at whose unfavourable edge verdict and size needed stand"


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


class AssumptionGroup(TypedDict):
    """Assumptions of one role, and how many of them are assumed."""

    role: str
    assumed: int
    rows: list[dict[str, str]]


def trial_report(report_input: TrialReportInput) -> str:
    """Return the report as HTML text that needs nothing beside itself.

    The same input gives the same bytes: nothing of the clock or the machine enters. All text of the input
    is escaped; a number that is not finite is written "not estimable". It is whole without its script, which
    only chooses, hovers and downloads.
    """
    answer = report_input.answer
    fingerprint = () if answer is None else answer.fingerprint
    return render(
        "trial.html",
        title_end=str(Page.TRIAL),
        script="report.js trial_heatmap.js",
        r=report_input,
        s=first_screen(report_input),
        picture=power_picture(report_input),
        legend=picture_legend(report_input),
        band_words=_band_words(report_input),
        step=None if answer is None else answer.step,
        power="" if answer is None or not answer.rows else percent(answer.rows[0].power),
        what_if=() if answer is None else answer.what_if,
        known=() if answer is None else answer.known,
        published=() if answer is None else published_cells(answer.published),
        tipping=() if answer is None else tipping_cells(answer.tipping),
        fingerprint=fingerprint_parts(fingerprint) if fingerprint else [],
        blind=blind_markers(),
        fingerprint_words=fingerprint_words(fingerprint) if fingerprint else "",
        responders=responder_cells(report_input),
        prior_only=PRIOR_ONLY,
        control=control_name(report_input),
        says=sentences(report_input),
        flow=flow_levels(report_input),
        axis_words=axis_words(report_input),
        effect_groups=effect_groups(report_input, _adherence(report_input)),
        benefit=[
            _benefit_cells(row, control_name(report_input)) for row in report_input.effects if row.primary
        ],
        harms=[_harm_cells(line) for line in report_input.harms],
        courses=course_panels(report_input),
        course_words=course_words(report_input),
        course_rows=course_rows(report_input),
        line_panels=line_panels(report_input),
        lines_words=lines_words(report_input),
        clocks=clock_figures(report_input),
        clock_words=band_words(report_input.clocks),
        few_words=few_words(report_input),
        heat_panels=heat_panels(report_input),
        heat_limit=colour_limit(report_input.week_changes),
        week_rows=week_table(report_input),
        week_words=week_words(report_input),
        week_size=week_size(report_input),
        arm_hues=arm_hues(report_input),
        change_rows=change_cells(report_input),
        variance_rows=variance_cells(report_input),
        basis=basis_cells(report_input),
        prior_rows=prior_cells(report_input),
        form_rows=form_cells(report_input),
        survives=SURVIVES,
        assumption_groups=_assumption_groups(report_input.assumptions),
        methods=methods(report_input),
        fifteen=fifteen_points(report_input),
        anchors=_anchors(report_input),
        reporting=reporting_items(report_input),
        board=board_cells(report_input),
        lengths=length_panels(report_input),
        length_legend=length_legend(report_input),
        length_rows=length_cells(report_input),
        length_words=length_words(report_input),
        heat=heatmap(report_input),
        heat_words=heat_words(report_input),
        heat_rows=heat_rows(report_input),
        heat_sizes=heat_sizes(report_input),
        tornado=tornado(report_input),
        indices=index_groups(report_input),
        top=top_words(report_input),
        stamp=stamp_text(report_input),
        first_trials=_first_trials(report_input),
        helps=_helps(report_input),
        origin=origin_text(report_input),
        size=size_text(report_input),
        change_size=change_size(report_input),
        data=script_text(report_input),
    )


def _first_trials(report_input: TrialReportInput) -> str:
    """Return the n of figures that show the first trials of the pairs of worlds, and no others."""
    if not report_input.courses:
        return size_text(report_input)
    band = report_input.courses[0]
    return first_trials_text(report_input, band.trials, band.people)


def _helps(report_input: TrialReportInput) -> str:
    """Say what "towards benefit" is for named endpoints without a better side; empty where all have one."""
    rows = () if report_input.answer is None else report_input.answer.rows
    names = list(dict.fromkeys(in_sentence(row.label) for row in rows if row.role == "exposure marker"))
    if not names:
        return ""
    return f"Of {' and '.join(names)} neither direction is better: there more stands in the place of benefit."


def _adherence(report_input: TrialReportInput) -> frozenset[str]:
    """Return the endpoints that show that a product was taken and reached the gut."""
    shown = {row.endpoint for row in report_input.effects} & set(ENDPOINTS)
    return frozenset(name for name in shown if kind_of(ENDPOINTS[name]) == "exposure marker")


def _anchors(report_input: TrialReportInput) -> frozenset[str]:
    """Return the ids of the sections that this report has."""
    found = {"answer", "design", "seeds", "uncertainty", "flow", "tipping", "says", "effects", "rests"}
    if report_input.applicability is not None:
        found |= {"applicability"}
    if report_input.scoreboard:
        found |= {"scoreboard"}
    if report_input.answer is not None and report_input.answer.rows:
        found |= {"promises"}
        if report_input.answer.what_if:
            found |= {"whatif"}
    return frozenset(found)


def _band_words(report_input: TrialReportInput) -> str:
    """Say what the band of the picture is."""
    answer = report_input.answer
    if answer is None or not answer.rows:
        return ""
    row = answer.rows[0]
    if row.level[0] is None:
        return (
            f"Band: the Monte Carlo error of the simulated spread (95 %), {_EDGE}; no control rate plays a "
            f"part in {in_sentence(row.label)}."
        )
    best, stated_rate, worst = row.level
    return (
        f"Band: control rate from {number(worst)} to {number(best)} (line: {number(stated_rate)}, "
        f"{row.level_unit}), and "
        f"the Monte Carlo error of the simulated spread (95 %), {_EDGE}."
    )


def _benefit_cells(row: EffectRow, control: str) -> dict[str, str]:
    truth = NOT_ESTIMABLE
    if estimable(row.truth):
        truth = with_interval(row.truth)
    return {"arm": row.arm, "label": row.label, "scale": scale_text(row, control), "truth": truth}


def _harm_cells(line: HarmLine) -> HarmCells:
    return {
        "arm": line.arm,
        "label": line.label,
        "serious": line.serious and "serious" not in line.label,
        "published": line.published or "no count of this therapy was read",
        "source": named(line.source),
        "simulated": "not simulated" if line.simulated is None else percent(line.simulated, decimals=1),
        "control": "no background read" if line.control is None else percent(line.control, decimals=1),
        "excluded": percent(line.excluded, decimals=1),
        "size": "none" if line.size is None else many(line.size, "person", "people"),
        "limit": f"to exclude {percent(line.limit, decimals=1)} or more"
        if line.limit < 1
        else "no risk is so large",
    }


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


def _end(value: float) -> str:
    """Write the end of a range with three figures: it is drawn or assumed, and no more is known of it."""
    return stated(float(f"{value:.3g}"))


def _assumption_cells(row: AssumptionRow) -> dict[str, str]:
    ranged = "" if row.low is None or row.high is None else f"{_end(row.low)} to {_end(row.high)}"
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
