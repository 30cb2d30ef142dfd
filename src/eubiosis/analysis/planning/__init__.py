"""Sizes, power and assurance of a trial that is planned.

A plan is a frozen object with checked numbers (``ScorePlan``, ``RatePlan``, ...). ``power``, ``size``,
``power_table`` and ``size_table`` take any of them, ``simulate_power`` stands beside each closed form. Names
are loaded on first use.
"""

from typing import TYPE_CHECKING

from eubiosis.core.lazy import lazily

if TYPE_CHECKING:
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
    from eubiosis.analysis.planning.stool_variance import (
        load_one_visit,
        load_stool_variances,
        spread_of,
    )
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

_HOMES = {
    "ClusterPlan": "eubiosis.analysis.planning.scores",
    "ClusterResponderPlan": "eubiosis.analysis.planning.shares",
    "CrossoverPlan": "eubiosis.analysis.planning.scores",
    "DistancePlan": "eubiosis.analysis.planning.stool",
    "EngraftmentPlan": "eubiosis.analysis.planning.stool",
    "FeasibilityRule": "eubiosis.analysis.planning.pilot",
    "FirstRelapsePlan": "eubiosis.analysis.planning.times",
    "LogRatioPlan": "eubiosis.analysis.planning.stool",
    "Looks": "eubiosis.analysis.planning.looks",
    "Plan": "eubiosis.analysis.planning.plans",
    "PlanTable": "eubiosis.analysis.planning.tables",
    "PlannedSize": "eubiosis.analysis.planning.tables",
    "RatePlan": "eubiosis.analysis.planning.rates",
    "Reestimation": "eubiosis.analysis.planning.reestimation",
    "RelapseBeforeAfter": "eubiosis.analysis.planning.single_arm",
    "RiskDifferencePlan": "eubiosis.analysis.planning.shares",
    "RiskRatioPlan": "eubiosis.analysis.planning.shares",
    "SafetyRule": "eubiosis.analysis.planning.pilot",
    "ScoreBeforeAfter": "eubiosis.analysis.planning.single_arm",
    "ScorePlan": "eubiosis.analysis.planning.scores",
    "SignalRule": "eubiosis.analysis.planning.pilot",
    "Simulated": "eubiosis.analysis.planning.tables",
    "TimePlan": "eubiosis.analysis.planning.times",
    "compare_relapses": "eubiosis.analysis.planning.single_arm",
    "compare_score": "eubiosis.analysis.planning.single_arm",
    "load_one_visit": "eubiosis.analysis.planning.stool_variance",
    "load_stool_variances": "eubiosis.analysis.planning.stool_variance",
    "misuse": "eubiosis.analysis.planning.pilot",
    "power": "eubiosis.analysis.planning.tables",
    "power_table": "eubiosis.analysis.planning.tables",
    "reestimate": "eubiosis.analysis.planning.reestimation",
    "scenarios": "eubiosis.analysis.planning.pilot",
    "sequential_power": "eubiosis.analysis.planning.looks",
    "sequential_size": "eubiosis.analysis.planning.looks",
    "simulate_looks": "eubiosis.analysis.planning.looks",
    "simulate_power": "eubiosis.analysis.planning.tables",
    "size": "eubiosis.analysis.planning.tables",
    "size_table": "eubiosis.analysis.planning.tables",
    "spread_of": "eubiosis.analysis.planning.stool_variance",
}

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
    "load_one_visit",
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

__getattr__ = lazily(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(__all__)
