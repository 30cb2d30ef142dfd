"""Laws of probability and a root finder, from ``scipy.special`` alone.

``scipy.stats`` gives the same numbers and takes half a second to import, which is more than most commands
compute. Every function broadcasts its arguments; the tests hold each against ``scipy.stats``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

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


def f_quantile(p: ArrayLike, above: ArrayLike, below: ArrayLike) -> Floats:
    """Return the points of F laws below which lies ``p``, by degrees of freedom above and below."""
    return np.asarray(special.fdtri(above, below, p), dtype=np.float64)


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

    Inverse quadratic interpolation with bisection where that is not trusted (Chandrupatla 1997, Advances in
    Engineering Software 28:145). Raises ``ValueError`` where the ends have the same sign.

    >>> round(root(lambda x: x**2 - 2, 0.0, 2.0), 12)
    1.414213562373
    """
    a, b = low, high
    at_a, at_b = function(a), function(b)
    if at_a == 0 or at_b == 0:
        return a if at_a == 0 else b
    if (at_a < 0) == (at_b < 0):
        message = f"no sign change between {low:g} ({at_a:g}) and {high:g} ({at_b:g})"
        raise ValueError(message)
    c, at_c, share = a, at_a, 0.5
    for _ in range(_STEPS):
        new = a + share * (b - a)
        value = function(new)
        if (value < 0) == (at_a < 0):
            c, at_c = a, at_a
        else:
            c, b, at_c, at_b = b, a, at_b, at_a
        a, at_a = new, value
        best = a if abs(at_a) < abs(at_b) else b
        smallest = 2 * math.ulp(best) / abs(b - a)
        if value == 0 or smallest > 0.5:
            return best
        share = 0.5
        along, rise = (a - b) / (c - b), (at_a - at_b) / (at_c - at_b)
        if 1 - math.sqrt(1 - along) < rise < math.sqrt(along):
            near = at_a / (at_b - at_a) * at_c / (at_b - at_c)
            far = (c - a) / (b - a) * at_a / (at_c - at_a) * at_b / (at_c - at_b)
            share = near + far
        share = min(max(share, smallest), 1 - smallest)
    return best


@cache
def gauss_legendre(count: int) -> tuple[Floats, Floats]:
    """Return the nodes and weights of Gauss and Legendre on -1 to 1, (count,) each; not to be written to.

    Newton's iteration on the Legendre polynomial from Tricomi's start; the eigenvalues of ``numpy`` take
    seconds of every core for hundreds of nodes.

    >>> [one.round(12).tolist() for one in gauss_legendre(2)]
    [[-0.57735026919, 0.57735026919], [1.0, 1.0]]
    """
    order = np.arange(count, 0, -1)
    x = (1 - (count - 1) / (8 * count**3)) * np.cos(math.pi * (4 * order - 1) / (4 * count + 2))
    for _ in range(8):
        before, now = np.ones(count), x
        for k in range(2, count + 1):
            before, now = now, ((2 * k - 1) * x * now - (k - 1) * before) / k
        slope = count * (x * now - before) / (x**2 - 1)
        x = x - now / slope
    weights = 2 / ((1 - x**2) * slope**2)
    x.flags.writeable = weights.flags.writeable = False
    return x, weights
