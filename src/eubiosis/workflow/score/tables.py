"""The tables of the scoreboard: arms of cohorts and what they showed, trials, what is not scored."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal, TypeVar

from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.findings import FindingCollector
from eubiosis.core.provenance import Basis, Read
from eubiosis.core.tables import TableRow, read_table

FOLDER = PACKAGED_CONTENT / "scoreboard"
FORECASTS = FOLDER / "forecasts"
ARMS, COHORTS = "arms.tsv", "cohorts.tsv"
TRIALS, NOT_SCORED = "trials.tsv", "not_scored.tsv"
Known = Literal["fitted", "seen", "fresh"]
RowT = TypeVar("RowT", bound=TableRow)


class ArmRow(TableRow):
    """An arm of a cohort: ``asked`` is a therapy phrase, or "condition NAME"; status by class of quantity."""

    study: str
    arm: str
    population: str
    people: int
    asked: str
    days: int
    family: str
    guilds: Known
    acids: Known
    source: str
    licence: str
    note: str


class CohortFigureRow(TableRow):
    """The mean change of a quantity in an arm, as a log ratio, with its standard error.

    ``baseline`` is the arm's mean log before; ``asked_share`` the share of a guild in its mean person.
    """

    study: str
    arm: str
    kind: Literal["guild", "stool_acid"]
    quantity: str
    people: int
    estimate: float
    se: float
    baseline: float
    asked_share: float | None = None
    unit: str
    basis: Basis
    read: Read


class TrialRow(TableRow):
    """A trial that a workflow stands for; ``read_out`` is a record of the evidence, or "delta:COHORT".

    ``file`` lies in ``content/scoreboard`` or, for replays, in ``content/trials``.
    """

    study: str
    arm: str
    file: str
    endpoint: str
    active: str
    scale: Literal["SMD", "log ratio"]
    kind: str
    family: str
    population: str
    status: Known
    read_out: str
    cohort: str
    note: str

    @property
    def path(self) -> Path:
        """The workflow."""
        folder = PACKAGED_CONTENT / "trials" if self.file.startswith("replays/") else FOLDER
        return folder / self.file


class NotScoredRow(TableRow):
    """A cohort or row that is not scored, and why."""

    id: str
    what: str
    reason: str


@cache
def arm_rows() -> tuple[ArmRow, ...]:
    """Read the arms of cohorts; raises ``FindingsError``."""
    return _read(ARMS, ArmRow)


@cache
def cohort_rows() -> tuple[CohortFigureRow, ...]:
    """Read what arms of cohorts showed; raises ``FindingsError`` also for a row of an unknown arm."""
    findings = FindingCollector()
    rows = tuple(read_table(FOLDER / COHORTS, CohortFigureRow, findings))
    known = {(row.study, row.arm) for row in arm_rows()}
    for row in rows:
        if (row.study, row.arm) not in known:
            findings.add(COHORTS, f"{row.study}, {row.arm}", "no such arm", next_step=f"add it to {ARMS}")
    findings.raise_if_any()
    return rows


@cache
def trial_rows() -> tuple[TrialRow, ...]:
    """Read the trials; raises ``FindingsError`` also where a workflow is missing."""
    findings = FindingCollector()
    rows = tuple(read_table(FOLDER / TRIALS, TrialRow, findings))
    for row in rows:
        if not row.path.is_file():
            findings.add(TRIALS, row.study, f"{row.file} is missing", next_step="write it")
    findings.raise_if_any()
    return rows


@cache
def not_scored_rows() -> tuple[NotScoredRow, ...]:
    """Read what is not scored; raises ``FindingsError``."""
    return _read(NOT_SCORED, NotScoredRow)


def _read(name: str, row_type: type[RowT]) -> tuple[RowT, ...]:
    findings = FindingCollector()
    rows = tuple(read_table(FOLDER / name, row_type, findings))
    findings.raise_if_any()
    return rows
