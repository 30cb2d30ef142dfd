"""Intercurrent events that belong to a person's course: antibiotics, stopping the product, contamination.

Their days are drawn once for each person, by the person's number, and are the same in every arm, trial and
host world, as adherence is: the gut and the host are then simulated with them, and nothing is approximated.
So that an estimand can ask for a world without some of them, a variant of the course is simulated for every
set of events that an estimand keeps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.calendar import DAYS_PER_YEAR
from eubiosis.core.endpoints import ENDPOINTS
from eubiosis.core.intercurrent import removed_from, rules_of
from eubiosis.core.streams import SubjectDraws
from eubiosis.engine import Array
from eubiosis.therapy import Therapy
from eubiosis.trial.design import Arm, Design
from eubiosis.trial.intercurrent import IN_THE_GUT, Intercurrent, number_of, strategy_rules
from eubiosis.trial.world.adherence import WEEK

Kept = frozenset[str]
NOTHING: Kept = frozenset()


def all_in_courses(design: Design) -> Kept:
    """Return the kinds of events of a design that a person's course holds."""
    return frozenset(each.event for each in design.intercurrent if each.event in IN_THE_GUT)


def kinds_of(design: Design) -> Kept:
    """Return all kinds of events of a design."""
    return frozenset(each.event for each in design.intercurrent)


def kept_by(design: Design) -> dict[str, Kept]:
    """Return for each endpoint the kinds of events that happen in the world of its estimand.

    All of the design, but those whose strategy is hypothetical.
    """
    every = kinds_of(design)
    rules = strategy_rules(design.intercurrent)
    return {name: every - removed_from(rules_of(rules, name)) for name in ENDPOINTS}


def variants(design: Design) -> tuple[Kept, ...]:
    """Return the sets of events with which courses are simulated beside the one without any.

    The first is that of what really happens; there is none where no event belongs to the courses.
    """
    inside = all_in_courses(design)
    if not inside:
        return ()
    sets = [inside, *(kept & inside for kept in kept_by(design).values())]
    return tuple(dict.fromkeys(each for each in sets if each))


@dataclass(frozen=True)
class OwnEvents:
    """The events of people's courses: ``days`` kind -> (people, events), infinity for none.

    A course of antibiotics lies in whole weeks of the trial, over which the gut is given its doses.
    """

    design: Design
    days: Mapping[str, Array]

    @classmethod
    def of(cls, design: Design, draws: SubjectDraws) -> OwnEvents:
        """Draw the events of people; a person's are the same whoever else is there."""
        found: dict[str, Array] = {}
        for each in design.intercurrent:
            if each.event not in IN_THE_GUT:
                continue
            rate = (each.per_year or 0.0) / DAYS_PER_YEAR
            expected = rate * design.days
            most = 1 if each.event != "antibiotics" else int(np.ceil(expected + 6 * np.sqrt(expected) + 6))
            waits = draws.exponentials(f"intercurrent/{each.event}", most)
            with np.errstate(divide="ignore"):
                days = np.cumsum(waits, axis=1) / rate if rate else np.full(waits.shape, np.inf)
            if each.event == "antibiotics":
                days = WEEK * np.floor(days / WEEK)
            found[each.event] = np.where(days < design.days, days, np.inf)
        return cls(design, found)

    def event(self, kind: str, arm: Arm, kept: Kept) -> Intercurrent | None:
        """Return the event of a kind, where it is kept and can happen in an arm."""
        for each in self.design.intercurrent:
            if each.event == kind and kind in kept:
                inside = arm.control if kind == "contamination" else each.meets(arm.name)
                return each if inside else None
        return None

    def of_arm(self, arm: Arm, kept: Kept) -> dict[str, Array]:
        """Return the days of each kind that can happen in an arm, (people, events)."""
        return {kind: days for kind, days in self.days.items() if self.event(kind, arm, kept) is not None}

    def on_antibiotics(self, arm: Arm, kept: Kept) -> Array | None:
        """Return the antibiotic that each takes on each day, (people, days), mg; None where nobody can."""
        if self.event("antibiotics", arm, kept) is None:
            return None
        begin = self.days["antibiotics"]
        day = np.arange(float(self.design.days))
        length = number_of("antibiotics_days")
        inside = np.zeros((len(begin), len(day)), dtype=bool)
        for one in begin.T:
            inside |= (day >= one[:, None]) & (day < one[:, None] + length)
        return np.where(inside, number_of("antibiotics_dose"), 0.0)

    def intakes(self, arm: Arm, kept: Kept) -> tuple[Intake, ...]:
        """Return what people of an arm take: the arm's own therapy, and where it can be, another arm's."""
        people = len(next(iter(self.days.values())))
        day = np.arange(float(self.design.days))
        own = np.ones((people, len(day)))
        if self.event("discontinuation", arm, kept) is not None:
            own[day >= self.days["discontinuation"]] = 0.0
        found = [Intake(arm.therapy, own)]
        taken = self.event("contamination", arm, kept)
        if taken is not None:
            product = next(a for a in self.design.active if taken.product_of in (None, a.name))
            share = np.where(day >= self.days["contamination"], taken.dose_share or 0.0, 0.0)
            found.append(Intake(product.therapy, share))
        return tuple(found)


@dataclass(frozen=True)
class Intake:
    """A therapy, and the ``share`` of what people would take of it that they do take, (people, days)."""

    therapy: Therapy
    share: Array

    def who(self) -> NDArray[np.bool_]:
        """Say who takes any of it, (people,)."""
        return np.asarray((self.share > 0).any(axis=1))
