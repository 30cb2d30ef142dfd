"""Contours by hand, and what holds for any of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eubiosis.core.assurance_grid import contour, crossing


@pytest.mark.parametrize(
    ("level", "expected"),
    [(0.5, 3.0), (0.4, 2.0), (0.1, 1.0), (0.05, 1.0), (0.6, 4.0), (0.61, None)],
)
def test_crossings_by_hand(level, expected):
    found = crossing(level, (1.0, 2.0, 4.0), (0.1, 0.4, 0.6))
    assert found == (None if expected is None else pytest.approx(expected))


def test_a_contour_by_hand_breaks_where_a_row_does_not_reach_it():
    rows = ((0.0, 1.0), (0.0, 0.4), (0.5, 1.0), (0.0, 0.5))
    lines = contour(0.5, (10.0, 20.0), (1.0, 2.0, 3.0, 4.0), rows)
    assert lines == (((15.0, 1.0),), ((10.0, 3.0), (20.0, 4.0)))
    assert contour(0.9, (10.0, 20.0), (1.0, 2.0), ((0.0, 0.1), (0.0, 0.2))) == ()


@given(st.lists(st.floats(0, 1), min_size=2, max_size=9).map(sorted), st.floats(0, 1), st.floats(0, 1))
def test_a_higher_level_is_never_reached_sooner(values, one, other):
    xs = tuple(float(k) for k in range(len(values)))
    low, high = sorted((one, other))
    first, second = crossing(low, xs, values), crossing(high, xs, values)
    assert second is None or (first is not None and first <= second + 1e-9)
