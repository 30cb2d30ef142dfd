"""One gut world of a trial job, simulated, analysed and reduced to what a report needs; runs in a process."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from eubiosis.analysis.estimates import Estimates, TrialEstimate, estimate
from eubiosis.analysis.surface.cells import SurfaceCell
from eubiosis.analysis.truth import TrueEffect
from eubiosis.analysis.truth.effects import Twins, effects_of_world
from eubiosis.compute.chunk_store import ChunkStore
from eubiosis.compute.packing import DamagedPackage, pack, unpack
from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.endpoints import ENDPOINTS
from eubiosis.core.frame import Table
from eubiosis.core.machine import give_back_memory
from eubiosis.core.table_schemas import (
    COMPLETED,
    REASONS_FOR_LEAVING,
    TRIAL_ADVERSE_EVENTS,
    TRIAL_EXPOSURE,
    TRIAL_INTERCURRENT,
    TRIAL_LATENT,
    TRIAL_RELAPSES,
    TRIAL_SUBJECTS,
    TRIAL_VISITS,
)
from eubiosis.core.trial_stacks import LatentStack, StackedObserved, TrialStack
from eubiosis.core.trial_tables import KEYS, parts
from eubiosis.engine import Array
from eubiosis.trial.design import Design
from eubiosis.trial.simulate import Task, Trials, gut_world_trials
from eubiosis.trial.world.drawn import DrawnNumbers
from eubiosis.trial.world.enrolment import Candidates
from eubiosis.trial.world.gut import MARKERS
from eubiosis.workflow.all_tables import WorldTables, tables_store, write_tables
from eubiosis.workflow.responder_chunk import ResponderSums, WorldResponders
from eubiosis.workflow.surface_cells import cells_of_pool
from eubiosis.workflow.trial_clocks import ClockCurves, ClockSums, curves_of, trials_read
from eubiosis.workflow.trial_week_changes import KeptWeekChanges, WeekGatherer
from eubiosis.workflow.visit_effects import VisitEffect, VisitSums

ByArm = Mapping[str, Array]


@dataclass(frozen=True)
class ExampleTrial:
    """The first trial of all, kept whole: its observed tables, and the truth of its subjects."""

    subjects: Table
    visits: Table
    latent: Table
    exposure: Table | None
    adverse_events: Table | None
    relapses: Table | None = None
    intercurrent: Table | None = None


@dataclass(frozen=True)
class TrialCounts:
    """How many subjects of one trial were randomised to each arm, and how many completed it.

    ``left`` counts those who left by arm and reason, ``interrupted`` those with an intercurrent event by arm
    and kind.
    """

    randomised: Mapping[str, float]
    completed: Mapping[str, float]
    left: Mapping[tuple[str, str], int] = field(default_factory=dict)
    interrupted: Mapping[tuple[str, str], int] = field(default_factory=dict)


@dataclass(frozen=True)
class WorldForm:
    """The form of one host world, and the log ratio outside the mechanism in one active arm."""

    gut_world: int
    host_world: int
    form: str
    arm: str
    outside_log_ratio: float


@dataclass(frozen=True)
class Chunk:
    """What comes back from one gut world."""

    estimates: Estimates
    truths: tuple[TrueEffect, ...]
    screened: tuple[Mapping[str, int], ...]
    flow: tuple[TrialCounts, ...]
    visits: Mapping[str, Mapping[float, ByArm]]  # endpoint -> week -> arm -> values
    changes: Mapping[str, ByArm]  # marker -> arm -> log2 ratios
    example: ExampleTrial | None
    candidates: tuple[Candidates, ...]
    worlds: tuple[WorldForm, ...] = ()
    visit_effects: tuple[VisitEffect, ...] = ()  # of markers that tell forms apart
    # arm, harm -> subjects with the event, over all trials
    harmed: Mapping[tuple[str, str], int] = field(default_factory=dict)
    surface: tuple[SurfaceCell, ...] = ()
    blocks: int = 0  # of people that the trials were cut into; 0 where they were not
    clocks: ClockCurves | None = None  # of block results: None, they keep counts
    by_week: KeptWeekChanges | None = None
    responders: tuple[WorldResponders, ...] = ()  # of the first trials; of block 0 where they were cut
    drawn: DrawnNumbers | None = None  # the numbers of its worlds; None where trials were handed over


@dataclass(frozen=True)
class KeptTask:
    """A task whose result is written down as soon as it is there: in which store, under which name."""

    task: Task
    store: ChunkStore
    name: str


def run_chunk(task: Task, tables: WorldTables | None = None) -> Chunk:
    """Simulate, analyse and reduce every trial of one gut world; none is kept but the first.

    What every trial recorded goes into ``tables``.
    """
    world = gut_world_trials(task, ends=tables is None)
    gathered = Gathered(task.design, task.seed, None, tables, read=trials_read(task.simulation))
    surface: list[SurfaceCell] = []
    screened = tuple(pair.screened for pair in world.pairs)
    pairs, world = deque(world.pairs), replace(world, pairs=())
    while pairs:  # a pair of worlds that has been looked at is kept by nobody
        pair = pairs.popleft()
        gathered.add(pair.stacks)
        if task.surface is not None and pair.pool is not None:
            give_back_memory()
            surface += cells_of_pool(pair.pool, task.surface, task.seed)
        give_back_memory()
    found = gathered.chunk(world.guts, world.worlds, screened, (world.candidates,))
    clocks = curves_of(gathered.clocks.pairs(), task.design)
    return replace(found, surface=tuple(surface), clocks=clocks, drawn=world.drawn)


def run_chunk_here(task: Task) -> Chunk:
    """Run a chunk on another machine, with the model of the package as it is installed there."""
    return run_chunk(replace(task, model_folder=PACKAGED_CONTENT))


def run_kept_chunk(kept: KeptTask) -> None:
    """Run a chunk and write it into its store; raises ``OSError`` where the disk does not take it.

    The tables of all trials, where they are asked for, are written before it.
    """
    tables = None
    if kept.task.simulation.tables == "all":
        tables = WorldTables(
            real_profiles=kept.task.cohort.profiles is not None,
            intercurrent=bool(kept.task.design.intercurrent),
        )
    chunk = run_chunk(kept.task, tables)
    if tables is not None:
        write_tables(tables_store(kept.store), kept.name, tables)
    kept.store.write(kept.name, pack(chunk))


def chunk_name(gut_world: int) -> str:
    """Return the name under which the chunk of a gut world is kept."""
    return f"gut-{gut_world:05d}"


def kept_chunk(store: ChunkStore, name: str) -> Chunk | None:
    """Return a chunk that an earlier run has finished; None where it is missing or damaged."""
    content = store.read(name)
    try:
        return None if content is None else unpack(content, Chunk)
    except DamagedPackage:
        return None


def reduced(trials: Trials, estimates: Estimates | None = None) -> Chunk:
    """Analyse trials, unless estimates are given, and reduce them; gut world 0 keeps its first trial."""
    stacks = list(zip(trials.observed.stacks, trials.latent.stacks, strict=True))
    gathered = Gathered(trials.design, trials.seed, estimates, read=trials_read(trials.simulation))
    for _, own in groupby(stacks, lambda pair: (pair[0].gut_world, pair[0].host_world)):
        gathered.add(iter(own))
    screened = _screened(trials.screening)
    found = gathered.chunk(trials.latent.guts, trials.worlds, screened, trials.candidates)
    return replace(found, clocks=curves_of(gathered.clocks.pairs(), trials.design))


class Gathered:
    """What is kept of trials that come one stack after the other.

    With ``estimates`` nothing is analysed; ``shown`` says whether values for the report's courses are kept,
    ``read`` in how many trials of a pair of worlds the clocks are read.
    """

    def __init__(
        self,
        design: Design,
        seed: int,
        estimates: Estimates | None,
        tables: WorldTables | None = None,
        *,
        read: int,
        shown: bool = True,
    ) -> None:
        self.design, self.seed, self.given, self.tables = design, seed, estimates, tables
        self.shown = shown
        self.rows: list[TrialEstimate] = []
        self.truths: list[TrueEffect] = []
        self.flow: list[TrialCounts] = []
        self.visits: dict[str, dict[float, dict[str, list[Array]]]] = {}
        self.example: ExampleTrial | None = None
        self.by_visit = VisitSums(design.control.name)
        self.harmed: Counter[tuple[str, str]] = Counter()
        self.clocks = ClockSums(read)
        self.by_week = WeekGatherer(design.control.name)
        self.responders = ResponderSums(design)

    def add(self, stacks: Iterator[tuple[TrialStack, LatentStack]]) -> None:
        """Take in all trials of one pair of worlds."""
        control = self.design.control.name
        self.truths += effects_of_world(Twins.of(self.seen(stacks)), control, self.seed)

    def seen(self, stacks: Iterator[tuple[TrialStack, LatentStack]]) -> Iterator[LatentStack]:
        """Take in trials and hand their truth on."""
        for seen, truth in stacks:
            if self.given is None:
                self.rows += estimate(StackedObserved([seen], self.design.control.name), seed=self.seed).rows
            if self.tables is not None:
                self.tables.add(seen, truth)
            self.by_visit.add(seen)
            self.clocks.add(seen)
            self.flow += _counts(seen)
            self.harmed += _harmed(seen.adverse_events)
            if int(seen.replicates[0]) == 0:
                self._first_trial(seen, truth)
            yield truth

    def _first_trial(self, seen: TrialStack, truth: LatentStack) -> None:
        """Keep the observed values of the first trial of a pair of worlds, and all of the very first."""
        for endpoint in (each for each in ENDPOINTS if self.shown and not ENDPOINTS[each].counted):
            for v, week in enumerate(self.design.visits):
                by_arm = self.visits.setdefault(endpoint, {}).setdefault(week, {})
                for k, arm in enumerate(seen.arms):
                    rows = seen.attended[v, 0] & (seen.arm[0] == k)
                    values = np.asarray(seen.of_visits[endpoint][v, 0][rows], dtype=float)
                    by_arm.setdefault(arm, []).append(values)
        if self.shown:
            self.by_week.add(seen)
            self.responders.add(seen, truth)
        # a block in which the trial of host world 0 is full already has nobody of the first trial
        if self.example is None and seen.gut_world == 0 and seen.host_world == 0:
            self.example = _example(seen.take(1), truth.take(1))
            give_back_memory()

    def chunk(
        self,
        guts: Table,
        worlds: Table,
        screened: tuple[Mapping[str, int], ...],
        candidates: tuple[Candidates, ...],
    ) -> Chunk:
        """Return what was kept, with what all pairs of worlds share."""
        return Chunk(
            Estimates(tuple(self.rows)) if self.given is None else self.given,
            tuple(self.truths),
            screened,
            tuple(self.flow),
            {
                endpoint: {
                    week: {arm: np.concatenate(values) for arm, values in by_arm.items()}
                    for week, by_arm in weeks.items()
                }
                for endpoint, weeks in self.visits.items()
            },
            _changes(guts, self.design) if self.shown else {},
            self.example,
            candidates,
            _forms(worlds),
            self.by_visit.rows(),
            dict(self.harmed),
            by_week=self.by_week.changes(),
            responders=self.responders.found(),
        )


def _forms(worlds: Table) -> tuple[WorldForm, ...]:
    return tuple(
        WorldForm(*row)
        for row in zip(
            worlds["gut_world"].tolist(),
            worlds["host_world"].tolist(),
            worlds.texts("form"),
            worlds.texts("arm"),
            worlds["outside_log_ratio"].tolist(),
            strict=True,
        )
    )


def _screened(screening: Table) -> tuple[Mapping[str, int], ...]:
    outcomes, counts = screening.texts("outcome"), screening["candidates"].tolist()
    return tuple(
        dict(zip(outcomes[rows], counts[rows], strict=True))
        for rows, _ in parts(screening, ("gut_world", "host_world"))
    )


def _counts(stack: TrialStack) -> list[TrialCounts]:
    completed = stack.of_subjects["completed"]
    inside = [stack.arm == k for k in range(len(stack.arms))]
    randomised = [rows.sum(axis=1).astype(float).tolist() for rows in inside]
    stayed = [(rows & completed).sum(axis=1).astype(float).tolist() for rows in inside]
    why = stack.of_subjects["left_because"]
    left = {
        (arm, word): (inside[k] & (why == word)).sum(axis=1).tolist()
        for k, arm in enumerate(stack.arms)
        for word in REASONS_FOR_LEAVING
        if word != COMPLETED
    }
    interrupted = _interrupted(stack)
    return [
        TrialCounts(
            dict(zip(stack.arms, [each[k] for each in randomised], strict=True)),
            dict(zip(stack.arms, [each[k] for each in stayed], strict=True)),
            {key: counts[k] for key, counts in left.items() if counts[k]},
            interrupted[k],
        )
        for k in range(len(stack))
    ]


def _interrupted(stack: TrialStack) -> list[dict[tuple[str, str], int]]:
    """Count the people of each trial with at least one intercurrent event, by arm and kind."""
    rows, found = stack.intercurrent, [Counter[tuple[str, str]]() for _ in range(len(stack))]
    place = {number: k for k, number in enumerate(stack.replicates.tolist())}
    people = (
        zip(*(rows[name].tolist() for name in ("replicate", "subject", "arm", "event")), strict=True)
        if rows
        else ()
    )
    for number, _, arm, event in dict.fromkeys(people):
        found[place[number]][arm, event] += 1
    return [dict(counts) for counts in found]


def _harmed(events: Mapping[str, NDArray[np.generic]]) -> Counter[tuple[str, str]]:
    """Count the subjects with each harm in each arm, over all trials of a stack."""
    if not events:
        return Counter()
    return Counter(zip(events["arm"].tolist(), events["event"].tolist(), strict=True))


def _changes(guts: Table, design: Design) -> dict[str, dict[str, Array]]:
    """Return latent log2 ratios of the last visit to the first, by marker and arm, over all subjects."""
    arm, week = guts["arm"], guts["week"]
    last, start = week == design.visits[-1], week == design.visits[0]
    return {
        marker: {
            each.name: np.log2(
                guts.numbers(marker)[last & (arm == each.name)]
                / guts.numbers(marker)[start & (arm == each.name)]
            )
            for each in design.arms
        }
        for marker in MARKERS
    }


def _example(seen: TrialStack, truth: LatentStack) -> ExampleTrial:
    def without_keys(table: Table) -> Table:
        return table.select(*(name for name in table.columns if name not in KEYS))

    return ExampleTrial(
        without_keys(Table(seen.subjects(), schema=TRIAL_SUBJECTS)),
        without_keys(Table(seen.visits(), schema=TRIAL_VISITS)),
        without_keys(Table(truth.columns(), schema=TRIAL_LATENT)),
        without_keys(Table(seen.exposure, schema=TRIAL_EXPOSURE)) if seen.exposure else None,
        without_keys(Table(seen.adverse_events, schema=TRIAL_ADVERSE_EVENTS))
        if seen.adverse_events
        else None,
        without_keys(Table(seen.relapses, schema=TRIAL_RELAPSES)) if seen.relapses else None,
        without_keys(Table(seen.intercurrent, schema=TRIAL_INTERCURRENT)) if seen.intercurrent else None,
    )
