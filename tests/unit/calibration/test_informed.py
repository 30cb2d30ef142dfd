"""What the data informed, on posteriors whose shrinkage is known by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eubiosis.calibration.informed import (
    PARTS,
    Described,
    critical_distance,
    kolmogorov,
    measures,
    profile,
    scores,
)
from eubiosis.core.findings import FindingsError

RNG = np.random.default_rng(20)
WHOLE = st.lists(st.integers(-5, 5), min_size=1, max_size=30)
DRAWS = RNG.normal(size=2000)


def weighted(draws, observed, error):
    """Weigh draws of a standard normal by a measurement of them."""
    return np.exp(-(((draws - observed) / error) ** 2) / 2)


def test_the_shrinkage_of_a_normal_mean_is_the_one_of_the_text_book():
    # prior N(0, 1), measurement 0.5 with error 0.5: variance 1 / (1 + 4) = .2, mean .5 x .8 = .4
    weights = weighted(DRAWS, 0.5, 0.5)
    (found,) = measures({"a": RNG.normal(size=10_000)}, {"a": DRAWS}, weights, {})
    assert found.shrinkage == pytest.approx(0.8, abs=4 * found.error)
    assert found.shift == pytest.approx(0.4, abs=4 * found.shift_error)
    assert found.error < 0.03
    assert found.informed


def test_a_number_that_is_narrowed_about_its_middle_is_informed_though_its_distance_is_small():
    # a standard deviation of 0.6 about the same middle: distance 0.11, below what 200 worlds can tell
    prior = {f"n{k}": np.random.default_rng(k).normal(size=400) for k in range(50)}
    worlds = {name: values[:200] for name, values in prior.items()}
    worlds["n3"] = 0.6 * np.random.default_rng(2).normal(size=200)
    found = next(one for one in measures(prior, worlds, np.ones(200), {}) if one.name == "n3")
    assert found.distance < found.critical
    assert found.informed


def test_the_scale_of_the_law_does_not_matter():
    weights = weighted(DRAWS, 1.0, 0.7)
    prior = RNG.normal(size=10_000)
    straight, bent = (
        measures({"a": f(prior)}, {"a": f(DRAWS)}, weights, {})[0]
        for f in (lambda x: x, lambda x: np.exp(3 * x))
    )
    assert bent.shrinkage == pytest.approx(straight.shrinkage, abs=1e-12)
    assert bent.distance == pytest.approx(straight.distance, abs=1e-12)


def test_a_number_without_data_is_not_informed_though_the_worlds_are_few():
    prior = {f"n{k}": np.random.default_rng(k).random(5000) for k in range(100)}
    worlds = {f"n{k}": np.random.default_rng(500 + k).random(300) for k in range(100)}
    found = measures(prior, worlds, np.random.default_rng(3).random(300) + 0.5, {})
    assert sum(one.informed for one in found) <= 1
    assert np.mean([one.shrinkage for one in found]) == pytest.approx(0, abs=0.03)
    assert sum(abs(one.shrinkage) > 2 * one.error for one in found) <= 15


def test_a_number_whose_prior_is_missing_is_a_finding():
    with pytest.raises(FindingsError, match="no draws of its prior"):
        measures({}, {"a": DRAWS}, np.ones(len(DRAWS)), {})


def test_worlds_without_a_steady_state_are_left_out_of_the_measure_alone():
    values = DRAWS.copy()
    values[:100] = np.nan
    ones = np.ones(len(values))
    (some,) = measures({"a": DRAWS}, {"a": values}, ones, {})
    (rest,) = measures({"a": DRAWS}, {"a": values[100:]}, ones[100:], {})
    assert some == rest


@given(
    st.lists(st.integers(-5, 5), min_size=1, max_size=30),
    st.lists(st.integers(-5, 5), min_size=1, max_size=30),
)
def test_the_distance_is_the_largest_gap_at_any_point(first, second):
    a, b = np.array(first, dtype=float), np.array(second, dtype=float)
    gaps = [abs((a <= x).mean() - (b <= x).mean()) for x in range(-6, 7)]
    assert kolmogorov(a, b, np.full(len(b), 0.3)) == pytest.approx(max(gaps), abs=1e-12)


def test_the_critical_distance_is_that_of_the_large_sample_law():
    # one comparison at 2.5 %: 1.480 sqrt(1/n + 1/m)
    assert critical_distance(500, 200, 1) == pytest.approx(1.4802 * math.sqrt(1 / 500 + 1 / 200), rel=1e-4)
    assert critical_distance(500, 200, 100) > critical_distance(500, 200, 1)


def test_scores_of_the_prior_itself_are_standard_normal():
    at = scores(DRAWS, DRAWS)
    assert at.mean() == pytest.approx(0, abs=1e-9)
    assert at.std() == pytest.approx(1, abs=0.01)
    assert np.isfinite(scores(DRAWS, np.array([-1e9, 1e9]))).all()


def test_a_profile_without_data_is_flat_and_with_data_names_the_best_part():
    described = Described("a number", "mM")
    uniform = np.linspace(0, 1, 2000)
    flat = profile("a", uniform, uniform, np.ones(2000), described=described)
    assert flat.weight == pytest.approx([1 / PARTS] * PARTS, abs=1e-3)
    assert flat.best == (None,) * PARTS
    off = np.abs(uniform - 0.72)
    weights = np.exp(-((off / 0.1) ** 2))
    narrow = profile("a", uniform, uniform, weights, described=described, seen=(uniform, off))
    assert int(np.argmax(narrow.weight)) == 7
    assert narrow.best[7] == pytest.approx(0, abs=1e-3)
    assert narrow.best[2] == pytest.approx(0.42, abs=1e-2)
    assert sum(narrow.weight) == pytest.approx(1)
