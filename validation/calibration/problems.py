"""The reduced problem of the checks: six numbers of the gut, eight rows, a surrogate of the laboratory."""

from __future__ import annotations

import csv

import numpy as np
from surrogate import NUMBERS, ROWS, TABLE, features

from eubiosis.calibration.sbc import Reduced
from eubiosis.model.content import load_content

COHORTS, PEOPLE = 4, 30  # synthetic cohorts a row, and people in each
BETWEEN = 0.5  # sd of the log ratio between people of a cohort
PREDICTED = ("T032", "N015")  # rows that no cohort of the problem measures


def coefficients() -> dict[str, np.ndarray]:
    """Return row id -> the coefficients of its surrogate."""
    with TABLE.open(encoding="utf-8", newline="") as text:
        rows = csv.DictReader(text, delimiter="\t")
        return {row["row"]: np.array([float(v) for k, v in row.items() if k[0] == "c"]) for row in rows}


def gut_problem() -> Reduced:
    """Return the reduced problem; what is predicted are the answers that no cohort of it measures."""
    known = coefficients()
    rows = {row.id: row for row in load_content().targets}
    fitted = [name for name in ROWS if name not in PREDICTED]
    inside = np.array([known[name] for name in fitted])
    outside = np.array([known[name] for name in PREDICTED])
    return Reduced(
        names=NUMBERS,
        rows=tuple(rows[name] for name in fitted),
        respond=lambda points: features(points) @ inside.T,
        cohorts=COHORTS,
        people=PEOPLE,
        between=BETWEEN,
        predict=lambda points: features(points) @ outside.T,
        predicted=tuple(f"prediction: {rows[name].quantity}" for name in PREDICTED),
    )


def slopes(problem: Reduced) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return slopes, middles and prediction slopes of the linear part of the reduced problem."""
    known = coefficients()
    inside = np.array([known[row.id] for row in problem.rows])
    outside = np.array([known[name] for name in PREDICTED])
    size = len(problem.names)
    return inside[:, 1 : 1 + size], inside[:, 0], outside[:, 1 : 1 + size]
