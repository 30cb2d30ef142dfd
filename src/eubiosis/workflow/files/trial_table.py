"""Read a real trial's table: CSV, Parquet or XPT, every cell as it stands and the place of every row."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.findings import Finding, FindingCollector, FindingsError
from eubiosis.core.frame import Table
from eubiosis.core.tables import display_name
from eubiosis.workflow.files.xport import read_xport

PlaceWord = Literal["row", "line"]
CHUNK = 20_000
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab"}
_OTHERS = {
    ".xlsx": "export the sheet as CSV in UTF-8",
    ".xls": "export the sheet as CSV in UTF-8",
    ".sas7bdat": "export the data set as XPT or CSV",
    ".sav": "export the data as CSV in UTF-8",
    ".dta": "export the data as CSV in UTF-8",
    ".rds": "write it with write.csv(..., row.names = FALSE)",
}
_SEPARATOR = re.compile(r"sep=(.)\r?\n")


class _Reader(Protocol):
    """What csv.reader returns."""

    line_num: int

    def __iter__(self) -> Iterator[list[str]]: ...


@dataclass(frozen=True)
class ReadTable:
    """A table that was read: its rows, the file as a reader finds it, and where each row stands.

    ``places`` (rows,) are line numbers of a text file (the first line of a row that spans several) and row
    numbers from 1 of the others; ``place_word`` says which. ``how`` says how the file was read.
    """

    table: Table
    file: str
    places: NDArray[np.int64]
    place_word: PlaceWord
    how: str


def read_trial_table(path: Path | str) -> ReadTable:
    """Read a table by the end of its name: .csv, .tsv or .txt, .parquet, .xpt.

    Cells of a text file stay text: what a number or a missing value is, the analysis plan says. Raises
    ``FindingsError`` with everything that is wrong.
    """
    target = Path(path)
    file, findings = display_name(target), FindingCollector()
    readers: dict[str, Callable[[Path, str, FindingCollector], ReadTable | None]] = {
        ".csv": _text_table, ".tsv": _text_table, ".txt": _text_table, ".parquet": _parquet, ".xpt": _xport,
    }  # fmt: skip
    ending = target.suffix.lower()
    if ending not in readers:
        next_step = _OTHERS.get(ending, "export the table as one of these")
        allowed = "a name that ends in " + ", ".join(readers)
        raise FindingsError([Finding(file, "", f'"{ending}" is no kind of table', allowed, next_step)])
    found = readers[ending](target, file, findings)
    if found is not None and not len(found.table) and not findings.findings:
        findings.add(
            file, "", "the table has no rows", allowed="one row or more", next_step="export it again"
        )
    findings.raise_if_any()
    assert found is not None
    return found


def _bytes_of(path: Path, file: str, findings: FindingCollector) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        findings.add(file, "", "the file is missing", next_step="correct the path")
    except OSError as error:
        findings.add(
            file, "", f"the file cannot be read ({error.strerror})", allowed="a file that you may read",
            next_step="name the table itself",
        )  # fmt: skip
    return None


def _parquet(path: Path, file: str, findings: FindingCollector) -> ReadTable | None:
    if _bytes_of(path, file, findings) is None:
        return None
    return _numbered(Table.read_parquet(path), file, "Parquet")


def _xport(path: Path, file: str, findings: FindingCollector) -> ReadTable | None:
    raw = _bytes_of(path, file, findings)
    columns = None if raw is None else read_xport(raw, file, findings)
    return None if columns is None else _numbered(Table(columns), file, "SAS transport file")


def _numbered(table: Table, file: str, how: str) -> ReadTable:
    return ReadTable(table, file, np.arange(1, len(table) + 1), "row", how)


def _text_table(path: Path, file: str, findings: FindingCollector) -> ReadTable | None:
    raw = _bytes_of(path, file, findings)
    text = None if raw is None else _decoded(raw, file, findings)
    if text is None:
        return None
    skipped, delimiter = _delimiter(text)
    if not text.strip():
        findings.add(file, "", "the file is empty", allowed="a line of names and rows", next_step="export it")
        return None
    stream = io.StringIO(text, newline="")
    if skipped:
        stream.readline()
    reader = csv.reader(stream, delimiter=delimiter, strict=True)
    try:
        header = _header(next(reader), file, findings)
        columns, places = _rows(reader, header, skipped, delimiter, file, findings)
    except csv.Error as error:
        line = reader.line_num + skipped
        findings.add(
            file, f"line {line}", f"not a table of cells ({error})", allowed="cells, quoted in pairs",
            next_step="look for a quote that is not closed, at or before this line", line=line,
        )  # fmt: skip
        return None
    if findings.findings:
        return None
    how = f"text, cells parted by {DELIMITERS.get(delimiter, repr(delimiter))}"
    return ReadTable(Table(columns), file, np.array(places, dtype=np.int64), "line", how)


def _decoded(raw: bytes, file: str, findings: FindingCollector) -> str | None:
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        findings.add(file, "", "UTF-16 text", allowed="UTF-8", next_step='save it as "CSV UTF-8"')
        return None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        findings.add(
            file, f"line {line}", f"not UTF-8 text (byte {raw[error.start]:#04x})", allowed="UTF-8",
            next_step='save it as "CSV UTF-8"', line=line,
        )  # fmt: skip
        return None
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        findings.add(
            file, f"line {line}", "a NUL character: no text file", allowed="text",
            next_step="export it as CSV", line=line,
        )  # fmt: skip
        return None
    return text


def _delimiter(text: str) -> tuple[int, str]:
    """Return how many lines to skip and what parts the cells: as the file says, or as its names show."""
    said = _SEPARATOR.match(text)
    if said:
        return 1, said[1]
    first = text.split("\n", 1)[0]
    unquoted = re.sub(r'"[^"]*"', "", first)
    return 0, max(DELIMITERS, key=unquoted.count)


def _header(cells: list[str], file: str, findings: FindingCollector) -> list[str]:
    names = [cell.strip() or f"column {k}" for k, cell in enumerate(cells, start=1)]
    for name, count in Counter(names).items():
        if count > 1:
            findings.add(
                file, "line 1", f'the column "{name}" is there {count} times', allowed="once",
                next_step="rename or remove the others", line=1,
            )  # fmt: skip
    return names


def _rows(
    reader: _Reader,
    header: list[str],
    skipped: int,
    delimiter: str,
    file: str,
    findings: FindingCollector,
) -> tuple[Mapping[str, list[str]], list[int]]:
    columns: list[list[str]] = [[] for _ in header]
    places: list[int] = []
    chunk: list[list[str]] = []
    pool: dict[str, str] = {}
    width, before, ragged = len(header), reader.line_num, 0
    for cells in reader:
        line, before = before + 1 + skipped, reader.line_num
        if len(cells) != width:
            if not cells:
                continue  # an empty line
            ragged += 1
            if ragged <= 20:
                named = DELIMITERS.get(delimiter, delimiter)
                findings.add(
                    file, f"line {line}", f"{len(cells)} cells", allowed=f"{width}, as in the line of names",
                    next_step=f"quote a cell that holds a {named}; fill up a short line", line=line,
                )  # fmt: skip
            continue
        chunk.append([pool.setdefault(cell, cell) for cell in cells])
        places.append(line)
        if len(chunk) == CHUNK:
            _poured(chunk, columns)
    _poured(chunk, columns)
    if ragged > 20:
        findings.add(file, "", f"{ragged - 20} more lines with another number of cells")
    return dict(zip(header, columns, strict=True)), places


def _poured(chunk: list[list[str]], columns: list[list[str]]) -> None:
    for column, part in zip(columns, zip(*chunk, strict=True), strict=False):
        column.extend(part)
    chunk.clear()
