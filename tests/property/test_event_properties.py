"""Laws of events by a change of clock that hold for every rate."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from eubiosis.trial.world.events import event_days, without_refractory

laws = settings(deadline=None, max_examples=60)
rates = st.lists(st.floats(0, 2, allow_subnormal=False), min_size=1, max_size=60).map(np.array)
subjects = st.integers(0, 2**31)
sorted_days = st.lists(st.floats(0, 400), max_size=40).map(lambda days: np.array(sorted(days)))


@laws
@given(rates, subjects)
def test_equal_rates_give_identical_events(rate, subject):
    assert np.array_equal(
        event_days(rate, 3, "relapses", subject), event_days(rate.copy(), 3, "relapses", subject)
    )


@laws
@given(rates, subjects, st.data())
def test_a_lower_rate_only_delays_or_removes_events(rate, subject, data):
    factor = np.array(data.draw(st.lists(st.floats(0, 1), min_size=len(rate), max_size=len(rate))))
    more, fewer = (event_days(r, 3, "relapses", subject) for r in (rate, rate * factor))
    assert len(fewer) <= len(more)
    assert np.all(fewer >= more[: len(fewer)] - 1e-9)


@laws
@given(rates, subjects)
def test_half_the_rate_never_gives_more_events(rate, subject):
    more, fewer = (event_days(r, 3, "relapses", subject) for r in (rate, rate / 2))
    assert len(fewer) <= len(more)
    assert np.all(fewer >= more[: len(fewer)] - 1e-9)


@laws
@given(rates, st.integers(1, 40), subjects)
def test_what_comes_later_does_not_change_what_was(rate, extra, subject):
    longer = np.concatenate((rate, np.full(extra, 0.7)))
    early = event_days(longer, 3, "relapses", subject)
    np.testing.assert_allclose(early[early < len(rate)], event_days(rate, 3, "relapses", subject), atol=1e-9)


@laws
@given(rates, subjects)
def test_events_are_in_order_and_within_the_days(rate, subject):
    days = event_days(rate, 3, "relapses", subject)
    assert np.all(np.diff(days) >= 0)
    assert np.all((days >= 0) & (days <= len(rate)))


@laws
@given(sorted_days, st.floats(0, 100))
def test_kept_events_respect_the_refractory_gap(days, gap):
    kept = without_refractory(days, gap)
    assert np.isin(kept, days).all()
    assert np.all(kept[1:] >= kept[:-1] + gap)
    # and nothing was dropped without need: each dropped event is within the gap of a kept one before it
    for day in days[~np.isin(days, kept)]:
        assert np.any((kept <= day) & (day < kept + gap))
