"""The group of every sample, from a metadata table."""

from __future__ import annotations

from pathlib import Path

from eubiosis.core.findings import FindingCollector, unknown_word
from eubiosis.population.stool.delimited import Grid, read_grid
from eubiosis.population.stool.unpack import as_text, open_table


def read_groups(
    path: Path, id_column: str, group_column: str, findings: FindingCollector
) -> dict[str, str] | None:
    """Return the group of every id in a metadata table; missing columns and double ids are findings.

    An empty ``id_column`` takes the first column of the table.
    """
    grid = _grid(path, findings)
    if grid is None:
        return None
    id_column = id_column or (grid.header[0] if grid.header else "")
    missing = [word for word in (id_column, group_column) if word not in grid.header]
    for word in missing:
        findings.add(
            grid.file,
            "header",
            f"column {unknown_word(word, grid.header)}",
            allowed=", ".join(grid.header[:20]),
        )
    if missing:
        return None
    groups: dict[str, str] = {}
    ids = grid.words(grid.header.index(id_column))
    for row, (key, group) in enumerate(zip(ids, grid.words(grid.header.index(group_column)), strict=True)):
        if key in groups:
            findings.add(
                grid.file,
                f"line {grid.line(row)}",
                f'the id "{key}" occurs twice',
                next_step="keep one line an id",
            )
        groups.setdefault(key, group)
    return groups


def _grid(path: Path, findings: FindingCollector) -> Grid | None:
    opened = open_table(path, findings)
    if opened is None:
        return None
    if opened.container:
        findings.add(opened.name, "", "not a text table", allowed="tab- or comma-separated text")
        return None
    text = as_text(opened, findings)
    return None if text is None else read_grid(opened.name, text, findings, all_words=True)
