"""The sum that a held niche makes least: how far it is from the composition, and from the usual factors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eubiosis.core.guilds import GUILDS
from eubiosis.engine import Array
from eubiosis.model.niche_system import Local, solved


@dataclass(frozen=True)
class NichePrior:
    """What factors are compared with, and how strongly.

    ``factors`` (guilds,) of the reference and its resting ``states`` (states,). ``error`` and ``spread``
    (guilds,) are the standard deviations of the two sums, in log units; infinite ones leave a term out. A
    person is far with a log share off by more than ``far``, or a factor over or under the reference by more
    than ``most`` times.
    """

    factors: Array
    states: Array
    error: Array
    spread: Array
    far: float
    most: float


def sum_at(prior: NichePrior, ln_factors: Array, biomass: Array, asked: Array) -> Array:
    """Return the sum (n,) of log factors and log biomasses, against the log shares ``asked`` for.

    ``biomass`` comes from ``Relaxation.point``, column by column.
    """
    away = np.log(_shares(biomass, by_column=True)) - asked
    excess = ln_factors - np.log(prior.factors)
    return np.asarray(
        np.sum(prior.error**-2.0 * away * away, axis=1) + np.sum(prior.spread**-2.0 * excess * excess, axis=1)
    )


def _shares(biomass: Array, *, by_column: bool) -> Array:
    """Return shares (n, guilds); ``by_column`` adds the guilds up in their order.

    The order is said, because numpy would take it from the layout, which one person alone does not show.
    """
    shares = np.exp(biomass - biomass.max(axis=1, keepdims=True))
    if by_column:
        return np.asarray(shares / np.add.accumulate(shares, axis=1)[:, -1:])
    return np.asarray(shares / np.ascontiguousarray(shares).sum(axis=1, keepdims=True))


@dataclass(frozen=True)
class Terms:
    """The sum near some people's points: ``total`` (n,), half its derivatives, and the rule of the scale.

    ``slope`` (n, guilds, guilds + 1) holds the curvature (Gauss-Newton) and in its last column the gradient.
    ``scale`` (n, guilds) is the derivative of the sum of the log factors, which is ``over`` (n,) too large.
    """

    total: Array
    slope: Array
    scale: Array
    over: Array

    def move(self, damping: Array) -> Array:
        """Return the best move of the log biomasses, (n, guilds), under ``damping`` (n,)."""
        size, each = len(GUILDS), np.arange(len(GUILDS))
        matrix = np.empty((len(self.total), size + 1, size + 1))
        matrix[:, :size, :size] = self.slope[:, :, :size]
        mean = np.trace(self.slope, axis1=1, axis2=2) / size
        matrix[:, each, each] += (damping * mean)[:, None]
        matrix[:, size, :size] = matrix[:, :size, size] = self.scale
        matrix[:, size, size] = 0.0
        wanted = np.empty((len(self.total), size + 1, 1))
        wanted[:, :size, 0], wanted[:, size, 0] = -self.slope[:, :, size], -self.over
        return solved(matrix, wanted)[:, :size, 0]


def terms_at(
    prior: NichePrior, local: Local, biomass: Array, asked: Array, *, by_column: bool = False
) -> Terms:
    """Linearise the sum at log ``biomass`` (n, guilds), other states taken to rest.

    ``by_column`` says that it comes from ``Relaxation.point``.
    """
    size, each = len(GUILDS), np.arange(len(GUILDS))
    weight, pull = 1 / prior.error, 1 / prior.spread
    shares = _shares(biomass, by_column=by_column)
    excess = local.ln_factors + local.slopes[:, :, 0] - np.log(prior.factors)
    # residuals of both sums in the last column, their derivatives before it: d ln s_g / d ln b_h is
    # (g = h) - s_h
    rows = np.empty((len(biomass), 2 * size, size + 1))
    np.multiply(local.slopes[:, :, 1:], pull[:, None], out=rows[:, :size, :size])
    rows[:, :size, size] = pull * excess
    np.multiply(shares[:, None, :], -weight[:, None], out=rows[:, size:, :size])
    rows[:, size + each, each] += weight
    rows[:, size:, size] = weight * (np.log(shares) - asked)
    slope = np.matmul(rows[:, :, :size].transpose(0, 2, 1), rows)
    total = np.sum(rows[:, :, size] ** 2, axis=1)
    return Terms(total, slope, local.slopes[:, :, 1:].sum(axis=1), excess.sum(axis=1))
