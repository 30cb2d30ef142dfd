"""Covariance structures of repeated and clustered outcomes, with their derivatives."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from eubiosis.analysis.columns import Floats

if TYPE_CHECKING:
    from eubiosis.analysis.estimators.mixed import Blocks


VANISHED = 1e-6  # a standard deviation this small against the residual one is none
SINGULAR = 1e-9  # a share of variance this small is none


class Unstructured:
    """Any covariance of a fixed number of visits: log standard deviations, then a unit triangle.

    Sigma = D L L' D with D = diag(exp(theta)) and L unit lower triangular, row by row: the
    parameterisation of R's mmrm, on which the second derivatives of Kenward and Roger's covariance
    depend.
    """

    def __init__(self, visits: int) -> None:
        self.visits = visits
        self.rows, self.columns = np.tril_indices(visits, -1)

    def start(self, blocks: Blocks, residuals: Floats) -> Floats:
        """Start from pairwise covariances of the residuals, drawn towards their diagonal."""
        m = self.visits
        products, numbers = np.zeros((m, m)), np.zeros((m, m))
        offset = 0
        for part in blocks.patterns:
            piece = residuals[offset : offset + part.outcome.size].reshape(part.outcome.shape)
            offset += part.outcome.size
            where = np.ix_(part.positions, part.positions)
            products[where] += piece.T @ piece
            numbers[where] += len(piece)
        sigma = products / np.maximum(numbers, 1)
        variances = np.maximum(np.diag(sigma), 1e-8)
        correlation = np.clip(sigma / np.sqrt(np.outer(variances, variances)), -0.9, 0.9)
        share = 0.8
        while True:
            mixed = share * correlation + (1 - share) * np.eye(m)
            np.fill_diagonal(mixed, 1.0)
            if np.linalg.eigvalsh(mixed)[0] > 0.05:
                break
            share /= 2
        factor = np.linalg.cholesky(mixed * np.sqrt(np.outer(variances, variances)))
        scales = np.diag(factor)
        below: Floats = (factor / scales[:, None])[self.rows, self.columns]
        return np.concatenate([np.log(scales), below])

    def bounds(self) -> None:
        """Return None: every parameter is free."""

    def degenerate(self, theta: Floats) -> str:
        """Name a visit without residual variance, or visits that determine each other."""
        scales, triangle = self._parts(np.clip(theta, -300.0, 300.0))
        sigma = triangle @ triangle.T
        unit = np.sqrt(np.diag(sigma))
        variances = np.sqrt(np.diag(sigma)) * scales
        if float(variances.min()) < VANISHED:
            return f"the residuals of visit {int(np.argmin(variances)) + 1} vanish"
        correlation = sigma / np.outer(unit, unit)
        if not np.all(np.isfinite(correlation)) or np.linalg.eigvalsh(correlation)[0] < SINGULAR:
            return "the residuals of some visits determine those of another"
        return ""

    def rescale(self, theta: Floats, factor: float) -> Floats:
        """Return the parameters of outcomes that are ``factor`` times as large."""
        moved = theta.copy()
        moved[: self.visits] += math.log(factor)
        return moved

    def _below(self) -> list[tuple[int, int]]:
        return list(zip(self.rows.tolist(), self.columns.tolist(), strict=True))

    def _parts(self, theta: Floats) -> tuple[Floats, Floats]:
        triangle = np.eye(self.visits)
        triangle[self.rows, self.columns] = theta[self.visits :]
        return np.exp(theta[: self.visits]), triangle

    def covariance(self, theta: Floats, positions: NDArray[np.intp]) -> Floats:
        """Return the covariance of the given visits."""
        scales, triangle = self._parts(theta)
        factor = scales[:, None] * triangle
        sigma: Floats = np.asarray(factor @ factor.T, dtype=np.float64)
        return sigma[np.ix_(positions, positions)]

    def _factor_slopes(self, theta: Floats) -> tuple[Floats, Floats]:
        scales, triangle = self._parts(theta)
        m, size = self.visits, len(theta)
        slopes = np.zeros((size, m, m))
        for i in range(m):
            slopes[i, i] = scales[i] * triangle[i]
        for h, (i, j) in enumerate(self._below(), start=m):
            slopes[h, i, j] = scales[i]
        return scales[:, None] * triangle, slopes

    def slopes(self, theta: Floats, positions: NDArray[np.intp]) -> Floats:
        """Return the first derivatives of the covariance of the given visits."""
        factor, slopes = self._factor_slopes(theta)
        half = slopes @ factor.T
        result: Floats = (half + half.transpose(0, 2, 1))[:, positions[:, None], positions[None, :]]
        return result

    def curvatures(self, theta: Floats, positions: NDArray[np.intp]) -> Floats:
        """Return the second derivatives of the covariance of the given visits."""
        factor, slopes = self._factor_slopes(theta)
        m, size = self.visits, len(theta)
        bends = np.zeros((size, size, m, m))
        for i in range(m):
            bends[i, i, i] = factor[i]
        for h, (i, j) in enumerate(self._below(), start=m):
            bends[i, h, i, j] = bends[h, i, i, j] = slopes[h, i, j]
        half = bends @ factor.T + np.einsum("hik,gjk->hgij", slopes, slopes)
        whole = half + half.transpose(0, 1, 3, 2)
        result: Floats = whole[:, :, positions[:, None], positions[None, :]]
        return result


class SharedIntercept:
    """A block-wide random intercept: variance theta[0] between blocks, theta[1] within."""

    def start(self, blocks: Blocks, residuals: Floats) -> Floats:
        """Start with a fifth of the variance between blocks."""
        del blocks
        variance = max(float(np.var(residuals)), 1e-8)
        return np.array([0.2 * variance, 0.8 * variance])

    def bounds(self) -> list[tuple[float | None, float | None]]:
        """Return: the variance between blocks may be zero, that within may not."""
        return [(0.0, None), (1e-10, None)]

    def degenerate(self, theta: Floats) -> str:
        """Say so where the rows of a block do not differ."""
        return "the rows of a block do not vary" if theta[1] < SINGULAR else ""

    def rescale(self, theta: Floats, factor: float) -> Floats:
        """Return the parameters of outcomes that are ``factor`` times as large."""
        return theta * factor**2

    def covariance(self, theta: Floats, positions: NDArray[np.intp]) -> Floats:
        """Return the covariance of a block."""
        size = len(positions)
        sigma: Floats = np.full((size, size), theta[0]) + theta[1] * np.eye(size)
        return sigma

    def slopes(self, theta: Floats, positions: NDArray[np.intp]) -> Floats:
        """Return the first derivatives, which do not depend on the parameters."""
        del theta
        size = len(positions)
        return np.stack([np.ones((size, size)), np.eye(size)])

    def curvatures(self, theta: Floats, positions: NDArray[np.intp]) -> None:
        """Return None: the covariance is linear in its parameters."""
