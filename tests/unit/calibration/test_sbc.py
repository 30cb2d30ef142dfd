"""Simulation-based calibration: a sample of what validation/calibration runs, and that it can fail."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom

from eubiosis.calibration import sbc
from eubiosis.calibration.sampling import Effort
from eubiosis.calibration.sbc import (
    BINS,
    DRAWS,
    Reduced,
    band,
    coverage,
    histogram,
    infer,
    linear,
    ranks,
    synthetic,
)
from eubiosis.core.world_intervals import weighted_points
from eubiosis.model.content import load_content

EFFORT = Effort(points=120, generations=15, settling=30)
SLOPES = np.array([[0.5, 0.0], [0.3, 0.4]])
MIDDLE = np.array([0.1, -0.2])
AHEAD = np.array([[1.0, -1.0]])


@pytest.fixture(scope="module")
def problem():
    pytest.importorskip("emcee", reason="emcee is not installed")
    rows = [row for row in load_content().targets if row.id in ("N011", "N012")]
    return Reduced(
        ("a", "b"),
        tuple(rows),
        lambda points: MIDDLE + points @ SLOPES.T,
        2,
        20,
        0.3,
        lambda points: points @ AHEAD.T,
        ("a - b",),
    )


def test_a_study_is_its_truth_plus_the_errors_that_the_matching_assumes(problem):
    studies = [synthetic(problem, 5, number) for number in range(300)]
    off = [
        (term.middle - (MIDDLE + study.truth @ SLOPES.T)[k // 2]) / term.below
        for study in studies
        for k, term in enumerate(study.terms)
    ]
    assert np.mean(off) == pytest.approx(0, abs=4 / np.sqrt(len(off)))
    assert np.std(off) == pytest.approx(1, abs=0.08)
    assert np.std([study.truth for study in studies]) == pytest.approx(1, abs=0.1)


def test_the_inference_of_the_worlds_finds_the_exact_posterior_of_a_linear_problem(problem):
    plain, exact = linear(problem, SLOPES, MIDDLE, AHEAD)
    study = synthetic(plain, 7, 0)
    sample = infer(plain, study, Effort(points=1500, generations=15, settling=20), 7, 0)
    wanted = np.column_stack([sample.points, sample.points @ AHEAD.T])
    low, high = weighted_points(wanted, sample.weights, (5.0, 95.0))
    first, last = exact(study)
    assert low == pytest.approx(first, abs=0.12 * (last - first).max())
    assert high == pytest.approx(last, abs=0.12 * (last - first).max())


def test_ranks_of_a_sample_of_truths_lie_in_their_band(problem):
    found = ranks(problem, 40, EFFORT, 2026)
    assert found.shape == (40, 4)
    assert found.min() >= 0
    assert found.max() <= DRAWS
    counts = histogram(found)
    low, high = band(40, len(counts), level=0.99)
    assert (counts.sum(axis=1) == 40).all()
    assert ((counts >= low) & (counts <= high)).all()


def test_an_inference_that_trusts_its_data_too_much_is_found_out(problem, monkeypatch):
    def proud(asked, study, *rest):
        terms = tuple(replace(term, below=term.below / 4, above=term.above / 4) for term in study.terms)
        return infer(asked, replace(study, terms=terms), *rest)

    monkeypatch.setattr(sbc, "infer", proud)
    counts = histogram(ranks(problem, 40, EFFORT, 2026))
    low, high = band(40, len(counts), level=0.99)
    assert ((counts < low) | (counts > high)).any()
    assert (counts[:, 0] + counts[:, -1]).max() > 15  # truths lie beyond draws that are too narrow


def test_coverage_of_a_sample_is_that_of_the_exact_posterior(problem):
    plain, exact = linear(problem, SLOPES, MIDDLE, AHEAD)
    found = coverage(plain, 40, EFFORT, 11, exact)
    together = found.covered.mean()
    assert binom.cdf(together * 40, 40, 0.9) > 0.005
    assert binom.sf(together * 40 - 1, 40, 0.9) > 0.005
    assert (found.width > 0.8).all()
    assert (found.width < 1.3).all()


def test_the_band_holds_all_bins_of_all_histograms_as_often_as_it_says():
    low, high = band(200, 5)
    counts = np.random.default_rng(1).multinomial(200, [1 / BINS] * BINS, size=(2000, 5))
    inside = ((counts >= low) & (counts <= high)).all(axis=(1, 2)).mean()
    assert 0.93 < inside <= 1
    wider = band(200, 5, level=0.99)
    assert wider[0] <= low
    assert wider[1] >= high
