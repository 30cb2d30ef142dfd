"""Add a study with its estimates from a filled template; nothing is written while a finding is open."""

from __future__ import annotations

from pathlib import Path

from eubiosis.core.findings import Finding, FindingCollector, FindingsError
from eubiosis.core.output import copy_files, staged
from eubiosis.core.tables import read_table, write_table
from eubiosis.evidence.integrity import checking
from eubiosis.evidence.integrity.trial_checks import check_trials
from eubiosis.evidence.records.rows import RiskOfBias, Study, StudyEstimate
from eubiosis.evidence.records.store import TABLES, Evidence, broken_references, load

STUDY_FILE, ESTIMATE_FILE = "studies.tsv", "estimates.tsv"


def write_template(folder: Path) -> tuple[Path, Path]:
    """Write two empty tables to fill in: one row per study, one row per estimate.

    Raises ``FindingsError`` rather than overwrite a table that is there already.
    """
    targets = folder / STUDY_FILE, folder / ESTIMATE_FILE
    there = [path for path in targets if path.exists()]
    if there:
        raise FindingsError([Finding(str(path), "", "is there already", next_step="choose another folder")
                             for path in there])  # fmt: skip
    with staged(folder) as aside:
        write_table(aside / STUDY_FILE, [], list(Study.model_fields))
        write_table(aside / ESTIMATE_FILE, [], list(StudyEstimate.model_fields))
    return targets


def add(filled: Path, target: Path, evidence: Evidence) -> Evidence:
    """Check a filled template against the evidence and write both together to ``target``.

    ``filled`` holds studies.tsv and estimates.tsv; ``target`` must not exist or be the folder the evidence
    was read from, outside the installed package. Raises ``FindingsError`` with every invalid cell, broken
    reference and failed check of the new rows, and then writes nothing.
    """
    findings = FindingCollector()
    studies = read_table(filled / STUDY_FILE, Study, findings)
    estimates = read_table(filled / ESTIMATE_FILE, StudyEstimate, findings)
    if not findings.findings and not (studies and estimates):
        findings.add(filled.name, "", "no study or no estimate is filled in", next_step="fill in both tables")
    findings.raise_if_any()
    new = {s.id for s in studies}
    for estimate in estimates:
        if estimate.study_id not in new and estimate.study_id not in evidence.studies:
            findings.add(
                ESTIMATE_FILE, estimate.id, f'no study "{estimate.study_id}"', next_step="add its row"
            )
    findings.raise_if_any()
    grown = evidence.with_rows(
        {
            Study: (*evidence.studies.values(), *studies),
            StudyEstimate: (*evidence.estimates, *estimates),
            RiskOfBias: (*evidence.table(RiskOfBias), *_empty_risk(studies, estimates)),
        }
    )
    findings.extend(broken_references(grown))
    findings.raise_if_any()
    before = set(checking.check(evidence).open)
    after = checking.check(grown).open
    findings.extend(f for f in after if f.file != checking.STORED and f not in before)
    findings.raise_if_any()
    return _write(grown, target, evidence)


def _empty_risk(studies: list[Study], estimates: list[StudyEstimate]) -> list[RiskOfBias]:
    randomised = {e.study_id for e in estimates if e.randomised}
    return [
        RiskOfBias(study_id=s.id, tool="RoB 2" if s.id in randomised else "ROBINS-I")
        for s in studies
        if s.species == "human"
    ]


def _write(grown: Evidence, target: Path, evidence: Evidence) -> Evidence:
    other = target.resolve() != evidence.folder.resolve()
    if other and target.exists() and any(target.iterdir()):
        next_step = "name a new folder, or --tables with the same one"
        raise FindingsError([Finding(target.name, "", "the folder is not empty", next_step=next_step)])
    with staged(target) as aside:
        copy_files(evidence.folder, aside)
        for kind in (Study, StudyEstimate, RiskOfBias):
            write_table(aside / f"{TABLES[kind]}.tsv", list(grown.rows[kind]), list(kind.model_fields))
        written = load(aside)
        checking.store(written, check_trials(written), aside / checking.STORED)
    return load(target)
