"""The table that everything leaves as: columns with units and meanings, kept in Arrow.

pyarrow is loaded when the first table is made; pandas only by ``to_pandas``.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from importlib.abc import MetaPathFinder
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eubiosis.core import frame_arrow as bridge
from eubiosis.core.columns import Column, TableSchema
from eubiosis.core.findings import unknown_word
from eubiosis.core.frame_html import SHOWN_COLUMNS, SHOWN_ROWS, table_html
from eubiosis.core.output import beside

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_SHOWN = 6  # columns in a repr


class UnknownColumnError(KeyError):
    """A table was asked for a column that it does not have."""

    def __str__(self) -> str:
        return str(self.args[0])


class Table:
    """A table: columns of one length, each with its kind, unit, meaning and coding. It cannot be changed.

    ``columns`` maps names to values, shape (rows,): numbers, whole numbers, true or false, text or dates.
    NaN and None are one thing, a missing value. With a ``schema`` the columns get its order, kinds, units and
    meanings; a column it does not know and does not allow, one that is missing and not optional, a value of
    another kind and a text outside its coding raise ``FindingsError`` with all of these at once. Without one,
    kinds are seen from the values, and ``units`` names the unit of some columns. ``notes`` travel with the
    table as text.

    >>> visits = Table({"subject": [2, 4], "mfis": [38.0, None]}, name="visits", units={"mfis": "points"})
    >>> visits
    Table visits: 2 rows x 2 columns (subject, mfis [points])
    >>> visits["mfis"]
    array([38., nan])
    >>> visits.filter(subject=4).to_pydict()
    {'subject': [4], 'mfis': [None]}
    """

    __slots__ = ("_arrow", "_cache", "_schema")
    __hash__ = None  # type: ignore[assignment]
    _arrow: pa.Table
    _schema: TableSchema
    _cache: dict[str, NDArray[np.generic]]

    def __init__(
        self,
        columns: Mapping[str, ArrayLike],
        *,
        schema: TableSchema | None = None,
        name: str = "",
        units: Mapping[str, str] | None = None,
        notes: Mapping[str, str] | None = None,
    ) -> None:
        arrow, own = bridge.build(columns, schema, name, units or {}, notes or {})
        self._take(arrow, own)

    def _take(self, arrow: pa.Table, schema: TableSchema) -> None:
        object.__setattr__(self, "_arrow", arrow)
        object.__setattr__(self, "_schema", schema)
        object.__setattr__(self, "_cache", {})

    def __setattr__(self, name: str, value: object) -> None:
        message = f"a Table cannot be changed; {name} stays as it is"
        raise AttributeError(message)

    @classmethod
    def _of(cls, arrow: pa.Table, schema: TableSchema) -> Table:
        table = cls.__new__(cls)
        table._take(arrow, schema)
        return table

    @classmethod
    def from_arrow(cls, arrow: pa.Table, *, schema: TableSchema | None = None, name: str = "") -> Table:
        """Make a table of an Arrow table, with the units and meanings that its metadata holds.

        ``schema`` and ``name`` replace what the metadata says. Raises ``FindingsError`` for columns that are
        no plain values (lists, structures, bytes) and for what the schema refuses.
        """
        return cls._of(*bridge.adopt(arrow, schema, name))

    @classmethod
    def concat(cls, tables: Sequence[Table]) -> Table:
        """Put tables of the same columns one under the other, in their order.

        The schema and the notes are those of the first. Raises ``ValueError`` for no table, and for columns
        that differ in name, order, kind or unit.
        """
        if not tables:
            raise ValueError("no tables to put together")
        first = tables[0]
        for number, table in enumerate(tables):
            if _outline(table) != _outline(first):
                message = f"table {number} has other columns than table 0: {table!r} and {first!r}"
                raise ValueError(message)
        return cls._of(bridge.stacked([table._arrow for table in tables]), first._schema)

    @classmethod
    def read_parquet(cls, path: Path | str, *, schema: TableSchema | None = None) -> Table:
        """Read a table from a parquet file; raises ``FindingsError`` when it is missing or no such file."""
        return cls.from_arrow(bridge.read(Path(path)), schema=schema)

    @classmethod
    def from_parquet(cls, content: bytes, *, file: str = "parquet") -> Table:
        """Make a table of the bytes of a parquet file; raises ``FindingsError`` for anything else."""
        return cls.from_arrow(bridge.from_parquet(content, file))

    @property
    def name(self) -> str:
        """What the table is called; empty where it has no name."""
        return self._schema.name

    @property
    def schema(self) -> TableSchema:
        """The columns with their kinds, units, meanings and codings."""
        return self._schema

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns."""
        return self._schema.names

    @property
    def units(self) -> Mapping[str, str]:
        """The unit of every column that has one."""
        return {column.name: column.unit for column in self._schema.columns if column.unit}

    @property
    def notes(self) -> Mapping[str, str]:
        """What else travels with the table, such as its origin."""
        return bridge.notes_of(self._arrow)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return len(self), len(self.columns)

    def __len__(self) -> int:
        return int(self._arrow.num_rows)

    def __contains__(self, column: object) -> bool:
        return column in self._schema

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    def keys(self) -> tuple[str, ...]:
        """The names of the columns, so that ``dict(table)`` gives columns by name."""
        return self.columns

    def __getitem__(self, column: str) -> NDArray[np.generic]:
        """Return a column as a read-only array, shape (rows,).

        A missing number is NaN (whole numbers with gaps become real numbers); a missing text or flag is None,
        in an array of objects. Raises ``UnknownColumnError`` (a ``KeyError``).
        """
        self._demand([column])
        if column not in self._cache:
            self._cache[column] = bridge.values(self._arrow, column)
        return self._cache[column]

    def numbers(self, column: str) -> NDArray[np.float64]:
        """Return a column of numbers, counts or flags as real numbers, shape (rows,); missing is NaN.

        Raises ``UnknownColumnError``, and ``TypeError`` for text and dates.
        """
        self._demand([column])
        kind = self._schema[column].kind
        if kind in ("text", "date"):
            message = f'column "{column}" holds {kind}, not numbers'
            raise TypeError(message)
        return np.asarray(self[column], dtype=np.float64)

    def texts(self, column: str) -> tuple[str, ...]:
        """Return a column as texts, one for each row; a missing value is the empty text."""
        return tuple("" if value is None else str(value) for value in self._column_list(column))

    def named(self, name: str) -> Table:
        """Return the same table under another name."""
        return Table._of(self._arrow, replace(self._schema, name=name))

    def select(self, *columns: str) -> Table:
        """Return the named columns only, in the order given; raises ``UnknownColumnError``."""
        self._demand(columns)
        return self._with(self._arrow.select(list(columns)), tuple(self._schema[name] for name in columns))

    def filter(self, mask: ArrayLike | None = None, **equal: str | float | bool) -> Table:
        """Return the rows where ``mask`` (rows,) is true and every named column has the value given.

        A missing value equals nothing. Raises ``UnknownColumnError``, and ``ValueError`` for a mask that is
        not true or false for every row.
        """
        keep = np.ones(len(self), dtype=bool)
        if mask is not None:
            rows = np.asarray(mask)
            if rows.dtype != np.bool_ or rows.shape != keep.shape:
                message = f"a mask of {rows.dtype} {rows.shape}; allowed: true or false for {len(self)} rows"
                raise ValueError(message)
            keep &= rows
        for name, value in equal.items():
            keep &= np.asarray(self[name] == value, dtype=bool)
        return self.take(np.flatnonzero(keep))

    def take(self, rows: ArrayLike) -> Table:
        """Return the rows at some positions, in their order; raises ``IndexError`` for one that is not."""
        return self._with(self._arrow.take(np.asarray(rows, dtype=np.int64)), self._schema.columns)

    def head(self, rows: int = 5) -> Table:
        """Return the first rows."""
        return self._with(self._arrow.slice(0, max(0, rows)), self._schema.columns)

    def with_column(self, column: Column | str, values: ArrayLike) -> Table:
        """Return the table with one more column at its end, or with the column of that name replaced."""
        new = Column(column) if isinstance(column, str) else column
        return self._with(*bridge.added(self._arrow, self._schema.columns, new, values))

    def to_arrow(self) -> pa.Table:
        """Return the Arrow table; units, meanings and codings stand in its schema's metadata."""
        return self._arrow

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Hand the table to any library that reads Arrow's C stream, such as polars or duckdb."""
        return self._arrow.__arrow_c_stream__(requested_schema)

    def to_pydict(self) -> dict[str, list[str | float | int | bool | None]]:
        """Return columns by name as lists of plain Python values; a missing value is None."""
        return {name: self._column_list(name) for name in self.columns}

    def to_pandas(self) -> pd.DataFrame:
        """Return a pandas data frame; units stand in ``attrs["units"]``.

        Raises ``ImportError`` with the line that installs pandas where it is absent.
        """
        if find_spec("pandas") is None:
            message = "to_pandas needs pandas, which is not installed; next: pip install pandas"
            raise ImportError(message, name="pandas")
        frame: pd.DataFrame = self._arrow.to_pandas()
        frame.attrs = {"table": self.name, "units": dict(self.units)}
        return frame

    def to_parquet(self, notes: Mapping[str, str] | None = None) -> bytes:
        """Return a parquet file as bytes: the same table and notes give the same bytes."""
        return bridge.parquet(self._arrow, {**self.notes, **(notes or {})})

    def write_parquet(self, path: Path | str) -> None:
        """Write a parquet file; raises ``FileExistsError`` rather than overwrite one."""
        target = Path(path)
        if target.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
        with beside(target) as temporary:
            temporary.write_bytes(self.to_parquet())

    def __eq__(self, other: object) -> bool:
        """Say whether two tables have the same columns, kinds, units and values; missing equals missing."""
        if not isinstance(other, Table):
            return NotImplemented
        return _outline(self) == _outline(other) and bool(self._arrow.equals(other._arrow))

    def __reduce__(self) -> tuple[Callable[..., Table], tuple[object, ...]]:
        return Table._of, (self._arrow, self._schema)

    def __repr__(self) -> str:
        rows, width = self.shape
        headings = [column.heading for column in self._schema.columns[:_SHOWN]]
        more = ", ..." if width > _SHOWN else ""
        name = f"Table {self.name}" if self.name else "Table"
        return f"{name}: {rows} rows x {width} columns ({', '.join(headings)}{more})"

    def _repr_html_(self) -> str:
        shown = self._schema.columns[:SHOWN_COLUMNS]
        head = self.head(SHOWN_ROWS)
        return table_html(
            self._schema,
            len(self),
            {column.name: head._column_list(column.name) for column in shown},
            {
                column.name: self.numbers(column.name)
                for column in shown
                if column.kind in ("number", "count")
            },
        )

    def _with(self, arrow: pa.Table, columns: tuple[Column, ...]) -> Table:
        return Table._of(arrow, replace(self._schema, columns=columns))

    def _demand(self, columns: Sequence[str]) -> None:
        for column in columns:
            if column not in self._schema:
                name = f"table {self.name}" if self.name else "the table"
                message = f"{name} has no such column: {unknown_word(column, self.columns)}"
                raise UnknownColumnError(f"{message}; allowed: {', '.join(self.columns)}")

    def _column_list(self, column: str) -> list[str | float | int | bool | None]:
        self._demand([column])
        values: list[str | float | int | bool | None] = self._arrow.column(column).to_pylist()
        return values


class TableStream:
    """A parquet file that grows by tables of the same columns; only what is compressed is kept.

    >>> stream = TableStream({"origin": "simulated"})
    >>> for week in (0, 12):
    ...     stream.add(Table({"week": [week]}, name="visits"))
    >>> Table.from_parquet(stream.close())["week"].tolist()
    [0, 12]
    """

    def __init__(self, notes: Mapping[str, str] | None = None) -> None:
        self._parts = bridge.ParquetParts(notes or {})

    def add(self, table: Table) -> None:
        """Append the rows of a table; raises ``ValueError`` for other columns than the first had."""
        self._parts.add(table.to_arrow())

    def close(self) -> bytes:
        """Return the file; raises ``ValueError`` where no table was added."""
        self._parts.close()
        return self._parts.content()


class TableFile:
    """A parquet file on the disk that grows by tables of the same columns; nothing is kept."""

    def __init__(self, path: Path, notes: Mapping[str, str] | None = None) -> None:
        self._parts = bridge.ParquetParts(notes or {}, path)

    def add(self, table: Table) -> None:
        """Append the rows of a table.

        Raises ``ValueError`` for other columns than the first had, ``OSError`` where the disk refuses.
        """
        self._parts.add(table.to_arrow())

    def give_up(self) -> None:
        """Leave the file as it is."""
        self._parts.give_up()

    def close(self) -> None:
        """Finish the file; raises ``ValueError`` where no table was added."""
        self._parts.close()


def _outline(table: Table) -> list[tuple[str, str, str]]:
    return [(column.name, column.kind, column.unit) for column in table.schema.columns]


def spare_pandas() -> None:
    """Keep pyarrow of this process from loading pandas, which it does unasked (some 45 MB).

    pyarrow looks for pandas once and remembers that there is none, until a data frame is asked for. For
    processes that hand pyarrow no data of pandas.
    """
    import pyarrow as pa

    if "pandas" in sys.modules:
        return
    sys.meta_path.insert(0, _NoPandas)
    try:
        pa.array([0.0])
    finally:
        sys.meta_path.remove(_NoPandas)


class _NoPandas(MetaPathFinder):
    """Finds no pandas, where it is asked first."""

    @classmethod
    def find_spec(cls, fullname: str, path: object = None, target: object = None) -> None:  # noqa: ARG003
        """Raise ``ModuleNotFoundError`` for pandas; others are left to the next finder."""
        if fullname == "pandas":
            raise ModuleNotFoundError(fullname, name=fullname)
