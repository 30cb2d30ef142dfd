"""The host of every subject under every arm, in one host world: courses, expected events, latent scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.streams import SubjectDraws
from eubiosis.engine import Array, Compiled
from eubiosis.model.model import Model
from eubiosis.model.natural_history.course import FEWEST_STEPS_PER_DAY, run_hosts
from eubiosis.model.natural_history.people import HOST_INPUTS, People, draw_drive, draw_people
from eubiosis.model.natural_history.rates import (
    YEAR,
    entry_chance,
    hazard_scale,
    lesion_scale,
    relative_rates,
)
from eubiosis.population.subjects import VirtualSubjects
from eubiosis.trial.design import Design
from eubiosis.trial.world.beyond import Beyond
from eubiosis.trial.world.direct import LogFactors, host_factors
from eubiosis.trial.world.gut import HANDED, GutCourses, at_rest
from eubiosis.trial.world.interruptions import Intake, Kept, OwnEvents

BURN_IN = 730
TONE_DAYS = 28  # of a burn-in whose states are kept: what scores at entry look back on
NOTHING_BEYOND = Beyond()
_ALL_OF_IT = np.ones((1, 1))
_RECORD = ("host_C", "host_MG", "host_D", "host_T1", "host_T17", "host_R", "host_NfL")


@dataclass(frozen=True)
class HostCourses:
    """Daily host states of each subject, before entry and in each arm after it.

    ``before`` state -> (last ``TONE_DAYS`` of the burn-in, subjects); ``after`` arm -> state -> (days,
    subjects). ``lesions`` and ``relapses`` arm -> expected events a day, (days, subjects), with key "" for
    the days before entry, all of the burn-in.
    ``interrupted`` holds the same with intercurrent events, by the kinds that happen, and ``intakes`` what
    people take then in each arm.
    """

    people: People
    before: Mapping[str, Array]
    after: Mapping[str, Mapping[str, Array]]
    lesions: Mapping[str, Array]
    relapses: Mapping[str, Array]
    interrupted: Mapping[Kept, HostCourses] = field(default_factory=dict)
    intakes: Mapping[str, Sequence[Intake]] = field(default_factory=dict)


@dataclass(frozen=True)
class EventScale:
    """What gives the two relative event rates of a host world the level that the design states."""

    relapses: float
    lesions: float


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
    host = relative_hosts(model, couplings, gut, subjects, design, draws, terms)
    return at_level(host, event_scale(model, design, [host], reference), design, gut, beyond)


def relative_hosts(
    model: Model,
    couplings: Mapping[str, float],
    gut: GutCourses,
    subjects: VirtualSubjects,
    design: Design,
    draws: SubjectDraws,
    terms: LogFactors | None = None,
) -> HostCourses:
    """Run the same hosts with both event rates at scales of 1: nobody's course depends on the others."""
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
    before, entry = run_hosts(kernel, people, drive.first(BURN_IN), _RECORD, steps=FEWEST_STEPS_PER_DAY)
    own = OwnEvents.of(design, draws)
    number = model.content.by_name
    earlier, later = drive.hazard[:BURN_IN], drive.hazard[BURN_IN:]
    first = relative_rates(number, before["host_C"], people.frailty, earlier)
    before = {name: values[-TONE_DAYS:].copy() for name, values in before.items()}

    def run(courses: GutCourses, intakes: Mapping[str, Sequence[Intake]]) -> HostCourses:
        after, rates = {}, {"": first}
        for arm in design.arms:
            levels = _daily_levels(courses, arm.name, people, kernel)
            after[arm.name], _ = run_hosts(
                kernel,
                people,
                drive,
                _RECORD,
                start=entry,
                factors=host_factors(intakes[arm.name], terms or {}, draws, design.days),
                levels=levels,
                day0=BURN_IN,
                steps=FEWEST_STEPS_PER_DAY,
            )
            rates[arm.name] = relative_rates(number, after[arm.name]["host_C"], people.frailty, later)
        return HostCourses(
            people,
            before,
            after,
            {name: each.lesions for name, each in rates.items()},
            {name: each.relapses for name, each in rates.items()},
            intakes=intakes,
        )

    plain = run(gut, {arm.name: (Intake(arm.therapy, _ALL_OF_IT),) for arm in design.arms})
    interrupted = {
        kept: run(courses, {arm.name: own.intakes(arm, kept) for arm in design.arms})
        for kept, courses in gut.interrupted.items()
    }
    return replace(plain, interrupted=interrupted)


def _daily_levels(gut: GutCourses, arm: str, people: People, kernel: Compiled) -> dict[str, Array]:
    """Return what the gut hands over on each day, name -> (days, people); nothing where it never changes.

    A gut at rest hands over what people's own parameters say already, and their hosts run without it.
    """
    handed = gut.handed[arm]
    if not at_rest(handed):
        return dict(zip(HANDED, gut.by_day[arm], strict=True))
    own = people.parameters[[kernel.parameter_index[name] for name in HANDED]].T
    if np.array_equal(handed[:, 0], own):
        return {}
    days = handed.shape[1] - 1
    return {name: np.broadcast_to(handed[:, 0, k], (days, len(handed))) for k, name in enumerate(HANDED)}


def at_level(
    host: HostCourses, scale: EventScale, design: Design, gut: GutCourses, beyond: Beyond = NOTHING_BEYOND
) -> HostCourses:
    """Return hosts with their relative rates at a scale, and what acts on them beside the equations."""
    plain = _scaled(host, scale, beyond, beyond.log_ratios(design, gut))
    interrupted = {
        kept: _scaled(
            each, scale, beyond,
            beyond.interrupted_log_ratios(design, gut, gut.interrupted[kept], each.intakes),
        )
        for kept, each in host.interrupted.items()
    }  # fmt: skip
    return replace(plain, interrupted=interrupted)


def _scaled(
    host: HostCourses, scale: EventScale, beyond: Beyond, ratios: Mapping[str, Array | None]
) -> HostCourses:
    lesions = {name: values * scale.lesions for name, values in host.lesions.items()}
    relapses = {name: values * scale.relapses for name, values in host.relapses.items()}
    for name, ratio in ratios.items():
        if ratio is not None:
            lesions[name] = lesions[name] * np.exp(ratio / beyond.lesion_slope)
            relapses[name] = relapses[name] * np.exp(ratio)
    return replace(host, lesions=lesions, relapses=relapses)


def event_scale(
    model: Model, design: Design, hosts: Sequence[HostCourses], reference: NDArray[np.bool_] | None = None
) -> EventScale:
    """Return the scale at which the control arm of all ``hosts`` together is at the level of the design.

    Whoever needs a relapse in the year before to enter is more active than the rest of the pool, so the level
    is that of the control arm over the trial, each candidate counting with the chance of having that history.
    ``reference`` (subjects,) leaves out the others; the hosts are relative ones.
    """
    number = model.content.by_name
    name = design.control.name
    relapses = np.concatenate([host.relapses[name] for host in hosts], axis=1)
    lesions = np.concatenate([host.lesions[name] for host in hosts], axis=1)
    history = np.concatenate([over_days(host.relapses[""][-YEAR:]) for host in hosts])
    finite = np.isfinite(relapses).all(axis=0) & np.isfinite(history)
    if reference is not None:
        finite &= reference
    least = design.eligibility.relapses_last_year or 0
    level, gap = design.control_level, number["host_refractory"]
    h0 = hazard_scale(history[finite], relapses[:, finite], level.relapses_per_year, gap, least=least)
    chance = entry_chance(h0 * history[finite], least)
    lambda0 = lesion_scale(lesions[:, finite], chance, level.gd_lesions_per_scan, number["host_tau_Gd"])
    return EventScale(h0, lambda0)


def over_days(values: Array) -> Array:
    """Return sums over the first axis, from the first day to the last whatever the number of people."""
    if values.shape[1] == 1:  # numpy would add a single column by halves
        return np.asarray(np.repeat(values, 2, axis=1).sum(axis=0)[:1])
    return np.asarray(values.sum(axis=0))
