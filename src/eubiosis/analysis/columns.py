"""From columns of an observed table to a design matrix, with every missing value counted."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eubiosis.analysis import guard
from eubiosis.analysis.result import Counts
from eubiosis.core.findings import FindingCollector, unknown_word
from eubiosis.core.soundness import OK, Soundness, worst

Floats = guard.Floats
Bools = guard.Bools
TABLE = "observed table"


@dataclass(frozen=True)
class DesignMatrix:
    """A design matrix of the complete rows of a trial table.

    ``matrix`` is (rows, columns) with an intercept, one 0/1 column per arm other than the control and
    the covariates; ``arm`` the arm of each row; ``kept`` marks the complete rows among all those given
    (length: rows of the table); ``missing`` counts the others per arm. ``soundness`` says what the table
    itself forbids: no estimate from it has numbers unless it is usable.
    """

    matrix: Floats
    names: tuple[str, ...]
    arm: NDArray[np.str_]
    arms: tuple[str, ...]
    control: str
    kept: Bools
    missing: Mapping[str, int]
    values: Mapping[str, Floats]
    soundness: Soundness = OK

    def doubted(self, soundness: Soundness) -> DesignMatrix:
        """Return the design with one more soundness on its table."""
        return self if soundness is OK else replace(self, soundness=worst(self.soundness, soundness))

    def column(self, name: str) -> int:
        """Return the position of a column in the matrix."""
        return self.names.index(name)

    def counts(self, treated: str) -> Counts:
        """Count the analysed and the missing participants of an arm and of the control arm."""
        return Counts(
            int(np.sum(self.arm == treated)),
            int(np.sum(self.arm == self.control)),
            self.missing[treated],
            self.missing[self.control],
        )

    @property
    def treated_arms(self) -> tuple[str, ...]:
        """Return the arms other than the control."""
        return tuple(name for name in self.arms if name != self.control)

    def with_arm(self, arm: str) -> Floats:
        """Return the matrix as if every participant were in ``arm``."""
        matrix = self.matrix.copy()
        for other in self.arms:
            if other != self.control:
                matrix[:, self.column(arm_column(other))] = 1.0 if other == arm else 0.0
        return matrix


def arm_column(arm: str) -> str:
    """Name the design column of an arm."""
    return f"arm[{arm}]"


def build_design(
    arm: ArrayLike,
    control: str,
    *,
    required: Mapping[str, ArrayLike],
    covariates: Mapping[str, ArrayLike] | None = None,
) -> DesignMatrix:
    """Build the design matrix of a trial from columns of equal length.

    ``required`` holds the numeric columns of the analysis itself (outcome, follow-up); ``covariates``
    numeric columns, used as they are, and text columns, coded 0/1 against their first level in
    alphabetical order. A row with a missing value anywhere is left out and counted. An infinite value, or
    two spellings of one arm or level, make the soundness of the design "not_finite" or "contradictory".
    Unequal lengths, an unknown control arm, an empty arm label or fewer than two arms raise
    ``FindingsError`` with all of these at once.
    """
    findings = FindingCollector()
    arms_of_rows = np.asarray(arm).astype(str)
    numeric = {name: np.asarray(values, dtype=np.float64) for name, values in required.items()}
    extra = {name: _column(values) for name, values in (covariates or {}).items()}
    arms = tuple(np.unique(arms_of_rows).tolist())
    _check(arms_of_rows, arms, control, {**numeric, **extra}, findings)
    findings.raise_if_any()
    kept = np.ones(len(arms_of_rows), dtype=bool)
    soundness = guard.spellings(arms, "arm")
    for name, values in (*numeric.items(), *extra.items()):
        if values.dtype.kind != "f":
            kept &= ~missing_values(values)
            continue
        finite = np.isfinite(values)
        if not finite.all():
            kept &= finite
            soundness = worst(soundness, _infinite(name, values))
    inside = {name: arms_of_rows == name for name in arms}
    missing = {name: int(np.count_nonzero(rows & ~kept)) for name, rows in inside.items()}
    columns: list[Floats] = [np.ones(int(np.count_nonzero(kept)))]
    names = ["intercept"]
    for name in arms:
        if name != control:
            columns.append(inside[name][kept].astype(np.float64))
            names.append(arm_column(name))
    for name, values in extra.items():
        if values.dtype.kind not in "fiub":
            soundness = worst(soundness, guard.spellings(np.unique(values[kept].astype(str)).tolist(), name))
        for label, column in _coded(name, values[kept]):
            columns.append(column)
            names.append(label)
    return DesignMatrix(
        np.column_stack(columns),
        tuple(names),
        arms_of_rows[kept],
        arms,
        control,
        kept,
        missing,
        {name: values[kept] for name, values in numeric.items()},
        soundness,
    )


def inverse(matrix: Floats) -> Floats:
    """Return the inverse of a square matrix in double precision; a singular one raises LinAlgError."""
    result: Floats = np.asarray(np.linalg.inv(matrix), dtype=np.float64)
    return result


def demand_arm(treated: str, known: Iterable[str]) -> None:
    """Raise ``FindingsError`` when an arm is not among the known ones."""
    names = list(known)
    if treated not in names:
        findings = FindingCollector()
        findings.add(TABLE, "arm", f"treated arm {unknown_word(treated, names)}", allowed=", ".join(names))
        findings.raise_if_any()


def missing_values(values: NDArray[Any]) -> Bools:
    """Mark the missing entries of a column: NaN, None or an empty text."""
    if values.dtype.kind == "f":
        gaps: Bools = np.isnan(values)
        return gaps
    if values.dtype.kind in "iub":
        return np.zeros(len(values), dtype=bool)
    return np.array([v is None or str(v) in ("", "nan", "NaN", "None") for v in values.tolist()], dtype=bool)


def _column(values: ArrayLike) -> NDArray[Any]:
    """Read a covariate; numbers with gaps (None) are numbers, not categories."""
    column = np.asarray(values)
    if column.dtype.kind != "O":
        return column
    entries = column.tolist()
    if all(entry is None or isinstance(entry, (int, float)) for entry in entries):
        return np.array([math.nan if entry is None else float(entry) for entry in entries])
    return column


def _coded(name: str, values: NDArray[Any]) -> Sequence[tuple[str, Floats]]:
    if values.dtype.kind in "fiub":
        return [(name, values.astype(np.float64))]
    texts = values.astype(str)
    return [(f"{name}[{level}]", (texts == level).astype(np.float64)) for level in np.unique(texts)[1:]]


def _check(
    arms: NDArray[np.str_],
    known: Sequence[str],
    control: str,
    columns: Mapping[str, NDArray[Any]],
    findings: FindingCollector,
) -> None:
    if control not in known:
        findings.add(TABLE, "arm", f"control arm {unknown_word(control, known)}", allowed=", ".join(known))
    if len(known) < 2:
        findings.add(TABLE, "arm", f"{len(known)} arm", allowed="two or more arms")
    if {"", "nan", "None"} & set(known):
        findings.add(TABLE, "arm", "a row has no arm", next_step="give every participant an arm")
    for name, values in columns.items():
        if values.shape != arms.shape:
            findings.add(TABLE, name, f"shape {values.shape}", allowed=f"{arms.shape}, as the column arm")


def _infinite(name: str, values: Floats) -> Soundness:
    """Judge a column that is not finite everywhere: missing values are no fault of it."""
    infinite = np.isinf(values)
    if not infinite.any():
        return OK
    row = int(np.argmax(infinite)) + 1
    return Soundness("not_finite", f"column {name}, row {row}: an infinite value; allowed: finite or missing")
