"""Load the evidence tables with all findings at once, and find terms by any of their names."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TypeVar

from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.findings import Finding, FindingCollector, FindingsError, nearest, unknown_word
from eubiosis.core.tables import TableRow, check_unique, display_name, read_table
from eubiosis.evidence.records import companions
from eubiosis.evidence.records.control_arms import ControlArm, ControlArmRate
from eubiosis.evidence.records.rows import (
    AgentTaxon,
    InterventionTerm,
    OutcomeTerm,
    RiskOfBias,
    ScaleTerm,
    Study,
    StudyEstimate,
)

RowT = TypeVar("RowT", bound=TableRow)

# row schema -> the table that holds its rows; the file is <table>.tsv
TABLES: Mapping[type[TableRow], str] = {
    Study: "studies",
    StudyEstimate: "estimates",
    RiskOfBias: "risk_of_bias",
    OutcomeTerm: "outcomes",
    InterventionTerm: "interventions",
    AgentTaxon: "agents",
    ScaleTerm: "scales",
    companions.MetaAnalysis: "meta_analyses",
    companions.PinnedPool: "recomputed_pools",
    companions.AdverseEvent: "adverse_events",
    companions.CalibrationTarget: "calibration_targets",
    companions.TaxonDirection: "taxa",
    companions.TaxonConsensus: "consensus",
    companions.Signature: "signatures",
    companions.Entity: "entities",
    companions.MarkerLevel: "quantities",
    companions.Mechanism: "mechanisms",
    companions.Anchor: "anchors",
    companions.IndirectTrial: "indirect",
    companions.SeenTrial: "trials_seen",
    ControlArm: "control_arms",
    ControlArmRate: "control_arm_rates",
}


def packaged_folder() -> Path:
    """Return the folder of the evidence tables that come with the project."""
    return PACKAGED_CONTENT / "evidence"


@dataclass(frozen=True)
class Evidence:
    """Every table of an evidence folder, in file order: rows by their schema."""

    folder: Path
    rows: Mapping[type[TableRow], tuple[TableRow, ...]]

    def table(self, kind: type[RowT]) -> tuple[RowT, ...]:
        """Return the rows of one schema, in file order.

        Raises ``KeyError`` naming the schemas for one that no table has.

        >>> load().table(ControlArm)[0].trial
        'TEMSO'
        """
        if kind not in self.rows:
            message = f"{kind.__name__} is the schema of no table; allowed: {', '.join(_names_of(self.rows))}"
            raise KeyError(message)
        return tuple(row for row in self.rows[kind] if isinstance(row, kind))

    def __repr__(self) -> str:
        sizes = f"{len(self.studies)} studies, {len(self.estimates)} estimates, {len(self.rows)} tables"
        return f"Evidence({sizes}; {display_name(self.folder)})"

    @cached_property
    def studies(self) -> dict[str, Study]:
        """Return the studies by id."""
        return {row.id: row for row in self.table(Study)}

    @cached_property
    def estimates(self) -> tuple[StudyEstimate, ...]:
        """Return all estimates."""
        return self.table(StudyEstimate)

    @cached_property
    def outcomes(self) -> dict[str, OutcomeTerm]:
        """Return the outcome terms by id."""
        return {row.id: row for row in self.table(OutcomeTerm)}

    @cached_property
    def interventions(self) -> dict[str, InterventionTerm]:
        """Return the intervention terms by id."""
        return {row.id: row for row in self.table(InterventionTerm)}

    @cached_property
    def scales(self) -> dict[str, ScaleTerm]:
        """Return the scales by id."""
        return {row.id: row for row in self.table(ScaleTerm)}

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

    def with_rows(self, replaced: Mapping[type[TableRow], Iterable[TableRow]]) -> Evidence:
        """Return a copy in which the tables of the schemas named hold other rows."""
        return Evidence(self.folder, {**self.rows, **{kind: tuple(rows) for kind, rows in replaced.items()}})

    @cached_property
    def _outcome_names(self) -> dict[str, str]:
        return _names(self.outcomes.values())

    @cached_property
    def _intervention_names(self) -> dict[str, str]:
        return _names(self.interventions.values())


def load(folder: Path | None = None) -> Evidence:
    """Read every table of an evidence folder (by default the packaged one, each table when it is needed).

    Raises ``FindingsError`` with every invalid cell and every broken reference between tables; the packaged
    ones are checked by ``check``.

    >>> load().outcome("hs-CRP").id
    'hs_CRP'
    """
    return _load_packaged() if folder is None else _read(folder)


@cache
def _load_packaged() -> Evidence:
    """Return the packaged tables, each read when it is first asked for; ``check`` reads them all."""
    return Evidence(packaged_folder(), _Packaged(packaged_folder()))


class _Packaged(Mapping[type[TableRow], tuple[TableRow, ...]]):
    """The tables of the package by their row schema, each read once, when it is needed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[type[TableRow], tuple[TableRow, ...]] = {}

    def __getitem__(self, kind: type[TableRow]) -> tuple[TableRow, ...]:
        if kind not in self._known:
            findings = FindingCollector()
            self._known[kind] = tuple(read_table(self._folder / f"{TABLES[kind]}.tsv", kind, findings))
            findings.raise_if_any()
        return self._known[kind]

    def __iter__(self) -> Iterator[type[TableRow]]:
        return iter(TABLES)

    def __len__(self) -> int:
        return len(TABLES)


def _read(folder: Path) -> Evidence:
    findings = FindingCollector()
    rows = {kind: tuple(read_table(folder / f"{name}.tsv", kind, findings)) for kind, name in TABLES.items()}
    findings.raise_if_any()
    evidence = Evidence(folder, rows)
    findings.extend(broken_references(evidence))
    findings.raise_if_any()
    return evidence


def broken_references(evidence: Evidence) -> list[Finding]:
    """Report ids that occur twice and ids that no other table knows."""
    findings = FindingCollector()
    for kind, rows in evidence.rows.items():
        if "id" in kind.model_fields:
            keys = ((str(getattr(row, "id")), f"row {i}") for i, row in enumerate(rows, start=2))  # noqa: B009
            check_unique(keys, f"{TABLES[kind]}.tsv", "id", findings)
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
    for row in evidence.table(RiskOfBias):
        yield "risk_of_bias.tsv", row.study_id, "study", row.study_id, studies
    for event in evidence.table(companions.AdverseEvent):
        yield "adverse_events.tsv", event.study_id, "study", event.study_id, studies
    for trial in evidence.table(companions.IndirectTrial):
        yield "indirect.tsv", trial.id, "outcome", trial.outcome, evidence.outcomes
        yield "indirect.tsv", trial.id, "intervention", trial.intervention, evidence.interventions
    for seen in evidence.table(companions.SeenTrial):
        if seen.intervention:
            yield "trials_seen.tsv", seen.id, "intervention", seen.intervention, evidence.interventions
    agents = {study.agent for study in studies.values()}
    for taxon in evidence.table(AgentTaxon):
        yield "agents.tsv", taxon.agent, "agent", taxon.agent, agents


def _names_of(rows: Iterable[type[TableRow]]) -> list[str]:
    return [kind.__name__ for kind in rows]


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
