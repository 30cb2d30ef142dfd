"""Figures of a trial report: courses, change of guilds and metabolites, sources of uncertainty, basis."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from eubiosis.core.report_input import CourseBand, MarkerChange, TrialReportInput, VarianceRow
from eubiosis.report.figures.marks import CONTROL, INK, SOFT, WIDTH, Mark, arm_marks, empty_figure, finish
from eubiosis.report.figures.style import Array, house_style, new_figure
from eubiosis.report.trial.words import NOT_ESTIMABLE, estimable, short_arm, untested_mark, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PANELS, _COLUMNS = 6, 3
_GROUPS = {
    "guild": "gut guilds",
    "lumen": "gut lumen",
    "stool": "stool",
    "plasma": "plasma",
}
_SOURCES = (
    ("worlds", "worlds: what nobody knows about the model", "#1f3a5f"),
    ("subjects", "subjects: who was drawn", "#7ba3c9"),
    ("sampling", "sampling: chance within one trial", "#e6edf4"),
)
_BASES = (
    ("measured", "#0f5132", "white"), ("fitted", "#5b8fb9", "white"), ("derived", "#c7ced6", INK),
    ("assumed", "#fbe3c5", INK),
)  # fmt: skip


def course_figures(report_input: TrialReportInput) -> list[str]:
    """Draw the observed courses, six endpoints to a figure."""
    bands = report_input.courses
    return [
        _course_figure(report_input, bands[k : k + _PANELS], k // _PANELS)
        for k in range(0, len(bands), _PANELS)
    ]


@house_style()
def _course_figure(report_input: TrialReportInput, bands: Sequence[CourseBand], index: int) -> str:
    columns = min(_COLUMNS, max(len(bands), 2))
    rows = -(-len(bands) // columns)
    figure, axes = new_figure(rows, columns, width=WIDTH, height=2.55 * rows + 1.05, gaps=(0.08, 0.05))
    for k, band in enumerate(bands):
        axis = axes[k // columns][k % columns]
        name = untested_mark(report_input.effects, band.endpoint) + band.label
        _course_panel(axis, band, arm_marks(report_input.arms), name)
        if k + columns >= len(bands):
            axis.set_xlabel("weeks from randomisation", fontsize=8)
    for k in range(len(bands), rows * columns):
        axes[k // columns][k % columns].set_visible(False)
    handles, labels = axes[0][0].get_legend_handles_labels()
    short = [short_arm(report_input, label, 30) for label in labels]
    figure.legend(handles, short, loc="outside upper left", ncols=min(len(short), 4), handlelength=3.4)
    names = ", ".join(band.label for band in bands)
    return finish(
        figure,
        report_input,
        name=f"courses{index}",
        label=f"Simulated courses over the visits by arm: {names}",
        shows="Thick line: median over subjects of all trials; inner band (thin edges): 25 to 75 %; "
        "outer band: 2.5 to 97.5 %; control filled grey",
    )


def _course_panel(axis: Axes, band: CourseBand, marks: Mapping[str, Mark], name: str) -> None:
    weeks = np.asarray(band.weeks, dtype=float)
    drawn = False
    for arm, mark in marks.items():
        table = _quantile_table(band.by_arm.get(arm), len(weeks))
        drawn = drawn or bool(np.isfinite(table).any())
        colour, line = mark["color"], mark["linestyle"]
        # filled bands of several arms mix into mud: control is filled, the others are outlined
        outer, inner = (0.09, 0.16) if colour == CONTROL else (0.0, 0.10)
        axis.fill_between(weeks, table[:, 0], table[:, 4], color=colour, alpha=outer, linewidth=0)
        axis.fill_between(weeks, table[:, 1], table[:, 3], color=colour, alpha=inner, linewidth=0)
        for edge, width in ((0, 0.7), (1, 0.9), (3, 0.9), (4, 0.7)):
            axis.plot(weeks, table[:, edge], color=colour, linestyle=line, linewidth=width, alpha=0.85)
        axis.plot(weeks, table[:, 2], label=arm, markersize=4.2, linewidth=2, markeredgecolor="white",
                  markeredgewidth=0.5, **mark)  # fmt: skip
    axis.set_title("\n".join(wrapped(name, 38, 3)), fontsize=8.5)
    axis.set_ylabel(wrapped(band.unit, 26, 1)[0], fontsize=8)
    axis.tick_params(labelsize=8)
    axis.set_xticks(weeks if len(weeks) <= 7 else weeks[:: -(-len(weeks) // 7)])
    if not drawn:
        axis.text(0.5, 0.5, NOT_ESTIMABLE, transform=axis.transAxes, ha="center", color=SOFT, style="italic")
        axis.set_yticks([])


def _quantile_table(rows: Sequence[Sequence[float]] | None, visits: int) -> Array:
    """Return quantiles as an array, shape (visits, 5); what is not finite is left out of the drawing."""
    table = np.full((visits, 5), np.nan)
    if rows:
        table = np.asarray(rows, dtype=float).reshape(visits, 5).copy()
    table[~np.isfinite(table)] = np.nan
    return table


@house_style()
def change_figure(report_input: TrialReportInput) -> str:
    """Draw the latent change from baseline to the end as a heat map: guilds left, metabolites right."""
    guilds = [row for row in report_input.changes if row.group == "guild"]
    others = [row for row in report_input.changes if row.group != "guild"]
    halves = [half for half in (guilds, others) if half]
    tall = max((len(half) + _breaks(half) * 0.6 for half in halves), default=1)
    top, foot = 0.95, 0.75
    height = top + 0.26 * tall + foot
    figure = empty_figure(height)
    values = [abs(q[1]) for row in report_input.changes for q in row.by_arm.values() if math.isfinite(q[1])]
    limit = max(min(max(values), 4 * float(np.percentile(values, 90))) if values else 1.0, 0.05)
    for k, half in enumerate(halves):
        rows = len(half) + _breaks(half) * 0.6
        axis = figure.add_axes(
            (0.215 + 0.5 * k, 1 - (top + 0.26 * rows) / height, 0.27, 0.26 * rows / height)
        )
        _heat_map(axis, half, report_input, limit, rows)
    _colour_scale(figure, limit, height)
    return finish(
        figure,
        report_input,
        name="change",
        label="Heat map of the simulated change of guilds and metabolites by arm, log2 ratio of the end to "
        "the own baseline; numbers in the table below",
        shows="Cells: latent median over subjects, log2 ratio of the end to the own baseline (+1 doubled, −1 "
        "halved)",
    )


def _breaks(rows: Sequence[MarkerChange]) -> int:
    return len({row.group for row in rows})


def _heat_map(
    axis: Axes, rows: Sequence[MarkerChange], report_input: TrialReportInput, limit: float, tall: float
) -> None:
    from matplotlib import colormaps
    from matplotlib.patches import Rectangle

    arms = [arm.name for arm in report_input.arms]
    colours, wide = colormaps["PuOr_r"], max(9, 33 // max(len(arms), 1))
    axis.set_xlim(0, len(arms))
    axis.set_ylim(tall, 0)
    axis.set_axis_off()
    for column, arm in enumerate(arms):
        name = "\n".join(wrapped(short_arm(report_input, arm, 2 * wide), wide, 2))
        axis.text(column + 0.5, -0.25, name, ha="center", va="bottom", fontsize=8, fontweight="bold")
    y, group = 0.0, ""
    for row in rows:
        if row.group != group:
            group = row.group
            axis.text(-0.08, y + 0.35, _GROUPS.get(group, group), ha="right", va="center", fontsize=8,
                      fontweight="bold", color=SOFT)  # fmt: skip
            y += 0.6
        axis.text(-0.08, y + 0.5, wrapped(row.quantity, 30, 1)[0], ha="right", va="center", fontsize=8)
        for column, arm in enumerate(arms):
            middle = row.by_arm[arm][1] if arm in row.by_arm else math.nan
            known = math.isfinite(middle)
            shade = float(np.clip(0.5 + 0.5 * middle / limit, 0, 1)) if known else 0.5
            axis.add_patch(
                Rectangle(
                    (column + 0.02, y + 0.04), 0.96, 0.92, linewidth=0 if known else 0.6, edgecolor=SOFT,
                    facecolor=colours(shade) if known else "white", hatch=None if known else "////",
                )
            )  # fmt: skip
            dark = known and abs(shade - 0.5) > 0.33
            text = f"{middle:+.2f}".replace("-", "−") if known else NOT_ESTIMABLE
            clear = None if known else {"facecolor": "white", "edgecolor": "none", "pad": 1}
            text = "0.00" if text in ("+0.00", "−0.00") else text
            axis.text(column + 0.5, y + 0.5, text, ha="center", va="center", fontsize=8 if known else 6.5,
                      color="white" if dark else INK, bbox=clear)  # fmt: skip
        y += 1


def _colour_scale(figure: Figure, limit: float, height: float) -> None:
    from matplotlib import colormaps

    axis = figure.add_axes((0.215, 1 - 0.36 / height, 0.27, 0.13 / height))
    # steps as shapes: an image inside an SVG would need a data address, which the page forbids
    steps = np.linspace(-limit, limit, 42)
    for low, high in pairwise(steps):
        shade = 0.5 + 0.25 * (low + high) / limit
        axis.barh(0.5, high - low, 1, left=low, color=colormaps["PuOr_r"](shade), linewidth=0)
    axis.set_xlim(-limit, limit)
    axis.set_ylim(0, 1)
    axis.set_yticks([])
    axis.spines["left"].set_visible(False)
    axis.grid(visible=False)
    axis.tick_params(labelsize=7.5, length=2, pad=1.5)
    axis.locator_params(axis="x", nbins=5)
    words = (
        "log2 ratio to the own baseline: orange (+) rises, violet (−) falls;\n"
        "beyond the scale: its last colour"
    )
    figure.text(0.52, 1 - 0.32 / height, words, fontsize=8, va="center")


@house_style()
def variance_figure(report_input: TrialReportInput) -> str:
    """Draw where the uncertainty of each estimated effect comes from, a panel for each active arm."""
    labels: dict[str, str] = {}
    by_arm: dict[str, dict[str, VarianceRow]] = {}
    for row in report_input.variance:
        labels.setdefault(row.endpoint, row.label)
        by_arm.setdefault(row.arm, {})[row.endpoint] = row
    names = [
        "\n".join(wrapped(untested_mark(report_input.effects, endpoint) + label, 36, 2))
        for endpoint, label in labels.items()
    ]
    step = 0.36 if any("\n" in name for name in names) else 0.27
    panels = max(len(by_arm), 1)
    figure, axes = new_figure(1, panels, width=WIDTH, height=1.5 + step * max(len(names), 1))
    for k, (arm, rows) in enumerate(by_arm.items()):
        axis = axes[0][k]
        _stacked(axis, [rows.get(endpoint) for endpoint in labels])
        axis.set_yticks(range(len(names)), names if k == 0 else [""] * len(names), fontsize=8)
        axis.set_title("\n".join(wrapped(arm, 70 // panels, 2)), fontsize=8.5, fontweight="bold")
        axis.set_xlabel("share of the variance of the estimate, %", fontsize=8)
    handles, texts = axes[0][0].get_legend_handles_labels()
    figure.legend(handles, texts, loc="outside upper left", ncols=3, fontsize=8)
    return finish(
        figure,
        report_input,
        name="variance",
        label="Stacked bars: shares of the variance of each simulated estimate that come from worlds, "
        "subjects and sampling",
        shows="Bars: shares of the variance of a trial's estimate; each bar sums to 100 %",
    )


def _stacked(axis: Axes, rows: Sequence[VarianceRow | None]) -> None:
    for y, row in enumerate(rows):
        if row is None or not estimable((row.worlds, row.subjects, row.sampling)):
            axis.text(
                50, y, NOT_ESTIMABLE, ha="center", va="center", fontsize=7.5, color=SOFT, style="italic"
            )
    start = np.zeros(len(rows))
    for k, (name, label, colour) in enumerate(_SOURCES):
        width = np.array([_share(row, name) for row in rows])
        axis.barh(range(len(rows)), width, 0.72, left=start, color=colour, edgecolor="white", linewidth=0.5,
                  label=label, zorder=2)  # fmt: skip
        for y, (x, w) in enumerate(zip(start, width, strict=True)):
            if w >= 7:
                axis.text(x + w / 2, y, f"{w:.0f}", ha="center", va="center", fontsize=7.5, zorder=3,
                          color="white" if k == 0 else INK)  # fmt: skip
        start += width
    axis.set_xlim(0, 100)
    axis.set_ylim(len(rows) - 0.4, -0.6)
    axis.grid(axis="y", visible=False)
    axis.tick_params(axis="y", length=0)
    axis.tick_params(axis="x", labelsize=8)


def _share(row: VarianceRow | None, name: str) -> float:
    if row is None or not estimable((row.worlds, row.subjects, row.sampling)):
        return 0.0
    return 100 * float(getattr(row, name))


@house_style()
def basis_figure(report_input: TrialReportInput) -> str:
    """Draw the shares of the numbers that the result rests on by their basis, as one bar."""
    shares: Mapping[str, float] = report_input.basis_shares
    known = {name: (colour, ink) for name, colour, ink in _BASES}
    figure = empty_figure(1.1)
    axis = figure.add_axes((0.005, 0.66, 0.99, 0.32))
    axis.set_axis_off()
    axis.set_xlim(0, 100)
    axis.set_ylim(-0.5, 0.5)
    start, keys = 0.0, []
    for name, share in shares.items():
        if not math.isfinite(share) or share <= 0:
            continue
        colour, ink = known.get(name, ("#eeeeee", INK))
        axis.barh(0, 100 * share, 0.9, left=start, color=colour, edgecolor="white", linewidth=1,
                  hatch="////" if name == "assumed" else "")  # fmt: skip
        if share > 0.105:
            clear = {"facecolor": colour, "edgecolor": "none", "pad": 1.2}
            axis.text(start + 50 * share, 0, f"{name} {100 * share:.0f} %", ha="center", va="center",
                      fontsize=8.5, color=ink, bbox=clear)  # fmt: skip
        keys.append(f"{name} {100 * share:.0f} %")
        start += 100 * share
    figure.text(0.005, 0.51, "Numbers that the result rests on, by basis: " + ", ".join(keys), fontsize=8.5,
                va="center")  # fmt: skip
    return finish(
        figure,
        report_input,
        name="basis",
        label="Numbers by basis: " + ", ".join(keys),
        shows="Bar: share of all numbers, %; inputs of the simulation",
        sized=False,
    )
