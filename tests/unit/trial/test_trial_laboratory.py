"""Batches, limits and printed digits of the acids, checked against their own definitions."""

import numpy as np
import pytest

from eubiosis.core.endpoints import LIMITED
from eubiosis.core.trial_draws import TrialDraws
from eubiosis.trial.world.laboratory import batch_shifts, batches, limit_of, reported, step_of, to_step
from eubiosis.trial.world.layer import trial_numbers


def test_a_level_under_the_limit_is_half_of_it_and_flagged():
    """By hand: stool to 0.1 mM with a limit of 0.5, plasma propionate to 0.0001 with a limit of 0.0005."""
    levels = {name: np.array([20.04, 0.44, 0.46, np.nan]) for name in LIMITED if name.startswith("stool")}
    levels |= {name: np.array([0.07213, 0.0004, 0.0005, np.nan]) for name in LIMITED if "plasma" in name}
    found = reported(levels)
    assert found["stool_butyrate"][:3].tolist() == [20.0, 0.25, 0.5]
    assert found["stool_butyrate_below_limit"].tolist() == [False, True, False, False]
    assert found["plasma_propionate"][:3].tolist() == [0.0721, 0.00025, 0.0005]
    assert found["plasma_propionate_below_limit"].tolist() == [False, True, False, False]
    assert found["plasma_acetate_below_limit"].tolist() == [False, True, True, False]
    assert found["stool_scfa"][:3].tolist() == [60.0, 0.75, 1.5]
    assert all(np.isnan(found[name][3]) for name in (*LIMITED, "stool_scfa"))
    assert levels["stool_butyrate"][1] == 0.44  # what is given stays as it is


@pytest.mark.parametrize("acid", LIMITED)
def test_printed_levels_are_short_and_near(acid):
    step = step_of(acid)
    exact = np.random.default_rng(2).lognormal(np.log(40 * step), 0.5, 400) + limit_of(acid)
    printed = to_step(exact, step)
    assert np.max(np.abs(printed - exact)) <= step / 2 * (1 + 1e-9)
    assert max(len(repr(value)) for value in printed.tolist()) <= len(repr(step)) + 3


def test_batches_hold_neighbours_and_their_shifts_have_the_spread_of_the_table():
    size = round(trial_numbers()["trial_batch_samples"].value)
    own = batches(3 * size + 5)
    assert np.bincount(own)[1:].tolist() == [size, size, size, 5]
    shifts = batch_shifts(TrialDraws(5, "0.0", tuple(range(300))), 12.0, len(own))
    assert np.all(shifts[:, :size] == shifts[:, :1])
    assert np.all(shifts[:, size - 1] != shifts[:, size])
    each = shifts[:, ::size].ravel()
    sd = trial_numbers()["trial_sd_ln_assay_batch"].value
    assert abs(each.std() / sd - 1) < 4 / np.sqrt(2 * len(each))
    assert abs(each.mean()) < 4 * sd / np.sqrt(len(each))


def test_more_people_and_more_trials_leave_a_batch_as_it_is():
    few = batch_shifts(TrialDraws(5, "0.0", (3,)), 12.0, 40)
    many = batch_shifts(TrialDraws(5, "0.0", (2, 3)), 12.0, 200)
    assert np.array_equal(few[0], many[1, :40])
    assert not np.array_equal(few, batch_shifts(TrialDraws(5, "0.0", (3,)), 24.0, 40))
