"""What is the same in every trial of one world: clocks of events and true courses at the visits, by arm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.calendar import DAYS_PER_YEAR
from eubiosis.engine import Array
from eubiosis.model.clinical import ClinicalLaws
from eubiosis.population.subjects import VirtualSubjects
from eubiosis.trial.design import Design
from eubiosis.trial.world.clocks import Clocks
from eubiosis.trial.world.gut import GutCourses
from eubiosis.trial.world.host import HostCourses, over_days
from eubiosis.trial.world.layer import trial_numbers
from eubiosis.trial.world.outcomes import on_days, recent_tone
from eubiosis.trial.world.scales import treg_percent


@dataclass(frozen=True)
class WorldCourses:
    """Courses of the n enrolled people of a world in every arm (arms first, in the order of ``arms``).

    ``relapses`` and ``lesions`` are clocks, the latter with the lesions that enhance at entry before day 0.
    ``edss`` and ``mfis`` (arms, visits, n) are true scores without what relapses add, ``edss`` not yet held
    within the scale; ``treg`` (arms, visits, n) is a level in multiples of health, ``treg_percent`` the true
    percentage of CD4+ cells and ``nfl`` true serum NfL, times healthy; ``markers`` (arms, visits, n, markers)
    are true values.
    """

    arms: tuple[str, ...]
    control: int
    numbers: NDArray[np.int64]
    relapses: tuple[Clocks, ...]
    lesions: tuple[Clocks, ...]
    edss: Array
    mfis: Array
    treg: Array
    treg_percent: Array
    nfl: Array
    markers: Array
    expected_relapses: Array
    expected_lesions: Array
    entry_edss: Array
    days: NDArray[np.int64]

    @classmethod
    def of(
        cls,
        subjects: VirtualSubjects,
        gut: GutCourses,
        host: HostCourses,
        own: tuple[Array, Array, Array, Array],
        design: Design,
        laws: ClinicalLaws,
    ) -> WorldCourses:
        """Read the courses of gut and host at the visits; ``own`` is each one's own.

        These are the levels of MFIS, Treg and serum NfL (n,) and the steps of EDSS (n, visits).
        """
        level, treg_level, nfl_level, steps = own
        arms = tuple(arm.name for arm in design.arms)
        days = np.array([round(7 * week) for week in design.visits])
        relapses = tuple(Clocks.of(host.relapses[arm]) for arm in arms)
        enhancing = _enhancing_at_entry(host, laws)
        lesions = tuple(Clocks.of(host.lesions[arm], enhancing) for arm in arms)
        edss = np.stack([_without_relapses(host, laws, arm, subjects, days) + steps.T for arm in arms])
        fatigue = np.stack([_fatigue(host, laws, arm, level, days) for arm in arms])
        treg = treg_level * np.stack([on_days(host, arm, "host_R", days) for arm in arms])
        nfl = nfl_level * np.stack([on_days(host, arm, "host_NfL", days) for arm in arms])
        most = trial_numbers()["trial_treg_most"].value
        return cls(
            arms,
            design.arms.index(design.control),
            np.array(subjects.numbers),
            relapses,
            lesions,
            edss,
            fatigue,
            treg,
            treg_percent(treg, laws.number["host_treg_percent"], most),
            nfl,
            np.stack([gut.markers[arm].transpose(1, 0, 2) for arm in arms]),
            np.stack([over_days(np.ascontiguousarray(host.relapses[arm])) for arm in arms]),
            np.stack([over_days(np.ascontiguousarray(host.lesions[arm])) for arm in arms]),
            subjects.edss,
            days,
        )

    @classmethod
    def concat(cls, parts: Sequence[WorldCourses]) -> WorldCourses:
        """Put people who were read apart one after the other; all have the same arms and visits."""
        first = parts[0]
        if len(parts) == 1:
            return first

        def people_last(name: str) -> Array:
            return np.concatenate([getattr(part, name) for part in parts], axis=-1)

        arms = range(len(first.arms))
        return cls(
            arms=first.arms,
            control=first.control,
            numbers=np.concatenate([part.numbers for part in parts]),
            relapses=tuple(Clocks.concat([part.relapses[k] for part in parts]) for k in arms),
            lesions=tuple(Clocks.concat([part.lesions[k] for part in parts]) for k in arms),
            edss=people_last("edss"),
            mfis=people_last("mfis"),
            treg=people_last("treg"),
            treg_percent=people_last("treg_percent"),
            nfl=people_last("nfl"),
            markers=np.concatenate([part.markers for part in parts], axis=2),
            expected_relapses=people_last("expected_relapses"),
            expected_lesions=people_last("expected_lesions"),
            entry_edss=people_last("entry_edss"),
            days=first.days,
        )

    @cached_property
    def markers_at_end(self) -> Array:
        """The true markers at the last visit, (arms, n, markers): no view, which would keep all visits."""
        return self.markers[:, -1].copy()

    def log_markers(self, visit: int) -> Array:
        """Return the logarithms of the true markers at a visit (position), shape (arms, n, markers)."""
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(self.markers[:, visit]))

    def __len__(self) -> int:
        return len(self.numbers)

    def take(self, people: NDArray[np.int64]) -> WorldCourses:
        """Return the courses of some people, in the order of ``people`` (positions); one may come twice."""
        return WorldCourses(
            self.arms,
            self.control,
            self.numbers[people],
            tuple(clock.take(people) for clock in self.relapses),
            tuple(clock.take(people) for clock in self.lesions),
            self.edss[..., people],
            self.mfis[..., people],
            self.treg[..., people],
            self.treg_percent[..., people],
            self.nfl[..., people],
            self.markers[..., people, :],
            self.expected_relapses[:, people],
            self.expected_lesions[:, people],
            self.entry_edss[people],
            self.days,
        )

    def until(self, visits: int) -> WorldCourses:
        """Return the courses up to the last of the first ``visits`` visits, as a shorter trial sees them."""
        if visits == len(self.days):
            return self
        last = int(self.days[visits - 1])
        relapses = tuple(clock.short(last) for clock in self.relapses)
        lesions = tuple(clock.short(last) for clock in self.lesions)
        return replace(
            self,
            relapses=relapses,
            lesions=lesions,
            edss=self.edss[:, :visits],
            mfis=self.mfis[:, :visits],
            treg=self.treg[:, :visits],
            treg_percent=self.treg_percent[:, :visits],
            nfl=self.nfl[:, :visits],
            markers=self.markers[:, :visits],
            expected_relapses=np.stack([clock.expected for clock in relapses]),
            expected_lesions=np.stack([clock.expected for clock in lesions]),
            days=self.days[:visits],
        )


def _enhancing_at_entry(host: HostCourses, laws: ClinicalLaws) -> Array:
    """Return how many lesions are expected to enhance on day 0, shape (n,).

    A lesion enhances for an exponential time, so of those of an earlier day a share exp(-age / mean) still
    does, and for as long again on average: what lies behind it does not matter.
    """
    earlier = host.lesions[""]
    age = len(earlier) - np.arange(len(earlier)) - 0.5
    weights = np.exp(-age / laws.number["host_tau_Gd"])
    return over_days(
        weights[:, None] * np.ascontiguousarray(earlier)
    )  # nobody's digits depend on the company


def _without_relapses(
    host: HostCourses, laws: ClinicalLaws, arm: str, subjects: VirtualSubjects, days: NDArray[np.int64]
) -> Array:
    """Return entry EDSS and drift on the last day before each visit, shape (visits, n); not yet clipped."""
    microglia = host.after[arm]["host_MG"] / laws.healthy_microglia
    number = laws.number
    daily = number["host_pira"] / DAYS_PER_YEAR * np.maximum(microglia - number["host_pira_MG"], 0)
    ageing = np.exp(number["host_age_on_smold"] * (subjects.age - number["host_age_mean"]))
    drift = np.cumsum(daily, axis=0)[np.maximum(days - 1, 0)] * ageing
    drift[days == 0] = 0.0
    return np.asarray(subjects.edss + drift)


def _fatigue(host: HostCourses, laws: ClinicalLaws, arm: str, level: Array, days: NDArray[np.int64]) -> Array:
    """Return the MFIS that an EDSS of 0 would give at each visit, shape (visits, n)."""
    microglia = on_days(host, arm, "host_MG", days) / laws.healthy_microglia
    tone = recent_tone(host, laws, arm, days).T
    return np.asarray(level + laws.mfis_change(tone, microglia, np.zeros_like(microglia)))
