"""Of which trials every visit is kept does not depend on how many are run together."""

from dataclasses import astuple

import pytest
from small_trials import DESIGN, INULIN, PLACEBO, make_task, with_therapy

from eubiosis.compute.packing import pack
from eubiosis.therapy import Adherence
from eubiosis.trial.simulate import gut_world_trials
from eubiosis.trial.world import host_world
from eubiosis.workflow import trial_clocks
from eubiosis.workflow.trial_chunk import run_chunk

FULLY = with_therapy(INULIN, adherence=Adherence.full())
PLAN = DESIGN.changed(
    arms=(PLACEBO, FULLY), allocation=(1, 1), visits=(0.0, 4.0, 12.0, 24.0), participants=20, primary="mfis"
)


@pytest.fixture(scope="module")
def task():
    return make_task(PLAN, host_worlds=1, replicates=9)


@pytest.fixture(scope="module")
def together(task):
    """What the nine trials come to that are run at once."""
    return run_chunk(task)


@pytest.mark.parametrize("people", [1, 100])
def test_trials_run_apart_tell_the_same_of_every_visit(task, together, people, monkeypatch):
    """One trial at a time, and five."""
    monkeypatch.setattr(host_world, "PEOPLE_TOGETHER", people)
    apart = run_chunk(task)
    for mine, theirs in zip(apart.estimates, together.estimates, strict=True):
        assert (mine.trial, mine.estimate.endpoint) == (theirs.trial, theirs.estimate.endpoint)
        assert mine.estimate.estimate == pytest.approx(theirs.estimate.estimate, rel=1e-9, nan_ok=True)
        assert mine.estimate.p_value == pytest.approx(theirs.estimate.p_value, rel=1e-9, nan_ok=True)
    assert pack(apart.clocks) == pack(together.clocks)
    assert {each.week for each in apart.visit_effects if each.endpoint == "mfis"} == {4.0, 12.0, 24.0}
    for mine, theirs in zip(apart.visit_effects, together.visit_effects, strict=True):
        assert astuple(mine)[:5] == astuple(theirs)[:5]
        assert astuple(mine)[5:] == pytest.approx(astuple(theirs)[5:], rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("people", [20, 100, 8_000])
def test_the_first_trials_are_whole_and_the_others_have_their_ends(task, people, monkeypatch):
    monkeypatch.setattr(host_world, "WHOLE_TRIALS", 4)
    monkeypatch.setattr(host_world, "PEOPLE_TOGETHER", people)
    (pair,) = gut_world_trials(task, ends=True).pairs
    weeks = {n: seen.weeks.tolist() for seen, _ in pair.stacks for n in seen.replicates.tolist()}
    assert list(weeks) == list(range(9))
    assert all(weeks[n] == [0.0, 4.0, 12.0, 24.0] for n in range(4))
    assert all(len(weeks[n]) < 4 for n in range(4, 9))


def test_the_trials_whose_clocks_are_read_are_whole():
    assert trial_clocks._OF_A_PAIR <= host_world.WHOLE_TRIALS
