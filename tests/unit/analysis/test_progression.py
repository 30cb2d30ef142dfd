"""Confirmed progression of EDSS by hand, and against the share that the realism page counts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eubiosis.analysis.progression import can_confirm, confirmed_visit, rise_needed
from eubiosis.analysis.realism import confirmed

WEEKS = np.array([0.0, 12.0, 24.0, 36.0, 48.0])
NAN = float("nan")


@pytest.mark.parametrize(
    ("scores", "near", "visit"),
    [
        ([2.0, 3.0, 3.0, 2.0, 2.0], (), 1),
        ([2.0, 2.5, 3.0, 3.5, 3.0], (), 2),  # the first half point is too little
        ([0.0, 1.0, 1.0, 1.0, 1.0], (), 0),  # from 0 it takes 1.5
        ([0.0, 1.5, 1.5, 0.0, 0.0], (), 1),
        ([5.5, 6.0, 6.0, 5.5, 5.5], (), 1),  # from 5.5 half a point is enough
        ([5.0, 5.5, 5.5, 5.5, 5.5], (), 0),
        ([2.0, 3.0, 2.0, 3.0, 3.0], (), 3),  # the first rise did not hold
        ([2.0, 3.0, NAN, 3.0, 2.0], (), 1),  # a missed visit does not break it
        ([2.0, NAN, 3.0, 2.0, 3.0], (), 0),
        ([2.0, 2.0, 2.0, 2.0, 4.0], (), 0),  # nothing confirms the last visit
        ([2.0, 3.0, 3.0, 3.0, 2.0], (1,), 2),  # a visit soon after a relapse does not start it
        ([2.0, 3.0, 3.0, 3.0, 2.0], (2,), 1),  # nor confirm it, but a later one does
        ([2.0, 3.0, 3.0, 2.0, 2.0], (2,), 0),
        ([NAN, 3.0, 3.0, 3.0, 3.0], (), 0),  # nothing to rise from
    ],
)
def test_a_rise_that_holds_is_dated_by_its_first_visit(scores, near, visit):
    flags = np.zeros((5, 1), dtype=bool)
    flags[list(near)] = True
    assert confirmed_visit(np.array(scores)[:, None], WEEKS, flags).tolist() == [visit]


def test_visits_nearer_than_twelve_weeks_confirm_nothing_but_must_hold():
    weeks = np.array([0.0, 4.0, 8.0, 16.0])
    people = np.array([[2.0, 3.0, 3.0, 3.0], [2.0, 3.0, 2.0, 3.0], [2.0, 2.0, 3.0, 3.0]]).T
    assert confirmed_visit(people, weeks, np.zeros(people.shape, dtype=bool)).tolist() == [1, 0, 0]
    assert [can_confirm(np.array(w)) for w in ([0, 4, 16], [0, 4, 15], [0, 24], [0, 12, 24])] == [
        True, False, False, True,
    ]  # fmt: skip


def test_what_counts_as_a_rise():
    assert rise_needed(np.array([0.0, 1.0, 5.0, 5.5, 7.0])).tolist() == [1.5, 1.0, 1.0, 0.5, 0.5]


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6))
def test_without_missed_visits_and_relapses_it_is_the_share_of_the_realism_page(seed):
    random = np.random.default_rng(seed)
    scores = random.integers(0, 14, (5, 40)) / 2
    visit = confirmed_visit(scores, WEEKS, np.zeros(scores.shape, dtype=bool))
    assert ((visit > 0) == confirmed(scores, WEEKS, worse=True)).all()
