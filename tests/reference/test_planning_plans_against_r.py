"""The plan objects against rpact and pwr (validation/r_planning)."""

import json
from pathlib import Path

import numpy as np
import pytest

from eubiosis.analysis.planning import (
    CrossoverPlan,
    FeasibilityRule,
    Looks,
    RiskDifferencePlan,
    RiskRatioPlan,
    SafetyRule,
    ScorePlan,
    TimePlan,
    power,
    sequential_size,
    size,
)
from eubiosis.analysis.planning.classic import event_probability
from eubiosis.analysis.planning.single_arm import _mills
from eubiosis.analysis.planning.tables import power_table

PINNED = Path(__file__).resolve().parents[2] / "validation" / "r_planning" / "expected.json"
R = json.loads(PINNED.read_text(encoding="utf-8"))


def test_means(agree):
    two = size(ScorePlan(effect=0.5, allocation=2.0))
    agree("r_planning", "t, allocation 2", two.exact, R["means_allocation_2"]["control"], 1e-6)
    assert two.n_total == 48 + 96
    noninferior = size(ScorePlan(effect=0.05, margin=-0.3))
    agree("r_planning", "t, non-inferiority", 2 * noninferior.exact, R["means_noninferior"]["total"], 1e-6)
    powers = power_table(ScorePlan(effect=0.5), {"n": [30], "effect": [0.2, 0.5, 0.8]}).columns["power"]
    agree("r_planning", "t powers", powers, R["means_power_60"], 1e-8)
    unequal = power(ScorePlan(effect=0.5, allocation=2.0), 40)
    agree("r_planning", "pwr, 40 and 80", unequal, R["pwr_t2n_40_80"], 1e-8)


def test_a_crossover_without_a_period_effect_is_a_paired_test():
    """pwr's paired test has N - 1 degrees of freedom, a crossover N - 2: less than one person more."""
    pairs = R["pwr_paired_d"]["n"]
    found = size(CrossoverPlan(effect=0.3, correlation=0.5)).exact
    assert pairs < found < pairs + 1


SHARES = {
    "rates_30_50": RiskDifferencePlan(control_share=0.3, difference=0.2),
    "rates_30_50_allocation_2": RiskDifferencePlan(control_share=0.3, difference=0.2, allocation=2.0),
    "rates_difference_noninferior": RiskDifferencePlan(
        control_share=0.6, difference=0.0, margin=-0.15, allocation=2.0
    ),
    "rates_difference_superior_by_margin": RiskDifferencePlan(
        control_share=0.3, difference=0.25, margin=0.05
    ),
    "rates_ratio_noninferior": RiskRatioPlan(control_share=0.5, ratio=1.0, margin=0.8),
    "rates_ratio_superior": RiskRatioPlan(control_share=0.3, ratio=5 / 3),
}


@pytest.mark.parametrize("name", list(SHARES))
def test_shares_by_farrington_and_manning(agree, name):
    agree("r_planning", name, size(SHARES[name]).exact, R[name]["control"], 1e-7)


def test_times(agree):
    """rpact lets people enter over one year and follows the last one for two."""
    margin = size(TimePlan(hazard_ratio=1.0, control_hazard=0.5, years=2, accrual_years=1, margin=1.4))
    agree("r_planning", "hazard ratio, margin", 2 * margin.exact, R["survival_margin"]["total"], 1e-7)
    uneven = size(TimePlan(hazard_ratio=0.6, control_hazard=0.3, years=2, accrual_years=1, allocation=2.0))
    chance = [event_probability(h, 2, 1) for h in (0.3, 0.18)]
    events = uneven.exact * (chance[0] + 2 * chance[1])
    agree("r_planning", "hazard ratio, events", events, R["survival_allocation_2"]["events"], 1e-7)
    agree("r_planning", "hazard ratio, total", 3 * uneven.exact, R["survival_allocation_2"]["total"], 1e-7)


@pytest.mark.parametrize(
    ("name", "plan", "looks", "target"),
    [
        ("gs_means_asOF", None, Looks(information=(0.5, 1.0)), 0.9),
        (
            "gs_rates_asP",
            RiskDifferencePlan(control_share=0.3, difference=0.2),
            Looks(information=(0.4, 0.7, 1.0), rule="LD-Pocock"),
            0.8,
        ),
        (
            "gs_rates_futility",
            RiskDifferencePlan(control_share=0.3, difference=0.2),
            Looks(
                information=(0.33, 0.67, 1.0),
                rule="HSD",
                parameter=-4.0,
                futility="HSD",
                futility_parameter=-2.0,
            ),
            0.8,
        ),
    ],
)
def test_group_sequential_designs_with_expected_sizes(agree, name, plan, looks, target):
    """rpact's normal approximation for means has no degrees of freedom: there, ratios to the fixed size."""
    reference = R[name]
    found = sequential_size(plan or ScorePlan(effect=0.5), looks, target)
    agree("r_planning", f"{name}, critical", found.looks.efficacy, reference["critical"], 1e-5)
    ours = np.array([found.expected_null, found.expected_half, found.expected_planned]) / found.n_total
    theirs = np.array([reference[key] for key in ("h0", "h01", "h1")]) / reference["largest"]
    agree("r_planning", f"{name}, expected sizes over the largest", ours, theirs, 1e-5)
    agree(
        "r_planning",
        f"{name}, inflation",
        found.looks.inflation,
        reference["largest"] / reference["fixed"],
        1e-6,
    )
    if plan is not None:
        largest = 2 * found.fixed.exact * found.looks.inflation
        agree("r_planning", f"{name}, largest", largest, reference["largest"], 1e-6)


def test_exact_binomials_of_the_pilot(agree):
    reference = R["pbinom"]
    rule = FeasibilityRule(people=30, unacceptable=0.6, acceptable=0.85)
    assert (rule.go, rule.stop) == (23, 21)
    agree("r_planning", "go", rule.chances(0.6)[0], reference["ge23_of_30_at_06"], 1e-10)
    agree("r_planning", "stop", rule.chances(0.85)[2], reference["le21_at_085"], 1e-10)
    safety = SafetyRule(people=30, tolerable=0.02, intolerable=0.15)
    assert safety.stop == 3
    agree("r_planning", "safety", safety.stopping(0.15), reference["ge3_of_30_at_015"], 1e-10)
    agree("r_planning", "rule of three", safety.excluded(0), reference["cp_0_of_30"], 1e-10)
    agree("r_planning", "two events", safety.excluded(2), reference["cp_2_of_30"], 1e-10)


def test_truncated_normal(agree):
    agree("r_planning", "mills", _mills(np.asarray((38 - 41) / 19.7)), R["truncated_normal"]["mills"], 1e-10)
