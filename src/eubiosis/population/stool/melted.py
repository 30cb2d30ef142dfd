"""Long tables, one line a sample and feature, as phyloseq's psmelt writes them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import sparse

from eubiosis.core.findings import FindingCollector
from eubiosis.population.stool.delimited import Grid, report_cells, report_words
from eubiosis.population.stool.features import FeatureTable
from eubiosis.population.stool.lineage import joined_ranks, rank_columns

_FEATURE_WORDS = ("otu", "asv", "feature", "taxon", "genus", "species", "taxonomy")


def looks_melted(header: Sequence[str]) -> bool:
    """Say whether a header is a long table's: a sample, an abundance and a feature or ranks in each line."""
    words = [word.strip().lower() for word in header]
    named = any(word in words for word in _FEATURE_WORDS) or bool(rank_columns(header))
    return words.count("sample") == 1 and words.count("abundance") == 1 and named


def melted_features(grid: Grid, findings: FindingCollector) -> FeatureTable | None:
    """Return samples by features of a long table; a pair of sample and feature on two lines is a finding.

    The feature is the lineage of the rank columns where there are any. Metadata that psmelt repeats on every
    line are not read: give them with a metadata table.
    """
    words = [word.strip().lower() for word in grid.header]
    amount = words.index("abundance")
    if not grid.is_number(amount):
        report_words(grid, amount, findings)
        return None
    report_cells(grid, grid.header, [amount], findings, blanks=True)
    samples = grid.words(words.index("sample"))
    places = {word: j for j, word in enumerate(words)}
    feature = next((places[word] for word in _FEATURE_WORDS if word in places), None)
    ranks = rank_columns(grid.header)
    lineages = None
    if ranks:
        columns = [grid.words(j) for j in ranks]
        lineages = [joined_ranks(tuple(ranks.values()), cells) for cells in zip(*columns, strict=True)]
    keys = grid.words(feature) if feature is not None else tuple(lineages or ())
    rows, order = _numbered(samples), _numbered(keys)
    at = np.array([[rows[s], order[k]] for s, k in zip(samples, keys, strict=True)])
    flat = at[:, 0] * len(order) + at[:, 1]
    first = np.unique(flat, return_index=True)[1]
    if len(first) < len(flat):
        again = int(np.setdiff1d(np.arange(len(flat)), first)[0])
        findings.add(
            grid.file, f"line {grid.line(again)}",
            f'"{keys[again]}" of sample "{samples[again]}" occurs twice',
            allowed="one line a sample and feature", next_step="add the lines up before",
        )  # fmt: skip
        return None
    values = sparse.csr_array((grid.numbers(amount), (at[:, 0], at[:, 1])), shape=(len(rows), len(order)))
    labels = tuple(order) if lineages is None else tuple(dict(zip(keys, lineages, strict=True)).values())
    return FeatureTable(
        grid.file, "text table", tuple(rows), labels, values,
        notes=("a long table: one line a sample and feature; pairs that it lacks are zero",),
    )  # fmt: skip


def _numbered(words: Sequence[str]) -> dict[str, int]:
    order: dict[str, int] = {}
    for word in words:
        order.setdefault(word, len(order))
    return order
