"""Laws of probability against scipy.stats, and roots against brentq."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats

from eubiosis.core import laws

X = np.linspace(-9, 9, 401)
P = np.concatenate([10.0 ** -np.arange(1, 12), np.linspace(0.01, 0.99, 99)])
DF = np.array([1.0, 2.0, 3.5, 27.0, 400.0])[:, None]


def near(mine, theirs):
    np.testing.assert_allclose(mine, theirs, rtol=2e-13, atol=1e-300)


def test_normal():
    near(laws.normal_cdf(X), stats.norm.cdf(X))
    near(laws.normal_sf(X), stats.norm.sf(X))
    near(laws.normal_pdf(X), stats.norm.pdf(X))
    near(laws.normal_log_pdf(X), stats.norm.logpdf(X))
    near(laws.normal_quantile(P), stats.norm.ppf(P))
    near(laws.normal_point(P), stats.norm.isf(P))
    assert stats.norm.isf(0.025) == pytest.approx(laws.Z975, rel=1e-15)


def test_student_chi_square_and_f():
    near(laws.t_sf(X, DF), stats.t.sf(X, DF))
    near(laws.t_quantile(P, DF), stats.t.ppf(P, DF))
    near(laws.t_point(P, DF), stats.t.isf(P, DF))
    near(laws.chi2_sf(X**2, DF), stats.chi2.sf(X**2, DF))
    np.testing.assert_allclose(laws.chi2_point(P, DF), stats.chi2.isf(P, DF), rtol=1e-11)
    np.testing.assert_allclose(laws.f_sf(X**2, DF, 3.0), stats.f.sf(X**2, DF, 3.0), rtol=1e-11)


def test_counts():
    counts, chances = np.arange(-1, 45), np.array([0.0, 0.01, 0.3, 0.99, 1.0])[:, None]
    np.testing.assert_allclose(
        laws.binomial_cdf(counts, 40, chances), stats.binom.cdf(counts, 40, chances), rtol=1e-12, atol=1e-15
    )
    inside = chances[1:4]
    np.testing.assert_allclose(
        laws.negative_binomial_cdf(counts, 2.5, inside), stats.nbinom.cdf(counts, 2.5, inside), rtol=1e-12
    )
    near(laws.negative_binomial_pmf(np.arange(45), 1.3, 0.4), stats.nbinom.pmf(np.arange(45), 1.3, 0.4))


@given(
    shift=st.floats(-5, 5), scale=st.floats(1e-6, 1e6), power=st.sampled_from([1, 3, 5]), sign=st.booleans()
)
def test_a_root_is_that_of_brentq(shift, scale, power, sign):
    def function(x):
        return (1 if sign else -1) * scale * (math.expm1(x - shift) + (x - shift) ** power)

    wanted = optimize.brentq(function, -7.0, 8.0, xtol=1e-15, rtol=1e-15, maxiter=1000)
    assert laws.root(function, -7.0, 8.0) == pytest.approx(wanted, abs=1e-13)


def test_a_root_needs_a_change_of_sign_and_may_be_an_end():
    assert laws.root(lambda x: x, 0.0, 1.0) == 0.0
    assert laws.root(lambda x: x - 1, 0.0, 1.0) == 1.0
    with pytest.raises(ValueError, match="no sign change"):
        laws.root(lambda x: x + 3, 0.0, 1.0)


def test_steps_and_flat_ends_are_found():
    for place in (0.1, 0.5, 0.999):
        assert laws.root(lambda x, place=place: -1.0 if x < place else 1.0, 0.0, 1.0) == pytest.approx(
            place, abs=1e-15
        )
        calls = []

        def steep(x, place=place, calls=calls):
            calls.append(x)
            return math.tanh(1e4 * (x - place))

        assert laws.root(steep, 0.0, 1.0) == pytest.approx(place, abs=1e-14)
        assert len(calls) < 60


@pytest.mark.parametrize("count", [1, 2, 7, 24, 64, 400])
def test_gauss_legendre_is_that_of_numpy_and_integrates_powers(count):
    nodes, weights = laws.gauss_legendre(count)
    theirs = np.polynomial.legendre.leggauss(count)  # its last weights lose digits: 6e-10 at 400 nodes
    np.testing.assert_allclose(nodes, theirs[0], atol=3e-15)
    np.testing.assert_allclose(weights, theirs[1], rtol=1e-9)
    for power in range(0, 2 * count, 2):
        assert weights @ nodes**power == pytest.approx(2 / (power + 1), rel=2e-13)


def test_a_root_takes_few_steps():
    calls = []

    def function(x):
        calls.append(x)
        return float(laws.normal_cdf(x)) - 0.025

    assert laws.root(function, -8.0, 8.0) == pytest.approx(-laws.Z975, abs=1e-14)
    assert len(calls) < 20
