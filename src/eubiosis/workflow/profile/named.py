"""The genera that studies of MS report, with the directions they report, in a stool table."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from eubiosis.population.genera import genus_of, genus_sums
from eubiosis.population.stool.table import StoolTable

_LEAST_STUDIES = 2
_NO_GENERA = ("Candidatus",)  # the word before names of what was not cultured


@dataclass(frozen=True)
class ReportedGenus:
    """A genus and how many primary studies found it higher, lower or mixed in MS."""

    name: str
    key: str
    up: int
    down: int
    mixed: int


@dataclass(frozen=True)
class NamedGenera:
    """Reported genera in a table: ``shares`` (n, genera) of all reads, ``in_table`` (genera,)."""

    genera: tuple[ReportedGenus, ...]
    shares: np.ndarray
    in_table: NDArray[np.bool_]


@cache
def reported_genera() -> tuple[ReportedGenus, ...]:
    """Return the genera that the evidence tables name in two or more reports about MS, most reported first.

    Reports are primary studies (counted by direction) and reviews (not counted).
    """
    from eubiosis.evidence.records.companions import TaxonConsensus, TaxonDirection
    from eubiosis.evidence.records.store import load

    evidence = load()
    named: dict[str, set[str]] = {}
    for report in evidence.table(TaxonDirection):
        if report.genus:
            named.setdefault(report.genus, set()).add(report.study_id)
    counts = {
        row.taxon: row for row in evidence.table(TaxonConsensus) if row.level == "genus_rollup"
    }  # fmt: skip
    found = []
    for name in sorted({*named, *counts}):
        key = genus_of(name)
        times = max(len(named.get(name, ())), counts[name].n_studies if name in counts else 0)
        if times < _LEAST_STUDIES or not key or name in _NO_GENERA:
            continue
        row = counts.get(name)
        up, down, mixed = (0, 0, 0) if row is None else (row.n_up, row.n_down, row.n_mixed_within_study)
        found.append(ReportedGenus(name, key, up, down, mixed))
    return tuple(sorted(found, key=lambda one: (-(one.up + one.down + one.mixed), one.name)))


def named_genera(table: StoolTable) -> NamedGenera:
    """Return the share of all reads that each reported genus has in every sample."""
    genera = reported_genera()
    keys = list(Counter(one.key for one in genera))
    sums, here = genus_sums(table, keys)
    order = [keys.index(one.key) for one in genera]
    shares = np.full((len(table.sample_ids), len(keys)), np.nan)
    np.divide(sums, table.depth[:, None], out=shares, where=table.depth[:, None] > 0)
    return NamedGenera(genera, shares[:, order], here[order])
