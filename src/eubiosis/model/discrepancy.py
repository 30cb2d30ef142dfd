"""What no parameter set covers: named discrepancies, which widen printed intervals and never a verdict.

A row gives the standard deviation of a log ratio, for one quantity or a class of them, under any therapy or
in one named condition. The closest row counts: the quantity before its class, the condition before "any".
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from eubiosis.core.endpoints import ENDPOINTS
from eubiosis.core.findings import FindingCollector, unknown_word
from eubiosis.core.provenance import Basis, Read
from eubiosis.core.tables import TableRow, check_unique, read_table
from eubiosis.model.content import Content

TABLE = "discrepancies.tsv"
ANY = "any"
CLASSES = {"guild": "the share of any guild", "stool_acid": "any acid of stool"}
_UNIT = "log ratio"


class DiscrepancyRow(TableRow):
    """One discrepancy: of a class, an endpoint, an observable or a named target, in a condition or any."""

    id: str
    quantity: str
    scope: str
    sd: float | None = None
    unit: str
    basis: Basis
    read: Read | None = None
    source: str = ""
    note: str


def read_discrepancies(
    content: Content, findings: FindingCollector | None = None
) -> tuple[DiscrepancyRow, ...]:
    """Read the table; findings go to ``findings``, or are raised where there is no collector.

    A discrepancy without a size is a finding: it would name a fault and widen nothing.
    """
    own = findings if findings is not None else FindingCollector()
    file = content.file(TABLE)
    rows = read_table(content.folder / TABLE, DiscrepancyRow, own)
    check_unique([(row.id, row.id) for row in rows], file, "discrepancy", own)
    check_unique([(f"{row.quantity}, {row.scope}", row.id) for row in rows], file, "the discrepancy of", own)
    known = _quantities(content)
    conditions = {row.condition for row in content.conditions}
    for row in rows:
        if row.sd is None or not (math.isfinite(row.sd) and row.sd > 0):
            size = "no size" if row.sd is None else f"sd {row.sd:g}"
            own.add(
                file, row.id, size, allowed="sd above 0", next_step="estimate it, and say in the note how"
            )
        if row.unit != _UNIT:
            own.add(file, row.id, f'unit "{row.unit}"', allowed=_UNIT)
        if row.quantity not in known:
            own.add(
                file,
                row.id,
                f"quantity {unknown_word(row.quantity, known)}",
                allowed=f"{', '.join(CLASSES)}, an endpoint, or the quantity or observable of a target",
            )
        if row.scope != ANY and row.scope not in conditions:
            own.add(
                file,
                row.id,
                f"scope {unknown_word(row.scope, conditions)}",
                allowed=f"{ANY}, or a condition of conditions/conditions.tsv",
            )
    if findings is None:
        own.raise_if_any()
    return tuple(rows)


def discrepancy_sd(rows: Sequence[DiscrepancyRow], endpoint: str, condition: str | None) -> float:
    """Return the discrepancy of an endpoint's log ratio under a condition; 0 where none is named."""
    by_key = {(row.quantity, row.scope): row.sd for row in rows}
    for quantity in (endpoint, _class_of(endpoint)):
        for scope in (condition, ANY):
            found = by_key.get((quantity, scope or ANY))
            if found:
                return found
    return 0.0


def _class_of(endpoint: str) -> str:
    known = ENDPOINTS[endpoint]
    return "guild" if known.guild else "stool_acid" if known.place == "stool" else ""


def _quantities(content: Content) -> set[str]:
    observed = {name for row in content.targets for name in row.observable.split(" + ")}
    return {*CLASSES, *ENDPOINTS, *(row.quantity for row in content.targets), *observed}
