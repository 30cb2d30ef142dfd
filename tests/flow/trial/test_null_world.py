"""The null world: with every coupling zero a therapy changes the gut and nothing that lies behind it."""

import math
from importlib import import_module

import numpy as np
import pytest
from small_trials import DESIGN, make_task

from eubiosis.core.guilds import GUILDS as GUILD_IDS
from eubiosis.trial.world import host_world
from eubiosis.workflow.trial_chunk import run_chunk

HOST = ("relapses", "gd_lesions", "t2_lesions", "edss", "mfis", "treg", "nfl")
SMALL = DESIGN.changed(participants=9, dropout_per_year=0.0, missed_visits=0.0)


@pytest.fixture(scope="module")
def trial_numbers_used():
    """Numbers of the replicate trials, filled by ``results``."""
    return []


@pytest.fixture(scope="module")
def results(trial_numbers_used):
    """Two gut worlds without couplings, one of them drawn."""

    def noted(model, world, design, pair, numbers, **others):
        trial_numbers_used.extend((world.label, number) for number in numbers)
        return host_world.trial_stacks(model, world, design, pair, numbers, **others)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(import_module("eubiosis.trial.simulate"), "trial_stacks", noted)
        return [
            run_chunk(make_task(SMALL, gut_world, host_worlds=2, replicates=2, couplings="zero"))
            for gut_world in (0, 1)
        ]


def test_every_true_effect_behind_the_gut_is_exactly_none(results):
    seen = set()
    for result in results:
        for truth in result.truths:
            if truth.endpoint in HOST:
                seen.add((truth.world, truth.endpoint, truth.arm))
                assert truth.value == 0.0, truth
                assert truth.spread == 0.0, truth
                assert math.exp(truth.value) == 1.0
    assert len(seen) == 4 * len(HOST) * len(DESIGN.active)


def test_inulin_still_changes_the_gut(results):
    for result in results:
        for world in {truth.world for truth in result.truths}:
            effect = {
                truth.endpoint: truth.value
                for truth in result.truths
                if truth.world == world and truth.arm == "inulin"
            }
            # inulin feeds bifidobacteria and raises acids; a fold of 1.1 is far above round-off
            assert effect["share_BIF"] > math.log(1.1)
            assert effect["stool_scfa"] > math.log(1.01)
            assert sum(abs(effect[f"share_{guild}"]) > 1e-4 for guild in GUILD_IDS) > 7


def test_oral_propionate_reaches_plasma_and_the_placebo_arm_does_not_move(results):
    for result in results:
        effect = {
            (truth.endpoint, truth.arm): truth.value for truth in result.truths if truth.world.endswith(".0")
        }
        assert effect["plasma_propionate", "propionate"] > math.log(1.02)
        for marker, by_arm in result.changes.items():
            assert np.all(np.abs(by_arm["placebo"]) < 1e-9), marker
            assert np.isfinite(by_arm["inulin"]).all(), marker


def test_trials_of_different_worlds_do_not_share_their_luck(results, trial_numbers_used):
    assert len({label for label, _ in trial_numbers_used}) == 4
    assert len(set(trial_numbers_used)) == len(trial_numbers_used) == 8
    estimates = [row.estimate.estimate for result in results for row in result.estimates.of("mfis", "inulin")]
    assert len(set(estimates)) == 8
