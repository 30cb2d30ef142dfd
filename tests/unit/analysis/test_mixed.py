"""Mixed models: derivatives, special cases with known answers, and how failures are reported."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eubiosis.analysis.estimators.continuous import ancova
from eubiosis.analysis.estimators.covariances import SharedIntercept, Unstructured
from eubiosis.analysis.estimators.mixed import _evaluate, group_rows
from eubiosis.analysis.estimators.repeated import cluster_trial, crossover, mmrm
from eubiosis.core.findings import FindingsError


def _long(seed, n=40, missing=0.15):
    draw = np.random.default_rng(seed)
    person = np.repeat(np.arange(n), 3)
    visit = np.tile([12.0, 24.0, 48.0], n)
    arm = np.repeat(np.where(np.arange(n) % 2 == 0, "active", "placebo"), 3)
    base = np.repeat(draw.normal(38, 12, n), 3)
    outcome = 10 + 0.6 * base + np.repeat(draw.normal(0, 6, n), 3) + draw.normal(0, 5, 3 * n)
    outcome -= np.where((arm == "active") & (visit == 48), 4.0, 0.0)
    outcome[draw.random(3 * n) < missing] = np.nan
    return person, visit, outcome, arm, base


@settings(max_examples=15, deadline=None)
@given(st.lists(st.floats(-0.8, 0.8), min_size=6, max_size=6))
def test_slopes_and_curvatures_of_the_unstructured_covariance(values):
    structure, theta, positions = Unstructured(3), np.array(values), np.array([0, 1, 2])
    step = 1e-5
    for h in range(6):
        ahead, behind = theta.copy(), theta.copy()
        ahead[h] += step
        behind[h] -= step
        up, down = structure.covariance(ahead, positions), structure.covariance(behind, positions)
        np.testing.assert_allclose(structure.slopes(theta, positions)[h], (up - down) / (2 * step), atol=1e-7)
        bend = (structure.slopes(ahead, positions) - structure.slopes(behind, positions)) / (2 * step)
        np.testing.assert_allclose(structure.curvatures(theta, positions)[h], bend, atol=1e-6)


@pytest.mark.parametrize("structure", [Unstructured(3), SharedIntercept()])
def test_the_score_is_the_slope_of_the_restricted_likelihood(structure):
    person, visit, outcome, arm, base = _long(1)
    kept = ~np.isnan(outcome)
    matrix = np.column_stack([np.ones(len(base)), base, arm == "active"])[kept].astype(float)
    position = np.searchsorted([12.0, 24.0, 48.0], visit[kept])
    blocks = group_rows(outcome[kept], matrix, person[kept], position)
    theta = (
        np.array([2.0, 1.8, 2.1, 0.3, -0.2, 0.4])
        if isinstance(structure, Unstructured)
        else np.array([20.0, 30.0])
    )
    state = _evaluate(blocks, structure, theta)
    for h in range(len(theta)):
        ahead, behind = theta.copy(), theta.copy()
        ahead[h] += 1e-5
        behind[h] -= 1e-5
        slope = (
            _evaluate(blocks, structure, ahead).value - _evaluate(blocks, structure, behind).value
        ) / 2e-5
        assert state.score[h] == pytest.approx(slope, rel=1e-4, abs=1e-5)


def test_one_visit_is_ancova():
    """With a single visit the mixed model is least squares, its freedom the residual one."""
    person, visit, outcome, arm, base = _long(2, missing=0.0)
    last = visit == 48
    rows = (person[last], visit[last], outcome[last], arm[last])
    (one,) = mmrm(*rows, treated="active", control="placebo", covariates={"base": base[last]})
    same = ancova(
        outcome[last], arm[last], treated="active", control="placebo", covariates={"base": base[last]}
    )
    assert one.estimate == pytest.approx(same.estimate, rel=1e-9)
    assert one.degrees_of_freedom == pytest.approx(same.degrees_of_freedom, rel=1e-5)
    assert one.standard_error == pytest.approx(same.standard_error, rel=1e-6)
    satterthwaite = mmrm(
        *rows,
        treated="active",
        control="placebo",
        covariates={"base": base[last]},
        small_sample="Satterthwaite",
    )[0]
    assert satterthwaite.standard_error == pytest.approx(same.standard_error, rel=1e-6)


def test_the_curvature_of_the_parameters_shrinks_the_error_of_one_visit():
    """With V = exp(2 theta) and n - k degrees of freedom the term is -1/(n - k) of the variance, by hand."""
    person, visit, outcome, arm, _ = _long(2, missing=0.0)
    last = visit == 48
    rows = (person[last], visit[last], outcome[last], arm[last])
    exact, curved = (
        mmrm(*rows, treated="active", control="placebo", small_sample=name)[0]
        for name in ("Kenward-Roger, linear", "Kenward-Roger")
    )
    shrink = (curved.standard_error / exact.standard_error) ** 2
    assert shrink == pytest.approx(1 - 1 / (40 - 2), rel=1e-5)


def test_complete_data_give_the_difference_of_means_at_every_visit():
    person, visit, outcome, arm, _ = _long(3, missing=0.0)
    for one in mmrm(person, visit, outcome, arm, treated="active", control="placebo"):
        rows = visit == one.detail["visit"]
        means = [outcome[rows & (arm == name)].mean() for name in ("active", "placebo")]
        assert one.estimate == pytest.approx(means[0] - means[1], rel=1e-8)


def test_people_without_any_outcome_are_counted():
    person, visit, outcome, arm, base = _long(4)
    outcome[person == 0] = np.nan
    found = mmrm(
        person,
        visit,
        outcome,
        arm,
        treated="active",
        control="placebo",
        covariates={"base": base},
        by_visit=["base"],
    )
    assert {one.missing_treated for one in found} == {1}
    assert {one.n_treated for one in found} == {19}
    assert found[0].detail["observations"] == int((~np.isnan(outcome)).sum())


def test_names_and_doubles_are_checked():
    person, visit, outcome, arm, _ = _long(5)
    with pytest.raises(FindingsError, match="not among the covariates"):
        mmrm(person, visit, outcome, arm, treated="active", control="placebo", by_visit=["base"])
    with pytest.raises(ValueError, match="two rows"):
        mmrm([1, 1, 2, 2], [1, 1, 1, 2], [1.0, 2, 3, 4], ["a", "a", "b", "b"], treated="a", control="b")


def test_too_little_data_are_reported_not_raised():
    found = mmrm([1, 1, 2, 2], [1, 2, 1, 2], [1.0, 2, 3, 4], ["a", "a", "b", "b"], treated="a", control="b")
    assert {one.status for one in found} == {"singular"}
    assert not any(one.significant() for one in found)


def test_clusters_without_correlation_lie_at_the_boundary():
    """Cluster means all alike: the variance between clusters is zero and the analysis least squares."""
    cluster = np.repeat(np.arange(8), 4)
    arm = np.where(cluster < 4, "t", "c")
    outcome = np.tile([1.0, 2.0, 3.0, 4.0], 8) + np.where(arm == "t", 1.0, 0.0)
    one = cluster_trial(cluster, outcome, arm, treated="t", control="c")
    assert one.status == "boundary"
    assert one.estimate == pytest.approx(1.0)
    assert one.detail["intraclass_correlation"] == 0.0
    assert one.usable


def test_balanced_clusters_are_a_t_test_of_cluster_means():
    draw = np.random.default_rng(6)
    cluster = np.repeat(np.arange(12), 5)
    arm = np.where(cluster < 6, "t", "c")
    outcome = draw.normal(0, 1, 60) + np.repeat(draw.normal(0, 2, 12), 5)
    one = cluster_trial(cluster, outcome, arm, treated="t", control="c")
    means = outcome.reshape(12, 5).mean(axis=1)
    same = ancova(means, np.where(np.arange(12) < 6, "t", "c"), treated="t", control="c")
    assert one.standard_error == pytest.approx(same.standard_error, rel=1e-5)
    assert one.degrees_of_freedom == pytest.approx(10, rel=1e-4)


def test_a_crossover_is_the_comparison_of_period_differences():
    """Half the difference of the mean period differences of the two sequences (Hills and Armitage)."""
    person, period = np.repeat(np.arange(10), 2), np.tile([1, 2], 10)
    arm = np.where((person % 2 == 0) == (period == 1), "t", "c")
    draw = np.random.default_rng(3)
    outcome = 10.0 * person + 3.0 * (period == 2) - 2.0 * (arm == "t") + draw.normal(0, 1, 20)
    one = crossover(person, period, outcome, arm, treated="t", control="c")
    change = outcome[0::2] - outcome[1::2]
    assert one.estimate == pytest.approx((change[0::2].mean() - change[1::2].mean()) / 2, rel=1e-6)
    assert one.degrees_of_freedom == pytest.approx(8, rel=1e-3)
    assert (one.n_treated, one.n_control) == (10, 10)
    perfect = crossover(person, period, 10.0 * person, arm, treated="t", control="c")
    assert not perfect.significant()


@pytest.mark.parametrize("factor", [1e-4, 1e5])
def test_the_unit_of_the_outcome_does_not_matter(factor):
    person, visit, outcome, arm, _ = _long(7)
    first = mmrm(person, visit, outcome, arm, treated="active", control="placebo")[-1]
    second = mmrm(person, visit, factor * outcome, arm, treated="active", control="placebo")[-1]
    assert second.estimate == pytest.approx(factor * first.estimate, rel=1e-6)
    assert second.p_value == pytest.approx(first.p_value, rel=1e-5)
    cluster = person // 4
    one = cluster_trial(cluster, outcome, np.where(cluster < 5, "t", "c"), treated="t", control="c")
    two = cluster_trial(cluster, factor * outcome, np.where(cluster < 5, "t", "c"), treated="t", control="c")
    assert two.status == one.status
    assert two.p_value == pytest.approx(one.p_value, rel=1e-5)
