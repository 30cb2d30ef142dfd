"""The one sheet of an Excel workbook as a grid, through openpyxl."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Sequence
from typing import Any

from eubiosis.core.findings import FindingCollector
from eubiosis.population.stool.containers import BROKEN
from eubiosis.population.stool.delimited import Grid, read_grid
from eubiosis.population.stool.unpack import Opened
from eubiosis.population.stool.words import counted, damaged, needs, said_by, shown

_MOST_BYTES = 512 * 1024**2  # of unpacked XML: some ten million cells
_MOST_CELLS = 20_000_000


def excel_grid(opened: Opened, findings: FindingCollector) -> Grid | None:
    """Return the one sheet of a workbook as a grid; formulas and dates are findings."""
    if not needs("openpyxl", opened.name, findings):
        return None
    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        with zipfile.ZipFile(opened.path) as archive:
            size = sum(member.file_size for member in archive.infolist())
        if size > _MOST_BYTES:
            message = f"{size:,} bytes when unpacked; at most {_MOST_BYTES:,}"
            raise ValueError(message)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            book = openpyxl.load_workbook(opened.path, read_only=True, data_only=False)
            sheets = {sheet.title: _filled_rows(sheet) for sheet in book.worksheets}
        book.close()
    except (*BROKEN, InvalidFileException) as error:
        damaged(opened.name, "workbook", said_by(error), findings)
        return None
    filled = {title: rows for title, rows in sheets.items() if rows}
    if len(filled) != 1:
        findings.add(
            opened.name, "", f"{len(filled)} sheets with cells ({shown(list(filled))})", allowed="one sheet",
            next_step="save the sheet of the table as a file of its own",
        )  # fmt: skip
        return None
    return _sheet_grid(opened, next(iter(filled.values())), findings)


def _filled_rows(sheet: Any) -> list[tuple[int, tuple[object, ...]]]:
    """Return the rows of a sheet that hold something, with their numbers; its stated size is not believed."""
    sheet.reset_dimensions()
    rows, cells = [], 0
    for number, row in enumerate(sheet.iter_rows(values_only=True), start=1):
        if any(cell is not None for cell in row):
            rows.append((number, row))
            cells += len(row)
            if cells > _MOST_CELLS:
                message = f"more than {_MOST_CELLS:,} cells"
                raise ValueError(message)
    return rows


def _sheet_grid(
    opened: Opened, rows: Sequence[tuple[int, Sequence[object]]], findings: FindingCollector
) -> Grid | None:
    lines, odd = [], []
    width = max(len(row) for _, row in rows)
    for i, row in rows:
        cells = []
        for j, cell in enumerate((*row, *[None] * (width - len(row)))):
            if isinstance(cell, str) and cell.startswith("="):
                odd.append((i, j, "a formula"))
            elif cell is not None and not isinstance(cell, (str, int, float)):
                odd.append((i, j, "a date or another object"))
            text = "" if cell is None else repr(cell) if isinstance(cell, float) else str(cell)
            cells.append(" ".join(text.split()).replace('"', ""))
        lines.append("\t".join(cells))
    if odd:
        i, j, what = odd[0]
        findings.add(
            opened.name, f"row {i}, column {j + 1}",
            f"{what} where a name or a number belongs ({counted(len(odd), 'cell')})",
            allowed="values", next_step="paste the values, and set the columns of names to text",
        )  # fmt: skip
        return None
    return read_grid(opened.name, "\n".join(lines) + "\n", findings)
