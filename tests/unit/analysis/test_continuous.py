"""ANCOVA and standardised differences: hand calculations and laws."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eubiosis.analysis.estimators.continuous import (
    ancova,
    ancovas,
    cohen_d,
    geometric_mean_ratio,
    geometric_mean_ratios,
    hedges_g,
    small_sample_factor,
)
from eubiosis.analysis.estimators.linear import cluster_covariance, fit_least_squares
from eubiosis.analysis.result import Estimate, count_by_status
from eubiosis.core.findings import FindingsError

ARM = np.array(["placebo"] * 3 + ["inulin"] * 3)
SCORE = np.array([40.0, 42.0, 44.0, 35.0, 38.0, 41.0])


def test_without_covariates_it_is_the_t_test():
    """Variances 4 and 9, pooled 6.5: SE = sqrt(6.5 * 2 / 3), 4 degrees of freedom."""
    one = ancova(SCORE, ARM, treated="inulin", control="placebo")
    assert one.estimate == pytest.approx(-4.0)
    assert one.standard_error == pytest.approx(math.sqrt(6.5 * 2 / 3))
    assert one.degrees_of_freedom == 4
    assert one.ci_high - one.ci_low == pytest.approx(2 * 2.7764451 * math.sqrt(6.5 * 2 / 3))


def test_hc3_without_covariates_divides_by_n_minus_one_squared_leverage():
    """HC3 of a group mean: sum of squares / (n (1 - 1/n))^2; here 8/4 + 18/4."""
    one = ancova(SCORE, ARM, treated="inulin", control="placebo", covariance="HC3")
    assert one.standard_error == pytest.approx(math.sqrt(8 / 4 + 18 / 4))


def test_cohen_d_and_hedges_g_by_hand():
    d = cohen_d(SCORE, ARM, treated="inulin", control="placebo")
    assert d.estimate == pytest.approx(-4 / math.sqrt(6.5))
    g = hedges_g(SCORE, ARM, treated="inulin", control="placebo")
    factor = math.gamma(2) / (math.sqrt(2) * math.gamma(1.5))
    assert small_sample_factor(4) == pytest.approx(factor)
    assert g.estimate == pytest.approx(factor * d.estimate)


@settings(deadline=None)
@given(st.floats(0.2, 50.0), st.floats(-100.0, 100.0))
def test_a_change_of_unit_scales_the_difference_and_leaves_the_test(factor, shift):
    first = ancova(SCORE, ARM, treated="inulin", control="placebo")
    second = ancova(factor * SCORE + shift, ARM, treated="inulin", control="placebo")
    assert second.estimate == pytest.approx(factor * first.estimate, rel=1e-9)
    assert second.p_value == pytest.approx(first.p_value, rel=1e-7)


def test_a_ratio_of_geometric_means_by_hand():
    values = np.array([10.0, 1000.0, 100.0, 5.0, 500.0, 50.0])
    one = geometric_mean_ratio(values, ARM, treated="inulin", control="placebo", endpoint="NfL")
    assert one.estimate == pytest.approx(0.5)
    assert one.scale == "ratio of geometric means"
    draw = np.random.default_rng(3)
    base = np.exp(draw.normal(2.0, 0.5, 60))
    arm = np.repeat(["placebo", "inulin"], 30)
    exact = base * np.where(arm == "inulin", 0.8, 1.0) * np.exp(draw.normal(0, 1e-6, 60))
    adjusted = geometric_mean_ratio(exact, arm, treated="inulin", control="placebo", baseline=base)
    assert adjusted.estimate == pytest.approx(0.8, rel=1e-5)


def test_a_value_without_a_logarithm_is_refused():
    with pytest.raises(FindingsError, match="limit of quantification"):
        geometric_mean_ratio([0.0, 1, 2, 3, 4, 5], ARM, treated="inulin", control="placebo")


def test_one_regression_gives_the_ratios_of_all_arms():
    arm = ["placebo"] * 3 + ["inulin"] * 3 + ["propionate"] * 3
    values = [1.0, 2, 4, 3, 5, 8, 2, 2, 7]
    ratios = geometric_mean_ratios(values, arm, control="placebo")
    assert [one.treated for one in ratios] == ["inulin", "propionate"]
    # without covariates: the cube roots of 3 5 8 / (1 2 4) and 2 2 7 / (1 2 4)
    assert [one.estimate for one in ratios] == pytest.approx([15 ** (1 / 3), 3.5 ** (1 / 3)])
    for one in ratios:
        assert geometric_mean_ratio(values, arm, treated=one.treated, control="placebo") == one


def test_text_strata_are_coded_and_missing_ones_counted():
    draw = np.random.default_rng(1)
    arm = np.tile(["a", "b"], 20)
    site = np.array(["north"] * 10 + ["south"] * 10 + ["west"] * 19 + [""])
    outcome = (
        draw.normal(size=40) + np.where(site == "south", 100.0, 0.0) + np.where(site == "west", -50.0, 0.0)
    )
    one = ancova(outcome, arm, treated="b", control="a", covariates={"site": site})
    assert one.missing_treated == 1
    assert one.degrees_of_freedom == 39 - 4
    assert one.detail["residual_sd"] < 2


def test_numbers_with_gaps_stay_numbers():
    outcome, arm = [1.0, 2.0, 4.0, 3.0, 5.0, 9.0, 7.0], ["t", "c"] * 3 + ["t"]
    gaps = ancova(outcome, arm, treated="t", control="c", covariates={"x": [1, 2, None, 4, 5, 6, 9]})
    numbers = ancova(outcome, arm, treated="t", control="c", covariates={"x": [1, 2, math.nan, 4, 5, 6, 9]})
    assert gaps == numbers
    assert gaps.degrees_of_freedom == 6 - 3


def test_too_few_participants_stay_in_the_table():
    one = ancova(
        [1.0, np.nan, 3.0, 4.0, 5.0, np.nan], ["a", "a", "b", "b", "b", "b"], treated="b", control="a"
    )
    assert one.status == "too_few_participants"
    assert one.missing_control == 1
    assert not one.significant()
    assert count_by_status([one, one]) == {"too_few_participants": 2}


def test_every_contrast_of_several_arms():
    arm = np.repeat(["low", "placebo", "top"], 4)
    outcome = np.array([1.0, 2, 3, 4, 5, 6, 7, 8, 2, 2, 3, 3])
    low, top = ancovas(outcome, arm, control="placebo")
    assert (low.treated, top.treated) == ("low", "top")
    assert low.estimate == pytest.approx(-4.0)
    assert top.estimate == pytest.approx(-4.0)
    assert isinstance(low, Estimate)
    assert low.as_row()["detail_crude_difference"] == pytest.approx(-4.0)


def test_clusters_of_one_give_hc1():
    draw = np.random.default_rng(8)
    matrix = np.column_stack([np.ones(30), draw.normal(size=30)])
    outcome = draw.normal(size=30)
    plain = fit_least_squares(outcome, matrix, "HC1")
    clustered = cluster_covariance(fit_least_squares(outcome, matrix), matrix, np.arange(30))
    np.testing.assert_allclose(clustered, plain.covariance * (30 / 29) * (29 / 30), rtol=1e-10)
