"""A summary-of-findings table (GRADE): every outcome of an intervention that randomised trials looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

from eubiosis.core.evidence_report import CertaintyLevel
from eubiosis.core.evidence_schemas import SUMMARY_OF_FINDINGS
from eubiosis.core.kinds import how_many
from eubiosis.core.record import FLAT
from eubiosis.core.scales import metric_label
from eubiosis.evidence.records.store import Evidence, load
from eubiosis.evidence.synthesis.certainty import grade
from eubiosis.evidence.synthesis.pooling import nulls_without_numbers, pool_question
from eubiosis.evidence.synthesis.selection import PoolQuestion, select

if TYPE_CHECKING:
    from eubiosis.core.frame import Table


@dataclass(frozen=True)
class FoundPool:
    """The pool of one outcome, in short."""

    participants: int
    metric: str
    unit: str
    better: str
    estimate: float | None
    ci_low: float | None
    ci_high: float | None
    ci_method: str
    pi_low: float | None
    pi_high: float | None


@dataclass(frozen=True)
class FoundOutcome:
    """One outcome of a summary of findings: its pool with its certainty, or why there is none."""

    outcome: str
    label: str
    cohorts_compared: int
    k: int
    pool: FoundPool | None = field(metadata=FLAT)
    certainty: CertaintyLevel | str
    reasons: tuple[str, ...]
    nulls_without_numbers: tuple[str, ...]


def summary_of_findings(evidence: Evidence, intervention: str) -> tuple[FoundOutcome, ...]:
    """Return one row per outcome: the pool with its certainty and reasons, or why there is none.

    Outcomes without a randomised comparison in people are left out. Raises ``FindingsError`` for an
    unknown intervention.
    """
    term = evidence.intervention(intervention).id
    rows = []
    for outcome in evidence.outcomes.values():
        question = PoolQuestion(outcome.id, term)
        selection = select(evidence, question)
        compared = {x.study.cohort_id for x in selection.included}
        compared |= {
            x.study.cohort_id
            for x in selection.excluded
            if x.study.species == "human"
            and x.estimate.randomised
            and x.estimate.measure != "within_change"
            and x.study.integrity_status in question.statuses
        }
        if not compared:
            continue
        silent = tuple(nulls_without_numbers(selection))
        if selection.included:
            rows.append(_pooled_row(evidence, question, len(compared), silent))
        else:
            reasons = dict.fromkeys(f"{x.study.id}: {x.reason}" for x in selection.excluded)
            rows.append(
                FoundOutcome(
                    outcome.id, outcome.label, len(compared), 0, None, "not rated", tuple(reasons), silent
                )
            )
    return tuple(rows)


def _pooled_row(
    evidence: Evidence, question: PoolQuestion, compared: int, silent: tuple[str, ...]
) -> FoundOutcome:
    pooled = pool_question(evidence, question, sensitivity=False)
    certainty, selection, headline = grade(pooled, evidence), pooled.selection, pooled.headline
    found = FoundPool(
        certainty.participants, metric_label(pooled.scale), selection.unit,
        selection.included[0].estimate.direction_better, headline.estimate, headline.low, headline.high,
        headline.method, pooled.prediction.low, pooled.prediction.high,
    )  # fmt: skip
    reasons = tuple(f"{d.name} -{d.steps}: {d.reason}" for d in certainty.domains if d.steps)
    outcome = selection.outcome
    return FoundOutcome(
        outcome.id, outcome.label, compared, pooled.k, found, certainty.level, reasons, silent
    )


def summary(intervention: str, *, evidence: Evidence | None = None) -> Table:
    """Summarise an intervention's findings: one row an outcome that randomised trials compared.

    Numbers are missing where no trial can be pooled; ``reasons`` says why, and what the certainty lost.
    Raises ``FindingsError`` for an unknown intervention.

    >>> found = summary("probiotic").filter(outcome="hs_CRP")
    >>> found.select("k", "certainty").to_pydict()
    {'k': [3], 'certainty': ['very low']}
    """
    from eubiosis.core.frame import Table
    from eubiosis.evidence.records.columns import cells

    rows = summary_of_findings(evidence or load(), intervention)
    texts: dict[str, list[str]] = {
        "outcome": [row.outcome for row in rows],
        "label": [row.label for row in rows],
        "certainty": [row.certainty for row in rows],
        "reasons": ["; ".join(row.reasons) for row in rows],
        "nulls_without_numbers": ["; ".join(row.nulls_without_numbers) for row in rows],
    }
    counts: dict[str, list[int]] = {
        "k": [row.k for row in rows],
        "cohorts_compared": [row.cohorts_compared for row in rows],
    }
    pools = [row.pool for row in rows]
    found = {
        one.name: cells(None if pool is None else getattr(pool, one.name) for pool in pools)
        for one in fields(FoundPool)
    }
    columns = {**{name: cells(one) for name, one in texts.items()}, **found}
    columns |= {name: cells(one) for name, one in counts.items()}
    return Table(columns, schema=SUMMARY_OF_FINDINGS)


def summary_text(rows: Sequence[FoundOutcome]) -> str:
    """Format the table as text."""
    lines: list[str] = []
    for row in rows:
        found = row.pool
        if found is None:
            lines.append(f"{row.label}: no number to pool from {how_many(row.cohorts_compared, 'cohort')}")
        else:
            span = f"{found.estimate:.2f} [{found.ci_low:.2f}, {found.ci_high:.2f}]"
            lines.append(f"{row.label}: {found.metric} {found.unit} {span}; {found.better} is better")
            size = (
                f"k {row.k} of {how_many(row.cohorts_compared, 'cohort')}, "
                f"{how_many(found.participants, 'participant')}"
            )
            predicted = f"a new study [{found.pi_low:.2f}, {found.pi_high:.2f}]"
            lines.append(f"  {size}; {predicted}; certainty {row.certainty}")
        lines += [f"    {reason}" for reason in row.reasons]
    return "\n".join(lines) or "no randomised comparison in people"
