"""Sealed forecasts as a forest: beside the simple reference, with what was printed."""

from __future__ import annotations

from dataclasses import dataclass

from eubiosis.report.figures.plain_panels import (
    ForestLine,
    ForestRow,
    ForestScale,
    LegendKey,
    forest,
    roomy,
)

Five = tuple[float, float, float, float, float]  # 2.5, 25, 50, 75 and 97.5 %


@dataclass(frozen=True)
class SealedBar:
    """One forecast: its label, the five points of forecast and reference, the printed value with interval."""

    label: str
    forecast: Five
    reference: Five
    printed: tuple[float, float, float] | None = None  # low, value, high


@dataclass(frozen=True)
class SealedPanel:
    """Forecasts on one axis, in one unit; ``no_effect`` draws a line there."""

    title: str
    unit: str
    bars: tuple[SealedBar, ...]
    no_effect: float | None = None


def sealed_figure(panel: SealedPanel, *, name: str) -> str:
    """Return one panel as SVG text: 95 % thin, 50 % thick, the median a dot."""
    rows = []
    ends = [] if panel.no_effect is None else [panel.no_effect]
    for bar in panel.bars:
        lines = [_line(bar.forecast, 1), _line(bar.reference, 0)]
        ends += [*bar.forecast, *bar.reference]
        if bar.printed:
            low, value, high = bar.printed
            lines.append(ForestLine((low, high), value, 2, "D"))
            ends += [low, value, high]
        words = f"{bar.forecast[2]:.2g} ({bar.forecast[0]:.2g} to {bar.forecast[4]:.2g})"
        rows.append(ForestRow(bar.label, words.replace("-", "−"), tuple(lines)))
    keys = [
        LegendKey("forecast", "thick c1", "o", "spot c1"),
        LegendKey("reference", "thick c0", "o", "spot c0"),
    ]
    if any(bar.printed for bar in panel.bars):
        keys.append(LegendKey("printed, 95 % interval", "span c2", "D", "f2"))
    told = "; ".join(f"{bar.label} {bar.forecast[2]:.2g}" for bar in panel.bars)
    scale = ForestScale(roomy(ends), panel.unit, panel.no_effect)
    return forest(rows, scale, f"{panel.title}, medians of the forecasts: {told}", keys=keys, name=name)


def _line(five: Five, hue: int) -> ForestLine:
    low, quarter, middle, three, high = five
    return ForestLine((low, high), middle, hue, inner=(quarter, three), open=True)
