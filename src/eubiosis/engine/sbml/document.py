"""Open an SBML document with libSBML and refuse what the reader does not handle."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from eubiosis.engine.sbml.errors import refuse

if TYPE_CHECKING:
    from libsbml import Event, Model, SBMLDocument

# mathematics of Level 3 Version 2 inside Version 1: the operators of ``operators.py``
_UNDERSTOOD = ("l3v2extendedmath",)


def open_document(text: str) -> SBMLDocument:
    """Return libSBML's document of an SBML text of Level 2 or 3; Level 1 is converted to Level 2 Version 4.

    The model is part of the document: keep the document as long as the model. Raises ``ValueError`` when
    libSBML cannot read the text, and ``UnsupportedSbmlError`` for a required package, an algebraic rule or a
    fast reaction.
    """
    import libsbml

    document = libsbml.readSBMLFromString(text)
    for package in _required_packages(document):
        raise refuse("the model", f"the required package {package}")
    _raise_errors(document)
    if document.getLevel() == 1:
        version = document.getVersion()
        if not document.setLevelAndVersion(2, 4, False):
            raise refuse("the model", f"Level 1 Version {version} that libSBML cannot convert to Level 2")
    for element, feature in _unsupported(document):
        raise refuse(element, feature)
    return document


def _raise_errors(document: SBMLDocument) -> None:
    import libsbml

    errors = [document.getError(i) for i in range(document.getNumErrors())]
    fatal = [e for e in errors if e.getSeverity() >= libsbml.LIBSBML_SEV_ERROR]
    if fatal or document.getModel() is None:
        lines = "; ".join(f"line {e.getLine()}: {e.getShortMessage()}" for e in fatal[:5])
        message = f"libSBML cannot read the model: {lines or 'no model element'}"
        raise ValueError(message)


def _unsupported(document: SBMLDocument) -> Iterator[tuple[str, str]]:
    model = document.getModel()
    for i, rule in enumerate(model.getListOfRules(), start=1):
        if rule.isAlgebraic() and rule.isSetMath():
            yield f"algebraic rule {rule.getId() or i}", "an algebraic rule"
    for reaction in model.getListOfReactions():
        if reaction.isSetFast() and reaction.getFast():
            yield f"reaction {reaction.getId()}", "a fast reaction"
    if document.getLevel() == 2:
        yield from _units_of_level_2(model)


def event_name(event: Event, number: int) -> str:
    """Name an event by its id, or by its place in the file when it has none."""
    return f"event {event.getId() or number}"


def _required_packages(document: SBMLDocument) -> Iterator[str]:
    """Yield the packages of Level 3 without which a model does not mean what it says."""
    import libsbml

    if document.getLevel() < 3:
        return
    for i in range(document.getNumPlugins()):
        name = document.getPlugin(i).getPackageName()
        if name not in _UNDERSTOOD and document.getPackageRequired(name):
            yield name
    errors = (document.getError(i) for i in range(document.getNumErrors()))
    for error in errors:
        if error.getErrorId() == libsbml.RequiredPackagePresent:
            found = re.search(r"Package '([^']+)'", error.getMessage())
            yield found.group(1) if found else "that libSBML does not know"


def _units_of_level_2(model: Model) -> Iterator[tuple[str, str]]:
    """Find units of their own that Level 2 Versions 1 and 2 allow and that would ask for a conversion."""
    for reaction in model.getListOfReactions():
        law = reaction.getKineticLaw()
        if law is None:
            continue
        for kind, unit in (("substance", law.getSubstanceUnits()), ("time", law.getTimeUnits())):
            if unit not in ("", kind):
                yield f"reaction {reaction.getId()}", f"a kinetic law with {kind} units of its own ({unit})"
    defaults = {0: "", 1: "length", 2: "area", 3: "volume"}
    for species in model.getListOfSpecies():
        compartment = model.getCompartment(species.getCompartment())
        unit = species.getSpatialSizeUnits()
        if compartment is None or not unit:
            continue
        if unit != (compartment.getUnits() or defaults.get(compartment.getSpatialDimensions(), "")):
            yield f"species {species.getId()}", f"a concentration with spatial size units of its own ({unit})"
