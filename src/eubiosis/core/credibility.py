"""``credibility.json``: what a run says of itself, after ICH M15, ASME V&V 40 and a checklist of QSP models.

Everything in it is a fact of the run or of the package, judged by rules that are stated beside it; it is no
assessment by anybody else.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from eubiosis.core.applicability import Applicability
from eubiosis.core.json_data import JsonRecord
from eubiosis.core.provenance import Read
from eubiosis.core.tables import TableRow

SCHEMA = "eubiosis.credibility/1"
FILE = "credibility.json"
STATEMENT = (
    "A self-description by stated rules from facts of this run; nobody else has assessed it. Simulated: not "
    "evidence that a therapy works, and no advice."
)
Level = Literal["low", "medium", "high"]
Outcome = Literal["met", "missed", "not tested"]


class CredibilityFactor(TableRow):
    """A credibility factor: its ``level`` from 0 to 3 by ``gradation``, why, and what is missing."""

    id: str
    group: str
    factor: str
    level: Annotated[int, Field(ge=0, le=3)]
    gradation: str
    rationale: str
    missing: str = ""
    link: str


class ChecklistAnswer(TableRow):
    """A question of the checklist in our words: 0 no, 1 in part, 2 yes."""

    id: str
    criterion: Literal["scope", "uncertainty", "variability", "testing"]
    asks: str
    score: Annotated[int, Field(ge=0, le=2)]
    answer: str
    link: str


class CredibilitySource(TableRow):
    """A document that the file follows, and how far it was read."""

    id: str
    source: str
    used_for: str
    read: Read
    note: str = ""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class RatedPart(_Part):
    """A rating with the rule and the facts that gave it."""

    level: Level
    why: str
    rule: str


class TechnicalCriterion(_Part):
    """A criterion set before the run: what was found, and whether it is met."""

    criterion: str
    limit: str
    found: str
    outcome: Outcome


class AssessmentTable(_Part):
    """The assessment table of ICH M15, by its headings."""

    question_of_interest: str
    context_of_use: str
    decision: str
    model_influence: RatedPart
    consequence_of_wrong_decision: RatedPart
    model_risk: RatedPart
    model_impact: RatedPart
    technical_criteria: tuple[TechnicalCriterion, ...]
    evaluation: str
    outcome: str


class Credibility(_Part):
    """The whole file."""

    schema_name: Annotated[Literal["eubiosis.credibility/1"], Field(alias="schema")] = (
        "eubiosis.credibility/1"
    )
    simulated: Literal[True] = True
    statement: str = STATEMENT
    software: str
    analysis_plan_sha256: str
    assessment: AssessmentTable
    factors: tuple[CredibilityFactor, ...]
    applicability: Applicability
    checklist: tuple[ChecklistAnswer, ...]
    checklist_score: str
    sources: tuple[CredibilitySource, ...]


def credibility_text(made: Credibility) -> str:
    """Return the file's text."""
    return made.model_dump_json(by_alias=True, indent=1) + "\n"


def credibility_schema() -> JsonRecord:
    """Return the JSON Schema of ``credibility.json``."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Credibility.model_json_schema(by_alias=True),
    }
