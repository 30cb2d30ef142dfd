"""A summary-of-findings table (GRADE): every outcome of an intervention that randomised trials looked at."""

from __future__ import annotations

from typing import Any

from eubiosis.evidence.records.store import Evidence
from eubiosis.evidence.synthesis.certainty import grade
from eubiosis.evidence.synthesis.pooling import nulls_without_numbers, pool_question
from eubiosis.evidence.synthesis.selection import Question, select


def summary_of_findings(evidence: Evidence, intervention: str) -> list[dict[str, Any]]:
    """Return one row per outcome: the pool with its certainty and reasons, or why there is none.

    Outcomes without a randomised comparison in people are left out. Raises ``FindingsError`` for an
    unknown intervention.
    """
    term = evidence.intervention(intervention).id
    rows = []
    for outcome in evidence.outcomes.values():
        question = Question(outcome.id, term)
        selection = select(evidence, question)
        compared = {x.study.cohort_id for x in selection.included}
        compared |= {
            x.study.cohort_id
            for x in selection.excluded
            if x.study.species == "human"
            and x.estimate.design_class.startswith("randomised")
            and x.estimate.measure != "within_change"
            and x.study.integrity_status in question.statuses
        }
        if not compared:
            continue
        row: dict[str, Any] = {
            "outcome": outcome.id,
            "label": outcome.label,
            "cohorts_compared": len(compared),
        }
        if selection.included:
            row |= _pooled_row(evidence, question)
        else:
            reasons = dict.fromkeys(f"{x.study.id}: {x.reason}" for x in selection.excluded)
            row |= {"k": 0, "certainty": "not rated", "reasons": list(reasons)}
        row["nulls_without_numbers"] = nulls_without_numbers(selection)
        rows.append(row)
    return rows


def _pooled_row(evidence: Evidence, question: Question) -> dict[str, Any]:
    pooled = pool_question(evidence, question, sensitivity=False)
    certainty = grade(pooled, evidence)
    return {
        "k": pooled.k,
        "participants": certainty.participants,
        "metric": pooled.scale.removeprefix("log "),
        "unit": pooled.selection.unit,
        "better": pooled.selection.included[0].estimate.direction_better,
        "estimate": pooled.headline.estimate,
        "ci_low": pooled.headline.low,
        "ci_high": pooled.headline.high,
        "ci_method": pooled.headline.method,
        "pi_low": pooled.prediction.low,
        "pi_high": pooled.prediction.high,
        "certainty": certainty.level,
        "reasons": [f"{d.name} -{d.steps}: {d.reason}" for d in certainty.domains if d.steps],
    }


def summary_text(rows: list[dict[str, Any]]) -> str:
    """Format the table as text."""
    lines = []
    for row in rows:
        if row["k"]:
            span = f"{row['estimate']:.2f} [{row['ci_low']:.2f}, {row['ci_high']:.2f}]"
            lines.append(f"{row['label']}: {row['metric']} {row['unit']} {span}; {row['better']} is better")
            size = f"k {row['k']} of {row['cohorts_compared']} cohorts, {row['participants']} participants"
            predicted = f"a new study [{row['pi_low']:.2f}, {row['pi_high']:.2f}]"
            lines.append(f"  {size}; {predicted}; certainty {row['certainty']}")
        else:
            lines.append(f"{row['label']}: no number to pool from {row['cohorts_compared']} cohorts")
        lines += [f"    {reason}" for reason in row["reasons"]]
    return "\n".join(lines) or "no randomised comparison in people"
