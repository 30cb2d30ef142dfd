"""Profile likelihood intervals of many log rate ratios at once.

An end of the interval is where twice the log likelihood has fallen by the point of chi-squared, everything
but the ratio at its maximum there. With the ratio fixed, the treated arm is the control arm with another
exposure, so that the maximum is the one of ``counts`` with an arm less. The signed root of the fall is nearly
a line in the log ratio: its derivative is the score of the ratio (envelope theorem), and a few Newton steps
meet the point.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from eubiosis.analysis.batched.counts import (
    Bools,
    Events,
    Floats,
    Ints,
    RateRatios,
    fitted_rates,
)
from eubiosis.core import laws

_STEPS = 30
_MEETS = 1e-9  # of the signed root: of a standard error, nearly
_FURTHEST = 30.0  # of a log ratio: beyond, the interval is without an end


def profile_intervals(data: Events, fits: RateRatios, *, level: float = 0.95) -> NDArray[np.float64]:
    """Return the ends of the intervals of the log ratios, (2, batch, arms - 1).

    ``fits`` are those of ``rate_ratios`` for the same ``data``. Where a fit is not regular or an end was not
    found the answer is not a number; an end further than 30 log units away is infinite. The dispersion is
    estimated anew at each ratio; where it goes to zero the likelihood is Poisson's.
    """
    point = float(laws.normal_point((1 - level) / 2))
    found = np.full((2, *fits.log_ratio.shape), np.nan)
    rows = np.flatnonzero(fits.regular)
    if not len(rows):
        return found
    part = data.part(rows)
    for k in range(found.shape[2]):
        best, error = fits.log_ratio[rows, k], fits.error[rows, k]
        for side, sign in enumerate((-1.0, 1.0)):
            found[side, rows, k] = _end(part, k + 1, best, error, fits.log_likelihood[rows], sign * point)
    return found


def _end(data: Events, arm: int, best: Floats, error: Floats, most: Floats, point: float) -> Floats:
    """Return the log ratios at which the signed root of the likelihood ratio is ``point``, (batch,)."""
    sign = np.sign(point)
    ends = best + point * error
    inner, outer = best.copy(), np.full(len(best), sign * np.inf)
    result = np.full(len(best), np.nan)
    open_rows = np.arange(len(best))
    for _ in range(_STEPS):
        if not len(open_rows):
            break
        at = ends[open_rows]
        fall, score, fine = _fall(data.part(open_rows), arm, at, most[open_rows])
        root = sign * np.sqrt(np.maximum(fall, 0.0))
        gap = point - root
        done = fine & (np.abs(gap) < _MEETS)
        result[open_rows[done]] = at[done]
        within = sign * gap > 0
        inner[open_rows[within]] = at[within]
        outer[open_rows[~within]] = at[~within]
        with np.errstate(divide="ignore", invalid="ignore"):
            step = at - gap * root / score  # d(root)/d(ratio) = -score / root
        low, high = np.minimum(inner, outer)[open_rows], np.maximum(inner, outer)[open_rows]
        bad = ~(np.isfinite(step) & (step > low) & (step < high))
        middle = np.where(
            np.isinf(outer[open_rows]), 2 * at - best[open_rows], (inner + outer)[open_rows] / 2
        )
        ends[open_rows] = np.where(bad, middle, step)
        far = np.abs(ends[open_rows] - best[open_rows]) > _FURTHEST
        result[open_rows[far & ~done]] = sign * np.inf
        open_rows = open_rows[fine & ~done & ~far]
    return result


def _fall(data: Events, arm: int, ratio: Floats, most: Floats) -> tuple[Floats, Floats, Bools]:
    """Return by how much twice the log likelihood falls at log ratios, its score, and what converged."""
    merged = _merged(data, arm, ratio)
    logs, log_alpha, likelihood, fine = fitted_rates(merged)
    mean = merged.means(logs)
    spread = np.exp(log_alpha)[:, None]
    score = np.add.accumulate((data.counts - mean) / (1.0 + spread * mean) * data.inside[arm], axis=-1)[
        ..., -1
    ]
    return 2 * (most - likelihood), score, fine


def _merged(data: Events, arm: int, ratio: Floats) -> Events:
    """Return the data with an arm taken for the control, its exposure multiplied by its rate ratio."""
    own = data.arm == arm
    years = np.where(own, data.years * np.exp(ratio)[:, None], data.years)
    arms: Ints = np.where(own, 0, np.where(data.arm > arm, data.arm - 1, data.arm))
    inside = np.delete(data.inside, arm, axis=0)
    inside[0] += data.inside[arm]
    return replace(data, years=years, arm=arms, inside=inside)
