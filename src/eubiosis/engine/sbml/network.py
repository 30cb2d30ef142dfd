"""Write species, compartments and reactions out as states with rates, rules and parameters.

A species symbol stands for an amount or for a concentration. What becomes a state is chosen so that
a change of volume needs no care while solving:

- a species in amounts, and a species in a compartment of zero dimensions: a state ``id``, the amount;
- a concentration in a compartment of constant size: a state ``id``, the concentration;
- a concentration in a compartment whose size changes (by a rule or an event) or is not given: a state
  ``id.amount``, and ``id`` is assigned, the amount divided by the size;
- a concentration with a rate rule: a state ``id`` in any compartment, because the rule says how the
  concentration changes, whatever the size does;
- a species with an assignment rule: no state.

What nothing changes is a parameter instead of a state, under the same name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from eubiosis.engine.expressions import Call, Expression, Number, Symbol
from eubiosis.engine.sbml.content import Compartment, Participant, SbmlContent, Species
from eubiosis.engine.sbml.errors import refuse

STILL = Number(0.0)


@dataclass
class Network:
    """A model under way to a ``System``.

    ``rules``, ``rates`` and ``initial`` are those of the system (``initial`` with None where the file gives
    no value); an id in none of the first two but in ``initial`` is a parameter. ``amounts`` maps a species
    in a compartment that changes to the name of its amount; ``concentrations`` holds the species with a
    rate rule in such a compartment.
    """

    content: SbmlContent
    changed: frozenset[str]
    rules: dict[str, Expression] = field(default_factory=dict)
    rates: dict[str, Expression] = field(default_factory=dict)
    initial: dict[str, Expression | None] = field(default_factory=dict)
    amounts: dict[str, str] = field(default_factory=dict)
    concentrations: list[str] = field(default_factory=list)

    def has_point(self, species: Species) -> bool:
        """Whether the species is in a compartment without extent, where its symbol stands for an amount."""
        compartment = self.compartment_of(species)
        return compartment.point and not self._sized(compartment)

    def compartment_of(self, species: Species) -> Compartment:
        """Return the compartment of a species; ``UnsupportedSbmlError`` when it is not declared."""
        compartment = self.content.compartments.get(species.compartment)
        if compartment is None:
            raise refuse(f"species {species.id}", f"the compartment {species.compartment}, not declared,")
        return compartment

    def has_changing_size(self, species: Species) -> bool:
        """Whether the size of the species' compartment changes or is unknown."""
        compartment = self.compartment_of(species)
        return compartment.id in self.changed or not self._sized(compartment)

    def _sized(self, compartment: Compartment) -> bool:
        return (
            compartment.size is not None
            or compartment.id in self.changed
            or compartment.id in self.content.initial
        )


def build_network(content: SbmlContent) -> Network:
    """Write species, compartments and reactions out.

    Raises ``UnsupportedSbmlError`` for a reaction without kinetic law or stoichiometry, and for a species
    that is changed by a rule and by reactions.
    """
    targets = list(dict.fromkeys(variable for event in content.events for variable, _ in event.assignments))
    network = Network(content, frozenset({*content.rules, *content.rates, *targets}))
    _check_targets(content, targets)
    network.rules.update(content.rules)
    network.rates.update(content.rates)
    for name, value in content.parameters.items():
        _quantity(network, name, value)
    for compartment in content.compartments.values():
        _quantity(network, compartment.id, compartment.size)
    net = _net_stoichiometry(content)
    for species in content.species.values():
        _add_species(network, species, _rate_of_reactions(species, net.get(species.id, {})))
    for reference in content.references:
        if reference.math is not None and reference.id not in network.rules:
            network.rules[reference.id] = reference.math
        _quantity(network, reference.id, reference.stoichiometry)
    for reaction in content.reactions:
        if reaction.law is not None:
            network.rules[reaction.id] = reaction.law
    for target in targets:
        network.rates.setdefault(network.amounts.get(target, target), STILL)
    return network


def _check_targets(content: SbmlContent, event_targets: Sequence[str]) -> None:
    known = {*content.parameters, *content.compartments, *content.species}
    known |= {reference.id for reference in content.references}
    for kind, names in (
        ("a rule", (*content.rules, *content.rates)),
        ("an initial assignment", content.initial),
        ("an event", event_targets),
    ):
        for name in names:
            if name not in known:
                raise refuse(name, f"{kind} for something that is not declared")
    for name in (*content.initial, *event_targets):
        if name in content.rules:
            raise refuse(name, "an assignment rule beside an initial assignment or event")


def _quantity(network: Network, name: str, value: float | None) -> None:
    """Give a parameter, compartment or species reference its initial value, unless a rule assigns it."""
    if name not in network.rules:
        network.initial[name] = network.content.initial.get(name, None if value is None else Number(value))


def _add_species(network: Network, species: Species, rate: Expression | None) -> None:
    name = species.id
    if rate is not None and (name in network.rates or name in network.rules):
        raise refuse(f"species {name}", "a change by a rule and by reactions")
    if name in network.rules:
        return
    size = Symbol(species.compartment)
    in_amounts = species.substance_only or network.has_point(species)
    changing = not in_amounts and network.has_changing_size(species)
    if changing and name not in network.rates:
        amount = f"{name}.amount"
        network.amounts[name] = amount
        network.rules[name] = Call("/", (Symbol(amount), size))
        network.initial[amount] = _initial_amount(network, species)
        if rate is not None:
            network.rates[amount] = rate
        return
    if changing:
        network.concentrations.append(name)
    if in_amounts:
        network.initial[name] = _initial_amount(network, species)
    else:
        network.initial[name] = _initial_concentration(network, species)
        rate = None if rate is None else Call("/", (rate, size))
    if rate is not None:
        network.rates[name] = rate


def _initial_amount(network: Network, species: Species) -> Expression | None:
    assigned = network.content.initial.get(species.id)
    point = network.has_point(species)
    if assigned is not None and (species.substance_only or point):
        return assigned
    if assigned is None and species.amount is not None:
        return Number(species.amount)
    concentration = assigned
    if concentration is None and species.concentration is not None:
        concentration = Number(species.concentration)
    if concentration is None or point:
        return concentration
    return Call("*", (concentration, Symbol(species.compartment)))


def _initial_concentration(network: Network, species: Species) -> Expression | None:
    assigned = network.content.initial.get(species.id)
    if assigned is not None:
        return assigned
    if species.amount is not None:
        if species.amount == 0.0 and network.compartment_of(species).size:
            return Number(0.0)
        return Call("/", (Number(species.amount), Symbol(species.compartment)))
    return None if species.concentration is None else Number(species.concentration)


@dataclass
class _Stoichiometry:
    """The net stoichiometry of a species in a reaction: a number and terms that may vary."""

    number: float = 0.0
    terms: list[tuple[int, Expression]] = field(default_factory=list)


def _net_stoichiometry(content: SbmlContent) -> dict[str, dict[str, _Stoichiometry]]:
    """Return the net stoichiometry by species and reaction, without fixed species."""
    net: dict[str, dict[str, _Stoichiometry]] = {}
    for reaction in content.reactions:
        for participant in reaction.participants:
            species = content.species.get(participant.species)
            if species is None:
                feature = f"the species {participant.species}, not declared,"
                raise refuse(f"reaction {reaction.id}", feature)
            if species.fixed:
                continue
            if reaction.law is None:
                raise refuse(f"reaction {reaction.id}", "a reaction without kinetic law")
            entry = net.setdefault(species.id, {}).setdefault(reaction.id, _Stoichiometry())
            if participant.id or participant.math is not None:
                entry.terms.append((participant.sign, _varying(participant)))
            elif participant.stoichiometry is None:
                feature = f"the species reference of {species.id} without stoichiometry"
                raise refuse(f"reaction {reaction.id}", feature)
            else:
                entry.number += participant.sign * participant.stoichiometry
    return net


def _varying(participant: Participant) -> Expression:
    if participant.id:
        return Symbol(participant.id)
    assert participant.math is not None
    return participant.math


def _rate_of_reactions(species: Species, net: dict[str, _Stoichiometry]) -> Expression | None:
    """Return the rate of change of the amount, or None when no reaction changes it."""
    terms = [term for reaction, entry in net.items() for term in _terms(Symbol(reaction), entry)]
    if not terms:
        return None
    total = terms[0] if len(terms) == 1 else Call("+", tuple(terms))
    return Call("*", (Symbol(species.factor), total)) if species.factor else total


def _terms(rate: Symbol, entry: _Stoichiometry) -> Iterator[Expression]:
    if abs(entry.number) == 1.0:
        yield rate if entry.number > 0 else Call("neg", (rate,))
    elif entry.number != 0.0:
        yield Call("*", (Number(entry.number), rate))
    for sign, stoichiometry in entry.terms:
        product = Call("*", (stoichiometry, rate))
        yield product if sign > 0 else Call("neg", (product,))
