"""Intercurrent events in trials cut into blocks: the same bytes, and the numbers of everybody at once."""

from dataclasses import replace

import numpy as np
import pytest
from small_trials import DESIGN, INULIN, PLACEBO, make_task, with_therapy

from eubiosis.analysis.estimates import estimate
from eubiosis.analysis.truth.effects import Twins, effects_of_world
from eubiosis.compute.chunk_store import ChunkStore
from eubiosis.compute.executors import Executor
from eubiosis.compute.packing import pack
from eubiosis.core.endpoints import ENDPOINTS
from eubiosis.core.frame import Table
from eubiosis.core.table_schemas import TRIAL_INTERCURRENT, TRIAL_RELAPSES, TRIAL_SUBJECTS, TRIAL_VISITS
from eubiosis.core.trial_stacks import LatentStack
from eubiosis.core.trial_tables import Observed
from eubiosis.therapy import Adherence
from eubiosis.trial import Intercurrent
from eubiosis.trial.simulate import PeopleBlock, block_trials, gut_world_trials
from eubiosis.trial.world.interruptions import IN_THE_GUT
from eubiosis.workflow.trial_blocks import first_tables
from eubiosis.workflow.trial_pieces import chunks_of

EVENTS = (
    Intercurrent(event="antibiotics", per_year=1.0),
    Intercurrent(
        event="discontinuation", per_year=1.5,
        strategies={"treg": "principal stratum", "gd_lesions": "while on treatment",
                    "share_BIF": "while on treatment", "t2_lesions": "while on treatment"},
    ),
    Intercurrent(event="contamination", per_year=1.5),
    Intercurrent(
        event="drug_switch", per_year=0.5, after_relapse=0.5,
        strategies={"relapses": "composite", "edss": "composite"}, failure={"edss": 10.0},
    ),
    Intercurrent(event="rescue_steroids", strategies={"mfis": "hypothetical"}),
)  # fmt: skip
FULLY = with_therapy(INULIN, adherence=Adherence.full())
PLAN = DESIGN.changed(
    arms=(PLACEBO, FULLY), allocation=(1, 1), visits=(0.0, 6.0, 12.0), participants=24, primary="mfis",
    intercurrent=EVENTS, control_level={"relapses_per_year": 3.0, "gd_lesions_per_scan": 1.5},
)  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def _few_set_the_level():
    """The level of events is set on fewer candidates than in a real run, to save time."""
    with pytest.MonkeyPatch.context() as patch:
        for name, size in (("REFERENCE_POOL", 30), ("LEAST_REFERENCE", 10)):
            patch.setattr(f"eubiosis.trial.world.enrolment.{name}", size)
        yield


@pytest.fixture(scope="module")
def task():
    """A trial of twenty-four in blocks of eighteen candidates."""
    return replace(make_task(PLAN, host_worlds=1, replicates=2), block=18, whole=9)


@pytest.fixture(scope="module")
def chunk(task):
    """The trial, block after block."""
    return chunks_of([task], Executor(), False, None)[0]


@pytest.fixture(scope="module")
def blocks(task):
    """What was seen and what is true, block by block."""
    made, wanted, scales = [], (24,), ()
    while wanted != (0,):
        one = block_trials(task, PeopleBlock(len(made), wanted, scales))
        scales, wanted = one.scales, (wanted[0] - one.entered[0],)
        made.append(list(one.trials.pairs[0].stacks))
    return made


def test_events_change_no_byte_however_people_are_dealt_out(task, chunk, tmp_path):
    """Two blocks a piece of work, and a store."""
    store = ChunkStore(tmp_path / "chunks", "key")
    (other,) = chunks_of([task], Executor(), False, store, together=2)
    assert chunk.blocks > 1
    assert pack(other) == pack(chunk)
    parts = [tables for piece in store.names() for tables in first_tables(store, piece)]
    assert len(parts) == chunk.blocks
    assert all(len(tables["observed_intercurrent"]) for tables in parts)
    counted = {kind for each in chunk.flow for _, kind in each.interrupted}
    assert {"antibiotics", "discontinuation", "contamination"} <= counted


@pytest.mark.parametrize(("run", "held"), [(4, 13), (1, 256)])
def test_who_is_run_together_changes_no_byte_of_trials_with_events(task, chunk, monkeypatch, run, held):
    """Also where one person is run alone; the last block ends where it is full, within so many candidates."""
    monkeypatch.setattr("eubiosis.trial.world.enrolment.RUN_TOGETHER", run)
    monkeypatch.setattr("eubiosis.trial.world.enrolment._HELD_TOGETHER", held)
    (other,) = chunks_of([task], Executor(), False, None)
    assert pack(replace(other, candidates=())) == pack(replace(chunk, candidates=()))


def test_block_0_with_events_is_the_beginning_of_a_trial_that_is_not_cut(task, blocks):
    """To the last bit: what was recorded, the events, and the truth of every estimand."""
    few = gut_world_trials(replace(task, design=PLAN.changed(participants=8)))
    (small, truth), (large, asked) = next(few.pairs[0].stacks), blocks[0][0]
    assert np.array_equal(large.numbers[:8], small.numbers)
    for name, values in small.of_visits.items():
        assert np.array_equal(large.of_visits[name][..., :8], values, equal_nan=True), name
    for name, values in truth.targets.items():
        assert np.array_equal(asked.targets[name][..., :8], values, equal_nan=True), name
    first = np.isin(large.intercurrent["subject"], small.numbers)
    assert first.sum() > 4
    for name, values in small.intercurrent.items():
        assert np.array_equal(large.intercurrent[name][first], values), name


def test_a_persons_own_events_are_the_same_in_blocks_of_any_size(task, blocks):
    """Luck belongs to a block, but what lies in the person's course is drawn by the person's number."""
    wider = block_trials(replace(task, block=22, whole=11), PeopleBlock(0, (24,)))
    ((other, truth),) = list(wider.trials.pairs[0].stacks)
    seen = 0
    for ((stack, own),) in blocks:
        both, here, there = np.intersect1d(stack.numbers, other.numbers, return_indices=True)
        seen += len(both)
        for name, values in own.of_world.items():
            assert np.array_equal(values[:, here], truth.of_world[name][:, there]), name
    assert seen == len(other.numbers)
    assert set(other.intercurrent["event"]) & set(IN_THE_GUT)


def test_estimates_with_events_are_those_of_the_people_of_all_blocks(chunk, blocks):
    stacks = [seen for block in blocks for seen, _ in block]

    def table(parts, schema):
        joined = {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}
        order = np.argsort(joined["replicate"], kind="stable")
        return Table({name: values[order] for name, values in joined.items()}, schema=schema)

    observed = Observed(
        table([each.subjects() for each in stacks], TRIAL_SUBJECTS),
        table([each.visits() for each in stacks], TRIAL_VISITS),
        "placebo",
        intercurrent=table([each.intercurrent for each in stacks], TRIAL_INTERCURRENT),
        relapses=table([each.relapses for each in stacks], TRIAL_RELAPSES),
        rules=stacks[0].rules,
    )
    expected = {(r.trial.replicate, r.estimate.endpoint): r.estimate for r in estimate(observed)}
    assert len(chunk.estimates) == len(expected) == 2 * len(ENDPOINTS)
    for row in chunk.estimates:
        other = expected[row.trial.replicate, row.estimate.endpoint]
        assert row.estimate.n_treated == other.n_treated, row.estimate.endpoint
        if row.estimate.usable and other.usable:
            assert row.estimate.estimate == pytest.approx(other.estimate, rel=1e-7), row.estimate.endpoint


def test_true_effects_with_events_are_those_of_the_people_of_all_blocks(task, chunk, blocks):
    parts = [truth for block in blocks for _, truth in block]
    one = parts[0]

    def joined(name):
        own = [getattr(part, name) for part in parts]
        return {each: np.concatenate([values[each] for values in own], axis=-1) for each in own[0]}

    together = LatentStack(
        one.gut_world, one.host_world, one.replicates, np.concatenate([p.numbers for p in parts]), one.arms,
        joined("of_world"), joined("of_trials"), joined("targets"),
    )  # fmt: skip
    expected = effects_of_world(Twins.of([together]), "placebo", task.seed)
    assert len(together.numbers) == 24
    assert len(chunk.truths) == len(expected)
    for mine, other in zip(chunk.truths, expected, strict=True):
        assert (mine.endpoint, mine.arm) == (other.endpoint, other.arm)
        assert mine.value == pytest.approx(other.value, rel=1e-9, abs=1e-12, nan_ok=True), mine.endpoint
        assert mine.unit_sd == pytest.approx(other.unit_sd, rel=1e-9), mine.endpoint
