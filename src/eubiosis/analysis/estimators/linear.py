"""Least squares with the covariance estimators a trial analysis needs."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from eubiosis.analysis.columns import Floats, inverse
from eubiosis.analysis.guard import SEES_ALL, Blind, independent_columns, vanishes
from eubiosis.core.soundness import OK, Soundness, worst

Covariance = Literal["model", "HC0", "HC1", "HC2", "HC3"]


@dataclass(frozen=True)
class LinearFit:
    """A least-squares fit: coefficients (columns,), their covariance, residuals (rows,), sigma, R2.

    ``bread`` is the inverse of X'X and ``size`` the largest absolute outcome. A column that depends on
    earlier ones has coefficient zero; ``blind`` says which contrasts that leaves undefined.
    """

    coefficients: Floats
    covariance: Floats
    residuals: Floats
    sigma: float
    r_squared: float
    degrees_of_freedom: int
    bread: Floats
    size: float
    soundness: Soundness = OK
    blind: Blind = SEES_ALL

    def standard_error(self, column: int) -> float:
        """Return the standard error of one coefficient."""
        return math.sqrt(float(self.covariance[column, column]))

    def judge(self, column: int, covariance: Floats | None = None) -> Soundness:
        """Say whether one coefficient may be read; with another ``covariance`` of the fit, by that one."""
        if not self.soundness.usable:
            return self.soundness
        variance = float((self.covariance if covariance is None else covariance)[column, column])
        flat = vanishes(variance, self.size**2 * float(self.bread[column, column]))
        return worst(self.blind.on_column(column), NO_RESIDUAL if flat else OK)


NO_RESIDUAL = Soundness("no_variance", "the residuals vanish: a constant outcome or a perfect fit")
DEPENDENT_COLUMNS = Soundness(
    "singular", "the contrast depends on other columns of the design, or has no rows"
)


def fit_least_squares(outcome: Floats, matrix: Floats, covariance: Covariance = "model") -> LinearFit:
    """Fit by least squares; ``matrix`` is (rows, columns) with its intercept.

    ``covariance`` "model" assumes equal variances; HC0 to HC3 are the sandwich estimators of MacKinnon
    and White (1985, Journal of Econometrics 29:305), HC3 dividing each residual by one minus its
    leverage; NaN where a leverage is one. Columns that depend on earlier ones are left out, as R's lm
    does; no more rows than independent columns give NaN numbers and the soundness "singular".
    """
    rows, columns = matrix.shape
    if rows > columns and np.linalg.matrix_rank(matrix) == columns:
        return _full_rank(outcome, matrix, covariance)
    kept, blind = independent_columns(matrix, DEPENDENT_COLUMNS)
    if rows <= len(kept) or not len(kept):
        empty = np.full(columns, math.nan)
        square = np.full((columns, columns), math.nan)
        nothing = np.full(rows, math.nan)
        few = Soundness("singular", f"{rows} complete rows for {len(kept)} independent columns")
        return LinearFit(empty, square, nothing, math.nan, math.nan, 0, square, math.nan, few, blind)
    part = _full_rank(outcome, matrix[:, kept], covariance)
    place = np.ix_(kept, kept)
    beta, spread, bread = np.zeros(columns), np.zeros((columns, columns)), np.zeros((columns, columns))
    beta[kept], spread[place], bread[place] = part.coefficients, part.covariance, part.bread
    return replace(part, coefficients=beta, covariance=spread, bread=bread, blind=blind)


def _full_rank(outcome: Floats, matrix: Floats, covariance: Covariance) -> LinearFit:
    rows, columns = matrix.shape
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
    size = float(np.max(np.abs(outcome)))
    return LinearFit(beta, spread, residuals, math.sqrt(variance), r_squared, freedom, bread, size)


def cluster_covariance(fit: LinearFit, matrix: Floats, cluster: NDArray[np.intp]) -> Floats:
    """Return the cluster-robust covariance (HC1 type) of a least-squares fit.

    ``cluster`` (rows,) numbers the clusters from 0. The factor is G/(G-1) (N-1)/(N-K), as R's sandwich
    package defines it.
    """
    rows, columns = matrix.shape
    groups = int(cluster.max()) + 1
    scores = np.zeros((groups, columns))
    np.add.at(scores, cluster, matrix * fit.residuals[:, None])
    bread = fit.bread
    factor = groups / (groups - 1) * (rows - 1) / fit.degrees_of_freedom
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
