"""A table as HTML for a notebook: a small figure over each column of numbers, units, the first rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.columns import Column, TableSchema

SHOWN_ROWS, SHOWN_COLUMNS = 8, 12
_BINS = 16
_WIDTH, _HEIGHT = 64, 20


def table_html(
    schema: TableSchema,
    rows: int,
    cells: Mapping[str, Sequence[str | float | int | bool | None]],
    numbers: Mapping[str, NDArray[np.float64]],
) -> str:
    """Return a table as HTML: name and size, histograms, units, the first rows; all text is escaped.

    ``rows`` is how many the table has, ``cells`` the first ``SHOWN_ROWS`` values of its first
    ``SHOWN_COLUMNS`` columns, ``numbers`` all values of those of them that hold numbers.
    """
    shown, names = schema.columns[:SHOWN_COLUMNS], schema.names
    figures = (_figure(column.name, numbers.get(column.name)) for column in shown)
    lines = [
        '<div class="eubiosis-table" style="overflow-x:auto">',
        f"<p><b>{escape(schema.name or 'Table')}</b>: {rows} rows, {len(names)} columns"
        f"{'. ' + escape(schema.meaning) if schema.meaning else ''}</p>",
        "<table>",
        "<thead>",
        f"<tr>{''.join(_heading(column) for column in shown)}</tr>",
        f"<tr>{''.join(f'<td>{figure}</td>' for figure in figures)}</tr>",
        "</thead>",
        "<tbody>",
    ]
    for row in range(min(rows, SHOWN_ROWS)):
        texts = (f"<td>{escape(_text(cells[column.name][row]))}</td>" for column in shown)
        lines.append(f"<tr>{''.join(texts)}</tr>")
    lines += ["</tbody>", "</table>"]
    rest = [
        f"{rows - SHOWN_ROWS} more rows" if rows > SHOWN_ROWS else "",
        f"more columns: {', '.join(names[SHOWN_COLUMNS:])}" if len(names) > SHOWN_COLUMNS else "",
    ]
    if any(rest):
        lines.append(f"<p>{escape('; '.join(part for part in rest if part))}</p>")
    return "\n".join([*lines, "</div>"])


def _heading(column: Column) -> str:
    unit = f"<br/><small>{escape(column.unit)}</small>" if column.unit not in ("", "-") else ""
    title = f' title="{escape(column.meaning)}"' if column.meaning else ""
    return f'<th scope="col"{title}>{escape(column.name)}{unit}</th>'


def _text(value: str | float | int | bool | None) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _figure(name: str, every: NDArray[np.float64] | None) -> str:
    """Return a histogram of the finite values of a column of numbers; nothing for other columns."""
    if every is None:
        return ""
    finite = every[np.isfinite(every)]
    if not finite.size:
        return ""
    low, high = float(finite.min()), float(finite.max())
    label = f"{name}: {low:.4g} to {high:.4g}"
    if len(finite) < len(every):
        label += f", {len(every) - len(finite)} missing or not finite"
    bars = _bars(finite, low, high)
    return (
        f'<svg width="{_WIDTH}" height="{_HEIGHT}" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="{escape(label)}"><title>{escape(label)}</title>'
        f'<path d="{bars}" fill="currentColor" fill-opacity="0.55"/></svg>'
    )


def _bars(finite: NDArray[np.float64], low: float, high: float) -> str:
    """Return the path of a histogram's bars; values that are all one give a single bar in the middle."""
    scaled = (finite / 2 - low / 2) / (high / 2 - low / 2) if high > low else np.full(len(finite), 0.5)
    counts = np.bincount(np.minimum((scaled * _BINS).astype(int), _BINS - 1), minlength=_BINS)
    step = _WIDTH / _BINS
    parts = []
    for number, count in enumerate(counts):
        if count:
            tall = max(1.0, _HEIGHT * count / counts.max())
            parts.append(f"M{number * step:g} {_HEIGHT}v{-tall:.3g}h{step - 0.6:g}v{tall:.3g}z")
    return "".join(parts)
