"""Forecasts that are written down before the answer: their rows, their fixed quantiles and their hashes.

A forecast is a table in the shape of the hubverse's model output: one row for each quantile. What is hashed
are canonical bytes of these rows, so that the same numbers have the same hash in any file format.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from pydantic import model_validator

from eubiosis.core.control_arm import Background
from eubiosis.core.provenance import Read
from eubiosis.core.tables import RowProblem, TableRow

LEVELS: tuple[float, ...] = (
    0.01, 0.025, *(round(0.05 * k, 2) for k in range(1, 20)), 0.975, 0.99,
)  # fmt: skip
DIGITS = 6  # significant digits of a value in a forecast
COLUMNS = ("origin_date", "target", "trial", "output_type", "output_type_id", "value")
TEAM, FORECAST, REFERENCE = "eubiosis", "evidence", "reference"
MODELS = (FORECAST, REFERENCE)
Status = Literal["prospective", "blinded", "unknown"]
STATUS_WORDS: Mapping[Status, str] = {
    "prospective": "the last page read says recruiting and shows no result",
    "blinded": "it may have read out; nobody looked it up",
    "unknown": "whether it has read out was not read",
}


class SealedTrial(TableRow):
    """A trial whose read-out is forecast: registry facts as far as they were read.

    ``people`` are those of the control arm for the question ``control_arm``, or of each arm for ``effect``;
    ``weeks`` the follow-up behind the forecast, ``year`` that of publication, ``analysed`` the share of
    people behind the printed number. ``assumed`` names everything that no page says, ``not_known`` what
    else would matter; ``read`` says how far ``source`` was read.
    """

    trial: str
    name: str
    registry_id: str
    status: Status
    question: Literal["control_arm", "effect"]
    design: str
    people: int
    weeks: float
    year: int
    analysed: float
    background: Background
    intervention: str = ""
    assumed: str
    not_known: str
    source: str
    read: Read


class SealedTarget(TableRow):
    """A number that is forecast; ``evidence`` is the outcome or control endpoint of the evidence behind it.

    ``least`` and ``most`` bound it; ``definition`` says which printed number answers it.
    """

    target: str
    label: str
    unit: str
    kind: Literal["rate", "share", "smd"]
    evidence: str
    least: float | None = None
    most: float | None = None
    definition: str


class SealedTask(TableRow):
    """One number of one trial that is forecast."""

    trial: str
    target: str


class TrialReadOut(TableRow):
    """What a trial printed, with its 95 % interval; ``source`` says where, ``read`` how far.

    ``published`` is the day on which it was first printed (YYYY-MM-DD), empty where that was not read.
    """

    trial: str
    target: str
    value: float
    low: float
    high: float
    people: int | None = None
    printed: str
    source: str
    read: Read
    note: str = ""
    published: str = ""

    @model_validator(mode="after")
    def _has_a_day(self) -> TrialReadOut:
        try:
            day = date.fromisoformat(self.published).isoformat() if self.published else ""
        except ValueError:
            day = "none"
        if day != self.published:  # days are compared as words: 20260101 would stand after 2026-11-30
            raise RowProblem(
                f'published "{self.published}" is no day',
                allowed="YYYY-MM-DD, or nothing",
                next_step="write the day on which it was first printed",
            )
        return self

    def look(self, sealed: str) -> str:
        """Say whether it was printed before or after a forecast was sealed (YYYY-MM-DD)."""
        if not self.published:
            return "day of printing not stated"
        return (
            "printed after the seal" if self.published > sealed else "printed before the seal, not looked up"
        )

    @model_validator(mode="after")
    def _has_an_interval(self) -> TrialReadOut:
        if not all(map(math.isfinite, (self.value, self.low, self.high))):
            raise RowProblem("a number that is not finite", allowed="finite numbers", next_step="correct it")
        if not self.low <= self.value <= self.high or self.low == self.high:
            raise RowProblem(
                f"value {self.value:g} with the interval {self.low:g} to {self.high:g}",
                allowed="a 95 % interval with low below high that holds the value",
                next_step="enter what was printed; without an interval a read-out is not scored",
            )
        return self


@dataclass(frozen=True)
class SealedRegistry:
    """What is forecast: trials and targets by id, and which target of which trial."""

    trials: Mapping[str, SealedTrial]
    targets: Mapping[str, SealedTarget]
    tasks: tuple[SealedTask, ...]


@dataclass(frozen=True)
class QuantileForecast:
    """One forecast: values (23,) at ``LEVELS`` of one target of one trial, by one model."""

    origin_date: str
    model: str
    target: str
    trial: str
    values: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.values) != len(LEVELS):
            message = f"{len(self.values)} values for {len(LEVELS)} levels"
            raise ValueError(message)
        if not all(map(math.isfinite, self.values)) or list(self.values) != sorted(self.values):
            message = "quantiles must be finite and must not fall"
            raise ValueError(message)

    @property
    def key(self) -> str:
        """Name the forecast: date, model, target and trial."""
        return "/".join((self.origin_date, self.model, self.target, self.trial))

    @property
    def digest(self) -> str:
        """Return the SHA-256 of the canonical bytes of this forecast."""
        return hashlib.sha256(canonical(self)).hexdigest()

    def at(self, level: float) -> float:
        """Return the value at one of ``LEVELS``.

        >>> QuantileForecast("2026-11-30", "evidence", "t", "a", tuple(map(float, range(23)))).at(0.5)
        11.0
        """
        return self.values[LEVELS.index(level)]


def rounded(value: float) -> float:
    """Return a value as forecasts hold it, to six significant digits.

    >>> rounded(0.123456789)
    0.123457
    """
    return float(f"{value:.{DIGITS}g}") + 0.0


def written(value: float) -> str:
    """Write a number as forecasts hold it, never in powers of ten."""
    text = f"{rounded(value):.12f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def canonical(forecast: QuantileForecast) -> bytes:
    """Return the bytes that are hashed: a line for each quantile, in the order of ``LEVELS``, UTF-8.

    >>> made = QuantileForecast("2026-11-30", "evidence", "t", "a", (1.0,) * 23)
    >>> canonical(made).splitlines()[0]
    b'2026-11-30,evidence,t,a,quantile,0.01,1'
    """
    lines = (
        ",".join((forecast.origin_date, forecast.model, forecast.target, forecast.trial, "quantile",
                  f"{level:g}", written(value)))
        for level, value in zip(LEVELS, forecast.values, strict=True)
    )  # fmt: skip
    return ("\n".join(lines) + "\n").encode("utf-8")


def forecast_csv(forecasts: Iterable[QuantileForecast]) -> str:
    """Return forecasts of one model as the text of a model-output file, in the given order."""
    lines = [",".join(COLUMNS)]
    for one in forecasts:
        lines += [
            f"{one.origin_date},{one.target},{one.trial},quantile,{level:g},{written(value)}"
            for level, value in zip(LEVELS, one.values, strict=True)
        ]
    return "\n".join(lines) + "\n"
