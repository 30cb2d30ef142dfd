"""Sizes that exclude a harm, against sums of binomial terms and the closed form without events."""

import math

import pytest

from eubiosis.analysis.planning.harms import excluded_risk, size_to_exclude
from eubiosis.core.findings import FindingsError


def at_most(events, people, risk):
    return math.fsum(math.comb(people, k) * risk**k * (1 - risk) ** (people - k) for k in range(events + 1))


@pytest.mark.parametrize(("limit", "people"), [(0.01, 299), (0.03, 99), (0.1, 29), (0.5, 5)])
def test_without_an_event_the_size_is_the_closed_form_by_hand(limit, people):
    # 0.99^299 = 0.0495 < 0.05 < 0.99^298, and so on
    assert (1 - limit) ** people <= 0.05 < (1 - limit) ** (people - 1)
    assert size_to_exclude(limit) == people
    assert excluded_risk(people) <= limit < excluded_risk(people - 1)


def power(people, limit, expected):
    """Share of trials whose exact upper limit ends below ``limit``, by trying every count."""
    good = [k for k in range(people) if at_most(k, people, limit) < 0.05]
    return at_most(max(good), people, expected) if good else 0.0


@pytest.mark.parametrize(("limit", "expected"), [(0.2, 0.1), (0.15, 0.05), (0.3, 0.2)])
def test_with_events_expected_the_size_has_its_power(limit, expected):
    people = size_to_exclude(limit, expected=expected)
    assert power(people, limit, expected) >= 0.8
    assert power(round(1.05 * people), limit, expected) >= 0.8
    assert power(round(0.8 * people), limit, expected) < 0.8


def test_an_event_widens_what_is_excluded():
    limits = [excluded_risk(60, events) for events in range(4)]
    assert limits == sorted(limits)
    assert at_most(2, 60, limits[2]) == pytest.approx(0.05)
    assert excluded_risk(3, 3) == 1.0


def test_what_is_no_question_is_refused_at_once():
    with pytest.raises(FindingsError) as caught:
        size_to_exclude(1.2, expected=2.0, power=0.0)
    assert {finding.place for finding in caught.value.findings} == {"limit", "power", "expected"}
