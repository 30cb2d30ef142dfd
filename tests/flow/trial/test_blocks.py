"""Trials cut into blocks: the same bytes however they are dealt out; a resume redoes what is lacking."""

import math
import shutil
from dataclasses import replace

import numpy as np
import pytest
from small_trials import DESIGN, INULIN, PLACEBO, make_task, with_therapy

from eubiosis.analysis.estimates import estimate
from eubiosis.compute.chunk_store import ChunkStore
from eubiosis.compute.executors import Executor
from eubiosis.compute.packing import pack, unpack
from eubiosis.core.findings import FindingsError
from eubiosis.core.frame import Table
from eubiosis.core.table_schemas import TRIAL_SUBJECTS, TRIAL_VISITS
from eubiosis.core.trial_tables import Observed
from eubiosis.therapy import Adherence
from eubiosis.trial.design import Eligibility
from eubiosis.trial.simulate import PeopleBlock, block_trials, gut_world_trials
from eubiosis.trial.world.host_world import TrialIsTooSmall
from eubiosis.workflow import trial_blocks, trial_pieces
from eubiosis.workflow.all_tables import tables_store
from eubiosis.workflow.responder_chunk import OF_GROUPS
from eubiosis.workflow.trial_chunk import Chunk
from eubiosis.workflow.trial_pieces import chunks_of
from eubiosis.workflow.visit_effects import VisitSums

FULLY = with_therapy(INULIN, adherence=Adherence.full())  # a dose that does not change is solved sooner
PLAN = DESIGN.changed(
    arms=(PLACEBO, FULLY), allocation=(1, 1), visits=(0.0, 12.0), participants=60, primary="mfis"
)


@pytest.fixture(scope="module")
def task():
    """A trial of sixty in blocks of thirty candidates."""
    return replace(make_task(PLAN, host_worlds=2, replicates=2), block=30, whole=15)


def run(task, **options):
    return pack(chunks_of([task], Executor(), False, None, **options)[0])


@pytest.fixture(scope="module")
def whole(task):
    """The bytes of the trial, block after block."""
    return run(task)


@pytest.fixture
def chunk(whole):
    """What the trial comes to."""
    return unpack(whole, Chunk)


@pytest.fixture(scope="module")
def kept(task, tmp_path_factory):
    """The numbers of the blocks in the order of their work, and a store with all of them, to be copied."""
    done, own = [], trial_blocks.run_block
    store = ChunkStore(tmp_path_factory.mktemp("kept") / "chunks", "key")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            trial_blocks,
            "run_block",
            lambda task, block, tables=None: (done.append(block), own(task, block, tables))[1],
        )
        chunks_of([task], Executor(), False, store)
    return done, store


@pytest.fixture
def store(kept, tmp_path):
    """A copy of the store."""
    _, made = kept
    shutil.copytree(made.folder.parent, tmp_path / "kept")
    return ChunkStore(tmp_path / "kept" / made.folder.name, "key")


@pytest.mark.parametrize("together", [2, 5])
def test_how_many_blocks_are_one_piece_of_work_changes_no_byte(task, whole, together):
    assert run(task, together=together) == whole


def test_two_processes_give_the_same_bytes(task, whole):
    (chunk,) = chunks_of([task], Executor(workers=2), False, None)
    assert pack(chunk) == whole


def test_how_many_candidates_are_run_together_changes_no_byte(task, whole, monkeypatch):
    """Also where one person is run alone."""
    monkeypatch.setattr("eubiosis.trial.world.enrolment.RUN_TOGETHER", 7)
    monkeypatch.setattr("eubiosis.trial.world.enrolment._HELD_TOGETHER", 33)
    assert run(task) == whole


def test_every_host_world_has_as_many_people_as_were_asked_for(chunk):
    assert chunk.blocks > 1
    assert [sum(each.randomised.values()) for each in chunk.flow] == [60.0] * 4
    assert [counts["enrolled"] for counts in chunk.screened] == [60, 60]
    trials = {row.trial for row in chunk.estimates}
    assert {(t.host_world, t.replicate) for t in trials} == {(0, 0), (0, 1), (1, 0), (1, 1)}


def test_a_candidate_who_sets_the_level_of_events_beyond_block_0_is_counted_once(task, chunk):
    """Three hundred set it, ten blocks of thirty; later blocks make those of theirs again."""
    (counted,) = chunk.candidates
    assert task.block * (chunk.blocks - 1) < counted.made <= task.block * chunk.blocks
    assert counted.held <= counted.asked <= counted.made


def test_responders_are_those_of_block_0(task, chunk):
    (found,) = chunk.responders
    block = trial_blocks.run_block(task, PeopleBlock(0, (60, 60))).chunk
    assert pack(block.responders) == pack((found,))
    people = found.groups[..., OF_GROUPS.index("people")]
    assert np.all((people > 0) & (people < 60))


def test_block_0_is_the_beginning_of_a_trial_that_is_not_cut(task):
    """Its people have the luck that they have in a small trial."""
    block = block_trials(task, PeopleBlock(0, (60, 60)))
    few = gut_world_trials(replace(task, design=PLAN.changed(participants=10)))
    for one, other in zip(block.trials.pairs, few.pairs, strict=True):
        (large, _), (small, _) = next(one.stacks), next(other.stacks)
        size = len(small.numbers)
        assert np.array_equal(large.numbers[:size], small.numbers)
        assert np.array_equal(large.arm[:, :size], small.arm)
        assert np.array_equal(large.of_visits["mfis"][..., :size], small.of_visits["mfis"], equal_nan=True)


def test_the_estimates_are_those_of_the_people_of_all_blocks(task, chunk):
    """Analysed at once from their stacks, which the run itself never holds together."""
    stacks, wanted, scales = [], [60, 60], ()
    for number in range(chunk.blocks):
        made = block_trials(task, PeopleBlock(number, tuple(wanted), scales))
        scales = made.scales
        wanted = [left - came for left, came in zip(wanted, made.entered, strict=True)]
        stacks += [seen for seen, _ in made.trials.pairs[0].stacks]
    rows = [stack.subjects() for stack in stacks], [stack.visits() for stack in stacks]
    first = [
        {name: np.concatenate([part[name][part["replicate"] == 0] for part in parts]) for name in parts[0]}
        for parts in rows
    ]
    together = Observed(
        Table(first[0], schema=TRIAL_SUBJECTS), Table(first[1], schema=TRIAL_VISITS), "placebo"
    )
    expected = {(r.estimate.endpoint): r.estimate for r in estimate(together)}
    assert len(first[0]["subject"]) == len(set(first[0]["subject"])) == 60
    for row in chunk.estimates:
        if (row.trial.host_world, row.trial.replicate) == (0, 0):
            other = expected[row.estimate.endpoint]
            assert row.estimate.estimate == pytest.approx(other.estimate, rel=1e-9, nan_ok=True)
            assert row.estimate.n_treated == other.n_treated


def test_a_population_that_is_too_small_is_said_to_be(task):
    few = replace(task, cohort=replace(task.cohort, size=55))
    with pytest.raises(TrialIsTooSmall, match="60 are needed"):
        chunks_of([few], Executor(), False, None)


def test_a_resume_redoes_what_is_missing_or_damaged_and_nothing_else(task, whole, kept, store, monkeypatch):
    """Killed at three fifths: chunks are counted, no seconds; each is read twice at most."""
    (first, _), done, read = kept, [], []
    own = trial_blocks.run_block
    monkeypatch.setattr(
        trial_blocks,
        "run_block",
        lambda task, block, tables=None: (done.append(block), own(task, block, tables))[1],
    )
    names = store.names()
    count = len(names)
    assert count == len(first) >= 4
    lost = names[math.ceil(0.6 * count) :]
    for name in lost:
        (store.folder / f"{name}.chunk").unlink()
    damaged = store.folder / f"{names[1]}.chunk"
    content = bytearray(damaged.read_bytes())
    content[-3] ^= 1
    damaged.write_bytes(bytes(content))
    look = ChunkStore.read
    monkeypatch.setattr(ChunkStore, "read", lambda self, name: (read.append(name), look(self, name))[1])
    (again,) = chunks_of([task], Executor(), False, store)
    assert pack(replace(again, example=None)) == pack(replace(unpack(whole, Chunk), example=None))
    assert sorted(block.number for block in done) == sorted(
        block.number for block, name in zip(first, names, strict=True) if name in (*lost, names[1])
    )
    assert len(done) <= 0.45 * count + 1  # the damaged one is on top
    assert max(read.count(name) for name in names) <= 2


@pytest.mark.parametrize("damage", ["deleted", "flipped"])
def test_a_part_of_the_first_trials_tables_that_is_lost_is_made_again(task, store, damage):
    aside, piece = tables_store(store), store.names()[1]
    file = aside.folder / f"{trial_blocks.first_trial(piece)}.chunk"
    before = file.read_bytes()
    if damage == "deleted":
        file.unlink()
    else:  # as long as before, with the same head
        file.write_bytes(before[:-3] + bytes([before[-3] ^ 1]) + before[-2:])
    with pytest.raises(
        FindingsError, match=rf"{piece}.first: 1 finding\n  it is missing, or damaged, .*--resume"
    ):
        trial_blocks.first_tables(store, piece)
    chunks_of([task], Executor(), False, store)
    assert file.read_bytes() == before


def test_pieces_that_an_earlier_run_did_in_vain_are_in_no_table(task, store):
    names = store.names()
    vain = store.folder / f"{names[-1].partition('.last')[0]}.chunk"
    assert vain.name.removesuffix(".chunk") not in names
    shutil.copyfile(store.folder / f"{names[0]}.chunk", vain)
    other = store.folder / "gut-00001.block-00000.chunk"
    shutil.copyfile(vain, other)
    chunks_of([task], Executor(), False, store)
    assert store.names() == sorted([*names, "gut-00001.block-00000"])


@pytest.fixture(scope="module")
def few(task):
    """A trial that fills at another block in each host world, and not at all in some blocks."""
    design = PLAN.changed(participants=17, eligibility=Eligibility(relapses_last_year=1))
    return replace(make_task(design, host_worlds=3, replicates=1), block=30, whole=15)


@pytest.mark.parametrize("together", [1, 5])
@pytest.mark.parametrize("slack", [0.3, 1.1])
def test_what_is_guessed_of_entry_is_seen_nowhere(few, tmp_path, monkeypatch, together, slack):
    """Blocks done in vain stand in no table, and one that fills a trial screens nobody afterwards."""
    plan = replace(few, gut_world=1)
    monkeypatch.setattr(trial_pieces, "_SLACK", 1e9)  # one block after the other
    (expected,) = chunks_of([plan], Executor(), False, None)
    monkeypatch.setattr(trial_pieces, "_SLACK", slack)
    (found,) = chunks_of([plan], Executor(), False, None, together=together)
    assert found.screened == expected.screened
    assert pack(found) == pack(expected)
    store = ChunkStore(tmp_path / "chunks", "key")
    chunks_of([few], Executor(), False, store, together=together)
    parts = [tables for piece in store.names() for tables in trial_blocks.first_tables(store, piece)]
    people = np.concatenate([tables["observed_subjects"]["subject"] for tables in parts])
    assert len(people) == len(set(people.tolist())) == 17


def test_blocks_in_which_nobody_enters_are_passed_over(few, monkeypatch):
    monkeypatch.setattr(trial_pieces, "MOST_POOL", 4_000)
    entered, own = [], trial_blocks.run_block

    def noted(task, block, tables=None):
        found = own(task, block, tables)
        entered.append(found.entered)
        return found

    monkeypatch.setattr(trial_blocks, "run_block", noted)
    (chunk,) = chunks_of([replace(few, block=6, whole=5)], Executor(), False, None)
    assert (0, 0, 0) in entered
    assert [sum(each.randomised.values()) for each in chunk.flow] == [17, 17, 17]


def test_a_population_of_which_nobody_enters_is_too_small(few, monkeypatch):
    monkeypatch.setattr(trial_pieces, "MOST_POOL", 5)
    nobody = few.design.changed(eligibility=Eligibility(mfis_from=84))
    with pytest.raises(TrialIsTooSmall, match="1 of 480 candidates are eligible, 17 are needed"):
        chunks_of([replace(few, design=nobody)], Executor(), False, None)


@pytest.mark.parametrize("which", ["task", "few"])
def test_effects_by_visit_are_those_of_the_people_of_all_blocks(request, which):
    """Row by row as when all are added at once, in host worlds that fill at other blocks too."""
    cut = request.getfixturevalue(which)
    host_worlds, people = cut.simulation.host_worlds, cut.design.participants
    made, wanted, scales = [], [people] * host_worlds, ()
    while any(wanted):
        block = block_trials(cut, PeopleBlock(len(made), tuple(wanted), scales))
        scales, made = block.scales, [*made, block]
        wanted = [left - came for left, came in zip(wanted, block.entered, strict=True)]
    assert len(made) > 1
    if which == "few":
        assert {entered > 0 for block in made for entered in block.entered} == {True, False}
    sums = VisitSums("placebo")
    for host_world in range(host_worlds):
        for block in made:
            if block.entered[host_world]:
                for seen, _ in block.trials.pairs[host_world].stacks:
                    sums.add(seen)
    expected = sums.rows()
    (chunk,) = chunks_of([cut], Executor(), False, None)
    assert {row.host_world for row in expected} == set(range(host_worlds))
    assert len({(row.endpoint, row.week) for row in expected}) > 3
    for one, other in zip(chunk.visit_effects, expected, strict=True):
        for name in ("gut_world", "host_world", "endpoint", "arm", "week"):
            assert getattr(one, name) == getattr(other, name)
        for name in ("value", "error", "spread"):
            assert getattr(one, name) == pytest.approx(getattr(other, name), rel=1e-9)


def test_the_first_trials_tables_hold_its_people_and_nobody_else(few, tmp_path, monkeypatch):
    """As drawn block by block in host world 0, which is full, or has nobody, in blocks that others need."""
    made, wanted, scales = [], [17, 17, 17], ()
    while any(wanted):
        block = block_trials(few, PeopleBlock(len(made), tuple(wanted), scales))
        scales, made = block.scales, [*made, block]
        wanted = [left - came for left, came in zip(wanted, block.entered, strict=True)]
    assert {block.entered[0] > 0 for block in made} == {True, False}
    assert made[-1].entered[0] == 0
    expected = [
        number
        for block in made
        if block.entered[0]
        for number in next(block.trials.pairs[0].stacks)[0].subjects()["subject"].tolist()
    ]
    store = ChunkStore(tmp_path / "chunks", "key")
    chunks_of([few], Executor(), False, store)
    parts = [tables for piece in store.names() for tables in trial_blocks.first_tables(store, piece)]
    for name in ("observed_subjects", "observed_visits", "observed_exposure", "latent_subjects"):
        people = [int(number) for tables in parts for number in tables[name]["subject"]]
        assert sorted(set(people)) == sorted(expected)
    assert len(expected) == len(set(expected)) == 17
    monkeypatch.setattr(trial_blocks, "run_block", None)  # a resume finds all of it
    chunks_of([few], Executor(), False, store)


def test_too_many_people_in_a_block_are_asked_for_again(task, whole, monkeypatch):
    """With a guess that is far too high, blocks are done in vain, and the trial is the same."""
    monkeypatch.setattr(trial_pieces, "_SLACK", 0.3)
    assert run(task) == whole


class Paced(Executor):
    """Run pieces here, the last that was asked for first, and note their names."""

    def work_through(self, function, items, then, *_, **__):
        work, order = list(items), []
        while work:
            piece = work.pop()
            if isinstance(piece, trial_blocks.BlockTask):
                order.append(piece.name)
            work += then(piece, function(piece))
        object.__setattr__(self, "order", order)


def test_gut_worlds_keep_no_step_with_each_other(task, whole, tmp_path):
    """One world runs to its end before another has begun, and both have the bytes of their own."""
    tasks, executor = [task, replace(task, gut_world=1)], Paced()
    first, second = chunks_of(tasks, executor, False, ChunkStore(tmp_path / "chunks", "key"))
    worlds = [name.split(".")[0] for name in executor.order]
    assert worlds == sorted(worlds, reverse=True)
    assert len(set(worlds)) == 2
    assert pack(replace(first, example=None)) == pack(replace(unpack(whole, Chunk), example=None))
    assert pack(replace(second, example=None)) == pack(replace(unpack(run(tasks[1]), Chunk), example=None))


def test_a_resume_says_how_many_pieces_are_there(task, store):
    said = []
    chunks_of([task], Executor(), False, store, resumed=lambda there, of: said.append((there, of)))
    count = len(store.names())
    assert said == [(count, f"of the first {count} pieces are there")]


def test_a_resume_tells_of_what_it_meets_later_too(task, store):
    """Block 1 is lost, so that the last one is not asked for before it is done again."""
    said, names = [], store.names()
    assert names[-1].endswith(".last")
    (store.folder / f"{names[1]}.chunk").unlink()
    chunks_of([task], Executor(), False, store, resumed=lambda there, of: said.append((there, of)))
    first = len([name for name in names if not name.endswith(".last")])
    assert said[0] == (first - 1, f"of the first {first} pieces are there")
    assert sum(there for there, _ in said) == len(names) - 1
    assert all("further" in of for _, of in said[1:])


def test_the_people_of_two_gut_worlds_never_share_a_number(task):
    from eubiosis.trial.simulate import _settings

    numbers = [
        {_settings(replace(task, gut_world=g))[0].number(k) for k in (0, 1, 999_999, 1_000_000, 2_500_000)}
        for g in (0, 1)
    ]
    assert not numbers[0] & numbers[1]
    assert len(numbers[0]) == 5
