"""How many taxa there are, seen and unseen, from counts of reads."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from eubiosis.analysis.columns import Floats


def chao1(table: ArrayLike) -> Floats:
    """Return Chao's lower bound of the number of taxa of each sample, (samples,), from (samples, taxa).

    The bias-corrected form S + F1 (F1 - 1) / (2 (F2 + 1)), where F1 taxa were read once and F2 twice (Chao
    1984, Scandinavian Journal of Statistics 11:265, cited as the origin). NaN for an empty sample. Raises
    ``ValueError`` for values that are no counts: a share has no singletons.

    >>> chao1([[1, 1, 1, 2, 7]]).tolist()
    [6.5]
    """
    counts = np.asarray(table, dtype=np.float64)
    if counts.ndim != 2 or not np.all((counts >= 0) & (counts == np.round(counts))):
        message = "Chao1 needs counts: allowed a table (samples, taxa) of whole numbers from 0"
        raise ValueError(message)
    seen = (counts > 0).sum(axis=1)
    once, twice = (counts == 1).sum(axis=1), (counts == 2).sum(axis=1)
    return np.where(seen > 0, seen + once * (once - 1) / (2 * (twice + 1)), math.nan)
