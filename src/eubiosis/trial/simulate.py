"""Simulate a design on a cohort: worlds outside, subjects inside, trials on top."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eubiosis.compute.pool import map_ordered
from eubiosis.core.frame import Table
from eubiosis.core.spec import checked_seed
from eubiosis.core.table_schemas import (
    LATENT_WORLDS,
    TRIAL_GUTS,
    TRIAL_SCREENING,
)
from eubiosis.core.trial_stacks import LatentStack, StackedLatent, StackedObserved, TrialStack
from eubiosis.engine import FAILURES
from eubiosis.model import Model, load
from eubiosis.model.held import FAR, HELD
from eubiosis.model.niche import NICHE_UNSOLVED, OK
from eubiosis.model.shipped import Shipped, matched_gut_world, matched_history, shipped
from eubiosis.model.worlds import GutWorld, draw_gut_world, draw_host_world
from eubiosis.population.generate import Cohort
from eubiosis.trial.design import Design
from eubiosis.trial.redraw import Pool
from eubiosis.trial.simulation import Simulation
from eubiosis.trial.surface_grid import SurfaceGrid
from eubiosis.trial.world.beyond import draw_beyond
from eubiosis.trial.world.direct import direct_terms
from eubiosis.trial.world.gut import MARKERS, GutCourses, gut_courses
from eubiosis.trial.world.host_world import (
    REFERENCE_POOL,
    TrialIsTooSmall,
    World,
    clinical_laws,
    enrol,
    paper_reason,
    reference_size,
    trial_stacks,
)
from eubiosis.trial.world.persons import rated

_NUMBERS_A_WORLD = 1_000_000
_FIRST_POOL, _MOST_POOL = 2.2, 40.0  # candidates for each participant
Columns = Mapping[str, NDArray[np.generic]]


@dataclass(frozen=True)
class Candidates:
    """The candidates of one gut world: how many were made, could not be held at all, and failed by status.

    ``held`` is how many have a gut of their own, ``far`` how many of these are far from their profile;
    ``largest_residual`` (log units) and ``largest_factor`` (over the reference's, or under it) are the
    largest among them, NaN where nobody is held. ``asked`` is how many were run at all, having passed
    screening on paper; ``tried`` and ``unheld`` are the positions in a stool table of the samples that these
    were made of, and of those that no steady state holds.
    """

    made: int
    unsolved: int
    failed: Mapping[str, int]
    held: int
    far: int
    largest_residual: float
    largest_factor: float
    asked: int = 0
    tried: tuple[int, ...] = ()
    unheld: tuple[int, ...] = ()

    @classmethod
    def of(cls, gut: GutCourses, samples: NDArray[np.int64] | None = None) -> Candidates:
        """Count the candidates of one gut world; ``samples`` (candidates,) says what each is made of."""
        asked = np.array([word != "" for word in gut.niche], dtype=bool)
        lost = np.array([word == NICHE_UNSOLVED for word in gut.niche], dtype=bool)
        held = np.array([word in HELD for word in gut.niche], dtype=bool)
        return cls(
            made=len(gut.status),
            unsolved=sum(word == NICHE_UNSOLVED for word in gut.status),
            failed=Counter(word for word in gut.status if word in FAILURES),
            held=int(held.sum()),
            far=sum(word == FAR for word in gut.niche),
            largest_residual=float(np.max(gut.residual[held])) if held.any() else float("nan"),
            largest_factor=float(np.max(gut.largest_factor[held])) if held.any() else float("nan"),
            asked=int(asked.sum()),
            tried=() if samples is None else tuple(np.unique(samples[asked]).tolist()),
            unheld=() if samples is None else tuple(np.unique(samples[lost]).tolist()),
        )


@dataclass(frozen=True)
class Trials:
    """Simulated trials of one design.

    ``observed`` is what a trial records, ``latent`` the truth, ``screening`` how many candidates entered or
    why not, in every pair of worlds, ``worlds`` the form of each and the term outside the mechanism that its
    therapies have, ``candidates`` what became of them in each gut world. ``profiles`` is
    the number of stool profiles that the subjects are made from, None for the reference population.
    """

    design: Design
    simulation: Simulation
    seed: int
    observed: StackedObserved
    latent: StackedLatent
    screening: Table
    worlds: Table
    candidates: tuple[Candidates, ...]
    profiles: int | None

    def __repr__(self) -> str:
        arms = ", ".join(arm.name for arm in self.design.arms)
        return (
            f"Trials: {self.observed.count} of {self.design.participants} subjects ({arms}) in "
            f"{self.simulation.worlds} worlds; seed {self.seed}; simulated"
        )

    def _repr_html_(self) -> str:
        from html import escape

        return f"<p>{escape(repr(self))}</p>{self.observed.subjects._repr_html_()}"

    @classmethod
    def concat(cls, parts: Sequence[Trials]) -> Trials:
        """Put the trials of several gut worlds together, in order."""
        first = parts[0]
        return cls(
            first.design,
            first.simulation,
            first.seed,
            StackedObserved([s for p in parts for s in p.observed.stacks], first.observed.control),
            StackedLatent(
                [s for p in parts for s in p.latent.stacks],
                Table.concat([p.latent.guts for p in parts]),
                first.latent.control,
                first.latent.seed,
            ),
            Table.concat([p.screening for p in parts]),
            Table.concat([p.worlds for p in parts]),
            tuple(c for p in parts for c in p.candidates),
            first.profiles,
        )


@dataclass(frozen=True)
class Task:
    """What one process needs to simulate a gut world: plain data; the model is loaded from its folder."""

    design: Design
    cohort: Cohort
    simulation: Simulation
    seed: int
    gut_world: int
    model_folder: Path
    surface: SurfaceGrid | None = None


def simulate(
    design: Design,
    cohort: Cohort,
    model: Model,
    *,
    gut_worlds: int = 6,
    host_worlds: int = 6,
    replicates: int = 8,
    couplings: str = "symmetric",
    worlds_from: str = "calibration",
    seed: int = 2026,
    processes: int = 1,
    progress: bool | None = None,
) -> Trials:
    """Simulate a trial in every pair of worlds, ``replicates`` times in each.

    A gut world holds what nobody knows about the gut, a host world a natural history and one total effect for
    each metabolite class, divided over the gut-to-host couplings (see ``Simulation``). The same seed gives
    the same tables for any number of ``processes``; ``progress`` shows a bar (None: on a terminal). Raises
    ``FindingsError`` for numbers out of range, and ``TrialIsTooSmall`` where the cohort does not fill the
    trial. Everything is simulated.

    >>> from eubiosis import model, population, therapy, trial
    >>> axis = model.load()
    >>> arms = {"placebo": therapy.placebo(), "inulin": therapy.prebiotic("inulin", dose="12 g/day")}
    >>> design = trial.Design(arms=arms, participants=8, visits=[0, 4], primary="stool_butyrate")
    >>> cohort = population.generate(axis, seed=7)
    >>> trial.simulate(design, cohort, axis, gut_worlds=1, host_worlds=1, replicates=2, seed=7)
    Trials: 2 of 8 subjects (placebo, inulin) in 1 worlds; seed 7; simulated
    """
    seed = checked_seed(seed)
    simulation = Simulation(
        gut_worlds=gut_worlds,
        host_worlds=host_worlds,
        replicates=replicates,
        couplings=couplings,
        worlds_from=worlds_from,
    )
    jobs = tasks(design, cohort, simulation, model, seed)
    return Trials.concat(
        map_ordered(simulate_gut_world, jobs, processes, progress, label="gut worlds"),
    )


def tasks(
    design: Design,
    cohort: Cohort,
    simulation: Simulation,
    model: Model,
    seed: int,
    surface: SurfaceGrid | None = None,
) -> list[Task]:
    """Return one task for each gut world; ``surface`` says which other trials are redrawn in it."""
    folder = model.content.folder
    return [Task(design, cohort, simulation, seed, g, folder, surface) for g in range(simulation.gut_worlds)]


@cache
def _model(folder: Path) -> Model:
    return load(folder)


@dataclass(frozen=True)
class PairOfWorlds:
    """A pair of worlds: its numbers, what became of the candidates, and its trials, some at a time.

    ``stacks`` can be gone through once: nothing keeps a trial that has been looked at. ``pool`` are the
    people, for trials of other sizes and lengths.
    """

    gut_world: int
    host_world: int
    screened: Mapping[str, int]
    stacks: Iterator[tuple[TrialStack, LatentStack]]
    pool: Pool | None = None


@dataclass(frozen=True)
class GutWorldTrials:
    """One gut world: its pairs of worlds, the true guts of its subjects, its forms, and its candidates."""

    pairs: tuple[PairOfWorlds, ...]
    guts: Table
    worlds: Table
    candidates: Candidates


def gut_world_trials(task: Task, *, ends: bool = False) -> GutWorldTrials:
    """Enrol every trial of one gut world; the trials themselves are run when their stacks are asked for.

    With ``ends`` the stacks without trial 0 hold only the visits that an analysis looks at.
    """
    model, simulation = _model(task.model_folder), task.simulation
    models, worlds, candidates = _enrolled(model, task)
    numbers = range(simulation.replicates)
    pairs = tuple(
        PairOfWorlds(
            task.gut_world,
            h,
            world.screened,
            trial_stacks(own, world, task.design, (task.gut_world, h), numbers, ends=ends),
            Pool.of(own, world, task.design, (task.gut_world, h)),
        )
        for h, (own, world) in enumerate(zip(models, worlds, strict=True))
    )
    guts = Table(_stacked(_guts(task, worlds[0])), schema=TRIAL_GUTS)
    return GutWorldTrials(pairs, guts, _worlds(task, worlds), candidates)


def simulate_gut_world(task: Task) -> Trials:
    """Simulate every trial of one gut world, and keep them all."""
    world = gut_world_trials(task)
    stacks = [stack for pair in world.pairs for stack in pair.stacks]
    control = task.design.control.name
    return Trials(
        task.design,
        task.simulation,
        task.seed,
        StackedObserved([seen for seen, _ in stacks], control),
        StackedLatent([truth for _, truth in stacks], world.guts, control, task.seed),
        screening_table(world.pairs),
        world.worlds,
        (world.candidates,),
        task.cohort.profiles,
    )


def gut_world(model: Model, number: int, simulation: Simulation, seed: int) -> GutWorld:
    """Return gut world ``number`` of a run: shipped, or drawn from the prior; 0 holds the tables' values."""
    found = _shipped(model, simulation).gut
    if number and found is not None:
        return matched_gut_world(model, found, number, seed)
    return draw_gut_world(model, number, seed)


def _shipped(model: Model, simulation: Simulation) -> Shipped:
    if simulation.worlds_from == "prior":
        return Shipped(None, None, {}, ())
    return shipped(model)


def _enrolled(model: Model, task: Task) -> tuple[list[Model], list[World], Candidates]:
    """Screen ever more candidates until every host world of the gut world has a full trial.

    Each host world comes with the model that holds its natural history; the candidates are counted.
    """
    design, simulation = task.design, task.simulation
    drawn = gut_world(model, task.gut_world, simulation, task.seed)
    laws = clinical_laws(model)
    hosts = _host_worlds(model, task, drawn)
    models = [model.with_values(history) for history, _ in hosts]
    numbers = range(task.gut_world * simulation.host_worlds, (task.gut_world + 1) * simulation.host_worlds)
    beyonds = [draw_beyond(model, number, task.seed, simulation, design) for number in numbers]
    first = task.gut_world * _NUMBERS_A_WORLD  # every gut world has people of its own
    factor, least = _FIRST_POOL, REFERENCE_POOL
    while True:
        wanted_size = max(round(factor * design.participants) + 20, least)
        size = wanted_size if task.cohort.size is None else min(wanted_size, task.cohort.size)
        candidates = rated(task.cohort.candidates(size, first=first), laws, task.seed)
        wanted = np.array([paper_reason(candidates, design, i) == "" for i in range(len(candidates))])
        gut = gut_courses(model, drawn, candidates, design, task.seed, wanted)
        needed = reference_size(np.array([word == OK for word in gut.status]))
        if size < needed and size != task.cohort.size:
            least = needed
            continue
        try:
            worlds = [
                enrol(
                    own,
                    f"{task.gut_world}.{h}",
                    values,
                    candidates,
                    gut,
                    design,
                    task.seed,
                    beyond,
                    direct_terms(
                        model,
                        design,
                        task.gut_world * simulation.host_worlds + h,
                        task.seed,
                        simulation.couplings,
                    ),
                )
                for h, (own, (_, values), beyond) in enumerate(zip(models, hosts, beyonds, strict=True))
            ]
        except TrialIsTooSmall:
            factor *= 2
            if factor > _MOST_POOL or size == task.cohort.size:
                raise
        else:
            return models, worlds, Candidates.of(gut, candidates.samples)


def _host_worlds(
    model: Model, task: Task, drawn: GutWorld
) -> list[tuple[Mapping[str, float], Mapping[str, float]]]:
    """Return for each host world of a gut world its natural history, and the numbers its hosts run with."""
    simulation = task.simulation
    history = _shipped(model, simulation).history
    shared = {name: value for name, value in drawn.values.items() if name.startswith("host_")}
    found: list[tuple[Mapping[str, float], Mapping[str, float]]] = []
    for h in range(simulation.host_worlds):
        number = task.gut_world * simulation.host_worlds + h
        own = {} if history is None else matched_history(history, number, task.seed)
        gains = draw_host_world(model, number, task.seed, simulation.couplings, shared=shared)
        found.append((own, {**own, **shared, **gains}))
    return found


def _stacked(parts: Iterable[Columns]) -> Columns:
    rows = list(parts)
    return {name: np.concatenate([part[name] for part in rows]) for name in rows[0]}


def _guts(task: Task, world: World) -> list[Columns]:
    """Return the true markers at the first and the last visit; all host worlds of a gut world share them."""
    numbers = np.array(world.subjects.numbers)
    rows: list[Columns] = []
    for arm in task.design.arms:
        for at, week in ((0, task.design.visits[0]), (-1, task.design.visits[-1])):
            values = world.gut.markers[arm.name][:, at]
            columns = {
                "gut_world": np.full(len(numbers), task.gut_world),
                "subject": numbers,
                "arm": np.full(len(numbers), arm.name),
                "week": np.full(len(numbers), week),
            }
            rows.append({**columns, **{marker: values[:, k] for k, marker in enumerate(MARKERS)}})
    return rows


def screening_table(pairs: Sequence[PairOfWorlds]) -> Table:
    """Return what became of the candidates, one row an outcome and pair of worlds."""
    rows = [
        (pair.gut_world, pair.host_world, outcome, count)
        for pair in pairs
        for outcome, count in pair.screened.items()
    ]
    names = ("gut_world", "host_world", "outcome", "candidates")
    return Table(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)), schema=TRIAL_SCREENING)


def _worlds(task: Task, worlds: Sequence[World]) -> Table:
    """Return the form of every host world and what lies outside the mechanism in each active arm."""
    rows = [
        (task.gut_world, h, world.beyond.form, arm.name, world.beyond.of_therapy(arm.therapy))
        for h, world in enumerate(worlds)
        for arm in task.design.active
    ]
    names = ("gut_world", "host_world", "form", "arm", "outside_log_ratio")
    return Table(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)), schema=LATENT_WORLDS)
