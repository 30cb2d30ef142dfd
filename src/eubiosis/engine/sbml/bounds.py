"""Find the times at which a comparison with the time changes its answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass

from eubiosis.engine.expressions import RELATIONS, TIME, Call, Expression, Number, Symbol
from eubiosis.engine.sbml.trees import calls_in, names_in

_ZERO, _ONE = Number(0.0), Number(1.0)


@dataclass(frozen=True)
class _Linear:
    """``slope`` times the time plus ``offset``, both constant."""

    slope: Expression
    offset: Expression


def time_bounds(
    expressions: Iterable[Expression], rules: Mapping[str, Expression], parameters: Set[str]
) -> tuple[Expression, ...]:
    """Return the constant expressions that the time is compared with, each once, in terms of parameters.

    ``rules`` are the assigned quantities in an order in which each needs only earlier ones. A comparison
    of terms that are linear in time, such as 2 (time - lag) > day, is solved for the time; one with
    something that varies otherwise has no bound. A bound may be infinite or NaN for some parameters.
    """
    finder = _Finder(rules, parameters)
    found: dict[Expression, None] = {}
    for expression in expressions:
        for relation in calls_in(expression, RELATIONS):
            bound = finder.bound(relation)
            if bound is not None:
                found[bound] = None
    return tuple(found)


class _Finder:
    def __init__(self, rules: Mapping[str, Expression], parameters: Set[str]) -> None:
        self._rules, self._parameters = rules, parameters
        self._known: dict[str, _Linear | None] = {}
        self._timed = {TIME}
        for name, rule in rules.items():
            if not self._timed.isdisjoint(names_in(rule)):
                self._timed.add(name)

    def bound(self, relation: Call) -> Expression | None:
        """Return the time at which the two sides are equal, if that is constant."""
        if len(relation.arguments) != 2 or self._timed.isdisjoint(names_in(relation)):
            return None
        left, right = (self._linear(argument) for argument in relation.arguments)
        if left is None or right is None or left.slope == right.slope:
            return None
        if left.slope == _ZERO:
            left, right = right, left
        return _quotient(_difference(right.offset, left.offset), _difference(left.slope, right.slope))

    def _linear(self, tree: Expression) -> _Linear | None:
        """Write a tree as a linear function of the time, if it is one."""
        if isinstance(tree, Number):
            return _Linear(_ZERO, tree)
        if isinstance(tree, Symbol):
            return self._symbol(tree)
        if tree.op not in ("+", "-", "*", "/", "neg") and not self._timed.isdisjoint(names_in(tree)):
            return None
        parts = [self._linear(argument) for argument in tree.arguments]
        terms = [part for part in parts if part is not None]
        if len(terms) < len(parts):
            return None
        return _combine(tree.op, terms)

    def _symbol(self, symbol: Symbol) -> _Linear | None:
        name = symbol.name
        if name == TIME:
            return _Linear(_ONE, _ZERO)
        if name in self._parameters:
            return _Linear(_ZERO, symbol)
        if name not in self._rules:
            return None
        if name not in self._known:
            self._known[name] = self._linear(self._rules[name])
        return self._known[name]


def _combine(op: str, terms: list[_Linear]) -> _Linear | None:
    if all(term.slope == _ZERO for term in terms):
        return _Linear(_ZERO, Call(op, tuple(term.offset for term in terms)))
    if op == "neg":
        return _Linear(_difference(_ZERO, terms[0].slope), _difference(_ZERO, terms[0].offset))
    if op == "-":
        left, right = terms
        return _Linear(_difference(left.slope, right.slope), _difference(left.offset, right.offset))
    if op == "+":
        return _Linear(_sum([t.slope for t in terms]), _sum([t.offset for t in terms]))
    if op == "/":
        above, below = terms
        if below.slope != _ZERO:
            return None
        return _Linear(_quotient(above.slope, below.offset), _quotient(above.offset, below.offset))
    moving = [term for term in terms if term.slope != _ZERO]
    if op != "*" or len(moving) > 1:
        return None
    factors = [term.offset for term in terms if term.slope == _ZERO]
    return _Linear(_product([moving[0].slope, *factors]), _product([moving[0].offset, *factors]))


def _sum(terms: list[Expression]) -> Expression:
    kept = [term for term in terms if term != _ZERO]
    return Call("+", tuple(kept)) if len(kept) > 1 else kept[0] if kept else _ZERO


def _product(factors: list[Expression]) -> Expression:
    if _ZERO in factors:
        return _ZERO
    kept = [factor for factor in factors if factor != _ONE]
    return Call("*", tuple(kept)) if len(kept) > 1 else kept[0] if kept else _ONE


def _difference(left: Expression, right: Expression) -> Expression:
    if right == _ZERO:
        return left
    if isinstance(left, Number) and isinstance(right, Number):
        return Number(left.value - right.value)
    return Call("neg", (right,)) if left == _ZERO else Call("-", (left, right))


def _quotient(above: Expression, below: Expression) -> Expression:
    return above if below == _ONE or above == _ZERO else Call("/", (above, below))
