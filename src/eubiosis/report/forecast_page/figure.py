"""The forecast of a group as a forest: the model's intervals beside what simple competitors say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eubiosis.core.stool_forecast import GroupForecast, QuantityForecast
from eubiosis.report.figures.style import COLOURS, house_style, new_figure, to_svg

_PANELS = (
    ("Guilds: change of the centred log-ratio", ("guild",)),
    ("Acids, and what is made of tryptophan", ("stool", "lumen", "plasma", "tryptophan")),
)
_ROW = 0.24  # inches
_SHOWN = (0.05, 20.0)


def forecast_figure(forecast: GroupForecast) -> str:
    """Return the figure as SVG text for a page."""
    panels = [(title, [q for q in forecast.quantities if q.place in places]) for title, places in _PANELS]
    rows = max(len(members) for _, members in panels)
    with house_style():
        figure, ((left, right),) = new_figure(1, 2, width=9.6, height=1.4 + _ROW * rows)
        for axes, (title, members) in zip((left, right), panels, strict=True):
            _draw(axes, title, members)
        left.legend(loc="upper left", bbox_to_anchor=(0, -0.1), ncols=2, fontsize=8)
        return to_svg(
            figure,
            origin=f"{forecast.phrase}; {forecast.people} people, {forecast.worlds} gut worlds. "
            f"{forecast.skill}",
            name="forecast",
            label=f"Forecast changes of a group under {forecast.phrase}, as ratios after over before with "
            "95 % intervals; the same numbers stand in the tables below",
        )


def _draw(axes: object, title: str, members: Sequence[QuantityForecast]) -> None:
    from matplotlib.axes import Axes
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    assert isinstance(axes, Axes)
    places = np.arange(len(members))[::-1]
    axes.axvline(1.0, color="#57606a", linewidth=1.0, linestyle=(0, (3, 2)), label="no change")
    for y, one in zip(places, members, strict=True):
        change = one.mean_log_ratio
        if change.low is not None and change.high is not None:
            ends = np.clip([change.low, change.high], *_SHOWN)
            axes.plot(ends, [y, y], color=COLOURS[0], linewidth=2.2, solid_capstyle="butt")
        first = y == places[0]
        axes.plot(
            [np.clip(change.middle, *_SHOWN)], [y], "o", color=COLOURS[0], markersize=4.5,
            label="model, 95 % interval" if first else None,
        )  # fmt: skip
        axes.plot(
            [np.clip(one.tables, *_SHOWN)], [y], "|", color="#1b1f23", markersize=8,
            label="model, the tables' numbers" if first else None,
        )  # fmt: skip
        published = one.competitors.published
        if published is not None:
            axes.plot([np.clip(published.value, *_SHOWN)], [y], "D", color=COLOURS[1], markersize=4.5)
    if members:
        axes.plot([], [], "D", color=COLOURS[1], markersize=4.5, label="published trials")
    axes.set_xscale("log")
    axes.set_xlim(*_SHOWN)
    axes.xaxis.set_major_locator(FixedLocator([0.1, 0.3, 1.0, 3.0, 10.0]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"×{value:g}"))
    axes.set_yticks(places, [one.label for one in members])
    axes.set_title(title)
