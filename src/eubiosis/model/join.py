"""Join the modules and their numbers into one flat Antimony model, and that into SBML Level 3."""

from __future__ import annotations

import hashlib
import json
import linecache
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any
from xml.dom import minidom

from eubiosis import engine
from eubiosis.core import units
from eubiosis.core.units import base_factors
from eubiosis.engine import System
from eubiosis.engine.codegen.native import keep_bytes
from eubiosis.engine.kept_systems import kept_system
from eubiosis.model.content import MODEL_TABLES, Content
from eubiosis.model.modules import AntimonyModule, parse_module

DISCLAIMER = (
    "Simulated. A research model of the gut-immune-brain axis in multiple sclerosis:",
    "not evidence of efficacy, not medical advice. Most numbers are assumed; the",
    "parameter tables give the basis and source of each.",
)
_SBML_BASE = {"gram": "gram", "mole": "mole", "litre": "litre", "day": "86400 second"}


@dataclass(frozen=True)
class Quantity:
    """A named number with its unit, as it enters the joined model."""

    id: str
    value: float
    unit: str
    comment: str = ""


def parsed_modules(content: Content, names: Iterable[str]) -> dict[str, AntimonyModule]:
    """Parse the named modules of a content folder."""
    return {name: parse_module(name, content.modules[name]) for name in names}


# a line of joined_antimony that gives a quantity its number
_VALUE = re.compile(r"^  (?:const|var) (\w+) = ([-+0-9.e]+)$", re.MULTILINE)


def joined_antimony(
    content: Content,
    modules: Sequence[str],
    values: Mapping[str, float],
    *,
    name: str = "eubiosis",
    inputs: Mapping[str, str] | None = None,
    assigned_units: Mapping[str, str] | None = None,
    header: Sequence[str] = (),
    others: Sequence[Quantity] = (),
    labels: Mapping[str, str] | None = None,
) -> str:
    """Return the flat Antimony text of the named modules.

    ``values`` gives numbers for the person's quantities and replaces table values and initial values where
    it names them; ``inputs`` replaces the constant default of an input by an expression, such as a
    piecewise function of time; ``assigned_units`` annotates assigned quantities. ``others`` stand for what
    the modules take from modules that are left out; ``labels`` become names to display.
    """
    parsed = parsed_modules(content, modules)
    defined = {target for module in parsed.values() for target in module.defines}
    needed = frozenset().union(*(module.mentions for module in parsed.values())) | defined
    quantities = _quantities(content, modules, values, needed, defined)
    states = [state for module in parsed.values() for state in module.states]
    initial = [
        Quantity(s, values.get(s, content.initial[s].value), content.initial[s].unit, "") for s in states
    ]
    inputs = dict(inputs or {})
    lines = [f"// {line}" for line in (*DISCLAIMER, *header)]
    lines += [f"model {name}()", "", "  // Units", "  unit time_unit = 86400 second"]
    assigned_units = assigned_units or {}
    used_units = {"d"} | {q.unit for q in (*quantities, *initial, *others)} | set(assigned_units.values())
    lines += [f"  unit {unit_id(unit)} = {text}" for unit, text in _unit_definitions(used_units).items()]
    lines += ["", "  // Numbers"]
    variable = {row.id for row in content.interface if row.direction == "input"}
    for q in quantities:
        if q.id in inputs:
            lines.append(f"  {q.id} := {inputs[q.id]}")
        else:
            lines.append(f"  {'var ' if q.id in variable else 'const '}{q.id} = {_number(q.value)}")
        lines.append(f"  {q.id} has {unit_id(q.unit)}")
    lines += ["", "  // Initial values"]
    lines += _variables(initial)
    lines += ["", "  // From modules that are not here", *_variables(others)] if others else []
    if assigned_units:
        lines += ["", "  // Units of assigned quantities"]
        lines += [f"  {i} has {unit_id(unit)}" for i, unit in assigned_units.items()]
    for module in modules:
        lines += ["", f"  // ---- module {module}", parsed[module].body]
    here = {q.id for q in (*quantities, *initial, *others)} | defined
    named = [f'  {i} is "{label}"' for i, label in (labels or {}).items() if i in here]
    lines += ["", "  // Names", *named] if named else []
    lines += ["end", ""]
    return "\n".join(lines)


def _variables(quantities: Iterable[Quantity]) -> list[str]:
    lines = []
    for q in quantities:
        lines += [f"  var {q.id} = {_number(q.value)}", f"  {q.id} has {unit_id(q.unit)}"]
    return lines


def _quantities(
    content: Content,
    modules: Sequence[str],
    values: Mapping[str, float],
    needed: frozenset[str] | set[str],
    defined: set[str],
) -> list[Quantity]:
    rows: list[Quantity] = []
    tables = {f"parameters/{table}.tsv" for table in MODEL_TABLES}
    for number in content.numbers.values():
        if number.id in needed and number.id not in defined and content.table_of[number.id] in tables:
            rows.append(Quantity(number.id, values.get(number.id, number.value), number.unit))
    taken = {q.id for q in rows}
    for row in content.interface:
        if row.module not in modules or row.direction == "output" or row.id in defined or row.id in taken:
            continue
        if row.direction == "person":
            rows.append(Quantity(row.id, values.get(row.id, 1.0), row.unit))
        else:
            rows.append(Quantity(row.id, values.get(row.id, content.value(row.default)), row.unit))
        taken.add(row.id)
    return rows


def unit_id(unit: str) -> str:
    """Return the SBML id of a unit: g/(gDW*d) becomes u_g_per_gDW_d."""
    text = unit if unit not in ("-", "") else "dimensionless_"
    text = re.sub(r"^1/", "per_", text).replace("/", "_per_")
    return "u_" + re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_")


def _unit_definitions(names: Iterable[str]) -> dict[str, str]:
    """Return what units are in SBML's base units, in order of their names, kept on disk.

    The library of units takes half a second to load, and a process that runs a model needs it for nothing
    else.
    """
    ordered = sorted(names)

    def made() -> bytes:
        return json.dumps({unit: _unit_definition(unit) for unit in ordered}).encode()

    asked = f"units\0{_translator()}\0{json.dumps(ordered)}"
    found: dict[str, str] = json.loads(keep_bytes(asked, made))
    return found


def _unit_definition(unit: str) -> str:
    scale, exponents = base_factors(unit)
    if not exponents:
        return "dimensionless" if scale == 1 else f"{_scale(scale)} dimensionless"
    above = [_factor(b, p) for b, p in exponents.items() if p > 0]
    below = [_factor(b, -p) for b, p in exponents.items() if p < 0]
    if not above or (scale != 1 and above[0][0].isdigit()):
        above.insert(0, f"{_scale(scale)} dimensionless")
    elif scale != 1:
        above[0] = f"{_scale(scale)} {above[0]}"
    text = " * ".join(above)
    return f"{text} / ({' * '.join(below)})" if below else text


def _scale(value: float) -> str:
    return f"{value:.12g}"


def _factor(base: str, power: float) -> str:
    name = _SBML_BASE[base]
    return name if power == 1 else f"{name}^{power:g}"


def _number(value: float) -> str:
    return repr(float(value))


def joined_system(content: Content, modules: Sequence[str], name: str = "eubiosis") -> System:
    """Return the named modules with the numbers of the tables as a flat system, kept on disk.

    One that is there needs neither Antimony nor libSBML nor the library of units.
    """
    text = joined_antimony(content, modules, {}, name=name)
    return kept_system(
        f"{name}\0{text}", _translator(), lambda: engine.read_sbml(antimony_to_sbml(text, name))
    )


@cache
def _translator() -> str:
    """Return a digest of what makes a document of a source: our code, and the versions of the libraries."""
    digest = hashlib.sha256()
    for file in (Path(__file__), Path(units.__file__)):
        digest.update(file.read_bytes())
    for library in ("antimony", "pint"):
        digest.update(f"\0{library} {version(library)}".encode())
    return digest.hexdigest()


@lru_cache(maxsize=16)  # one content is asked for the same text when it is checked, derived and compiled
def antimony_to_sbml(text: str, name: str = "eubiosis") -> str:
    """Translate Antimony text to SBML Level 3; raises ``AntimonySyntaxError`` with Antimony's message.

    Antimony and libSBML write numbers with 15 digits (``findings/libsbml_digits.sh``); those of the text that
    need more are put in again as they are.
    """
    import antimony

    # antimony asks for its own source as it is imported, and the interpreter would keep 16 MB of it
    linecache.clearcache()
    antimony.clearPreviousLoads()
    if antimony.loadAntimonyString(text) < 0:
        raise AntimonySyntaxError(str(antimony.getLastError()))
    return _with_exact_values(_with_literal_units(str(antimony.getSBMLString(name))), text)


def _with_exact_values(sbml: str, text: str) -> str:
    """Give the parameters of a document the values that ``_number`` wrote into its Antimony text."""
    written = dict(_VALUE.findall(text))
    shortened = {name for name, value in written.items() if float(f"{float(value):.15g}") != float(value)}
    if not shortened:
        return sbml
    document = minidom.parseString(sbml)
    for parameter in document.getElementsByTagName("parameter"):
        name = parameter.getAttribute("id")
        if name in shortened:
            parameter.setAttribute("value", written[name])
    return str(document.toxml(encoding="UTF-8").decode("utf-8"))


def _with_literal_units(sbml: str) -> str:
    """Give every literal its unit: dimensionless, but days beside time and the input's own in a dose."""
    import libsbml

    document: Any = libsbml.readSBMLFromString(sbml)
    model = document.getModel()
    for rule in model.getListOfRules():
        math = rule.getMath().deepCopy()
        dose = math.getType() == libsbml.AST_FUNCTION_PIECEWISE
        own = model.getParameter(rule.getVariable()).getUnits()
        _set_literal_units(math, own if dose and own else "dimensionless")
        rule.setMath(math)
    for event in model.getListOfEvents():
        for holder in (event.getTrigger(), *event.getListOfEventAssignments()):
            math = holder.getMath().deepCopy()
            _set_literal_units(math, "dimensionless")
            holder.setMath(math)
    return str(libsbml.writeSBMLToString(document))


def _set_literal_units(node: Any, unit: str) -> None:
    import libsbml

    children = [node.getChild(i) for i in range(node.getNumChildren())]
    if any(child.getType() == libsbml.AST_NAME_TIME for child in children):
        unit = unit_id("d")
    if node.isNumber():
        node.setUnits(unit)
    for child in children:
        _set_literal_units(child, unit)


class AntimonySyntaxError(ValueError):
    """Antimony could not read a model."""


def consistency_errors(sbml: str) -> list[str]:
    """Return what libSBML's consistency check (units included) objects to, one line each."""
    import libsbml

    document: Any = libsbml.readSBMLFromString(sbml)
    document.checkConsistency()
    return [
        f"line {e.getLine()}: {' '.join(e.getMessage().split())}"
        for e in (document.getError(i) for i in range(document.getNumErrors()))
        if e.getSeverity() >= libsbml.LIBSBML_SEV_WARNING
    ]


def unit_texts(content: Content, system: Any) -> dict[str, str]:
    """Return the inferred unit of every assigned quantity of the joined model."""
    from eubiosis.model.units import infer_units

    units, _ = infer_units(system, declared_units(content, system))
    return {name: unit.text for name, unit in units.items()}


def declared_units(content: Content, system: Any) -> dict[str, Any]:
    """Return the declared units of a system's states and parameters."""
    from eubiosis.model.units import read_unit

    texts = {row.id: row.unit for row in content.interface}
    texts |= {n.id: n.unit for n in (*content.numbers.values(), *content.initial.values())}
    known = {*system.states, *system.parameters}
    return {name: read_unit(unit) for name, unit in texts.items() if name in known}
