"""Simulate a design on a cohort: worlds outside, subjects inside, trials on top."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
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
from eubiosis.model import Model
from eubiosis.model.model import load_known
from eubiosis.model.shipped import Shipped, matched_gut_world, matched_history, shipped
from eubiosis.model.worlds import GutWorld, draw_gut_world, draw_host_world
from eubiosis.population.generate import Cohort
from eubiosis.trial.design import Design
from eubiosis.trial.redraw import Pool
from eubiosis.trial.simulation import Simulation
from eubiosis.trial.surface_grid import SurfaceGrid
from eubiosis.trial.world.beyond import Beyond, draw_beyond
from eubiosis.trial.world.direct import direct_terms
from eubiosis.trial.world.drawn import DrawnNumbers, drawn_numbers
from eubiosis.trial.world.enrolment import (
    Candidates,
    Gatherer,
    GutSetting,
    HostSetting,
    settle_scales,
)
from eubiosis.trial.world.gut import MARKERS
from eubiosis.trial.world.host import EventScale
from eubiosis.trial.world.host_world import EnrolledWorld, TrialIsTooSmall, trial_stacks

BLOCK = 400  # candidates of a gut world in one block of a large trial; it divides a million
MOST_IN_ONE_BLOCK = 1_000  # participants of a trial that is one piece of work; a larger one is cut
_FIRST_POOL, MOST_POOL = 2.2, 40.0  # candidates for each participant
_GUT_WORLDS_KEPT = 16  # whose numbers a process keeps, some kilobytes each
Columns = Mapping[str, NDArray[np.generic]]
HostWorlds = tuple[tuple[Mapping[str, float], Mapping[str, float]], ...]


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
    """What one process needs to simulate a gut world: plain data; the model is loaded from its folder.

    A trial of more than ``whole`` participants is cut into blocks of ``block`` candidates; these belong to
    the trial, whose luck is dealt out block by block.
    """

    design: Design
    cohort: Cohort
    simulation: Simulation
    seed: int
    gut_world: int
    model_folder: Path
    surface: SurfaceGrid | None = None
    block: int = BLOCK
    whole: int = MOST_IN_ONE_BLOCK

    @property
    def cut(self) -> bool:
        """Whether the trial is so large that it is cut into blocks of candidates."""
        return self.design.participants > self.whole


@dataclass(frozen=True)
class PeopleBlock:
    """A block of candidates of one gut world, as a piece of work.

    ``number`` counts from 0. ``wanted`` is how many may still enter in each host world, ``scales`` the level
    of event rates in each, known from block 0 and empty in it.
    """

    number: int
    wanted: tuple[int, ...]
    scales: tuple[EventScale, ...] = ()


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
    return load_known(folder)


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
    """One gut world: its pairs of worlds, the true guts of its subjects, its forms, and its candidates.

    ``drawn`` holds the numbers that its worlds were drawn with.
    """

    pairs: tuple[PairOfWorlds, ...]
    guts: Table
    worlds: Table
    candidates: Candidates
    drawn: DrawnNumbers | None = None


def gut_world_trials(task: Task, *, ends: bool = False) -> GutWorldTrials:
    """Enrol every trial of one gut world; the trials themselves are run when their stacks are asked for.

    With ``ends`` the stacks without trial 0 hold only the visits that an analysis looks at.
    """
    setting, hosts = _settings(task)
    wanted = task.design.participants
    gatherers = [Gatherer(host, task.design, task.seed, host.label, wanted) for host in hosts]
    found = _trials(task, gatherers, _filled(task, setting, gatherers), ends=ends)
    return replace(found, drawn=drawn_numbers(setting, hosts))


@dataclass(frozen=True)
class BlockTrials:
    """The trials of the people of one block, how many entered in each host world, and its level of events."""

    trials: GutWorldTrials
    entered: tuple[int, ...]
    scales: tuple[EventScale, ...]


def block_trials(task: Task, block: PeopleBlock) -> BlockTrials:
    """Enrol the people of one block of a large trial in every host world, up to those still wanted.

    A block is a trial of its own as far as luck goes: people are randomised, and noise and assay batches are
    dealt out, within it. Block 0 has the luck of a trial that is not cut.
    """
    setting, hosts = _settings(task)
    gatherers = [
        Gatherer(host, task.design, task.seed, _block_label(host.label, block.number), wanted)
        for host, wanted in zip(hosts, block.wanted, strict=True)
    ]
    most = task.cohort.size
    begin, end = block.number * task.block, (block.number + 1) * task.block
    end = end if most is None else min(end, most)
    counts: list[Candidates] = []
    if block.number == 0:
        settled = settle_scales(setting, most, end)
        for gatherer in gatherers:
            settled.enrol(gatherer, end)
        # those beyond the block are made, run and counted again in the next
        counts += [each.counts for each in settled.stretches[: settled.before(end)]]
        begin = settled.made
        del settled
    else:
        for gatherer, scale in zip(gatherers, block.scales, strict=True):
            gatherer.scale = scale
    counts += _gathered(setting, gatherers, begin, end, whole=False)
    trials = _trials(task, gatherers, Candidates.together(counts))
    if block.number == 0:
        trials = replace(trials, drawn=drawn_numbers(setting, hosts))
    scales = tuple(gatherer.scale for gatherer in gatherers if gatherer.scale is not None)
    return BlockTrials(trials, tuple(gatherer.entered for gatherer in gatherers), scales)


def _block_label(label: str, number: int) -> str:
    return f"{label}/block {number}" if number else label


def _trials(
    task: Task, gatherers: Sequence[Gatherer], candidates: Candidates, *, ends: bool = False
) -> GutWorldTrials:
    beyonds = [gatherer.setting.beyond for gatherer in gatherers]
    guts: Columns | None = None
    pairs = []
    for h, gatherer in enumerate(gatherers):
        if not gatherer.parts:
            pairs.append(PairOfWorlds(task.gut_world, h, {"enrolled": 0, **gatherer.screened}, iter(())))
            continue
        world = gatherer.world()
        if guts is None:
            guts = _stacked(_guts(task, world))
        own, pair = gatherer.setting.model, (task.gut_world, h)
        stacks = trial_stacks(own, world, task.design, pair, range(task.simulation.replicates), ends=ends)
        pool = Pool.of(own, world, task.design, pair)
        pairs.append(PairOfWorlds(*pair, world.screened, stacks, pool))
    if guts is None:  # a block in which nobody enters
        guts = {column.name: np.empty(0) for column in TRIAL_GUTS.columns}
    return GutWorldTrials(tuple(pairs), Table(guts, schema=TRIAL_GUTS), _worlds(task, beyonds), candidates)


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


def _settings(task: Task) -> tuple[GutSetting, list[HostSetting]]:
    """Return the gut world of a task and its host worlds, each with the model of its natural history."""
    model, design, simulation = _model(task.model_folder), task.design, task.simulation
    drawn, hosts = _drawn(task.model_folder, simulation, task.seed, task.gut_world)
    found = []
    for h, (history, values) in enumerate(hosts):
        number = task.gut_world * simulation.host_worlds + h
        found.append(
            HostSetting(
                f"{task.gut_world}.{h}",
                model.with_values(history),
                values,
                draw_beyond(model, number, task.seed, simulation, design),
                direct_terms(model, design, number, task.seed, simulation.couplings),
            )
        )
    return GutSetting(model, drawn, task.cohort, design, task.seed, task.gut_world), found


@lru_cache(maxsize=_GUT_WORLDS_KEPT)
def _drawn(folder: Path, simulation: Simulation, seed: int, number: int) -> tuple[GutWorld, HostWorlds]:
    """Return a gut world and the numbers of its host worlds: the blocks of a large trial ask again."""
    model = _model(folder)
    drawn = gut_world(model, number, simulation, seed)
    return drawn, _host_worlds(model, simulation, seed, number, drawn)


def _filled(task: Task, setting: GutSetting, gatherers: Sequence[Gatherer]) -> Candidates:
    """Screen ever more candidates until every host world of the gut world has a full trial; count them."""
    design, most = task.design, task.cohort.size
    settled = settle_scales(setting, most)
    for gatherer in gatherers:
        settled.enrol(gatherer)
    counts, made = [each.counts for each in settled.stretches], settled.made
    del settled
    factor = _FIRST_POOL
    while True:
        size = max(round(factor * design.participants) + 20, made)
        size = size if most is None else min(size, most)
        counts += _gathered(setting, gatherers, made, size, whole=True)
        made = size
        short = [gatherer for gatherer in gatherers if not gatherer.full]
        if not short:
            return Candidates.together(counts)
        factor *= 2
        if factor > MOST_POOL or size == most:
            raise TrialIsTooSmall.of(short[0].entered, size, design.participants)


def _gathered(
    setting: GutSetting, gatherers: Sequence[Gatherer], begin: int, end: int, *, whole: bool
) -> list[Candidates]:
    """Screen candidates ``begin`` to ``end``; when nobody else is wanted, the rest are held and counted only.

    Not ``whole``: the rest are not looked at.
    """

    def full() -> bool:
        return all(gatherer.full for gatherer in gatherers)

    counts = []
    for stretch in setting.stretches(begin, end, full):
        counts.append(stretch.counts)
        for gatherer in gatherers:
            gatherer.add(stretch)
        if not whole and full():
            break
        del stretch  # before the next is made
    return counts


def _host_worlds(model: Model, simulation: Simulation, seed: int, gut: int, drawn: GutWorld) -> HostWorlds:
    """Return for each host world of a gut world its natural history, and the numbers its hosts run with."""
    history = _shipped(model, simulation).history
    shared = {name: value for name, value in drawn.values.items() if name.startswith("host_")}
    found: list[tuple[Mapping[str, float], Mapping[str, float]]] = []
    for h in range(simulation.host_worlds):
        number = gut * simulation.host_worlds + h
        own = {} if history is None else matched_history(history, number, seed)
        gains = draw_host_world(model, number, seed, simulation.couplings, shared=shared)
        found.append((own, {**own, **shared, **gains}))
    return tuple(found)


def _stacked(parts: Iterable[Columns]) -> Columns:
    rows = list(parts)
    return {name: np.concatenate([part[name] for part in rows]) for name in rows[0]}


def _guts(task: Task, world: EnrolledWorld) -> list[Columns]:
    """Return the true markers at the first and the last visit; all host worlds of a gut world share them."""
    numbers, courses = np.array(world.subjects.numbers), world.courses
    ends = (
        (courses.markers[:, 0], task.design.visits[0]),
        (courses.markers_at_end, task.design.visits[-1]),
    )
    rows: list[Columns] = []
    for k, arm in enumerate(task.design.arms):
        for markers, week in ends:
            values = markers[k]
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


def _worlds(task: Task, beyonds: Sequence[Beyond]) -> Table:
    """Return the form of every host world and what lies outside the mechanism in each active arm."""
    rows = [
        (task.gut_world, h, beyond.form, arm.name, beyond.of_therapy(arm.therapy))
        for h, beyond in enumerate(beyonds)
        for arm in task.design.active
    ]
    names = ("gut_world", "host_world", "form", "arm", "outside_log_ratio")
    return Table(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)), schema=LATENT_WORLDS)
