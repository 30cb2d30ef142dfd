"""Intercurrent events that belong to one trial: a switch of the drug, and steroids after a relapse.

Relapses differ from trial to trial, so what follows them does too. From the day of a switch the clocks of
relapses and lesions run slower by a factor, so that a person's own luck stays what it was. Steroids hide
enhancing lesions, which come back, let a relapse's EDSS recover faster, and move Treg for some weeks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.calendar import DAYS_PER_YEAR
from eubiosis.core.trial_draws import TrialDraws
from eubiosis.engine import Array
from eubiosis.trial.design import Design
from eubiosis.trial.intercurrent import Intercurrent, number_of
from eubiosis.trial.world.clocks import Clocks, Marks
from eubiosis.trial.world.interruptions import Kept

Ints = NDArray[np.int64]
_CHUNK = 4  # relapses of a person for which the luck of what follows is drawn at a time


@dataclass(frozen=True)
class Rescue:
    """The events of one set of trials: ``switch`` and ``steroids`` are None where the design has none.

    ``lesion_slope`` turns the log ratio of relapses under the new drug into that of lesions, as for every
    term outside the mechanism.
    """

    design: Design
    draws: TrialDraws
    people: int
    lesion_slope: float
    switch: Intercurrent | None
    steroids: Intercurrent | None

    @classmethod
    def of(cls, design: Design, draws: TrialDraws, people: int, lesion_slope: float, kept: Kept) -> Rescue:
        """Take the events of a design that are kept."""
        found = {each.event: each for each in design.intercurrent if each.event in kept}
        return cls(
            design, draws, people, lesion_slope, found.get("drug_switch"), found.get("rescue_steroids")
        )

    @property
    def relapse_ratio(self) -> float:
        """The ratio of relapses after a switch to those without it."""
        assert self.switch is not None
        return number_of(f"drug_switch_ratio_{self.switch.to}")

    @property
    def lesion_ratio(self) -> float:
        """The ratio of lesions after a switch to those without it."""
        return float(self.relapse_ratio ** (1.0 / self.lesion_slope))

    def switch_days(self, arm: str, relapses: tuple[Ints, Ints, Ints, Array]) -> Array:
        """Return the day of each one's switch under an arm, (trials, people), infinity for none.

        ``relapses`` without a switch are trial, person, number within the person, and day. The time is the
        same in every arm, and so is the luck of the k-th relapse.
        """
        found = np.full((len(self.draws), self.people), np.inf)
        if self.switch is None or not self.switch.meets(arm):
            return found
        if self.switch.per_year:
            wait = self.draws.exponentials("intercurrent/drug_switch", self.people)[..., 0]
            found = wait * DAYS_PER_YEAR / self.switch.per_year
        if self.switch.after_relapse:
            trial, person, which, day = relapses
            luck = self._of_relapses("drug_switch", trial, person, which)
            rows = luck < self.switch.after_relapse
            after = day[rows] + number_of("drug_switch_delay")
            np.minimum.at(found, (trial[rows], person[rows]), after)
        return np.where(found < self.design.days, found, np.inf)

    def steroid_days(self, arm: str, relapses: tuple[Ints, Ints, Ints, Array]) -> Array:
        """Return the day of the steroids that follow each relapse of an arm, infinity where none do."""
        trial, person, which, day = relapses
        if self.steroids is None or not self.steroids.meets(arm):
            return np.full(len(day), np.inf)
        luck = self._of_relapses("rescue_steroids", trial, person, which)
        begin = np.where(
            luck < (self.steroids.after_relapse or 0.0), day + number_of("rescue_steroids_delay"), np.inf
        )
        return np.where(begin < self.design.days, begin, np.inf)

    def _of_relapses(self, event: str, trial: Ints, person: Ints, which: Ints) -> Array:
        """Return a uniform for each relapse: the k-th of a person has the same in every arm."""
        last = int(which.max(initial=0))
        chunks = [
            self.draws.uniforms(f"intercurrent/{event}/{chunk}", self.people, _CHUNK)
            for chunk in range(last // _CHUNK + 1)
        ]
        return np.asarray(np.concatenate(chunks, axis=2)[trial, person, which])


def slowed(clock: Clocks, marks: Marks, switch: Array, ratio: float) -> Array:
    """Return the marks (events,) as the clock without a switch passes them.

    From the day of the switch (trials, people) on, the clock runs at ``ratio`` of its speed: a mark m above
    its value c on that day is passed where the other clock passes c + (m - c) / ratio.
    """
    own = switch[marks.trial, marks.person]
    rows = np.flatnonzero(np.isfinite(own))
    found = marks.mark.copy()
    at = value_on(clock, marks.person[rows], own[rows])
    late = found[rows] > at
    with np.errstate(divide="ignore"):
        found[rows[late]] = at[late] + (found[rows[late]] - at[late]) / ratio
    return found


def value_on(clock: Clocks, who: Ints, days: Array) -> Array:
    """Return the expected events of people ``who`` (any shape) up to ``days``, those before entry too."""
    place = np.clip(days, 0.0, clock.courses.shape[1] - 1 - clock.before) + clock.before
    low = np.minimum(place.astype(np.int64), clock.courses.shape[1] - 2)
    begin = clock.values(who, low)
    return np.asarray(begin + (place - low) * (clock.values(who, low + 1) - begin))


def expected_until(clock: Clocks, days: Array, switch: Array, ratio: float) -> Array:
    """Return the events that are expected from entry to ``days``, both and ``switch`` (trials, people)."""
    who = np.broadcast_to(np.arange(days.shape[1]), days.shape)
    first = value_on(clock, who, np.minimum(days, switch))
    whole = value_on(clock, who, days)
    return np.asarray(first - clock.at_entry + ratio * (whole - first))


def recovered(added: Array, left: Array, since: Array, begin: Array) -> Array:
    """Return what relapses add to EDSS under steroids that began ``begin`` days after onset.

    ``added`` is what they add without, ``left`` what stays, ``since`` days after onset, all of one shape.
    Only what would recover anyway is smaller, and only for some weeks.
    """
    under = (since >= begin) & (since < begin + number_of("rescue_steroids_edss_days"))
    less = left + number_of("rescue_steroids_edss") * (added - left)
    return np.asarray(np.where(under & (added > left), less, added))


def hidden_share(days: Array, begin: Array) -> Array:
    """Return the share of enhancing lesions that steroids from ``begin`` hide on ``days``; any shape."""
    since = np.where(np.isfinite(begin), days - begin, -1.0)
    fade = np.exp(-np.maximum(since, 0.0) / number_of("rescue_steroids_gd_fade"))
    return np.asarray(np.where(since >= 0, number_of("rescue_steroids_gd_reduction") * fade, 0.0))


def moved_treg(days: Array, begin: Array) -> Array:
    """Return the change of the logarithm of Treg on ``days`` under steroids from ``begin``; any shape."""
    under = (days >= begin) & (days < begin + number_of("rescue_steroids_affects"))
    return np.where(under, number_of("rescue_steroids_ln_treg"), 0.0)
