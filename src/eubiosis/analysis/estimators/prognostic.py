"""Adjustment for a prognostic score from earlier data, and the participants it saves.

The score is a prediction of the outcome under control, learnt on people outside the trial; in the trial it
is one more baseline covariate, so the estimate stays unbiased whatever the score is worth (Schuler 2022,
International Journal of Biostatistics 18:329).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from eubiosis.analysis.columns import Floats
from eubiosis.analysis.estimators.continuous import ancova
from eubiosis.analysis.estimators.linear import Covariance
from eubiosis.analysis.result import Estimate


@dataclass(frozen=True)
class PrognosticScore:
    """A linear prediction of the outcome under control, with the columns it needs in order."""

    columns: tuple[str, ...]
    intercept: float
    slopes: tuple[float, ...]
    participants: int
    correlation: float

    def predict(self, table: Mapping[str, ArrayLike]) -> Floats:
        """Return the score of each row, (rows,); NaN where a value is missing. A missing column raises."""
        values = [np.asarray(table[name], dtype=np.float64) for name in self.columns]
        total = np.full(len(values[0]), self.intercept)
        for slope, column in zip(self.slopes, values, strict=True):
            total = total + slope * column
        return np.asarray(total, dtype=np.float64)


def learn_score(outcome: ArrayLike, table: Mapping[str, ArrayLike], *, folds: int = 5) -> PrognosticScore:
    """Learn a score by ridge regression on control participants from outside the trial.

    The penalty is chosen from a grid by ``folds``-fold cross-validation (rows taken in turn), and
    ``correlation`` is that of the held-out predictions with the outcome: what may be expected in new
    people, if they are like these. Rows with a missing value raise ``ValueError``, as do too few rows.

    >>> import numpy as np
    >>> age = np.arange(40.0)
    >>> score = learn_score(2 * age + np.sin(age), {"age": age})
    >>> type(score).__name__
    'PrognosticScore'
    """
    names = tuple(table)
    matrix = np.column_stack([np.asarray(table[name], dtype=np.float64) for name in names])
    target = np.asarray(outcome, dtype=np.float64)
    if np.isnan(matrix).any() or np.isnan(target).any():
        message = "a value is missing; allowed: complete rows (count what is left out)"
        raise ValueError(message)
    if len(target) < 2 * folds or len(target) <= len(names) + 2:
        message = f"{len(target)} participants are too few for {len(names)} columns and {folds} folds"
        raise ValueError(message)
    fold = np.arange(len(target)) % folds
    best: tuple[float, float, Floats] | None = None
    for penalty in (0.0, 0.01, 0.1, 1.0, 10.0, 100.0):
        held = np.empty(len(target))
        for k in range(folds):
            inside = fold != k
            intercept, slopes = _ridge(target[inside], matrix[inside], penalty)
            held[~inside] = intercept + matrix[~inside] @ slopes
        error = float(np.mean((target - held) ** 2))
        if best is None or error < best[0]:
            best = error, penalty, held
    assert best is not None
    intercept, slopes = _ridge(target, matrix, best[1])
    together = np.std(best[2]) > 0 and np.std(target) > 0
    correlation = float(np.corrcoef(best[2], target)[0, 1]) if together else 0.0
    return PrognosticScore(names, intercept, tuple(slopes.tolist()), len(target), correlation)


@dataclass(frozen=True)
class PrognosticAdjustment:
    """The same contrast without and with the score, and what the score is worth.

    ``variance_ratio`` is the squared standard error with the score over that without; ``saved_share`` one
    minus it, the share of participants the adjustment saves at equal precision; ``saved_per_arm`` that
    share of the mean arm size, negative where the score costs precision.
    """

    without: Estimate
    with_score: Estimate
    variance_ratio: float
    saved_share: float
    saved_per_arm: float


def prognostic_difference(
    outcome: ArrayLike,
    arm: ArrayLike,
    score: ArrayLike,
    *,
    treated: str,
    control: str,
    covariates: Mapping[str, ArrayLike] | None = None,
    covariance: Covariance = "HC3",
    endpoint: str = "score",
    level: float = 0.95,
) -> PrognosticAdjustment:
    """Estimate a mean difference with and without a prognostic score among the covariates.

    Both analyses use the participants whose score is known, so that they differ in nothing else; the
    others are counted as missing in both.

    >>> import numpy as np
    >>> rng = np.random.default_rng(3)
    >>> score, arm = rng.normal(size=40), np.tile(["active", "control"], 20)
    >>> outcome = score + rng.normal(scale=0.3, size=40) - (arm == "active")
    >>> found = prognostic_difference(outcome, arm, score, treated="active", control="control")
    >>> found.with_score.estimate < 0, found.variance_ratio < 1
    (True, True)
    """
    known = np.where(np.isnan(np.asarray(score, dtype=np.float64)), math.nan, outcome)
    both = []
    for extra in ({}, {"prognostic score": score}):
        both.append(
            ancova(
                known,
                arm,
                treated=treated,
                control=control,
                covariates={**(covariates or {}), **extra},
                covariance=covariance,
                endpoint=endpoint,
                level=level,
            )
        )
    ratio = (both[1].standard_error / both[0].standard_error) ** 2
    size = (both[1].n_treated + both[1].n_control) / 2
    return PrognosticAdjustment(both[0], both[1], ratio, 1 - ratio, size * (1 - ratio))


def size_with_score(n_per_arm: float, correlation_before: float, correlation_after: float) -> float:
    """Return the arm size that keeps the power when adjustment explains more of the outcome.

    Correlations are those of all covariates together with the outcome, before and with the score: the
    size falls by (1 - after^2) / (1 - before^2).

    >>> round(size_with_score(132, 0.5, 0.6), 1)
    112.6
    """
    for value in (correlation_before, correlation_after):
        if not -1 < value < 1:
            message = f"correlation {value}; allowed: between -1 and 1"
            raise ValueError(message)
    return n_per_arm * (1 - correlation_after**2) / (1 - correlation_before**2)


def _ridge(target: Floats, matrix: Floats, penalty: float) -> tuple[float, Floats]:
    """Fit with the penalty in units of the number of rows, columns standardised first."""
    centre, spread = matrix.mean(axis=0), matrix.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    scaled = (matrix - centre) / spread
    size = len(target)
    left = scaled.T @ scaled / size + (penalty + 1e-10) * np.eye(matrix.shape[1])
    slopes = np.linalg.solve(left, scaled.T @ (target - target.mean()) / size) / spread
    return float(target.mean() - centre @ slopes), np.asarray(slopes, dtype=np.float64)
