"""Who responds: single people beside what was observed of them, subgroups, calibration, targeting."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypedDict

from eubiosis.core.endpoints import ENDPOINTS, in_sentence
from eubiosis.core.report_input import TrialReportInput
from eubiosis.core.responders import (
    CalibrationFifth,
    ModeratorLine,
    PhenotypeLine,
    ResponderFigures,
    TargetingCurve,
    Triple,
    Waterfall,
    WaterfallPanel,
)
from eubiosis.report.trial.responder_plots import (
    calibration_plot,
    subgroup_plot,
    targeting_plot,
    waterfall_plot,
)
from eubiosis.report.trial.words import (
    NOT_ESTIMABLE,
    estimable,
    first_trials_text,
    interval_texts,
    many,
    number,
    percent,
    stated,
    trials_text,
    with_interval,
)


class PlotPanel(TypedDict):
    """A panel of a figure: its heading, its drawing, and what it says in words."""

    title: str
    svg: str
    words: str


class PlotGroup(TypedDict):
    """Panels of one endpoint and arm, and what is true of them all."""

    title: str
    words: list[str]
    panels: list[PlotPanel]


class TableOfArm(TypedDict):
    """Rows of one endpoint and arm."""

    title: str
    rows: list[list[str]]


class ResponderCells(TypedDict):
    """Everything that the part on responders shows."""

    pairs: int
    people: int
    notes: tuple[str, ...]
    waterfalls: list[PlotGroup]
    waterfall_rows: list[list[str]]
    subgroups: list[PlotPanel]
    subgroup_tables: list[TableOfArm]
    calibration: list[PlotPanel]
    calibration_rows: list[list[str]]
    curves: list[PlotPanel]
    curve_rows: list[list[str]]
    area_rows: list[list[str]]
    phenotype_tables: list[TableOfArm]
    size: str


_UNVALUED = {"benefit": "more", "harm": "less"}


def responder_cells(report_input: TrialReportInput) -> ResponderCells | None:
    """Return the part on responders; None where no trial was kept for it."""
    own = report_input.responders
    if own is None:
        return None
    return {
        "pairs": own.pairs,
        "people": own.people,
        "notes": own.notes,
        "waterfalls": [_waterfall(each) for each in own.waterfalls],
        "waterfall_rows": [row for each in own.waterfalls for row in _waterfall_rows(each)],
        "subgroups": _subgroup_panels(own),
        "subgroup_tables": _by_arm([_subgroup_row(line) for line in own.subgroups]),
        "calibration": _calibration_panels(own),
        "calibration_rows": [_calibration_row(line) for line in own.calibration],
        "curves": [_curve_panel(curve) for curve in own.curves],
        "curve_rows": [row for curve in own.curves for row in _curve_rows(curve)],
        "area_rows": [_area_row(curve) for curve in own.curves],
        "phenotype_tables": _by_arm([_phenotype_row(line) for line in own.phenotypes]),
        "size": first_trials_text(report_input, own.pairs, own.people),
    }


def _by_arm(rows: Sequence[list[str]]) -> list[TableOfArm]:
    """Sort rows by their first two cells, endpoint and arm, in the order in which these come."""
    found: dict[str, list[list[str]]] = {}
    for row in rows:
        found.setdefault(f"{row[0]}; {row[1]}", []).append(row)
    return [{"title": title, "rows": own} for title, own in found.items()]


def _effect(values: Triple, scale: str) -> str:
    return with_interval(values, sign=scale == "difference")


def _of(label: str, unit: str, scale: str) -> str:
    return f"{label}, {'ratio' if scale == 'ratio' else unit}"


def _waterfall(fall: Waterfall) -> PlotGroup:
    return {
        "title": f"{_of(fall.label, fall.unit, fall.scale)}; {fall.arm}",
        "words": [*_waterfall_words(fall)],
        "panels": [
            {
                "title": panel.place,
                "svg": waterfall_plot(fall, panel),
                "words": _panel_words(fall, panel),
            }
            for panel in fall.panels
        ],
    }


def _waterfall_words(fall: Waterfall) -> list[str]:
    if fall.important is None:
        return [
            f"No smallest difference that matters (MCID) of {in_sentence(fall.label)} is in our "
            "tables: no line is drawn."
        ]
    said = [
        f"Dashed: the smallest difference that matters (MCID), {fall.important:g} {fall.unit} towards "
        f"benefit ({fall.important_source})."
    ]
    if estimable((fall.changed[1], fall.changed_on_control[1])):
        said.append(
            f"A change as large was observed in {percent(fall.changed[1])} of people on {fall.arm} and in "
            f"{percent(fall.changed_on_control[1])} of those on the control (median of "
            f"{trials_text(fall.trials)}): a change is no effect."
        )
    if fall.detectable is not None:
        said.append(
            f"Measurement error alone moves one person by up to {fall.detectable:g} {fall.unit} "
            f"({fall.detectable_source})."
        )
    return said


def _panel_words(fall: Waterfall, panel: WaterfallPanel) -> str:
    known = [value for value in panel.effects if math.isfinite(value)]
    if not known:
        return "no person has an effect that can be given"
    unit = "" if fall.scale == "ratio" else f" {fall.unit}"
    sign = fall.scale == "difference"
    form = f", form {panel.form}" if panel.form else ""
    low, mean, high = interval_texts((min(known), panel.mean, max(known)), sign=sign)
    said = (
        f"{_world(panel)}{form}; {len(known)} of {many(panel.people, 'person', 'people')} drawn. "
        f"Latent truth from {low} to {high}{unit}, mean of all participants, as if each took it, {mean}"
    )
    if math.isfinite(panel.reached):
        share = percent(panel.reached, decimals=1) if panel.reached > 0 else "none"
        said += f"; at least the MCID in {share} of all participants"
    return said + "."


def _world(panel: WaterfallPanel) -> str:
    return f"Gut world {panel.gut_world}, host world {panel.host_world}"


def _waterfall_rows(fall: Waterfall) -> list[list[str]]:
    changes = [c for panel in fall.panels for c in panel.changes if math.isfinite(c)]
    write = stated if all(c == round(c) for c in changes) else number  # points of a questionnaire are whole
    return [
        [
            fall.label, fall.arm, str(panel.gut_world), str(panel.host_world), str(rank),
            number(effect), write(change) if math.isfinite(change) else "missed the visit",
        ]
        for panel in fall.panels
        for rank, (effect, change) in enumerate(zip(panel.effects, panel.changes, strict=True), start=1)
    ]  # fmt: skip


def _groups_of(lines: Sequence[ModeratorLine | CalibrationFifth]) -> list[tuple[str, str]]:
    return list(dict.fromkeys((line.endpoint, line.arm) for line in lines))


def _subgroup_panels(own: ResponderFigures) -> list[PlotPanel]:
    panels: list[PlotPanel] = []
    for key in _groups_of(own.subgroups):
        lines = [line for line in own.subgroups if (line.endpoint, line.arm) == key]
        first = lines[0]
        least = sum(line.significant for line in lines)
        tried = sum(line.trials for line in lines)
        words = (
            f"{least} of {many(tried, 'interaction test')} {'has' if least == 1 else 'have'} p < 0.05; by "
            f"chance alone about {0.05 * tried:.0f} would."
        )
        title = f"{_of(first.label, first.unit, first.scale)}; {first.arm}"
        panels.append(
            {"title": title, "svg": subgroup_plot(lines), "words": words if tried else NOT_ESTIMABLE}
        )
    return panels


def _subgroup_row(line: ModeratorLine) -> list[str]:
    share = NOT_ESTIMABLE
    if line.trials:
        low, _, high = line.share
        share = f"{line.significant} of {line.trials} ({percent(low)} to {percent(high)})"
    return [
        _of(line.label, line.unit, line.scale), line.arm,
        f"{line.moderator}: {line.low_label} | {line.high_label}", str(line.people),
        _effect(line.low, line.scale), _effect(line.high, line.scale), _effect(line.interaction, line.scale),
        share,
    ]  # fmt: skip


def _calibration_panels(own: ResponderFigures) -> list[PlotPanel]:
    panels: list[PlotPanel] = []
    for key in _groups_of(own.calibration):
        lines = [line for line in own.calibration if (line.endpoint, line.arm) == key]
        first = lines[0]
        title = f"{_of(first.label, first.unit, first.scale)}; {first.arm}"
        words = (
            f"From the lowest to the highest fifth the prediction moves from "
            f"{number(lines[0].predicted[1])} to {number(lines[-1].predicted[1])}, the truth from "
            f"{number(lines[0].true[1])} to {number(lines[-1].true[1])} (medians of "
            f"{trials_text(first.trials)})."
        )
        panels.append({"title": title, "svg": calibration_plot(lines), "words": words})
    return panels


def _calibration_row(line: CalibrationFifth) -> list[str]:
    return [
        _of(line.label, line.unit, line.scale), line.arm, str(line.fifth),
        _effect(line.predicted, line.scale), _effect(line.true, line.scale), str(line.trials),
    ]  # fmt: skip


def _gain_unit(curve: TargetingCurve) -> str:
    return "log ratio" if curve.scale == "ratio" else curve.unit


def _curve_panel(curve: TargetingCurve) -> PlotPanel:
    return {
        "title": f"{curve.label}, {_gain_unit(curve)}; {curve.arm}",
        "svg": targeting_plot(curve, _gain_unit(curve)),
        "words": curve_words(curve),
    }


def curve_words(curve: TargetingCurve) -> str:
    """Say what the score finds; where the interval over trials includes zero, that nothing is found."""
    low, high = number(curve.autoc[0], sign=True), number(curve.autoc[2], sign=True)
    claims = (
        f"{curve.claiming} of {trials_text(curve.trials)} would claim a gain (AUTOC 1.96 standard errors "
        "above zero; 2.5 % do by chance)"
    )
    if not estimable(curve.autoc):
        return f"No area can be given; {claims}."
    if curve.autoc[0] <= 0 <= curve.autoc[2]:
        words = f"the AUTOC of one trial runs from {low} to {high}, which includes zero"
        return f"Nothing is found: {words}. {claims}."
    side = "gain" if curve.found else "lose"
    return (
        f"The AUTOC of one trial runs from {low} to {high}: those whom the score puts first {side} in these "
        f"worlds. {claims}. The worlds are assumptions, so this is no finding about people."
    )


def _curve_rows(curve: TargetingCurve) -> list[list[str]]:
    return [
        [
            curve.label, curve.arm, percent(share), with_interval(seen, sign=True),
            with_interval(true, sign=True), with_interval(best, sign=True), _gain_unit(curve),
        ]
        for share, seen, true, best in zip(
            curve.shares, curve.observed, curve.by_twins, curve.perfect, strict=True
        )
    ]  # fmt: skip


def _area_row(curve: TargetingCurve) -> list[str]:
    low, _, high = curve.claiming_share
    return [
        f"{curve.label}, {_gain_unit(curve)}", curve.arm, str(curve.people),
        with_interval(curve.autoc, sign=True), with_interval(curve.qini, sign=True),
        f"{curve.claiming} of {curve.trials} ({percent(low)} to {percent(high)})",
    ]  # fmt: skip


def _stable(line: PhenotypeLine) -> str:
    """Name the commonest direction; where neither is better, it is that of more or less."""
    word: str = "either way" if line.sign == "mixed" else line.sign
    known = ENDPOINTS.get(line.endpoint)
    if known is not None and known.better == "neither":
        word = _UNVALUED.get(word, word)
    return f"{word} in {percent(line.stability)} of {many(line.worlds, 'world')}"


def _phenotype_row(line: PhenotypeLine) -> list[str]:
    def one_in(value: float | None, lacking: str) -> str:
        return lacking if value is None else f"{math.ceil(value - 1e-9):,}"

    none = "none found" if math.isfinite(line.responders) else "no MCID in our tables"
    responders = percent(line.responders, decimals=1) if math.isfinite(line.responders) else "no MCID"
    return [
        _of(line.label, line.unit, line.scale), line.arm, line.phenotype,
        f"{percent(line.prevalence[1])} ({percent(line.prevalence[0])} to {percent(line.prevalence[2])})",
        _effect(line.effect, line.scale), _stable(line),
        responders, one_in(line.screened_for_one, "none found"), one_in(line.screened_for_responder, none),
    ]  # fmt: skip
