"""Emit straight-line vector code for nodes of a graph.

Products that are added are fused explicitly; nothing else is reordered, so the numbers do not depend on the
optimiser, the vector width or the neighbours in a vector. Which products are fused follows from the sum alone
and not from what else is computed, so that a number does not depend on what else was asked for either.

Long code is cut into parts, each a function of its own: the time of compilation then grows with the length
and not faster.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Sequence

from eubiosis.engine.codegen.graph import LEAVES, MOVING, Graph, Node
from eubiosis.engine.codegen.ir import IRBuilder, Value
from eubiosis.engine.codegen.vector_math import VectorMath
from eubiosis.engine.expressions import LOGIC, RELATIONS

Loader = Callable[[str, int], Value]
_CONDITIONS = frozenset((*RELATIONS, *LOGIC))
_FAR = 64  # after so many nodes a value that lies in memory is loaded again, not kept in a register
LONGEST = 4_000  # instructions, about, in one function
LONGEST_QUICK = 1_000
_WEIGHTS = {"reciprocal": 9, "exp": 30, "ln": 40, "^": 80, "log10": 40}


def weight(operation: str) -> int:
    """Return about how many instructions an operation takes."""
    return _WEIGHTS.get(operation, 1)


class EmitPlan:
    """The nodes that some roots need, in the order in which they are emitted.

    ``kept`` nodes lie in memory already. In ``items`` a node stands for its computation and ``~i`` for the
    store of root ``i``; ``parts`` are runs of them.
    """

    def __init__(
        self, graph: Graph, roots: Sequence[Node], kept: Collection[Node], longest: int = LONGEST
    ) -> None:
        self.graph, self.roots, self.kept, self.longest = graph, roots, kept, longest
        self._moves = graph.depends(MOVING)
        self._needs: dict[Node, list[Node]] = {}
        self.items = self._sequence()
        self.parts = self._cut()
        self.carried = self._carried()

    def absorbed(self, node: Node) -> Node | None:
        """Return the product that a sum absorbs, the right one of two.

        A product that is fixed is absorbed only by a sum that is fixed too: for others it is kept ready.
        """
        graph = self.graph
        if graph.operation[node] not in ("+", "-"):
            return None
        for operand in reversed(graph.operands(node)):
            if graph.operation[operand] == "*" and (self._moves[operand] or not self._moves[node]):
                return operand
        return None

    def needs(self, node: Node) -> list[Node]:
        """Return the nodes whose values a node is made of: a fused product is made of its factors.

        Conditions are made where they serve, so what they compare is needed in their place.
        """
        found = self._needs.get(node)
        if found is None:
            fused = self.absorbed(node)
            found = []
            for operand in self.graph.operands(node):
                if operand == fused:
                    for factor in self.graph.operands(operand):
                        self._flatten(factor, found)
                else:
                    self._flatten(operand, found)
            self._needs[node] = found
        return found

    def _flatten(self, operand: Node, found: list[Node]) -> None:
        if self.graph.operation[operand] in _CONDITIONS and operand not in self.kept:
            found.extend(self.needs(operand))
        else:
            found.append(operand)

    def _ready(self, node: Node) -> bool:
        return self.graph.operation[node] in LEAVES or node in self.kept

    def _sequence(self) -> list[int]:
        items: list[int] = []
        seen: set[Node] = set()
        conditions = self.graph.operation
        for i, root in enumerate(self.roots):
            stack = [(root, False)]
            while stack:  # operands first, without recursion: expressions may be deeper than Python's stack
                node, ready = stack.pop()
                if ready:
                    if conditions[node] not in _CONDITIONS:
                        items.append(node)
                elif node not in seen and not self._ready(node):
                    seen.add(node)
                    stack.append((node, True))
                    stack.extend([(n, False) for n in reversed(self.needs(node))])
            items.append(~i)
        return items

    def _cut(self) -> list[list[int]]:
        parts: list[list[int]] = [[]]
        length = 0
        for item in self.items:
            length += 1 if item < 0 else weight(self.graph.operation[item])
            if length > self.longest and item >= 0:
                parts.append([])
                length = 0
            parts[-1].append(item)
        return parts

    def _carried(self) -> dict[Node, int]:
        """Return the nodes that a later part needs and no store has put in memory, each with a row."""
        if len(self.parts) == 1:
            return {}
        made: dict[Node, int] = {}
        stored: set[Node] = set()
        carried: dict[Node, int] = {}
        for number, part in enumerate(self.parts):
            for item in part:
                for node in self.needs(item) if item >= 0 else [self.roots[~item]]:
                    if made.get(node, number) < number and node not in stored:
                        carried.setdefault(node, len(carried))
                if item >= 0:
                    made[item] = number
                elif self.roots[~item] not in carried:
                    stored.add(self.roots[~item])
        return carried


class Kept:
    """Nodes that lie in memory, and how to load one."""

    def __init__(self, nodes: Container[Node], load: Callable[[Node], Value]) -> None:
        self.nodes, self.load = nodes, load

    def __contains__(self, node: Node) -> bool:
        return node in self.nodes


class VectorEmitter:
    """Emit nodes into one function.

    ``load(kind, index)`` emits the load of a leaf; ``kept`` knows what lies in memory, which may grow.
    """

    def __init__(
        self,
        plan: EmitPlan,
        builder: IRBuilder,
        width: int,
        load: Loader,
        kept: Kept,
    ) -> None:
        self.plan, self.graph, self.builder, self.load = plan, plan.graph, builder, load
        self.math = VectorMath(builder, width)
        self.kept = kept
        self._values: dict[Node, Value] = {}
        self._touched: dict[Node, int] = {}
        self._clock = 0

    def make(self, node: Node) -> None:
        """Emit a node whose operands are there."""
        self._clock += 1
        self._touched[node] = self._clock
        self._values[node] = self._emit(node)

    def value(self, node: Node) -> Value:
        """Return a node's value, loaded anew if it lies in memory and was not used for long."""
        found = self._values.get(node)
        if found is not None and (
            self._clock - self._touched[node] <= _FAR
            or (node not in self.kept and self.graph.operation[node] not in LEAVES)
        ):
            self._touched[node] = self._clock
            return found
        self._touched[node] = self._clock
        self._values[node] = value = self._emit(node)
        return value

    def condition(self, node: Node) -> Value:
        """Emit a node as a vector of bits: a condition, or whether a number differs from zero."""
        graph, b = self.graph, self.builder
        op, operands = graph.operation[node], graph.operands(node)
        if op in RELATIONS and node not in self.kept:
            left, right = (self.value(n) for n in operands)
            compare = b.fcmp_unordered if op == "!=" else b.fcmp_ordered
            return compare(op, left, right)
        if op in LOGIC and node not in self.kept:
            terms = [self.condition(n) for n in operands]
            if op == "not":
                return b.not_(terms[0])
            return {"and": b.and_, "or": b.or_, "xor": b.xor}[op](*terms)
        return b.fcmp_unordered("!=", self.value(node), self.math.constant(0.0))

    def _emit(self, node: Node) -> Value:
        if node in self.kept:
            return self.kept.load(node)
        graph, b = self.graph, self.builder
        op = graph.operation[node]
        if op == "number":
            return self.math.constant(float(graph.arguments[node][0]))
        if op in LEAVES:
            return self.load(op, int(graph.arguments[node][0]) if graph.arguments[node] else 0)
        if op in _CONDITIONS:
            return b.uitofp(self.condition(node), self.math.vector)
        operands = graph.operands(node)
        if op in ("+", "-"):
            return self._sum(node, op, *operands)
        if op == "select":
            return b.select(self.condition(operands[0]), self.value(operands[1]), self.value(operands[2]))
        values = [self.value(n) for n in operands]
        if op == "*":
            return b.fmul(*values)
        if op == "fma":
            return self.math.fma(*values)
        if op == "neg":
            return b.fneg(*values)
        if op == "reciprocal":
            return self.math.reciprocal(*values)
        return self.math.apply(op, *values)

    def _sum(self, node: Node, op: str, left: Node, right: Node) -> Value:
        b, fused = self.builder, self.plan.absorbed(node)
        if fused is None:
            values = (self.value(left), self.value(right))
            return b.fadd(*values) if op == "+" else b.fsub(*values)
        x, y = (self.value(n) for n in self.graph.operands(fused))
        if fused == right:
            return self.math.fma(b.fneg(x) if op == "-" else x, y, self.value(left))
        other = self.value(right)
        return self.math.fma(x, y, b.fneg(other) if op == "-" else other)
