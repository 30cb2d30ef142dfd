"""How a trial report writes numbers and sentences, and where the forest puts its intervals."""

from __future__ import annotations

import dataclasses
import doctest
import math
import re

import pytest
from report_input_factory import make_hard_input, make_report_input

from eubiosis.core.report_input import EffectRow, FlowRow
from eubiosis.report.trial import words as trial_words
from eubiosis.report.trial.flow import flow_levels, whole
from eubiosis.report.trial.forest import axis_limit, estimate_on_axis, sound
from eubiosis.report.trial.sentences import _uncertainty_sentence, sentences
from eubiosis.report.trial.words import (
    count,
    interval_texts,
    number,
    stated,
    truth_note,
    untested_mark,
    with_interval,
)

NAN = float("nan")


def test_examples_hold():
    result = doctest.testmod(trial_words)
    assert result.attempted > 0
    assert result.failed == 0


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"), (9.996, "10.0"), (0.09996, "0.100"), (999.6, "1,000"), (123456.0, "123,000"),
        (1.5e7, "1.50 × 10⁷"), (-2.34e-5, "−0.00002"),
        (9.96e-4, "0.001"), (9.6e-4, "0.001"), (1e-7, "0"), (NAN, "not estimable"),
        (math.inf, "not estimable"), (None, "not estimable"),
    ],
)  # fmt: skip
def test_numbers_have_three_figures(value, text):
    assert number(value) == text


def test_interval_shares_its_decimals_but_never_writes_a_ratio_as_zero():
    assert with_interval((0.5, 1.0, 12.0)) == "1.0 (0.5 to 12.0)"
    assert interval_texts((0.0004, 1.0, 120.0)) == ("0.0004", "1.00", "120")
    assert with_interval((-0.2, -0.0001, 0.2), decimals=2) == "0.00 (−0.20 to 0.20)"
    assert with_interval((NAN, 1.0, 2.0)) == "not estimable"


def test_counts_and_stated_numbers():
    assert count(40.0) == "40"
    assert count(40.0, [3.6]) == "40.0"
    assert count(NAN) == "not estimable"
    assert stated(0.123456789) == "0.123456789"
    assert stated(5e-6) == "0.000005"


def effect(**changes: object) -> EffectRow:
    row = next(row for row in make_report_input().effects if row.endpoint == "relapses")
    return dataclasses.replace(row, **changes)


def test_sentences_say_that_nothing_can_be_read_from_them():
    straddling = effect(truth=(0.7, 1.0, 1.4), tested="No trial has tested relapses.")
    outside = effect(truth=(0.5, 0.6, 0.8), arm="propionate", tested="No trial has tested relapses.")
    (line,) = [
        text for text in sentences(make_report_input(effects=(straddling, outside))) if "prior allows" in text
    ]
    assert line.startswith("† Relapses per year: the simulated prior allows")
    assert "from 0.70 to 1.40 for inulin and from 0.500 to 0.800 for propionate" in line
    assert "That no effect is left out for propionate follows from assumptions alone." in line
    assert line.endswith("This range is an assumption and not a bound on the effect.")


def test_worlds_that_do_not_vary_an_exposure_are_not_called_knowledge():
    rows = [
        row for row in make_report_input().variance if row.endpoint == make_report_input().effects[0].endpoint
    ]
    first = dataclasses.replace(rows[0], arm="inulin", worlds=0.6)
    second = dataclasses.replace(rows[0], arm="propionate", worlds=0.001)
    line = _uncertainty_sentence([first, second])
    assert "60\u00a0% for inulin. A larger trial" in line
    assert "0\u00a0%" not in line.replace("60\u00a0%", "")
    assert "For propionate the worlds hardly vary" in line
    assert "no sign that the effect is known" in line
    assert "hardly" not in _uncertainty_sentence([first])
    assert "this share" not in _uncertainty_sentence([second])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, ""),
        ({"truth_error": (0.0123, 0.001, 0.2)}, "MCE 0.012, 0.20"),
        ({"truth_error": (math.nan,) * 3, "discrepancy": 0.3}, "MCE not estimable; discrepancy 0.30"),
    ],
)
def test_a_truth_says_how_sure_its_ends_are_and_what_widened_it(changes, words):
    assert truth_note(effect(**changes)) == words


def test_a_null_world_is_named_as_one():
    lines = sentences(make_report_input(effects=(effect(truth=(1.0, 1.0, 1.0)),)))
    assert any("no effect at all, by construction, for inulin" in line for line in lines)


@pytest.mark.parametrize("make", [make_report_input, make_hard_input])
def test_no_sentence_speaks_of_a_benefit(make):
    text = " ".join(sentences(make())).lower()
    assert "not a finding" in text
    assert not re.search(r"\b(reduces?|improves?|effective|beneficial|benefits?|superior|works)\b", text)


def test_failed_fits_are_counted():
    rows = (effect(not_usable=3, trials=400), effect(arm="propionate", not_usable=4, trials=400))
    assert "7 of 800 fits were not usable; they count as trials without p < 0.05." in sentences(
        make_report_input(effects=rows)
    )


def test_estimate_is_carried_over_on_the_log_scale():
    # standard deviation 2 of the log: truth of 1/e to e lies at -1/2 to 1/2, so e squared lies at 1
    row = effect(
        truth=(math.exp(-1), 1.0, math.e), standardised=(-0.5, 0.0, 0.5),
        estimate=(math.exp(-2), 1.0, math.exp(2)),
    )  # fmt: skip
    assert estimate_on_axis(row) == pytest.approx((-1.0, 0.0, 1.0))
    given = dataclasses.replace(row, standardised_estimate=(-3.0, 0.0, 3.0))
    assert estimate_on_axis(given) == (-3.0, 0.0, 3.0)


def test_estimate_is_carried_over_on_the_difference_scale():
    row = effect(
        scale="difference", truth=(-7.0, 0.0, 14.0), standardised=(-0.5, 0.0, 1.0), estimate=(-14, 7, 28)
    )
    assert estimate_on_axis(row) == pytest.approx((-1.0, 0.5, 2.0))


@pytest.mark.parametrize(
    "changes", [{"truth": (1.0, 1.0, 1.0)}, {"estimate": (0.0, 1.0, 2.0)}, {"standardised": (NAN,) * 3}]
)
def test_estimate_without_a_place_on_the_axis_is_left_out(changes):
    assert estimate_on_axis(effect(**changes)) is None


def test_axis_is_not_flattened_by_one_interval():
    usual = [(-0.5, 0.0, 0.5)] * 9
    assert axis_limit(usual) == pytest.approx(0.53)
    assert axis_limit([*usual, (-80.0, 0.0, 80.0), None]) == pytest.approx(5 * 0.5 * 1.06)
    assert axis_limit([(NAN, NAN, NAN), (0.0, 0.0, 0.0)]) == 1.0


def test_flow_shows_reasons_and_arms_and_counts_as_counts():
    flow = (
        FlowRow("screened", 150.2),
        FlowRow("too old", 20.4, left=True),
        FlowRow("EDSS too high", 0.3, left=True),
        FlowRow("randomised", 120.0),
        FlowRow("completed", 100.0, {"placebo": 34.0, "inulin": 33.4, "propionate": 32.6}),
    )
    levels = flow_levels(make_report_input(flow=flow))
    assert [box["heading"] for level in levels for box in level["boxes"]] == [
        "screened: 150", "not included: 21", "randomised: 120", "placebo", "inulin", "propionate",
    ]  # fmt: skip
    assert levels[1]["boxes"][0]["lines"] == ["too old: 20", "EDSS too high: fewer than 1"]
    assert [box["lines"] for box in levels[3]["boxes"]] == [
        ["completed: 34"],
        ["completed: 33"],
        ["completed: 33"],
    ]
    assert not re.search(r"\d\.\d", str(levels))
    assert whole(NAN) == "not estimable"


def test_nothing_is_divided_by_almost_nothing():
    assert all(math.isnan(value) for value in sound((-2.4e15, 0.0, 1.0)))
    assert sound((-0.5, 0.0, 0.5)) == (-0.5, 0.0, 0.5)
    assert estimate_on_axis(effect(standardised=(-2.4e15, 0.0, 1e15))) is None


def test_mark_of_an_untested_outcome_tells_all_arms_from_some():
    tested, untested = effect(tested=""), effect(arm="propionate", tested="No trial has tested it.")
    assert untested_mark([untested, untested], "relapses") == "† "
    assert untested_mark([tested, untested], "relapses") == "(†) "
    assert untested_mark([tested, untested], "mfis") == ""
