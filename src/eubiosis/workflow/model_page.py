"""The model on one page: wiring, equations with their numbers and sources, and the sign table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from eubiosis.core.model_page import EquationGroup, ModelEquation, ModelPage, NumberRow, SignTable
from eubiosis.core.output import write_whole
from eubiosis.model.join import parsed_modules, unit_texts
from eubiosis.model.labels import labels
from eubiosis.model.model import Model
from eubiosis.model.modules import AntimonyModule
from eubiosis.model.wiring import wiring
from eubiosis.report.model_page.page import model_page
from eubiosis.workflow.signs import PERSON, sign_table


def write_model_page(model: Model, path: Path, *, say: Callable[[str], None]) -> Path:
    """Compute the signs and the wiring and write the page to ``path``; an existing one is replaced."""
    say("answering the mechanisms of the evidence: each source held higher, under many draws of couplings")
    signs = sign_table(model)
    say("reading the wiring from the equations")
    text = model_page(page_content(model, signs))
    write_whole(path, text)
    return path


def page_content(model: Model, signs: SignTable) -> ModelPage:
    """Gather what the page shows."""
    content, system = model.content, model.system
    modules = parsed_modules(content, content.modules)
    users: dict[str, list[str]] = {}
    for module in modules.values():
        for equation in module.equations:
            for name in equation.mentions:
                users.setdefault(name, []).append(equation.target)
    used_by = {name: tuple(dict.fromkeys(targets)) for name, targets in users.items()}
    numbers = tuple(
        NumberRow(number, content.table_of[name], used_by.get(name, ()))
        for name, number in content.numbers.items()
    )
    defined = {name for module in modules.values() for name in module.defines}
    inputs = tuple(
        (r.id, r.unit, r.default if r.direction == "input" else "derived for each person", r.meaning)
        for r in content.interface
        if r.direction != "output" and r.id not in defined
    )
    return ModelPage(
        wiring=wiring(model, PERSON),
        groups=tuple(g for module in modules.values() for g in _groups(model, module, used_by)),
        numbers=numbers,
        inputs=inputs,
        signs=signs,
        states=len(system.states),
        assigned=len(system.assigned),
        reference_person=PERSON,
    )


def _groups(
    model: Model, module: AntimonyModule, used_by: Mapping[str, tuple[str, ...]]
) -> list[EquationGroup]:
    """Return the equations of a module under the headings of its file, which are its comment lines."""
    content = model.content
    lines = content.modules[module.name].splitlines()
    units = unit_texts(content, model.system) | {row.id: row.unit for row in content.initial.values()}
    names = labels(content)
    values = _reference_values(model)
    groups: list[EquationGroup] = []
    own: list[ModelEquation] = []
    heading, last = "", 0
    for equation in module.equations:
        above = [
            text.strip()[2:].strip()
            for text in lines[last : equation.line - 1]
            if text.strip().startswith("//")
        ]
        if above and own:
            groups.append(EquationGroup(module.name, heading, tuple(own)))
            own = []
        heading = " ".join(above) if above and last else (heading or (above[-1] if above else ""))
        last = equation.line
        own.append(
            ModelEquation(
                id=equation.target,
                label=names.get(equation.target, ""),
                kind=equation.kind,
                expression=equation.expression.strip(),
                unit=units.get(equation.target, ""),
                line=equation.line,
                values=values.get(equation.target, ()),
                used_by=used_by.get(equation.target, ()),
                note=lines[equation.line - 1].partition("//")[2].strip(),
            )
        )
    if own:
        groups.append(EquationGroup(module.name, heading, tuple(own)))
    return groups


def _reference_values(model: Model) -> dict[str, tuple[tuple[str, float], ...]]:
    """Return each quantity's value in each kind of person at the reference state."""
    kernel = model.kernel
    found: dict[str, list[tuple[str, float]]] = {}
    for person in model.derived.persons:
        states, parameters = model.states(person), model.parameters(person)
        assigned = kernel.assigned_at(0.0, states[:, None], parameters[:, None])[:, 0]
        for name, value in zip(kernel.system.states, states, strict=True):
            found.setdefault(name, []).append((person, float(value)))
        for name, i in kernel.assigned_index.items():
            found.setdefault(name, []).append((person, float(assigned[i])))
    return {name: tuple(values) for name, values in found.items()}
