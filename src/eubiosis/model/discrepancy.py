"""What no parameter set covers: named discrepancies, which widen printed intervals and never a verdict.

A row gives the standard deviation of a log ratio, for one quantity or a class of them, under any therapy or
in one named condition. The closest row counts: the quantity before its class, the condition before "any".

The error of a class was learned from trials that moved the gut; a therapy that leaves the gut alone cannot be
wrong by as much. So a row may say from which disturbance on it counts in full: the root mean square log ratio
of its class, all members together, because a member that the model holds still may in truth move as soon as
its neighbours do. Below that it shrinks in proportion, down to nothing.

What was learned in other people is carried to people with MS by a factor of free sign: their log response is
(1 + N(0, sd)) times that of the others.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from eubiosis.core.endpoints import ENDPOINTS
from eubiosis.core.findings import FindingCollector, unknown_word
from eubiosis.core.provenance import Basis, Read
from eubiosis.core.tables import TableRow, check_unique, read_table
from eubiosis.model.content import Content

TABLE, TRANSPORT = "discrepancies.tsv", "calibration/worlds_transport.tsv"
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
    full_at: float | None = None

    def at(self, disturbance: float | None) -> float:
        """Return the sd for a therapy that disturbs the class by so much (None: as the row says)."""
        assert self.sd is not None
        if self.full_at is None or disturbance is None or not math.isfinite(disturbance):
            return self.sd
        return self.sd * min(1.0, disturbance / self.full_at)


class TransportRow(TableRow):
    """How far the log response of a class in people with MS may differ from that of others: 1 + N(0, sd)."""

    quantity: str
    sd: float
    basis: Basis
    note: str


def read_transport(content: Content) -> tuple[TransportRow, ...]:
    """Read the factors of transport; raises ``FindingsError``."""
    findings = FindingCollector()
    file = content.file(TRANSPORT)
    rows = read_table(content.folder / TRANSPORT, TransportRow, findings)
    check_unique([(row.quantity, row.quantity) for row in rows], file, "class", findings)
    for row in rows:
        if row.quantity not in CLASSES:
            findings.add(
                file, row.quantity, f"class {unknown_word(row.quantity, CLASSES)}", allowed=", ".join(CLASSES)
            )
        if not (math.isfinite(row.sd) and row.sd > 0):
            findings.add(file, row.quantity, f"sd {row.sd:g}", allowed="sd above 0")
    findings.raise_if_any()
    return tuple(rows)


def transport_sd(rows: Sequence[TransportRow], endpoint: str, log_ratio: float) -> float:
    """Return the sd that transport leaves of an endpoint's log ratio in MS; 0 without a response."""
    found = [row.sd for row in rows if row.quantity == _class_of(endpoint)]
    return abs(log_ratio) * found[0] if found and math.isfinite(log_ratio) else 0.0


def disturbance(ratios: Mapping[str, float], endpoint: str) -> float | None:
    """Return the root mean square log ratio of an endpoint's class; ``ratios`` endpoint -> ratio."""
    own = _class_of(endpoint)
    logs = [math.log(r) ** 2 for name, r in ratios.items() if own and _class_of(name) == own and r > 0]
    return math.sqrt(sum(logs) / len(logs)) if logs else None


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
        if row.full_at is not None and not (math.isfinite(row.full_at) and row.full_at > 0):
            own.add(file, row.id, f"full_at {row.full_at:g}", allowed="above 0, or empty")
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


def discrepancy_sd(
    rows: Sequence[DiscrepancyRow], endpoint: str, condition: str | None, moved: float | None = None
) -> float:
    """Return the discrepancy of an endpoint's log ratio under a condition; 0 where none is named.

    ``moved`` is how far the therapy disturbs the endpoint's class (``disturbance``).
    """
    by_key = {(row.quantity, row.scope): row for row in rows}
    for quantity in (endpoint, _class_of(endpoint)):
        for scope in (condition, ANY):
            found = by_key.get((quantity, scope or ANY))
            if found:
                return found.at(moved)
    return 0.0


def _class_of(endpoint: str) -> str:
    known = ENDPOINTS[endpoint]
    return "guild" if known.guild else "stool_acid" if known.place == "stool" else ""


def _quantities(content: Content) -> set[str]:
    observed = {name for row in content.targets for name in row.observable.split(" + ")}
    return {*CLASSES, *ENDPOINTS, *(row.quantity for row in content.targets), *observed}
