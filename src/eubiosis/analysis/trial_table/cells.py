"""Cells of a real trial's table as words and numbers, with a finding for what is neither."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.findings import FindingCollector, unknown_word
from eubiosis.core.frame import Table
from eubiosis.core.kinds import plain, shown

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

MISSING_WORDS = ("", "NA", ".", "NaN")  # in a column of numbers: an empty cell, R's, SAS's and Python's
LARGEST = 1e30  # squares and products of larger ones leave double precision
SMALLEST = 1e-78  # a zero of an XPT file reads as 5.4e-79 in some libraries
MOST_WORDS = 20  # different wrong words of a column that are listed one by one
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", re.ASCII)
_COMMA = re.compile(r"[+-]?(?:[0-9]+,[0-9]+|,[0-9]+)(?:[eE][+-]?[0-9]+)?", re.ASCII)
_DATE = re.compile(
    r"[0-9]{4}-[0-9]{1,2}(-[0-9]{1,2}([T ].*)?)?|[0-9]{1,2}[./-][0-9]{1,2}[./-][0-9]{2,4}"
    r"|[0-9]{1,2}-?[A-Za-z]{3}-?[0-9]{4}",
    re.ASCII,
)


@dataclass(frozen=True)
class WordColumn:
    """A column as words: the different ones, and which of them each row has; -1 where it is empty."""

    words: tuple[str, ...]
    codes: Ints


@dataclass
class Cells:
    """A table with the plan's rules of reading; findings name the file, the row and the column.

    ``places`` (rows,) are the places of the rows as ``place_word`` counts them. ``tiny`` and ``coded`` count,
    by column, the values that were read as zero and as missing by a code of the plan.
    """

    table: Table
    file: str
    places: Ints
    place_word: str
    decimal: str
    codes: Mapping[str, tuple[str, ...]]
    findings: FindingCollector
    tiny: dict[str, int] = field(default_factory=dict)
    coded: dict[str, dict[str, int]] = field(default_factory=dict)
    _words: dict[str, WordColumn] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.table)

    def has(self, column: str, place: str) -> bool:
        """Say whether the table has a column that the plan names at a place; a finding where it has not."""
        if column in self.table:
            return True
        columns = ", ".join(self.table.columns[:40]) + (", ..." if len(self.table.columns) > 40 else "")
        self.findings.add(
            "plan", place, f"column {unknown_word(column, self.table.columns)}", allowed=columns,
            next_step=f"correct the name; the table is {self.file}",
        )  # fmt: skip
        return False

    def at(self, rows: Ints) -> str:
        """Name rows: the first, and how many more there are."""
        first = f"{self.place_word} {int(self.places[rows[0]])}"
        if len(rows) == 1:
            return first
        last = int(self.places[rows[-1]])
        return f"{first} and {len(rows) - 1} more, the last {self.place_word} {last}"

    def report(self, rows: Ints, column: str, problem: str, allowed: str = "", next_step: str = "") -> None:
        """Record a finding at some rows of a column."""
        place = f"{self.at(rows)}, column {column}"
        self.findings.add(
            self.file, place, problem, allowed=allowed, next_step=next_step, line=int(self.places[rows[0]])
        )

    def words(self, column: str) -> WordColumn:
        """Return a column as words without blanks around them; a number is written as short as can be."""
        if column not in self._words:
            self._words[column] = self._read_words(column)
        return self._words[column]

    def _read_words(self, column: str) -> WordColumn:
        kind = self.table.schema[column].kind
        if kind in ("number", "count"):
            numbers, codes = np.unique(self.table.numbers(column), return_inverse=True)
            texts = ["" if math.isnan(number) else plain(number) for number in numbers.tolist()]
            return _merged(texts, codes.astype(np.int64))
        index: dict[str, int] = {}
        cells = self.table.texts(column)
        codes = np.fromiter((index.setdefault(cell, len(index)) for cell in cells), np.int64, len(cells))
        texts = [cell.strip() for cell in index]
        return _merged([text.lower() for text in texts] if kind == "flag" else texts, codes)

    def present(self, column: str) -> WordColumn:
        """Return a column as words, with those that the plan calls missing as empty."""
        found = self.words(column)
        codes = found.codes.copy()
        for k, word in enumerate(found.words):
            if word in self.codes.get(column, ()):
                rows = found.codes == k
                codes[rows] = -1
                self.coded.setdefault(column, {})[word] = int(rows.sum())
        return WordColumn(found.words, codes)

    def categories(self, column: str, rows: Bools) -> WordColumn:
        """Return a column of categories; "NA" is refused, for it may be a word or a missing value."""
        found = self.present(column)
        for k, word in enumerate(found.words):
            at = (
                np.flatnonzero(rows & (found.codes == k)) if word in MISSING_WORDS else np.array([], np.int64)
            )
            if len(at):
                self.report(
                    at, column, f"{shown(word)} is a missing value or a word",
                    allowed="a word; an empty cell where it is missing",
                    next_step=f"name it in missing: column {column}, codes [{word}], or spell the word out",
                )  # fmt: skip
        return found

    def numbers(self, column: str, rows: Bools, *, span: tuple[float, float] | None = None) -> Floats:
        """Return a column of numbers (rows of the table,); NaN where missing or not asked for.

        Only the rows asked for are judged: text, a date, a number that is not finite or outside ``span`` is a
        finding.
        """
        kind = self.table.schema[column].kind
        if kind == "date":
            self.report(np.flatnonzero(rows)[:1], column, "dates where numbers belong", "numbers", _NO_DATES)
            return np.full(len(self), np.nan)
        if kind == "text":
            values = self._parsed(column, rows)
        else:
            values = np.array(self.table.numbers(column))
            self._set_missing(column, values)
        tiny = (values != 0) & (np.abs(values) < SMALLEST)
        if tiny.any():
            self.tiny[column] = int(tiny.sum())
            values[tiny] = 0.0
        values[~rows] = np.nan
        with np.errstate(invalid="ignore"):
            beyond = np.flatnonzero(np.abs(values) > LARGEST)
        if len(beyond):
            odd = float(values[beyond[0]])
            problem = (
                f"{odd:.6g} is no measured number" if math.isfinite(odd) else "a number that is not finite"
            )
            allowed = f"numbers up to {LARGEST:g} in size"
            self.report(
                beyond, column, problem, allowed, "correct it; if it means missing, name it under missing"
            )
            values[beyond] = np.nan
        if span is not None:
            self._outside(column, values, span)
        return values

    def _set_missing(self, column: str, values: Floats) -> None:
        for code in self.codes.get(column, ()):
            if _NUMBER.fullmatch(code):
                at = values == float(code)
                self.coded.setdefault(column, {})[code] = int(at.sum())
                values[at] = np.nan

    def _parsed(self, column: str, rows: Bools) -> Floats:
        """Return a text column as numbers: each different word is read once."""
        found = self.words(column)
        codes = self.codes.get(column, ())
        coded_numbers = {float(code) for code in codes if _NUMBER.fullmatch(code)}
        parsed = np.full(len(found.words) + 1, np.nan)  # the last is that of empty cells
        wrong: list[tuple[int, str, str]] = []
        marks: list[int] = []  # words with the other decimal mark: one finding for all
        everywhere = np.bincount(found.codes[found.codes >= 0], minlength=len(found.words))
        counts = np.bincount(found.codes[rows & (found.codes >= 0)], minlength=len(found.words))
        for k, word in enumerate(found.words):
            number = None if word in codes else _number(word, self.decimal)
            if word in codes or (number is not None and number in coded_numbers):
                self.coded.setdefault(column, {})[word] = int(everywhere[k])
            elif number is not None:
                parsed[k] = number
            elif word not in MISSING_WORDS and counts[k]:
                if _other_mark(word, self.decimal):
                    marks.append(k)
                else:
                    wrong.append((k, *_why(word)))
        if marks:
            at = np.flatnonzero(rows & np.isin(found.codes, marks))
            word, other = found.words[found.codes[at[0]]], "comma" if self.decimal == "point" else "point"
            next_step = f"write decimal: {other} in the plan, or use one mark in the whole table"
            problem = f"{shown(word)} has a decimal {other}, and the plan says {self.decimal}"
            self.report(at, column, problem, _numbers_allowed(self.decimal), next_step)
        for k, problem, next_step in wrong[:MOST_WORDS]:
            at = np.flatnonzero(rows & (found.codes == k))
            self.report(at, column, problem, _numbers_allowed(self.decimal), next_step)
        if len(wrong) > MOST_WORDS:
            more = np.isin(found.codes, [k for k, _, _ in wrong[MOST_WORDS:]])
            at = np.flatnonzero(rows & more)
            self.report(at, column, f"{len(wrong) - MOST_WORDS} more different texts where numbers belong")
        return parsed[found.codes]

    def _outside(self, column: str, values: Floats, span: tuple[float, float]) -> None:
        with np.errstate(invalid="ignore"):
            out = (values < span[0]) | (values > span[1])
        different = np.unique(values[out])
        for number in different[:MOST_WORDS].tolist():
            self.report(
                np.flatnonzero(values == number), column, f"{plain(number)} is out of range",
                f"{plain(span[0])} to {plain(span[1])}",
                f"correct it; if it means missing, name it in missing: column {column}, "
                f"codes [{plain(number)}]",
            )  # fmt: skip
        if len(different) > MOST_WORDS:
            rest = np.flatnonzero(out & ~np.isin(values, different[:MOST_WORDS]))
            self.report(rest, column, f"{len(different) - MOST_WORDS} more different numbers out of range")


_NO_DATES = "give the time as a number, such as weeks since randomisation"


def _merged(texts: Sequence[str], codes: Ints) -> WordColumn:
    """Join words that are the same once blanks are gone, and take empty ones out."""
    index: dict[str, int] = {}
    place = np.array(
        [-1 if not text else index.setdefault(text, len(index)) for text in texts] or [-1], dtype=np.int64
    )
    return WordColumn(tuple(index), place[codes])


def _number(word: str, decimal: str) -> float | None:
    if decimal == "comma":
        if "." in word and "," not in word and not word.isdigit():
            return None
        word = word.replace(",", ".") if _COMMA.fullmatch(word) else word
    return float(word) if _NUMBER.fullmatch(word) else None


def _other_mark(word: str, decimal: str) -> bool:
    return (_COMMA if decimal == "point" else _NUMBER).fullmatch(word) is not None


def _why(word: str) -> tuple[str, str]:
    """Say what a word is that should be a number, and what to do."""
    if _DATE.fullmatch(word):
        return f"{shown(word)} is a date where a number belongs", _NO_DATES
    return (
        f"{shown(word)} where a number belongs",
        "correct the cell; if it means missing, name it under missing in the plan",
    )


def _numbers_allowed(decimal: str) -> str:
    return (
        f"a number with a decimal {decimal}, or one of {', '.join(MISSING_WORDS[1:])} or nothing if missing"
    )


def is_date(word: str) -> bool:
    """Say whether a word looks like a date."""
    return _DATE.fullmatch(word) is not None
