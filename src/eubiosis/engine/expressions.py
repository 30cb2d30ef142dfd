"""Expression trees: what stands between SBML mathematics and generated code.

A tree is immutable. Symbols are plain names; nothing a file contains is ever evaluated as Python.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

TIME = "<time>"
TIME_NAME = "time"  # under which it can be observed, where no quantity of the model has the name


@dataclass(frozen=True)
class Number:
    """A literal."""

    value: float


@dataclass(frozen=True)
class Symbol:
    """A model quantity, or the time where the name is ``TIME``."""

    name: str


@dataclass(frozen=True)
class Call:
    """An operator or function applied to arguments; ``piecewise`` takes value, condition, ..., otherwise."""

    op: str
    arguments: tuple[Expression, ...]


Expression = Number | Symbol | Call

ARITHMETIC = ("+", "-", "*", "/", "^", "neg")
TRIGONOMETRIC = (
    "sin",
    "cos",
    "tan",
    "sinh",
    "cosh",
    "tanh",
    "asin",
    "acos",
    "atan",
    "asinh",
    "acosh",
    "atanh",
)
FUNCTIONS = (
    *("exp", "ln", "log10", "sqrt", "abs", "floor", "ceil", "factorial", "min", "max", "rem", "quotient"),
    *TRIGONOMETRIC,
)
RELATIONS = ("<", "<=", ">", ">=", "==", "!=")
LOGIC = ("and", "or", "xor", "not")

_PURE: dict[str, Callable[..., float]] = {
    "+": lambda *a: math.fsum(a) if len(a) > 2 else sum(a),
    "-": lambda a, b: a - b,
    "*": lambda *a: math.prod(a),
    "/": lambda a, b: a / b,
    "^": math.pow,  # a negative base with a fractional power is an error, not a complex number
    "neg": lambda a: -a,
    "exp": math.exp,
    "ln": math.log,
    "log10": math.log10,
    "sqrt": math.sqrt,
    "abs": abs,
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "sinh": math.sinh,
    "cosh": math.cosh,
    "tanh": math.tanh,
    "asin": math.asin,
    "acos": math.acos,
    "atan": math.atan,
    "asinh": math.asinh,
    "acosh": math.acosh,
    "atanh": math.atanh,
    "rem": math.fmod,  # the quotient is truncated toward zero, so the remainder has the sign of the dividend
    "quotient": lambda a, b: math.trunc(a / b),
    "factorial": lambda a: math.gamma(a + 1.0),
    "floor": math.floor,
    "ceil": math.ceil,
    "min": min,
    "max": max,
    "<": lambda a, b: float(a < b),
    "<=": lambda a, b: float(a <= b),
    ">": lambda a, b: float(a > b),
    ">=": lambda a, b: float(a >= b),
    "==": lambda a, b: float(a == b),
    "!=": lambda a, b: float(a != b),
    "and": lambda *a: float(all(a)),
    "or": lambda *a: float(any(a)),
    "xor": lambda *a: float(sum(bool(x) for x in a) % 2),
    "not": lambda a: float(not a),
}


def symbols(expression: Expression) -> Iterator[str]:
    """Yield every symbol name in the tree, with repeats."""
    if isinstance(expression, Symbol):
        yield expression.name
    elif isinstance(expression, Call):
        for argument in expression.arguments:
            yield from symbols(argument)


def subtrees(expression: Expression) -> Iterator[Expression]:
    """Yield the tree and every tree inside it."""
    yield expression
    if isinstance(expression, Call):
        for argument in expression.arguments:
            yield from subtrees(argument)


def evaluate(expression: Expression, values: Mapping[str, float]) -> float:
    """Evaluate a tree in plain Python: slow, exact in meaning, used for set-up and as a reference.

    Raises ``KeyError`` for a symbol without a value and ``ArithmeticError`` or ``ValueError`` where the
    mathematics is undefined.
    """
    return evaluate_by(expression, values, lambda op, arguments: float(_PURE[op](*arguments)))


def evaluate_by(
    expression: Expression, values: Mapping[str, float], apply: Callable[[str, list[float]], float]
) -> float:
    """Evaluate a tree, each operation by ``apply(operator, arguments)``; of a piecewise only what counts."""
    if isinstance(expression, Number):
        return expression.value
    if isinstance(expression, Symbol):
        return values[expression.name]
    if expression.op == "piecewise":
        pairs, otherwise = expression.arguments[:-1], expression.arguments[-1]
        for value, condition in zip(pairs[::2], pairs[1::2], strict=True):
            if evaluate_by(condition, values, apply):
                return evaluate_by(value, values, apply)
        return evaluate_by(otherwise, values, apply)
    return apply(expression.op, [evaluate_by(a, values, apply) for a in expression.arguments])


def substitute(expression: Expression, values: Mapping[str, float]) -> Expression:
    """Replace symbols by numbers and fold what becomes constant."""
    if isinstance(expression, Symbol) and expression.name in values:
        return Number(values[expression.name])
    if not isinstance(expression, Call):
        return expression
    call = Call(expression.op, tuple(substitute(a, values) for a in expression.arguments))
    if expression.op != "piecewise" and all(isinstance(a, Number) for a in call.arguments):
        return Number(evaluate(call, {}))
    return call
