"""Heatmap of a trial report: observed changes of guilds and metabolites by week."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby
from typing import TypedDict

from eubiosis.core.over_time import WeekChange
from eubiosis.core.report_input import TrialReportInput
from eubiosis.report.figures.plain_svg import PlotFrame, TitledPlot, plot, text
from eubiosis.report.trial.words import NOT_ESTIMABLE, first_trials_text, percent, trials_text, wrapped

_WIDTH, _LABEL, _ROW, _TOP = 380.0, 158.0, 20.0, 24.0
_MOST_WEEKS = 4  # drawn; the table has all
_DEEPEST = 0.5  # opacity of the strongest colour: text on it stays readable
_OFTEN = 0.5
_GROUPS = {"guild": "guilds, centred log-ratio", "stool": "stool", "plasma": "plasma"}


class WeekRow(TypedDict):
    """A row of the table: one quantity in one arm at one week."""

    group: str
    quantity: str
    arm: str
    week: str
    median: str
    found_in: str
    found_first: str


def heat_panels(report_input: TrialReportInput) -> list[TitledPlot]:
    """Draw the heatmap of each arm, all with one scale of colours."""
    rows = report_input.week_changes
    limit = colour_limit(rows)
    arms = list(dict.fromkeys(row.arm for row in rows))
    return [{"title": arm, "svg": _panel([row for row in rows if row.arm == arm], limit)} for arm in arms]


def colour_limit(rows: Sequence[WeekChange]) -> float:
    """Return the change with the strongest colour: the largest, but no more than 4 times the 90 % point."""
    sizes = sorted(abs(value) for row in rows for value in row.median if math.isfinite(value))
    if not sizes:
        return 1.0
    return max(min(sizes[-1], 4 * sizes[int(0.9 * (len(sizes) - 1))]), 0.1)


def week_table(report_input: TrialReportInput) -> list[WeekRow]:
    """Return the rows of the table beneath the heatmap, all weeks."""
    found: list[WeekRow] = []
    for row in report_input.week_changes:
        for v, (week, value) in enumerate(zip(row.weeks, row.median, strict=True)):
            found.append(
                {
                    "group": row.group,
                    "quantity": row.quantity,
                    "arm": row.arm,
                    "week": f"{week:g}",
                    "median": _signed(value),
                    "found_in": percent(row.found_in[v]) if row.found_in else "–",
                    "found_first": ("yes" if row.found_first[v] else "no") if row.found_first else "–",
                }
            )
    return found


def week_words(report_input: TrialReportInput) -> str:
    """Say what the numbers, the colours and the marks are, and over how many."""
    if not report_input.week_changes:
        return ""
    one = report_input.week_changes[0]
    people = sum({row.arm: row.people for row in report_input.week_changes}.values())
    block = ", block 0 of trials that were cut" if one.block_only else ""
    drawn = _drawn(one.weeks)
    left = "" if len(drawn) == len(one.weeks) else f" {len(drawn)} of {len(one.weeks)} visits are drawn."
    return (
        "Observed change from each person's own entry, measurement error included: log2 ratio (+1 doubled, "
        "−1 halved), of centred log-ratios for guilds; acids under their limit count as half of it. Median "
        "over the people of a gut world, of the first trial of each of its pairs, then over gut worlds "
        f"({trials_text(one.trials)}, {people:,.0f} people in each{block}); no band is drawn. * in the first "
        "trial of all, arm and control differ with a false discovery rate under 5 % (analysis of covariance "
        "on entry; Benjamini and Hochberg over guilds, and over metabolites, of an arm and all weeks). "
        "Framed: so in at least half of the trials. A mark says that a trial would see what the model "
        f"assumes, not that it is so.{_same_twice(report_input.week_changes)}{left}"
    )


def week_size(report_input: TrialReportInput) -> str:
    """Return the n of the heatmap: the first trial of every pair of worlds, and its people."""
    if not report_input.week_changes:
        return ""
    people = sum({row.arm: row.people for row in report_input.week_changes}.values())
    return first_trials_text(report_input, report_input.week_changes[0].trials, people)


def _same_twice(rows: Sequence[WeekChange]) -> str:
    """Say why medians of acids are exactly zero: they are recorded in the steps of an assay."""
    names = dict.fromkeys(
        f"{row.quantity[0].lower()}{row.quantity[1:]}"
        for row in rows
        if row.group != "guild" and 0.0 in row.median
    )
    if not names:
        return ""
    return (
        f" Exactly 0 in {' and '.join(names)}: acids are recorded in the steps in which a laboratory prints "
        "them, and where a level is few steps high the middle person has the same number twice. The change "
        "may be other than none; a median of what is printed does not show it."
    )


def _drawn(weeks: Sequence[float]) -> list[int]:
    most = min(len(weeks), _MOST_WEEKS)
    last = len(weeks) - 1
    return sorted({round(last - k * last / max(most - 1, 1)) for k in range(most)})


def _panel(rows: Sequence[WeekChange], limit: float) -> str:
    shown = _drawn(rows[0].weeks)
    width = (_WIDTH - _LABEL - 4) / len(shown)
    groups = [(group, list(own)) for group, own in groupby(rows, key=lambda row: row.group)]
    height = _TOP + _ROW * (len(rows) + len(groups)) + 6
    parts = [
        text(_LABEL + (k + 0.5) * width, 15, f"{rows[0].weeks[v]:g}", anchor="middle", names="note")
        for k, v in enumerate(shown)
    ]
    parts.append(text(_LABEL - 8, 15, "week", anchor="end", names="note"))
    top = _TOP
    for group, own in groups:
        top += _ROW
        parts.append(text(0, top - 5, _GROUPS.get(group, group), names="note"))
        for row in own:
            parts.append(
                text(
                    8,
                    top + _ROW - 6,
                    wrapped(row.quantity.removesuffix(f" in {group}"), 24, 1)[0],
                    names="cell",
                )
            )
            for k, v in enumerate(shown):
                parts.append(_cell(_LABEL + k * width, top, width, row, v, limit))
            top += _ROW
    frame = PlotFrame(_WIDTH, height, (0.0, 1.0), (0.0, 1.0))
    return plot(frame, parts, _label(rows))


def _cell(x: float, y: float, width: float, row: WeekChange, v: int, limit: float) -> str:
    value = row.median[v]
    place = f'x="{x + 1:.1f}" y="{y + 1:.1f}" width="{width - 2:.1f}" height="{_ROW - 2:.1f}"'
    middle = (x + width / 2, y + _ROW - 6)
    if not math.isfinite(value):
        return f'<rect {place} class="unknown"/>' + text(*middle, "–", anchor="middle", names="cell")
    depth = _DEEPEST * min(abs(value) / limit, 1.0)
    often = " often" if row.found_in and row.found_in[v] >= _OFTEN else ""
    mark = " *" if row.found_first and row.found_first[v] else ""
    return (
        f'<rect {place} class="{"rise" if value > 0 else "fall"}{often}" fill-opacity="{depth:.2f}"/>'
        + text(*middle, _signed(value) + mark, anchor="middle", names="cell")
    )


def _signed(value: float) -> str:
    if not math.isfinite(value):
        return NOT_ESTIMABLE
    if value == 0:
        return "0"
    said = f"{value:+.2f}".replace("-", "−")
    return "0.00" if said in ("+0.00", "−0.00") else said


def _label(rows: Sequence[WeekChange]) -> str:
    known = [row for row in rows if math.isfinite(row.median[-1])]
    largest = sorted(known, key=lambda row: -abs(row.median[-1]))[:3]
    told = "; ".join(f"{row.quantity} {_signed(row.median[-1])}" for row in largest)
    return (
        f"{rows[0].arm}: observed log2 change from entry of {len(rows)} quantities by week. Largest at week "
        f"{rows[0].weeks[-1]:g}: {told}"
    )
