"""The parts that a brief's page is made of, and how lengths, numbers and sizes are written in them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from eubiosis.core.brief import SizeRow
from eubiosis.core.calendar import DAYS_PER_YEAR

Row = tuple[str, ...]
_DOI = re.compile(r"\b10\.\d{4,9}/[^\s;(),]+")


@dataclass(frozen=True)
class TextTable:
    """A table of texts: the columns and as many cells in every row."""

    columns: Row
    rows: tuple[Row, ...]
    title: str = ""


@dataclass(frozen=True)
class Passage:
    """A part of the page: paragraphs, then tables, then points, then small print to open."""

    title: str
    paragraphs: tuple[str, ...] = ()
    tables: tuple[TextTable, ...] = ()
    items: tuple[str, ...] = ()
    small: tuple[str, ...] = ()
    small_title: str = ""
    figure: str = ""  # SVG for the page; the same numbers stand in a table


def duration(years: float) -> str:
    """Write a length of time: weeks below a year.

    >>> duration(0.25), duration(1.0), duration(1.5)
    ('13 weeks', '1 year', '1.5 years')
    """
    if years < 1:
        return f"{round(years * DAYS_PER_YEAR / 7)} weeks"
    return "1 year" if years == 1 else f"{years:g} years"


def per_arm(size: SizeRow, largest: int) -> str:
    """Return the people per arm as words: the number, or "not reachable" with the number.

    >>> per_arm(SizeRow(1.0, 2967, 3000, 2900, False, "not reachable"), 150)
    'not reachable (2,967; 150 can be recruited)'
    """
    if size.reachable:
        return f"{size.n_per_arm:,}"
    return f"not reachable ({size.n_per_arm:,}; {largest:,} can be recruited)"


def number(value: float | None, *, decimals: int = 2) -> str:
    """Write a number with a true minus; a dash where there is none."""
    return "–" if value is None else f"{value:.{decimals}f}".replace("-", "−")


def read_words(level: str | None) -> str:
    """Write how far a source was read.

    >>> read_words("full_text")
    'full text'
    """
    return "not said" if level is None else level.replace("_", " ")


def source_words(source: str) -> str:
    """Write a source with its DOI first, where it holds one, in the place of an address that wraps it.

    >>> source_words("https://x.org/lookup?to=10.1016/j.cell.2020.02.035 (abstract) ; https://y.org/z")
    'https://doi.org/10.1016/j.cell.2020.02.035'
    >>> source_words("core.ac.uk 54331738 (abstract) ; second")
    'core.ac.uk 54331738 (abstract); second'
    """
    found = _DOI.search(source)
    if found is not None and "://" in source:
        return f"https://doi.org/{found[0].rstrip('.')}"
    return source.replace(" ;", ";")


def span(low: float | None, high: float | None) -> str:
    """Write the ends of an interval."""
    return f"{number(low)}, {number(high)}"
