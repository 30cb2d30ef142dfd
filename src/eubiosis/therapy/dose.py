"""A dose: an amount a day with its unit, read once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

from eubiosis.core.kinds import shown
from eubiosis.core.tables import RowProblem
from eubiosis.core.units import UnitProblem, conversion_factor

_DOSE = re.compile(r"([+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?) ([^\W\d_]+/[^\W\d_]+)")
ALLOWED = 'an amount a day with its unit, such as "12 g/day" or "1000 mg/day"'


@dataclass(frozen=True)
class Dose:
    """An amount a day: ``grams`` in g/d, and the text that it was read from."""

    grams: float
    text: str

    def amount(self, unit: str) -> float:
        """Return the amount in a unit of mass a day.

        >>> read_dose("1000 mg/day").amount("g/d")
        1.0
        """
        return self.grams * (conversion_factor("g/d", unit) if unit != "g/d" else 1.0)

    def __str__(self) -> str:
        amount = f"{self.grams:g} g" if self.grams >= 0.1 else f"{1000 * self.grams:g} mg"
        return f"{amount} a day"


def read_dose(value: object) -> Dose:
    """Return the dose that a text names; raises ``RowProblem`` with what is wrong with it.

    >>> read_dose("12 g/day").grams
    12.0
    """
    if isinstance(value, Dose):
        return value
    if not isinstance(value, str):
        raise RowProblem(f"{shown(value)} is not text", allowed=ALLOWED, next_step='write "12 g/day"')
    found = _DOSE.fullmatch(value.strip())
    if found is None:
        raise RowProblem(
            f'the dose "{value}" cannot be read', allowed=ALLOWED, next_step="write number, space, unit"
        )
    try:
        grams = float(found[1]) * conversion_factor(found[2], "g/d")
    except (ValueError, UnitProblem) as error:
        raise RowProblem(
            f'the dose "{value}" cannot be read ({error})', allowed=ALLOWED, next_step="correct the dose"
        ) from error
    if not 0 <= grams < float("inf"):
        raise RowProblem(
            f'the dose "{value}" is negative or not finite', allowed=ALLOWED, next_step="correct the dose"
        )
    return Dose(grams, value.strip())


DailyDose = Annotated[
    Dose,
    BeforeValidator(read_dose),
    WithJsonSchema({"type": "string", "examples": ["12 g/day", "1000 mg/day"]}),
]
