"""Refit the surrogate of the reduced problem: six numbers of the gut, eight rows, from the real laboratory.

    python validation/calibration/surrogate.py        (minutes; writes surrogate.tsv beside this file)

The reduced problem of ``sbc.py`` asks two hundred times for a whole posterior, which the laboratory cannot
answer. It asks this surrogate instead: a quadratic of the six normal scores for the logarithm of each row's
answer, fitted to 400 sets of the laboratory and judged on 100 others. All other numbers stand at the middle
of their laws. The surrogate is the model of that problem: it makes the truths and it is inverted, so its
distance from the laboratory plays no part in the ranks; it is printed to show that the problem is one of this
gut.
"""

from __future__ import annotations

import csv
from itertools import combinations_with_replacement
from pathlib import Path

import numpy as np

from eubiosis.calibration.waves import GutProblem
from eubiosis.core.streams import stream
from eubiosis.model import load
from eubiosis.model.laboratory import Laboratory

NUMBERS = (
    "gut_vmax_ROS_IN",
    "gut_vmax_BIF_IN",
    "gut_vmax_ANA_IN",
    "gut_eta_V",
    "gut_T_transit",
    "gut_a_scfa",
)
ROWS = ("T023", "N011", "N012", "T027", "T031", "T032", "T068", "N015")
TRAINED, JUDGED = 400, 100
TABLE = Path(__file__).with_name("surrogate.tsv")


def features(points: np.ndarray) -> np.ndarray:
    """Return 1, the scores, and their products two by two, shape (points, terms)."""
    pairs = combinations_with_replacement(range(points.shape[1]), 2)
    products = [points[:, i] * points[:, j] for i, j in pairs]
    return np.column_stack([np.ones(len(points)), points, *products])


def main() -> None:
    """Run the laboratory, fit, and write coefficients with the share of variance they explain."""
    model = load()
    problem = GutProblem.of(model)
    places = [problem.free.index(name) for name in NUMBERS]
    own = stream(2026, "surrogate").standard_normal((TRAINED + JUDGED, len(NUMBERS)))
    points = np.zeros((len(own), len(problem.free)))
    points[:, places] = own
    laboratory = Laboratory.of(model, [row for row in model.content.targets if row.id in ROWS], threads=1)
    answers = laboratory.answers(problem.sets(points))
    lines = []
    for name in ROWS:
        y = np.log(answers[name])
        fine = np.isfinite(y)
        train, judge = fine.copy(), fine.copy()
        train[TRAINED:], judge[:TRAINED] = False, False
        terms = features(own)
        coefficients, *_ = np.linalg.lstsq(terms[train], y[train], rcond=None)
        left = y[judge] - terms[judge] @ coefficients
        explained = 1 - left.var() / y[judge].var()
        print(f"{name}: {train.sum()} + {judge.sum()} sets, explained {explained:.3f}, sd {y.std():.3f}")
        lines.append((name, f"{explained:.4f}", *(f"{c:.6g}" for c in coefficients)))
    with TABLE.open("w", encoding="utf-8", newline="") as text:
        writer = csv.writer(text, delimiter="\t", lineterminator="\n")
        writer.writerow(("row", "explained", *(f"c{k}" for k in range(terms.shape[1]))))
        writer.writerows(lines)


if __name__ == "__main__":
    main()
