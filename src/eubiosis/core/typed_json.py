"""Dataclasses and JSON: the JSON Schema of a record, and the record back from what was written.

A number that is not finite is written as null, so a number may be null in the schema and comes back as NaN.
"""

from __future__ import annotations

import math
import types
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from typing import Literal, Union, cast, get_args, get_origin, get_type_hints

from eubiosis.core.json_data import Json, JsonRecord

Hint = object  # a type as an annotation says it
_TYPES: Mapping[Hint, str] = {str: "string", bool: "boolean", int: "integer"}


class NotSo(ValueError):
    """What was read does not have the shape of the record; the text names place and problem."""


def schema_of(hint: Hint) -> JsonRecord:
    """Return the JSON Schema of a type: a dataclass, a tuple, a mapping, a plain value, or one of several.

    >>> schema_of(tuple[float, int])["prefixItems"]
    [{'type': ['number', 'null']}, {'type': 'integer'}]
    """
    if hint is float:
        return {"type": ["number", "null"]}
    if hint in _TYPES:
        return {"type": _TYPES[hint]}
    if hint is type(None):
        return {"type": "null"}
    if isinstance(hint, type) and is_dataclass(hint):
        return _object_schema(hint)
    inner = get_args(hint)
    if get_origin(hint) is Literal:
        return {"enum": list(inner)}
    if get_origin(hint) in (Union, types.UnionType):
        return {"anyOf": [schema_of(one) for one in inner]}
    if get_origin(hint) is tuple and inner[-1] is not Ellipsis:
        return {
            "type": "array",
            "prefixItems": [schema_of(one) for one in inner],
            "minItems": len(inner),
            "maxItems": len(inner),
        }
    if get_origin(hint) is tuple:
        return {"type": "array", "items": schema_of(inner[0])}
    if _is_mapping(hint):
        return {"type": "object", "additionalProperties": schema_of(inner[1])}
    raise TypeError(f"{hint} has no JSON Schema")


def _object_schema(kind: type) -> JsonRecord:
    hints = get_type_hints(kind)
    names = [one.name for one in fields(kind)]
    said: JsonRecord = {
        "type": "object",
        "properties": {name: schema_of(hints[name]) for name in names},
        "required": names,
        "additionalProperties": False,
    }
    text = (kind.__doc__ or "").split("\n\n")[0]
    return {"description": " ".join(text.split()), **said} if text else said


def read_as(hint: Hint, value: Json, where: str = "") -> object:
    """Return what was written as JSON in the type that it was written from.

    A field that is missing takes its default. Raises ``NotSo`` with the place of what does not fit.

    >>> read_as(tuple[float, ...], [1, None])
    (1.0, nan)
    """
    if hint is float:
        if value is None:
            return math.nan
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise NotSo(f"{where}: no number")
        return float(value)
    if hint in _TYPES:
        if type(value) is not hint:
            raise NotSo(f"{where}: not of the type {_TYPES[hint]}")
        return value
    if hint is type(None):
        if value is not None:
            raise NotSo(f"{where}: not null")
        return None
    if isinstance(hint, type) and is_dataclass(hint):
        return _read_record(hint, value, where)
    if get_origin(hint) is Literal:
        if value not in get_args(hint):
            raise NotSo(f"{where}: {value!r}; allowed: {', '.join(map(str, get_args(hint)))}")
        return value
    if get_origin(hint) in (Union, types.UnionType):
        return _read_one_of(get_args(hint), value, where)
    return _read_many(hint, value, where)


def _read_one_of(kinds: Sequence[Hint], value: Json, where: str) -> object:
    if value is None and type(None) in kinds:
        return None
    problems = []
    for kind in kinds:
        try:
            return read_as(kind, value, where)
        except NotSo as problem:
            problems.append(str(problem))
    raise NotSo(problems[0])


def _read_many(hint: Hint, value: Json, where: str) -> object:
    inner = get_args(hint)
    if _is_mapping(hint):
        if not isinstance(value, Mapping):
            raise NotSo(f"{where}: no object")
        return {key: read_as(inner[1], item, f"{where}.{key}") for key, item in value.items()}
    if get_origin(hint) is not tuple:
        raise TypeError(f"{hint} cannot be read")
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise NotSo(f"{where}: no list")
    kinds = [inner[0]] * len(value) if inner[-1] is Ellipsis else list(inner)
    if len(kinds) != len(value):
        raise NotSo(f"{where}: {len(value)} values; allowed: {len(kinds)}")
    return tuple(
        read_as(kind, item, f"{where}[{k}]") for k, (kind, item) in enumerate(zip(kinds, value, strict=True))
    )


def _read_record(kind: type, value: Json, where: str) -> object:
    if not isinstance(value, Mapping):
        raise NotSo(f"{where}: no object")
    hints = get_type_hints(kind)
    found = {}
    for one in fields(kind):
        if one.name in value:
            found[one.name] = read_as(hints[one.name], value[one.name], f"{where}.{one.name}")
        elif one.default is MISSING and one.default_factory is MISSING:
            raise NotSo(f"{where}.{one.name}: missing")
    return cast("object", kind(**found))


def _is_mapping(hint: Hint) -> bool:
    origin = get_origin(hint)
    return isinstance(origin, type) and issubclass(origin, Mapping)
