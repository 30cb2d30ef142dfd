"""The host of every subject under every arm, in one host world: courses, expected events, latent scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from eubiosis.core.calendar import DAYS_PER_YEAR
from eubiosis.core.streams import SubjectDraws
from eubiosis.engine import Array
from eubiosis.model.model import Model
from eubiosis.model.natural_history.course import excess, run_hosts
from eubiosis.model.natural_history.people import HOST_INPUTS, Drive, People, draw_drive, draw_people
from eubiosis.population.subjects import VirtualSubjects
from eubiosis.trial.design import Design
from eubiosis.trial.world.gut import HANDED, GutCourses

BURN_IN = 730
_RECORD = ("host_C", "host_MG", "host_D", "host_T1", "host_T17", "host_R")


@dataclass(frozen=True)
class HostCourses:
    """Daily host states of each subject, before entry and in each arm after it.

    ``before`` state -> (burn-in days, subjects); ``after`` arm -> state -> (days, subjects). ``lesions`` and
    ``relapses`` arm -> expected events a day, (days, subjects), with key "" for the days before entry.
    """

    people: People
    before: Mapping[str, Array]
    after: Mapping[str, Mapping[str, Array]]
    lesions: Mapping[str, Array]
    relapses: Mapping[str, Array]


def host_courses(
    model: Model,
    couplings: Mapping[str, float],
    gut: GutCourses,
    subjects: VirtualSubjects,
    design: Design,
    draws: SubjectDraws,
) -> HostCourses:
    """Run the host of all subjects through the burn-in and every arm under one random drive each.

    Arms share people and drive, so they differ by the therapy only. The level of the two event rates is set
    from the design: it is not predicted.
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
        vary_gains=False,
        age=subjects.age,
    )
    drive = draw_drive(model.content, people, draws, days=BURN_IN + design.days)
    before, entry = run_hosts(kernel, people, Drive(drive.tone[:BURN_IN], drive.shots[:BURN_IN]), _RECORD)
    after = {}
    for arm in design.arms:
        handed = gut.handed[arm.name]
        levels = {name: handed[:, :, k].T for k, name in enumerate(HANDED)}
        after[arm.name], _ = run_hosts(
            kernel, people, drive, _RECORD, start=entry, levels=levels, day0=BURN_IN
        )
    return HostCourses(people, before, after, *_rates(model, design, people, before, after))


def _rates(
    model: Model,
    design: Design,
    people: People,
    before: Mapping[str, Array],
    after: Mapping[str, Mapping[str, Array]],
) -> tuple[dict[str, Array], dict[str, Array]]:
    number = {name: row.value for name, row in model.content.numbers.items()}
    healthy = model.derived.of("healthy")["host_C_healthy"]

    def over(course: Mapping[str, Array]) -> Array:
        return excess(course["host_C"], healthy, number["host_eps_X"])

    last_year = over(before)[-365:]
    lesions = np.mean(last_year ** number["host_gam_L"])
    relapses = np.mean(last_year ** number["host_gam_R"] * people.frailty)
    lesion_scale = design.control_level.gd_lesions_per_scan / (number["host_tau_Gd"] * lesions)
    relapse_scale = design.control_level.relapses_per_year / (DAYS_PER_YEAR * relapses)
    courses = {"": over(before), **{name: over(course) for name, course in after.items()}}
    return (
        {name: lesion_scale * x ** number["host_gam_L"] for name, x in courses.items()},
        {name: relapse_scale * x ** number["host_gam_R"] * people.frailty for name, x in courses.items()},
    )
