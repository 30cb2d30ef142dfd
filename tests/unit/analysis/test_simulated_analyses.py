"""The analyses of simulated trials, all at once, against the estimators that R has checked."""

import numpy as np
import pytest
from scipy.stats import norm, t

from eubiosis.analysis.estimators.continuous import ancova
from eubiosis.analysis.estimators.counts import rate_ratio
from eubiosis.analysis.estimators.ecology import permanova
from eubiosis.analysis.estimators.survival import log_rank
from eubiosis.analysis.planning.count_fits import rate_ratio_fits
from eubiosis.analysis.planning.scores import ancova_statistics
from eubiosis.analysis.planning.stool import _permanova_statistic
from eubiosis.analysis.planning.times import log_rank_statistics

ARM = np.repeat([0.0, 1.0], [30, 45])
LABELS = np.where(ARM > 0, "new", "old")


def test_negative_binomial_fits_are_those_of_the_estimator():
    """Thirty trials with follow-up of their own, from no to strong dispersion."""
    draw = np.random.default_rng(21)
    dispersion = np.repeat([0.0, 0.5, 2.0], 10)[:, None]
    years = draw.uniform(0.2, 2.0, (30, 75))
    personal = np.where(dispersion > 0, draw.gamma(1 / np.maximum(dispersion, 1e-9) * np.ones((30, 75))), 1.0)
    personal = np.where(dispersion > 0, personal * dispersion, 1.0)
    counts = draw.poisson(1.2 * np.where(ARM > 0, 0.6, 1.0) * personal * years).astype(float)
    log_ratio, error = rate_ratio_fits(counts, years, ARM)
    compared = 0
    for k in range(30):
        one = rate_ratio(counts[k], years[k], LABELS, treated="new", control="old")
        if not one.usable:
            continue
        compared += 1
        assert log_ratio[k] == pytest.approx(np.log(one.estimate), abs=1e-6)
        assert error[k] == pytest.approx(one.standard_error, rel=1e-5)
    assert compared >= 25


def test_an_arm_without_events_gives_no_numbers():
    counts = np.zeros((2, 75))
    counts[0, :30] = 1.0
    counts[1, ::3] = 1.0
    log_ratio, _ = rate_ratio_fits(counts, np.ones((2, 75)), ARM)
    assert np.isnan(log_ratio).tolist() == [True, False]


def test_log_rank_is_that_of_the_estimator():
    draw = np.random.default_rng(22)
    times = draw.exponential(1 / np.where(ARM > 0, 0.5, 1.0), (10, 75))
    until = draw.uniform(0.3, 2.0, (10, 75))
    found = log_rank_statistics(times, until, ARM, 1.0)
    for k in range(10):
        seen = np.minimum(times[k], until[k])
        reference = log_rank(seen, (times[k] <= until[k]).astype(float), LABELS)
        assert found[k] ** 2 == pytest.approx(reference.value, rel=1e-9)
    assert np.mean(found) > 0  # fewer events in the treated arm


@pytest.mark.parametrize("with_baseline", [True, False])
def test_ancova_is_that_of_the_estimator(with_baseline):
    draw = np.random.default_rng(23)
    baseline = draw.normal(size=(8, 75))
    outcome = 0.6 * baseline + 0.4 * ARM + draw.normal(size=(8, 75))
    kept = (draw.random((8, 75)) > 0.2).astype(float)
    found = ancova_statistics(outcome, ARM, baseline if with_baseline else None, kept, 0.1)
    for k in range(8):
        rows = kept[k] > 0
        extra = {"baseline": baseline[k][rows]} if with_baseline else None
        one = ancova(outcome[k][rows], LABELS[rows], treated="new", control="old", covariates=extra)
        statistic = (one.estimate - 0.1) / one.standard_error
        assert norm.sf(found[k]) == pytest.approx(t.sf(statistic, one.degrees_of_freedom), rel=1e-8)


def test_permanova_is_that_of_the_estimator():
    """The same p but for the permutations drawn: within four errors of 499 of them."""
    draw = np.random.default_rng(24)
    for shift in (0.0, 0.5):
        points = draw.normal(size=(75, 6)) + shift * ARM[:, None]
        distances = np.linalg.norm(points[:, None] - points[None], axis=2)
        reference = permanova(distances, LABELS, permutations=1999, seed=1).p_value
        ours = 2 * norm.sf(_permanova_statistic(points, ARM, draw))
        assert ours == pytest.approx(reference, abs=4 * np.sqrt(reference * (1 - reference) / 499) + 0.004)
