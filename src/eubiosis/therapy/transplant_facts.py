"""What must stand beside every fecal transplant: screening, traceability, stopping rules, regulatory status.

Facts as far as they were read; what was not read says so. It is no protocol, and none is written for an arm
whose donors are not screened.
"""

from __future__ import annotations

from functools import cache

from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.findings import FindingCollector
from eubiosis.core.provenance import Read
from eubiosis.core.tables import TableRow, read_table

TABLE = PACKAGED_CONTENT / "transplant_facts.tsv"


class TransplantFact(TableRow):
    """One statement under a topic, its source and how far it was read; without either it is our own."""

    topic: str
    statement: str
    read: Read | None = None
    source: str = ""
    note: str = ""


@cache
def transplant_facts() -> tuple[TransplantFact, ...]:
    """Read the facts; raises ``FindingsError``.

    >>> [row.topic for row in transplant_facts() if not row.source]
    ['stopping rules']
    """
    findings = FindingCollector()
    rows = read_table(TABLE, TransplantFact, findings)
    findings.raise_if_any()
    return tuple(rows)
