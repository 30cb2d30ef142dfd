"""Assurance under mixtures and uncertain nuisance, and open trials: closed forms and simulation."""

import doctest
import math

import numpy as np
import pytest
from scipy.stats import norm

from eubiosis.analysis.planning import expectancy, prior_assurance
from eubiosis.analysis.planning.assurance import Prior, assurance, normal_assurance
from eubiosis.analysis.planning.expectancy import excluded_risk, open_trial, treatment_part
from eubiosis.analysis.planning.prior_assurance import MixturePrior, size_for_assurance
from eubiosis.analysis.planning.prior_assurance import prior_assurance as assure


@pytest.mark.parametrize("module", [expectancy, prior_assurance])
def test_examples_hold(module):
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0


@pytest.mark.parametrize(("mean", "sd", "error"), [(0.0, 0.5, 0.1), (0.3, 0.18, 0.12), (0.16, 0.1, 0.3)])
def test_one_normal_part_gives_the_quadrature(mean, sd, error):
    mine = assure(MixturePrior("one", (1.0,), (mean,), (sd,)), lambda _: [error], relevant=0.1)
    other = assurance(Prior(mean, sd), lambda _: error, relevant=0.1)
    for name in ("assurance", "ceiling", "power_at_mean", "true_effect_given_success",
                 "estimate_given_success", "below_relevant_given_success"):  # fmt: skip
        assert getattr(mine, name) == pytest.approx(getattr(other, name), abs=4e-3), name
    assert mine.assurance == pytest.approx(normal_assurance(Prior(mean, sd), error), abs=1e-5)


def test_a_mixture_and_scenarios_are_averages():
    both = MixturePrior("both", (0.4, 0.6), (0.0, 0.4), (0.3, 0.2))
    parts = [normal_assurance(Prior(m, s), e) for e in (0.1, 0.2) for m, s in ((0.0, 0.3), (0.4, 0.2))]
    by_hand = (0.4 * parts[0] + 0.6 * parts[1] + 0.4 * parts[2] + 0.6 * parts[3]) / 2
    assert assure(both, lambda _: [0.1, 0.2]).assurance == pytest.approx(by_hand, abs=1e-5)
    assert both.ceiling == pytest.approx(0.4 * 0.5 + 0.6 * norm.cdf(2.0))


def test_a_size_reaches_its_assurance_and_none_passes_the_ceiling():
    prior = MixturePrior("optimistic", (1.0,), (0.3,), (0.3 / 1.645,))
    errors_at = lambda n: lambda _: [math.sqrt(2 / n)]  # noqa: E731
    size = size_for_assurance(prior, errors_at, 0.8, 1e5)
    assert assure(prior, errors_at(size)).assurance >= 0.8
    assert assure(prior, errors_at(0.98 * size)).assurance < 0.8
    assert math.isinf(size_for_assurance(prior, errors_at, 0.96, 1e9))
    assert math.isinf(size_for_assurance(prior, errors_at, 0.8, 0.9 * size))


def test_a_prior_has_to_be_one():
    for wrong in (((0.5,), (0.0,), (1.0,)), ((1.0,), (0.0,), (0.0,)), ((1.0,), (0.0, 1.0), (1.0,))):
        with pytest.raises(ValueError, match="allowed"):
            MixturePrior("wrong", *wrong)


def test_open_trials_are_those_of_a_simulation():
    found = open_trial(40, 0.4, expectancy_mean=0.3, expectancy_sd=0.153, unexplained=0.75)
    generator = np.random.default_rng(8)
    error = math.sqrt(2 * 0.75 / 40)
    extra = generator.normal(0.3, 0.153, 200_000)
    null = extra + generator.normal(0, error, 200_000)
    assert np.mean(null > 1.959964 * error) == pytest.approx(found.false_success, abs=0.004)
    both = math.hypot(error, 0.153)
    seen = 0.4 + extra + generator.normal(0, error, 200_000)
    assert np.mean(seen - 0.3 > 1.959964 * both) == pytest.approx(found.power_corrected, abs=0.004)
    assert np.mean(seen > found.needed) == pytest.approx(found.power_corrected, abs=0.004)


def test_no_size_identifies_treatment_below_what_expectancy_hides():
    assert math.isinf(open_trial(1e6, 0.42, expectancy_mean=0.3, expectancy_sd=0.153).n_corrected)
    reachable = open_trial(1e6, 0.6, expectancy_mean=0.3, expectancy_sd=0.153)
    again = open_trial(reachable.n_corrected, 0.6, expectancy_mean=0.3, expectancy_sd=0.153)
    assert again.power_corrected == pytest.approx(0.8, abs=1e-6)


def test_the_treatment_part_is_the_remainder_and_wider():
    low, middle, high = treatment_part(0.5, 0.1, 0.3, 0.153)
    assert middle == pytest.approx(0.2)
    assert high - low > 2 * 1.959964 * 0.153


def test_the_risk_ruled_out_is_the_rule_of_three_for_many():
    assert excluded_risk(300) == pytest.approx(3 / 300, rel=0.01)
    assert (1 - excluded_risk(20)) ** 20 == pytest.approx(0.05)
    with pytest.raises(ValueError, match="allowed"):
        open_trial(1, 0.3, expectancy_mean=0.3, expectancy_sd=0.153)
