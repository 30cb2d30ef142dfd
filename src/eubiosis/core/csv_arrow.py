"""Split separated text into columns of numbers or of words, at Arrow's speed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

_LARGE = 1 << 24  # bytes of text from which on it is read batch by batch


class RaggedRows(ValueError):
    """Some rows are wider or narrower than the header."""


def csv_columns(
    body: bytes, start: int, delimiter: str, width: int, *, words: Sequence[int], missing: Sequence[str]
) -> Iterator[np.ndarray | tuple[str, ...]]:
    """Yield the columns of separated text without a header, from byte ``start`` of ``body`` on.

    A column is float64 (rows,) with NaN for what is in ``missing``, or a tuple of stripped words where some
    cell is no number, or where its position is in ``words``. Each column is let go as it is taken over. No
    rows yield no columns. Raises ``RaggedRows``, and ``ValueError`` for text that is not separated text.
    """
    import pyarrow as pa
    from pyarrow import csv

    ragged: list[int] = []

    def note_row(row: csv.InvalidRow) -> str:
        ragged.append(row.actual_columns)
        return "skip"

    places, block = [f"c{j}" for j in range(width)], max(1 << 20, 8 * _longest(body, start))
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
    source = pa.py_buffer(memoryview(body)[start:])
    if not body[start : start + 4096].strip() and not body[start:].strip():
        return
    try:
        held = None if len(source) < _LARGE else _streamed(source, options, body.count(b"\n") + 1)
        if held is None and not ragged:  # small, or a column that begins with numbers and goes on with words
            table = csv.read_csv(pa.BufferReader(source), **options)
            held = list(map(_column, table.columns)) if table.num_rows else []
    except pa.ArrowInvalid as error:
        raise ValueError(str(error)[:100]) from error
    if ragged:
        raise RaggedRows(f"{len(ragged)} rows of another width")
    yield from held or []


def _streamed(
    source: object, options: dict[str, object], most: int
) -> list[np.ndarray | tuple[str, ...]] | None:
    """Read a large text batch by batch into one array; None where a later batch has words for numbers."""
    import pyarrow as pa
    from pyarrow import csv

    try:
        reader = csv.open_csv(pa.BufferReader(source), **options)
        types = reader.schema.types
        numeric = [pa.types.is_integer(t) or pa.types.is_floating(t) or pa.types.is_null(t) for t in types]
        numbers = np.empty((sum(numeric), most))
        words: list[list[str]] = [[] for kind in numeric if not kind]
        rows = 0
        for batch in reader:
            end, number, word = rows + batch.num_rows, 0, 0
            for kind, column in zip(numeric, batch.columns, strict=True):
                if kind:
                    numbers[number, rows:end] = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
                    number += 1
                else:
                    words[word] += [
                        "" if w is None else str(w).strip() for w in column.cast(pa.string()).to_pylist()
                    ]
                    word += 1
            rows = end
    except pa.ArrowInvalid:
        return None
    rest, texts = iter(numbers), iter(words)
    return [next(rest)[:rows] if kind else tuple(next(texts)) for kind in numeric] if rows else []


def _longest(body: bytes, start: int) -> int:
    """Return the length of the longest line from ``start`` on."""
    longest, mark = 0, b"\n" if b"\n" in body else b"\r"
    while start < len(body):
        end = body.find(mark, start)
        end = len(body) if end < 0 else end
        longest, start = max(longest, end - start), end + 1
    return longest


def _column(values: object) -> np.ndarray | tuple[str, ...]:
    import pyarrow as pa

    assert isinstance(values, pa.ChunkedArray)
    if pa.types.is_integer(values.type) or pa.types.is_floating(values.type):
        return np.array(values.cast(pa.float64()).to_numpy(), dtype=float)
    if pa.types.is_null(values.type):
        return np.full(len(values), math.nan)
    return tuple("" if word is None else str(word).strip() for word in values.cast(pa.string()).to_pylist())
