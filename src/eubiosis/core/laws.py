"""Laws of probability and a root finder, from ``scipy.special`` alone.

``scipy.stats`` gives the same numbers and takes half a second to import, which is more than most commands
compute. Every function broadcasts its arguments; the tests hold each against ``scipy.stats``.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

Floats = NDArray[np.float64]

Z975 = 1.959963984540054  # the point that a standard normal exceeds with 2.5 %
_LOG_ROOT_TWO_PI = 0.5 * math.log(2 * math.pi)
_STEPS = 300


def normal_cdf(x: ArrayLike) -> Floats:
    """Return the standard normal distribution function."""
    return np.asarray(special.ndtr(x), dtype=np.float64)


def normal_sf(x: ArrayLike) -> Floats:
    """Return the probability that a standard normal exceeds ``x``."""
    return np.asarray(special.ndtr(-np.asarray(x, dtype=np.float64)), dtype=np.float64)


def normal_log_pdf(x: ArrayLike) -> Floats:
    """Return the logarithm of the standard normal density."""
    value = np.asarray(x, dtype=np.float64)
    return np.asarray(-(value**2) / 2 - _LOG_ROOT_TWO_PI, dtype=np.float64)


def normal_pdf(x: ArrayLike) -> Floats:
    """Return the standard normal density."""
    return np.exp(normal_log_pdf(x))


def normal_quantile(p: ArrayLike) -> Floats:
    """Return the point below which a standard normal lies with probability ``p``."""
    return np.asarray(special.ndtri(p), dtype=np.float64)


def normal_point(tail: ArrayLike) -> Floats:
    """Return the point that a standard normal exceeds with probability ``tail``.

    >>> round(float(normal_point(0.025)), 6)
    1.959964
    """
    return np.asarray(-special.ndtri(tail), dtype=np.float64)


def t_sf(x: ArrayLike, freedom: ArrayLike) -> Floats:
    """Return the probability that Student's t exceeds ``x``."""
    return np.asarray(special.stdtr(freedom, -np.asarray(x, dtype=np.float64)), dtype=np.float64)


def t_quantile(p: ArrayLike, freedom: ArrayLike) -> Floats:
    """Return the point below which Student's t lies with probability ``p``."""
    return np.asarray(special.stdtrit(freedom, p), dtype=np.float64)


def t_point(tail: ArrayLike, freedom: ArrayLike) -> Floats:
    """Return the point that Student's t exceeds with probability ``tail``."""
    return -t_quantile(tail, freedom)


def chi2_sf(x: ArrayLike, freedom: ArrayLike) -> Floats:
    """Return the probability that chi-square exceeds ``x``."""
    return np.asarray(special.chdtrc(freedom, x), dtype=np.float64)


def chi2_point(tail: ArrayLike, freedom: ArrayLike) -> Floats:
    """Return the point that chi-square exceeds with probability ``tail``."""
    return np.asarray(special.chdtri(freedom, tail), dtype=np.float64)


def f_sf(x: ArrayLike, above: ArrayLike, below: ArrayLike) -> Floats:
    """Return the probability that F with ``above`` and ``below`` degrees of freedom exceeds ``x``."""
    return np.asarray(special.fdtrc(above, below, x), dtype=np.float64)


def binomial_cdf(count: ArrayLike, trials: ArrayLike, chance: ArrayLike) -> Floats:
    """Return the probability of at most ``count`` of ``trials`` successes; counts are whole numbers."""
    k, n = np.asarray(count, dtype=np.float64), np.asarray(trials, dtype=np.float64)
    inside = (k >= 0) & (k < n)
    some = special.betainc(np.where(inside, n - k, 1.0), np.where(inside, k + 1, 1.0), 1 - np.asarray(chance))
    return np.asarray(np.where(inside, some, np.where(k < 0, 0.0, 1.0)), dtype=np.float64)


def negative_binomial_cdf(count: ArrayLike, size: ArrayLike, chance: ArrayLike) -> Floats:
    """Return the probability of at most ``count`` failures before ``size`` successes; counts are whole."""
    k = np.asarray(count, dtype=np.float64)
    some = special.betainc(size, np.maximum(k, 0.0) + 1, chance)
    return np.asarray(np.where(k < 0, 0.0, some), dtype=np.float64)


def negative_binomial_pmf(count: ArrayLike, size: float, chance: float) -> Floats:
    """Return the probability of exactly ``count`` failures before ``size`` successes."""
    k = np.asarray(count, dtype=np.float64)
    ways = special.gammaln(size + k) - special.gammaln(k + 1) - special.gammaln(size)
    return np.asarray(np.exp(ways + size * math.log(chance) + special.xlog1py(k, -chance)), dtype=np.float64)


def root(function: Callable[[float], float], low: float, high: float) -> float:
    """Return where a continuous function crosses zero between ``low`` and ``high``, to double precision.

    Bracketed regula falsi of Anderson and Bjorck (1973, BIT 13:253) with a bisection at every fourth step.
    Raises ``ValueError`` where the ends have the same sign.

    >>> round(root(lambda x: x**2 - 2, 0.0, 2.0), 12)
    1.414213562373
    """
    at_low, at_high = function(low), function(high)
    if at_low == 0:
        return low
    if at_high == 0:
        return high
    if not at_low * at_high < 0:
        message = f"no sign change between {low:g} ({at_low:g}) and {high:g} ({at_high:g})"
        raise ValueError(message)
    for step in range(_STEPS):
        middle = (low + high) / 2
        line = low - at_low * (high - low) / (at_high - at_low)
        new = line if step % 4 != 3 and min(low, high) < line < max(low, high) else middle
        value = function(new)
        if value == 0 or abs(high - low) <= 2 * math.ulp(max(abs(low), abs(high))):
            return new
        if (value < 0) == (at_low < 0):
            pull = 1 - value / at_low
            at_high *= pull if pull > 0 else 0.5
            low, at_low = new, value
        else:
            pull = 1 - value / at_high
            at_low *= pull if pull > 0 else 0.5
            high, at_high = new, value
    return (low + high) / 2
