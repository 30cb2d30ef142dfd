"""Translate MathML, as libSBML reads it, into expression trees."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from eubiosis.engine.expressions import TIME, Expression, Number, Symbol
from eubiosis.engine.sbml import operators
from eubiosis.engine.sbml.errors import UnsupportedSbmlError, refuse
from eubiosis.engine.sbml.ieee import evaluate_ieee
from eubiosis.engine.sbml.trees import names_in

if TYPE_CHECKING:
    from libsbml import ASTNode, FunctionDefinition

Scope = Mapping[str, Expression]
_NOTHING: Scope = {}


@cache
def _literals() -> dict[int, Expression]:
    import libsbml as m

    return {
        m.AST_CONSTANT_PI: Number(math.pi),
        m.AST_CONSTANT_E: Number(math.e),
        m.AST_CONSTANT_TRUE: Number(1.0),
        m.AST_CONSTANT_FALSE: Number(0.0),
        m.AST_NAME_AVOGADRO: Number(operators.AVOGADRO),
        m.AST_NAME_TIME: Symbol(TIME),
    }


@cache
def _kinds() -> tuple[frozenset[int], int, int]:
    import libsbml as m

    numbers = frozenset((m.AST_INTEGER, m.AST_REAL, m.AST_REAL_E, m.AST_RATIONAL))
    return numbers, m.AST_NAME, m.AST_FUNCTION


@cache
def _delay() -> int:
    import libsbml as m

    return int(m.AST_FUNCTION_DELAY)


class Translator:
    """Translates the mathematics of one model; calls of its function definitions are written out.

    A function is translated anew for every call, with its arguments in place of its variables, so a
    variable may have the name of a quantity of the model.
    """

    def __init__(self, definitions: Mapping[str, FunctionDefinition]) -> None:
        self._definitions = definitions
        self._active: list[str] = []
        self._symbols: dict[str, Symbol] = {}

    def translate(self, node: ASTNode, element: str, scope: Scope = _NOTHING) -> Expression:
        """Translate a node of libSBML; ``scope`` says what local names stand for.

        Raises ``UnsupportedSbmlError`` that names ``element`` and what it contains.
        """
        return self._translate(node, element, scope, inside_function=False)

    def _translate(self, node: ASTNode, element: str, scope: Scope, *, inside_function: bool) -> Expression:
        kind = node.getType()
        numbers, name, function = _kinds()
        if kind == name:
            return self._name(node.getName(), scope, inside_function=inside_function)
        if kind in numbers:
            return Number(float(node.getValue()))
        literal = _literals().get(kind)
        if literal is not None:
            return literal
        if kind == _delay():
            raise refuse(element, "the delay function")
        arguments = tuple(
            [
                self._translate(node.getChild(i), element, scope, inside_function=inside_function)
                for i in range(node.getNumChildren())
            ]
        )
        if kind == function:
            return self._call(node.getName(), arguments, element)
        return _operator(node, kind, arguments, element)

    def _name(self, name: str, scope: Scope, *, inside_function: bool) -> Expression:
        local = scope.get(name)
        if local is not None:
            return local
        if inside_function:
            feature = f"the name {name}, which is not among the arguments,"
            raise refuse(f"function definition {self._active[-1]}", feature)
        if name not in self._symbols:
            self._symbols[name] = Symbol(name)
        return self._symbols[name]

    def _call(self, function: str, arguments: tuple[Expression, ...], element: str) -> Expression:
        definition = self._definitions.get(function)
        if definition is None:
            raise refuse(element, f"the function {function}, which has no function definition,")
        if function in self._active:
            circle = " -> ".join((*self._active[self._active.index(function) :], function))
            message = f"function definitions form a circle: {circle}"
            raise UnsupportedSbmlError(message)
        body = definition.getBody() if definition.isSetMath() else None
        if body is None:
            raise refuse(element, f"the function {function}, whose function definition has no mathematics,")
        count = definition.getNumArguments()
        if count != len(arguments):
            raise refuse(
                element, f"{len(arguments)} arguments for the function {function}, which has {count},"
            )
        scope = {definition.getArgument(i).getName(): arguments[i] for i in range(count)}
        self._active.append(function)
        tree = self._translate(body, f"function definition {function}", scope, inside_function=True)
        self._active.pop()
        return tree


def _operator(node: ASTNode, kind: int, arguments: tuple[Expression, ...], element: str) -> Expression:
    op = operators.plain().get(kind)
    builder = operators.composed().get(kind)
    if op is None and builder is None:
        raise refuse(element, f"operator {node.getName() or node.getOperatorName() or kind}")
    fewest, most = operators.arities().get(kind, (0, len(arguments)))
    if not fewest <= len(arguments) <= most:
        word = op or node.getName() or node.getOperatorName()
        raise refuse(element, f"operator {word} with {len(arguments)} arguments")
    if builder is not None:
        return builder(arguments)
    assert op is not None
    if op == "^" and not names_in(arguments[1]):
        exponent = evaluate_ieee(arguments[1], {})
        if not math.isfinite(exponent):
            what = "not a number" if math.isnan(exponent) else "infinite"
            raise refuse(element, f"an exponent that is {what}")
    return operators.apply(op, arguments)
