"""Effect sizes and conversions against hand calculations and against each other."""

import math

import pytest

from eubiosis.evidence.synthesis import conversions as conv
from eubiosis.evidence.synthesis import effects


def test_mean_difference_by_hand():
    es = effects.mean_difference(10, 2, 30, 9, 2, 30)
    assert (es.estimate, es.variance) == (1, pytest.approx(4 / 30 + 4 / 30))


def test_smd_by_hand():
    # d = (10 - 9)/2 = 0.5; J = 1 - 3/(4 df - 1) is accurate to 1e-4 at 58 degrees of freedom
    es = effects.standardised_mean_difference(10, 2, 30, 9, 2, 30)
    assert es.estimate == pytest.approx(0.5 * (1 - 3 / (4 * 58 - 1)), abs=1e-4)
    assert es.variance == pytest.approx(2 / 30 + es.estimate**2 / 120)


def test_exact_correction_of_two_degrees_of_freedom():
    # J(2) = gamma(1)/(sqrt(1) gamma(1/2)) = 1/sqrt(pi)
    assert effects.hedges_correction(2) == pytest.approx(1 / math.sqrt(math.pi))


def test_pooled_sd_of_unequal_groups():
    # ((10-1) 4 + (20-1) 9)/28 = 207/28
    assert effects.pooled_sd(2, 10, 3, 20) == pytest.approx(math.sqrt(207 / 28))


def test_change_sd_by_hand():
    assert effects.change_sd(3, 4, 0.5) == pytest.approx(math.sqrt(9 + 16 - 12))
    assert effects.change_sd(3, 4, 1.0) == pytest.approx(1.0)
    es = effects.change_score(20, 17, sd_before=3, sd_after=4, n=26, r=0.5)
    assert (es.estimate, es.variance) == (-3, pytest.approx(13 / 26))


def test_standardised_change_and_its_difference_between_groups():
    treated = effects.standardised_change(20, 15, 5, 26, 0.5)
    control = effects.standardised_change(20, 19, 5, 26, 0.5)
    correction = effects.hedges_correction(25)
    assert treated.estimate == pytest.approx(-1.0 * correction)
    assert treated.variance == pytest.approx(2 * 0.5 / 26 + correction**2 / 52)
    difference = effects.difference_of_changes(treated, control)
    assert difference.estimate == pytest.approx(-0.8 * correction)
    assert difference.variance == pytest.approx(treated.variance + control.variance)


def test_two_by_two_by_hand():
    # 5/35 against 11/36
    rr = effects.log_risk_ratio(5, 35, 11, 36)
    assert math.exp(rr.estimate) == pytest.approx((5 / 35) / (11 / 36))
    assert rr.variance == pytest.approx(1 / 5 - 1 / 35 + 1 / 11 - 1 / 36)
    odds = effects.log_odds_ratio(5, 35, 11, 36)
    assert math.exp(odds.estimate) == pytest.approx(5 * 25 / (30 * 11))
    assert odds.variance == pytest.approx(1 / 5 + 1 / 30 + 1 / 11 + 1 / 25)
    rd = effects.risk_difference(5, 35, 11, 36)
    assert rd.estimate == pytest.approx(5 / 35 - 11 / 36)
    assert rd.variance == pytest.approx(5 * 30 / 35**3 + 11 * 25 / 36**3)


def test_peto_by_hand():
    # E = 35 * 16/71, V = 35 * 36 * 16 * 55/(71^2 * 70)
    es = effects.peto_log_odds_ratio(5, 35, 11, 36)
    v = 35 * 36 * 16 * 55 / (71**2 * 70)
    assert es.estimate == pytest.approx((5 - 35 * 16 / 71) / v)
    assert es.variance == pytest.approx(1 / v)


def test_rate_ratio_by_hand_and_with_overdispersion():
    es = effects.log_rate_ratio(20, 100, 40, 100)
    assert es.estimate == pytest.approx(math.log(0.5))
    assert es.variance == pytest.approx(0.075)
    assert effects.log_rate_ratio(20, 100, 40, 100, overdispersion=2).variance == pytest.approx(0.15)
    assert math.exp(effects.log_rate_ratio(0, 10, 4, 10).estimate) == pytest.approx(0.5 / 4.5)


def test_hazard_ratio_from_logrank():
    es = effects.log_hazard_ratio_from_logrank(-6.0, 20.0)
    assert (es.estimate, es.variance) == (pytest.approx(-0.3), pytest.approx(0.05))


@pytest.mark.parametrize(
    "call",
    [
        lambda: effects.log_risk_ratio(7, 5, 1, 5),
        lambda: effects.mean_difference(1, -1, 5, 1, 1, 5),
        lambda: effects.standardised_mean_difference(1, 1, 1, 1, 1, 5),
        lambda: effects.hedges_correction(1),
        lambda: effects.change_sd(1, 1, 1.2),
        lambda: conv.se_from_ci(1, 1),
        lambda: conv.se_from_ratio_ci(0, 2),
        lambda: conv.statistic_from_p(0.0),
        lambda: conv.smd_from_f(2, 10, 10, sign=0),
        lambda: effects.EffectSize(0.0, 0.0, "MD"),
    ],
)
def test_impossible_input_is_refused(call):
    with pytest.raises(ValueError, match=r"."):
        call()


def test_every_road_leads_to_the_same_g():
    # two groups of 30, difference 1, SD 2: t = 0.5 sqrt(15), F = t^2
    direct = effects.standardised_mean_difference(10, 2, 30, 9, 2, 30)
    t = 0.5 * math.sqrt(15)
    for es in (
        conv.smd_from_t(t, 30, 30),
        conv.smd_from_f(t**2, 30, 30, sign=1),
        conv.smd_from_p(0.0577083, 30, 30, sign=1),  # two-sided p of t = 1.93649 on 58 df, from a table of t
    ):
        assert es.estimate == pytest.approx(direct.estimate, abs=2e-4)
        assert es.variance == pytest.approx(direct.variance, abs=1e-4)


def test_standard_error_from_intervals_and_p():
    assert conv.se_from_ci(-1.96, 1.96) == pytest.approx(1.0, abs=1e-4)
    assert conv.se_from_ci(-2.0484, 2.0484, df=28) == pytest.approx(1.0, abs=1e-4)  # t table, 28 df
    assert conv.se_from_p(1.96, 0.05) == pytest.approx(1.0, abs=1e-4)
    assert conv.sd_from_se(0.04, 24) == pytest.approx(0.196, abs=5e-4)
    # a hazard ratio 0.85 [0.53, 1.35]: se = log(1.35/0.53)/3.92 = 0.2385
    es = conv.effect_from_ci(0.85, 0.53, 1.35, "log HR")
    assert es.standard_error == pytest.approx(0.2385, abs=1e-4)
    assert es.estimate == pytest.approx(math.log(0.85))
    # back-calculated SD of a difference of -4 [-12.04, 4.04] in groups of 20 and 19
    se = conv.se_from_ci(-12.04, 4.04)
    assert conv.sd_from_difference_se(se, 20, 19) == pytest.approx(12.80, abs=0.01)


def test_medians_of_a_normal_sample_give_its_mean_and_sd():
    # quartiles of N(50, 10): 43.255 and 56.745; the estimators are exact as n grows
    mean, sd = conv.mean_sd_from_quartiles(43.2551, 50, 56.7449, 100_000)
    assert mean == pytest.approx(50, abs=1e-6)
    assert sd == pytest.approx(10, rel=1e-3)
    # expected extremes of 25 normal values lie 1.965 SD from the mean
    mean, sd = conv.mean_sd_from_range(50 - 19.65, 50, 50 + 19.65, 25)
    assert mean == pytest.approx(50)
    assert sd == pytest.approx(10, rel=0.01)
