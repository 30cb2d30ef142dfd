"""SBML in: from a text of Level 1, 2 or 3 to the flat system of ordinary differential equations.

The steps: ``document`` opens the text and refuses what is not handled, ``content`` takes the elements
over, ``network`` writes species and reactions out, ``events`` and ``rate_of`` rewrite what depends on
that, ``start`` computes initial values, ``bounds`` finds the times of switches.

Not handled, and refused by name: the delay function, algebraic rules, fast
reactions, reactions without kinetic law, required packages. Constraints and units are ignored.
"""

from __future__ import annotations

from eubiosis.engine.expressions import TIME, Expression
from eubiosis.engine.sbml.bounds import time_bounds
from eubiosis.engine.sbml.content import SbmlContent, read_content
from eubiosis.engine.sbml.document import open_document
from eubiosis.engine.sbml.errors import SbmlWarning, UnsupportedSbmlError, refuse
from eubiosis.engine.sbml.events import rewrite_events
from eubiosis.engine.sbml.network import Network, build_network
from eubiosis.engine.sbml.ordering import dependencies, ordered
from eubiosis.engine.sbml.rate_of import write_rates_out
from eubiosis.engine.sbml.start import initial_values, raise_missing
from eubiosis.engine.sbml.trees import names_in
from eubiosis.engine.system import SbmlEvent, System

__all__ = ["SbmlWarning", "UnsupportedSbmlError", "flatten", "read_model", "read_sbml"]


def read_sbml(text: str) -> System:
    """Read SBML text into a ``System``.

    Every parameter, compartment, species, species reference and reaction of the file is a state, an
    assigned quantity or a parameter of the system, under its id; a local parameter is
    ``reaction.parameter``. A species stands for what its symbol means in the file, an amount or a
    concentration; see ``network`` for the states. Raises ``UnsupportedSbmlError`` for what is not handled,
    and ``ValueError`` when libSBML cannot read the text.

    >>> core = 'xmlns="http://www.sbml.org/sbml/level3/version2/core" level="3" version="2"'
    >>> one = '<parameter id="k" value="0.5" constant="true"/>'
    >>> read_sbml(f"<sbml {core}><model><listOfParameters>{one}</listOfParameters></model></sbml>").constants
    {'k': 0.5}
    """
    return read_model(text)[1]


def read_model(text: str) -> tuple[SbmlContent, System]:
    """Read SBML text into records of its elements and the system that they mean; errors as ``read_sbml``."""
    try:
        content = read_content(open_document(text))
        return content, flatten(content)
    except RecursionError:
        raise refuse("the model", "mathematics nested this deeply") from None


def flatten(content: SbmlContent) -> System:
    """Write the content of an SBML file out as a flat system; errors as ``read_sbml``."""
    network = build_network(content)
    _raise_undeclared(network)
    events = write_rates_out(network, rewrite_events(network))
    order = ordered(network.rules, dependencies(network.rules), "assignment rules")
    rules = {name: network.rules[name] for name in order}
    raise_missing(network.initial, rules, network.rates)
    values, initial_rules = initial_values(network.initial, rules)
    parameters = tuple(name for name in network.initial if name not in network.rates)
    switching = [*rules.values(), *network.rates.values(), *(event.trigger for event in events)]
    return System(
        name=content.name,
        states=tuple(network.rates),
        parameters=parameters,
        assigned=tuple(order),
        rates=network.rates,
        rules=rules,
        initial={name: values[name] for name in network.rates},
        constants={name: values[name] for name in parameters},
        units=content.units,
        events=events,
        bounds=time_bounds(switching, rules, set(parameters)),
        initial_rules=initial_rules,
        amounts=_amounts(network),
    )


def _amounts(network: Network) -> dict[str, tuple[str, str]]:
    """Return which state holds each species that changes, and the size that makes it a concentration."""
    held = {}
    for name, species in network.content.species.items():
        if name in network.amounts:
            held[name] = (network.amounts[name], "")
        elif name in network.rates:
            in_amounts = species.substance_only or network.has_point(species)
            held[name] = (name, "" if in_amounts else species.compartment)
    return held


def _raise_undeclared(network: Network) -> None:
    """Raise ``UnsupportedSbmlError`` for a symbol that is no quantity of the model."""
    known = {TIME, *network.initial, *network.rules}
    trees: list[tuple[str, Expression]] = [*network.rules.items(), *network.rates.items()]
    trees += [
        (f"initial value of {name}", tree) for name, tree in network.initial.items() if tree is not None
    ]
    trees += [(event.id, tree) for event in network.content.events for tree in _trees_of(event)]
    for element, tree in trees:
        for name in names_in(tree):
            if name not in known:
                raise refuse(element, f"the symbol {name}, which is not declared or has no value,")


def _trees_of(event: SbmlEvent) -> list[Expression]:
    trees = [event.trigger, *(value for _, value in event.assignments)]
    return [*trees, *(tree for tree in (event.priority, event.delay) if tree is not None)]
