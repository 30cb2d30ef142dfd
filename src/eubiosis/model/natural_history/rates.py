"""The two event rates of people with relapsing MS, and the scales that give them the level of placebo arms.

Levels are those of entrants: a trial enrols people who had a relapse in the year before, and whoever had one
is more active than others and was more active than usual. Comparing like with like needs nobody to be drawn:
a person with a given hazard enters with the probability of at least one relapse.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from eubiosis.core.calendar import DAYS_PER_YEAR
from eubiosis.core.laws import root
from eubiosis.engine import Array

YEAR = 365


@dataclass(frozen=True)
class Rates:
    """Expected events a day for each person: new enhancing lesions and relapses, shape (days, people)."""

    lesions: Array
    relapses: Array

    def times(self, lesions: float, relapses: float) -> Rates:
        """Return the rates at other scales."""
        return Rates(lesions * self.lesions, relapses * self.relapses)


def relative_rates(number: Mapping[str, float], infiltrate: Array, frailty: Array, hazard: Array) -> Rates:
    """Return the two rates of people with relapsing MS at scales of 1, as the model's equations have them.

    ``infiltrate`` and ``hazard`` (the random factor) have shape (days, people), ``frailty`` (people,).
    """
    return Rates(
        infiltrate ** number["host_gam_L"],
        infiltrate ** number["host_gam_R"] * frailty * hazard,
    )


def counted(hazard: Array, gap: float) -> Array:
    """Return relapses counted a day where each relapse hides those of the ``gap`` days after it."""
    return np.asarray(hazard / (1.0 + gap * hazard))


def entry_chance(expected: Array, least: int = 1) -> Array:
    """Return the chance of at least ``least`` relapses for people who expect so many; any shape."""
    from scipy.special import gammainc

    return np.asarray(gammainc(least, expected)) if least > 0 else np.ones_like(expected)


def hazard_scale(before: Array, after: Array, level: float, gap: float, *, least: int = 1) -> float:
    """Return the scale of the relapse hazard at which entrants have ``level`` counted relapses a year.

    ``before`` is the hazard at scale 1 summed over the year before entry, shape (people,), ``after`` that of
    each day after it, (days, people). Entrants had at least ``least`` relapses. Raises ``ValueError``
    where no scale gives the level.
    """
    if level == 0:
        return 0.0

    def excess(log_scale: float) -> float:
        scale = float(np.exp(log_scale))
        chance = entry_chance(scale * before, least)
        rate = DAYS_PER_YEAR * counted(scale * after, gap).mean(axis=0)
        return float(chance @ rate / chance.sum()) - level

    middle = float(np.log(level / DAYS_PER_YEAR / after.mean()))
    try:
        return float(np.exp(root(excess, middle - 7.0, middle + 3.0)))
    except ValueError as error:
        message = (
            f"no scale of the relapse hazard gives {level:g} relapses a year after a gap of {gap:g} days"
        )
        raise ValueError(message) from error


def lesion_scale(after: Array, chance: Array, level: float, duration: float) -> float:
    """Return the scale of the lesion rate at which entrants show ``level`` enhancing lesions a scan.

    ``after`` is the rate at scale 1 of each day after entry, shape (days, people), ``chance`` that of
    entering (people,), where nobody does that of everybody. A scan shows the rate of new lesions times
    the mean ``duration`` of enhancement.
    """
    if not chance.any():
        chance = np.ones_like(chance)
    return float(level * chance.sum() / (after.mean(axis=0) @ chance) / duration)
