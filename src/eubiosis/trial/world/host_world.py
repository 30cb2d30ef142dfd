"""One host world of a virtual trial: candidates, screening, twins, and replicate trials on them.

Observed and latent tables are separate from the start. Whatever is a person's own is keyed by the subject's
number and the decision; the luck of one trial fills its people in the order of entry (``core.trial_draws``).
Either way a subject's luck is the same in every arm and whoever else is enrolled after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.calendar import DAYS_PER_YEAR
from eubiosis.core.streams import SubjectDraws
from eubiosis.core.trial_draws import TrialDraws
from eubiosis.core.trial_stacks import LatentStack, TrialStack
from eubiosis.core.trial_tables import KEYS
from eubiosis.engine import Array
from eubiosis.model.clinical import ClinicalLaws
from eubiosis.model.model import Model
from eubiosis.population.subjects import VirtualSubjects
from eubiosis.trial.design import Design
from eubiosis.trial.intercurrent import strategy_rules
from eubiosis.trial.world.beyond import Beyond
from eubiosis.trial.world.courses import WorldCourses
from eubiosis.trial.world.direct import LogFactors
from eubiosis.trial.world.exposure import exposure_rows
from eubiosis.trial.world.gut import MARKERS, GutCourses
from eubiosis.trial.world.harms import HarmRates, events_of_trials, harm_rates
from eubiosis.trial.world.host import (
    BURN_IN,
    NOTHING_BEYOND,
    TONE_DAYS,
    HostCourses,
    at_level,
    event_scale,
    over_days,
    relative_hosts,
)
from eubiosis.trial.world.interruptions import NOTHING, Kept
from eubiosis.trial.world.leaving import why_left
from eubiosis.trial.world.outcomes import relapse_days
from eubiosis.trial.world.persons import fatigue_levels, nfl_levels, own_edss, treg_levels, with_own_acids
from eubiosis.trial.world.replicates import Replicates, event_rows, relapse_rows, replicates
from eubiosis.trial.world.scales import mfis_on_scale
from eubiosis.trial.world.targets import targets

WHOLE_TRIALS = 64  # trials of a pair of worlds of which every visit is kept, where only ends are asked for
REFERENCE_POOL, LEAST_REFERENCE, MOST_REFERENCE = 300, 60, 4_800
PEOPLE_TOGETHER = 2_000  # in all trials drawn together: bounds the memory; last digits of true means move


@dataclass(frozen=True)
class World:
    """Enrolled subjects of one world with everything that would happen to them in every arm (latent).

    ``screened`` counts candidates by outcome ("enrolled", or the first reason for failing), in order of
    their numbers until the trial is full. ``level`` is each one's own MFIS level, ``treg`` each one's own
    level of Treg relative to the model's, ``nfl`` that of serum NfL over the model's healthy one; ``steps``
    (subjects, visits) is what EDSS gains without relapses. ``harms`` is what each arm risks of each harm in
    this world.
    """

    label: str
    subjects: VirtualSubjects
    screened: Mapping[str, int]
    gut: GutCourses
    host: HostCourses
    relapses_before: Array
    level: Array
    treg: Array
    nfl: Array
    steps: Array
    seed: int
    harms: Mapping[str, Mapping[str, HarmRates]]
    beyond: Beyond = NOTHING_BEYOND


@dataclass(frozen=True)
class EnrolledWorld:
    """What trials need of the people of one world, without the daily courses of gut and host.

    ``label`` names the streams of their luck: that of the world, and of the block where there are more.
    ``by_kept`` are their courses with the intercurrent events that are kept, all of them among the sets.
    """

    label: str
    subjects: VirtualSubjects
    screened: Mapping[str, int]
    relapses_before: Array
    seed: int
    harms: Mapping[str, Mapping[str, HarmRates]]
    beyond: Beyond
    by_kept: Mapping[Kept, WorldCourses]

    @classmethod
    def of(cls, model: Model, world: World, design: Design) -> EnrolledWorld:
        """Read the courses of a world at the visits of a design."""
        by_kept = _courses(world, design, clinical_laws(model))
        return cls(
            world.label, world.subjects, world.screened, world.relapses_before, world.seed,
            world.harms, world.beyond, by_kept,
        )  # fmt: skip

    @property
    def courses(self) -> WorldCourses:
        """Return the courses with every intercurrent event: the set that holds all others."""
        return self.by_kept[max(self.by_kept, key=len)]


def _courses(world: World, design: Design, laws: ClinicalLaws) -> dict[Kept, WorldCourses]:
    """Return the courses without intercurrent events, and with the sets of them that are simulated."""
    own = (world.level, world.treg, world.nfl, world.steps)
    found = {NOTHING: WorldCourses.of(world.subjects, world.gut, world.host, own, design, laws)}
    for kept, gut in world.gut.interrupted.items():
        found[kept] = WorldCourses.of(world.subjects, gut, world.host.interrupted[kept], own, design, laws)
    return found


@dataclass(frozen=True)
class LatentTrial:
    """Truth of one replicate, by arm: shape (subjects,) or (subjects, visits)."""

    expected_relapses: Mapping[str, Array]
    expected_lesions: Mapping[str, Array]
    edss: Mapping[str, Array]
    mfis: Mapping[str, Array]
    markers: Mapping[str, Array]
    treg: Mapping[str, Array]
    nfl: Mapping[str, Array]


@dataclass(frozen=True)
class ObservedTrial:
    """What a trial would record: a row a subject, a row a visit that took place, and adverse events.

    ``subjects``, ``visits`` and ``adverse_events`` (the first event of each harm of each subject) map column
    names to values of equal length.
    """

    subjects: Mapping[str, np.ndarray]
    visits: Mapping[str, np.ndarray]
    adverse_events: Mapping[str, np.ndarray]

    def exposure(self, design: Design, seed: int) -> dict[str, np.ndarray]:
        """Return what each subject took, one row a product and week."""
        numbers = tuple(int(each) for each in self.subjects["subject"])
        followed = self.subjects["follow_up_years"] * DAYS_PER_YEAR
        return exposure_rows(design, self.subjects["arm"], numbers, followed, seed)


class TrialIsTooSmall(ValueError):
    """Fewer candidates were eligible than the design asks for."""

    @classmethod
    def of(cls, eligible: int, candidates: int, needed: int) -> TrialIsTooSmall:
        """Say how many were eligible of how many."""
        return cls(f"{eligible} of {candidates} candidates are eligible, {needed} are needed")


def enrol(
    model: Model,
    label: str,
    couplings: Mapping[str, float],
    candidates: VirtualSubjects,
    gut: GutCourses,
    design: Design,
    seed: int,
    beyond: Beyond = NOTHING_BEYOND,
    terms: LogFactors | None = None,
) -> World:
    """Screen candidates in the order of their numbers and enrol the first eligible ones.

    The level of events is that of the first candidates (``reference_size``), however many there are.
    ``beyond`` is what acts on event rates beside the host's equations, ``terms`` are the direct terms of the
    products in this world, none by default. Raises ``TrialIsTooSmall`` when the pool does not fill the trial.
    """
    order = np.argsort(candidates.numbers, kind="stable")
    candidates = candidates.take(order)
    gut = gut.take(order)
    reasons = np.array(
        [early_reason(candidates, gut.status, design, i) for i in range(len(candidates))], dtype=object
    )
    held = np.flatnonzero(reasons == "")
    draws = SubjectDraws(seed, tuple(candidates.numbers[i] for i in held))
    pool, guts = candidates.take(held), gut.take(held)
    reference = held < reference_size(reasons == "")
    host = relative_hosts(model, couplings, guts, pool, design, draws, terms)
    host = at_level(host, event_scale(model, design, [host], reference), design, guts, beyond)
    seen = screened(model, label, pool, guts, host, design, draws, beyond)
    reasons[held] = seen.reasons
    enrolled = np.flatnonzero(seen.reasons == "")[: design.participants]
    if len(enrolled) < design.participants:
        raise TrialIsTooSmall.of(len(enrolled), len(candidates), design.participants)
    counts: dict[str, int] = {"enrolled": len(enrolled)}
    for reason in reasons[: held[enrolled[-1]] + 1]:
        if reason:
            counts[reason] = counts.get(reason, 0) + 1
    return seen.world(enrolled, counts, harm_rates(design, seed, label))


@dataclass(frozen=True)
class Screened:
    """Candidates of one world who were run, all n of them, with the last reasons why some do not enter.

    ``reasons`` (n,) are texts, empty for who may enter; ``everybody`` is their world as if all entered.
    """

    reasons: NDArray[np.object_]
    everybody: World

    def world(
        self,
        rows: NDArray[np.intp],
        counts: Mapping[str, int],
        harms: Mapping[str, Mapping[str, HarmRates]],
    ) -> World:
        """Return the world of some of them (positions, rising)."""
        whole = self.everybody
        if len(rows) == len(self.reasons):
            return replace(whole, screened=counts, harms=harms)
        return replace(
            whole,
            subjects=whole.subjects.take(rows),
            screened=counts,
            gut=whole.gut.take(rows),
            host=_take_host(whole.host, rows),
            relapses_before=whole.relapses_before[rows],
            level=whole.level[rows],
            treg=whole.treg[rows],
            nfl=whole.nfl[rows],
            steps=whole.steps[rows],
            harms=harms,
        )


def screened(
    model: Model,
    label: str,
    pool: VirtualSubjects,
    gut: GutCourses,
    host: HostCourses,
    design: Design,
    draws: SubjectDraws,
    beyond: Beyond = NOTHING_BEYOND,
) -> Screened:
    """Judge candidates by their histories; nobody's verdict depends on the others.

    ``gut`` and ``host`` are those of the ``pool``, the host's rates at the level of the design; ``draws`` are
    its luck.
    """
    laws, seed = clinical_laws(model), draws.seed
    earlier = relapse_days(host, laws, [""], pool.numbers, seed, "before")[""]
    before = np.sum((earlier >= BURN_IN - 365) & np.isfinite(earlier), axis=1).astype(float)
    level, treg = fatigue_levels(pool.edss, laws, draws), treg_levels(draws)
    nfl = nfl_levels(draws) / model.derived.of("healthy")["host_NfL_healthy"]
    steps = own_edss(draws, np.array([round(7 * week) for week in design.visits]))
    reasons = _late_reasons(laws, design, pool, host, before, level, draws)
    own = with_own_acids(gut, draws)
    everybody = World(label, pool, {}, own, host, before, level, treg, nfl, steps, seed, {}, beyond)
    return Screened(reasons, everybody)


def reference_size(eligible: NDArray[np.bool_]) -> int:
    """Return how many candidates, from the first on, set the level of the two event rates.

    They are ``REFERENCE_POOL``, or twice or four times as many, ... where fewer than ``LEAST_REFERENCE`` of
    them are ``eligible`` (candidates,), but no more than ``MOST_REFERENCE``. The size of the trial plays no
    part, so that whoever is enrolled has the same rates beside 80 more. More than there are candidates means
    that more have to be made.
    """
    size = REFERENCE_POOL
    while np.count_nonzero(eligible[:size]) < LEAST_REFERENCE and size < MOST_REFERENCE:
        size *= 2
    return size


def trial_stacks(
    model: Model,
    world: EnrolledWorld,
    design: Design,
    pair: tuple[int, int],
    numbers: Sequence[int],
    *,
    ends: bool = False,
) -> Iterator[tuple[TrialStack, LatentStack]]:
    """Run the trials ``numbers`` of a pair of worlds, so many at a time that memory stays small.

    A trial has the same numbers whichever others are run with it. With ``ends`` the trials from number
    ``WHOLE_TRIALS`` on hold the first and the last visits only (``replicates``): what analyses need, and no
    more. Which trials are whole does not depend on how many are run together.
    """
    laws, courses, slope = clinical_laws(model), world.courses, world.beyond.lesion_slope
    # an intercurrent event may make any visit the last that counts
    ends = ends and not design.intercurrent
    parts = ([n for n in numbers if n < WHOLE_TRIALS], [n for n in numbers if n >= WHOLE_TRIALS])
    for part, short in zip(parts, (False, ends), strict=True):
        for some in in_groups(part, len(courses)):
            made = replicates(courses, design, laws, world.seed, world.label, some, slope, ends=short)
            asked = targets(design, laws, world.by_kept, world.seed, world.label, made.numbers, slope)
            yield _observed(world, design, courses, made, pair), latent_stack(courses, made, pair, asked)


def in_groups(numbers: Sequence[int], people: int) -> Iterator[Sequence[int]]:
    """Yield the trials of so many people that are run together."""
    together = max(1, PEOPLE_TOGETHER // people)
    for begin in range(0, len(numbers), together):
        yield numbers[begin : begin + together]


def replicate(model: Model, world: World, design: Design, number: int) -> tuple[ObservedTrial, LatentTrial]:
    """Run one trial on the world's subjects: randomise, let events happen, measure, lose some."""
    laws = clinical_laws(model)
    enrolled = EnrolledWorld.of(model, world, design)
    courses = enrolled.courses
    made = replicates(courses, design, laws, world.seed, world.label, (number,), world.beyond.lesion_slope)
    stack = _observed(enrolled, design, courses, made, (0, 0))
    one = stack.trial(0)
    by_arm = range(len(courses.arms))
    latent = LatentTrial(
        *(
            {courses.arms[k]: values[k] for k in by_arm}
            for values in (
                courses.expected_relapses,
                courses.expected_lesions,
                made.edss[:, :, 0].transpose(0, 2, 1),
                made.mfis[:, :, 0].transpose(0, 2, 1),
                np.stack([world.gut.actual.markers[arm] for arm in courses.arms]),
                courses.treg_percent.transpose(0, 2, 1),
                courses.nfl.transpose(0, 2, 1),
            )
        )
    )
    harmed = {name: values for name, values in stack.adverse_events.items() if name not in KEYS}
    return ObservedTrial(one.subjects, one.visits, harmed), latent


def _observed(
    world: EnrolledWorld, design: Design, courses: WorldCourses, made: Replicates, pair: tuple[int, int]
) -> TrialStack:
    """Lay out what trials recorded; ``pair`` numbers the gut and the host world."""
    subjects, there = world.subjects, made.presence
    draws = TrialDraws(world.seed, world.label, tuple(made.numbers.tolist()))
    columns = {
        "age": subjects.age,
        "female": subjects.female,
        "relapses_last_year": world.relapses_before,
        "follow_up_years": there.followed / DAYS_PER_YEAR,
        "completed": (completed := there.followed >= design.days),
        "left_because": why_left(completed, draws),
        **made.subjects,
    }
    names = np.array(courses.arms)[made.arm]
    trial, harmed = events_of_trials(design, world.harms, names, subjects.numbers, there.followed, draws)
    exposure: Callable[[], dict[str, np.ndarray]] = dict
    if made.numbers[0] == 0:  # what people took is told of the first trial of a pair of worlds
        followed = there.followed[0]
        exposure = partial(_exposure, pair, design, names[0], subjects.numbers, followed, world.seed)
    some = list(made.measured)
    return TrialStack(
        *pair, made.numbers, courses.numbers, courses.arms, made.arm, np.array(design.visits)[some],
        there.attended[some], columns, {"day": there.days[some], **made.visits}, exposure,
        {**_keys(pair, made.numbers[trial]), **harmed}, relapse_columns(courses, made, pair),
        _intercurrent(world, design, courses, made, pair), strategy_rules(design.intercurrent),
    )  # fmt: skip


def _exposure(
    pair: tuple[int, int],
    design: Design,
    arms: NDArray[np.str_],
    numbers: tuple[int, ...],
    followed: Array,
    seed: int,
) -> dict[str, np.ndarray]:
    """Return what people took in the first trial of a pair of worlds, with its keys."""
    rows = exposure_rows(design, arms, numbers, followed, seed)
    return {**_keys(pair, np.zeros(len(rows["subject"]), dtype=np.int64)), **rows}


def _intercurrent(
    world: EnrolledWorld, design: Design, courses: WorldCourses, made: Replicates, pair: tuple[int, int]
) -> dict[str, np.ndarray]:
    """Lay out the intercurrent events of each one's own arm during follow-up, by trial, person and day."""
    if not design.intercurrent:
        return {}
    trial, person, kind, day = event_rows(design, made, courses.numbers, world.seed)
    own = {
        "subject": courses.numbers[person],
        "arm": np.array(courses.arms)[made.arm[trial, person]],
        "event": kind,
        "day": day,
    }
    return {**_keys(pair, made.numbers[trial]), **own}


def relapse_columns(courses: WorldCourses, made: Replicates, pair: tuple[int, int]) -> dict[str, np.ndarray]:
    """Lay out the relapses that are counted, one row each."""
    trial, person, day = relapse_rows(made.relapses, made.arm, made.presence.followed)
    own = {
        "subject": courses.numbers[person],
        "arm": np.array(courses.arms)[made.arm[trial, person]],
        "day": day.astype(np.float64),
    }
    return {**_keys(pair, made.numbers[trial]), **own}


def _keys(pair: tuple[int, int], replicate: NDArray[np.int64]) -> dict[str, np.ndarray]:
    rows = len(replicate)
    return {"gut_world": np.full(rows, pair[0]), "host_world": np.full(rows, pair[1]), "replicate": replicate}


def latent_stack(
    courses: WorldCourses, made: Replicates, pair: tuple[int, int], targets: Mapping[str, Array]
) -> LatentStack:
    """Lay out the truth of trials: for each arm, one row a subject."""
    of_world = {
        "expected_relapses": courses.expected_relapses,
        "expected_new_lesions": courses.expected_lesions,
        "treg_last_visit": courses.treg_percent[:, -1],
        "nfl_last_visit": courses.nfl[:, -1],
        **{marker: courses.markers_at_end[..., k] for k, marker in enumerate(MARKERS)},
    }
    of_trials = {"edss_last_visit": made.edss[:, -1], "mfis_last_visit": made.mfis[:, -1]}
    return LatentStack(*pair, made.numbers, courses.numbers, courses.arms, of_world, of_trials, targets)


def early_reason(subjects: VirtualSubjects, status: tuple[str, ...], design: Design, i: int) -> str:
    """Return the first reason why a candidate fails on what is known without running the host."""
    early = paper_reason(subjects, design, i)
    return early or ("" if status[i] == "ok" else f"stool profile: {status[i]}")


def paper_reason(subjects: VirtualSubjects, design: Design, i: int) -> str:
    """Return why a candidate fails on paper: course, age or EDSS as rated; empty if none does."""
    rules = design.eligibility
    if not subjects.relapsing[i]:
        return "not relapsing-remitting"
    if rules.age is not None and not rules.age[0] <= subjects.age[i] <= rules.age[1]:
        return "age"
    edss = subjects.edss if subjects.assessed is None else subjects.assessed
    if rules.edss is not None and not rules.edss[0] <= edss[i] <= rules.edss[1]:
        return "EDSS"
    return ""


def _late_reasons(
    laws: ClinicalLaws,
    design: Design,
    pool: VirtualSubjects,
    host: HostCourses,
    before: Array,
    level: Array,
    draws: SubjectDraws,
) -> NDArray[np.object_]:
    """Return the reasons that need a history: relapses before entry and fatigue at screening, as observed."""
    rules = design.eligibility
    tone = over_days(laws.tone(host.before)) / TONE_DAYS
    microglia = host.before["host_MG"][-1] / laws.healthy_microglia
    error = laws.number["host_mfis_sem"] * draws.normals("trial/mfis screening", 1)[:, 0]
    fatigue = mfis_on_scale(np.rint(level + laws.mfis_change(tone, microglia, pool.edss) + error))
    last = [states[-1] for course in host.after.values() for states in course.values()]
    reasons = np.full(len(pool), "", dtype=object)
    if rules.mfis_from is not None:
        reasons[fatigue < rules.mfis_from] = "fatigue below the threshold"
    if rules.relapses_last_year is not None:
        reasons[before < rules.relapses_last_year] = "relapses in the last year"
    reasons[~np.all(np.isfinite(np.array(last)), axis=0)] = "host run not finite"
    return reasons


def clinical_laws(model: Model) -> ClinicalLaws:
    """Return the clinical laws of a model."""
    healthy = model.derived.of("healthy")["host_MG_healthy"]
    return ClinicalLaws(model.content.by_name, healthy)


def _take_host(host: HostCourses, rows: np.ndarray) -> HostCourses:
    return HostCourses(
        host.people.take(rows),
        {name: values[:, rows] for name, values in host.before.items()},
        {arm: {n: v[:, rows] for n, v in course.items()} for arm, course in host.after.items()},
        {arm: values[:, rows] for arm, values in host.lesions.items()},
        {arm: values[:, rows] for arm, values in host.relapses.items()},
        {kept: _take_host(each, rows) for kept, each in host.interrupted.items()},
    )


__all__ = [
    "EnrolledWorld",
    "LatentTrial",
    "ObservedTrial",
    "TrialIsTooSmall",
    "World",
    "enrol",
    "in_groups",
    "latent_stack",
    "paper_reason",
    "relapse_columns",
    "replicate",
    "trial_stacks",
]
