"""Static sparse LU: the order of elimination and the pattern after fill, found once for each model.

Pivots stay on the diagonal: the matrices factored here are (1 / (gamma h)) I - J, whose diagonal grows as the
step shrinks, so that a bad pivot shows as a rejected step and not as a wrong answer.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable
from dataclasses import dataclass

from eubiosis.engine.codegen.graph import Graph, Node

Pattern = set[tuple[int, int]]


@dataclass(frozen=True)
class Factors:
    """The factors of a matrix as nodes of a graph, in elimination order.

    ``order[k]`` is the row eliminated k-th. ``lower[k]`` holds (column, node) with column < k, ``upper[k]``
    those with column > k, both in elimination positions, and ``pivot[k]`` the reciprocal of the diagonal.
    Lower factors have their sign turned, so that elimination and substitution only add.
    """

    order: tuple[int, ...]
    lower: tuple[tuple[tuple[int, Node], ...], ...]
    upper: tuple[tuple[tuple[int, Node], ...], ...]
    pivot: tuple[Node, ...]

    @property
    def entries(self) -> int:
        """Number of stored entries after fill."""
        return len(self.order) + sum(len(row) for row in (*self.lower, *self.upper))


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
    alive = set(range(size))
    order = []
    while alive:
        pivot = min(alive, key=lambda k: ((len(rows[k]) - 1) * (len(columns[k]) - 1), k))
        order.append(pivot)
        alive.discard(pivot)
        for i in columns[pivot]:
            if i != pivot:
                rows[i] |= rows[pivot]
                rows[i].discard(pivot)
        for j in rows[pivot]:
            if j != pivot:
                columns[j] |= columns[pivot]
                columns[j].discard(pivot)
    return order


def factorise(graph: Graph, matrix: dict[tuple[int, int], Node], size: int, order: list[int]) -> Factors:
    """Eliminate symbolically, row by row, adding the operations to the graph.

    ``matrix`` maps (row, column) to a node; missing entries are zero and every diagonal is present. Nothing
    is simplified here, so that a loop over a table of the same operations gives the same bits.
    """
    place = {row: k for k, row in enumerate(order)}
    rows: list[dict[int, Node]] = [{} for _ in range(size)]
    for (i, j), node in matrix.items():
        rows[place[i]][place[j]] = node
    lower: list[tuple[tuple[int, Node], ...]] = []
    upper: list[tuple[tuple[int, Node], ...]] = []
    pivot: list[Node] = []
    minus: list[Node] = []
    for k in range(size):
        row = rows[k]
        todo = sorted(j for j in row if j < k)
        factors = []
        position = 0
        while position < len(todo):
            j = todo[position]
            factor = graph.node("*", row[j], minus[j])
            factors.append((j, factor))
            for column, node in upper[j]:
                fills = column not in row
                row[column] = graph.node("fma", factor, node, row.get(column, graph.zero))
                if fills and column < k:
                    insort(todo, column, position + 1)
            position += 1
        lower.append(tuple(factors))
        upper.append(tuple(sorted((j, node) for j, node in row.items() if j > k)))
        pivot.append(graph.reciprocal(row[k]))
        minus.append(graph.node("neg", pivot[k]))
    return Factors(tuple(order), tuple(lower), tuple(upper), tuple(pivot))
