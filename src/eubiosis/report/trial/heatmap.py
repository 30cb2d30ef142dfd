"""Assurance over participants and length of treatment: cells, contours, and what it asks of the sites."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import TypedDict

from eubiosis.core.assurance_grid import CONTOURS, AssuranceGrid, GridQuantity, contour
from eubiosis.core.report_input import TrialReportInput
from eubiosis.report.figures.plain_svg import PlotFrame, log_ticks, plot, text
from eubiosis.report.trial.words import formula_percent, percent

_WIDTH, _HEIGHT = 480.0, 320.0
_MOST_ISOLINES = 5
WORDS: dict[GridQuantity, str] = {
    "common": "assurance",
    "sceptical": "assurance under the sceptical prior",
    "power": "power at the relevant effect",
}


class HeatRow(TypedDict):
    """A row of the table behind the heatmap: one length and its cells by size."""

    weeks: str
    visits: str
    cells: list[str]


def shown_grid(report_input: TrialReportInput) -> AssuranceGrid | None:
    """Return the grid of the primary endpoint in the arm that decides; None where there is none."""
    answer = report_input.answer
    if answer is None:
        return None
    own = [grid for grid in answer.grids if grid.primary and grid.arm == answer.headline_of]
    return next((grid for grid in own if grid.common and len(grid.weeks) > 1), None)


def heatmap(report_input: TrialReportInput) -> str:
    """Draw the heatmap of the primary endpoint; "" where there is none."""
    grid, answer = shown_grid(report_input), report_input.answer
    if grid is None or answer is None:
        return ""
    row = answer.rows[0]
    return heat_svg(grid, "common", (row.participants, row.weeks))


def heat_svg(grid: AssuranceGrid, quantity: GridQuantity, design: tuple[int, float]) -> str:
    """Draw one quantity of a grid; ``design`` are the participants and weeks that are marked."""
    rows, sizes, weeks = grid.values(quantity), grid.participants, grid.weeks
    frame = PlotFrame(
        _WIDTH, _HEIGHT, (sizes[0], sizes[-1]), (weeks[0], weeks[-1]), left=54, right=20, top=30, bottom=46,
        log_x=True,
    )  # fmt: skip
    parts = [*_cells(frame, sizes, weeks, rows)]
    parts.append(frame.grid(log_ticks(sizes[0], sizes[-1]), (), lambda n: f"{n:,.0f}", str))
    parts += _week_words(frame, weeks)
    parts += _isolines(frame, grid)
    for level, names in zip(CONTOURS, ("c0 d2", "c0 d1", "c0"), strict=True):
        for line in contours(grid, quantity, level):
            parts.append(frame.line(line, f"line {names}"))
            parts.append(
                text(
                    frame.at_x(line[-1][0]) + 4,
                    frame.at_y(line[-1][1]) + 12,
                    percent(level),
                    names="note level",
                )
            )
    x, y = frame.at_x(design[0]), frame.at_y(design[1])
    parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="6" class="spot c2"/>')
    parts.append(text(x + 9, y + 4, "this design"))
    parts.append(
        text(_WIDTH / 2, _HEIGHT - 8, "participants in the whole trial (log scale)", anchor="middle")
    )
    parts.append(text(4, 14, "weeks", names="note"))
    return plot(frame, parts, _label(grid, quantity, design), name="heat")


def contours(
    grid: AssuranceGrid, quantity: GridQuantity, level: float
) -> tuple[tuple[tuple[float, float], ...], ...]:
    """Return where a level is first reached: lines of participants and weeks, in the log of participants."""
    xs = [math.log(size) for size in grid.participants]
    return tuple(
        tuple((math.exp(x), y) for x, y in line)
        for line in contour(level, xs, grid.weeks, grid.values(quantity))
    )


def isoline_levels(grid: AssuranceGrid) -> tuple[float, ...]:
    """Return round numbers of visits, planned for all participants together, that the grid spans.

    At most five, evenly over those there are.
    """
    low = grid.participants[0] * min(grid.visits)
    high = grid.participants[-1] * max(grid.visits)
    ticks = [tick for tick in log_ticks(low, high) if low < tick < high]
    if len(ticks) <= _MOST_ISOLINES:
        return tuple(ticks)
    step = (len(ticks) - 1) / (_MOST_ISOLINES - 1)
    return tuple(ticks[round(k * step)] for k in range(_MOST_ISOLINES))


def isoline(grid: AssuranceGrid, visits: float) -> tuple[tuple[float, float], ...]:
    """Return participants and weeks that ask for so many visits in all, as far as the grid goes."""
    low, high = grid.participants[0], grid.participants[-1]
    line = [(visits / each, week) for each, week in zip(grid.visits, grid.weeks, strict=True)]
    return tuple((size, week) for size, week in line if low <= size <= high)


def heat_words(report_input: TrialReportInput) -> str:
    """Say whose assurance it is, and how far it goes."""
    grid = shown_grid(report_input)
    if grid is None:
        return ""
    most = max(max(row) for row in grid.common)
    reached = [percent(level) for level in CONTOURS if level <= most]
    if not reached:
        words = f"nowhere above {formula_percent(most)}, so that no contour is drawn"
    elif len(reached) == len(CONTOURS):
        words = f"contours {', '.join(reached)}"
    else:
        words = f"contours {', '.join(reached)}; nowhere above {formula_percent(most)}"
    return f"{grid.label}, {grid.arm}: assurance over {grid.prior}, {words}"


def heat_rows(report_input: TrialReportInput) -> list[HeatRow]:
    """Return the cells of the heatmap as text, the shortest length first."""
    grid = shown_grid(report_input)
    if grid is None:
        return []
    return [
        {
            "weeks": f"{week:g}",
            "visits": f"{visits:g}",
            "cells": [formula_percent(value, decimals=1) for value in row],
        }
        for week, visits, row in zip(grid.weeks, grid.visits, grid.common, strict=True)
    ]


def heat_sizes(report_input: TrialReportInput) -> list[str]:
    """Return the participants of the columns of the table."""
    grid = shown_grid(report_input)
    return [] if grid is None else [f"{size:,}" for size in grid.participants]


def _cells(
    frame: PlotFrame, sizes: Sequence[int], weeks: Sequence[float], rows: Sequence[Sequence[float]]
) -> list[str]:
    """Return one rectangle a cell, from half way to its neighbours; the fuller the colour, the larger."""
    across = _edges([frame.at_x(size) for size in sizes])
    down = _edges([frame.at_y(week) for week in weeks])
    found = []
    for k, row in enumerate(rows):
        top, foot = sorted(down[k : k + 2])
        tall = f'y="{top:.1f}" height="{foot - top:.1f}"'
        for i, value in enumerate(row):
            wide = f'x="{across[i]:.1f}" width="{across[i + 1] - across[i]:.1f}"'
            found.append(f'<rect class="heat" {wide} {tall} fill-opacity="{value:.2f}"/>')
    return found


def _edges(places: Sequence[float]) -> list[float]:
    middles = [(one + other) / 2 for one, other in pairwise(places)]
    return [places[0], *middles, places[-1]]


def _isolines(frame: PlotFrame, grid: AssuranceGrid) -> list[str]:
    parts: list[str] = []
    for visits in isoline_levels(grid):
        line = isoline(grid, visits)
        if len(line) < 2:
            continue
        words = f"{visits:,.0f}" if parts else f"{visits:,.0f} visits"
        x, y = line[-1]
        parts.append(frame.line(line, "thin c3"))
        parts.append(text(frame.at_x(x), frame.at_y(y) - 3, words, anchor="middle", names="note"))
    return parts


def _week_words(frame: PlotFrame, weeks: Sequence[float]) -> list[str]:
    shown = (weeks[0], weeks[len(weeks) // 2], weeks[-1])
    return [text(frame.left - 6, frame.at_y(week) + 4, f"{week:g}", anchor="end") for week in shown]


def _label(grid: AssuranceGrid, quantity: GridQuantity, design: tuple[int, float]) -> str:
    rows = grid.values(quantity)
    most = max(max(row) for row in rows)
    own = ""
    if design[0] in grid.participants and design[1] in grid.weeks:
        value = rows[grid.weeks.index(design[1])][grid.participants.index(design[0])]
        own = f" This design: {formula_percent(value)}."
    return (
        f"Heatmap of {WORDS[quantity]} over participants and weeks, {grid.label}, {grid.arm}; at most "
        f"{formula_percent(most)}.{own}"
    )
