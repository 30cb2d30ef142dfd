"""Analyses that once printed numbers without meaning, or refused what has an answer, with the right value.

Values of R are those of R 4.2.2 with survival 3.5.3, vegan 2.6.4 and metafor 3.8.1 on the data below.
"""

import math

import numpy as np
import pytest

from eubiosis.analysis.estimators import multiplicity
from eubiosis.analysis.estimators.binary import newcombe_interval, risk_contrasts
from eubiosis.analysis.estimators.continuous import ancova, ancovas, cohen_d, glass_delta, hedges_g
from eubiosis.analysis.estimators.counts import rate_ratio, rate_ratios
from eubiosis.analysis.estimators.ecology import (
    alpha_diversity,
    dispersion,
    dissimilarity,
    permanova,
    taxon_models,
)
from eubiosis.analysis.estimators.imputation import impute, pool, reference_based_difference
from eubiosis.analysis.estimators.randomisation import randomisation_p
from eubiosis.analysis.estimators.repeated import canonical_periods, cluster_trial, crossover, mmrm, sequences
from eubiosis.analysis.estimators.survival import (
    hazard_ratio,
    kaplan_meier,
    log_rank,
    recurrent_rate_ratio,
    restricted_mean_difference,
)
from eubiosis.analysis.estimators.times import same_times

ARMS = {"treated": "t", "control": "c"}
TABLE = np.array([[0, 2], [1, 2], [1, 0], [0, 3], [2, 3], [2, 0]], dtype=float)
GROUPS = list("aaabbb")


# 1 numbers without meaning


@pytest.mark.parametrize("hole", [math.nan, math.inf])
def test_a_distance_that_is_missing_leaves_no_permanova(hole):
    distances = dissimilarity(TABLE)
    distances[0, 1] = distances[1, 0] = hole
    for one in (permanova(distances, GROUPS, seed=1), dispersion(distances, GROUPS)):
        assert one.status == "not_finite"
        assert math.isnan(one.p_value)
        assert "entry 1, 2" in one.reason


def test_a_covariate_that_is_missing_leaves_no_permanova():
    one = permanova(dissimilarity(TABLE), GROUPS, covariates=[1.0, 2, 3, 4, 5, math.nan], seed=1)
    assert (one.status, math.isnan(one.p_value)) == ("not_finite", True)


def test_arms_apart_in_time_have_no_hazard_ratio():
    one = hazard_ratio([1, 2, 3, 4, 11, 12, 13, 14], [1] * 8, list("cccctttt"), **ARMS)
    assert one.status == "separated"
    assert math.isnan(one.ci_high)


@pytest.mark.parametrize("ties", ["Efron", "Breslow", "exact"])
def test_a_covariate_that_orders_all_events_leaves_only_what_it_does_not_touch(ties):
    marker = [4.0, 3, 2, 1, 4, 3, 2, 1]
    one = hazard_ratio(
        [1, 2, 3, 4, 1, 2, 3, 4], [1] * 8, list("cctttcct"), covariates={"marker": marker}, ties=ties, **ARMS
    )
    # at each time the two who are left with the highest marker are tied: nothing tells the arms apart
    assert one.usable == (one.status == "ok")
    assert one.status in ("ok", "separated")
    if one.usable:
        assert one.estimate == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("outcome", [[7.1] * 10, [1.0] * 5 + [2.0] * 5, [0.0] * 10])
@pytest.mark.parametrize("covariance", ["model", "HC3"])
def test_a_constant_or_perfectly_fitted_outcome_has_no_residual(outcome, covariance):
    arm = np.repeat(["t", "c"], 5)
    assert ancova(outcome, arm, covariance=covariance, **ARMS).status == "no_variance"
    assert cohen_d(outcome, arm, **ARMS).status == "no_variance"
    assert hedges_g(outcome, arm, **ARMS).status == "no_variance"
    assert math.isnan(glass_delta(outcome, arm, **ARMS))
    cluster = np.arange(10) // 2
    for robust in (False, True):
        assert not cluster_trial(cluster, outcome, arm, robust=robust, **ARMS).usable


def test_what_is_imputed_for_an_arm_that_was_never_seen_rests_on_nothing():
    draw = np.random.default_rng(1)
    arm = np.repeat(["t", "c"], 12)
    outcomes = draw.normal(size=(24, 3))
    outcomes[:12, 2] = np.nan
    one = reference_based_difference(outcomes, arm, seed=1, **ARMS)
    assert (one.status, "t" in one.detail["reason"]) == ("no_information", True)
    with pytest.raises(ValueError, match="no_information"):
        impute(outcomes, arm, control="c", seed=1)


def _intervals(**change):
    """Return eight participants with two intervals each, some column changed."""
    columns = {
        "participant": np.repeat(np.arange(8), 2),
        "start": np.tile([0.0, 1.0], 8) + np.repeat(np.arange(8), 2) / 100 * np.tile([0, 1], 8),
        "stop": np.tile([1.0, 2.0], 8) + np.repeat(np.arange(8), 2) / 100 * np.tile([1, 1], 8),
        "event": np.array([1, 1, 0, 0, 1, 0, 1, 1, 1, 1, 1, 0, 0, 1, 1, 0]),
        "arm": np.repeat(list("tttctccc"), 2),
    }
    for name, (row, value) in change.items():
        columns[name] = columns[name].astype(object) if name == "arm" else columns[name].astype(float)
        columns[name][row] = value
    return columns


def test_intervals_as_they_should_be_have_a_rate_ratio():
    assert recurrent_rate_ratio(**_intervals(), **ARMS).status == "ok"
    # one event each, everybody at risk at each: nobody differs from the mean, there is no spread
    alike = {**_intervals(), "event": np.tile([1, 0], 8)}
    assert recurrent_rate_ratio(**alike, **ARMS).status == "no_variance"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"stop": (2, 0.0)}, "no length"),
        ({"start": (3, 0.5)}, "overlap"),
        ({"arm": (1, "c")}, "two arms"),
        ({"arm": (slice(0, 2), "T")}, "two spellings"),
    ],
)
def test_intervals_that_contradict_each_other(change, says):
    one = recurrent_rate_ratio(**_intervals(**change), **ARMS)
    assert one.status == "contradictory"
    assert says in one.detail["reason"]


def test_events_without_any_time_contradict_themselves():
    one = rate_ratio([2, 1, 0, 1, 2, 3], [0.0, 1, 1, 1, 1, 1], list("tttccc"), **ARMS)
    assert (one.status, "row 1" in one.detail["reason"]) == ("contradictory", True)
    none = rate_ratio([0, 1, 0, 1, 2, 3], [0.0, 1, 1, 1, 1, 1], list("tttccc"), **ARMS)
    assert (none.missing_treated, none.usable) == (1, True)


def test_a_participant_in_two_arms_of_repeated_measures():
    person, visit = np.repeat(np.arange(10), 2), np.tile([1.0, 2.0], 10)
    arm = np.where(person < 5, "t", "c")
    arm[0] = "c"
    found = mmrm(person, visit, np.random.default_rng(1).normal(size=20), arm, **ARMS)
    assert {one.status for one in found} == {"contradictory"}


def test_degrees_of_freedom_follow_the_clusters_when_their_variance_is_zero():
    """Four clusters of 65 people; pbkrtest 0.5.2 has 2 degrees of freedom for every balanced design."""
    draw = np.random.default_rng(3)
    for _ in range(20):
        cluster = np.repeat(np.arange(4), [17, 16, 16, 16])
        one = cluster_trial(cluster, draw.normal(size=65), np.where(cluster < 2, "t", "c"), **ARMS)
        if one.status == "boundary":
            break
    assert one.status == "boundary"
    assert one.degrees_of_freedom == pytest.approx(2.0, rel=0.02)
    even = np.repeat(np.arange(6), 5)
    outcome = np.tile([1.0, 2.0, 3.0, 4.0, 5.0], 6) + (even < 3)
    exact = cluster_trial(even, outcome, np.where(even < 3, "t", "c"), **ARMS)
    assert (exact.status, exact.estimate) == ("boundary", pytest.approx(1.0))
    assert exact.degrees_of_freedom == pytest.approx(4.0, rel=1e-6)


def test_one_cluster_in_each_arm_says_nothing():
    cluster = np.repeat([0, 1], 20)
    outcome = np.random.default_rng(1).normal(size=40)
    for robust in (False, True):
        one = cluster_trial(cluster, outcome, np.where(cluster == 0, "t", "c"), robust=robust, **ARMS)
        assert one.status == "no_information"


def test_negative_squared_distances_count_as_zero():
    """betadisper: F 0.00093, p 0.97717, mean distances 0.3330773 and 0.3406067, two squares below zero."""
    one = dispersion(dissimilarity(TABLE), GROUPS)
    assert one.mean_distance == pytest.approx([0.3330773, 0.3406067], rel=1e-5)
    assert one.f_statistic == pytest.approx(0.000085039 / 0.091709692, rel=1e-3)
    assert one.p_value == pytest.approx(0.97717, abs=1e-4)
    assert one.negative == 2


def test_evenness_of_one_taxon_is_undefined_and_left_out_of_the_mean():
    even = alpha_diversity([[4, 4, 0], [9, 0, 0], [1, 1, 1]], "evenness")
    np.testing.assert_allclose(even, [1.0, math.nan, 1.0])
    assert np.nanmean(even) == pytest.approx(1.0)


def test_an_undefined_p_value_is_not_among_those_corrected():
    draw = np.random.default_rng(2)
    table = draw.poisson(6.0, (20, 4)).astype(float)
    table[:, 3] = 0.0
    found = taxon_models(
        table, None, list("abcd"), np.repeat(["t", "c"], 10), **ARMS, smallest_prevalence=0.0
    )
    p = [one.estimate.p_value for one in found]
    assert {one.tested for one in found} == {int(np.sum(~np.isnan(p)))}
    np.testing.assert_allclose(
        multiplicity.adjust([0.01, math.nan, 0.02], "BH"),
        multiplicity.adjust([0.01, 0.02], "BH")[[0, 0, 1]] * [1, math.nan, 1],
    )


def test_a_missing_count_is_not_a_small_p_value():
    draw = np.random.default_rng(1)
    counts = draw.poisson(2.0, 20).astype(float)
    arm = np.repeat(["t", "c"], 10)
    holed = np.append(counts, math.nan)
    p = [
        randomisation_p(values, np.ones(len(values)), labels, generator=np.random.default_rng(5), **ARMS)
        for values, labels in ((counts, arm), (holed, np.append(arm, "t")))
    ]
    # whoever has no count takes part in the re-labelling and adds nothing to the sums
    assert abs(p[0] - p[1]) < 5 * math.sqrt(p[0] * (1 - p[0]) * 2 / 999) + 0.05
    with pytest.raises(ValueError, match="infinite"):
        randomisation_p([math.inf, 1.0], [1.0, 1.0], ["t", "c"], generator=draw, **ARMS)


# 2 refusals of what has an answer, or of more than has none


@pytest.mark.parametrize("groups", ["aaaaaa", "abcdef"])
def test_one_group_or_groups_of_one_have_no_test(groups):
    for one in (
        permanova(dissimilarity(TABLE), list(groups), seed=1),
        dispersion(dissimilarity(TABLE), list(groups)),
    ):
        assert not one.usable
        assert one.reason


def test_distances_that_are_all_zero_have_no_test():
    zero = np.zeros((6, 6))
    assert permanova(zero, GROUPS, seed=1).status == "no_variance"
    assert dispersion(zero, GROUPS).status == "no_variance"


def test_a_log_rank_test_without_events():
    one = log_rank([1.0, 2.0, 3.0], [0, 0, 0], ["t", "c", "c"])
    assert (one.status, math.isnan(one.p_value)) == ("too_few_events", True)
    apart = log_rank([1.0, 2.0, 3.0, 4.0], [1, 1, 1, 1], list("ttcc"), strata=[0, 0, 1, 1])
    assert apart.status == "no_information"


def test_a_group_that_left_before_the_first_event_takes_no_degree_of_freedom():
    """survdiff leaves out groups without expected events: the statistic of the two others on one."""
    time, event, group = [5.0, 6, 7, 8, 5, 7, 9, 10, 1, 2], [1, 1, 0, 1, 1, 0, 1, 1, 0, 0], list("ttttccccuu")
    three = log_rank(time, event, group)
    two = log_rank(time[:8], event[:8], group[:8])
    assert (three.degrees_of_freedom, three.value) == (1, pytest.approx(two.value))


def _three_arms():
    """Times of three arms, the third without events."""
    time = [3, 5, 7, 9, 4, 6, 8, 10, 5, 6, 7, 11]
    return time, [1, 1, 0, 1, 1, 0, 1, 1, 0, 0, 0, 0], np.repeat(["c", "t", "z"], 4)


def test_a_third_arm_without_events_leaves_the_hazard_ratio_of_the_others():
    """coxph: -0.6075067 (0.9213162) with and without the third arm."""
    time, event, arm = _three_arms()
    one = hazard_ratio(time, event, arm, **ARMS)
    assert one.status == "ok"
    assert math.log(one.estimate) == pytest.approx(-0.6075067, rel=1e-6)
    assert one.standard_error == pytest.approx(0.9213162, rel=1e-6)
    assert hazard_ratio(time, event, arm, treated="z", control="c").status == "too_few_events"


def test_a_third_arm_without_events_leaves_the_odds_and_rate_ratios_of_the_others():
    draw = np.random.default_rng(4)
    arm = np.repeat(["c", "t", "z"], 15)
    event = (draw.random(45) < 0.5).astype(int)
    event[arm == "z"] = 0
    kept = arm != "z"
    for one, two in zip(
        risk_contrasts(event, arm, **ARMS), risk_contrasts(event[kept], arm[kept], **ARMS), strict=True
    ):
        assert one.status == "ok"
        assert (one.estimate, one.standard_error) == pytest.approx(
            (two.estimate, two.standard_error), rel=1e-6
        )
    for law in ("negative binomial", "Poisson", "Poisson, robust"):
        counts = draw.poisson(2.0, 45) * kept
        whole = rate_ratio(counts, np.ones(45), arm, law=law, **ARMS)
        part = rate_ratio(counts[kept], np.ones(30), arm[kept], law=law, **ARMS)
        assert (whole.estimate, whole.standard_error) == pytest.approx(
            (part.estimate, part.standard_error), rel=1e-6
        )


def test_a_covariate_that_separates_leaves_the_odds_ratio_of_the_arms_where_it_is_silent():
    """Everybody with the marker has the event: their rows fit perfectly, the others are as if alone."""
    draw = np.random.default_rng(7)
    arm = np.tile(["c", "t"], 20)
    marker = np.repeat([1.0, 0.0], [8, 32])
    event = np.where(marker == 1, 1, draw.random(40) < 0.5).astype(int)
    odds = risk_contrasts(event, arm, covariates={"marker": marker}, **ARMS)[2]
    alone = risk_contrasts(event[8:], arm[8:], **ARMS)[2]
    assert odds.status == "ok"
    assert (odds.estimate, odds.standard_error) == pytest.approx(
        (alone.estimate, alone.standard_error), rel=1e-6
    )
    assert odds.detail["undefined_directions"] == 1


def test_nobody_of_twenty_against_eight_has_a_risk_difference():
    """Newcombe's method 10 by hand; the score test is prop.test's without correction, chi-squared 10."""
    event = [0] * 20 + [1] * 8 + [0] * 12
    one = risk_contrasts(event, np.repeat(["t", "c"], 20), **ARMS)[0]
    assert (one.status, one.estimate) == ("boundary", -0.4)
    assert one.p_value == pytest.approx(0.001565402, rel=1e-6)
    # Wilson: 0 to 0.161125 of 0/20, 0.218807 to 0.613419 of 8/20
    assert one.ci_low == pytest.approx(-0.4 - (0.613419 - 0.4), abs=1e-6)
    assert one.ci_high == pytest.approx(-0.4 + math.hypot(0.161125, 0.4 - 0.218807), abs=1e-5)
    assert newcombe_interval((0, 8), (20, 20)) == pytest.approx((one.ci_low, one.ci_high))


def test_an_arm_that_is_absent_at_one_visit_leaves_the_others():
    draw = np.random.default_rng(5)
    person, visit = np.repeat(np.arange(40), 3), np.tile([1.0, 2.0, 3.0], 40)
    arm = np.where(person < 20, "t", "c")
    outcome = np.repeat(draw.normal(size=40), 3) + draw.normal(size=120)
    outcome[(arm == "t") & (visit == 3)] = np.nan
    found = mmrm(person, visit, outcome, arm, **ARMS)
    assert [one.status for one in found] == ["ok", "ok", "singular"]
    first = [outcome[(arm == name) & (visit == 1)].mean() for name in ("t", "c")]
    assert found[0].estimate == pytest.approx(first[0] - first[1], rel=1e-6)


def test_an_arm_nobody_of_whom_was_seen_leaves_the_others():
    """The third arm has no outcome: the difference of the others is that of their own table."""
    draw = np.random.default_rng(6)
    arm, score = np.repeat(["c", "t", "z"], 8), draw.normal(size=24)
    score[arm == "z"] = np.nan
    counts = np.where(arm == "z", np.nan, draw.poisson(2.0, 24))
    kept = arm != "z"
    t, z = ancovas(score, arm, control="c")
    assert (t.status, z.status) == ("ok", "too_few_participants")
    assert t.p_value == pytest.approx(ancova(score[kept], arm[kept], **ARMS).p_value)
    t, z = rate_ratios(counts, np.ones(24), arm, control="c")
    assert (t.usable, z.status) == (True, "too_few_participants")


# 3 what users expect


def test_times_that_differ_by_rounding_are_tied():
    """coxph: -0.1560270 with its timefix, -0.2439561 without."""
    time, event = [0.1 + 0.2, 0.3, 0.5, 0.7, 0.2, 0.9, 0.4, 0.8], [1, 1, 1, 0, 1, 1, 0, 1]
    one = hazard_ratio(time, event, list("tcttcctc"), **ARMS)
    assert math.log(one.estimate) == pytest.approx(-0.1560270, rel=1e-6)
    assert one.detail["times_tied_as_equal"] == 1
    assert log_rank(time, event, list("tcttcctc")).value == pytest.approx(0.02247191011, rel=1e-8)
    assert kaplan_meier([0.1 + 0.2, 0.3, 1.0], [1, 1, 0]).survival.tolist() == pytest.approx([1 / 3])


def test_the_tolerance_of_ties_is_that_of_r():
    (times,), gone = same_times(np.array([1.0, 1.0 + 1e-8, 1.0 + 1e-7, 5e9]))
    assert gone == 2  # 1e-7 is far from 1, and rounding beside the mean of 1.25e9
    (times,), gone = same_times(np.array([1.0, 1.0 + 1e-8, 1.0 + 1e-7, math.inf]))
    assert (gone, times[0] == times[1], times[2] > times[1]) == (1, True, True)


@pytest.mark.parametrize(
    ("time", "event", "median"),
    [
        ([1, 2, 3, 4], [1, 1, 1, 1], 2.5),
        ([1, 2, 3, 4], [1, 1, 0, 0], 2.0),
        ([1, 2, 2.5, 3, 4], [0, 1, 0, 1, 1], 3.0),
    ],
)
def test_a_curve_at_exactly_one_half_has_its_median_in_the_middle(time, event, median):
    """survfit of R gives the same three."""
    assert kaplan_meier(np.array(time, dtype=float), event).median == median


def test_a_period_that_is_absent_says_the_same_as_one_without_outcome():
    draw = np.random.default_rng(9)
    person, period = np.repeat(np.arange(12), 2), np.tile([1, 2], 12)
    arm = np.where((person % 2 == 0) == (period == 1), "t", "c")
    outcome = np.repeat(draw.normal(size=12), 2) + draw.normal(size=24)
    gone = (period == 2) & (person < 3)
    holed = np.where(gone, np.nan, outcome)
    one = crossover(person, period, holed, arm, **ARMS)
    two = crossover(person[~gone], period[~gone], outcome[~gone], arm[~gone], **ARMS)
    assert (one.estimate, one.p_value) == pytest.approx((two.estimate, two.p_value), rel=1e-9)
    assert "sequences_unknown" not in two.detail


def test_a_sequence_that_several_could_be_is_its_own():
    people, periods = np.array(["1", "1", "2", "2", "3"]), np.array(["1", "2", "1", "2", "1"])
    found, unknown = sequences(people, periods, np.array(["t", "c", "t", "t", "t"]))
    assert (found.tolist(), unknown) == (["t-c", "t-c", "t-t", "t-t", "t"], 1)


def test_periods_are_in_the_order_of_their_numbers():
    people = np.array(["1"] * 3)
    for periods in (["10", "2", "1"], ["period 10", "period 2", "period 1"]):
        found, _ = sequences(people, np.array(periods), np.array(["z", "y", "x"]))
        assert found[0] == "x-y-z"
    assert canonical_periods([2, 10.0]).tolist() == canonical_periods(["2.0", "1e1"]).tolist() == ["2", "10"]


def test_two_rows_of_one_period_contradict_each_other():
    one = crossover([1, 1, 2, 2], [1, 1, 1, 2], [1.0, 2, 3, 4], list("tctc"), **ARMS)
    assert one.status == "contradictory"


def test_a_restricted_mean_of_nobody():
    one = restricted_mean_difference([1.0, math.nan], [1, 1], ["c", "t"], limit=0.5, **ARMS)
    assert one.status == "too_few_participants"


def test_rubins_rules_need_variances():
    with pytest.raises(ValueError, match="positive"):
        pool([1.0, 2.0], [0.0, 0.0])
