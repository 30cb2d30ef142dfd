"""A table as HTML for a notebook: a small figure over each column of numbers, units, the first rows."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from eubiosis.core.columns import Column
    from eubiosis.core.frame import Table

_ROWS, _COLUMNS, _BINS = 8, 12, 16
_WIDTH, _HEIGHT = 64, 20


def table_html(table: Table) -> str:
    """Return a table as HTML: name and size, histograms, units, the first rows; all text is escaped."""
    shown = table.schema.columns[:_COLUMNS]
    head = table.head(_ROWS)
    cells = {column.name: head.to_pydict()[column.name] for column in shown}
    lines = [
        '<div class="eubiosis-table" style="overflow-x:auto">',
        f"<p><b>{escape(table.name or 'Table')}</b>: {len(table)} rows, {len(table.columns)} columns"
        f"{'. ' + escape(table.schema.meaning) if table.schema.meaning else ''}</p>",
        "<table>",
        "<thead>",
        f"<tr>{''.join(_heading(column) for column in shown)}</tr>",
        f"<tr>{''.join(f'<td>{_figure(table, column)}</td>' for column in shown)}</tr>",
        "</thead>",
        "<tbody>",
    ]
    for row in range(len(head)):
        texts = (f"<td>{escape(_text(cells[column.name][row]))}</td>" for column in shown)
        lines.append(f"<tr>{''.join(texts)}</tr>")
    lines += ["</tbody>", "</table>"]
    rest = [
        f"{len(table) - len(head)} more rows" if len(table) > len(head) else "",
        f"more columns: {', '.join(table.columns[_COLUMNS:])}" if len(table.columns) > _COLUMNS else "",
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


def _figure(table: Table, column: Column) -> str:
    """Return a histogram of the finite values of a column of numbers; nothing for other columns."""
    if column.kind not in ("number", "count"):
        return ""
    every = table.numbers(column.name)
    finite = every[np.isfinite(every)]
    if not finite.size:
        return ""
    low, high = float(finite.min()), float(finite.max())
    label = f"{column.name}: {low:.4g} to {high:.4g}"
    if len(finite) < len(every):
        label += f", {len(every) - len(finite)} missing or not finite"
    bars = _bars(finite, low, high)
    return (
        f'<svg width="{_WIDTH}" height="{_HEIGHT}" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="{escape(label)}"><title>{escape(label)}</title>'
        f'<path d="{bars}" fill="currentColor" fill-opacity="0.55"/></svg>'
    )


def _bars(finite: np.ndarray, low: float, high: float) -> str:
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
