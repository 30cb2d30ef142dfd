"""Figures as inline SVG: one style, colours that survive colour blindness and grey print."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Iterator
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
