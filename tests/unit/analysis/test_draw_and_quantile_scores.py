"""Scores of draws and of quantiles: another program's numbers, hand sums, and laws."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from eubiosis.analysis.forecast_scores import crps_normal
from eubiosis.analysis.quantile_scores import (
    inside,
    interval_score,
    quantile_loss,
    weighted_interval_score,
)
from eubiosis.analysis.sample_scores import (
    FEWEST_STUDIES,
    counted_share,
    crps_draws,
    draw_quantiles,
    energy_score,
    score_ratio,
)
from eubiosis.core.sealed import LEVELS

DRAWS, WEIGHTS = [-1.3, 0.2, 0.4, 2.5, 1.1, -0.7], [0.1, 0.3, 0.2, 0.15, 0.05, 0.2]
FIVE, ENDS = (0.05, 0.25, 0.5, 0.75, 0.95), (-2.0, -0.8, 0.1, 0.9, 2.6)


# scoringrules 0.10.0, crps_ensemble(y, x, ens_w=w, estimator="nrg")
@pytest.mark.parametrize(
    ("y", "plain", "weighted"),
    [(-2.0, 1.6833333333, 1.7185), (0.3, 0.2833333333, 0.1985), (3.0, 1.95, 2.1185)],
)
def test_crps_of_draws_is_that_of_another_program(y, plain, weighted):
    assert crps_draws(y, DRAWS) == pytest.approx(plain, abs=1e-9)
    assert crps_draws(y, DRAWS, WEIGHTS) == pytest.approx(weighted, abs=1e-9)


def test_energy_score_is_that_of_another_program():
    # scoringrules 0.10.0, es_ensemble(y, x, ens_w=w, estimator="nrg")
    x = [[0.1, -0.2, 1.0], [1.2, 0.4, -0.5], [-0.7, 0.9, 0.3], [0.0, -1.1, 0.8]]
    assert energy_score([0.5, -0.3, 0.2], x) == pytest.approx(0.5432732083612386)
    assert energy_score([0.5, -0.3, 0.2], x, [0.4, 0.1, 0.3, 0.2]) == pytest.approx(0.6382589120155007)


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=12), st.floats(-5, 5))
def test_the_energy_score_of_one_quantity_is_its_crps(draws, y):
    assert energy_score([y], np.array(draws)[:, None]) == pytest.approx(crps_draws(y, draws), abs=1e-9)


def test_many_draws_of_a_normal_law_score_as_its_closed_form():
    x = stats.norm.ppf((np.arange(4000) + 0.5) / 4000, 0.3, 1.7)
    assert crps_draws(-1.0, x) == pytest.approx(float(crps_normal(-1.0, 0.3, 1.7)), abs=2e-4)


def test_a_draw_of_double_weight_is_a_draw_twice():
    assert crps_draws(0.7, [0.0, 1.0, 1.0]) == pytest.approx(crps_draws(0.7, [0.0, 1.0], [1, 2]))


@pytest.mark.parametrize(
    ("draws", "weights"), [([], None), ([math.nan], None), ([1.0, 2.0], [1.0]), ([1.0], [0.0]), ([1.0], [-1])]
)
def test_draws_that_are_none_are_refused(draws, weights):
    with pytest.raises(ValueError, match="draw"):
        crps_draws(0.0, draws, weights)


def test_weighted_interval_score_by_hand():
    # y = -3: |y - m| / 2 = 1.55; .05 (4.6 + 20 * 1) = 1.23; .25 (1.7 + 4 * 2.2) = 2.625; over 2.5
    found = weighted_interval_score(-3.0, FIVE, ENDS)
    assert found.score == pytest.approx((1.55 + 1.23 + 2.625) / 2.5)
    assert (found.dispersion, found.overprediction) == pytest.approx((0.655 / 2.5, (1 + 2.2 + 1.55) / 2.5))
    assert found.underprediction == 0
    assert interval_score(-3.0, -2.0, 2.6, 0.9) == pytest.approx(24.6)


@given(st.floats(-6, 6), st.lists(st.floats(-4, 4), min_size=23, max_size=23))
def test_weighted_interval_score_is_twice_the_mean_quantile_loss(y, values):
    ordered = sorted(values)
    twice = 2 * quantile_loss(y, LEVELS, ordered).mean()
    assert weighted_interval_score(y, LEVELS, ordered).score == pytest.approx(twice, abs=1e-9)


@pytest.mark.parametrize(
    ("levels", "values", "said"),
    [
        ((0.25, 0.75), (0, 1), "median"),
        ((0.2, 0.5, 0.75), (0, 1, 2), "partner"),
        ((0.25, 0.5, 0.75), (0, 2, 1), "do not fall"),
        ((0.5, 0.25, 0.75), (0, 1, 2), "rise"),
    ],
)
def test_quantiles_that_are_none_are_refused(levels, values, said):
    with pytest.raises(ValueError, match=said):
        weighted_interval_score(0.0, levels, values)


def test_an_interval_needs_its_own_levels_and_its_ends_are_inside():
    assert inside(2.6, FIVE, ENDS, 0.9)
    assert not inside(2.601, FIVE, ENDS, 0.9)
    with pytest.raises(ValueError, match=r"no quantile at 0\.1"):
        inside(0.0, FIVE, ENDS, 0.8)
    with pytest.raises(ValueError, match="interval from"):
        interval_score(0.0, 1.0, 0.0, 0.9)


def test_exact_interval_of_a_share_is_scipys():
    for hits, of in ((0, 7), (3, 9), (7, 7)):
        peer = stats.binomtest(hits, of).proportion_ci(method="exact")
        own = counted_share(hits, of)
        assert (own.low, own.high) == pytest.approx((peer.low, peer.high), abs=1e-12)
    with pytest.raises(ValueError, match="8 of 7"):
        counted_share(8, 7)


def test_quantiles_of_equal_draws_are_linear_between_middles():
    peer = np.quantile([3.0, 1.0, 2.0, 7.0], [0.25, 0.5, 0.9], method="hazen")
    assert draw_quantiles([3.0, 1.0, 2.0, 7.0], [0.25, 0.5, 0.9]) == pytest.approx(peer)


def test_skill_is_claimed_only_below_one_and_never_from_a_few_studies():
    better = score_ratio([0.5] * 8, [1.0] * 8)
    assert better.skill
    assert not better.lost
    worse = score_ratio([2.0] * 8, [1.0] * 8)
    assert worse.lost
    assert not worse.skill
    few = score_ratio([0.5] * (FEWEST_STUDIES - 1), [1.0] * (FEWEST_STUDIES - 1))
    assert few.ratio == 0.5
    assert not few.skill
    assert not few.lost


def test_a_ratio_scored_on_what_is_no_score_is_refused():
    with pytest.raises(ValueError, match="finite"):
        score_ratio([1.0, math.nan], [1.0, 1.0])
    with pytest.raises(ValueError, match="one score a study"):
        score_ratio([1.0], [1.0, 1.0])
