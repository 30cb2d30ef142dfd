"""Rewrite events from the symbols of the file to states.

The amount of a species stays when the size of its compartment changes, and an event gives a species an
amount. So an assignment to a concentration whose state is the amount becomes one to the amount: the new
concentration times the size before the event; and a concentration that is a state itself (a species with a
rate rule) is rescaled when an event changes the size.

Both need the size when the event is executed, whereas the file may ask for assignments with the values from
when it was triggered. Where the size can change in between, the event keeps the values that it takes, and
``SbmlEvent.finish`` says how states follow from them when it is executed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace as with_fields

from eubiosis.engine.expressions import Call, Expression, Symbol
from eubiosis.engine.sbml.network import Network
from eubiosis.engine.sbml.ordering import closure
from eubiosis.engine.sbml.trees import names_in, rewrite
from eubiosis.engine.system import SbmlEvent, kept


def rewrite_events(network: Network) -> tuple[SbmlEvent, ...]:
    """Return the events in terms of states."""
    content = network.content
    affected = {species: content.species[species].compartment for species in network.amounts}
    affected |= {species: content.species[species].compartment for species in network.concentrations}
    if not affected or not content.events:
        return content.events
    return tuple(_rewrite_event(event, network, affected) for event in content.events)


def _rewrite_event(event: SbmlEvent, network: Network, affected: Mapping[str, str]) -> SbmlEvent:
    new = dict(event.assignments)
    assignments = _to_states(new, network)
    if assignments == new:
        return event
    later = event.delay is not None or _may_be_overtaken(event, network, affected)
    if not (event.use_trigger_values and later):
        return with_fields(event, assignments=tuple(assignments.items()))
    held: dict[str, Expression] = {target: Symbol(kept(event.id, target)) for target in new}
    return with_fields(event, finish=tuple(_to_states(held, network).items()))


def _to_states(new: Mapping[str, Expression], network: Network) -> dict[str, Expression]:
    """Return the new values of states for new values of symbols of the file."""
    species = network.content.species
    assignments: dict[str, Expression] = {}
    for target, value in new.items():
        if target in network.amounts:
            size = Symbol(species[target].compartment)
            assignments[network.amounts[target]] = Call("*", (value, size))
        else:
            assignments[target] = value
    for target in network.concentrations:
        before = Symbol(species[target].compartment)
        after = _after(before.name, new, network)
        if after != before:
            amount = Call("*", (new.get(target, Symbol(target)), before))
            assignments[target] = Call("/", (amount, after))
    return assignments


def _after(name: str, new: Mapping[str, Expression], network: Network) -> Expression:
    """Return the value of a symbol after the assignments ``new``, in terms of values before them."""

    def change(tree: Expression) -> Expression | None:
        if not isinstance(tree, Symbol):
            return None
        if tree.name in new:
            return new[tree.name]
        if tree.name not in network.rules:
            return None
        rule = network.rules[tree.name]
        after = rewrite(rule, change)
        return tree if after is rule else after

    return rewrite(Symbol(name), change)


def _may_be_overtaken(event: SbmlEvent, network: Network, affected: Mapping[str, str]) -> bool:
    """Whether another event can change, at the same instant, a size that the event is corrected for."""
    needs = {name: names_in(rule) for name, rule in network.rules.items()}
    sensitive = closure([*affected.values(), *network.concentrations], needs)
    return any(
        target in sensitive or network.amounts.get(target) in sensitive
        for other in network.content.events
        if other is not event
        for target, _ in other.assignments
    )
