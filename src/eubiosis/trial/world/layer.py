"""Numbers of the trial layer: measurement and placebo response, with their sources."""

from __future__ import annotations

from functools import cache

from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.findings import FindingCollector
from eubiosis.core.provenance import SourcedNumber
from eubiosis.core.tables import read_table

TABLE = PACKAGED_CONTENT / "trials" / "trial_layer.tsv"


@cache
def trial_numbers() -> dict[str, SourcedNumber]:
    """Read the numbers of the trial layer by id; raises ``FindingsError``."""
    findings = FindingCollector()
    rows = read_table(TABLE, SourcedNumber, findings)
    findings.raise_if_any()
    return {row.id: row for row in rows}
