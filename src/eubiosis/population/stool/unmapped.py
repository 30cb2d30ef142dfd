"""Taxa of a stool table that are in no guild, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from eubiosis.population.taxa import TaxaTable

# a nearest known name is looked for among the largest only: the search is slow
_NEAREST_FOR = 20


@dataclass(frozen=True)
class UnmappedTaxon:
    """A taxon that is in no guild: its share of all reads of the table (0-1), and why it is in none."""

    name: str
    share: float
    reason: str


def unmapped_taxa(
    labels: Sequence[str], totals: np.ndarray, guilds: Sequence[str | None], names: TaxaTable
) -> tuple[UnmappedTaxon, ...]:
    """Return the taxa that are in no guild, the largest first; ``totals`` (taxa,) are their sums."""
    total = float(totals.sum())
    rows = []
    for j, label in enumerate(labels):
        if guilds[j] is not None:
            continue
        share = float(totals[j]) / total if total else 0.0
        row = names.find(label)
        if row is None:
            reason = "not in the taxa table"
        elif row.role in ("product", "readout"):
            reason = f"{row.role}: {row.note}"
        else:
            reason = row.note
        rows.append(UnmappedTaxon(label, share, reason))
    rows.sort(key=lambda row: (-row.share, row.name))
    return (*(_with_nearest(row, names) for row in rows[:_NEAREST_FOR]), *rows[_NEAREST_FOR:])


def _with_nearest(row: UnmappedTaxon, names: TaxaTable) -> UnmappedTaxon:
    if row.reason != "not in the taxa table":
        return row
    close = names.nearest_name(row.name)
    return replace(row, reason=f'{row.reason}; nearest "{close}"') if close else row
