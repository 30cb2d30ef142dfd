"""Responders and multiplicity: hand calculations, laws, and statsmodels."""

import itertools
import math
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eubiosis.analysis.estimators import multiplicity
from eubiosis.analysis.estimators.binary import risk_contrasts
from eubiosis.core.findings import FindingsError

P_VALUES = st.lists(st.floats(0.0001, 1.0), min_size=2, max_size=7)


def test_unadjusted_contrasts_by_hand():
    """30 of 100 against 20 of 100: Wald variances of the difference, log ratio and log odds ratio."""
    event = np.concatenate([np.repeat([1, 0], [30, 70]), np.repeat([1, 0], [20, 80])])
    arm = np.repeat(["t", "c"], 100)
    difference, ratio, odds = risk_contrasts(event, arm, treated="t", control="c")
    assert difference.estimate == pytest.approx(0.1)
    assert difference.standard_error == pytest.approx(math.sqrt(0.3 * 0.7 / 100 + 0.2 * 0.8 / 100))
    assert difference.detail["number_needed_to_treat"] == pytest.approx(10)
    assert ratio.estimate == pytest.approx(1.5)
    assert ratio.standard_error == pytest.approx(math.sqrt(1 / 30 - 1 / 100 + 1 / 20 - 1 / 100))
    assert odds.estimate == pytest.approx(30 * 80 / (70 * 20))
    assert odds.standard_error == pytest.approx(math.sqrt(1 / 30 + 1 / 70 + 1 / 20 + 1 / 80))


def test_standardised_risks_meet_statsmodels():
    discrete = pytest.importorskip("statsmodels.discrete.discrete_model")
    draw = np.random.default_rng(3)
    arm, age = np.repeat([1.0, 0.0], 60), draw.normal(0, 1, 120)
    event = (draw.random(120) < 1 / (1 + np.exp(-(0.3 * arm + 0.8 * age)))).astype(float)
    fit = discrete.Logit(event, np.column_stack([np.ones(120), arm, age])).fit(disp=0)
    risks = [fit.predict(np.column_stack([np.ones(120), np.full(120, a), age])).mean() for a in (1, 0)]
    names = np.where(arm == 1, "t", "c")
    found = risk_contrasts(event, names, treated="t", control="c", covariates={"age": age})
    assert found[0].estimate == pytest.approx(risks[0] - risks[1], rel=1e-6)
    assert found[2].standard_error == pytest.approx(fit.bse[1], rel=1e-6)


def test_extreme_and_separated_data_stay_in_the_table():
    arm = np.repeat(["t", "c"], 5)
    nobody = risk_contrasts([0] * 5 + [1, 0, 1, 0, 1], arm, treated="t", control="c")
    assert [one.status for one in nobody] == ["boundary", "too_few_events", "too_few_events"]
    marker = np.tile([1.0, 2.0, 3.0, 4.0, 5.0], 2)
    split = risk_contrasts(
        (marker > 2.5).astype(int), arm, treated="t", control="c", covariates={"m": marker}
    )
    assert {one.status for one in split} == {"separated"}
    assert not any(one.significant(0.01) for one in (*nobody, *split))
    with pytest.raises(FindingsError, match="other than 0 and 1"):
        risk_contrasts([2, 1], ["t", "c"], treated="t", control="c")


@settings(deadline=None)
@given(P_VALUES)
def test_meets_statsmodels(p):
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    names = {
        "bonferroni": "bonferroni",
        "holm": "holm",
        "hochberg": "simes-hochberg",
        "hommel": "hommel",
        "BH": "fdr_bh",
        "BY": "fdr_by",
    }
    for mine, theirs in names.items():
        with mock.patch("gc.collect"):  # which its Hommel calls each time: a minute in all
            wanted = multitest.multipletests(p, method=theirs)[1]
        np.testing.assert_allclose(multiplicity.adjust(p, mine), wanted, rtol=1e-10)


@given(P_VALUES)
def test_procedures_are_ordered_by_strength(p):
    steps = [multiplicity.adjust(p, name) for name in ("hommel", "hochberg", "holm", "bonferroni")]
    for stronger, weaker in itertools.pairwise(steps):
        assert np.all(stronger <= weaker + 1e-12)


@given(P_VALUES)
def test_an_even_graph_is_holm_and_a_chain_is_the_fixed_sequence(p):
    count = len(p)
    even = (np.ones((count, count)) - np.eye(count)) / (count - 1)
    np.testing.assert_allclose(
        multiplicity.graph(p, np.full(count, 1 / count), even), multiplicity.adjust(p, "holm"), rtol=1e-9
    )
    first = np.eye(count)[0]
    chain = multiplicity.graph(p, first, np.eye(count, k=1))
    np.testing.assert_allclose(chain, multiplicity.fixed_sequence(p), rtol=1e-12)


def _closed_graph(p, weights, edges, alpha):
    """Reject by the closed test: every intersection containing the hypothesis has a p below its share."""
    count = len(p)
    rejected = []
    for i in range(count):
        ok = True
        for size in range(1, count + 1):
            for members in itertools.combinations(range(count), size):
                if i not in members:
                    continue
                w, g = np.array(weights, float), np.array(edges, float)
                rest = list(range(count))
                for gone in [j for j in range(count) if j not in members]:
                    rest.remove(gone)
                    w, g = multiplicity._without(w, g, gone, rest)
                ok &= any(p[j] <= alpha * w[j] for j in members)
        rejected.append(ok)
    return np.array(rejected)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0.0005, 0.2), min_size=4, max_size=4), st.sampled_from([0.01, 0.025, 0.05, 0.1]))
def test_a_graph_rejects_what_its_closed_test_rejects(p, alpha):
    weights = [0.5, 0.5, 0.0, 0.0]
    edges = [[0, 0.5, 0.5, 0], [0.5, 0, 0, 0.5], [0, 1, 0, 0], [1, 0, 0, 0]]
    mine = multiplicity.graph(p, weights, edges) <= alpha
    assert np.array_equal(mine, _closed_graph(p, weights, edges, alpha))


def test_failed_analyses_and_wrong_graphs():
    np.testing.assert_array_equal(multiplicity.adjust([0.01, math.nan], "holm"), [0.02, math.nan])
    np.testing.assert_array_equal(multiplicity.adjust([0.01, math.nan, 0.04], "BH"), [0.02, math.nan, 0.04])
    assert np.isnan(multiplicity.adjust([math.nan, math.nan], "BH")).all()
    with pytest.raises(ValueError, match="summing to at most 1"):
        multiplicity.graph([0.1, 0.2], [0.7, 0.7], np.zeros((2, 2)))
    with pytest.raises(ValueError, match="between 0 and 1"):
        multiplicity.adjust([1.2])
    with pytest.raises(ValueError, match="for all but the last"):
        multiplicity.parallel_gatekeeping([0.1, 0.2], [[0], [1]], [1.0, 1.0])
