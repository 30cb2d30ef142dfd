"""Imputation and assurance: laws, closed forms and simulation."""

import math

import numpy as np
import pytest

from eubiosis.analysis.estimators.continuous import ancova
from eubiosis.analysis.estimators.imputation import impute, pool, pool_estimates, reference_based_difference
from eubiosis.analysis.estimators.repeated import mmrm
from eubiosis.analysis.planning.assurance import (
    Prior,
    assurance,
    mean_difference_error,
    normal_assurance,
    optimistic_prior,
    rate_ratio_error,
    sceptical_prior,
    simulate_assurance,
    sizes_for_assurance,
)
from eubiosis.analysis.planning.counts import FollowUp, negative_binomial_power


def _trial(seed, n=150, effect=-4.0, dropout=0.3):
    draw = np.random.default_rng(seed)
    arm = np.repeat(["active", "placebo"], n)
    base = draw.normal(38, 10, 2 * n)
    person = draw.normal(0, 5, 2 * n)
    outcomes = (10 + 0.6 * base + person)[:, None] + draw.normal(0, 4, (2 * n, 3))
    outcomes += np.outer(arm == "active", [effect / 3, 2 * effect / 3, effect])
    gone = draw.random(2 * n) < dropout
    last = draw.integers(0, 3, 2 * n)
    for i in np.flatnonzero(gone):
        outcomes[i, last[i] :] = np.nan
    return outcomes, arm, base


ARMS = {"treated": "active", "control": "placebo"}


def test_observed_values_are_kept_and_the_seed_decides():
    outcomes, arm, base = _trial(1, n=40)
    first, _ = impute(outcomes, arm, control="placebo", covariates={"b": base}, imputations=3, seed=5)
    again, _ = impute(outcomes, arm, control="placebo", covariates={"b": base}, imputations=3, seed=5)
    other, _ = impute(outcomes, arm, control="placebo", covariates={"b": base}, imputations=3, seed=6)
    seen = ~np.isnan(outcomes)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    for table in first:
        assert np.array_equal(table[seen], outcomes[seen])
        assert not np.isnan(table).any()


def test_imputation_at_random_meets_the_mixed_model():
    outcomes, arm, base = _trial(2)
    imputed = reference_based_difference(
        outcomes, arm, strategy="MAR", covariates={"b": base}, imputations=60, seed=1, **ARMS
    )
    person = np.repeat(np.arange(len(arm)), 3)
    direct = mmrm(
        person,
        np.tile([1, 2, 3], len(arm)),
        outcomes.ravel(),
        np.repeat(arm, 3),
        covariates={"b": np.repeat(base, 3)},
        by_visit=["b"],
        **ARMS,
    )[-1]
    assert imputed.estimate == pytest.approx(direct.estimate, abs=0.2 * direct.standard_error)
    assert imputed.standard_error == pytest.approx(direct.standard_error, rel=0.1)


def test_jumping_to_reference_shrinks_the_effect_by_the_share_that_left():
    """Those who left before any visit get the control mean: the effect is diluted in proportion."""
    draw = np.random.default_rng(3)
    n, effect = 2000, -10.0
    arm = np.repeat(["active", "placebo"], n)
    outcomes = draw.normal(0, 1, (2 * n, 2)) + effect * (arm == "active")[:, None]
    gone = draw.random(2 * n) < 0.4
    outcomes[gone] = np.nan
    share = gone[arm == "active"].mean()
    found = {
        strategy: reference_based_difference(
            outcomes, arm, strategy=strategy, imputations=10, seed=2, **ARMS
        ).estimate
        for strategy in ("MAR", "J2R", "CIR", "CR")
    }
    assert found["MAR"] == pytest.approx(effect, abs=0.15)
    assert found["J2R"] == pytest.approx((1 - share) * effect, abs=0.15)
    assert found["CIR"] == pytest.approx(found["J2R"], abs=0.1)  # nothing was reached before they left
    assert found["CR"] == pytest.approx(found["J2R"], abs=0.1)


def test_copying_increments_keeps_what_was_reached():
    """Visit 1 seen by all, then 40% of the active arm leave: CIR keeps the early effect, J2R loses it."""
    draw = np.random.default_rng(4)
    n = 1500
    arm = np.repeat(["active", "placebo"], n)
    active = arm == "active"
    outcomes = draw.normal(0, 1, (2 * n, 2)) + np.outer(active, [-4.0, -6.0])
    gone = active & (draw.random(2 * n) < 0.4)
    outcomes[gone, 1] = np.nan
    share = gone[active].mean()
    common = {"imputations": 10, "seed": 9, **ARMS}
    kept = reference_based_difference(outcomes, arm, strategy="CIR", **common).estimate
    assert kept == pytest.approx((1 - share) * -6.0 + share * -4.0, abs=0.15)
    lost = reference_based_difference(outcomes, arm, strategy="J2R", **common).estimate
    assert lost == pytest.approx((1 - share) * -6.0, abs=0.15)
    tipped = reference_based_difference(outcomes, arm, strategy="MAR", delta=5.0, **common)
    assert tipped.estimate == pytest.approx(-6.0 + share * 5.0, abs=0.2)
    assert tipped.detail["imputed_treated"] == gone.sum()


def test_pooling_identical_analyses_changes_nothing():
    one = ancova([1.0, 2, 3, 4, 5, 7], ["t", "c"] * 3, treated="t", control="c")
    pooled = pool_estimates([one] * 5)
    assert pooled.estimate == pytest.approx(one.estimate)
    assert pooled.standard_error == pytest.approx(one.standard_error)
    with pytest.raises(ValueError, match="two or more"):
        pool([1.0], [1.0])


def test_a_failed_imputation_is_counted():
    good = ancova([1.0, 2, 3, 4, 5, 7], ["t", "c"] * 3, treated="t", control="c")
    bad = ancova([1.0, 1.0, np.nan, np.nan, np.nan, np.nan], ["t", "c"] * 3, treated="t", control="c")
    pooled = pool_estimates([good, bad])
    assert pooled.status == "not_converged"
    assert pooled.detail["failed_imputations"] == 1


def test_what_cannot_be_imputed_is_a_status():
    arm = ["t", "c"] * 6
    twice = {"a": np.arange(12.0), "b": 2 * np.arange(12.0)}
    outcomes = np.random.default_rng(1).normal(size=(12, 2))
    common = {"treated": "t", "control": "c", "seed": 1}
    assert reference_based_difference(outcomes, arm, covariates=twice, **common).status == "singular"
    outcomes[:, 0] = np.nan
    assert reference_based_difference(outcomes, arm, **common).status == "too_few_participants"
    with pytest.raises(ValueError, match="every visit seen"):
        impute(outcomes, arm, control="c", seed=1)


def test_assurance_three_ways_agree():
    prior, n = Prior(0.25, 0.15), 100
    error = mean_difference_error(n)
    closed = normal_assurance(prior, error(0.0))
    whole = assurance(prior, error, relevant=0.2)
    assert whole.assurance == pytest.approx(closed, rel=1e-9)

    def trial(effect, draw):
        estimate = draw.normal(effect, error(effect))
        return estimate, estimate > 1.959964 * error(effect)

    drawn = simulate_assurance(prior, trial, draws=20_000, seed=4, relevant=0.2)
    assert drawn.assurance == pytest.approx(closed, abs=4 * drawn.monte_carlo_error)
    assert drawn.estimate_given_success == pytest.approx(whole.estimate_given_success, abs=0.01)
    assert drawn.true_effect_given_success == pytest.approx(whole.true_effect_given_success, abs=0.01)
    assert drawn.below_relevant_given_success == pytest.approx(whole.below_relevant_given_success, abs=0.015)
    assert whole.estimate_given_success > whole.true_effect_given_success > prior.mean


def test_assurance_never_exceeds_its_ceiling_by_more_than_false_positives():
    prior = Prior(0.1, 0.2)
    for n in (50, 5_000, 500_000):
        whole = assurance(prior, mean_difference_error(n))
        assert whole.assurance <= whole.ceiling + 0.025
    error = rate_ratio_error(1400, 0.35, 0.8, FollowUp(2.0))
    sure = assurance(Prior(-math.log(0.85), 1e-4), error)
    power = negative_binomial_power(1400, 0.35, 0.85, 0.8, FollowUp(2.0))
    assert sure.assurance == pytest.approx(power, abs=1e-5)


def test_sceptics_and_optimists_give_the_stated_chances():
    from scipy.stats import norm

    sceptic, optimist = sceptical_prior(0.3, 0.05), optimistic_prior(0.3, 0.05)
    assert norm.sf(0.3, sceptic.mean, sceptic.sd) == pytest.approx(0.05)
    assert norm.cdf(0.0, optimist.mean, optimist.sd) == pytest.approx(0.05)
    error = mean_difference_error(176)
    assert assurance(sceptic, error).assurance < 0.5 < assurance(optimist, error).assurance
    with pytest.raises(ValueError, match="positive effect"):
        sceptical_prior(-0.3)


def test_sizes_for_assurance_say_what_cannot_be_reached():
    prior = Prior(0.2, 0.2)
    ceiling = assurance(prior, mean_difference_error(10)).ceiling
    sizes = sizes_for_assurance(
        lambda n: normal_assurance(prior, math.sqrt(2 / n)), np.array([0.5, 0.7, 0.9]), ceiling
    )
    assert normal_assurance(prior, math.sqrt(2 / sizes[0])) == pytest.approx(0.5, abs=1e-6)
    assert sizes[1] > sizes[0]
    assert sizes[2] == math.inf
    assert ceiling < 0.9
