"""Numbers on the command line: one, several, or a range; and findings about options, all at once."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeAlias

import click

from eubiosis.core.findings import Finding

Option: TypeAlias = bool | int | float | str | Path | tuple[float, ...] | None
Options: TypeAlias = Mapping[str, Option]
ALLOWED = "a number, several (0.2,0.3) or a range (0.2:0.5:0.1)"
_MOST = 100_000
_WITH_UNIT = re.compile(r"^[-+]?[0-9.]+(?:e[-+]?[0-9]+)?\s*[A-Za-z%/].*$")


class Numbers(click.ParamType[tuple[float, ...]]):
    """One number, several divided by commas, or start:stop:step with both ends; as a tuple of floats."""

    name = "numbers"

    def convert(
        self, value: str | tuple[float, ...], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, ...]:
        """Read the text of an option."""
        if isinstance(value, tuple):
            return value
        numbers: list[float] = []
        for part in value.split(","):
            try:
                numbers.extend(_range(part) if ":" in part else [_number(part)])
            except ValueError as error:
                self.fail(str(error), param, ctx)
        return tuple(numbers)


def number_of(options: Options, name: str) -> float | None:
    """Return an option that is one number, or None where it was not given."""
    value = options[name]
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def word_of(options: Options, name: str) -> str | None:
    """Return an option that is a word, or None where it was not given."""
    value = options[name]
    return value if isinstance(value, str) else None


def several_of(options: Options, name: str) -> tuple[float, ...] | None:
    """Return an option that is several numbers, or None where it was not given."""
    value = options[name]
    return value if isinstance(value, tuple) else None


def usage_error(what: str, findings: Iterable[str]) -> click.UsageError:
    """Build one error that lists every finding."""
    lines = list(findings)
    if len(lines) == 1:
        return click.UsageError(lines[0])
    return click.UsageError("\n  ".join([f"{what}: {len(lines)} findings", *lines]))


def as_option(finding: Finding, options: dict[str, str]) -> str:
    """Say a finding about a plan's number as one about the option that gave it."""
    option = options.get(finding.place, finding.place)
    text = finding.problem
    if text.startswith(f"{finding.place} "):
        text = text[len(finding.place) + 1 :]
    allowed = f"; allowed: {finding.allowed}" if finding.allowed else ""
    following = f"; next: {finding.next_step}" if finding.next_step else ""
    return f"{option}: {text}{allowed}{following}" if option else f"{text}{allowed}{following}"


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        word = text.strip()
        if _WITH_UNIT.match(word):
            message = f'"{word}" carries a unit; allowed: the plain number in the unit that the help names'
        else:
            message = f'"{word}" is not a number; allowed: {ALLOWED}'
        raise ValueError(message) from None
    if not math.isfinite(value):
        message = f'"{text.strip()}" is not finite; allowed: {ALLOWED}'
        raise ValueError(message)
    return value


def _range(text: str) -> list[float]:
    parts = [_number(part) for part in text.split(":")]
    if len(parts) != 3 or parts[2] <= 0 or parts[1] < parts[0]:
        message = f'"{text}" is no range; allowed: start:stop:step with a positive step, e.g. 20:200:20'
        raise ValueError(message)
    start, stop, step = parts
    count = math.floor((stop - start) / step + 1e-9) + 1
    if count > _MOST:
        message = f'"{text}" has {count} values; allowed: up to {_MOST}'
        raise ValueError(message)
    return [round(start + k * step, 12) for k in range(count)]
