"""Change single rows of a tab-separated table and leave every other line as it is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path


def change_rows(path: Path, key: str, change: Callable[[dict[str, str]], dict[str, str] | None]) -> None:
    """Hand each row with a ``key`` to ``change``, which returns the cells to set, or None for none."""
    lines = path.read_text(encoding="utf-8").splitlines()
    header = lines[0].split("\t")
    for number, line in enumerate(lines[1:], start=1):
        cells = dict(zip(header, line.split("\t"), strict=False))
        new = change(cells) if cells.get(key) else None
        if new is not None:
            lines[number] = "\t".join((cells | new).get(column, "") for column in header)
    _write(path, lines)


def drop_rows(path: Path, key: str, values: Collection[str]) -> tuple[str, ...]:
    """Remove the rows whose ``key`` is one of the values; return those that were there."""
    lines = path.read_text(encoding="utf-8").splitlines()
    column = lines[0].split("\t").index(key)
    gone = tuple(line.split("\t")[column] for line in lines[1:] if line.split("\t")[column] in values)
    _write(path, [lines[0], *(line for line in lines[1:] if line.split("\t")[column] not in values)])
    return gone


def append_row(path: Path, cells: Mapping[str, str]) -> None:
    """Add a row; raises ``KeyError`` for a column that the table lacks."""
    lines = path.read_text(encoding="utf-8").splitlines()
    header = lines[0].split("\t")
    unknown = set(cells) - set(header)
    if unknown:
        raise KeyError(", ".join(sorted(unknown)))
    _write(path, [*lines, "\t".join(cells.get(column, "") for column in header)])


def _write(path: Path, lines: list[str]) -> None:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
