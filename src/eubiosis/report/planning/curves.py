"""Curves of power or size over what a plan assumes, as SVG or PNG."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from eubiosis.analysis.planning.tables import PlanTable
from eubiosis.core.findings import FindingCollector
from eubiosis.core.output import beside, write_whole
from eubiosis.report.figures.style import COLOURS, Array, house_style, new_figure, to_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_LINES, MOST_PANELS = 6, 6
MARKS = ("o", "s", "^", "D", "v", "P")
DASHES = ("-", (0, (5, 2)), (0, (1.2, 1.2)), (0, (5, 1.5, 1, 1.5)), (0, (8, 2)), (0, (3, 1)))
WORDS = {
    "n": "n", "power": "power", "control_rate": "control rate (1/year)", "ratio": "rate ratio",
    "effect_size": "standardised effect", "effect": "effect", "dispersion": "dispersion k",
    "dropout_per_year": "drop-out hazard (1/year)", "lost": "share without an outcome",
    "fold_change": "fold change", "log_ratio": "log ratio", "followup_samples": "samples at follow-up",
    "baseline_samples": "samples at baseline", "icc": "intraclass correlation",
    "accrual_years": "recruitment (years)", "years": "follow-up (years)", "sd": "SD",
}  # fmt: skip


@house_style()
def draw_table(
    table: PlanTable,
    *,
    endpoint: str,
    labels: Mapping[str, str] | None = None,
    raw: Mapping[str, Sequence[float]] | None = None,
    simulated: tuple[Array, Array] | None = None,
) -> Figure:
    """Draw a table of one to three axes: the first along x (sizes where there are some), then lines, panels.

    ``labels`` name the axes as the reader knows them and ``raw`` gives their values so. ``simulated`` are
    powers and Monte Carlo errors, one per cell in the table's order, drawn as points with bars of two
    errors. An axis with one value is left out. Too many axes, lines or panels raise ``FindingsError``.
    """
    names = _order(table)
    _check(table, names)
    marks = {name: list((raw or {}).get(name, table.axes[name])) for name in names}
    words = {name: _word((labels or {}).get(name, name)) for name in names}
    values = _arranged(table, names, table.columns["power" if table.kind == "power" else "n"])
    points = None if simulated is None else tuple(_arranged(table, names, part) for part in simulated)
    panels = values.shape[2]
    columns = min(panels, 3)
    rows = -(-panels // columns)
    figure: Figure
    figure, axes = new_figure(rows, columns, width=6.4 if panels == 1 else 9.6, height=3.4 * rows + 0.9)
    for k in range(rows * columns):
        axis = axes[k // columns][k % columns]
        if k >= panels:
            axis.set_visible(False)
            continue
        _draw_panel(axis, table, values[:, :, k], marks, words, names)
        if points is not None:
            _draw_points(axis, marks[names[0]], points[0][:, :, k], points[1][:, :, k])
        if len(names) > 2:
            axis.set_title(f"{words[names[2]]} {marks[names[2]][k]:g}")
        if k % columns == 0:
            axis.set_ylabel("power" if table.kind == "power" else f"n, {table.counted}")
        axis.set_xlabel(f"n, {table.counted}" if names[0] == "n" else words[names[0]])
    if len(names) > 1:
        handles, texts = axes[0][0].get_legend_handles_labels()
        most = min(len(texts), 6)
        figure.legend(handles, texts, title=words[names[1]], loc="outside upper center", ncols=most)
    else:
        axes[0][0].set_title(endpoint)
    origin = _origin(table, endpoint, labels or {}, simulated=simulated is not None)
    figure.supxlabel(origin, x=0.995, ha="right", fontsize=6.5, color="#666666")
    return figure


@house_style()
def write_figure(figure: Figure, path: Path) -> None:
    """Write a figure as .svg or .png, by the name's ending."""
    if path.suffix.lower() == ".svg":
        label = figure.get_supxlabel()
        text = to_svg(figure, origin=label, name="plan", label=label.replace("\n", " "))
        write_whole(path, text)
        return
    with beside(path) as temporary:
        figure.savefig(temporary, dpi=160, metadata={"Title": figure.get_supxlabel()})


def _order(table: PlanTable) -> list[str]:
    """Return the axes that vary: sizes first, or else the longest, then in the order given."""
    varied = [name for name, values in table.axes.items() if len(values) > 1]
    first = ["n"] if "n" in varied else sorted(varied, key=lambda name: -len(table.axes[name]))[:1]
    return first + [name for name in varied if name not in first]


def _check(table: PlanTable, names: Sequence[str]) -> None:
    findings = FindingCollector()
    if not names:
        findings.add(
            "figure", "", "nothing varies", next_step="give several values of a number, e.g. --n 20:200:20"
        )
    if len(names) > 3:
        findings.add("figure", ", ".join(names), f"{len(names)} numbers vary", allowed="up to 3 in a figure")
    for name, most, what in zip(names[1:3], (MOST_LINES, MOST_PANELS), ("lines", "panels"), strict=False):
        count = len(table.axes[name])
        if count > most:
            findings.add("figure", name, f"{count} {what}", allowed=f"up to {most}", next_step="fewer values")
    findings.raise_if_any()


def _draw_panel(
    axis: Axes, table: PlanTable, values: Array, marks: Mapping[str, Sequence[float]],
    words: Mapping[str, str], names: Sequence[str],
) -> None:  # fmt: skip
    x = np.asarray(marks[names[0]], dtype=np.float64)
    for j in range(values.shape[1]):
        label = f"{marks[names[1]][j]:g}" if len(names) > 1 else words[names[0]]
        y = np.where(np.isfinite(values[:, j]), values[:, j], np.nan)
        marker = MARKS[j] if len(x) <= 12 and table.kind == "size" else ""
        axis.plot(x, y, color=COLOURS[j], linestyle=DASHES[j], label=label, marker=marker, markersize=4)
    axis.set_xlim(x.min() - 0.04 * np.ptp(x), x.max() + 0.04 * np.ptp(x))  # what is not reachable too
    if table.kind == "power":
        axis.set_ylim(0, 1.02)
        for level in (0.8, 0.9):
            axis.axhline(level, color="#57606a", linewidth=0.7, linestyle=(0, (2, 3)), zorder=0)
        return
    finite = table.columns["n"][np.isfinite(table.columns["n"])]  # of every panel, so that they compare
    if finite.size and finite.max() > 20 * finite.min():
        _log_sizes(axis, 0.8 * float(finite.min()), 1.25 * float(finite.max()))
    elif finite.size:
        axis.set_ylim(0, 1.05 * finite.max())
    missing = int(np.sum(~np.isfinite(values)))
    if missing:
        axis.text(
            0.98,
            0.97,
            f"{missing} of {values.size} not reachable",
            transform=axis.transAxes,
            va="top",
            ha="right",
            fontsize=8,
        )


def _arranged(table: PlanTable, names: Sequence[str], column: Array) -> Array:
    """Return a column as (x, lines, panels), the axes in the order of ``names``."""
    rest = [name for name in table.axes if name not in names]
    order = [list(table.axes).index(name) for name in (*names, *rest)]
    shape = [len(table.axes[name]) for name in names] + [1] * (3 - len(names))
    whole = np.asarray(column, dtype=np.float64).reshape(table.shape)
    return np.transpose(whole, order).reshape(shape)


def _draw_points(axis: Axes, x: Sequence[float], powers: Array, errors: Array) -> None:
    """Draw simulated powers (x, lines) with bars of two Monte Carlo errors."""
    for j in range(powers.shape[1]):
        axis.errorbar(
            x, powers[:, j], 2 * errors[:, j], fmt="none", ecolor=COLOURS[j], elinewidth=1.2, capsize=2
        )
        axis.plot(x, powers[:, j], MARKS[j], color=COLOURS[j], markersize=5, fillstyle="none")


def _log_sizes(axis: Axes, low: float, high: float) -> None:
    """Make the sizes logarithmic, with plain numbers at 1, 2 and 5 times the powers of ten."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.set_yscale("log")
    axis.set_ylim(low, high)
    axis.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axis.yaxis.set_minor_formatter(NullFormatter())


def _word(name: str) -> str:
    return WORDS.get(name, name.replace("_", " "))


def _origin(table: PlanTable, endpoint: str, labels: Mapping[str, str], *, simulated: bool) -> str:
    bars = "; points: simulated, bars of two Monte Carlo errors" if simulated else ""
    single = {name: values[0] for name, values in table.axes.items() if len(values) == 1}
    held = ", ".join(
        f"{_word(labels.get(name, name))} {x:.4g}" for name, x in {**single, **table.held}.items()
    )
    text = f"{endpoint}: {table.method}{bars}. Held: {held}"
    return "\n".join(textwrap.wrap(text, 110))
