"""Trials analysed from sums over blocks of people: the numbers of the same trials analysed at once."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eubiosis.analysis.estimates import estimate
from eubiosis.analysis.estimators.randomisation import randomisation_test
from eubiosis.analysis.streamed import estimates
from eubiosis.analysis.streamed.estimates import estimates_of_sums, limit_test
from eubiosis.analysis.streamed.sums import COUNTED, MEASURED, Groups, Moments, TrialSums
from eubiosis.analysis.truth.effects import Twins, effects_of_world
from eubiosis.analysis.truth.sums import TwinSums, effects_of_sums
from eubiosis.core.endpoints import ENDPOINTS
from eubiosis.core.trial_stacks import StackedObserved, TrialStack
from eubiosis.core.trial_tables import TrialKey

ARMS = ("placebo", "one", "two")
LINEAR = [each.id for each in MEASURED]


def made_stack(seed, people=240, trials=2):
    """Trials of three arms with all endpoints, drop-outs and missed last visits; nobody in particular."""
    random = np.random.default_rng(seed)
    arm = random.permuted(np.tile(np.arange(people) % 3, (trials, 1)), axis=1)
    there = np.stack([np.ones((trials, people), bool), random.random((trials, people)) < 0.85])
    years = np.where(there[1], 1.0, random.uniform(0.05, 1.0, (trials, people)))
    subjects = {}
    for each in COUNTED:
        rate = random.gamma(1.5, 0.8, (trials, people)) * (1 - 0.2 * (arm == 1))
        subjects[each.exposure] = years
        subjects[each.events] = random.poisson(rate * years).astype(float)
    visits = {}
    for each in MEASURED:
        own = random.normal(0.0, 0.5, (trials, people))
        values = np.stack([own, 0.6 * own + random.normal(0.1 * (arm == 2), 0.3)])
        values = 30 + 5 * values if each.score else np.exp(values)
        visits[each.id] = np.where(there, values, np.nan)
    return TrialStack(
        0, 1, np.arange(trials), np.arange(people), ARMS, arm, np.array([0.0, 24.0]), there, subjects, visits
    )


def cut(stack, bounds):
    """The same trials, a block of people at a time."""
    for begin, end in pairwise(bounds):
        rows = slice(begin, end)
        yield TrialStack(
            stack.gut_world, stack.host_world, stack.replicates, stack.numbers[rows], stack.arms,
            stack.arm[:, rows], stack.weeks, stack.attended[..., rows],
            {name: values[..., rows] for name, values in stack.of_subjects.items()},
            {name: values[..., rows] for name, values in stack.of_visits.items()},
        )  # fmt: skip


def close(one, other, tolerance=1e-11):
    return one == pytest.approx(other, rel=tolerance, abs=1e-13, nan_ok=True)


@settings(deadline=None, max_examples=8)
@given(st.integers(0, 10_000), st.lists(st.integers(1, 239), min_size=1, max_size=5, unique=True))
def test_blocks_of_any_size_give_the_estimates_of_the_whole(seed, marks):
    stack = made_stack(seed)
    whole = estimate(StackedObserved([stack], "placebo"), seed=seed)
    parts = [TrialSums.of(each, "placebo") for each in cut(stack, [0, *sorted(marks), 240])]
    found = estimates_of_sums(TrialSums.over_blocks(parts))
    assert len(found) == len(whole) == 2 * len(ENDPOINTS) * 2
    expected = {(r.trial, r.estimate.endpoint, r.estimate.treated): r.estimate for r in whole}
    for row in found:
        one, other = row.estimate, expected[row.trial, row.estimate.endpoint, row.estimate.treated]
        assert one.status == other.status
        assert (one.n_treated, one.n_control) == (other.n_treated, other.n_control)
        assert (one.missing_treated, one.missing_control) == (other.missing_treated, other.missing_control)
        assert close(one.estimate, other.estimate, 1e-9)
        assert close(one.standard_error, other.standard_error, 1e-7)
        if one.endpoint in LINEAR:
            assert close(one.ci_low, other.ci_low)
            assert close(one.p_value, other.p_value, 1e-8)


def test_how_blocks_are_put_together_changes_no_bit():
    """First with first, or all at once, or trials joined before blocks."""
    stack = made_stack(3)
    parts = [TrialSums.of(each, "placebo") for each in cut(stack, [0, 60, 100, 180, 240])]
    at_once = TrialSums.over_blocks(parts)
    by_steps = TrialSums.over_blocks([TrialSums.over_blocks(parts[:2]), *parts[2:]])
    single = [
        TrialSums.over_trials([TrialSums.of(each.take(1), "placebo"), TrialSums.of(second(each), "placebo")])
        for each in cut(stack, [0, 60, 100, 180, 240])
    ]
    for other in (by_steps, TrialSums.over_blocks(single)):
        for name in ("scores", "logs", "counts"):
            for column, values in vars(getattr(at_once, name)).items():
                assert np.array_equal(values, getattr(getattr(other, name), column)), (name, column)


def second(stack):
    rows = slice(1, 2)
    return TrialStack(
        stack.gut_world, stack.host_world, stack.replicates[rows], stack.numbers, stack.arms,
        stack.arm[rows], stack.weeks, stack.attended[:, rows],
        {name: values[rows] for name, values in stack.of_subjects.items()},
        {name: values[:, rows] for name, values in stack.of_visits.items()},
    )  # fmt: skip


@pytest.mark.parametrize("most", [1, 400])
def test_how_many_outcomes_are_fitted_together_changes_no_bit(monkeypatch, most):
    """A bound on rows, so that a trial of any size is fitted in bounded memory."""
    sums = TrialSums.of(made_stack(8, people=300, trials=5), "placebo")
    whole = estimates_of_sums(sums)
    calls, own = [], estimates.many_counts.rate_ratios
    monkeypatch.setattr(estimates, "_MOST_ROWS", most)
    monkeypatch.setattr(
        estimates.many_counts, "rate_ratios", lambda data: (calls.append(data.counts.shape), own(data))[1]
    )
    assert repr(estimates_of_sums(sums)) == repr(whole)
    assert sum(size for size, _ in calls) == 5 * len(COUNTED)
    assert len(calls) > 1
    assert all(size == 1 or size * rows <= most for size, rows in calls)


def test_moments_of_six_people_worked_out_by_hand():
    """Baseline 1, 2, 3 and outcome 2, 4, 9: means 2 and 5, squares 2, products 7, 26."""
    outcome, baseline = np.array([[2.0, 4.0, 9.0, np.nan]]), np.array([[1.0, 2.0, 3.0, 4.0]])
    found = Moments.of(outcome, baseline, np.ones((1, 1, 4), dtype=bool))
    assert [float(v[0, 0]) for v in (found.analysed, found.missing, found.x, found.y)] == [3, 1, 2, 5]
    assert [float(v[0, 0]) for v in (found.xx, found.xy, found.yy)] == [2, 7, 26]
    assert float(found.largest[0, 0]) == 9


def test_a_million_large_values_lose_no_digits():
    """Sums of squares about zero would lose all digits of a spread of 1 beside a level of 1e8."""
    random = np.random.default_rng(0)
    y = 1e8 + random.normal(0, 1, (1, 40_000))
    x = random.normal(0, 1, (1, 40_000))
    inside = np.ones((1, 1, 1_000), dtype=bool)
    parts = [Moments.of(y[:, k : k + 1_000], x[:, k : k + 1_000], inside) for k in range(0, 40_000, 1_000)]
    total = parts[0]
    for more in parts[1:]:
        total = total.plus(more)
    assert float(total.yy[0, 0]) == pytest.approx(((y - y.mean()) ** 2).sum(), rel=1e-9)


def test_groups_hold_everybody_once():
    events, years = np.array([[0.0, 2.0, 2.0, 0.0, np.nan]]), np.array([[1.0, 1.0, 1.0, 0.5, 1.0]])
    found = Groups.of(events, years, np.array([[0, 1, 1, 0, 1]]), 2)
    rows = list(
        zip(
            found.arm.tolist(), found.years.tolist(), found.count.tolist(), found.people.tolist(), strict=True
        )
    )
    assert rows == [(0, 0.5, 0, 1), (0, 1.0, 0, 1), (1, 1.0, 2, 2)]
    assert found.everybody.tolist() == [[2, 3]]


def test_the_limit_of_the_randomisation_test_is_what_relabelling_comes_to():
    random = np.random.default_rng(5)
    people = 3_000
    arm = random.permutation(np.arange(people) % 2)
    years = np.where(random.random(people) < 0.9, 1.0, random.random(people))
    counts = random.poisson(random.gamma(0.5, 2.0, people) * years * np.where(arm == 1, 0.93, 1.0))
    groups = Groups.of(counts[None].astype(float), years[None], arm[None], 2)
    p_value, centre, reach = limit_test(groups, np.ones(len(groups.arm), dtype=bool), 1, groups.everybody[0])
    test = randomisation_test(
        counts, years, np.where(arm == 1, "t", "c"), treated="t", control="c",
        generator=np.random.default_rng(1), relabellings=4_999,
    )  # fmt: skip
    assert centre == pytest.approx(test.centre, rel=1e-9)
    assert reach == pytest.approx(test.reach, rel=0.06)
    assert abs(p_value - test.p_value) < 4 * math.sqrt(0.25 / 5_000)


@pytest.mark.parametrize(
    ("spoil", "status"),
    [("no events", "too_few_events"), ("flat", "no_variance"), ("infinite", "not_finite")],
)
def test_what_cannot_be_analysed_keeps_its_row_and_says_why(spoil, status):
    stack = made_stack(1, trials=1)
    if spoil == "no events":
        stack.of_subjects["relapses"][stack.arm == 1] = 0.0
        endpoint = "relapses"
    else:
        endpoint = "mfis"
        stack.of_visits["mfis"][1] = 30.0
        if spoil == "infinite":
            stack.of_visits["mfis"][1, 0, 7] = np.inf
    found = [r.estimate for r in estimates_of_sums(TrialSums.of(stack, "placebo"))]
    own = [each for each in found if each.endpoint == endpoint]
    if spoil == "no events":  # the other arm has its contrast
        assert [each.usable for each in own] == [False, True]
        own = own[:1]
    assert {each.status for each in own} == {status}
    assert all(math.isnan(each.estimate) for each in own)
    assert all(each.detail["reason"] for each in own)


def as_at_once(stack, marks):
    """Compare with the same people at once, and return what the sums of their blocks give."""
    people = stack.arm.shape[1]
    found = estimates_of_sums(
        TrialSums.over_blocks([TrialSums.of(each, "placebo") for each in cut(stack, [0, *marks, people])])
    )
    whole = estimate(StackedObserved([stack], "placebo"), seed=1)
    expected = {(r.trial, r.estimate.endpoint, r.estimate.treated): r.estimate for r in whole}
    assert len(found) == len(expected)
    for row in found:
        one, other = row.estimate, expected[row.trial, row.estimate.endpoint, row.estimate.treated]
        assert (one.status, one.detail.get("reason")) == (other.status, other.detail.get("reason"))
        for name in ("n_treated", "n_control", "missing_treated", "missing_control"):
            assert getattr(one, name) == getattr(other, name)
        assert close(one.estimate, other.estimate, 1e-8)
        assert close(one.standard_error, other.standard_error, 1e-6)
        assert close(one.degrees_of_freedom, other.degrees_of_freedom)
        for name in set(one.detail) - {"reason"}:
            assert one.detail[name] == pytest.approx(other.detail[name], rel=1e-6, abs=1e-7)
        if one.endpoint in LINEAR:
            assert close(one.ci_low, other.ci_low, 1e-8)
            assert close(one.p_value, other.p_value, 1e-7)
    return {(r.trial.replicate, r.estimate.endpoint, r.estimate.treated): r.estimate for r in found}


def test_an_arm_without_events_takes_no_other_contrast_with_it():
    """Eighteen people, two to one to one; the second trial has events in every arm."""
    stack = made_stack(4, people=18)
    stack.arm[:] = np.tile([0, 1, 0, 2, 0, 1, 0, 2, 0, 1, 0, 2, 0, 1, 0, 2, 0, 0], (2, 1))
    relapses, had = stack.of_subjects["relapses"], np.isin(np.arange(18), (2, 4, 3, 7))
    relapses[:] = had
    relapses[1, 5] = 1.0
    found = as_at_once(stack, [5, 11])
    assert found[0, "relapses", "one"].status == "too_few_events"
    assert found[0, "relapses", "one"].detail["reason"] == "no event in one"
    assert found[0, "relapses", "two"].usable
    assert 0 < found[0, "relapses", "two"].p_value <= 1
    assert found[1, "relapses", "one"].usable


@pytest.mark.parametrize("law", ["overdispersed", "boundary"])
@pytest.mark.parametrize("empty", [(1,), (2,), (0,), (1, 2), (0, 1), (0, 1, 2)])
def test_arms_without_events_are_left_out_as_they_are_at_once(empty, law):
    stack = made_stack(11, people=90)
    events = stack.of_subjects["relapses"]
    if law == "boundary":
        events[:] = np.arange(90) % 5 < 2
    events[np.isin(stack.arm, empty)] = 0.0
    found = as_at_once(stack, [31, 64])
    for k in (1, 2):
        assert found[0, "relapses", ARMS[k]].usable == (0 not in empty and k not in empty)


@pytest.mark.parametrize("seen", [0, 1])
@pytest.mark.parametrize("arm", [0, 1, 2])
def test_an_arm_with_fewer_than_two_values_takes_no_other_contrast_with_it(arm, seen):
    """Measured endpoints at the last visit, and people with time to count events in."""
    stack = made_stack(12, people=60)
    for trial in range(2):
        own = np.flatnonzero(stack.arm[trial] == arm)
        stack.attended[1, trial, own] = np.arange(len(own)) < seen
        for each in MEASURED:
            stack.of_visits[each.id][1, trial, own[:seen]] = 30.0
            stack.of_visits[each.id][1, trial, own[seen:]] = np.nan
        for each in COUNTED:
            stack.of_subjects[each.events][trial, own[seen:]] = np.nan
    found = as_at_once(stack, [20, 41])
    for k in (1, 2):
        one = found[0, "mfis", ARMS[k]]
        assert one.status == ("too_few_participants" if arm in (0, k) else "ok")


def test_three_people_of_three_arms_are_too_few_for_any_ratio():
    stack = made_stack(13, people=9, trials=1)
    for each in COUNTED:
        stack.of_subjects[each.events][:, 3:] = np.nan
        stack.of_subjects[each.events][:, :3] = 1.0
    found = as_at_once(stack, [4])
    own = [found[0, each.id, arm] for each in COUNTED for arm in ARMS[1:]]
    assert {each.status for each in own} == {"too_few_participants"}


def test_an_odd_count_is_no_lack_of_events():
    stack = made_stack(1, trials=1)
    stack.of_subjects["relapses"][stack.arm == 1] = 0.0
    stack.of_subjects["relapses"][0, 0] = 0.5
    found = [r.estimate for r in estimates_of_sums(TrialSums.of(stack, "placebo"))]
    assert {each.status for each in found if each.endpoint == "relapses"} == {"not_converged"}


@pytest.mark.parametrize("weighed", [False, True])
def test_true_effects_of_blocks_are_those_of_everybody(weighed):
    """Values and spreads of measured endpoints to the last digits, spreads of events as bootstraps come.

    Weighed are those whose strategies count time, or leave people outside a stratum; one block holds nobody
    of the stratum.
    """
    random = np.random.default_rng(8)
    people = 900
    names = {each.id for each in ENDPOINTS.values() if not each.counted and not each.score}
    columns = {
        "expected_relapses",
        "expected_new_lesions",
        "edss_last_visit",
        "mfis_last_visit",
        "treg_last_visit",
        "nfl_last_visit",
    }
    level = {name: random.lognormal(0.0, 0.4, people) for name in sorted((names - {"treg", "nfl"}) | columns)}
    moved = {name: values * random.lognormal(0.05, 0.1, people) for name, values in level.items()}
    first = {"placebo": level, "one": moved}
    means = {arm: {n: own[n] for n in ("edss_last_visit", "mfis_last_visit")} for arm, own in first.items()}
    key = TrialKey(0, 0, 0)
    targets = {}
    if weighed:
        inside = (random.random(people) < 0.8) & (np.arange(people) != 100)
        targets = {
            arm: {
                each.id: inside
                * np.stack([random.lognormal(0.1 * k, 0.3, people), random.uniform(1, 2, people)])
                if each.counted
                else inside * np.stack([random.normal(0.1 * k, 0.3, people), np.ones(people)])
                for each in ENDPOINTS.values()
            }
            for k, arm in enumerate(first)
        }
    whole = effects_of_world(Twins(key, np.arange(people), first, means, targets), "placebo", 3)

    def part(rows):
        def of(by_arm):
            return {arm: {n: v[rows] for n, v in own.items()} for arm, own in by_arm.items()}

        asked = {arm: {n: v[:, rows] for n, v in own.items()} for arm, own in targets.items()}
        return TwinSums.of(Twins(key, np.arange(people)[rows], of(first), of(means), asked), "placebo")

    found = effects_of_sums([part(slice(0, 100)), part(slice(100, 101)), part(slice(101, 900))])
    assert [(e.endpoint, e.arm) for e in found] == [(e.endpoint, e.arm) for e in whole]
    for one, other in zip(found, whole, strict=True):
        assert close(one.value, other.value)
        assert close(one.unit_sd, other.unit_sd)
        counted = ENDPOINTS[one.endpoint].counted
        assert one.spread == pytest.approx(other.spread, rel=0.35 if counted else 1e-11)
