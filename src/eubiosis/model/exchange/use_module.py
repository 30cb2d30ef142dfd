"""Put an edited module in the place of one of ours: a content folder of its own, checked and derived anew."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.findings import Finding, FindingCollector, FindingsError, unknown_word
from eubiosis.core.output import copy_files, staged
from eubiosis.core.tables import display_name
from eubiosis.engine.expressions import Expression
from eubiosis.engine.sbml import read_sbml
from eubiosis.model.content import MODEL_TABLES, MODULES, OPTIONAL_MODULES, Content, load_content
from eubiosis.model.derived import derive, save_derived
from eubiosis.model.draws import TABLE as CORRELATIONS
from eubiosis.model.exchange.assumed import DEFINITION, assumed_law, hold_assumed
from eubiosis.model.exchange.compare import Changes, NewNumber, NumberChange, compare
from eubiosis.model.exchange.read_module import EditedModule, read_edited
from eubiosis.model.exchange.tsv import append_row, change_rows, drop_rows
from eubiosis.model.join import antimony_to_sbml, joined_antimony, parsed_modules
from eubiosis.model.lint import lint_content
from eubiosis.model.numbers import WORLDS

_LINE = re.compile(r"^line \d+ \((\w+)\)$")


@dataclass(frozen=True)
class Use:
    """What became of the edited modules; ids in the order of the files.

    ``ignored`` had a value in a file that no table holds: inputs, numbers of a person, other modules' states.
    """

    folder: Path
    files: Mapping[str, str]
    numbers: tuple[NumberChange, ...]
    starts: tuple[NumberChange, ...]
    new_numbers: tuple[NewNumber, ...]
    new_starts: tuple[NewNumber, ...]
    unused: tuple[str, ...]
    new_equations: tuple[str, ...]
    changed_equations: tuple[str, ...]
    gone_equations: tuple[str, ...]
    ignored: tuple[str, ...]


def use_modules(files: Mapping[str, Path], out: Path, base: Path = PACKAGED_CONTENT) -> Use:
    """Write a content folder in which edited modules stand in the place of ours.

    ``files`` maps modules to Antimony (.ant, .txt) or SBML (.xml, .sbml) files, as ``eubiosis model export
    --module`` writes them, or as equations only. Changed numbers go to the parameter tables as assumed, with
    what was there before in the note. Niche factors and reference states are derived anew. Raises
    ``FindingsError`` with everything that does not fit; then nothing is written.
    """
    findings = FindingCollector()
    known = (*MODULES, *OPTIONAL_MODULES)
    for name in files:
        if name not in known:
            findings.add(
                "command line", name, f"module {unknown_word(name, known)}", allowed=", ".join(known)
            )
    if out.exists():
        findings.add(str(out), "", "it exists already", next_step="choose another name")
    findings.raise_if_any()
    if base != PACKAGED_CONTENT:  # whose own checks are among the tests
        findings.extend(lint_content(base))
        findings.raise_if_any()
    content = load_content(base)
    edited = {name: read_edited(name, path, findings) for name, path in files.items()}
    read = {name: each for name, each in edited.items() if each is not None}
    with staged(out, new=True) as aside:
        use = _stage(read, content, aside, findings)
        findings.raise_if_any()
        _derive(aside, read)
    return replace(use, folder=out)


def _stage(
    read: Mapping[str, EditedModule], content: Content, aside: Path, findings: FindingCollector
) -> Use:
    """Copy the base, put the modules and their numbers in, and check everything."""
    copy_files(content.folder, aside)
    ours = parsed_modules(content, content.modules)
    after = {**ours, **{name: each.parsed for name, each in read.items()}}
    changes = {}
    for name, each in read.items():
        (aside / "models" / f"{name}.ant").write_text(each.text, encoding="utf-8", newline="\n")
        beside = {n: module for n, module in after.items() if n != name}
        changes[name] = compare(each, content, beside, findings)
    unused = _unused(content, {*_mentions(ours.values())} - {*_mentions(after.values())})
    _write_numbers(aside, content, read, changes, unused)
    findings.extend(_as_in_the_files(lint_content(aside), aside, read))
    new, changed, gone = _equations(content, aside) if not findings.findings else ((), (), ())
    every = list(changes.values())
    return Use(
        folder=aside,
        files={name: each.file for name, each in read.items()},
        numbers=tuple(n for c in every for n in c.numbers),
        starts=tuple(n for c in every for n in c.starts),
        new_numbers=tuple(n for c in every for n in c.new_numbers),
        new_starts=tuple(n for c in every for n in c.new_starts),
        unused=unused,
        new_equations=new,
        changed_equations=changed,
        gone_equations=gone,
        ignored=tuple(dict.fromkeys(n for c in every for n in c.ignored)),
    )


def _mentions(modules: Iterable[object]) -> Iterable[str]:
    for module in modules:
        yield from module.mentions  # type: ignore[attr-defined]


def _unused(content: Content, dropped: set[str]) -> tuple[str, ...]:
    """Return the numbers of the tables that no equation and no other table mentions any more."""
    wanted = {row.default for row in content.interface} | {c.amount for c in content.changes}
    wanted |= {row.reference for row in content.handover} | {row.value for row in content.persons}
    tables = {f"parameters/{table}.tsv" for table in MODEL_TABLES}
    return tuple(n for n in content.numbers if n in dropped - wanted and content.table_of[n] in tables)


def _write_numbers(
    aside: Path,
    content: Content,
    read: Mapping[str, EditedModule],
    changes: Mapping[str, Changes],
    unused: tuple[str, ...],
) -> None:
    initial = aside / "parameters/initial.tsv"
    for name, own in changes.items():
        file = Path(read[name].file).name
        for change in own.numbers:
            _set_number(aside / content.table_of[change.id], change, file)
        for change in own.starts:
            _set_number(initial, change, file)
        table = name if name in MODEL_TABLES else MODEL_TABLES[0]
        for number in own.new_numbers:
            law, words = assumed_law(number.value)
            _add_number(aside / f"parameters/{table}.tsv", number, f"a number of {file}", file, law, words)
        for number in own.new_starts:
            words = "only a start"
            _add_number(initial, number, f"start of {number.id}", file, DEFINITION, words)
    for table in MODEL_TABLES:
        drop_rows(aside / f"parameters/{table}.tsv", "id", unused)
    drop_rows(aside / WORLDS, "id", unused)
    for column in ("first", "second"):
        drop_rows(aside / CORRELATIONS, column, unused)
    mine = [change.id for own in changes.values() for change in own.numbers]
    mine += [number.id for own in changes.values() for number in own.new_numbers]
    hold_assumed(aside, content, unused, mine)


def _set_number(path: Path, change: NumberChange, file: str) -> None:
    def cells(row: dict[str, str]) -> dict[str, str] | None:
        if row["id"] != change.id:
            return None
        was = ", ".join(text for text in (row["basis"], row.get("source", "")) if text)
        new = {"value": repr(change.new), "basis": "assumed", "read": "", "source": "", "fitted_to": ""}
        note = f"from {file}; the table had {change.old:.15g} ({was})"
        if row.get("low") and not float(row["low"]) < change.new < float(row["high"]):
            new |= _moved_range(float(row["low"]), float(row["high"]), change)
            note += "; its range moved with it"
        if row["uncertainty"] == "none" and row["level"] != "definition":
            law, words = assumed_law(change.new)
            new |= law
            note += f"; {words}"
        return {column: text for column, text in (new | {"note": note}).items() if column in row}

    change_rows(path, "id", cells)


def _moved_range(low: float, high: float, change: NumberChange) -> dict[str, str]:
    """Move a range with its number: by the ratio where both are positive, by the difference otherwise."""
    if low > 0 and change.old > 0 and change.new > 0:
        factor = change.new / change.old
        return {"low": repr(low * factor), "high": repr(high * factor)}
    step = change.new - change.old
    return {"low": repr(low + step), "high": repr(high + step)}


def _add_number(
    path: Path, number: NewNumber, description: str, file: str, law: Mapping[str, str], words: str
) -> None:
    append_row(
        path,
        {
            "id": number.id,
            "description": description,
            "value": repr(number.value),
            "unit": number.unit,
            "basis": "assumed",
            "note": f"from {file}: not in the tables before, no source given; {words}",
            "level": "world",
            **law,
        },
    )


def _as_in_the_files(
    found: list[Finding], aside: Path, read: Mapping[str, EditedModule]
) -> Iterable[Finding]:
    """Name the user's files instead of their copies; equations of an SBML file have no line."""
    copies = {display_name(aside / "models" / f"{name}.ant"): each for name, each in read.items()}
    for finding in found:
        if finding.file not in copies:
            yield finding
            continue
        each = copies[finding.file]
        quantity = _LINE.match(finding.place)
        rendered = quantity is not None and quantity.group(1) not in each.lines
        place = quantity.group(1) if quantity is not None and rendered else finding.place
        yield replace(finding, file=each.file, place=place)


def _equations(content: Content, aside: Path) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    before, after = _trees(content), _trees(load_content(aside))
    return (
        tuple(q for q in after if q not in before),
        tuple(q for q in after if q in before and after[q] != before[q]),
        tuple(q for q in before if q not in after),
    )


def _trees(content: Content) -> dict[str, Expression]:
    system = read_sbml(antimony_to_sbml(joined_antimony(content, (*MODULES, *OPTIONAL_MODULES), {})))
    trees: dict[str, Expression] = {**system.rules, **system.rates}
    return trees | {f"{e.id}, {t}": v for e in system.events for t, v in e.assignments}


def _derive(aside: Path, read: Mapping[str, EditedModule]) -> None:
    for name in read:  # blank lines held the place of declarations, so that findings had the file's lines
        path = aside / "models" / f"{name}.ant"
        text = path.read_text(encoding="utf-8")
        path.write_text(re.sub(r"\n{3,}", "\n\n", text).lstrip("\n"), encoding="utf-8", newline="\n")
    content = load_content(aside)
    try:
        save_derived(content, derive(content))
    except ArithmeticError as error:
        files = ", ".join(each.file for each in read.values())
        raise FindingsError(
            [Finding(files, "", str(error), next_step="the model has no reference state with these numbers")]
        ) from error
