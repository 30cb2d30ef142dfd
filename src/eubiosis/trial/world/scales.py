"""The scales that instruments report on: steps of EDSS, points of MFIS, and a percentage that saturates."""

from __future__ import annotations

import numpy as np

from eubiosis.engine import Array


def edss_steps(scores: Array) -> Array:
    """Return the nearest steps of the scale, any shape: 0, then 1 to 10 by halves; there is no 0.5."""
    steps = np.clip(np.rint(2.0 * scores), 0.0, 20.0)
    return np.asarray(np.where(steps == 1.0, 2.0 * (scores >= 0.5), steps) / 2.0 + 0.0)  # no -0.0


def mfis_on_scale(scores: Array) -> Array:
    """Return scores of fatigue, any shape, held within 0 to 84 points: nobody has less than none.

    >>> mfis_on_scale(np.array([-3.5, 41.25, 90.0]))
    array([ 0.  , 41.25, 84.  ])
    """
    return np.clip(scores, 0.0, 84.0) + 0.0  # no -0.0


def treg_percent(level: Array, healthy: float, most: float) -> Array:
    """Return the percentage of CD4+ T cells for a level in multiples of health: it saturates at ``most``.

    At the level of health it is the healthy percentage.

    >>> [round(float(treg_percent(np.array(x), 3.7, 20.0)), 1) for x in (0.0, 1.0, 30.0, 1e9)]
    [0.0, 3.7, 17.4, 20.0]
    """
    return np.asarray(most * level / (level + (most / healthy - 1.0)))
