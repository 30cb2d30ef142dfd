"""Results as bytes and back without pickle: the type says what may come out, the bytes only fill it in.

A value of dataclasses, tuples, mappings, arrays, tables and plain values becomes a line of JSON, which
describes it, followed by the raw bytes of its arrays and tables. Reading is led by the type that is asked
for, so bytes from elsewhere can yield values of that type and nothing else. Every bit of every number comes
back.
"""

from __future__ import annotations

import json
import sys
import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np

from eubiosis.core.findings import FindingsError
from eubiosis.core.frame import Table

Value = TypeVar("Value")
_KINDS = "fiubU"  # of arrays: numbers, truth values, text; no objects
_MOST_DIMENSIONS = 8


class DamagedPackage(ValueError):
    """Bytes that do not hold what was asked for."""


def pack(value: object) -> bytes:
    """Return a value as bytes; ``TypeError`` for what has no packed form.

    >>> unpack(pack((1.5, "a", (True,))), tuple[float, str, tuple[bool, ...]])
    (1.5, 'a', (True,))
    """
    parts: list[bytes] = []
    skeleton = _packed(value, parts)
    head = json.dumps({"value": skeleton, "sizes": [len(part) for part in parts]}).encode()
    return head + b"\n" + b"".join(parts)


def unpack(content: bytes, kind: type[Value]) -> Value:
    """Return the value of a type from bytes; raises ``DamagedPackage`` where they hold something else."""
    head, _, rest = content.partition(b"\n")
    try:
        record = json.loads(head)
        parts = list(_cut(rest, record["sizes"]))
        value: Value = _unpacked(record["value"], kind, parts)
    except FindingsError as error:
        raise DamagedPackage(str(error)) from error
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        if isinstance(error, DamagedPackage):
            raise
        message = f"the bytes hold no {getattr(kind, '__name__', kind)}: {error}"
        raise DamagedPackage(message) from error
    return value


def _cut(rest: bytes, sizes: Sequence[int]) -> Iterator[bytes]:
    if not all(type(size) is int and size >= 0 for size in sizes) or sum(sizes) != len(rest):
        message = "the sizes of the parts do not add up"
        raise DamagedPackage(message)
    place = 0
    for size in sizes:
        yield rest[place : place + size]
        place += size


def _packed(value: object, parts: list[bytes]) -> object:
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, np.generic):
        return _packed(value.item(), parts)
    if isinstance(value, np.ndarray):
        return _packed_array(value, parts)
    if isinstance(value, Table):
        parts.append(value.to_parquet())
        return len(parts) - 1
    if is_dataclass(value) and not isinstance(value, type):
        return [_packed(getattr(value, each.name), parts) for each in fields(value)]
    if isinstance(value, Mapping):
        return [[_packed(name, parts), _packed(item, parts)] for name, item in value.items()]
    if isinstance(value, tuple | list):
        return _packed_rows(value, parts)
    message = f"{type(value).__name__} has no packed form"
    raise TypeError(message)


def _packed_array(array: np.ndarray[Any, Any], parts: list[bytes]) -> object:
    text = array.astype(str) if array.dtype.kind == "O" else array
    if text.dtype.kind not in _KINDS:
        message = f"an array of {array.dtype} has no packed form"
        raise TypeError(message)
    parts.append(np.ascontiguousarray(text).tobytes())
    return [text.dtype.str, list(text.shape), len(parts) - 1, array.dtype.kind == "O"]


def _packed_rows(rows: Sequence[object], parts: list[bytes]) -> object:
    """Pack many objects of one dataclass by column: numbers as arrays."""
    first = rows[0] if rows else None
    if not is_dataclass(first) or any(type(row) is not type(first) for row in rows):
        return [_packed(row, parts) for row in rows]
    columns: list[object] = []
    for each in fields(first):
        values = [getattr(row, each.name) for row in rows]
        if all(type(value) is float for value in values):
            columns.append({"floats": _packed_array(np.array(values), parts)})
        else:
            columns.append({"values": _packed_rows(values, parts)})
    return {"rows": len(rows), "columns": columns}


def _unpacked(data: Any, kind: Any, parts: list[bytes]) -> Any:
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Literal:
        return _one_of(data, inner)
    if origin in (Union, types.UnionType):
        return _of_union(data, inner, parts)
    if origin in (tuple, list) or (isinstance(origin, type) and issubclass(origin, Sequence)):
        return _unpacked_rows(data, origin, inner, parts)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        of_key, of_value = inner
        return {_unpacked(k, of_key, parts): _unpacked(v, of_value, parts) for k, v in data}
    if kind is np.ndarray or origin is np.ndarray:
        return _unpacked_array(data, parts)
    if kind is Table:
        return Table.from_parquet(_part(parts, data))
    if isinstance(kind, type) and is_dataclass(kind):
        hints = _hints(kind)
        names = [each.name for each in fields(kind)]
        items = zip(names, data, strict=True)
        return kind(**{name: _unpacked(item, hints[name], parts) for name, item in items})
    return _plain(data, kind)


def _plain(data: Any, kind: Any) -> Any:
    if kind is type(None) and data is None:
        return None
    if kind is float and type(data) in (int, float):
        return float(data)
    if kind in (bool, int, str) and type(data) is kind:
        return data
    message = f"{str(data)[:40]!r} where {getattr(kind, '__name__', kind)} is expected"
    raise DamagedPackage(message)


def _one_of(data: Any, allowed: tuple[Any, ...]) -> Any:
    if data not in allowed:
        message = f"{str(data)[:40]!r} is none of {', '.join(map(str, allowed))}"
        raise DamagedPackage(message)
    return data


def _of_union(data: Any, kinds: tuple[Any, ...], parts: list[bytes]) -> Any:
    if data is None:
        return _plain(None, type(None) if type(None) in kinds else kinds[0])
    exact = [kind for kind in kinds if kind in (bool, int, float, str) and type(data) is kind]
    for kind in exact or [kind for kind in kinds if kind is not type(None)]:
        return _unpacked(data, kind, parts)
    message = f"{str(data)[:40]!r} fits none of the types allowed"
    raise DamagedPackage(message)


def _unpacked_rows(data: Any, origin: Any, inner: tuple[Any, ...], parts: list[bytes]) -> Any:
    make = list if origin is list else tuple
    if origin is tuple and inner and inner[-1] is not Ellipsis:
        return tuple(_unpacked(item, kind, parts) for item, kind in zip(data, inner, strict=True))
    kind = inner[0]
    if not isinstance(data, dict):
        return make(_unpacked(item, kind, parts) for item in data)
    if get_origin(kind) in (Union, types.UnionType):  # rows of one dataclass, where none is missing
        kind = next((each for each in get_args(kind) if is_dataclass(each)), kind)
    if not (isinstance(kind, type) and is_dataclass(kind)):
        message = "rows of objects where plain values are expected"
        raise DamagedPackage(message)
    hints, columns = _hints(kind), []
    for each, column in zip(fields(kind), data["columns"], strict=True):
        if "floats" in column:
            columns.append(_unpacked_array(column["floats"], parts).tolist())
        else:
            columns.append(_unpacked_rows(column["values"], tuple, (hints[each.name], ...), parts))
    rows = [kind(*row) for row in zip(*columns, strict=True)]
    if len(rows) != data["rows"]:
        message = f"{len(rows)} rows where {data['rows']} are announced"
        raise DamagedPackage(message)
    return make(rows)


def _unpacked_array(data: Any, parts: list[bytes]) -> np.ndarray[Any, Any]:
    word, shape, number, objects = data
    kind = np.dtype(word)
    if kind.kind not in _KINDS or len(shape) > _MOST_DIMENSIONS or any(type(n) is not int for n in shape):
        message = f"an array of {word} with shape {shape}"
        raise DamagedPackage(message)
    content = _part(parts, number)
    if kind.kind == "U" and np.any(np.frombuffer(content, dtype=f"{kind.str[0]}u4") > sys.maxunicode):
        message = f"an array of {word} with what is no character"
        raise DamagedPackage(message)
    array = np.frombuffer(content, dtype=kind).reshape(shape).copy()
    return array.astype(object) if objects else array


def _part(parts: list[bytes], number: Any) -> bytes:
    if type(number) is not int or not 0 <= number < len(parts):
        message = f"there is no part {number!r}"
        raise DamagedPackage(message)
    return parts[number]


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)
