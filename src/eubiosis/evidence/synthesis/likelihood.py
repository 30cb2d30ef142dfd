"""The likelihood of tau2 seen whole: every maximum on it, tau2 = 0 included, and which is the highest.

Few studies of very different size can give a likelihood with two maxima; an iteration finds the one that it
starts near. Here the surface is walked over a grid of tau2 and each rise is followed to its top.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from eubiosis.core import laws

Array = NDArray[np.float64]

PER_DECADE = 12  # grid points for each factor of ten in tau2
FLAT = 1e-9  # a maximum that stands out by less, in units of log-likelihood, is none


def log_likelihood(y: Array, v: Array, x: Array, tau2: Array, *, restricted: bool) -> Array:
    """Return the (restricted) log-likelihood at each ``tau2`` (points,), up to a constant.

    ``y``, ``v`` (k,), ``x`` (k, p); equations 4 and 5 of Viechtbauer 2005 with beta at its maximum.
    """
    weight = 1 / (v[None, :] + tau2[:, None])
    normal = np.einsum("gk,ki,kj->gij", weight, x, x)
    right = np.einsum("gk,ki,k->gi", weight, x, y)
    beta = np.linalg.solve(normal, right[:, :, None])[:, :, 0]
    residual = y[None, :] - beta @ x.T
    value = 0.5 * np.sum(np.log(weight), axis=1) - 0.5 * np.sum(weight * residual**2, axis=1)
    if restricted:
        value -= 0.5 * np.linalg.slogdet(normal)[1]
    return np.asarray(value, dtype=np.float64)


def maxima(y: Array, v: Array, x: Array, *, restricted: bool) -> list[tuple[float, float]]:
    """Return (tau2, log-likelihood) of every maximum over tau2 >= 0, the highest first."""
    found = []
    for low, high, _ in peaks(y, v, x, restricted=restricted):
        tau2 = _top(y, v, x, low, high, restricted=restricted)
        found.append((tau2, float(log_likelihood(y, v, x, np.array([tau2]), restricted=restricted)[0])))
    found.sort(key=lambda one: -one[1])
    return [one for i, one in enumerate(found) if i == 0 or _apart(y, v, x, found[:i], one, restricted)]


def peaks(y: Array, v: Array, x: Array, *, restricted: bool) -> list[tuple[float, float, float]]:
    """Return the grid points about every peak of the grid over tau2 >= 0, and the log-likelihood of the peak.

    The grid runs from a ten-thousandth of the smallest variance to ten times what the estimates and their
    variances span; above that the likelihood only falls.
    """
    largest = 10 * max(float(np.ptp(y)) ** 2, float(v.max()))
    smallest = 1e-4 * float(v.min())
    points = int(np.ceil(PER_DECADE * np.log10(largest / smallest))) + 1
    grid = np.concatenate(([0.0], np.geomspace(smallest, largest, points)))
    value = log_likelihood(y, v, x, grid, restricted=restricted)
    before = np.concatenate(([-np.inf], value[:-1]))
    after = np.concatenate((value[1:], [-np.inf]))
    return [
        (float(grid[max(i - 1, 0)]), float(grid[min(i + 1, points)]), float(value[i]))
        for i in np.flatnonzero((value >= before) & (value > after)).tolist()
    ]


def score(y: Array, v: Array, x: Array, tau2: float, *, restricted: bool) -> float:
    """Return the slope of the (restricted) log-likelihood in tau2."""
    w = 1 / (v + tau2)
    wx = w[:, None] * x
    p = np.diag(w) - wx @ np.linalg.solve(x.T @ wx, wx.T)
    py = p @ y
    return 0.5 * float(py @ py - (np.trace(p) if restricted else w.sum()))


def _top(y: Array, v: Array, x: Array, low: float, high: float, *, restricted: bool) -> float:
    """Return where the slope falls through zero between two points of the grid, or the end that is higher."""

    def slope(tau2: float) -> float:
        return score(y, v, x, tau2, restricted=restricted)

    if slope(low) <= 0:
        return float(low)
    if slope(high) >= 0:
        return float(high)
    return laws.root(slope, low, high)


def _apart(
    y: Array,
    v: Array,
    x: Array,
    higher: list[tuple[float, float]],
    one: tuple[float, float],
    restricted: bool,
) -> bool:
    """Say whether a valley lies between a maximum and every higher one."""
    for tau2, _ in higher:
        between = np.linspace(tau2, one[0], 41)[1:-1]
        if float(log_likelihood(y, v, x, between, restricted=restricted).min()) > one[1] - FLAT:
            return False
    return True
