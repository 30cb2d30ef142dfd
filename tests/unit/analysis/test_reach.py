"""What a trial can see: hand calculations, laws, and simulated counts beside the formula."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eubiosis.analysis.planning.counts import FollowUp, negative_binomial_size
from eubiosis.analysis.planning.forms_apart import FormLaw, chance_of_right, participants_for_chance
from eubiosis.analysis.planning.prior_assurance import MixturePrior
from eubiosis.analysis.planning.reach import (
    CountLaw,
    SpreadLaw,
    curve_under,
    detectable,
    participants_needed,
    power_at,
    worlds_prior,
)

RATES = (0.5, 0.3, 0.18)
YEARS = FollowUp(1.0)


def count_law(people: int, rates: tuple[float, float, float] = RATES) -> SpreadLaw:
    """Return the law of relapses with the error that the formula gives: two equal arms of ``people`` / 2."""
    counts = CountLaw(rates, 0.8, YEARS)
    error = math.sqrt(2 * 2 / people * (1 / rates[1] + 0.8))
    return SpreadLaw(error, 0.0, people, counts, counts)


def test_a_score_by_hand():
    # two arms of 50, SD 10: error 2; seen with 80 % at 0.05: (1.959964 + 0.841621) x 2
    law = SpreadLaw(2.0, 0.0, 100)
    assert detectable(law, 100, 0.05, 0.8) == pytest.approx((5.60317,) * 3, abs=1e-5)
    assert detectable(law, 400, 0.05, 0.8) == pytest.approx((5.60317 / 2,) * 3, abs=1e-5)
    assert participants_needed(law, 5.60317 / 2, 0.05, 0.8)[1] in (400, 401)
    assert power_at(law, 4.0, 100, 0.05) == pytest.approx([0.515968] * 3, abs=1e-5)  # Phi(2 - 1.959964)


def test_multiplicity_is_counted():
    law = SpreadLaw(2.0, 0.0, 100)
    one, two = detectable(law, 100, 0.05, 0.8)[1], detectable(law, 100, 0.025, 0.8)[1]
    assert two / one == pytest.approx((2.241403 + 0.841621) / (1.959964 + 0.841621), abs=1e-5)


@pytest.mark.parametrize("ratio", [0.7, 0.8, 0.5])
def test_counts_agree_with_the_size_of_zhu_and_lakkis(ratio):
    # their approach 2 takes the variance under the alternative, as the information here does
    planned = negative_binomial_size(0.3, ratio, 0.8, YEARS, power=0.8, alpha=0.05, method=2)
    total = 2 * planned.n_control_exact
    found = participants_needed(count_law(200), -math.log(ratio), 0.05, 0.8)
    assert found[1] == pytest.approx(math.ceil(total), abs=1)
    assert found[0] < found[1] < found[2]  # more relapses in the control arm, fewer people
    seen = detectable(count_law(200), found[1], 0.05, 0.8)[1]
    assert seen == pytest.approx(-math.log(ratio), rel=0.01)


def test_the_power_of_simulated_counts_lies_on_the_line():
    rng = np.random.default_rng(4)
    people, rate, ratio, k, trials = 150, 0.9, 0.55, 0.4, 4000
    shape = 1 / k
    control = rng.negative_binomial(shape, shape / (shape + rate), (trials, people)).mean(axis=1)
    treated = rng.negative_binomial(shape, shape / (shape + ratio * rate), (trials, people)).mean(axis=1)
    error = np.sqrt((1 / control + k + 1 / treated + k) / people)
    power = float(np.mean(np.log(treated / control) / error < -1.959964))
    counts = CountLaw((rate, rate, rate), k, YEARS)
    law = SpreadLaw(math.sqrt(2 / people * (1 / rate + k)), 0.0, 2 * people, counts, counts)
    assert power_at(law, -math.log(ratio), 2 * people, 0.05)[1] == pytest.approx(power, abs=0.025)


def test_no_effect_is_large_enough_where_nothing_is_counted():
    few = count_law(20, (0.11, 0.1, 0.02))
    assert detectable(few, 20, 0.05, 0.8)[2] == math.inf
    assert participants_needed(few, 0.01, 0.05, 0.8)[2] is None
    for error in (0.0, math.nan, math.inf):
        assert all(math.isnan(one) for one in detectable(SpreadLaw(error, 0.0, 100), 100, 0.05, 0.8))
        assert participants_needed(SpreadLaw(error, 0.0, 100), 1.0, 0.05, 0.8) == (None, None, None)


@settings(max_examples=40, deadline=None)
@given(st.floats(0.1, 5.0), st.floats(0.0, 0.2), st.integers(20, 2000), st.sampled_from([0.05, 0.025]))
def test_what_is_seen_is_seen_with_the_power_asked_for(error, share, people, alpha):
    law = SpreadLaw(error, share * error, 100)
    best, stated, worst = detectable(law, people, alpha, 0.8)
    assert best <= stated <= worst
    for k, effect in enumerate((best, stated, worst)):
        assert power_at(law, effect, people, alpha)[k] == pytest.approx(0.8, abs=1e-9)


@settings(max_examples=30, deadline=None)
@given(st.integers(40, 4000), st.floats(1.01, 3.0))
def test_a_larger_trial_never_sees_less(people, factor):
    law = count_law(200)
    more = int(people * factor) + 1
    for few, many in zip(detectable(law, people, 0.05, 0.8), detectable(law, more, 0.05, 0.8), strict=True):
        assert many <= few


def test_wrong_signs_are_those_of_the_prior_by_hand():
    # symmetric about no effect and an error so large that the sign says nothing: half of the successes are
    # wrong
    law = SpreadLaw(1e3, 0.0, 100)
    prior = MixturePrior("any", (1.0,), (0.0,), (1e-3,))
    found = curve_under(prior, law, 0.05).at(100, 0.0)
    assert found.assurance == pytest.approx(0.025, abs=1e-4)
    assert found.below_relevant_given_success == pytest.approx(0.5, abs=1e-2)
    sharp = curve_under(MixturePrior("any", (1.0,), (0.0,), (1.0,)), SpreadLaw(0.01, 0.0, 100), 0.05).at(
        100, 0.0
    )
    assert sharp.below_relevant_given_success < 0.001
    assert sharp.assurance == pytest.approx(0.49, abs=0.01)


def test_worlds_are_equally_probable():
    prior = worlds_prior([0.0, 1.0, 5.0], 0.0)
    assert prior.mean == pytest.approx(2.0)
    assert max(prior.sds) < 0.01
    assert worlds_prior([0.0, 0.0], 0.3).sds == (0.3, 0.3)


def test_forms_are_told_apart_as_two_normals_are():
    # equal spreads: Phi of half the standardised distance
    assert chance_of_right(FormLaw(0.0, 0.6), FormLaw(1.0, 0.6), 0.8) == pytest.approx(0.691462, abs=1e-4)
    assert chance_of_right(FormLaw(0.0, 0.0), FormLaw(0.0, 1.0), 0.0) == 1.0
    # spreads 1 and 2 about one centre cross at sqrt(8/3 ln 2) = 1.3596
    cross = math.sqrt(8 / 3 * math.log(2))
    inside = math.erf(cross / math.sqrt(2)) - math.erf(cross / 2 / math.sqrt(2))
    assert chance_of_right(FormLaw(0.0, 1.0), FormLaw(0.0, 2.0), 0.0) == pytest.approx(
        0.5 + inside / 2, abs=1e-4
    )
    needed = participants_for_chance(FormLaw(0.0, 0.0), FormLaw(2.0, 0.0), 10.0)
    assert needed == pytest.approx((0.841621 * 10) ** 2, rel=0.02)  # Phi(1 / error) = 0.8
    assert participants_for_chance(FormLaw(0.0, 1.0), FormLaw(0.0, 1.0), 1.0) is None


@settings(max_examples=40, deadline=None)
@given(st.floats(0, 2), st.floats(0.01, 2), st.floats(0.01, 2), st.floats(0.01, 3))
def test_a_noisier_trial_tells_forms_apart_no_better(mean, one, two, error):
    first, second = FormLaw(0.0, one), FormLaw(mean, two)
    sharp, dull = (chance_of_right(first, second, e) for e in (error, 1.5 * error))
    assert 0.5 <= dull <= sharp + 1e-6 <= 1 + 1e-6
    assert chance_of_right(second, first, error) == pytest.approx(sharp, abs=1e-6)
