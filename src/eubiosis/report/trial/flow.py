"""Participant flow: boxes from screening to completion, in the manner of a CONSORT diagram."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from eubiosis.core.report_input import FlowRow, TrialReportInput
from eubiosis.report.figures.marks import INK, SOFT, TINT, WIDTH, empty_figure, finish
from eubiosis.report.figures.style import house_style
from eubiosis.report.trial.words import count, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_Line = tuple[str, bool]  # text, and whether it belongs to the heading of its box
_LINE = 0.165  # inches for a line of text
_PAD = 0.16  # inches inside a box, above and below together
_GAP = 0.28  # inches between boxes
_FOOT = 0.55


@house_style()
def flow_figure(report_input: TrialReportInput) -> str:
    """Draw the flow: stages in all down the middle, reasons to leave beside, then a column for each arm."""
    levels = _levels(report_input.flow)
    arms = [arm.name for arm in report_input.arms]
    heights = [_level_height(kind, rows, arms) for kind, rows in levels]
    total = sum(heights) + _GAP * max(len(levels) - 1, 0) + _FOOT + 0.1
    figure = empty_figure(max(total, 1.2))
    axis = figure.add_axes((0, 0, 1, 1))
    axis.set_axis_off()
    axis.set_xlim(0, WIDTH)
    axis.set_ylim(0, max(total, 1.2))
    _draw(axis, levels, heights, arms, top=max(total, 1.2) - 0.1)
    return finish(
        figure,
        report_input,
        name="flow",
        label="Participant flow of the simulated trial: " + "; ".join(_spoken(r) for r in report_input.flow),
        shows="Counts are means over simulated trials",
    )


def _spoken(row: FlowRow) -> str:
    arms = ", ".join(f"{arm} {count(value)}" for arm, value in row.by_arm.items())
    return f"{'left: ' if row.left else ''}{row.stage} {count(row.total)}" + (f" ({arms})" if arms else "")


def _levels(flow: Sequence[FlowRow]) -> list[tuple[str, list[FlowRow]]]:
    """Group the rows into levels: "stage", "left" (in all), "arms" and "arms left"."""
    levels: list[tuple[str, list[FlowRow]]] = []
    for row in flow:
        kind = ("arms left" if row.left else "arms") if row.by_arm else ("left" if row.left else "stage")
        if row.left and levels and levels[-1][0] == kind:
            levels[-1][1].append(row)
        else:
            levels.append((kind, [row]))
    return levels


def _text(kind: str, rows: Sequence[FlowRow], arm: str | None, width: int) -> list[_Line]:
    """Return the lines of one box, each with whether it belongs to the heading."""
    if kind == "stage":
        return _broken(f"{rows[0].stage}: {count(rows[0].total)}", [rows[0].note], width)
    if arm is None:
        totals = [row.total for row in rows]
        reasons = [
            f"{row.stage}: {count(row.total, totals)}" + f" ({row.note})" * bool(row.note) for row in rows
        ]
        return _broken(f"not included: {count(sum(totals), totals)}", reasons, width)
    lines = []
    for row in rows:
        value = row.by_arm.get(arm)
        lines.append(f"{row.stage}: {'–' if value is None else count(value, row.by_arm.values())}")
        lines.append(row.note)
    return _broken("" if kind == "arms left" else arm, lines, width)


def _broken(heading: str, lines: Sequence[str], width: int) -> list[_Line]:
    """Break a heading and the lines under it; empty ones are left out."""
    head: list[_Line] = [(part, True) for part in wrapped(heading, width - 4, 3) if part]
    return head + [(part, False) for line in lines if line for part in wrapped(line, width, 3)]


def _arm_characters(arms: Sequence[str]) -> int:
    return int((WIDTH - 0.6) / max(len(arms), 1) / 0.083) - 6


def _level_height(kind: str, rows: Sequence[FlowRow], arms: Sequence[str]) -> float:
    if kind in ("stage", "left"):
        return len(_text(kind, rows, None, 46)) * _LINE + _PAD
    return max(len(_text(kind, rows, arm, _arm_characters(arms))) for arm in arms) * _LINE + _PAD


def _draw(
    axis: Axes,
    levels: Sequence[tuple[str, list[FlowRow]]],
    heights: Sequence[float],
    arms: Sequence[str],
    *,
    top: float,
) -> None:
    centres = [0.3 + (WIDTH - 0.6) * (k + 0.5) / len(arms) for k in range(len(arms))]
    wide = min(3.4, (WIDTH - 0.6) / len(arms) - 0.25)
    trunk, middle = WIDTH / 2, WIDTH / 2
    last_bottom: float | None = None  # of the last stage in all
    arm_bottom: float | None = None
    for (kind, rows), height in zip(levels, heights, strict=True):
        bottom = top - height
        if kind == "stage":
            _box(axis, middle, top, 3.9, height, _text(kind, rows, None, 46))
            if last_bottom is not None:
                _arrow(axis, (trunk, last_bottom), (trunk, top))
            last_bottom = bottom
        elif kind == "left":
            centre, y = 7.45, top - height / 2
            _box(axis, centre, top, 3.7, height, _text(kind, rows, None, 46), soft=True)
            _arrow(axis, (trunk, y), (centre - 1.85, y))
        else:
            for arm, x in zip(arms, centres, strict=True):
                lines = _text(kind, rows, arm, _arm_characters(arms))
                _box(axis, x, top, wide, height, lines, soft=kind == "arms left")
            _join(axis, centres, top, trunk, last_bottom, arm_bottom)
            arm_bottom = bottom
        top = bottom - _GAP


def _join(
    axis: Axes, centres: Sequence[float], top: float, trunk: float, above: float | None, arms: float | None
) -> None:
    """Connect a row of arm boxes to what stands above: the trunk splits, later rows go straight down."""
    if arms is not None:
        for x in centres:
            _arrow(axis, (x, arms), (x, top))
    elif above is not None:
        split = top + _GAP / 2
        axis.plot([trunk, trunk], [above, split], color=SOFT, linewidth=1)
        axis.plot([min(*centres, trunk), max(*centres, trunk)], [split, split], color=SOFT, linewidth=1)
        for x in centres:
            _arrow(axis, (x, split), (x, top))


def _box(
    axis: Axes,
    centre: float,
    top: float,
    width: float,
    height: float,
    lines: Sequence[_Line],
    *,
    soft: bool = False,
) -> None:
    from matplotlib.patches import Rectangle

    face, style = ("white", (0, (3, 2))) if soft else (TINT, "-")
    axis.add_patch(
        Rectangle(
            (centre - width / 2, top - height), width, height,
            facecolor=face, edgecolor=SOFT, linewidth=0.9, linestyle=style,
        )
    )  # fmt: skip
    left = centre - width / 2 + 0.12
    for k, (line, heading) in enumerate(lines):
        axis.text(
            left, top - _PAD / 2 - (k + 0.5) * _LINE, line, va="center", fontsize=8.5, color=INK,
            fontweight="bold" if heading else "normal",
        )  # fmt: skip


def _arrow(axis: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    axis.annotate(
        "", xy=end, xytext=start,
        arrowprops={"arrowstyle": "-|>", "color": SOFT, "linewidth": 1, "shrinkA": 0, "shrinkB": 0},
    )  # fmt: skip
