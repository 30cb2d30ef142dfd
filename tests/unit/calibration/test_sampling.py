"""The levels give a known posterior; resampling is systematic; the same seed gives the same points."""

import sys

import numpy as np
import pytest

from eubiosis.calibration.sampling import Effort, effective_size, moved, systematic, tempered
from eubiosis.core.findings import FindingsError
from eubiosis.core.streams import stream

SPREAD, SEEN = 0.5, 1.0


def log_likelihood(points):
    """See the first number with noise, and rule out what lies below -2 in the second."""
    found = -(((points[:, 0] - SEEN) / SPREAD) ** 2) / 2
    return np.where(points[:, 1] > -2, found, -np.inf)


@pytest.fixture(scope="module")
def sample():
    pytest.importorskip("emcee", reason="emcee is not installed")
    start = stream(3, "start").standard_normal((400, 4))
    start = start[start[:, 1] > -2][:360]
    return tempered(log_likelihood, start, Effort(360, 20, 40), seed=3)


def test_moments_are_those_of_the_normal_posterior(sample):
    # prior variance 1 and noise variance 1/4: mean 0.8, variance 0.2
    mean = sample.weights @ sample.points
    assert mean[0] == pytest.approx(0.8, abs=0.08)
    variance = sample.weights @ (sample.points - mean) ** 2
    assert variance[0] == pytest.approx(0.2, rel=0.3)
    # what is not seen stays as it was
    assert mean[2:] == pytest.approx([0, 0], abs=0.2)
    assert variance[2:] == pytest.approx([1, 1], rel=0.3)


def test_what_is_ruled_out_has_no_point(sample):
    assert sample.points[:, 1].min() > -2
    assert sample.weights.sum() == pytest.approx(1)
    assert 0.8 * 360 <= sample.effective <= 360


def test_levels_rise_and_keep_half_of_the_points(sample):
    powers = [level.power for level in sample.levels]
    assert powers == sorted(powers)
    assert powers[0] > 0
    assert all(0.49 < level.effective <= 1 for level in sample.levels)
    assert all(0 < level.accepted < 1 for level in sample.levels)


def test_the_same_seed_gives_the_same_points():
    pytest.importorskip("emcee", reason="emcee is not installed")
    start = stream(4, "start").standard_normal((40, 4))
    start = start[start[:, 1] > -2]
    effort = Effort(len(start), 2, 2)
    one, again, other = (tempered(log_likelihood, start, effort, seed) for seed in (5, 5, 6))
    np.testing.assert_array_equal(one.points, again.points)
    assert not np.array_equal(one.points, other.points)


def test_a_kernel_that_nothing_meets_is_an_error():
    with pytest.raises(ArithmeticError, match="none of 8 points"):
        tempered(lambda p: np.full(len(p), -np.inf), np.zeros((8, 2)), Effort(8, 1, 0), 1)


def test_without_the_library_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "emcee", None)
    with pytest.raises(FindingsError, match=r"extra calibration.*pip install emcee"):
        moved(log_likelihood, np.zeros((8, 4)), 1.0, 1, 1, 1)


def test_systematic_rows_differ_from_their_share_by_less_than_one():
    weights = np.array([0.5, 0.2, 0.2, 0.07, 0.03])
    for place in (0.0, 0.4, 0.999):
        counts = np.bincount(systematic(weights, 50, place), minlength=5)
        assert np.all(np.abs(counts - 50 * weights) < 1)


def test_effective_size_by_hand():
    assert effective_size(np.array([1.0, 1.0, 1.0, 1.0])) == 4
    assert effective_size(np.array([3.0, 1.0])) == pytest.approx(16 / 10)
