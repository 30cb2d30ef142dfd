"""What an SBML file contains, as plain records with translated mathematics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from eubiosis.engine.expressions import Expression, Symbol
from eubiosis.engine.sbml.document import event_name
from eubiosis.engine.sbml.errors import refuse
from eubiosis.engine.sbml.mathml import Translator
from eubiosis.engine.system import SbmlEvent

if TYPE_CHECKING:
    import libsbml


@dataclass(frozen=True)
class Compartment:
    """A compartment; ``size`` is None when the file gives none, ``point`` marks zero dimensions."""

    id: str
    size: float | None
    point: bool


@dataclass(frozen=True)
class Species:
    """A species; at most one of the initial values is given.

    ``substance_only`` tells that the symbol stands for an amount; else it stands for a concentration.
    ``fixed`` species take no part in reactions (boundary condition or constant).
    """

    id: str
    compartment: str
    amount: float | None
    concentration: float | None
    substance_only: bool
    fixed: bool
    factor: str


@dataclass(frozen=True)
class Participant:
    """A reactant (sign -1) or product (sign 1) of a reaction: SBML's species reference."""

    id: str
    species: str
    sign: int
    stoichiometry: float | None
    math: Expression | None


@dataclass(frozen=True)
class Reaction:
    """A reaction; ``law`` is None when the file gives no kinetic law."""

    id: str
    participants: tuple[Participant, ...]
    law: Expression | None


@dataclass(frozen=True)
class SbmlContent:
    """Everything of an SBML file that has a mathematical meaning.

    ``parameters`` holds global parameters and, as ``reaction.parameter``, local ones; None stands for a
    value that the file does not give. ``rules``, ``rates`` and ``initial`` are the assignment rules, rate
    rules and initial assignments by the id of what they determine. Events assign to ids of the file here,
    not yet to states.
    """

    name: str
    compartments: Mapping[str, Compartment]
    species: Mapping[str, Species]
    parameters: Mapping[str, float | None]
    units: Mapping[str, str]
    reactions: tuple[Reaction, ...]
    rules: Mapping[str, Expression]
    rates: Mapping[str, Expression]
    initial: Mapping[str, Expression]
    events: tuple[SbmlEvent, ...] = field(default=())

    @property
    def references(self) -> Iterator[Participant]:
        """The species references that have an id, which stands for their stoichiometry."""
        return (p for reaction in self.reactions for p in reaction.participants if p.id)


def read_content(document: libsbml.SBMLDocument) -> SbmlContent:
    """Take over a document that ``open_document`` has opened.

    Raises ``UnsupportedSbmlError`` for mathematics that cannot be translated.
    """
    model, level = document.getModel(), document.getLevel()
    translator = Translator({f.getId(): f for f in model.getListOfFunctionDefinitions()})
    locals_: dict[str, float | None] = {}
    reactions = tuple(_reaction(r, level, translator, locals_) for r in model.getListOfReactions())
    rules, rates = _rules(model, translator)
    factor = model.getConversionFactor() if level > 2 else ""
    return SbmlContent(
        name=model.getId(),
        compartments={c.getId(): _compartment(c) for c in model.getListOfCompartments()},
        species={s.getId(): _species(s, level, factor) for s in model.getListOfSpecies()},
        parameters={p.getId(): p.getValue() if p.isSetValue() else None for p in model.getListOfParameters()}
        | locals_,
        units={p.getId(): p.getUnits() for p in model.getListOfParameters()},
        reactions=reactions,
        rules=rules,
        rates=rates,
        initial=_initial(model, translator),
        events=tuple(_events(model, level, translator)),
    )


def _compartment(compartment: libsbml.Compartment) -> Compartment:
    size = compartment.getSize() if compartment.isSetSize() else None
    point = (
        compartment.isSetSpatialDimensions() or compartment.getLevel() < 3
    ) and compartment.getSpatialDimensionsAsDouble() == 0
    return Compartment(compartment.getId(), size, bool(point))


def _species(species: libsbml.Species, level: int, factor: str) -> Species:
    own_factor = species.getConversionFactor() if level > 2 else ""
    return Species(
        id=species.getId(),
        compartment=species.getCompartment(),
        amount=species.getInitialAmount() if species.isSetInitialAmount() else None,
        concentration=species.getInitialConcentration() if species.isSetInitialConcentration() else None,
        substance_only=species.getHasOnlySubstanceUnits(),
        fixed=species.getBoundaryCondition() or species.getConstant(),
        factor=own_factor or factor,
    )


def _reaction(
    reaction: libsbml.Reaction, level: int, translator: Translator, locals_: dict[str, float | None]
) -> Reaction:
    name = reaction.getId()
    participants = [_participant(p, -1, level, translator, name) for p in reaction.getListOfReactants()]
    participants += [_participant(p, 1, level, translator, name) for p in reaction.getListOfProducts()]
    law = reaction.getKineticLaw()
    if law is None or not law.isSetMath():
        return Reaction(name, tuple(participants), None)
    scope = {}
    for parameter in law.getListOfLocalParameters() if level > 2 else law.getListOfParameters():
        local = f"{name}.{parameter.getId()}"
        scope[parameter.getId()] = Symbol(local)
        locals_[local] = parameter.getValue() if parameter.isSetValue() else None
    return Reaction(name, tuple(participants), translator.translate(law.getMath(), f"reaction {name}", scope))


def _participant(
    reference: libsbml.SpeciesReference, sign: int, level: int, translator: Translator, reaction: str
) -> Participant:
    math = None
    if level < 3 and reference.isSetStoichiometryMath():
        element = f"reaction {reaction}, stoichiometry of {reference.getSpecies()}"
        math = translator.translate(reference.getStoichiometryMath().getMath(), element)
    given = level < 3 or reference.isSetStoichiometry()
    value = reference.getStoichiometry() if given else None
    return Participant(reference.getId(), reference.getSpecies(), sign, value, math)


def _rules(
    model: libsbml.Model, translator: Translator
) -> tuple[dict[str, Expression], dict[str, Expression]]:
    """Return assignment rules and rate rules; a rule without mathematics changes nothing (section 4.9.1)."""
    rules: dict[str, Expression] = {}
    rates: dict[str, Expression] = {}
    for rule in model.getListOfRules():
        if not rule.isSetMath():
            continue
        name = rule.getVariable()
        if name in rules or name in rates:
            raise refuse(name, "more than one rule for the same quantity")
        target = rates if rule.isRate() else rules
        target[name] = translator.translate(rule.getMath(), name)
    return rules, rates


def _initial(model: libsbml.Model, translator: Translator) -> dict[str, Expression]:
    initial: dict[str, Expression] = {}
    for assignment in model.getListOfInitialAssignments():
        if not assignment.isSetMath():
            continue
        name = assignment.getSymbol()
        if name in initial:
            raise refuse(name, "more than one initial assignment for the same quantity")
        initial[name] = translator.translate(assignment.getMath(), f"initial assignment of {name}")
    return initial


def _events(model: libsbml.Model, level: int, translator: Translator) -> Iterator[SbmlEvent]:
    """Yield the events that can happen: one without a trigger or its mathematics never does."""
    for number, event in enumerate(model.getListOfEvents(), start=1):
        element = event_name(event, number)
        trigger = event.getTrigger()
        if trigger is None or not trigger.isSetMath():
            continue
        assignments: dict[str, Expression] = {}
        for assignment in event.getListOfEventAssignments():
            variable = assignment.getVariable()
            if variable in assignments:
                raise refuse(element, f"more than one assignment to {variable}")
            if assignment.isSetMath():
                assignments[variable] = translator.translate(assignment.getMath(), element)
        priority = None
        if level > 2 and event.isSetPriority() and event.getPriority().isSetMath():
            priority = translator.translate(event.getPriority().getMath(), element)
        delay = None
        if event.isSetDelay() and event.getDelay().isSetMath():
            delay = translator.translate(event.getDelay().getMath(), element)
        yield SbmlEvent(
            id=event.getId() or element,
            trigger=translator.translate(trigger.getMath(), element),
            assignments=tuple(assignments.items()),
            initial_value=trigger.getInitialValue() if level > 2 else True,
            persistent=trigger.getPersistent() if level > 2 else True,
            use_trigger_values=event.getUseValuesFromTriggerTime(),
            priority=priority,
            delay=delay,
        )
