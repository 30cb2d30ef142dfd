"""The forecast of a group as a forest: the model's intervals beside what simple competitors say."""

from __future__ import annotations

from collections.abc import Sequence

from eubiosis.core.guilds import GUILD_NAMES
from eubiosis.core.stool_forecast import GroupForecast, QuantityForecast
from eubiosis.report.figures.plain_panels import (
    ForestLine,
    ForestRow,
    ForestScale,
    LegendKey,
    forest,
    panel_grid,
    tick,
)

_PANELS = (
    ("Guilds: change of the centred log-ratio", ("guild",)),
    ("Acids, and what is made of tryptophan", ("stool", "lumen", "plasma", "tryptophan")),
)
_SHOWN = (0.05, 20.0)
_SCALE = ForestScale(
    _SHOWN, "after over before (log scale)", 1.0, logarithmic=True, write=lambda x: f"×{tick(x)}",
    places=(0.1, 0.3, 1.0, 3.0, 10.0),
)  # fmt: skip


def forecast_figure(forecast: GroupForecast) -> str:
    """Return the figure as HTML for a page: two forests beside one another where there is room."""
    published = any(one.competitors.published is not None for one in forecast.quantities)
    keys = [
        LegendKey("model, 95 % interval", "span c1", "o", "f1"),
        LegendKey("model, the tables' numbers", shape="|"),
    ]
    if published:
        keys.append(LegendKey("published trials", shape="D", fill="f2"))
    panels = []
    for title, places in _PANELS:
        members = [q for q in forecast.quantities if q.place in places]
        label = (
            f"{title}: forecast under {forecast.phrase}, ratios after over before with 95 % intervals; the "
            "same numbers stand in the tables below"
        )
        if members:
            panels.append((title, forest([_row(one) for one in members], _SCALE, label)))
    return panel_grid(panels, keys)


def _row(one: QuantityForecast) -> ForestRow:
    change, published = one.mean_log_ratio, one.competitors.published
    ends = None if change.low is None or change.high is None else (change.low, change.high)
    lines = [ForestLine(ends, change.middle, 1), ForestLine(None, one.tables, 0, "|")]
    if published is not None:
        lines.append(ForestLine(None, published.value, 2, "D"))
    words = f"×{change.middle:.3g}" + ("" if ends is None else f" (×{ends[0]:.3g} to ×{ends[1]:.3g})")
    name = GUILD_NAMES.get(one.label, "") if one.place == "guild" else ""
    return ForestRow(f"{one.label} {name}".strip(), words, tuple(lines))


def forecast_origin(forecast: GroupForecast, *, words: Sequence[str] = ()) -> str:
    """Say under the figure what it shows, of how many people and worlds."""
    told = (f"{forecast.phrase}; {forecast.people:,} people, {forecast.worlds:,} gut worlds", *words)
    return ". ".join(text.rstrip(".") for text in (*told, forecast.skill)) + "."
