"""Find every inconsistency of the evidence, and hold it against the list of those already acknowledged."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from eubiosis.core.findings import Finding, FindingCollector, FindingsError
from eubiosis.core.tables import TableRow, read_table, write_table
from eubiosis.evidence.integrity.forensics import p_fits, p_from_interval
from eubiosis.evidence.integrity.trial_checks import RESULTS_DOMAIN, CheckResult, check_trials
from eubiosis.evidence.records import companions
from eubiosis.evidence.records.rows import AgentTaxon, parse_p
from eubiosis.evidence.records.store import Evidence, broken_references, load
from eubiosis.evidence.synthesis.pooling import pool

STORED = "checks.tsv"
ACKNOWLEDGED = "acknowledged.tsv"
_PREFIXES = tuple(
    f"{name}:"
    for name in (
        "NCBITaxon",
        "NCBIGene",
        "MESH",
        "CHEBI",
        "PubChem",
        "CL",
        "UBERON",
        "MONDO",
        "EFO",
        "NCIT",
        "GO",
    )
)
_RATIO_METRICS = ("RR", "OR", "HR")


class Acknowledged(TableRow):
    """A known defect: which check, where, and why it stands."""

    check: str
    place: str
    reason: str


@dataclass(frozen=True)
class Defect:
    """One inconsistency in one place."""

    check: str
    place: str
    problem: str


@dataclass(frozen=True)
class CheckReport:
    """What ``check`` found: defects nobody has acknowledged, those acknowledged, and trial-check counts."""

    open: tuple[Finding, ...]
    acknowledged: tuple[tuple[Defect, str], ...]
    results: tuple[CheckResult, ...]


def check(evidence: Evidence | None = None) -> CheckReport:
    """Run every check; a defect counts as open unless acknowledged with a reason.

    >>> check().open
    ()
    """
    evidence = evidence or load()
    results = check_trials(evidence)
    findings = FindingCollector()
    findings.extend(broken_references(evidence))
    known = {(row.check, row.place): row.reason for row in _acknowledged(evidence, findings)}
    findings.extend(stale(evidence, results))
    accepted: list[tuple[Defect, str]] = []
    seen: set[tuple[str, str]] = set()
    for defect in (*_failed(results), *table_defects(evidence)):
        key = (defect.check, defect.place)
        seen.add(key)
        if key in known:
            accepted.append((defect, known[key]))
        else:
            findings.add("evidence", defect.place, f"{defect.check}: {defect.problem}",
                         next_step=f"correct it, or add it to {ACKNOWLEDGED} with the reason")  # fmt: skip
    for name, place in known.keys() - seen:
        findings.add(
            ACKNOWLEDGED, place, f"{name}: no such defect is found any more", next_step="remove the row"
        )
    return CheckReport(tuple(findings.findings), tuple(accepted), tuple(results))


def _acknowledged(evidence: Evidence, findings: FindingCollector) -> list[Acknowledged]:
    path = evidence.folder / ACKNOWLEDGED
    return read_table(path, Acknowledged, findings) if path.exists() else []


def store(evidence: Evidence, results: Iterable[CheckResult], path: Path | None = None) -> Path:
    """Write the outcome of every check to the evidence folder, or to ``path``."""
    target = path or evidence.folder / STORED
    write_table(target, list(results), list(CheckResult.model_fields))
    return target


def stale(evidence: Evidence, results: list[CheckResult]) -> list[Finding]:
    """Report where the stored outcomes are not the ones that the checks give now."""
    findings = FindingCollector()
    path = evidence.folder / STORED
    if not path.exists():
        return [Finding(STORED, "", "no outcome is stored", next_step="run: eubiosis evidence check --write")]
    stored = read_table(path, CheckResult, findings)
    if not findings.findings and stored != results:
        now, before = set(results), set(stored)
        example = next(iter(now ^ before), None)
        where = f"{example.study_id} {example.estimate_id} {example.check}" if example else "order of rows"
        findings.add(STORED, where, f"{len(now ^ before)} outcomes differ from what the checks give now",
                     next_step="run: eubiosis evidence check --write")  # fmt: skip
    return findings.findings


def _failed(results: Iterable[CheckResult]) -> Iterator[Defect]:
    for result in results:
        if result.outcome == "failed" and result.check != RESULTS_DOMAIN:
            yield Defect(result.check, result.estimate_id or result.study_id, result.detail)


def table_defects(evidence: Evidence) -> Iterator[Defect]:
    """Yield what is inconsistent between rows and tables."""
    yield from _status(evidence)
    yield from _duplicates(evidence)
    yield from _unread(evidence)
    yield from _pooled_results(evidence)
    yield from _ids(evidence)
    yield from _targets(evidence)
    yield from _pins(evidence)


def _status(evidence: Evidence) -> Iterator[Defect]:
    """A study whose numbers fail a check and whose status says nothing, and the reverse."""
    failed: dict[str, list[str]] = defaultdict(list)
    for result in check_trials(evidence):
        if result.outcome == "failed" and result.estimate_id:
            failed[result.study_id].append(result.check)
    for study in evidence.studies.values():
        if study.id in failed and study.integrity_status == "none":
            checks = ", ".join(dict.fromkeys(failed[study.id]))
            yield Defect("status", study.id, f"status none, yet these checks fail: {checks}")
        if study.integrity_status == "failed_check" and study.id not in failed:
            yield Defect("status", study.id, "status failed_check, yet every check that is possible passes")


def _duplicates(evidence: Evidence) -> Iterator[Defect]:
    """Studies that share a registration or a report and are still counted as different cohorts."""
    for field in ("registry_id", "pmid", "doi"):
        cohorts: dict[str, set[str]] = defaultdict(set)
        for study in evidence.studies.values():
            if study.species == "human" and getattr(study, field):
                cohorts[getattr(study, field)].add(study.cohort_id)
        for value, ids in cohorts.items():
            if len(ids) > 1:
                yield Defect("duplicate cohort", value, f"one {field} under cohorts {', '.join(sorted(ids))}")
    sizes: dict[tuple[object, ...], set[str]] = defaultdict(set)
    for estimate in evidence.estimates:
        study = evidence.studies[estimate.study_id]
        key = (study.agent, estimate.outcome, estimate.treatment_mean, estimate.control_mean, estimate.effect)
        if estimate.effect is not None and estimate.treatment_mean is not None:
            sizes[key].add(study.cohort_id)
    for (agent, outcome, *_), ids in sizes.items():
        if len(ids) > 1:
            problem = f"{agent}: the same numbers in cohorts {', '.join(sorted(ids))}"
            yield Defect("duplicate cohort", str(outcome), problem)


def _unread(evidence: Evidence) -> Iterator[Defect]:
    for estimate in evidence.estimates:
        if estimate.read == "recalled":
            yield Defect("source not read", estimate.id, "recalled; never pooled unless asked for")
        if (estimate.ci_low is None) != (estimate.ci_high is None):
            yield Defect("incomplete interval", estimate.id, "only one limit is readable")
        if not estimate.source:
            yield Defect("missing source", estimate.id, "no source")
    dubious = [s.id for s in evidence.studies.values() if s.doi_status == "recalled"]
    if dubious:
        yield Defect("source not read", "studies.tsv", f"DOI recalled: {', '.join(dubious)}")
    absent = [s.id for s in evidence.studies.values() if not (s.doi or s.pmid or s.registry_id)]
    if absent:
        yield Defect("missing source", "studies.tsv", f"no DOI, PMID or registration: {', '.join(absent)}")


def _pooled_results(evidence: Evidence) -> Iterator[Defect]:
    for row in evidence.table(companions.MetaAnalysis):
        if row.read == "recalled":
            yield Defect("source not read", row.id, f"{row.author} {row.year} {row.outcome}: recalled")
        if row.effect is None or row.ci_low is None or row.ci_high is None:
            if row.effect is not None:
                yield Defect(
                    "incomplete interval", row.id, f"{row.author} {row.year} {row.outcome}: no interval"
                )
            continue
        if not row.ci_low <= row.effect <= row.ci_high:
            yield Defect("interval", row.id, f"{row.effect} outside {row.ci_low} to {row.ci_high}")
        ratio = row.effect_metric in _RATIO_METRICS
        printed = parse_p(row.p_value) if row.p_value else None
        p = p_from_interval(row.effect, row.ci_low, row.ci_high, ratio=ratio)
        if printed and not p_fits(printed, p, p):
            problem = (
                f"{row.author} {row.year} {row.outcome}: printed p {row.p_value}, interval gives {p:.2g}"
            )
            yield Defect("p against interval", row.id, problem)
        if row.called == "non-significant" and p < 0.05 / 3:
            problem = (
                f"{row.author} {row.year} {row.outcome}: called non-significant, interval gives p {p:.2g}"
            )
            yield Defect("words against interval", row.id, problem)
        if not ratio and row.metric_doubted:
            yield Defect("metric", row.id, row.note)


def _ids(evidence: Evidence) -> Iterator[Defect]:
    yield from _mechanism_ids(evidence)
    yield from _entity_ids(evidence)


def _mechanism_ids(evidence: Evidence) -> Iterator[Defect]:
    unverified: set[str] = set()
    recalled_doi: set[str] = set()
    for row in evidence.table(companions.Mechanism):
        for cell in (row.source_id, row.target_id):
            for part in filter(None, cell.split(" ")[0].split("|")):
                if part.endswith("~"):
                    unverified.add(part)
                elif not part.startswith(_PREFIXES) and not part.isdigit():
                    yield Defect("unknown id", row.id, f'"{part}" has no known prefix')
        if row.doi_status == "recalled":
            recalled_doi.add(row.study)
    if recalled_doi:
        yield Defect("source not read", "mechanisms.tsv", f"DOI recalled: {', '.join(sorted(recalled_doi))}")
    if unverified:
        yield Defect("unverified id", "mechanisms.tsv", f"{len(unverified)}: {', '.join(sorted(unverified))}")


def _entity_ids(evidence: Evidence) -> Iterator[Defect]:
    for entity in evidence.table(companions.Entity):
        if entity.wrong_tag:
            yield Defect("wrong tag", f"{entity.name} {entity.id}", entity.note)
        if ":" not in entity.id:
            yield Defect("unknown id", entity.name, f'"{entity.id}" is not an id')
    taxa = sorted({r.taxon for r in evidence.table(companions.TaxonDirection) if r.ncbi_taxid is None})
    if taxa:
        yield Defect("unknown id", "taxa.tsv", f"no taxon id: {', '.join(taxa)}")
    recalled = sorted({a.taxon for a in evidence.table(AgentTaxon) if a.taxid_read == "recalled"})
    if recalled:
        yield Defect("unverified id", "agents.tsv", f"taxon id recalled: {', '.join(recalled)}")


def _targets(evidence: Evidence) -> Iterator[Defect]:
    """A hold-out whose cohort is also fitted, and targets that name no study."""
    targets = evidence.table(companions.CalibrationTarget)
    named = {t.id: [n for n in t.study_ids.split(";") if n] for t in targets}
    for target in targets:
        unknown = [name for name in named[target.id] if name not in evidence.studies]
        if unknown:
            yield Defect("unknown id", f"target {target.id}", f"no such study: {', '.join(unknown)}")
    fitted = {
        evidence.cohort_of(n)
        for t in targets
        if t.role == "fit"
        for n in named[t.id]
        if n in evidence.studies
    }
    for target in targets:
        held = {evidence.cohort_of(n) for n in named[target.id] if n in evidence.studies}
        if target.role == "holdout" and held & fitted:
            yield Defect(
                "hold-out", f"target {target.id}", f"also fitted: {', '.join(sorted(held & fitted))}"
            )


def _pins(evidence: Evidence) -> Iterator[Defect]:
    """Pools computed by another program that ours does not reproduce to the digits given."""
    for pin in evidence.table(companions.PinnedPool):
        try:
            ours = pool(pin.outcome, pin.intervention, studies=pin.studies.split("+"), metric=pin.metric,
                        tau2="DL", ci="wald", sensitivity=False, evidence=evidence)  # fmt: skip
        except FindingsError as error:
            yield Defect("pinned pool", pin.id, str(error))
            continue
        pairs = ((ours.headline.estimate, pin.effect), (ours.headline.low, pin.ci_low),
                 (ours.headline.high, pin.ci_high))  # fmt: skip
        if ours.k != pin.k or any(a is None or abs(a - b) > 0.0051 for a, b in pairs):
            yield Defect("pinned pool", pin.id, f"k {ours.k}, {ours.headline} instead of {pin.effect}")
