"""Summary of a trial job on made-up results: quantiles, power, coverage and shares of variance by hand."""

import dataclasses
import math

import numpy as np
import pytest
from eubiosis.workflow.trial_worlds import Truth, WorldResult

from eubiosis.analysis.result import Estimate
from eubiosis.core.endpoints import ENDPOINTS
from eubiosis.therapy.therapy import inulin, placebo
from eubiosis.trial.design import Arm, Design
from eubiosis.workflow.trial_summary import _effect, _effects, _flow, _variance

DESIGN = Design(
    arms=(Arm("placebo", placebo(), control=True), Arm("inulin", inulin("12 g/day"))), participants=10
)


def estimate(value, half_width, p, *, endpoint="mfis", status="ok"):
    return Estimate(
        endpoint=endpoint, method="ANCOVA", treated="inulin", control="placebo", scale="mean difference",
        estimate=value, standard_error=half_width / 1.96, ci_low=value - half_width,
        ci_high=value + half_width, p_value=p, n_treated=5, n_control=5, status=status,
    )  # fmt: skip


def truth(world, value, *, endpoint="mfis", spread=0.0, unit_sd=2.0):
    return Truth(world, endpoint, "inulin", value, spread, unit_sd)


# worlds a, b, c with 4 trials each; effects 0, -2 and -4
TRUTHS = [truth("a", 0.0), truth("b", -2.0), truth("c", -4.0)]
ESTIMATES = [
    *(("a", estimate(value, 1.5, p)) for value, p in ((1, 0.4), (-1, 0.3), (2, 0.01), (0, 0.9))),
    *(("b", estimate(value, 1.5, p)) for value, p in ((-2, 0.01), (-3, 0.001), (-1, 0.2), (-4, 0.001))),
    *(("c", estimate(value, 1.5, p)) for value, p in ((-4, 0.001), (-4, 0.001), (-5, 0.001), (-3, 0.01))),
]


def test_quantiles_are_over_worlds_for_the_truth_and_over_trials_for_the_estimate():
    row = _effect(ENDPOINTS["mfis"], "inulin", TRUTHS, ESTIMATES, "mfis")
    # three worlds: 2.5 % lies 5 % of the way from the first to the second
    assert row.truth == pytest.approx((-3.9, -2.0, -0.1))
    assert row.standardised == pytest.approx((-1.95, -1.0, -0.05))
    values = sorted(e.estimate for _, e in ESTIMATES)
    assert row.estimate[1] == pytest.approx((values[5] + values[6]) / 2)
    assert row.estimate[0] == pytest.approx(values[0] + 0.275 * (values[1] - values[0]))
    assert row.trials == 12
    assert row.not_usable == 0
    assert row.primary


def test_power_is_the_mean_over_gut_worlds_and_its_error_lies_between_them_not_between_trials():
    row = _effect(ENDPOINTS["mfis"], "inulin", TRUTHS, ESTIMATES, "relapses")
    # 1 of 4, 3 of 4 and 4 of 4: mean 2/3; deviations -5/12, 1/12, 4/12, variance (25 + 1 + 16) / 144 / 2
    assert row.power == pytest.approx(2 / 3)
    assert row.power_error == pytest.approx(math.sqrt(42 / 144 / 2 / 3))
    # ten times as many equal trials in the same worlds do not make the worlds better known
    more = _effect(ENDPOINTS["mfis"], "inulin", TRUTHS, ESTIMATES * 10, "relapses")
    assert more.power_error == pytest.approx(row.power_error)
    assert not row.primary


def test_power_of_one_world_has_no_error_to_state():
    row = _effect(ENDPOINTS["mfis"], "inulin", TRUTHS[:1], ESTIMATES[:4], "mfis")
    assert row.power == 0.25
    assert math.isnan(row.power_error)


def test_coverage_counts_intervals_that_hold_the_truth_of_their_own_world():
    row = _effect(ENDPOINTS["mfis"], "inulin", TRUTHS, ESTIMATES, "mfis")
    # half-width 1.5: missed are 2 (world a) and -4 (world b)
    assert row.coverage == pytest.approx(10 / 12)


def test_a_trial_without_numbers_is_counted_as_not_significant_and_leaves_the_rest():
    nan = math.nan
    lost = dataclasses.replace(
        estimate(0, 1.5, nan, status="too_few_events"), estimate=nan, ci_low=nan, ci_high=nan
    )
    row = _effect(ENDPOINTS["mfis"], "inulin", TRUTHS, [*ESTIMATES, ("a", lost)], "mfis")
    assert row.trials == 13
    assert row.not_usable == 1
    assert row.coverage == pytest.approx(10 / 12)
    assert row.power == pytest.approx((1 / 5 + 3 / 4 + 1) / 3)
    nothing = _effect(ENDPOINTS["mfis"], "inulin", TRUTHS[:1], [("a", lost)], "mfis")
    assert nothing.power == 0
    assert math.isnan(nothing.coverage)
    assert all(math.isnan(value) for value in nothing.estimate)


def test_ratios_are_summarised_on_their_own_scale_and_judged_on_the_logarithm():
    truths = [truth(w, v, endpoint="relapses") for w, v in (("a", math.log(0.5)), ("b", math.log(2)))]
    half = dataclasses.replace(
        estimate(0.5, 0, 0.01, endpoint="relapses"), ci_low=0.4, ci_high=0.6, scale="rate ratio"
    )
    row = _effect(ENDPOINTS["relapses"], "inulin", truths, [("a", half), ("b", half)], "mfis")
    # on the logarithm the middle of 1/2 and 2 is 1; 2.5 % lies 2.5 % of the way
    assert row.truth[1] == pytest.approx((0.5 + 2) / 2)
    assert row.truth[0] == pytest.approx(0.5 + 0.025 * 1.5)
    assert row.estimate == pytest.approx((0.5, 0.5, 0.5))
    assert row.coverage == 0.5
    assert row.clinical
    assert row.tested


def test_shares_of_variance_by_hand():
    row = _variance(ENDPOINTS["mfis"], "inulin", TRUTHS, ESTIMATES)
    # between worlds (4 + 0 + 4) / 3; nothing from subjects; errors of the trials 1, 1, 4, 0 and so on
    errors = [1, 1, 4, 0, 0, 1, 1, 4, 0, 0, 1, 1]
    worlds, sampling = 8 / 3, sum(errors) / 12
    assert row.worlds == pytest.approx(worlds / (worlds + sampling))
    assert row.subjects == 0
    assert row.sampling == pytest.approx(sampling / (worlds + sampling))


def test_the_draw_of_subjects_is_taken_from_the_worlds():
    truths = [dataclasses.replace(t, spread=0.5) for t in TRUTHS]
    row = _variance(ENDPOINTS["mfis"], "inulin", truths, ESTIMATES)
    worlds, subjects, sampling = 8 / 3 - 0.25, 0.25, 14 / 12
    total = worlds + subjects + sampling
    assert (row.worlds, row.subjects, row.sampling) == pytest.approx(
        (worlds / total, subjects / total, sampling / total)
    )
    # a spread above the whole variance between worlds leaves nothing for them
    noisy = [dataclasses.replace(t, spread=5.0) for t in TRUTHS]
    assert _variance(ENDPOINTS["mfis"], "inulin", noisy, ESTIMATES).worlds == 0


def test_shares_of_variance_sum_to_one_for_every_endpoint():
    rng = np.random.default_rng(1)
    results = []
    for world in ("0.0", "1.0"):
        truths, estimates = [], []
        for name, endpoint in ENDPOINTS.items():
            ratio = endpoint.scale == "ratio"
            truths.append(truth(world, rng.normal(), endpoint=name, spread=rng.uniform(0, 0.5)))
            for number in range(3):
                value = rng.normal()
                one = estimate(math.exp(value) if ratio else value, 0.1, rng.uniform(), endpoint=name)
                low, high = (value - 1, value + 1)
                if ratio:
                    low, high = math.exp(low), math.exp(high)
                estimates.append((world, number, dataclasses.replace(one, ci_low=low, ci_high=high)))
        results.append(result(estimates=tuple(estimates), truths=tuple(truths)))
    effects, variance = _effects(Primary(), DESIGN, results)
    assert [row.endpoint for row in effects] == [row.endpoint for row in variance] == list(ENDPOINTS)
    for row in variance:
        assert row.worlds + row.subjects + row.sampling == pytest.approx(1.0)
        assert min(row.worlds, row.subjects, row.sampling) >= 0
    assert [row.endpoint for row in effects if row.primary] == ["mfis"]
    assert all(row.trials == 6 for row in effects)


def test_participant_flow_is_the_mean_over_trials_and_adds_up():
    results = [
        result(
            screened=({"enrolled": 10, "age": 3}, {"enrolled": 10, "age": 1, "EDSS": 2}),
            flow=(
                {"randomised": {"placebo": 5.0, "inulin": 5.0}, "completed": {"placebo": 4.0, "inulin": 5.0}},
                {"randomised": {"placebo": 5.0, "inulin": 5.0}, "completed": {"placebo": 5.0, "inulin": 2.0}},
            ),
        )
    ]
    rows = _flow(DESIGN, results)
    table = {row.stage: row for row in rows}
    assert table["screened"].total == 13
    assert table["age"].total == 2
    assert table["EDSS"].total == 1
    assert table["randomised"].total == 10
    assert table["lost to follow-up"].by_arm == {"placebo": 0.5, "inulin": 1.5}
    assert table["completed"].total == 8
    failures = sum(row.total for row in rows if row.stage in ("age", "EDSS"))
    assert table["screened"].total == failures + table["randomised"].total


class Primary:
    """The one thing that the effects read from a workflow."""

    primary = "mfis"


def result(**fields):
    empty = dict.fromkeys(("estimates", "truths", "screened", "flow"), ())
    rest = {"visits": {}, "changes": {}, "example": None, "example_latent": None}
    return WorldResult(**{**empty, **rest, "candidates": 0, "unsolved": 0, "failed": {}, **fields})
