"""How each operator of SBML's MathML subset becomes a tree of the engine's few operators."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import cache

from eubiosis.engine.expressions import LOGIC, RELATIONS, Call, Expression, Number

Arguments = tuple[Expression, ...]

AVOGADRO = 6.02214179e23  # CODATA 2006, which SBML Level 3 Versions 1 and 2 fix (section 3.4.6)
RATE_OF = "rateOf"  # a call that stands in trees until the rates are known
_ONE = Number(1.0)
_EMPTY = {"+": 0.0, "*": 1.0, "and": 1.0, "or": 0.0, "xor": 0.0}


@cache
def plain() -> dict[int, str]:
    """Return the operators that keep their arguments: libSBML's type of node -> our name."""
    import libsbml as m

    return {
        m.AST_PLUS: "+",
        m.AST_TIMES: "*",
        m.AST_DIVIDE: "/",
        m.AST_POWER: "^",
        m.AST_FUNCTION_POWER: "^",
        m.AST_FUNCTION_EXP: "exp",
        m.AST_FUNCTION_LN: "ln",
        m.AST_FUNCTION_ABS: "abs",
        m.AST_FUNCTION_SIN: "sin",
        m.AST_FUNCTION_COS: "cos",
        m.AST_FUNCTION_TAN: "tan",
        m.AST_FUNCTION_SINH: "sinh",
        m.AST_FUNCTION_COSH: "cosh",
        m.AST_FUNCTION_TANH: "tanh",
        m.AST_FUNCTION_ARCSIN: "asin",
        m.AST_FUNCTION_ARCCOS: "acos",
        m.AST_FUNCTION_ARCTAN: "atan",
        m.AST_FUNCTION_ARCSINH: "asinh",
        m.AST_FUNCTION_ARCCOSH: "acosh",
        m.AST_FUNCTION_ARCTANH: "atanh",
        m.AST_FUNCTION_FLOOR: "floor",
        m.AST_FUNCTION_CEILING: "ceil",
        m.AST_FUNCTION_FACTORIAL: "factorial",
        m.AST_FUNCTION_MIN: "min",
        m.AST_FUNCTION_MAX: "max",
        m.AST_FUNCTION_REM: "rem",
        m.AST_FUNCTION_QUOTIENT: "quotient",
        m.AST_RELATIONAL_LT: "<",
        m.AST_RELATIONAL_LEQ: "<=",
        m.AST_RELATIONAL_GT: ">",
        m.AST_RELATIONAL_GEQ: ">=",
        m.AST_RELATIONAL_EQ: "==",
        m.AST_RELATIONAL_NEQ: "!=",
        m.AST_LOGICAL_AND: "and",
        m.AST_LOGICAL_OR: "or",
        m.AST_LOGICAL_XOR: "xor",
        m.AST_LOGICAL_NOT: "not",
    }


@cache
def composed() -> dict[int, Callable[[Arguments], Expression]]:
    """Return the operators that are written in terms of others: libSBML's type of node -> a builder."""
    import libsbml as m

    return {
        m.AST_MINUS: lambda a: Call("neg" if len(a) == 1 else "-", a),
        m.AST_FUNCTION_ROOT: _root,
        m.AST_FUNCTION_LOG: _logarithm,
        m.AST_FUNCTION_PIECEWISE: _piecewise,
        m.AST_LOGICAL_IMPLIES: lambda a: Call("or", (Call("not", (a[0],)), a[1])),
        m.AST_FUNCTION_RATE_OF: lambda a: Call(RATE_OF, a),
        m.AST_FUNCTION_SEC: _reciprocal_of("cos"),
        m.AST_FUNCTION_CSC: _reciprocal_of("sin"),
        m.AST_FUNCTION_COT: _reciprocal_of("tan"),
        m.AST_FUNCTION_SECH: _reciprocal_of("cosh"),
        m.AST_FUNCTION_CSCH: _reciprocal_of("sinh"),
        m.AST_FUNCTION_COTH: _reciprocal_of("tanh"),
        m.AST_FUNCTION_ARCSEC: _of_reciprocal("acos"),
        m.AST_FUNCTION_ARCCSC: _of_reciprocal("asin"),
        m.AST_FUNCTION_ARCCOT: _of_reciprocal("atan"),
        m.AST_FUNCTION_ARCSECH: _of_reciprocal("acosh"),
        m.AST_FUNCTION_ARCCSCH: _of_reciprocal("asinh"),
        m.AST_FUNCTION_ARCCOTH: _of_reciprocal("atanh"),
    }


@cache
def arities() -> dict[int, tuple[int, int]]:
    """Return the fewest and most arguments of every operator that does not take any number."""
    import libsbml as m

    binary = (
        *(m.AST_DIVIDE, m.AST_POWER, m.AST_FUNCTION_POWER, m.AST_FUNCTION_REM, m.AST_FUNCTION_QUOTIENT),
        *(m.AST_RELATIONAL_NEQ, m.AST_LOGICAL_IMPLIES),
    )
    one_or_two = (m.AST_MINUS, m.AST_FUNCTION_ROOT, m.AST_FUNCTION_LOG)
    any_number = (
        *(m.AST_PLUS, m.AST_TIMES, m.AST_LOGICAL_AND, m.AST_LOGICAL_OR, m.AST_LOGICAL_XOR),
        *(m.AST_RELATIONAL_LT, m.AST_RELATIONAL_LEQ, m.AST_RELATIONAL_GT, m.AST_RELATIONAL_GEQ),
        *(m.AST_RELATIONAL_EQ, m.AST_FUNCTION_PIECEWISE),
    )
    known = dict.fromkeys((*plain(), *composed()), (1, 1))
    known |= dict.fromkeys(binary, (2, 2)) | dict.fromkeys(one_or_two, (1, 2))
    known |= dict.fromkeys((m.AST_FUNCTION_MIN, m.AST_FUNCTION_MAX), (1, 1_000_000))
    return {kind: bounds for kind, bounds in known.items() if kind not in any_number}


def apply(op: str, arguments: Arguments) -> Expression:
    """Apply one of our operators as SBML means it: with any number of arguments where MathML allows that."""
    if op in RELATIONS and len(arguments) != 2:
        if len(arguments) < 2:
            return _ONE
        return Call("and", tuple(Call(op, pair) for pair in itertools.pairwise(arguments)))
    if op in _EMPTY and not arguments:
        return Number(_EMPTY[op])
    if len(arguments) == 1:
        if op in ("+", "*", "min", "max"):
            return arguments[0]
        if op in ("and", "or", "xor"):
            return _as_condition(arguments[0])
    return Call(op, arguments)


def _as_condition(tree: Expression) -> Expression:
    if isinstance(tree, Call) and (tree.op in RELATIONS or tree.op in LOGIC):
        return tree
    return Call("!=", (tree, Number(0.0)))


def _reciprocal_of(op: str) -> Callable[[Arguments], Expression]:
    return lambda arguments: Call("/", (_ONE, Call(op, arguments)))


def _of_reciprocal(op: str) -> Callable[[Arguments], Expression]:
    return lambda arguments: Call(op, (Call("/", (_ONE, arguments[0])),))


def _root(arguments: Arguments) -> Expression:
    if len(arguments) == 1 or arguments[0] == Number(2.0):
        return Call("sqrt", (arguments[-1],))
    return Call("^", (arguments[1], Call("/", (_ONE, arguments[0]))))


def _logarithm(arguments: Arguments) -> Expression:
    base, value = arguments if len(arguments) == 2 else (Number(10.0), arguments[0])
    if base == Number(10.0):
        return Call("log10", (value,))
    return Call("/", (Call("ln", (value,)), Call("ln", (base,))))


def _piecewise(arguments: Arguments) -> Expression:
    """Write a piecewise function with an otherwise: NaN where the file has none."""
    if len(arguments) % 2 == 0:
        arguments = (*arguments, Number(float("nan")))
    return arguments[0] if len(arguments) == 1 else Call("piecewise", arguments)
