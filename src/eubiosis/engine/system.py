"""The flat system: what an SBML file means once species, reactions and functions are written out.

It is the contract between the reader, which fills it, and the code generator, which knows nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from eubiosis.engine.expressions import TIME, Call, Expression, Number, symbols

Array = NDArray[np.float64]
DEEPEST = 200  # operations inside one another in one tree; rules may follow one another without end


@dataclass(frozen=True)
class SbmlEvent:
    """An event (SBML Level 3 Version 2, section 4.11).

    ``trigger`` is a condition; the event fires when it turns from false to true, and ``initial_value`` is
    what it counts as before the start. ``assignments`` pairs states with their new values, taken when the
    trigger fires or (``use_trigger_values`` false) when the event is executed. Of several events the one
    with the highest ``priority`` is executed first; an event that is not ``persistent`` is dropped when its
    trigger turns false before that. The execution comes ``delay`` after the trigger, evaluated when it fires.
    ``finish``, where given, says how states follow when the event is executed, from the values then and those
    that were taken, which it names ``kept(id, target)``; without it the targets are states themselves.
    """

    id: str
    trigger: Expression
    assignments: tuple[tuple[str, Expression], ...]
    initial_value: bool = True
    persistent: bool = True
    use_trigger_values: bool = True
    priority: Expression | None = None
    delay: Expression | None = None
    finish: tuple[tuple[str, Expression], ...] = ()

    @property
    def changes(self) -> tuple[tuple[str, Expression], ...]:
        """The states that the event changes, and the mathematics of their new values."""
        return self.finish or self.assignments


def kept(event: str, target: str) -> str:
    """Return the name under which ``finish`` knows the value that an event has taken for a target."""
    return f"{event}.{target}"


@dataclass(frozen=True)
class System:
    """A flat system of ordinary differential equations.

    ``states`` change by ``rates`` or by events, ``assigned`` follow ``rules`` (each needs only earlier
    ones), ``parameters`` are neither. ``initial`` gives each state's and ``constants`` each parameter's
    value in the units of the file; time runs in the file's time unit. ``initial_rules`` (in an order in
    which each needs only parameters and earlier ones) recompute states and parameters that the file
    initialises by mathematics, for subjects whose parameters differ from the file's. ``bounds`` are the
    constant expressions that the time is compared with; integration stops there, so that no switch in time
    is stepped over. ``amounts`` says for every species that changes which state holds it, and the compartment
    by whose size an amount becomes that state, or an empty name where the state is the amount.
    """

    name: str
    states: tuple[str, ...]
    parameters: tuple[str, ...]
    assigned: tuple[str, ...]
    rates: Mapping[str, Expression]
    rules: Mapping[str, Expression]
    initial: Mapping[str, float]
    constants: Mapping[str, float]
    units: Mapping[str, str] = field(default_factory=dict)
    events: tuple[SbmlEvent, ...] = ()
    bounds: tuple[Expression, ...] = ()
    initial_rules: Mapping[str, Expression] = field(default_factory=dict)
    amounts: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    def text(self) -> str:
        """Return everything that the system says, without recursion into its trees: equal for equals."""
        parts: list[str] = []
        for each in fields(self):
            parts.append(f"\n{each.name}=")
            stack: list[object] = [getattr(self, each.name)]
            while stack:
                item = stack.pop()
                if isinstance(item, Call):
                    parts.append(f"({item.op} {len(item.arguments)}")
                    stack.extend(reversed(item.arguments))
                elif isinstance(item, SbmlEvent):
                    parts.append("event")
                    stack.extend(getattr(item, own.name) for own in reversed(fields(item)))
                elif isinstance(item, Mapping):
                    parts.append(f"{{{len(item)}")
                    stack.extend(part for pair in reversed([*item.items()]) for part in reversed(pair))
                elif isinstance(item, tuple):
                    parts.append(f"[{len(item)}")
                    stack.extend(reversed(item))
                else:
                    parts.append(repr(item))
        return " ".join(parts)

    def check_depth(self) -> None:
        """Raise ``ValueError`` for mathematics nested deeper than ``DEEPEST``, naming where it stands."""
        trees = [*self.rules.items(), *self.rates.items(), *self.initial_rules.items()]
        for event in self.events:
            own = [event.trigger, *(value for _, value in event.assignments), event.priority, event.delay]
            trees += [(event.id, tree) for tree in own if tree is not None]
        for name, tree in trees:
            stack = [(tree, 1)]
            while stack:
                inner, depth = stack.pop()
                if not isinstance(inner, Call):
                    continue
                if depth > DEEPEST:
                    message = (
                        f"{name}: mathematics nested deeper than {DEEPEST} operations; split it by rules"
                    )
                    raise ValueError(message)
                stack += [(argument, depth + 1) for argument in inner.arguments]

    @cached_property
    def moving(self) -> tuple[str, ...]:
        """States with a rate that is not zero; the others change by events only."""
        return tuple(name for name in self.states if self.rates[name] != Number(0.0))

    @cached_property
    def explicit_time(self) -> bool:
        """Whether any rule or rate mentions the time itself."""
        expressions = [*self.rules.values(), *self.rates.values()]
        return any(TIME in symbols(expression) for expression in expressions)
