"""Split separated text into columns of numbers or of words, at Arrow's speed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

_LARGE = 1 << 24  # bytes of text from which on it is read batch by batch
_BLOCK = 1 << 22  # bytes of a batch: smaller ones cost more calls than they hold numbers
_FILLED = 0.5  # share of numbers other than zero up to which a part of a column is held sparse
Tick = Callable[[int, int], None]  # done, of how many


class RaggedRows(ValueError):
    """Some rows are wider or narrower than the header."""


@dataclass(frozen=True)
class SparseColumn:
    """A column of numbers of which those that are not zero are held; blanks are NaN, so they are held too."""

    places: np.ndarray
    values: np.ndarray
    rows: int

    def __len__(self) -> int:
        return self.rows

    @classmethod
    def of(cls, column: np.ndarray) -> SparseColumn:
        """Hold the numbers of a column, shape (rows,), that are not zero."""
        places = np.flatnonzero(column)
        return cls(places.astype(np.int32), column[places], len(column))

    def dense(self) -> np.ndarray:
        """Return all numbers, shape (rows,)."""
        full = np.zeros(self.rows)
        full[self.places] = self.values
        return full


Column = np.ndarray | SparseColumn | tuple[str, ...]  # numbers, or words


def csv_columns(
    body: bytes,
    start: int,
    delimiter: str,
    width: int,
    *,
    words: Sequence[int],
    missing: Sequence[str],
    tick: Tick | None = None,
) -> Iterator[Column]:
    """Yield the columns of separated text without a header, from byte ``start`` of ``body`` on.

    A column is float64 (rows,) with NaN for what is in ``missing``, or a tuple of stripped words where some
    cell is no number, or where its position is in ``words``; of a large text a column of mostly zeros is held
    sparse. Each column is let go as it is taken over. No rows yield no columns. ``tick`` is told how many
    rows of how many are read. Raises ``RaggedRows``, and ``ValueError`` for text that is not separated text.
    """
    import pyarrow as pa
    from pyarrow import csv

    ragged: list[int] = []

    def note_row(row: csv.InvalidRow) -> str:
        ragged.append(row.actual_columns)
        return "skip"

    source = pa.py_buffer(memoryview(body)[start:])
    if not body[start : start + 4096].strip() and not body[start:].strip():
        return
    large = len(source) >= _LARGE
    places, block = (
        [f"c{j}" for j in range(width)],
        max(_BLOCK if large else 1 << 20, 2 * longest_line(body, start)[0]),
    )
    options = {
        "read_options": csv.ReadOptions(column_names=places, block_size=block),
        "parse_options": csv.ParseOptions(
            delimiter=delimiter, invalid_row_handler=note_row, ignore_empty_lines=True
        ),
        "convert_options": csv.ConvertOptions(
            null_values=list(missing), strings_can_be_null=False, timestamp_parsers=[], true_values=[],
            false_values=[], column_types={places[j]: pa.string() for j in words},
        ),
    }  # fmt: skip
    try:
        held = _streamed(source, options, ragged, body.count(b"\n") + 1, tick) if large else None
        if held is None and not ragged:  # small, or a column that begins with numbers and goes on with words
            table = csv.read_csv(pa.BufferReader(source), **options)
            held = list(map(_column, table.columns)) if table.num_rows else []
    except pa.ArrowInvalid as error:
        raise ValueError(str(error)[:100]) from error
    if ragged:
        raise RaggedRows(f"{len(ragged)} rows of another width")
    yield from held or []


def _streamed(
    source: object, options: dict[str, object], ragged: list[int], rows: int, tick: Tick | None
) -> list[Column] | None:
    """Read a large text batch by batch; None where a later batch has words for numbers.

    What begins as whole numbers is read as float64 from the start, since fractions may follow.
    """
    import pyarrow as pa
    from pyarrow import csv

    try:
        types = csv.open_csv(pa.BufferReader(source), **options).schema.types
        ragged.clear()  # the rows of the first batch are read again
        numeric = [pa.types.is_integer(t) or pa.types.is_floating(t) or pa.types.is_null(t) for t in types]
        kinds = {f"c{j}": pa.float64() if number else pa.string() for j, number in enumerate(numeric)}
        options = {**options, "convert_options": _with_types(options["convert_options"], kinds)}
        parts: list[list[np.ndarray | SparseColumn]] = [[] for _ in numeric]
        words: list[list[str]] = [[] for _ in numeric]
        done = 0
        for batch in csv.open_csv(pa.BufferReader(source), **options):
            for j, column in enumerate(batch.columns):
                if numeric[j]:
                    parts[j].append(_part(column.to_numpy(zero_copy_only=False)))
                else:
                    words[j] += [str(w).strip() for w in column.to_pylist()]
            done += batch.num_rows
            if tick is not None:
                tick(min(done, rows), rows)
    except pa.ArrowInvalid:
        return None
    if not done:
        return []
    return [_joined(parts[j], done) if numeric[j] else tuple(words[j]) for j in range(len(numeric))]


def _with_types(convert: object, kinds: dict[str, object]) -> object:
    from pyarrow import csv

    assert isinstance(convert, csv.ConvertOptions)
    return csv.ConvertOptions(
        null_values=convert.null_values, strings_can_be_null=False, timestamp_parsers=[], true_values=[],
        false_values=[], column_types=kinds,
    )  # fmt: skip


def _part(numbers: np.ndarray) -> np.ndarray | SparseColumn:
    places = np.flatnonzero(numbers)
    if len(places) > _FILLED * len(numbers):
        return np.array(numbers)
    return SparseColumn(places.astype(np.int32), numbers[places], len(numbers))


def _joined(parts: list[np.ndarray | SparseColumn], rows: int) -> Column:
    """Join the parts of a column and let them go: sparse where all of them are."""
    starts = np.cumsum([0, *map(len, parts)])
    if all(isinstance(part, SparseColumn) for part in parts):
        sparse = [part for part in parts if isinstance(part, SparseColumn)]
        places = [part.places + np.int32(first) for part, first in zip(sparse, starts, strict=False)]
        column: Column = SparseColumn(
            np.concatenate(places), np.concatenate([part.values for part in sparse]), rows
        )
    else:
        column = np.concatenate([p.dense() if isinstance(p, SparseColumn) else p for p in parts])
    parts.clear()
    return column


def longest_line(body: bytes, start: int = 0) -> tuple[int, int]:
    """Return the length of the longest line from byte ``start`` on, and where it begins."""
    longest, where, mark = 0, start, b"\n" if b"\n" in body else b"\r"
    while start < len(body):
        end = body.find(mark, start)
        end = len(body) if end < 0 else end
        if end - start > longest:
            longest, where = end - start, start
        start = end + 1
    return longest, where


def _column(values: object) -> np.ndarray | tuple[str, ...]:
    import pyarrow as pa

    assert isinstance(values, pa.ChunkedArray)
    if pa.types.is_integer(values.type) or pa.types.is_floating(values.type):
        return np.array(values.cast(pa.float64()).to_numpy(), dtype=float)
    if pa.types.is_null(values.type):
        return np.full(len(values), math.nan)
    return tuple("" if word is None else str(word).strip() for word in values.cast(pa.string()).to_pylist())
