"""Write expression trees as Antimony text, so that reading it gives the same tree again.

Sums and products that group to the right are read back as grouping to the left.
"""

from __future__ import annotations

from eubiosis.engine.expressions import LOGIC, RELATIONS, TIME, Expression, Number, Symbol

_RANK = {"or": 1, "and": 2, "+": 4, "-": 4, "*": 5, "/": 5, "neg": 6, "^": 7}
_RELATION_RANK, _ATOM = 3, 9
_SIGN = {"and": "&&", "or": "||"}


def antimony_text(expression: Expression) -> str:
    """Return an expression as Antimony writes it.

    Binary operators group from the left, as Antimony reads them; other groupings get brackets.

    >>> from eubiosis.engine.expressions import Call
    >>> antimony_text(Call("-", (Symbol("a"), Call("-", (Symbol("b"), Number(2.0))))))
    'a - (b - 2)'
    >>> antimony_text(Call("^", (Call("neg", (Symbol("a"),)), Number(2.0))))
    '(-a)^2'
    """
    return _text(expression)[0]


def _text(expression: Expression) -> tuple[str, int]:
    """Return the text and how tightly its outermost operator binds."""
    if isinstance(expression, Number):
        value = expression.value
        text = f"{int(value)}" if value == int(value) and abs(value) < 1e15 else repr(value)
        return (text, _ATOM) if value >= 0 else (f"({text})", _ATOM)
    if isinstance(expression, Symbol):
        return ("time" if expression.name == TIME else expression.name), _ATOM
    op, arguments = expression.op, expression.arguments
    if op == "neg":
        return f"-{_bracketed(arguments[0], _RANK['neg'] + 1)}", _RANK["neg"]
    if op in ("+", "-", "*", "/", "^", *RELATIONS) or op in LOGIC[:2]:
        return _joined(op, arguments)
    return f"{op}({', '.join(antimony_text(a) for a in arguments)})", _ATOM


def _joined(op: str, arguments: tuple[Expression, ...]) -> tuple[str, int]:
    rank = _RANK.get(op, _RELATION_RANK)
    # a power and a comparison are bracketed on both sides, the others on the right
    left = rank + 1 if op == "^" or op in RELATIONS else rank
    parts = [_bracketed(arguments[0], left), *(_bracketed(a, rank + 1) for a in arguments[1:])]
    sign = "^" if op == "^" else f" {_SIGN.get(op, op)} "
    return sign.join(parts), rank


def _bracketed(expression: Expression, least: int) -> str:
    text, rank = _text(expression)
    return text if rank >= least else f"({text})"
