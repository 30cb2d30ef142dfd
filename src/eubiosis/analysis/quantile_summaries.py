"""Further summaries of a forecast that is quantiles: its bias as scoringutils defines it, and its CRPS."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from eubiosis.analysis.quantile_scores import quantile_loss


def quantile_bias(measured: float, levels: ArrayLike, values: ArrayLike) -> float:
    """Return the bias of ``values`` (levels,) at rising ``levels`` with a median: from -1 (too low) to 1.

    1 - 2 p, with p the largest level whose quantile is at or below the measured value where that lies below
    the median, and the smallest level whose quantile is at or above it where it lies above; 0 at the median,
    1 below the lowest quantile and -1 above the highest: the definition of scoringutils 2.2.

    >>> quantile_bias(0.5, [0.25, 0.5, 0.75], [0.0, 1.0, 2.0]), quantile_bias(5.0, [0.5], [1.0])
    (0.5, -1.0)
    """
    p, q = (np.asarray(a, dtype=float) for a in (levels, values))
    median = q[np.flatnonzero(np.isclose(p, 0.5))[0]]
    if measured == median:
        return 0.0
    if measured < median:
        return 1.0 if measured < q[0] else float(1 - 2 * p[q <= measured].max())
    return -1.0 if measured > q[-1] else float(1 - 2 * p[q >= measured].min())


def crps_of_quantiles(measured: float, levels: ArrayLike, values: ArrayLike) -> float:
    """Return the CRPS of quantiles (levels,): twice the quantile loss, integrated over the levels.

    Trapezoids between levels; below the first and above the last the loss of the last quantile, falling to
    its value at 0 and 1, so that the tails are cut where the quantiles end. In the unit of what is measured.

    >>> round(crps_of_quantiles(0.0, [0.25, 0.5, 0.75], [-1.0, 0.0, 1.0]), 4)
    0.25
    """
    p, q = (np.asarray(a, dtype=float) for a in (levels, values))
    ends = np.concatenate(([0.0], p, [1.0]))
    held = np.concatenate((q[:1], q, q[-1:]))
    return float(2 * np.trapezoid(quantile_loss(measured, ends, held), ends))
