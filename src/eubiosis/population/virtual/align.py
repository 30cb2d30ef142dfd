"""Two stool tables over the same taxa, in counts: the taxa that both name, the others pooled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eubiosis.core.findings import Finding, FindingsError
from eubiosis.population.stool.table import StoolTable
from eubiosis.population.taxa import informative_ranks
from eubiosis.population.virtual.fit import ALL, POOLED, features_of


@dataclass(frozen=True)
class Aligned:
    """Counts (people, taxa) of one table over the shared taxa, the pooled ones last; one group each."""

    taxa: tuple[str, ...]
    counts: np.ndarray
    groups: tuple[str, ...]

    def of(self, group: str) -> np.ndarray:
        """Return the counts of a group's people."""
        return self.counts[[own == group for own in self.groups]]


def aligned(virtual: StoolTable, real: StoolTable) -> tuple[Aligned, Aligned]:
    """Return both tables over the taxa that both name, by the last rank with a name; the rest is pooled.

    Shares become counts of the reads that their detection limit implies. Samples that cannot be used are left
    out. Raises ``FindingsError`` where the two share fewer than three taxa.
    """
    sums = [_by_name(table) for table in (virtual, real)]
    shared = [name for name in sums[0][0] if name in sums[1][0] and name != POOLED]
    if len(shared) < 3:
        problem = f"{len(shared)} taxa in common with {real.file}"
        raise FindingsError(
            [Finding(virtual.file, "", problem, "3 or more", "give tables of the same kind of names")]
        )
    return _over(virtual, *sums[0], shared), _over(real, *sums[1], shared)


def _by_name(table: StoolTable) -> tuple[dict[str, list[int]], np.ndarray]:
    features = features_of(table)
    places: dict[str, list[int]] = {}
    for j, label in enumerate(features.labels):
        ranks = informative_ranks(label)
        places.setdefault(ranks[-1].text if ranks and label != POOLED else POOLED, []).append(j)
    held = features.values if isinstance(features.values, np.ndarray) else features.values.toarray()
    counts = held if table.scale == "counts" else held / table.detection_limit[:, None]
    return places, np.round(np.asarray(counts, dtype=float))


def _over(table: StoolTable, places: dict[str, list[int]], counts: np.ndarray, shared: list[str]) -> Aligned:
    rows = np.flatnonzero(table.usable)
    columns = [counts[:, places[name]].sum(axis=1) for name in shared]
    rest = counts.sum(axis=1) - np.sum(columns, axis=0)
    own = table.groups if table.groups is not None else (ALL,) * len(table.sample_ids)
    return Aligned(
        (*shared, POOLED), np.column_stack([*columns, rest])[rows], tuple(own[i] or ALL for i in rows)
    )
