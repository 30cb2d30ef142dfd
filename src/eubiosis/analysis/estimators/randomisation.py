"""Randomisation test of event counts: exact under the null whatever law the counts follow.

Lesion counts are more unequal between people than a negative binomial law allows, so that the Wald test of
such a regression rejects too often in small trials. Under the null hypothesis of no effect on anybody the
arms are exchangeable labels, and the distribution of any statistic over re-labellings is its null
distribution (Fisher 1935; Pitman 1937: cited as the origin of the method).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatT = TypeVar("FloatT", NDArray[np.float32], NDArray[np.float64])


@dataclass(frozen=True)
class RandomisationTest:
    """A two-sided p-value and the 95 % interval of the log rate ratio that goes with it.

    ``centre`` is the log ratio with half an event added to each arm, ``reach`` how far it strays from 0 in
    95 % of the re-labellings: the interval holds 0 where p is 0.05 or more.
    """

    p_value: float
    centre: float
    reach: float


def randomisation_p(
    counts: ArrayLike,
    exposure: ArrayLike,
    arm: ArrayLike,
    *,
    treated: str,
    control: str,
    generator: np.random.Generator,
    relabellings: int = 999,
) -> float:
    """Return the two-sided p-value of equal event rates in two arms.

    ``counts``, ``exposure`` (years, scans) and ``arm`` have one entry per participant. Everybody who was
    randomised to the two arms takes part in the re-labelling, as in the randomisation itself; participants
    without exposure or with a missing count have nothing to add to the sums. The statistic is the absolute
    log ratio of events per exposure, half an event added to each arm. The smallest possible value is
    1 / (relabellings + 1). Raises ``ValueError`` when an arm has nobody with any exposure or a value is
    infinite.

    >>> rng = np.random.default_rng(1)
    >>> randomisation_p([9] * 8 + [0] * 8, [1.0] * 16, ["a"] * 8 + ["b"] * 8,
    ...                 treated="a", control="b", generator=rng) < 0.01
    True
    """
    return randomisation_test(
        counts,
        exposure,
        arm,
        treated=treated,
        control=control,
        generator=generator,
        relabellings=relabellings,
    ).p_value


def randomisation_test(
    counts: ArrayLike,
    exposure: ArrayLike,
    arm: ArrayLike,
    *,
    treated: str,
    control: str,
    generator: np.random.Generator,
    relabellings: int = 999,
) -> RandomisationTest:
    """Return the p-value of ``randomisation_p`` and a 95 % interval of the log rate ratio.

    The interval takes for granted that the ratio strays about its true value as it does about 1.
    """
    events = np.asarray(counts, dtype=float)
    time = np.asarray(exposure, dtype=float)
    label = np.asarray(arm)
    pair = (label == treated) | (label == control)
    events, time, in_treated = events[pair], time[pair], label[pair] == treated
    kept = (time > 0) & ~np.isnan(events)
    events, time = np.where(kept, events, 0.0), np.where(kept, time, 0.0)
    for name, inside in ((treated, in_treated), (control, ~in_treated)):
        if not (inside & kept).any():
            message = f"nobody in {name} has any exposure"
            raise ValueError(message)
    if not (np.all(np.isfinite(events)) and np.all(np.isfinite(time))):
        message = "an infinite count or exposure; allowed: finite values, or missing ones"
        raise ValueError(message)
    order = np.argsort(generator.random((relabellings, len(events))), axis=1)
    relabelled = in_treated[order]
    centre = _statistic(events, time, in_treated[None, :])[0]
    null, observed = np.abs(_statistic(events, time, relabelled)), abs(centre)
    p_value = float((1 + np.sum(null >= observed - TIE)) / (relabellings + 1))
    return RandomisationTest(p_value, float(centre), float(reach(null)))


TIE = 1e-12
_ROUNDINGS = 16  # of a sum of times, in units of its last place


def reach(null: FloatT, level: float = 0.05) -> FloatT:
    """Return what a statistic has to exceed for a p-value below ``level``; re-labellings come first."""
    place = max(int(np.ceil(level * (len(null) + 1))) - 2, 0)
    return -np.partition(-null, place, axis=0)[place]  # type: ignore[no-any-return]


def _statistic(
    events: NDArray[np.float64], time: NDArray[np.float64], treated: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the log rate ratio of each labelling; ``treated`` is (labellings, participants)."""
    chosen = treated.astype(float)
    return log_ratio(chosen @ events, chosen @ time, np.asarray(events.sum()), np.asarray(time.sum()))


def log_ratio(events: FloatT, time: FloatT, all_events: FloatT, all_time: FloatT) -> FloatT:
    """Return the log rate ratio of one group against the rest of all, half an event added to each; any shape.

    It is infinite where all the time is in one of the two, also where sums in another order differ by a
    rounding.
    """
    half = events.dtype.type(0.5)
    nothing = _ROUNDINGS * np.finfo(events.dtype).eps * all_time
    rest = np.where(all_time - time > nothing, all_time - time, 0)
    with np.errstate(divide="ignore"):
        ratio = (events + half) * rest / ((all_events - events + half) * time)
        return np.log(ratio)
