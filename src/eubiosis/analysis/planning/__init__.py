"""Sizes, power and assurance of a trial that is planned.

A plan is a frozen object with checked numbers (``ScorePlan``, ``RatePlan``, ...). ``power``, ``size``,
``power_table`` and ``size_table`` take any of them, ``simulate_power`` stands beside each closed form.
"""

from eubiosis.analysis.planning.looks import Looks, sequential_power, sequential_size, simulate_looks
from eubiosis.analysis.planning.pilot import FeasibilityRule, SafetyRule, SignalRule, misuse, scenarios
from eubiosis.analysis.planning.plans import Plan
from eubiosis.analysis.planning.rates import RatePlan
from eubiosis.analysis.planning.reestimation import Reestimation, reestimate
from eubiosis.analysis.planning.scores import ClusterPlan, CrossoverPlan, ScorePlan
from eubiosis.analysis.planning.shares import ClusterResponderPlan, RiskDifferencePlan, RiskRatioPlan
from eubiosis.analysis.planning.single_arm import (
    RelapseBeforeAfter,
    ScoreBeforeAfter,
    compare_relapses,
    compare_score,
)
from eubiosis.analysis.planning.stool import DistancePlan, EngraftmentPlan, LogRatioPlan
from eubiosis.analysis.planning.stool_variance import load_stool_variances, spread_of
from eubiosis.analysis.planning.tables import (
    PlannedSize,
    PlanTable,
    Simulated,
    power,
    power_table,
    simulate_power,
    size,
    size_table,
)
from eubiosis.analysis.planning.times import FirstRelapsePlan, TimePlan

__all__ = [
    "ClusterPlan",
    "ClusterResponderPlan",
    "CrossoverPlan",
    "DistancePlan",
    "EngraftmentPlan",
    "FeasibilityRule",
    "FirstRelapsePlan",
    "LogRatioPlan",
    "Looks",
    "Plan",
    "PlanTable",
    "PlannedSize",
    "RatePlan",
    "Reestimation",
    "RelapseBeforeAfter",
    "RiskDifferencePlan",
    "RiskRatioPlan",
    "SafetyRule",
    "ScoreBeforeAfter",
    "ScorePlan",
    "SignalRule",
    "Simulated",
    "TimePlan",
    "compare_relapses",
    "compare_score",
    "load_stool_variances",
    "misuse",
    "power",
    "power_table",
    "reestimate",
    "scenarios",
    "sequential_power",
    "sequential_size",
    "simulate_looks",
    "simulate_power",
    "size",
    "size_table",
    "spread_of",
]
