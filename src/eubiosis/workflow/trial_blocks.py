"""Large trials in blocks of candidates: a piece of work each, and the trial put together from their sums.

A trial of more than ``MOST_IN_ONE_BLOCK`` participants is cut into blocks of ``BLOCK`` candidates of a gut
world. A block is simulated, observed and reduced to sums by itself, whatever process does it and whichever
blocks are done with it; the sums are put together in the order of the blocks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from eubiosis.analysis.clock_counts import ClockCounts
from eubiosis.analysis.estimates import Estimates, TrialEstimate
from eubiosis.analysis.strategies import analysed
from eubiosis.analysis.streamed.estimates import estimates_of_sums
from eubiosis.analysis.streamed.sums import TrialSums
from eubiosis.analysis.truth.effects import TrueEffect, Twins
from eubiosis.analysis.truth.sums import TwinSums, effects_of_sums
from eubiosis.compute.chunk_store import ChunkStore
from eubiosis.compute.packing import pack, unpack
from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.frame import Table
from eubiosis.core.trial_stacks import LatentStack, TrialStack
from eubiosis.trial.design import Design
from eubiosis.trial.simulate import PeopleBlock, Task, block_trials
from eubiosis.trial.world.enrolment import Candidates
from eubiosis.trial.world.gut import MARKERS
from eubiosis.trial.world.host import EventScale
from eubiosis.workflow.all_tables import WorldTables, tables_store, write_tables
from eubiosis.workflow.trial_chunk import Chunk, ExampleTrial, Gathered, TrialCounts
from eubiosis.workflow.trial_clocks import curves_of, trials_read
from eubiosis.workflow.visit_effects import PairSums, effects_of_pairs

_TOGETHER = 32  # blocks after which sums are put together: bounds the memory, changes no number


@dataclass(frozen=True)
class BlockResult:
    """What comes back from one block of a gut world.

    ``entered`` and ``scales`` are those of ``BlockTrials``; ``sums``, ``twins``, ``clocks`` and
    ``by_visit`` hold one for each host world in which anybody entered. ``chunk`` has neither estimates nor
    true effects nor curves of clocks nor effects by visit; the values that the report shows it has in block 0
    only.
    """

    number: int
    entered: tuple[int, ...]
    scales: tuple[EventScale, ...]
    sums: tuple[TrialSums, ...]
    twins: tuple[TwinSums, ...]
    clocks: tuple[ClockCounts, ...]
    by_visit: tuple[PairSums, ...]
    chunk: Chunk


@dataclass(frozen=True)
class Receipt:
    """What the rest of a trial has to know of a block: how many entered where, and the level of events."""

    number: int
    entered: tuple[int, ...]
    scales: tuple[EventScale, ...]

    @classmethod
    def of(cls, result: BlockResult) -> Receipt:
        """Return the receipt of a block."""
        return cls(result.number, result.entered, result.scales)


@dataclass(frozen=True)
class BlockTask:
    """Some blocks of one gut world as one piece of work, and where their results are kept."""

    task: Task
    blocks: tuple[PeopleBlock, ...]
    store: ChunkStore | None = field(compare=False)
    name: str


def run_block(task: Task, block: PeopleBlock, tables: WorldTables | None = None) -> BlockResult:
    """Simulate, observe and reduce the people of one block."""
    made = block_trials(task, block)
    control = task.design.control.name
    read = trials_read(task.simulation)
    gathered = Gathered(task.design, task.seed, Estimates(()), tables, read=read, shown=block.number == 0)
    sums: list[TrialSums] = []
    twins: list[TwinSums] = []
    for pair, entered in zip(made.trials.pairs, made.entered, strict=True):
        if not entered:
            continue
        own: list[TrialSums] = []
        truths = gathered.seen(_summed(pair.stacks, control, own))
        twins.append(TwinSums.of(Twins.of(truths), control))
        sums.append(TrialSums.over_trials(own))
    chunk = gathered.chunk(
        made.trials.guts,
        made.trials.worlds,
        tuple(pair.screened for pair in made.trials.pairs),
        (made.trials.candidates,),
    )
    return BlockResult(
        block.number,
        made.entered,
        made.scales,
        tuple(sums),
        tuple(twins),
        gathered.clocks.pairs(),
        gathered.by_visit.pairs(),
        replace(chunk, drawn=made.trials.drawn, visit_effects=()),
    )


def _summed(
    stacks: Iterator[tuple[TrialStack, LatentStack]], control: str, sums: list[TrialSums]
) -> Iterator[tuple[TrialStack, LatentStack]]:
    """Sum over trials as they pass by."""
    for stack, truth in stacks:
        sums.append(TrialSums.of(analysed(stack), control))
        yield stack, truth


def run_blocks(piece: BlockTask) -> tuple[BlockResult, ...]:
    """Run the blocks of a piece of work here."""
    return tuple(run_block(piece.task, block) for block in piece.blocks)


def run_blocks_here(piece: BlockTask) -> tuple[BlockResult, ...]:
    """Run a piece of work on another machine, with the model of the package as it is installed there."""
    return run_blocks(replace(piece, task=replace(piece.task, model_folder=PACKAGED_CONTENT)))


def run_kept_blocks(piece: BlockTask) -> tuple[Receipt, ...]:
    """Run a piece of work and write it into its store; raises ``OSError`` where the disk does not take it."""
    store = piece.store
    assert store is not None
    tables = None
    real = piece.task.cohort.profiles is not None
    if piece.task.simulation.tables == "all":
        tables = WorldTables(real_profiles=real, intercurrent=bool(piece.task.design.intercurrent))
    results = tuple(run_block(piece.task, block, tables) for block in piece.blocks)
    if tables is not None:
        write_tables(tables_store(store), piece.name, tables)
    return keep(piece, results, real_profiles=real)


def keep(piece: BlockTask, results: Sequence[BlockResult], *, real_profiles: bool) -> tuple[Receipt, ...]:
    """Write the results of a piece of work, and the parts of the first trial's tables, into its store."""
    assert piece.store is not None
    if piece.task.gut_world == 0:  # of which the first trial is
        examples = (each.chunk.example for each in results if each.chunk.example is not None)
        first = [example_parts(example, real_profiles=real_profiles) for example in examples]
        tables_store(piece.store).write(first_trial(piece.name), pack(first))
    # block 0 keeps the example for the lines of a few people
    kept = [
        replace(each, chunk=replace(each.chunk, example=None)) if each.number else each for each in results
    ]
    piece.store.write(piece.name, pack(tuple(kept)))
    return tuple(map(Receipt.of, results))


def first_trial(piece: str) -> str:
    """Return the name under which the first trial's tables are kept that come from a piece of work."""
    return f"{piece}.first"


def first_tables(store: ChunkStore, piece: str) -> tuple[Mapping[str, Table], ...]:
    """Return the first trial's tables of a piece of work of gut world 0, block after block, by name.

    Of a block in which nobody entered the first trial there are none. Raises ``ExecutorError`` where they
    went, or were damaged, since they were written.
    """
    name = first_trial(piece)
    return unpack(tables_store(store).demanded(name), tuple[Mapping[str, Table], ...])


def example_parts(example: ExampleTrial, *, real_profiles: bool) -> dict[str, Table]:
    """Return the tables of the first trial that are kept whole, part by part, by name.

    With ``real_profiles`` the latent one lacks the markers, which would give a person's composition away.
    """
    shown = [name for name in example.latent.columns if not (real_profiles and name in MARKERS)]
    found = {} if example.exposure is None else {"observed_exposure": example.exposure}
    found |= {
        "observed_subjects": example.subjects,
        "observed_visits": example.visits,
        "latent_subjects": example.latent.select(*shown),
    }
    if example.relapses is not None:
        found["observed_relapses"] = example.relapses
    if example.adverse_events is not None:
        found["observed_adverse_events"] = example.adverse_events
    if example.intercurrent is not None:
        found["observed_intercurrent"] = example.intercurrent
    return {name: table.named(name) for name, table in found.items()}


class WholeTrial:
    """A gut world's chunk, growing by the results of its blocks in their order."""

    def __init__(self, design: Design) -> None:
        self._first: Chunk | None = None
        self._blocks = 0
        self._sums: dict[int, list[TrialSums]] = {}
        self._twins: dict[int, list[TwinSums]] = {}
        self._clocks: dict[int, ClockCounts] = {}
        self._by_visit: dict[int, PairSums] = {}
        self._design = design
        self._flow: dict[int, list[TrialCounts]] = {}
        self._screened: list[Counter[str]] = []
        self._candidates: list[Candidates] = []
        self._harmed: Counter[tuple[str, str]] = Counter()

    def add(self, result: BlockResult) -> None:
        """Take in a block."""
        chunk = result.chunk
        self._blocks += 1
        if self._first is None:
            self._first = chunk
            self._screened = [Counter() for _ in result.entered]
        there = [h for h, entered in enumerate(result.entered) if entered]
        size = len(chunk.flow) // max(len(there), 1)
        for k, h in enumerate(there):
            sums = self._sums.setdefault(h, [])
            sums.append(result.sums[k])
            if len(sums) >= _TOGETHER:
                sums[:] = [TrialSums.over_blocks(sums)]
            twins = self._twins.setdefault(h, [])
            twins.append(result.twins[k])
            if len(twins) > 1:
                twins[:] = [twins[0].plus(twins[1])]
            clocks = self._clocks.get(h)
            self._clocks[h] = result.clocks[k] if clocks is None else clocks.plus(result.clocks[k])
            visits = self._by_visit.get(h)
            self._by_visit[h] = result.by_visit[k] if visits is None else visits.plus(result.by_visit[k])
            own = chunk.flow[k * size : (k + 1) * size]
            before = self._flow.get(h)
            self._flow[h] = list(own) if before is None else [
                _both(one, other) for one, other in zip(before, own, strict=True)
            ]  # fmt: skip
        for counter, counts in zip(self._screened, chunk.screened, strict=True):
            for reason, number in counts.items():
                counter[reason] += number
        self._candidates += chunk.candidates
        self._harmed.update(chunk.harmed)

    def chunk(self) -> Chunk:
        """Analyse the trials and return the chunk of the gut world."""
        assert self._first is not None
        rows: list[TrialEstimate] = []
        truths: list[TrueEffect] = []
        for h in sorted(self._sums):
            rows += estimates_of_sums(TrialSums.over_blocks(self._sums[h]))
            truths += effects_of_sums(self._twins[h])
        return replace(
            self._first,
            estimates=Estimates(tuple(rows)),
            truths=tuple(truths),
            screened=tuple(dict(counts) for counts in self._screened),
            visit_effects=effects_of_pairs(
                [self._by_visit[h] for h in sorted(self._by_visit)], self._design.control.name
            ),
            flow=tuple(counts for h in sorted(self._flow) for counts in self._flow[h]),
            candidates=(Candidates.together(self._candidates),),
            harmed=dict(self._harmed),
            clocks=curves_of([self._clocks[h] for h in sorted(self._clocks)], self._design),
            blocks=self._blocks,
        )


def _both(one: TrialCounts, other: TrialCounts) -> TrialCounts:
    def added(left: Mapping[str, float], right: Mapping[str, float]) -> dict[str, float]:
        return {arm: value + right[arm] for arm, value in left.items()}

    return TrialCounts(
        added(one.randomised, other.randomised),
        added(one.completed, other.completed),
        dict(Counter(one.left) + Counter(other.left)),
        dict(Counter(one.interrupted) + Counter(other.interrupted)),
    )
