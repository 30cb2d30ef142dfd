"""Look into expression trees and rewrite them.

Trees are never hashed here: they are nested dataclasses, and a hash of one walks all of it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from eubiosis.engine.expressions import Call, Expression, Symbol


def names_in(*expressions: Expression) -> set[str]:
    """Return every symbol name in the trees.

    >>> sorted(names_in(Call("+", (Symbol("x"), Symbol("y"), Symbol("x")))))
    ['x', 'y']
    """
    found: set[str] = set()
    stack = list(expressions)
    while stack:
        tree = stack.pop()
        if isinstance(tree, Symbol):
            found.add(tree.name)
        elif isinstance(tree, Call):
            stack.extend(tree.arguments)
    return found


def calls_in(expression: Expression, operators: Collection[str]) -> list[Call]:
    """Return the calls of the given operators in the tree, outermost first within a branch."""
    found: list[Call] = []
    stack = [expression]
    while stack:
        tree = stack.pop()
        if isinstance(tree, Call):
            if tree.op in operators:
                found.append(tree)
            stack.extend(reversed(tree.arguments))
    return found


def rewrite(expression: Expression, change: Callable[[Expression], Expression | None]) -> Expression:
    """Replace every tree for which ``change`` returns another one, and keep what it answers ``None`` to.

    What has been put in is not looked at again. Branches without a change stay the same objects.
    """
    changed = change(expression)
    if changed is not None:
        return changed
    if not isinstance(expression, Call):
        return expression
    arguments = tuple([rewrite(argument, change) for argument in expression.arguments])
    if all(new is old for new, old in zip(arguments, expression.arguments, strict=True)):
        return expression
    return Call(expression.op, arguments)


def replace(expression: Expression, values: Mapping[str, Expression]) -> Expression:
    """Replace symbols by trees.

    >>> replace(Call("neg", (Symbol("x"),)), {"x": Symbol("y")})
    Call(op='neg', arguments=(Symbol(name='y'),))
    """
    return rewrite(expression, lambda tree: values.get(tree.name) if isinstance(tree, Symbol) else None)
