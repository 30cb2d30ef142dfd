"""One figure as an observable, an experiment and a measurement of PEtab, or the reason why it cannot be."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from eubiosis.calibration.roles import Row
from eubiosis.core.laws import Z975
from eubiosis.model.conditions import Condition
from eubiosis.model.content import TargetRow
from eubiosis.model.model import Model

REST, REFERENCES, MS = "rest", "references", "ms"
EQUILIBRIUM, STEADY = "-inf", "inf"
WASHOUT = 1000.0  # days of rest between two conditions that one ratio compares
_EXCRETED = "gut_stool_scfa * gut_stool_wet / 1000"


@dataclass(frozen=True)
class Period:
    """The conditions that hold from a time (days, or -inf for the equilibrium before) on."""

    time: str
    conditions: tuple[str, ...]


@dataclass(frozen=True)
class Experiment:
    """A course: what holds from when."""

    name: str
    periods: tuple[Period, ...]


@dataclass(frozen=True)
class Said:
    """A figure in the words of PEtab; ``helpers`` are parameters that the model must be given for it.

    ``remark`` says where PEtab says something else than is meant.
    """

    name: str
    label: str
    formula: str
    time: str
    measurement: float
    noise: float
    distribution: str
    experiment: Experiment
    conditions: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    helpers: tuple[str, ...] = ()
    remark: str = ""


def say(model: Model, row: Row) -> Said | str:
    """Return a figure as PEtab says it, or why it cannot be said."""
    target = row.target_row
    if target is None:
        return "no quantity of the model is named for it"
    if row.low is None or row.high is None:
        return "a bound with one end: PEtab knows no censored measurement"
    if target.statistic in ("population", "therapy", "drug", "bolus", "log10_fall_3d"):
        return f"the statistic {target.statistic} is no course of the model"
    bounds = row.bounds()
    distribution, measurement, noise = _noise(row, bounds.low, bounds.high)
    formula, course = _formula(target), _Course(model, target)
    return Said(
        name=target.id,
        label=target.quantity,
        formula=f"({formula}) / {course.helper}" if course.divides else formula,
        time=course.time,
        measurement=measurement,
        noise=noise,
        distribution=distribution,
        experiment=Experiment(course.name, course.periods),
        conditions=course.conditions,
        helpers=(course.helper,) if course.helper else (),
        remark="flat inside its interval, said as a normal error over it" if bounds.is_bound else "",
    )


def _noise(row: Row, low: float, high: float) -> tuple[str, float, float]:
    """Return the law of the error, its middle and its standard deviation: the interval is its 95 % range."""
    if row.scale == "ratio" and low > 0:
        return "log-normal", row.target or math.sqrt(low * high), math.log(high / low) / (2 * Z975)
    middle = (low + high) / 2 if row.target is None else row.target
    return "normal", middle, (high - low) / (2 * Z975)


def _formula(target: TargetRow) -> str:
    name = target.observable
    return {
        "log10": f"log10({name})",
        "share_of_acids": f"{name} / gut_scfa",
        "excreted": _EXCRETED,
        "absorbed_share": f"1 - {_EXCRETED} / gut_scfa_production",
    }.get(target.statistic, name)


class _Course:
    """The periods of a figure and, for a ratio, the helper that holds what it is divided by."""

    def __init__(self, model: Model, target: TargetRow) -> None:
        setting = model.condition(target.condition)
        self.conditions: dict[str, Mapping[str, str]] = {}
        self.divides = target.statistic in ("ratio", "ratio_to", "over_healthy", "extra_per_g_itf")
        self.helper = f"base_{target.id}" if self.divides else ""
        base = f"hold_{target.id}"
        if self.divides:
            self.conditions[base] = {self.helper: target.observable}
        self.periods: tuple[Period, ...]
        begin = Period(EQUILIBRIUM, (REST,))
        held = (base,) if self.divides else ()
        if target.statistic == "over_healthy":
            self.name, self.time = f"ms_{target.id}", STEADY
            self.periods = (begin, Period("0", (REFERENCES, MS, *held)))
            return
        if not (setting.pulses or setting.fixed):
            self.name, self.time = setting.name, STEADY
            self.periods = (begin, Period("0", (REFERENCES,)))
            return
        day = setting.days if target.day is None else target.day
        first = self._given(setting)
        if target.statistic != "ratio_to":
            self.name = f"{setting.name}_{target.id}" if held else setting.name
            self.time = f"{day:g}"
            self.periods = (begin, Period("0", (REFERENCES, first, *held)), *_stops(setting, day))
            return
        other = self._given(model.condition(str(target.other_condition)))
        self.name, self.time = f"{setting.name}_{target.id}", f"{2 * day + WASHOUT:g}"
        self.periods = (
            begin,
            Period("0", (REFERENCES, other)),
            Period(f"{day:g}", (REST, *held)),
            Period(f"{day + WASHOUT:g}", (first,)),
        )

    def _given(self, setting: Condition) -> str:
        """Name the condition that gives what a setting gives from its first day on."""
        changes = {pulse.target: f"{pulse.level!r}" for pulse in setting.pulses if pulse.start == 0}
        self.conditions[setting.name] = changes | {n: f"{v!r}" for n, v in setting.fixed.items()}
        return setting.name


def _stops(setting: Condition, day: float) -> tuple[Period, ...]:
    """Return the period after the last dose, where the figure is read later than that."""
    stops = {pulse.stop for pulse in setting.pulses if pulse.stop <= day}
    if not stops:
        return ()
    (stop,) = stops
    return (Period(f"{stop:g}", (REST,)),) if stop < day else ()
