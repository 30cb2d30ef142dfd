"""Read the equations of an Antimony module: what it defines and what it mentions, line by line.

Antimony itself turns the joined text into SBML; this reading only serves findings that name a line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

_WORD = re.compile(r"(?<![\w.])[A-Za-z_]\w*")
_RATE = re.compile(r"^\s*([A-Za-z_]\w*)'\s*=\s*(.+)$")
_RULE = re.compile(r"^\s*([A-Za-z_]\w*)\s*:=\s*(.+)$")
_EVENT = re.compile(r"^\s*([A-Za-z_]\w*)\s*:\s*at\s*\((.+?)\)\s*(?:,\s*\w+\s*=\s*\w+\s*)*:\s*(.+)$")
_ASSIGN = re.compile(r"([A-Za-z_]\w*)\s*=\s*((?:[^,()]|\([^()]*(?:\([^()]*\)[^()]*)*\))+)")
FUNCTIONS = frozenset(
    "exp ln log log10 sqrt abs sin cos tan tanh floor ceil min max piecewise time t0 true false".split()
)


@dataclass(frozen=True)
class Equation:
    """One line of a module: ``kind`` is rate, rule or event."""

    line: int
    kind: str
    target: str
    expression: str

    @cached_property
    def mentions(self) -> tuple[str, ...]:
        """Identifiers on the right-hand side, functions and time left out."""
        words = dict.fromkeys(_WORD.findall(self.expression))
        return tuple(word for word in words if word not in FUNCTIONS)


@dataclass(frozen=True)
class AntimonyModule:
    """A parsed module."""

    name: str
    body: str
    equations: tuple[Equation, ...]
    stray: tuple[tuple[int, str], ...]

    @cached_property
    def defines(self) -> dict[str, Equation]:
        """Quantities with a rate or an assignment rule."""
        return {e.target: e for e in self.equations if e.kind != "event"}

    @cached_property
    def states(self) -> tuple[str, ...]:
        """Quantities with a rate rule, in order."""
        return tuple(e.target for e in self.equations if e.kind == "rate")

    @cached_property
    def mentions(self) -> frozenset[str]:
        """Every identifier on a right-hand side."""
        return frozenset(word for e in self.equations for word in e.mentions)


def parse_module(name: str, text: str) -> AntimonyModule:
    """Split a module into its equations; a line that is none of them is kept as stray."""
    equations: list[Equation] = []
    stray: list[tuple[int, str]] = []
    body: list[str] = []
    inside = False
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.split("//")[0].rstrip()
        if re.match(r"^\s*model\s+\w+\s*\(\s*\)\s*$", line):
            inside = True
            continue
        if re.match(r"^\s*end\s*$", line):
            inside = False
            continue
        if inside:
            body.append(raw)
        if not line.strip():
            continue
        found = list(_equations(number, line)) if inside else []
        if found:
            equations.extend(found)
        else:
            stray.append((number, line.strip()))
    return AntimonyModule(name, "\n".join(body), tuple(equations), tuple(stray))


def _equations(number: int, line: str) -> Iterator[Equation]:
    for pattern, kind in ((_RATE, "rate"), (_RULE, "rule")):
        match = pattern.match(line)
        if match:
            yield Equation(number, kind, match.group(1), match.group(2))
            return
    match = _EVENT.match(line)
    if match:
        name, condition, assignments = match.groups()
        yield Equation(number, "event", name, condition)
        for target, expression in _ASSIGN.findall(assignments):
            yield Equation(number, "event", target, expression)
