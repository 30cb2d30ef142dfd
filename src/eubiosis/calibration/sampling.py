"""Draw from a posterior through ever narrower kernels: tempering, resampling, and moves of an ensemble.

Points are normal scores, so the prior is independent standard normals whatever the laws of the numbers are.
A level raises the power of the likelihood as far as the effective sample size allows, resamples, and moves
every point by the ensemble's own differences (differential evolution; ter Braak 2006) and by steps that
leave the prior as it is, of all numbers or some (preconditioned Crank-Nicolson; Cotter 2013), both by emcee
(Foreman-Mackey 2013).
The last step up to the full power is not resampled: it leaves weights. (Del Moral 2006.)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import logsumexp

from eubiosis.core.extras import install_line
from eubiosis.core.findings import Finding, FindingsError
from eubiosis.core.streams import stream
from eubiosis.engine import Array

LogLikelihood = Callable[[Array], Array]  # points (n, numbers) -> (n,); -inf where a point is ruled out
Told = Callable[["TemperingLevel"], None]
KEPT, LAST = 0.5, 0.8  # effective share of points that a level keeps, and with which the weights are left
_MOST_LEVELS = 200


@dataclass(frozen=True)
class TemperingLevel:
    """One level: the power reached, the effective share of points before resampling, moves accepted."""

    number: int
    power: float
    effective: float
    accepted: float
    median: float


@dataclass(frozen=True)
class Sample:
    """Weighted points: ``points`` (n, numbers), ``log_likelihood`` (n,), ``weights`` (n,) summing to one."""

    points: Array
    log_likelihood: Array
    weights: Array
    levels: tuple[TemperingLevel, ...]

    @property
    def effective(self) -> float:
        """The effective sample size of the weights (Kish)."""
        return effective_size(self.weights)


@dataclass(frozen=True)
class Effort:
    """How much is done: ``points``, generations of moves a level, at the end, and with a study left out."""

    points: int
    generations: int
    settling: int
    left_out: int = 0


def effective_size(weights: Array) -> float:
    """Return the effective sample size of weights (Kish 1965)."""
    return float(weights.sum() ** 2 / (weights**2).sum())


def tempered(
    log_likelihood: LogLikelihood, start: Array, effort: Effort, seed: int, told: Told | None = None
) -> Sample:
    """Carry points ``start`` (n, numbers), drawn from the prior, to weighted draws of the posterior.

    The same seed gives the same sample. Raises ``ArithmeticError`` when the kernel does not get narrow.
    """
    points, power = start, 0.0
    found = log_likelihood(points)
    if not np.isfinite(found).any():
        message = f"none of {len(points)} points has a likelihood"
        raise ArithmeticError(message)
    levels: list[TemperingLevel] = []
    while effective_size(_weights(found, 1 - power)) < LAST * len(points):
        if len(levels) == _MOST_LEVELS:
            message = f"after {_MOST_LEVELS} levels the power of the likelihood is {power:.3g}"
            raise ArithmeticError(message)
        step = _step(found, 1 - power)
        weights = _weights(found, step)
        number, power = len(levels) + 1, power + step
        rows = systematic(weights, len(points), stream(seed, "calibration/resampled", number).random())
        points, found, accepted = moved(log_likelihood, points[rows], power, effort.generations, seed, number)
        effective = effective_size(weights) / len(points)
        levels.append(TemperingLevel(number, power, effective, accepted, float(np.median(found))))
        if told:
            told(levels[-1])
    if effort.settling:
        points, found, accepted = moved(log_likelihood, points, power, effort.settling, seed, 0)
        levels.append(TemperingLevel(len(levels) + 1, power, 1.0, accepted, float(np.median(found))))
        if told:
            told(levels[-1])
    return Sample(points, found, _weights(found, 1 - power), tuple(levels))


def moved(
    log_likelihood: LogLikelihood, points: Array, power: float, generations: int, seed: int, level: int
) -> tuple[Array, Array, float]:
    """Move an ensemble at one power of the likelihood.

    Returns its points, their log likelihoods and the share of moves accepted.
    """
    emcee = _emcee()

    def target(at: Array) -> Array:
        likelihood = log_likelihood(at)
        return np.where(np.isfinite(likelihood), power * likelihood - (at**2).sum(axis=1) / 2, -np.inf)

    free: dict[str, Any] = {"live_dangerously": len(points) < 2 * points.shape[1]}
    moves = [
        (emcee.moves.DEMove(sigma=0.1, **free), 0.2),
        (emcee.moves.MHMove(_kept_prior(0.12, 1.0)), 0.15),
        (emcee.moves.MHMove(_kept_prior(0.5, 0.15)), 0.25),
        (emcee.moves.MHMove(_kept_prior(1.0, 0.06)), 0.4),
    ]
    sampler = emcee.EnsembleSampler(len(points), points.shape[1], target, moves=moves, vectorize=True)
    key = int(stream(seed, "calibration/moves", level).integers(2**32 - 1))
    luck = np.random.RandomState(key).get_state()  # emcee knows no other generator
    begin = emcee.State(points.copy(), random_state=luck)
    state = sampler.run_mcmc(begin, generations, store=True, skip_initial_state_check=True)
    coords = np.asarray(state.coords)
    likelihood = (np.asarray(state.log_prob) + (coords**2).sum(axis=1) / 2) / power
    return coords, likelihood, float(sampler.acceptance_fraction.mean())


def systematic(weights: Array, size: int, place: float) -> NDArray[np.intp]:
    """Return ``size`` rows in proportion to ``weights``: one uniform ``place`` (0-1) decides all."""
    ladder = np.cumsum(weights / weights.sum())
    ladder[-1] = 1.0
    return np.searchsorted(ladder, (place + np.arange(size)) / size, side="right")


def _kept_prior(length: float, share: float) -> Callable[[Array, Any], tuple[Array, Array]]:
    """Return a proposal that leaves independent standard normals as they are.

    It moves a ``share`` of the numbers, others for every point, by a ``length`` (1: draws them anew): what
    the data say little about is soon forgotten.
    """

    def propose(at: Array, luck: Any) -> tuple[Array, Array]:
        anew = np.sqrt(1 - length**2) * at + length * luck.standard_normal(at.shape)
        to = anew if share == 1 else np.where(luck.random_sample(at.shape) < share, anew, at)
        return to, ((to**2).sum(axis=1) - (at**2).sum(axis=1)) / 2

    return propose


def _step(log_likelihood: Array, most: float) -> float:
    """Return how far the power may rise: to the kept share, and near the end not all the way."""
    wanted = KEPT * len(log_likelihood)

    def excess(step: float) -> float:
        return effective_size(_weights(log_likelihood, step)) - wanted

    if excess(most) > 0:
        return 0.7 * most
    return float(brentq(excess, 0.0, most, xtol=1e-9 * most, rtol=1e-6))


def _weights(log_likelihood: Array, power: float) -> Array:
    logs = np.where(np.isfinite(log_likelihood), power * log_likelihood, -np.inf)
    return np.asarray(np.exp(logs - logsumexp(logs)))


def _emcee() -> Any:
    try:
        import emcee
    except ImportError:
        finding = Finding(
            "eubiosis calibration worlds",
            "emcee",
            "remaking the worlds needs the library emcee, which is not installed",
            allowed="the extra calibration",
            next_step=install_line("calibration"),
        )
        raise FindingsError([finding]) from None
    return emcee
