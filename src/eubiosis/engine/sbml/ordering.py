"""Order assignments so that each needs only earlier ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from eubiosis.engine.expressions import Expression
from eubiosis.engine.sbml.errors import UnsupportedSbmlError
from eubiosis.engine.sbml.trees import names_in


def dependencies(rules: Mapping[str, Expression]) -> dict[str, list[str]]:
    """Return for each rule the other rules that it mentions, in the order of ``rules``."""
    position = {name: i for i, name in enumerate(rules)}
    return {
        name: sorted(names_in(expression) & rules.keys(), key=position.__getitem__)
        for name, expression in rules.items()
    }


def ordered(
    roots: Iterable[str],
    needs: Mapping[str, Iterable[str]],
    what: str,
    spell: Callable[[str], str] = str,
) -> list[str]:
    """Return everything that the roots need, and the roots, each after what it needs itself.

    Raises ``UnsupportedSbmlError`` that spells the circle out when there is one; ``what`` names the kind of
    thing.
    """
    order: list[str] = []
    finished: set[str] = set()
    for root in roots:
        if root in finished:
            continue
        path: dict[str, Iterator[str]] = {root: iter(needs[root])}
        while path:
            name, rest = next(reversed(path.items()))
            following = next((need for need in rest if need not in finished), None)
            if following is None:
                del path[name]
                finished.add(name)
                order.append(name)
            elif following in path:
                members = list(path)
                circle = [*members[members.index(following) :], following]
                message = f"{what} form a circle: {' -> '.join(map(spell, circle))}"
                raise UnsupportedSbmlError(message)
            else:
                path[following] = iter(needs[following])
    return order


def closure(names: Iterable[str], needs: Mapping[str, Iterable[str]]) -> set[str]:
    """Return the names and everything that they need, directly or not."""
    found: set[str] = set()
    stack = list(names)
    while stack:
        name = stack.pop()
        if name not in found:
            found.add(name)
            stack.extend(needs.get(name, ()))
    return found
