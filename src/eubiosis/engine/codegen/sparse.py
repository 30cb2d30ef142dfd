"""Static sparse LU: the order of elimination and the pattern after fill, found once for each model.

Pivots stay on the diagonal: the matrices factored here are (1 / (gamma h)) I - J, whose diagonal grows as the
step shrinks, so that a bad pivot shows as a rejected step and not as a wrong answer.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

from eubiosis.engine.codegen.graph import Graph, Node

Pattern = set[tuple[int, int]]


def elimination_order(size: int, pattern: Iterable[tuple[int, int]]) -> list[int]:
    """Order rows and columns alike so that little fills in (Markowitz 1957, pivots on the diagonal).

    At each stage the pivot with the smallest product of remaining row and column counts goes next, the
    lowest number among equals.
    """
    rows: list[set[int]] = [{i} for i in range(size)]
    columns: list[set[int]] = [{i} for i in range(size)]
    for i, j in pattern:
        rows[i].add(j)
        columns[j].add(i)

    def product(k: int) -> int:
        return (len(rows[k]) - 1) * (len(columns[k]) - 1)

    keys = [product(k) for k in range(size)]
    waiting = [(key, k) for k, key in enumerate(keys)]
    heapify(waiting)
    done: set[int] = set()
    order = []
    while waiting:
        key, pivot = heappop(waiting)
        if pivot in done or key != keys[pivot]:  # an entry that a later one replaces
            continue
        order.append(pivot)
        done.add(pivot)
        for i in columns[pivot]:
            if i != pivot:
                rows[i] |= rows[pivot]
                rows[i].discard(pivot)
        for j in rows[pivot]:
            if j != pivot:
                columns[j] |= columns[pivot]
                columns[j].discard(pivot)
        for k in rows[pivot] | columns[pivot]:
            key = product(k)
            if k not in done and key != keys[k]:
                keys[k] = key
                heappush(waiting, (key, k))
    return order


@dataclass(frozen=True)
class Filled:
    """The pattern of the factors after fill, in elimination positions; of each row the columns in order."""

    order: tuple[int, ...]
    lower: tuple[tuple[int, ...], ...]
    upper: tuple[tuple[int, ...], ...]

    @property
    def entries(self) -> int:
        """Number of stored entries after fill."""
        return len(self.order) + sum(len(row) for row in (*self.lower, *self.upper))

    @property
    def operations(self) -> int:
        """Number of fused multiply-adds of the elimination."""
        return sum(len(self.upper[j]) for row in self.lower for j in row)

    def places(self) -> dict[tuple[int, int], int]:
        """Number the entries, row by row: those of the lower factor, of the upper factor, the pivot."""
        places: dict[tuple[int, int], int] = {}
        for k in range(len(self.order)):
            for j in (*self.lower[k], *self.upper[k], k):
                places[k, j] = len(places)
        return places


def fill(size: int, pattern: Iterable[tuple[int, int]], order: Sequence[int]) -> Filled:
    """Return the pattern of the factors of a matrix whose diagonal is present."""
    place = {row: k for k, row in enumerate(order)}
    rows: list[set[int]] = [set() for _ in range(size)]
    for i, j in pattern:
        rows[place[i]].add(place[j])
    lower: list[tuple[int, ...]] = []
    upper: list[tuple[int, ...]] = []
    for k in range(size):
        row = rows[k]
        todo = sorted(j for j in row if j < k)
        for position, j in enumerate(todo):  # grows on the way
            for column in upper[j]:
                if column not in row:
                    row.add(column)
                    if column < k:
                        insort(todo, column, position + 1)
        lower.append(tuple(todo))
        upper.append(tuple(sorted(j for j in row if j > k)))
    return Filled(tuple(order), tuple(lower), tuple(upper))


def factorise(
    graph: Graph, matrix: dict[tuple[int, int], Node], filled: Filled
) -> dict[tuple[int, int], Node]:
    """Eliminate symbolically, row by row, adding the operations to the graph; returns the entries' nodes.

    ``matrix`` maps (row, column) to a node, factors are by elimination positions; missing entries are zero
    and every diagonal is present. Lower factors have their sign turned, so that elimination and substitution
    only add, and pivots are reciprocals. Nothing is simplified here, so that a loop over a table of the same
    operations gives the same bits.
    """
    place = {row: k for k, row in enumerate(filled.order)}
    rows: list[dict[int, Node]] = [{} for _ in filled.order]
    for (i, j), node in matrix.items():
        rows[place[i]][place[j]] = node
    factors: dict[tuple[int, int], Node] = {}
    minus: list[Node] = []
    for k, row in enumerate(rows):
        for j in filled.lower[k]:
            factor = factors[k, j] = graph.node("*", row[j], minus[j])
            for column in filled.upper[j]:
                before = row.get(column, graph.zero)
                row[column] = graph.node("fma", factor, factors[j, column], before)
        for column in filled.upper[k]:
            factors[k, column] = row[column]
        factors[k, k] = graph.reciprocal(row[k])
        minus.append(graph.node("neg", factors[k, k]))
    return factors
