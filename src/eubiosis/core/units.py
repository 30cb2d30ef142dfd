"""Units stop at the door: text in, canonical numbers inside.

The canonical unit of each dimension is the one the model is written in: day, litre, gram, millimole.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from eubiosis.core.findings import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pint import Unit, UnitRegistry

# Words of the field that the unit library does not know. Colony-forming units, cells and international units
# are counts.
_DEFINITIONS = (
    "gDW = gram",
    "CFU = []",
    "cell = CFU",
    "IU = []",
    "relapse = []",
    "lesion = []",
    "point = []",
)

# What nearly every table and dose asks for: known without the library of units, which half a second of every
# process would go into. A test asks the library for each.
_EVERYDAY = {
    **{(unit, unit): 1.0 for unit in ("-", "d", "1/d", "g/d", "mg/d", "mmol/d", "CFU/d")},
    ("1/day", "1/d"): 1.0,
    ("g/day", "g/d"): 1.0,
    ("mg/day", "g/d"): 0.001,
    ("mg/d", "g/d"): 0.001,
}
_LEADING_NUMBER = re.compile(r"^(\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(?:\*(.+)|(/.+))?$")


@cache
def registry() -> UnitRegistry[float]:
    """Return the project's unit registry (pint), made on first use."""
    from pint import UnitRegistry

    units: UnitRegistry[float] = UnitRegistry(autoconvert_offset_to_baseunit=False, cache_folder=None)
    for definition in _DEFINITIONS:
        units.define(definition)
    return units


class UnitProblem(ValueError):
    """A unit that cannot be read, or that does not measure what is asked for."""


def parse_unit(text: str) -> Unit:
    """Return the unit that ``text`` names; "-" and "" mean dimensionless.

    Raises ``UnitProblem`` when the text is not a unit.
    """
    from pint.errors import PintError

    expression = "dimensionless" if text in ("", "-", "1") else text.replace("d-1", "1/d")
    units = registry()
    try:
        return units.parse_units(_spell_out(expression))
    except (PintError, ValueError, AttributeError, TypeError, SyntaxError) as error:
        hint = nearest(text, ("1/d", "g/L", "mM", "gDW/L", "g/d", "mmol/d", "mg/d", "-"))
        suffix = f'; nearest "{hint}"' if hint else ""
        message = f'"{text}" is not a unit{suffix}'
        raise UnitProblem(message) from error


def conversion_factor(from_unit: str, to_unit: str) -> float:
    """Return the factor that turns a number in ``from_unit`` into one in ``to_unit``.

    >>> conversion_factor("mg/d", "g/d")
    0.001

    Raises ``UnitProblem`` when either text is not a unit or they measure different things.
    """
    known = _EVERYDAY.get((from_unit, to_unit))
    return _looked_up(from_unit, to_unit) if known is None else known


def _looked_up(from_unit: str, to_unit: str) -> float:
    from pint.errors import DimensionalityError

    source, target = parse_unit(from_unit), parse_unit(to_unit)
    if source == target:
        return 1.0
    try:
        return float(registry().Quantity(1.0, source).to(target).magnitude)
    except DimensionalityError as error:
        message = f'"{from_unit}" does not measure the same as "{to_unit}"'
        raise UnitProblem(message) from error


def base_factors(text: str) -> tuple[float, Mapping[str, float]]:
    """Split a unit into a multiplier and exponents of gram, litre, mole, day and count.

    Returns (multiplier, exponents), e.g. ``mmol/d`` is (0.001, {"mole": 1, "day": -1}). A number may lead the
    unit, as in ``1000*g/L``, which is how an inferred unit without a prefix of its own is written.
    """
    units = registry()
    lead = _LEADING_NUMBER.match(text)
    factor = float(lead.group(1)) if lead else 1.0
    unit = parse_unit(lead.group(2) or f"1{lead.group(3) or ''}" if lead else text)
    quantity = units.Quantity(factor, unit).to_base_units()
    wanted = {"[mass]": "gram", "[substance]": "mole", "[time]": "day", "[length]": "litre"}
    exponents: dict[str, float] = {}
    target = units.Unit("dimensionless")
    for dimension, power in quantity.dimensionality.items():
        name = wanted[dimension]
        exponents[name] = float(power.real) / 3 if name == "litre" else float(power.real)
        target = target * units.Unit(name) ** exponents[name]
    return float(units.Quantity(factor, unit).to(target).magnitude), exponents


def _spell_out(expression: str) -> str:
    # "d" alone is day and "L" litre in pint already; "mM" and "uM" are molar concentrations there too.
    return expression.replace("pH", "dimensionless").replace("wk", "week")
