"""The gut of every subject under every arm, in one gut world."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.guilds import GUILDS
from eubiosis.core.streams import SubjectDraws
from eubiosis.engine import Tolerances, solve
from eubiosis.engine.kernel import Array
from eubiosis.model.model import Model
from eubiosis.model.natural_history.people import HOST_INPUTS
from eubiosis.model.niche import NICHE_UNSOLVED, OK, solve_niche
from eubiosis.model.worlds import GutWorld
from eubiosis.population.subjects import USABLE_PROFILE, VirtualSubjects
from eubiosis.trial.design import Arm, Design

# endpoint -> quantity of the model
MARKER_SOURCES = {
    "stool_scfa": "gut_stool_scfa",
    "stool_acetate": "gut_stool_Ac",
    "stool_propionate": "gut_stool_Pr",
    "stool_butyrate": "gut_stool_Bu",
    "plasma_acetate": "handover_plasma_Ac",
    "plasma_propionate": "handover_plasma_Pr",
    "plasma_butyrate": "handover_plasma_Bu",
    **{f"share_{g}": f"gut_share_{g}" for g in GUILDS},
}
MARKERS = tuple(MARKER_SOURCES)
NOT_RUN = "not_run"
HANDED = (*HOST_INPUTS, "host_si_pro")
_TOLERANCES = Tolerances(relative=1e-7, absolute=1e-11)


@dataclass(frozen=True)
class GutCourses:
    """What the gut hands to the host and shows in stool and plasma, by arm.

    ``status`` (subjects,); ``handed`` arm -> (subjects, days + 1, ``HANDED``), ``markers`` arm ->
    (subjects, visits, ``MARKERS``). NaN for a subject without a steady state or whose run failed.
    """

    status: tuple[str, ...]
    handed: Mapping[str, Array]
    markers: Mapping[str, Array]


def adherence(arm: Arm, draws: SubjectDraws) -> Array:
    """Draw the share of the dose that each subject takes, shape (subjects,): a beta law.

    A subject's propensity is the same in every arm.
    """
    from scipy.special import betaincinv

    mean, sd = arm.therapy.adherence_mean, arm.therapy.adherence_sd
    uniform = draws.uniforms("trial/adherence", 1)[:, 0]
    if sd == 0 or mean in (0.0, 1.0):
        return np.full(len(uniform), mean)
    total = mean * (1 - mean) / sd**2 - 1
    return np.asarray(betaincinv(mean * total, (1 - mean) * total, uniform))


def gut_courses(
    model: Model,
    world: GutWorld,
    subjects: VirtualSubjects,
    design: Design,
    seed: int,
    wanted: NDArray[np.bool_] | None = None,
) -> GutCourses:
    """Hold each subject's composition, then run every active arm; the control stays at its steady state.

    ``wanted`` (subjects,) leaves out candidates who fail screening anyway: status ``not_run``. A
    composition without a steady state gives status ``niche_unsolved``, a failed run its reason; the subject
    stays in the table.
    """
    days = np.arange(design.days + 1.0)
    visits = np.array([round(7 * week) for week in design.visits])
    draws = SubjectDraws(seed, subjects.numbers)
    taken = {arm.name: adherence(arm, draws) for arm in design.active}
    handed = {arm.name: np.full((len(subjects), len(days), len(HANDED)), np.nan) for arm in design.arms}
    markers = {arm.name: np.full((len(subjects), len(visits), len(MARKERS)), np.nan) for arm in design.arms}
    status = []
    for i in range(len(subjects)):
        if wanted is not None and not wanted[i]:
            status.append(NOT_RUN)
            continue
        if subjects.profile_status[i] not in USABLE_PROFILE:
            status.append(f"profile_{subjects.profile_status[i]}")
            continue
        person = _person(model, world, subjects.shares[i])
        if person is None:
            status.append(NICHE_UNSOLVED)
            continue
        word = OK
        for arm in design.arms:
            share = 0.0 if arm.control else float(taken[arm.name][i])
            course, arm_word = _run(model, *person, arm, share, days)
            word = word if arm_word == OK else arm_word
            handed[arm.name][i] = course[:, : len(HANDED)]
            markers[arm.name][i] = course[visits, len(HANDED) :]
        status.append(word)
    return GutCourses(tuple(status), handed, markers)


def _person(model: Model, world: GutWorld, shares: Array) -> tuple[Array, Array] | None:
    """Return the joined parameters and states of a person who holds ``shares``, or None."""
    gut, joined = model.gut_kernel, model.upstream_kernel
    niche = solve_niche(
        gut,
        {name: value for name, value in world.values.items() if name in gut.parameter_index},
        shares,
        geometric_mean=model.content.numbers["gut_w_scale"].value,
        start=world.healthy,
    )
    if niche.status != OK:
        return None
    parameters = model.parameters("healthy", joined)
    for name, value in world.values.items():
        if name in joined.parameter_index:
            parameters[joined.parameter_index[name]] = value
    for guild, factor in zip(GUILDS, niche.factors, strict=True):
        parameters[joined.parameter_index[f"gut_w_{guild}"]] = factor
    states = model.states("healthy", joined)
    for name, row in gut.state_index.items():
        states[joined.state_index[name]] = niche.states[row]
    return parameters, states


def _run(
    model: Model, parameters: Array, states: Array, arm: Arm, taken: float, days: Array
) -> tuple[Array, str]:
    """Return (days + 1, HANDED + MARKERS) and the status of one subject in one arm."""
    names = (*HANDED, *MARKER_SOURCES.values())
    dose = arm.therapy.dose * taken
    if arm.control or dose == 0:
        still = solve(
            model.upstream_kernel, days[:1], names, states=states[None], parameters=parameters[None]
        )
        return np.repeat(still.values[0], len(days), axis=0), still.status[0]
    begin, end = 7 * arm.therapy.start_week, 7 * arm.therapy.stop_week
    schedule = [(begin, {arm.therapy.model_input: dose})]
    if end < days[-1]:
        schedule.append((end, {arm.therapy.model_input: 0.0}))
    solution = solve(
        model.upstream_kernel,
        days,
        names,
        states=states[None],
        parameters=parameters[None],
        schedule=schedule,
        tolerances=_TOLERANCES,
    )
    return solution.values[0], solution.status[0]
