"""Where a system switches: conditions and kinks become modes that a step holds, between crossings.

A comparison of a and b holds by the sign of a - b; so do the absolute value, the lesser and the greater of
two. Floor, ceiling, quotient and remainder hold by the cell, between two whole numbers, in which a number
lies. Each such sign or cell is an *atom*: a step takes it from the lane (its *mode*), so that it integrates
smooth pieces only, and the loop looks for the first place where it changes.

A mode is -1, 0 or 1 for a sign, and n + 1/2 between n and n + 1, or n exactly on it, for a cell: exactly on
a border while the time stands, and beside it when time goes on.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from eubiosis.engine.codegen.graph import LEAVES, Graph, Node
from eubiosis.engine.expressions import LOGIC, RELATIONS

SIGN, CELL = "sign", "cell"
STATE, LINE, CURVE = "state", "line", "curve"  # by the states; by the time, linearly; by it otherwise
ENCLOSED = (  # what intervals are known for
    *("+", "-", "*", "neg", "reciprocal", "divide", "^", "abs", "select", "min", "max", "finite"),
    *("exp", "ln", "log10", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh"),
    *("asin", "acos", "atan", "asinh", "acosh", "atanh"),
)


@dataclass(frozen=True)
class Atom:
    """One sign or cell of the value of ``node``; ``depth`` counts the atoms inside, ``origin`` says where."""

    kind: str
    node: Node
    leaf: Node
    depth: int
    origin: str


class Switches:
    """The atoms of a program, and its nodes with every atom replaced by its mode."""

    def __init__(self, graph: Graph, moving: Iterable[Node], time: Node) -> None:
        self.graph, self.moving, self.time = graph, frozenset(moving), time
        self.atoms: list[Atom] = []
        self._known: dict[tuple[str, Node], Node] = {}
        self._frozen: dict[Node, Node] = {}
        self._moves: dict[Node, bool] = {}
        self._depth: dict[Node, int] = {}

    # --- freezing -------------------------------------------------------------------------------------

    def freeze(self, root: Node, origin: str) -> Node:
        """Return the node with modes in the place of atoms; ``origin`` names where it stands."""
        for node in self.graph.needed([root], self._frozen):
            self._frozen[node] = self._freeze(node, origin)
        return self._frozen[root]

    def freeze_condition(self, root: Node, origin: str) -> Node:
        """Return a condition with modes in the place of atoms: a number counts as true unless zero."""
        return self._condition(self.freeze(root, origin), origin)

    def _freeze(self, node: Node, origin: str) -> Node:
        graph, op = self.graph, self.graph.operation[node]
        if op in LEAVES:
            return node
        operands = [self._frozen[n] for n in graph.operands(node)]
        moves = any(self.moves(n) for n in operands)
        if op == "select":
            return graph.select(self._condition(operands[0], origin), *operands[1:])
        if op in LOGIC:
            return graph.call(op, *(self._condition(n, origin) for n in operands))
        if not moves:
            return self._rebuilt(node, op, operands)
        a = operands[0]
        if op in RELATIONS:
            return graph.call(op, self._atom(SIGN, graph.sub(a, operands[1]), origin), graph.zero)
        if op in ("floor", "ceil"):
            return graph.call(op, self._atom(CELL, a, origin))
        if op in ("quotient", "rem"):
            cell = self._atom(CELL, graph.divide(a, operands[1]), origin)
            whole = graph.call("quotient", cell, graph.one)
            return whole if op == "quotient" else graph.sub(a, graph.mul(operands[1], whole))
        if op == "abs":
            upper = graph.call(">=", self._atom(SIGN, a, origin), graph.zero)
            return graph.select(upper, a, graph.neg(a))
        if op in ("min", "max"):
            sign = self._atom(SIGN, graph.sub(a, operands[1]), origin)
            return graph.select(graph.call("<=" if op == "min" else ">=", sign, graph.zero), *operands)
        return self._rebuilt(node, op, operands)

    def _rebuilt(self, node: Node, op: str, operands: list[Node]) -> Node:
        if tuple(operands) == self.graph.operands(node):
            return node
        return self.graph.node(op, *operands)

    def _condition(self, node: Node, origin: str) -> Node:
        op = self.graph.operation[node]
        if op in RELATIONS or op in LOGIC or not self.moves(node):
            return node
        return self.graph.call("!=", self._atom(SIGN, node, origin), self.graph.zero)

    def _apart(self, node: Node) -> Node:
        """Return a difference (or sum) whose terms may cancel by a choice, as a choice of differences.

        min(min(f, g), f) compares a choice of f and g with f: where f is chosen the difference is zero, which
        rounding (a fused product) would hide and no bound could show. The same for sums such as abs(f) + f.
        """
        graph, op = self.graph, self.graph.operation[node]
        if op not in ("-", "+"):
            return node
        left, right = graph.operands(node)
        for chosen, other in ((left, right), (right, left)):
            cancels = other if op == "-" else graph.neg(other)
            if graph.operation[chosen] == "select" and self._offers(chosen, cancels):
                return self._spread(chosen, other, cancels, op, first=chosen == left)
        return node

    def _offers(self, node: Node, wanted: Node) -> bool:
        """Say whether a choice, or a choice within it, may be the wanted node."""
        if self.graph.operation[node] != "select":
            return node == wanted
        return any(self._offers(branch, wanted) for branch in self.graph.operands(node)[1:])

    def _spread(self, node: Node, other: Node, cancels: Node, op: str, *, first: bool) -> Node:
        """Return the difference or sum of each branch of a choice and another node, as a choice."""
        graph = self.graph
        if graph.operation[node] == "select":
            condition, *branches = graph.operands(node)
            yes, no = (self._spread(one, other, cancels, op, first=first) for one in branches)
            return graph.select(condition, yes, no)
        if node == cancels:
            return graph.zero
        if op == "+":
            return graph.add(node, other)
        return graph.sub(node, other) if first else graph.sub(other, node)

    def _atom(self, kind: str, node: Node, origin: str) -> Node:
        node = self._apart(node)
        if not self.moves(node):  # the difference of equals
            same = self.graph.value(node)
            if kind == SIGN and same is not None:
                return self.graph.number(math.nan if math.isnan(same) else (same > 0) - (same < 0))
        key = (kind, node)
        if key not in self._known:
            leaf = self.graph.node("mode", len(self.atoms))
            self.atoms.append(Atom(kind, node, leaf, self._depth_of(node), origin))
            self._known[key] = leaf
        return self._known[key]

    def moves(self, node: Node) -> bool:
        """Whether a frozen node changes within a step."""
        for inner in self.graph.needed([node], self._moves):
            operands = self.graph.operands(inner)
            leaf = inner == self.time or inner in self.moving
            self._moves[inner] = leaf or any(self._moves[n] for n in operands)
        return self._moves[node]

    def _depth_of(self, node: Node) -> int:
        for inner in self.graph.needed([node], self._depth):
            if self.graph.operation[inner] == "mode":
                self._depth[inner] = 1 + self.atoms[int(self.graph.arguments[inner][0])].depth
            else:
                self._depth[inner] = max((self._depth[n] for n in self.graph.operands(inner)), default=0)
        return self._depth[node]


@dataclass(frozen=True)
class Layout:
    """The atoms in the order of the workspace, with their slopes along a course.

    ``values`` and ``slopes`` are nodes; ``place`` maps an atom's number to its row. Signs come first, then
    cells; within each those by states (``signs_by_state``, ``cells_by_state`` of them), then lines, then
    curves of the time. ``curved`` tells whether a value by states is not linear in them and the time.
    """

    atoms: tuple[Atom, ...]
    values: tuple[Node, ...]
    slopes: tuple[Node, ...]
    place: Mapping[int, int]
    signs: int
    by: tuple[str, ...]
    passes: int
    curved: bool

    def rows(self, kind: str, by: str) -> tuple[int, int]:
        """Return the run of rows of one kind."""
        first, end = (0, self.signs) if kind == SIGN else (self.signs, len(self.atoms))
        own = [row for row in range(first, end) if self.by[row] == by]
        return (own[0], own[-1] + 1) if own else (first, first)


def layout(
    switches: Switches, cuts: list[Node], rates: Mapping[Node, Node], leaves: Mapping[Node, int]
) -> Layout:
    """Order the atoms and derive their slopes; ``rates`` gives each moving state's, ``leaves`` its column.

    Raises ``ValueError`` for a comparison of the time that cannot be located.
    """
    graph = switches.graph
    columns = {**leaves, switches.time: -1}
    gradients = graph.gradients([atom.node for atom in switches.atoms], cuts, columns)
    by_column = {column: node for node, column in leaves.items()}
    entries: list[tuple[int, int, int, Atom, Node]] = []
    curved = False
    for number, atom in enumerate(switches.atoms):
        gradient = gradients[atom.node]
        slope = gradient.get(-1, graph.zero)
        found = set(graph.needed([atom.node]))
        by_state = not switches.moving.isdisjoint(found)
        for column, node in gradient.items():
            if column >= 0:
                slope = graph.add(slope, graph.mul(node, rates[by_column[column]]))
        straight = not any(switches.moves(node) for node in gradient.values())
        by = STATE if by_state else LINE if straight else CURVE
        _refuse_unknown(switches, atom)
        curved = curved or (by_state and not straight)
        order = (0 if atom.kind == SIGN else 1, (STATE, LINE, CURVE).index(by), number)
        entries.append((*order, atom, slope))
    entries.sort(key=lambda entry: entry[:3])
    atoms = tuple(entry[3] for entry in entries)
    return Layout(
        atoms,
        tuple(atom.node for atom in atoms),
        tuple(entry[4] for entry in entries),
        {entry[2]: row for row, entry in enumerate(entries)},
        sum(atom.kind == SIGN for atom in atoms),
        tuple((STATE, LINE, CURVE)[entry[1]] for entry in entries),
        1 + max((atom.depth for atom in atoms), default=0),
        curved,
    )


def _refuse_unknown(switches: Switches, atom: Atom) -> None:
    graph = switches.graph
    for node in graph.needed([atom.node]):
        op = graph.operation[node]
        if op not in LEAVES and switches.moves(node) and op not in ENCLOSED:
            message = f"{atom.origin}: a comparison of {op} of what moves cannot be located"
            raise ValueError(message)
