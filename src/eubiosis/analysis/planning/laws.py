"""Laws behind the powers, on whole arrays: normal and noncentral t, roots, and Gauss's nodes.

Every function broadcasts its arguments. Powers count rejections in the direction of benefit only.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from eubiosis.analysis.columns import Bools, Floats

LARGEST = 1e7  # more participants per arm than this count as not reachable
_STEPS = 200


def normal_point(tail: Floats | float) -> Floats:
    """Return the point that a standard normal exceeds with the probability ``tail``."""
    from scipy.special import ndtri

    return np.asarray(-ndtri(tail), dtype=np.float64)


def normal_power(shift: Floats) -> Floats:
    """Return the standard normal distribution function."""
    from scipy.special import ndtr

    return np.asarray(ndtr(shift), dtype=np.float64)


def t_power(freedom: Floats, shift: Floats, alpha: Floats | float) -> Floats:
    """Return the probability that a noncentral t exceeds the upper ``alpha`` / 2 point of the central one.

    Past a noncentrality of 30 the power is 1 to double precision at any alpha in use; there the series of
    the library may fail, so it is not asked.
    """
    from scipy.special import nctdtr, stdtrit

    freedom, shift, level = np.broadcast_arrays(freedom, shift, np.asarray(alpha, dtype=np.float64))
    critical = -stdtrit(freedom, level / 2)
    certain = (shift > 30) & (critical < 0.5 * shift)
    inside = np.where(certain, 0.0, shift)
    return np.asarray(np.where(certain, 1.0, 1.0 - nctdtr(freedom, inside, critical)), dtype=np.float64)


def smallest_size(
    power_at: Callable[[Floats], Floats], target: Floats, least: float, guess: Floats
) -> Floats:
    """Return the real-valued size (shape of ``target``) at which each power reaches its target.

    ``power_at`` takes sizes of that shape and increases in each of them; ``guess`` is where to begin.
    ``least`` comes back where it is enough, infinity where ``LARGEST`` is not. Bracketed by doubling, then
    the method of Anderson and Bjorck (1973) on the log of the size.
    """
    target = np.asarray(target, dtype=np.float64)
    start = np.log(np.clip(np.where(np.isfinite(guess), guess, 10.0), 1.01 * least, LARGEST))
    low, high = np.full(target.shape, np.log(least)), np.full(target.shape, np.log(LARGEST))
    at_low, at_high = power_at(np.exp(low)) - target, power_at(np.exp(high)) - target
    enough, never = at_low >= 0, ~(at_high >= 0)
    settled = enough | never
    width = np.full(target.shape, 0.02)
    here = start
    value = power_at(np.exp(here)) - target
    for _ in range(60):  # walk from the guess until every root is between two points
        up = value < 0
        low, at_low = np.where(up, here, low), np.where(up, value, at_low)
        high, at_high = np.where(up, high, here), np.where(up, at_high, value)
        if bool(np.all(settled | (high - low <= 2.5 * width))):
            break
        here = np.where(up, np.minimum(low + width, high), np.maximum(high - width, low))
        here = np.where(high - low <= width, (low + high) / 2, here)
        value = power_at(np.exp(here)) - target
        width = width * 2
    root = _regula_falsi(power_at, target, (low, at_low), (high, at_high), settled)
    found = np.exp(np.where(settled, np.log(least), root))
    return np.asarray(np.where(enough, least, np.where(never, np.inf, found)), dtype=np.float64)


def _regula_falsi(
    power_at: Callable[[Floats], Floats],
    target: Floats,
    lower: tuple[Floats, Floats],
    upper: tuple[Floats, Floats],
    settled: Bools,
) -> Floats:
    (low, at_low), (high, at_high) = lower, upper
    middle = (low + high) / 2
    for step in range(_STEPS):
        gap = at_high - at_low
        line = low - at_low * np.divide(high - low, gap, out=np.zeros_like(gap), where=gap != 0)
        inside = (line > low) & (line < high) & (gap > 0) & (step % 8 != 7)
        new = np.where(inside, line, (low + high) / 2)
        value = power_at(np.exp(new)) - target
        done = settled | (np.abs(new - middle) < 1e-12) | (value == 0) | (high - low < 1e-12)
        middle = new
        if bool(np.all(done)):
            break
        up = value < 0
        # the end that stays is pulled towards the root, or it would stay for ever
        pull_high = np.where(at_low < 0, 1 - value / np.where(at_low == 0, 1.0, at_low), 0.5)
        pull_low = np.where(at_high > 0, 1 - value / np.where(at_high == 0, 1.0, at_high), 0.5)
        at_high = np.where(up, at_high * np.where(pull_high > 0, pull_high, 0.5), value)
        at_low = np.where(up, value, at_low * np.where(pull_low > 0, pull_low, 0.5))
        low, high = np.where(up, new, low), np.where(up, high, new)
    return middle


def round_sizes(sizes: Floats) -> Floats:
    """Round sizes up, forgiving the last digits of a root; infinity stays.

    >>> round_sizes(np.array([175.385, 132.0000000001, np.inf])).tolist()
    [176.0, 132.0, inf]
    """
    return np.asarray(np.ceil(sizes - 1e-7), dtype=np.float64)


@cache
def gauss_nodes(count: int) -> tuple[Floats, Floats]:
    """Return the nodes and weights of Gauss and Legendre on 0 to 1, (count,) each; not to be written to."""
    nodes, weights = np.polynomial.legendre.leggauss(count)
    nodes, weights = (nodes + 1) / 2, weights / 2
    nodes.flags.writeable = weights.flags.writeable = False
    return nodes, weights
