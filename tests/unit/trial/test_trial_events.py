"""Events by a change of clock, against the theory of Poisson processes."""

import numpy as np
import pytest

from eubiosis.core.streams import stream
from eubiosis.trial.world.events import (
    by_subject,
    clock_marks,
    cumulated,
    event_days,
    passages,
    without_refractory,
)

PEOPLE = 3000


def counts(rate, decision="unit"):
    return np.array([len(event_days(rate, 5, decision, k)) for k in range(PEOPLE)])


@pytest.mark.parametrize("mean", [0.3, 4.0])
def test_a_constant_rate_gives_poisson_counts(mean):
    found = counts(np.full(336, mean / 336))
    # standard errors of the mean and the variance of a Poisson law (fourth central moment mean + 3 mean^2)
    assert abs(found.mean() - mean) < 4 * np.sqrt(mean / PEOPLE)
    assert abs(found.var() - mean) < 4 * np.sqrt((mean + 2 * mean**2) / PEOPLE)


def test_events_of_a_constant_rate_are_spread_evenly():
    times = np.concatenate([event_days(np.full(100, 0.05), 5, "unit", k) for k in range(PEOPLE)])
    # Kolmogorov-Smirnov against the uniform law, critical value at 1e-4
    grid = np.sort(times) / 100
    distance = np.abs(grid - np.arange(1, len(grid) + 1) / len(grid)).max()
    assert distance < 2.23 / np.sqrt(len(grid))


def test_a_rate_that_changes_by_the_day_is_followed():
    rate = np.concatenate((np.zeros(50), np.full(10, 0.2), np.zeros(40)))
    found = [event_days(rate, 5, "unit", k) for k in range(PEOPLE)]
    times = np.concatenate(found)
    assert times.min() >= 50
    assert times.max() <= 60
    assert abs(np.mean([len(days) for days in found]) - 2.0) < 4 * np.sqrt(2.0 / PEOPLE)


def test_more_events_than_one_handful_of_marks_holds():
    days = event_days(np.full(100, 3.0), 5, "unit", 1)
    assert abs(len(days) - 300) < 5 * np.sqrt(300)
    assert np.all(np.diff(days) > 0)
    assert days.max() <= 100


def test_no_rate_no_events():
    assert len(event_days(np.zeros(100), 5, "unit", 1)) == 0
    assert len(event_days(np.zeros(0), 5, "unit", 1)) == 0


def test_subjects_decisions_and_seeds_have_their_own_luck():
    rate = np.full(100, 0.3)
    first = event_days(rate, 5, "relapses", 1)
    for other in (event_days(rate, 5, "relapses", 2), event_days(rate, 5, "lesions", 1)):
        assert not np.isin(first, other).any()
    assert not np.isin(first, event_days(rate, 6, "relapses", 1)).any()


def test_refractory_gap_by_hand():
    days = np.array([1.0, 20.0, 31.0, 60.0, 61.0, 62.0])
    assert without_refractory(days, 30).tolist() == [1.0, 31.0, 61.0]
    assert without_refractory(days, 0).tolist() == days.tolist()
    assert without_refractory(np.array([]), 30).tolist() == []


def test_events_of_a_group_are_those_of_each_subject_by_interpolation():
    """Subjects of very different rates side by side; one passes its marks on every day, one never."""
    rates = np.random.default_rng(2).uniform(0, 1, (90, 4)) * np.array([0.0, 0.02, 0.5, 6.0])
    rates[20:40, 2] = 0.0
    subjects = (12, 5, 8, 30)
    clock = cumulated(rates)
    who, days = passages(clock, clock_marks(clock[-1], 5, "unit", subjects))
    rows = by_subject(who, days, len(subjects))
    for row, subject in enumerate(subjects):
        drawn = stream(5, "unit", subject).standard_exponential(32 * 64).reshape(64, 32)
        marks, last = [], 0.0
        for chunk in drawn:  # partial sums begin anew with every handful
            marks.extend(last + np.cumsum(chunk))
            last = marks[-1]
        marks = np.array(marks)
        expected = np.interp(marks[marks < clock[-1, row]], clock[:, row], np.arange(91.0))
        np.testing.assert_array_equal(rows[row][np.isfinite(rows[row])], expected)
    assert (np.isfinite(rows).sum(axis=1) > 0).tolist() == [False, True, True, True]


def test_a_rate_that_is_not_a_number_has_no_events():
    clock = cumulated(np.full((10, 1), np.nan))
    who, _ = passages(clock, clock_marks(clock[-1], 5, "unit", (1,)))
    assert len(who) == 0


def test_the_refractory_gap_of_a_group_is_that_of_each_subject():
    rows = np.array([[1.0, 20.0, 31.0], [5.0, np.inf, np.inf], [np.inf] * 3, [0.0, 1.0, 29.0]])
    expected = [[1.0, 31.0, np.inf], [5.0, np.inf, np.inf], [np.inf] * 3, [0.0, np.inf, np.inf]]
    assert without_refractory(rows, 30).tolist() == expected
