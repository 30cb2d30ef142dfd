"""An untreated population with its random drive: simulated once, and what happens to it at given scales."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.streams import CohortDraws, stream
from eubiosis.engine import Array, Compiled
from eubiosis.model.clinical import ClinicalLaws
from eubiosis.model.content import Content
from eubiosis.model.natural_history.clinic import (
    Counts,
    enhancing_lesions,
    relapse_onsets,
    relapses_between,
)
from eubiosis.model.natural_history.course import run_hosts
from eubiosis.model.natural_history.people import Drive, People, draw_drive, draw_people
from eubiosis.model.natural_history.rates import YEAR, Rates, relative_rates
from eubiosis.model.natural_history.scale import DAYS, ENTRY

RECORD = ("host_C", "host_MG", "host_NfL", "host_D", "host_T1", "host_T17", "host_R")
SCANS = 30 * np.arange(1, 25) - 1  # monthly, in days from entry
_BEFORE = 120  # days before entry whose lesions may still enhance after it


@dataclass(frozen=True)
class NaturalCohort:
    """An untreated population with its drive and course.

    ``earlier`` is the infiltrate of each day before entry, (entry, people), ``course`` state -> (days,
    people) from entry on, ``state`` the states at entry (states, people).
    """

    content: Content
    kernel: Compiled
    healthy: Mapping[str, float]
    people: People
    drive: Drive
    earlier: Array
    course: Mapping[str, Array]
    state: Array
    seed: int

    @property
    def number(self) -> Mapping[str, float]:
        """The sourced numbers."""
        return self.content.by_name

    @property
    def laws(self) -> ClinicalLaws:
        """The clinical laws."""
        return ClinicalLaws(self.number, self.healthy["host_MG_healthy"])

    def relative(self) -> Rates:
        """Return the event rates of all days at scales of 1, shape (days, people)."""
        infiltrate = np.concatenate((self.earlier, self.course["host_C"]))
        return relative_rates(self.number, infiltrate, self.people.frailty, self.drive.hazard)

    def take(self, rows: NDArray[np.intp]) -> NaturalCohort:
        """Return some of the people, in the order of ``rows`` (positions)."""
        return replace(
            self,
            people=self.people.take(rows),
            drive=self.drive.take(rows),
            earlier=self.earlier[:, rows],
            course={name: values[:, rows] for name, values in self.course.items()},
            state=self.state[:, rows],
        )


@dataclass(frozen=True)
class History:
    """What happens to a cohort at given scales.

    ``onsets`` are days of relapse from the first day of the run, (people, most), ``scans`` enhancing
    lesions at monthly scans after entry, (people, scans), ``rates`` expected events a day, (days,
    people). ``entered`` marks who had a relapse in the year before entry.
    """

    onsets: Array
    scans: Counts
    rates: Rates
    entered: NDArray[np.bool_]


def simulate_cohort(
    content: Content,
    kernel: Compiled,
    inputs: Mapping[str, float],
    healthy: Mapping[str, float],
    *,
    size: int,
    seed: int,
    drive: Drive | None = None,
) -> NaturalCohort:
    """Run an untreated population around the median gut ``inputs``; ``drive`` is drawn when none is given."""
    draws = CohortDraws(seed, size)
    people = draw_people(content, kernel, inputs, healthy, draws)
    drive = drive or draw_drive(content, people, draws, days=DAYS)
    before, state = run_hosts(kernel, people, drive.first(ENTRY), ("host_C",))
    course, _ = run_hosts(kernel, people, drive, RECORD, start=state, day0=ENTRY)
    return NaturalCohort(content, kernel, healthy, people, drive, before["host_C"], course, state, seed)


def live(cohort: NaturalCohort, scale: Mapping[str, float]) -> History:
    """Let relapses and lesions happen to a cohort at the scales ``host_lambda0`` and ``host_h0``."""
    number = cohort.number
    rates = cohort.relative().times(scale["host_lambda0"], scale["host_h0"])
    onsets = relapse_onsets(rates.relapses, number["host_refractory"], stream(cohort.seed, "clinic/relapse"))
    scans = enhancing_lesions(
        rates.lesions[ENTRY - _BEFORE :],
        number["host_tau_Gd"],
        _BEFORE + SCANS,
        stream(cohort.seed, "clinic/lesions"),
    )
    return History(onsets, scans, rates, relapses_between(onsets, ENTRY - YEAR, ENTRY) >= 1)


def summed_up(values: Sequence[Mapping[str, float]]) -> dict[str, tuple[float, float]]:
    """Return the mean of each figure over cohorts and its Monte Carlo standard error.

    With a single cohort the error is not known and is NaN.
    """
    table = {name: np.array([each[name] for each in values]) for name in values[0]}
    root = np.sqrt(len(values))
    return {
        name: (float(x.mean()), float(x.std(ddof=1) / root) if len(x) > 1 else float("nan"))
        for name, x in table.items()
    }
