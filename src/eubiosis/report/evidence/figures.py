"""Forest and funnel plots, the knowledge graph and the PRISMA flow, drawn from plain data.

Every function returns the paths written: the same picture as SVG and PNG. Nothing here computes evidence.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Protocol

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Polygon

from eubiosis.core.evidence_report import Interval, PooledStudy, PoolReport, PoolSummary
from eubiosis.core.laws import Z975

BLUE, ORANGE, GREEN, GREY, INK = "#0072B2", "#D55E00", "#009E73", "#7F7F7F", "#222222"
KIND_COLOURS = {
    "intervention": "#CFE8F7",
    "taxon": "#BFE5DA",
    "metabolite": "#FBF8CF",
    "receptor": "#F1DCE8",
    "mediator": "#F8E3B8",
    "cell": "#C2DDEE",
    "barrier": "#E8DAC2",
    "exposure": "#E3E3E3",
    "outcome": "#F5CFB5",
}
RATIO_TICKS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 10)
GRAPH_COLUMNS = (
    ("intervention", "exposure"),
    ("taxon",),
    ("metabolite",),
    ("receptor", "barrier"),
    ("mediator",),
    ("cell",),
    ("outcome",),
)
STRENGTH_WIDTH = {
    "assumed": 0.5,
    "recalled": 0.5,
    "in vitro": 0.9,
    "mouse": 1.3,
    "uncontrolled in people": 1.3,
    "observed in people": 1.7,
    "randomised in people": 2.4,
    "definition": 0.5,
}


class DrawnNode(Protocol):
    """A node of the graph as it is drawn."""

    @property
    def id(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def kind(self) -> str: ...


class DrawnEdge(Protocol):
    """An edge of the graph as it is drawn."""

    @property
    def source(self) -> str: ...
    @property
    def target(self) -> str: ...
    @property
    def sign(self) -> str: ...
    @property
    def strength(self) -> str: ...


class FlowCounts(Protocol):
    """The counts of a review's flow."""

    databases: dict[str, int]
    registers: dict[str, int]
    duplicates_removed: int
    screened: int
    excluded_at_screening: int
    awaiting_screening: int
    sought: int
    not_retrieved: int
    awaiting_retrieval: int
    assessed: int
    excluded_at_eligibility: dict[str, int]
    awaiting_eligibility: int
    included_reports: int
    included_studies: int


def save(figure: Figure, folder: Path, name: str) -> list[Path]:
    """Write a figure as SVG and PNG; the SVG keeps its text and has no date, so it is reproducible."""
    import matplotlib as mpl

    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{name}.svg", folder / f"{name}.png"]
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        figure.savefig(paths[0], metadata={"Date": None}, bbox_inches="tight")
        figure.savefig(paths[1], dpi=150, metadata={"Software": None}, bbox_inches="tight")
    return paths


def forest(report: PoolReport, folder: Path, name: str = "forest") -> list[Path]:
    """Draw the forest plot of a pool: studies, three intervals, the prediction interval."""
    pooled = report.summary
    rows = len(pooled.included)
    figure = Figure(figsize=(10.5, 2.6 + 0.42 * (rows + 4)), layout="constrained")
    axes = figure.add_subplot()
    top = rows + 5.0
    for position, one in enumerate(pooled.included):
        _study_row(axes, one, top - 1 - position, largest=max(x.weight for x in pooled.included))
    y = 3.6
    intervals = pooled.intervals
    for interval, label in (
        (intervals.bayesian.interval, "Bayesian"),
        (intervals.hartung_knapp, "Hartung-Knapp"),
        (intervals.wald, "Wald"),
    ):
        _pool_row(axes, interval, y, label, headline=_is_headline(pooled, interval))
        y -= 1
    low, high = _ends(pooled.pi_low, pooled.pi_high)
    _prediction_row(axes, low, high, y)
    null = 1.0 if report.ratio else 0.0
    axes.axvline(null, color=GREY, linewidth=0.8, zorder=0)
    axes.axhline(4.3, color=GREY, linewidth=0.6)
    if report.ratio:
        axes.set_xscale("log")
    _limit_x(axes, pooled, null, ratio=report.ratio)
    axes.set_ylim(y - 0.8, top - 0.2)
    axes.set_yticks([])
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)
    unit = f" ({pooled.unit})" if pooled.unit else ""
    axes.set_xlabel(f"{pooled.metric}{unit}; {pooled.better} is better")
    axes.set_title(f"{report.outcome_label}: {report.intervention_label}", loc="left", fontsize=11, pad=24)
    axes.text(0, 1.01, _subtitle(pooled), transform=axes.transAxes, fontsize=8, color=GREY, va="bottom")
    return save(figure, folder, name)


def _ends(low: float | None, high: float | None) -> tuple[float, float]:
    """Return the ends of an interval that is defined."""
    assert low is not None
    assert high is not None
    return low, high


def _subtitle(pooled: PoolSummary) -> str:
    flagged = any(one.flagged for one in pooled.included)
    marked = " Orange: a check of the paper's numbers failed." if flagged else ""
    size = f"k = {pooled.k}, {pooled.participants} participants; certainty {pooled.certainty.level}."
    return f"{size}{marked} Not evidence of efficacy."


def _is_headline(pooled: PoolSummary, interval: Interval) -> bool:
    return interval.low == pooled.ci_low and interval.high == pooled.ci_high


def _study_row(axes: Axes, one: PooledStudy, y: float, *, largest: float) -> None:
    colour = ORANGE if one.flagged else BLUE
    axes.plot([one.ci_low, one.ci_high], [y, y], color=colour, linewidth=1.4)
    size = 3 + 8 * math.sqrt(one.weight / largest)
    axes.plot([one.estimate], [y], "s", color=colour, markersize=size)
    span = f"{one.estimate:.2f} [{one.ci_low:.2f}, {one.ci_high:.2f}]"
    _texts(axes, y, one.study, span, f"{100 * one.weight:.0f} %")


def _pool_row(axes: Axes, interval: Interval, y: float, label: str, *, headline: bool) -> None:
    weight = "bold" if headline else "normal"
    mid = interval.estimate
    if mid is None:
        _texts(axes, y, label, interval.note, "")
        return
    low, high = _ends(interval.low, interval.high)
    colour = INK if headline else GREY
    axes.add_patch(
        Polygon([(low, y), (mid, y + 0.24), (high, y), (mid, y - 0.24)], closed=True, color=colour)
    )
    span = f"{mid:.2f} [{low:.2f}, {high:.2f}]"
    _texts(axes, y, label + ("  (headline)" if headline else ""), span, "", weight=weight)


def _prediction_row(axes: Axes, low: float, high: float, y: float) -> None:
    axes.plot([low, high], [y, y], color=GREEN, linewidth=2.2)
    _texts(axes, y, "prediction for a new study", f"[{low:.2f}, {high:.2f}]", "")


def _texts(axes: Axes, y: float, left: str, right: str, far: str, *, weight: str = "normal") -> None:
    place = axes.get_yaxis_transform()
    for x, text, side, bold in (
        (-0.02, left, "right", weight), (1.02, right, "left", weight), (1.30, far, "right", "normal")
    ):  # fmt: skip
        axes.text(x, y, text, ha=side, va="center", fontsize=9, fontweight=bold, transform=place)


def _limit_x(axes: Axes, pooled: PoolSummary, null: float, *, ratio: bool) -> None:
    """Show every study and the prediction; let only an extreme Hartung-Knapp interval run off the edge."""
    values = [null, *_ends(pooled.pi_low, pooled.pi_high), *_ends(pooled.ci_low, pooled.ci_high)]
    values += [end for one in pooled.included for end in (one.ci_low, one.ci_high)]
    low, high = min(values), max(values)
    if ratio:
        axes.set_xlim(low / 1.15, high * 1.15)
        ticks = [t for t in RATIO_TICKS if low / 1.15 < t < high * 1.15]
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.set_xticks([], minor=True)
    else:
        margin = 0.06 * (high - low)
        axes.set_xlim(low - margin, high + margin)


def funnel(report: PoolReport, folder: Path, name: str = "funnel") -> list[Path]:
    """Draw the funnel plot of a pool on the analysis scale, with the 95 % region around the mean."""
    pooled = report.summary
    figure = Figure(figsize=(5.6, 4.4), layout="constrained")
    axes = figure.add_subplot()
    centre = pooled.intervals.wald.estimate
    assert centre is not None
    if report.ratio:
        centre = math.log(centre)
    top = 1.15 * max(one.standard_error for one in pooled.included)
    axes.fill([centre, centre - Z975 * top, centre + Z975 * top], [0, top, top], color="#EEEEEE", zorder=0)
    axes.axvline(centre, color=GREY, linewidth=0.8)
    for one in pooled.included:
        place = (one.analysis_estimate, one.standard_error)
        axes.plot([place[0]], [place[1]], "o", color=ORANGE if one.flagged else BLUE)
        axes.annotate(one.study, place, textcoords="offset points", xytext=(6, 4), fontsize=8)
    axes.set_ylim(top, 0)
    axes.set_xlabel(report.analysis_scale)
    axes.set_ylabel("standard error")
    words = "too few studies to judge asymmetry" if pooled.k < 10 else "asymmetry has several causes"
    axes.set_title(f"{report.outcome_label}: {words}", loc="left", fontsize=10)
    return save(figure, folder, name)


def knowledge_graph(
    nodes: Sequence[DrawnNode], edges: Sequence[DrawnEdge], folder: Path, name: str = "graph"
) -> list[Path]:
    """Draw nodes (id, label, kind) in columns by kind, and edges (source, target, sign, strength)."""
    placed = _columns(nodes, edges)
    tallest = max(sum(n.kind in kinds for n in nodes) for kinds in GRAPH_COLUMNS)
    figure = Figure(figsize=(19, max(7.0, 0.34 * tallest + 2)), layout="constrained")
    axes = figure.add_subplot()
    for edge in edges:
        _draw_edge(axes, placed[edge.source], placed[edge.target], edge)
    for node in nodes:
        x, y = placed[node.id]
        drawn = axes.text(x, y, _wrap(node.label), ha="center", va="center", fontsize=7.5, zorder=3)
        colour = KIND_COLOURS[node.kind]
        drawn.set_bbox(
            {"boxstyle": "round,pad=0.25", "facecolor": colour, "edgecolor": GREY, "linewidth": 0.5}
        )
    for column, kinds in enumerate(GRAPH_COLUMNS):
        axes.text(column, 1.035, " / ".join(kinds), ha="center", fontsize=10, color=INK)
    axes.set_xlim(-0.5, len(GRAPH_COLUMNS) - 0.5)
    axes.set_ylim(-0.02, 1.06)
    axes.axis("off")
    legend = (
        "green: raises   orange: lowers   grey: both ways or unstated   "
        "dashed: assumed, recalled or by definition   thicker: stronger design   "
        "Reports as published; not evidence of efficacy."
    )
    axes.set_title(legend, fontsize=10, color=INK)
    return save(figure, folder, name)


def _columns(nodes: Sequence[DrawnNode], edges: Sequence[DrawnEdge]) -> dict[str, tuple[float, float]]:
    """Place nodes in their columns, each near the mean height of its neighbours (six sweeps)."""
    members = [[n.id for kind in kinds for n in nodes if n.kind == kind] for kinds in GRAPH_COLUMNS]
    near: dict[str, list[str]] = {node.id: [] for node in nodes}
    for edge in edges:
        near[edge.source].append(edge.target)
        near[edge.target].append(edge.source)
    height = {name: 1 - (row + 0.5) / len(own) for own in members for row, name in enumerate(own)}
    for _ in range(6):
        for own in members:
            pull = {n: sum(height[m] for m in near[n]) / len(near[n]) if near[n] else height[n] for n in own}
            own.sort(key=lambda name: -pull[name])
            height.update({name: 1 - (row + 0.5) / len(own) for row, name in enumerate(own)})
    return {name: (float(column), height[name]) for column, own in enumerate(members) for name in own}


def _draw_edge(axes: Axes, start: tuple[float, float], end: tuple[float, float], edge: DrawnEdge) -> None:
    colour = {"+": GREEN, "-": ORANGE}.get(edge.sign, GREY)
    weak = edge.strength in ("assumed", "recalled", "definition")
    bend = 0.18 if start[0] == end[0] else 0.06
    axes.annotate(
        "", xy=end, xytext=start, zorder=1,
        arrowprops={"arrowstyle": "-|>", "color": colour, "linewidth": STRENGTH_WIDTH[edge.strength],
                    "linestyle": "--" if weak else "-", "alpha": 0.55, "shrinkA": 22, "shrinkB": 22,
                    "connectionstyle": f"arc3,rad={bend}", "mutation_scale": 8},
    )  # fmt: skip


def _wrap(label: str, width: int = 24) -> str:
    lines, line = [], ""
    for word in label.split(" "):
        if line and len(line) + len(word) + 1 > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    return "\n".join([*lines, line])


def prisma_flow(counts: FlowCounts, folder: Path, name: str = "prisma_flow") -> list[Path]:
    """Draw the PRISMA 2020 flow diagram from the counts of a review."""
    figure = Figure(figsize=(9.5, 8.2), layout="constrained")
    axes = figure.add_subplot()
    axes.set_xlim(0, 10)
    axes.set_ylim(0, 10)
    axes.axis("off")
    main = [
        (8.6, "Records identified\n" + _by_source(counts)),
        (6.5, f"Records screened: {counts.screened}\n(awaiting: {counts.awaiting_screening})"),
        (
            4.7,
            f"Reports sought for retrieval: {counts.sought}\n(awaiting: {counts.awaiting_retrieval})",
        ),
        (
            2.9,
            f"Reports assessed: {counts.assessed}\n(awaiting: {counts.awaiting_eligibility})",
        ),
        (
            1.0,
            f"Studies included: {counts.included_studies}\nReports of them: {counts.included_reports}",
        ),
    ]
    side = [
        (8.6, f"Duplicates removed before\nscreening: {counts.duplicates_removed}"),
        (6.5, f"Records excluded: {counts.excluded_at_screening}"),
        (4.7, f"Reports not retrieved: {counts.not_retrieved}"),
        (2.9, "Reports excluded\n" + _reasons(counts.excluded_at_eligibility)),
    ]
    for y, text in main:
        _box(axes, 2.9, y, text, 4.6)
    for y, text in side:
        _box(axes, 7.7, y, text, 4.0)
        axes.annotate("", xy=(5.7, y), xytext=(5.2, y), arrowprops={"arrowstyle": "-|>", "color": INK})
    for (upper, _), (lower, _) in pairwise(main):
        axes.annotate("", xy=(2.9, lower + 0.68), xytext=(2.9, upper - 0.72),
                      arrowprops={"arrowstyle": "-|>", "color": INK})  # fmt: skip
    return save(figure, folder, name)


def _box(axes: Axes, x: float, y: float, text: str, width: float) -> None:
    axes.add_patch(
        FancyBboxPatch((x - width / 2, y - 0.65), width, 1.3, boxstyle="round,pad=0.04", facecolor="white",
                       edgecolor=INK, linewidth=0.8)
    )  # fmt: skip
    axes.text(x, y, text, ha="center", va="center", fontsize=9)


def _by_source(counts: FlowCounts) -> str:
    both = {**counts.databases, **counts.registers}
    return "\n".join(f"{source}: {number}" for source, number in both.items()) or "none yet"


def _reasons(reasons: Mapping[str, int]) -> str:
    return "\n".join(f"{reason}: {number}" for reason, number in reasons.items()) or "none: 0"
