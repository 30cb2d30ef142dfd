"""One gut world of a trial job, simulated, analysed and reduced to what a report needs; runs in a process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from eubiosis.analysis.estimates import Estimates, estimate
from eubiosis.analysis.truth import TrueEffect, true_effects
from eubiosis.compute.chunk_store import ChunkStore
from eubiosis.compute.packing import DamagedPackage, pack, unpack
from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.endpoints import ENDPOINTS
from eubiosis.core.frame import Table
from eubiosis.core.trial_tables import KEYS, parts
from eubiosis.engine import Array
from eubiosis.trial.design import Design
from eubiosis.trial.simulate import Candidates, Task, Trials, simulate_gut_world
from eubiosis.trial.world.gut import MARKERS

ByArm = Mapping[str, Array]


@dataclass(frozen=True)
class ExampleTrial:
    """The first trial of all, kept whole: its observed tables, and the truth of its subjects."""

    subjects: Table
    visits: Table
    latent: Table
    exposure: Table | None
    adverse_events: Table | None


@dataclass(frozen=True)
class TrialCounts:
    """How many subjects of one trial were randomised to each arm, and how many completed it."""

    randomised: Mapping[str, float]
    completed: Mapping[str, float]


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
    # arm, harm -> subjects with the event, over all trials
    harmed: Mapping[tuple[str, str], int] = field(default_factory=dict)


@dataclass(frozen=True)
class KeptTask:
    """A task whose result is written down as soon as it is there: in which store, under which name."""

    task: Task
    store: ChunkStore
    name: str


def run_chunk(task: Task) -> Chunk:
    """Simulate, analyse and reduce every trial of one gut world."""
    return reduced(simulate_gut_world(task))


def run_chunk_here(task: Task) -> Chunk:
    """Run a chunk on another machine, with the model of the package as it is installed there."""
    return run_chunk(replace(task, model_folder=PACKAGED_CONTENT))


def run_kept_chunk(kept: KeptTask) -> Chunk:
    """Run a chunk and write it into its store; raises ``OSError`` where the disk does not take it."""
    chunk = run_chunk(kept.task)
    kept.store.write(kept.name, pack(chunk))
    return chunk


def kept_chunk(store: ChunkStore, name: str) -> Chunk | None:
    """Return a chunk that an earlier run has finished; None where it is missing or damaged."""
    content = store.read(name)
    try:
        return None if content is None else unpack(content, Chunk)
    except DamagedPackage:
        return None


def reduced(trials: Trials, estimates: Estimates | None = None) -> Chunk:
    """Analyse trials, unless estimates are given, and reduce them; gut world 0 keeps its first trial."""
    design = trials.design
    first = int(trials.observed.subjects["gut_world"][0]) == 0
    return Chunk(
        estimate(trials.observed, seed=trials.seed) if estimates is None else estimates,
        true_effects(trials.latent),
        _screened(trials.screening),
        tuple(_counts(trials, rows) for rows, _ in parts(trials.observed.subjects)),
        _courses(trials.observed.visits, design),
        _changes(trials.latent.guts, design),
        _example(trials) if first else None,
        trials.candidates,
        tuple(
            WorldForm(*row)
            for row in zip(
                trials.worlds["gut_world"].tolist(),
                trials.worlds["host_world"].tolist(),
                trials.worlds.texts("form"),
                trials.worlds.texts("arm"),
                trials.worlds["outside_log_ratio"].tolist(),
                strict=True,
            )
        ),
        _harmed(trials.observed.adverse_events),
    )


def _screened(screening: Table) -> tuple[Mapping[str, int], ...]:
    outcomes, counts = screening.texts("outcome"), screening["candidates"].tolist()
    return tuple(
        dict(zip(outcomes[rows], counts[rows], strict=True))
        for rows, _ in parts(screening, ("gut_world", "host_world"))
    )


def _counts(trials: Trials, rows: slice) -> TrialCounts:
    subjects = trials.observed.subjects
    arm, completed = subjects["arm"][rows], subjects["completed"][rows]
    names = [each.name for each in trials.design.arms]
    return TrialCounts(
        {name: float((arm == name).sum()) for name in names},
        {name: float(completed[arm == name].sum()) for name in names},
    )


def _harmed(events: Table | None) -> dict[tuple[str, str], int]:
    """Count the subjects with each harm in each arm, over all trials of a table."""
    if events is None:
        return {}
    pairs = Counter(zip(events.texts("arm"), events.texts("event"), strict=True))
    return dict(pairs)


def _courses(visits: Table, design: Design) -> dict[str, dict[float, dict[str, Array]]]:
    """Return the observed values of the first trial of every pair of worlds, by endpoint, week and arm."""
    first = visits["replicate"] == 0
    arm, weeks = visits["arm"], visits["week"]
    rows = {(w, a.name): first & (weeks == w) & (arm == a.name) for w in design.visits for a in design.arms}
    return {
        endpoint: {
            week: {
                each.name: np.asarray(visits[endpoint][rows[week, each.name]], dtype=float)
                for each in design.arms
            }
            for week in design.visits
        }
        for endpoint in ENDPOINTS
        if not ENDPOINTS[endpoint].counted
    }


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


def _example(trials: Trials) -> ExampleTrial:
    key = next(parts(trials.observed.subjects))[1]

    def first_trial(table: Table) -> Table:
        rows = next((rows for rows, own in parts(table) if own == key), slice(0, 0))
        return table.take(np.arange(rows.start, rows.stop)).select(
            *(name for name in table.columns if name not in KEYS)
        )

    observed = trials.observed
    return ExampleTrial(
        first_trial(observed.subjects),
        first_trial(observed.visits),
        first_trial(trials.latent.subjects),
        None if observed.exposure is None else first_trial(observed.exposure),
        None if observed.adverse_events is None else first_trial(observed.adverse_events),
    )
