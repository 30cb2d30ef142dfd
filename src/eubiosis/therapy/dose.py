"""A dose: an amount a day with its unit, read once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from eubiosis.core.kinds import shown
from eubiosis.core.tables import RowProblem
from eubiosis.core.units import UnitProblem, conversion_factor

_DOSE = re.compile(r"([+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?) ([^\W\d_]+/[^\W\d_]+)")
_COUNTED = ("CFU", "IU", "unit")  # counts of their own, which no factor turns into one another
ALLOWED = (
    'an amount a day with its unit, such as "12 g/day", "1000 mg/day", "1e10 CFU/day", "4000 IU/day" or '
    '"1 unit/day"'
)


@dataclass(frozen=True)
class Dose:
    """An amount a day: ``grams`` in g/d for a mass, else a count a day; and the text that it was read from.

    ``kind`` is "g" for a mass, or what is counted: CFU, IU or unit (capsules, larvae, servings).
    """

    grams: float
    text: str
    kind: str = "g"

    def amount(self, unit: str) -> float:
        """Return the amount in a unit a day; raises ``UnitProblem`` where it measures something else.

        >>> read_dose("1000 mg/day").amount("g/d"), read_dose("7e10 CFU/week").amount("CFU/d")
        (1.0, 10000000000.0)
        """
        if not self.measures(unit):
            message = f'"{self.text}" does not measure the same as "{unit}"'
            raise UnitProblem(message)
        if self.kind != "g":
            return self.grams
        return self.grams * (conversion_factor("g/d", unit) if unit != "g/d" else 1.0)

    def measures(self, unit: str) -> bool:
        """Tell whether a unit a day measures the same thing."""
        what = unit.split("/", maxsplit=1)[0]
        return what == self.kind if what in _COUNTED else self.kind == "g"

    def words(self, digits: int) -> str:
        """Return the dose in words with so many significant digits.

        >>> str(read_dose("12 g/week")), read_dose("12 g/week").words(6)
        ('1.71 g a day', '1.71429 g a day')
        """
        if self.kind != "g":
            return f"{_short(self.grams, digits)} {self.kind} a day"
        grams = self.grams >= 0.1
        amount = f"{_short(self.grams, digits)} g" if grams else f"{_short(1000 * self.grams, digits)} mg"
        return f"{amount} a day"

    def __str__(self) -> str:
        return self.words(3)


def _short(number: float, digits: int) -> str:
    return f"{float(f'{number:.{digits}g}'):g}".replace("e+", "e")


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
    what, _, time = found[2].partition("/")
    kind = what if what in _COUNTED else "g"
    try:
        factor = conversion_factor(f"1/{time}", "1/d") if kind != "g" else conversion_factor(found[2], "g/d")
        amount = float(found[1]) * factor
    except (ValueError, UnitProblem) as error:
        raise RowProblem(
            f'the dose "{value}" cannot be read ({error})', allowed=ALLOWED, next_step="correct the dose"
        ) from error
    if not 0 <= amount < float("inf"):
        raise RowProblem(
            f'the dose "{value}" is negative or not finite', allowed=ALLOWED, next_step="correct the dose"
        )
    if amount == 0:
        raise RowProblem(
            f'the dose "{value}" is zero', allowed=ALLOWED, next_step='write a dose, or "placebo" for none'
        )
    return Dose(amount, value.strip(), kind)


DailyDose = Annotated[
    Dose,
    BeforeValidator(read_dose),
    PlainSerializer(lambda dose: dose.text, return_type=str),
    WithJsonSchema({"type": "string", "examples": ["12 g/day", "1000 mg/day", "1e10 CFU/day"]}),
]
