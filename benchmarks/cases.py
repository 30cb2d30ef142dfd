"""What is simulated: the joined model under one therapy, with or without weekly doses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.people import PERSON, People
from eubiosis.model.model import Model

Array = NDArray[np.float64]
DAYS = 730.0
INULIN = 10.0  # g of product a day
THERAPY_ON, THERAPY_OFF = 28.0, 364.0
_DOSE = 1e10  # colony-forming units of one oral dose of bifidobacteria


@dataclass(frozen=True)
class Switch:
    """A parameter takes a value at a time (d)."""

    time: float
    parameter: str
    value: float


@dataclass(frozen=True)
class Boluses:
    """``amount`` is added to ``state`` at ``first``, ``first + every``, ... (d), ``count`` times."""

    state: str
    amount: float
    first: float
    every: float
    count: int

    @property
    def times(self) -> Array:
        """Times of the boluses, shape (count,)."""
        return np.asarray(self.first + self.every * np.arange(self.count))


@dataclass(frozen=True)
class Case:
    """A problem for every engine: ``sbml`` without doses, the subjects, the doses and the output times.

    All states are output at every time.
    """

    name: str
    sbml: str
    people: People
    times: Array
    switches: tuple[Switch, ...] = ()
    boluses: Boluses | None = None

    @property
    def states(self) -> tuple[str, ...]:
        """Names of the states, in the order of the output."""
        return self.people.states

    def of(self, size: int) -> Case:
        """Return the case for the first ``size`` subjects."""
        return Case(self.name, self.sbml, self.people.first(size), self.times, self.switches, self.boluses)


def weekly() -> Array:
    """Return the output times: every week and the last day, shape (106,)."""
    return np.append(np.arange(0.0, DAYS, 7.0), DAYS)


def full_step(model: Model, people: People) -> Case:
    """Return the joined model with inulin on at day 28 and off at day 364; no random drive."""
    switches = (
        Switch(THERAPY_ON, "gut_dose_inulin", INULIN),
        Switch(THERAPY_OFF, "gut_dose_inulin", 0.0),
    )
    return Case("full_step", model.sbml(PERSON), people, weekly(), switches)


def full_weekly(model: Model, people: People) -> Case:
    """Return ``full_step`` with a bolus of bifidobacteria in the middle of each of 104 weeks."""
    step = full_step(model, people)
    number = model.content.numbers
    alive = _DOSE * number["gut_surv_BIF"].value
    amount = alive / number["gut_cells_per_gDW"].value / number["gut_V_lumen"].value
    boluses = Boluses("gut_B_PB_BIF", amount, first=3.5, every=7.0, count=104)
    return Case("full_weekly", step.sbml, people, step.times, step.switches, boluses)
