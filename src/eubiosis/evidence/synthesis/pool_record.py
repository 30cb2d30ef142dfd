"""A pooled estimate as the report that the command line prints and pages draw."""

from __future__ import annotations

from eubiosis.core.evidence_report import (
    AskedOf,
    CertaintyReport,
    DomainReport,
    Intervals,
    PoolReport,
    PoolSummary,
    PriorInterval,
    UnpooledEstimate,
)
from eubiosis.core.scales import metric_label
from eubiosis.evidence.synthesis.certainty import Certainty
from eubiosis.evidence.synthesis.diagnostics import diagnostics_of
from eubiosis.evidence.synthesis.pooling import PooledEffect
from eubiosis.evidence.synthesis.study_rows import pooled_study

NOTICE = (
    "A summary of published reports with their defects; not evidence that a therapy works, and no advice for "
    "any person."
)


def pool_report(pooled: PooledEffect, certainty: Certainty) -> PoolReport:
    """Return a pool as a report; ``tau2`` is on the analysis scale, ``i2`` in percent."""
    question, selection = pooled.question, pooled.selection
    low, high = pooled.tau2_interval or (None, None)
    several = pooled.k > 1
    return PoolReport(
        outcome=selection.outcome.id,
        outcome_label=selection.outcome.label,
        intervention=selection.intervention,
        intervention_label=selection.intervention_label,
        summary=pool_summary(pooled, certainty),
        analysis_scale=pooled.scale,
        ci_level=0.95,
        pi_method=pooled.prediction.method,
        tau2=pooled.tau2 if several else None,
        tau2_method=pooled.tau2_method,
        tau2_low=low,
        tau2_high=high,
        i2=pooled.i2 if several else None,
        q=pooled.q if several else None,
        q_p=pooled.q_p if several else None,
        asked=AskedOf(question.studies, question.leave_out),
        excluded=tuple(
            UnpooledEstimate(out.study.id, out.estimate.id, out.why, out.reason, out.estimate.source)
            for out in selection.excluded
        ),
        diagnostics=diagnostics_of(pooled),
        notice=NOTICE,
    )


def pool_summary(pooled: PooledEffect, certainty: Certainty) -> PoolSummary:
    """Return the part of a pool that a brief shows."""
    included, headline = pooled.selection.included, pooled.headline
    return PoolSummary(
        k=pooled.k,
        participants=certainty.participants,
        metric=metric_label(pooled.scale),
        unit=pooled.selection.unit,
        better=included[0].estimate.direction_better,
        estimate=headline.estimate,
        ci_low=headline.low,
        ci_high=headline.high,
        ci_method=headline.method,
        intervals=Intervals(
            pooled.wald, pooled.knapp_hartung, PriorInterval(pooled.bayesian, pooled.tau_scale)
        ),
        pi_low=pooled.prediction.low,
        pi_high=pooled.prediction.high,
        warnings=pooled.warnings,
        sensitivity=pooled.sensitivity,
        certainty=CertaintyReport(
            certainty.level, tuple(DomainReport(d.name, d.steps, d.reason) for d in certainty.domains)
        ),
        included=tuple(
            pooled_study(one, weight) for one, weight in zip(included, pooled.weights, strict=True)
        ),
    )
