"""Initial values: literal ones, and those that mathematics gives."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from eubiosis.engine.expressions import TIME, Expression, Number
from eubiosis.engine.sbml.errors import UnsupportedSbmlError
from eubiosis.engine.sbml.ieee import evaluate_ieee
from eubiosis.engine.sbml.network import STILL
from eubiosis.engine.sbml.ordering import closure, ordered
from eubiosis.engine.sbml.trees import names_in, replace


def initial_values(
    initial: Mapping[str, Expression | None], rules: Mapping[str, Expression]
) -> tuple[dict[str, float], dict[str, Expression]]:
    """Return every initial value at time zero, and the mathematics of those that are not literal.

    The mathematics is in an order in which each needs only literal and earlier ones; assigned quantities
    are written out in it. A value that the file does not give is NaN. Raises ``UnsupportedSbmlError`` when
    the values need each other in a circle.
    """
    numbers = {name: _literal(value) for name, value in initial.items()}
    computed = {
        name: value for name, value in initial.items() if value is not None and not isinstance(value, Number)
    }
    if not computed:
        return numbers, {}
    needs: dict[str, set[str]] = {}
    stack = list(computed)
    while stack:
        name = stack.pop()
        if name not in needs:
            tree = computed.get(name, rules.get(name))
            needs[name] = set() if tree is None else names_in(tree) & (computed.keys() | rules.keys())
            stack.extend(needs[name])
    order = ordered(computed, {name: sorted(names) for name, names in needs.items()}, "initial values")
    values = {TIME: 0.0, **{name: value for name, value in numbers.items() if name not in computed}}
    written: dict[str, Expression] = {}
    for name in order:
        tree = computed[name] if name in computed else rules[name]
        values[name] = evaluate_ieee(tree, values)
        full = replace(tree, written)
        if name in computed:
            numbers[name] = values[name]
        else:
            written[name] = full
    return numbers, _written_out(order, computed, written)


def _written_out(
    order: Iterable[str], computed: Mapping[str, Expression], written: Mapping[str, Expression]
) -> dict[str, Expression]:
    return {name: replace(computed[name], written) for name in order if name in computed}


def _literal(value: Expression | None) -> float:
    return value.value if isinstance(value, Number) else math.nan


def raise_missing(
    initial: Mapping[str, Expression | None],
    rules: Mapping[str, Expression],
    rates: Mapping[str, Expression],
) -> None:
    """Raise ``UnsupportedSbmlError`` when a rate of change needs a value that the file does not give.

    A value that nothing needs may be missing; it is NaN.
    """
    missing = {name for name, value in initial.items() if value is None}
    if not missing:
        return
    moving = [name for name, rate in rates.items() if rate != STILL]
    needs = {name: names_in(tree) for name, tree in rules.items()}
    needed = closure([*moving, *names_in(*(rates[name] for name in moving))], needs)
    blocking = sorted(missing & needed)
    if blocking:
        message = f"no value for {', '.join(blocking)}"
        raise UnsupportedSbmlError(message)
