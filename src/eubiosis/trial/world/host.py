"""The host of every subject under every arm, in one host world: courses, expected events, latent scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.streams import SubjectDraws
from eubiosis.engine import Array
from eubiosis.model.model import Model
from eubiosis.model.natural_history.course import run_hosts
from eubiosis.model.natural_history.people import HOST_INPUTS, People, draw_drive, draw_people
from eubiosis.model.natural_history.rates import (
    YEAR,
    Rates,
    entry_chance,
    hazard_scale,
    lesion_scale,
    relative_rates,
)
from eubiosis.population.subjects import VirtualSubjects
from eubiosis.trial.design import Design
from eubiosis.trial.world.beyond import Beyond
from eubiosis.trial.world.direct import LogFactors, host_factors
from eubiosis.trial.world.gut import HANDED, GutCourses
from eubiosis.trial.world.interruptions import Intake, Kept, OwnEvents

BURN_IN = 730
NOTHING_BEYOND = Beyond()
_ALL_OF_IT = np.ones((1, 1))
_RECORD = ("host_C", "host_MG", "host_D", "host_T1", "host_T17", "host_R")


@dataclass(frozen=True)
class HostCourses:
    """Daily host states of each subject, before entry and in each arm after it.

    ``before`` state -> (burn-in days, subjects); ``after`` arm -> state -> (days, subjects). ``lesions`` and
    ``relapses`` arm -> expected events a day, (days, subjects), with key "" for the days before entry.
    ``interrupted`` holds the same with intercurrent events, by the kinds that happen.
    """

    people: People
    before: Mapping[str, Array]
    after: Mapping[str, Mapping[str, Array]]
    lesions: Mapping[str, Array]
    relapses: Mapping[str, Array]
    interrupted: Mapping[Kept, HostCourses] = field(default_factory=dict)

    @property
    def actual(self) -> HostCourses:
        """The courses with every event that happens; these themselves where none is declared."""
        return next(iter(self.interrupted.values()), self)


def host_courses(
    model: Model,
    couplings: Mapping[str, float],
    gut: GutCourses,
    subjects: VirtualSubjects,
    design: Design,
    draws: SubjectDraws,
    beyond: Beyond = NOTHING_BEYOND,
    terms: LogFactors | None = None,
    reference: NDArray[np.bool_] | None = None,
) -> HostCourses:
    """Run the host of all subjects through the burn-in and every arm under one random drive each.

    Arms share people and drive, so they differ by the therapy only: by what the gut hands over and by the
    direct ``terms`` of its products (none by default). The level of the two event rates is set from the
    design: it is not predicted. It is that of the ``reference`` subjects (subjects,), of all where none are
    named. ``beyond`` multiplies the rates of the treated arms.
    """
    kernel = model.host_kernel
    control = gut.handed[design.control.name]
    inputs = {name: control[:, 0, HANDED.index(name)] for name in HOST_INPUTS}
    healthy = model.derived.of("healthy")
    values = {name: healthy[name] for name in ("host_C_healthy", "host_MG_healthy", "host_NfL_healthy")}
    people = draw_people(
        model.content,
        kernel,
        inputs,
        {**values, **couplings},
        draws,
        vary_inputs=False,
        age=subjects.age,
    )
    drive = draw_drive(model.content, people, draws, days=BURN_IN + design.days)
    before, entry = run_hosts(kernel, people, drive.first(BURN_IN), _RECORD)
    own = OwnEvents.of(design, draws)

    def run(courses: GutCourses, intakes: Mapping[str, Sequence[Intake]]) -> dict[str, dict[str, Array]]:
        after = {}
        for arm in design.arms:
            handed = courses.handed[arm.name]
            levels = {name: handed[:, :, k].T for k, name in enumerate(HANDED)}
            after[arm.name], _ = run_hosts(
                kernel,
                people,
                drive,
                _RECORD,
                start=entry,
                factors=host_factors(intakes[arm.name], terms or {}, draws, design.days),
                levels=levels,
                day0=BURN_IN,
            )
        return after

    whole = {arm.name: (Intake(arm.therapy, _ALL_OF_IT),) for arm in design.arms}
    after = run(gut, whole)
    found = {}
    for kept, courses in gut.interrupted.items():
        intakes = {arm.name: own.intakes(arm, kept) for arm in design.arms}
        found[kept] = courses, intakes, run(courses, intakes)
    lesions, relapses, level = _rates(model, design, people, drive.hazard, before, after, reference)
    _act(lesions, relapses, beyond, beyond.log_ratios(design, gut))
    plain = HostCourses(people, before, after, lesions, relapses)
    interrupted = {}
    for kept, (courses, intakes, course) in found.items():
        lesions, relapses = _at_level(_relative(model, people, drive.hazard, before, course), level)
        _act(lesions, relapses, beyond, beyond.interrupted_log_ratios(design, gut, courses, intakes))
        interrupted[kept] = HostCourses(people, before, course, lesions, relapses)
    return replace(plain, interrupted=interrupted)


def _act(
    lesions: dict[str, Array], relapses: dict[str, Array], beyond: Beyond, ratios: Mapping[str, Array | None]
) -> None:
    """Multiply the rates of arms by what acts beside the host's equations."""
    for name, ratio in ratios.items():
        if ratio is not None:
            lesions[name] = lesions[name] * np.exp(ratio / beyond.lesion_slope)
            relapses[name] = relapses[name] * np.exp(ratio)


def _rates(
    model: Model,
    design: Design,
    people: People,
    hazard: Array,
    before: Mapping[str, Array],
    after: Mapping[str, Mapping[str, Array]],
    reference: NDArray[np.bool_] | None,
) -> tuple[dict[str, Array], dict[str, Array], tuple[float, float]]:
    """Return lesion and relapse rates by arm at the design's level among those who enter, and the level.

    Whoever needs a relapse in the year before to enter is more active than the rest of the pool, so the level
    is that of the control arm over the trial, each candidate counting with the chance of having that history.
    It is that of a trial without intercurrent events.
    """
    number = {name: row.value for name, row in model.content.numbers.items()}
    courses = _relative(model, people, hazard, before, after)
    control, history = courses[design.control.name], courses[""].relapses[-YEAR:].sum(axis=0)
    finite = np.isfinite(control.relapses).all(axis=0) & np.isfinite(history)
    if reference is not None:
        finite &= reference
    least = design.eligibility.relapses_last_year or 0
    level, gap = design.control_level, number["host_refractory"]
    h0 = hazard_scale(history[finite], control.relapses[:, finite], level.relapses_per_year, gap, least=least)
    chance = entry_chance(h0 * history[finite], least)
    lambda0 = lesion_scale(
        control.lesions[:, finite], chance, level.gd_lesions_per_scan, number["host_tau_Gd"]
    )
    return (*_at_level(courses, (lambda0, h0)), (lambda0, h0))


def _relative(
    model: Model,
    people: People,
    hazard: Array,
    before: Mapping[str, Array],
    after: Mapping[str, Mapping[str, Array]],
) -> dict[str, Rates]:
    """Return the rates at scales of 1 by arm, with key "" before entry."""
    number = {name: row.value for name, row in model.content.numbers.items()}
    earlier, later = hazard[:BURN_IN], hazard[BURN_IN:]
    return {"": relative_rates(number, before["host_C"], people.frailty, earlier)} | {
        name: relative_rates(number, course["host_C"], people.frailty, later)
        for name, course in after.items()
    }


def _at_level(
    courses: Mapping[str, Rates], level: tuple[float, float]
) -> tuple[dict[str, Array], dict[str, Array]]:
    scaled = {name: rates.times(*level) for name, rates in courses.items()}
    return (
        {name: rates.lesions for name, rates in scaled.items()},
        {name: rates.relapses for name, rates in scaled.items()},
    )
