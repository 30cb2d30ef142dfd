"""Figures of realism, by hand on small tables."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from eubiosis.analysis.realism import FIGURES, SimulatedControlArm, confirmed, rank_correlation, reliability
from eubiosis.workflow.realism import NO_VALUE, published_figures


def test_a_change_of_edss_counts_where_it_holds_for_twelve_weeks():
    weeks = np.array([0.0, 12.0, 24.0, 36.0])
    scores = np.array(
        [
            [0.0, 1.0, 1.0, 1.0],  # from 0 a point is not enough
            [0.0, 1.5, 1.5, 1.0],
            [2.0, 3.0, 2.0, 3.0],  # seen twice, but not held between
            [2.0, 2.0, 2.0, 3.5],  # at the end only
            [5.5, 6.0, 6.0, 5.5],
            [3.0, np.nan, 4.0, 4.0],
            [3.0, 4.0, np.nan, 4.0],  # the missed visit says nothing against it
        ]
    ).T
    assert confirmed(scores, weeks, worse=True).tolist() == [False, True, False, False, True, True, False]
    better = np.array([[1.0, 0.0, 0.0, 0.0], [3.0, 2.0, 2.0, 3.0], [6.0, 5.5, 5.5, 6.0]]).T
    assert confirmed(better, weeks, worse=False).tolist() == [False, True, True]


def test_reliability_is_the_share_of_the_variance_between_people():
    rng = np.random.default_rng(3)
    values = rng.normal(0, 2.0, 4000) + rng.normal(0, 1.0, (3, 4000))
    assert reliability(values) == pytest.approx(0.8, abs=0.02)
    assert np.isnan(reliability(values[:, :5]))
    values[1, 7] = np.nan  # a person with a missed visit is left out
    assert reliability(values) == reliability(np.delete(values, 7, axis=1))


def test_rank_correlation_is_spearmans_of_what_both_have():
    rng = np.random.default_rng(4)
    x = rng.integers(0, 6, 40).astype(float)
    y = x + rng.integers(0, 5, 40)
    y[3] = np.nan
    known = np.isfinite(y)
    assert rank_correlation(x, y) == pytest.approx(spearmanr(x[known], y[known]).statistic)
    assert np.isnan(rank_correlation(x, np.zeros(40)))


def test_figures_of_an_arm_by_hand():
    subjects = {
        "relapses": np.array([0.0, 2.0, 1.0]), "follow_up_years": np.array([1.0, 2.0, 1.0]),
        "gd_lesions": np.array([3.0, 0.0, 1.0]), "scans": np.array([2.0, 2.0, 1.0]),
        "t2_lesions": np.array([4.0, 0.0, 0.0]), "t2_years": np.array([1.0, 2.0, 1.0]),
        "completed": np.array([1.0, 1.0, 0.0]),
    }  # fmt: skip
    edss = np.array([[0.5, 2.0, -0.0], [1.0, np.nan, np.nan]])
    arm = SimulatedControlArm(np.array([0.0, 52.0]), subjects, {"edss": edss})
    assert FIGURES["arr"](arm) == 3 / 4
    assert FIGURES["relapse_free"](arm) == pytest.approx(1 / 3)
    assert FIGURES["gd_per_scan"](arm) == 4 / 5
    assert FIGURES["t2_per_year"](arm) == 1.0
    assert FIGURES["left"](arm) == pytest.approx(1 / 3)
    assert FIGURES["missed"](arm) == 0.5
    assert FIGURES["edss_no_step"](arm) == 0.5  # 0.5 and -0.0 of four scores


def test_every_figure_stands_beside_a_published_one_or_beside_no_value():
    rows = published_figures()
    assert list(rows) == list(FIGURES)
    for row in rows.values():
        said = row.value is not None or row.low is not None
        assert (row.words == NO_VALUE) == (not said)
        if said and row.low != row.high:
            assert row.read, row.id
            assert row.source or row.read == "recalled", row.id
