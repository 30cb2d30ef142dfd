"""Short names of quantities for pages and for other tools, from ``models/labels.tsv``."""

from __future__ import annotations

from eubiosis.core.findings import FindingCollector
from eubiosis.core.tables import TableRow, read_table
from eubiosis.model.content import Content

TABLE = "models/labels.tsv"


class LabelRow(TableRow):
    """A quantity, or a family of them (``gut_B_*``), and its name in a few words.

    A family with ``drawn`` 1 is one box of the wiring diagram; a single quantity with it has a box although
    it is neither a state nor crosses between modules.
    """

    id: str
    label: str
    drawn: bool = False


def label_rows(content: Content) -> list[LabelRow]:
    """Read the table; a folder without it has none. Raises ``FindingsError`` for rows that are wrong."""
    path = content.folder / TABLE
    if not path.is_file():
        return []
    findings = FindingCollector()
    rows = read_table(path, LabelRow, findings)
    findings.raise_if_any()
    return rows


def labels(content: Content) -> dict[str, str]:
    """Return the short name of each quantity that has one."""
    return {row.id: row.label for row in label_rows(content)}
