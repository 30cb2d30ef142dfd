"""The tables that the evidence leaves as, column by column."""

from __future__ import annotations

from eubiosis.core.columns import Column, TableSchema

_ESTIMATE = "as the metric says"
_INTERVAL = (
    Column("estimate", "Pooled estimate, a ratio as it is", unit=_ESTIMATE),
    Column("ci_low", "Lower bound of the 95 % interval", unit=_ESTIMATE),
    Column("ci_high", "Upper bound of the 95 % interval", unit=_ESTIMATE),
)

SUMMARY_OF_FINDINGS = TableSchema(
    "summary_of_findings",
    (
        Column("outcome", "Id of the outcome", "text"),
        Column("label", "Name of the outcome", "text"),
        Column("certainty", "Certainty of the evidence (GRADE)", "text"),
        Column("reasons", "What the certainty lost, or why there is no pool", "text"),
        Column("nulls_without_numbers", "Trials that found no difference and print no usable number", "text"),
        Column("participants", "Participants behind the pool", "count", "-"),
        Column("metric", "What is pooled, such as MD, SMD, RR, OR or RD", "text"),
        Column("unit", "Unit of a mean difference", "text"),
        Column("better", "Which direction helps a patient", "text"),
        *_INTERVAL,
        Column("ci_method", "Method of the interval", "text"),
        Column("pi_low", "Lower bound of the 95 % prediction interval", unit=_ESTIMATE),
        Column("pi_high", "Upper bound of the 95 % prediction interval", unit=_ESTIMATE),
        Column("k", "Cohorts pooled", "count", "-"),
        Column("cohorts_compared", "Cohorts in which a randomised trial compared the outcome", "count", "-"),
    ),
    "What randomised trials found of an intervention.",
    "one outcome",
)
POOLED_STUDIES = TableSchema(
    "pooled_studies",
    (
        Column("study", "Id of the study", "text"),
        Column("cohort", "Id of the cohort that the study's participants belong to", "text"),
        Column("estimate_id", "Id of the estimate in the evidence tables", "text"),
        Column("estimate", "Estimate, a ratio as it is", unit=_ESTIMATE),
        Column("ci_low", "Lower bound of the 95 % Wald interval", unit=_ESTIMATE),
        Column("ci_high", "Upper bound of the 95 % Wald interval", unit=_ESTIMATE),
        Column("analysis_estimate", "Estimate on the analysis scale (logarithm of a ratio)", unit=_ESTIMATE),
        Column("standard_error", "Standard error on the analysis scale", unit=_ESTIMATE),
        Column("weight", "Weight in the pool", unit="fraction"),
        Column("n_treatment", "Participants treated", "count", "-"),
        Column("n_control", "Participants of the control group", "count", "-"),
        Column("integrity_status", "What the checks of the printed numbers say of the study", "text"),
        Column("integrity_reason", "Why they say so", "text"),
        Column("how", "How the estimate follows from the printed numbers", "text"),
        Column("agent", "What was given", "text"),
        Column("source", "Where the numbers stand", "text"),
        Column("read", "How far the source was read", "text"),
        Column("doi", "DOI of the report", "text"),
    ),
    "The estimates that went into a pool.",
    "one estimate",
)
UNPOOLED_ESTIMATES = TableSchema(
    "unpooled_estimates",
    (
        Column("study", "Id of the study", "text"),
        Column("estimate", "Id of the estimate in the evidence tables", "text"),
        Column("why", "Why it was not pooled, as a word", "text"),
        Column("reason", "Why it was not pooled, as a sentence", "text"),
        Column("source", "Where the numbers stand", "text"),
    ),
    "The estimates of a question that were not pooled.",
    "one estimate",
)
POOLING_CHOICES = TableSchema(
    "pooling_choices",
    (
        Column("choice", "Choice that was changed, as a word", "text"),
        Column("change", "What was done otherwise", "text"),
        Column("k", "Cohorts pooled then", "count", "-"),
        *_INTERVAL,
    ),
    "What a pool becomes under other choices.",
    "one other choice",
)

EVIDENCE_TABLES = (SUMMARY_OF_FINDINGS, POOLED_STUDIES, UNPOOLED_ESTIMATES, POOLING_CHOICES)
