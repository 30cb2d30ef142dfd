"""Tables at the edge of what can be analysed: a status each time, never an exception or a warning."""

import math

import numpy as np
import pytest

from eubiosis.analysis.estimators.binary import risk_contrasts
from eubiosis.analysis.estimators.continuous import ancova
from eubiosis.analysis.estimators.counts import likelihood_ratio_test, marginal_rates, rate_ratio
from eubiosis.analysis.estimators.repeated import cluster_trial, crossover, mmrm
from eubiosis.analysis.estimators.survival import hazard_ratio, restricted_mean_difference

ARMS = {"treated": "t", "control": "c"}


def _random_table(seed):
    draw = np.random.default_rng(seed)
    n = int(draw.integers(2, 40))
    arm = np.repeat(["t", "c"], n)
    years = draw.uniform(0.01, 3, 2 * n)
    mean = 10 ** draw.uniform(-2.5, 2) * years
    alpha = 10 ** draw.uniform(-2, 1.2)
    counts = draw.poisson(mean * draw.gamma(1 / alpha, alpha, 2 * n))
    score = draw.normal(size=2 * n) * 10 ** draw.uniform(-4, 4)
    score[draw.random(2 * n) < draw.uniform(0, 0.9)] = np.nan
    covariates = {"x": draw.normal(size=2 * n) * 10 ** draw.uniform(-2, 3)} if seed % 2 else None
    time = np.ceil(draw.exponential(size=2 * n) * 3)
    event = (draw.random(2 * n) < draw.uniform(0, 1)).astype(int)
    return draw, arm, years, counts, score, covariates, time, event


@pytest.mark.parametrize("start", [0, 50, 100])
def test_no_table_raises(start):
    for seed in range(start, start + 50):
        draw, arm, years, counts, score, covariates, time, event = _random_table(seed)
        n = len(arm) // 2
        results = [
            rate_ratio(counts, years, arm, covariates=covariates, **ARMS),
            *marginal_rates(counts, years, arm, covariates=covariates, **ARMS),
            rate_ratio(counts, years, arm, covariates=covariates, law="Poisson, robust", **ARMS),
            ancova(score, arm, covariates=covariates, covariance="HC3", **ARMS),
            hazard_ratio(time, event, arm, covariates=covariates, **ARMS),
            restricted_mean_difference(time, event, arm, limit=float(np.median(time)), **ARMS),
            *risk_contrasts(event, arm, covariates=covariates, **ARMS),
            cluster_trial(draw.integers(0, max(2, n // 3), 2 * n), score, arm, **ARMS),
        ]
        person, period = np.repeat(np.arange(n), 2), np.tile([1, 2], n)
        order = np.where((person % 2 == 0) == (period == 1), "t", "c")
        results.append(crossover(person, period, score, order, **ARMS))
        for one in results:
            numbers = (one.estimate, one.standard_error)
            assert all(map(math.isfinite, numbers)) if one.usable else not one.significant()


def test_nobody_left():
    nothing = [math.nan] * 4
    arm = ["t", "t", "c", "c"]
    for one in (
        ancova(nothing, arm, **ARMS),
        cluster_trial([1, 2, 3, 4], nothing, arm, **ARMS),
        rate_ratio(nothing, [1.0] * 4, arm, **ARMS),
        *mmrm([1, 2, 3, 4], [1, 1, 1, 1], nothing, arm, **ARMS),
    ):
        assert one.status == "too_few_participants"
        assert one.missing_treated == one.missing_control == 2


def test_a_row_explained_by_its_own_column_has_no_hc3_error():
    one = ancova(
        [1.0, 2.0, 3.0, 5.0, 7.0, 11.0],
        ["t", "c"] * 3,
        covariates={"single": [1, 0, 0, 0, 0, 0]},
        covariance="HC3",
        **ARMS,
    )
    assert not one.usable
    assert not one.significant()


def test_a_likelihood_ratio_without_events_has_no_value():
    found = likelihood_ratio_test([0, 0, 0, 3, 1, 2], np.ones(6), ["t"] * 3 + ["c"] * 3, **ARMS)
    assert math.isnan(found.value)
    assert math.isnan(found.p_value)
