"""The probability that a trial succeeds when the effect itself is uncertain, and what success is worth.

Effects are signed so that benefit is positive: a standardised difference, or minus a log rate ratio.
Success is a one-sided test at ``alpha`` (0.025). The prior of the effect is normal.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from eubiosis.analysis.planning.counts import FollowUp, information_per_participant
from eubiosis.core import laws
from eubiosis.core.laws import Floats
from eubiosis.core.streams import stream


@dataclass(frozen=True)
class Prior:
    """A normal prior of the effect, benefit positive."""

    mean: float
    sd: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.mean) and math.isfinite(self.sd) and self.sd > 0):
            message = f"prior mean {self.mean}, sd {self.sd}; allowed: finite mean, positive sd"
            raise ValueError(message)


def sceptical_prior(effect: float, chance: float = 0.05) -> Prior:
    """Return a prior centred on no effect in which ``effect`` or more has only this chance.

    Spiegelhalter, Freedman and Parmar (1994, JRSS A 157:357). A chance outside (0, 0.5) or an effect
    that is not positive raises ``ValueError``.

    >>> round(sceptical_prior(0.3).sd, 4)
    0.1824
    """
    return Prior(0.0, _spread(effect, chance))


def optimistic_prior(effect: float, chance: float = 0.05) -> Prior:
    """Return a prior centred on ``effect`` in which no effect or harm has only this chance.

    >>> round(optimistic_prior(0.3).mean, 2)
    0.3
    """
    return Prior(effect, _spread(effect, chance))


def _spread(effect: float, chance: float) -> float:
    if not effect > 0 or not 0 < chance < 0.5:
        message = f"effect {effect}, chance {chance}; allowed: positive effect, chance between 0 and 0.5"
        raise ValueError(message)
    return effect / float(laws.normal_point(chance))


@dataclass(frozen=True)
class Assurance:
    """What a trial promises under a prior.

    ``assurance`` is the probability of success, ``ceiling`` the prior probability of any benefit, which no
    trial can exceed by more than false positives; ``power_at_mean`` the power if the prior mean were
    true. ``true_effect_given_success`` and ``estimate_given_success`` are means over successful trials:
    their difference is the winner's curse. ``below_relevant_given_success`` is the probability that the
    effect is smaller than the smallest relevant one although the trial succeeded. ``monte_carlo_error``
    is zero unless the assurance was simulated.
    """

    assurance: float
    ceiling: float
    power_at_mean: float
    true_effect_given_success: float
    estimate_given_success: float
    relevant_before: float
    below_relevant_given_success: float
    monte_carlo_error: float = 0.0


def normal_assurance(prior: Prior, standard_error: float, alpha: float = 0.025) -> float:
    """Return the assurance in closed form: normal prior, normal estimate with known standard error.

    O'Hagan, Stevens and Campbell (2005, Pharmaceutical Statistics 4:187).

    >>> round(normal_assurance(Prior(0.2, 0.06**0.5), (2 * 0.25**2 / 25) ** 0.5), 3)
    0.595
    """
    reach = float(laws.normal_point(alpha)) * standard_error
    return float(laws.normal_cdf((prior.mean - reach) / math.hypot(standard_error, prior.sd)))


def assurance(
    prior: Prior,
    standard_error: Callable[[float], float],
    *,
    alpha: float = 0.025,
    relevant: float = 0.0,
) -> Assurance:
    """Integrate the probability of success over the prior by adaptive quadrature.

    ``standard_error`` gives the standard error of the estimate at a true effect; ``relevant`` is the
    smallest effect worth having.

    >>> found = assurance(sceptical_prior(0.3), lambda effect: 0.1)
    >>> 0 < found.assurance < 1
    True
    """
    from scipy.integrate import quad

    z = float(laws.normal_point(alpha))

    def power(effect: float) -> float:
        return float(laws.normal_cdf(effect / standard_error(effect) - z))

    def mean_estimate(effect: float) -> float:  # of the estimate, counted only where it succeeds
        error = standard_error(effect)
        return effect * power(effect) + error * float(laws.normal_pdf(z - effect / error))

    def density(effect: float) -> float:
        return float(laws.normal_pdf((effect - prior.mean) / prior.sd)) / prior.sd

    def over_prior(function: Callable[[float], float], low: float, high: float) -> float:
        value, _ = quad(
            lambda effect: function(effect) * density(effect),
            low,
            high,
            epsabs=1e-12,
            epsrel=1e-11,
            limit=500,
            points=None,
        )
        return float(value)

    low, high = prior.mean - 10 * prior.sd, prior.mean + 10 * prior.sd
    success = over_prior(power, low, high)
    small = over_prior(power, low, min(max(relevant, low), high))
    return Assurance(
        success,
        float(laws.normal_sf(-prior.mean / prior.sd)),
        power(prior.mean),
        over_prior(lambda effect: effect * power(effect), low, high) / success,
        over_prior(mean_estimate, low, high) / success,
        float(laws.normal_sf((relevant - prior.mean) / prior.sd)),
        small / success,
    )


def rate_ratio_error(
    n_control: float, control_rate: float, dispersion: float, follow_up: FollowUp, allocation: float = 1.0
) -> Callable[[float], float]:
    """Return the standard error of minus the log rate ratio as a function of that effect."""

    def error(effect: float) -> float:
        control = information_per_participant(control_rate, dispersion, follow_up)
        treated = information_per_participant(control_rate * math.exp(-effect), dispersion, follow_up)
        return math.sqrt((1 / control + 1 / (allocation * treated)) / n_control)

    return error


def mean_difference_error(n_per_arm: float, unexplained: float = 1.0) -> Callable[[float], float]:
    """Return the standard error of a standardised difference; ``unexplained`` is 1 - r^2 of ANCOVA."""
    return lambda effect: math.sqrt(2 * unexplained / n_per_arm) + 0 * effect


def simulate_assurance(
    prior: Prior,
    trial: Callable[[float, np.random.Generator], tuple[float, bool]],
    *,
    draws: int,
    seed: int,
    trials_per_draw: int = 1,
    relevant: float = 0.0,
) -> Assurance:
    """Estimate the assurance by simulation: draw an effect, run trials, count successes.

    ``trial`` takes a true effect and a random generator and returns (estimate, success); a trial whose
    analysis failed is no success. The Monte Carlo error comes from the draws of the effect, not from
    draws times trials. ``power_at_mean`` is simulated with as many trials as there are draws. No success
    at all gives NaN for what depends on success.
    """
    generator = stream(seed, "assurance")
    effects = generator.normal(prior.mean, prior.sd, draws)
    share, truth, found = np.zeros(draws), np.zeros(draws), np.zeros(draws)
    for k, effect in enumerate(effects.tolist()):
        outcomes = [trial(effect, generator) for _ in range(trials_per_draw)]
        wins = [estimate for estimate, success in outcomes if success]
        share[k] = len(wins) / trials_per_draw
        truth[k] = effect * share[k]
        found[k] = sum(wins) / trials_per_draw
    at_mean = np.mean([trial(prior.mean, generator)[1] for _ in range(draws)])
    total = float(share.sum())
    return Assurance(
        total / draws,
        float(np.mean(effects > 0)),
        float(at_mean),
        float(truth.sum()) / total if total else math.nan,
        float(found.sum()) / total if total else math.nan,
        float(np.mean(effects >= relevant)),
        float(share[effects < relevant].sum()) / total if total else math.nan,
        float(np.std(share, ddof=1)) / math.sqrt(draws),
    )


def sizes_for_assurance(
    assurance_at: Callable[[float], float], targets: Floats, ceiling: float, largest: float = 1e6
) -> list[float]:
    """Return the smallest real-valued size that reaches each target; infinite where none does.

    ``assurance_at`` increases with the size; a target at or above the ``ceiling`` is not reachable, nor
    is one that ``largest`` does not reach.
    """
    from scipy.optimize import brentq

    sizes = []
    for target in np.asarray(targets, dtype=np.float64).tolist():
        if target >= ceiling or assurance_at(largest) < target:
            sizes.append(math.inf)
        elif assurance_at(2.0) >= target:
            sizes.append(2.0)
        else:
            sizes.append(float(brentq(lambda n, t=target: assurance_at(n) - t, 2.0, largest, xtol=1e-6)))
    return sizes
