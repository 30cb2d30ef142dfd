"""The gut of every subject under every arm, in one gut world."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.guilds import GUILDS
from eubiosis.core.streams import SubjectDraws
from eubiosis.engine import Array, Tolerances
from eubiosis.model.held import HELD, HeldNiches
from eubiosis.model.model import Model
from eubiosis.model.natural_history.people import HOST_INPUTS
from eubiosis.model.niche import OK
from eubiosis.model.worlds import GutWorld, as_person, hold_people
from eubiosis.population.subjects import USABLE_PROFILE, VirtualSubjects
from eubiosis.therapy import Therapy
from eubiosis.trial.design import Arm, Design
from eubiosis.trial.world.adherence import taken
from eubiosis.trial.world.inputs import Donor, donors_of, engraftment_in, gut_inputs
from eubiosis.trial.world.interruptions import NOTHING, Kept, OwnEvents, variants

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
TOLERANCES = Tolerances(relative=1e-5, absolute=1e-9, negative=1e4)


@dataclass(frozen=True)
class GutCourses:
    """What the gut hands to the host and shows in stool and plasma, by arm.

    ``status`` (subjects,); ``handed`` arm -> (subjects, days + 1, ``HANDED``), ``markers`` arm ->
    (subjects, visits, ``MARKERS``); shares are of reads. NaN for a subject without a steady state or whose
    run failed. Where nobody's gut is moved in an arm, ``handed`` holds one day for all (``at_rest``).
    ``niche`` (subjects,) says how the composition is held ("ok", "far", "niche_unsolved", or empty for who
    was not asked), ``residual`` and ``largest_factor`` (subjects,) how far and at what price.
    ``interrupted`` holds the same people's courses with intercurrent events, by the kinds that happen.
    """

    status: tuple[str, ...]
    handed: Mapping[str, Array]
    markers: Mapping[str, Array]
    niche: tuple[str, ...]
    residual: Array
    largest_factor: Array
    interrupted: Mapping[Kept, GutCourses] = field(default_factory=dict)

    @property
    def actual(self) -> GutCourses:
        """The courses with every event that happens; these themselves where none is declared."""
        return next(iter(self.interrupted.values()), self)

    @cached_property
    def by_day(self) -> Mapping[str, Array]:
        """What is handed over on each day, on average: arm -> (``HANDED``, days, subjects); none at rest."""
        return {arm: _mean_days(values) for arm, values in self.handed.items() if not at_rest(values)}

    def take(self, rows: NDArray[np.int64]) -> GutCourses:
        """Return some of the subjects, in the order of ``rows`` (positions)."""
        return GutCourses(
            tuple(self.status[i] for i in rows),
            {arm: _people_of(values, rows) for arm, values in self.handed.items()},
            {arm: values[rows] for arm, values in self.markers.items()},
            tuple(self.niche[i] for i in rows),
            self.residual[rows],
            self.largest_factor[rows],
            {kept: each.take(rows) for kept, each in self.interrupted.items()},
        )


@dataclass(frozen=True)
class HeldCandidates:
    """Candidates with their compositions held, before any arm is run.

    ``status`` (subjects,) is "ok" or why somebody is not run; ``rows`` are the positions of ``held``.
    """

    status: tuple[str, ...]
    rows: NDArray[np.intp]
    held: HeldPeople
    fit: _Fit

    def without_runs(self) -> HeldCandidates:
        """Return the same candidates, none of whom is to be run."""
        nobody = np.zeros(0, dtype=np.intp)
        return replace(self, rows=nobody, held=self.held.take(nobody))

    def take(self, rows: NDArray[np.intp]) -> HeldCandidates:
        """Return some of the candidates, in the order of ``rows`` (positions)."""
        place = np.full(len(self.status), -1)
        place[self.rows] = np.arange(len(self.rows))
        own = place[rows]
        there = np.flatnonzero(own >= 0)
        return HeldCandidates(
            tuple(self.status[i] for i in rows), there, self.held.take(own[there]), self.fit.take(rows)
        )


def hold_candidates(
    model: Model, world: GutWorld, subjects: VirtualSubjects, wanted: NDArray[np.bool_] | None = None
) -> HeldCandidates:
    """Hold each subject's composition; ``wanted`` (subjects,) leaves out who fails screening anyway."""
    status = np.array(_screened(subjects, wanted), dtype=object)
    rows = np.flatnonzero(status == OK)
    niches = hold_people(model, world, subjects.shares[rows])
    held = started_people(model, world, niches)
    fit = _Fit.of(len(subjects), rows, niches)
    status[rows] = held.status
    solved = np.flatnonzero(_went_well(held.status))
    return HeldCandidates(tuple(status.tolist()), rows[solved], held.take(solved), fit)


def gut_courses(
    model: Model,
    world: GutWorld,
    subjects: VirtualSubjects,
    design: Design,
    seed: int,
    wanted: NDArray[np.bool_] | None = None,
    held: HeldCandidates | None = None,
) -> GutCourses:
    """Hold each subject's composition, then run every active arm; the control stays at its steady state.

    ``wanted`` (subjects,) leaves out candidates who fail screening anyway: status ``not_run``. A
    composition that cannot be held at all gives status ``niche_unsolved``, a failed run its reason; the
    subject stays in the table. One that is held from afar is run, and ``niche`` says so. ``held`` are the
    subjects' compositions where they are held already.
    """
    days = np.arange(design.days + 1.0)
    visits = np.array([round(7 * week) for week in design.visits])
    found = hold_candidates(model, world, subjects, wanted) if held is None else held
    status, rows, people = np.array(found.status, dtype=object), found.rows, found.held
    draws = SubjectDraws(seed, tuple(subjects.numbers[i] for i in rows.tolist()))
    own = OwnEvents.of(design, draws)
    by_variant: dict[Kept, tuple[dict[str, Array], dict[str, Array]]] = {}
    for kept in (NOTHING, *variants(design)):
        handed: dict[str, Array] = {}
        markers = {a.name: np.full((len(subjects), len(visits), len(MARKERS)), np.nan) for a in design.arms}
        for arm in design.arms:
            courses = _arm_courses(model, world, people, arm, own, kept, draws, days, visits)
            handed[arm.name] = _spread(courses.handed, rows, len(subjects))
            markers[arm.name][rows] = _as_reads(courses.markers, world)
            failed = ~_went_well(courses.status)
            status[rows[failed]] = np.array(courses.status, dtype=object)[failed]
        by_variant[kept] = handed, markers
    words, fit = tuple(status.tolist()), found.fit
    plain, *others = (
        GutCourses(words, *each, fit.niche, fit.residual, fit.largest_factor) for each in by_variant.values()
    )
    return replace(plain, interrupted=dict(zip(variants(design), others, strict=True)))


def at_rest(handed: Array) -> bool:
    """Say whether values (people, days, ...) hold one day for all days."""
    return handed.strides[1] == 0


def _mean_days(handed: Array) -> Array:
    """Return the means of values at the bounds of days, (people, days + 1, ...), with people side by side."""
    bounds = handed.transpose(2, 1, 0)
    days = np.empty((bounds.shape[0], bounds.shape[1] - 1, bounds.shape[2]))
    np.add(bounds[:, 1:], bounds[:, :-1], out=days)
    days *= 0.5
    return days


def _all_days(day: Array, days: int) -> Array:
    """Return the values of a day (people, 1, ...) for all days, without room for each."""
    return np.broadcast_to(day, (day.shape[0], days, *day.shape[2:]))


def _people_of(handed: Array, rows: NDArray[np.int64]) -> Array:
    """Return the values of some people, (rows, days, ...)."""
    return _all_days(handed[rows, :1], handed.shape[1]) if at_rest(handed) else handed[rows]


def _spread(handed: Array, rows: NDArray[np.intp], people: int) -> Array:
    """Return values (rows, days, ...) as those of some of many ``people``; NaN for the others."""
    still, days = at_rest(handed), handed.shape[1]
    found = np.full((people, 1 if still else days, *handed.shape[2:]), np.nan)
    found[rows] = handed[:, :1] if still else handed
    return _all_days(found, days) if still else found


def _arm_courses(
    model: Model,
    world: GutWorld,
    held: HeldPeople,
    arm: Arm,
    own: OwnEvents,
    kept: Kept,
    draws: SubjectDraws,
    days: Array,
    visits: NDArray[np.int64],
) -> _Courses:
    """Run the held people under one arm, with the intercurrent events that are kept."""
    length = int(days[-1])

    def solved(therapy: Therapy, people: HeldPeople, shares: list[Array], killing: Array | None) -> _Courses:
        donors = donors_of(model, world, therapy, _own_stool(people, engraftment_in(model, world)))
        return _solve_batch(model, people, therapy, shares, donors, days, visits, killing)

    if not kept:
        shares = [taken(each.adherence, draws, length) for each in arm.therapy.components]
        return solved(arm.therapy, held, shares, None)
    killing = own.on_antibiotics(arm, kept)
    first, *others = own.intakes(arm, kept)
    other = np.zeros(len(held.status), dtype=bool) if not others else others[0].who()
    found = _Courses.empty(len(held.status), len(days), len(visits))
    for intake, inside in ((first, ~other), *((each, other) for each in others)):
        some = np.flatnonzero(inside)
        if not len(some):
            continue
        shares = [
            taken(each.adherence, draws, length)[some] * intake.share[some]
            for each in intake.therapy.components
        ]
        one = solved(intake.therapy, held.take(some), shares, None if killing is None else killing[some])
        found = found.filled(some, one)
    return found


@dataclass(frozen=True)
class _Fit:
    """How the compositions of all subjects are held; empty and NaN for who was not asked."""

    niche: tuple[str, ...]
    residual: Array
    largest_factor: Array

    @classmethod
    def of(cls, size: int, rows: NDArray[np.intp], niches: HeldNiches) -> _Fit:
        """Spread the niches of some ``rows`` over all subjects."""
        words = np.full(size, "", dtype=object)
        words[rows] = niches.status
        residual, largest = np.full(size, np.nan), np.full(size, np.nan)
        residual[rows], largest[rows] = niches.residual, niches.largest_factor
        return cls(tuple(words.tolist()), residual, largest)

    def take(self, rows: NDArray[np.intp]) -> _Fit:
        """Return some of the subjects."""
        return _Fit(tuple(self.niche[i] for i in rows), self.residual[rows], self.largest_factor[rows])


def _as_reads(markers: Array, world: GutWorld) -> Array:
    """Turn the guild shares among markers (..., MARKERS) from biomass into reads."""
    columns = [MARKERS.index(f"share_{g}") for g in GUILDS]
    seen = markers.copy()
    seen[..., columns] = world.read_shares(markers[..., columns])
    return seen


@dataclass(frozen=True)
class HeldPeople:
    """People with a composition of their own, ready to run in the gut and hand-over model.

    ``shared`` parameters, ``factors`` (people, guilds) and ``states`` (people, states), a steady state; NaN
    for a person whose ``status`` is not "ok".
    """

    shared: Mapping[str, float]
    factors: Array
    states: Array
    status: tuple[str, ...]

    def take(self, rows: NDArray[np.int64]) -> HeldPeople:
        """Return some of the people."""
        words = tuple(self.status[i] for i in rows)
        return HeldPeople(self.shared, self.factors[rows], self.states[rows], words)

    def parameters(self) -> dict[str, float | Array]:
        """Return parameters by name: a number for everybody, or one for each person."""
        own = {f"gut_w_{guild}": self.factors[:, k] for k, guild in enumerate(GUILDS)}
        return {**self.shared, **own}


@dataclass(frozen=True)
class _Courses:
    """One arm of some people: handed (people, days + 1, HANDED) and markers (people, visits, MARKERS)."""

    handed: Array
    markers: Array
    status: tuple[str, ...]

    @classmethod
    def empty(cls, people: int, days: int, visits: int) -> _Courses:
        """Return room for the courses of people."""
        handed, markers = np.empty((people, days, len(HANDED))), np.empty((people, visits, len(MARKERS)))
        return cls(handed, markers, ("",) * people)

    def filled(self, some: NDArray[np.intp], other: _Courses) -> _Courses:
        """Return the courses with those of ``some`` people written in."""
        self.handed[some], self.markers[some] = other.handed, other.markers
        status = np.array(self.status, dtype=object)
        status[some] = other.status
        return replace(self, status=tuple(status.tolist()))


def _went_well(status: tuple[str, ...]) -> NDArray[np.bool_]:
    return np.array([word == OK for word in status], dtype=bool)


def _screened(subjects: VirtualSubjects, wanted: NDArray[np.bool_] | None) -> list[str]:
    """Return who is run: "ok", or why a candidate is not."""
    words = []
    for i, profile in enumerate(subjects.profile_status):
        if wanted is not None and not wanted[i]:
            words.append(NOT_RUN)
        else:
            words.append(OK if profile in USABLE_PROFILE else f"profile_{profile}")
    return words


def _niche_batch(model: Model, world: GutWorld, shares: Array, person: str = "ms") -> HeldPeople:
    """Hold the composition of every person of one kind, ``shares`` of reads (people, guilds), in a world."""
    return started_people(model, world, hold_people(model, world, shares, person), person)


def started_people(model: Model, world: GutWorld, niches: HeldNiches, person: str = "ms") -> HeldPeople:
    """Put people with niches of their own into the gut and hand-over model."""
    gut, joined = model.gut_kernel, model.upstream_kernel
    own, _ = as_person(model, world, np.ones((1, len(GUILDS))), person)
    values = {**model.derived.of("healthy"), **own}
    shared = {name: value for name, value in values.items() if name in joined.parameter_index}
    states = np.repeat(model.states("healthy", joined)[None], len(niches.status), axis=0)
    states[:, [joined.state_index[name] for name in gut.system.states]] = niches.states
    run = tuple(OK if word in HELD else word for word in niches.status)
    return HeldPeople(shared, niches.factors, states, run)


def _own_stool(people: HeldPeople, engraftment: float) -> Donor:
    """Return everybody as a donor of their own stool."""
    return Donor(people.factors, people.states, engraftment)


def _solve_batch(
    model: Model,
    people: HeldPeople,
    therapy: Therapy,
    shares: Sequence[Array],
    donors: Sequence[Donor | None],
    days: Array,
    visits: NDArray[np.int64],
    killing: Array | None = None,
) -> _Courses:
    """Run all people under one therapy; ``shares`` are what each takes of each component, (people, days).

    ``killing`` (people, days) is the antibiotic of intercurrent courses, mg/d. Whoever takes nothing stays
    at the steady state.
    """
    joined, names = model.upstream_kernel, (*HANDED, *MARKER_SOURCES.values())
    if not len(people.status):
        return _Courses(np.empty((0, len(days), len(HANDED))), np.empty((0, len(visits), len(MARKERS))), ())
    still = joined.solve(days[:1], names, parameters=people.parameters(), initial=people.states)
    handed = _all_days(still.values[:, :, : len(HANDED)], len(days))
    markers = np.repeat(still.values[:, :, len(HANDED) :], len(visits), axis=1)
    status = np.array(still.status, dtype=object)
    weekly = killing is not None  # a course of an antibiotic is a week
    given = gut_inputs(model, therapy, shares, donors, int(days[-1]), visits.tolist(), killing, weekly=weekly)
    acting = np.flatnonzero(given.acting)
    if len(acting):
        own, given = people.take(acting), given.take(acting)
        solution = joined.solve(
            days,
            names,
            parameters={**own.parameters(), **given.parameters},
            initial=own.states,
            inputs=given.inputs,
            tolerances=TOLERANCES,
        )
        handed = handed.copy()
        handed[acting] = solution.values[:, :, : len(HANDED)]
        markers[acting] = solution.values[:, visits, len(HANDED) :]
        status[acting] = solution.status
    return _Courses(handed, markers, tuple(status.tolist()))
