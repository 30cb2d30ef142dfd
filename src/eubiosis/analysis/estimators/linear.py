"""Least squares with the covariance estimators a trial analysis needs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from eubiosis.analysis.columns import Floats, inverse

Covariance = Literal["model", "HC0", "HC1", "HC2", "HC3"]


@dataclass(frozen=True)
class LinearFit:
    """A least-squares fit: coefficients (columns,), their covariance, residuals (rows,), sigma, R2."""

    coefficients: Floats
    covariance: Floats
    residuals: Floats
    sigma: float
    r_squared: float
    degrees_of_freedom: int
    full_rank: bool

    def standard_error(self, column: int) -> float:
        """Return the standard error of one coefficient."""
        return math.sqrt(float(self.covariance[column, column]))


def fit_least_squares(outcome: Floats, matrix: Floats, covariance: Covariance = "model") -> LinearFit:
    """Fit by least squares; ``matrix`` is (rows, columns) with its intercept.

    ``covariance`` "model" assumes equal variances; HC0 to HC3 are the sandwich estimators of MacKinnon
    and White (1985, Journal of Econometrics 29:305), HC3 dividing each residual by one minus its
    leverage; NaN where a leverage is one. A matrix without full column rank, or no more rows than
    columns, gives NaN numbers and ``full_rank`` false.
    """
    rows, columns = matrix.shape
    if rows <= columns or np.linalg.matrix_rank(matrix) < columns:
        empty = np.full(columns, math.nan)
        square = np.full((columns, columns), math.nan)
        nothing = np.full(rows, math.nan)
        return LinearFit(empty, square, nothing, math.nan, math.nan, max(rows - columns, 0), False)
    orthogonal, triangle = np.linalg.qr(matrix)
    beta = np.linalg.solve(triangle, orthogonal.T @ outcome)
    root = inverse(triangle)
    bread = root @ root.T
    residuals = outcome - matrix @ beta
    freedom = rows - columns
    variance = float(residuals @ residuals) / freedom
    total = float(np.sum((outcome - outcome.mean()) ** 2))
    r_squared = 1.0 - variance * freedom / total if total > 0 else math.nan
    if covariance == "model":
        spread = variance * bread
    else:
        leverage = np.sum(orthogonal**2, axis=1)
        weights = _weights(residuals, leverage, covariance, rows / freedom)
        spread = bread @ ((matrix * weights[:, None]).T @ matrix) @ bread
    return LinearFit(beta, spread, residuals, math.sqrt(variance), r_squared, freedom, True)


def cluster_covariance(fit: LinearFit, matrix: Floats, cluster: NDArray[np.intp]) -> Floats:
    """Return the cluster-robust covariance (HC1 type) of a least-squares fit.

    ``cluster`` (rows,) numbers the clusters from 0. The factor is G/(G-1) (N-1)/(N-K), as R's sandwich
    package defines it.
    """
    rows, columns = matrix.shape
    groups = int(cluster.max()) + 1
    scores = np.zeros((groups, columns))
    np.add.at(scores, cluster, matrix * fit.residuals[:, None])
    bread = inverse(matrix.T @ matrix)
    factor = groups / (groups - 1) * (rows - 1) / (rows - columns)
    result: Floats = factor * bread @ (scores.T @ scores) @ bread
    return result


def _weights(residuals: Floats, leverage: Floats, covariance: Covariance, factor: float) -> Floats:
    squared = residuals**2
    if covariance == "HC0":
        return squared
    if covariance == "HC1":
        return squared * factor
    power = 1 if covariance == "HC2" else 2
    # a row that its own column fits exactly has no residual to estimate a variance from
    left = np.where(leverage < 1.0 - 1e-10, 1.0 - leverage, math.nan)
    result: Floats = squared / left**power
    return result
