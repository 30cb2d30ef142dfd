"""Chances, tipping points and the worth of a trial, against hand calculation and simulation."""

import dataclasses
import math

import numpy as np
import pytest

from eubiosis.core.decisions import (
    Stakes,
    TrialWorth,
    chances,
    same_order,
    sample_information,
    standard_error,
    tipping_ratio,
)
from eubiosis.core.effect_prior import EffectPrior

STAKES = Stakes(relapse=8000.0, participant=3000.0, treated=400.0, takers=1000.0, rate=0.25, years=4.0)


def mixture(weights, means, sds):
    return EffectPrior("o", "i", "log rate ratio", "", "", weights, means, sds, (), (), "assumed", ())


@pytest.mark.parametrize(
    ("exposure", "ratio"), [(0.44, 0.60), (0.27, 0.44), (0.1135, 0.14), (0.0436, 0.006), (0.0318, 0.0009)]
)
def test_tipping_points_are_those_worked_out_in_the_review(exposure, ratio):
    """0.8 = ratio ** exposure: inulin, fibre, Mediterranean, propionate and a transplant by hand."""
    assert tipping_ratio(exposure) == pytest.approx(ratio, rel=0.04)
    assert tipping_ratio(exposure) ** exposure == pytest.approx(0.8)
    # a fall of the input: relapses would have to rise with it, and 0.8 is reached from the other side
    assert tipping_ratio(-exposure) ** -exposure == pytest.approx(0.8)
    assert tipping_ratio(-exposure) > 1
    assert tipping_ratio(0.0) is None


def test_chances_stand_beside_their_value_before_data():
    wide, narrow = mixture((1.0,), (0.0,), (0.3,)), mixture((1.0,), (0.0,), (0.1,))
    benefit, harm = chances(narrow, wide)
    assert benefit.probability == pytest.approx(0.5 * math.erfc(math.log(1 / 0.8) / 0.1 / math.sqrt(2)))
    assert harm.before == pytest.approx(0.5 * math.erfc(math.log(1.1) / 0.3 / math.sqrt(2)))
    assert benefit.word == "data moved it"
    assert {c.word for c in chances(wide, wide)} == {"prior only"}


def test_the_value_of_sample_information_against_simulation():
    """Draw truths and estimates, decide by the posterior mean, and count what was gained."""
    prior, error = mixture((0.4, 0.6), (0.0, -0.05), (0.1, 0.35)), 0.2
    rng = np.random.default_rng(5)
    truth = prior.sample(rng, 400_000)
    seen = truth + error * rng.standard_normal(len(truth))
    net = STAKES.relapse * STAKES.rate * STAKES.years * (1 - np.exp(truth)) - STAKES.treated
    edges = np.quantile(seen, np.linspace(0, 1, 401)[1:-1])
    told = np.digitize(seen, edges)
    means = np.bincount(told, net) / np.bincount(told)
    decided = np.maximum(means, 0.0)[told]
    expected = STAKES.takers * (decided.mean() - max(net.mean(), 0.0))
    assert sample_information(prior, error, STAKES) == pytest.approx(expected, rel=0.03)


def test_information_is_never_worth_less_than_nothing_and_more_is_worth_more():
    prior = mixture((1.0,), (0.0,), (0.3,))
    worths = [sample_information(prior, error, STAKES) for error in (5.0, 0.5, 0.2, 0.05)]
    assert worths == sorted(worths)
    assert worths[0] < 0.01 * worths[-1]
    gain = STAKES.relapse * STAKES.rate * STAKES.years
    edge = math.log(1 - STAKES.treated / gain)  # adopt below this log ratio
    truth = np.linspace(-3, 3, 200_001)
    density = np.exp(-0.5 * (truth / 0.3) ** 2) / (0.3 * math.sqrt(2 * math.pi))
    perfect = np.sum(np.where(truth < edge, gain * (1 - np.exp(truth)) - 400, 0.0) * density) * 3e-5
    assert sample_information(prior, 1e-4, STAKES) == pytest.approx(STAKES.takers * perfect, rel=1e-3)
    hopeless = dataclasses.replace(STAKES, treated=1e9)
    assert sample_information(prior, 0.2, hopeless) == 0.0


def test_the_standard_error_falls_with_people_and_has_the_negative_binomial_variance():
    assert standard_error(0.2, 0.8, 2.0, 200) == pytest.approx(math.sqrt(2 / 200 * (1 / 0.4 + 0.8)))


def test_a_ranking_stands_only_where_all_priors_agree():
    def worth(net):
        return TrialWorth(100, 0.2, net, 0.0)

    rows = [worth(3.0), worth(1.0), worth(2.0)]
    assert same_order({"a": rows, "b": [worth(30.0), worth(-5.0), worth(2.0)]}) == (0, 2, 1)
    assert same_order({"a": rows, "b": [worth(1.0), worth(3.0), worth(2.0)]}) is None
    assert same_order({"a": rows, "b": [worth(2.0), worth(1.0), worth(2.0)]}) is None  # a tie is no order
