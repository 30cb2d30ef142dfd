"""Assurance and power of a design over participants and length of treatment, as a heatmap draws them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

GridQuantity = Literal["common", "sceptical", "power"]
CONTOURS = (0.5, 0.7, 0.8)
Row = tuple[float, ...]


@dataclass(frozen=True)
class AssuranceGrid:
    """One endpoint in one arm; each quantity is (lengths, sizes), empty where it cannot be given.

    ``common`` and ``sceptical`` are the assurance under the two priors, ``power`` the power at the relevant
    effect and the worst control rate. ``participants`` are of the whole trial, ascending; ``visits`` the
    planned visits of one participant at each of the ``weeks``, as often as in the design, so that people
    times visits is what a trial asks of its sites. ``prior`` says whose assurance ``common`` is.
    """

    endpoint: str
    label: str
    primary: bool
    arm: str
    prior: str
    participants: tuple[int, ...]
    weeks: Row
    visits: Row
    common: tuple[Row, ...]
    sceptical: tuple[Row, ...]
    power: tuple[Row, ...]

    def values(self, quantity: GridQuantity) -> tuple[Row, ...]:
        """Return one quantity (lengths, sizes)."""
        return {"common": self.common, "sceptical": self.sceptical, "power": self.power}[quantity]


def crossing(level: float, xs: Sequence[float], values: Sequence[float]) -> float | None:
    """Return the first x at which ``values`` reach a level, on straight lines between the points.

    None where they do not; the first x where they are there from the start.

    >>> crossing(0.5, (1.0, 2.0, 4.0), (0.1, 0.4, 0.6)), crossing(0.5, (1.0, 2.0), (0.6, 0.7))
    (3.0, 1.0)
    >>> crossing(0.5, (1.0, 2.0), (0.1, 0.2)) is None
    True
    """
    for k, value in enumerate(values):
        if value >= level:
            if k == 0:
                return xs[0]
            before = values[k - 1]
            return xs[k - 1] + (level - before) / (value - before) * (xs[k] - xs[k - 1])
    return None


def contour(
    level: float, xs: Sequence[float], ys: Sequence[float], rows: Sequence[Sequence[float]]
) -> tuple[tuple[tuple[float, float], ...], ...]:
    """Return where rows over xs, one for each y, first reach a level: lines of (x, y), broken at gaps.

    Rows rise along x, so that each has one such place or none.
    """
    lines: list[list[tuple[float, float]]] = [[]]
    for y, row in zip(ys, rows, strict=True):
        x = crossing(level, xs, row)
        if x is None:
            lines.append([])
        else:
            lines[-1].append((x, y))
    return tuple(tuple(line) for line in lines if line)
