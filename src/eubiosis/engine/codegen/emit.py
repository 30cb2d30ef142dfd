"""Emit straight-line vector code for nodes of a graph.

Products that are added are fused explicitly; nothing else is reordered, so the numbers do not depend on the
optimiser, the vector width or the neighbours in a vector. Which products are fused follows from the sum alone
and not from what else is computed, so that a number does not depend on what else was asked for either.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from eubiosis.engine.codegen.graph import LEAVES, Graph, Node
from eubiosis.engine.codegen.ir import IRBuilder, Value
from eubiosis.engine.codegen.vector_math import VectorMath
from eubiosis.engine.expressions import LOGIC, RELATIONS

Loader = Callable[[str, int], Value]


class VectorEmitter:
    """Emit nodes into one function.

    ``load(kind, index)`` emits the load of a leaf; ``prepared`` maps nodes that were computed elsewhere to
    the emission of their load.
    """

    def __init__(
        self,
        graph: Graph,
        builder: IRBuilder,
        width: int,
        load: Loader,
        prepared: Mapping[Node, Callable[[], Value]] | None = None,
    ) -> None:
        self.graph, self.builder, self.load = graph, builder, load
        self.math = VectorMath(builder, width)
        self.prepared = prepared or {}
        self._values: dict[Node, Value] = {}
        self._conditions: dict[Node, Value] = {}
        self._moves = graph.depends(("state", "time", "input"))

    def value(self, node: Node) -> Value:
        """Emit a node, and before it what it needs, as a vector of doubles."""
        stack = [(node, False)]
        while stack:  # operands first, without recursion: expressions may be deeper than Python's stack
            inner, ready = stack.pop()
            if inner in self._values:
                continue
            if ready:
                if self.graph.operation[inner] not in (*RELATIONS, *LOGIC):  # these are made where they serve
                    self._values[inner] = self._emit(inner)
            elif inner in self.prepared:
                self._values[inner] = self._emit(inner)
            else:
                stack.append((inner, True))
                stack.extend((n, False) for n in reversed(self._wanted(inner)))
        return self._own(node)

    def condition(self, node: Node) -> Value:
        """Emit a node as a vector of bits: a condition, or whether a number differs from zero."""
        if node not in self._conditions:
            self._conditions[node] = self._emit_condition(node)
        return self._conditions[node]

    def _wanted(self, node: Node) -> list[Node]:
        """Return the nodes whose values a node is made of: a fused product is made of its factors."""
        fused = self._absorbed(node)
        wanted: list[Node] = []
        for operand in self.graph.operands(node):
            wanted += self.graph.operands(operand) if operand == fused else (operand,)
        return wanted

    def _absorbed(self, node: Node) -> Node | None:
        """Return the product that a sum absorbs, the right one of two.

        A product that is fixed is absorbed only by a sum that is fixed too: for others it is kept ready.
        """
        if self.graph.operation[node] not in ("+", "-"):
            return None
        for operand in reversed(self.graph.operands(node)):
            fits = self._moves[operand] or not self._moves[node]
            if self.graph.operation[operand] == "*" and fits:
                return operand
        return None

    def _own(self, node: Node) -> Value:
        if node not in self._values:
            self._values[node] = self._emit(node)
        return self._values[node]

    def _emit(self, node: Node) -> Value:
        if node in self.prepared:
            return self.prepared[node]()
        graph, b = self.graph, self.builder
        op = graph.operation[node]
        if op == "number":
            return self.math.constant(float(graph.arguments[node][0]))
        if op in LEAVES:
            return self.load(op, int(graph.arguments[node][0]) if graph.arguments[node] else 0)
        if op in RELATIONS or op in LOGIC:
            return b.uitofp(self.condition(node), self.math.vector)
        operands = graph.operands(node)
        if op in ("+", "-"):
            return self._sum(node, op, *operands)
        if op == "select":
            return b.select(self.condition(operands[0]), self._own(operands[1]), self._own(operands[2]))
        values = [self._own(n) for n in operands]
        if op == "*":
            return b.fmul(*values)
        if op == "neg":
            return b.fneg(*values)
        if op == "reciprocal":
            return self.math.reciprocal(*values)
        return self.math.apply(op, *values)

    def _sum(self, node: Node, op: str, left: Node, right: Node) -> Value:
        b, fused = self.builder, self._absorbed(node)
        if fused is None:
            values = (self._own(left), self._own(right))
            return b.fadd(*values) if op == "+" else b.fsub(*values)
        x, y = (self._own(n) for n in self.graph.operands(fused))
        if fused == right:
            return self.math.fma(b.fneg(x) if op == "-" else x, y, self._own(left))
        other = self._own(right)
        return self.math.fma(x, y, b.fneg(other) if op == "-" else other)

    def _emit_condition(self, node: Node) -> Value:
        graph, b = self.graph, self.builder
        op, operands = graph.operation[node], graph.operands(node)
        if op in RELATIONS and node not in self.prepared:
            left, right = (self._own(n) for n in operands)
            compare = b.fcmp_unordered if op == "!=" else b.fcmp_ordered
            return compare(op, left, right)
        if op in LOGIC and node not in self.prepared:
            terms = [self.condition(n) for n in operands]
            if op == "not":
                return b.not_(terms[0])
            return {"and": b.and_, "or": b.or_, "xor": b.xor}[op](*terms)
        return b.fcmp_unordered("!=", self._own(node), self.math.constant(0.0))
