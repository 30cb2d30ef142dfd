"""Communities, prognostic scores and control-arm priors: hand calculations, laws and simulation."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eubiosis.analysis.estimators.borrowing import (
    effective_sample_size,
    meta_analytic_predictive,
    robust,
    update,
)
from eubiosis.analysis.estimators.ecology import (
    alpha_diversity,
    centred_log_ratio,
    change_dissimilarity,
    dissimilarity,
    permanova,
    rarefied_richness,
    spatial_median,
    taxon_models,
)
from eubiosis.analysis.estimators.prognostic import learn_score, prognostic_difference

TABLES = st.lists(
    st.lists(st.integers(0, 50), min_size=4, max_size=4).filter(lambda row: sum(row) > 0),
    min_size=3,
    max_size=6,
)


def test_diversity_by_hand():
    table = [[1, 1, 1, 1], [4, 0, 0, 0]]
    np.testing.assert_allclose(alpha_diversity(table, "shannon"), [math.log(4), 0.0])
    np.testing.assert_allclose(alpha_diversity(table, "simpson"), [0.75, 0.0])
    np.testing.assert_allclose(alpha_diversity(table, "inverse simpson"), [4.0, 1.0])
    # two reads of (2, 2) show both taxa unless both come from the same: 1 - 2/6 twice... 2 * (1 - 1/6)
    assert rarefied_richness([[2, 2]], 2)[0] == pytest.approx(2 * (1 - 1 / 6))
    with pytest.raises(ValueError, match="fewer than 5 reads"):
        rarefied_richness([[2, 2]], 5)


@given(TABLES)
def test_dissimilarities_are_symmetric_bounded_and_blind_to_column_order(table):
    for kind in ("Bray-Curtis", "Jaccard", "Aitchison"):
        d = dissimilarity(table, kind)
        np.testing.assert_allclose(d, d.T, atol=1e-12)
        np.testing.assert_allclose(np.diag(d), 0.0, atol=1e-12)
        np.testing.assert_allclose(d, dissimilarity(np.array(table)[:, ::-1], kind), atol=1e-9)
        if kind != "Aitchison":
            assert np.all(d <= 1 + 1e-12)


@given(TABLES)
def test_log_ratios_sum_to_zero(table):
    np.testing.assert_allclose(centred_log_ratio(table).sum(axis=1), 0.0, atol=1e-9)


def test_permanova_on_one_euclidean_axis_is_the_f_test():
    draw = np.random.default_rng(1)
    values = draw.normal(0, 1, 30)
    group = np.repeat(["a", "b", "c"], 10)
    from scipy.stats import f_oneway

    wanted = f_oneway(*(values[group == name] for name in "abc")).statistic
    found = permanova(np.abs(values[:, None] - values[None]), group, permutations=99, seed=3)
    assert found.pseudo_f == pytest.approx(wanted, rel=1e-9)
    assert found.p_value >= 1 / 100


def test_permanova_is_level_under_the_null_and_sees_a_shift():
    hits = 0
    for seed in range(120):
        draw = np.random.default_rng(seed)
        table = draw.poisson(5, (16, 6))
        group = np.repeat(["a", "b"], 8)
        hits += permanova(dissimilarity(table), group, permutations=59, seed=seed).p_value <= 0.05
    assert abs(hits / 120 - 0.05) < 4 * math.sqrt(0.05 * 0.95 / 120)
    table[:8, 0] += 40
    assert permanova(dissimilarity(table), group, permutations=199, seed=1).p_value == pytest.approx(1 / 200)


def test_changes_cancel_where_people_started():
    """Very different people whose every taxon doubles do not differ in their change."""
    start = np.array([[10.0, 20.0, 30.0], [300.0, 5.0, 60.0], [7.0, 90.0, 1.0]])
    same = change_dissimilarity(2 * start, start, pseudocount=0.0)
    np.testing.assert_allclose(same, 0.0, atol=1e-12)
    moved = change_dissimilarity(start * [[4.0, 1, 1], [1, 1, 1], [1, 1, 1]], start, pseudocount=0.0)
    # one log ratio up by log 4 less a third, the two others down by a third of it
    assert moved[0, 1] == pytest.approx(math.log(4) * math.sqrt((2 / 3) ** 2 + 2 / 9))


def test_blocks_and_covariates_take_their_part():
    draw = np.random.default_rng(2)
    batch = np.repeat([0.0, 1.0], 20)
    table = draw.poisson(5, (40, 5)) + (30 * batch[:, None] * np.array([1, 0, 0, 0, 0])).astype(int)
    group = np.where(draw.random(40) < 0.3 + 0.4 * batch, "a", "b")
    raw = permanova(dissimilarity(table), group, permutations=199, seed=1)
    adjusted = permanova(
        dissimilarity(table), group, covariates=batch, blocks=batch, permutations=199, seed=1
    )
    assert adjusted.r_squared < raw.r_squared
    assert adjusted.p_value > 0.05


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000))
def test_the_spatial_median_has_no_slope(seed):
    points = np.random.default_rng(seed).normal(0, 1, (7, 3))
    centre = spatial_median(points)
    away = np.linalg.norm(points - centre, axis=1)
    pull = ((points - centre) / np.maximum(away, 1e-12)[:, None]).sum(axis=0)
    at_point = away.min() < 1e-6
    assert np.linalg.norm(pull) < (1.0 + 1e-6 if at_point else 1e-6)


def test_taxon_models_find_the_taxon_that_moved_and_count_the_missing():
    draw = np.random.default_rng(4)
    arm = np.repeat(["inulin", "placebo"], 40)
    base = draw.poisson(100, (80, 6)).astype(float)
    tripled = (arm == "inulin")[:, None] & (np.arange(6) == 2)
    later = draw.poisson(base * np.where(tripled, 3.0, 1.0)).astype(float)
    later[:, 5] = 0
    later[7] = np.nan
    names = ["a", "b", "Bifidobacterium", "d", "e", "absent"]
    found = taxon_models(later, base, names, arm, treated="inulin", control="placebo")
    assert [one.taxon for one in found] == names[:5]
    moved = found[2]
    # the log ratio of a taxon that triples rises by log 3 less its own share of the mean over six taxa
    assert moved.estimate.estimate == pytest.approx(math.log(3) * 5 / 6, abs=0.06)
    assert moved.adjusted_p < 1e-10
    assert moved.estimate.missing_treated == 1
    assert all(one.adjusted_p >= one.estimate.p_value for one in found)


def _people(draw, n, noise=1.0):
    table = {"age": draw.normal(40, 8, n), "lesions": draw.poisson(3, n).astype(float)}
    outcome = 0.1 * table["age"] + 0.5 * table["lesions"] + draw.normal(0, noise, n)
    return table, outcome


def test_a_score_saves_what_its_correlation_promises():
    draw = np.random.default_rng(5)
    score = learn_score(*reversed(_people(draw, 2000)))
    assert score.slopes == pytest.approx((0.1, 0.5), abs=0.05)
    table, outcome = _people(draw, 4000)
    arm = np.repeat(["t", "c"], 2000)
    found = prognostic_difference(outcome, arm, score.predict(table), treated="t", control="c")
    assert found.saved_share == pytest.approx(score.correlation**2, abs=0.04)
    assert found.saved_per_arm == pytest.approx(2000 * found.saved_share)
    noise = prognostic_difference(outcome, arm, draw.normal(0, 1, 4000), treated="t", control="c")
    assert abs(noise.saved_share) < 0.01


def test_unknown_scores_are_counted_in_both_analyses():
    table, outcome = _people(np.random.default_rng(6), 60)
    table["age"][3] = np.nan
    found = prognostic_difference(outcome, np.repeat(["t", "c"], 30), table["age"], treated="t", control="c")
    assert found.without.missing_treated == found.with_score.missing_treated == 1
    with pytest.raises(ValueError, match="missing"):
        learn_score(outcome, table)


def test_known_heterogeneity_gives_the_textbook_prediction():
    """With tau all but known to be zero the prior is the inverse-variance mean, worth what went in."""
    prior = meta_analytic_predictive([-1.0, -1.2], [0.1, 0.2], between_scale=1e-6)
    weights = np.array([100.0, 25.0])
    assert prior.mean == pytest.approx(float(weights @ [-1.0, -1.2]) / 125)
    assert prior.sd == pytest.approx(math.sqrt(1 / 125), rel=1e-4)
    worth = effective_sample_size(prior, lambda x: np.full_like(x, 0.25))
    assert worth == pytest.approx(125 / 0.25, rel=1e-3)


def test_the_predictive_prior_by_simulation_of_its_model():
    """Draw tau and mean from their posterior by importance sampling; compare mean and quantiles."""
    y, se = np.array([-1.1, -0.7, -1.4, -0.9]), np.array([0.12, 0.2, 0.15, 0.1])
    prior = meta_analytic_predictive(y, se, between_scale=0.5)
    draw = np.random.default_rng(7)
    tau, mu = np.abs(draw.normal(0, 0.5, 300_000)), draw.uniform(-4, 2, 300_000)
    logs = -0.5 * sum(
        np.log(s**2 + tau**2) + (value - mu) ** 2 / (s**2 + tau**2) for value, s in zip(y, se, strict=True)
    )
    weight = np.exp(logs - logs.max())
    new = draw.normal(mu, tau)
    mean = float(weight @ new / weight.sum())
    assert prior.mean == pytest.approx(mean, abs=0.02)
    order = np.argsort(new)
    share = np.cumsum(weight[order]) / weight.sum()
    for probability in (0.025, 0.5, 0.975):
        assert prior.quantile(probability) == pytest.approx(
            new[order][np.searchsorted(share, probability)], abs=0.05
        )


def test_doubt_lowers_the_worth_of_a_prior():
    prior = meta_analytic_predictive([-1.0, -1.1, -0.9], [0.1, 0.1, 0.1], between_scale=0.3)

    def unit(log_rate):
        return np.exp(log_rate) / (1 + 0.8 * np.exp(log_rate))

    worth = effective_sample_size(prior, unit)
    doubtful = effective_sample_size(robust(prior, 0.5, -1.0, 2.0), unit)
    assert 0 < doubtful < worth
    assert worth < effective_sample_size(
        meta_analytic_predictive([-1.0, -1.1, -0.9], [0.1, 0.1, 0.1], between_scale=0.01), unit
    )


def test_own_data_that_disagree_shift_the_weight_to_the_vague_part():
    prior = robust(meta_analytic_predictive([-1.0] * 4, [0.1] * 4, between_scale=0.1), 0.2, -1.0, 2.0)
    agreeing, clashing = update(prior, -1.0, 0.2), update(prior, 1.5, 0.2)
    assert agreeing.weights[-1] < 0.2 < clashing.weights[-1]
    assert clashing.mean == pytest.approx(1.5, abs=0.1)
    assert agreeing.sd < prior.sd
    with pytest.raises(ValueError, match="positive standard errors"):
        meta_analytic_predictive([1.0], [0.0], between_scale=0.5)
