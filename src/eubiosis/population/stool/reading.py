"""Read a table that somebody else wrote: text, cells and numbers, with a finding for all that is wrong."""

from __future__ import annotations

import csv
import gzip
import math
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eubiosis.core.findings import FindingCollector, unknown_word
from eubiosis.core.tables import display_name

_GZIP_MAGIC = b"\x1f\x8b"
_NUMBER = re.compile(r"^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$", re.ASCII)
_NAN_WORDS = frozenset(("", "nan", "na", "n/a", "#n/a", "null", "none", "-", "inf", "-inf", "infinity"))
_SHOWN = 3


@dataclass(frozen=True)
class CellGrid:
    """The cells of a table: ``columns`` without the first (``corner``), ``row_names`` from the first.

    ``cells[i][j]`` is the text in row i under column j; ``lines[i]`` is the line of row i in the file.
    """

    file: str
    corner: str
    columns: tuple[str, ...]
    row_names: tuple[str, ...]
    lines: tuple[int, ...]
    cells: tuple[tuple[str, ...], ...]


def read_text(path: Path, findings: FindingCollector) -> str | None:
    """Return the text of a file, unpacked when it is gzip; a file that cannot be read is a finding."""
    name = display_name(path)
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        findings.add(name, "", "the file is missing", next_step="correct the path")
        return None
    except OSError as error:
        findings.add(name, "", f"the file cannot be read ({error.strerror})", allowed="a readable file")
        return None
    if raw.startswith(_GZIP_MAGIC):
        try:
            raw = gzip.decompress(raw)
        except (OSError, EOFError, zlib.error) as error:
            findings.add(name, "", f"damaged gzip ({error})", next_step="pack or copy the file again")
            return None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        findings.add(
            name,
            f"byte {error.start}",
            "not UTF-8 text",
            allowed="a tab- or comma-separated text file in UTF-8",
            next_step="save the table as UTF-8 text; spreadsheets and BIOM files need an export",
        )
        return None


def read_grid(path: Path, findings: FindingCollector) -> CellGrid | None:
    """Read a table with one header line; None (and findings) where it has no regular shape."""
    text = read_text(path, findings)
    if text is None:
        return None
    name = display_name(path)
    lines = re.split(r"\r\n|\n|\r", text)
    skip = 1 if lines and lines[0].startswith("# ") else 0
    numbered = [
        (number, line) for number, line in enumerate(lines, start=1) if number > skip and line.strip()
    ]
    if len(numbered) < 2:
        findings.add(name, "", "the table is empty", allowed="a header line and one line a row")
        return None
    delimiter = "\t" if "\t" in numbered[0][1] else ","
    try:
        rows = [
            (number, [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter))])
            for number, line in numbered
        ]
    except csv.Error as error:
        findings.add(name, "", f"not a text table ({error})", allowed="tab- or comma-separated text")
        return None
    header = rows[0][1]
    if len(header) < 2:
        findings.add(
            name,
            f"line {rows[0][0]}",
            "only one column",
            allowed="columns separated by tabs or commas",
            next_step="export the table with tabs",
        )
        return None
    if not _same_width(name, rows, findings):
        return None
    return CellGrid(
        file=name,
        corner=header[0],
        columns=tuple(header[1:]),
        row_names=tuple(cells[0] for _, cells in rows[1:]),
        lines=tuple(number for number, _ in rows[1:]),
        cells=tuple(tuple(cells[1:]) for _, cells in rows[1:]),
    )


def parse_numbers(grid: CellGrid, findings: FindingCollector) -> np.ndarray:
    """Return the cells as numbers, shape (rows, columns); cells that are none become NaN and findings.

    The same fault in one column is one finding that counts the cells and shows the first ones.
    """
    values = np.full((len(grid.row_names), len(grid.columns)), math.nan)
    for j, column in enumerate(grid.columns):
        faults: dict[str, list[str]] = {}
        for i, row in enumerate(grid.cells):
            kind, number = _number(row[j])
            values[i, j] = number
            if kind:
                faults.setdefault(kind, []).append(f'line {grid.lines[i]} "{row[j]}"')
        for kind, places in faults.items():
            problem, allowed, step = _FAULTS[kind]
            count = counted(len(places), "cell")
            shown = ", ".join(places[:_SHOWN]) + (", ..." if len(places) > _SHOWN else "")
            findings.add(
                grid.file, f"column {column}", f"{count} {problem} ({shown})", allowed=allowed, next_step=step
            )
    return values


def read_groups(
    path: Path, id_column: str, group_column: str, findings: FindingCollector
) -> dict[str, str] | None:
    """Return the group of every id in a metadata table; missing columns and double ids are findings."""
    grid = read_grid(path, findings)
    if grid is None:
        return None
    columns = (grid.corner, *grid.columns)
    missing = [word for word in (id_column, group_column) if word not in columns]
    for word in missing:
        findings.add(
            grid.file, "header", f"column {unknown_word(word, columns)}", allowed=", ".join(columns[:20])
        )
    if missing:
        return None
    groups: dict[str, str] = {}
    for name, line, cells in zip(grid.row_names, grid.lines, grid.cells, strict=True):
        record = dict(zip(columns, (name, *cells), strict=True))
        key = record[id_column]
        if key in groups:
            findings.add(
                grid.file, f"line {line}", f'the id "{key}" occurs twice', next_step="keep one line an id"
            )
        groups.setdefault(key, record[group_column])
    return groups


def counted(number: int, noun: str) -> str:
    """Return a number with its noun in the right form.

    >>> counted(1, "sample"), counted(2, "sample")
    ('1 sample', '2 samples')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def shown(words: Sequence[str]) -> str:
    """Return the first words of a list, quoted, and how many more there are."""
    text = ", ".join(f'"{word}"' for word in words[:_SHOWN])
    rest = len(words) - _SHOWN
    return f"{text} and {rest} more" if rest > 0 else text


_FAULTS = {
    "missing": (
        "without a value",
        "a number in every cell, 0 where a taxon was not seen",
        "write 0 for taxa that were looked for and not seen, or remove the sample",
    ),
    "text": (
        "with text where a number belongs",
        "numbers with a decimal point; one text column, the first",
        "remove text columns, or correct the cells",
    ),
    "negative": ("below zero", "0 or more", "undo a log or centred transformation: raw counts are needed"),
}


def _number(cell: str) -> tuple[str, float]:
    if cell.lower() in _NAN_WORDS:
        return "missing", math.nan
    if not _NUMBER.match(cell):
        return "text", math.nan
    number = float(cell)
    if not math.isfinite(number):
        return "text", math.nan
    return ("negative", math.nan) if number < 0 else ("", number)


def _same_width(name: str, rows: list[tuple[int, list[str]]], findings: FindingCollector) -> bool:
    width = len(rows[0][1])
    bad = [(number, len(cells)) for number, cells in rows if len(cells) != width]
    if len(bad) == len(rows) - 1 and all(found == width + 1 for _, found in bad):
        findings.add(
            name,
            f"line {rows[0][0]}",
            f"the header has {width} cells, every other line {width + 1}",
            allowed="a word above the first column too",
            next_step="put an id column name in front of the header",
        )
        return False
    for number, found in bad[:_SHOWN]:
        findings.add(name, f"line {number}", f"{found} cells", allowed=f"{width} cells, as in the header")
    if len(bad) > _SHOWN:
        findings.add(name, "", f"{counted(len(bad) - _SHOWN, 'more line')} of the wrong length")
    return not bad
