"""A prior on the true effect of a new trial: a mixture of normals that calibration and assurance take."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eubiosis.core import laws
from eubiosis.core.findings import Finding, FindingsError
from eubiosis.core.scales import Scale

_LEAST_SIDE = 0.01


@dataclass(frozen=True)
class EffectPrior:
    """The distribution of a true effect, as weights, means and SDs (m,) of normal components.

    ``scale`` is the scale of the effect (MD, SMD, RD, or the log of a ratio) with ``unit`` for mean
    differences; ``better`` says which direction helps a patient. ``cohorts`` are the studies behind it and
    ``left_out`` those held back; ``basis`` is "assumed" where no trial exists. For relapses and lesions
    ``outside_share`` is the share of the variance of the null-centred part that lies outside the mechanism,
    and ``outside_cohorts`` are the add-on trials whose spread it has. A component with an SD of 0 is a point.
    """

    outcome: str
    intervention: str
    scale: Scale
    unit: str
    better: str
    weights: tuple[float, ...]
    means: tuple[float, ...]
    sds: tuple[float, ...]
    cohorts: tuple[str, ...]
    left_out: tuple[str, ...]
    basis: str
    notes: tuple[str, ...]
    outside_share: float | None = None
    outside_cohorts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not len(self.weights) == len(self.means) == len(self.sds) > 0:
            message = "a prior needs as many weights as means and SDs, and at least one"
            raise ValueError(message)
        if min(self.weights) < 0 or not math.isclose(sum(self.weights), 1.0, abs_tol=1e-9):
            message = f"the weights must not be negative and must sum to 1, not {sum(self.weights)}"
            raise ValueError(message)
        if min(self.sds) < 0 or max(self.sds) == 0:
            message = "no SD may be negative, and one must be positive"
            raise ValueError(message)

    @property
    def mean(self) -> float:
        """Return the mean of the mixture."""
        return float(np.dot(self.weights, self.means))

    @property
    def sd(self) -> float:
        """Return the standard deviation of the mixture."""
        second = float(np.dot(self.weights, np.square(self.sds) + np.square(self.means)))
        return math.sqrt(second - self.mean**2)

    def cdf(self, value: float) -> float:
        """Return the probability that the true effect lies below ``value``."""
        off, sds = value - np.asarray(self.means), np.asarray(self.sds)
        point = np.where(off >= 0, 1.0, 0.0)
        below = np.where(sds > 0, laws.normal_cdf(off / np.where(sds > 0, sds, 1.0)), point)
        return float(np.dot(self.weights, below))

    def chance_below(self, ratio: float) -> float:
        """Return the probability that the ratio lies below ``ratio``; the scale is the log of a ratio."""
        return self.cdf(math.log(ratio))

    def log_density(self, value: float) -> float:
        """Return the log density at ``value``; raises ``ValueError`` where a point has weight."""
        if min(self.sds) == 0:
            message = "a prior with a point has no density"
            raise ValueError(message)
        means, sds = np.asarray(self.means), np.asarray(self.sds)
        weights = np.maximum(self.weights, 1e-300)
        parts = laws.normal_log_pdf((value - means) / sds) + np.log(weights / sds)
        return float(np.logaddexp.reduce(parts))

    def quantile(self, p: float) -> float:
        """Return the p quantile, 0 < p < 1."""
        if not 0 < p < 1:
            message = f"p = {p} lies outside 0 to 1"
            raise ValueError(message)
        means, sds = np.asarray(self.means), np.asarray(self.sds)
        low, high = float((means - 40 * sds).min()), float((means + 40 * sds).max())
        return laws.root(lambda x: self.cdf(x) - p, low, high)

    def sample(self, generator: np.random.Generator, size: int) -> NDArray[np.float64]:
        """Draw ``size`` true effects (size,)."""
        component = generator.choice(len(self.weights), size=size, p=np.asarray(self.weights))
        return generator.normal(np.asarray(self.means)[component], np.asarray(self.sds)[component])

    def demand_support_at_zero(self, name: str) -> None:
        """Raise ``FindingsError`` naming the prior where it leaves no effect out: below 1 % on a side."""
        below = self.cdf(0.0)
        if not _LEAST_SIDE <= below <= 1 - _LEAST_SIDE and self.cdf(1e-12) - self.cdf(-1e-12) < _LEAST_SIDE:
            problem = f"a prior without support at zero: {below:.2%} of it lies below no effect"
            allowed = "1 % or more on each side, or at zero"
            step = "mix it with a part about no effect"
            raise FindingsError([Finding("prior", name, problem, allowed=allowed, next_step=step)])
