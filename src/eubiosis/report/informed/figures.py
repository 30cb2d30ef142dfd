"""Figures of what the data informed: distances, predictions before and after, profiles."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from eubiosis.core.informed import Measure, Profile
from eubiosis.report.figures.style import COLOURS, house_style, new_figure, to_svg

_BLUE, _RED, _GREY = COLOURS[0], COLOURS[1], "#9aa4ad"


@house_style()
def distances(numbers: Sequence[Measure], *, origin: str, name: str) -> str:
    """Draw every number's distance from its prior, largest first, with the distance that chance reaches."""
    ordered = sorted(numbers, key=lambda one: one.distance, reverse=True)
    figure, axes = new_figure(1, 1, width=9.6, height=2.8)
    axis = axes[0][0]
    rank = np.arange(1, len(ordered) + 1)
    values = np.array([one.distance for one in ordered])
    moved = np.array([one.informed for one in ordered])
    axis.bar(rank[moved], values[moved], width=1.0, color=_BLUE, label=f"informed ({moved.sum()})")
    axis.bar(rank[~moved], values[~moved], width=1.0, color=_GREY, label=f"not informed ({(~moved).sum()})")
    axis.axhline(ordered[0].critical, color=_RED, linewidth=1.2, label="distance that chance reaches")
    axis.set_xlabel("numbers, by how far they moved")
    axis.set_ylabel("distance from the prior")
    axis.set_ylim(0, max(values.max(), ordered[0].critical) * 1.08)
    axis.legend(loc="upper right")
    label = f"Distance of {len(ordered)} numbers from their prior; {moved.sum()} exceed what chance reaches"
    return to_svg(figure, origin=origin, name=name, label=label)


@house_style()
def before_and_after(predictions: Sequence[Measure], *, origin: str, name: str) -> str:
    """Draw 95 % intervals of predictions before and after the data, on a log axis."""
    shown = [one for one in predictions if min(*one.prior, *one.worlds) > 0]
    figure, axes = new_figure(1, 1, width=9.6, height=0.27 * len(shown) + 1.3)
    axis = axes[0][0]
    place = np.arange(len(shown))
    for offset, colour, word in ((-0.17, _GREY, "before data"), (0.17, _BLUE, "worlds")):
        points = np.array([one.prior if word == "before data" else one.worlds for one in shown])
        axis.hlines(place + offset, points[:, 0], points[:, 2], color=colour, linewidth=2.4, label=word)
        axis.plot(points[:, 1], place + offset, "o", color=colour, markersize=3.6)
    axis.axvline(1, color="#444444", linewidth=0.8)
    axis.set_xscale("log")
    axis.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axis.set_yticks(place, [one.label for one in shown])
    axis.set_ylim(len(shown) - 0.4, -0.6)
    axis.grid(axis="y", visible=False)
    axis.set_xlabel("ratio to the state before, 95 % interval and median")
    figure.legend(*axis.get_legend_handles_labels(), loc="outside upper center", ncols=2)
    label = f"Intervals of {len(shown)} predictions before data and over the worlds"
    return to_svg(figure, origin=origin, name=name, label=label)


@house_style()
def profiles(found: Sequence[Profile], *, origin: str, name: str) -> str:
    """Draw the weight over equal parts of each prior, and the least implausibility where sets were run."""
    columns = 5
    rows = math.ceil(len(found) / columns)
    figure, axes = new_figure(rows, columns, width=9.6, height=2.3 * rows + 0.5, gaps=(0.08, 0.04))
    for k, one in enumerate(found):
        axis = axes[k // columns][k % columns]
        place = np.arange(len(one.weight)) + 0.5
        axis.bar(place, one.weight, yerr=one.error, width=0.9, color=_BLUE, error_kw={"lw": 0.8})
        axis.axhline(1 / len(one.weight), color=_GREY, linewidth=1.2)
        axis.set_title(one.name.removeprefix("gut_").removeprefix("host_"), fontsize=8.5)
        ends = (one.edges[0], one.edges[len(one.edges) // 2], one.edges[-1])
        axis.set_xticks([1, len(one.weight) / 2, len(one.weight) - 1], [f"{edge:.3g}" for edge in ends])
        axis.tick_params(labelsize=7)
        axis.set_ylim(0, max(0.25, max(one.weight) * 1.15))
        best = np.array([math.nan if value is None else value for value in one.best])
        if np.isfinite(best).any():
            twin = axis.twinx()
            twin.plot(place, best, "o-", color=_RED, markersize=2.6, linewidth=0.9)
            twin.set_ylim(0, np.nanmax(best) * 1.1)
            twin.tick_params(labelsize=7, colors=_RED)
            twin.grid(visible=False)
    for k in range(len(found), rows * columns):
        axes[k // columns][k % columns].set_visible(False)
    names = ", ".join(one.name for one in found)
    return to_svg(figure, origin=origin, name=name, label=f"Profiles of {names}")
