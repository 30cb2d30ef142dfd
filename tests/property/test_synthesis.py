"""Laws of pooling that hold for any data."""

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eubiosis.evidence.synthesis import bayes, heterogeneity
from eubiosis.evidence.synthesis import combine as synthesis

VALUES = st.floats(-3, 3, allow_nan=False).map(lambda x: round(x, 4))
VARIANCES = st.floats(0.01, 2, allow_nan=False).map(lambda x: round(x, 4))
STUDIES = st.lists(st.tuples(VALUES, VARIANCES), min_size=3, max_size=9)
METHODS = st.sampled_from(heterogeneity.TAU2_METHODS)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STUDIES, METHODS, st.floats(-2, 2), st.floats(0.5, 3))
def test_shift_and_scale(studies, method, shift, scale):
    y, v = map(np.array, zip(*studies, strict=True))
    plain = synthesis.fit(y, v, method=method)
    moved = synthesis.fit(scale * y + shift, scale**2 * v, method=method)
    assert moved.estimate == pytest.approx(scale * plain.estimate + shift, abs=1e-6)
    assert moved.tau2 == pytest.approx(scale**2 * plain.tau2, abs=1e-6)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STUDIES, METHODS)
def test_order_and_sign_do_not_matter(studies, method):
    y, v = map(np.array, zip(*studies, strict=True))
    plain = synthesis.fit(y, v, method=method)
    assert synthesis.fit(y[::-1], v[::-1], method=method).estimate == pytest.approx(plain.estimate, abs=1e-8)
    assert synthesis.fit(-y, v, method=method).estimate == pytest.approx(-plain.estimate, abs=1e-8)
    assert min(y) - 1e-9 <= plain.estimate <= max(y) + 1e-9
    assert plain.tau2 >= 0
    assert 0 <= plain.i2 <= 100


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STUDIES)
def test_intervals_are_nested(studies):
    y, v = zip(*studies, strict=True)
    for test in ("wald", "knapp-hartung-adhoc"):
        fit = synthesis.fit(y, v, test=test)
        low, high = fit.interval
        assert fit.prediction_interval()[0] <= low <= fit.estimate <= high <= fit.prediction_interval()[1]
    narrow, wide = (synthesis.fit(y, v, level=level).interval for level in (0.8, 0.95))
    assert wide[0] < narrow[0]
    assert narrow[1] < wide[1]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STUDIES)
def test_profile_interval_is_where_q_meets_its_quantiles(studies):
    y, v = map(np.array, zip(*studies, strict=True))
    (low, high), _ = synthesis.tau2_interval(y, v)
    assert 0 <= low <= high
    x = np.ones((len(y), 1))
    assert heterogeneity.cochran_q(y, v, x, high) <= heterogeneity.cochran_q(y, v, x, low) + 1e-9


def test_equal_studies_by_hand():
    # four studies of variance 0.04 and the same effect: the mean has variance 0.01 and tau2 is zero
    fit = synthesis.fit([0.3] * 4, [0.04] * 4, method="REML")
    assert fit.estimate == pytest.approx(0.3)
    assert fit.standard_errors[0] == pytest.approx(0.1)
    assert fit.tau2 == 0


def test_bayesian_mean_is_the_normal_one_when_tau_is_forced_to_zero():
    y, v = [-0.5, 0.1, 0.2], [0.04, 0.09, 0.06]
    fixed = synthesis.fit(y, v, method="FE")
    tight = bayes.bayes_fit(y, v, tau_scale=1e-6)
    assert tight.estimate == pytest.approx(fixed.estimate, abs=1e-6)
    assert tight.interval == pytest.approx(fixed.interval, abs=1e-5)


def test_bayesian_single_study_with_a_normal_prior_is_the_conjugate_answer():
    # posterior of N(0.4, 0.04) under N(0, 0.2^2): mean 0.2, variance 0.02
    post = bayes.bayes_fit([0.4], [0.04], tau_scale=1e-6, mean_prior_sd=0.2)
    assert post.estimate == pytest.approx(0.2, abs=1e-6)
    assert post.interval[1] - post.interval[0] == pytest.approx(2 * 1.959964 * math.sqrt(0.02), abs=1e-5)


def test_bayesian_quadrature_agrees_with_brute_force():
    # posterior of mu on a fine two-dimensional grid
    y, v, scale = np.array([-0.98, -2.22]), np.array([0.174, 0.356]), 0.5
    mu, tau = np.linspace(-8, 5, 2601), np.linspace(1e-4, 3, 600)
    log = -0.5 * (tau / scale) ** 2 + np.zeros((len(mu), len(tau)))
    for yi, vi in zip(y, v, strict=True):
        s2 = vi + tau**2
        log += -0.5 * np.log(s2) - 0.5 * (yi - mu[:, None]) ** 2 / s2
    density = np.exp(log - log.max()).sum(axis=1)
    cdf = np.cumsum(density) / density.sum()
    low, mid, high = (float(np.interp(p, cdf, mu)) for p in (0.025, 0.5, 0.975))
    post = bayes.bayes_fit(y, v, tau_scale=scale)
    assert (*post.interval, post.estimate) == pytest.approx((low, high, mid), abs=0.01)
