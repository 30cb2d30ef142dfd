"""The program of one kernel: every quantity as a node of one graph, and the rows of a lane's workspace.

A lane holds one subject. A workspace row holds one quantity of all lanes, so that a vector instruction works
on as many subjects as the vector is wide.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from eubiosis.engine.codegen.graph import LEAVES, Gradients, Graph, Node
from eubiosis.engine.codegen.sparse import Filled, elimination_order, fill
from eubiosis.engine.codegen.tableaus import RODAS5P, Tableau
from eubiosis.engine.expressions import LOGIC, RELATIONS, TIME, Expression, Symbol
from eubiosis.engine.system import System

SHIFT = 0  # index of the input leaf that stands for 1 / (gamma h)


@dataclass(frozen=True)
class Options:
    """What a kernel is specialised for.

    ``integrals`` and ``extrema`` are quantities whose time integral, and whose least and largest values, are
    accumulated on the way. ``sensitivities`` are parameters with respect to which the states are derived.
    ``driven`` parameters change in an explicit run: the first ``held`` ones from interval to interval, the
    others all the time. ``scaled`` lets the absolute tolerances follow the states' sizes. ``quick`` machine
    code is made faster, runs slower and gives the same bits.
    """

    integrals: tuple[str, ...] = ()
    extrema: tuple[str, ...] = ()
    sensitivities: tuple[str, ...] = ()
    driven: tuple[str, ...] = ()
    held: int = 0
    scaled: bool = False
    tableau: Tableau = RODAS5P
    quick: bool = False


def derivative(name: str, parameter: str) -> str:
    """Return the name of the row that holds a state's derivative by a parameter."""
    return f"d({name})/d({parameter})"


@dataclass
class Program:
    """The graph of a system and the nodes of what a kernel computes.

    ``moving`` states come first in a lane, then their derivatives with respect to parameters, then
    quadratures, then states that only events change.
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
        derived = [derivative(n, p) for p in self.options.sensitivities for n in self.moving]
        self.judged = [*self.moving, *derived]
        self.rows = [*self.judged, *(f"integral of {n}" for n in self.quadratures), *still]
        self.place = {name: row for row, name in enumerate(self.rows)}
        self.parameter = {name: i for i, name in enumerate(system.parameters)}
        self.names = {name: self.graph.node("state", self.place[name]) for name in system.states}
        self.names |= {name: self.graph.node("parameter", i) for name, i in self.parameter.items()}
        for k, name in enumerate(self.options.driven):
            self.names[name] = self.graph.node("held" if k < self.options.held else "input", 1 + k)
        self.names[TIME] = self.graph.node("time")
        for name in system.assigned:
            self.names[name] = self.graph.build(system.rules[name], self.names)
        self.rates = [self.build(system.rates[name]) for name in self.moving]
        if self.options.sensitivities:
            self.names |= {name: self.graph.node("state", self.place[name]) for name in derived}
            gradients = self._gradients(self.rates)
            for parameter in self.options.sensitivities:
                self.rates += [
                    self._total(gradients[rate], parameter) for rate in self.rates[: len(self.moving)]
                ]
        self.rates += [self.names[name] for name in self.quadratures]

    def _gradients(self, nodes: Sequence[Node]) -> Gradients:
        """Return partial derivatives by states (column = their row) and parameters (-1, -2, ...)."""
        leaves = {self.names[name]: self.place[name] for name in self.moving}
        leaves |= {self.names[p]: -1 - k for k, p in enumerate(self.options.sensitivities)}
        return self.graph.gradients(nodes, [self.names[n] for n in self.system.assigned], leaves)

    def _total(self, gradient: dict[int, Node], parameter: str) -> Node:
        """Return the derivative by a parameter, directly and through the states."""
        graph = self.graph
        total = gradient.get(-1 - self.options.sensitivities.index(parameter), graph.zero)
        for column, node in gradient.items():
            if column >= 0:
                inner = self.names[derivative(self.moving[column], parameter)]
                total = graph.add(total, graph.mul(node, inner))
        return total

    def sensitivity(self, name: str, parameter: str) -> Node:
        """Return the derivative of any quantity by a parameter."""
        node = self.names[name]
        return self._total(self._gradients([node])[node], parameter)

    @property
    def size(self) -> int:
        """Number of rows that a step moves: states with a rate, their derivatives and quadratures."""
        return len(self.judged) + len(self.quadratures)

    def build(self, expression: Expression) -> Node:
        """Return the node of an expression in the system's names."""
        if isinstance(expression, Symbol):
            return self.names[expression.name]
        return self.graph.build(expression, self.names)

    def jacobian(self) -> tuple[dict[tuple[int, int], Node], dict[int, Node]]:
        """Return d rate_i / d state_j as (i, j) -> node, and d rate_i / d time as i -> node."""
        leaves = {self.names[name]: self.place[name] for name in self.judged}
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

    def matrix(self, jacobian: dict[tuple[int, int], Node]) -> tuple[dict[tuple[int, int], Node], Filled]:
        """Return (shift) I - J, and the pattern of its factors."""
        shift = self.graph.node("input", SHIFT)
        matrix = {place: self.graph.neg(node) for place, node in jacobian.items()}
        for i in range(self.size):
            matrix[i, i] = self.graph.add(shift, matrix.get((i, i), self.graph.zero))
        return matrix, fill(self.size, matrix, self._order(jacobian))

    def _order(self, jacobian: dict[tuple[int, int], Node]) -> list[int]:
        """Order the elimination: states, then each block of derivatives alike, then quadratures.

        The blocks of derivatives have the states' own matrix on their diagonal, so that in the same order
        their factors are the same nodes, computed once.
        """
        count = len(self.moving)
        own = elimination_order(count, [(i, j) for i, j in jacobian if i < count and j < count])
        blocks = range(1 + len(self.options.sensitivities))
        return [block * count + k for block in blocks for k in own] + [*range(len(self.judged), self.size)]

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
