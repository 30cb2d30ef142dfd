"""A stool table as it was read, before names and guilds: samples by features, dense or sparse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

import numpy as np
from scipy import sparse

Orientation = Literal["samples_in_rows", "samples_in_columns"]
Matrix: TypeAlias = Any  # a NumPy array or a scipy.sparse.csr_array, which has no types of its own
LARGEST = 1e15  # of a cell; above it no count is meant, and sums lose reads


@dataclass(frozen=True)
class FeatureTable:
    """What a reader of one format gives: nothing judged, nothing added up.

    ``values`` has shape (samples, features), dense or compressed by rows; ``labels`` are names or lineages of
    the features as the file has them, ``ids`` NCBI numbers where the file states them (0: none). ``groups``
    holds a group column that lies inside the table. ``notes`` say what the reader chose. ``exclusive`` is
    False where higher ranks hold the sums of lower ones and the reader has taken one rank already.
    """

    file: str
    format: str
    samples: tuple[str, ...]
    labels: tuple[str, ...]
    values: Matrix
    orientation: Orientation = "samples_in_columns"
    ids: tuple[int, ...] = ()
    groups: tuple[str, ...] | None = None
    one_rank: bool = False
    notes: tuple[str, ...] = field(default=())

    def noted(self, *notes: str) -> FeatureTable:
        """Return the table with more notes."""
        return replace(self, notes=(*self.notes, *notes))

    def with_labels(self, labels: Sequence[str], *notes: str) -> FeatureTable:
        """Return the table with other names of its features."""
        return replace(self, labels=tuple(labels), notes=(*self.notes, *notes))

    def merged(self, keys: Sequence[object]) -> FeatureTable:
        """Return the table with features of the same key added up; the first label of each stays."""
        first: dict[object, int] = {}
        for j, key in enumerate(keys):
            first.setdefault(key, j)
        if len(first) == len(self.labels):
            return self
        order = {key: k for k, key in enumerate(first)}
        columns = np.array([order[key] for key in keys])
        sums = sparse.csr_array(
            (np.ones(len(keys)), (np.arange(len(keys)), columns)), shape=(len(keys), len(first))
        )
        kept = list(first.values())
        return replace(
            self,
            labels=tuple(self.labels[j] for j in kept),
            ids=tuple(self.ids[j] for j in kept) if self.ids else (),
            values=product(self.values, sums, dense=isinstance(self.values, np.ndarray)),
        )

    def take(self, columns: Sequence[int]) -> FeatureTable:
        """Return the table with some of its features, by position."""
        rows = list(columns)
        return replace(
            self,
            labels=tuple(self.labels[j] for j in rows),
            ids=tuple(self.ids[j] for j in rows) if self.ids else (),
            values=self.values[:, rows],
        )


def product(values: Matrix, weights: sparse.csr_array, *, dense: bool = True) -> Matrix:
    """Return values x weights, (samples, features) x (features, columns), without making ``values`` dense."""
    found = values @ weights
    if not dense:
        return sparse.csr_array(found)
    return found.toarray() if sparse.issparse(found) else np.asarray(found)


def row_sums(values: Matrix) -> np.ndarray:
    """Return the sum of each sample, shape (samples,)."""
    return np.asarray(values.sum(axis=1)).ravel()


def column_sums(values: Matrix) -> np.ndarray:
    """Return the sum of each feature, shape (features,)."""
    return np.asarray(values.sum(axis=0)).ravel()


def stored(values: Matrix) -> np.ndarray:
    """Return the numbers that are held: all cells, or the nonzero ones of a sparse table."""
    return np.asarray(values.data if sparse.issparse(values) else values).ravel()


def from_columns(columns: Mapping[str, Mapping[str, float]]) -> tuple[tuple[str, ...], sparse.csr_array]:
    """Join samples with features of their own: labels in order of appearance, (samples, labels) sparse."""
    order: dict[str, int] = {}
    rows, places, data = [], [], []
    for i, column in enumerate(columns.values()):
        for label, value in column.items():
            rows.append(i)
            places.append(order.setdefault(label, len(order)))
            data.append(value)
    shape = (len(columns), len(order))
    return tuple(order), sparse.csr_array((data, (rows, places)), shape=shape)
