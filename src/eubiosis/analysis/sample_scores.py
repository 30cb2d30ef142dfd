"""Scores of forecasts that are weighted draws: CRPS, energy score, coverage, a ratio over studies."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eubiosis.core.laws import root
from eubiosis.core.streams import stream

Array = NDArray[np.float64]
_RESAMPLES = 4_000


def crps_draws(measured: float, draws: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Return the CRPS of weighted draws (n,): E|X - y| - E|X - X'| / 2 of the weighted empirical law.

    Gneiting and Raftery 2007, equation 21, cited as the origin. It is in the unit of what is measured,
    smaller is better. Raises ``ValueError`` for draws or weights that are not finite or do not fit.

    >>> crps_draws(1.0, [0.0, 2.0])
    0.5
    """
    x, w = _draws(np.asarray(draws, dtype=float)[:, None], weights)
    values = x[:, 0]
    order = np.argsort(values, kind="stable")
    values, own = values[order], w[order]
    below = np.cumsum(own) - own / 2
    spread = 2 * float((own * values) @ (2 * below - 1))  # E|X - X'|, from the sorted draws
    return float(own @ np.abs(values - measured)) - spread / 2


def energy_score(measured: ArrayLike, draws: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Return the energy score of weighted draws (n, quantities) of a vector (quantities,).

    E|X - y| - E|X - X'| / 2 with Euclidean lengths (Gneiting and Raftery 2007, equation 22): the CRPS where
    there is one quantity. Quantities of unlike units have to be scaled before. Raises ``ValueError`` as
    ``crps_draws`` does.

    >>> energy_score([0.0, 1.0], [[0.0, 0.0], [0.0, 2.0]])
    0.5
    """
    x, w = _draws(np.asarray(draws, dtype=float), weights)
    y = np.asarray(measured, dtype=float)
    if y.shape != x.shape[1:]:
        message = f"{x.shape[1]} quantities are forecast, {y.size} measured"
        raise ValueError(message)
    first = float(w @ np.linalg.norm(x - y, axis=1))
    second = sum(
        float(w[k] * (w[k + 1 :] @ np.linalg.norm(x[k + 1 :] - x[k], axis=1))) for k in range(len(x) - 1)
    )
    return first - second


def draw_quantiles(draws: ArrayLike, levels: ArrayLike, weights: ArrayLike | None = None) -> Array:
    """Return quantiles (levels,) of weighted draws (n,), linear between the middles of their weights.

    >>> draw_quantiles([3.0, 1.0, 2.0], [0.5]).tolist()
    [2.0]
    """
    x, w = _draws(np.asarray(draws, dtype=float)[:, None], weights)
    order = np.argsort(x[:, 0], kind="stable")
    places = np.cumsum(w[order]) - w[order] / 2
    return np.asarray(np.interp(np.asarray(levels, dtype=float), places, x[order, 0]))


@dataclass(frozen=True)
class CountedShare:
    """So many of so many, with the exact 95 % interval of the share (Clopper and Pearson 1934)."""

    hits: int
    of: int
    share: float
    low: float
    high: float


def counted_share(hits: int, of: int) -> CountedShare:
    """Return a share with its exact 95 % interval; raises ``ValueError`` for counts that are none.

    >>> counted_share(0, 10).high > 0.3
    True
    """
    if not 0 <= hits <= of or of < 1:
        message = f"{hits} of {of}"
        raise ValueError(message)
    from scipy.special import betaincinv

    low = 0.0 if hits == 0 else float(betaincinv(hits, of - hits + 1, 0.025))
    high = 1.0 if hits == of else float(betaincinv(hits + 1, of - hits, 0.975))
    return CountedShare(hits, of, hits / of, low, high)


@dataclass(frozen=True)
class ScoreRatio:
    """The mean score of a forecast over that of a reference, with an interval from resampled studies.

    Below 1 the forecast is better. ``low`` and ``high`` (2.5 and 97.5 %) are NaN below ``FEWEST_STUDIES``
    studies: resampling so few says nothing, so no skill can be claimed.
    """

    ratio: float
    low: float
    high: float
    studies: int

    @property
    def skill(self) -> bool:
        """Whether skill may be claimed: the whole interval lies below 1."""
        return self.high < 1

    @property
    def lost(self) -> bool:
        """Whether the forecast is worse than the reference beyond resampling."""
        return self.low > 1


FEWEST_STUDIES = 5


def score_ratio(scores: ArrayLike, reference: ArrayLike, *, seed: int = 0) -> ScoreRatio:
    """Return mean ``scores`` over mean ``reference`` (studies,), smaller better, studies resampled.

    Scores of unlike units have to be scaled before by what was known before the comparison, such as the
    spread of the reference. Raises ``ValueError`` for scores that are not finite or not positive.

    >>> score_ratio([1.0] * 6, [2.0] * 6).ratio
    0.5
    """
    own, other = np.asarray(scores, dtype=float), np.asarray(reference, dtype=float)
    if own.shape != other.shape or own.ndim != 1 or not len(own):
        message = "one score a study of either forecast is needed"
        raise ValueError(message)
    if not (np.isfinite(own).all() and np.isfinite(other).all() and (own >= 0).all() and (other > 0).all()):
        message = "scores have to be finite, those of the reference above 0"
        raise ValueError(message)
    ratio = float(own.mean() / other.mean())
    if len(own) < FEWEST_STUDIES:
        return ScoreRatio(ratio, math.nan, math.nan, len(own))
    picks = stream(seed, "forecast scores/studies").integers(0, len(own), (_RESAMPLES, len(own)))
    low, high = np.quantile(own[picks].mean(axis=1) / other[picks].mean(axis=1), [0.025, 0.975])
    return ScoreRatio(ratio, float(low), float(high), len(own))


def _draws(draws: Array, weights: ArrayLike | None) -> tuple[Array, Array]:
    """Return draws (n, quantities) and weights (n,) that sum to one; raises ``ValueError``."""
    if draws.ndim != 2 or not draws.size or not np.isfinite(draws).all():
        message = "draws have to be finite numbers, one row a draw"
        raise ValueError(message)
    w = np.full(len(draws), 1.0) if weights is None else np.asarray(weights, dtype=float)
    if w.shape != (len(draws),) or not np.isfinite(w).all() or (w < 0).any() or w.sum() <= 0:
        message = "one weight a draw is needed, 0 or more, not all 0"
        raise ValueError(message)
    return draws, w / w.sum()


def crps_mixture(measured: float, means: ArrayLike, sd: float, weights: ArrayLike | None = None) -> float:
    """Return the CRPS of a mixture of normals with weighted ``means`` (n,) and one ``sd``.

    That is the law of draws of a true value plus the normal sampling error of its measurement. Closed form of
    Grimit and others 2006 (Q J R Meteorol Soc 132:2925), cited as the origin; with ``sd`` 0 it is
    ``crps_draws``. Raises ``ValueError`` as that does, and for a negative ``sd``.

    >>> round(crps_mixture(0.0, [0.0], 1.0), 6)
    0.233695
    """
    if not sd > 0:
        if sd < 0:
            message = "a standard deviation below 0"
            raise ValueError(message)
        return crps_draws(measured, means, weights)
    x, w = _draws(np.asarray(means, dtype=float)[:, None], weights)
    values = x[:, 0]
    first = float(w @ _absolute(measured - values, sd))
    second = float(w @ _absolute(values[:, None] - values, sd * math.sqrt(2)) @ w)
    return first - second / 2


def mixture_place(measured: float, means: ArrayLike, sd: float, weights: ArrayLike | None = None) -> float:
    """Return where a measured value lies in a mixture of normals, 0 to 1 (probability integral transform).

    >>> mixture_place(0.0, [-1.0, 1.0], 0.5)
    0.5
    """
    from scipy.special import ndtr

    x, w = _draws(np.asarray(means, dtype=float)[:, None], weights)
    values = x[:, 0]
    if sd == 0:
        return float(w @ ((values < measured) + 0.5 * (values == measured)))
    return float(w @ ndtr((measured - values) / sd))


def mixture_quantile(level: float, means: ArrayLike, sd: float, weights: ArrayLike | None = None) -> float:
    """Return the quantile of a mixture of normals at a ``level`` between 0 and 1.

    >>> round(mixture_quantile(0.975, [0.0], 1.0), 4)
    1.96
    """
    from scipy.special import ndtri

    values = np.asarray(means, dtype=float)
    if sd == 0:
        return float(draw_quantiles(values, [level], weights)[0])
    away = abs(float(ndtri(level))) * sd + sd
    ends = float(values.min()) - away, float(values.max()) + away
    return root(lambda x: mixture_place(x, values, sd, weights) - level, *ends)


def _absolute(distance: Array, sd: float) -> Array:
    """Return the mean absolute value of a normal with this mean and sd."""
    from scipy.special import ndtr

    z = distance / sd
    density = np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    return np.asarray(2 * sd * density + distance * (2 * ndtr(z) - 1))
