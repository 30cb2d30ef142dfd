"""Paths from the gut to the host: which parameter switches each, and what is known of it.

``content/couplings.tsv`` has one row for each ``host_c_*``. A path known by its prior only has an equation
and a parameter, but nobody has read how large it is: it stays 0 in every draw of worlds, so that it neither
narrows nor shifts what is said about a therapy, and it acts only when somebody sets it by hand.
"""

from __future__ import annotations

import re
from pathlib import Path

from eubiosis.core.findings import FindingCollector
from eubiosis.core.tables import check_unique, display_name, read_table
from eubiosis.model.content import Content
from eubiosis.model.couplings import TABLE, CouplingRow

_COUPLING = re.compile(r"^host_c_[a-z0-9]+_[a-z0-9]+$")


def read_paths(folder: Path, findings: FindingCollector | None = None) -> list[CouplingRow]:
    """Read the paths of a content folder; raises ``FindingsError`` when no collector is given."""
    own = findings if findings is not None else FindingCollector()
    rows = read_table(folder / TABLE, CouplingRow, own)
    check_unique([(row.id, row.id) for row in rows], display_name(folder / TABLE), "path", own)
    if findings is None:
        own.raise_if_any()
    return rows


def check_paths(content: Content, findings: FindingCollector) -> None:
    """Report couplings without a row, and paths that are on without a size."""
    rows = read_paths(content.folder, FindingCollector())  # what is wrong with a row, couplings says
    file = display_name(content.folder / TABLE)
    numbers = {name for name in content.numbers if _COUPLING.match(name)}
    for name in sorted(numbers - {row.id for row in rows}):
        findings.add(file, "", f"no row for the coupling {name}", next_step="add its class and target")
    for row in rows:
        if row.id in content.numbers and row.prior_only == "yes" and content.numbers[row.id].value != 0:
            findings.add(
                content.file(content.table_of[row.id]),
                row.id,
                f"a path known by its prior only has the value {content.numbers[row.id].value:g}",
                allowed="0",
                next_step="set it to 0, or give the size that was read and prior_only no",
            )


def prior_only(folder: Path) -> frozenset[str]:
    """Name the couplings that stay 0 in every draw."""
    return frozenset(row.id for row in read_paths(folder) if row.prior_only == "yes")
