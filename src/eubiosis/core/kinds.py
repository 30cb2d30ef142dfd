"""Kinds of value that a domain object may hold: each says what is wrong, what is allowed and what to do."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

from eubiosis.core.findings import unknown_word
from eubiosis.core.tables import RowProblem

Check = Callable[[object], object]

_WEEK = re.compile(r"week ([0-9]+(?:\.[0-9]+)?)", re.ASCII)
_VISITS = re.compile(r"every ([0-9]+(?:\.[0-9]+)?) weeks? to week ([0-9]+(?:\.[0-9]+)?)", re.ASCII)
VISITS_ALLOWED = '"every 12 weeks to week 48", or a list of weeks such as [0, 4, 12, 24, 48]'
LONGEST_WEEKS = 520
MOST_VISITS = 200
LONGEST_TEXT = 2000
LONGEST_NAME = 40


def text(value: object) -> str:
    """Return text that is not empty, without spaces around it."""
    if not isinstance(value, str):
        raise RowProblem(
            f"{shown(value)} is not text", allowed="text", next_step="write words, a number in quotes"
        )
    stripped = value.strip()
    if not stripped.isascii() and any("\ud800" <= letter <= "\udfff" for letter in stripped):
        raise RowProblem(
            "half of a character pair, which no file can hold",
            allowed="whole characters",
            next_step="write the character itself",
        )
    if not stripped or len(stripped) > LONGEST_TEXT:
        problem = "the text is empty" if not stripped else f"{len(stripped)} characters"
        raise RowProblem(problem, allowed=f"1 to {LONGEST_TEXT} characters", next_step="say it in words")
    return stripped


def name(value: object) -> str:
    """Return a name that fits into a figure: one line."""
    words = text(value)
    if len(words) > LONGEST_NAME or not words.isprintable():
        raise RowProblem(
            "the name is too long for a figure, or has more than one line",
            allowed=f"one line of up to {LONGEST_NAME} characters",
            next_step="shorten it",
        )
    return words


def number(low: float, high: float, *, whole: bool = False) -> Callable[[object], float]:
    """Return a check for a finite number from ``low`` to ``high``."""
    kind = "a whole number" if whole else "a number"
    allowed = f"{kind} from {plain(low)} to {plain(high)}"

    def check(value: object) -> float | int:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise RowProblem(
                f"{shown(value)} where a number belongs",
                allowed=allowed,
                next_step="write the number alone, without unit or quotes",
            )
        if not math.isfinite(value):
            raise RowProblem(f"{value} is not finite", allowed=allowed, next_step="write a finite number")
        if whole and not isinstance(value, int):
            raise RowProblem(
                f"{plain(value)} is not a whole number",
                allowed=allowed,
                next_step="write it without a decimal point",
            )
        if not low <= value <= high:
            raise RowProblem(
                f"{plain(value)} is out of range", allowed=allowed, next_step="correct the number"
            )
        return value

    return check


def optional(inner: Check) -> Check:
    """Return a check that lets null pass."""
    return lambda value: None if value is None else inner(value)


def one_of(words: Iterable[str]) -> Check:
    """Return a check for one of some words."""
    known = tuple(words)

    def check(value: object) -> str:
        if value not in known or not isinstance(value, str):
            word = value if isinstance(value, str) else shown(value)
            raise RowProblem(
                unknown_word(word, known), allowed=", ".join(known), next_step="write one of these"
            )
        return value

    return check


def flag(value: object) -> bool:
    """Return true or false."""
    if not isinstance(value, bool):
        raise RowProblem(
            f"{shown(value)} is neither true nor false",
            allowed="true or false",
            next_step="write one of them",
        )
    return value


def span(low: float, high: float) -> Check:
    """Return a check for two numbers, the smaller first."""
    one = number(low, high)
    allowed = f"[smallest, largest] from {plain(low)} to {plain(high)}, or null"

    def check(value: object) -> tuple[float, float]:
        if not isinstance(value, list | tuple) or len(value) != 2:
            raise RowProblem(f"{shown(value)} is not a range", allowed=allowed, next_step="write two numbers")
        first, second = float(one(value[0])), float(one(value[1]))
        if first > second:
            raise RowProblem(
                f"the range [{plain(first)}, {plain(second)}] is reversed",
                allowed=allowed,
                next_step="put the smaller number first",
            )
        return first, second

    return check


def week(value: object) -> float:
    """Return the week that a text such as "week 12" names.

    >>> week("week 12")
    12.0
    """
    allowed = f'"week N" with N from 0 to {LONGEST_WEEKS}'
    found = _WEEK.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise RowProblem(f"{shown(value)} is not a week", allowed=allowed, next_step='write "week 12"')
    weeks = float(found[1])
    if weeks > LONGEST_WEEKS:
        raise RowProblem(f"{shown(value)} is too late", allowed=allowed, next_step="shorten the trial")
    return weeks


def visit_weeks(value: object) -> tuple[float, ...]:
    """Return the weeks of the visits, from 0 on and increasing, each on a day of its own.

    >>> visit_weeks("every 12 weeks to week 48")
    (0.0, 12.0, 24.0, 36.0, 48.0)
    """
    weeks = _every(value) if isinstance(value, str) else _listed(value)
    problem = ""
    if len(weeks) < 2:
        problem = "a trial needs a first and a last visit"
    elif weeks[0] != 0:
        problem = f"the first visit is in week {plain(weeks[0])}, not in week 0"
    elif any(later <= earlier for earlier, later in pairwise(weeks)):
        problem = "the weeks of the visits do not increase"
    else:
        near = [pair for pair in pairwise(weeks) if round(7 * pair[0]) == round(7 * pair[1])]
        if near:
            problem = f"the visits in weeks {plain(near[0][0])} and {plain(near[0][1])} are on one day"
    if problem:
        raise RowProblem(problem, allowed=VISITS_ALLOWED, next_step="list the weeks in order from 0")
    return weeks


def allocation(value: object) -> tuple[int, ...]:
    """Return the arms' shares of a block, such as [1, 1, 1]."""
    if not isinstance(value, list | tuple):
        raise RowProblem(
            f"{shown(value)} is not a list",
            allowed="[1, 1] or [1, 1, 1]",
            next_step="one whole number an arm",
        )
    one = number(1, 10, whole=True)
    return tuple(int(one(share)) for share in value)


def plain(value: float) -> str:
    """Write a number without losing digits and without a needless decimal point.

    >>> plain(12.0), plain(0.15)
    ('12', '0.15')
    """
    return str(int(value)) if isinstance(value, int) or float(value).is_integer() else repr(float(value))


def how_many(number: int, one: str, more: str = "") -> str:
    """Write a count with its noun; ``more`` is the plural where it is not ``one`` with an s.

    >>> how_many(1, "study", "studies"), how_many(2, "study", "studies"), how_many(3, "cohort")
    ('1 study', '2 studies', '3 cohorts')
    """
    return f"{number} {one if number == 1 else more or one + 's'}"


def shown(value: object) -> str:
    """Name a value from a file in a message, short."""
    if isinstance(value, dict):
        return "a group of keys"
    if isinstance(value, list | tuple):
        return "a list"
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    words = f'"{value}"' if isinstance(value, str) else str(value)
    return words if len(words) <= 60 else f"{words[:57]}..."


def _every(value: str) -> tuple[float, ...]:
    found = _VISITS.fullmatch(value.strip())
    if found is None:
        raise RowProblem(
            f"{shown(value)} is not a plan of visits", allowed=VISITS_ALLOWED, next_step="write it like this"
        )
    step, end = float(found[1]), float(found[2])
    if step <= 0 or not 0 < end <= LONGEST_WEEKS or end / step > MOST_VISITS or end % step:
        raise RowProblem(
            f"{shown(value)} has no whole number of intervals, or too many",
            allowed=f"intervals that end on the last week; {MOST_VISITS} visits, {LONGEST_WEEKS} weeks",
            next_step="change the interval or the last week, or list the weeks",
        )
    return tuple(step * k for k in range(round(end / step) + 1))


def _listed(value: object) -> tuple[float, ...]:
    if not isinstance(value, list | tuple) or len(value) > MOST_VISITS:
        raise RowProblem(
            f"{shown(value)} is not a plan of visits", allowed=VISITS_ALLOWED, next_step="write it like this"
        )
    one = number(0, LONGEST_WEEKS)
    return tuple(float(one(item)) for item in value)


# --- kinds as annotations of fields; their JSON Schema says the same in its own words -----------------------

_WEEK_SCHEMA = {"type": "string", "pattern": "^week [0-9]+(\\.[0-9]+)?$"}
_WEEKS_SCHEMA = {"type": "array", "items": {"type": "number", "minimum": 0, "maximum": LONGEST_WEEKS}}
_VISITS_SCHEMA = {
    "anyOf": [
        {**_WEEKS_SCHEMA, "minItems": 2, "maxItems": MOST_VISITS},
        {"type": "string", "pattern": "^every [0-9]+(\\.[0-9]+)? weeks? to week [0-9]+(\\.[0-9]+)?$"},
    ]
}
Text = Annotated[
    str,
    BeforeValidator(text),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": LONGEST_TEXT}),
]
Week = Annotated[float, BeforeValidator(week), WithJsonSchema(_WEEK_SCHEMA)]
Weeks = Annotated[tuple[float, ...], BeforeValidator(visit_weeks), WithJsonSchema(_VISITS_SCHEMA)]
Shares = Annotated[
    tuple[int, ...],
    BeforeValidator(allocation),
    WithJsonSchema({"type": "array", "items": {"type": "integer", "minimum": 1, "maximum": 10}}),
]
Share = Annotated[float, Field(ge=0, le=1)]
Name = Annotated[
    str,
    BeforeValidator(name),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": LONGEST_NAME}),
]


@dataclass(frozen=True)
class Words:
    """Annotation of a text that is one of some words: ``Annotated[str, *Words(...).marks]``."""

    words: tuple[str, ...]

    @property
    def marks(self) -> tuple[BeforeValidator, WithJsonSchema]:
        """What stands behind ``str`` in the annotation."""
        schema = WithJsonSchema({"type": "string", "enum": list(self.words)})
        return BeforeValidator(one_of(self.words)), schema


@dataclass(frozen=True)
class Range:
    """Annotation of two numbers, smaller first: ``Annotated[tuple[float, float], *Range(0, 10).marks]``."""

    low: float
    high: float

    @property
    def marks(self) -> tuple[BeforeValidator, WithJsonSchema]:
        """What stands behind the type in the annotation."""
        item = {"type": "number", "minimum": self.low, "maximum": self.high}
        schema = {"type": "array", "items": item, "minItems": 2, "maxItems": 2}
        return BeforeValidator(span(self.low, self.high)), WithJsonSchema(schema)
