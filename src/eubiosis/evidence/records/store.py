"""Load the evidence tables with all findings at once, and find terms by any of their names."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TypeVar

from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.findings import Finding, FindingCollector, FindingsError, nearest, unknown_word
from eubiosis.core.tables import TableRow, check_unique, read_table
from eubiosis.evidence.records import companions
from eubiosis.evidence.records.rows import (
    AgentTaxon,
    Estimate,
    InterventionTerm,
    OutcomeTerm,
    RiskOfBias,
    ScaleTerm,
    Study,
)

RowT = TypeVar("RowT", bound=TableRow)

# table -> row schema; the file is <table>.tsv
TABLES: dict[str, type[TableRow]] = {
    "studies": Study,
    "estimates": Estimate,
    "risk_of_bias": RiskOfBias,
    "outcomes": OutcomeTerm,
    "interventions": InterventionTerm,
    "agents": AgentTaxon,
    "scales": ScaleTerm,
    "meta_analyses": companions.MetaAnalysis,
    "recomputed_pools": companions.PinnedPool,
    "adverse_events": companions.AdverseEvent,
    "calibration_targets": companions.CalibrationTarget,
    "taxa": companions.TaxonDirection,
    "consensus": companions.TaxonConsensus,
    "signatures": companions.Signature,
    "entities": companions.Entity,
    "quantities": companions.Quantity,
    "mechanisms": companions.Mechanism,
    "anchors": companions.Anchor,
    "control_arms": companions.ControlArm,
    "control_arm_rates": companions.ControlArmRate,
}


def packaged_folder() -> Path:
    """Return the folder of the evidence tables that come with the project."""
    return PACKAGED_CONTENT / "evidence"


@dataclass(frozen=True)
class Evidence:
    """Every table of an evidence folder, in file order."""

    folder: Path
    rows: Mapping[str, tuple[TableRow, ...]]

    def table(self, name: str, row_type: type[RowT]) -> tuple[RowT, ...]:
        """Return the rows of one table with their type."""
        return tuple(row for row in self.rows[name] if isinstance(row, row_type))

    @cached_property
    def studies(self) -> dict[str, Study]:
        """Return the studies by id."""
        return {row.id: row for row in self.table("studies", Study)}

    @cached_property
    def estimates(self) -> tuple[Estimate, ...]:
        """Return all estimates."""
        return self.table("estimates", Estimate)

    @cached_property
    def outcomes(self) -> dict[str, OutcomeTerm]:
        """Return the outcome terms by id."""
        return {row.id: row for row in self.table("outcomes", OutcomeTerm)}

    @cached_property
    def interventions(self) -> dict[str, InterventionTerm]:
        """Return the intervention terms by id."""
        return {row.id: row for row in self.table("interventions", InterventionTerm)}

    @cached_property
    def scales(self) -> dict[str, ScaleTerm]:
        """Return the scales by id."""
        return {row.id: row for row in self.table("scales", ScaleTerm)}

    def outcome(self, name: str) -> OutcomeTerm:
        """Find an outcome by id, label or alias; capitals, hyphens and underscores do not matter.

        Raises ``FindingsError`` with the nearest name for one that is unknown.
        """
        return self.outcomes[
            _resolve(name, self._outcome_names, "outcome", "eubiosis evidence list outcomes")
        ]

    def intervention(self, name: str) -> InterventionTerm:
        """Find an intervention class or narrower term by any of its names, as ``outcome`` does."""
        names = self._intervention_names
        found = _resolve(name, names, "intervention", "eubiosis evidence list interventions")
        return self.interventions[found]

    def cohort_of(self, study_id: str) -> str:
        """Return the cohort id of a study."""
        return self.study(study_id).cohort_id

    def study(self, study_id: str) -> Study:
        """Return one study; raises ``FindingsError`` with the nearest id for one that is unknown."""
        if study_id not in self.studies:
            raise FindingsError([_unknown("study", study_id, self.studies, "eubiosis evidence list")])
        return self.studies[study_id]

    def with_rows(self, **replaced: Iterable[TableRow]) -> Evidence:
        """Return a copy in which the named tables hold other rows."""
        return Evidence(self.folder, {**self.rows, **{name: tuple(rows) for name, rows in replaced.items()}})

    @cached_property
    def _outcome_names(self) -> dict[str, str]:
        return _names(self.outcomes.values())

    @cached_property
    def _intervention_names(self) -> dict[str, str]:
        return _names(self.interventions.values())


def load(folder: Path | None = None) -> Evidence:
    """Read every table of an evidence folder (the packaged one by default).

    Raises ``FindingsError`` with every invalid cell and every broken reference between tables.
    """
    return _load_packaged() if folder is None else _read(folder)


@cache
def _load_packaged() -> Evidence:
    return _read(packaged_folder())


def _read(folder: Path) -> Evidence:
    findings = FindingCollector()
    rows = {
        name: tuple(read_table(folder / f"{name}.tsv", row_type, findings))
        for name, row_type in TABLES.items()
    }
    findings.raise_if_any()
    evidence = Evidence(folder, rows)
    findings.extend(broken_references(evidence))
    findings.raise_if_any()
    return evidence


def broken_references(evidence: Evidence) -> list[Finding]:
    """Report ids that occur twice and ids that no other table knows."""
    findings = FindingCollector()
    for name in (
        "studies",
        "estimates",
        "outcomes",
        "interventions",
        "scales",
        "mechanisms",
        "meta_analyses",
    ):
        keys = ((str(getattr(row, "id")), f"row {i}") for i, row in enumerate(evidence.rows[name], start=2))  # noqa: B009
        check_unique(keys, f"{name}.tsv", "id", findings)
    for file, place, what, word, known in _references(evidence):
        if word not in known:
            problem = f"{what} {unknown_word(word, known)}"
            findings.add(file, place, problem, next_step=f"correct it or add the {what}")
    return findings.findings


def _references(evidence: Evidence) -> Iterator[tuple[str, str, str, str, Collection[str]]]:
    """Yield (file, place, what is referred to, the word, the words known)."""
    studies, groups = (
        evidence.studies,
        {s.cohort_id for s in evidence.studies.values()} | set(evidence.studies),
    )
    for estimate in evidence.estimates:
        yield "estimates.tsv", estimate.id, "study", estimate.study_id, studies
        yield "estimates.tsv", estimate.id, "outcome", estimate.outcome, evidence.outcomes
    for study in studies.values():
        for term in filter(None, (study.intervention, study.subclass)):
            yield "studies.tsv", study.id, "intervention", term, evidence.interventions
        yield "studies.tsv", study.id, "author_group", study.author_group, groups
    for row in evidence.table("risk_of_bias", RiskOfBias):
        yield "risk_of_bias.tsv", row.study_id, "study", row.study_id, studies
    for event in evidence.table("adverse_events", companions.AdverseEvent):
        yield "adverse_events.tsv", event.study_id, "study", event.study_id, studies
    agents = {study.agent for study in studies.values()}
    for taxon in evidence.table("agents", AgentTaxon):
        yield "agents.tsv", taxon.agent, "agent", taxon.agent, agents


def _unknown(what: str, word: str, known: Iterable[str], command: str) -> Finding:
    return Finding("evidence", what, unknown_word(word, known), next_step=f"see: {command}")


def _names(terms: Iterable[OutcomeTerm | InterventionTerm]) -> dict[str, str]:
    names: dict[str, str] = {}
    for term in terms:
        for name in (term.id, term.label, *term.aliases.split(";")):
            if name.strip():
                names.setdefault(_fold(name), term.id)
    return names


def _resolve(name: str, names: Mapping[str, str], what: str, command: str) -> str:
    folded = _fold(name)
    if folded in names:
        return names[folded]
    close = nearest(folded, names)
    problem = f'"{name}" is unknown; nearest "{names[close]}"' if close else f'"{name}" is unknown'
    raise FindingsError([Finding("evidence", what, problem, next_step=f"see: {command}")])


def _fold(name: str) -> str:
    return " ".join(name.lower().replace("_", " ").replace("-", " ").split())
