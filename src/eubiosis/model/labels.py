"""Short names of quantities for pages and for other tools, from ``models/labels.tsv``."""

from __future__ import annotations

from eubiosis.core.findings import FindingCollector
from eubiosis.core.tables import TableRow, read_table
from eubiosis.model.content import Content

TABLE = "models/labels.tsv"


class LabelRow(TableRow):
    """A quantity, or a family of them (``gut_B_*``), and its name in a few words."""

    id: str
    label: str


def labels(content: Content) -> dict[str, str]:
    """Return the short name of each quantity that has one; a folder without the table has none."""
    path = content.folder / TABLE
    if not path.is_file():
        return {}
    findings = FindingCollector()
    rows = read_table(path, LabelRow, findings)
    findings.raise_if_any()
    return {row.id: row.label for row in rows}
