"""Write the operator rateOf out: the rate of change of a quantity as the reactions and rules give it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace as with_fields

from eubiosis.engine.expressions import Call, Expression, Number, Symbol
from eubiosis.engine.sbml.errors import refuse
from eubiosis.engine.sbml.network import STILL, Network
from eubiosis.engine.sbml.operators import RATE_OF
from eubiosis.engine.sbml.trees import calls_in, rewrite
from eubiosis.engine.system import SbmlEvent


def write_rates_out(network: Network, events: tuple[SbmlEvent, ...]) -> tuple[SbmlEvent, ...]:
    """Replace every rateOf in the network, which is changed, and in the events, which are returned.

    The rate of a state that is asked for becomes an assigned quantity ``id.rate``. Raises
    ``UnsupportedSbmlError`` for the rate of what an assignment rule determines, of a reaction, and of
    anything but a quantity.
    """
    writer = _Writer(network)
    for trees in (network.rules, network.rates):
        for name in list(trees):
            trees[name] = writer.rewrite(trees[name], name)
    for name, value in network.initial.items():
        if value is not None:
            network.initial[name] = writer.rewrite(value, name)
    events = tuple(_in_event(event, writer.rewrite) for event in events)
    for name in writer.asked:
        rate = f"{name}.rate"
        network.rules[rate] = network.rates[name]
        network.rates[name] = Symbol(rate)
    return events


def _in_event(event: SbmlEvent, change: Callable[[Expression, str], Expression]) -> SbmlEvent:
    return with_fields(
        event,
        trigger=change(event.trigger, event.id),
        assignments=tuple((target, change(value, event.id)) for target, value in event.assignments),
        priority=None if event.priority is None else change(event.priority, event.id),
        delay=None if event.delay is None else change(event.delay, event.id),
        finish=tuple((target, change(value, event.id)) for target, value in event.finish),
    )


class _Writer:
    """Replaces rateOf; ``asked`` holds the states whose rate has been asked for."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self.asked: dict[str, None] = {}

    def rewrite(self, tree: Expression, element: str) -> Expression:
        """Return the tree without rateOf."""
        if not calls_in(tree, (RATE_OF,)):
            return tree

        def change(part: Expression) -> Expression | None:
            if isinstance(part, Call) and part.op == RATE_OF:
                return self._rate(part.arguments[0], element)
            return None

        return rewrite(tree, change)

    def _rate(self, target: Expression, element: str) -> Expression:
        if not isinstance(target, Symbol):
            raise refuse(element, "rateOf something that is not a quantity")
        network, name = self._network, target.name
        if name in network.amounts:
            return self._rate_of_quotient(name, element)
        if name in network.rules:
            raise refuse(element, f"rateOf {name}, which a rule or kinetic law assigns,")
        if name not in network.initial:
            raise refuse(element, f"rateOf {name}, which is not a quantity of the model,")
        return self._rate_of_state(name)

    def _rate_of_state(self, name: str) -> Expression:
        if self._network.rates.get(name, STILL) == STILL:
            return Number(0.0)
        self.asked[name] = None
        return Symbol(f"{name}.rate")

    def _rate_of_quotient(self, name: str, element: str) -> Expression:
        """Return d(amount/size)/dt of a concentration that is assigned."""
        compartment = self._network.content.species[name].compartment
        if compartment in self._network.rules:
            raise refuse(element, f"rateOf {name}, whose compartment {compartment} a rule assigns,")
        change = self._rate_of_state(self._network.amounts[name])
        growth = self._rate_of_state(compartment)
        if growth != STILL:
            change = Call("-", (change, Call("*", (Symbol(name), growth))))
        return change if change == STILL else Call("/", (change, Symbol(compartment)))
