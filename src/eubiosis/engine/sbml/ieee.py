"""Evaluate a tree as floating-point hardware does: undefined mathematics is NaN or an infinity."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from eubiosis.engine.expressions import Call, Expression, Number, evaluate, evaluate_by

_FLOATING: dict[str, Callable[..., float | np.floating]] = {
    "+": lambda *a: np.sum(a),
    "-": np.subtract,
    "*": lambda *a: np.prod(a),
    "/": np.divide,
    "^": np.power,
    "exp": np.exp,
    "ln": np.log,
    "log10": np.log10,
    "sqrt": np.sqrt,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "asin": np.arcsin,
    "acos": np.arccos,
    "acosh": np.arccosh,
    "atanh": np.arctanh,
    "floor": np.floor,
    "ceil": np.ceil,
    "rem": np.fmod,
    "quotient": lambda a, b: np.trunc(np.divide(a, b)),
    "factorial": lambda a: np.inf if a > 0 else np.nan,
}


def evaluate_ieee(expression: Expression, values: Mapping[str, float]) -> float:
    """Evaluate a tree; where ``evaluate`` raises an error of arithmetic, the result is NaN or infinite.

    Raises ``KeyError`` for a symbol without a value.

    >>> evaluate_ieee(Call("/", (Number(1.0), Number(0.0))), {})
    inf
    """
    return evaluate_by(expression, values, _apply)


def _apply(op: str, arguments: list[float]) -> float:
    try:
        return evaluate(Call(op, tuple(Number(a) for a in arguments)), {})
    except (ArithmeticError, ValueError):
        with np.errstate(all="ignore"):
            return float(_FLOATING[op](*np.array(arguments)))
