"""Open an SBML document with libSBML and refuse what the reader does not handle."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING

from eubiosis.engine.sbml.errors import SbmlWarning, refuse, refuse_all
from eubiosis.engine.sbml.limits import refuse_beyond_limits

if TYPE_CHECKING:
    from libsbml import Event, Model, SBMLDocument, SBMLError

# packages that never change what the core of a model means
_DRAWINGS = ("layout", "render", "groups", "fbc")
# broken rules about notes, annotations, terms of SBO, units, empty lists and the order of lists
_HARMLESS = (
    *("NotesNotInXHTMLNamespace", "NotesContainsXMLDecl", "NotesContainsDOCTYPE", "InvalidNotesContent"),
    *("OnlyOneNotesElementAllowed", "MissingAnnotationNamespace", "DuplicateAnnotationNamespaces"),
    *("SBMLNamespaceInAnnotation", "MultipleAnnotations", "AnnotationNotElement"),
    *("InvalidSBOTermSyntax", "InvalidMetaidSyntax", "DuplicateMetaId", "InvalidUnitIdSyntax"),
    *("EmptyListElement", "EmptyListInReaction", "EmptyListInKineticLaw", "EmptyUnitListElement"),
    *("IncorrectOrderInModel", "IncorrectOrderInConstraint", "IncorrectOrderInReaction"),
    *("IncorrectOrderInKineticLaw", "IncorrectOrderInEvent"),
)
# mathematics of Level 3 Version 2 inside Version 1: the operators of ``operators.py``
_UNDERSTOOD = ("l3v2extendedmath",)


def open_document(text: str) -> SBMLDocument:
    """Return libSBML's document of an SBML text of Level 2 or 3; Level 1 is converted to Level 2 Version 4.

    The model is part of the document: keep the document as long as the model. Raises ``ValueError`` when
    libSBML cannot read the text, and ``UnsupportedSbmlError`` for a required package, an algebraic rule or a
    fast reaction.
    """
    import libsbml

    refuse_beyond_limits(text)
    document = libsbml.readSBMLFromString(text)
    refuse_all(("the model", f"the required package {name}") for name in _required_packages(document))
    _raise_errors(document)
    if document.getLevel() == 1:
        version = document.getVersion()
        if not document.setLevelAndVersion(2, 4, False):
            raise refuse("the model", f"Level 1 Version {version} that libSBML cannot convert to Level 2")
    refuse_all(_unsupported(document))
    return document


def _raise_errors(document: SBMLDocument) -> None:
    """Raise for what libSBML cannot read, and warn of what breaks a rule without a change of meaning."""
    import libsbml

    errors = [document.getError(i) for i in range(document.getNumErrors())]
    errors = [e for e in errors if e.getSeverity() >= libsbml.LIBSBML_SEV_ERROR]
    fatal = [e for e in errors if not _means_the_same(e)]
    if fatal or document.getModel() is None:
        lines = "; ".join(f"line {e.getLine()}: {e.getShortMessage()}" for e in fatal[:5])
        if len(fatal) > 5:
            lines += f"; and {len(fatal) - 5} more"
        message = f"libSBML cannot read the model: {lines or 'no model element'}"
        raise ValueError(message)
    for error in errors:
        text = f"line {error.getLine()}: {error.getShortMessage()}; the model means the same without it"
        warnings.warn(text, SbmlWarning, stacklevel=2)


def _means_the_same(error: SBMLError) -> bool:
    """Whether an error of the schema leaves the mathematics of a model as it is."""
    import libsbml

    if error.getPackage() in _DRAWINGS:
        return True
    return error.getErrorId() in {getattr(libsbml, name) for name in _HARMLESS}


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
    """Yield the packages of Level 3 without which a model does not mean what it says.

    One that does not say whether it is required counts as required.
    """
    import libsbml

    if document.getLevel() < 3:
        return
    for i in range(document.getNumPlugins()):
        name = document.getPlugin(i).getPackageName()
        if name not in (*_UNDERSTOOD, *_DRAWINGS) and document.getPackageRequired(name):
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
