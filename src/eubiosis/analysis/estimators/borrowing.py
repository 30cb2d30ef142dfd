"""What earlier trials say about a control arm: the meta-analytic-predictive prior and its worth.

Each earlier trial reports a control-arm parameter on a scale where it is nearly normal (log rate, logit
risk, mean) with a standard error. True values scatter around a common mean with standard deviation tau.
The prior for a new trial's control arm is their predictive distribution (Neuenschwander 2010, Clinical
Trials 7:5), a mixture of normals over a grid of tau, optionally mixed with a vague part for the case that
the new trial is different (Schmidli 2014, Biometrics 70:1023).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from eubiosis.analysis.columns import Floats

GRID = 201


@dataclass(frozen=True)
class ControlPrior:
    """A mixture of normals on the analysis scale: weights, means and standard deviations (parts,).

    ``between_mean`` is the posterior mean of tau, ``studies`` the number of earlier control arms.
    """

    weights: tuple[float, ...]
    means: tuple[float, ...]
    sds: tuple[float, ...]
    between_mean: float
    studies: int

    @property
    def mean(self) -> float:
        """Return the mean of the mixture."""
        return float(np.dot(self.weights, self.means))

    @property
    def sd(self) -> float:
        """Return the standard deviation of the mixture."""
        second = np.dot(self.weights, np.square(self.sds) + np.square(self.means))
        return math.sqrt(float(second) - self.mean**2)

    def density(self, values: ArrayLike) -> Floats:
        """Return the density at each value, (values,)."""
        x = np.asarray(values, dtype=np.float64)[..., None]
        sds = np.asarray(self.sds)
        away = (x - np.asarray(self.means)) / sds
        parts = np.exp(-0.5 * away**2) / (sds * math.sqrt(2 * math.pi))
        return np.asarray(parts @ np.asarray(self.weights), dtype=np.float64)

    def quantile(self, probability: float) -> float:
        """Return a quantile of the mixture."""
        from scipy.optimize import brentq
        from scipy.special import ndtr

        means, sds = np.asarray(self.means), np.asarray(self.sds)

        def excess(x: float) -> float:
            return float(np.dot(self.weights, ndtr((x - means) / sds))) - probability

        return float(brentq(excess, float((means - 40 * sds).min()), float((means + 40 * sds).max())))


def meta_analytic_predictive(
    estimates: ArrayLike, standard_errors: ArrayLike, *, between_scale: float
) -> ControlPrior:
    """Build the predictive prior of a new control arm from earlier ones.

    ``estimates`` and ``standard_errors`` (studies,) on the analysis scale; the prior of the mean is flat
    and that of tau half-normal with scale ``between_scale``, which has to be chosen (0.5 is usual on a
    log scale). One study is enough, as tau has a proper prior. Wrong input raises ``ValueError``.

    >>> prior = meta_analytic_predictive([-1.2, -1.0, -1.4], [0.2, 0.25, 0.2], between_scale=0.5)
    >>> len(prior.weights) >= 1
    True
    """
    y, se = np.asarray(estimates, dtype=np.float64), np.asarray(standard_errors, dtype=np.float64)
    if y.ndim != 1 or y.shape != se.shape or len(y) == 0 or not np.all(np.isfinite(y)) or np.any(~(se > 0)):
        message = "allowed: as many finite estimates as positive standard errors, one or more"
        raise ValueError(message)
    if not between_scale > 0:
        message = f"between_scale {between_scale}; allowed: a positive number"
        raise ValueError(message)
    nodes, weights = np.polynomial.legendre.leggauss(GRID)
    tau = (nodes + 1) / 2 * 6 * between_scale
    variance = se[None, :] ** 2 + tau[:, None] ** 2
    precision = (1 / variance).sum(axis=1)
    centre = (y / variance).sum(axis=1) / precision
    spread = ((y[None, :] - centre[:, None]) ** 2 / variance).sum(axis=1)
    logs = -0.5 * (np.log(variance).sum(axis=1) + np.log(precision) + spread + (tau / between_scale) ** 2)
    share = weights * np.exp(logs - logs.max())
    share /= share.sum()
    return ControlPrior(
        tuple(share.tolist()),
        tuple(centre.tolist()),
        tuple(np.sqrt(1 / precision + tau**2).tolist()),
        float(share @ tau),
        len(y),
    )


def robust(prior: ControlPrior, weight: float, mean: float, sd: float) -> ControlPrior:
    """Mix a vague normal part into a prior: with ``weight`` the new trial is thought to be different."""
    if not 0 <= weight <= 1 or not sd > 0:
        message = f"weight {weight}, sd {sd}; allowed: weight from 0 to 1, positive sd"
        raise ValueError(message)
    kept = tuple((1 - weight) * part for part in prior.weights)
    return ControlPrior(
        (*kept, weight), (*prior.means, mean), (*prior.sds, sd), prior.between_mean, prior.studies
    )


def effective_sample_size(prior: ControlPrior, unit_information: Callable[[Floats], Floats]) -> float:
    """Return how many participants the prior is worth, by the expected local information ratio.

    The mean over the prior of its own information, minus the second derivative of its log density, over
    ``unit_information``, that of one participant at the same value (Neuenschwander 2020, Biometrics
    76:578). For a log rate the latter is mu / (1 + k mu); for a normal mean 1 / variance.

    >>> prior = meta_analytic_predictive([-1.2, -1.0, -1.4], [0.2, 0.25, 0.2], between_scale=0.5)
    >>> effective_sample_size(prior, lambda value: 1.0 + 0.0 * value) > 1
    True
    """
    low, high = prior.quantile(1e-7), prior.quantile(1 - 1e-7)
    points = np.linspace(low, high, 4001)
    sds, means = np.asarray(prior.sds), np.asarray(prior.means)
    away = (points[:, None] - means) / sds
    parts = np.asarray(prior.weights) * np.exp(-0.5 * away**2) / sds
    density = parts.sum(axis=1)
    slope = (-parts * away / sds).sum(axis=1) / density
    bend = (parts * (away**2 - 1) / sds**2).sum(axis=1) / density
    information = slope**2 - bend
    step = points[1] - points[0]
    weight = density / (density.sum() * step)
    return float(np.sum(weight * information / unit_information(points)) * step)


def update(prior: ControlPrior, estimate: float, standard_error: float) -> ControlPrior:
    """Return the posterior of the control arm after its own data, on the same scale.

    Each part is updated as a normal; its weight by how well it foresaw the estimate.
    """
    from scipy.stats import norm

    if not standard_error > 0:
        message = f"standard_error {standard_error}; allowed: a positive number"
        raise ValueError(message)
    sds, means = np.asarray(prior.sds), np.asarray(prior.means)
    foreseen = np.asarray(prior.weights) * norm.pdf(estimate, means, np.hypot(sds, standard_error))
    precision = 1 / sds**2 + 1 / standard_error**2
    centre = (means / sds**2 + estimate / standard_error**2) / precision
    return ControlPrior(
        tuple((foreseen / foreseen.sum()).tolist()),
        tuple(centre.tolist()),
        tuple((1 / np.sqrt(precision)).tolist()),
        prior.between_mean,
        prior.studies,
    )
