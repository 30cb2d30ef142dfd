"""What the brief takes from the records: pools with integrity, claims, harms, estimand, events."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from eubiosis.core.brief import (
    BriefEndpoint,
    ClaimVerdict,
    EstimandWords,
    EventStrategy,
    HarmRecord,
    IndirectRow,
    Known,
    KnownPool,
    NotPooled,
    SdKind,
    SeenRow,
)
from eubiosis.core.calendar import DAYS_PER_YEAR
from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.control_arm import BACKGROUND_LABELS, NO_DRUG
from eubiosis.core.findings import FindingCollector
from eubiosis.core.question import AskedQuestion
from eubiosis.core.tables import TableRow, read_table
from eubiosis.evidence.integrity import claims
from eubiosis.evidence.records.companions import AdverseEvent, IndirectTrial, SeenTrial
from eubiosis.evidence.records.store import Evidence
from eubiosis.evidence.synthesis.certainty import INFORMATION_SIZE, grade
from eubiosis.evidence.synthesis.pool_record import pool_summary
from eubiosis.evidence.synthesis.pooling import pool_question
from eubiosis.evidence.synthesis.selection import Excluded, PoolQuestion, Selection, select

NO_BENEFIT = ("no_difference", "favours_control")


class IntercurrentEventRow(TableRow):
    """An event after randomisation and the strategy of the main estimand."""

    id: str
    event: str
    applies: Literal["always", "score", "open", "blind and patient-reported"]
    needs_drug: bool
    strategy: str
    why: str
    supplementary: str


def known_of(
    outcome: str, intervention: str, correlation: float | None, tables: Evidence
) -> tuple[Known, Selection]:
    """Return what is known of an outcome under an intervention; ``k`` is 0 where nothing can be pooled.

    ``correlation`` of baseline and end turns an SD of the change into one between people; None where it is
    not given.
    """
    indirect = _indirect(outcome, intervention, tables)
    question = PoolQuestion(outcome, intervention)
    selection = select(tables, question)
    excluded = tuple(_not_pooled(out) for out in selection.excluded)
    if not selection.included:
        words = "no randomised comparison with numbers" if excluded else "no record at all"
        return Known(0, None, excluded, words, indirect), selection
    pooled = pool_question(tables, question, selection=selection)
    summary = pool_summary(pooled, grade(pooled, tables))
    sd, kind = _sd(selection)
    between = None if sd is None else sd_between(sd, kind, correlation)
    return Known(summary.k, KnownPool(summary, sd, kind, between), excluded, "", indirect), selection


def sd_between(sd: float, kind: SdKind, correlation: float | None) -> float | None:
    """Return the SD between people at one visit; None where it does not follow.

    An SD of the change is sqrt(2 (1 - r)) times it, where r is the correlation of baseline and end and both
    visits scatter alike.

    >>> sd_between(4.0, "change", 0.5), sd_between(4.0, "level", None), sd_between(4.0, "change", None)
    (4.0, 4.0, None)
    """
    if kind == "level":
        return sd
    if kind != "change" or correlation is None:
        return None
    return sd / math.sqrt(2 * (1 - correlation))


def pooled_unit(unit: str) -> str:
    """Write the unit of a pool behind a number: that of a score is points.

    >>> pooled_unit("hs-CRP ug/mL"), pooled_unit("EDSS")
    ('ug/mL hs-CRP', 'EDSS points')
    """
    name, _, last = unit.rpartition(" ")
    if "/" in last:
        return f"{last} {name}".strip()
    return f"{unit} points"


def _indirect(outcome: str, intervention: str, tables: Evidence) -> tuple[IndirectRow, ...]:
    """Return the controlled trials in other people, each rated as GRADE does."""
    term = tables.intervention(intervention)
    rows = (
        row for row in tables.table(IndirectTrial)
        if row.outcome == outcome and row.intervention in (term.id, term.parent)
    )  # fmt: skip
    return tuple(_rated(row) for row in rows)


def seen_trials(intervention: str, tables: Evidence) -> tuple[SeenRow, ...]:
    """Return the trials of an intervention, its class or its kinds, of which only a mention was read."""
    term = tables.intervention(intervention)
    near = {term.id, term.parent, *(one.id for one in tables.interventions.values() if one.parent == term.id)}
    return tuple(
        SeenRow(
            row.trial, row.registry_id, row.agent, row.design, row.people, row.state, row.found, row.source,
            row.read, row.note,
        )
        for row in tables.table(SeenTrial) if row.intervention and row.intervention in near
    )  # fmt: skip


def _rated(row: IndirectTrial) -> IndirectRow:
    people = (row.n_treatment or 0) + (row.n_control or 0)
    reasons = ["risk of bias -1: nobody has judged it", "indirectness -1: other people"]
    if row.surrogate:
        reasons[-1] = "indirectness -2: other people, and a marker"
    reasons.append(f"imprecision -1: one trial, fewer than {INFORMATION_SIZE} people")
    return IndirectRow(
        row.study, row.population, row.agent, row.dose, row.weeks,
        str(people) if row.n_treatment and row.n_control else row.note, row.result, row.found, "very low",
        "; ".join(reasons), row.source, row.read,
    )  # fmt: skip


def _not_pooled(out: Excluded) -> NotPooled:
    row = out.estimate
    no_benefit = row.verdict in NO_BENEFIT
    return NotPooled(out.study.id, out.reason, row.verdict, row.read, row.source, no_benefit)


def _sd(selection: Selection) -> tuple[float | None, SdKind]:
    total, weight = 0.0, 0
    kinds: set[str] = set()
    for one in selection.included:
        row = one.estimate
        if row.treatment_sd is not None or row.control_sd is not None:
            kinds.add(row.quantity)
        for size, sd in ((row.n_treatment, row.treatment_sd), (row.n_control, row.control_sd)):
            if size is not None and sd is not None and size > 1:
                printed = sd * math.sqrt(size) if row.dispersion_type == "SE" else sd
                total += (size - 1) * printed**2
                weight += size - 1
    kind: SdKind = "mixed"
    if kinds == {"change"}:
        kind = "change"
    elif kinds == {"level"}:
        kind = "level"
    elif not kinds or kinds == {""}:
        kind = "not stated"
    return (math.sqrt(total / weight) if weight else None), kind


def claims_of(intervention: str, outcomes: Sequence[str], tables: Evidence) -> tuple[ClaimVerdict, ...]:
    """Return the audited claims about the intervention, those on the outcomes asked for first."""
    term = tables.intervention(intervention)
    wanted = {term.id, term.parent} - {""}
    if term.microbiome_targeted == "yes":
        wanted.add("microbiome")
    found = [claim for claim in claims.read_claims(tables) if wanted & set(claim.subjects)]
    found.sort(key=lambda claim: not set(outcomes) & set(claim.outcome_ids))
    rows = []
    for claim in found:
        audited = claims.audit_claim(tables, claim)
        asked = bool(set(outcomes) & set(claim.outcome_ids))
        rows.append(ClaimVerdict(claim.id, claim.statement, audited.verdict, audited.reason, asked))
    return tuple(rows)


def harms_of(intervention: str, tables: Evidence) -> tuple[HarmRecord, ...]:
    """Return the records of harms and attrition under an intervention."""
    name = tables.intervention(intervention).id
    return tuple(
        HarmRecord(
            row.study_id, row.record_type, row.event, row.treatment_n, row.treatment_events,
            row.statement.strip('"'), row.read, row.source,
        )
        for row in tables.table(AdverseEvent) if row.intervention == name
    )  # fmt: skip


def estimand_of(question: AskedQuestion, endpoint: BriefEndpoint) -> EstimandWords:
    """Return the five attributes of the primary estimand."""
    asked = question.population
    entry = [asked.phenotype, f"background: {BACKGROUND_LABELS[asked.background]}"]
    if asked.relapses_last_year:
        count = asked.relapses_last_year
        entry.append(f"at least {count} relapse{'s' if count > 1 else ''} in the last year")
    if asked.mfis_from is not None:
        entry.append(f"MFIS {asked.mfis_from:g} or more")
    if asked.breakthrough:
        entry.append("a relapse on the background drug")
    length = _length(endpoint.best_years or question.design.years[-1])
    variable = {
        "count": f"{endpoint.label} over {length}",
        "time": f"time to {endpoint.label}, up to {length}",
        "score": f"change of {_lower(endpoint.label)} from baseline to {length}",
    }[endpoint.kind]
    summary = {"count": "rate ratio", "time": "hazard ratio", "score": "adjusted difference in means"}
    compared = f"{question.agent} against {question.design.comparator}"
    if asked.background != NO_DRUG:
        compared += ", both on the background drug"
    return EstimandWords(
        compared, "; ".join(entry), variable, "as in the table of events", summary[endpoint.kind]
    )


def _length(years: float) -> str:
    if years < 1:
        return f"{round(years * DAYS_PER_YEAR / 7)} weeks"
    return "1 year" if years == 1 else f"{years:g} years"


def _lower(label: str) -> str:
    """Write a label inside a sentence; proper names and abbreviations in later words stay as they are."""
    return label[:1].lower() + label[1:]


def intercurrent_events(
    question: AskedQuestion, endpoints: Sequence[BriefEndpoint]
) -> tuple[EventStrategy, ...]:
    """Return the events that apply to the question, with their strategies."""
    findings = FindingCollector()
    rows = read_table(PACKAGED_CONTENT / "briefs" / "intercurrent_events.tsv", IntercurrentEventRow, findings)
    findings.raise_if_any()
    primary = next(one for one in endpoints if one.role == "primary")
    blinded = question.design.blinding == "double"
    applies = {
        "always": True,
        "score": primary.kind == "score",
        "open": not blinded,
        "blind and patient-reported": blinded and any(one.patient_reported for one in endpoints),
    }
    on_drug = question.population.background != NO_DRUG
    return tuple(
        EventStrategy(row.id, row.event, row.applies, row.strategy, row.why, row.supplementary)
        for row in rows
        if applies[row.applies] and (on_drug or not row.needs_drug)
    )
