"""What is taken day by day: the chain of taken and missed days has the chances and runs that it promises."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eubiosis.core.streams import SubjectDraws
from eubiosis.therapy import Adherence, give
from eubiosis.trial.world.adherence import (
    block_means,
    blocks,
    day_of,
    dose_means,
    planned,
    propensity,
    taken,
)

PEOPLE = SubjectDraws(5, tuple(range(3000)))
DAYS = 365


def runs(days, value):
    """Lengths of complete runs of a value in rows of 0 and 1, by walking over them."""
    lengths = []
    for row in days:
        edges = np.flatnonzero(np.diff(np.concatenate(([-1.0], row, [-1.0]))))
        inner = list(pairwise(edges))[1:-1]  # the first and last may be cut
        lengths += [b - a for a, b in inner if row[a] == value]
    return np.array(lengths)


@pytest.mark.parametrize("fall", [0.0, 0.3])
def test_every_day_has_its_chance(fall):
    law = Adherence(mean=0.8, sd=0.0, missed_run=3.0, fall_per_year=fall, reduced_per_year=0.0)
    days = taken(law, PEOPLE, DAYS)
    assert set(np.unique(days)) == {0.0, 1.0}
    chance = 0.8 * (1 - fall) ** (np.arange(DAYS) / 365.25)
    error = np.sqrt(chance * (1 - chance) / len(days))
    assert np.all(np.abs(days.mean(axis=0) - chance) < 5 * error)


def test_missed_days_come_in_runs_of_the_stated_length():
    law = Adherence(mean=0.8, sd=0.0, missed_run=3.0, fall_per_year=0.0, reduced_per_year=0.0)
    days = taken(law, PEOPLE, DAYS)
    missed = runs(days, 0.0)
    assert abs(missed.mean() - 3.0) < 0.05
    # geometric: a third of the runs end after one day
    assert abs(np.mean(missed == 1) - 1 / 3) < 0.01


def test_a_lower_dose_is_kept_to_and_its_share_of_people_grows_as_the_rate_says():
    law = Adherence(
        mean=1.0, sd=0.0, missed_run=0.0, fall_per_year=0.0, reduced_per_year=0.5, reduced_to=0.25
    )
    days = taken(law, PEOPLE, DAYS)
    assert set(np.unique(days)) == {0.25, 1.0}
    assert np.all(np.diff(days, axis=1) <= 0)
    expected = 1 - np.exp(-0.5 * 364 / 365.25)
    assert abs(np.mean(days[:, -1] == 0.25) - expected) < 4 * np.sqrt(expected * (1 - expected) / 3000)


@settings(deadline=None, max_examples=30)
@given(st.floats(0.05, 0.95), st.floats(1, 10), st.integers(10, 60))
def test_a_subject_has_the_same_days_alone_and_for_a_shorter_trial(mean, missed_run, days):
    law = Adherence(mean=mean, sd=0.0, missed_run=missed_run)
    several = taken(law, SubjectDraws(3, (4, 17, 9)), days)
    alone = taken(law, SubjectDraws(3, (17,)), days + 20)
    assert np.array_equal(several[1], alone[0, :days])


def test_who_is_likelier_to_take_one_therapy_is_likelier_to_take_another():
    easy, hard = Adherence(mean=0.9, sd=0.1), Adherence(mean=0.5, sd=0.2)
    draws = SubjectDraws(3, tuple(range(60)))
    assert np.array_equal(np.argsort(propensity(easy, draws)), np.argsort(propensity(hard, draws)))
    # the same day is missed: whoever takes the hard one on a day and had taken it before takes the easy one
    first = taken(easy, draws, 1), taken(hard, draws, 1)
    assert np.all(first[0] >= first[1])


def test_a_steady_share_is_taken_every_day():
    law = Adherence.full().changed(mean=0.5)
    assert law.steady
    assert np.array_equal(taken(law, SubjectDraws(3, (1, 2)), 20), np.full((2, 20), 0.5))
    assert not Adherence().steady


def test_a_ramp_rises_by_the_week_and_stops_with_the_therapy():
    therapy = give("inulin", dose="12 g/day", start="week 1", stop="week 6", ramp=4.0)
    by_hand = [0.0] * 7 + [0.25] * 7 + [0.5] * 7 + [0.75] * 7 + [1.0] * 14 + [0.0] * 14
    assert planned(therapy, 56).tolist() == by_hand


def test_transplants_are_days_of_their_own():
    therapy = give("fecal_transplant", start="week 1", transplant={"number": 3, "every_weeks": 2.0})
    assert np.flatnonzero(planned(therapy, 60)).tolist() == [7, 21, 35]


def test_doses_are_averaged_over_weeks_that_a_start_cuts():
    therapy = give("inulin", dose="12 g/day", start="week 1.5", stop="week 3")
    cut = blocks([therapy], 28)
    assert cut == [(0.0, 7.0), (7.0, 10.5), (10.5, 14.0), (14.0, 21.0), (21.0, 28.0)]
    values = np.arange(28.0)[None]
    assert block_means(values, [(0.0, 7.0), (14.0, 21.0)]).tolist() == [[3.0, 17.0]]


def test_a_start_and_a_stop_within_a_day_leak_nothing():
    """By hand: from day 1.5 to day 4.25, half of day 1, days 2 and 3, a quarter of day 4."""
    therapy = give("inulin", dose="12 g/day", start=f"week {1.5 / 7!r}", stop=f"week {4.25 / 7!r}")
    np.testing.assert_allclose(planned(therapy, 7), [0, 0.5, 1, 1, 0.25, 0, 0], atol=1e-12)
    cut = blocks([therapy], 7)
    np.testing.assert_allclose(cut, [(0, 1.5), (1.5, 4.25), (4.25, 7)])
    # somebody who misses day 2: of 2.75 days 1.75 have the full dose; nothing before and after
    share = np.array([[1.0, 1, 1, 1, 1, 1, 1], [1, 1, 0, 1, 1, 1, 1]])
    found = dose_means(therapy, share, cut)
    np.testing.assert_allclose(found, [[0, 1, 0], [0, 1.75 / 2.75, 0]])
    assert found[0].tolist() == [0.0, 1.0, 0.0]  # to the last bit
    # a stretch that is not cut there has the mean over its time
    np.testing.assert_allclose(dose_means(therapy, share, [(0.0, 7.0)]), [[2.75 / 7], [1.75 / 7]])


def test_a_ramp_steps_within_a_day_where_it_began_within_one():
    therapy = give("inulin", dose="12 g/day", start=f"week {0.5 / 7!r}", ramp=2.0)
    # half the dose from 0.5 to 7.5, then all of it: day 7 has 0.5 x 0.5 + 0.5 x 1
    by_hand = [0.25, *[0.5] * 6, 0.75, *[1.0] * 6]
    np.testing.assert_allclose(planned(therapy, 14), by_hand)
    found = dose_means(therapy, np.ones((1, 14)), [(7.0, 7.25), (7.25, 8.0), (0.0, 14.0)])
    np.testing.assert_allclose(found, [[0.5, (0.25 * 0.5 + 0.5) / 0.75, (7 * 0.5 + 6.5) / 14]])


def test_a_day_that_was_written_as_a_rounded_week_is_that_day():
    assert day_of(0.428571) == 3.0
    assert day_of(1.5) == 10.5
    therapy = give("inulin", dose="12 g/day", start="week 0.428571", stop="week 1.142857")
    assert planned(therapy, 10).tolist() == [0, 0, 0, 1, 1, 1, 1, 1, 0, 0]


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 60_000).map(lambda thousandths: thousandths / 1000),
    st.integers(10, 60_000).map(lambda thousandths: thousandths / 1000),
    st.sampled_from([0.0, 1.0, 3.0]),
    st.lists(st.integers(0, 84_000).map(lambda thousandths: thousandths / 1000), max_size=6),
    st.booleans(),
)
def test_the_whole_dose_is_kept_wherever_a_therapy_begins_and_ends(start, length, ramp, cuts, missed):
    """Of every stretch and of every day; with everything taken it is the integral of the ramp."""
    days = 84
    week = f"week {start / 7:.9f}", f"week {(start + length) / 7:.9f}"
    therapy = give("inulin", dose="12 g/day", start=week[0], stop=week[1], ramp=ramp)
    bounds = sorted({b for pair in blocks([therapy], days) for b in pair} | {*cuts})
    stretches = [pair for pair in pairwise(bounds) if pair[1] > pair[0]]
    share = np.random.default_rng(len(cuts)).integers(0, 2, (2, days)) if missed else np.ones((2, days))
    lengths = np.diff(stretches, axis=1)[:, 0]
    dose = (dose_means(therapy, share.astype(float), stretches) * lengths).sum(axis=1)
    np.testing.assert_allclose(dose, (share * planned(therapy, days)).sum(axis=1), rtol=1e-9, atol=1e-9)
    first, last = day_of(start / 7), min(day_of((start + length) / 7), float(days))
    if not missed:
        steps = [(first + 7 * k, (k + 1) / (ramp or 1)) for k in range(int(max(ramp, 1)))] + [(last, 0.0)]
        total = sum(
            max(min(until, last) - min(begin, last), 0.0) * level
            for (begin, level), (until, _) in pairwise([*steps[:-1], (last, 0.0)])
        )
        np.testing.assert_allclose(dose, total, rtol=1e-6, atol=1e-5)


def test_four_weeks_are_one_mean_far_from_a_visit():
    """Written by hand for two visits, 24 weeks apart, and a therapy from the first of them on."""
    therapy = give("inulin", dose="12 g/day", ramp=0)
    days = 7 * 24
    near = {7.0 * week for week in (0, 1, 2, 3, 4)} | {7.0 * week for week in (20, 21, 22, 23, 24)}
    far = {7.0 * week for week in (8, 12, 16)}
    bounds = sorted(near | far | {days - 2.0, days - 1.0})
    assert blocks([therapy], days, [0.0, float(days)]) == list(pairwise(bounds))
    weekly = {7.0 * week for week in range(25)} | {days - 2.0, days - 1.0}
    assert blocks([therapy], days, [0.0, float(days)], weekly=True) == list(pairwise(sorted(weekly)))


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.integers(0, 40), min_size=1, max_size=5),
    st.integers(1, 40),
    st.integers(0, 10),
    st.booleans(),
)
def test_stretches_follow_one_another_and_keep_the_dose(visits, weeks, start, weekly):
    """Whatever the visits: no day is left out, none comes twice, and what is taken adds up to the same."""
    therapy, days = give("inulin", dose="12 g/day", start=f"week {start}"), 7 * weeks
    found = blocks([therapy], days, [7.0 * week for week in visits], weekly=weekly)
    assert found[0][0] == 0
    assert found[-1][1] == days
    assert all(one[1] == other[0] for one, other in pairwise(found))
    dose = np.random.default_rng(weeks).random((3, days))
    length = np.array([end - begin for begin, end in found])
    np.testing.assert_allclose((block_means(dose, found) * length).sum(axis=1), dose.sum(axis=1))
