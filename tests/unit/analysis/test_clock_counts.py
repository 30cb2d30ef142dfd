"""Kaplan-Meier and cumulative relapses from counts: by hand, against scipy, and the same over blocks."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import CensoredData, ecdf

from eubiosis.analysis.clock_counts import ClockCounts, mean_cumulative_count, survival_of_counts
from eubiosis.core.calendar import DAYS_PER_YEAR
from eubiosis.core.trial_stacks import TrialStack

WEEKS = np.array([0.0, 6.0, 12.0, 24.0, 40.0])


def made_stack(seed, people=90, trials=2):
    """Trials of three arms with days of relapses, leaving, missed visits and EDSS; nobody in particular."""
    random = np.random.default_rng(seed)
    shape = (trials, people)
    arm = random.permuted(np.tile(np.arange(people) % 3, (trials, 1)), axis=1)
    followed = np.minimum(random.exponential(400.0, shape), 280.0)
    attended = (7 * WEEKS)[:, None, None] <= followed
    attended[1:] &= random.random((len(WEEKS) - 1, *shape)) < 0.9
    edss = np.clip(
        np.round(2 * (random.uniform(0, 6, shape) + random.normal(0, 1.2, attended.shape))) / 2, 0, 9
    )
    count = random.poisson(2.0 * followed / 365.25)
    trial, person = np.nonzero(count)
    times = count[trial, person]
    trial, person = np.repeat(trial, times), np.repeat(person, times)
    day = np.floor(random.uniform(0.0, followed[trial, person])) + 1
    numbers = random.permutation(people) + 100
    relapses = {
        "gut_world": np.zeros(len(day), int), "host_world": np.zeros(len(day), int), "replicate": trial,
        "subject": numbers[person], "arm": np.array(["a", "b", "c"])[arm[trial, person]], "day": day,
    }  # fmt: skip
    return TrialStack(
        0, 0, np.arange(trials), numbers, ("a", "b", "c"), arm, WEEKS, attended,
        {"follow_up_years": followed / DAYS_PER_YEAR, "relapses": count.astype(float)},
        {"edss": np.where(attended, edss, np.nan)}, relapses=relapses,
    )  # fmt: skip


def cut(stack, bounds):
    """The same trials, a block of people at a time."""
    for begin, end in pairwise(bounds):
        rows = slice(begin, end)
        own = np.isin(stack.relapses["subject"], stack.numbers[rows])
        yield replace(
            stack,
            numbers=stack.numbers[rows],
            arm=stack.arm[:, rows],
            attended=stack.attended[..., rows],
            of_subjects={name: values[..., rows] for name, values in stack.of_subjects.items()},
            of_visits={name: values[..., rows] for name, values in stack.of_visits.items()},
            relapses={name: values[own] for name, values in stack.relapses.items()},
        )


def test_kaplan_meier_by_hand_with_ties_and_censoring():
    """Ten people; two relapse in week 1, where one leaves; one relapses and one leaves in week 3."""
    survival, risk = survival_of_counts(np.array([2, 0, 1, 3]), np.array([1, 0, 1, 2]), np.array(10))
    assert risk.tolist() == [10, 7, 7, 5]
    assert survival == pytest.approx([8 / 10, 8 / 10, 8 / 10 * 6 / 7, 8 / 10 * 6 / 7 * 2 / 5], rel=1e-15)


def test_beyond_the_last_person_at_risk_nothing_is_estimated():
    survival, risk = survival_of_counts(np.array([1, 0, 0]), np.array([1, 0, 0]), np.array(2))
    assert risk.tolist() == [2, 0, 0]
    assert survival[0] == 0.5
    assert np.isnan(survival[1:]).all()
    gone, _ = survival_of_counts(np.array([2, 0]), np.array([0, 0]), np.array(2))
    assert gone.tolist() == [0.0, 0.0], "where all had the event nobody is free of it for ever"


def test_cumulative_relapses_by_hand():
    """Five people; one leaves in week 1 after its relapse, two in week 2."""
    mean, followed = mean_cumulative_count(np.array([2, 1, 3, 0]), np.array([1, 2, 2, 0]), np.array(5))
    assert followed.tolist() == [5, 4, 2, 0]
    assert mean[:3] == pytest.approx([2 / 5, 2 / 5 + 1 / 4, 2 / 5 + 1 / 4 + 3 / 2], rel=1e-15)
    assert np.isnan(mean[3])


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.integers(1, 12), st.booleans()), min_size=1, max_size=60))
def test_kaplan_meier_is_that_of_scipy(times):
    weeks, seen = np.array([week for week, _ in times]), np.array([event for _, event in times])
    events, censored = (np.bincount(weeks[rows] - 1, minlength=12) for rows in (seen, ~seen))
    survival, _ = survival_of_counts(events, censored, np.array(len(weeks)))
    curve = ecdf(CensoredData(uncensored=weeks[seen], right=weeks[~seen])).sf
    last = weeks.max()
    assert survival[:last] == pytest.approx(curve.evaluate(np.arange(1, last + 1)), abs=1e-12)


@settings(deadline=None, max_examples=12)
@given(st.integers(0, 10_000), st.lists(st.integers(1, 89), min_size=1, max_size=5, unique=True))
def test_blocks_add_up_to_the_whole_and_curves_keep_their_laws(seed, marks):
    stack = made_stack(seed)
    whole = ClockCounts.of(stack)
    parts = [ClockCounts.of(each) for each in cut(stack, [0, *sorted(marks), 90])]
    total = parts[0]
    for part in parts[1:]:
        total = total.plus(part)
    for name, values in vars(whole).items():
        np.testing.assert_array_equal(getattr(total, name), values)
    assert (whole.first.sum(-1) + whole.ended.sum(-1)).tolist() == whole.people.tolist()
    assert (whole.progressed.sum(-1) + whole.seen_last.sum(-1)).tolist() == whole.people.tolist()
    assert whole.left.sum(-1).tolist() == whole.people.tolist()
    assert whole.relapses.sum() == stack.of_subjects["relapses"].sum() == len(stack.relapses["day"])
    for survival, risk in (whole.relapse_free(), whole.progression_free()):
        assert np.nanmax(np.diff(survival, axis=-1)) <= 0
        assert 0 <= np.nanmin(survival) <= np.nanmax(survival) <= 1
        assert np.diff(risk, axis=-1).max() <= 0
        assert risk.min() >= 0
    assert np.nanmin(np.diff(whole.mean_relapses()[0], axis=-1)) >= 0


def test_where_nobody_leaves_the_mean_is_relapses_over_people():
    stack = made_stack(5)
    whole = ClockCounts.of(stack)
    stays = np.zeros_like(whole.left)
    stays[..., -1] = whole.people
    mean, _ = mean_cumulative_count(whole.relapses, stays, whole.people)
    assert mean[..., -1] == pytest.approx(whole.relapses.sum(-1) / whole.people, rel=1e-12)


def test_days_fall_into_weeks_by_hand():
    """Four people of one arm: relapse on day 7 and 8, on day 15 of 14.2 followed days, none of 280 days."""
    base = made_stack(1, people=6, trials=1)
    numbers = np.array([4, 9, 2, 7])
    followed = np.array([[280.0, 280.0, 14.2, 280.0]])
    relapses = {
        "replicate": np.zeros(3, int), "subject": np.array([4, 4, 2]), "day": np.array([8.0, 7.0, 15.0]),
    }  # fmt: skip
    scores = np.full((5, 1, 4), 2.0)
    scores[1:, 0, 1] = 3.0  # holds from week 6 on: confirmed by week 24
    scores[4, 0, 3] = 4.0  # at the last visit only
    attended = np.ones((5, 1, 4), dtype=bool)
    attended[2:, 0, 2] = False
    stack = replace(
        base, numbers=numbers, arms=("a",), arm=np.zeros((1, 4), int), attended=attended,
        of_subjects={"follow_up_years": followed / DAYS_PER_YEAR}, of_visits={"edss": scores},
        relapses=relapses,
    )  # fmt: skip
    found = ClockCounts.of(stack)
    assert np.flatnonzero(found.first[0, 0]).tolist() == [0, 2], "day 7 is of week 1, day 15 of week 3"
    assert np.flatnonzero(found.relapses[0, 0]).tolist() == [0, 1, 2]
    assert {k: int(n) for k, n in enumerate(found.ended[0, 0]) if n} == {39: 2}
    assert {k: int(n) for k, n in enumerate(found.left[0, 0]) if n} == {2: 1, 39: 3}
    assert found.progressed[0, 0].tolist() == [0, 1, 0, 0, 0]
    assert found.seen_last[0, 0].tolist() == [0, 1, 0, 0, 2]


def test_a_record_without_days_of_relapses_has_no_clock():
    assert ClockCounts.of(replace(made_stack(2), relapses={})) is None
    with pytest.raises(ValueError, match="EDSS"):
        ClockCounts.of(replace(made_stack(2), of_visits={}))
