"""A Bayesian random-effects mean with a half-normal prior on tau, by quadrature (no sampling).

y_i ~ N(mu, v_i + tau^2), mu with a flat prior or N(0, s^2), tau ~ half-normal(scale). Given tau, mu is
normal in closed form, so the posterior is a mixture over a grid of tau (Roever 2020, J Stat Softw 93:6).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eubiosis.core import laws
from eubiosis.evidence.synthesis.heterogeneity import Array

_NODES = 400
_NEGLIGIBLE = 1e-14  # components of a mixture with less weight change no digit


@dataclass(frozen=True)
class BayesFit:
    """A posterior: ``weights``, ``means``, ``sds``, ``taus`` (nodes,) of the mixture over tau."""

    weights: Array
    means: Array
    sds: Array
    taus: Array
    tau_scale: float
    level: float = 0.95

    @property
    def estimate(self) -> float:
        """Return the posterior median of the mean effect."""
        return self._quantile(0.5, self.sds)

    @property
    def interval(self) -> tuple[float, float]:
        """Return the central interval of the mean effect."""
        tail = (1 - self.level) / 2
        return self._quantile(tail, self.sds), self._quantile(1 - tail, self.sds)

    @property
    def prediction_interval(self) -> tuple[float, float]:
        """Return the central interval of the true effect in a new study."""
        tail, spread = (1 - self.level) / 2, self.predictive_sds
        return self._quantile(tail, spread), self._quantile(1 - tail, spread)

    @property
    def predictive_sds(self) -> Array:
        """Return the SDs (nodes,) of a new study's true effect given each tau."""
        return np.hypot(self.sds, self.taus)

    @property
    def tau_median(self) -> float:
        """Return the posterior median of tau."""
        return float(np.interp(0.5, np.cumsum(self.weights), self.taus))

    def probability_below(self, value: float) -> float:
        """Return the posterior probability that the mean effect lies below ``value``."""
        return float(self.weights @ laws.normal_cdf((value - self.means) / self.sds))

    def _quantile(self, p: float, sds: Array) -> float:
        return mixture_quantile(p, self.weights, self.means, sds)


def mixture_quantile(p: float, weights: Array, means: Array, sds: Array) -> float:
    """Return the p quantile of a mixture of normals, which lies between those of its components."""
    points = means + sds * laws.normal_quantile(p)
    low, high = float(points.min()), float(points.max())
    if low == high:
        return low
    parts = weights > _NEGLIGIBLE
    kept, centres, spreads = weights[parts], means[parts], sds[parts]

    def gap(value: float) -> float:
        return float(kept @ laws.normal_cdf((value - centres) / spreads)) - p

    if gap(low) >= 0:  # up to rounding
        return low
    return high if gap(high) <= 0 else laws.root(gap, low, high)


def bayes_fit(
    y: Sequence[float] | Array,
    v: Sequence[float] | Array,
    *,
    tau_scale: float,
    mean_prior_sd: float | None = None,
    level: float = 0.95,
) -> BayesFit:
    """Fit the posterior of the mean of k >= 1 estimates.

    ``tau_scale`` is the scale of the half-normal prior in the unit of the effect; ``mean_prior_sd`` is
    the SD of a normal prior at zero, or None for a flat one.
    """
    if not 0 < tau_scale < math.inf or not (mean_prior_sd is None or 0 < mean_prior_sd < math.inf):
        message = "tau_scale and mean_prior_sd must be positive and finite"
        raise ValueError(message)
    y_, v_ = np.asarray(y, dtype=float), np.asarray(v, dtype=float)
    if len(y_) == 0 or len(y_) != len(v_):
        message = f"{len(y_)} estimates and {len(v_)} variances"
        raise ValueError(message)
    if not np.all(np.isfinite(y_)) or not np.all(np.isfinite(v_) & (v_ > 0)):
        message = "estimates must be finite and variances positive"
        raise ValueError(message)
    nodes, node_weights = laws.gauss_legendre(_NODES)
    top = 6 * tau_scale
    taus = 0.5 * top * (nodes + 1)
    w = 1 / (v_[None, :] + taus[:, None] ** 2)
    precision = w.sum(axis=1) + (0.0 if mean_prior_sd is None else mean_prior_sd**-2)
    means = (w @ y_) / precision
    q = (w * y_[None, :] ** 2).sum(axis=1) - precision * means**2
    log_density = 0.5 * np.log(w).sum(axis=1) - 0.5 * np.log(precision) - 0.5 * q
    log_density += laws.normal_log_pdf(taus / tau_scale) + np.log(node_weights)
    weights = np.exp(log_density - log_density.max())
    weights /= weights.sum()
    return BayesFit(weights, means, precision**-0.5, taus, tau_scale, level)
