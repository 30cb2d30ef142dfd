"""Several estimates per study: a three-level model and cluster-robust standard errors."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from eubiosis.core import laws
from eubiosis.core.soundness import Status
from eubiosis.evidence.synthesis.combine import VANISHING
from eubiosis.evidence.synthesis.heterogeneity import Array


@dataclass(frozen=True)
class ThreeLevelFit:
    """A mean effect with variance between clusters and between estimates of one cluster (REML).

    ``robust_*`` are cluster-robust with the small-sample factor m/(m - 1) and t on m - 1 degrees of
    freedom, m being the number of clusters.
    """

    estimate: float
    standard_error: float
    between: float
    within: float
    q: float
    log_likelihood: float
    robust_standard_error: float
    robust_df: int
    robust_p: float
    clusters: int
    k: int
    robust_status: Status = "ok"


def three_level(y: Sequence[float], v: Sequence[float], clusters: Sequence[Hashable]) -> ThreeLevelFit:
    """Fit y_ij = b + u_j + w_ij + e_ij by restricted likelihood (Konstantopoulos 2011).

    ``y``, ``v``, ``clusters`` (k,). The likelihood is searched from a grid of both variances, zero included.
    Raises ``ValueError`` with fewer than two clusters, estimates that are not finite or variances that are
    not positive, and ``ArithmeticError`` when the likelihood search fails.

    >>> fitted = three_level([0.1, 0.2, 0.6, 0.7], [0.02] * 4, ["a", "a", "b", "b"])
    >>> round(fitted.estimate, 3), fitted.clusters
    (0.4, 2)
    """
    y_, v_ = np.asarray(y, dtype=float), np.asarray(v, dtype=float)
    if not len(y_) == len(v_) == len(clusters):
        message = f"{len(y_)} estimates, {len(v_)} variances and {len(clusters)} clusters"
        raise ValueError(message)
    if not np.all(np.isfinite(y_)) or not np.all(np.isfinite(v_) & (v_ > 0)):
        message = "estimates must be finite and variances positive"
        raise ValueError(message)
    labels = sorted(set(clusters), key=str)
    if len(labels) < 2:
        message = "a three-level model needs at least two clusters"
        raise ValueError(message)
    member = np.array([[c == label for label in labels] for c in clusters], dtype=float)
    same = member @ member.T

    def weight(between: float, within: float) -> tuple[Array, float]:
        covariance = np.diag(v_ + within) + between * same
        return np.linalg.inv(covariance), float(np.linalg.slogdet(covariance)[1])

    def log_likelihood(between: float, within: float) -> float:
        w, log_determinant = weight(between, within)
        total = float(w.sum())
        mean = float(w.sum(axis=0) @ y_) / total
        residual = y_ - mean
        return -0.5 * (
            (len(y_) - 1) * math.log(2 * math.pi) + log_determinant + math.log(total)
            - math.log(len(y_)) + float(residual @ w @ residual)
        )  # fmt: skip

    between, within = _search(log_likelihood, max(float(np.var(y_)), float(v_.mean()) * 1e-6))
    w, _ = weight(between, within)
    total = float(w.sum())
    mean = float(w.sum(axis=0) @ y_) / total
    scores = member.T @ (w @ (y_ - mean))
    m = len(labels)
    squares = float(scores @ scores)
    flat = squares <= VANISHING * float(np.sum((member.T @ w @ y_) ** 2))
    robust = math.nan if flat else math.sqrt(m / (m - 1) * squares) / total
    fixed = float((y_ / v_).sum() / (1 / v_).sum())
    return ThreeLevelFit(
        mean, total**-0.5, between, within, float(((y_ - fixed) ** 2 / v_).sum()),
        log_likelihood(between, within), robust, m - 1,
        2 * float(laws.t_sf(abs(mean) / robust, m - 1)), m, len(y_),
        "no_variance" if flat else "ok",
    )  # fmt: skip


def _search(log_likelihood: Callable[[float, float], float], scale: float) -> tuple[float, float]:
    """Maximise over both variances, bounded below by zero, from several starts and the best of a grid."""
    from scipy import optimize

    places = (0.0, *np.geomspace(1e-3, 10.0, 9).tolist())
    grid = [(one, other) for one in places for other in places]
    heights = [log_likelihood(one * scale, other * scale) for one, other in grid]
    tops = [grid[i] for i in np.argsort(heights)[::-1][:3].tolist()]
    best: tuple[float, float, float] | None = None
    for start in ((0.5, 0.5), (0.1, 0.9), (0.9, 0.1), (0.01, 0.01), *tops):
        result = optimize.minimize(
            lambda s: -log_likelihood(s[0] * scale, s[1] * scale), start, method="L-BFGS-B",
            bounds=[(0, None), (0, None)], options={"ftol": 1e-15, "gtol": 1e-9, "maxiter": 500},
        )  # fmt: skip
        if best is None or -result.fun > best[0]:
            best = (-float(result.fun), float(result.x[0]) * scale, float(result.x[1]) * scale)
    if best is None or not math.isfinite(best[0]):
        message = "the likelihood of the three-level model has no maximum"
        raise ArithmeticError(message)
    return best[1], best[2]
