"""Sealed forecasts as a forest: beside the simple reference, with what was printed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eubiosis.report.figures.style import COLOURS, house_style, new_figure, to_svg

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


def sealed_figure(panel: SealedPanel, *, origin: str, name: str) -> str:
    """Return one panel as SVG text: 95 % thin, 50 % thick, the median a dot."""
    with house_style():
        figure, ((axes,),) = new_figure(1, 1, width=8.6, height=1.3 + 0.5 * len(panel.bars))
        if panel.no_effect is not None:
            axes.axvline(panel.no_effect, color="#57606a", linewidth=1.0, linestyle=(0, (3, 2)))
        for row, bar in enumerate(panel.bars):
            y = len(panel.bars) - row
            _draw(axes, bar.forecast, y + 0.12, COLOURS[0], "forecast" if not row else None)
            _draw(axes, bar.reference, y - 0.12, "#8c959f", "reference" if not row else None)
            if bar.printed:
                low, value, high = bar.printed
                axes.plot([low, high], [y, y], color="#1b1f23", linewidth=1.2)
                axes.plot([value], [y], "D", color="#1b1f23", markersize=5,
                          label="printed, 95 % interval")  # fmt: skip
        axes.set_yticks(range(len(panel.bars), 0, -1), [bar.label for bar in panel.bars])
        axes.set_ylim(0.4, len(panel.bars) + 0.6)
        axes.set_xlabel(panel.unit)
        axes.set_title(panel.title)
        axes.legend(loc="upper left", bbox_to_anchor=(0, -0.28), ncols=3, fontsize=8)
        words = "; ".join(f"{bar.label} {bar.forecast[2]:.2g}" for bar in panel.bars)
        return to_svg(figure, origin=origin, name=name,
                      label=f"{panel.title}, medians of the forecasts: {words}")  # fmt: skip


def _draw(axes: object, five: Sequence[float], y: float, colour: str, label: str | None) -> None:
    from matplotlib.axes import Axes

    assert isinstance(axes, Axes)
    low, quarter, middle, three, high = five
    axes.plot([low, high], [y, y], color=colour, linewidth=1.4, solid_capstyle="butt")
    axes.plot([quarter, three], [y, y], color=colour, linewidth=4.2, solid_capstyle="butt", label=label)
    axes.plot([middle], [y], "o", color="#ffffff", markeredgecolor=colour, markersize=4.5)
