"""Small figures of a trial report: courses, change of guilds and metabolites, uncertainty, basis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TypedDict

from eubiosis.core.report_input import CourseBand, TrialReportInput
from eubiosis.report.figures.plain_svg import PlotFrame, TitledPlot, plot, round_ticks, text
from eubiosis.report.trial.words import (
    NOT_ESTIMABLE,
    arm_hues,
    estimable,
    percent,
    untested_mark,
    with_interval,
)

_GROUPS = {"guild": "gut guilds", "lumen": "gut lumen", "stool": "stool", "plasma": "plasma"}
_BASES = {"measured": "#0f5132", "fitted": "#00598c", "derived": "#4d5b68", "assumed": "#8a4a00"}
# ends and middle of a scale that colour-blind people tell apart: violet, white, orange
_FALLS, _MIDDLE, _RISES = (94, 60, 153), (247, 247, 247), (230, 97, 1)


class ChangeCells(TypedDict):
    """A quantity and what it does in each arm: text, colour of the cell and of its ink."""

    group: str
    quantity: str
    cells: list[tuple[str, str, str, str]]


class VarianceCells(TypedDict):
    """Shares of the variance of an estimate, as widths and as words."""

    label: str
    arm: str
    shares: list[float]
    words: list[str]


class BasisCells(TypedDict):
    """A part of the bar of numbers by basis."""

    name: str
    percent: float
    text: str
    colour: str


def course_panels(report_input: TrialReportInput) -> list[TitledPlot]:
    """Draw the observed courses, a panel for each endpoint."""
    arms = [arm.name for arm in report_input.arms]
    hues = dict(arm_hues(report_input))
    return [
        {
            "title": f"{untested_mark(report_input.effects, band.endpoint)}{band.label}, {band.unit}",
            "svg": _panel(band, arms, hues),
        }
        for band in map(in_read_unit, report_input.courses)
    ]


def in_read_unit(band: CourseBand) -> CourseBand:
    """Return a course in the unit in which it is read: shares in %, concentrations below 0.1 mM in uM."""
    known = [v for rows in band.by_arm.values() for q in rows for v in q if math.isfinite(v)]
    unit, factor = band.unit, 1.0
    if band.unit == "fraction":
        unit, factor = "%", 100.0
    elif band.unit == "mM" and known and max(map(abs, known)) < 0.1:
        unit, factor = "µM", 1000.0
    if factor == 1.0:
        return band
    by_arm = {arm: tuple(tuple(factor * v for v in q) for q in rows) for arm, rows in band.by_arm.items()}
    return replace(band, unit=unit, by_arm=by_arm)


def tick_text(value: float) -> str:
    """Write a round value at an axis, without zeros at its end.

    >>> tick_text(20.0), tick_text(-0.05)
    ('20', '−0.05')
    """
    return f"{value:.6g}".replace("-", "−")


def course_texts(values: Sequence[float], largest: float) -> list[str]:
    """Write quantiles of a course, all of it with the decimals that its largest value deserves.

    What would be rounded to none without being so is said to lie under the last decimal.

    >>> course_texts((0.0, 4.5, 36.0), 71.0), course_texts((0.004, 0.2, 27.3), 27.3)
    (['0.0', '4.5', '36.0'], ['under 0.1', '0.2', '27.3'])
    """
    decimals = 0 if largest >= 99.5 else 1 if largest >= 9.95 else 2
    step = 10.0**-decimals

    def written(value: float) -> str:
        if not math.isfinite(value):
            return NOT_ESTIMABLE
        if 0 < value < step / 2:
            return f"under {step:.{decimals}f}"
        return f"{value:,.{decimals}f}".replace("-", "−")

    return [written(value) for value in values]


def course_largest(band: CourseBand) -> float:
    """Return the largest size of a course's quantiles; 0 where there is none."""
    return max(
        (abs(v) for rows in band.by_arm.values() for q in rows for v in q if math.isfinite(v)), default=0.0
    )


def _panel(band: CourseBand, arms: Sequence[str], hues: dict[str, int]) -> str:
    rows = {
        arm: [
            (week, q) for week, q in zip(band.weeks, band.by_arm.get(arm, ()), strict=False) if estimable(q)
        ]
        for arm in arms
    }
    values = [value for own in rows.values() for _, q in own for value in (q[0], q[4])]
    label = f"{band.label}, {band.unit}, by arm over the visits"
    frame = PlotFrame(320, 200, (band.weeks[0], band.weeks[-1]), _range(values), left=52, bottom=36)
    if not values:
        return plot(frame, [text(160, 100, NOT_ESTIMABLE, anchor="middle")], label)
    every = max(1, -(-len(band.weeks) // 7))
    parts = [
        frame.grid(band.weeks[::every], round_ticks(*frame.y, 4), lambda x: f"{x:g}", tick_text),
        text(frame.width / 2, frame.height - 3, "weeks from randomisation", anchor="middle", names="note"),
    ]
    told = []
    for arm, own in rows.items():
        if not own:
            continue
        weeks, quantiles = [w for w, _ in own], [q for _, q in own]
        hue = hues.get(arm, 0)
        dash = f" d{hue}" if hue else ""
        if hue == 0:
            parts.append(frame.band(weeks, [q[0] for q in quantiles], [q[4] for q in quantiles], "faint f0"))
        parts.append(frame.band(weeks, [q[1] for q in quantiles], [q[3] for q in quantiles], f"faint f{hue}"))
        for edge in (0, 4):
            parts.append(
                frame.line(zip(weeks, (q[edge] for q in quantiles), strict=True), f"thin c{hue}{dash}")
            )
        parts.append(frame.line(zip(weeks, (q[2] for q in quantiles), strict=True), f"line c{hue}{dash}"))
        start, end = course_texts((quantiles[0][2], quantiles[-1][2]), course_largest(band))
        told.append(f"{arm} from {start} to {end}")
    return plot(frame, parts, f"{label}. Medians: {'; '.join(told)}")


def _range(values: Sequence[float]) -> tuple[float, float]:
    if not values:
        return 0.0, 1.0
    low, high = min(values), max(values)
    room = 0.04 * (high - low) or max(abs(high), 1.0) * 0.05
    return (0.0 if 0 <= low < 0.3 * high else low - room), high + room


def change_cells(report_input: TrialReportInput) -> list[ChangeCells]:
    """Return the change of every quantity in every arm, coloured by its median."""
    arms = [arm.name for arm in report_input.arms]
    middles = [abs(q[1]) for row in report_input.changes for q in row.by_arm.values() if math.isfinite(q[1])]
    middles.sort()
    limit = max(min(middles[-1], 4 * middles[int(0.9 * (len(middles) - 1))]) if middles else 1.0, 0.05)
    return [
        {
            "group": _GROUPS.get(row.group, row.group),
            "quantity": row.quantity,
            "cells": [_change(row.by_arm.get(arm), limit) for arm in arms],
        }
        for row in report_input.changes
    ]


def _change(values: tuple[float, float, float] | None, limit: float) -> tuple[str, str, str, str]:
    if values is None:
        return "–", "", "", ""
    if not estimable(values):
        return NOT_ESTIMABLE, "", "", ""
    if not any(values):
        return "0", "", f"rgb{_MIDDLE}".replace(" ", ""), "#000000"
    share = min(max(values[1] / limit, -1.0), 1.0)
    end = _RISES if share > 0 else _FALLS
    red, green, blue = (round(m + abs(share) * (e - m)) for m, e in zip(_MIDDLE, end, strict=True))
    middle = f"{values[1]:+.2f}".replace("-", "−")
    middle = "0.00" if middle in ("+0.00", "−0.00") else middle
    interval = with_interval(values, sign=True, decimals=2).partition(" ")[2]
    return middle, interval, f"rgb({red},{green},{blue})", _ink(red, green, blue)


def _ink(red: int, green: int, blue: int) -> str:
    """Return black or white, whichever has the higher contrast on a colour: at least 4.58 (WCAG asks 4.5)."""
    parts = (part / 255 for part in (red, green, blue))
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#000000" if (luminance + 0.05) ** 2 >= 1.05 * 0.05 else "#ffffff"


def variance_cells(report_input: TrialReportInput) -> list[VarianceCells]:
    """Return where the uncertainty of each estimate comes from."""
    rows: list[VarianceCells] = []
    for row in report_input.variance:
        shares = (row.worlds, row.subjects, row.sampling)
        known = estimable(shares)
        rows.append(
            {
                "label": untested_mark(report_input.effects, row.endpoint) + row.label,
                "arm": row.arm,
                "shares": [round(100 * share, 2) for share in shares] if known else [],
                "words": [percent(share) for share in shares] if known else [NOT_ESTIMABLE] * 3,
            }
        )
    return rows


def basis_cells(report_input: TrialReportInput) -> list[BasisCells]:
    """Return the shares of the numbers that the result rests on, by basis."""
    return [
        {
            "name": name,
            "percent": round(100 * share, 2),
            "text": percent(share),
            "colour": _BASES.get(name, "#555555"),
        }
        for name, share in report_input.basis_shares.items()
        if math.isfinite(share) and share > 0
    ]
