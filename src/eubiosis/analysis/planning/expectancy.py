"""Open treatment and a patient-reported outcome: what expectancy adds, and what stays identifiable.

The standardised difference that an open trial sees is treatment + expectancy, both benefit positive;
expectancy has a normal prior. However large the trial, only the sum is learned from it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from eubiosis.core import laws


@dataclass(frozen=True)
class OpenTrial:
    """What an open trial of ``n_per_arm`` can say about treatment apart from expectancy.

    ``false_success``: how often the usual test succeeds though treatment does nothing. ``seen_if_null``:
    the mean standardised difference then. ``needed``: the smallest difference seen that leaves treatment
    above zero with 97.5 % once expectancy is taken off. ``power_usual`` and ``power_corrected``: at the
    planned effect, without and with that correction. ``n_corrected``: the size at which the corrected
    test has the power asked for, infinite where none has. ``best_error``: the SD that remains for the
    treatment effect in an endless trial.
    """

    n_per_arm: float
    false_success: float
    seen_if_null: float
    needed: float
    power_usual: float
    power_corrected: float
    n_corrected: float
    best_error: float


def open_trial(
    n_per_arm: float,
    effect: float,
    *,
    expectancy_mean: float,
    expectancy_sd: float,
    unexplained: float = 1.0,
    power: float = 0.8,
    alpha: float = 0.025,
) -> OpenTrial:
    """Compute what stays identifiable; ``unexplained`` is 1 - r^2 of an ANCOVA, ``alpha`` one-sided.

    >>> found = open_trial(1e9, 0.3, expectancy_mean=0.3, expectancy_sd=0.153)
    >>> round(found.needed, 2), found.n_corrected
    (0.6, inf)
    """
    if not (n_per_arm > 1 and expectancy_sd > 0 and 0 < unexplained <= 1):
        message = "allowed: more than one per arm, positive expectancy_sd, unexplained above 0 and up to 1"
        raise ValueError(message)
    z, z_power = float(laws.normal_point(alpha)), float(laws.normal_quantile(power))
    error = math.sqrt(2 * unexplained / n_per_arm)
    both = math.hypot(error, expectancy_sd)
    # the corrected test subtracts the mean expectancy and counts its uncertainty
    allowed = (effect / (z + z_power)) ** 2 - expectancy_sd**2
    return OpenTrial(
        n_per_arm,
        float(laws.normal_cdf((expectancy_mean - z * error) / both)),
        expectancy_mean,
        expectancy_mean + z * both,
        float(laws.normal_cdf((effect + expectancy_mean - z * error) / both)),
        float(laws.normal_cdf((effect - z * both) / both)),
        2 * unexplained / allowed if allowed > 0 else math.inf,
        expectancy_sd,
    )


def treatment_part(seen: float, error: float, mean: float, sd: float) -> tuple[float, float, float]:
    """Return the treatment effect behind a difference seen, with its 95 % interval.

    The prior of treatment is flat; ``mean`` and ``sd`` are those of expectancy.

    >>> [round(x, 2) for x in treatment_part(0.5, 0.1, 0.3, 0.153)]
    [-0.16, 0.2, 0.56]
    """
    half = laws.Z975 * math.hypot(error, sd)
    return seen - mean - half, seen - mean, seen - mean + half


def excluded_risk(people: int, level: float = 0.95) -> float:
    """Return the risk that people without a single event rule out, one-sided.

    >>> round(excluded_risk(30), 3)
    0.095
    """
    return float(1 - (1 - level) ** (1 / people))
