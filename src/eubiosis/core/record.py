"""From typed results to plain data: what is printed as JSON and put inside pages.

A dataclass becomes an object with its fields as keys. The metadata of a field may name its key
(``key("pi_low")``), keep it out of the record (``HIDDEN``), keep it out where it is None (``OPTIONAL``), or
put the keys of its own record into that of the whole (``FLAT``; nothing where it is None).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import Field, fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import TypeAlias

import numpy as np
from pydantic import BaseModel

Plain: TypeAlias = "bool | int | float | str | list[Plain] | dict[str, Plain] | None"
Mark: TypeAlias = Mapping[str, str]

HIDDEN: Mark = {"mark": "hidden"}
OPTIONAL: Mark = {"mark": "optional"}
FLAT: Mark = {"mark": "flat"}


def key(name: str) -> Mark:
    """Return the metadata of a field whose key in the record is ``name``."""
    return {"key": name}


def as_record(value: object) -> Plain:
    """Return a result as plain data; raises ``TypeError`` for what has no plain form.

    >>> as_record((1, {"a": Path("b")}))
    [1, {'a': 'b'}]
    """
    if value is None or (isinstance(value, bool | int | str) and not isinstance(value, Enum)):
        return value
    if isinstance(value, float | np.floating):
        return float(value)
    if isinstance(value, Enum):
        return as_record(value.value)
    if isinstance(value, Path):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return dict(_entries(value, fields(value)))
    if isinstance(value, BaseModel):
        return as_record({name: getattr(value, name) for name in type(value).model_fields})
    if isinstance(value, Mapping):
        return {str(key): as_record(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | np.integer):
        return as_record(value.tolist())
    if isinstance(value, Iterable):
        return [as_record(item) for item in value]
    message = f"{type(value).__name__} has no plain form"
    raise TypeError(message)


def _entries(value: object, shown: Iterable[Field[object]]) -> Iterator[tuple[str, Plain]]:
    for one in shown:
        mark, item = one.metadata.get("mark"), getattr(value, one.name)
        if mark == "hidden" or (mark in ("optional", "flat") and item is None):
            continue
        record = as_record(item)
        if mark == "flat" and isinstance(record, dict):
            yield from record.items()
        else:
            yield one.metadata.get("key", one.name), record


def as_json(value: object) -> str:
    """Return a result as JSON, readable; raises ``ValueError`` where a number is not finite."""
    return json.dumps(as_record(value), indent=2, ensure_ascii=False, allow_nan=False)
