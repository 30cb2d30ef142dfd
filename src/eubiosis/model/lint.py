"""Find everything that is wrong in a content folder: tables, symbols, interfaces, hand-over, units."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from eubiosis.core.clinical_prior import read_clinical
from eubiosis.core.findings import Finding, FindingCollector, FindingsError, nearest, unknown_word
from eubiosis.core.tables import check_unique
from eubiosis.core.units import UnitProblem
from eubiosis.engine.sbml import UnsupportedSbmlError, read_sbml
from eubiosis.model.conditions import read_conditions
from eubiosis.model.content import (
    MODEL_TABLES,
    MODULES,
    OPTIONAL_MODULES,
    Content,
    HandoverRow,
    load_content,
)
from eubiosis.model.coupling_data import read_coupling_rows
from eubiosis.model.couplings import check_paths, read_couplings
from eubiosis.model.discrepancy import read_discrepancies
from eubiosis.model.entities import check_entities
from eubiosis.model.forms import check_forms
from eubiosis.model.join import (
    AntimonySyntaxError,
    antimony_to_sbml,
    consistency_errors,
    declared_units,
    joined_antimony,
    unit_texts,
)
from eubiosis.model.modules import AntimonyModule, parse_module
from eubiosis.model.numbers import check_draws
from eubiosis.model.units import infer_units, read_unit

_NOT_FROM_THE_GUT = (
    "host_shot",
    "host_Z",
    "host_u",
    "host_activity",
    "host_ptx",
)  # drive, disease, immunisation
_PREFIXES = ("gut_", "host_", "handover_", "readout_")
_CODE_OWNED = re.compile(r"_(fold|sd_ln)_|^gut_w_scale$")


def lint_content(folder: Path) -> list[Finding]:
    """Return every finding of a content folder; an empty list means that the model can be built."""
    findings = FindingCollector()
    content = load_content(folder, findings)
    if findings.findings:
        # broken tables would make every later check repeat the same complaint
        modules_only = [name for name in (*MODULES, *OPTIONAL_MODULES) if name in content.modules]
    else:
        modules_only = [*MODULES, *OPTIONAL_MODULES]
    modules = {name: parse_module(name, content.modules[name]) for name in modules_only}
    for check in _MODULE_CHECKS:
        check(content, modules, findings)
    _check_units_of_tables(content, findings)
    if not findings.findings:
        read_conditions(content, findings)
        check_draws(content, findings)
        _check_persons_and_targets(content, modules, findings)
        couplings = read_couplings(content, findings)
        check_paths(content, couplings.rows, findings)
        check_entities(content, modules, couplings.prior_only, findings)
        read_discrepancies(content, findings)
        _check_clinical(content, findings)
        _check_unused(content, modules, findings)
        _check_joined(content, modules, findings)
    return findings.findings


def _check_clinical(content: Content, findings: FindingCollector) -> None:
    """Report what is wrong in the tables of the clinical prior, forms and biomarker rows included."""
    read_coupling_rows(content.folder, findings)
    try:
        read_clinical(content.folder)
    except FindingsError as error:
        findings.extend(error.findings)


def _module_file(content: Content, module: str) -> str:
    return content.file(f"models/{module}.ant")


def _check_lines(content: Content, modules: Mapping[str, AntimonyModule], findings: FindingCollector) -> None:
    for name, module in modules.items():
        file = _module_file(content, name)
        for line, text in module.stray:
            findings.add(
                file,
                f"line {line}",
                f'"{text[:60]}" is neither a rate, a rule nor an event',
                allowed="x' = ..., x := ..., name: at (...): ..., inside one model ... end",
            )
        check_unique(
            [(e.target, f"line {e.line}") for e in module.equations if e.kind != "event"],
            file,
            "the equation of",
            findings,
        )
        for target, equation in module.defines.items():
            if not target.startswith(_PREFIXES):
                findings.add(
                    file,
                    f"line {equation.line} ({target})",
                    "the id has no prefix of a module",
                    allowed=", ".join(f"{prefix}..." for prefix in _PREFIXES),
                )


def _check_symbols(
    content: Content, modules: Mapping[str, AntimonyModule], findings: FindingCollector
) -> None:
    tables = {f"parameters/{table}.tsv" for table in MODEL_TABLES}
    numbers = {n for n in content.numbers if content.table_of[n] in tables}
    defined = {target for module in modules.values() for target in module.defines}
    interface = {row.id for row in content.interface}
    known = numbers | defined | interface
    for name, module in modules.items():
        for equation in module.equations:
            for symbol in equation.mentions:
                if symbol not in known:
                    findings.add(
                        _module_file(content, name),
                        f"line {equation.line} ({equation.target})",
                        f"symbol {unknown_word(symbol, known)}",
                        allowed="a quantity of a module, a parameter, or an input of interface.tsv",
                        next_step="correct the name or add a row to a parameter table",
                    )
        for state in module.states:
            if state not in content.initial:
                findings.add(
                    _module_file(content, name),
                    f"line {module.defines[state].line} ({state})",
                    "the state has no initial value",
                    next_step="add a row to parameters/initial.tsv",
                )


def _check_interface(
    content: Content, modules: Mapping[str, AntimonyModule], findings: FindingCollector
) -> None:
    for row in content.interface:
        if row.module not in modules:
            continue
        module = modules[row.module]
        file = _module_file(content, row.module)
        if row.direction == "output" and row.id not in module.defines:
            findings.add(
                file,
                "",
                f"the output {row.id} ({row.meaning}) is missing",
                allowed=f"a rate or rule for {row.id}, in {row.unit}",
                next_step="restore its equation" + _hint(row.id, module.defines),
            )
        if row.direction in ("input", "person") and row.id not in module.mentions:
            findings.add(
                file,
                "",
                f"the input {row.id} ({row.meaning}) is not used",
                allowed=f"an equation that uses {row.id}",
                next_step="restore its use, or remove its row from interface.tsv",
            )
        if row.direction == "input" and row.id in module.defines:
            findings.add(
                file, f"line {module.defines[row.id].line} ({row.id})", "an input has an equation here"
            )
        if row.direction == "input":
            try:
                content.value(row.default)
            except ValueError:
                findings.add(
                    content.file("models/interface.tsv"),
                    row.id,
                    f'default "{row.default}" is neither a number nor a parameter',
                )


def _hint(word: str, known: Mapping[str, object]) -> str:
    close = nearest(word, known)
    return f" (did {close} take its place?)" if close else ""


def _check_handover(
    content: Content, modules: Mapping[str, AntimonyModule], findings: FindingCollector
) -> None:
    """Every host input and every crossing equation has a row, and every row the equation it describes."""
    file = content.file("handover.tsv")
    supplied = {row.target_variable for row in content.handover}
    meanings = {row.id: row.meaning for row in content.interface}
    needed = [
        row.id
        for row in content.interface
        if row.module == "host" and row.direction == "input" and row.id not in _NOT_FROM_THE_GUT
    ]
    handover = modules.get("handover")
    if handover is not None:
        needed += [target for target in handover.defines if target.startswith(("gut_", "host_"))]
    for target in dict.fromkeys(needed):
        if target not in supplied:
            findings.add(
                file,
                "",
                f"no row supplies {target} ({meanings.get(target, 'an equation of handover.ant')})",
                allowed="one row for each quantity that crosses between the halves",
                next_step=f"add a row with target_variable {target}",
            )
    if handover is not None:
        for row in content.handover:
            _check_crossing(content, row, handover, modules, findings)


def _check_crossing(
    content: Content,
    row: HandoverRow,
    handover: AntimonyModule,
    modules: Mapping[str, AntimonyModule],
    findings: FindingCollector,
) -> None:
    """Check that the equation of a hand-over row exists and depends on what the row says."""
    equation = handover.defines.get(row.target_variable)
    if equation is None:
        findings.add(
            content.file("handover.tsv"),
            row.target_variable,
            "the hand-over module has no equation for this target",
            next_step="add it to models/handover.ant or remove the row",
        )
        return
    reached = _reaches(handover, row.target_variable)
    reached |= _definitions(reached, modules)
    for name in (*row.source_variable.split(), row.reference):
        if name not in reached:
            findings.add(
                _module_file(content, "handover"),
                f"line {equation.line} ({row.target_variable})",
                f"the equation does not depend on {name}, as handover.tsv says",
                next_step="correct the equation or the row",
            )


def _reaches(module: AntimonyModule, target: str) -> set[str]:
    """Return everything that a quantity depends on inside one module."""
    seen: set[str] = set()
    stack = [target]
    while stack:
        equation = module.defines.get(stack.pop())
        if equation is None:
            continue
        fresh = set(equation.mentions) - seen
        seen |= fresh
        stack.extend(fresh)
    return seen


def _definitions(names: set[str], modules: Mapping[str, AntimonyModule]) -> set[str]:
    return {
        m
        for name in names
        for module in modules.values()
        if name in module.defines
        for m in module.defines[name].mentions
    }


def _check_units_of_tables(content: Content, findings: FindingCollector) -> None:
    rows = [(content.table_of[n.id], n.id, n.unit) for n in content.numbers.values()]
    rows += [("parameters/initial.tsv", n.id, n.unit) for n in content.initial.values()]
    rows += [("models/interface.tsv", row.id, row.unit) for row in content.interface]
    rows += [("handover.tsv", row.target_variable, row.unit) for row in content.handover]
    for table, name, unit in rows:
        try:
            read_unit(unit)
        except (UnitProblem, KeyError) as problem:
            findings.add(
                content.file(table),
                name,
                str(problem),
                allowed="units of gram, mole, litre, day and counts, such as g/L, mM, mmol/(gDW*d), 1/d, -",
            )


def _check_persons_and_targets(
    content: Content, modules: Mapping[str, AntimonyModule], findings: FindingCollector
) -> None:
    defined = {t for module in modules.values() for t in module.defines}
    numbers = set(content.numbers)
    interface = {row.id for row in content.interface}
    for row in content.persons:
        if not row.target.startswith("gut_share_") and row.target not in numbers | interface:
            findings.add(
                content.file("persons.tsv"), row.person, f"target {unknown_word(row.target, numbers)}"
            )
        try:
            content.value(row.value)
        except ValueError:
            findings.add(
                content.file("persons.tsv"),
                f"{row.person}, {row.target}",
                f'value "{row.value}" is neither a number nor a known parameter',
            )
    persons = {form.person for form in content.forms}
    check_forms(content, findings)
    for condition in content.conditions:
        if condition.person not in persons:
            findings.add(
                content.file("conditions/conditions.tsv"),
                condition.condition,
                f"person {unknown_word(condition.person, persons)}",
                allowed=", ".join(sorted(persons)),
            )
    _check_drugs(content, findings)
    conditions = {c.condition for c in content.conditions}
    for target in content.targets:
        if target.statistic in ("population", "therapy", "bolus", "drug"):
            continue
        place = f"{target.quantity}, {target.condition}"
        for asked in (target.condition, target.other_condition):
            if asked is not None and asked not in conditions:
                findings.add(
                    content.file("targets/targets.tsv"), place, f"condition {unknown_word(asked, conditions)}"
                )
        for name in target.observable.split(" + "):
            if name not in defined:
                findings.add(
                    content.file("targets/targets.tsv"), place, f"observable {unknown_word(name, defined)}"
                )


def _check_drugs(content: Content, findings: FindingCollector) -> None:
    file = content.file("drug_classes.tsv")
    names = {row.drug for row in content.drugs}
    host = {n for n in content.numbers if content.table_of[n] == "parameters/host.tsv"}
    for row in content.drugs:
        if row.target not in host:
            findings.add(file, row.drug, f"target {unknown_word(row.target, host)}")
        if row.factor < 0:
            findings.add(file, row.drug, f"factor {row.factor:g} is negative", allowed="0 or more")
        if row.comparator not in names | {"placebo"}:
            findings.add(file, row.drug, f"comparator {unknown_word(row.comparator, names | {'placebo'})}")
    for target in content.targets:
        drug = target.condition.removeprefix("drug_")
        if target.statistic == "drug" and drug not in names | {"classes"}:
            findings.add(content.file("targets/targets.tsv"), target.id, f"drug {unknown_word(drug, names)}")


def _check_unused(
    content: Content, modules: Mapping[str, AntimonyModule], findings: FindingCollector
) -> None:
    mentioned = {name for module in modules.values() for name in module.mentions}
    mentioned |= {row.default for row in content.interface} | {c.amount for c in content.changes}
    mentioned |= {row.reference for row in content.handover} | {row.value for row in content.persons}
    tables = {f"parameters/{table}.tsv" for table in MODEL_TABLES}
    for name in content.numbers:
        if content.table_of[name] in tables and name not in mentioned and not _CODE_OWNED.search(name):
            findings.add(
                content.file(content.table_of[name]),
                name,
                "the parameter is used nowhere",
                next_step="remove the row, or restore the equation that used it",
            )


def _check_joined(
    content: Content, modules: Mapping[str, AntimonyModule], findings: FindingCollector
) -> None:
    """Build the joined model and check its units equation by equation, and by libSBML."""
    try:
        sbml = antimony_to_sbml(joined_antimony(content, MODULES, {}))
        system = read_sbml(sbml)
    except AntimonySyntaxError as error:
        findings.add(*_locate_syntax_error(content, str(error)), next_step="correct the equation")
        return
    except (UnsupportedSbmlError, ValueError) as error:
        findings.add("joined model", "", str(error))
        return
    _, problems = infer_units(system, declared_units(content, system))
    for target, problem in problems:
        owner = next(name for name, module in modules.items() if target in module.defines)
        equation = modules[owner].defines[target]
        findings.add(
            _module_file(content, owner),
            f"line {equation.line} ({target})",
            f"the units do not fit: {problem}",
            allowed="sums and comparisons of equal units; a rate in the unit of its state per day",
            next_step="check the unit of each number in this equation in its parameter table",
        )
    if not problems:
        annotated = joined_antimony(content, MODULES, {}, assigned_units=unit_texts(content, system))
        for line in consistency_errors(antimony_to_sbml(annotated)):
            findings.add("joined model (SBML)", "", line)


def _locate_syntax_error(content: Content, message: str) -> tuple[str, str, str]:
    """Find the module and line that Antimony objects to, by reading each module alone."""
    joined_line = re.search(r"line (\d+)", message)
    if joined_line:
        text = joined_antimony(content, MODULES, {}).splitlines()
        bad = text[int(joined_line.group(1)) - 1].strip() if int(joined_line.group(1)) <= len(text) else ""
        for module in MODULES:
            for number, line in enumerate(content.modules[module].splitlines(), start=1):
                if bad and line.strip() == bad:
                    return (
                        _module_file(content, module),
                        f"line {number}",
                        f"Antimony cannot read it: {message}",
                    )
    return "joined model", "", f"Antimony cannot read it: {message}"


_MODULE_CHECKS: tuple[Callable[[Content, Mapping[str, AntimonyModule], FindingCollector], None], ...] = (
    _check_lines,
    _check_symbols,
    _check_interface,
    _check_handover,
)
