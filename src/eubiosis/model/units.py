"""Infer the unit of every assigned quantity and find equations whose units do not fit.

A unit is a scale and exponents of gram, mole, litre and day. Sums and comparisons need equal units, powers
and functions dimensionless arguments, and a rate the unit of its state per day. Literals are dimensionless.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from eubiosis.core.units import UnitProblem, base_factors
from eubiosis.engine.expressions import LOGIC, RELATIONS, TIME, Call, Expression, Number, Symbol
from eubiosis.engine.system import System

_BASES = ("gram", "mole", "litre", "day")
_SYMBOLS = ("g", "mol", "L", "d")
_PREFIXES = ((1.0, ""), (1e-3, "m"), (1e-6, "u"), (1e-9, "n"))
_RELATIVE = 1e-9


@dataclass(frozen=True)
class Unit:
    """A scale times powers of gram, mole, litre and day."""

    scale: float
    powers: tuple[float, float, float, float]

    def times(self, other: Unit, sign: int = 1) -> Unit:
        """Multiply (sign 1) or divide (sign -1)."""
        scale = self.scale * other.scale if sign == 1 else self.scale / other.scale
        powers = tuple(a + sign * b for a, b in zip(self.powers, other.powers, strict=True))
        return Unit(scale, powers)  # type: ignore[arg-type]

    def to_power(self, exponent: float) -> Unit:
        """Raise to a number."""
        return Unit(self.scale**exponent, tuple(p * exponent for p in self.powers))  # type: ignore[arg-type]

    def fits(self, other: Unit) -> bool:
        """Tell whether the two are the same unit."""
        same = all(abs(a - b) < _RELATIVE for a, b in zip(self.powers, other.powers, strict=True))
        return same and abs(self.scale / other.scale - 1) < _RELATIVE

    @property
    def text(self) -> str:
        """The unit in the notation of the tables, e.g. mmol/(L*d)."""
        scale = self.scale
        prefix = ""
        lead = next((k for k in (1, 0) if self.powers[k] == 1), None)  # the mole before the gram
        if lead is not None:
            close = [word for factor, word in _PREFIXES if abs(scale / factor - 1) < _RELATIVE]
            if close:
                prefix, scale = close[0], 1.0
        above: list[str] = []
        below: list[str] = []
        for k, (symbol, power) in enumerate(zip(_SYMBOLS, self.powers, strict=True)):
            if power:
                word = (prefix if k == lead else "") + symbol
                size = abs(power)
                (above if power > 0 else below).append(word if size == 1 else f"{word}**{size:g}")
        if abs(scale - 1) > _RELATIVE:
            above.insert(0, f"{scale:.12g}")
        if not above and not below:
            return "-"
        head = "*".join(above) or "1"
        if not below:
            return head
        return f"{head}/{below[0]}" if len(below) == 1 else f"{head}/({'*'.join(below)})"

    def __str__(self) -> str:
        return "dimensionless" if self.text == "-" else self.text


DIMENSIONLESS = Unit(1.0, (0.0, 0.0, 0.0, 0.0))
DAY = Unit(1.0, (0.0, 0.0, 0.0, 1.0))


class UnitMismatch(ValueError):
    """Two parts of one expression have different units."""


def read_unit(text: str) -> Unit:
    """Return the unit a text names; raises ``UnitProblem``."""
    scale, exponents = base_factors(text)
    unknown = set(exponents) - set(_BASES)
    if unknown:
        message = f'"{text}" measures something the model does not know'
        raise UnitProblem(message)
    return Unit(scale, tuple(float(exponents.get(base, 0.0)) for base in _BASES))  # type: ignore[arg-type]


def infer_units(
    system: System, declared: Mapping[str, Unit]
) -> tuple[dict[str, Unit], list[tuple[str, str]]]:
    """Return the unit of every assigned quantity and a list of (quantity, mismatch).

    ``declared`` holds the units of states, parameters and inputs. A quantity whose own equation does not
    fit gets no unit, and equations that use it are not judged.
    """
    known = {**declared, TIME: DAY}
    problems: list[tuple[str, str]] = []
    for name, expression in system.rules.items():
        try:
            unit = _unit_of(expression, known)
        except UnitMismatch as mismatch:
            problems.append((name, str(mismatch)))
        except KeyError:
            continue
        else:
            known[name] = unit
    for name, expression in system.rates.items():
        try:
            unit = _unit_of(expression, known)
            wanted = known[name].times(DAY, -1)
        except UnitMismatch as mismatch:
            problems.append((name, str(mismatch)))
            continue
        except KeyError:
            continue
        if not unit.fits(wanted):
            problems.append((name, f"the rate is in {unit}, the state per day in {wanted}"))
    return {name: known[name] for name in system.rules if name in known}, problems


def _unit_of(expression: Expression, known: Mapping[str, Unit]) -> Unit:
    if isinstance(expression, Number):
        return DIMENSIONLESS
    if isinstance(expression, Symbol):
        return known[expression.name]
    op, arguments = expression.op, expression.arguments
    if op == "*":
        total = DIMENSIONLESS
        for argument in arguments:
            total = total.times(_unit_of(argument, known))
        return total
    if op == "/":
        return _unit_of(arguments[0], known).times(_unit_of(arguments[1], known), -1)
    if op == "^":
        return _unit_of_power(arguments[0], arguments[1], known)
    if op == "sqrt":
        return _unit_of(arguments[0], known).to_power(0.5)
    if op in ("+", "-", "neg", "abs", "min", "max", "floor", "ceil"):
        return _common(op, arguments, known)
    if op in RELATIONS:
        _common(op, arguments, known)
        return DIMENSIONLESS
    if op in LOGIC:
        return DIMENSIONLESS
    if op == "piecewise":
        return _common(op, (*arguments[:-1:2], arguments[-1]), known)
    _demand_dimensionless(op, arguments, known)
    return DIMENSIONLESS


def _unit_of_power(base: Expression, exponent: Expression, known: Mapping[str, Unit]) -> Unit:
    _demand_dimensionless("exponent", (exponent,), known)
    unit = _unit_of(base, known)
    if isinstance(exponent, Number):
        return unit.to_power(exponent.value)
    if not unit.fits(DIMENSIONLESS):
        message = f"a variable power of {show(base)}, which is in {unit}"
        raise UnitMismatch(message)
    return DIMENSIONLESS


def _common(op: str, arguments: tuple[Expression, ...], known: Mapping[str, Unit]) -> Unit:
    first = _unit_of(arguments[0], known)
    for argument in arguments[1:]:
        unit = _unit_of(argument, known)
        if not unit.fits(first):
            message = f'"{op}" joins {show(arguments[0])} in {first} with {show(argument)} in {unit}'
            raise UnitMismatch(message)
    return first


def _demand_dimensionless(op: str, arguments: tuple[Expression, ...], known: Mapping[str, Unit]) -> None:
    for argument in arguments:
        unit = _unit_of(argument, known)
        if not unit.fits(DIMENSIONLESS):
            message = f'"{op}" of {show(argument)}, which is in {unit}'
            raise UnitMismatch(message)


def show(expression: Expression, limit: int = 60) -> str:
    """Write an expression briefly for a message."""
    text = _show(expression)
    return text if len(text) <= limit else text[: limit - 3] + "..."


def _show(expression: Expression) -> str:
    if isinstance(expression, Number):
        return f"{expression.value:g}"
    if isinstance(expression, Symbol):
        return expression.name
    inner = [_show(a) for a in expression.arguments]
    if expression.op == "neg":
        return f"-{inner[0]}"
    if expression.op in ("+", "-", "*", "/", "^"):
        return f"({f' {expression.op} '.join(inner)})"
    return f"{expression.op}({', '.join(inner)})"


__all__ = ["DIMENSIONLESS", "Call", "Unit", "UnitMismatch", "infer_units", "read_unit", "show"]
