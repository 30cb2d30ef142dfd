"""Claims in circulation, held against the records: each verdict follows from a written rule.

Rules, by kind of claim. A record counts where people were randomised, two arms were compared, somebody read
the source, and the report is neither retracted nor under a notice; each cohort counts once.

direction
    no such record: "not tested". Some favour the claim and some do not, or one goes the other way: "mixed".
    None favours it: "contradicted". All favour it: "supported" when at least two groups without a failed
    check stand behind it and their pool leaves more than very low certainty, else "mixed", because the
    support is one group, flagged, without numbers, or too uncertain.
number
    the number must be found, within the tolerance, as an estimate or published pool on the claimed metric:
    found and significant: "supported"; found and not significant: "mixed". Not found: "contradicted" when
    there are estimates and all their intervals exclude it, else "untraceable". Not tested is not used: a
    number that nobody can find is untraceable whether or not the question was studied.
share
    a share of responders must be found in a comparison; it is "untraceable" otherwise.
taxon direction
    studies that report the genus or a species of it up or down, each study once: one direction in at least
    two studies and none against it: "supported"; against only: "contradicted"; both: "mixed"; none:
    "not tested".
edge, taxon effect
    signed mechanism edges somebody has read: one sign in at least two reports: "supported"; both signs:
    "mixed"; only the other sign: "contradicted"; one report: "mixed"; none: "not tested".
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import product
from typing import Literal

from eubiosis.core.endpoints import in_sentence
from eubiosis.core.evidence_report import AuditedClaim, ClaimLine, Verdict
from eubiosis.core.findings import FindingCollector
from eubiosis.core.laws import Z975
from eubiosis.core.scales import METRICS, is_ratio, natural
from eubiosis.core.tables import TableRow, read_table
from eubiosis.evidence.graph.tables import Node, nodes_by_name, read_nodes
from eubiosis.evidence.records import companions
from eubiosis.evidence.records.rows import Read, Study, StudyEstimate
from eubiosis.evidence.records.store import Evidence, load
from eubiosis.evidence.synthesis.certainty import grade
from eubiosis.evidence.synthesis.derive import derive
from eubiosis.evidence.synthesis.pooling import pool_question
from eubiosis.evidence.synthesis.selection import PoolQuestion, select


class Claim(TableRow):
    """A sentence in circulation. ``subject`` is an intervention, taxon or node; lists use semicolons."""

    id: str
    statement: str
    kind: Literal["direction", "number", "share", "taxon direction", "taxon effect", "edge"]
    subject: str
    outcomes: str = ""
    claimed_direction: Literal["", "lower", "higher", "either"] = ""
    claimed_value: float | None = None
    claimed_metric: str = ""
    tolerance: float | None = None
    source: str
    read: Read

    @property
    def subjects(self) -> tuple[str, ...]:
        """Return the names of the list of subjects."""
        return tuple(self.subject.split(";"))

    @property
    def outcome_ids(self) -> tuple[str, ...]:
        """Return the ids of the list of outcomes; empty for every outcome."""
        return tuple(self.outcomes.split(";")) if self.outcomes else ()


def read_claims(evidence: Evidence) -> list[Claim]:
    """Read the table of claims of an evidence folder; raises ``FindingsError`` for invalid rows."""
    findings = FindingCollector()
    claims = read_table(evidence.folder / "claims.tsv", Claim, findings)
    findings.raise_if_any()
    return claims


def audit(evidence: Evidence | None = None) -> list[AuditedClaim]:
    """Judge every claim in circulation by the rule of its kind, with the records beside it.

    >>> {one.claim: one.verdict for one in audit()}["relapse_rr"]
    'untraceable'
    """
    tables = evidence or load()
    return [audit_claim(tables, claim) for claim in read_claims(tables)]


def audit_claim(evidence: Evidence, claim: Claim) -> AuditedClaim:
    """Judge one claim by the rule of its kind."""
    if claim.kind == "direction":
        return _direction(evidence, claim)
    if claim.kind == "number":
        return _number(evidence, claim)
    if claim.kind == "share":
        return _share(evidence, claim)
    if claim.kind == "taxon direction":
        return _taxon_direction(evidence, claim)
    return _edges(evidence, claim)


def _records(evidence: Evidence, claim: Claim) -> list[tuple[Study, StudyEstimate]]:
    """Return the human estimates of the claim's subject and outcomes; "microbiome" is every such class."""
    outcomes = set(claim.outcome_ids) or None
    subjects = _subjects(evidence, claim)
    return [
        (evidence.studies[e.study_id], e)
        for e in evidence.estimates
        if (outcomes is None or e.outcome in outcomes)
        and evidence.studies[e.study_id].species == "human"
        and {evidence.studies[e.study_id].intervention, evidence.studies[e.study_id].subclass} & subjects
    ]


def _subjects(evidence: Evidence, claim: Claim) -> set[str]:
    if claim.subject == "microbiome":
        return {t.id for t in evidence.interventions.values() if t.microbiome_targeted == "yes"}
    return {evidence.intervention(name).id for name in claim.subjects}


def why_not_counted(study: Study, estimate: StudyEstimate) -> str:
    """Return why a record has no vote, or an empty string."""
    if study.integrity_status in ("retracted", "notice"):
        return f"{study.integrity_status}: {study.integrity_reason}"
    if estimate.read == "recalled":
        return "recalled: nobody has read the source"
    if not estimate.randomised:
        return f"not randomised ({estimate.design})"
    if estimate.measure == "within_change":
        return "a change within one arm"
    if estimate.verdict == "uncontrolled_improvement":
        return "no comparison with a control"
    return ""


def _describe(evidence: Evidence, estimate: StudyEstimate) -> str:
    numbers = ""
    if estimate.effect is not None:
        numbers = f" {estimate.effect:g}"
        if estimate.ci_low is not None and estimate.ci_high is not None:
            numbers += f" [{estimate.ci_low:g}, {estimate.ci_high:g}]"
    p = f", p {estimate.p_value}" if estimate.p_value else ""
    outcome = in_sentence(evidence.outcome(estimate.outcome).label)
    return f"{outcome} ({estimate.outcome_scale}){numbers}{p}: {estimate.verdict.replace('_', ' ')}"


def _direction(evidence: Evidence, claim: Claim) -> AuditedClaim:
    lines: list[ClaimLine] = []
    votes: dict[str, tuple[Study, list[bool]]] = {}
    for study, estimate in _records(evidence, claim):
        excuse = why_not_counted(study, estimate)
        favours = estimate.verdict == "favours_treatment"
        if claim.claimed_direction not in ("either", estimate.direction_better):
            favours = estimate.verdict == "favours_control"
        text = f"{study.id}: {_describe(evidence, estimate)}"
        if study.comparator in ("lower dose", "active treatment"):
            text += f"; compared with: {study.comparator}"
        if excuse:
            lines.append(ClaimLine("does not count", estimate.id, f"{text}; {excuse}", estimate.source))
            continue
        votes.setdefault(study.cohort_id, (study, []))[1].append(favours)
        if study.integrity_status == "failed_check":
            text += f"; MARKED failed check: {study.integrity_reason}"
        lines.append(ClaimLine("supports" if favours else "contradicts", estimate.id, text, estimate.source))
    if not votes:
        return _audited(
            claim, "not tested", "no randomised comparison in people with a readable result", lines
        )
    unanimous = [study for study, answers in votes.values() if all(answers)]
    refused = [study for study, answers in votes.values() if not any(answers)]
    if len(refused) == len(votes):
        verdict: Verdict = "contradicted"
        reason = _none(len(votes))
    elif len(unanimous) < len(votes):
        verdict = "mixed"
        reason = f"{len(unanimous)} of {_counted(len(votes), 'randomised cohort')} found it throughout"
    else:
        groups = {s.author_group for s in unanimous if s.integrity_status == "none"}
        certain = [level for _, level in _certainties(evidence, claim) if level != "very low"]
        verdict = "supported" if len(groups) >= 2 and certain else "mixed"
        reason = f"{_all(len(votes))} found it; unflagged independent groups: {len(groups)}"
    levels = "".join(
        f"; certainty of the pooled {in_sentence(evidence.outcome(name).label)}: {level}"
        for name, level in _certainties(evidence, claim)
    )
    return _audited(claim, verdict, reason + levels, lines)


def _certainties(evidence: Evidence, claim: Claim) -> list[tuple[str, str]]:
    """Return the certainty of each pool that the claim's outcomes allow, to stand beside the verdict."""
    levels: list[tuple[str, str]] = []
    for outcome, subject in product(claim.outcome_ids, claim.subjects):
        question = PoolQuestion(outcome, subject)
        if select(evidence, question).included:
            level = grade(pool_question(evidence, question, sensitivity=False), evidence).level
            levels.append((outcome, level))
    return levels


def _number(evidence: Evidence, claim: Claim) -> AuditedClaim:
    assert claim.claimed_value is not None
    assert claim.tolerance is not None
    scales = {METRICS[m.strip().replace(" ", "-")] for m in claim.claimed_metric.split(";")}
    lines: list[ClaimLine] = []
    estimates: list[tuple[float, float, float]] = []
    matching: list[tuple[float, float, float]] = []
    for study, estimate in _records(evidence, claim):
        excuse = why_not_counted(study, estimate)
        found = [d for scale, d in derive(estimate).items() if scale in scales] if not excuse else []
        if not found:
            text = (
                f"{study.id}: {_describe(evidence, estimate)}; {excuse or 'no number on the claimed metric'}"
            )
            lines.append(ClaimLine("does not count", estimate.id, text, estimate.source))
            continue
        effect = found[0].effect
        half = Z975 * effect.standard_error
        triple = (effect.estimate, effect.estimate - half, effect.estimate + half)
        estimates.append(triple)
        value, low, high = (natural(x, effect.scale) for x in triple)
        matches = abs(value - claim.claimed_value) <= claim.tolerance
        if matches:
            matching.append(triple)
        text = f"{study.id}: {value:.2f} [{low:.2f}, {high:.2f}], claimed {claim.claimed_value:g}"
        lines.append(ClaimLine("supports" if matches else "contradicts", estimate.id, text, estimate.source))
    ratio = any(is_ratio(scale) for scale in scales)
    target = math.log(claim.claimed_value) if ratio else claim.claimed_value
    lines += _elsewhere(evidence, claim)
    if matching:
        significant = any(low > 0 or high < 0 for _, low, high in matching)
        reason = f"{_counted(len(matching), 'record')} with this number"
        return _audited(claim, "supported" if significant else "mixed", reason, lines)
    if estimates and all(not low <= target <= high for _, low, high in estimates):
        return _audited(claim, "contradicted", "every interval excludes the number", lines)
    none = ", none with the number" if estimates else ""
    reason = f"{_counted(len(estimates), 'record')} on this metric{none}"
    return _audited(claim, "untraceable", reason, lines)


def _counted(count: int, noun: str) -> str:
    return f"{count or 'no'} {noun}{'' if count == 1 else 's'}"


def _none(cohorts: int) -> str:
    said = {1: "the only randomised cohort did not find it", 2: "neither of 2 randomised cohorts found it"}
    return said.get(cohorts, f"none of {cohorts} randomised cohorts found it")


def _all(cohorts: int) -> str:
    said = {1: "the only randomised cohort", 2: "both randomised cohorts"}
    return said.get(cohorts, f"all {cohorts} randomised cohorts")


def _elsewhere(evidence: Evidence, claim: Claim) -> list[ClaimLine]:
    """List where the number does occur: other interventions, and pooled results, which never count."""
    assert claim.claimed_value is not None
    assert claim.tolerance is not None
    wanted, subjects = set(claim.outcome_ids), _subjects(evidence, claim)
    lines = []
    for e in evidence.estimates:
        study = evidence.studies[e.study_id]
        if e.outcome not in wanted or {study.intervention, study.subclass} & subjects:
            continue
        values = [natural(d.effect.estimate, d.effect.scale) for s, d in derive(e).items() if s != "MD"]
        if any(abs(value - claim.claimed_value) <= claim.tolerance for value in values):
            text = f"{study.id}: the number occurs, but for {study.agent}; {_describe(evidence, e)}"
            lines.append(ClaimLine("does not count", e.id, text, e.source))
    for row in evidence.table(companions.MetaAnalysis):
        if row.effect is not None and abs(row.effect - claim.claimed_value) <= claim.tolerance:
            what = f"{row.effect_metric} {row.effect:g} for {row.outcome}, {row.intervention} ({row.read})"
            text = f"{row.author} {row.year}: the number occurs as {what}"
            lines.append(ClaimLine("does not count", row.id, text, row.source))
    return lines


def _share(evidence: Evidence, claim: Claim) -> AuditedClaim:
    lines = []
    for study, estimate in _records(evidence, claim):
        if estimate.measure == "proportion":
            excuse = why_not_counted(study, estimate) or "no share of responders"
            text = f"{study.id}: {_describe(evidence, estimate)}; {excuse}"
            lines.append(ClaimLine("does not count", estimate.id, text, estimate.source))
    return _audited(
        claim, "untraceable", "no randomised comparison reports a share of responders", tuple(lines)
    )


def _taxon_direction(evidence: Evidence, claim: Claim) -> AuditedClaim:
    reports: dict[str, set[str]] = {}
    lines = []
    for row in evidence.table(companions.TaxonDirection):
        if row.genus != claim.subject:
            continue
        text = f"{row.study_id}: {row.taxon} {row.direction} in MS ({row.ms_type}; {row.method})"
        if row.read == "recalled" or row.report == "review":
            lines.append(
                ClaimLine("does not count", row.study_id, f"{text}; not a primary report read", row.source)
            )
            continue
        reports.setdefault(row.study_id, set()).add(row.direction)
        agrees = (row.direction == "up") == (claim.claimed_direction == "higher")
        lines.append(ClaimLine("supports" if agrees else "contradicts", row.study_id, text, row.source))
    wanted = "up" if claim.claimed_direction == "higher" else "down"
    alone = [wanted in r and len(r) == 1 for r in reports.values()]
    other = [not only for only in alone]
    return _by_counts(claim, alone, other, lines, "studies")


def _edges(evidence: Evidence, claim: Claim) -> AuditedClaim:
    nodes = read_nodes(evidence)
    names = nodes_by_name(nodes)
    subjects = set(claim.subjects)
    lines: list[ClaimLine] = []
    yes: list[str] = []
    no: list[str] = []
    for row in evidence.table(companions.Mechanism):
        source, target = names[row.source_entity], names[row.target_entity]
        if source.id not in subjects or (claim.kind == "edge" and target.id not in claim.outcome_ids):
            continue
        agrees = _agrees(claim, row.sign, target)
        if agrees is None:
            continue
        text = f"{row.study} ({row.evidence_type}): {row.source_entity} {row.sign} {row.target_entity}"
        if row.dose_response:
            text += f"; {row.dose_response}"
        if row.read == "recalled":
            lines.append(
                ClaimLine(
                    "does not count", row.id, text + "; recalled: nobody has read it", row.doi or row.study
                )
            )
            continue
        (yes if agrees else no).append(row.study)
        lines.append(ClaimLine("supports" if agrees else "contradicts", row.id, text, row.doi or row.study))
    return _by_counts(claim, [True] * len(set(yes)), [True] * len(set(no)), lines, "reports")


def _agrees(claim: Claim, sign: str, target: Node) -> bool | None:
    """Say whether an edge agrees with "raises" or, for a taxon effect, with "harms"; None for no sign."""
    if sign == "+/-":
        return None
    if claim.kind == "edge":
        return (sign == "+") == (claim.claimed_direction == "higher")
    if target.harm == 0:
        return None
    return (sign == "+") == (target.harm > 0)


def _by_counts(
    claim: Claim, yes: Iterable[bool], no: Iterable[bool], lines: Sequence[ClaimLine], what: str
) -> AuditedClaim:
    found, against = sum(yes), sum(no)
    told = {"reports": "report", "studies": "study"}.get(what, what) if found == 1 else what
    reason = f"{found} {told} for it, {against} against or both ways"
    verdict: Verdict
    if not found and not against:
        verdict, reason = "not tested", f"no {what} that somebody has read"
    elif not against:
        verdict = "supported" if found >= 2 else "mixed"
    else:
        verdict = "mixed" if found else "contradicted"
    return _audited(claim, verdict, reason, lines)


def _audited(claim: Claim, verdict: Verdict, reason: str, lines: Sequence[ClaimLine]) -> AuditedClaim:
    return AuditedClaim(
        claim.id, claim.statement, claim.kind, claim.source, claim.read, verdict, reason, tuple(lines),
        claim.outcome_ids,
    )  # fmt: skip
