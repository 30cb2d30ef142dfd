"""Plots written as SVG text: coloured by the page's style, so that they follow light, dark and paper.

A page with dozens of small plots is drawn in milliseconds. Every text is escaped.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import TypedDict

Point = tuple[float, float]


class TitledPlot(TypedDict):
    """A plot as SVG text under its heading."""

    title: str
    svg: str


@dataclass(frozen=True)
class PlotFrame:
    """A plot's size and scales in the units of its view box; ``x`` and ``y`` may be logarithmic."""

    width: float
    height: float
    x: Point
    y: Point
    left: float = 46.0
    right: float = 12.0
    top: float = 10.0
    bottom: float = 38.0
    log_x: bool = False
    log_y: bool = False

    def at_x(self, value: float) -> float:
        """Return where a value of x stands."""
        share = _share(value, self.x, logarithmic=self.log_x)
        return self.left + share * (self.width - self.left - self.right)

    def at_y(self, value: float) -> float:
        """Return where a value of y stands."""
        share = _share(value, self.y, logarithmic=self.log_y)
        return self.height - self.bottom - share * (self.height - self.top - self.bottom)

    def points(self, points: Iterable[Point]) -> str:
        """Return the points as a path attribute takes them."""
        return " ".join(f"{self.at_x(x):.1f},{self.at_y(y):.1f}" for x, y in points)

    def line(self, points: Iterable[Point], names: str) -> str:
        """Return a line through points, in the classes ``names``."""
        return f'<polyline class="{names}" points="{self.points(points)}"/>'

    def band(self, xs: Sequence[float], low: Sequence[float], high: Sequence[float], names: str) -> str:
        """Return a filled band between two lines."""
        there = [*zip(xs, low, strict=True)]
        back = [*zip(xs, high, strict=True)][::-1]
        return f'<polygon class="{names}" points="{self.points([*there, *back])}"/>'

    def grid(
        self,
        xs: Sequence[float],
        ys: Sequence[float],
        write_x: Callable[[float], str],
        write_y: Callable[[float], str],
    ) -> str:
        """Return grid lines with their labels, and the two axes."""
        foot, start = self.height - self.bottom, self.left
        parts = []
        for y in ys:
            at = self.at_y(y)
            parts.append(
                f'<line class="grid" x1="{start:.1f}" x2="{self.width - self.right:.1f}" '
                f'y1="{at:.1f}" y2="{at:.1f}"/>'
            )
            parts.append(text(start - 6, at + 4, write_y(y), anchor="end"))
        for x in xs:
            at = self.at_x(x)
            parts.append(
                f'<line class="axis" x1="{at:.1f}" x2="{at:.1f}" y1="{foot:.1f}" y2="{foot + 4:.1f}"/>'
            )
            parts.append(text(at, foot + 17, write_x(x), anchor="middle"))
        parts.append(
            f'<path class="axis" d="M{start:.1f},{self.top:.1f} V{foot:.1f} H{self.width - self.right:.1f}"/>'
        )
        return "".join(parts)

    def upright(self, x: float, words: str) -> str:
        """Return a dashed upright line at x with its words beside its top."""
        at = self.at_x(x)
        left = at > self.width * 0.6
        place, anchor = (at - 6, "end") if left else (at + 6, "start")
        return (
            f'<line class="mark" x1="{at:.1f}" x2="{at:.1f}" y1="{self.top:.1f}" '
            f'y2="{self.height - self.bottom:.1f}"/>'
            + text(place, self.top + 12, words, anchor=anchor, names="over")
        )


def _share(value: float, ends: Point, *, logarithmic: bool) -> float:
    low, high = (math.log(end) for end in ends) if logarithmic else ends
    place = math.log(value) if logarithmic else value
    return (place - low) / (high - low) if high > low else 0.5


def text(x: float, y: float, words: str, *, anchor: str = "start", names: str = "") -> str:
    """Return a text; its words are escaped."""
    own = f' class="{names}"' if names else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{own}>{escape(words)}</text>'


def plot(frame: PlotFrame, parts: Iterable[str], label: str, *, name: str = "") -> str:
    """Return the whole plot; ``label`` is read to those who do not see it."""
    own = f' id="{escape(name)}"' if name else ""
    return (
        f'<svg{own} class="plot" viewBox="0 0 {frame.width:g} {frame.height:g}" role="img" '
        f'aria-label="{escape(label)}">{"".join(parts)}</svg>'
    )


def round_ticks(low: float, high: float, count: int = 5) -> tuple[float, ...]:
    """Return about ``count`` round values from ``low`` to ``high``.

    >>> round_ticks(0.0, 1.0), round_ticks(3.0, 47.0)
    ((0.0, 0.2, 0.4, 0.6, 0.8, 1.0), (10.0, 20.0, 30.0, 40.0))
    """
    if not (math.isfinite(low) and math.isfinite(high) and high > low):
        return (low,) if math.isfinite(low) else ()
    raw = (high - low) / count
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(size * k for k in (1, 2, 5, 10) if raw <= size * k * 1.0000001)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return tuple(round(k * step, 12) for k in range(first, last + 1))


def log_ticks(low: float, high: float) -> tuple[float, ...]:
    """Return 1, 2, 5 times powers of ten inside a range.

    >>> log_ticks(24, 1000)
    (50.0, 100.0, 200.0, 500.0, 1000.0)
    """
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    tried = (k * 10.0**p for p in powers for k in (1, 2, 5))
    return tuple(one for one in tried if low <= one * 1.0000001 and one <= high * 1.0000001)


def ratio_ticks(low: float, high: float, count: int = 5) -> tuple[float, ...]:
    """Return round ratios between two logarithms, as logarithms: even steps on a short axis, else 1, 2, 5.

    >>> [round(math.exp(tick), 2) for tick in ratio_ticks(math.log(0.6), math.log(4.6))]
    [1.0, 2.0]
    >>> [round(math.exp(tick), 2) for tick in ratio_ticks(math.log(0.83), math.log(1.27))]
    [0.9, 1.0, 1.1, 1.2]
    """
    ends = math.exp(low), math.exp(high)
    short = ends[1] < 3 * ends[0]
    ticks = round_ticks(*ends, count) if short else log_ticks(*ends)
    return tuple(math.log(tick) for tick in ticks if tick > 0)
