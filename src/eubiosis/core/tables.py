"""Read tab-separated tables against a closed row schema, with a finding for every bad cell."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from eubiosis.core.findings import FindingCollector, unknown_word
from eubiosis.core.output import beside


class TableRow(BaseModel):
    """Base of every row schema: frozen, and an unknown column is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True, defer_build=True)


RowT = TypeVar("RowT", bound=TableRow)


def read_table(path: Path, row_type: type[RowT], findings: FindingCollector) -> list[RowT]:
    """Read a table and return its valid rows; report every invalid cell to ``findings``.

    Empty cells count as absent, so a schema decides by its defaults which columns may be empty.
    A missing or unreadable file is a finding too. Lines are counted from 1, the header being line 1.
    """
    name = display_name(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        findings.add(name, "", "the file is missing", next_step="restore it or correct the path")
        return []
    except UnicodeDecodeError as error:
        findings.add(name, f"byte {error.start}", "not UTF-8 text", allowed="tab-separated UTF-8")
        return []
    reader = csv.reader(text.splitlines(), delimiter="\t")
    header = next(reader, [])
    if not _check_header(name, header, row_type, findings):
        return []
    rows: list[RowT] = []
    for line, cells in enumerate(reader, start=2):
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            findings.add(
                name,
                f"line {line}",
                f"{len(cells)} cells",
                allowed=f"{len(header)} tab-separated cells, as in the header",
            )
            continue
        values = {column: cell.strip() for column, cell in zip(header, cells, strict=True) if cell.strip()}
        try:
            rows.append(row_type.model_validate(values))
        except ValidationError as error:
            _report_row(name, line, values, error, findings)
    return rows


def write_table(path: Path, rows: Sequence[TableRow], columns: Sequence[str]) -> None:
    """Write rows as a tab-separated table; absent values become empty cells."""
    with beside(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, delimiter="\t", lineterminator="\n", quoting=csv.QUOTE_MINIMAL)
        writer.writerow(columns)
        for row in rows:
            record = row.model_dump()
            writer.writerow(["" if record[column] is None else record[column] for column in columns])


def check_unique(rows: Iterable[tuple[str, str]], file: str, what: str, findings: FindingCollector) -> None:
    """Report every key that occurs twice; ``rows`` yields (key, place)."""
    seen: dict[str, str] = {}
    for key, place in rows:
        if key in seen:
            findings.add(
                file, place, f'{what} "{key}" occurs twice (first: {seen[key]})', next_step="keep one row"
            )
        else:
            seen[key] = place


def display_name(path: Path) -> str:
    """Name a file as a reader finds it: relative to the packaged content or the working folder."""
    parts = path.parts
    if "content" in parts:
        return str(Path(*parts[len(parts) - 1 - parts[::-1].index("content") :]))
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _check_header(name: str, header: list[str], row_type: type[TableRow], findings: FindingCollector) -> bool:
    known = {field.alias or key: field for key, field in row_type.model_fields.items()}
    good = True
    for column in header:
        if column not in known:
            findings.add(
                name,
                "header",
                f"column {unknown_word(column, known)}",
                allowed=", ".join(known),
                next_step="rename or remove the column",
            )
            good = False
    for column, field in known.items():
        if field.is_required() and column not in header:
            findings.add(name, "header", f'column "{column}" is missing', allowed=", ".join(known))
            good = False
    return good


def _report_row(
    name: str, line: int, values: dict[str, str], error: ValidationError, findings: FindingCollector
) -> None:
    label = values.get("id", "")
    place = f"line {line} ({label})" if label else f"line {line}"
    for issue in error.errors():
        column = ".".join(str(part) for part in issue["loc"])
        where = f"{place}, column {column}" if column else place
        context = issue.get("ctx", {})
        cause = context.get("error")
        if isinstance(cause, RowProblem):
            findings.add(name, where, cause.problem, allowed=cause.allowed, next_step=cause.next_step)
        elif issue["type"] == "missing":
            findings.add(name, where, "the cell is empty", next_step="fill it in")
        elif issue["type"] == "literal_error":
            findings.add(name, where, f'"{issue["input"]}" is unknown', allowed=str(context["expected"]))
        else:
            findings.add(name, where, f'{issue["msg"]} (found "{issue.get("input")}")')


class RowProblem(ValueError):
    """Raise inside a row validator to say what is wrong, what is allowed and what to do next."""

    def __init__(self, problem: str, *, allowed: str = "", next_step: str = "") -> None:
        self.problem = problem
        self.allowed = allowed
        self.next_step = next_step
        super().__init__(problem)
