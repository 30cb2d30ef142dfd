"""Read a module that somebody edited: Antimony or SBML, whole or as equations only.

The file is read by Antimony and libSBML, never evaluated. What comes out are equations as text, numbers
with the units that the file gives them, and initial values.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from eubiosis.core.findings import FindingCollector
from eubiosis.core.tables import display_name
from eubiosis.engine.expressions import Number, substitute
from eubiosis.engine.sbml import UnsupportedSbmlError, read_sbml
from eubiosis.engine.system import System
from eubiosis.model.exchange.infix import antimony_text
from eubiosis.model.modules import AntimonyModule, parse_module
from eubiosis.model.units import Unit

SUFFIXES = (".ant", ".txt", ".xml", ".sbml")
_MADE_BY_ANTIMONY = "default_compartment"
_NAME = re.compile(r"^[A-Za-z_]\w*$")
_GIVEN = re.compile(r"^\s*(?:(?:const|var|species|compartment|formula)\s+)*\$?([A-Za-z_]\w*)\s*=")
_OPENING = re.compile(r"^\s*model\s+\*?\w+\s*(?:\(\s*\))?\s*$")
# SI base of each kind: (factor, gram, mole, litre, day)
_KINDS: dict[str, tuple[float, tuple[float, float, float, float]]] = {
    "gram": (1.0, (1, 0, 0, 0)),
    "kilogram": (1e3, (1, 0, 0, 0)),
    "mole": (1.0, (0, 1, 0, 0)),
    "litre": (1.0, (0, 0, 1, 0)),
    "liter": (1.0, (0, 0, 1, 0)),
    "second": (1 / 86400, (0, 0, 0, 1)),
    "metre": (10.0, (0, 0, 1 / 3, 0)),
    "meter": (10.0, (0, 0, 1 / 3, 0)),
    "item": (1.0, (0, 0, 0, 0)),
    "dimensionless": (1.0, (0, 0, 0, 0)),
}


@dataclass(frozen=True)
class EditedModule:
    """What a file says: ``text`` holds the equations with the lines of the file where it is Antimony.

    ``lines`` maps each quantity to its line (empty for SBML); ``numbers`` are parameters, ``starts`` initial
    values of states; ``units`` are those that the file declares; ``given`` are the ids that the file gives
    a number itself (a parameter that is only mentioned has none).
    """

    name: str
    file: str
    text: str
    parsed: AntimonyModule
    numbers: Mapping[str, float]
    starts: Mapping[str, float]
    units: Mapping[str, Unit | None]
    given: frozenset[str]
    lines: Mapping[str, int]

    def place(self, name: str) -> str:
        """Say where a quantity stands in the file."""
        return f"line {self.lines[name]} ({name})" if name in self.lines else name


def read_edited(name: str, path: Path, findings: FindingCollector) -> EditedModule | None:
    """Read the file of one module; what makes it unreadable goes to ``findings`` and gives None."""
    file = display_name(path)
    if path.suffix.lower() not in SUFFIXES:
        findings.add(
            file,
            "",
            f'the name ends in "{path.suffix}"',
            allowed=f"{', '.join(SUFFIXES[:2])} for Antimony, {', '.join(SUFFIXES[2:])} for SBML",
            next_step="rename the file",
        )
        return None
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else f"byte {error.start} is not UTF-8"
        findings.add(file, "", f"cannot be read: {why}", allowed="UTF-8 text", next_step="correct the path")
        return None
    antimony = path.suffix.lower() in SUFFIXES[:2]
    sbml = _to_sbml(text, file, findings) if antimony else text
    if sbml is None:
        return None
    try:
        system = _inlined(read_sbml(_with_placeholders(sbml)))
    except (UnsupportedSbmlError, ValueError) as error:
        findings.add(
            file, "", str(error), next_step="write it without this, or export the module and edit that"
        )
        return None
    odd = [n for n in (*system.states, *system.assigned, *system.parameters) if not _NAME.match(n)]
    if odd:
        findings.add(
            file,
            odd[0],
            "a species whose compartment changes, or a number of one reaction alone, has no name of its own",
            allowed="amounts or a constant compartment; numbers of the whole model",
            next_step="give it a name: " + ", ".join(odd[:5]),
        )
        return None
    return _module(name, file, text if antimony else None, sbml, system)


def _to_sbml(text: str, file: str, findings: FindingCollector) -> str | None:
    import antimony

    antimony.clearPreviousLoads()
    if antimony.loadAntimonyString(text) < 0:
        message = " ".join(str(antimony.getLastError()).split())
        line = re.search(r"line (\d+)", message)
        findings.add(
            file,
            f"line {line.group(1)}" if line else "",
            f"Antimony cannot read it: {message}",
            next_step="correct the line",
            line=int(line.group(1)) if line else 0,
        )
        return None
    return str(antimony.getSBMLString(antimony.getMainModuleName()))


def _with_placeholders(sbml: str) -> str:
    """Give numbers without a value one, so that the rest can be read; ``given`` tells them apart."""
    import libsbml

    document: Any = libsbml.readSBMLFromString(sbml)
    model = document.getModel()
    if model is None:
        return sbml  # read_sbml says what is wrong
    empty = [p for p in model.getListOfParameters() if not p.isSetValue()]
    empty = [
        p for p in empty if model.getInitialAssignment(p.getId()) is None and model.getRule(p.getId()) is None
    ]
    for parameter in empty:
        parameter.setValue(1.0)
    return str(libsbml.writeSBMLToString(document)) if empty else sbml


def _inlined(system: System) -> System:
    """Write out the compartment of size 1 that Antimony makes where a file names none."""
    if system.constants.get(_MADE_BY_ANTIMONY) != 1.0:
        return system
    one = {_MADE_BY_ANTIMONY: 1.0}
    return replace(
        system,
        parameters=tuple(p for p in system.parameters if p != _MADE_BY_ANTIMONY),
        constants={k: v for k, v in system.constants.items() if k != _MADE_BY_ANTIMONY},
        rates={k: substitute(v, one) for k, v in system.rates.items()},
        rules={k: substitute(v, one) for k, v in system.rules.items()},
    )


def _module(name: str, file: str, text: str | None, sbml: str, system: System) -> EditedModule:
    body, kept = (_equations_kept(name, text, system), True) if text is not None else (None, False)
    if body is None:
        body, kept = written_module(name, system), False
    parsed = parse_module(name, body)
    units, given = _declared(sbml)
    lines: dict[str, int] = {}
    if text is not None:
        lines = _lines_of_numbers(text)
        if kept:
            lines |= {target: equation.line for target, equation in parsed.defines.items()}
    known = {**system.constants, **{s: system.initial[s] for s in system.states}}
    states = {s for s in system.states if s in parsed.states}
    return EditedModule(
        name=name,
        file=file,
        text=body,
        parsed=parsed,
        numbers={n: known[n] for n in known if n not in states},
        starts={s: system.initial[s] for s in states},
        units=units,
        given=given,
        lines=lines,
    )


def _equations_kept(name: str, text: str, system: System) -> str | None:
    """Return the file with its declarations blanked, or None where its equations are not one a line."""
    opened = [f"model {name}()" if _OPENING.match(line) else line for line in text.splitlines()]
    parsed = parse_module(name, "\n".join(opened))
    rates = {e.target for e in parsed.equations if e.kind == "rate"}
    rules = {e.target for e in parsed.equations if e.kind == "rule"}
    events = sum(1 for _ in _event_names(parsed))
    if rates != set(system.moving) or rules != set(system.assigned) or events != len(system.events):
        return None
    equations = {e.line for e in parsed.equations}
    kept: list[str] = []
    waiting: list[int] = []  # comments, which stay where an equation or the module follows them
    for number, line in enumerate(opened, start=1):
        stays = number in equations or line.strip() == "end" or line == f"model {name}()"
        kept.append(line if stays else "")
        if line.lstrip().startswith("//"):
            waiting.append(number)
        elif line.strip():
            for comment in waiting if stays else ():
                kept[comment - 1] = opened[comment - 1]
            waiting = []
    return "\n".join(kept) + "\n"


def _event_names(parsed: AntimonyModule) -> Iterable[str]:
    defined = {e.target for e in parsed.equations if e.kind != "event"}
    seen: dict[int, str] = {}
    for equation in parsed.equations:
        if equation.kind == "event" and equation.target not in defined:
            seen.setdefault(equation.line, equation.target)
    return seen.values()


def written_module(name: str, system: System) -> str:
    """Write the equations of a flat system as a module, one a line."""
    lines = [f"model {name}()"]
    lines += [f"  {target} := {antimony_text(rule)}" for target, rule in system.rules.items()]
    for state in system.states:
        if system.rates[state] != Number(0.0):
            lines.append(f"  {state}' = {antimony_text(system.rates[state])}")
    for event in system.events:
        changes = ", ".join(f"{t} = {antimony_text(v)}" for t, v in event.assignments)
        start = "true" if event.initial_value else "false"
        lines.append(f"  {event.id}: at ({antimony_text(event.trigger)}), t0={start}: {changes}")
    return "\n".join([*lines, "end", ""])


def _lines_of_numbers(text: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        match = _GIVEN.match(line.split("//")[0])
        if match:
            found.setdefault(match.group(1), number)
    return found


def _declared(sbml: str) -> tuple[dict[str, Unit | None], frozenset[str]]:
    """Return the declared units (None where we cannot read one) and the ids that have a value."""
    import libsbml

    model: Any = libsbml.readSBMLFromString(sbml).getModel()
    units: dict[str, Unit | None] = {}
    given: set[str] = set()
    for parameter in model.getListOfParameters():
        if parameter.isSetValue():
            given.add(parameter.getId())
        if parameter.isSetUnits():
            units[parameter.getId()] = read_definition(parameter.getDerivedUnitDefinition())
    for species in model.getListOfSpecies():
        if species.isSetInitialAmount() or species.isSetInitialConcentration():
            given.add(species.getId())
        if species.isSetSubstanceUnits():
            units[species.getId()] = read_definition(species.getDerivedUnitDefinition())
    for compartment in model.getListOfCompartments():
        if compartment.isSetSize():
            given.add(compartment.getId())
        if compartment.isSetUnits():
            units[compartment.getId()] = read_definition(compartment.getDerivedUnitDefinition())
    for start in model.getListOfInitialAssignments():
        given.add(start.getSymbol())
    return units, frozenset(given)


def read_definition(definition: Any) -> Unit | None:
    """Return an SBML unit definition as ours; None where it measures what the model does not know."""
    import libsbml

    total = Unit(1.0, (0.0, 0.0, 0.0, 0.0))
    for i in range(definition.getNumUnits()):
        part = definition.getUnit(i)
        kind = str(libsbml.UnitKind_toString(part.getKind()))
        if kind not in _KINDS:
            return None
        factor, powers = _KINDS[kind]
        one = Unit(factor * part.getMultiplier() * 10.0 ** part.getScale(), powers)
        total = total.times(one.to_power(part.getExponentAsDouble()))
    return total
