"""One module as a model of its own, to be edited in any tool and put back by ``use_modules``."""

from __future__ import annotations

from eubiosis.core.findings import Finding, FindingsError, unknown_word
from eubiosis.model.content import MODULES, OPTIONAL_MODULES
from eubiosis.model.join import (
    Quantity,
    antimony_to_sbml,
    declared_units,
    joined_antimony,
    parsed_modules,
    unit_texts,
)
from eubiosis.model.model import Model
from eubiosis.model.units import infer_units


def module_antimony(model: Model, name: str) -> str:
    """Return one module with its numbers as Antimony text.

    Numbers and initial values are those of the tables; inputs, numbers of a person and what comes from other
    modules have the values of a healthy person. Raises ``FindingsError`` for an unknown module.
    """
    known = (*MODULES, *OPTIONAL_MODULES)
    if name not in known:
        problem = f"module {unknown_word(name, known)}"
        raise FindingsError([Finding("--module", "", problem, allowed=", ".join(known))])
    content, healthy = model.content, model.derived.of("healthy")
    own = parsed_modules(content, (name,))[name].defines
    person = {row.id: healthy[row.id] for row in content.interface
              if row.direction == "person" and row.id in healthy}  # fmt: skip
    return joined_antimony(
        content,
        (name,),
        person,
        name=f"eubiosis_{name}",
        assigned_units={q: unit for q, unit in unit_texts(content, model.system).items() if q in own},
        others=_from_elsewhere(model, name),
        header=(
            f"Module {name} alone. Edit it and put it back: eubiosis model use {name}=FILE --out FOLDER",
        ),
    )


def module_sbml(model: Model, name: str) -> str:
    """Return one module with its numbers as SBML text; see ``module_antimony``."""
    return antimony_to_sbml(module_antimony(model, name), f"eubiosis_{name}")


def _from_elsewhere(model: Model, name: str) -> list[Quantity]:
    """List what a module takes from the others, with a healthy person's values."""
    content, system = model.content, model.system
    own = parsed_modules(content, (name,))[name]
    other = {q for module in parsed_modules(content, content.modules).values() if module.name != name
             for q in module.defines}  # fmt: skip
    rows = {row.id for row in content.interface if row.module == name}
    targets = {e.target for e in own.equations if e.kind == "event"}
    wanted = sorted((own.mentions | targets) & other - own.defines.keys() - rows)
    units, _ = infer_units(system, declared_units(content, system))
    texts = {q: unit.text for q, unit in units.items()}
    texts |= {row.id: row.unit for row in content.interface}
    texts |= {row.id: row.unit for row in content.initial.values()}
    values = dict(zip(system.states, model.states("healthy"), strict=True))
    kernel = model.kernel
    states, parameters = model.states("healthy")[:, None], model.parameters("healthy")[:, None]
    assigned = kernel.assigned_at(0.0, states, parameters)[:, 0]
    values |= {q: assigned[i] for q, i in kernel.assigned_index.items()}
    return [Quantity(q, float(values[q]), texts[q]) for q in wanted]
