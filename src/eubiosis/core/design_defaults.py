"""What a trial design says where its author says nothing: numbers with unit, range, basis and source."""

from __future__ import annotations

from functools import cache

from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.findings import FindingCollector
from eubiosis.core.provenance import SourcedNumber
from eubiosis.core.tables import read_table

TABLE = PACKAGED_CONTENT / "trials" / "design_defaults.tsv"


@cache
def design_defaults() -> dict[str, SourcedNumber]:
    """Read the defaults by id; raises ``FindingsError``.

    >>> design_defaults()["dropout_per_year"].basis
    'assumed'
    """
    findings = FindingCollector()
    rows = read_table(TABLE, SourcedNumber, findings)
    findings.raise_if_any()
    return {row.id: row for row in rows}


def default(name: str) -> float:
    """Return the value of one default; raises ``KeyError`` for an unknown one."""
    return design_defaults()[name].value
