"""What JSON can hold, as a type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

Json: TypeAlias = "str | float | int | bool | Sequence[Json] | Mapping[str, Json] | None"
JsonRecord: TypeAlias = dict[str, Json]
