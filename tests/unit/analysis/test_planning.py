"""Sample sizes: laws, hand calculations and simulation."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eubiosis.analysis.planning import classic
from eubiosis.analysis.planning.counts import (
    CountTrial,
    FollowUp,
    calendar_time_of,
    information_at,
    information_per_participant,
    mean_follow_up,
    negative_binomial_power,
    negative_binomial_size,
    observed_information,
)
from eubiosis.analysis.sequential.boundaries import boundaries, conditional_power, spent, stopping
from eubiosis.analysis.sequential.interim import Look, decide


@settings(deadline=None)
@given(
    arguments=st.tuples(
        st.floats(0.05, 3.0), st.floats(0.3, 0.95), st.floats(0.0, 5.0), st.floats(0.2, 5.0).map(FollowUp)
    ),
    power=st.floats(0.6, 0.97),
    method=st.sampled_from([1, 2, 3]),
)
def test_the_size_has_the_power_and_one_less_has_not(arguments, power, method):
    size = negative_binomial_size(*arguments, power=power, method=method)
    assert size.power >= power - 1e-9
    less = negative_binomial_power(size.n_control - 1, *arguments, method=method)
    assert less < power + 1e-9


def test_swapping_arms_does_not_change_the_size():
    one = negative_binomial_size(0.35, 0.7, 0.8, FollowUp(2.0)).n_control_exact
    other = negative_binomial_size(0.35 * 0.7, 1 / 0.7, 0.8, FollowUp(2.0)).n_control_exact
    assert one == pytest.approx(other)


def test_dropout_uses_the_expected_exposure():
    """Mean of min(2, T) with hazard h is (1 - exp(-2h)) / h; without dispersion information is the count."""
    lossy = FollowUp(2.0, dropout_per_year=0.3)
    assert mean_follow_up(lossy) == pytest.approx((1 - math.exp(-0.6)) / 0.3)
    assert information_per_participant(0.4, 0.0, lossy) == pytest.approx(0.4 * (1 - math.exp(-0.6)) / 0.3)
    assert mean_follow_up(FollowUp(1.0, accrual_years=1.0)) == pytest.approx(1.5)


def test_information_of_a_completed_trial_is_that_of_its_follow_up_times():
    trial = CountTrial(50, 60, 0.4, 0.7, 0.8, FollowUp(2.0))
    seen = observed_information([[2.0] * 50, [2.0] * 60], [0.4, 0.28], 0.8)
    assert information_at(trial, 2.0) == pytest.approx(seen)
    half = calendar_time_of(trial, seen / 2)
    assert information_at(trial, half) == pytest.approx(seen / 2)
    assert calendar_time_of(trial, 2 * seen) == math.inf


def test_the_exact_law_of_covariate_imbalance_by_simulation():
    """Three arms of six, one normal covariate: average the power over simulated covariates."""
    from scipy.stats import f, ncf

    draw = np.random.default_rng(11)
    means, variance, n = np.array([400.0, 450.0, 500.0]), 1900.0, 6
    covariate = draw.normal(size=(20_000, 3, n))
    arm_means = covariate.mean(axis=2)
    within = ((covariate - arm_means[..., None]) ** 2).sum(axis=(1, 2))
    basis = np.array([[1.0, -1.0, 0.0], [1.0, 1.0, -2.0]]) / np.sqrt([[2.0], [6.0]])
    effect = math.sqrt(n) * basis @ means / math.sqrt(variance)
    imbalance = math.sqrt(n) * arm_means @ basis.T
    lost = (imbalance @ effect) ** 2 / (within + (imbalance**2).sum(axis=1))
    power = ncf.sf(f.isf(0.05, 2, 14), 2, 14, effect @ effect - lost)
    error = power.std() / math.sqrt(len(power))
    assert classic.ancova_power([n] * 3, means, variance) == pytest.approx(power.mean(), abs=4 * error)
    shieh = classic.ancova_power([n] * 3, means, variance, law="Shieh")
    assert abs(shieh - power.mean()) > 4 * error


def test_ancova_methods_are_close_and_ordered():
    sizes = {m: classic.ancova_size(0.3, 0.5, method=m) for m in ("reduced SD", "Borm", "exact")}
    assert sizes["reduced SD"].n_per_arm <= sizes["exact"].n_per_arm <= sizes["Borm"].n_per_arm + 1
    assert sizes["exact"].power >= 0.8


def test_event_probability_by_hand():
    assert classic.event_probability(0.2, 3.0) == pytest.approx(1 - math.exp(-0.6))
    times = np.random.default_rng(2).exponential(1 / 0.2, 200_000)
    lost = np.random.default_rng(3).exponential(1 / 0.1, 200_000)
    follow = np.random.default_rng(4).uniform(2.0, 3.0, 200_000)
    seen = np.mean((times < lost) & (times < follow))
    assert classic.event_probability(0.2, 2.0, 1.0, 0.1) == pytest.approx(seen, abs=4 * 0.0011)


@settings(deadline=None)
@given(st.sampled_from(["LD-OBF", "LD-Pocock", "HSD", "KD"]), st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_spending_rises_from_nothing_to_everything(rule, first, second):
    parameter = {"HSD": -4.0, "KD": 2.0}.get(rule)
    low, high = sorted((first, second))
    assert 0 <= spent(rule, low, 0.025, parameter) <= spent(rule, high, 0.025, parameter) <= 0.025 + 1e-12
    assert spent(rule, 1.0, 0.025, parameter) == pytest.approx(0.025)
    assert spent(rule, 0.0, 0.025, parameter) == 0


def test_boundaries_by_simulation_of_a_brownian_motion():
    design = boundaries([0.3, 0.7, 1.0], futility="LD-OBF", power=0.9, binding=True)
    draw = np.random.default_rng(5)
    t = np.array(design.information)
    steps = draw.normal(size=(100_000, 3)) * np.sqrt(np.diff(t, prepend=0.0))
    for drift, wanted in ((0.0, design.alpha), (design.drift, 0.9)):
        z = (np.cumsum(steps, axis=1) + drift * t) / np.sqrt(t)
        alive, rejected = np.ones(len(z), bool), np.zeros(len(z), bool)
        for k in range(3):
            rejected |= alive & (z[:, k] > design.efficacy[k])
            alive &= (z[:, k] <= design.efficacy[k]) & (z[:, k] > design.futility[k])
        error = math.sqrt(wanted * (1 - wanted) / len(z))
        assert rejected.mean() == pytest.approx(wanted, abs=4 * error)
        assert stopping(design, drift).power == pytest.approx(wanted, abs=1e-8)


def test_one_look_is_the_fixed_design():
    design = boundaries([1.0])
    assert design.efficacy[0] == pytest.approx(1.959964, abs=1e-6)
    assert design.inflation == pytest.approx(1.0)


def test_boundaries_at_observed_information_use_all_of_alpha():
    design = boundaries([30.0, 55.0], planned=60.0)
    assert design.efficacy[0] == pytest.approx(boundaries([0.5, 1.0]).efficacy[0])
    assert design.alpha_spent[-1] == pytest.approx(0.025)


def test_conditional_power_of_a_last_look_by_hand():
    """After half the information with z = 1 the rest is normal: P(B(1) > c) in closed form."""
    from scipy.stats import norm

    design = boundaries([0.5, 1.0])
    position = math.sqrt(0.5)
    by_hand = norm.sf((design.efficacy[1] - position - 0.5 * 2.0) / math.sqrt(0.5))
    assert conditional_power(design, 0, 1.0, drift=2.0) == pytest.approx(by_hand, rel=1e-9)


def test_interim_decisions_at_the_planned_information_are_the_design():
    design = boundaries([1 / 3, 2 / 3, 1.0])
    made = []
    for k, t in enumerate(design.information):
        looks = [*made, Look(60 * t, 1.0)]
        decision = decide(looks, 60.0, last=k == 2)
        assert decision.boundary == pytest.approx(design.efficacy[k], abs=1e-8)
        assert decision.stop == ("continue" if k < 2 else "futility")
        over = decide([*made, Look(60 * t, design.efficacy[k] + 1e-6)], 60.0, last=k == 2)
        assert over.stop == "efficacy"
        made = looks


def test_an_overrunning_last_look_still_spends_only_alpha():
    decision = decide([Look(30.0, 1.0), Look(80.0, 2.1)], 60.0, last=True)
    again = boundaries([30.0, 80.0])
    assert decision.boundary == pytest.approx(again.efficacy[1])
    assert decision.alpha_spent == 0.025
    assert decision.fraction == pytest.approx(80 / 60)


def test_information_that_falls_spends_nothing():
    before = decide([Look(30.0, 1.0)], 60.0, last=False)
    after = decide([Look(30.0, 1.0), Look(29.0, 1.2)], 60.0, last=False)
    assert after.alpha_spent == pytest.approx(before.alpha_spent, abs=1e-6)
    assert after.boundary == pytest.approx(before.boundary, abs=0.01)
    final = decide([Look(30.0, 1.0), Look(29.0, 1.2)], 60.0, last=True)
    assert final.alpha_spent == 0.025
    with pytest.raises(ValueError, match="positive information"):
        decide([], 60.0, last=False)


def test_conditional_power_orders_hopes_and_may_stop_for_futility():
    poor = decide([Look(30.0, -0.5)], 60.0, last=False, futility_below=0.2)
    assert poor.stop == "futility"
    assert poor.conditional_power_trend < poor.conditional_power_null < poor.conditional_power_planned < 0.2
    assert decide([Look(30.0, -0.5)], 60.0, last=False).stop == "continue"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: boundaries([0.5, 0.4]), "increasing"),
        (lambda: boundaries([1.0], alpha=0.9), "alpha"),
        (lambda: boundaries([0.5, 1.0], rule="HSD"), "needs its parameter"),
        (lambda: boundaries([0.5, 1.0], rule="WT"), "needs its parameter"),
        (lambda: boundaries([0.5, 1.0], rule="OF", futility="LD-OBF"), "only with a spending function"),
        (lambda: negative_binomial_size(0.3, 1.0, 0.8, FollowUp(1.0)), "ratio other than"),
        (lambda: negative_binomial_size(0.3, 0.5, 0.8, FollowUp(1.0, 1.0), method=3), "use method 2"),
        (lambda: FollowUp(-1.0), "positive"),
        (lambda: classic.t_test_size(1e-6), "ten million"),
        (lambda: classic.proportions_size(0.2, 0.2), "two different"),
        (lambda: classic.hazard_ratio_events(1.0), "any other"),
    ],
)
def test_wrong_arguments_say_what_is_allowed(call, message):
    with pytest.raises(ValueError, match=message):
        call()
