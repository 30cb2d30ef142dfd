"""The program of one kernel: every quantity as a node of one graph, and the rows of a lane's workspace.

A lane holds one subject. A workspace row holds one quantity of all lanes, so that a vector instruction works
on as many subjects as the vector is wide.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from eubiosis.engine.expressions import LOGIC, RELATIONS, TIME, Expression, Symbol
from eubiosis.engine.graph import LEAVES, Graph, Node
from eubiosis.engine.sparse import Factors, elimination_order, factorise
from eubiosis.engine.system import System
from eubiosis.engine.tableaus import RODAS4, Tableau

SHIFT = 0  # index of the input leaf that stands for 1 / (gamma h)


@dataclass(frozen=True)
class Options:
    """What a kernel is specialised for.

    ``varying`` parameters differ between subjects or change during a run, the others are shared.
    ``integrals`` and ``extrema`` are quantities whose time integral, and whose least and largest values, are
    accumulated on the way.
    """

    varying: tuple[str, ...] = ()
    integrals: tuple[str, ...] = ()
    extrema: tuple[str, ...] = ()
    tableau: Tableau = RODAS4


@dataclass
class Program:
    """The graph of a system and the nodes of what a kernel computes.

    ``moving`` states come first in a lane, then quadratures, then states that only events change.
    """

    system: System
    options: Options
    graph: Graph = field(init=False)
    names: dict[str, Node] = field(init=False)
    rates: list[Node] = field(init=False)
    place: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        system = self.system
        self.graph = Graph()
        self.moving = list(system.moving)
        self.quadratures = list(self.options.integrals)
        still = [name for name in system.states if name not in set(self.moving)]
        self.rows = [*self.moving, *(f"integral of {n}" for n in self.quadratures), *still]
        self.place = {name: row for row, name in enumerate(self.rows)}
        self.parameter = {name: i for i, name in enumerate(system.parameters)}
        self.varying = {name: i for i, name in enumerate(self.options.varying)}
        self.names = {name: self.graph.node("state", self.place[name]) for name in system.states}
        self.names |= {name: self.graph.node("parameter", i) for name, i in self.parameter.items()}
        self.names[TIME] = self.graph.node("time")
        for name in system.assigned:
            self.names[name] = self.graph.build(system.rules[name], self.names)
        self.rates = [self.build(system.rates[name]) for name in self.moving]
        self.rates += [self.names[name] for name in self.quadratures]

    @property
    def size(self) -> int:
        """Number of rows that a step moves: states with a rate and quadratures."""
        return len(self.moving) + len(self.quadratures)

    def build(self, expression: Expression) -> Node:
        """Return the node of an expression in the system's names."""
        if isinstance(expression, Symbol):
            return self.names[expression.name]
        return self.graph.build(expression, self.names)

    def jacobian(self) -> tuple[dict[tuple[int, int], Node], dict[int, Node]]:
        """Return d rate_i / d state_j as (i, j) -> node, and d rate_i / d time as i -> node."""
        leaves = {self.names[name]: self.place[name] for name in self.moving}
        leaves[self.names[TIME]] = -1
        cuts = [self.names[name] for name in self.system.assigned]
        gradients = self.graph.gradients(self.rates, cuts, leaves)
        matrix, in_time = {}, {}
        for i, rate in enumerate(self.rates):
            for column, node in gradients[rate].items():
                if column < 0:
                    in_time[i] = node
                else:
                    matrix[i, column] = node
        return matrix, in_time

    def factors(self, jacobian: dict[tuple[int, int], Node], order: Sequence[int] | None = None) -> Factors:
        """Return the factors of (shift) I - J."""
        shift = self.graph.node("input", SHIFT)
        matrix = {place: self.graph.neg(node) for place, node in jacobian.items()}
        for i in range(self.size):
            matrix[i, i] = self.graph.add(shift, matrix.get((i, i), self.graph.zero))
        own = list(order) if order is not None else elimination_order(self.size, jacobian)
        return factorise(self.graph, matrix, self.size, own)

    def preparable(self, roots: Sequence[Node]) -> list[Node]:
        """Return the nodes under ``roots`` that are fixed while the parameters are, and that others need."""
        graph = self.graph
        moves = graph.depends(("state", "time", "input"))
        wanted: dict[Node, None] = {}
        for root in roots:
            if not moves[root] and self._worth_keeping(root):
                wanted[root] = None
        for node in graph.needed(roots):
            if moves[node]:
                for operand in graph.operands(node):
                    if not moves[operand] and self._worth_keeping(operand):
                        wanted[operand] = None
        return list(wanted)

    def _worth_keeping(self, node: Node) -> bool:
        op = self.graph.operation[node]
        return op not in LEAVES and op not in RELATIONS and op not in LOGIC
