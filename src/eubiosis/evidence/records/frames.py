"""Lists of the records as tables, and one study in full: what a person looks at first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eubiosis.core.tables import TableRow
from eubiosis.evidence.records.columns import as_table
from eubiosis.evidence.records.listing import list_interventions, list_outcomes, list_studies, show_study
from eubiosis.evidence.records.store import TABLES, Evidence, load

if TYPE_CHECKING:
    from eubiosis.core.frame import Table
    from eubiosis.evidence.records.listing import StudyRecord


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
