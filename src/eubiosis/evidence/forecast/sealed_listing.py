"""The sealed forecasts as lines: what a list prints and a page shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from eubiosis.core.sealed import FORECAST, REFERENCE, STATUS_WORDS, QuantileForecast, Status
from eubiosis.evidence.forecast.sealed_forecasts import FOLDER, read_registry, sealed_forecasts

NOTICE = (
    "Forecasts of what trials will print, from published figures. They say nothing about whether a therapy "
    "works."
)


@dataclass(frozen=True)
class SealedLine:
    """One forecast of one number: medians with 50 and 95 % intervals of the forecast and the reference."""

    trial: str
    registry_id: str
    target: str
    unit: str
    status: Status
    status_words: str
    sealed: str
    forecast: tuple[float, float, float, float, float]
    reference: tuple[float, float, float, float, float]
    forecast_sha256: str
    reference_sha256: str


def forecast_lines(folder: Path | None = None) -> tuple[SealedLine, ...]:
    """Return a line for every sealed forecast; raises ``FindingsError`` where a hash does not fit."""
    hub = folder or FOLDER
    registry, forecasts = read_registry(hub), sealed_forecasts(hub)
    pairs = {(one.origin_date, one.model, one.trial, one.target): one for one in forecasts}
    return tuple(
        SealedLine(
            one.trial,
            registry.trials[one.trial].registry_id,
            one.target,
            registry.targets[one.target].unit,
            registry.trials[one.trial].status,
            STATUS_WORDS[registry.trials[one.trial].status],
            one.origin_date,
            _summary(one),
            _summary(other := pairs[one.origin_date, REFERENCE, one.trial, one.target]),
            one.digest,
            other.digest,
        )
        for one in forecasts
        if one.model == FORECAST
    )


def forecast_text(lines: Sequence[SealedLine]) -> str:
    """Write the lines for the shell."""
    found = []
    for one in lines:
        found.append(f"{one.trial}, {one.target} ({one.unit}); {one.registry_id}; {one.status}")
        found.append(f"  forecast  {interval_words(one.forecast)}   {one.forecast_sha256[:12]}")
        found.append(f"  reference {interval_words(one.reference)}   {one.reference_sha256[:12]}")
    return "\n".join([*found, "", NOTICE])


def interval_words(five: Sequence[float]) -> str:
    """Write 2.5, 25, 50, 75 and 97.5 % points as a median with two intervals.

    >>> interval_words((0.1, 0.2, 0.3, 0.4, 0.5))
    '0.30 (50 %: 0.20 to 0.40; 95 %: 0.10 to 0.50)'
    >>> interval_words((-0.5, -0.2, -0.001, 0.1, 0.2))
    '0.00 (50 %: −0.20 to 0.10; 95 %: −0.50 to 0.20)'
    """
    low, quarter, middle, three, high = (f"{round(x, 2) + 0.0:.2f}".replace("-", "−") for x in five)
    return f"{middle} (50 %: {quarter} to {three}; 95 %: {low} to {high})"


def _summary(one: QuantileForecast) -> tuple[float, float, float, float, float]:
    return one.at(0.025), one.at(0.25), one.at(0.5), one.at(0.75), one.at(0.975)
