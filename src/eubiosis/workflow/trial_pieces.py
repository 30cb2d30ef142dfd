"""The pieces of work of a job, run where they are missing: gut worlds, or blocks of large trials."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import TypeAlias, TypeVar

from eubiosis.compute.chunk_store import ChunkStore, gone
from eubiosis.compute.executors import Executor
from eubiosis.compute.packing import DamagedPackage, pack, unpack
from eubiosis.compute.run_folder import BLOCK
from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.trial.design import Design
from eubiosis.trial.simulate import MOST_POOL, PeopleBlock, Task
from eubiosis.trial.world.host import EventScale
from eubiosis.trial.world.host_world import TrialIsTooSmall
from eubiosis.workflow.all_tables import are_whole, tables_store
from eubiosis.workflow.trial_blocks import (
    BlockResult,
    BlockTask,
    Receipt,
    WholeTrial,
    first_trial,
    keep,
    run_blocks,
    run_blocks_here,
    run_kept_blocks,
)
from eubiosis.workflow.trial_chunk import (
    Chunk,
    KeptTask,
    chunk_name,
    kept_chunk,
    run_chunk,
    run_chunk_here,
    run_kept_chunk,
)

_SLACK = 1.1  # blocks are asked for as if people entered so much faster: one block too many is done in vain
Resumed = Callable[[int, str], None]
Kept = TypeVar("Kept")
Work: TypeAlias = "BlockTask | BlocksOfWorld"
Done: TypeAlias = tuple[Receipt, ...] | tuple[BlockResult, ...] | None


def nothing_said(there: int, of: str) -> None:
    """Say nothing of pieces that are there."""


def chunks_of(
    jobs: Sequence[Task],
    executor: Executor,
    progress: bool | None,
    store: ChunkStore | None,
    resumed: Resumed = nothing_said,
    together: int = 1,
) -> list[Chunk]:
    """Run what is not in the store and return the chunk of every gut world, in order.

    What is written down as it is made stays with nobody: it is read when everything is there.
    ``resumed`` is told how many pieces were there. ``together`` blocks of a large trial are one piece of
    work; it changes no bit of the result.
    """
    if jobs and jobs[0].cut:
        return _cut_chunks(jobs, executor, progress, store, resumed, together)
    names = [chunk_name(job.gut_world) for job in jobs]
    there = {
        name for job, name in zip(jobs, names, strict=True) if store is not None and _is_kept(store, job)
    }
    work = [(job, name) for job, name in zip(jobs, names, strict=True) if name not in there]
    if there:
        resumed(len(there), f"of {len(jobs)} gut worlds are there")
    tasks = [job for job, _ in work]
    run = run_chunk_here if not executor.shares_disk and _packaged(tasks) else run_chunk
    if store is None:
        return executor.map_ordered(run, tasks, progress, label="gut worlds")
    if executor.shares_disk:
        kept_tasks = [KeptTask(job, store, name) for job, name in work]
        executor.map_ordered(run_kept_chunk, kept_tasks, progress, label="gut worlds")
    else:

        def write_down(task: Task, chunk: Chunk) -> Sequence[Task]:
            store.write(chunk_name(task.gut_world), pack(chunk))
            return ()

        executor.work_through(run, tasks, write_down, progress, label="gut worlds")
    return [_demanded(kept_chunk(store, name), name) for name in names]


def _packaged(tasks: Sequence[Task]) -> bool:
    return all(task.model_folder == PACKAGED_CONTENT for task in tasks)


def _is_kept(store: ChunkStore, task: Task) -> bool:
    """Whether the chunk of a gut world is there, whole, and the tables that are asked for as well."""
    name = chunk_name(task.gut_world)
    return _has_its_tables(store, task, name) and kept_chunk(store, name) is not None


def _demanded(content: Kept | None, name: str) -> Kept:
    """Return what a chunk holds; raises ``ExecutorError`` where it went while the run worked."""
    if content is None:
        raise gone(name)
    return content


def _has_its_tables(store: ChunkStore, task: Task, name: str) -> bool:
    """Whether the tables of all trials that belong to a piece are there, where they are asked for."""
    with_events = bool(task.design.intercurrent)
    return task.simulation.tables != "all" or are_whole(tables_store(store), name, intercurrent=with_events)


@dataclass
class _Growing:
    """The trial of one gut world while its blocks come in: what is known of each, by number.

    ``pieces`` are those that it waits for, ``found`` the receipts of those that have come, by name.
    """

    task: Task
    known: dict[int, Receipt] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    too_many: int = -1  # the first block of a piece that screened more people than were lacking
    pieces: Sequence[BlockTask] = ()
    found: dict[str, tuple[Receipt, ...]] = field(default_factory=dict)
    held: dict[str, tuple[BlockResult, ...]] = field(default_factory=dict)  # results that no store keeps

    @property
    def everybody(self) -> tuple[int, ...]:
        """How many are wanted in each host world at the beginning."""
        return (self.task.design.participants,) * self.task.simulation.host_worlds

    @property
    def entered(self) -> list[int]:
        """How many have entered in each host world, in the blocks from 0 on that are all known."""
        return [sum(each) for each in zip(*(r.entered for r in self._in_order()), strict=True)]

    def _in_order(self) -> list[Receipt]:
        return [self.known[k] for k in range(len(self.known))]

    @property
    def scales(self) -> tuple[EventScale, ...]:
        return self.known[0].scales if self.known else ()

    def next_blocks(self) -> list[PeopleBlock]:
        """Return the blocks to run next; none where every host world has a full trial.

        As long as many people are lacking, blocks are run whole and beside each other; the last ones come one
        by one and end where the trial is full. Raises ``TrialIsTooSmall`` where candidates run out.
        """
        wanted = self.task.design.participants
        if not self.known:
            return [PeopleBlock(0, self.everybody)]
        entered, number = self.entered, len(self.known)
        left = [wanted - each for each in entered]
        if max(left) <= 0:
            return []
        made = number * self.task.block
        most = self.task.cohort.size
        if made >= (MOST_POOL * wanted if most is None else most):
            raise TrialIsTooSmall.of(min(entered), made, wanted)
        fastest = max(entered) / number
        whole = int(min(left) / (_SLACK * max(fastest, 1.0)))
        if most is not None:
            whole = min(whole, -(-(most - made) // self.task.block))
        if whole < 1 or number == self.too_many:
            return [PeopleBlock(number, tuple(max(each, 0) for each in left), self.scales)]
        return [PeopleBlock(number + k, self.everybody, self.scales) for k in range(whole)]

    def take_in(self) -> None:
        """Note the receipts of the pieces, as far as each of their blocks can stand in the trial.

        The first piece that cannot, and those after it, are not counted: its first block is asked for again,
        with as many people as are lacking.
        """
        entered = self.entered if self.known else [0] * len(self.everybody)
        for piece in self.pieces:
            after = self._after(piece, entered)
            if after is None:
                self.too_many = piece.blocks[0].number
                break
            entered = after
            self.known |= {each.number: each for each in self.found[piece.name]}
            self.names |= {block.number: piece.name for block in piece.blocks}
        self.pieces, self.found = (), {}

    def _after(self, piece: BlockTask, entered: list[int]) -> list[int] | None:
        """Return how many have entered each host world after a piece; None where it screened too many.

        A block has that was asked for more people than are lacking and fills a trial, whether it let more in
        or not.
        """
        participants = self.task.design.participants
        for block, receipt in zip(piece.blocks, self.found[piece.name], strict=True):
            beyond = any(w > participants - e for w, e in zip(block.wanted, entered, strict=True))
            entered = [e + more for e, more in zip(entered, receipt.entered, strict=True)]
            if beyond and max(entered) >= participants:
                return None
        return entered


@dataclass
class _Blocks:
    """The blocks of all gut worlds while they come in, each world at a pace of its own."""

    store: ChunkStore | None
    together: int
    here: bool  # trials are put together in this process, not by workers
    growing: Mapping[int, _Growing]  # by gut world
    asked: set[str] = field(default_factory=set)
    there: int = 0  # pieces that an earlier run had finished
    told: tuple[int, int] = (0, 0)  # as many were there, and asked for, when it was told last
    chunks: dict[int, Chunk] = field(default_factory=dict)

    @classmethod
    def of(cls, jobs: Sequence[Task], store: ChunkStore | None, together: int, *, here: bool) -> _Blocks:
        """Return the state before any block is known."""
        return cls(store, together, here, {job.gut_world: _Growing(job) for job in jobs})

    def next_work(self, trial: _Growing) -> list[Work]:
        """Return what is to be done next for a trial that waits for nothing; none where it is whole.

        Pieces that are in the store are taken in. Raises ``TrialIsTooSmall`` where candidates run out.
        """
        while pieces := _pieces(trial, self.store, self.together):
            self.asked |= {piece.name for piece in pieces}
            trial.pieces = pieces
            trial.found = {} if self.store is None else _receipts_there(self.store, pieces)
            self.there += len(trial.found)
            if lacking := [piece for piece in pieces if piece.name not in trial.found]:
                return [*lacking]
            trial.take_in()
        whole = BlocksOfWorld.of(trial, self.store)
        if not self.here:
            return [whole]
        self.chunks[trial.task.gut_world] = put_together(whole, trial.held)
        trial.held.clear()
        return []

    def take(self, piece: Work, result: Done) -> list[Work]:
        """Take in what came back; return what is to be done next."""
        if isinstance(piece, BlocksOfWorld) or result is None:
            return []
        trial = self.growing[piece.task.gut_world]
        trial.found[piece.name] = self._receipts(trial, piece, result)
        if len(trial.found) < len(trial.pieces):
            return []
        trial.take_in()
        return self.next_work(trial)

    def _receipts(
        self, trial: _Growing, piece: BlockTask, result: tuple[Receipt, ...] | tuple[BlockResult, ...]
    ) -> tuple[Receipt, ...]:
        """Return the receipts of a piece, whose results are kept where its worker has not done so."""
        results = tuple(each for each in result if isinstance(each, BlockResult))
        if not results:
            return tuple(each for each in result if isinstance(each, Receipt))
        if self.store is not None:
            return keep(piece, results, real_profiles=piece.task.cohort.profiles is not None)
        trial.held[piece.name] = results
        return tuple(map(Receipt.of, results))

    def chunk(self, gut_world: int, *, by_workers: bool) -> Chunk:
        """Return a trial when everything is done; what workers have put together is read."""
        if self.here:
            return self.chunks[gut_world]
        whole = BlocksOfWorld.of(self.growing[gut_world], self.store)
        if not by_workers or self.store is None:
            return put_together(whole)
        return _demanded(kept_chunk(tables_store(self.store), whole.name), whole.name)

    def tell(self, resumed: Resumed) -> None:
        """Say how many of the pieces that were asked for since it was told last were there, if any."""
        there, asked = self.there - self.told[0], len(self.asked) - self.told[1]
        if there:
            which = "further" if self.told[1] else "first"
            resumed(there, f"of the {which} {asked} pieces are there")
        self.told = self.there, len(self.asked)

    def remove_vain(self) -> None:
        """Remove pieces that were done in vain, in this run or before: they would stand in its tables."""
        if self.store is None:
            return
        used = {name for each in self.growing.values() for name in each.names.values()}
        own = tuple(f"{chunk_name(gut_world)}{BLOCK}" for gut_world in self.growing)
        for name in self.store.names():
            if name.startswith(own) and name not in used:
                self.store.remove(name)


def _cut_chunks(
    jobs: Sequence[Task],
    executor: Executor,
    progress: bool | None,
    store: ChunkStore | None,
    resumed: Resumed,
    together: int,
) -> list[Chunk]:
    """Run the blocks of every gut world, each at its own pace, and put its trial together from their sums."""
    kept_there = store is not None and executor.shares_disk
    blocks = _Blocks.of(jobs, store, together, here=not kept_there)
    work = [each for trial in blocks.growing.values() for each in blocks.next_work(trial)]
    blocks.tell(resumed)

    def then(piece: Work, result: Done) -> Sequence[Work]:
        more = blocks.take(piece, result)
        blocks.tell(resumed)
        return more

    worked = any(isinstance(each, BlockTask) for each in work)  # no process begins for the others alone
    if worked:
        packaged = not executor.shares_disk and _packaged(jobs)
        run = _run_kept if kept_there else partial(_run_sent, packaged=packaged)
        executor.work_through(run, work, then, progress, label="blocks")
    blocks.remove_vain()
    return [blocks.chunk(job.gut_world, by_workers=worked) for job in jobs]


def _run_kept(piece: Work) -> Done:
    """Run a piece of work beside its store: blocks, or a trial that is put together and written there."""
    if isinstance(piece, BlockTask):
        return run_kept_blocks(piece)
    assert piece.store is not None
    tables_store(piece.store).write(piece.name, pack(put_together(piece)))
    return None


def _run_sent(piece: Work, *, packaged: bool) -> Done:
    """Run blocks whose results travel back; with the model of the package where that is the model."""
    assert isinstance(piece, BlockTask)  # trials are put together where the results arrive
    return run_blocks_here(piece) if packaged else run_blocks(piece)


def _pieces(growing: _Growing, store: ChunkStore | None, together: int) -> list[BlockTask]:
    blocks = growing.next_blocks()
    gut_world = chunk_name(growing.task.gut_world)
    found = []
    for begin in range(0, len(blocks), together):
        some = tuple(blocks[begin : begin + together])
        cut = ".last" if some[0].number and some[0].wanted != growing.everybody else ""
        name = f"{gut_world}{BLOCK}{some[0].number:05d}{cut}"
        found.append(BlockTask(growing.task, some, store, name))
    return found


def _receipts_there(store: ChunkStore, pieces: Sequence[BlockTask]) -> dict[str, tuple[Receipt, ...]]:
    """Return the receipts of pieces that are in the store, whole, with all tables that belong to them."""
    found = {}
    for piece in pieces:
        results = _results(store, piece.name)
        if results is None or [each.number for each in results] != [block.number for block in piece.blocks]:
            continue
        if not _has_its_tables(store, piece.task, piece.name):
            continue
        if piece.task.gut_world == 0 and tables_store(store).read(first_trial(piece.name)) is None:
            continue
        found[piece.name] = tuple(map(Receipt.of, results))
    return found


def _results(store: ChunkStore, name: str) -> tuple[BlockResult, ...] | None:
    content = store.read(name)
    try:
        return None if content is None else unpack(content, tuple[BlockResult, ...])
    except DamagedPackage:
        return None


@dataclass(frozen=True)
class BlocksOfWorld:
    """The blocks of one gut world in order: the names of the pieces that hold their results, and where.

    ``name`` is the one under which workers keep the trial that is put together from them.
    """

    name: str
    design: Design
    names: tuple[str, ...]
    store: ChunkStore | None

    @classmethod
    def of(cls, growing: _Growing, store: ChunkStore | None) -> BlocksOfWorld:
        """Return the blocks of a trial that is full."""
        names = tuple(growing.names[k] for k in range(len(growing.known)))
        return cls(f"whole.{chunk_name(growing.task.gut_world)}", growing.task.design, names, store)


def put_together(
    blocks: BlocksOfWorld, held: Mapping[str, tuple[BlockResult, ...]] = MappingProxyType({})
) -> Chunk:
    """Return the chunk of a gut world; results not ``held`` are read from the store, a piece at a time."""
    whole = WholeTrial(blocks.design)
    for name in dict.fromkeys(blocks.names):
        results = held.get(name)
        if results is None and blocks.store is not None:
            results = _results(blocks.store, name)
        for result in _demanded(results, name):
            if result.number < len(blocks.names) and blocks.names[result.number] == name:
                whole.add(result)
    return whole.chunk()
