"""Maximum likelihood of the negative binomial rate ratio in many simulated trials at once.

The law and its information are those of ``analysis.estimators.counts``; here every step is an array over
trials, which is what simulation beside a closed form needs.
"""

from __future__ import annotations

import numpy as np

from eubiosis.analysis.columns import Bools, Floats

_ROUNDS = 60
_SMALL, _GREAT = 1e-8, 1e4  # dispersion below counts as none, above as not converged


def rate_ratio_fits(counts: Floats, years: Floats, arm: Floats) -> tuple[Floats, Floats]:
    """Return the log rate ratio and its standard error of each trial, (trials,) each.

    ``counts`` and ``years`` are (trials, participants), ``arm`` (participants,) 0 or 1. Where an arm has no
    event, or the iteration does not settle, both are NaN. Underdispersed trials are fitted as Poisson.

    >>> log_ratio, error = rate_ratio_fits(
    ...     np.array([[1.0, 1.0, 2.0, 2.0]]), np.ones((1, 4)), np.array([0.0, 0.0, 1.0, 1.0])
    ... )
    >>> round(float(np.exp(log_ratio[0])), 6), round(float(error[0] ** 2), 6)
    (2.0, 0.75)
    """
    members = np.array([arm == 0, arm == 1])
    events = np.stack([counts[:, one].sum(axis=1) for one in members])
    exposure = np.stack([years[:, one].sum(axis=1) for one in members])
    usable = (events > 0).all(axis=0)
    rates = np.where(events > 0, events, 1.0) / exposure
    means = _means(rates, years, members)
    more_than = np.stack(
        [(counts > j).sum(axis=1) for j in range(int(counts.max(initial=0.0)))] or [counts[:, 0] * 0]
    )
    dispersion = _start(counts, means)
    settled = dispersion == 0
    for _ in range(_ROUNDS):
        rates, moved_rates = _rate_step(rates, counts, years, members, dispersion)
        means = _means(rates, years, members)
        new = np.where(settled, 0.0, _dispersion_step(dispersion, counts, means, more_than))
        moved = np.abs(np.log(np.maximum(new, _SMALL)) - np.log(np.maximum(dispersion, _SMALL)))
        dispersion = new
        if bool(np.all((moved < 1e-8) & (moved_rates < 1e-10))):
            break
    usable &= (moved < 1e-4) & (dispersion < _GREAT)
    error = _error(counts, means, members, dispersion, more_than)
    nan = np.full(len(counts), np.nan)
    return np.where(usable, np.log(rates[1] / rates[0]), nan), np.where(usable, error, nan)


def _means(rates: Floats, years: Floats, members: Bools) -> Floats:
    return np.asarray(np.where(members[0], rates[0][:, None], rates[1][:, None]) * years, dtype=np.float64)


def _start(counts: Floats, means: Floats) -> Floats:
    """Return a moment estimate of k; zero where the likelihood falls from k of zero on."""
    excess = ((counts - means) ** 2 - counts).sum(axis=1)
    square = (means**2).sum(axis=1)
    return np.asarray(np.where(excess <= 0, 0.0, np.clip(excess / square, 1e-3, 1e2)), dtype=np.float64)


def _rate_step(
    rates: Floats,
    counts: Floats,
    years: Floats,
    members: Bools,
    dispersion: Floats,
) -> tuple[Floats, Floats]:
    means = _means(rates, years, members)
    damp = 1 + dispersion[:, None] * means
    step = np.stack(
        [
            ((counts - means) / damp)[:, one].sum(axis=1) / (means / damp)[:, one].sum(axis=1)
            for one in members
        ]
    )
    step = np.clip(step, -1.0, 1.0)
    return np.asarray(rates * np.exp(step), dtype=np.float64), np.abs(step).max(axis=0)


def _error(counts: Floats, means: Floats, members: Bools, dispersion: Floats, more_than: Floats) -> Floats:
    """Return the standard error of the log rate ratio from the observed information of rates and k.

    With k of zero it is that of a Poisson model. An information that is not positive gives NaN.
    """
    shape = 1 / np.maximum(dispersion, _SMALL)[:, None]
    both = shape + means
    own = shape * means * (counts + shape) / both**2
    cross = (counts - means) * means / both**2
    diagonal = [own[:, one].sum(axis=1) for one in members]
    mixed = [np.where(dispersion > 0, cross[:, one].sum(axis=1), 0.0) for one in members]
    _, bend = _derivatives(dispersion, counts, means, more_than)
    last = np.where(dispersion > 0, -bend, 1.0)
    first, second = (d - m**2 / last for d, m in zip(diagonal, mixed, strict=True))
    between = -mixed[0] * mixed[1] / last
    determinant = first * second - between**2
    good = (last > 0) & (determinant > 0)
    variance = (first + second + 2 * between) / np.where(good, determinant, 1.0)
    return np.asarray(np.sqrt(np.where(good & (variance > 0), variance, np.nan)), dtype=np.float64)


def _derivatives(
    dispersion: Floats, counts: Floats, means: Floats, more_than: Floats
) -> tuple[Floats, Floats]:
    """Return the first two derivatives of the log-likelihood in the shape 1 / k."""
    shape = 1 / np.maximum(dispersion, _SMALL)
    places = shape + np.arange(len(more_than))[:, None]
    both = shape[:, None] + means
    ratio = (counts + shape[:, None]) / both
    slope = (more_than / places).sum(axis=0) + (np.log(shape[:, None] / both) + 1 - ratio).sum(axis=1)
    bend = -(more_than / places**2).sum(axis=0) + (1 / shape[:, None] - 2 / both + ratio / both).sum(axis=1)
    return slope, bend


def _dispersion_step(dispersion: Floats, counts: Floats, means: Floats, more_than: Floats) -> Floats:
    """Return k after a Newton step in its logarithm; uphill by a fixed step where the curve is convex."""
    slope, bend = _derivatives(dispersion, counts, means, more_than)
    shape = 1 / np.maximum(dispersion, _SMALL)
    # in x = log k: d/dx = -shape d/dshape
    first, second = -shape * slope, shape**2 * bend + shape * slope
    step = np.where(second < 0, -first / np.where(second < 0, second, -1.0), np.sign(first) * 0.5)
    return np.asarray(
        np.clip(dispersion * np.exp(np.clip(step, -1.5, 1.5)), _SMALL, _GREAT), dtype=np.float64
    )
