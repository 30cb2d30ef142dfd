"""Between columns and Arrow: kinds, checks against a schema, and what stands in the metadata."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eubiosis.core.columns import Column, Kind, TableSchema
from eubiosis.core.findings import FindingCollector, unknown_word

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

_KEY = "eubiosis."  # our own keys in Arrow's metadata
_WORDS: Mapping[Kind, str] = {
    "number": "real numbers",
    "count": "whole numbers",
    "flag": "true or false",
    "text": "text",
    "date": "dates",
}


def build(
    columns: Mapping[str, ArrayLike],
    schema: TableSchema | None,
    name: str,
    units: Mapping[str, str],
    notes: Mapping[str, str],
) -> tuple[pa.Table, TableSchema]:
    """Return the Arrow table of some columns and its schema; raises ``FindingsError``."""
    findings = FindingCollector()
    place = name or (schema.name if schema else "") or "table"
    arrays = {}
    for column, values in columns.items():
        array = _array(values, place, column, findings)
        if array is not None:
            arrays[column] = array
    lengths = {column: len(array) for column, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        said = ", ".join(f"{column} {length}" for column, length in lengths.items())
        findings.add(place, "columns", f"columns of different lengths: {said}", allowed="one length for all")
    for column in units:
        if column not in columns:
            findings.add(
                place, "units", f"column {unknown_word(column, columns)}", allowed=", ".join(columns)
            )
    findings.raise_if_any()
    own = _fitted(arrays, schema, name, units, place, findings)
    findings.raise_if_any()
    return _assembled(arrays, own, notes), own


def adopt(arrow: pa.Table, schema: TableSchema | None, name: str) -> tuple[pa.Table, TableSchema]:
    """Return an Arrow table in our kinds, and the schema that its metadata or the caller gives it."""
    import pyarrow as pa

    findings = FindingCollector()
    names = arrow.schema.names
    for column in dict.fromkeys(n for n in names if names.count(n) > 1):
        findings.add(name or "table", column, "the column is there twice", next_step="rename or remove one")
    findings.raise_if_any()
    kept = _schema_in(arrow)
    place = name or (schema or kept).name or "table"
    arrays = {}
    for field in arrow.schema:
        column = arrow.column(field.name)
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
        if isinstance(array, pa.ChunkedArray):  # no chunk at all
            array = pa.array([], array.type)
        plain = _plain(array, place, field.name, findings)
        if plain is not None:
            arrays[field.name] = plain
    findings.raise_if_any()
    if schema is None:
        columns = tuple(replace(kept[n], kind=_kind(a.type)) for n, a in arrays.items())
        own = replace(kept, name=name or kept.name, columns=columns)
    else:
        own = _fitted(arrays, schema, name, {}, place, findings)
        findings.raise_if_any()
    return _assembled(arrays, own, notes_of(arrow)), own


def added(
    arrow: pa.Table, columns: tuple[Column, ...], new: Column, values: ArrayLike
) -> tuple[pa.Table, tuple[Column, ...]]:
    """Return a table with one column more, or replaced; raises ``FindingsError``."""
    findings = FindingCollector()
    array = _array(values, "table", new.name, findings)
    if array is not None and len(array) != arrow.num_rows:
        findings.add("table", new.name, f"{len(array)} values", allowed=f"{arrow.num_rows}, one for each row")
    findings.raise_if_any()
    assert array is not None
    made = replace(new, kind=_kind(array.type))
    if made.name in [column.name for column in columns]:
        place = [column.name for column in columns].index(made.name)
        changed = (*columns[:place], made, *columns[place + 1 :])
        return arrow.set_column(place, _field(made, array.type), array), changed
    return arrow.append_column(_field(made, array.type), array), (*columns, made)


def stacked(tables: Sequence[pa.Table]) -> pa.Table:
    """Put Arrow tables of the same columns one under the other."""
    import pyarrow as pa

    first = tables[0]
    return pa.concat_tables([table.cast(first.schema) for table in tables]).combine_chunks()


def values(arrow: pa.Table, column: str) -> NDArray[np.generic]:
    """Return a column as a read-only array."""
    array = arrow.column(column)
    out: NDArray[np.generic] = array.to_numpy()
    if out.dtype == object and not array.null_count and _kind(array.type) == "text":
        out = np.array(out.tolist(), dtype=np.str_)
    out.flags.writeable = False
    return out


def notes_of(arrow: pa.Table) -> dict[str, str]:
    """Return the metadata that is not about columns."""
    found = arrow.schema.metadata or {}
    return {
        key: value
        for key, value in _texts(found).items()
        if not key.startswith((_KEY, "ARROW:", "pandas")) and key not in ("table", "units")
    }


def parquet(arrow: pa.Table, notes: Mapping[str, str]) -> bytes:
    """Return a parquet file; its metadata also says table and units in plain words."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    pq.write_table(_said(arrow, notes), sink, **_WRITTEN)
    return bytes(sink.getvalue())


class ParquetParts:
    """A parquet file that grows by tables of the same columns, each a row group; in memory without a path."""

    def __init__(self, notes: Mapping[str, str], path: Path | None = None) -> None:
        import pyarrow as pa

        self._notes, self._path = notes, path
        self._sink = pa.BufferOutputStream() if path is None else pa.OSFile(str(path), "wb")
        self._writer: pq.ParquetWriter | None = None

    def add(self, arrow: pa.Table) -> None:
        """Append the rows of a table; raises ``ValueError`` for other columns than the first had."""
        import pyarrow.parquet as pq

        whole = _said(arrow, self._notes)
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._sink, whole.schema, **_WRITTEN)
        self._writer.write_table(whole)

    def close(self) -> None:
        """Finish the file; raises ``ValueError`` where no table was added."""
        if self._writer is None:
            raise ValueError("no tables to put together")
        self._writer.close()
        if self._path is not None:
            self._sink.close()

    def give_up(self) -> None:
        """Keep the writer from finishing the file when it is collected, and from printing why it cannot."""
        if self._writer is not None:
            self._writer.is_open = False

    def content(self) -> bytes:
        """Return the file that was finished in memory."""
        return bytes(self._sink.getvalue())


MOST_CELLS = 2**30  # of a file that may be packed a millionfold
_WRITTEN: Mapping[str, Any] = {"compression": "zstd", "compression_level": 3, "version": "2.6"}


def _said(arrow: pa.Table, notes: Mapping[str, str]) -> pa.Table:
    """Return a table whose metadata says table, units and notes in plain words."""
    schema = _schema_in(arrow)
    units = {column.name: column.unit for column in schema.columns if column.unit}
    own = _texts(arrow.schema.metadata)
    said = {**own, **notes, "table": schema.name, "units": json.dumps(units)}
    return arrow.replace_schema_metadata(dict(sorted(said.items())))


def read(path: Path) -> pa.Table:
    """Read a parquet file; raises ``FindingsError``."""
    findings = FindingCollector()
    try:
        # from memory: by its path, pyarrow would take folders named "a=b" above the file for columns
        return from_parquet(path.read_bytes(), str(path))
    except FileNotFoundError:
        findings.add(str(path), "", "the file is missing", next_step="correct the path")
    except OSError as error:
        findings.add(str(path), "", f"the file cannot be read ({error.strerror})")
    findings.raise_if_any()
    raise AssertionError("a table that was not read and no finding")


def from_parquet(content: bytes, file: str) -> pa.Table:
    """Read the bytes of a parquet file, ``file`` being its name in findings; raises ``FindingsError``."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    findings = FindingCollector()
    try:
        about = pq.read_metadata(pa.BufferReader(content))
        if about.num_rows * about.num_columns > MOST_CELLS:
            message = (
                f"{about.num_rows:,} rows of {about.num_columns:,} columns; at most {MOST_CELLS:,} cells"
            )
            raise pa.ArrowInvalid(message)
        table = pq.read_table(pa.BufferReader(content))
        table.validate(full=True)  # text that is none, and offsets that lead elsewhere
        _ = table.schema.names  # each is decoded
        return table
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
        findings.add(file, "", f"no parquet file that can be read ({error})", allowed="parquet")
    findings.raise_if_any()
    raise AssertionError("a table that was not read and no finding")


def _array(given: ArrayLike, place: str, column: str, findings: FindingCollector) -> pa.Array | None:
    """Return values as an Arrow array in one of our kinds, or say why they are none."""
    import pyarrow as pa

    listed = isinstance(given, (list, tuple))
    raw = given if listed else np.asarray(given)
    if isinstance(raw, np.ndarray) and raw.ndim != 1:
        findings.add(place, column, f"shape {raw.shape}", allowed="one value for each row")
        return None
    try:
        if isinstance(raw, np.ndarray) and raw.dtype.kind == "U":
            array = pa.array(raw.tolist(), pa.string())
        else:
            array = pa.array(raw, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError) as error:
        findings.add(place, column, f"values of different or unknown kinds ({error})", allowed=_ALLOWED)
        return None
    return _plain(array, place, column, findings)


def _plain(array: pa.Array, place: str, column: str, findings: FindingCollector) -> pa.Array | None:
    """Return an array in one of our kinds, a missing value being null."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = array.type
    types = pa.types
    try:
        if types.is_null(kind):
            return array.cast(pa.float64())
        if types.is_floating(kind):
            wide = array.cast(pa.float64())
            gaps = pc.is_nan(wide)
            return pc.if_else(gaps, pa.scalar(None, pa.float64()), wide) if pc.any(gaps).as_py() else wide
        if types.is_integer(kind):
            return array.cast(pa.int64())
        if types.is_decimal(kind):
            return array.cast(pa.float64())
        if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
            return array.cast(pa.string())
    except pa.ArrowInvalid as error:
        findings.add(place, column, f"a value cannot be kept exactly ({error})", allowed=_ALLOWED)
        return None
    if types.is_boolean(kind) or types.is_date(kind) or types.is_timestamp(kind):
        return array
    findings.add(place, column, f"values of type {kind}", allowed=_ALLOWED)
    return None


_ALLOWED = "numbers, whole numbers, true or false, text or dates; one for each row"


def _kind(arrow_type: pa.DataType) -> Kind:
    import pyarrow as pa

    if pa.types.is_boolean(arrow_type):
        return "flag"
    if pa.types.is_integer(arrow_type):
        return "count"
    if pa.types.is_floating(arrow_type):
        return "number"
    return "text" if pa.types.is_string(arrow_type) else "date"


def _fitted(
    arrays: dict[str, pa.Array],
    schema: TableSchema | None,
    name: str,
    units: Mapping[str, str],
    place: str,
    findings: FindingCollector,
) -> TableSchema:
    """Return the schema of the arrays; with one given, put them into its order and kinds."""
    if schema is None:
        seen = (Column(n, kind=_kind(a.type), unit=units.get(n, "")) for n, a in arrays.items())
        return TableSchema(name, tuple(seen))
    more = [n for n in arrays if n not in schema]
    for column in more if not schema.further else ():
        known = schema.names
        findings.add(place, column, f"column {unknown_word(column, known)}", allowed=", ".join(known))
    present = []
    for wanted in schema.columns:
        if wanted.name in arrays:
            arrays[wanted.name] = _cast(arrays[wanted.name], wanted, place, findings)
            present.append(replace(wanted, unit=units.get(wanted.name, wanted.unit)))
        elif not wanted.optional:
            findings.add(place, wanted.name, "the column is missing", allowed=", ".join(schema.names))
    present += [Column(n, kind=_kind(arrays[n].type), unit=units.get(n, "")) for n in more]
    if schema.further:  # further columns stay where they were put
        present.sort(key=lambda column: list(arrays).index(column.name))
    return replace(schema, name=name or schema.name, columns=tuple(present))


def _cast(array: pa.Array, column: Column, place: str, findings: FindingCollector) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    wanted = _types().get(column.kind)
    have = _kind(array.type)
    if wanted is not None and have != column.kind:
        empty = array.null_count == len(array)
        if not (empty or {have, column.kind} <= {"number", "count"}):
            findings.add(place, column.name, f"holds {_WORDS[have]}", allowed=_WORDS[column.kind])
            return array
        try:
            array = array.cast(wanted)
        except pa.ArrowInvalid:
            findings.add(place, column.name, f"holds {_WORDS[have]}", allowed=_WORDS[column.kind])
            return array
    if column.coding:
        words = pc.unique(array.drop_null()).to_pylist()
        unknown = [word for word in words if word not in column.coding]
        for word in unknown:
            findings.add(
                place, column.name, unknown_word(word, column.coding), allowed=", ".join(column.coding)
            )
    return array


@cache
def _types() -> Mapping[str, pa.DataType]:
    import pyarrow as pa

    return {"number": pa.float64(), "count": pa.int64(), "flag": pa.bool_(), "text": pa.string()}


def _assembled(arrays: Mapping[str, pa.Array], schema: TableSchema, notes: Mapping[str, str]) -> pa.Table:
    import pyarrow as pa

    fields = [_field(column, arrays[column.name].type) for column in schema.columns]
    about = {"table": schema.name, "meaning": schema.meaning, "row": schema.row}
    own = {_KEY + key: value for key, value in about.items() if value}
    if schema.latent:
        own[_KEY + "latent"] = "true"
    whole = pa.schema(fields, metadata=dict(sorted({**notes, **own}.items())))
    return pa.Table.from_arrays([arrays[column.name] for column in schema.columns], schema=whole)


def _field(column: Column, arrow_type: pa.DataType) -> pa.Field:
    import pyarrow as pa

    about = {"meaning": column.meaning, "unit": column.unit, "cdisc": column.cdisc}
    said = {key: value for key, value in about.items() if value}
    if column.coding:
        said["coding"] = json.dumps(dict(column.coding))
    return pa.field(column.name, arrow_type, metadata=said or None)


def _schema_in(arrow: pa.Table) -> TableSchema:
    """Return the schema that an Arrow table's metadata tells."""
    about = _texts(arrow.schema.metadata)
    columns = []
    for field in arrow.schema:
        said = _texts(field.metadata)
        columns.append(
            Column(
                field.name,
                said.get("meaning", ""),
                unit=said.get("unit", ""),
                coding=_coding(said.get("coding", "")),
                cdisc=said.get("cdisc", ""),
            )
        )
    return TableSchema(
        about.get(_KEY + "table", about.get("table", "")),
        tuple(columns),
        about.get(_KEY + "meaning", ""),
        about.get(_KEY + "row", ""),
        about.get(_KEY + "latent") == "true",
    )


def _texts(metadata: Mapping[bytes, bytes] | None) -> dict[str, str]:
    """Return metadata as text; bytes that are none are replaced, for a file may come from anywhere."""
    return {k.decode("utf-8", "replace"): v.decode("utf-8", "replace") for k, v in (metadata or {}).items()}


def _coding(text: str) -> Mapping[str, str]:
    if not text:
        return {}
    try:
        read_back = json.loads(text)
    except ValueError:
        return {}
    return {str(key): str(value) for key, value in read_back.items()} if isinstance(read_back, dict) else {}
