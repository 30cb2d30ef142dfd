"""What a table's columns are: name, meaning, unit, kind, coding and the name that CDISC gives them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

Kind = Literal["number", "count", "flag", "text", "date"]
NO_CODING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Column:
    """One column of a table.

    ``kind`` is "number" (a real number), "count" (a whole number), "flag" (true or false), "text" or "date".
    ``unit`` is "-" for a number without dimension and empty for what is no number. ``coding`` maps every
    value that a coded text may have to its meaning. ``cdisc`` names the variable of SDTM or ADaM that holds
    the same, and is empty where there is none. A column that is ``optional`` may be absent.

    >>> Column("week", "Planned week of the visit", unit="week").unit
    'week'
    """

    name: str
    meaning: str = ""
    kind: Kind = "number"
    unit: str = ""
    coding: Mapping[str, str] = field(default_factory=lambda: NO_CODING)
    cdisc: str = ""
    optional: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "coding", MappingProxyType(dict(self.coding)))

    def __reduce__(self) -> tuple[type[Column], tuple[object, ...]]:
        parts = (self.name, self.meaning, self.kind, self.unit, dict(self.coding), self.cdisc, self.optional)
        return Column, parts

    @property
    def heading(self) -> str:
        """The name with its unit, as a reader sees it."""
        return f"{self.name} [{self.unit}]" if self.unit not in ("", "-") else self.name


@dataclass(frozen=True)
class TableSchema:
    """The columns of one kind of table, in their order, and what one row is.

    ``latent`` marks a table of simulated truth, which no analysis of a real trial would have. ``further``
    says what columns may follow besides the named ones; where it is empty, none may.
    Raises ``ValueError`` for a column that is named twice.
    """

    name: str
    columns: tuple[Column, ...]
    meaning: str = ""
    row: str = ""
    latent: bool = False
    further: str = ""

    def __post_init__(self) -> None:
        twice = [name for name, count in Counter(self.names).items() if count > 1]
        if twice:
            message = f"{self.name}: columns named twice: {', '.join(twice)}"
            raise ValueError(message)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(column.name for column in self.columns)

    def __getitem__(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)

    def __contains__(self, name: object) -> bool:
        return name in self.names
