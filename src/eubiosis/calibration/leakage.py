"""Which cohorts are inside a row: its own, those of the studies it pools, and those it likely holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from eubiosis.calibration.roles_tables import LeakageRow, RoleRow
from eubiosis.evidence.records.companions import CalibrationTarget
from eubiosis.evidence.records.store import Evidence


class Members(NamedTuple):
    """Cohorts that surely enter a row and cohorts that likely do."""

    sure: frozenset[str]
    likely: frozenset[str]


def members_of(
    rows: Sequence[RoleRow], leakage: Sequence[LeakageRow], evidence: Evidence
) -> Mapping[str, Members]:
    """Return row id -> its cohorts.

    A row that names no cohort takes those of the studies its evidence row names; a study that the tables do
    not know is a cohort of its own.
    """
    pooled = {row.id: row.study_ids for row in evidence.table(CalibrationTarget)}
    found = {}
    for row in rows:
        named = [name for name in row.cohort.split(";") if name]
        sure = named or [_cohort(study, evidence) for study in pooled.get(row.id, "").split(";") if study]
        inside = [line for line in leakage if line.pooled == row.id]
        found[row.id] = Members(
            frozenset(sure) | {line.cohort for line in inside if line.certainty == "read"},
            frozenset(line.cohort for line in inside if line.certainty == "likely"),
        )
    return found


class Shared(NamedTuple):
    """Two rows that one cohort enters; ``certain`` where it surely enters both."""

    first: str
    second: str
    cohort: str
    certain: bool


def shared_with_holdouts(rows: Sequence[RoleRow], members: Mapping[str, Members]) -> tuple[Shared, ...]:
    """Return every pair of another row and a hold-out that a cohort enters, or likely enters."""
    held = [row for row in rows if row.role == "holdout"]
    found = []
    for row in rows:
        if row.role == "holdout":
            continue
        for other in held:
            sure, likely = members[row.id]
            common = (sure | likely) & (members[other.id].sure | members[other.id].likely)
            for cohort in sorted(common):
                certain = cohort in sure and cohort in members[other.id].sure
                found.append(Shared(row.id, other.id, cohort, certain))
    return tuple(found)


def _cohort(study: str, evidence: Evidence) -> str:
    known = evidence.studies.get(study)
    return known.cohort_id if known else study
