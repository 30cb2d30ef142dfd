"""What a strategy makes of a record, by hand: one trial of few people in which every day is known."""

from dataclasses import replace

import numpy as np
import pytest

from eubiosis.analysis.strategies import analysed
from eubiosis.analysis.truth.effects import Twins, effects_of_world
from eubiosis.core.calendar import DAYS_PER_YEAR
from eubiosis.core.endpoints import ENDPOINTS
from eubiosis.core.intercurrent import StrategyRule
from eubiosis.core.trial_stacks import LatentStack, TrialStack
from eubiosis.core.trial_tables import TrialKey

WEEKS = np.array([0.0, 12.0, 24.0])
NUMBERS = np.array([7, 3, 5, 11])
STEROIDS = 30.0


def rule(endpoint, event, strategy, **more):
    return StrategyRule(endpoint, event, strategy, **more)


@pytest.fixture
def stack():
    """Four people, 168 days but the last, who left on day 100; in the second trial nothing happens."""
    shape = (3, 2, 4)
    attended = np.ones(shape, dtype=bool)
    attended[2, :, 3] = False
    score = np.broadcast_to(np.array([30.0, 32.0, 34.0])[:, None, None], shape) + np.arange(4.0)
    score = np.where(attended, score, np.nan)
    gd = np.where(attended, np.array([0.0, 2.0, 1.0])[:, None, None], np.nan)
    gd[0] = np.nan
    t2 = np.where(attended, np.array([0.0, 3.0, 5.0])[:, None, None], np.nan)
    t2[0] = np.nan
    followed = np.tile(np.array([168.0, 168.0, 168.0, 100.0]) / DAYS_PER_YEAR, (2, 1))
    relapses = {
        "gut_world": np.zeros(5, int), "host_world": np.zeros(5, int), "replicate": np.zeros(5, int),
        "subject": np.array([7, 7, 3, 3, 5]), "arm": np.array(["a", "a", "b", "b", "a"]),
        "day": np.array([20.0, 120.0, 60.0, 65.0, 50.0]),
    }  # fmt: skip
    events = {
        "gut_world": np.zeros(4, int), "host_world": np.zeros(4, int), "replicate": np.zeros(4, int),
        "subject": np.array([7, 3, 3, 11]), "arm": np.array(["a", "b", "b", "b"]),
        "event": np.array(["drug_switch", "rescue_steroids", "rescue_steroids", "discontinuation"]),
        "day": np.array([100.0, 61.0, 70.0, 40.0]),
    }  # fmt: skip
    counts = np.array([[2.0, 2.0, 1.0, 0.0], [0.0] * 4])
    return TrialStack(
        0, 0, np.array([0, 1]), NUMBERS, ("a", "b"), np.array([[0, 1, 0, 1]] * 2), WEEKS, attended,
        {
            "follow_up_years": followed, "relapses": counts, "scans": np.array([[2.0, 2.0, 2.0, 1.0]] * 2),
            "gd_lesions": np.array([[3.0, 3.0, 3.0, 2.0]] * 2),
            "t2_lesions": np.array([[5.0, 5.0, 5.0, 3.0]] * 2),
            "t2_years": np.array([[168.0, 168.0, 168.0, 84.0]] * 2) / DAYS_PER_YEAR,
        },
        {"edss": score, "mfis": score, "gd_lesions_on_scan": gd, "t2_lesions_so_far": t2},
        relapses=relapses, intercurrent=events,
    )  # fmt: skip


def under(stack, *rules):
    return analysed(replace(stack, rules=rules))


def days(stack):
    return stack.of_subjects["follow_up_years"] * DAYS_PER_YEAR


def test_treatment_policy_analyses_the_record_itself(stack):
    assert under(stack, rule("relapses", "drug_switch", "treatment policy")).of_subjects is stack.of_subjects
    assert analysed(stack) is stack


def test_hypothetical_ends_the_count_the_day_before_a_lasting_event(stack):
    made = under(stack, rule("relapses", "drug_switch", "hypothetical"))
    assert made.of_subjects["relapses"][0].tolist() == [1, 2, 1, 0]  # day 20 counts, day 120 does not
    assert days(made)[0] == pytest.approx([99, 168, 168, 100])
    np.testing.assert_array_equal(made.of_subjects["relapses"][1], stack.of_subjects["relapses"][1])
    for name in ("gd_lesions", "scans", "t2_lesions", "t2_years"):
        assert made.of_subjects[name] is stack.of_subjects[name]


def test_hypothetical_leaves_out_the_weeks_after_a_course_and_counts_overlapping_ones_once(stack):
    made = under(stack, rule("relapses", "rescue_steroids", "hypothetical", affects=STEROIDS))
    # courses on days 61 and 70: days 61 to 99 are left out, 39 of them; day 60 counts, day 65 does not
    assert made.of_subjects["relapses"][0].tolist() == [2, 1, 1, 0]
    assert days(made)[0] == pytest.approx([168, 168 - 39, 168, 100])


def test_composite_counts_the_event_as_one_more_and_a_score_as_its_failure(stack):
    made = under(
        stack,
        rule("relapses", "drug_switch", "composite"),
        rule("edss", "discontinuation", "composite", failure=90.0),
    )
    assert made.of_subjects["relapses"][0].tolist() == [3, 2, 1, 0]
    assert days(made)[0] == pytest.approx([168, 168, 168, 100])
    # who stopped and then left is a failure, not a missing value
    assert made.of_visits["edss"][2, 0].tolist() == [34.0, 35.0, 36.0, 90.0]
    assert np.isnan(made.of_visits["edss"][2, 1, 3])
    assert np.isnan(made.of_visits["mfis"][2, 0, 3])
    assert made.attended[2, 0, 3]
    assert not made.attended[2, 1, 3]


def test_while_on_treatment_takes_what_came_before(stack):
    made = under(
        stack,
        *(rule(name, "drug_switch", "while on treatment") for name in ("relapses", "edss",
        "gd_lesions", "t2_lesions")), rule("mfis", "discontinuation", "while on treatment"),
    )  # fmt: skip
    assert made.of_subjects["relapses"][0, 0] == 1
    assert days(made)[0, 0] == pytest.approx(99)
    assert made.of_visits["edss"][2, 0].tolist()[:3] == [32.0, 35.0, 36.0]  # week 12 of the first, on day 85
    assert made.of_visits["mfis"][2, 0, 3] == 33.0  # stopped on day 40, so the value of entry
    # scans on days 85 and 169; the switch was on day 100
    assert (made.of_subjects["gd_lesions"][0].tolist(), made.of_subjects["scans"][0].tolist()) == (
        [2, 3, 3, 2], [1, 2, 2, 1],
    )  # fmt: skip
    assert made.of_subjects["t2_lesions"][0].tolist() == [3, 5, 5, 3]
    assert made.of_subjects["t2_years"][0] * DAYS_PER_YEAR == pytest.approx([84, 168, 168, 84])


def test_hypothetical_sets_values_missing_and_never_the_baseline(stack):
    made = under(
        stack,
        rule("mfis", "drug_switch", "hypothetical"),
        rule("edss", "rescue_steroids", "hypothetical", affects=STEROIDS),
        rule("gd_lesions", "rescue_steroids", "hypothetical", affects=STEROIDS),
    )
    assert made.of_visits["mfis"][:, 0, 0].tolist()[:2] == [30.0, 32.0]
    assert np.isnan(made.of_visits["mfis"][2, 0, 0])
    # steroids on days 61 and 70: the visit of day 85 is affected, that of day 169 is not
    assert np.isnan(made.of_visits["edss"][1, 0, 1])
    assert made.of_visits["edss"][2, 0, 1] == 35.0
    assert made.of_subjects["gd_lesions"][0].tolist() == [3, 1, 3, 2]
    assert made.of_subjects["scans"][0].tolist() == [2, 1, 2, 1]


def test_a_stratum_leaves_out_who_had_the_event_in_every_endpoint_that_asks(stack):
    made = under(
        stack,
        rule("relapses", "drug_switch", "principal stratum"),
        rule("mfis", "drug_switch", "principal stratum"),
    )
    assert np.isnan(made.of_subjects["relapses"][0, 0])
    assert made.of_subjects["relapses"][0, 1] == 2
    assert np.isnan(made.of_visits["mfis"][:, 0, 0]).all()
    assert np.isfinite(made.of_visits["edss"][:, 0, 0]).all()


def test_what_ends_the_record_comes_before_a_later_failure(stack):
    both = (
        rule("relapses", "drug_switch", "composite"),
        rule("relapses", "rescue_steroids", "hypothetical", affects=np.inf),
    )
    events = dict(stack.intercurrent)
    events["subject"] = np.array([7, 7, 3, 11])  # the first: switch on day 100, steroids on day 61
    made = under(replace(stack, intercurrent=events), *both)
    assert made.of_subjects["relapses"][0, 0] == 1
    assert days(made)[0, 0] == pytest.approx(60)


def test_lesions_of_scans_are_asked_for_where_a_strategy_needs_them(stack):
    visits = {n: v for n, v in stack.of_visits.items() if n != "gd_lesions_on_scan"}
    with pytest.raises(ValueError, match="gd_lesions_on_scan"):
        under(replace(stack, of_visits=visits), rule("gd_lesions", "drug_switch", "hypothetical"))


def twins(values, weights):
    """Twins of two arms and three people whose targets are ``values`` and ``weights`` (arms, people)."""
    targets = {each: np.stack([values, weights])[:, :, None] for each in ENDPOINTS}
    columns = {"edss_last_visit": np.zeros((2, 1, 3)), "mfis_last_visit": np.zeros((2, 1, 3))}
    world = {name: np.ones((2, 3)) for name in ("treg_last_visit", "nfl_last_visit", *list(ENDPOINTS)[7:])}
    return LatentStack(0, 0, np.array([0]), np.arange(3), ("control", "active"), world, columns, targets)


def test_the_truth_is_a_ratio_of_rates_or_a_mean_over_people_and_trials():
    values, weights = (
        np.array([[1.0, 2.0, 3.0], [1.0, 1.0, 1.0]]),
        np.array([[1.0, 1.0, 2.0], [1.0, 1.0, 1.0]]),
    )
    found = {e.endpoint: e for e in effects_of_world(Twins.of([twins(values, weights)]), "control", 1)}
    assert found["relapses"].value == pytest.approx(np.log((3 / 3) / (6 / 4)))
    ones = np.ones((2, 3))
    found = {e.endpoint: e for e in effects_of_world(Twins.of([twins(values, ones)] * 2), "control", 1)}
    assert found["edss"].value == pytest.approx(np.mean([0.0, -1.0, -2.0]))
    assert found["edss"].spread == pytest.approx(np.std([0.0, -1.0, -2.0]) / np.sqrt(3))
    outside = np.array([[1.0, 1.0, 0.0]] * 2)  # the third person is in no stratum
    found = {
        e.endpoint: e for e in effects_of_world(Twins.of([twins(values * outside, outside)]), "control", 1)
    }
    assert found["treg"].value == pytest.approx(np.mean([0.0, -1.0]))
    assert TrialKey(0, 0, 0).world == found["treg"].world
