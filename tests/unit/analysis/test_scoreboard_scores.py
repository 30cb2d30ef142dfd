"""Scores of sealed forecasts: against integrals and closed forms, and what a scoreboard has to refuse."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import integrate, stats

from eubiosis.analysis.forecast_scores import crps_normal
from eubiosis.analysis.sample_scores import crps_draws, crps_mixture, mixture_place, mixture_quantile
from eubiosis.analysis.scoreboard import LOST, NONE_SHOWN, SKILL, TOO_FEW, interval_error, score_forecasts
from eubiosis.core.findings import FindingsError
from eubiosis.core.scoreboard import NormalLaw, ReadOut, SealedForecast, SealedQuantity


def test_crps_of_a_mixture_is_the_integral_of_the_squared_difference():
    means, weights, sd, y = np.array([-1.0, 0.4, 2.0]), np.array([0.2, 0.5, 0.3]), 0.6, 0.7

    def below(x):
        return float(weights @ stats.norm.cdf(x, means, sd))

    left = integrate.quad(lambda x: below(x) ** 2, -8, y)[0]
    right = integrate.quad(lambda x: (1 - below(x)) ** 2, y, 10)[0]
    assert crps_mixture(y, means, sd, weights) == pytest.approx(left + right, abs=1e-7)
    assert mixture_place(y, means, sd, weights) == pytest.approx(below(y))
    assert below(mixture_quantile(0.9, means, sd, weights)) == pytest.approx(0.9, abs=1e-7)


def test_crps_of_a_mixture_ends_in_that_of_its_parts():
    assert crps_mixture(0.3, [0.1], 0.5) == pytest.approx(float(crps_normal(0.3, 0.1, 0.5)))
    assert crps_mixture(0.3, [0.1, 0.9], 0.0) == crps_draws(0.3, [0.1, 0.9])
    with pytest.raises(ValueError, match="below 0"):
        crps_mixture(0.3, [0.1], -0.5)


def quantity(name="q", draws=(0.0,), sd=1.0, **more):
    given = {"kind": "made", "unit": "-", "status": "fresh", "others": 9} | more
    return SealedQuantity(name, name, draws=tuple(draws), reference=NormalLaw(0.0, sd), **given)


def forecast(study, *quantities, arm="a"):
    return SealedForecast(study, arm, "made people", "2026-01-01", "v", "m", "d", "h", 1, 1.0, quantities)


def board(middle, seen, *, sd=1.0, se=0.1, studies=8):
    forecasts = [forecast(f"s{k}", quantity(draws=(middle(k),), sd=sd)) for k in range(studies)]
    found = [ReadOut(f"s{k}", "a", "q", seen(k), se) for k in range(studies)]
    return score_forecasts(forecasts, found, title="Made")


def test_a_score_by_hand():
    asked = [forecast("s", quantity(draws=(0.5,), sd=0.3))]
    made = score_forecasts(asked, [ReadOut("s", "a", "q", 0.9, 0.4)], title="Made")
    one = made.quantities[0]
    assert one.scale == pytest.approx(0.5)
    assert one.crps == pytest.approx(float(crps_normal(0.9, 0.5, 0.4)) / 0.5)
    assert one.crps_reference == pytest.approx(float(crps_normal(0.9, 0.0, 0.5)) / 0.5)
    assert one.place == pytest.approx(stats.norm.cdf(1.0))
    assert one.width == pytest.approx(0.8)
    assert (one.in_50, one.in_90, one.null) == (False, True, False)
    # the yardstick's spread: nine others and this one's own square beyond its error
    spread = math.sqrt((9 * 0.09 + 0.81 - 0.16) / 10)
    assert one.crps_yardstick == pytest.approx(float(crps_normal(0.9, 0.0, math.hypot(spread, 0.4))) / 0.5)
    assert made.studies[0].ratio == pytest.approx(one.crps / one.crps_reference)


def test_winning_losing_and_neither_are_printed_as_such():
    def found(k):
        return (-1) ** k * (0.5 + k / 20)

    won = board(found, found).group("fresh").crps
    lost = board(lambda k: -found(k), found).group("fresh").crps
    assert (won.verdict, lost.verdict) == (SKILL, LOST)
    assert won.high < 1 < lost.low
    assert board(found, found, studies=4).group("fresh").crps.verdict == TOO_FEW


def test_what_only_knows_the_spread_of_all_has_no_skill():
    # the reference's spread is far too small: any wide forecast beats it, and the yardstick as well
    wide = tuple(stats.norm.ppf((np.arange(40) + 0.5) / 40))
    law = stats.norm.ppf((np.arange(8) + 0.5) / 8)
    forecasts = [forecast(f"s{k}", quantity(draws=wide, sd=0.05, others=1)) for k in range(8)]
    made = score_forecasts(
        forecasts, [ReadOut(f"s{k}", "a", "q", float(law[k]), 0.1) for k in range(8)], title="Made"
    )
    group = made.group("fresh")
    assert group.crps.high < 1
    assert group.yardstick.high > 1
    assert group.crps.verdict == NONE_SHOWN


def test_a_study_counts_once_however_many_figures_it_has():
    many = [quantity(f"q{j}", draws=(0.0,)) for j in range(9)]
    made = score_forecasts(
        [forecast("many", *many), forecast("one", quantity(draws=(0.0,)))],
        [*(ReadOut("many", "a", f"q{j}", 0.0, 0.5) for j in range(9)), ReadOut("one", "a", "q", 2.0, 0.5)],
        title="Made",
    )
    means = [(unit.model, unit.reference) for unit in made.studies]
    expected = sum(m for m, _ in means) / sum(r for _, r in means)
    assert made.group("fresh").crps.ratio == pytest.approx(expected)
    assert made.group("fresh").coverage_90.of == 10


def test_a_level_counts_in_the_coverage_alone():
    level = replace(quantity("level"), reference=None)
    made = score_forecasts([forecast("s", level)], [ReadOut("s", "a", "level", 0.1, 0.2)], title="Made")
    assert made.studies == ()
    assert made.group("fresh").crps is None
    assert made.group("fresh").coverage_90.share == 1.0


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ([ReadOut("s", "a", "q", 0.1, 0.0)], "no interval"),
        ([ReadOut("s", "a", "q", 0.1, math.nan)], "no interval"),
        ([ReadOut("s", "a", "q", math.inf, 0.1)], "no estimate"),
        ([], "not read out"),
        ([ReadOut("s", "a", "q", 0.1, 0.1), ReadOut("t", "a", "q", 0.1, 0.1)], "no forecast"),
        ([ReadOut("s", "a", "q", 0.1, 0.1), ReadOut("s", "a", "q", 0.2, 0.1)], "twice"),
    ],
)
def test_read_outs_that_cannot_be_scored_are_refused(found, said):
    with pytest.raises(FindingsError, match=said):
        score_forecasts([forecast("s", quantity())], found, title="Made")


def test_a_printed_interval_needs_both_ends_about_its_estimate():
    assert interval_error(1.0, 0.02, 1.98) == pytest.approx(0.5, abs=1e-3)
    for ends in ((1.0, 1.0), (0.0, math.nan), (1.5, 2.0), (2.0, 0.0)):
        with pytest.raises(ValueError, match="no interval"):
            interval_error(1.0, *ends)
