"""A pooled estimate as plain data: what the command line prints as JSON and pages draw."""

from __future__ import annotations

from typing import Any

from eubiosis.evidence.synthesis.certainty import Certainty
from eubiosis.evidence.synthesis.diagnostics import diagnostics_record
from eubiosis.evidence.synthesis.pooling import Included, Interval, Pooled, natural

NOTICE = (
    "A summary of published reports with their defects; not evidence that a therapy works, and no advice for "
    "any person."
)


def pool_record(pooled: Pooled, certainty: Certainty) -> dict[str, Any]:
    """Return a pool as JSON-ready data; ``tau2`` is on the analysis scale, ``I2`` in percent."""
    question, selection = pooled.question, pooled.selection
    low, high = pooled.tau2_interval or (None, None)
    return {
        "outcome": selection.outcome.id,
        "outcome_label": selection.outcome.label,
        "intervention": selection.intervention,
        "intervention_label": selection.intervention_label,
        "metric": pooled.scale.removeprefix("log "),
        "analysis_scale": pooled.scale,
        "unit": selection.unit,
        "better": selection.included[0].estimate.direction_better,
        "k": pooled.k,
        "participants": certainty.participants,
        "estimate": pooled.headline.estimate,
        "ci_low": pooled.headline.low,
        "ci_high": pooled.headline.high,
        "ci_method": pooled.headline.method,
        "ci_level": 0.95,
        "intervals": {
            "wald": interval_record(pooled.wald),
            "hartung_knapp": interval_record(pooled.knapp_hartung),
            "bayesian": {**interval_record(pooled.bayesian), "tau_scale": pooled.tau_scale},
        },
        "pi_low": pooled.prediction.low,
        "pi_high": pooled.prediction.high,
        "pi_method": pooled.prediction.method,
        "tau2": pooled.tau2,
        "tau2_method": pooled.tau2_method,
        "tau2_low": low,
        "tau2_high": high,
        "I2": pooled.i2,
        "Q": pooled.q,
        "Q_p": pooled.q_p,
        "asked": {"studies": list(question.studies), "leave_out": list(question.leave_out)},
        "included": [
            included_record(one, weight)
            for one, weight in zip(selection.included, pooled.weights, strict=True)
        ],
        "excluded": [
            {
                "study": out.study.id,
                "estimate_id": out.estimate.id,
                "reason": out.reason,
                "source": out.estimate.source,
            }
            for out in selection.excluded
        ],
        "warnings": list(pooled.warnings),
        "sensitivity": [
            {"change": line.change, "k": line.k, **interval_record(line.interval)}
            for line in pooled.sensitivity
        ],
        "certainty": {
            "level": certainty.level,
            "domains": [
                {"name": d.name, "steps_down": d.steps, "reason": d.reason} for d in certainty.domains
            ],
        },
        "diagnostics": diagnostics_record(pooled),
        "notice": NOTICE,
    }


def interval_record(interval: Interval) -> dict[str, Any]:
    """Return one interval as plain data."""
    return {
        "method": interval.method,
        "estimate": interval.estimate,
        "ci_low": interval.low,
        "ci_high": interval.high,
        "note": interval.note,
    }


def included_record(one: Included, weight: float) -> dict[str, Any]:
    """Return one pooled estimate with its Wald interval, record, source and how far that was read."""
    effect = one.derived.effect
    from scipy import stats

    half = float(stats.norm.isf(0.025)) * effect.standard_error
    return {
        "study": one.study.id,
        "cohort": one.study.cohort_id,
        "estimate_id": one.estimate.id,
        "estimate": natural(effect.estimate, effect.scale),
        "ci_low": natural(effect.estimate - half, effect.scale),
        "ci_high": natural(effect.estimate + half, effect.scale),
        "analysis_estimate": effect.estimate,
        "standard_error": effect.standard_error,
        "weight": weight,
        "n_treatment": one.estimate.n_treatment,
        "n_control": one.estimate.n_control,
        "integrity_status": one.study.integrity_status,
        "integrity_reason": one.study.integrity_reason,
        "how": one.derived.how,
        "agent": one.study.agent,
        "source": one.estimate.source,
        "read": one.estimate.read,
        "doi": one.estimate.report_doi or one.study.doi,
    }
