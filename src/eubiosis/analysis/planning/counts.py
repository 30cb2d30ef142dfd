"""Sample size, power and statistical information for rate ratios of negative binomial counts.

``dispersion`` is always k in variance = mu + k mu^2; rates are events per year, times in years.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from eubiosis.analysis.planning.sizes import SampleSize, positive, quantiles, round_up
from eubiosis.core import laws
from eubiosis.core.laws import Floats

if TYPE_CHECKING:
    from eubiosis.analysis.sequential.boundaries import Boundaries

Method = Literal[1, 2, 3]


@dataclass(frozen=True)
class FollowUp:
    """How long participants are observed: all ``years``, or less with late accrual or drop-out.

    With ``accrual_years`` above zero participants enter uniformly over that time and all stop at the
    same calendar time, ``years`` after the last one entered; ``dropout_per_year`` is a constant hazard.
    """

    years: float
    accrual_years: float = 0.0
    dropout_per_year: float = 0.0

    def __post_init__(self) -> None:
        positive(years=self.years)
        if self.accrual_years < 0 or self.dropout_per_year < 0:
            message = "accrual_years or dropout_per_year is negative; allowed: zero or more"
            raise ValueError(message)


def information_per_participant(rate: float, dispersion: float, follow_up: FollowUp) -> float:
    """Return a participant's expected information on the log rate: the mean of mu / (1 + k mu).

    mu is the rate times the follow-up, averaged over accrual and drop-out (Muetze 2018, Statistical
    Methods in Medical Research 28:2326). With k of zero and fixed follow-up this is the expected count.

    >>> information_per_participant(0.5, 0.0, FollowUp(2.0))
    1.0
    """
    return _mean_information(rate, dispersion, follow_up)


def information_per_rate(rates: Floats, dispersion: float, follow_up: FollowUp) -> Floats:
    """Return the expected information of a participant at each rate, any shape; see above.

    >>> information_per_rate(np.array([0.5, 1.0]), 0.0, FollowUp(2.0)).tolist()
    [1.0, 2.0]
    """
    times, weights = _follow_up_times(follow_up)
    mean = _with_dropout(rates[..., None], dispersion, times, follow_up.dropout_per_year)
    return np.asarray(mean @ weights, dtype=np.float64)


def negative_binomial_size(
    control_rate: float,
    ratio: float,
    dispersion: float,
    follow_up: FollowUp,
    *,
    power: float = 0.8,
    alpha: float = 0.05,
    allocation: float = 1.0,
    method: Method = 2,
    null_ratio: float = 1.0,
) -> SampleSize:
    """Compute the sample size for a rate ratio by Zhu and Lakkis (2014, Statistics in Medicine 33:376).

    ``alpha`` is two-sided; ``allocation`` is treated per control participant. ``method`` says how the
    variance under the null is taken: 1 both arms at the control rate, 2 as under the alternative, 3 both
    at the pooled rate; 1 and 3 are defined for one fixed follow-up only. ``null_ratio`` other than 1
    makes it a non-inferiority or superiority-by-a-margin trial. Invalid arguments raise ``ValueError``.

    >>> negative_binomial_size(0.35, 0.85, 0.8, FollowUp(2.0)).n_control
    1400
    """
    variance_null, variance, distance = _variances(
        control_rate,
        ratio,
        dispersion,
        follow_up,
        allocation=allocation,
        method=method,
        null_ratio=null_ratio,
    )
    z_alpha, z_beta = quantiles(alpha, power)
    exact = ((z_alpha * math.sqrt(variance_null) + z_beta * math.sqrt(variance)) / distance) ** 2
    n_control, n_treated = round_up(exact), round_up(allocation * exact)
    return SampleSize(
        endpoint="rate ratio",
        method=f"negative binomial, Zhu and Lakkis approach {method}",
        n_control=n_control,
        n_treated=n_treated,
        n_control_exact=exact,
        power=_power(n_control, variance_null, variance, distance, alpha),
        target=power,
        alpha=alpha,
        detail={
            "information_needed": ((z_alpha + z_beta) / distance) ** 2,
            "events_control": n_control * control_rate * mean_follow_up(follow_up),
            "events_treated": n_treated * ratio * control_rate * mean_follow_up(follow_up),
            "mean_years": mean_follow_up(follow_up),
        },
    )


def negative_binomial_power(
    n_control: float,
    control_rate: float,
    ratio: float,
    dispersion: float,
    follow_up: FollowUp,
    *,
    alpha: float = 0.05,
    allocation: float = 1.0,
    method: Method = 2,
    null_ratio: float = 1.0,
) -> float:
    """Return the power of a trial with ``n_control`` control participants; arguments as for the size.

    Rejections in the wrong direction are not counted as power.
    """
    variance_null, variance, distance = _variances(
        control_rate,
        ratio,
        dispersion,
        follow_up,
        allocation=allocation,
        method=method,
        null_ratio=null_ratio,
    )
    return _power(n_control, variance_null, variance, distance, alpha)


def mean_follow_up(follow_up: FollowUp) -> float:
    """Return the expected years of follow-up per participant."""
    return _mean_information(1.0, 0.0, follow_up)


@dataclass(frozen=True)
class CountTrial:
    """A trial of a rate ratio whose size is known; ``n_*`` participants, rates per year."""

    n_control: int
    n_treated: int
    control_rate: float
    ratio: float
    dispersion: float
    follow_up: FollowUp

    @property
    def calendar_years(self) -> float:
        """Return the time from the first entry to the end of the trial."""
        return self.follow_up.years + self.follow_up.accrual_years


def information_at(trial: CountTrial, calendar_years: float) -> float:
    """Return the expected information on the log rate ratio at a calendar time after the first entry.

    The information is the inverse variance of the log rate ratio with the dispersion known:
    1 / (1/S0 + 1/S1), S the sum of mu / (1 + k mu) over the participants of an arm, who enter at equal
    distances from time zero to the end of accrual.
    """
    sums = []
    for size, rate in (
        (trial.n_control, trial.control_rate),
        (trial.n_treated, trial.ratio * trial.control_rate),
    ):
        entries = np.linspace(0.0, trial.follow_up.accrual_years, size)
        times = np.clip(min(calendar_years, trial.calendar_years) - entries, 0.0, None)
        values = _with_dropout(rate, trial.dispersion, times, trial.follow_up.dropout_per_year)
        sums.append(float(np.sum(values)))
    return 0.0 if min(sums) == 0 else 1.0 / (1.0 / sums[0] + 1.0 / sums[1])


def observed_information(
    years: Sequence[Sequence[float]], rates: Sequence[float], dispersion: float
) -> float:
    """Return the information on the log rate ratio from the follow-up observed so far.

    ``years`` holds the follow-up of each participant of the control and of the treated arm, ``rates`` the
    two rates per year; blinded monitoring puts the pooled rate in both places.
    """
    sums = []
    for follow_ups, rate in zip(years, rates, strict=True):
        mu = rate * np.asarray(follow_ups, dtype=np.float64)
        sums.append(float(np.sum(mu / (1.0 + dispersion * mu))))
    return 0.0 if min(sums) == 0 else 1.0 / (1.0 / sums[0] + 1.0 / sums[1])


def calendar_time_of(trial: CountTrial, information: float) -> float:
    """Return the calendar time at which the expected information is reached, infinite when it never is."""
    from scipy.optimize import brentq

    end = trial.calendar_years
    reached = information_at(trial, end)
    if reached < information * (1 - 1e-9):
        return math.inf
    if reached <= information * (1 + 1e-9):
        return end
    return float(brentq(lambda time: information_at(trial, time) - information, 0.0, end, xtol=1e-12))


@dataclass(frozen=True)
class SequentialCounts:
    """A group-sequential trial of a rate ratio.

    ``information_needed`` is the maximum information of the design, ``information_reached`` that of the
    rounded trial at its end; ``calendar_years`` when each look is due, the last being the end of the
    trial; ``n_control_exact`` is unrounded.
    """

    trial: CountTrial
    n_control_exact: float
    information_needed: float
    information_reached: float
    calendar_years: tuple[float, ...]
    expected_information: float


def sequential_negative_binomial(
    design: Boundaries,
    control_rate: float,
    ratio: float,
    dispersion: float,
    follow_up: FollowUp,
    *,
    allocation: float = 1.0,
) -> SequentialCounts:
    """Size a group-sequential rate-ratio trial and place its looks in calendar time.

    The maximum information is the squared drift of the design over the squared log rate ratio; each
    interim look comes when its fraction of that information is expected.
    """
    from eubiosis.analysis.sequential.boundaries import stopping

    needed = (design.drift / math.log(ratio)) ** 2
    _, variance, _ = _variances(
        control_rate, ratio, dispersion, follow_up, allocation=allocation, method=2, null_ratio=1.0
    )
    exact = needed * variance
    trial = CountTrial(
        round_up(exact), round_up(allocation * exact), control_rate, ratio, dispersion, follow_up
    )
    interim = [calendar_time_of(trial, fraction * needed) for fraction in design.information[:-1]]
    return SequentialCounts(
        trial,
        exact,
        needed,
        information_at(trial, trial.calendar_years),
        (*interim, trial.calendar_years),
        stopping(design, design.drift).expected_information * needed,
    )


def _variances(
    control_rate: float,
    ratio: float,
    dispersion: float,
    follow_up: FollowUp,
    *,
    allocation: float,
    method: Method,
    null_ratio: float,
) -> tuple[float, float, float]:
    """Return n0 times the variance of the log ratio under null and alternative, and the log distance."""
    positive(control_rate=control_rate, ratio=ratio, allocation=allocation, null_ratio=null_ratio)
    if dispersion < 0 or ratio == null_ratio:
        message = (
            f"dispersion {dispersion}, ratio {ratio}; allowed: dispersion >= 0, ratio other than {null_ratio}"
        )
        raise ValueError(message)
    if method not in (1, 2, 3):
        message = f"method {method}; allowed: 1, 2, 3"
        raise ValueError(message)
    w = allocation
    treated = information_per_participant(ratio * control_rate, dispersion, follow_up)
    control = information_per_participant(control_rate, dispersion, follow_up)
    variance = 1.0 / control + 1.0 / (w * treated)
    distance = abs(math.log(ratio / null_ratio))
    if method == 2:
        return variance, variance, distance
    if follow_up.accrual_years or follow_up.dropout_per_year or null_ratio != 1.0:
        message = f"method {method} is defined for one fixed follow-up and a null ratio of 1; use method 2"
        raise ValueError(message)
    t = follow_up.years
    overdispersion = (1 + w) * dispersion / w
    if method == 1:
        return (1 + w) / (w * t * control_rate) + overdispersion, variance, distance
    return (1 + w) ** 2 / (w * t * control_rate * (1 + w * ratio)) + overdispersion, variance, distance


def _power(n_control: float, variance_null: float, variance: float, distance: float, alpha: float) -> float:
    z_alpha = float(laws.normal_point(alpha / 2))
    shift = (math.sqrt(n_control) * distance - z_alpha * math.sqrt(variance_null)) / math.sqrt(variance)
    return float(laws.normal_cdf(shift))


def _mean_information(rate: float, dispersion: float, follow_up: FollowUp) -> float:
    """Average mu / (1 + k mu) over the follow-up times of a completed trial."""
    times, weights = _follow_up_times(follow_up)
    return float(weights @ _with_dropout(rate, dispersion, times, follow_up.dropout_per_year))


def _follow_up_times(follow_up: FollowUp) -> tuple[Floats, Floats]:
    """Return the planned times and their weights, (times,) each."""
    if follow_up.accrual_years == 0:
        return np.array([follow_up.years]), np.ones(1)
    nodes, weights = laws.gauss_legendre(64)
    return follow_up.years + (nodes + 1) / 2 * follow_up.accrual_years, weights / 2


def _with_dropout(rate: Floats | float, dispersion: float, times: Floats, hazard: float) -> Floats:
    """Return mu / (1 + k mu) for each planned follow-up time, averaged over exponential drop-out.

    ``rate`` is one number, or an array whose last axis is that of the times.
    """

    def at(rates: Floats | float, years: Floats) -> Floats:
        mu = rates * years
        return np.asarray(mu / (1.0 + dispersion * mu), dtype=np.float64)

    if hazard == 0:
        return at(rate, times)
    nodes, weights = laws.gauss_legendre(64)
    moments = times[:, None] * (nodes + 1) / 2
    each = rate[..., None] if isinstance(rate, np.ndarray) else rate
    left = (at(each, moments) * hazard * np.exp(-hazard * moments)) @ weights * times / 2
    result: Floats = left + at(rate, times) * np.exp(-hazard * times)
    return result
