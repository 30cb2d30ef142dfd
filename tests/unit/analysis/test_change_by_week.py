"""Observed changes by week: centred log-ratios, medians, and false discoveries against scipy."""

import numpy as np
import pytest
from scipy.stats import binom, false_discovery_control
from scipy.stats import t as student

from eubiosis.analysis.change_by_week import (
    ACIDS,
    GUILD_SHARES,
    QUANTITIES,
    discoveries,
    log2_levels,
    median_changes,
)
from eubiosis.core.trial_stacks import TrialStack

PEOPLE = 90


def made_stack(seed, effect=0.0):
    """One trial of three arms and three visits; arm 1 has ``effect`` on the first guild (log2)."""
    random = np.random.default_rng(seed)
    arm = random.permuted(np.arange(PEOPLE) % 3)[None]
    shape = (3, 1, PEOPLE)
    visits = {}
    for name in QUANTITIES:
        own = random.normal(0.0, 1.0, PEOPLE)
        values = own + random.normal(0.0, 0.7, shape)
        if name == GUILD_SHARES[0]:
            values[1:, :, arm[0] == 1] += effect
        visits[name] = np.exp2(values)
    total = sum(visits[name] for name in GUILD_SHARES)
    for name in GUILD_SHARES:
        visits[name] /= total
    attended = np.ones(shape, dtype=bool)
    attended[2] = random.random((1, PEOPLE)) < 0.8
    return TrialStack(
        0, 0, np.array([0]), np.arange(PEOPLE), ("one", "placebo", "two"), arm,
        np.array([0.0, 12.0, 24.0]), attended, {}, visits,
    )  # fmt: skip


def p_value(outcome, entry, active):
    """Analysis of covariance of two arms and one slope by least squares, each sum written out."""
    known = np.isfinite(outcome)
    x = np.stack([np.ones(known.sum()), *(group[known] for group in active), entry[known]], axis=1)
    beta, *_ = np.linalg.lstsq(x, outcome[known], rcond=None)
    freedom = len(x) - x.shape[1]
    left = outcome[known] - x @ beta
    errors = np.sqrt(left @ left / freedom * np.diag(np.linalg.inv(x.T @ x)))
    return 2 * student.sf(np.abs(beta / errors), freedom)[1 : 1 + len(active)]


def test_centred_log_ratios_sum_to_zero_and_a_doubling_is_one():
    stack = made_stack(1)
    levels = log2_levels(stack, 0)
    assert levels.shape == (len(QUANTITIES), 3, PEOPLE)
    assert np.isnan(levels[:, ~stack.attended[:, 0]]).all()
    guilds = levels[: len(GUILD_SHARES), stack.attended[:, 0]]
    assert guilds.sum(axis=0) == pytest.approx(0.0, abs=1e-12)
    acid = stack.of_visits[ACIDS[0]]
    acid[1] = 2 * acid[0]
    changed = log2_levels(stack, 0)
    assert (changed[len(GUILD_SHARES), 1] - changed[len(GUILD_SHARES), 0]) == pytest.approx(1.0, abs=1e-12)


def test_a_guild_that_doubles_beside_the_others_rises_by_one_less_its_part_of_the_centre():
    stack = made_stack(2)
    for name in GUILD_SHARES:
        stack.of_visits[name][1] = stack.of_visits[name][0] * (2.0 if name == GUILD_SHARES[0] else 1.0)
    levels = log2_levels(stack, 0)
    change = levels[: len(GUILD_SHARES), 1] - levels[: len(GUILD_SHARES), 0]
    count = len(GUILD_SHARES)
    assert change[0] == pytest.approx(1 - 1 / count, abs=1e-12)
    assert change[1:] == pytest.approx(-1 / count, abs=1e-12)


def test_a_value_that_is_not_above_zero_leaves_its_sample_without_a_centre():
    stack = made_stack(3)
    stack.of_visits[GUILD_SHARES[2]][1, 0, 5] = 0.0
    levels = log2_levels(stack, 0)
    assert np.isnan(levels[: len(GUILD_SHARES), 1, 5]).all()
    assert np.isfinite(levels[len(GUILD_SHARES) :, 1, 5]).all()


@pytest.mark.parametrize("effect", [0.0, 1.0])
def test_discoveries_are_those_of_least_squares_and_of_scipy(effect):
    for seed in range(3):
        stack = made_stack(10 + seed, effect)
        levels, arm = log2_levels(stack, 0), stack.arm[0]
        found = discoveries(levels, arm, control=1, arms=3)
        p = np.array([
            [p_value(levels[q, v], levels[q, 0], [arm == 0, arm == 2]) for v in (1, 2)]
            for q in range(len(QUANTITIES))
        ])  # fmt: skip
        for place, k in enumerate((0, 2)):
            for family in (slice(len(GUILD_SHARES)), slice(len(GUILD_SHARES), None)):
                own = p[family, :, place]
                adjusted = false_discovery_control(own.ravel()).reshape(own.shape)
                assert (found[k, family] == (adjusted < 0.05)).all()
        assert not found[1].any(), "the control arm is compared with nothing"
        if effect:
            assert found[[0, 2], 0].all(), "a doubling of the control arm is seen by both others"


def test_without_effects_few_families_have_any_discovery():
    """With all hypotheses true the false discovery rate is that of any discovery: 5 % of families or less."""
    families = []
    for seed in range(60):
        stack = made_stack(100 + seed)
        found = discoveries(log2_levels(stack, 0), stack.arm[0], control=1, arms=3)
        for k in (0, 2):
            families += [found[k, : len(GUILD_SHARES)].any(), found[k, len(GUILD_SHARES) :].any()]
    assert 0 < np.mean(families) <= binom.ppf(0.999, len(families), 0.05) / len(families)


def test_a_quantity_that_does_not_vary_is_no_discovery():
    stack = made_stack(20, 1.0)
    stack.of_visits[ACIDS[-1]][:] = 0.25
    found = discoveries(log2_levels(stack, 0), stack.arm[0], control=1, arms=3)
    assert not found[:, -1].any()


def test_the_median_is_over_the_people_of_all_trials_that_were_seen():
    stacks = [made_stack(30), made_stack(31)]
    parts = [(log2_levels(stack, 0), stack.arm[0]) for stack in stacks]
    found = median_changes(parts, 3)
    both = np.concatenate([levels[:, 1:] - levels[:, :1] for levels, _ in parts], axis=-1)
    arm = np.concatenate([own for _, own in parts])
    for k in range(3):
        assert found[k] == pytest.approx(np.nanmedian(both[..., arm == k], axis=-1), abs=1e-12)
    assert np.isnan(median_changes(parts, 4)[3]).all(), "an arm without people has no median"
