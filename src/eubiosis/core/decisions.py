"""What a prior of a ratio says to somebody who has to decide: chances, tipping points, the worth of a trial.

Net benefit of a therapy for one person: what an avoided relapse is worth times the relapses avoided, less
what the therapy costs. A trial tells a log ratio with a standard error; with its answer one takes the
therapy up or leaves it. The expected value of sample information is what that choice gains over the better
of taking it up and leaving it now (Ades, Lu and Claxton 2004, Med Decis Making 24:207). Utilities are the
user's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from eubiosis.core import laws
from eubiosis.core.effect_prior import EffectPrior
from eubiosis.core.laws import Floats

PRIOR_ONLY, MOVED = "prior only", "data moved it"
HARDLY = "data hardly moved it"
_PRINTED, _MOVED = 0.0005, 0.01  # changes of a chance: that print as none, and that are worth the word
BENEFIT, HARM = 0.8, 1.1  # ratios whose chances are printed
_POINTS, _WIDTH = 2001, 8.0


@dataclass(frozen=True)
class Chance:
    """The probability of a statement about a ratio, and what it was before any data on couplings."""

    statement: str
    probability: float
    before: float

    @property
    def word(self) -> str:
        """Say whether data moved the chance: by nothing that is printed, by less than a point, or by more.

        >>> [Chance("", 0.304, before).word for before in (0.304, 0.305, 0.35)]
        ['prior only', 'data hardly moved it', 'data moved it']
        """
        change = abs(self.probability - self.before)
        if change < _PRINTED:
            return PRIOR_ONLY
        return MOVED if change >= _MOVED else HARDLY


def chances(found: EffectPrior, before: EffectPrior) -> tuple[Chance, ...]:
    """Return the chances of a ratio below 0.8 and above 1.1, each beside its value before data."""
    return (
        Chance(f"ratio below {BENEFIT:g}", found.chance_below(BENEFIT), before.chance_below(BENEFIT)),
        Chance(f"ratio above {HARM:g}", 1 - found.chance_below(HARM), 1 - before.chance_below(HARM)),
    )


def tipping_ratio(exposure: float, ratio: float = BENEFIT) -> float | None:
    """Return the ratio of relapses per doubling that an exposure needs to reach ``ratio``.

    ``exposure`` is in doublings; where it is a fall, a ratio below 1 asks for relapses that rise with the
    input, and the answer is above 1. Without exposure none is enough: None.

    >>> round(tipping_ratio(0.44), 2), round(tipping_ratio(-0.44), 2)
    (0.6, 1.66)
    """
    if not exposure:
        return None
    with np.errstate(over="ignore", under="ignore"):
        return float(np.power(ratio, 1 / exposure))


@dataclass(frozen=True)
class Stakes:
    """What the user says is at stake.

    ``relapse`` is the worth of a relapse avoided, ``participant`` the cost of one participant, ``treated``
    the cost of treating one person for ``years``, all in one currency; ``takers`` are the people who would
    take the therapy up and ``rate`` their relapses a year without it.
    """

    relapse: float
    participant: float
    treated: float
    takers: float
    rate: float
    years: float


@dataclass(frozen=True)
class TrialWorth:
    """The expected value of a trial's answer and its net value, in the user's currency."""

    people_per_arm: int
    standard_error: float
    value: float
    cost: float

    @property
    def net(self) -> float:
        """Return the value less the cost."""
        return self.value - self.cost


def standard_error(rate: float, dispersion: float, years: float, people: int) -> float:
    """Return the standard error of a log rate ratio near 1 with so many people per arm.

    Negative binomial counts: variance (2 / n) (1 / (rate years) + dispersion).
    """
    return math.sqrt(2 / people * (1 / (rate * years) + dispersion))


def sample_information(prior: EffectPrior, error: float, stakes: Stakes) -> float:
    """Return the expected value for all takers of knowing an estimate with standard error ``error``.

    The estimate's law is a mixture of normals, the expectation a sum over a grid of it.
    """
    weights, means, sds = (np.asarray(x) for x in (prior.weights, prior.means, prior.sds))
    gain, price = stakes.relapse * stakes.rate * stakes.years, stakes.treated
    now = gain * (1 - float(weights @ np.exp(means + sds**2 / 2))) - price
    spread = np.hypot(sds, error)
    low, high = float((means - _WIDTH * spread).min()), float((means + _WIDTH * spread).max())
    estimates = np.linspace(low, high, _POINTS)
    density = weights * laws.normal_pdf((estimates[:, None] - means) / spread) / spread
    expected = _ratio_given(estimates, means, sds, error)
    step = estimates[1] - estimates[0]
    benefit = (density * (gain * (1 - expected) - price)).sum(axis=1)  # times the density of the estimate
    with_answer = float(np.maximum(benefit, 0.0).sum() * step)
    return stakes.takers * max(with_answer - max(now, 0.0), 0.0)


def _ratio_given(estimates: Floats, means: Floats, sds: Floats, error: float) -> Floats:
    """Return the expected ratio given an estimate, by component, shape (estimates, components)."""
    shrink = sds**2 / (sds**2 + error**2)
    centre = means + shrink * (estimates[:, None] - means)
    return np.asarray(np.exp(centre + shrink * error**2 / 2))


def trial_worth(
    prior: EffectPrior, stakes: Stakes, people: int, dispersion: float, years: float
) -> TrialWorth:
    """Return what a two-arm trial of ``people`` per arm for ``years`` is worth and costs."""
    error = standard_error(stakes.rate, dispersion, years, people)
    return TrialWorth(
        people, error, sample_information(prior, error, stakes), 2 * people * stakes.participant
    )


def same_order(worths: Mapping[str, Sequence[TrialWorth]]) -> tuple[int, ...] | None:
    """Return the order of options, best net value first, where it is the same under every prior; else None.

    ``worths`` prior -> the options in one order. Options that a prior does not tell apart have no order.
    """
    orders = set()
    for row in worths.values():
        nets = [one.net for one in row]
        if len({round(net, 6) for net in nets}) < len(nets):
            return None
        orders.add(tuple(sorted(range(len(nets)), key=nets.__getitem__, reverse=True)))
    return orders.pop() if len(orders) == 1 else None
