"""Scores of forecasts: against integrals, another program's ranks, and what must hold for any forecast."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from eubiosis.analysis.forecast_scores import crps_normal, mean_interval, rank_correlation, resampled_rows

reals = st.floats(-5, 5)


@pytest.mark.parametrize(("y", "mean", "sd"), [(0.3, 0.0, 1.0), (-2.0, 0.5, 0.4), (1.0, 1.0, 2.0)])
def test_crps_is_the_integral_of_the_squared_difference_of_the_distributions(y, mean, sd):
    below = integrate.quad(lambda x: stats.norm.cdf(x, mean, sd) ** 2, -np.inf, y)[0]
    above = integrate.quad(lambda x: stats.norm.sf(x, mean, sd) ** 2, y, np.inf)[0]
    assert crps_normal(y, mean, sd) == pytest.approx(below + above, abs=1e-7)


@given(reals, reals, st.floats(0, 3), st.floats(0.1, 4), reals)
def test_crps_moves_with_the_scale_and_not_with_the_place(y, mean, sd, factor, shift):
    one = crps_normal(y, mean, sd)
    assert crps_normal(factor * y + shift, factor * mean + shift, factor * sd) == pytest.approx(
        factor * one, abs=1e-9
    )
    assert -1e-12 <= one <= abs(y - mean) + sd


def test_a_sure_forecast_scores_its_error_and_a_negative_spread_is_refused():
    assert crps_normal([3.0, -1.0], [1.0, -1.0], [0.0, 0.0]).tolist() == [2.0, 0.0]
    with pytest.raises(ValueError, match="below 0"):
        crps_normal(0.0, 0.0, -1.0)


def test_rank_correlation_is_that_of_scipy_with_ties_and_gaps():
    draw = np.random.default_rng(3)
    a = draw.integers(0, 6, 40).astype(float)
    b = a + draw.normal(0, 2, 40)
    assert rank_correlation(a, b) == pytest.approx(stats.spearmanr(a, b).statistic)
    a[5] = np.nan
    known = np.isfinite(a)
    assert rank_correlation(a, b) == pytest.approx(stats.spearmanr(a[known], b[known]).statistic)
    assert np.isnan(rank_correlation([1.0, 1.0, 1.0], [1.0, 2.0, 3.0]))


def test_resampled_households_stay_together():
    groups = np.array(["a", "a", "b", "c", "c"])
    for pick in resampled_rows(5, groups=groups)[:50]:
        counts = {g: np.bincount(pick, minlength=5)[groups == g] for g in "abc"}
        assert all(len(set(n.tolist())) == 1 for n in counts.values())


def test_the_interval_of_a_mean_is_near_that_of_student_for_many_people():
    values = np.random.default_rng(1).normal(2.0, 1.0, 400)
    mean, low, high = mean_interval(values)
    half = 1.96 * values.std(ddof=1) / 20
    assert (mean, low, high) == pytest.approx(
        (values.mean(), values.mean() - half, values.mean() + half), abs=0.02
    )
