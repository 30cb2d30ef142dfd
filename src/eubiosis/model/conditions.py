"""Named conditions: who, for how long, on which diet and dose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from eubiosis.core.findings import FindingCollector, unknown_word
from eubiosis.core.units import UnitProblem, conversion_factor
from eubiosis.model.content import ChangeRow, Content

_FILE = "conditions/changes.tsv"


@dataclass(frozen=True)
class Pulse:
    """An input held at ``level`` (in the unit of the interface) from ``start`` to ``stop`` (days)."""

    target: str
    level: float
    start: float
    stop: float


@dataclass(frozen=True)
class Condition:
    """A named experiment, read from the tables.

    ``fixed`` sets parameters for the whole run, ``start`` states at its beginning; ``transplants`` lists
    (day, engraftment index).
    """

    name: str
    person: str
    days: float
    description: str
    pulses: tuple[Pulse, ...] = ()
    fixed: Mapping[str, float] = field(default_factory=dict)
    start: Mapping[str, float] = field(default_factory=dict)
    transplants: tuple[tuple[float, float], ...] = ()
    defaults: Mapping[str, float] = field(default_factory=dict)

    @property
    def schedule(self) -> list[tuple[float, dict[str, float]]]:
        """Input changes as (day, values from then on)."""
        changes: dict[float, dict[str, float]] = {}
        for pulse in self.pulses:
            changes.setdefault(pulse.start, {})[pulse.target] = pulse.level
            if pulse.stop < self.days:
                changes.setdefault(pulse.stop, {}).setdefault(pulse.target, self.defaults[pulse.target])
        return sorted(changes.items())

    def expressions(self) -> dict[str, str]:
        """Return each dosed input as an Antimony piecewise function of time."""
        pieces: dict[str, list[str]] = {}
        for pulse in sorted(self.pulses, key=lambda p: p.start):
            window = f"(time >= {pulse.start!r}) && (time < {pulse.stop!r})"
            pieces.setdefault(pulse.target, []).append(f"{pulse.level!r}, {window}")
        return {
            target: f"piecewise({', '.join(parts)}, {self.defaults[target]!r})"
            for target, parts in pieces.items()
        }


def read_conditions(content: Content, findings: FindingCollector | None = None) -> dict[str, Condition]:
    """Build the conditions of a content folder; findings are raised when no collector is given."""
    own = findings if findings is not None else FindingCollector()
    units = {row.id: row.unit for row in content.interface} | {n.id: n.unit for n in content.numbers.values()}
    units |= {n.id: n.unit for n in content.initial.values()}
    names = {row.condition for row in content.conditions}
    for change in content.changes:
        if change.condition not in names:
            own.add(
                content.file(_FILE), change.condition, f"condition {unknown_word(change.condition, names)}"
            )
    built = {}
    for row in content.conditions:
        changes = [c for c in content.changes if c.condition == row.condition]
        built[row.condition] = _build(
            content, row.condition, row.person, row.days, row.description, changes, units, own
        )
    if findings is None:
        own.raise_if_any()
    return built


def _build(
    content: Content,
    name: str,
    person: str,
    days: float,
    description: str,
    changes: list[ChangeRow],
    units: Mapping[str, str],
    findings: FindingCollector,
) -> Condition:
    pulses: list[Pulse] = []
    fixed: dict[str, float] = {}
    start: dict[str, float] = {}
    events: dict[str, float] = {}
    inputs = {row.id: row for row in content.interface if row.direction == "input"}
    for change in changes:
        level = _level(content, change, units, findings)
        if level is None:
            continue
        if change.kind == "fixed":
            fixed[change.target] = level
        elif change.kind == "start":
            start[change.target] = level
            if change.target not in content.initial:
                place = f"{name}, {change.target}"
                findings.add(content.file(_FILE), place, "not a state", allowed="a state of initial.tsv")
        elif change.kind == "event":
            events[change.target] = level
        elif change.target not in inputs:
            findings.add(
                content.file(_FILE),
                f"{name}, {change.target}",
                "not an input",
                allowed="an input of interface.tsv",
            )
        else:
            stop = change.stop_day if change.stop_day is not None else days + 1.0
            if not change.start_day < stop:
                findings.add(
                    content.file(_FILE),
                    f"{name}, {change.target}",
                    f"starts on day {change.start_day:g} and stops on day {stop:g}",
                    allowed="start_day < stop_day",
                )
            overlapping = [
                p
                for p in pulses
                if p.target == change.target and p.start < stop and change.start_day < p.stop
            ]
            if overlapping:
                findings.add(
                    content.file(_FILE),
                    f"{name}, {change.target}",
                    "two changes of one input overlap in time",
                    next_step="write one row with the sum",
                )
            pulses.append(Pulse(change.target, level, change.start_day, stop))
    transplants = ((events["gut_fmt_day"], events["gut_fmt_dose"]),) if "gut_fmt_day" in events else ()
    defaults = {p.target: fixed.get(p.target, content.value(inputs[p.target].default)) for p in pulses}
    return Condition(name, person, days, description, tuple(pulses), fixed, start, transplants, defaults)


def _level(
    content: Content, change: ChangeRow, units: Mapping[str, str], findings: FindingCollector
) -> float | None:
    place = f"{change.condition}, {change.target}"
    file = content.file(_FILE)
    if change.target not in units:
        findings.add(file, place, f"quantity {unknown_word(change.target, units)}")
        return None
    try:
        amount = content.value(change.amount)
    except ValueError:
        findings.add(file, place, f'amount "{change.amount}" is neither a number nor a known parameter')
        return None
    if amount < 0:
        findings.add(file, place, f"amount {amount:g} is negative", allowed="0 or more")
        return None
    wanted = units[change.target]
    rate = wanted.endswith("/d") and not change.unit.endswith("/d")
    given = f"{change.unit}/d" if rate else change.unit
    if not rate and change.times_per_day != 1:
        findings.add(
            file,
            place,
            f"times_per_day {change.times_per_day:g} does not go with an amount in {change.unit}",
            allowed="times_per_day 1 where the unit is already a daily rate, a share or a setting",
            next_step="give the amount of one dose, such as mg, or the whole day's",
        )
        return None
    try:
        factor = conversion_factor(given, wanted)
    except UnitProblem as problem:
        findings.add(file, place, str(problem), allowed=f"an amount whose daily rate is in {wanted}")
        return None
    return amount * factor * (change.times_per_day if rate else 1.0)
