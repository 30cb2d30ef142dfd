"""Figures as inline SVG: one style, colours that survive colour blindness and grey print."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from eubiosis.report.figures.svg import inline_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.typing import RcKeyType

Array = NDArray[np.float64]
Panels: TypeAlias = "list[list[Axes]]"  # rows x columns

# Okabe and Ito's palette, in the order the arms are given
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_STYLE: dict[RcKeyType, str | float | bool] = {
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.grid": True,
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.8,
    "svg.fonttype": "none",
    "text.parse_math": False,
    "svg.hashsalt": "eubiosis",
    "legend.frameon": False,
}


@contextmanager
def house_style() -> Iterator[None]:
    """Draw in the house style inside the block; nothing global changes."""
    import matplotlib as mpl

    with mpl.rc_context(_STYLE):
        yield


def new_figure(
    rows: int,
    columns: int,
    *,
    width: float,
    height: float,
    gaps: tuple[float | None, float | None] = (None, None),
) -> tuple[Figure, Panels]:
    """Return a figure and its axes (rows x columns), sizes in inches.

    ``gaps`` are the room between rows and between columns, as a share of an axes' height and width.
    """
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    layout = ConstrainedLayoutEngine(hspace=gaps[0], wspace=gaps[1])
    figure = Figure(figsize=(width, height), layout=layout)
    panels: Panels = figure.subplots(rows, columns, squeeze=False).tolist()
    return figure, panels


_LETTERS_AN_INCH = 20  # of the origin, at its size


def to_svg(figure: Figure, *, origin: str, name: str, label: str) -> str:
    """Render a figure as SVG text for a page; its origin stands in the lower right corner.

    ``name`` keeps the ids of one page apart, ``label`` is read to those who do not see the figure.
    """
    fitting = int(figure.get_figwidth() * _LETTERS_AN_INCH)
    lines = [part for line in origin.split("\n") for part in textwrap.wrap(line, fitting)]
    figure.supxlabel("\n".join(lines), x=0.995, ha="right", fontsize=6.5, color="#666666")
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Title": origin})
    return inline_svg(buffer.getvalue(), name=name, label=label)


@house_style()
def course_panels(
    times: Array,
    courses: Mapping[str, Mapping[str, Array]],
    panels: Sequence[tuple[str, str]],
    *,
    origin: str,
    time_label: str = "days",
    columns: int = 3,
) -> str:
    """Draw time courses, one panel for each (quantity, title), one line for each named course."""
    rows = -(-len(panels) // columns)
    figure, axes = new_figure(rows, columns, width=9.6, height=2.6 * rows + 0.6, gaps=(0.09, 0.04))
    for k, (quantity, title) in enumerate(panels):
        axis = axes[k // columns][k % columns]
        for colour, (name, course) in zip(COLOURS, courses.items(), strict=False):
            axis.plot(times, course[quantity], color=colour, label=name)
        axis.set_title(title)
        axis.set_ylim(bottom=0)
        if k // columns == rows - 1:
            axis.set_xlabel(time_label)
    for k in range(len(panels), rows * columns):
        axes[k // columns][k % columns].set_visible(False)
    handles, labels = axes[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels))
    titles = "; ".join(title for _, title in panels)
    label = f"Time courses of {', '.join(courses)}: {titles}"
    return to_svg(figure, origin=origin, name="courses", label=label)


@house_style()
def share_bars(shares: Mapping[str, Mapping[str, float]], *, origin: str) -> str:
    """Draw horizontal bars of guild shares (percent), grouped by guild, one colour for each course."""
    names = list(shares)
    guilds = list(shares[names[0]])
    figure, axes = new_figure(1, 1, width=9.6, height=4.6)
    axis = axes[0][0]
    height = 0.8 / len(names)
    for k, (name, colour) in enumerate(zip(names, COLOURS, strict=False)):
        position = np.arange(len(guilds)) + (k - (len(names) - 1) / 2) * height
        axis.barh(position, [100 * shares[name][g] for g in guilds], height, color=colour, label=name)
    axis.set_yticks(np.arange(len(guilds)), guilds)
    axis.invert_yaxis()
    axis.grid(axis="y", visible=False)
    axis.set_xlabel("share of bacterial biomass, %")
    axis.legend(loc="lower right")
    label = f"Guild shares in percent of bacterial biomass: {', '.join(names)}"
    return to_svg(figure, origin=origin, name="shares", label=label)
