"""Count regression: hand calculations, laws, and another program (statsmodels)."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eubiosis.analysis.estimators.counts import marginal_rates, rate_ratio, rate_ratios
from eubiosis.analysis.estimators.negbin import (
    _log_likelihood,
    _prepare,
    derivatives,
    fit_fixed_dispersion,
    fit_negative_binomial,
    fit_poisson,
)
from eubiosis.core.findings import FindingsError


def _trial(seed, n=150, dispersion=0.8, ratio=0.7):
    draw = np.random.default_rng(seed)
    arm = np.repeat(["placebo", "active"], n)
    years = draw.uniform(0.3, 2.0, 2 * n)
    prior = draw.poisson(1.3, 2 * n).astype(float)
    mean = 0.5 * np.where(arm == "active", ratio, 1.0) * years * np.exp(0.2 * (prior - 1.3))
    counts = draw.poisson(mean * draw.gamma(1 / dispersion, dispersion, 2 * n)).astype(float)
    return counts, years, arm, prior


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_meets_statsmodels_in_estimates_and_full_information_errors(seed):
    discrete = pytest.importorskip("statsmodels.discrete.discrete_model")
    counts, years, arm, prior = _trial(seed)
    centred = prior - prior.mean()
    matrix = np.column_stack([np.ones(len(arm)), arm == "active", centred]).astype(float)
    model = discrete.NegativeBinomial(counts, matrix, offset=np.log(years))
    other = model.fit(disp=0, method="bfgs", maxiter=500, gtol=1e-9)
    assert other.mle_retvals["converged"]
    fit = fit_negative_binomial(counts, matrix, np.log(years))
    np.testing.assert_allclose(fit.coefficients, other.params[:-1], rtol=1e-5)
    np.testing.assert_allclose(fit.dispersion, other.params[-1], rtol=1e-5)
    np.testing.assert_allclose(np.sqrt(np.diag(fit.covariance)), other.bse[:-1], rtol=1e-6)
    np.testing.assert_allclose(fit.log_likelihood, other.llf, rtol=1e-10)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    log_alpha=st.floats(-12.0, 2.0),
)
def test_derivatives_are_those_of_the_log_likelihood(seed, log_alpha):
    counts, years, arm, _ = _trial(seed, n=20)
    matrix = np.column_stack([np.ones(len(arm)), arm == "active"]).astype(float)
    data = _prepare(counts, matrix, np.log(years))
    theta = np.array([-0.4, -0.3, log_alpha])
    score, information = derivatives(data, theta)
    step = 1e-4
    for i in range(3):
        ahead, behind = theta.copy(), theta.copy()
        ahead[i] += step
        behind[i] -= step
        slope = (
            _log_likelihood(data, ahead[:-1], math.exp(ahead[-1]))
            - _log_likelihood(data, behind[:-1], math.exp(behind[-1]))
        ) / (2 * step)
        assert score[i] == pytest.approx(slope, rel=1e-5, abs=1e-6)
        curve = (derivatives(data, ahead)[0] - derivatives(data, behind)[0]) / (2 * step)
        np.testing.assert_allclose(-information[i], curve, rtol=1e-4, atol=1e-5)


def test_equal_follow_up_gives_the_ratio_of_mean_counts():
    """With one follow-up for all and no covariates the score equations are solved by the arm means."""
    counts, _, arm, _ = _trial(5)
    one = rate_ratio(counts, np.full(len(arm), 2.0), arm, treated="active", control="placebo")
    expected = counts[arm == "active"].mean() / counts[arm == "placebo"].mean()
    assert one.estimate == pytest.approx(expected, rel=1e-8)
    assert one.ci_low < expected < one.ci_high
    assert one.status == "ok"


def test_poisson_standard_error_is_the_textbook_one():
    """Poisson: variance of the log rate ratio = 1/events + 1/events."""
    arm = np.array(["t", "t", "c", "c"])
    one = rate_ratio([1, 3, 4, 6], [1.0, 2.0, 1.0, 2.0], arm, treated="t", control="c", law="Poisson")
    assert one.estimate == pytest.approx(4 / 10)
    assert one.standard_error == pytest.approx(math.sqrt(1 / 4 + 1 / 10))


def test_underdispersed_counts_fall_back_to_poisson_and_say_so():
    arm = np.repeat(["t", "c"], 6)
    counts = np.array([1, 1, 1, 2, 1, 1, 2, 2, 3, 2, 2, 2])
    one = rate_ratio(counts, np.ones(12), arm, treated="t", control="c")
    assert one.status == "boundary"
    assert one.usable
    assert one.detail["dispersion"] == 0.0
    assert one.standard_error == pytest.approx(math.sqrt(1 / 7 + 1 / 13))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 100_000), factor=st.floats(0.1, 30.0))
def test_the_unit_of_time_and_the_order_of_rows_do_not_matter(seed, factor):
    counts, years, arm, prior = _trial(seed, n=40)
    order = np.random.default_rng(seed).permutation(len(arm))
    first = rate_ratio(counts, years, arm, treated="active", control="placebo", covariates={"prior": prior})
    second = rate_ratio(
        counts[order],
        years[order] * factor,
        arm[order],
        treated="active",
        control="placebo",
        covariates={"prior": prior[order]},
    )
    assert second.status == first.status
    assert second.estimate == pytest.approx(first.estimate, rel=1e-6)
    assert second.standard_error == pytest.approx(first.standard_error, rel=1e-6)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 100_000),
    dispersion=st.floats(0.05, 6.0),
    rate=st.floats(0.05, 30.0),
    n=st.integers(6, 60),
)
def test_the_fit_is_a_maximum_or_says_that_it_is_none(seed, dispersion, rate, n):
    draw = np.random.default_rng(seed)
    counts = draw.poisson(rate * draw.gamma(1 / dispersion, dispersion, 2 * n)).astype(float)
    arm = np.repeat([0.0, 1.0], n)
    if counts[arm == 0].sum() == 0 or counts[arm == 1].sum() == 0:
        return
    matrix = np.column_stack([np.ones(2 * n), arm])
    fit = fit_negative_binomial(counts, matrix)
    assert fit.status in ("ok", "boundary")
    poisson = fit_poisson(counts, matrix)
    assert fit.log_likelihood >= poisson.log_likelihood - 1e-8
    for alpha in (0.01, 0.1, 0.3, 1.0, 3.0, 10.0):
        assert fit.log_likelihood >= fit_fixed_dispersion(counts, matrix, None, alpha).log_likelihood - 1e-7


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 100_000), scale=st.floats(-4.0, 4.0), shift=st.floats(-1e4, 1e4))
def test_the_unit_of_a_covariate_does_not_matter(seed, scale, shift):
    counts, years, arm, prior = _trial(seed, n=40)
    first, second = (
        rate_ratio(counts, years, arm, treated="active", control="placebo", covariates={"x": x})
        for x in (prior, prior * 10**scale + shift * 10**scale)
    )
    assert second.status == first.status
    assert second.estimate == pytest.approx(first.estimate, rel=1e-5)
    assert second.standard_error == pytest.approx(first.standard_error, rel=1e-5)


def test_an_arm_without_events_is_counted_as_not_significant():
    arm = np.repeat(["t", "c"], 20)
    counts = np.concatenate([np.zeros(20), np.tile([0, 3], 10)])
    one = rate_ratio(counts, np.ones(40), arm, treated="t", control="c")
    assert one.status == "too_few_events"
    assert math.isnan(one.estimate)
    assert not one.significant()
    assert one.detail["events_control"] == 30
    four = marginal_rates(counts, np.ones(40), arm, treated="t", control="c")
    assert {part.status for part in four} == {"too_few_events"}


def test_missing_values_and_no_follow_up_are_counted_per_arm():
    counts, years, arm, prior = _trial(9, n=30)
    counts[0], prior[31], years[32] = np.nan, np.nan, 0.0
    one = rate_ratio(counts, years, arm, treated="active", control="placebo", covariates={"prior": prior})
    assert (one.n_control, one.missing_control) == (29, 1)
    assert (one.n_treated, one.missing_treated) == (28, 2)


def test_a_column_that_repeats_another_changes_nothing_and_is_said():
    """As R's glm.nb does: the second column has no coefficient of its own, the arms have."""
    counts, years, arm, prior = _trial(9, n=30)
    arms = {"treated": "active", "control": "placebo"}
    one = rate_ratio(counts, years, arm, covariates={"a": prior, "b": 2 * prior}, **arms)
    plain = rate_ratio(counts, years, arm, covariates={"a": prior}, **arms)
    assert one.estimate == pytest.approx(plain.estimate, rel=1e-9)
    assert one.standard_error == pytest.approx(plain.standard_error, rel=1e-9)
    assert one.detail["undefined_directions"] == 1


def test_a_covariate_that_is_the_arm_leaves_the_contrast_undefined():
    counts, years, arm, _ = _trial(9, n=30)
    same = (arm == "active").astype(float)
    one = rate_ratio(counts, years, arm, treated="active", control="placebo", covariates={"a": 3 * same})
    assert one.status == "singular"
    assert not one.significant()


def test_several_arms_share_one_regression():
    counts, years, arm, _ = _trial(4)
    three = np.where((arm == "active") & (np.arange(len(arm)) % 2 == 0), "high", arm)
    results = rate_ratios(counts, years, three, control="placebo")
    assert [one.treated for one in results] == ["active", "high"]
    assert results[0].detail["dispersion"] == results[1].detail["dispersion"]
    assert [one.n_treated for one in results] == [75, 75]


def test_marginal_rates_of_an_unadjusted_model_are_the_fitted_rates():
    counts, years, arm, _ = _trial(12)
    treated, control, ratio, difference = marginal_rates(
        counts, years, arm, treated="active", control="placebo"
    )
    one = rate_ratio(counts, years, arm, treated="active", control="placebo")
    assert ratio.estimate == pytest.approx(one.estimate, rel=1e-9)
    assert ratio.standard_error == pytest.approx(one.standard_error, rel=1e-9)
    assert difference.estimate == pytest.approx(treated.estimate - control.estimate)
    assert math.isnan(treated.p_value)
    assert treated.control == ""


def test_wrong_tables_are_refused_with_every_finding():
    with pytest.raises(FindingsError, match=r"placibo.*nearest \"placebo\"") as caught:
        rate_ratio([1, 2], [1.0], ["placebo", "x"], treated="x", control="placibo")
    assert len(caught.value.findings) == 2
    with pytest.raises(FindingsError, match="negative follow-up"):
        rate_ratio([1, 2], [1.0, -1.0], ["placebo", "x"], treated="x", control="placebo")
    with pytest.raises(ValueError, match="not whole"):
        rate_ratio([1.5, 2, 3, 4], np.ones(4), ["p", "x", "p", "x"], treated="x", control="p")
    with pytest.raises(FindingsError, match="treated arm"):
        rate_ratio([1, 2, 3, 4], np.ones(4), ["p", "x", "p", "x"], treated="y", control="p")


def test_a_count_beyond_all_measure_is_refused_before_memory_is_asked_for():
    with pytest.raises(ValueError, match="allowed: up to 10000000 events"):
        rate_ratio([8e11, 1, 0, 2], [1.0] * 4, ["a", "b", "a", "b"], treated="a", control="b")
