"""Clocks of simulated trials: the same from blocks as from everybody at once, and true to the tables."""

from dataclasses import replace

import numpy as np
import pytest
from small_trials import DESIGN, INULIN, PLACEBO, make_task, with_therapy

from eubiosis.analysis.clock_counts import ClockCounts
from eubiosis.compute.executors import Executor
from eubiosis.compute.packing import pack
from eubiosis.therapy import Adherence
from eubiosis.trial.simulate import PeopleBlock, block_trials
from eubiosis.workflow.trial_blocks import run_block
from eubiosis.workflow.trial_chunk import run_chunk
from eubiosis.workflow.trial_clocks import curves_of, read_weeks
from eubiosis.workflow.trial_pieces import chunks_of

PLAN = DESIGN.changed(
    arms=(PLACEBO, with_therapy(INULIN, adherence=Adherence.full())),
    allocation=(1, 1),
    visits=(0.0, 8.0, 20.0),
    participants=40,
    primary="mfis",
)


@pytest.fixture(scope="module")
def task():
    """A trial of forty in blocks of thirty candidates."""
    return replace(make_task(PLAN, host_worlds=2, replicates=2), block=30, whole=15)


def test_blocks_keep_sums_that_give_the_clocks_of_everybody(task):
    """The people of all blocks, counted at once from stacks that the run itself never holds together."""
    (chunk,) = chunks_of([task], Executor(), False, None)
    assert chunk.blocks > 1
    counts, wanted, scales = [None, None], [40, 40], ()
    for number in range(chunk.blocks):
        block = PeopleBlock(number, tuple(wanted), scales)
        made = block_trials(task, block)
        scales = made.scales
        wanted = [left - came for left, came in zip(wanted, made.entered, strict=True)]
        for h, pair in enumerate(made.trials.pairs):
            for seen, _ in pair.stacks:
                own = ClockCounts.of(seen)
                counts[h] = own if counts[h] is None else counts[h].plus(own)
    assert wanted == [0, 0]
    assert pack(chunk.clocks) == pack(curves_of(counts, PLAN))
    assert chunk.clocks.people.tolist() == [80, 80], "4 trials of 40 people"
    assert chunk.by_week.trials == 2
    assert chunk.by_week.people.sum() < 80, "those of block 0 only"


def test_a_block_hands_on_counts_and_no_curves(task):
    result = run_block(task, PeopleBlock(0, (40, 40)))
    assert result.chunk.clocks is None
    assert [part.people.sum() for part in result.clocks] == [2 * n for n in result.entered]


def test_clocks_agree_with_the_tables_of_the_first_trial(task):
    """Relapses and people of the one trial that is kept whole, counted from its tables."""
    chunk = run_chunk(
        replace(task, whole=1000, simulation=task.simulation.changed(replicates=1, host_worlds=1))
    )
    subjects, relapses = chunk.example.subjects, chunk.example.relapses
    arms = np.asarray(subjects.texts("arm"))
    for k, arm in enumerate(("placebo", "inulin")):
        own = arms == arm
        assert chunk.clocks.people[k] == own.sum()
        assert chunk.clocks.events[2, k] == subjects.numbers("relapses")[own].sum()
        assert chunk.clocks.events[0, k] == (subjects.numbers("relapses")[own] > 0).sum()
        weeks = np.ceil(relapses.numbers("day")[np.asarray(relapses.texts("arm")) == arm] / 7)
        end = subjects.numbers("follow_up_years")[own] * 365.25 / 7
        mean, followed = 0.0, {}
        for week in range(1, 21):
            followed[week] = np.count_nonzero(end > week - 1 + 1e-4)
            mean += np.count_nonzero(weeks == week) / followed[week]
        assert chunk.clocks.followed[k, 1:].tolist() == [followed[week] for week in read_weeks(PLAN)]
        assert chunk.clocks.relapses[0, k, -1] == pytest.approx(mean, rel=1e-3), "half precision"
