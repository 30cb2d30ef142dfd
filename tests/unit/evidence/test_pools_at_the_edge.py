"""Pools at the edge: several maxima of tau2, iterations that do not end, tables that say nothing.

Values of R are those of metafor 3.8.1 on the data as written here.
"""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eubiosis.evidence.synthesis import counts, small_study
from eubiosis.evidence.synthesis.bayes import bayes_fit
from eubiosis.evidence.synthesis.combine import fit
from eubiosis.evidence.synthesis.likelihood import log_likelihood, maxima
from eubiosis.evidence.synthesis.multilevel import three_level

TWO_PEAKS = ([0.19, -0.005, -2.617], [0.0115, 0.0068, 1.2104])


def _height(y, v, tau2, *, restricted):
    x = np.ones((len(y), 1))
    grid = np.atleast_1d(np.asarray(tau2, dtype=float))
    return log_likelihood(np.array(y), np.array(v), x, grid, restricted=restricted)


def test_reml_takes_the_higher_of_two_maxima_and_says_so():
    """metafor stops at .925, warns and falls back on 0; a grid of 10,000 points has its top at .01139."""
    one = fit(*TWO_PEAKS)
    assert one.tau2 == pytest.approx(0.011393, rel=1e-3)
    assert one.estimate == pytest.approx(0.05914, rel=1e-3)
    assert one.tau2_maxima == pytest.approx((0.011393, 0.924989), rel=1e-3)
    assert "2 maxima" in one.notes[0]
    assert fit(*TWO_PEAKS, method="DL").notes == ()


def test_ml_takes_zero_where_zero_is_the_highest():
    """metafor: tau2 1.3e-7, mean .0580 [-.0699, .1859]."""
    one = fit(*TWO_PEAKS, method="ML")
    assert one.tau2 == 0.0
    assert (one.estimate, *one.interval) == pytest.approx((0.05801508, -0.06988200, 0.1859122), rel=1e-5)


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 100_000), k=st.integers(2, 10), restricted=st.booleans())
def test_no_point_of_a_grid_is_higher_than_the_maximum_taken(seed, k, restricted):
    draw = np.random.default_rng(seed)
    v = 10 ** draw.uniform(-3, 1, k)
    y = draw.normal(0, np.sqrt(v) * draw.choice([0.3, 1.0, 3.0]))
    tops = maxima(y, v, np.ones((k, 1)), restricted=restricted)
    grid = np.concatenate(([0.0], np.geomspace(1e-8, 1e4, 4001)))
    assert _height(y, v, grid, restricted=restricted).max() <= tops[0][1] + 1e-9
    assert [height for _, height in tops] == sorted((height for _, height in tops), reverse=True)
    assert fit(y, v, method="REML" if restricted else "ML").tau2 == pytest.approx(
        tops[0][0], rel=1e-4, abs=1e-9
    )


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 100_000), k=st.integers(3, 25), rounded=st.integers(0, 3))
def test_trim_and_fill_ends(seed, k, rounded):
    draw = np.random.default_rng(seed)
    v = np.maximum(np.round(10 ** draw.uniform(-3, 0.5, k), 4), 1e-4)
    y = np.round(draw.standard_t(2, k), rounded)
    try:
        filled = small_study.trim_and_fill(y, v, method=str(draw.choice(["DL", "REML", "FE"])))
    except ArithmeticError:  # it goes round in a circle, which has a test of its own
        return
    assert 0 <= filled.added < k


def test_trim_and_fill_that_goes_round_in_a_circle_says_so():
    """Trimming two studies asks for one, and one for two: metafor stops with an error after 100 rounds."""
    y = [0.06, -0.85, 4.04, -0.43, 3.3, 0.52, -0.37, -0.21]
    v = [0.039, 0.14, 9.611, 1.306, 7.789, 12.048, 0.738, 1.777]
    with pytest.raises(ArithmeticError, match="0, 2, 1 and then 2 studies again"):
        small_study.trim_and_fill(y, v, method="DL")


def test_a_funnel_without_shape_has_no_test():
    y, v = [0.1, 0.2, 0.4], [0.01, 0.01, 0.01]
    for test in (small_study.egger, small_study.egger_mixed, small_study.begg):
        one = test(y, v)
        assert (one.status, math.isnan(one.p_value)) == ("no_information", True)
    with pytest.raises(ValueError, match="no shape"):
        small_study.trim_and_fill(y, v)
    v = np.array([0.01, 0.04, 0.09])
    line = small_study.egger(0.5 + 2 * np.sqrt(v), v)
    assert line.status == "no_variance"
    assert small_study.begg([0.2] * 3, v).status == "no_variance"


def test_a_moderator_that_repeats_another_is_named():
    x = np.column_stack([np.ones(4), [1.0, 2, 3, 4], [2.0, 4, 6, 8]])
    with pytest.raises(ValueError, match="depend on each other"):
        fit([0.1, 0.2, 0.3, 0.5], [0.1] * 4, x=x)


def test_studies_that_do_not_differ_have_no_knapp_hartung_error():
    one = fit([0.3] * 4, [0.1, 0.2, 0.1, 0.3], test="knapp-hartung")
    assert (one.status, math.isnan(one.standard_errors[0])) == ("no_variance", True)
    assert fit([0.3] * 4, [0.1, 0.2, 0.1, 0.3], test="knapp-hartung-adhoc").status == "ok"
    assert fit([0.3] * 4, [0.1, 0.2, 0.1, 0.3]).standard_errors[0] > 0


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_an_effect_that_is_not_a_number_is_refused(bad):
    with pytest.raises(ValueError, match="finite"):
        fit([bad, 0.1, 0.2], [0.1] * 3)
    with pytest.raises(ValueError, match="finite"):
        bayes_fit([bad, 0.1], [0.1, 0.1], tau_scale=0.5)
    with pytest.raises(ValueError, match="finite"):
        three_level([bad, 0.1, 0.2], [0.1] * 3, [1, 1, 2])
    with pytest.raises(ValueError, match="finite"):
        small_study.egger([bad, 0.1, 0.2], [0.1, 0.2, 0.3])
    with pytest.raises(ValueError, match="finite"):
        counts.peto([bad, 1], [10, 10], [1, 1], [10, 10])


def test_a_three_level_model_of_equal_estimates_has_no_robust_error():
    one = three_level([0.2] * 4, [0.1, 0.2, 0.1, 0.1], [1, 1, 2, 2])
    assert (one.robust_status, math.isnan(one.robust_p)) == ("no_variance", True)
    assert one.estimate == pytest.approx(0.2)


def test_a_double_zero_study_refuses_itself_and_not_the_peto_pool():
    """rma.peto: -0.2379189 (0.5019105), Q 1.0846006."""
    one = counts.peto([0, 3, 5], [20, 30, 40], [0, 6, 4], [21, 30, 41])
    assert (one.estimate, one.standard_error, one.q) == pytest.approx(
        (-0.2379189, 0.5019105, 1.0846006), rel=1e-6
    )
    assert (one.k, one.left_out) == (3, ((0, "no events"),))


@pytest.mark.parametrize(
    ("pool", "estimate", "error"),
    [(counts.mantel_haenszel_or, -0.2398703, 0.5055250), (counts.mantel_haenszel_rr, -0.2105066, 0.4439563)],
)
@pytest.mark.parametrize("other", [0, 21])
def test_an_empty_arm_refuses_its_study(pool, estimate, error, other):
    """rma.mh gives these with one empty arm, and not a number with two."""
    one = pool([0, 3, 5], [0, 30, 40], [0, 6, 4], [other, 30, 41])
    assert (one.estimate, one.standard_error) == pytest.approx((estimate, error), rel=1e-6)
    assert one.left_out == ((0, "an empty arm"),)


@pytest.mark.parametrize(
    ("pool", "values", "out"),
    [
        (
            counts.mantel_haenszel_or,
            (-0.4389734, 0.4842225, 1.8536227),
            {0: "no events", 4: "nothing but events"},
        ),
        (counts.mantel_haenszel_rr, (-0.0961204, 0.1056741, 2.0504952), {0: "no events"}),
    ],
)
def test_studies_of_no_events_or_nothing_but_events(pool, values, out):
    one = pool([0, 0, 3, 5, 30], [20, 20, 30, 40, 30], [0, 2, 6, 4, 30], [21, 21, 30, 41, 30])
    assert (one.estimate, one.standard_error, one.q) == pytest.approx(values, rel=1e-5)
    assert (dict(one.left_out), one.q_df) == (out, 2)


def test_rates_with_a_double_zero_study():
    """rma.mh: -0.3895648 (0.4565266), Q 1.6586003."""
    one = counts.mantel_haenszel_rate_ratio([0, 0, 3, 5], [20, 20, 30, 40], [0, 2, 6, 4], [21, 21, 30, 41])
    assert (one.estimate, one.standard_error, one.q) == pytest.approx(
        (-0.3895648, 0.4565266, 1.6586003), rel=1e-6
    )


def test_tarone_with_a_study_of_nothing_but_events():
    """rma.mh: 0.3758269 on one degree of freedom, p 0.5398451."""
    one = counts.tarone([22, 5, 0], [22, 130, 6], [99, 3, 13], [99, 48, 140])
    assert (one.statistic, one.p_value) == pytest.approx((0.3758269, 0.5398451), rel=1e-6)
    assert (one.df, one.left_out) == (1, ((0, "nothing but events"),))


def test_tables_that_say_nothing_have_a_status():
    empty = ([0, 0], [10, 10], [0, 0], [10, 10])
    assert counts.peto(*empty).status == counts.cochran_mantel_haenszel(*empty).status == "too_few_events"
    assert (
        counts.mantel_haenszel_or(*empty).status
        == counts.mantel_haenszel_rr(*empty).status
        == "too_few_events"
    )
    assert counts.tarone(*empty).status == "too_few_events"
    assert counts.mantel_haenszel_or([0, 0], [10, 10], [2, 3], [10, 10]).status == "separated"
    assert counts.mantel_haenszel_rate_ratio([0, 0], [1, 1], [2, 3], [1, 1]).status == "separated"
    assert counts.mantel_haenszel_rr([5], [5], [6], [6]).status == "no_variance"
    assert counts.tarone([1], [10], [2], [10]).status == "no_information"
    with pytest.raises(ValueError, match="do not fit"):
        counts.peto([11], [10], [1], [10])


def test_less_than_half_an_event_is_corrected_to_nothing():
    assert counts.cochran_mantel_haenszel([3], [30], [3], [30]).statistic == 0.0
