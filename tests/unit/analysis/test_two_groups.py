"""Two groups against scipy's own tests, R's printed example, and hand calculations."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from eubiosis.analysis.estimators.richness import chao1
from eubiosis.analysis.estimators.two_groups import (
    FEW,
    mean_differences,
    prevalence_differences,
    shifts,
)
from eubiosis.core.streams import stream


def _groups(n, m, columns=3, seed=1):
    draw = stream(seed, "two groups test")
    return draw.normal(0.4, 1, (n, columns)), draw.normal(0, 2, (m, columns))


def test_means_of_large_groups_are_welchs():
    a, b = _groups(40, 60)
    found = mean_differences(a, b, seed=1)
    for k in range(3):
        peer = stats.ttest_ind(a[:, k], b[:, k], equal_var=False)
        interval = peer.confidence_interval()
        assert found.p_value[k] == pytest.approx(peer.pvalue, rel=1e-9)
        assert (found.low[k], found.high[k]) == pytest.approx((interval.low, interval.high), rel=1e-9)
    assert "permutations" not in found.method


def test_means_of_small_groups_are_permuted_and_all_of_them_counted():
    """Three against three: 20 arrangements, and none but the two extreme ones is as far apart."""
    found = mean_differences([[10.0], [11.0], [12.5]], [[1.0], [2.0], [3.2]], seed=1)
    assert found.p_value[0] == pytest.approx(2 / 20)
    assert "all 20 permutations" in found.method


def test_permuted_p_values_are_those_of_scipys_permuted_t_test():
    """Five against six: both look at all 462 arrangements."""
    a, b = _groups(5, 6, columns=1)
    peer = stats.permutation_test(
        (a[:, 0], b[:, 0]), lambda x, y: stats.ttest_ind(x, y, equal_var=False).statistic,
        n_resamples=1_000, vectorized=False,
    )  # fmt: skip
    assert mean_differences(a, b, seed=3).p_value[0] == pytest.approx(peer.pvalue)


def test_shifts_by_hand():
    """Nine differences 10 11 12 9 10 11 8 9 10: their median is 10."""
    found = shifts([[11.0], [12.0], [13.0]], [[1.0], [2.0], [3.0]], seed=1)
    assert found.effect.tolist() == [10.0]
    assert found.p_value[0] == pytest.approx(2 / 20)


def test_rank_sums_of_large_groups_are_mann_and_whitneys_with_ties():
    a, b = (np.round(one, 1) for one in _groups(FEW, FEW + 7, columns=4))
    found = shifts(a, b, seed=1)
    for k in range(4):
        peer = stats.mannwhitneyu(a[:, k], b[:, k], method="asymptotic")
        assert found.p_value[k] == pytest.approx(peer.pvalue, rel=1e-9)
        assert found.effect[k] == pytest.approx(np.median(np.subtract.outer(a[:, k], b[:, k])))
        assert found.low[k] <= found.effect[k] <= found.high[k]


def test_small_rank_sums_without_ties_are_exact():
    a, b = _groups(6, 7)
    found = shifts(a, b, seed=1)
    for k in range(3):
        peer = stats.mannwhitneyu(a[:, k], b[:, k], method="exact")
        assert found.p_value[k] == pytest.approx(peer.pvalue, abs=0.002)


def test_shifts_of_many_pairs_are_found_without_listing_them(monkeypatch):
    a, b = _groups(31, 42)
    listed = shifts(a, b, seed=1)
    monkeypatch.setattr("eubiosis.analysis.estimators.two_groups._PAIRS", 0)
    sought = shifts(a, b, seed=1)
    for name in ("effect", "low", "high"):
        assert getattr(sought, name) == pytest.approx(getattr(listed, name), abs=1e-9)


def test_the_interval_of_a_shift_holds_it_as_often_as_it_says():
    draw, held, trials = stream(4, "coverage"), 0, 300
    for _ in range(trials):
        a, b = draw.exponential(1.0, (24, 1)) + 0.7, draw.exponential(1.0, (30, 1))
        found = shifts(a, b, seed=1)
        held += bool(found.low[0] <= 0.7 <= found.high[0])
    assert 0.915 < held / trials < 0.985


def test_prevalences_against_fisher_and_newcombe():
    """56 of 70 and 48 of 80: Newcombe's published interval 0.0524 to 0.3339."""
    a = np.r_[np.ones(56), np.zeros(14)][:, None]
    b = np.r_[np.ones(48), np.zeros(32)][:, None]
    found = prevalence_differences(a, b)
    assert found.effect[0] == pytest.approx(0.2)
    assert (found.low[0], found.high[0]) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert found.p_value[0] == pytest.approx(stats.fisher_exact([[56, 14], [48, 32]]).pvalue)


@pytest.mark.parametrize("how", [mean_differences, shifts])
def test_what_does_not_vary_or_has_nobody_has_no_p_value(how):
    found = how(np.ones((8, 1)), np.ones((9, 1)), seed=1)
    assert np.isnan([found.p_value[0], found.low[0], found.high[0]]).all()
    one = how(np.ones((1, 1)), np.zeros((9, 1)), seed=1)
    assert np.isnan(one.p_value[0])
    same = prevalence_differences(np.ones((8, 1)), np.ones((9, 1)))
    assert (same.effect[0], np.isnan(same.p_value[0])) == (0.0, True)


def test_columns_must_be_the_same():
    with pytest.raises(ValueError, match="same columns"):
        mean_differences(np.ones((3, 2)), np.ones((3, 1)), seed=1)


@settings(deadline=None, max_examples=15)
@given(st.integers(2, 9), st.integers(2, 9), st.floats(0.1, 10), st.floats(-5, 5), st.integers(0, 50))
def test_groups_moved_and_stretched_move_and_stretch_their_difference(n, m, factor, away, seed):
    a, b = _groups(n, m, columns=1, seed=seed)
    for how in (mean_differences, shifts):
        one, other = how(a, b, seed=1), how(factor * a + away, factor * b + away, seed=1)
        assert other.effect == pytest.approx(factor * one.effect, rel=1e-6, abs=1e-9)
        assert other.low == pytest.approx(factor * one.low, rel=1e-6, abs=1e-9)


def test_chao1_by_hand():
    """Five taxa, three read once, one twice: 5 + 3 * 2 / (2 * 2); without singletons it is what was seen."""
    assert chao1([[1, 1, 1, 2, 9, 0], [0, 0, 2, 2, 3, 0]]).tolist() == [6.5, 3.0]
    assert np.isnan(chao1([[0, 0]])[0])
    with pytest.raises(ValueError, match="needs counts"):
        chao1([[0.5, 0.5]])
