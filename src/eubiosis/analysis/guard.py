"""One guard for all analyses: what makes an estimate meaningless, found in one place and said in words.

Three kinds of trouble. Inputs that contradict themselves or are not finite are found by the door
(``columns.build_design``). Directions of the coefficients on which the data are silent (dependent columns)
or along which the likelihood rises for ever (separation; Albert and Anderson 1984, Biometrika 71:1) leave
only those contrasts undefined that point along them: ``Blind`` says which. A variance that vanishes
against its yardstick is rounding, not precision: ``vanishes``.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.soundness import OK, Soundness

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

NEGLIGIBLE = 1e-10  # a residual this small against the outcome is rounding
DEPENDENT = 1e-9  # what is left of a dependent column after the others, against its length
ALONG = 1e-7  # how far a contrast may lean along a blind direction
STRICT = 1e-6  # a gain below this in a linear programme is its tolerance


@dataclass(frozen=True)
class Blind:
    """Directions of the coefficients that the data do not fix.

    ``directions`` (columns, d) are orthonormal after each coefficient is multiplied by ``scale``
    (columns,), the length of its column; ``soundness`` says why they are not fixed. No direction: every
    contrast is defined.
    """

    directions: Floats
    scale: Floats
    soundness: Soundness

    def on(self, weights: Floats) -> Soundness:
        """Judge combinations of the coefficients: ``weights`` (columns,) or (combinations, columns)."""
        if self.directions.shape[1] == 0:
            return OK
        scaled = np.atleast_2d(weights) / self.scale
        along = np.max(np.abs(scaled @ self.directions), axis=1)
        lost = along > ALONG * np.linalg.norm(scaled, axis=1)
        return self.soundness if bool(np.any(lost)) else OK

    def on_column(self, column: int) -> Soundness:
        """Judge one coefficient by itself."""
        if self.directions.shape[1] == 0:
            return OK
        return self.on(np.eye(len(self.directions))[column])

    def note(self) -> dict[str, float | int | str]:
        """Return what a result has to say of directions that are blind but not its own; empty if none is."""
        number = self.directions.shape[1]
        return {"undefined_directions": number, "undefined_because": self.soundness.reason} if number else {}


SEES_ALL = Blind(np.zeros((0, 0)), np.zeros(0), OK)


def independent_columns(matrix: Floats, soundness: Soundness) -> tuple[NDArray[np.intp], Blind]:
    """Return the columns that do not depend on earlier ones, and the directions that the others leave blind.

    ``matrix`` (rows, columns); ``soundness`` is what to say of a contrast along a blind direction.
    """
    length = np.linalg.norm(matrix, axis=0)
    scale = np.where(length > 0, length, 1.0)
    unit = matrix / scale
    basis: list[Floats] = []
    kept: list[int] = []
    blind: list[Floats] = []
    for column in range(matrix.shape[1]):
        left = unit[:, column].copy()
        for _ in range(2):  # twice is enough (Giraud et al. 2005)
            for one in basis:
                left -= (one @ left) * one
        size = float(np.linalg.norm(left))
        if size > DEPENDENT:
            basis.append(left / size)
            kept.append(column)
            continue
        direction = np.zeros(matrix.shape[1])
        direction[column] = 1.0
        if kept:
            direction[kept] = -np.linalg.lstsq(unit[:, kept], unit[:, column], rcond=None)[0]
        blind.append(direction)
    if not blind:
        return np.array(kept, dtype=np.intp), SEES_ALL
    directions = np.linalg.qr(np.column_stack(blind))[0]
    return np.array(kept, dtype=np.intp), Blind(directions, scale, soundness)


def recession(rising: Floats, level: Floats) -> Floats | None:
    """Return a direction along which every row of ``rising`` gains or stays and ``level`` stays.

    The log-likelihood has a finite maximum in a direction unless it gains for ever along it; ``rising``
    (terms, columns) are the gradients of terms that gain without end, ``level`` (terms, columns) those of
    terms with a maximum of their own. None: some term always falls. Found by linear programming.
    """
    from scipy.optimize import linprog

    columns = rising.shape[1]
    scale = np.maximum(np.abs(np.vstack([rising, level])).max(axis=0, initial=0.0), 1e-300)
    gains, flat = (np.unique(part / scale, axis=0) for part in (rising, level))
    if not len(gains) or not np.any(gains):
        return None
    found = linprog(
        -gains.sum(axis=0),
        A_ub=-gains,
        b_ub=np.zeros(len(gains)),
        A_eq=flat if len(flat) else None,
        b_eq=np.zeros(len(flat)) if len(flat) else None,
        bounds=[(-1.0, 1.0)] * columns,
        method="highs",
    )
    if found.x is None:
        return None
    direction = np.asarray(found.x, dtype=np.float64)
    if float(np.max(gains @ direction)) < STRICT:
        return None
    steepest: Floats = direction / scale
    return steepest


def finite_rows(matrix: Floats, tends: Floats) -> Bools:
    """Mark the rows whose fitted value stays finite at the maximum of a likelihood.

    ``matrix`` (rows, columns); ``tends`` (rows,) is +1 where a row's likelihood rises for ever with its
    linear predictor (an event of a logistic model), -1 where it rises for ever against it (no event; a
    count of zero), 0 where it has a maximum. Rows that run to infinity are fitted perfectly and add
    nothing to what the others say: without them the likelihood of the rest has its maximum.
    """
    kept = np.ones(len(matrix), dtype=bool)
    for _ in range(matrix.shape[1]):
        free, fixed = kept & (tends != 0), kept & (tends == 0)
        rising = matrix[free] * tends[free, None]
        direction = recession(rising, matrix[fixed])
        if direction is None:
            break
        length = np.abs(rising) @ np.abs(direction)
        kept[np.flatnonzero(free)[rising @ direction > STRICT * length]] = False
    return kept


def vanishes(variance: float, yardstick: float) -> bool:
    """Say whether a variance is rounding against a yardstick of the same unit."""
    return not variance > NEGLIGIBLE**2 * yardstick


def spellings(labels: Iterable[str], what: str) -> Soundness:
    """Find two spellings of one label: they differ in capitals, spaces or the form of a letter only.

    >>> spellings(["Placebo", "placebo "], "arm").reason
    'arm: two spellings of one, "Placebo" and "placebo "'
    """
    seen: dict[str, str] = {}
    for label in labels:
        plain = " ".join(unicodedata.normalize("NFKC", label).casefold().split())
        if plain in seen:
            return Soundness("contradictory", f'{what}: two spellings of one, "{seen[plain]}" and "{label}"')
        seen[plain] = label
    return OK


def one_arm_each(people: NDArray[Any], arms: NDArray[Any]) -> Soundness:
    """Find a participant who has rows in two arms; both arguments (rows,)."""
    pairs = np.unique(np.column_stack([people.astype(str), arms.astype(str)]), axis=0)
    names, rows = np.unique(pairs[:, 0], return_counts=True)
    if len(names) == len(pairs):
        return OK
    name = names[int(np.argmax(rows > 1))]
    both = " and ".join(f'"{arm}"' for arm in pairs[pairs[:, 0] == name, 1][:2])
    return Soundness("contradictory", f'participant "{name}" is in two arms: {both}')


def separate_intervals(people: NDArray[Any], start: Floats, stop: Floats) -> Soundness:
    """Find an interval without length, or two of one participant that overlap; arguments (rows,)."""
    empty = np.flatnonzero(stop <= start)
    if len(empty):
        row = int(empty[0])
        return Soundness(
            "contradictory",
            f'participant "{people[row]}": the interval from {start[row]:g} to {stop[row]:g} has no length',
        )
    order = np.lexsort((start, people))
    who, begin, end = people[order], start[order], stop[order]
    crossing = np.flatnonzero((who[1:] == who[:-1]) & (begin[1:] < end[:-1]))
    if not len(crossing):
        return OK
    row = int(crossing[0])
    return Soundness(
        "contradictory",
        f'participant "{who[row]}": the intervals {begin[row]:g} to {end[row]:g} and '
        f"{begin[row + 1]:g} to {end[row + 1]:g} overlap",
    )


def all_finite(values: Floats, what: str) -> Soundness:
    """Find a number that is infinite or missing in a table that may have none."""
    bad = np.argwhere(~np.isfinite(values))
    if not len(bad):
        return OK
    place = ", ".join(str(int(i) + 1) for i in bad[0])
    return Soundness("not_finite", f"{what}: entry {place} is {values[tuple(bad[0])]:g}")
