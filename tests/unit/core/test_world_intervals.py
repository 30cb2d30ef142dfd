"""Intervals over worlds: Monte Carlo errors against known laws, and widening by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eubiosis.core.world_intervals import effective_worlds, interval, interval_error, widened

POSITIVE = st.floats(0.01, 100)


def test_the_error_of_a_median_is_the_one_of_its_law():
    # uniform on 0 to 1: the density at the median is 1, so its standard error is 1 / (2 sqrt(n))
    values = np.random.default_rng(5).random(1600)
    low, middle, high = interval_error(values, range(1600))
    assert middle == pytest.approx(1 / 80, rel=0.25)
    # the 2.5 % point: sqrt(.025 x .975 / n) over a density of 1
    end = math.sqrt(0.025 * 0.975 / 1600)
    assert low == pytest.approx(end, rel=0.35)
    assert high == pytest.approx(end, rel=0.35)


def test_worlds_that_hang_together_count_once():
    values = np.random.default_rng(6).random(400)
    apart = interval_error(values, range(400))
    doubled = interval_error(np.repeat(values, 4), np.repeat(np.arange(400), 4))
    pretended = interval_error(np.repeat(values, 4), range(1600))
    assert doubled[1] == pytest.approx(apart[1], rel=0.15)
    assert pretended[1] < 0.7 * doubled[1]


def test_one_block_says_nothing_about_its_error():
    assert all(math.isnan(x) for x in interval_error(np.array([1.0, 2.0, 3.0]), [7, 7, 7]))
    assert all(math.isnan(x) for x in interval(np.array([])))


def test_the_same_worlds_have_the_same_error_in_any_process():
    values = np.arange(40.0)
    assert interval_error(values, range(40)) == interval_error(values, range(40))


def test_widening_adds_variances_on_the_scale_of_the_effect():
    # a half-width of 3 and one of 1.96 x 2.0408 = 4 make 5
    assert widened((-3.0, 0.0, 3.0), 4 / 1.959963984540054, ratio=False) == pytest.approx((-5.0, 0.0, 5.0))
    low, middle, high = widened((math.exp(-3), 1.0, math.exp(0.0)), 4 / 1.959963984540054, ratio=True)
    assert (math.log(low), middle, math.log(high)) == pytest.approx((-5.0, 1.0, 4.0))
    assert widened((0.9, 1.0, 1.2), 0.0, ratio=True) == (0.9, 1.0, 1.2)
    nothing = (math.nan, math.nan, math.nan)
    assert all(math.isnan(q) for q in widened(nothing, 0.3, ratio=True))


@given(ends=st.tuples(POSITIVE, POSITIVE, POSITIVE).map(sorted), sd=st.floats(0, 2))
def test_widening_never_narrows_and_keeps_the_median(ends, sd):
    low, middle, high = widened(tuple(ends), sd, ratio=True)
    assert low <= ends[0] * (1 + 1e-12)
    assert middle == ends[1]
    assert high >= ends[2] * (1 - 1e-12)


def test_weighted_points_by_hand():
    # weights 1, 2, 4, 2, 1 of 10: .1 .3 .7 .9 1.0 are reached, so 2.5 % lies at 10, 50 % at 30, 97.5 % at 50
    values = np.array([30.0, 10.0, 20.0, 50.0, 40.0])
    weights = np.array([4.0, 1.0, 2.0, 1.0, 2.0])
    assert interval(values, weights) == (10.0, 30.0, 50.0)
    assert interval(values, weights * 7) == (10.0, 30.0, 50.0)
    assert effective_worlds(weights) == pytest.approx(100 / 26)


def test_a_weight_is_as_many_worlds():
    values = np.random.default_rng(7).normal(size=300)
    counts = np.random.default_rng(8).integers(1, 6, size=300)
    copied = np.sort(np.repeat(values, counts))
    low, middle, high = interval(values, counts.astype(float))
    for point, share in ((low, 0.025), (middle, 0.5), (high, 0.975)):
        assert point == copied[math.ceil(share * len(copied)) - 1]


def test_the_error_of_a_weighted_mean_point_is_that_of_its_effective_worlds():
    # half of the worlds weigh nothing: what is left is a uniform sample of half the size
    values = np.random.default_rng(9).random(1600)
    weights = np.tile([1.0, 0.0], 800)
    assert effective_worlds(weights) == 800
    middle = interval_error(values, range(1600), weights)[1]
    assert middle == pytest.approx(1 / (2 * math.sqrt(800)), rel=0.25)
    assert interval_error(values, range(1600))[1] < middle
