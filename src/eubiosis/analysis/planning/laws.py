"""Laws behind the powers, on whole arrays: normal and noncentral t, roots, and Gauss's nodes.

Every function broadcasts its arguments. Powers count rejections in the direction of benefit only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from eubiosis.analysis.columns import Floats
from eubiosis.core.laws import gauss_legendre, normal_point, normal_quantile, t_point, t_sf

LARGEST = 1e7  # more participants per arm than this count as not reachable
_STEPS = 200
Rows = NDArray[np.intp]


def t_power(freedom: Floats, shift: Floats, alpha: Floats | float) -> Floats:
    """Return the probability that a noncentral t exceeds the upper ``alpha`` / 2 point of the central one.

    Where the noncentrality is so great that the normal part no longer matters, and wherever the library's
    series fails, the law of chi-squared alone decides.
    """
    from scipy.special import chdtr, nctdtr

    freedom, shift, level = np.broadcast_arrays(freedom, shift, np.asarray(alpha, dtype=np.float64))
    critical = t_point(level / 2, freedom)
    great, small = (shift > 30) & (critical < 0.5 * shift), shift < -37
    inside = np.where(great | small | (shift > 1000), 0.0, shift)
    power = 1.0 - nctdtr(freedom, inside, critical)
    ratio = np.clip(shift, 0.0, None) / np.maximum(critical, 1e-300)
    limit = chdtr(freedom, np.minimum(freedom * np.minimum(ratio, 1e150) ** 2, 1e300))
    power = np.where((shift > 1000) | np.isnan(power), limit, power)
    return np.asarray(np.where(great, 1.0, np.where(small, 0.0, power)), dtype=np.float64)


PowerFrom = Callable[[Floats, Mapping[str, Floats]], Floats]


def tail_statistic(t: Floats, freedom: Floats | float) -> Floats:
    """Return the normal value with the same upper tail as a value of Student's t."""
    return normal_point(t_sf(t, freedom))


def smallest_size(
    power_from: PowerFrom, constants: Mapping[str, Floats], target: Floats, least: float, guess: Floats
) -> Floats:
    """Return the real-valued size (cells,) at which each power reaches its ``target`` (cells,).

    ``power_from`` takes sizes and constants of the same cells and increases in the size; ``guess`` (cells,)
    is where to begin. ``least`` comes back where it is enough, infinity where ``LARGEST`` is not. The normal
    point of a power is nearly a line in the root of the size, so that secants in these two converge at once;
    a step that leaves what is known to hold the root is replaced by halving on the log scale, as is every
    sixth. Cells that have converged are not computed again.
    """
    cells = target.shape
    every = {name: np.broadcast_to(values, cells) for name, values in constants.items()}
    wanted = normal_quantile(target)

    def above(size: Floats, rows: Rows) -> Floats:
        power = power_from(size, {name: values[rows] for name, values in every.items()})
        return normal_quantile(np.clip(power, 1e-300, 1 - 1e-16)) - wanted[rows]

    rows: Rows = np.arange(target.size)
    enough = above(np.full(cells, float(least)), rows) >= 0
    reached = above(np.full(cells, LARGEST), rows) >= 0
    answer = np.where(enough, float(least), np.inf)
    rows = np.flatnonzero(reached & ~enough)
    low, high = np.full(len(rows), float(least)), np.full(len(rows), LARGEST)
    old = np.clip(np.where(np.isfinite(guess), guess, 30.0)[rows], 1.001 * least, 0.999 * LARGEST)
    gap = above(old, rows)
    # the line through the guess crosses the axis at minus the critical point, about -2
    height = np.maximum(wanted[rows] + 2.0, 0.1)
    new = old * (height / np.maximum(gap + wanted[rows] + 2.0, 0.1)) ** 2
    low, high = np.where(gap < 0, old, low), np.where(gap < 0, high, old)
    for step in range(_STEPS):
        outside = ~((new > low) & (new < high)) | (step % 6 == 5)
        new = np.where(outside, np.sqrt(low * high), new)
        there = above(new, rows)
        low, high = np.where(there < 0, new, low), np.where(there < 0, high, new)
        run = np.sqrt(new) - np.sqrt(old)
        rise = np.divide(there - gap, run, out=np.zeros_like(run), where=run != 0)
        root = np.sqrt(new) - np.divide(there, rise, out=np.full_like(rise, np.inf), where=rise > 0)
        following = np.where((root > 0) & np.isfinite(root), root, 0.0) ** 2
        answer[rows] = new
        left = (np.abs(following - new) > 1e-11 * new) & (there != 0) & (high - low > 1e-11 * high)
        if not bool(np.any(left)):
            break
        rows, low, high = rows[left], low[left], high[left]
        old, gap, new = new[left], there[left], following[left]
    return np.asarray(answer, dtype=np.float64)


def round_sizes(sizes: Floats) -> Floats:
    """Round sizes up, forgiving the last digits of a root; infinity stays.

    >>> round_sizes(np.array([175.385, 132.0000000001, np.inf])).tolist()
    [176.0, 132.0, inf]
    """
    return np.asarray(np.ceil(sizes - 1e-7), dtype=np.float64)


def gauss_nodes(count: int) -> tuple[Floats, Floats]:
    """Return the nodes and weights of Gauss and Legendre on 0 to 1, (count,) each."""
    nodes, weights = gauss_legendre(count)
    return (nodes + 1) / 2, weights / 2
