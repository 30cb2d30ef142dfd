"""Plan objects: what a number of a plan means, where it may lie, and every finding at once."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Self, get_args, get_type_hints

import numpy as np

from eubiosis.analysis.columns import Floats
from eubiosis.core.findings import FindingCollector, unknown_word

Values = Mapping[str, Floats]
Better = Literal["lower", "higher"]
KEY = "bound"


@dataclass(frozen=True)
class Bound:
    """Where a number may lie: ``low`` to ``high``, ends included unless open; whole numbers if asked."""

    low: float
    high: float
    unit: str
    text: str
    open_low: bool = False
    open_high: bool = False
    whole: bool = False

    def outside(self, values: Floats) -> Floats:
        """Return those of the values that are not allowed; NaN and infinity never are."""
        good = np.isfinite(values)
        good &= values > self.low if self.open_low else values >= self.low
        good &= values < self.high if self.open_high else values <= self.high
        if self.whole:
            good &= values == np.round(values)
        return np.asarray(values[~good], dtype=np.float64)

    @property
    def allowed(self) -> str:
        """Say in words what is allowed."""
        kind = "whole numbers" if self.whole else "numbers"
        if self.low == 0 and math.isinf(self.high):
            return f"positive {kind}" if self.open_low else f"{kind}, zero or more"
        if math.isinf(self.low) and math.isinf(self.high):
            return f"finite {kind}"
        if math.isinf(self.high):
            return f"{kind} {'above' if self.open_low else 'from'} {self.low:g}"
        if self.whole:
            return f"{kind} from {self.low:g} to {self.high:g}"
        ends = {(True, True): "ends excluded", (True, False): f"{self.low:g} excluded"}
        ends[(False, True)] = f"{self.high:g} excluded"
        tail = ends.get((self.open_low, self.open_high), "")
        return f"between {self.low:g} and {self.high:g}" + (f", {tail}" if tail else "")


def positive_number(text: str, unit: str, default: float | None = None) -> float:
    """Declare a positive number of a plan."""
    return _field(Bound(0.0, math.inf, unit, text, open_low=True), default)


def number_from(text: str, unit: str, low: float, default: float | None = None) -> float:
    """Declare a number of a plan that is ``low`` or more."""
    return _field(Bound(low, math.inf, unit, text), default)


def any_number(text: str, unit: str, default: float | None = None) -> float:
    """Declare a finite number of a plan."""
    return _field(Bound(-math.inf, math.inf, unit, text), default)


def share(text: str, default: float | None = None, *, zero: bool = False, one: bool = False) -> float:
    """Declare a fraction of a plan; the ends are allowed where named."""
    return _field(Bound(0.0, 1.0, "-", text, not zero, not one), default)


def correlation(text: str, default: float | None = None) -> float:
    """Declare a correlation of a plan, the ends excluded."""
    return _field(Bound(-1.0, 1.0, "-", text, True, True), default)


def whole_number(text: str, unit: str, low: int, default: float | None = None) -> float:
    """Declare a whole number of a plan; it is kept as a float, since it may be an axis of a table."""
    return _field(Bound(float(low), math.inf, unit, text, whole=True), default)


def optional_number(text: str, unit: str) -> float | None:
    """Declare a finite number of a plan that may be absent."""
    bound = Bound(-math.inf, math.inf, unit, text)
    made: float | None = dataclasses.field(default=None, metadata={KEY: bound})
    return made


def _field(bound: Bound, default: float | None) -> float:
    metadata = {KEY: bound}
    made: float = (
        dataclasses.field(metadata=metadata)
        if default is None
        else dataclasses.field(default=default, metadata=metadata)
    )
    return made


@dataclass(frozen=True, kw_only=True)
class Checked:
    """Base of every plan: frozen, and every number is checked before it exists.

    ``FindingsError`` carries all findings at once.
    """

    def __post_init__(self) -> None:
        findings = FindingCollector()
        place = type(self).__name__
        good = True
        absent = {field.name for field in dataclasses.fields(self) if field.default is None}
        for name, bound in self.bounds().items():
            value = getattr(self, name)
            if value is not None or name not in absent:
                good &= _check_number(place, name, value, bound, findings)
        for name, words in self.choices().items():
            good &= _check_word(place, name, getattr(self, name), words, findings)
        if good:
            self.check_together(self.numbers(), findings)
        findings.raise_if_any()

    @classmethod
    def bounds(cls) -> dict[str, Bound]:
        """Return the bound of each number, in the order of the fields."""
        return {field.name: field.metadata[KEY] for field in dataclasses.fields(cls) if KEY in field.metadata}

    @classmethod
    def choices(cls) -> dict[str, tuple[str, ...]]:
        """Return the words allowed for each field that takes one of several words."""
        hints = get_type_hints(cls)
        words: dict[str, tuple[str, ...]] = {}
        for field in dataclasses.fields(cls):
            options = get_args(hints[field.name])
            if options and all(isinstance(option, str) for option in options):
                words[field.name] = options
        return words

    def numbers(self) -> dict[str, Floats]:
        """Return every number of the plan that is not absent as an array without axes."""
        values = {name: getattr(self, name) for name in self.bounds()}
        return {name: np.asarray(one, dtype=np.float64) for name, one in values.items() if one is not None}

    def with_numbers(self, values: Mapping[str, float]) -> Self:
        """Return the plan with some numbers replaced, checked anew."""
        return dataclasses.replace(self, **values)

    def check_together(self, at: Values, findings: FindingCollector) -> None:
        """Report numbers that are allowed one by one but not together; ``at`` may hold arrays."""


def check_axis(plan: Checked, name: str, values: Sequence[float], findings: FindingCollector) -> None:
    """Report an axis of a table that the plan does not have, an empty one, and values out of bounds."""
    place = type(plan).__name__
    bounds = plan.bounds()
    if name not in bounds:
        findings.add(place, name, unknown_word(name, bounds), allowed=", ".join(bounds))
        return
    if len(values) == 0:
        findings.add(place, name, "no values", allowed="one value or more")
        return
    for value in values:
        _check_number(place, name, value, bounds[name], findings)


def _check_number(place: str, name: str, value: object, bound: Bound, findings: FindingCollector) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float, np.floating, np.integer)):
        findings.add(place, name, f"{value!r} is not a number", allowed=bound.allowed)
        return False
    if bound.outside(np.asarray([float(value)])).size:
        findings.add(place, name, f"{name} {float(value):g}", allowed=bound.allowed)
        return False
    return True


def _check_word(
    place: str, name: str, value: object, words: tuple[str, ...], findings: FindingCollector
) -> bool:
    if value in words:
        return True
    findings.add(place, name, unknown_word(str(value), words), allowed=", ".join(words))
    return False
