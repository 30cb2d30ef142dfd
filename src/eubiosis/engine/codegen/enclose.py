"""Intervals: what values a function of the time takes while the time runs through a span.

Bounds are those of the operations in plain doubles, widened a little for rounding. Where nothing better is
known a bound is infinite: a span that cannot be told to be free of a zero is looked at in parts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from eubiosis.engine.codegen.emit import VectorEmitter
from eubiosis.engine.codegen.graph import Node
from eubiosis.engine.codegen.ir import Value
from eubiosis.engine.codegen.switches import Switches

_WIDER = 2.0**-50
_RISING = ("exp", "ln", "log10", "sqrt", "sinh", "tanh", "asin", "atan", "asinh", "acosh", "atanh")


@dataclass(frozen=True)
class Span:
    """A lower and an upper bound, vectors."""

    low: Value
    high: Value


class Encloser:
    """Emit the bounds of nodes; ``at_low`` emits what does not move, at any time of the span."""

    def __init__(self, switches: Switches, fixed: VectorEmitter, low: Value, high: Value) -> None:
        self.graph, self.moves, self.time = switches.graph, switches.moves, switches.time
        self.fixed, self.math, self.b = fixed, fixed.math, fixed.builder
        self._spans: dict[Node, Span] = {self.time: Span(low, high)}

    def span(self, root: Node) -> Span:
        """Emit the bounds of a node."""
        for node in self.graph.needed([root], self._spans):
            self._spans[node] = self._span(node)
        return self._spans[root]

    def _span(self, node: Node) -> Span:
        if not self.moves(node):
            value = self.fixed.value(node)
            return Span(value, value)
        op, operands = self.graph.operation[node], self.graph.operands(node)
        if op == "select":
            condition = self.fixed.condition(operands[0])
            yes, no = (self._spans[n] for n in operands[1:])
            return Span(
                self.b.select(condition, yes.low, no.low), self.b.select(condition, yes.high, no.high)
            )
        parts = [self._spans[n] for n in operands]
        return self._wider(self._apply(op, operands, parts))

    def _apply(self, op: str, operands: tuple[Node, ...], parts: list[Span]) -> Span:
        b, a = self.b, parts[0]
        if op == "+":
            return Span(b.fadd(a.low, parts[1].low), b.fadd(a.high, parts[1].high))
        if op == "-":
            return Span(b.fsub(a.low, parts[1].high), b.fsub(a.high, parts[1].low))
        if op == "neg":
            return Span(b.fneg(a.high), b.fneg(a.low))
        if op == "*":
            return self._square(a) if operands[0] == operands[1] else self._product(a, parts[1])
        if op == "reciprocal":
            return self._reciprocal(a)
        if op == "divide":
            return self._product(a, self._reciprocal(parts[1]))
        if op == "^":
            return self._power(a, parts[1])
        if op == "abs":
            return self._absolute(a)
        if op in ("min", "max"):
            return Span(self.math.apply(op, a.low, parts[1].low), self.math.apply(op, a.high, parts[1].high))
        if op == "finite":
            return a
        if op in _RISING:
            return Span(self.math.apply(op, a.low), self.math.apply(op, a.high))
        if op == "acos":
            return Span(self.math.apply(op, a.high), self.math.apply(op, a.low))
        if op == "cosh":
            size = self._absolute(a)
            return Span(self.math.apply(op, size.low), self.math.apply(op, size.high))
        if op in ("sin", "cos"):
            return self._wave(op, a)
        return self._tangent(a)

    def _wider(self, span: Span) -> Span:
        """Widen by rounding; what is undefined is unbounded."""
        b, math_ = self.b, self.math
        room = math_.constant(_WIDER)
        low = b.fsub(span.low, b.fmul(room, math_.apply("abs", span.low)))
        high = b.fadd(span.high, b.fmul(room, math_.apply("abs", span.high)))
        unknown = b.fcmp_unordered("uno", low, high)
        endless = math_.constant(math.inf)
        return Span(b.select(unknown, b.fneg(endless), low), b.select(unknown, endless, high))

    def _least(self, *values: Value) -> Value:
        total = values[0]
        for value in values[1:]:
            total = self.math.apply("min", total, value)
        return total

    def _most(self, *values: Value) -> Value:
        total = values[0]
        for value in values[1:]:
            total = self.math.apply("max", total, value)
        return total

    def _product(self, a: Span, c: Span) -> Span:
        corners = [self.b.fmul(x, y) for x in (a.low, a.high) for y in (c.low, c.high)]
        return Span(self._least(*corners), self._most(*corners))

    def _absolute(self, a: Span) -> Span:
        sizes = [self.math.apply("abs", x) for x in (a.low, a.high)]
        zero = self.math.constant(0.0)
        low = self.b.select(self._has_zero(a), zero, self._least(*sizes))
        return Span(low, self._most(*sizes))

    def _square(self, a: Span) -> Span:
        size = self._absolute(a)
        return Span(self.b.fmul(size.low, size.low), self.b.fmul(size.high, size.high))

    def _has_zero(self, a: Span) -> Value:
        b, zero = self.b, self.math.constant(0.0)
        return b.and_(b.fcmp_unordered("<=", a.low, zero), b.fcmp_unordered(">=", a.high, zero))

    def _reciprocal(self, a: Span) -> Span:
        b, one, endless = self.b, self.math.constant(1.0), self.math.constant(math.inf)
        through = self._has_zero(a)
        low, high = b.fdiv(one, a.high), b.fdiv(one, a.low)
        return Span(b.select(through, b.fneg(endless), low), b.select(through, endless, high))

    def _power(self, a: Span, c: Span) -> Span:
        b, endless = self.b, self.math.constant(math.inf)
        corners = [self.math.apply("^", x, y) for x in (a.low, a.high) for y in (c.low, c.high)]
        positive = b.fcmp_ordered(">", a.low, self.math.constant(0.0))
        low = b.select(positive, self._least(*corners), b.fneg(endless))
        return Span(low, b.select(positive, self._most(*corners), endless))

    def _wave(self, op: str, a: Span) -> Span:
        """Bound sine or cosine: 1 where a crest lies within the span, and -1 where a trough does."""
        b, math_ = self.b, self.math
        ends = [math_.apply(op, x) for x in (a.low, a.high)]
        first = math.pi / 2 if op == "sin" else 0.0
        crest, trough = self._passes(a, first), self._passes(a, first + math.pi)
        low = b.select(trough, math_.constant(-1.0), self._least(*ends))
        return Span(low, b.select(crest, math_.constant(1.0), self._most(*ends)))

    def _passes(self, a: Span, place: float, period: float = 2 * math.pi) -> Value:
        """Whether a span holds, or nearly, ``place`` plus a whole number of periods."""
        b, math_ = self.b, self.math
        shift, scale, room = (math_.constant(x) for x in (-place, 1 / period, 1e-12))
        low = b.fmul(b.fadd(a.low, shift), scale)
        high = b.fmul(b.fadd(a.high, shift), scale)
        slack = b.fadd(room, b.fmul(math_.constant(2.0**-50), math_.apply("abs", high)))
        turns = [math_.apply("floor", x) for x in (b.fsub(low, slack), b.fadd(high, slack))]
        return b.fcmp_unordered("!=", *turns)

    def _tangent(self, a: Span) -> Span:
        b, math_, endless = self.b, self.math, self.math.constant(math.inf)
        pole = self._passes(a, math.pi / 2, math.pi)
        low, high = (math_.apply("tan", x) for x in (a.low, a.high))
        return Span(b.select(pole, b.fneg(endless), low), b.select(pole, endless, high))
