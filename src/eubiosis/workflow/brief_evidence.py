"""What the brief takes from the records: pools with integrity, claims, harms, estimand, events."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.findings import FindingCollector
from eubiosis.core.tables import TableRow, read_table
from eubiosis.evidence.forecast.control_arms import BACKGROUND_LABELS
from eubiosis.evidence.integrity import claims
from eubiosis.evidence.records.companions import AdverseEvent
from eubiosis.evidence.records.store import Evidence
from eubiosis.evidence.synthesis.certainty import grade
from eubiosis.evidence.synthesis.pool_record import pool_record
from eubiosis.evidence.synthesis.pooling import pool_question
from eubiosis.evidence.synthesis.selection import Question, Selection, select
from eubiosis.workflow.files.question import TIMES, BriefQuestion


class IntercurrentEvent(TableRow):
    """An event after randomisation and the strategy of the main estimand."""

    id: str
    event: str
    applies: Literal["always", "score", "open", "blind and patient-reported"]
    strategy: str
    why: str
    supplementary: str


def pooled_of(outcome: str, intervention: str, tables: Evidence) -> dict[str, Any]:
    """Return the pool of an outcome under an intervention; ``k`` is 0 where no trial can be pooled.

    ``sd`` is the SD between people of the change, over both arms of the pooled trials that print it.
    """
    if outcome in TIMES:
        return {"k": 0, "excluded": [], "note": "the evidence tables hold no such outcome"}
    question = Question(outcome, intervention)
    selection = select(tables, question)
    excluded = [
        {"study": out.study.id, "reason": out.reason, "verdict": out.estimate.verdict,
         "read": out.estimate.read, "source": out.estimate.source}
        for out in selection.excluded
    ]  # fmt: skip
    if not selection.included:
        words = "no randomised comparison with numbers" if excluded else "no record at all"
        return {"k": 0, "excluded": excluded, "note": words}
    pooled = pool_question(tables, question)
    record = pool_record(pooled, grade(pooled, tables))
    kept = ("k", "participants", "metric", "unit", "better", "estimate", "ci_low", "ci_high", "ci_method",
            "intervals", "pi_low", "pi_high", "warnings", "sensitivity", "certainty", "included")  # fmt: skip
    return {**{key: record[key] for key in kept}, "excluded": excluded, "sd": _sd(selection), "note": ""}


def _sd(selection: Selection) -> float | None:
    total, weight = 0.0, 0
    for one in selection.included:
        row = one.estimate
        for size, sd in ((row.n_treatment, row.treatment_sd), (row.n_control, row.control_sd)):
            if size is not None and sd is not None and size > 1:
                if row.dispersion_type == "SE":
                    sd = sd * math.sqrt(size)  # noqa: PLW2901
                total += (size - 1) * sd**2
                weight += size - 1
    return math.sqrt(total / weight) if weight else None


def claims_of(intervention: str, outcomes: Sequence[str], tables: Evidence) -> list[dict[str, Any]]:
    """Return the audited claims about the intervention, those on the outcomes asked for first."""
    term = tables.intervention(intervention)
    wanted = {term.id, term.parent} - {""}
    if term.microbiome_targeted == "yes":
        wanted.add("microbiome")
    found = [
        claim for claim in claims.read_claims(tables) if wanted & set(claim.subject.split(";"))
    ]  # fmt: skip
    found.sort(key=lambda claim: not set(outcomes) & set(claim.outcomes.split(";")))
    rows = []
    for claim in found:
        audited = claims.audit_claim(tables, claim)
        rows.append({"claim": claim.id, "statement": claim.statement, "verdict": audited.verdict,
                     "reason": audited.reason,
                     "asked": bool(set(outcomes) & set(claim.outcomes.split(";")))})  # fmt: skip
    return rows


def harms_of(intervention: str, tables: Evidence) -> list[dict[str, Any]]:
    """Return the records of harms and attrition under an intervention."""
    name = tables.intervention(intervention).id
    return [
        {"study": row.study_id, "type": row.record_type, "event": row.event, "treated": row.treatment_n,
         "events": row.treatment_events, "statement": row.statement.strip('"'), "read": row.read,
         "source": row.source}
        for row in tables.table("adverse_events", AdverseEvent) if row.intervention == name
    ]  # fmt: skip


def estimand_of(question: BriefQuestion, endpoint: Mapping[str, Any]) -> dict[str, str]:
    """Return the five attributes of the primary estimand."""
    asked = question.population
    entry = [asked.phenotype, f"background: {background_label(asked.background)}"]
    if asked.relapses_last_year:
        count = asked.relapses_last_year
        entry.append(f"at least {count} relapse{'s' if count > 1 else ''} in the last year")
    if asked.mfis_from is not None:
        entry.append(f"MFIS {asked.mfis_from:g} or more")
    if asked.breakthrough:
        entry.append("a relapse on the background drug")
    length = _length(endpoint["best_years"])
    variable = {
        "count": f"{endpoint['label']} over {length}",
        "time": f"time to {endpoint['label']}, up to {length}",
        "score": f"change of {_lower(endpoint['label'])} from baseline to {length}",
    }[endpoint["kind"]]
    summary = {"count": "rate ratio", "time": "hazard ratio", "score": "adjusted difference in means"}
    return {
        "treatment": f"{question.agent} against {question.design.comparator}, both on the background drug"
        if asked.background != "none" else f"{question.agent} against {question.design.comparator}",
        "population": "; ".join(entry),
        "variable": variable,
        "intercurrent events": "as in the table of events",
        "summary": summary[endpoint["kind"]],
    }  # fmt: skip


def background_label(background: str) -> str:
    """Name a background drug in words.

    >>> background_label("anti_cd20"), background_label("glatiramer")
    ('anti-CD20', 'glatiramer')
    """
    return BACKGROUND_LABELS.get(background, background.replace("_", " "))


def _length(years: float) -> str:
    if years < 1:
        return f"{round(years * 365.25 / 7)} weeks"
    return "1 year" if years == 1 else f"{years:g} years"


def _lower(label: str) -> str:
    """Write a label inside a sentence; proper names and abbreviations in later words stay as they are."""
    return label[:1].lower() + label[1:]


def intercurrent_events(
    question: BriefQuestion, endpoints: Sequence[Mapping[str, Any]]
) -> list[dict[str, str]]:
    """Return the events that apply to the question, with their strategies."""
    path = PACKAGED_CONTENT / "briefs" / "intercurrent_events.tsv"
    findings = FindingCollector()
    rows = read_table(path, IntercurrentEvent, findings)
    findings.raise_if_any()
    primary = next(one for one in endpoints if one["role"] == "primary")
    applies = {
        "always": True,
        "score": primary["kind"] == "score",
        "open": question.design.blinding == "open",
        "blind and patient-reported": question.design.blinding == "double"
        and any(one["patient_reported"] for one in endpoints),
    }
    if question.population.background == "none":
        rows = [row for row in rows if row.id != "switch"]
    return [row.model_dump() for row in rows if applies[row.applies]]
