"""Operating characteristics on made-up trials: quantiles, power, coverage, bias and variance by hand."""

import dataclasses
import math

import pytest

from eubiosis.analysis.estimates import Estimates, TrialEstimate
from eubiosis.analysis.result import Estimate
from eubiosis.analysis.truth import TrueEffect, operating_characteristics
from eubiosis.core.table_schemas import OPERATING_CHARACTERISTICS
from eubiosis.core.trial_tables import TrialKey


def estimate(value, half_width, p, *, endpoint="mfis", status="ok"):
    return Estimate(
        endpoint=endpoint, method="ANCOVA", treated="inulin", control="placebo", scale="mean difference",
        estimate=value, standard_error=half_width / 1.96, ci_low=value - half_width,
        ci_high=value + half_width, p_value=p, n_treated=5, n_control=5, status=status,
    )  # fmt: skip


def truth(world, value, *, endpoint="mfis", spread=0.0, unit_sd=2.0):
    return TrueEffect(world, 0, endpoint, "inulin", value, spread, unit_sd)


# gut worlds 0, 1, 2 with 4 trials each; effects 0, -2 and -4
TRUTHS = [truth(0, 0.0), truth(1, -2.0), truth(2, -4.0)]
ESTIMATES = [
    *((0, estimate(value, 1.5, p)) for value, p in ((1, 0.4), (-1, 0.3), (2, 0.01), (0, 0.9))),
    *((1, estimate(value, 1.5, p)) for value, p in ((-2, 0.01), (-3, 0.001), (-1, 0.2), (-4, 0.001))),
    *((2, estimate(value, 1.5, p)) for value, p in ((-4, 0.001), (-4, 0.001), (-5, 0.001), (-3, 0.01))),
]


def characteristics(truths, estimates):
    """All rows of estimates that come with the number of their gut world."""
    rows = (TrialEstimate(TrialKey(world, 0, k), one) for k, (world, one) in enumerate(estimates))
    return operating_characteristics(Estimates(tuple(rows)), truths)


def characteristic(truths, estimates, endpoint="mfis"):
    return characteristics(truths, estimates).of(endpoint, "inulin")


def test_quantiles_are_over_worlds_for_the_truth_and_over_trials_for_the_estimate():
    row = characteristic(TRUTHS, ESTIMATES)
    # three worlds: 2.5 % lies 5 % of the way from the first to the second
    assert row.truth == pytest.approx((-3.9, -2.0, -0.1))
    assert row.standardised == pytest.approx((-1.95, -1.0, -0.05))
    values = sorted(e.estimate for _, e in ESTIMATES)
    assert row.estimate[1] == pytest.approx((values[5] + values[6]) / 2)
    assert row.estimate[0] == pytest.approx(values[0] + 0.275 * (values[1] - values[0]))
    assert row.trials == 12
    assert row.not_usable == 0
    assert row.method == "ANCOVA"
    assert not row.ratio


def test_power_is_the_mean_over_gut_worlds_and_its_error_lies_between_them_not_between_trials():
    row = characteristic(TRUTHS, ESTIMATES)
    # 1 of 4, 3 of 4 and 4 of 4: mean 2/3; deviations -5/12, 1/12, 4/12, variance (25 + 1 + 16) / 144 / 2
    assert row.power == pytest.approx(2 / 3)
    assert row.power_error == pytest.approx(math.sqrt(42 / 144 / 2 / 3))
    # ten times as many equal trials in the same worlds do not make the worlds better known
    more = characteristic(TRUTHS, ESTIMATES * 10)
    assert more.power_error == pytest.approx(row.power_error)
    assert more.bias_error == pytest.approx(row.bias_error)


def test_power_of_one_world_has_no_error_to_state():
    row = characteristic(TRUTHS[:1], ESTIMATES[:4])
    assert row.power == 0.25
    assert math.isnan(row.power_error)
    assert row.bias == 0.5
    assert math.isnan(row.bias_error)


def test_bias_is_the_mean_distance_from_the_truth_of_the_own_world():
    # errors 1, -1, 2, 0 and 0, -1, 1, -2 and 0, 0, -1, 1: means of the gut worlds 1/2, -1/2 and 0
    row = characteristic(TRUTHS, ESTIMATES)
    assert row.bias == pytest.approx(0.0)
    assert row.bias_error == pytest.approx(math.sqrt(0.25 / 3))
    # a world with more trials weighs no more than another
    assert characteristic(TRUTHS, [*ESTIMATES, *ESTIMATES[:4]]).bias == pytest.approx(0.0)
    shifted = [dataclasses.replace(each, value=each.value - 1) for each in TRUTHS]
    assert characteristic(shifted, ESTIMATES).bias == pytest.approx(1.0)


def test_two_host_worlds_of_one_gut_world_have_truths_of_their_own_and_are_one_world_for_the_error():
    truths = [TrueEffect(gut, host, "mfis", "inulin", float(host), 0.0, 2.0) for gut, host in PAIRS]
    rows = tuple(
        TrialEstimate(TrialKey(gut, host, 0), estimate(host + gut, 0.5, 0.01 if gut else 0.5))
        for gut, host in PAIRS
    )
    row = operating_characteristics(Estimates(rows), truths).of("mfis", "inulin")
    # of gut world 0 every estimate is the truth of its host world, of gut world 1 it is one above
    assert row.coverage == 0.5
    assert (row.bias, row.power) == (0.5, 0.5)
    assert row.bias_error == row.power_error == pytest.approx(0.5)


PAIRS = ((0, 0), (0, 1), (1, 0), (1, 1))


def test_coverage_counts_intervals_that_hold_the_truth_of_their_own_world():
    row = characteristic(TRUTHS, ESTIMATES)
    # half-width 1.5: missed are 2 (world 0) and -4 (world 1)
    assert row.coverage == pytest.approx(10 / 12)


def test_a_trial_without_numbers_is_counted_as_not_significant_and_leaves_the_rest():
    nan = math.nan
    lost = dataclasses.replace(
        estimate(0, 1.5, nan, status="too_few_events"), estimate=nan, ci_low=nan, ci_high=nan
    )
    row = characteristic(TRUTHS, [*ESTIMATES, (0, lost)])
    assert row.trials == 13
    assert row.not_usable == 1
    assert row.coverage == pytest.approx(10 / 12)
    assert row.power == pytest.approx((1 / 5 + 3 / 4 + 1) / 3)
    nothing = characteristic(TRUTHS[:1], [(0, lost)])
    assert nothing.power == 0
    assert math.isnan(nothing.coverage)
    assert math.isnan(nothing.bias)
    assert all(math.isnan(value) for value in nothing.estimate)


def test_ratios_are_summarised_on_their_own_scale_and_judged_on_the_logarithm():
    truths = [truth(w, v, endpoint="relapses") for w, v in ((0, math.log(0.5)), (1, math.log(2)))]
    half = dataclasses.replace(
        estimate(0.5, 0, 0.01, endpoint="relapses"), ci_low=0.4, ci_high=0.6, scale="rate ratio"
    )
    row = characteristic(truths, [(0, half), (1, half)], "relapses")
    # on the logarithm the middle of 1/2 and 2 is 1; 2.5 % lies 2.5 % of the way
    assert row.truth[1] == pytest.approx((0.5 + 2) / 2)
    assert row.truth[0] == pytest.approx(0.5 + 0.025 * 1.5)
    assert row.estimate == pytest.approx((0.5, 0.5, 0.5))
    assert row.coverage == 0.5
    assert row.ratio
    # the logarithms are right in world 0 and log 4 too low in world 1
    assert row.bias == pytest.approx(-math.log(4) / 2)


def test_shares_of_variance_by_hand():
    worlds_share, subjects_share, sampling_share = characteristic(TRUTHS, ESTIMATES).variance
    # between worlds (4 + 0 + 4) / 3; nothing from subjects; errors of the trials 1, 1, 4, 0 and so on
    errors = [1, 1, 4, 0, 0, 1, 1, 4, 0, 0, 1, 1]
    worlds, sampling = 8 / 3, sum(errors) / 12
    assert worlds_share == pytest.approx(worlds / (worlds + sampling))
    assert subjects_share == 0
    assert sampling_share == pytest.approx(sampling / (worlds + sampling))


def test_the_draw_of_subjects_is_taken_from_the_worlds():
    truths = [dataclasses.replace(t, spread=0.5) for t in TRUTHS]
    worlds, subjects, sampling = 8 / 3 - 0.25, 0.25, 14 / 12
    total = worlds + subjects + sampling
    assert characteristic(truths, ESTIMATES).variance == pytest.approx(
        (worlds / total, subjects / total, sampling / total)
    )
    # a spread above the whole variance between worlds leaves nothing for them
    noisy = [dataclasses.replace(t, spread=5.0) for t in TRUTHS]
    assert characteristic(noisy, ESTIMATES).variance[0] == 0


def test_estimates_without_a_truth_are_refused_by_name():
    with pytest.raises(ValueError, match="without a true effect: edss/inulin"):
        characteristics(TRUTHS, [*ESTIMATES, (0, estimate(0, 1, 0.5, endpoint="edss"))])


def test_a_row_that_is_not_there_is_an_error_that_names_what_is():
    with pytest.raises(KeyError, match=r"edss/inulin was not analysed; there are: mfis/inulin"):
        characteristic(TRUTHS, ESTIMATES, "edss")


def test_the_table_has_the_numbers_of_the_rows():
    found = characteristics(TRUTHS, ESTIMATES)
    table, row = found.to_table(), found.of("mfis", "inulin")
    assert table.schema == OPERATING_CHARACTERISTICS
    assert len(table) == len(found) == 1
    line = {name: values[0] for name, values in table.to_pydict().items()}
    assert (line["endpoint"], line["arm"], line["scale"]) == ("mfis", "inulin", "difference")
    for name in ("truth", "estimate"):
        assert tuple(line[f"{name}_{q}"] for q in ("q2.5", "q50", "q97.5")) == getattr(row, name)
    for name in ("power", "power_error", "coverage", "bias", "bias_error", "trials", "not_usable"):
        assert line[name] == getattr(row, name), name


def test_an_effect_divided_by_a_spread_that_is_rounding_is_not_estimable():
    values = [estimate(0.1 * k, 1.0, 0.4) for k in range(2)]
    same = [truth(k, -0.5, unit_sd=2e-16) for k in range(2)]
    assert all(
        math.isnan(v) for v in characteristic(same, [(k, v) for k, v in enumerate(values)]).standardised
    )
