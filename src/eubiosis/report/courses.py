"""Courses of a model as a picture: one panel for each quantity, lines for a few subjects, bands for many."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.output import beside

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = NDArray[np.float64]
FORMATS = ("svg", "png", "pdf")
_MOST_LINES, _MOST_PANELS, _ACROSS = 10, 12, 3


def draw_courses(path: Path, times: Array, values: Array, names: Sequence[str], title: str) -> None:
    """Write a picture of courses ``values`` (subjects, times, quantities); its suffix says in which format.

    Up to ten subjects are drawn as lines, more as their median with bands of 50 % and 90 %. The first twelve
    quantities are shown. Raises ``ValueError`` for another suffix than svg, png or pdf.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    if path.suffix.lstrip(".") not in FORMATS:
        message = f'the picture "{path.name}" ends in no known format; allowed: .{", .".join(FORMATS)}'
        raise ValueError(message)
    shown = list(names)[:_MOST_PANELS]
    across = min(_ACROSS, max(1, len(shown)))
    down = -(-max(1, len(shown)) // across)
    with mpl.rc_context({"font.size": 9, "svg.hashsalt": "eubiosis", "text.parse_math": False}):
        figure = Figure(figsize=(3.2 * across, 2.4 * down + 0.5), layout="constrained")
        axes = figure.subplots(down, across, squeeze=False).ravel()
        for k, name in enumerate(shown):
            _draw_panel(axes[k], times, values[:, :, k])
            axes[k].set_title(name, loc="left")
        for spare in axes[len(shown) :]:
            spare.set_axis_off()
        left = len(names) - len(shown)
        figure.suptitle(f"{title}; {left} more quantities are not shown" if left else title, fontsize=9)
        figure.supxlabel("time")
        # no date, so that the same courses make the same file; PDF calls it otherwise
        dated = {"svg": "Date", "pdf": "CreationDate"}.get(path.suffix.lstrip("."))
        with beside(path) as temporary:
            figure.savefig(temporary, metadata={dated: None} if dated else None, dpi=150)


def _draw_panel(axis: Axes, times: Array, values: Array) -> None:
    axis.spines[["top", "right"]].set_visible(False)
    whole = values[np.all(np.isfinite(values), axis=1)]
    if len(values) <= _MOST_LINES:
        axis.plot(times, values.T, linewidth=1.2)  # a failed subject ends where its numbers do
        return
    for low, high, alpha in ((5, 95, 0.2), (25, 75, 0.35)):
        if len(whole):
            edges = np.percentile(whole, [low, high], axis=0)
            axis.fill_between(times, edges[0], edges[1], color="#0072B2", alpha=alpha, linewidth=0)
    if len(whole):
        axis.plot(times, np.median(whole, axis=0), color="#0072B2", linewidth=1.4)
