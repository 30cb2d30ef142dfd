"""The program of one kernel: every quantity as a node of one graph, and the rows of a lane's workspace.

A lane holds one subject. A workspace row holds one quantity of all lanes, so that a vector instruction works
on as many subjects as the vector is wide.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from eubiosis.engine.codegen.graph import EXACT, LEAVES, MOVING, Gradients, Graph, Node
from eubiosis.engine.codegen.sparse import Filled, elimination_order, fill
from eubiosis.engine.codegen.switches import Layout, Switches, layout
from eubiosis.engine.codegen.tableaus import RODAS5P, Tableau
from eubiosis.engine.expressions import LOGIC, RELATIONS, TIME, TIME_NAME, Call, Expression, Symbol
from eubiosis.engine.system import System

_SINGULAR = ("sqrt", "^", "ln", "log10", "asin", "acos", "acosh", "atanh")  # slopes may be infinite
SHIFT = 0  # index of the input leaf that stands for 1 / (gamma h)


@dataclass(frozen=True)
class Options:
    """What a kernel is specialised for.

    ``integrals`` and ``extrema`` are quantities whose time integral, and whose least and largest values, are
    accumulated on the way. ``sensitivities`` are parameters, and states that stand for their
    initial values, with respect to which the states are derived.
    ``driven`` parameters change in an explicit run: the first ``held`` ones from interval to interval, the
    others all the time. ``scaled`` lets the absolute tolerances follow the states' sizes. ``quick`` machine
    code is made faster, runs slower and gives the same bits; that for a subject ``alone`` has one lane.
    """

    integrals: tuple[str, ...] = ()
    extrema: tuple[str, ...] = ()
    sensitivities: tuple[str, ...] = ()
    driven: tuple[str, ...] = ()
    held: int = 0
    scaled: bool = False
    tableau: Tableau = RODAS5P
    quick: bool = False
    alone: bool = False


def derivative(name: str, parameter: str) -> str:
    """Return the name of the row that holds a state's derivative by a parameter."""
    return f"d({name})/d({parameter})"


@dataclass
class Program:
    """The graph of a system and the nodes of what a kernel computes.

    ``moving`` states come first in a lane, then their derivatives with respect to parameters, then
    quadratures, then states that only events change and their derivatives. With ``switching``, conditions
    and kinks that a step can meet are modes (``switches``).
    """

    system: System
    options: Options
    switching: bool = False
    graph: Graph = field(init=False)
    names: dict[str, Node] = field(init=False)
    rates: list[Node] = field(init=False)
    place: dict[str, int] = field(init=False)
    switches: Switches = field(init=False)

    def __post_init__(self) -> None:
        system = self.system
        self.graph = Graph()
        self._singular: dict[Node, tuple[bool, bool]] = {}
        self.singular: set[tuple[int, int]] = set()  # entries of the Jacobian that may be infinite
        self.moving = list(system.moving)
        self.quadratures = list(self.options.integrals)
        still = [name for name in system.states if name not in set(self.moving)]
        derived = [derivative(n, p) for p in self.options.sensitivities for n in self.moving]
        self.judged = [*self.moving, *derived]
        jumping = {name for event in system.events for name, _ in event.changes}
        self.following = [*self.moving, *(name for name in still if name in jumping)]
        late = [
            derivative(n, p) for p in self.options.sensitivities for n in self.following[len(self.moving) :]
        ]
        self.rows = [*self.judged, *(f"integral of {n}" for n in self.quadratures), *still, *late]
        self.place = {name: row for row, name in enumerate(self.rows)}
        self.parameter = {name: i for i, name in enumerate(system.parameters)}
        self.names = {name: self.graph.node("state", self.place[name]) for name in system.states}
        self.names |= {name: self.graph.node("parameter", i) for name, i in self.parameter.items()}
        for k, name in enumerate(self.options.driven):
            self.names[name] = self.graph.node("held" if k < self.options.held else "input", 1 + k)
        self.names[TIME] = self.graph.node("time")
        self.names.setdefault(TIME_NAME, self.names[TIME])
        self.exact: dict[str, Node] | None = self._exact_names() if _has_switches(system) else None
        moving = [self.names[name] for name in self.moving]
        self.switches = Switches(self.graph, moving, self.names[TIME])
        for name in system.assigned:
            self.names[name] = self.build(system.rules[name], name)
        self.rates = [self.build(system.rates[name], name) for name in self.moving]
        if self.options.sensitivities:
            self.names |= {name: self.graph.node("state", self.place[name]) for name in (*derived, *late)}
            gradients = self.gradients(self.rates)
            for parameter in self.options.sensitivities:
                self.rates += [
                    self.total(gradients[rate], parameter) for rate in self.rates[: len(self.moving)]
                ]
        self.rates += [self.names[name] for name in self.quadratures]

    def _exact_names(self) -> dict[str, Node]:
        """Return the node of every name with true divisions, where the last bit may decide."""
        exact = dict(self.names)
        for name in self.system.assigned:
            exact[name] = self.graph.build_exact(self.system.rules[name], exact)
        return exact

    def layout(self) -> Layout:
        """Return the atoms in the order of the workspace; nothing may be built after it."""
        rates = {self.names[n]: rate for n, rate in zip(self.moving, self.rates, strict=False)}
        leaves = {self.names[name]: self.place[name] for name in self.moving}
        return layout(self.switches, [self.names[n] for n in self.system.assigned], rates, leaves)

    def gradients(self, nodes: Sequence[Node]) -> Gradients:
        """Return partial derivatives by states (column = their row), parameters (-1, ...) and the time."""
        leaves = {self.names[name]: self.place[name] for name in self.following}
        by = enumerate(self.options.sensitivities)
        leaves |= {self.names[p]: -1 - k for k, p in by if p in self.parameter}  # others are initial values
        leaves[self.names[TIME]] = -1 - len(self.options.sensitivities)
        return self.graph.gradients(nodes, [self.names[n] for n in self.system.assigned], leaves)

    def total(self, gradient: dict[int, Node], parameter: str) -> Node:
        """Return the derivative by a parameter, directly and through the states.

        A state that does not depend on the parameter adds nothing, even where a slope by it is infinite.
        """
        graph = self.graph
        total = gradient.get(-1 - self.options.sensitivities.index(parameter), graph.zero)
        for column, node in gradient.items():
            if column >= 0:
                inner = self.names[derivative(self.rows[column], parameter)]
                term = graph.mul(node, inner)
                if self._may_be_singular(node):
                    term = graph.select(graph.call("==", inner, graph.zero), graph.zero, term)
                total = graph.add(total, term)
        return total

    def in_time(self, gradient: dict[int, Node]) -> Node:
        """Return the partial derivative by the time."""
        return gradient.get(-1 - len(self.options.sensitivities), self.graph.zero)

    def _may_be_singular(self, node: Node) -> bool:
        """Whether a derivative may be infinite where the mathematics is not: of roots, powers, logarithms."""
        graph, known = self.graph, self._singular
        for inner in graph.needed([node], known):
            op = graph.operation[inner]
            moves, singular = op in MOVING, False
            for operand in graph.operands(inner):
                moves, singular = moves or known[operand][0], singular or known[operand][1]
            known[inner] = (moves, singular or (moves and op in _SINGULAR))
        return known[node][1]

    def sensitivity(self, name: str, parameter: str) -> Node:
        """Return the derivative of any quantity by a parameter."""
        node = self.names[name]
        return self.total(self.gradients([node])[node], parameter)

    @property
    def size(self) -> int:
        """Number of rows that a step moves: states with a rate, their derivatives and quadratures."""
        return len(self.judged) + len(self.quadratures)

    def build(self, expression: Expression, origin: str = "") -> Node:
        """Return the node of an expression in the system's names; ``origin`` says where it stands."""
        if isinstance(expression, Symbol):
            return self.names[expression.name]
        node = self.graph.build(expression, self.names, self.exact)
        return self.switches.freeze(node, origin) if self.switching and self.exact is not None else node

    def build_condition(self, expression: Expression, origin: str) -> Node:
        """Return the node of a condition: a number is true unless it is zero."""
        node = self.graph.build(expression, self.names, self.exact)
        return self.switches.freeze_condition(node, origin) if self.switching else node

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
        self.singular = {place for place, node in matrix.items() if self._may_be_singular(node)}
        regular = {place: self._regular(node) for place, node in matrix.items()}
        return regular, {i: self._regular(node) for i, node in in_time.items()}

    def _regular(self, node: Node) -> Node:
        """Return a slope, with zero where it is infinite or undefined, as that of a root at zero.

        A wrong slope costs the method its order there, which its error estimate sees, and no more.
        """
        return self.graph.finite(node) if self._may_be_singular(node) else node

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
        moves = graph.depends(MOVING)
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


def _has_switches(system: System) -> bool:
    """Whether anything in a system compares, takes whole numbers or has a kink."""
    if system.events:
        return True
    stack: list[Expression] = [*system.rules.values(), *system.rates.values()]
    while stack:
        tree = stack.pop()
        if isinstance(tree, Call):
            if tree.op in _SWITCHING:
                return True
            stack.extend(tree.arguments)
    return False


_SWITCHING = (*EXACT, *LOGIC, "piecewise", "abs", "min", "max")
