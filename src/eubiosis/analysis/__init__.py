"""Estimands and statistics on observed tables: the same functions serve a virtual and a real trial.

``analyse`` takes a real trial's table and its plan; ``estimate`` analyses simulated trials, ``true_effects``
and ``operating_characteristics`` judge the analysis;
the estimators take columns of any table; plans (``ScorePlan``, ``RatePlan``, ...) are sized by ``power`` and
``size``. Names are loaded on first use.
"""

from typing import TYPE_CHECKING

from eubiosis.core.lazy import lazily

if TYPE_CHECKING:
    from eubiosis.analysis import planning, truth
    from eubiosis.analysis.estimates import Estimates, TrialEstimate, estimate
    from eubiosis.analysis.estimators.binary import risk_contrasts
    from eubiosis.analysis.estimators.borrowing import effective_sample_size, meta_analytic_predictive
    from eubiosis.analysis.estimators.continuous import ancova, cohen_d, geometric_mean_ratio, hedges_g
    from eubiosis.analysis.estimators.counts import marginal_rates, rate_ratio
    from eubiosis.analysis.estimators.ecology import (
        alpha_diversity,
        dispersion,
        dissimilarity,
        permanova,
        rarefied_richness,
        taxon_models,
    )
    from eubiosis.analysis.estimators.imputation import pool_estimates, reference_based_difference
    from eubiosis.analysis.estimators.multiplicity import (
        adjust,
        fallback,
        fixed_sequence,
        parallel_gatekeeping,
    )
    from eubiosis.analysis.estimators.prognostic import learn_score, prognostic_difference
    from eubiosis.analysis.estimators.randomisation import randomisation_p
    from eubiosis.analysis.estimators.repeated import cluster_trial, crossover, mmrm
    from eubiosis.analysis.estimators.survival import (
        hazard_ratio,
        kaplan_meier,
        log_rank,
        recurrent_rate_ratio,
        restricted_mean_difference,
    )
    from eubiosis.analysis.planning.assurance import assurance, optimistic_prior, sceptical_prior
    from eubiosis.analysis.planning.harms import excluded_risk, size_to_exclude
    from eubiosis.analysis.planning.looks import Looks, sequential_power, sequential_size, simulate_looks
    from eubiosis.analysis.planning.pilot import FeasibilityRule, SafetyRule, SignalRule, misuse
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
    from eubiosis.analysis.planning.tables import (
        PlannedSize,
        PlanTable,
        power,
        power_table,
        simulate_power,
        size,
        size_table,
    )
    from eubiosis.analysis.planning.times import FirstRelapsePlan, TimePlan
    from eubiosis.analysis.result import Estimate
    from eubiosis.analysis.sequential.boundaries import boundaries, conditional_power, stopping
    from eubiosis.analysis.sequential.interim import Look, decide
    from eubiosis.analysis.trial_table.analyse import analyse
    from eubiosis.analysis.trial_table.results import TrialAnalysis
    from eubiosis.analysis.truth import (
        OperatingCharacteristics,
        TrueEffect,
        operating_characteristics,
        true_effects,
    )
    from eubiosis.core.trial_plan import TrialPlan

_HOMES = {
    "ClusterPlan": "eubiosis.analysis.planning.scores",
    "ClusterResponderPlan": "eubiosis.analysis.planning.shares",
    "CrossoverPlan": "eubiosis.analysis.planning.scores",
    "DistancePlan": "eubiosis.analysis.planning.stool",
    "EngraftmentPlan": "eubiosis.analysis.planning.stool",
    "Estimate": "eubiosis.analysis.result",
    "Estimates": "eubiosis.analysis.estimates",
    "FeasibilityRule": "eubiosis.analysis.planning.pilot",
    "FirstRelapsePlan": "eubiosis.analysis.planning.times",
    "LogRatioPlan": "eubiosis.analysis.planning.stool",
    "Look": "eubiosis.analysis.sequential.interim",
    "Looks": "eubiosis.analysis.planning.looks",
    "OperatingCharacteristics": "eubiosis.analysis.truth",
    "PlanTable": "eubiosis.analysis.planning.tables",
    "PlannedSize": "eubiosis.analysis.planning.tables",
    "RatePlan": "eubiosis.analysis.planning.rates",
    "Reestimation": "eubiosis.analysis.planning.reestimation",
    "RelapseBeforeAfter": "eubiosis.analysis.planning.single_arm",
    "RiskDifferencePlan": "eubiosis.analysis.planning.shares",
    "RiskRatioPlan": "eubiosis.analysis.planning.shares",
    "SafetyRule": "eubiosis.analysis.planning.pilot",
    "excluded_risk": "eubiosis.analysis.planning.harms",
    "size_to_exclude": "eubiosis.analysis.planning.harms",
    "ScoreBeforeAfter": "eubiosis.analysis.planning.single_arm",
    "ScorePlan": "eubiosis.analysis.planning.scores",
    "SignalRule": "eubiosis.analysis.planning.pilot",
    "TimePlan": "eubiosis.analysis.planning.times",
    "TrialAnalysis": "eubiosis.analysis.trial_table.results",
    "TrialEstimate": "eubiosis.analysis.estimates",
    "TrialPlan": "eubiosis.core.trial_plan",
    "TrueEffect": "eubiosis.analysis.truth",
    "adjust": "eubiosis.analysis.estimators.multiplicity",
    "alpha_diversity": "eubiosis.analysis.estimators.ecology",
    "analyse": "eubiosis.analysis.trial_table.analyse",
    "ancova": "eubiosis.analysis.estimators.continuous",
    "assurance": "eubiosis.analysis.planning.assurance",
    "boundaries": "eubiosis.analysis.sequential.boundaries",
    "cluster_trial": "eubiosis.analysis.estimators.repeated",
    "cohen_d": "eubiosis.analysis.estimators.continuous",
    "compare_relapses": "eubiosis.analysis.planning.single_arm",
    "compare_score": "eubiosis.analysis.planning.single_arm",
    "conditional_power": "eubiosis.analysis.sequential.boundaries",
    "crossover": "eubiosis.analysis.estimators.repeated",
    "decide": "eubiosis.analysis.sequential.interim",
    "dispersion": "eubiosis.analysis.estimators.ecology",
    "dissimilarity": "eubiosis.analysis.estimators.ecology",
    "effective_sample_size": "eubiosis.analysis.estimators.borrowing",
    "estimate": "eubiosis.analysis.estimates",
    "fallback": "eubiosis.analysis.estimators.multiplicity",
    "fixed_sequence": "eubiosis.analysis.estimators.multiplicity",
    "geometric_mean_ratio": "eubiosis.analysis.estimators.continuous",
    "hazard_ratio": "eubiosis.analysis.estimators.survival",
    "hedges_g": "eubiosis.analysis.estimators.continuous",
    "kaplan_meier": "eubiosis.analysis.estimators.survival",
    "learn_score": "eubiosis.analysis.estimators.prognostic",
    "log_rank": "eubiosis.analysis.estimators.survival",
    "marginal_rates": "eubiosis.analysis.estimators.counts",
    "meta_analytic_predictive": "eubiosis.analysis.estimators.borrowing",
    "misuse": "eubiosis.analysis.planning.pilot",
    "mmrm": "eubiosis.analysis.estimators.repeated",
    "operating_characteristics": "eubiosis.analysis.truth",
    "optimistic_prior": "eubiosis.analysis.planning.assurance",
    "parallel_gatekeeping": "eubiosis.analysis.estimators.multiplicity",
    "permanova": "eubiosis.analysis.estimators.ecology",
    "pool_estimates": "eubiosis.analysis.estimators.imputation",
    "power": "eubiosis.analysis.planning.tables",
    "power_table": "eubiosis.analysis.planning.tables",
    "prognostic_difference": "eubiosis.analysis.estimators.prognostic",
    "randomisation_p": "eubiosis.analysis.estimators.randomisation",
    "rarefied_richness": "eubiosis.analysis.estimators.ecology",
    "rate_ratio": "eubiosis.analysis.estimators.counts",
    "recurrent_rate_ratio": "eubiosis.analysis.estimators.survival",
    "reestimate": "eubiosis.analysis.planning.reestimation",
    "reference_based_difference": "eubiosis.analysis.estimators.imputation",
    "restricted_mean_difference": "eubiosis.analysis.estimators.survival",
    "risk_contrasts": "eubiosis.analysis.estimators.binary",
    "sceptical_prior": "eubiosis.analysis.planning.assurance",
    "sequential_power": "eubiosis.analysis.planning.looks",
    "sequential_size": "eubiosis.analysis.planning.looks",
    "simulate_looks": "eubiosis.analysis.planning.looks",
    "simulate_power": "eubiosis.analysis.planning.tables",
    "size": "eubiosis.analysis.planning.tables",
    "size_table": "eubiosis.analysis.planning.tables",
    "stopping": "eubiosis.analysis.sequential.boundaries",
    "taxon_models": "eubiosis.analysis.estimators.ecology",
    "true_effects": "eubiosis.analysis.truth",
}

_HOMES |= {"planning": "eubiosis.analysis.planning:*", "truth": "eubiosis.analysis.truth:*"}

__all__ = [
    "ClusterPlan",
    "ClusterResponderPlan",
    "CrossoverPlan",
    "DistancePlan",
    "EngraftmentPlan",
    "Estimate",
    "Estimates",
    "FeasibilityRule",
    "FirstRelapsePlan",
    "LogRatioPlan",
    "Look",
    "Looks",
    "OperatingCharacteristics",
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
    "TimePlan",
    "TrialAnalysis",
    "TrialEstimate",
    "TrialPlan",
    "TrueEffect",
    "adjust",
    "alpha_diversity",
    "analyse",
    "ancova",
    "assurance",
    "boundaries",
    "cluster_trial",
    "cohen_d",
    "compare_relapses",
    "compare_score",
    "conditional_power",
    "crossover",
    "decide",
    "dispersion",
    "dissimilarity",
    "effective_sample_size",
    "estimate",
    "excluded_risk",
    "fallback",
    "fixed_sequence",
    "geometric_mean_ratio",
    "hazard_ratio",
    "hedges_g",
    "kaplan_meier",
    "learn_score",
    "log_rank",
    "marginal_rates",
    "meta_analytic_predictive",
    "misuse",
    "mmrm",
    "operating_characteristics",
    "optimistic_prior",
    "parallel_gatekeeping",
    "permanova",
    "planning",
    "pool_estimates",
    "power",
    "power_table",
    "prognostic_difference",
    "randomisation_p",
    "rarefied_richness",
    "rate_ratio",
    "recurrent_rate_ratio",
    "reestimate",
    "reference_based_difference",
    "restricted_mean_difference",
    "risk_contrasts",
    "sceptical_prior",
    "sequential_power",
    "sequential_size",
    "simulate_looks",
    "simulate_power",
    "size",
    "size_table",
    "size_to_exclude",
    "stopping",
    "taxon_models",
    "true_effects",
    "truth",
]

__getattr__ = lazily(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(__all__)
