"""Pictures of virtual against real people: one group, six panels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eubiosis.core.population_description import GroupComparison
from eubiosis.report.figures.style import COLOURS, Panels, house_style, new_figure, to_svg


@house_style()
def comparison_panels(group: GroupComparison, *, origin: str, name: str) -> str:
    """Draw shares, presence, spread and correlations of a group, virtual against real, as SVG."""
    figure, axes = new_figure(2, 3, width=9.6, height=6.2, gaps=(0.1, 0.06))
    shares = np.array([(t.share.real, t.share.virtual) for t in group.taxa])
    carried = np.array([(t.carried.real, t.carried.virtual) for t in group.taxa])
    _against(axes, 0, shares, "mean share of reads", logarithmic=True)
    _against(axes, 1, carried, "share of people who carry it")
    _bars(axes, group)
    _against(axes, 3, _columns(group.correlations.real, group.correlations.virtual), "rank correlations")
    _against(axes, 4, _columns(group.presence.real, group.presence.virtual), "co-occurrence (phi)")
    _differences(axes, group)
    label = (
        f"Virtual against real people of the group {group.group}: mean shares, presence, diversity, "
        "correlations, co-occurrence, standardised differences"
    )
    return to_svg(figure, origin=origin, name=name, label=label)


def _columns(real: Sequence[float], virtual: Sequence[float]) -> np.ndarray:
    return np.column_stack([real, virtual]) if real else np.empty((0, 2))


def _against(axes: Panels, k: int, points: np.ndarray, title: str, *, logarithmic: bool = False) -> None:
    axis = axes[k // 3][k % 3]
    axis.set_title(title)
    axis.set_xlabel("real")
    axis.set_ylabel("virtual")
    if logarithmic:
        points = points[(points > 0).all(axis=1)]
        axis.set_xscale("log")
        axis.set_yscale("log")
        for one in (axis.xaxis, axis.yaxis):
            one.set_major_formatter(lambda value, _: f"{100 * value:g} %")
            one.set_minor_formatter(lambda _, __: "")
    if not len(points):
        axis.text(0.5, 0.5, "too few taxa", ha="center", transform=axis.transAxes)
        return
    ends = [float(points.min()), float(points.max())]
    axis.plot(ends, ends, color="#999999", linewidth=1, zorder=1)
    axis.plot(
        points[:, 0], points[:, 1], "o", color=COLOURS[0], markersize=3.5,
        alpha=0.8 if len(points) < 200 else 0.35, markeredgewidth=0, zorder=2,
    )  # fmt: skip


def _bars(axes: Panels, group: GroupComparison) -> None:
    axis = axes[0][2]
    axis.set_title("Shannon index, mean and sd")
    means, spreads = group.shannon, group.shannon_sd
    for k, (mean, sd) in enumerate(((means.real, spreads.real), (means.virtual, spreads.virtual))):
        axis.errorbar([k], [mean], yerr=[sd], fmt="o", color=COLOURS[1 - k], capsize=4)
        axis.text(k + 0.08, mean, f"{mean:.2f}", va="center")
    axis.set_xticks([0, 1], ["real", "virtual"])
    axis.set_xlim(-0.5, 1.6)
    axis.set_ylim(0, 1.15 * max(means.real + spreads.real, means.virtual + spreads.virtual))


def _differences(axes: Panels, group: GroupComparison) -> None:
    axis = axes[1][2]
    found = np.sort([t.difference for t in group.taxa])
    axis.set_title("standardised differences")
    axis.axvspan(-0.1, 0.1, color="#e8f1f8", zorder=0)
    axis.plot(found, np.arange(1, len(found) + 1) / len(found), color=COLOURS[0], drawstyle="steps-post")
    for side in (-1, 1):
        axis.axvline(side * group.largest_by_chance, color="#999999", linestyle="--", linewidth=1)
    axis.set_xlabel("virtual minus real, sd")
    axis.set_ylabel("share of taxa")
    axis.set_ylim(0, 1.02)
