"""Effects across endpoints on one axis, as a table: what the prior allows and what trials would estimate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypedDict

import numpy as np

from eubiosis.core.report_input import EffectRow, Quantiles, TrialReportInput
from eubiosis.core.trial_answer import PublishedEffect
from eubiosis.report.trial.published import PublishedRow, finite, published_on_axis
from eubiosis.report.trial.words import (
    NOT_ESTIMABLE,
    control_name,
    estimable,
    interval_texts,
    low_to_high,
    number,
    percent,
    power_parts,
    scale_text,
    truth_note,
)

LARGEST_STANDARDISED = 1e3  # beyond it a spread between people was almost none
_BETTER = {"lower": "lower is better; ", "higher": "higher is better; ", "neither": ""}


class TrackCells(TypedDict):
    """Where an interval stands on the common axis, in per cent of its width; None where it cannot."""

    behind: tuple[float, float] | None
    line: tuple[float, float] | None
    point: float | None
    beyond: str


class EffectCells(TypedDict):
    """What a row of the table of effects shows."""

    endpoint: str
    untested: bool
    label: str
    primary: bool
    adherence: bool
    arm: str
    hue: int
    scale: str
    better: str
    method: str
    truth: tuple[str, str, str]
    estimate: tuple[str, str]
    standardised: tuple[str, str]
    track: TrackCells
    power: tuple[str, str]
    coverage: str
    not_usable: str
    published: list[PublishedRow]


class EffectGroup(TypedDict):
    """Rows under one heading."""

    name: str
    rows: list[EffectCells]
    open: bool


def effect_groups(report_input: TrialReportInput, adherence: frozenset[str]) -> list[EffectGroup]:
    """Return the rows of the forest, clinical outcomes first; ``adherence`` are markers of exposure."""
    rows = report_input.effects
    limit = _limit(report_input)
    active = [arm.name for arm in report_input.arms if not arm.control]
    groups: list[EffectGroup] = []
    for name, clinical in (
        ("Clinical outcomes", True),
        ("Biological endpoints and markers of exposure", False),
    ):
        chosen = sorted((row for row in rows if row.clinical is clinical), key=lambda row: not row.primary)
        if chosen:
            shown = [_cells(row, report_input, limit, active, adherence) for row in chosen]
            last = {cells["endpoint"]: cells for cells in shown}
            for endpoint, cells in last.items():
                cells["published"] = published_on_axis(_published(report_input), endpoint, limit)
            groups.append({"name": name, "rows": shown, "open": clinical or not groups})
    return groups


def _cells(
    row: EffectRow,
    report_input: TrialReportInput,
    limit: float,
    active: Sequence[str],
    adherence: frozenset[str],
) -> EffectCells:
    control = control_name(report_input)
    return {
        "endpoint": row.endpoint,
        "untested": bool(row.tested),
        "label": row.label,
        "primary": row.primary,
        "adherence": row.endpoint in adherence,
        "arm": row.arm,
        "hue": 1 + (active.index(row.arm) % 4 if row.arm in active else 0),
        "scale": scale_text(row, control),
        "better": _BETTER.get(row.better, ""),
        "method": row.method,
        "truth": (*_two_lines(row.truth), truth_note(row)),
        "estimate": _two_lines(row.estimate),
        "standardised": _two_lines(sound(row.standardised), sign=True, decimals=2),
        "track": _track(row, limit),
        "power": _power_lines(row),
        "coverage": percent(row.coverage, decimals=1),
        "not_usable": f"{row.not_usable:,} of {row.trials:,}",
        "published": [],
    }


def _published(report_input: TrialReportInput) -> Sequence[PublishedEffect]:
    return () if report_input.answer is None else report_input.answer.published


def _limit(report_input: TrialReportInput) -> float:
    """Return half the width of the axis; published effects of the endpoints shown stand on it too."""
    rows = report_input.effects
    shown = {row.endpoint for row in rows}
    intervals = [q for row in rows for q in (sound(row.standardised), estimate_on_axis(row))]
    intervals += [
        one.standardised for one in _published(report_input) if one.endpoint in shown and finite(one)
    ]
    return axis_limit(intervals)


def sound(values: Quantiles) -> Quantiles:
    """Return standardised effects, or none of them where the spread they were divided by is almost none.

    >>> sound((-2.4e15, 0.0, 1.0))[0]
    nan
    """
    if not estimable(values) or max(abs(v) for v in values) > LARGEST_STANDARDISED:
        return (math.nan, math.nan, math.nan)
    return values


def _track(row: EffectRow, limit: float) -> TrackCells:
    def place(value: float) -> float:
        return round(50 + 50 * min(max(value / limit, -1.0), 1.0), 2)

    behind, own = estimate_on_axis(row), sound(row.standardised)
    drawn: TrackCells = {"behind": None, "line": None, "point": None, "beyond": ""}
    if behind is not None and estimable(behind):
        drawn["behind"] = (place(behind[0]), round(place(behind[2]) - place(behind[0]), 2))
    if estimable(own):
        drawn["line"] = (place(own[0]), max(round(place(own[2]) - place(own[0]), 2), 0.4))
        drawn["point"] = place(own[1])
        drawn["beyond"] = ("‹" if own[0] < -limit else "") + ("›" if own[2] > limit else "")
    return drawn


def _two_lines(values: Quantiles, *, sign: bool = False, decimals: int | None = None) -> tuple[str, str]:
    """Return the median and, in brackets, its interval; the second is empty where nothing is estimable."""
    if not estimable(values):
        return NOT_ESTIMABLE, ""
    middle = interval_texts(values, sign=sign, decimals=decimals)[1]
    return middle, f"({low_to_high(values, sign=sign, decimals=decimals)})"


def _power_lines(row: EffectRow) -> tuple[str, str]:
    """Return the power and its Monte Carlo error, which is empty where nothing is estimable."""
    return power_parts(row.power, row.power_error, row.trials)


def estimate_on_axis(row: EffectRow) -> Quantiles | None:
    """Place the spread of a trial's estimate on the standardised axis of its truth; None where it cannot.

    The standardised axis is linear in the difference or in the log ratio, so the two ends of the truth
    fix it.
    """
    if row.standardised_estimate is not None:
        return row.standardised_estimate
    numbers = (*row.truth, *row.estimate, *sound(row.standardised))
    if not estimable(numbers) or (row.scale == "ratio" and min(*row.truth, *row.estimate) <= 0):
        return None
    natural = math.log if row.scale == "ratio" else float
    low, high = natural(row.truth[0]), natural(row.truth[2])
    if high - low <= 0:
        return None
    slope = (row.standardised[2] - row.standardised[0]) / (high - low)
    start = row.standardised[0]
    first, second, third = (start + slope * (natural(value) - low) for value in row.estimate)
    return first, second, third


def axis_limit(intervals: Sequence[Quantiles | None]) -> float:
    """Choose half the width of the axis: all intervals, unless a few would flatten the rest."""
    ends = [abs(value) for q in intervals if q is not None for value in (q[0], q[2]) if math.isfinite(value)]
    moved = [end for end in ends if end > 0]
    return 1.06 * min(max(moved), 5 * float(np.median(moved))) if moved else 1.0


def axis_words(report_input: TrialReportInput) -> str:
    """Say where the common axis of the table ends."""
    limit = _limit(report_input)
    return f"The axis runs from −{number(limit)} to {number(limit)} standard deviations between subjects"
