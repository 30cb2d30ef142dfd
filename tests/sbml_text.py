"""Write small SBML files by hand; formulas are turned into MathML by libSBML."""

import libsbml

CORE = "http://www.sbml.org/sbml/level3/version2/core"
NAMESPACES = {
    (2, 1): "http://www.sbml.org/sbml/level2",
    (2, 4): "http://www.sbml.org/sbml/level2/version4",
    (3, 1): "http://www.sbml.org/sbml/level3/version1/core",
    (3, 2): CORE,
}
MATHML = "http://www.w3.org/1998/Math/MathML"


def maths(formula):
    """Return the MathML element of a formula in libSBML's Level 3 syntax; MathML is passed through."""
    if formula.startswith("<"):
        return f'<math xmlns="{MATHML}">{formula}</math>'
    node = libsbml.parseL3Formula(formula)
    assert node is not None, libsbml.getLastParseL3Error()
    return libsbml.writeMathMLToString(node).split("\n", 1)[1]


def element(name, children="", **attributes):
    """Return an element; ``id_=None`` leaves an attribute out, and True is written as true."""
    text = "".join(
        f' {key.rstrip("_")}="{_word(value)}"' for key, value in attributes.items() if value is not None
    )
    return f"<{name}{text}>{children}</{name}>"


def _word(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


def document(*parts, level=3, version=2, attributes="", **model):
    """Return an SBML file of the given lists, in the order that the schema asks for."""
    order = ("functionDefinition", "compartment", "species", "parameter", "initialAssignment")
    order += ("assignmentRule", "reaction", "event")
    lists = {
        "functionDefinition": "listOfFunctionDefinitions",
        "compartment": "listOfCompartments",
        "species": "listOfSpecies",
        "parameter": "listOfParameters",
        "initialAssignment": "listOfInitialAssignments",
        "assignmentRule": "listOfRules",
        "reaction": "listOfReactions",
        "event": "listOfEvents",
    }
    body = ""
    for kind in order:
        mine = [part for part in parts if _list_of(part) == kind]
        if mine:
            body += element(lists[kind], "".join(mine))
    own = "".join(f' {key}="{value}"' for key, value in model.items())
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<sbml xmlns="{NAMESPACES[level, version]}" level="{level}" '
        f'version="{version}"{attributes}><model id="m"{own}>{body}</model></sbml>'
    )


def _list_of(part):
    name = part[1:].split(" ", 1)[0].split(">", 1)[0]
    return "assignmentRule" if name in ("rateRule", "algebraicRule") else name


def function(name, *arguments_and_body):
    """Return a function definition: its arguments, then the formula of its body."""
    *arguments, body = arguments_and_body
    node = maths(body).split(">", 1)[1].rsplit("</math>", 1)[0]
    variables = "".join(f"<bvar><ci>{argument}</ci></bvar>" for argument in arguments)
    return element("functionDefinition", maths(f"<lambda>{variables}{node}</lambda>"), id=name)


def compartment(name="c", size=1.0, dimensions=3, constant=False):
    """Return a compartment; ``size=None`` leaves the size out."""
    return element("compartment", id=name, spatialDimensions=dimensions, size=size, constant=constant)


def species(name, where="c", amount=None, concentration=None, **attributes):
    """Return a species; ``attributes`` change the flags, which are false."""
    flags = {"hasOnlySubstanceUnits": False, "boundaryCondition": False, "constant": False}
    return element(
        "species",
        id=name,
        compartment=where,
        initialAmount=amount,
        initialConcentration=concentration,
        **(flags | attributes),
    )


def parameter(name, value=None, constant=False):
    """Return a global parameter."""
    return element("parameter", id=name, value=value, constant=constant)


def initial(symbol, formula):
    """Return an initial assignment; ``formula=None`` leaves the mathematics out."""
    return element("initialAssignment", "" if formula is None else maths(formula), symbol=symbol)


def rule(variable, formula):
    """Return an assignment rule."""
    return element("assignmentRule", "" if formula is None else maths(formula), variable=variable)


def rate(variable, formula):
    """Return a rate rule."""
    return element("rateRule", "" if formula is None else maths(formula), variable=variable)


def algebraic(formula):
    """Return an algebraic rule."""
    return element("algebraicRule", maths(formula))


def reference(name, stoichiometry=1, ident=None, constant=False):
    """Return a species reference."""
    return element("speciesReference", id=ident, species=name, stoichiometry=stoichiometry, constant=constant)


def reaction(name, reactants, products, law, *, local=(), modifiers=(), **attributes):
    """Return a reaction; ``reactants`` and ``products`` are names or species references."""

    def side(tag, members):
        texts = [m if m.startswith("<") else reference(m) for m in members]
        return element(tag, "".join(texts)) if texts else ""

    children = side("listOfReactants", reactants) + side("listOfProducts", products)
    if modifiers:
        changes = "".join(element("modifierSpeciesReference", species=m) for m in modifiers)
        children += element("listOfModifiers", changes)
    if law is not None:
        locals_ = "".join(
            element("localParameter", id=key, value=value) for key, value in dict(local).items()
        )
        children += element(
            "kineticLaw", maths(law) + (element("listOfLocalParameters", locals_) if locals_ else "")
        )
    return element("reaction", children, id=name, reversible=False, **attributes)


def event(name, trigger, priority=None, delay=None, **assignments):
    """Return an event; ``persistent``, ``initial`` and ``trigger_values`` among the assignments are flags."""
    flags = {key: assignments.pop(key, default) for key, default in _FLAGS.items()}
    children = (
        ""
        if trigger is None
        else element("trigger", maths(trigger), initialValue=flags["initial"], persistent=flags["persistent"])
    )
    children += "" if priority is None else element("priority", maths(priority))
    children += "" if delay is None else element("delay", maths(delay))
    changes = [
        element("eventAssignment", "" if formula is None else maths(str(formula)), variable=variable)
        for variable, formula in assignments.items()
    ]
    children += element("listOfEventAssignments", "".join(changes)) if changes else ""
    return element("event", children, id=name, useValuesFromTriggerTime=flags["trigger_values"])


_FLAGS = {"persistent": True, "initial": True, "trigger_values": True}
