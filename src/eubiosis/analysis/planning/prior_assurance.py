"""Assurance under any prior of the effect, with an uncertain nuisance parameter such as the control rate.

Effects are signed so that benefit is positive. The prior is a mixture of normals; the nuisance is given as
equally probable scenarios, each with its own standard error at every effect. Success is a one-sided test.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from eubiosis.analysis.planning.assurance import Assurance
from eubiosis.core import laws
from eubiosis.core.laws import Floats

_POINTS = 1201
_KNOTS = 61
_ALIKE, _POINTS_OF_A_PART = 5.0, 65  # widths that one even grid resolves; points of a part
Errors = Callable[[float], Sequence[float]]


@dataclass(frozen=True)
class MixturePrior:
    """A mixture of normals of the effect, benefit positive: weights, means and SDs (parts,)."""

    name: str
    weights: tuple[float, ...]
    means: tuple[float, ...]
    sds: tuple[float, ...]

    def __post_init__(self) -> None:
        same = len(self.weights) == len(self.means) == len(self.sds) > 0
        if not same or abs(sum(self.weights) - 1) > 1e-6 or min(self.sds) <= 0 or min(self.weights) < 0:
            message = "allowed: as many weights as means and positive SDs; the weights sum to 1"
            raise ValueError(message)

    @property
    def mean(self) -> float:
        """Return the mean."""
        return float(np.dot(self.weights, self.means))

    @property
    def ceiling(self) -> float:
        """Return the probability of any benefit."""
        from scipy.special import ndtr

        return float(np.dot(self.weights, ndtr(np.asarray(self.means) / np.asarray(self.sds))))

    def grid(self) -> tuple[Floats, Floats]:
        """Return effects (points,) and their probabilities (points,), which sum to 1.

        Parts of very different widths get points of their own, closer where a part is narrow.
        """
        means, sds = np.asarray(self.means), np.asarray(self.sds)
        low, high = float((means - 8 * sds).min()), float((means + 8 * sds).max())
        effects = np.linspace(low, high, _POINTS)
        if sds.max() > _ALIKE * sds.min():
            steps = np.linspace(-8, 8, _POINTS_OF_A_PART)
            own = (means[:, None] + sds[:, None] * steps).ravel()
            effects = np.unique(np.concatenate((effects, own)))
        away = (effects[:, None] - means) / sds
        density = (np.asarray(self.weights) / sds * np.exp(-0.5 * away**2)).sum(axis=1)
        mass = density * np.gradient(effects)
        return effects, mass / mass.sum()


def prior_assurance(
    prior: MixturePrior, errors: Errors, *, alpha: float = 0.025, relevant: float = 0.0
) -> Assurance:
    """Return the assurance and the winner's curse under a prior.

    ``errors`` gives the standard errors of the estimate at an effect, one for each equally probable
    scenario of the nuisance parameter.

    >>> from eubiosis.analysis.planning.assurance import Prior, normal_assurance
    >>> one = prior_assurance(MixturePrior("any", (1.0,), (0.2,), (0.06**0.5,)), lambda effect: [0.0707107])
    >>> round(one.assurance - normal_assurance(Prior(0.2, 0.06**0.5), 0.0707107), 4)
    0.0
    """
    z = float(laws.normal_point(alpha))
    effects, share = prior.grid()
    knots = np.linspace(float(effects[0]), float(effects[-1]), _KNOTS)
    at_knots = np.log([list(errors(float(effect))) for effect in knots])
    spread = np.column_stack([np.exp(np.interp(effects, knots, column)) for column in at_knots.T])
    shifted = effects[:, None] / spread - z
    power = laws.normal_cdf(shifted)
    success = float(share @ power.mean(axis=1))
    found = effects[:, None] * power + spread * laws.normal_pdf(shifted)
    wins = power.mean(axis=1)
    at_mean = laws.normal_cdf(prior.mean / np.asarray(errors(prior.mean)) - z)
    return Assurance(
        success,
        prior.ceiling,
        float(np.mean(at_mean)),
        float(share @ (effects * wins)) / success,
        float(share @ found.mean(axis=1)) / success,
        float(share[effects >= relevant].sum()),
        float(share[effects < relevant] @ wins[effects < relevant]) / success,
    )


@dataclass(frozen=True)
class AssuranceCurve:
    """The assurance of a trial at any size per arm, where every standard error falls with its root.

    ``unit_errors`` takes effects (m,) and returns the standard errors for one person per arm (m, scenarios),
    one for each equally probable scenario of the nuisance parameter.

    >>> prior = MixturePrior("any", (1.0,), (0.2,), (0.06**0.5,))
    >>> curve = AssuranceCurve(prior, lambda effects: np.full((len(effects), 1), 2**0.5))
    >>> other = prior_assurance(prior, lambda effect: [2**0.5 / 20])
    >>> round(curve.at(400).assurance - other.assurance, 9)
    0.0
    """

    prior: MixturePrior
    unit_errors: Callable[[Floats], Floats]
    alpha: float = 0.025

    @cached_property
    def _unit(self) -> tuple[Floats, Floats, Floats]:
        """Return effects (points,), their probabilities and errors for one person (points, scenarios)."""
        effects, share = self.prior.grid()
        knots = np.linspace(float(effects[0]), float(effects[-1]), _KNOTS)
        at_knots = np.log(self.unit_errors(knots))
        spread = np.column_stack([np.exp(np.interp(effects, knots, column)) for column in at_knots.T])
        return effects, share, spread

    def success(self, size: float) -> float:
        """Return the assurance of a trial with ``size`` people per arm."""
        effects, share, unit = self._unit
        shifted = effects[:, None] / (unit / math.sqrt(size)) - self._point
        return float(share @ laws.normal_cdf(shifted).mean(axis=1))

    def at(self, size: float, relevant: float = 0.0) -> Assurance:
        """Return the assurance and the winner's curse of a trial with ``size`` people per arm."""
        effects, share, unit = self._unit
        spread = unit / math.sqrt(size)
        shifted = effects[:, None] / spread - self._point
        power = laws.normal_cdf(shifted)
        wins, small = power.mean(axis=1), effects < relevant
        success = float(share @ wins)
        found = effects[:, None] * power + spread * laws.normal_pdf(shifted)
        mean = self.prior.mean
        at_mean = mean / (self.unit_errors(np.array([mean]))[0] / math.sqrt(size)) - self._point
        return Assurance(
            success,
            self.prior.ceiling,
            float(np.mean(laws.normal_cdf(at_mean))),
            float(share @ (effects * wins)) / success,
            float(share @ found.mean(axis=1)) / success,
            float(share[~small].sum()),
            float(share[small] @ wins[small]) / success,
        )

    def size_for(self, target: float, largest: float) -> float:
        """Return the size per arm at which the assurance reaches ``target``; infinite where none does.

        Sizes up to ``largest`` are tried, to within one part in two hundred.
        """
        if target >= self.prior.ceiling or self.success(largest) < target:
            return math.inf
        low, high = 2.0, largest
        if self.success(low) >= target:
            return low
        while high / low > 1.005:
            middle = math.sqrt(low * high)
            low, high = (low, middle) if self.success(middle) >= target else (middle, high)
        return math.ceil(high)

    @property
    def _point(self) -> float:
        return float(laws.normal_point(self.alpha))


def size_for_assurance(
    prior: MixturePrior, errors_at: Callable[[float], Errors], target: float, largest: float
) -> float:
    """Return the size per arm at which the assurance reaches ``target``; infinite where none does.

    ``errors_at`` gives the standard errors for a size. Sizes up to ``largest`` are tried, to within one
    part in two hundred.
    """

    def reached(size: float) -> bool:
        return prior_assurance(prior, errors_at(size)).assurance >= target

    if target >= prior.ceiling or not reached(largest):
        return math.inf
    low, high = 2.0, largest
    if reached(low):
        return low
    while high / low > 1.005:
        middle = math.sqrt(low * high)
        low, high = (low, middle) if reached(middle) else (middle, high)
    return math.ceil(high)
