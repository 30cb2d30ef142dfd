"""Plan objects: what a number of a plan means, where it may lie, and every finding at once."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, Self, cast, get_args

import numpy as np
from pydantic import AfterValidator, Field
from pydantic.fields import FieldInfo

from eubiosis.analysis.columns import Floats
from eubiosis.core.findings import FindingCollector, FindingsError, unknown_word
from eubiosis.core.spec import Problem, Spec
from eubiosis.core.tables import RowProblem

Values = Mapping[str, Floats]
Better = Literal["lower", "higher"]


def _whole(value: float) -> float:
    if value != round(value):
        raise RowProblem(f"{value:g} is not a whole number", allowed="whole numbers")
    return value


Whole = Annotated[float, AfterValidator(_whole)]  # a float, since it may be an axis of a table


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
    return _field(text, unit, default, gt=0.0)


def number_from(text: str, unit: str, low: float, default: float | None = None) -> float:
    """Declare a number of a plan, whole or not, that is ``low`` or more."""
    return _field(text, unit, default, ge=low)


def any_number(text: str, unit: str, default: float | None = None) -> float:
    """Declare a finite number of a plan."""
    return _field(text, unit, default)


def share(text: str, default: float | None = None, *, zero: bool = False, one: bool = False) -> float:
    """Declare a fraction of a plan; the ends are allowed where named."""
    low = {"ge": 0.0} if zero else {"gt": 0.0}
    return _field(text, "-", default, **low, **({"le": 1.0} if one else {"lt": 1.0}))


def inside_one(text: str, default: float | None = None) -> float:
    """Declare a correlation, or a difference of shares, of a plan: -1 to 1, the ends excluded."""
    return _field(text, "-", default, gt=-1.0, lt=1.0)


def optional_number(text: str, unit: str) -> float | None:
    """Declare a finite number of a plan that may be absent."""
    return cast("float | None", Field(default=None, description=text, json_schema_extra={"unit": unit}))


def _field(
    text: str, unit: str, default: float | None, *, gt: float | None = None, ge: float | None = None,
    lt: float | None = None, le: float | None = None,
) -> float:  # fmt: skip
    start = ... if default is None else default
    made = Field(start, description=text, json_schema_extra={"unit": unit}, gt=gt, ge=ge, lt=lt, le=le)
    return cast("float", made)


class Checked(Spec):
    """Base of every plan: frozen and closed, and every number is checked before it exists.

    ``FindingsError`` carries all findings at once; rules between numbers are looked at once each is right.
    """

    def model_post_init(self, context: object, /) -> None:
        """Look at the rules between numbers."""
        del context
        findings = FindingCollector()
        self.check_together(self.numbers(), findings)
        findings.raise_if_any()

    @classmethod
    def problems(cls, content: object) -> list[Problem]:
        """Return everything that is wrong with a content; empty where it can be made."""
        try:
            return super().problems(content)
        except FindingsError as error:
            return [Problem((one.place,), one.problem, one.allowed, one.next_step) for one in error.findings]

    @classmethod
    def bounds(cls) -> dict[str, Bound]:
        """Return the bound of each number, in the order of the fields."""
        found = {name: _bound_of(field) for name, field in cls.model_fields.items()}
        return {name: bound for name, bound in found.items() if bound is not None}

    @classmethod
    def choices(cls) -> dict[str, tuple[str, ...]]:
        """Return the words allowed for each field that takes one of several words."""
        words = {name: get_args(field.annotation) for name, field in cls.model_fields.items()}
        return {name: one for name, one in words.items() if one and all(isinstance(w, str) for w in one)}

    @classmethod
    def defaults(cls) -> dict[str, float | str | None]:
        """Return the default of each field that has one."""
        fields = cls.model_fields.items()
        return {name: field.default for name, field in fields if not field.is_required()}

    def numbers(self) -> dict[str, Floats]:
        """Return every number of the plan that is not absent as an array without axes."""
        values = {name: getattr(self, name) for name in self.bounds()}
        return {name: np.asarray(one, dtype=np.float64) for name, one in values.items() if one is not None}

    def with_numbers(self, values: Mapping[str, float | None]) -> Self:
        """Return the plan with some numbers replaced, checked anew."""
        return type(self)(**{**dict(self), **values})

    def check_together(self, at: Values, findings: FindingCollector) -> None:
        """Report numbers that are allowed one by one but not together; ``at`` may hold arrays."""


def _bound_of(field: FieldInfo) -> Bound | None:
    if field.annotation is not float and field.annotation != float | None:
        return None
    limits = {
        key: float(getattr(one, key)) for one in field.metadata for key in ("gt", "ge", "lt", "le")
        if getattr(one, key, None) is not None
    }  # fmt: skip
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    return Bound(
        limits.get("gt", limits.get("ge", -math.inf)),
        limits.get("lt", limits.get("le", math.inf)),
        str(extra.get("unit", "")),
        field.description or "",
        "gt" in limits,
        "lt" in limits,
        any(isinstance(one, AfterValidator) for one in field.metadata),
    )


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
