"""Cells of a text table: delimiter, header, decimal comma, and columns of numbers or of words.

The bulk is read by pyarrow; what decides how to read it (delimiter, comment lines, a header one cell short)
is seen from the first lines.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from eubiosis.core.csv_arrow import Column, RaggedRows, SparseColumn, Tick, csv_columns
from eubiosis.core.findings import FindingCollector
from eubiosis.population.stool.features import LARGEST
from eubiosis.population.stool.words import counted

_NUMBER = re.compile(r"^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$", re.ASCII)
_COMMA = re.compile(r"^[+-]?\d+,\d+(?:[eE][+-]?\d+)?$", re.ASCII)
_THOUSANDS = re.compile(r"^[1-9]\d{0,2},\d{3}$", re.ASCII)  # 1,234 may be 1.234 or 1234: not guessed
MISSING = ("", "nan", "NaN", "NA", "N/A", "#N/A", "NULL", "null", "None", "none", "-", "na", "n/a")
_MISSING = frozenset(word.lower() for word in MISSING)
_LINE_END = re.compile(r"\r\n|\n|\r")
_SNIFFED = 30
_SHOWN = 3
LARGE = 2_000_000  # cells up to which a table is held dense
_FILLED = 0.5  # share of cells other than zero up to which a large column is held sparse


@dataclass(frozen=True)
class Grid:
    """The columns of a text table by name, the first included; numeric ones are float64 with NaN for blanks.

    ``lines`` are the line numbers of the rows, made only when a finding needs them.
    """

    file: str
    header: tuple[str, ...]
    columns: tuple[Column, ...]
    rows: int
    text: str
    first_row: int  # how many lines that are not blank lie before the first row

    def line(self, row: int) -> int:
        """Return the line number of a row, counted from 1."""
        seen = 0
        for number, line in enumerate(text_lines(self.text), start=1):
            if line.strip():
                if seen == self.first_row + row:
                    return number
                seen += 1
        return 0

    def is_number(self, j: int) -> bool:
        """Say whether a column holds numbers."""
        return not isinstance(self.columns[j], tuple)

    def numbers(self, j: int) -> np.ndarray:
        """Return a column of numbers, shape (rows,)."""
        column = self.columns[j]
        if isinstance(column, tuple):
            message = f"column {j} holds words"
            raise TypeError(message)
        return column.dense() if isinstance(column, SparseColumn) else column

    def words(self, j: int) -> tuple[str, ...]:
        """Return a column as words; numbers as they read."""
        column = self.columns[j]
        if isinstance(column, tuple):
            return column
        column = self.numbers(j)
        return tuple("" if math.isnan(v) else f"{v:.17g}" for v in column.tolist())


def read_grid(
    name: str, text: str, findings: FindingCollector, *, all_words: bool = False, tick: Tick | None = None
) -> Grid | None:
    """Split a text table into named columns; None (and findings) where it has no regular shape.

    The first column is always read as words; with ``all_words`` every column is.
    """
    lines = [(k, line) for k, line in enumerate(text_lines(text, _SNIFFED * 4), start=1) if line.strip()]
    skip = _comment_lines([line for _, line in lines])
    lines = lines[skip:]
    if len(lines) < 2:
        findings.add(name, "", "the table is empty", allowed="a header line and one line a row")
        return None
    delimiter = find_delimiter([line for _, line in lines[:_SNIFFED]])
    if delimiter is None:
        findings.add(
            name,
            f"line {lines[0][0]}",
            "only one column",
            allowed="columns separated by tabs, commas, semicolons or spaces",
            next_step="export the table with tabs",
        )
        return None
    header = _cells(lines[0][1], delimiter)
    widths = [len(_cells(line, delimiter)) for _, line in lines[1:_SNIFFED]]
    if widths and all(width == len(header) + 1 for width in widths):
        header = ["", *header]  # R's write.table names no column for the row names
    return _read_columns(name, text, delimiter, header, skip + 1, findings, all_words=all_words, tick=tick)


def text_lines(text: str, most: int | None = None) -> Iterator[str]:
    """Yield the lines of a text one by one, or the first ``most``; nothing is copied beyond them."""
    start = 0
    for end in islice(_LINE_END.finditer(text), most):
        yield text[start : end.start()]
        start = end.end()
        if most is not None:
            most -= 1
    if (most is None or most > 0) and start < len(text):
        yield text[start:]


def _comment_lines(lines: Sequence[str]) -> int:
    """Count the lines at the top that are remarks: they begin with # and have fewer cells than the next."""
    count = 0
    while count + 1 < len(lines) and lines[count].startswith("#"):
        pair = lines[count : count + 2]
        marks = "\t" if all("\t" in line for line in pair) else "\t,;"
        here, below = (max(line.count(d) for d in marks) for line in pair)
        if here >= below and here:
            break
        count += 1
    return count


def find_delimiter(lines: Sequence[str]) -> str | None:
    """Return the delimiter under which all lines have one width (the header may be one cell short)."""
    best: tuple[int, str] | None = None
    for delimiter in ("\t", ";", ",", " "):
        widths = [len(_cells(line, delimiter)) for line in lines]
        header, rows = widths[0], widths[1:]
        if header < 2 and not (rows and min(rows) >= 2):
            continue
        agree = sum(width in (header, header + 1) for width in rows)
        if delimiter == "\t" and header > 1 and agree >= 0.8 * len(rows):
            return delimiter  # names hold no tabs, but lineages hold the others
        if agree >= 0.8 * len(rows) and (best is None or agree * header > best[0]):
            if best is not None and delimiter == " ":
                continue
            best = (agree * header, delimiter)
    if best is None and "\t" in lines[0]:
        return "\t"
    return best[1] if best else None


def _cells(line: str, delimiter: str) -> list[str]:
    if delimiter == " ":
        return next(csv.reader([line.strip()], delimiter=" ", skipinitialspace=True), [])
    return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter), [])]


def _read_columns(
    name: str,
    text: str,
    delimiter: str,
    header: list[str],
    skip: int,
    findings: FindingCollector,
    *,
    all_words: bool,
    tick: Tick | None,
) -> Grid | None:
    if '"' in text and not _quotes_close(name, text, findings):
        return None
    start, width = _body_start(text, skip), len(header)
    body = re.sub(r"[ \t]+", " ", text[start:]).encode() if delimiter == " " else text.encode()
    skipped = 0 if delimiter == " " else len(text[:start].encode())
    large = text.count("\n") * width > LARGE
    try:
        columns = tuple(
            _kept(_decimals(column), large)
            for column in csv_columns(
                body,
                skipped,
                delimiter,
                width,
                words=range(width if all_words else 1),
                missing=MISSING,
                tick=tick,
            )
        )
    except RaggedRows:
        _report_ragged(name, text, delimiter, width, skip, findings)
        return None
    except ValueError as error:
        findings.add(name, "", f"not a text table ({error})", allowed="separated text")
        return None
    if not columns:
        findings.add(name, "", "the table is empty", allowed="a header line and one line a row")
        return None
    rows = len(columns[0]) if isinstance(columns[0], tuple) else 0
    return Grid(name, tuple(word.strip() for word in header), columns, rows, text, skip)


def _body_start(text: str, skip: int) -> int:
    """Return where the text below the first ``skip`` lines that are not blank begins."""
    start = 0
    for _ in range(skip):
        while True:
            end = _line_end(text, start)
            line = text[start : end[0]]
            start = end[1]
            if line.strip() or start >= len(text):
                break
    return start


def _line_end(text: str, start: int) -> tuple[int, int]:
    feed, back = text.find("\n", start), text.find("\r", start)
    ends = [k for k in (feed, back) if k >= 0]
    if not ends:
        return len(text), len(text)
    end = min(ends)
    return end, end + (2 if text[end : end + 2] == "\r\n" else 1)


def _quotes_close(name: str, text: str, findings: FindingCollector) -> bool:
    for number, line in enumerate(text_lines(text), start=1):
        if line.count('"') % 2:
            findings.add(
                name, f"line {number}", "a quotation mark that is not closed",
                next_step="close it, or remove quotation marks from names",
            )  # fmt: skip
            return False
    return True


def _report_ragged(
    name: str, text: str, delimiter: str, width: int, skip: int, findings: FindingCollector
) -> None:
    bad, seen = [], 0
    for number, line in enumerate(text_lines(text), start=1):
        if not line.strip():
            continue
        seen += 1
        found = len(_cells(line, delimiter))
        if seen > skip and found != width:
            bad.append((number, found))
    if not bad:  # Arrow and the module csv disagree about odd line ends and quotation marks
        findings.add(
            name, "", f"rows that do not have {width} cells, as the header has", allowed="one width",
            next_step="write the table again, without quotation marks and carriage returns in cells",
        )  # fmt: skip
    for number, found in bad[:_SHOWN]:
        findings.add(name, f"line {number}", f"{found} cells", allowed=f"{width} cells, as in the header")
    if len(bad) > _SHOWN:
        more = f"{counted(len(bad) - _SHOWN, 'more line')} of the wrong length"
        findings.add(name, "", more, allowed=f"{width} cells, as in the header")


def _decimals(column: Column) -> Column:
    """Return words that are numbers with a decimal comma as numbers; 1,234 alone is not guessed at."""
    if not isinstance(column, tuple):
        return column
    commas = [w for w in column if _COMMA.match(w)]
    numeric = all(w.lower() in _MISSING or _COMMA.match(w) or _NUMBER.match(w) for w in column)
    if commas and numeric and not all(_THOUSANDS.match(w) for w in commas):
        return np.array([_decimal_comma(w) for w in column])
    return column


def _kept(column: Column, large: bool) -> Column:
    """Hold a column of a large table by its numbers that are not zero, where these are few."""
    if not large or not isinstance(column, np.ndarray):
        return column
    held = SparseColumn.of(column)
    return column if len(held.places) > _FILLED * len(column) else held


def _decimal_comma(word: str) -> float:
    return math.nan if word.lower() in _MISSING else float(word.replace(",", "."))


def report_words(grid: Grid, column: int, findings: FindingCollector) -> None:
    """Report the cells of a column of words that are not numbers."""
    words = grid.words(column)
    bad = [(i, w) for i, w in enumerate(words) if not _NUMBER.match(w) and w.lower() not in _MISSING]
    places = ", ".join(f'line {grid.line(i)} "{w}"' for i, w in bad[:_SHOWN])
    more = ", ..." if len(bad) > _SHOWN else ""
    findings.add(
        grid.file,
        f"column {grid.header[column] or '(the first)'}",
        f"{counted(len(bad), 'cell')} with text where a number belongs ({places}{more})",
        allowed="numbers; text in the first column, in a taxonomy or rank column and in a group column",
        next_step="remove the column, leave it out with --ignore, or name it with --group-column",
    )


def all_numbers(grid: Grid, columns: Sequence[int], findings: FindingCollector) -> bool:
    """Say whether columns hold numbers; the words of those that do not are findings."""
    worded = [j for j in columns if not grid.is_number(j)]
    for j in worded:
        report_words(grid, j, findings)
    return not worded


def report_cells(
    grid: Grid, names: Sequence[str], columns: Sequence[int], findings: FindingCollector, *, blanks: bool
) -> None:
    """Report blank, negative, infinite and absurd numbers, a finding for each fault of a column."""
    for j in columns:
        column = grid.numbers(j)
        faults = (
            ("without a value", np.isnan(column) & blanks, "a number in every cell",
             "write 0 for taxa that were looked for and not seen, or say --blanks zero"),
            ("below zero", column < 0, "0 or more",
             "undo a log or centred transformation: raw counts are needed"),
            (f"above {LARGEST:g}", column > LARGEST, f"numbers up to {LARGEST:g}", "correct the cells"),
        )  # fmt: skip
        for problem, where, allowed, step in faults:
            if not where.any():
                continue
            rows = np.flatnonzero(where)
            places = ", ".join(f"line {grid.line(int(i))}" for i in rows[:_SHOWN])
            more = ", ..." if len(rows) > _SHOWN else ""
            findings.add(
                grid.file, f"column {names[j]}", f"{counted(len(rows), 'cell')} {problem} ({places}{more})",
                allowed=allowed, next_step=step,
            )  # fmt: skip
