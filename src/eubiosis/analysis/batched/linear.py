"""Analysis of covariance of many outcomes at once: arms and one baseline, in closed form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eubiosis.analysis.guard import DEPENDENT, NEGLIGIBLE

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
CLEAR = 100.0  # this many times a guard's limit: whoever is nearer is judged by the single analysis


@dataclass(frozen=True)
class Contrasts:
    """The contrasts of every arm against the first, for a batch of outcomes.

    Arrays are (batch, arms - 1): ``difference`` and ``error`` on the scale analysed, ``pooled_sd`` and
    ``crude``; (batch, arms): ``analysed`` and ``missing`` participants; (batch,): ``freedom``,
    ``residual_sd``, ``r_squared``, and ``regular``, which is false where a guard of the single analysis might
    speak: those rows have to be analysed one at a time, and their numbers here mean nothing.
    """

    difference: Floats
    error: Floats
    pooled_sd: Floats
    crude: Floats
    analysed: NDArray[np.int64]
    missing: NDArray[np.int64]
    freedom: Floats
    residual_sd: Floats
    r_squared: Floats
    regular: Bools


def contrasts(outcome: Floats, baseline: Floats, inside: Bools) -> Contrasts:
    """Regress outcomes on arm and baseline; ``outcome`` and ``baseline`` (batch, rows).

    ``inside`` (arms, batch, rows) says who is in which arm, the control first. Rows in which either value is
    missing are left out and counted. The slope is that within arms, so the contrast is the difference of
    means less the slope times the difference of baselines: what least squares gives for this design.
    """
    kept = np.isfinite(outcome) & np.isfinite(baseline)
    infinite = np.any(np.isinf(outcome) | np.isinf(baseline), axis=-1)
    y, x = np.where(kept, outcome, 0.0), np.where(kept, baseline, 0.0)
    members = inside & kept
    analysed = np.count_nonzero(members, axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        y_means, x_means = ((members * v).sum(axis=-1) / analysed for v in (y, x))
        y_own, x_own = y.copy(), x.copy()
        for group, y_mean, x_mean in zip(members, y_means, x_means, strict=True):
            y_own -= group * y_mean[:, None]
            x_own -= group * x_mean[:, None]
        sxx = (x_own * x_own).sum(axis=-1)
        slope = (x_own * y_own).sum(axis=-1) / sxx
        left = y_own - slope[:, None] * x_own
        total_rows = analysed.sum(axis=0)
        freedom = (total_rows - len(inside) - 1).astype(np.float64)
        variance = (left * left).sum(axis=-1) / freedom
        apart = x_means[1:] - x_means[0]
        bread = 1.0 / analysed[1:] + 1.0 / analysed[0] + apart**2 / sxx
        crude = y_means[1:] - y_means[0]
        grand = y.sum(axis=-1) / total_rows
        about = np.where(kept, y - grand[:, None], 0.0)
        total = (about * about).sum(axis=-1)
        squares = np.array([(group * y_own * y_own).sum(axis=-1) for group in members])
        pooled = np.sqrt((squares[1:] + squares[0]) / (analysed[1:] + analysed[0] - 2))
        size = np.abs(y).max(axis=-1)
        flat = variance <= CLEAR * NEGLIGIBLE**2 * size**2
        length = (x * x).sum(axis=-1)
        dependent = ~(sxx > (CLEAR * DEPENDENT) ** 2 * length)
        regular = ~infinite & ~flat & ~dependent & (freedom > 0) & np.all(analysed > 1, axis=0) & (total > 0)
        return Contrasts(
            (crude - slope * apart).T,
            np.sqrt(variance * bread).T,
            pooled.T,
            crude.T,
            analysed.T,
            np.count_nonzero(inside & ~kept, axis=-1).T,
            freedom,
            np.sqrt(variance),
            1.0 - variance * freedom / total,
            regular,
        )
