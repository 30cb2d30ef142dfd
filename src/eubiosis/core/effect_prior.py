"""A prior on the true effect of a new trial: a mixture of normals that calibration and assurance take."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eubiosis.core import laws
from eubiosis.core.scales import Scale


@dataclass(frozen=True)
class EffectPrior:
    """The distribution of a true effect, as weights, means and SDs (m,) of normal components.

    ``scale`` is the scale of the effect (MD, SMD, RD, or the log of a ratio) with ``unit`` for mean
    differences; ``better`` says which direction helps a patient. ``cohorts`` are the studies behind it and
    ``left_out`` those held back; ``basis`` is "assumed" where no trial exists.
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

    def __post_init__(self) -> None:
        if not len(self.weights) == len(self.means) == len(self.sds) > 0:
            message = "a prior needs as many weights as means and SDs, and at least one"
            raise ValueError(message)
        if min(self.weights) < 0 or not math.isclose(sum(self.weights), 1.0, abs_tol=1e-9):
            message = f"the weights must not be negative and must sum to 1, not {sum(self.weights)}"
            raise ValueError(message)
        if min(self.sds) <= 0:
            message = "every SD must be positive"
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
        z = (value - np.asarray(self.means)) / np.asarray(self.sds)
        return float(np.dot(self.weights, laws.normal_cdf(z)))

    def log_density(self, value: float) -> float:
        """Return the logarithm of the density at ``value``."""
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
