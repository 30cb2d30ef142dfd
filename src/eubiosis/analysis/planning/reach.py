"""What a trial can see: power, detectable effect and size from the spread of simulated estimates.

The standard error of a comparison falls with the root of the number of participants. For counts it also
depends on the control arm's rate and on the effect, as the information of negative binomial counts does.
Effects are sizes on the scale of the analysis, benefit positive.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eubiosis.analysis.planning.counts import FollowUp, information_per_rate
from eubiosis.analysis.planning.prior_assurance import AssuranceCurve, MixturePrior
from eubiosis.core import laws
from eubiosis.core.laws import Floats

LARGEST = 100_000  # participants; a size beyond it is none
_STRONGEST = 6.0  # log ratio beyond which a count's effect is no effect of a therapy


@dataclass(frozen=True)
class CountLaw:
    """How the information of a count depends on its rate: the band of the control rate, and the follow-up.

    ``rates`` are the highest, the stated and the lowest rate of the control arm, a year or a scan, so that
    the best comes first; ``dispersion`` is k in variance = mu + k mu^2.
    """

    rates: tuple[float, float, float]
    dispersion: float
    follow_up: FollowUp


@dataclass(frozen=True)
class SpreadLaw:
    """The standard error of a comparison in a trial of any size.

    ``error`` is that of a trial of ``participants`` at the stated control rate and without an effect,
    ``monte_carlo`` its Monte Carlo error; the band takes it two of them away on either side. ``falls`` says
    that benefit is a lower count. ``kept`` multiplies the information, for example by who stays longer.
    """

    error: float
    monte_carlo: float
    participants: int
    counts: CountLaw | None = None
    shape_at: CountLaw | None = None
    kept: float = 1.0

    def unit_errors(self, effects: Floats) -> Floats:
        """Return the errors for one participant (m, 3) at effects (m,): best, stated and worst."""
        away = laws.Z975 * self.monte_carlo
        unit = np.array([max(self.error - away, 0.05 * self.error), self.error, self.error + away])
        unit = unit * math.sqrt(self.participants / self.kept)
        if self.counts is None:
            return np.tile(unit, (len(effects), 1))
        at = self.shape_at or self.counts
        stated = float(_shape(at, np.zeros(1))[0, 1])
        return unit * _shape(self.counts, effects) / stated

    def error_at(self, effect: float, participants: float) -> Floats:
        """Return the three standard errors (3,) of a trial of so many participants at an effect."""
        return np.asarray(self.unit_errors(np.array([effect]))[0] / math.sqrt(participants))


def _shape(law: CountLaw, effects: Floats) -> Floats:
    """Return the root of the two arms' inverse informations (m, 3) at effects and the three rates."""
    rates = np.asarray(law.rates)
    control = 1 / information_per_rate(rates, law.dispersion, law.follow_up)
    treated = 1 / information_per_rate(rates * np.exp(-effects)[:, None], law.dispersion, law.follow_up)
    return np.sqrt(control + treated)


def power_at(law: SpreadLaw, effect: float, participants: float, alpha: float) -> Floats:
    """Return the power (3,) at the best, the stated and the worst level; the wrong direction is no success.

    >>> law = SpreadLaw(1.0, 0.0, 100)
    >>> power_at(law, 2.801585, 100, 0.05).round(3).tolist()
    [0.8, 0.8, 0.8]
    """
    point = float(laws.normal_point(alpha / 2))
    return np.asarray(laws.normal_cdf(effect / law.error_at(effect, participants) - point))


def detectable(law: SpreadLaw, participants: int, alpha: float, power: float) -> tuple[float, float, float]:
    """Return the smallest true effect seen with ``power`` at the best, the stated and the worst level.

    Infinite where no effect is: a count cannot fall below zero, so that its information ends. Not a number
    where the error is none.

    >>> [round(one, 3) for one in detectable(SpreadLaw(1.0, 0.0, 100), 400, 0.05, 0.8)]
    [1.401, 1.401, 1.401]
    """
    if not (math.isfinite(law.error) and law.error > 0):
        return (math.nan, math.nan, math.nan)
    reach = float(laws.normal_point(alpha / 2)) + float(laws.normal_point(1 - power))
    if law.counts is None:
        low, middle, high = (float(one) for one in reach * law.error_at(0.0, participants))
        return low, middle, high
    tried = np.linspace(0.0, _STRONGEST, 1201)[1:]
    errors = law.unit_errors(tried) / math.sqrt(participants)
    seen = tried[:, None] >= reach * errors
    found = []
    for column in range(3):
        hits = np.flatnonzero(seen[:, column])
        if not len(hits):
            found.append(math.inf)
            continue
        k = int(hits[0])
        low = 0.0 if k == 0 else float(tried[k - 1])

        def gap(effect: float, column: int = column) -> float:
            return effect - reach * float(law.error_at(effect, participants)[column])

        found.append(laws.root(gap, low, float(tried[k])))
    return found[0], found[1], found[2]


def participants_needed(
    law: SpreadLaw, effect: float, alpha: float, power: float
) -> tuple[int | None, int | None, int | None]:
    """Return the participants of the whole trial that see an effect with ``power``; None beyond 100,000.

    >>> participants_needed(SpreadLaw(1.0, 0.0, 100), 2.0, 0.05, 0.8)
    (197, 197, 197)
    """
    if not (math.isfinite(law.error) and law.error > 0 and effect > 0):
        return (None, None, None)
    reach = float(laws.normal_point(alpha / 2)) + float(laws.normal_point(1 - power))
    exact = (reach * law.unit_errors(np.array([effect]))[0] / effect) ** 2
    found = [math.ceil(round(float(one), 6)) if one <= LARGEST else None for one in exact]
    return found[0], found[1], found[2]


def curve_under(prior: MixturePrior, law: SpreadLaw, alpha: float) -> AssuranceCurve:
    """Return the assurance of trials of any size of the whole trial, the three levels equally probable."""
    return AssuranceCurve(prior, law.unit_errors, alpha / 2)


def worlds_prior(effects: Sequence[float], spread: float) -> MixturePrior:
    """Return the prior of simulated worlds: a narrow normal about the effect of each, benefit positive.

    ``spread`` is the standard deviation that no world covers; a small share of the range stands for none.
    """
    values = np.asarray(effects, dtype=float)
    least = 1e-3 * max(float(np.ptp(values)), float(np.abs(values).max()), 1e-6)
    sd = max(spread, least)
    count = len(values)
    return MixturePrior("simulated worlds", (1 / count,) * count, tuple(values.tolist()), (sd,) * count)
