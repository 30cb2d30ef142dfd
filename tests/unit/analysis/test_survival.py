"""Times to an event: hand calculations, laws, and another program (statsmodels)."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eubiosis.analysis.estimators.cox import fit_cox, score_residuals
from eubiosis.analysis.estimators.histories import Histories
from eubiosis.analysis.estimators.survival import (
    hazard_ratio,
    kaplan_meier,
    log_rank,
    recurrent_rate_ratio,
    restricted_mean_difference,
)
from eubiosis.core.findings import FindingsError


def _data(seed, n=120, tied=True, ratio=0.6):
    draw = np.random.default_rng(seed)
    arm = np.repeat(["c", "t"], n // 2)
    age = draw.normal(40, 9, n)
    hazard = 0.5 * np.where(arm == "t", ratio, 1.0) * np.exp(0.02 * (age - 40))
    time = draw.exponential(1 / hazard)
    end = draw.uniform(0.5, 2.5, n)
    event = (time <= end).astype(int)
    time = np.minimum(time, end)
    return (np.ceil(time * 10) / 10 if tied else time), event, arm, age


def test_the_cox_estimate_of_a_small_table_solves_its_equation():
    """Events: t at 1, c at 2, t at 3; likelihood r/(2r+2) * 1/(r+2) * r/(r+1), r the hazard ratio."""
    one = hazard_ratio([1, 2, 3, 4.0], [1, 1, 1, 0], ["t", "c", "t", "c"], treated="t", control="c")
    grid = np.linspace(0.5, 6, 200_001)
    likelihood = grid / (2 * grid + 2) * 1 / (grid + 2) * grid / (grid + 1)
    assert one.estimate == pytest.approx(grid[np.argmax(likelihood)], abs=1e-4)


@pytest.mark.parametrize("ties", ["Efron", "Breslow"])
@pytest.mark.parametrize("seed", [1, 2])
def test_meets_statsmodels_with_late_entry_and_strata(ties, seed):
    duration = pytest.importorskip("statsmodels.duration.hazard_regression")
    time, event, arm, age = _data(seed)
    entry = np.where(np.arange(len(time)) % 3 == 0, 0.05, 0.0)
    matrix = np.column_stack([arm == "t", age]).astype(float)
    layer = (np.arange(len(time)) % 2).astype(np.intp)
    mine = fit_cox(Histories(matrix, entry, time, event == 1, layer), np.arange(len(time)), ties)
    other = duration.PHReg(time, matrix, status=event, entry=entry, strata=layer, ties=ties.lower()).fit(
        disp=0
    )
    np.testing.assert_allclose(mine.coefficients, other.params, rtol=1e-6)
    np.testing.assert_allclose(np.sqrt(np.diag(mine.covariance)), other.bse, rtol=1e-6)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), power=st.floats(0.3, 3.0))
def test_only_the_order_of_times_matters(seed, power):
    time, event, arm, _ = _data(seed, n=40)
    first = hazard_ratio(time, event, arm, treated="t", control="c")
    second = hazard_ratio(time**power, event, arm, treated="t", control="c")
    assert second.status == first.status
    if first.usable:
        assert second.estimate == pytest.approx(first.estimate, rel=1e-8)
        swapped = hazard_ratio(time, event, arm, treated="c", control="t")
        assert swapped.estimate == pytest.approx(1 / first.estimate, rel=1e-6)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_score_residuals_sum_to_zero_at_the_estimate(seed):
    time, event, arm, age = _data(seed, n=60)
    matrix = np.column_stack([arm == "t", (age - 40) / 9]).astype(float)
    data = Histories(matrix, np.zeros(60), time, event == 1, np.zeros(60, dtype=np.intp))
    fit = fit_cox(data, np.arange(60))
    np.testing.assert_allclose(score_residuals(data, fit.coefficients).sum(axis=0), 0.0, atol=1e-5)


def test_the_log_rank_test_is_the_score_test_without_ties():
    time, event, arm, _ = _data(3, tied=False)
    matrix = (arm == "t").astype(float)[:, None]
    layer = np.zeros(len(time), dtype=np.intp)
    fit = fit_cox(Histories(matrix, np.zeros(len(time)), time, event == 1, layer), np.arange(len(time)))
    assert log_rank(time, event, arm).value == pytest.approx(fit.score, rel=1e-9)


def test_a_curve_and_its_restricted_mean_by_hand():
    """Survival 3/4 after 1, 3/8 after 3: area to 4 is 1 + 2 * 3/4 + 3/8."""
    curve = kaplan_meier([1.0, 2.0, 3.0, 4.0], [1, 0, 1, 0])
    survival, error, low, high = curve.at([0.5, 1.0, 3.5])
    assert survival.tolist() == [1.0, 0.75, 0.375]
    assert error[1] == pytest.approx(0.75 * math.sqrt(1 / (4 * 3)))
    assert low[2] < 0.375 < high[2] <= 1.0
    mean, spread = curve.restricted_mean(4.0)
    assert mean == pytest.approx(1 + 2 * 0.75 + 0.375)
    right = [2 * 0.75 + 0.375, 0.375]
    assert spread == pytest.approx(math.sqrt(right[0] ** 2 / (4 * 3) + right[1] ** 2 / (2 * 1)))
    assert curve.median == 3.0
    assert kaplan_meier([1.0, 2.0], [1, 1]).restricted_mean(3.0)[0] == pytest.approx(1.5)


def test_a_restricted_mean_beyond_the_data_is_not_invented():
    one = restricted_mean_difference(
        [1.0, 2.0, 1.0, 2.0], [1, 0, 1, 0], ["t", "t", "c", "c"], treated="t", control="c", limit=3.0
    )
    assert one.status == "too_few_participants"
    assert not one.significant()


def test_no_events_and_separation_stay_in_the_table():
    arm = np.repeat(["t", "c"], 6)
    time = np.arange(1.0, 13.0)
    none = hazard_ratio(time, [0] * 6 + [1] * 6, arm, treated="t", control="c")
    assert none.status == "too_few_events"
    early = hazard_ratio(time, [1] * 6 + [1] * 6, arm, treated="t", control="c")
    assert early.status == "separated"
    assert math.isnan(early.estimate)


def test_recurrent_events_with_one_row_each_are_the_cox_model():
    time, event, arm, _ = _data(6)
    people = np.arange(len(time))
    both = recurrent_rate_ratio(people, np.zeros(len(time)), time, event, arm, treated="t", control="c")
    cox = hazard_ratio(time, event, arm, treated="t", control="c")
    assert both.estimate == pytest.approx(cox.estimate, rel=1e-10)
    assert both.n_treated == cox.n_treated


def test_doubling_every_participant_narrows_the_robust_error_only_when_they_are_people():
    time, event, arm, _ = _data(7, tied=False)
    once = np.arange(len(time))
    twice = [np.concatenate([x, x]) for x in (np.zeros(len(time)), time, event, arm)]
    begin = np.zeros(len(time))
    single = recurrent_rate_ratio(once, begin, time, event, arm, treated="t", control="c")
    layer = np.zeros(2 * len(time), dtype=np.intp)
    matrix = (twice[3] == "t").astype(float)[:, None]
    rows = Histories(matrix, twice[0], twice[1], twice[2] == 1, layer)
    same = fit_cox(rows, np.concatenate([once, once]))
    # Efron's ties change the estimate a little when every event is doubled
    assert np.sqrt(same.robust[0, 0]) == pytest.approx(single.standard_error, rel=0.03)
    # as a table it contradicts itself: everybody is observed twice at the same time
    doubled = recurrent_rate_ratio(np.concatenate([once, once]), *twice, treated="t", control="c")
    assert doubled.status == "contradictory"


def test_wrong_histories_are_refused():
    with pytest.raises(FindingsError, match="other than 0 and 1"):
        hazard_ratio([1.0, 2.0], [1, 2], ["t", "c"], treated="t", control="c")
    with pytest.raises(FindingsError, match="below zero"):
        hazard_ratio([1.0, -2.0], [1, 1], ["t", "c"], treated="t", control="c")
    with pytest.raises(ValueError, match="missing"):
        kaplan_meier([1.0, math.nan], [1, 1])
    one = hazard_ratio(
        [1.0, 2.0, 3.0, math.nan, 4.0], [1, 1, 1, 1, 1], ["t", "c", "t", "c", "c"], treated="t", control="c"
    )
    assert one.missing_control == 1
