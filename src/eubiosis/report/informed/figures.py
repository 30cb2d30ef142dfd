"""Figures of what the data informed: distances, predictions before and after, profiles."""

from __future__ import annotations

import math
from collections.abc import Sequence

from eubiosis.core.informed import Measure, Profile
from eubiosis.report.figures.plain_panels import (
    ForestLine,
    ForestRow,
    ForestScale,
    LegendKey,
    across,
    bars,
    dots,
    forest,
    legend_rows,
    panel_grid,
    roomy,
    tick,
    titled_axes,
    whisker,
)
from eubiosis.report.figures.plain_svg import PlotFrame, plot, round_ticks, text


def distances(numbers: Sequence[Measure], *, name: str) -> str:
    """Draw every number's distance from its prior, largest first, with the distance that chance reaches."""
    ordered = sorted(numbers, key=lambda one: one.distance, reverse=True)
    moved = sum(one.informed for one in ordered)
    chance = ordered[0].critical
    keys = (
        LegendKey(f"informed ({moved})", shape="s", fill="f1"),
        LegendKey(f"not informed ({len(ordered) - moved})", shape="s", fill="f0"),
        LegendKey("distance that chance reaches", "line c2 d1"),
    )
    legend, top = legend_rows(keys, 440)
    most = max(ordered[0].distance, chance) * 1.08
    frame = PlotFrame(440, top + 220, (0.5, len(ordered) + 0.5), (0.0, most), top=top + 24, bottom=40)
    whole = [float(x) for x in round_ticks(0.5, len(ordered) + 0.5) if x == int(x)]
    parts = [
        legend,
        titled_axes(
            frame, "numbers, by how far they moved", "distance from the prior (0 to 1)", at=(whole, None)
        ),
    ]
    for informed, names in ((True, "f1"), (False, "f0")):
        own = [(k + 0.5, k + 1.5, one.distance) for k, one in enumerate(ordered) if one.informed is informed]
        parts.append(bars(frame, own, names))
    parts.append(across(frame, chance, "line c2 d1"))
    label = f"Distance of {len(ordered)} numbers from their prior; {moved} exceed what chance reaches"
    return plot(frame, parts, label, name=name)


def before_and_after(predictions: Sequence[Measure], *, name: str) -> str:
    """Draw 95 % intervals of predictions before and after the data, on a log axis."""
    shown = [one for one in predictions if min(*one.prior, *one.worlds) > 0]
    rows = [
        ForestRow(
            one.label,
            f"{one.worlds[1]:.3g} ({one.worlds[0]:.3g} to {one.worlds[2]:.3g})",
            (
                ForestLine((one.prior[0], one.prior[2]), one.prior[1], 0),
                ForestLine((one.worlds[0], one.worlds[2]), one.worlds[1], 1),
            ),
        )
        for one in shown
    ]
    ends = roomy([*(x for one in shown for x in (*one.prior, *one.worlds)), 1.0], logarithmic=True)
    scale = ForestScale(ends, "ratio to the state before (log scale)", 1.0, logarithmic=True)
    keys = (
        LegendKey("before data", "span c0", "o", "f0"),
        LegendKey("worlds, as in the words", "span c1", "o", "f1"),
    )
    label = f"Intervals of {len(shown)} predictions before data and over the worlds"
    return forest(rows, scale, label, keys=keys, name=name)


def profiles(found: Sequence[Profile]) -> str:
    """Draw the weight over equal parts of each prior, and the least implausibility where sets were run."""
    run = any(value is not None for one in found for value in one.best)
    keys = [
        LegendKey(
            "weight of the worlds in a tenth of the prior, with its Monte Carlo error", shape="s", fill="f1"
        ),
        LegendKey("weight without data", "line c0 d1"),
    ]
    if run:
        keys.append(LegendKey("least implausibility, right axis", "line c2", "o", "f2"))
    return panel_grid([(one.name, _profile(one)) for one in found], keys)


def _profile(one: Profile) -> str:
    parts_of = len(one.weight)
    top = max(25.0, max(100 * w for w in one.weight) * 1.15)
    frame = PlotFrame(320, 210, (0.0, float(parts_of)), (0.0, top), left=40, right=36, top=24)
    places = (1.0, parts_of / 2, parts_of - 1.0)
    ends = dict(zip(places, (one.edges[0], one.edges[len(one.edges) // 2], one.edges[-1]), strict=True))
    unit = "" if one.unit in ("", "-") else f", {one.unit}"
    title = one.label if len(one.label) + len(unit) <= 44 else "value of the number"
    parts = [
        titled_axes(
            frame, f"{title}{unit}", "weight, %", write_x=lambda x: f"{ends[x]:.3g}".replace("-", "−"),
            at=(places, None),
        ),
        bars(frame, [(k + 0.05, k + 0.95, 100 * w) for k, w in enumerate(one.weight)], "f1"),
        across(frame, 100 / parts_of, "line c0 d1"),
    ]  # fmt: skip
    for k, (weight, error) in enumerate(zip(one.weight, one.error, strict=True)):
        parts.append(
            whisker(frame, k + 0.5, max(0.0, 100 * (weight - error)), min(top, 100 * (weight + error)), "ink")
        )
    best = [
        (k + 0.5, value) for k, value in enumerate(one.best) if value is not None and math.isfinite(value)
    ]
    if best:
        other = PlotFrame(
            320, 210, frame.x, (0.0, max(value for _, value in best) * 1.1 or 1.0), left=40, right=36, top=24
        )
        parts += [other.line(best, "thin c2"), dots(other, best, "c2")]
        parts += [text(288, other.at_y(y) + 4, tick(y)) for y in round_ticks(*other.y, 4)]
    told = ", ".join(f"{100 * w:.0f}" for w in one.weight)
    return plot(frame, parts, f"Profile of {one.name}: weight in percent of each tenth of the prior: {told}")
