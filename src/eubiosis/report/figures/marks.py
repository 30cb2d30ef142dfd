"""What the figures of a trial report have in common: marks, footer, a name for screen readers."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal, Protocol, TypedDict

from eubiosis.core.report_input import TrialReportInput
from eubiosis.report.figures.style import COLOURS, to_svg
from eubiosis.report.trial.words import origin_text, size_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.transforms import Transform

LineStyle = str | tuple[int, tuple[float, ...]]  # a name, or an offset and lengths of dashes and gaps
INK, SOFT, LINE, TINT = "#1b1f23", "#57606a", "#d8dee4", "#f6f8fa"
CONTROL = "#4a4f55"
LINE_STYLES: tuple[LineStyle, ...] = ((0, (5, 2)), (0, (1.2, 1.2)), (0, (5, 1.5, 1, 1.5)))
MARKERS = ("o", "s", "^", "D")
WIDTH = 9.6  # inches; a figure is as wide as the page


class Mark(TypedDict):
    """How an arm is drawn: matplotlib's words for a line and its points."""

    color: str
    linestyle: LineStyle
    marker: str


class TextStyle(TypedDict, total=False):
    """How a text is set: matplotlib's words."""

    transform: Transform
    fontsize: float
    fontweight: str
    color: str
    va: Literal["bottom", "baseline", "center", "center_baseline", "top"]


class DrawnArm(Protocol):
    """An arm, planned or simulated, as far as a figure tells it from the others."""

    @property
    def name(self) -> str: ...
    @property
    def control(self) -> bool: ...


def arm_marks(arms: Iterable[DrawnArm]) -> dict[str, Mark]:
    """Return colour, line style and marker of each arm: control dark grey and solid, the others in colour."""
    marks: dict[str, Mark] = {}
    active = 0
    for arm in arms:
        if arm.control:
            marks[arm.name] = {"color": CONTROL, "linestyle": "-", "marker": MARKERS[0]}
            continue
        marks[arm.name] = {
            "color": COLOURS[active % len(COLOURS)],
            "linestyle": LINE_STYLES[active % len(LINE_STYLES)],
            "marker": MARKERS[1 + active % (len(MARKERS) - 1)],
        }
        active += 1
    return marks


def empty_figure(height: float) -> Figure:
    """Return a figure of the page's width without a layout engine, ``height`` in inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(WIDTH, height))


def finish(
    figure: Figure,
    report_input: TrialReportInput,
    *,
    name: str,
    label: str,
    shows: str,
    sized: bool = True,
) -> str:
    """Render a figure for the page.

    ``shows`` says in the figure what marks and bands are, followed by n (where ``sized``) and the origin;
    ``label`` is read to those who do not see it; ``name`` keeps the ids of one page apart.
    """
    size = f" {size_text(report_input)}." if sized else ""
    footer = f"{shows}.{size}\n{origin_text(report_input)}"
    with warnings.catch_warnings():
        # a script that the measuring font lacks is drawn by the reader's own fonts
        warnings.filterwarnings("ignore", message=".*[Gg]lyph.*")
        return to_svg(figure, origin=footer, name=name, label=label)
