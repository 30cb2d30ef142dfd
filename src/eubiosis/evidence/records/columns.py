"""Rows of schemas and dataclasses as tables that leave the package."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.tables import TableRow

if TYPE_CHECKING:
    from eubiosis.core.columns import TableSchema
    from eubiosis.core.frame import Table


def as_table(rows: Sequence[object], kind: type[object], name: str | TableSchema) -> Table:
    """Return rows of one schema or dataclass as a table with its fields as columns.

    ``name`` is what it is called, or its schema. Rows inside rows (lists, intervals) stay out; an empty text
    is a missing value.
    """
    from eubiosis.core.frame import Table

    if issubclass(kind, TableRow):
        names = list(kind.model_fields)
    elif is_dataclass(kind):
        names = [one.name for one in fields(kind)]
    else:
        message = f"{kind.__name__} is neither a row schema nor a dataclass"
        raise TypeError(message)
    columns: dict[str, NDArray[np.object_]] = {}
    for column in names:
        values = [getattr(row, column) for row in rows]
        if all(isinstance(value, str | int | float | None) for value in values):
            columns[column] = cells(values)
    if isinstance(name, str):
        return Table(columns, name=name)
    return Table(columns, schema=name)


def cells(values: Iterable[str | float | None]) -> NDArray[np.object_]:
    """Return values as a column; an empty text counts as missing."""
    plain = [value.value if isinstance(value, Enum) else value for value in values]
    return np.array([None if value == "" else value for value in plain], dtype=object)
