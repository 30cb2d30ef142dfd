"""Subgroups, targeting and individual effects: by hand, by laws, and in worlds where nobody differs."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eubiosis.analysis.estimators.linear import fit_least_squares
from eubiosis.analysis.planning.important_differences import (
    important_difference,
    load_important_differences,
)
from eubiosis.analysis.responders.compared import MODERATORS, ComparedArms, Moderated, compared, upper_groups
from eubiosis.analysis.responders.cross_fit import SHARES, cross_fitted, every_other
from eubiosis.analysis.responders.subgroups import group_contrasts
from eubiosis.analysis.responders.targeting import area_under, area_weights, by_score, gain_curve
from eubiosis.analysis.truth.individuals import calibration, individual_effects
from eubiosis.core.endpoints import ENDPOINTS
from eubiosis.core.trial_stacks import LatentStack, TrialStack

# six people in the order of their score: top sums 5, 8, 12, 12, 13, 12; the mean is 2
SIX = np.array([5.0, 3.0, 4.0, 0.0, 1.0, -1.0])
SCORES = np.array([6.0, 5.0, 4.0, 3.0, 2.0, 1.0])
CURVE = [5 - 2, 8 / 2 - 2, 12 / 3 - 2, 12 / 4 - 2, 13 / 5 - 2, 0.0]


def made(rng, people=100, *, main=-2.0, per_sd=0.0):
    """People of two arms whose effect is ``main``, plus ``per_sd`` for each SD of the first moderator."""
    moderators = rng.normal(size=(len(MODERATORS), people))
    treated = np.arange(people) % 2 == 1
    baseline = rng.normal(35.0, 12.0, people)
    effect = main + per_sd * moderators[1]
    outcome = baseline + rng.normal(0.0, 6.0, people) + treated * effect
    flags = np.vstack([moderators[0] > 0, moderators[1:]]).astype(float)
    return ComparedArms(outcome, baseline, treated, flags, upper_groups(flags), np.arange(people)), effect


def test_the_curve_of_six_people_by_hand():
    shares = np.arange(1, 7) / 6
    order = [3, 0, 5, 1, 4, 2]  # the order of rows plays no part
    assert gain_curve(SIX[order], SCORES[order], shares) == pytest.approx(CURVE)
    # a quarter of six is one and a half: (5 + 3 / 2) / 1.5
    assert gain_curve(SIX, SCORES, np.array([0.25])) == pytest.approx([6.5 / 1.5 - 2])


def test_the_areas_of_six_people_by_hand():
    assert area_under(SIX, SCORES, "autoc")[0] == pytest.approx(sum(CURVE) / 6)
    qini = sum((k + 1) / 6 * gain for k, gain in enumerate(CURVE)) / 6
    assert area_under(SIX, SCORES, "qini")[0] == pytest.approx(qini)
    assert area_under(SIX, SCORES, "qini")[0] == pytest.approx((3 + 4 + 6 + 4 + 3) / 36)


def test_people_of_one_score_share_their_benefit():
    assert by_score(SIX, np.zeros(6)).tolist() == [2.0] * 6
    assert area_under(SIX, np.zeros(6), "autoc")[0] == pytest.approx(0.0)
    tied = np.array([1.0, 1.0, 0.0, 0.0, 0.0, 0.0])
    assert gain_curve(SIX, tied, np.array([1 / 6, 2 / 6])) == pytest.approx([2.0, 2.0])


NUMBERS = st.lists(st.floats(-100, 100), min_size=2, max_size=12)


@settings(max_examples=60, deadline=None)
@given(NUMBERS, st.randoms(use_true_random=False), st.floats(-50, 50))
def test_a_perfect_score_gains_most_and_a_level_for_all_plays_no_part(values, random, level):
    benefits = np.array(values)
    shuffled = list(values)
    random.shuffle(shuffled)
    shares = np.arange(1, len(values) + 1) / len(values)
    best, some = gain_curve(benefits, benefits, shares), gain_curve(benefits, np.array(shuffled), shares)
    assert np.all(best >= some - 1e-9)
    assert np.all(best >= -1e-9)
    assert abs(best[-1]) < 1e-9
    assert np.allclose(gain_curve(benefits + level, benefits, shares), best, atol=1e-8)
    for area in ("autoc", "qini"):
        most = area_under(benefits, benefits, area)[0]
        assert most >= area_under(benefits, np.array(shuffled), area)[0] - 1e-9
        assert abs(area_weights(len(values), area).sum()) < 1e-9
        assert area_under(benefits, -benefits, area)[0] <= 1e-9
    assert area_under(benefits, benefits, "autoc")[0] == pytest.approx(best.mean(), abs=1e-8)


def test_the_error_of_an_area_is_that_of_repeated_people():
    rng = np.random.default_rng(3)
    found = np.array([area_under(rng.normal(size=80), rng.normal(size=80), "autoc") for _ in range(800)])
    assert found[:, 0].std() == pytest.approx(found[:, 1].mean(), rel=0.1)


def test_group_contrasts_are_those_of_least_squares():
    data, _ = made(np.random.default_rng(5), 61, per_sd=3.0)
    found = group_contrasts(data)
    for k, group in enumerate(data.upper):
        arm = data.treated.astype(float)
        matrix = np.column_stack([np.ones(61), data.baseline, group, arm, arm * group])
        fit = fit_least_squares(data.outcome, matrix)
        assert found.low[k] == pytest.approx(fit.coefficients[3])
        assert found.high[k] == pytest.approx(fit.coefficients[3] + fit.coefficients[4])
        assert found.difference[k] == pytest.approx(fit.coefficients[4])
        assert found.error[k] == pytest.approx(fit.standard_error(4))


def test_a_group_of_two_people_and_an_outcome_that_does_not_vary_give_nothing():
    data, _ = made(np.random.default_rng(5), 40)
    few = np.zeros(40)
    few[:4] = 1.0
    small = ComparedArms(
        data.outcome, data.baseline, data.treated, data.moderators, np.stack([few]), data.place
    )
    assert math.isnan(group_contrasts(small).p_value[0])
    flat = ComparedArms(np.ones(40), data.baseline, data.treated, data.moderators, data.upper, data.place)
    assert np.isnan(group_contrasts(flat).p_value).all()


def test_where_nobody_differs_tests_find_as_much_as_chance_does():
    rng, trials = np.random.default_rng(11), 400
    p_values, claims = [], 0
    for _ in range(trials):
        data, _ = made(rng)
        p_values.append(group_contrasts(data).p_value)
        halves = cross_fitted(data)
        assert halves is not None
        area, error = halves.area(-1.0, "autoc")
        claims += area > 1.96 * error
    tests = np.array(p_values)
    # the tests of one trial share its people, so that the error is taken over trials
    shares = (tests < 0.05).mean(axis=1)
    assert shares.mean() == pytest.approx(0.05, abs=3.3 * shares.std() / math.sqrt(trials))
    assert claims / trials == pytest.approx(0.025, abs=3.3 * math.sqrt(0.025 * 0.975 / trials))


def test_a_difference_that_is_there_is_found_and_true():
    rng = np.random.default_rng(2)
    data, effect = made(rng, 600, per_sd=-8.0)
    halves = cross_fitted(data)
    assert halves is not None
    assert np.corrcoef(halves.predicted, effect)[0, 1] > 0.9
    area, error = halves.area(-1.0, "autoc")
    assert area > 5 * error
    assert group_contrasts(data).p_value[1] < 1e-6
    assert halves.effect.mean() == pytest.approx(effect.mean(), abs=3 * 12 / math.sqrt(600))
    assert halves.curve(-1.0)[-1] == pytest.approx(0.0, abs=1e-9)
    assert halves.curve(-1.0)[0] == pytest.approx(gain_curve(-effect, -effect, SHARES)[0], rel=0.25)


def test_what_is_added_to_all_outcomes_changes_no_prediction():
    data, _ = made(np.random.default_rng(4), 80)
    more = ComparedArms(
        data.outcome + 7, data.baseline, data.treated, data.moderators, data.upper, data.place
    )
    one, other = cross_fitted(data), cross_fitted(more)
    assert one is not None
    assert other is not None
    assert np.allclose(one.predicted, other.predicted)
    assert np.allclose(one.effect, other.effect)


def test_too_few_people_teach_nothing():
    data, _ = made(np.random.default_rng(4), 40)
    assert cross_fitted(data) is None


def test_halves_hold_both_arms_alike():
    treated = np.array([True, True, False, True, False, False, True])
    second = every_other(treated)
    assert second.tolist() == [False, True, False, False, True, False, True]


def test_the_median_belongs_to_the_upper_group_and_who_is_unknown_to_none():
    values = np.full((len(MODERATORS), 4), 1.0)
    values[0] = [0, 1, 1, np.nan]
    values[1] = [10, 20, 30, np.nan]
    upper = upper_groups(values)
    assert np.array_equal(upper[0], [0, 1, 1, np.nan], equal_nan=True)
    assert np.array_equal(upper[1], [0, 1, 1, np.nan], equal_nan=True)


def observed():
    """One trial of four people, two in each arm; the last missed the last visit."""
    seen = np.array([[[True] * 4], [[True, True, True, False]]])
    visits = {
        "edss": [[2.0, 3.0, 2.0, 3.0], [2.0, 3.0, 1.0, 9.0]],
        "mfis": [[30.0, 40.0, 50.0, 60.0]] * 2,
        "treg": [[1.0, 2.0, 4.0, 8.0], [2.0, 2.0, 2.0, 2.0]],
        **{name: [[0.1] * 4] * 2 for name in ("share_FAE", "share_ROS", "share_ANA")},
    }
    return TrialStack(
        0, 0, np.array([0]), np.arange(4), ("placebo", "active"), np.array([[0, 1, 0, 1]]),
        np.array([0.0, 12.0]), seen,
        {"female": np.array([True, False, True, False]), "age": np.array([30.0, 40.0, 50.0, 60.0])},
        {name: np.array(values)[:, None, :] for name, values in visits.items()},
    )  # fmt: skip


def test_people_of_two_arms_who_have_an_outcome_are_compared():
    stack = observed()
    people = Moderated.of(stack)
    assert people.values[4] == pytest.approx([0.3] * 4)
    data = compared(stack, people, ENDPOINTS["treg"], "active", "placebo")
    assert data.place.tolist() == [0, 1, 2]
    assert data.treated.tolist() == [False, True, False]
    assert data.outcome == pytest.approx(np.log([2.0, 2.0, 2.0]))
    assert data.baseline == pytest.approx(np.log([1.0, 2.0, 4.0]))


def latent(targets=None):
    mfis = np.array([[[30.0, 20.0, 10.0]], [[28.0, 24.0, 10.0]]])
    acids = np.array([[1.0, 2.0, 4.0], [2.0, 2.0, 1.0]])
    return LatentStack(
        0, 0, np.array([0]), np.arange(3), ("placebo", "active"), {"stool_butyrate": acids},
        {"mfis_last_visit": mfis}, targets or {},
    )  # fmt: skip


def test_an_individual_effect_is_twin_less_twin():
    effect = individual_effects(latent(), ENDPOINTS["mfis"], "active", "placebo")
    assert effect.tolist() == [-2.0, 4.0, 0.0]
    ratio = individual_effects(latent(), ENDPOINTS["stool_butyrate"], "active", "placebo")
    assert ratio == pytest.approx(np.log([2.0, 1.0, 0.25]))
    with pytest.raises(ValueError, match="relapses is a count"):
        individual_effects(latent(), ENDPOINTS["relapses"], "active", "placebo")


def test_under_a_strategy_the_effect_is_that_of_its_variable_and_stratum():
    values = np.array([[[30.0, 20.0, 0.0]], [[20.0, 21.0, 0.0]]])
    weights = np.array([[[1.0, 1.0, 0.0]], [[1.0, 1.0, 0.0]]])
    truth = latent({"mfis": np.stack([values, weights])})
    effect = individual_effects(truth, ENDPOINTS["mfis"], "active", "placebo")
    assert effect[:2].tolist() == [-10.0, 1.0]
    assert math.isnan(effect[2])


def test_calibration_by_fifths_by_hand():
    predicted = np.arange(10.0)[::-1]
    true = np.array([0.0, 2.0, *[1.0] * 6, 5.0, np.nan])  # the lowest prediction has no effect
    found = calibration(predicted, true)
    assert found[0].tolist() == [1.5, 3.5, 5.5, 7.5, 9.0]
    assert found[1].tolist() == [3.0, 1.0, 1.0, 1.5, 0.0]
    assert np.isnan(calibration(predicted[:4], true[:4])).all()


def test_differences_that_matter_are_sourced():
    rows = load_important_differences()
    assert {row.endpoint for row in rows} <= set(ENDPOINTS)
    assert all(row.source and row.people > 0 and row.unit == ENDPOINTS[row.endpoint].unit for row in rows)
    beyond = important_difference("mfis", "detectable")
    assert beyond is not None
    # 1.96 sqrt(2) standard errors of measurement of 7.3 points: the number of the trial layer
    assert beyond.value == pytest.approx(1.96 * math.sqrt(2) * 7.3, abs=0.05)
    assert important_difference("relapses") is None
