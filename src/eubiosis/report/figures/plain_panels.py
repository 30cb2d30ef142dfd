"""Parts that the plots of every page share: titled axes, points, bars, legends and forests, as SVG text."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape

from eubiosis.report.figures.plain_svg import PlotFrame, Point, log_ticks, plot, round_ticks, text

HUES = 4  # colours of the style sheet beside the grey of controls
_LETTER = 7.0  # the width of a letter of 13 px, about


def tick(value: float) -> str:
    """Write a number beside an axis.

    >>> tick(-0.25), tick(20000.0), tick(0.0)
    ('−0.25', '20,000', '0')
    """
    written = f"{value:,.0f}" if abs(value) >= 1000 else f"{value + 0.0:g}"
    return written.replace("-", "−")


def roomy(values: Iterable[float], *, logarithmic: bool = False, share: float = 0.05) -> Point:
    """Return the ends of an axis that holds values with a little room; without any 0 to 1, or 0.1 to 10.

    >>> roomy([0.0, 10.0]), roomy([1.0, 100.0], logarithmic=True, share=0.5), roomy([])
    ((-0.5, 10.5), (0.1, 1000.0), (0.0, 1.0))
    """
    known = [x for x in values if math.isfinite(x) and (x > 0 or not logarithmic)]
    if not known:
        return (0.1, 10.0) if logarithmic else (0.0, 1.0)
    low, high = min(known), max(known)
    if logarithmic:
        factor = (high / low) ** share if high > low else 2.0
        return round(low / factor, 12), round(high * factor, 12)
    room = share * (high - low) or 0.05 * abs(high) or 1.0
    return low - room, high + room


def ticks(ends: Point, *, logarithmic: bool = False, count: int = 5) -> tuple[float, ...]:
    """Return about ``count`` round values inside the ends of an axis."""
    if not logarithmic:
        return round_ticks(*ends, count)
    found = log_ticks(*ends)
    if len(found) < 2:
        return round_ticks(*ends, count)
    if len(found) > count + 2:
        found = tuple(x for x in found if abs(math.log10(x) - round(math.log10(x))) < 1e-9)
    return found[:: max(1, -(-len(found) // (count + 2)))]


def titled_axes(
    frame: PlotFrame,
    x_title: str,
    y_title: str,
    *,
    write_x: Callable[[float], str] = tick,
    write_y: Callable[[float], str] = tick,
    at: tuple[Sequence[float] | None, Sequence[float] | None] = (None, None),
) -> str:
    """Return grid, labels and the titles of both axes: that of y stands above its axis, where it is read.

    ``at`` gives the places of labels on x and y; without them they are round values.
    """
    xs = ticks(frame.x, logarithmic=frame.log_x) if at[0] is None else at[0]
    ys = ticks(frame.y, logarithmic=frame.log_y, count=4) if at[1] is None else at[1]
    middle = (frame.left + frame.width - frame.right) / 2
    return (
        frame.grid(xs, ys, write_x, write_y)
        + text(2, frame.top - 9, y_title, names="note")
        + text(middle, frame.height - 4, x_title, anchor="middle", names="note")
    )


def dots(frame: PlotFrame, points: Iterable[Point], names: str) -> str:
    """Return many round points as one path."""
    path = "".join(f"M{frame.at_x(x):.1f},{frame.at_y(y):.1f}h0" for x, y in points)
    return f'<path class="dots {names}" d="{path}"/>' if path else ""


def bars(frame: PlotFrame, rows: Iterable[tuple[float, float, float]], names: str) -> str:
    """Return upright bars (left, right, height) from zero as one path."""
    foot = frame.at_y(max(frame.y[0], 0.0))
    path = "".join(
        f"M{frame.at_x(left):.1f},{foot:.1f}V{frame.at_y(height):.1f}H{frame.at_x(right):.1f}V{foot:.1f}z"
        for left, right, height in rows
    )
    return f'<path class="{names}" d="{path}"/>' if path else ""


def whisker(frame: PlotFrame, x: float, low: float, high: float, names: str) -> str:
    """Return an upright interval at x with short ends."""
    at, y0, y1 = frame.at_x(x), frame.at_y(low), frame.at_y(high)
    return (
        f'<path class="whisker {names}" d="M{at:.1f},{y0:.1f}V{y1:.1f}M{at - 3:.1f},{y0:.1f}h6'
        f'M{at - 3:.1f},{y1:.1f}h6"/>'
    )


def across(frame: PlotFrame, y: float, names: str = "mark") -> str:
    """Return a level line at y."""
    at = frame.at_y(y)
    return (
        f'<line class="{names}" x1="{frame.left:.1f}" x2="{frame.width - frame.right:.1f}" '
        f'y1="{at:.1f}" y2="{at:.1f}"/>'
    )


def marker(x: float, y: float, shape: str, names: str, size: float = 4.5) -> str:
    """Return a mark at a place of the view box; shapes are o, s, ^, D and |."""
    s = size
    paths = {
        "s": f"M{x - s:.1f},{y - s:.1f}h{2 * s:.1f}v{2 * s:.1f}h{-2 * s:.1f}z",
        "^": f"M{x:.1f},{y - 1.2 * s:.1f}l{1.15 * s:.1f},{2 * s:.1f}h{-2.3 * s:.1f}z",
        "D": f"M{x:.1f},{y - 1.3 * s:.1f}l{1.3 * s:.1f},{1.3 * s:.1f}l{-1.3 * s:.1f},{1.3 * s:.1f}"
        f"l{-1.3 * s:.1f},{-1.3 * s:.1f}z",
    }
    if shape == "|":
        return f'<path class="upright" d="M{x:.1f},{y - 1.6 * s:.1f}v{3.2 * s:.1f}"/>'
    if shape in paths:
        return f'<path class="{names}" d="{paths[shape]}"/>'
    return f'<circle class="{names}" cx="{x:.1f}" cy="{y:.1f}" r="{s:.1f}"/>'


@dataclass(frozen=True)
class LegendKey:
    """What a mark stands for: a line's classes, a mark's shape and classes; either may be empty."""

    words: str
    line: str = ""
    shape: str = ""
    fill: str = ""


def legend_rows(keys: Sequence[LegendKey], width: float, top: float = 6.0) -> tuple[str, float]:
    """Return the keys set in rows inside a plot, and the height that they take."""
    parts, x, y = [], 4.0, top + 8
    for key in keys:
        words = shortened(key.words, int((width - 44) / _LETTER))
        room = 40 + _LETTER * len(words) + 12
        if x > 4 and x + room > width:
            x, y = 4.0, y + 18
        if key.line:
            parts.append(
                f'<line class="{key.line}" x1="{x:.1f}" x2="{x + 28:.1f}" y1="{y:.1f}" y2="{y:.1f}"/>'
            )
        if key.shape:
            parts.append(marker(x + 14, y, key.shape, key.fill, 4))
        parts.append(text(x + 34, y + 4.5, words))
        x += room
    return "".join(parts), (y + 12 if keys else 0.0)


def shortened(words: str, most: int) -> str:
    """Cut words that do not fit.

    >>> shortened("no change", 20), shortened("a very long name", 9)
    ('no change', 'a very l…')
    """
    return words if len(words) <= most else words[: max(1, most - 1)].rstrip() + "…"


@dataclass(frozen=True)
class ForestLine:
    """An interval in a row: its ends, a thicker inner part, its middle with a mark; any may be missing."""

    ends: Point | None
    middle: float | None
    hue: int
    shape: str = "o"
    inner: Point | None = None
    size: float = 4.5
    open: bool = False


@dataclass(frozen=True)
class ForestRow:
    """A row: its label at the left, its numbers as words at the right, one interval below another."""

    label: str
    words: str
    lines: tuple[ForestLine, ...]
    strong: bool = False


@dataclass(frozen=True)
class ForestScale:
    """The axis of a forest: ends, the value of no effect, its title and how its numbers are written."""

    ends: Point
    title: str
    null: float | None = None
    logarithmic: bool = False
    write: Callable[[float], str] = tick
    places: tuple[float, ...] = ()


def forest(
    rows: Sequence[ForestRow],
    scale: ForestScale,
    label: str,
    *,
    keys: Sequence[LegendKey] = (),
    width: float = 440.0,
    name: str = "",
) -> str:
    """Draw rows of intervals one below another, each under its own words, so that a phone shows all of it.

    What lies outside the ends of the scale is cut there and ends in an arrow head.
    """
    legend, top = legend_rows(keys, width)
    lane, gap = 13.0, 23.0
    heights = [gap + lane * max(1, len(row.lines)) for row in rows]
    height = top + sum(heights) + 46
    frame = PlotFrame(
        width, height, scale.ends, (0.0, 1.0), left=12, right=12, top=top + 4, log_x=scale.logarithmic
    )
    foot = height - frame.bottom
    parts = [legend]
    places = scale.places or ticks(scale.ends, logarithmic=scale.logarithmic)
    for x in places:
        at = frame.at_x(x)
        parts.append(f'<line class="grid" x1="{at:.1f}" x2="{at:.1f}" y1="{top + 4:.1f}" y2="{foot:.1f}"/>')
        parts.append(text(min(max(at, 12), width - 12), foot + 17, scale.write(x), anchor="middle"))
    if scale.null is not None and scale.ends[0] <= scale.null <= scale.ends[1]:
        at = frame.at_x(scale.null)
        parts.append(f'<line class="mark" x1="{at:.1f}" x2="{at:.1f}" y1="{top + 4:.1f}" y2="{foot:.1f}"/>')
    parts.append(f'<path class="axis" d="M12,{foot:.1f}H{width - 12:.1f}"/>')
    parts.append(text(width / 2, height - 4, scale.title, anchor="middle", names="note"))
    y = top
    for row, tall in zip(rows, heights, strict=True):
        parts += _forest_words(row, y, width)
        for k, line in enumerate(row.lines):
            parts.append(_forest_line(frame, line, y + gap + lane * (k + 0.25)))
        y += tall
    return plot(frame, parts, label, name=name)


def _forest_words(row: ForestRow, y: float, width: float) -> list[str]:
    names = "over strong" if row.strong else "over"
    words = shortened(row.words, int(0.6 * width / _LETTER))
    most = int((width - 20) / _LETTER) - len(words) - (2 if words else 0)
    parts = [text(2, y + 16, shortened(row.label, most), names=names)]
    if words:
        parts.append(text(width - 2, y + 16, words, anchor="end", names=names))
    return parts


def _forest_line(frame: PlotFrame, line: ForestLine, y: float) -> str:
    low, high = frame.x

    def at(value: float) -> float:
        return frame.at_x(min(max(value, low), high))

    parts = []
    if line.ends is not None:
        x0, x1 = at(line.ends[0]), at(line.ends[1])
        path = f"M{x0:.1f},{y:.1f}H{x1:.1f}"
        if line.ends[0] < low:
            path += f"M{x0 + 5:.1f},{y - 4:.1f}l-5,4l5,4"
        if line.ends[1] > high:
            path += f"M{x1 - 5:.1f},{y - 4:.1f}l5,4l-5,4"
        parts.append(f'<path class="span c{line.hue}" d="{path}"/>')
    if line.inner is not None:
        path = f"M{at(line.inner[0]):.1f},{y:.1f}H{at(line.inner[1]):.1f}"
        parts.append(f'<path class="thick c{line.hue}" d="{path}"/>')
    if line.middle is not None:
        names = f"spot c{line.hue}" if line.open else f"f{line.hue}"
        parts.append(marker(at(line.middle), y, line.shape, names, line.size))
    return "".join(parts)


def panel_grid(panels: Sequence[tuple[str, str]], keys: Sequence[LegendKey] = ()) -> str:
    """Return plots (title, SVG) side by side where there is room, under one legend."""
    items = "".join(f"<li>{_key_svg(key)} {escape(key.words)}</li>" for key in keys)
    legend = f'<ul class="legend">{items}</ul>' if items else ""
    cells = "".join(
        f'<div>{f"""<p class="panel-title">{escape(title)}</p>""" if title else ""}{svg}</div>'
        for title, svg in panels
    )
    return f'{legend}<div class="panels">{cells}</div>'


def _key_svg(key: LegendKey) -> str:
    parts = [f'<line class="{key.line}" x1="1" x2="45" y1="7" y2="7"/>'] if key.line else []
    if key.shape:
        parts.append(marker(23, 7, key.shape, key.fill, 4))
    return f'<svg viewBox="0 0 46 14" class="plot" aria-hidden="true">{"".join(parts)}</svg>'
