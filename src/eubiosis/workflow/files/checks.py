"""Check the content of a workflow file: each key by itself, then what must fit together."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, BeforeValidator
from pydantic.fields import FieldInfo

from eubiosis.core.findings import FindingCollector, FindingsError, unknown_word
from eubiosis.core.kinds import plain, shown, visit_weeks
from eubiosis.core.place import Place, path_text
from eubiosis.core.tables import RowProblem
from eubiosis.core.yaml_lines import Document
from eubiosis.population.reference import load_reference
from eubiosis.therapy.therapy import KINDS, parse_dose
from eubiosis.trial.design import Design

_STOOL_KEYS = ("table", "metadata", "id_column", "group_column", "control", "orientation", "scale")
_METADATA_KEYS = ("id_column", "group_column")
_DOSE = re.compile(r"[+-]?[0-9.]+(?:[eE][+-]?[0-9]+)? [^\W\d_]+/[^\W\d_]+")
_LONGEST_NAME = 40
_ANY_THERAPY = "inulin"


class Reporter:
    """Report findings at places of one workflow file."""

    def __init__(self, document: Document, findings: FindingCollector) -> None:
        self.document = document
        self.findings = findings

    def add(self, where: Place, problem: str, *, allowed: str = "", next_step: str = "") -> None:
        """Record a finding at a place."""
        self.findings.add(
            self.document.file, self.document.place(where), problem, allowed=allowed, next_step=next_step
        )


def check_keys(document: Document, schema: type[BaseModel], report: Reporter) -> dict[str, Any]:
    """Check each key of a file by itself against a schema; return the values that are right."""
    if not isinstance(document.content, dict):
        report.add((), f"{shown(document.content)} where keys belong", allowed=", ".join(schema.model_fields))
        return {}
    return _section(schema, _without_empty_sections(schema, document.content), (), report)


def check_content(
    document: Document, folder: Path, schema: type[BaseModel], findings: FindingCollector
) -> dict[str, Any] | None:
    """Return the content with the defaults that depend on other keys filled in, ready for the schema.

    Everything that is wrong goes to ``findings``; None where the file holds no keys at all.
    """
    report = Reporter(document, findings)
    if not isinstance(document.content, dict):
        report.add(
            (),
            f"{shown(document.content)} where keys belong",
            allowed=", ".join(schema.model_fields),
            next_step="start from: eubiosis new NAME",
        )
        return None
    content = _filled(_without_empty_sections(schema, document.content))
    good = _section(schema, content, (), report)
    arms = good.get("arms")
    if arms is not None:
        _check_arms(arms, good.get("design", {}).get("visits"), report)
    _check_design(good.get("design", {}), len(arms or ()), report)
    if "population" in good:
        _check_population(good["population"], folder, report)
    return content


def _filled(content: Mapping[str, Any]) -> dict[str, Any]:
    """Fill in the stop of each arm, the control and the allocation, where the file leaves them out."""
    filled = dict(content)
    design, arms = filled.get("design"), filled.get("arms")
    if not isinstance(arms, list):
        return filled
    last = Design.visits[-1]
    if isinstance(design, dict | None):
        design = design or {}
        with suppress(RowProblem):  # reported where the visits are checked
            last = visit_weeks(design.get("visits", Design.visits))[-1]
        filled["design"] = {"allocation": [1] * len(arms), **design}
    given = [dict(arm) if isinstance(arm, dict) else arm for arm in arms]
    known = [arm for arm in given if isinstance(arm, dict)]
    placebos = [arm for arm in known if arm.get("therapy") == "placebo" and "control" not in arm]
    if len(placebos) == 1 and not any(arm.get("control") is True for arm in known):
        placebos[0]["control"] = True
    for arm in known:
        arm.setdefault("stop", f"week {plain(last)}")
    filled["arms"] = given
    return filled


def _without_empty_sections(schema: type[BaseModel], content: Mapping[str, Any]) -> dict[str, Any]:
    """Drop sections without any key: all of theirs have a default, or a missing one is reported."""
    kept: dict[str, Any] = {}
    for key, value in content.items():
        field = schema.model_fields.get(key)
        nested = None if field is None else _nested(field)
        if nested is None or field is None:
            kept[key] = value
        elif isinstance(value, dict):
            kept[key] = _without_empty_sections(nested, value)
        elif isinstance(value, list):
            kept[key] = [_without_empty_sections(nested, v) if isinstance(v, dict) else v for v in value]
        elif value is not None or _is_list(field):
            kept[key] = value
    return kept


def _section(schema: type[BaseModel], content: Any, where: Place, report: Reporter) -> dict[str, Any]:
    """Check the keys of one section; return the values that are right, defaults included."""
    if content is None:
        content = {}
    if not isinstance(content, dict):
        report.add(
            where,
            f"{shown(content)} where keys belong",
            allowed=", ".join(schema.model_fields),
            next_step="write key: value, one a line",
        )
        return {}
    for key in content:
        if key not in schema.model_fields:
            report.add(
                (*where, key),
                f"the key {unknown_word(key, schema.model_fields)}",
                allowed=", ".join(schema.model_fields),
                next_step="rename or remove the key",
            )
    good: dict[str, Any] = {}
    for name, field in schema.model_fields.items():
        place = (*where, name)
        nested = _nested(field)
        if nested is not None and not _is_list(field):
            good[name] = _section(nested, content.get(name), place, report)
        elif name not in content:
            if field.is_required():
                report.add(place, "the key is missing", next_step=f"add {path_text(place)}")
            else:
                good[name] = field.get_default()
        elif nested is not None:
            rows = _list(nested, content[name], place, report)
            if rows is not None:
                good[name] = rows
        else:
            _check_value(name, field, content[name], place, good, report)
    return good


def _check_value(
    name: str, field: FieldInfo, value: Any, place: Place, good: dict[str, Any], report: Reporter
) -> None:
    try:
        for check in field.metadata:
            if isinstance(check, BeforeValidator):
                value = check.func(value)  # type: ignore[call-arg]
    except RowProblem as problem:
        report.add(place, problem.problem, allowed=problem.allowed, next_step=problem.next_step)
        return
    good[name] = value


def _list(
    schema: type[BaseModel], content: Any, where: Place, report: Reporter
) -> list[dict[str, Any]] | None:
    if not isinstance(content, list):
        report.add(
            where,
            f"{shown(content)} where a list belongs",
            allowed=f"a list, each item with {', '.join(schema.model_fields)}",
            next_step='begin each item with "- "',
        )
        return None
    return [_section(schema, item, (*where, k), report) for k, item in enumerate(content)]


def _nested(field: FieldInfo) -> type[BaseModel] | None:
    candidates: Sequence[Any] = (field.annotation, *get_args(field.annotation))
    for candidate in candidates:
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


def _is_list(field: FieldInfo) -> bool:
    return bool(get_args(field.annotation))


def _check_arms(arms: Sequence[dict[str, Any]], visits: Sequence[float] | None, report: Reporter) -> None:
    if not 2 <= len(arms) <= 3:
        report.add(
            ("arms",), f"the number of arms is {len(arms)}", allowed="2 or 3", next_step="add or remove arms"
        )
    _check_names(arms, report)
    controls = [k for k, arm in enumerate(arms) if arm.get("control")]
    whole = all("control" in arm and "therapy" in arm for arm in arms)
    if len(controls) > 1 or (not controls and whole):
        report.add(
            ("arms",),
            f"{len(controls) or 'no'} arms are the control",
            allowed="exactly one",
            next_step="write control: true in one arm",
        )
    for k, arm in enumerate(arms):
        _check_dose(k, arm, report)
        _check_schedule(k, arm, visits, report)
        _check_adherence(k, arm.get("adherence", {}), report)


def _check_names(arms: Sequence[dict[str, Any]], report: Reporter) -> None:
    seen: dict[str, int] = {}
    for k, arm in enumerate(arms):
        name = arm.get("name")
        if name is None:
            continue
        if len(name) > _LONGEST_NAME or not name.isprintable():
            report.add(
                ("arms", k, "name"),
                "the name is too long for a figure, or has more than one line",
                allowed=f"one line of up to {_LONGEST_NAME} characters",
                next_step="shorten it",
            )
        if name.casefold() in seen:
            report.add(
                ("arms", k, "name"),
                f'the name "{name}" is that of arms[{seen[name.casefold()]}] too',
                allowed="a name of its own for every arm",
                next_step="rename one",
            )
        seen.setdefault(name.casefold(), k)


def _check_dose(k: int, arm: Mapping[str, Any], report: Reporter) -> None:
    if "dose" not in arm:
        return
    # an unknown therapy is reported where it stands; what its dose says can be checked all the same
    kind, dose, where = arm.get("therapy", _ANY_THERAPY), arm["dose"], ("arms", k, "dose")
    if kind == "placebo":
        if dose is not None:
            report.add(where, "a placebo has no dose", allowed="no dose", next_step="remove the key")
        return
    unit = "g/day" if KINDS[kind][1] == "g/d" else KINDS[kind][1]
    allowed = f'an amount a day with its unit, such as "12 {unit}" or "1000 mg/day"'
    if dose is None and "therapy" not in arm:
        return
    if dose is None:
        report.add(where, f"{kind} has no dose", allowed=allowed, next_step=f"add arms[{k}].dose")
        return
    if not _DOSE.fullmatch(dose):
        report.add(
            where, f'the dose "{dose}" cannot be read', allowed=allowed, next_step="write number, space, unit"
        )
        return
    try:
        parse_dose(kind, dose)
    except FindingsError as error:
        for finding in error.findings:
            report.add(where, finding.problem, allowed=allowed, next_step="correct the dose")


def _check_schedule(k: int, arm: Mapping[str, Any], visits: Sequence[float] | None, report: Reporter) -> None:
    start, stop = arm.get("start"), arm.get("stop")
    if start is not None and stop is not None and stop <= start:
        report.add(
            ("arms", k, "stop"),
            f"the therapy stops in week {plain(stop)}, not after its start in week {plain(start)}",
            allowed="start before stop",
            next_step="move one of the two",
        )
    for name, moment in (("start", start), ("stop", stop)):
        if moment is not None and visits is not None and moment > visits[-1]:
            weeks = ", ".join(plain(v) for v in visits)
            report.add(
                ("arms", k, name),
                f"week {plain(moment)} is beyond the last visit in week {plain(visits[-1])}",
                allowed=f"week 0 to week {plain(visits[-1])} (visits: {weeks})",
                next_step="shorten the therapy or add visits",
            )


def _check_adherence(k: int, adherence: Mapping[str, Any], report: Reporter) -> None:
    if "mean" not in adherence or "sd" not in adherence:
        return
    mean, sd = adherence["mean"], adherence["sd"]
    if sd and sd**2 >= mean * (1 - mean):
        report.add(
            ("arms", k, "adherence"),
            f"no share between 0 and 1 has mean {plain(mean)} and sd {plain(sd)}",
            allowed="sd below the square root of mean x (1 - mean)",
            next_step="make sd smaller",
        )


def _check_design(design: Mapping[str, Any], arms: int, report: Reporter) -> None:
    allocation = design.get("allocation")
    if allocation is None or not arms:
        return
    if len(allocation) != arms:
        report.add(
            ("design", "allocation"),
            f"{len(allocation)} shares for {arms} arms",
            allowed="one whole number for each arm",
            next_step="add or remove a share",
        )
        return
    if "participants" in design and "block" in design:
        size = design["block"] * sum(allocation)
        if design["participants"] < size:
            report.add(
                ("design", "participants"),
                f"{design['participants']} participants do not fill one block of {size}",
                allowed=f"{size} or more (block {design['block']} x allocation {sum(allocation)})",
                next_step="take more participants or a smaller block",
            )


def _check_population(population: Mapping[str, Any], folder: Path, report: Reporter) -> None:
    source = population.get("source")
    if source == "reference":
        _check_reference(population, report)
    elif source == "stool":
        _check_stool(population, folder, report)


def _check_reference(population: Mapping[str, Any], report: Reporter) -> None:
    for key in _STOOL_KEYS:
        if population.get(key) is not None:
            report.add(
                ("population", key),
                "the reference population has no table",
                allowed="source: stool with this key",
                next_step="remove the key or change the source",
            )
    groups = load_reference().groups()
    if "group" in population and population["group"] not in groups:
        report.add(
            ("population", "group"),
            f"the group {unknown_word(population['group'], groups)}",
            allowed=", ".join(groups),
            next_step="name a group of the reference population",
        )


def _check_stool(population: Mapping[str, Any], folder: Path, report: Reporter) -> None:
    if "table" in population and population["table"] is None:
        report.add(
            ("population", "table"), "source: stool needs a table", next_step="add population.table: FILE"
        )
    for key in _METADATA_KEYS:
        if key in population and population.get("metadata") and population[key] is None:
            report.add(
                ("population", key),
                "metadata needs the names of its columns",
                allowed="the column of sample ids and the column of groups",
                next_step=f"add population.{key}",
            )
    if "metadata" in population and population["metadata"] is None:
        for key in (*_METADATA_KEYS, "control"):
            if population.get(key) is not None:
                report.add(
                    ("population", key),
                    "it needs a metadata table",
                    next_step="add population.metadata: FILE",
                )
    group, control = population.get("group"), population.get("control")
    if control is not None and control == group:
        report.add(
            ("population", "control"),
            f'the group "{control}" cannot be participants and controls at once',
            allowed="two groups of the metadata",
            next_step="name the participants in population.group",
        )
    for key in ("table", "metadata"):
        if population.get(key) is not None:
            _check_file(population[key], ("population", key), folder, report)


def _check_file(name: str, where: Place, folder: Path, report: Reporter) -> None:
    allowed = "a path, relative to the folder of the workflow file or absolute"
    if not (folder / name).is_file():
        report.add(where, f'the file "{name}" is missing', allowed=allowed, next_step="correct the path")
