"""Interim looks and blinded re-estimation: against laws, simulation and the fixed design."""

import math

import pytest

from eubiosis.analysis.planning import (
    Looks,
    RatePlan,
    Reestimation,
    RiskDifferencePlan,
    RiskRatioPlan,
    ScorePlan,
    power,
    reestimate,
    sequential_power,
    sequential_size,
    simulate_looks,
    size,
)
from eubiosis.core.findings import FindingsError

SHARES = RiskDifferencePlan(control_share=0.3, difference=0.2)


def test_one_look_is_the_fixed_design():
    found = sequential_size(SHARES, Looks(information=(1.0,)), 0.9)
    assert found.n_control == size(SHARES, 0.9).n_control
    assert found.expected_planned == pytest.approx(found.n_total)
    assert sequential_power(SHARES, Looks(information=(1.0,)), 100) == pytest.approx(
        power(SHARES, 100), abs=1e-9
    )


@pytest.mark.parametrize(
    "looks",
    [
        Looks(information=(0.5, 1.0)),
        Looks(information=(0.4, 0.7, 1.0), rule="LD-Pocock"),
        Looks(information=(0.5, 1.0), futility="HSD", futility_parameter=-2.0),
        Looks(information=(0.25, 0.5, 0.75, 1.0), rule="OF"),
        Looks(information=(0.5, 1.0), rule="WT", parameter=0.25),
    ],
)
def test_looks_keep_the_power_cost_a_little_and_save_on_average(looks):
    found = sequential_size(SHARES, looks)
    assert 0.8 <= found.power < 0.82
    assert found.fixed.n_control <= found.n_control <= 1.35 * found.fixed.n_control
    assert found.expected_planned < found.n_total
    assert sum(found.stop_efficacy_null) <= 0.025 + 1e-9
    ends = [a + b for a, b in zip(found.stop_efficacy_planned, found.stop_futility_planned, strict=True)]
    assert sum(ends) == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("plan", [ScorePlan(effect=0.5), SHARES])
def test_stopping_probabilities_beside_simulation(plan):
    looks = Looks(information=(0.4, 0.7, 1.0), rule="LD-Pocock", futility="HSD", futility_parameter=-2.0)
    found = sequential_size(plan, looks)
    seen = simulate_looks(plan, looks, int(found.n_control), trials=4000)
    for ours, simulated in (
        (found.stop_efficacy_planned, seen.efficacy), (found.stop_futility_planned, seen.futility)
    ):  # fmt: skip
        for a, b in zip(ours, simulated, strict=True):
            assert b == pytest.approx(a, abs=4 * math.sqrt(a * (1 - a) / 4000) + 0.015)
    assert seen.expected_total == pytest.approx(found.expected_planned, rel=0.02)


def test_type_one_error_of_looks_by_simulation():
    looks = Looks(information=(0.5, 1.0), rule="LD-Pocock")
    seen = simulate_looks(ScorePlan(effect=0.0), looks, 60, trials=6000)
    assert seen.power == pytest.approx(0.025, abs=4 * math.sqrt(0.025 * 0.975 / 6000) + 0.003)


def test_what_no_fixed_trial_reaches_no_look_reaches():
    found = sequential_size(ScorePlan(effect=0.0, margin=0.1), Looks(information=(0.5, 1.0)))
    assert math.isinf(found.n_control)
    assert math.isinf(found.expected_planned)


@pytest.mark.parametrize(
    ("call", "parts"),
    [
        (lambda: Looks(information=(0.5, 0.4)), ["rising fractions"]),
        (lambda: Looks(information=()), ["no look"]),
        (lambda: Looks(information=(0.5, 0.9)), ["the last one 1"]),
        (
            lambda: Looks(information=(0.5, 0.9), rule="LD-OBFF", binding=True),
            ["the last one 1", 'nearest "LD-OBF"'],
        ),
        (lambda: Looks(information=(0.5, 1.0), rule="HSD"), ["without its parameter", "gamma"]),
        (lambda: Looks(information=(0.5, 1.0), parameter=2.0), ["has no parameter"]),
        (lambda: Looks(information=(0.5, 1.0), rule="OF", futility="LD-OBF"), ["only with LD-OBF"]),
        (
            lambda: Looks(information=(0.5, 1.0), binding=True, futility_parameter=1.0),
            ["binding", "a parameter without"],
        ),
        (lambda: simulate_looks(SHARES, Looks(information=(0.01, 1.0)), 60), ["a stage of 1"]),
    ],
)
def test_looks_that_cannot_be(call, parts):
    with pytest.raises(FindingsError) as caught:
        call()
    for part in parts:
        assert part in str(caught.value)


CASES = {
    "SD 1.3 times": (ScorePlan(effect=0.5), ScorePlan(effect=0.5, sd=1.3)),
    "SD with a baseline, two to one": (
        ScorePlan(effect=0.5, baseline_correlation=0.5, allocation=2.0),
        ScorePlan(effect=0.5, baseline_correlation=0.5, allocation=2.0, sd=1.25),
    ),
    "lower rate, more dispersion": (
        RatePlan(control_rate=0.5, ratio=0.6, dispersion=0.8, years=1),
        RatePlan(control_rate=0.35, ratio=0.6, dispersion=1.2, years=1),
    ),
    "other share": (
        RiskDifferencePlan(control_share=0.2, difference=0.2),
        RiskDifferencePlan(control_share=0.4, difference=0.2),
    ),
    "other share, ratio": (
        RiskRatioPlan(control_share=0.3, ratio=1.5),
        RiskRatioPlan(control_share=0.2, ratio=1.5),
    ),
}


@pytest.mark.parametrize("name", list(CASES))
def test_re_estimation_wins_back_the_power_and_keeps_alpha(name):
    plan, truth = CASES[name]
    found = reestimate(plan, truth, Reestimation(most=3.0), trials=1500)
    assert found.power_fixed < 0.76
    assert found.power_fixed == pytest.approx(power(truth, found.planned))
    assert found.needed == size(truth).n_control
    assert found.power.power == pytest.approx(0.8, abs=4 * found.power.error + 0.03)
    assert found.type_one_error.power <= 0.025 + 4 * math.sqrt(0.025 * 0.975 / 1500) + 0.004
    assert found.planned <= found.points[0] <= found.points[1] <= found.points[2] <= 3 * found.planned
    assert found.mean == pytest.approx(found.needed, rel=0.12)


def test_nothing_to_re_estimate_changes_little():
    plan = ScorePlan(effect=0.5)
    found = reestimate(plan, plan, Reestimation(floor="interim"), trials=1500)
    assert found.mean == pytest.approx(found.planned, rel=0.03)
    assert found.power.power == pytest.approx(0.8, abs=4 * found.power.error + 0.01)


@pytest.mark.parametrize(
    ("plan", "truth", "parts"),
    [
        (ScorePlan(effect=0.5), SHARES, ["the same kind"]),
        (
            ScorePlan(effect=0.5),
            ScorePlan(effect=0.4, allocation=2.0, sd=2.0),
            ["effect", "allocation", "2 findings"],
        ),
        (ScorePlan(effect=0.5, lost=0.1), ScorePlan(effect=0.5, lost=0.1), ["inflate the size"]),
        (ScorePlan(effect=0.0), ScorePlan(effect=0.0, sd=1.2), ["not reachable"]),
    ],
)
def test_plans_that_do_not_match_their_truth(plan, truth, parts):
    with pytest.raises(FindingsError) as caught:
        reestimate(plan, truth, Reestimation(), trials=10)
    for part in parts:
        assert part in str(caught.value)


def test_reestimation_out_of_range():
    with pytest.raises(FindingsError, match="2 findings"):
        Reestimation(at=1.5, most=0.5)
