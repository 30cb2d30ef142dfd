"""Record screening decisions and count the PRISMA 2020 flow from the records themselves."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Literal

from pydantic import model_validator

from eubiosis.core.findings import Finding, FindingCollector, FindingsError, unknown_word
from eubiosis.core.tables import RowProblem, TableRow, read_table, write_table
from eubiosis.evidence.growing.references import Reference, demand_review, read_references

FILE = "decisions.tsv"
Stage = Literal["screening", "retrieval", "eligibility"]
Inclusion = Literal["include", "exclude"]


class ScreeningDecision(TableRow):
    """One decision: the later one of a stage replaces the earlier. ``by`` is a role, not a name."""

    reference_id: str
    stage: Stage
    decision: Inclusion
    reason: str = ""
    study_id: str = ""
    by: str
    date: str

    @model_validator(mode="after")
    def _exclusion_has_a_reason(self) -> ScreeningDecision:
        if self.decision == "exclude" and self.stage == "eligibility" and not self.reason:
            raise RowProblem("an exclusion at eligibility without a reason", next_step="give the reason")
        if self.stage == "eligibility" and self.decision == "include" and not self.study_id:
            raise RowProblem("an inclusion without study_id", next_step="name the study that it reports")
        return self


class Flow(TableRow):
    """The boxes of the PRISMA 2020 flow diagram for new reviews of databases and registers (Page 2021)."""

    databases: dict[str, int]
    registers: dict[str, int]
    duplicates_removed: int
    screened: int
    excluded_at_screening: int
    awaiting_screening: int
    sought: int
    not_retrieved: int
    awaiting_retrieval: int
    assessed: int
    excluded_at_eligibility: dict[str, int]
    awaiting_eligibility: int
    included_reports: int
    included_studies: int


def read_decisions(folder: Path) -> list[ScreeningDecision]:
    """Read the decisions of a review folder; each must refer to a reference of it."""
    path = folder / FILE
    findings = FindingCollector()
    rows = read_table(path, ScreeningDecision, findings) if path.exists() else []
    known = {r.id for r in read_references(folder)}
    for row in rows:
        if row.reference_id not in known:
            findings.add(FILE, row.reference_id, unknown_word(row.reference_id, known))
    findings.raise_if_any()
    return rows


def record(folder: Path, decision: ScreeningDecision) -> Path:
    """Append a decision; raises ``FindingsError`` where it refers to nothing or comes before its time."""
    decisions = read_decisions(folder)
    references = {r.id: r for r in read_references(folder)}
    problem = _out_of_order(decision, references, _latest(decisions))
    if problem:
        raise FindingsError([Finding(FILE, decision.reference_id, problem)])
    write_table(folder / FILE, [*decisions, decision], list(ScreeningDecision.model_fields))
    return folder / FILE


def flow(folder: Path) -> Flow:
    """Count the flow of a review folder; what nobody has decided yet is counted as awaiting.

    Raises ``FindingsError`` where there is no review.
    """
    demand_review(folder)
    references = read_references(folder)
    latest = _latest(read_decisions(folder))
    unique = [r for r in references if not r.duplicate_of]

    def split(stage: Stage, entering: list[Reference]) -> tuple[list[Reference], list[Reference]]:
        decided = [r for r in entering if (r.id, stage) in latest]
        return decided, [r for r in decided if latest[r.id, stage].decision == "include"]

    screened, sought = split("screening", unique)
    tried, retrieved = split("retrieval", sought)
    assessed, included = split("eligibility", retrieved)
    reasons = Counter(
        latest[r.id, "eligibility"].reason
        for r in assessed
        if latest[r.id, "eligibility"].decision == "exclude"
    )
    sources = {
        kind: Counter(r.source for r in references if r.kind == kind) for kind in ("database", "register")
    }
    return Flow(
        databases=dict(sources["database"]),
        registers=dict(sources["register"]),
        duplicates_removed=len(references) - len(unique),
        screened=len(screened),
        excluded_at_screening=len(screened) - len(sought),
        awaiting_screening=len(unique) - len(screened),
        sought=len(sought),
        not_retrieved=len(tried) - len(retrieved),
        awaiting_retrieval=len(sought) - len(tried),
        assessed=len(assessed),
        excluded_at_eligibility=dict(reasons),
        awaiting_eligibility=len(retrieved) - len(assessed),
        included_reports=len(included),
        included_studies=len({latest[r.id, "eligibility"].study_id for r in included}),
    )


def _latest(decisions: list[ScreeningDecision]) -> dict[tuple[str, str], ScreeningDecision]:
    return {(d.reference_id, d.stage): d for d in decisions}


def _out_of_order(
    decision: ScreeningDecision,
    references: dict[str, Reference],
    latest: dict[tuple[str, str], ScreeningDecision],
) -> str:
    if decision.reference_id not in references:
        return unknown_word(decision.reference_id, references)
    twin = references[decision.reference_id].duplicate_of
    if twin:
        return f"is a duplicate of {twin}; decide on that one"
    before = {"screening": "", "retrieval": "screening", "eligibility": "retrieval"}[decision.stage]
    passed = not before or latest.get((decision.reference_id, before))
    if not passed or (before and latest[decision.reference_id, before].decision == "exclude"):
        return f"has not passed {before}"
    return ""
