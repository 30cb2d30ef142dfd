"""Tables of numbers with unit, range, basis and source, read by id."""

from __future__ import annotations

from pathlib import Path

from eubiosis.core.findings import FindingCollector
from eubiosis.core.provenance import SourcedNumber
from eubiosis.core.tables import read_table


def sourced_numbers(path: Path) -> dict[str, SourcedNumber]:
    """Read a table of numbers by id; raises ``FindingsError`` with every bad row."""
    findings = FindingCollector()
    rows = read_table(path, SourcedNumber, findings)
    findings.raise_if_any()
    return {row.id: row for row in rows}
