"""Check the content of a workflow file: each key by itself, then what must fit together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel, BeforeValidator
from pydantic.fields import FieldInfo

from eubiosis.core.findings import FindingCollector, unknown_word
from eubiosis.core.kinds import shown
from eubiosis.core.place import Place, path_text
from eubiosis.core.tables import RowProblem
from eubiosis.core.yaml_lines import Document


class Reporter:
    """Report findings at places of one workflow file."""

    def __init__(self, document: Document, findings: FindingCollector) -> None:
        self.document = document
        self.findings = findings

    def add(self, where: Place, problem: str, *, allowed: str = "", next_step: str = "") -> None:
        """Record a finding at a place."""
        self.findings.add(
            self.document.file,
            self.document.place(where),
            problem,
            allowed=allowed,
            next_step=next_step,
            line=self.document.line(where),
        )


def check_keys(document: Document, schema: type[BaseModel], report: Reporter) -> dict[str, Any]:
    """Check each key of a file by itself against a schema; return the values that are right."""
    if not isinstance(document.content, dict):
        report.add((), f"{shown(document.content)} where keys belong", allowed=", ".join(schema.model_fields))
        return {}
    return _section(schema, _without_empty_sections(schema, document.content), (), report)


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
