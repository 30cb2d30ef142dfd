"""Paths from the gut to the host: which parameter switches each, and what is known of it.

``content/couplings.tsv`` has one row for each ``host_c_*``. A path known by its prior only has an equation and a
parameter, but nobody has read how large it is: it stays 0 in every draw of worlds, so that it neither narrows nor
shifts what is said about a therapy, and it acts only when somebody sets it by hand.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from eubiosis.core.findings import FindingCollector
from eubiosis.core.provenance import Read
from eubiosis.core.tables import TableRow, check_unique, display_name, read_table

TABLE = "couplings.tsv"


class PathRow(TableRow):
    """A gut-to-host path: its parameter, the class of what acts, where, and what was read of it."""

    id: str
    metabolite_class: str
    target: str
    prior_only: Literal["yes", "no"]
    read: Read | None = None
    source: str = ""
    note: str


def read_paths(folder: Path, findings: FindingCollector | None = None) -> list[PathRow]:
    """Read the paths of a content folder; raises ``FindingsError`` when no collector is given."""
    own = findings if findings is not None else FindingCollector()
    rows = read_table(folder / TABLE, PathRow, own)
    check_unique([(row.id, row.id) for row in rows], display_name(folder / TABLE), "path", own)
    if findings is None:
        own.raise_if_any()
    return rows


def prior_only(folder: Path) -> frozenset[str]:
    """Name the couplings that stay 0 in every draw."""
    return frozenset(row.id for row in read_paths(folder) if row.prior_only == "yes")
