"""Plots of the page of the axis: courses of a few people, and shares of guilds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from eubiosis.report.figures.plain_panels import HUES, LegendKey, panel_grid, roomy, tick, titled_axes
from eubiosis.report.figures.plain_svg import PlotFrame, plot, round_ticks, text

Array = NDArray[np.float64]


def _hue(k: int) -> str:
    dash = f" d{k}" if 0 < k <= 3 else ""
    return f"c{1 + k % HUES}{dash}"


def course_panels(
    times: Array,
    courses: Mapping[str, Mapping[str, Array]],
    panels: Sequence[tuple[str, str]],
    *,
    time_label: str = "days",
) -> str:
    """Draw time courses, one panel for each (quantity, title), one line for each named course.

    ``times`` and every course have the shape (times,); the panels' axes begin at zero.
    """
    drawn = []
    for quantity, title in panels:
        own = {name: course[quantity] for name, course in courses.items()}
        top = roomy([0.0, *(float(np.nanmax(values)) for values in own.values())])[1]
        frame = PlotFrame(320, 220, (float(times[0]), float(times[-1])), (0.0, top), left=52, top=24)
        parts = [titled_axes(frame, time_label, title.rpartition(", ")[2])]
        parts += [
            frame.line(zip(times.tolist(), values.tolist(), strict=True), f"line {_hue(k)}")
            for k, values in enumerate(own.values())
        ]
        ends = "; ".join(f"{name} ends at {values[-1]:.3g}" for name, values in own.items())
        drawn.append((title, plot(frame, parts, f"Course of {title}: {ends}")))
    return panel_grid(drawn, [LegendKey(name, f"line {_hue(k)}") for k, name in enumerate(courses)])


def share_bars(shares: Mapping[str, Mapping[str, float]]) -> str:
    """Draw horizontal bars of guild shares (percent), grouped by guild, one colour for each course."""
    guilds = list(next(iter(shares.values())))
    width, lane = 440.0, 12.0
    group = 22 + lane * len(shares)
    most = max(100 * value for own in shares.values() for value in own.values())
    height = 8 + group * len(guilds) + 44
    frame = PlotFrame(width, height, (0.0, 1.1 * most), (0.0, 1.0), left=6, right=44, top=4)
    foot = height - frame.bottom
    parts = []
    for x in round_ticks(*frame.x):
        at = frame.at_x(x)
        parts.append(f'<line class="grid" x1="{at:.1f}" x2="{at:.1f}" y1="4" y2="{foot:.1f}"/>')
        parts.append(text(at, foot + 17, tick(x), anchor="middle"))
    for j, guild in enumerate(guilds):
        y = 4 + group * j
        parts.append(text(frame.left, y + 14, guild, names="over"))
        for k, own in enumerate(shares.values()):
            value, top = 100 * own[guild], y + 18 + lane * k
            parts.append(
                f'<rect class="f{1 + k % HUES}" x="{frame.left:g}" y="{top:.1f}" height="{lane - 1:g}" '
                f'width="{frame.at_x(value) - frame.left:.1f}"/>'
            )
            parts.append(text(frame.at_x(value) + 4, top + 9.2, f"{value:.2g}", names="tiny"))
    parts.append(text(width / 2, height - 4, "share of bacterial biomass, %", anchor="middle", names="note"))
    label = f"Guild shares in percent of bacterial biomass: {', '.join(shares)}"
    keys = [LegendKey(name, shape="s", fill=f"f{1 + k % HUES}") for k, name in enumerate(shares)]
    return panel_grid([("", plot(frame, parts, label))], keys)
