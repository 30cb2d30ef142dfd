"""Effects across endpoints on one axis: what the prior allows and, behind it, what trials would estimate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from eubiosis.core.report_input import EffectRow, Quantiles, TrialReportInput
from eubiosis.report.figures.marks import (
    INK,
    LINE,
    SOFT,
    TINT,
    Mark,
    TextStyle,
    arm_marks,
    empty_figure,
    finish,
)
from eubiosis.report.figures.style import house_style
from eubiosis.report.trial.words import (
    NOT_ESTIMABLE,
    control_name,
    estimable,
    power_text,
    short_arm,
    untested_mark,
    with_interval,
    wrapped,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LINE = 0.19  # inches for a row
_TOP, _FOOT = 0.5, 1.0
_AXIS_LEFT, _AXIS_RIGHT = 0.405, 0.665  # of the figure's width
_WORRY = "#9a3412"


@house_style()
def forest_figure(report_input: TrialReportInput) -> str:
    """Draw the forest; a row for each endpoint and active arm, clinical outcomes first."""
    rows = report_input.effects
    marks = arm_marks(report_input.arms)
    spare: Mark = {"color": INK, "linestyle": "-", "marker": "o"}
    blocks = _blocks(rows)
    lines = sum(_block_lines(block) for _, block in blocks) + _headings(blocks)
    height = _TOP + lines * _LINE + _FOOT
    figure = empty_figure(height)
    axis = figure.add_axes(
        (_AXIS_LEFT, _FOOT / height, _AXIS_RIGHT - _AXIS_LEFT, 1 - (_TOP + _FOOT) / height)
    )
    limit = axis_limit([q for row in rows for q in (row.standardised, estimate_on_axis(row))])
    _dress(axis, lines, limit, short_arm(report_input, control_name(report_input), 16))
    y, heading = 0, ""
    for k, (group, block) in enumerate(blocks):
        if group != heading:
            axis.text(-1.52, y + 0.5, group, transform=axis.get_yaxis_transform(), va="center", color=SOFT,
                      fontsize=8.5, fontweight="bold")  # fmt: skip
            y, heading = y + 1, group
        size = _block_lines(block)
        if k % 2 == 0:
            axis.axhspan(y, y + size, xmin=-1.54, xmax=2.28, color=TINT, clip_on=False, zorder=0, linewidth=0)
        _label(axis, block, y)
        for j, row in enumerate(block):
            middle = y + j + 0.5 + (size - len(block)) / 2
            name = short_arm(report_input, row.arm, 16)
            axis.text(-0.40, middle, name, transform=axis.get_yaxis_transform(), va="center", fontsize=7.5)
            _row(axis, row, middle, limit, marks.get(row.arm, spare))
        y += size
    return finish(
        figure,
        report_input,
        name="forest",
        label=f"Forest of {len(rows)} simulated effects against {control_name(report_input)} on a "
        "standardised axis; prior only; the table below holds every number",
        shows="Thick line and mark: prior truth over worlds, 2.5 to 97.5 % and median, gut quantities "
        "widened by named discrepancies; pale bar: what one trial's estimate spreads over, 2.5 to 97.5 %",
    )


def estimate_on_axis(row: EffectRow) -> Quantiles | None:
    """Place the spread of a trial's estimate on the standardised axis of its truth; None where it cannot.

    The standardised axis is linear in the difference or in the log ratio, so the two ends of the truth
    fix it.
    """
    if row.standardised_estimate is not None:
        return row.standardised_estimate
    numbers = (*row.truth, *row.estimate, *row.standardised)
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


def _blocks(rows: Sequence[EffectRow]) -> list[tuple[str, list[EffectRow]]]:
    """Gather the rows of an endpoint; primary first, then clinical outcomes, then the rest as given."""
    by_endpoint: dict[str, list[EffectRow]] = {}
    for row in rows:
        by_endpoint.setdefault(row.endpoint, []).append(row)
    order = sorted(by_endpoint.values(), key=lambda b: (not b[0].clinical, not b[0].primary))
    return [("clinical outcomes" if b[0].clinical else "biological endpoints", b) for b in order]


def _headings(blocks: Sequence[tuple[str, list[EffectRow]]]) -> int:
    return len({group for group, _ in blocks})


def _label_lines(block: Sequence[EffectRow]) -> list[str]:
    name = block[0].label + (" (primary)" if block[0].primary else "")
    return wrapped(untested_mark(block, block[0].endpoint) + name, 31, 3)


def _block_lines(block: Sequence[EffectRow]) -> int:
    return max(len(block), len(_label_lines(block)), 2)


def _dress(axis: Axes, lines: int, limit: float, control: str) -> None:
    axis.set_ylim(max(lines, 1), 0)
    axis.set_xlim(-limit, limit)
    axis.set_yticks([])
    axis.spines["left"].set_visible(False)
    axis.axvline(0, color=INK, linewidth=0.9, zorder=1)
    axis.grid(axis="x", color=LINE, linewidth=0.6)
    axis.tick_params(axis="x", labelsize=8)
    axis.locator_params(axis="x", nbins=6)
    inch = 1 / max(lines * _LINE, _LINE)
    below: TextStyle = {"transform": axis.transAxes, "fontsize": 8, "va": "top", "color": INK}
    axis.text(0, -0.28 * inch, "← lower", **below)
    axis.text(0.5, -0.28 * inch, f"than {control}", ha="center", **below)
    axis.text(1, -0.28 * inch, "higher →", ha="right", **below)
    axis.text(0.5, -0.46 * inch, "log ratio or difference, over the standard deviation between subjects",
              ha="center", **below)  # fmt: skip
    head: TextStyle = {
        "transform": axis.transAxes,
        "fontsize": 8,
        "fontweight": "bold",
        "color": INK,
        "va": "bottom",
    }
    worried: TextStyle = {**head, "color": _WORRY}
    above = 1 + 0.1 * inch
    axis.text(-1.52, above, "endpoint", **head)
    axis.text(-0.40, above, "arm", **head)
    axis.text(0.5, above, "SIMULATED, PRIOR ONLY", ha="center", **worried)
    axis.text(1.05, above, "prior truth (2.5 to 97.5 %)", **head)
    axis.text(2.26, above, "power ± MCE", ha="right", **head)


def _label(axis: Axes, block: Sequence[EffectRow], y: float) -> None:
    for k, line in enumerate(_label_lines(block)):
        worry = k == 0 and any(row.tested for row in block)
        axis.text(
            -1.52, y + k + 0.5, line, transform=axis.get_yaxis_transform(), va="center", fontsize=8,
            fontweight="bold" if block[0].primary else "normal", color=_WORRY if worry else INK,
        )  # fmt: skip


def _row(axis: Axes, row: EffectRow, y: float, limit: float, mark: Mark) -> None:
    side: TextStyle = {"transform": axis.get_yaxis_transform(), "va": "center", "fontsize": 7.5, "color": INK}
    truth = with_interval(row.truth)
    unit = "" if truth == NOT_ESTIMABLE else "ratio " if row.scale == "ratio" else "diff. "
    axis.text(1.05, y, unit + truth, **side)
    axis.text(2.26, y, power_text(row), ha="right", **side)
    behind = estimate_on_axis(row)
    if behind is not None and estimable(behind):
        low, high = max(behind[0], -limit), min(behind[2], limit)
        if high > low:
            axis.barh(y, high - low, left=low, height=0.62, color="#cfd6dd", zorder=2, linewidth=0)
    if not estimable(row.standardised):
        axis.text(0, y, NOT_ESTIMABLE, ha="center", va="center", fontsize=7, color=SOFT, style="italic",
                  bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6}, zorder=5)  # fmt: skip
        return
    low, middle, high = row.standardised
    axis.plot(
        [max(low, -limit), min(high, limit)], [y, y], color=mark["color"], linewidth=2.4, zorder=3,
        solid_capstyle="butt",
    )  # fmt: skip
    if abs(middle) <= limit:
        axis.plot(middle, y, marker=mark["marker"], markersize=6.5, color=mark["color"],
                  markeredgecolor="white", markeredgewidth=0.7, zorder=4)  # fmt: skip
    for end, value, edge in ((">", high, limit), ("<", -low, -limit)):
        if value > limit:
            axis.plot(edge, y, marker=end, color=mark["color"], markersize=6, clip_on=False, zorder=5)
