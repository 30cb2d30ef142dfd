"""Records and results as tables that leave the package."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.tables import TableRow
from eubiosis.evidence.records.listing import list_interventions, list_outcomes, list_studies, show_study
from eubiosis.evidence.records.store import TABLES, Evidence, load

if TYPE_CHECKING:
    from eubiosis.core.frame import Table
    from eubiosis.evidence.records.listing import StudyRecord


def as_table(rows: Sequence[object], kind: type[object], name: str) -> Table:
    """Return rows of one schema or dataclass as a table with its fields as columns.

    Rows inside rows (lists, intervals) stay out; an empty text is a missing value.
    """
    from eubiosis.core.frame import Table

    if issubclass(kind, TableRow):
        names = list(kind.model_fields)
    elif is_dataclass(kind):
        names = [one.name for one in fields(kind)]
    else:
        message = f"{kind.__name__} is neither a row schema nor a dataclass"
        raise TypeError(message)
    columns: dict[str, NDArray[np.object_]] = {}
    for column in names:
        values = [getattr(row, column) for row in rows]
        if all(isinstance(value, str | int | float | None) for value in values):
            columns[column] = cells(values)
    return Table(columns, name=name)


def cells(values: Iterable[str | float | None]) -> NDArray[np.object_]:
    """Return values as a column; an empty text counts as missing."""
    plain = [value.value if isinstance(value, Enum) else value for value in values]
    return np.array([None if value == "" else value for value in plain], dtype=object)


def table(kind: type[TableRow], *, evidence: Evidence | None = None) -> Table:
    """Return a table of the records by its row schema, one row a record, in file order.

    Raises ``KeyError`` for a schema that no table has.

    >>> from eubiosis.evidence import ControlArm
    >>> arms = table(ControlArm)
    >>> arms.name, len(arms) > 100, "followup_weeks" in arms
    ('control_arms', True, True)
    """
    return as_table((evidence or load()).table(kind), kind, TABLES.get(kind, kind.__name__))


def studies(
    outcome: str | None = None, intervention: str | None = None, *, evidence: Evidence | None = None
) -> Table:
    """List the studies, one row each, limited to an outcome and an intervention where given.

    Raises ``FindingsError`` with the nearest name for one that is unknown.

    >>> studies("hs-CRP", "probiotic")["id"].tolist()
    ['kouchaki2017', 'salami2019', 'rahimlou2022', 'asghari2023']
    """
    from eubiosis.evidence.records.listing import StudyLine

    return as_table(list_studies(evidence or load(), outcome, intervention), StudyLine, "studies")


def outcomes(*, evidence: Evidence | None = None) -> Table:
    """List the outcome terms with their other names and number of estimates.

    >>> outcomes().filter(id="hs_CRP")["domain"].tolist()
    ['biomarker']
    """
    from eubiosis.evidence.records.listing import OutcomeLine

    return as_table(list_outcomes(evidence or load()), OutcomeLine, "outcomes")


def interventions(*, evidence: Evidence | None = None) -> Table:
    """List the intervention terms with their other names and number of studies.

    >>> "vitamin_d" in interventions()["id"]
    True
    """
    from eubiosis.evidence.records.listing import InterventionLine

    return as_table(list_interventions(evidence or load()), InterventionLine, "interventions")


def published(*, evidence: Evidence | None = None) -> Table:
    """Hold every published pool against a pool of our records: how close, and why not closer.

    >>> published().filter(id="ma008")["status"].tolist()
    ['reproduced']
    """
    from eubiosis.evidence.integrity.published import ComparisonLine, compare_published, comparison_line

    rows = [comparison_line(one) for one in compare_published(evidence or load())]
    return as_table(rows, ComparisonLine, "published")


def study(study_id: str, *, evidence: Evidence | None = None) -> StudyRecord:
    """Return everything recorded about one study: its report, estimates, checks and other reports.

    Raises ``FindingsError`` with the nearest id for one that is unknown.

    >>> study("rahimlou2022").study.integrity_status
    'failed_check'
    """
    return show_study(evidence or load(), study_id)
