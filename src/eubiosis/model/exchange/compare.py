"""Compare an edited module with the tables: what changes, what is new, and what does not fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from eubiosis.core.findings import FindingCollector
from eubiosis.core.units import UnitProblem
from eubiosis.model.content import MODEL_TABLES, MODULES, Content
from eubiosis.model.exchange.read_module import EditedModule
from eubiosis.model.modules import AntimonyModule
from eubiosis.model.units import Unit, read_unit


@dataclass(frozen=True)
class NumberChange:
    """A number of the tables that the file gives another value."""

    id: str
    old: float
    new: float
    unit: str


@dataclass(frozen=True)
class NewNumber:
    """A number or an initial value that no table has."""

    id: str
    value: float
    unit: str


@dataclass
class Changes:
    """What one edited module changes in the tables; ``ignored`` are values that the tables do not hold."""

    numbers: list[NumberChange] = field(default_factory=list)
    starts: list[NumberChange] = field(default_factory=list)
    new_numbers: list[NewNumber] = field(default_factory=list)
    new_starts: list[NewNumber] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)


def compare(
    edited: EditedModule, content: Content, others: Mapping[str, AntimonyModule], findings: FindingCollector
) -> Changes:
    """Compare one edited module with the tables; ``others`` are the modules beside it.

    Findings: a unit that is not the table's, a new number without a unit, a quantity that another module
    defines too, an equation for a number of the tables, another value for a number that another module uses.
    """
    changes = Changes()
    _check_collisions(edited, content, others, findings)
    _check_units(edited, content, findings)
    inputs = {row.id for row in content.interface if row.direction != "output"}
    elsewhere = {q for module in others.values() for q in module.defines}
    for name, value in edited.numbers.items():
        if name in edited.parsed.defines:
            continue
        if _in_model_tables(content, name):
            _compare_number(edited, content, others, name, value, changes, findings)
        elif name in inputs or name in elsewhere or name in content.numbers:
            changes.ignored.append(name)
        elif name in edited.given:
            _add_new(edited, name, value, changes.new_numbers, findings)
    for name, value in edited.starts.items():
        if name not in content.initial:
            _add_new(edited, name, value, changes.new_starts, findings)
        elif not same(content.initial[name].value, value):
            row = content.initial[name]
            changes.starts.append(NumberChange(name, row.value, value, row.unit))
    return changes


def same(table: float, value: float) -> bool:
    """Say whether two numbers agree in the 15 digits that Antimony and libSBML write."""
    return float(f"{table:.15g}") == float(f"{value:.15g}")


def _in_model_tables(content: Content, name: str) -> bool:
    return content.table_of.get(name, "") in {f"parameters/{table}.tsv" for table in MODEL_TABLES}


def _compare_number(
    edited: EditedModule,
    content: Content,
    others: Mapping[str, AntimonyModule],
    name: str,
    value: float,
    changes: Changes,
    findings: FindingCollector,
) -> None:
    row = content.numbers[name]
    if name not in edited.given or same(row.value, value):
        return
    users = [other.name for other in others.values() if name in other.mentions]
    if users:
        findings.add(
            edited.file,
            edited.place(name),
            f"{value:g} for a number that module {' and '.join(users)} uses too, with {row.value:g}",
            allowed=f"{row.value:g}, as in {content.table_of[name]}",
            next_step="give it a name of its own here, or change it in the table for all modules",
        )
        return
    changes.numbers.append(NumberChange(name, row.value, value, row.unit))


def _add_new(
    edited: EditedModule, name: str, value: float, new: list[NewNumber], findings: FindingCollector
) -> None:
    prefixes = tuple(f"{module}_" for module in MODULES)
    if not name.startswith(prefixes):
        findings.add(
            edited.file,
            edited.place(name),
            "the id has no prefix of a module",
            allowed=", ".join(f"{p}..." for p in prefixes),
            next_step=f"rename it {edited.name}_{name}",
        )
    unit = edited.units.get(name)
    if name not in edited.units:
        findings.add(
            edited.file,
            edited.place(name),
            "a number that no table has, without a unit",
            allowed="an id of a parameter table, or a new one with value and unit",
            next_step="correct the name, or declare its unit",
        )
    elif unit is None:
        findings.add(
            edited.file,
            edited.place(name),
            "its unit measures something that the model does not know",
            allowed="gram, mole, litre, second, dimensionless and what is made of them",
        )
    new.append(NewNumber(name, value, unit.text if unit else "-"))


def _check_units(edited: EditedModule, content: Content, findings: FindingCollector) -> None:
    """Compare the declared units of numbers, states and interface quantities with those of the tables."""
    tables = {row.id: row.unit for row in content.interface}
    tables |= {n.id: n.unit for n in (*content.numbers.values(), *content.initial.values())}
    for name, unit in edited.units.items():
        if name not in tables:
            continue
        wanted = _unit(tables[name])
        if wanted is not None and (unit is None or not unit.fits(wanted)):
            findings.add(
                edited.file,
                edited.place(name),
                f"declared in {unit or 'a unit that the model does not know'}, in the tables in {wanted}",
                allowed=f"{wanted}",
                next_step="convert the number, or correct its unit",
            )


def _unit(text: str) -> Unit | None:
    try:
        return read_unit(text)
    except (UnitProblem, KeyError):
        return None  # a finding of the tables, which lint_content reports


def _check_collisions(
    edited: EditedModule, content: Content, others: Mapping[str, AntimonyModule], findings: FindingCollector
) -> None:
    for name in edited.parsed.defines:
        owners = [other.name for other in others.values() if name in other.defines]
        if owners:
            findings.add(
                edited.file,
                edited.place(name),
                f"module {' and '.join(owners)} has an equation for it too",
                next_step="keep one, or give this one a name of its own",
            )
        if name in content.numbers:
            findings.add(
                edited.file,
                edited.place(name),
                f"an equation for a number of {content.table_of[name]}",
                next_step="give the new quantity a name of its own",
            )
