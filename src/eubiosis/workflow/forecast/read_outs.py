"""Read-outs against sealed forecasts: what a trial printed is entered, and both models are scored on it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np

from eubiosis.analysis.quantile_scores import inside, weighted_interval_score
from eubiosis.analysis.quantile_summaries import crps_of_quantiles, quantile_bias
from eubiosis.analysis.sample_scores import counted_share
from eubiosis.core.findings import FindingCollector, unknown_word
from eubiosis.core.sealed import FORECAST, LEVELS, REFERENCE, QuantileForecast, SealedRegistry, TrialReadOut
from eubiosis.core.tables import check_unique, display_name, read_table
from eubiosis.evidence.forecast.sealed_forecasts import FOLDER, read_registry, sealed_forecasts

SHARES = (0.5, 0.8, 0.9, 0.95)  # central intervals whose coverage is counted
FEW = (
    "eight trials cannot show whether intervals are calibrated: of eight independent 90 % intervals that are "
    "good, at least one misses in 57 of 100 such sets, and twin trials are not even independent"
)


@dataclass(frozen=True)
class ModelScore:
    """The scores of one model on one read-out: unit of the target, smaller is better, but for ``bias``.

    ``wis`` and its three parts, ``bias`` and ``inside`` (share -> whether the central interval holds the
    value) are those of scoringutils; ``crps`` is that of the quantiles; ``below`` the share of the forecast
    at or below the printed value, between neighbouring levels by a straight line.
    """

    model: str
    wis: float
    dispersion: float
    overprediction: float
    underprediction: float
    crps: float
    bias: float
    inside: dict[str, bool]
    below: float


@dataclass(frozen=True)
class ReadOutScore:
    """One read-out beside both models; ``ratio`` is WIS of the forecast over that of the reference.

    ``look`` says whether it was printed before or after the seal, ``overlaps`` whether the printed 95 %
    interval meets that of the forecast.
    """

    origin_date: str
    read_out: TrialReadOut
    unit: str
    forecast: ModelScore
    reference: ModelScore
    ratio: float
    overlaps: bool
    look: str


@dataclass(frozen=True)
class RegistryScore:
    """Every read-out with its scores, what is still open, and the counts over read-outs.

    ``coverage`` rows of share, how many inside, of how many, exact 95 % interval of that share.
    """

    scores: tuple[ReadOutScore, ...]
    open: tuple[tuple[str, str], ...]
    coverage: tuple[tuple[float, int, int, float, float], ...]
    says: str


def read_read_outs(
    path: Path, registry: SealedRegistry, *, today: date | None = None
) -> tuple[TrialReadOut, ...]:
    """Read a table of read-outs; raises ``FindingsError`` with everything that is wrong in it.

    A row without an interval, of a trial or target that was not forecast, given twice or printed after
    ``today`` (default: the day of the machine) is refused.
    """
    findings = FindingCollector()
    rows = read_table(path, TrialReadOut, findings)
    name = display_name(path)
    check_unique([(f"{row.trial}, {row.target}",) * 2 for row in rows], name, "read-out", findings)
    tasks = {(task.trial, task.target) for task in registry.tasks}
    last = (today or datetime.now(tz=UTC).date()).isoformat()
    for row in rows:
        if row.published > last:
            findings.add(name, f"{row.trial}, {row.target}", f"published {row.published}, after today",
                         allowed=f"a day up to {last}",
                         next_step="write the day on which it was first printed")  # fmt: skip
        if row.trial not in registry.trials:
            findings.add(name, row.trial, f"trial {unknown_word(row.trial, registry.trials)}",
                         allowed=", ".join(registry.trials))  # fmt: skip
        elif (row.trial, row.target) not in tasks:
            own = sorted(target for trial, target in tasks if trial == row.trial)
            findings.add(name, f"{row.trial}, {row.target}", "this target was not forecast for this trial",
                         allowed=", ".join(own))  # fmt: skip
        elif (target := registry.targets[row.target]) and not _within(row.value, target.least, target.most):
            findings.add(name, f"{row.trial}, {row.target}", f"value {row.value:g} {target.unit}",
                         allowed=f"{target.least} to {target.most or 'any'}",
                         next_step="enter the number in the target's unit")  # fmt: skip
    findings.raise_if_any()
    return tuple(rows)


def score_registry(
    table: Path | None = None, folder: Path = FOLDER, *, today: date | None = None
) -> RegistryScore:
    """Verify the seals of ``folder`` and score the read-outs of ``table`` (default: the folder's own).

    Raises ``FindingsError`` where a hash does not fit or a read-out is refused: then nothing is scored.
    """
    forecasts, registry = sealed_forecasts(folder), read_registry(folder)
    rows = read_read_outs(table or folder / "read_outs.tsv", registry, today=today)
    scores = tuple(made for row in rows for made in _scores(row, forecasts, registry))
    seen = {(row.trial, row.target) for row in rows}
    rest = tuple(
        dict.fromkeys((one.trial, one.target) for one in forecasts if (one.trial, one.target) not in seen)
    )
    return RegistryScore(scores, rest, _coverage(scores), FEW)


def score_quantiles(forecast: QuantileForecast, value: float) -> ModelScore:
    """Score one sealed forecast on one number."""
    parts = weighted_interval_score(value, LEVELS, forecast.values)
    return ModelScore(
        forecast.model,
        parts.score,
        parts.dispersion,
        parts.overprediction,
        parts.underprediction,
        crps_of_quantiles(value, LEVELS, forecast.values),
        quantile_bias(value, LEVELS, forecast.values),
        {f"{share:g}": inside(value, LEVELS, forecast.values, share) for share in SHARES},
        _below(forecast, value),
    )


def oracle_csv(rows: Sequence[TrialReadOut]) -> str:
    """Return read-outs as the hubverse's oracle output (``target-data/oracle-output.csv``)."""
    lines = [f"{row.target},{row.trial},{row.value:.10g}" for row in rows]
    return "\n".join(["target,trial,oracle_value", *lines]) + "\n"


def _scores(
    row: TrialReadOut, forecasts: Sequence[QuantileForecast], registry: SealedRegistry
) -> list[ReadOutScore]:
    own = [one for one in forecasts if (one.trial, one.target) == (row.trial, row.target)]
    made = []
    for origin_date in dict.fromkeys(one.origin_date for one in own):
        by_model = {one.model: one for one in own if one.origin_date == origin_date}
        scored = {model: score_quantiles(one, row.value) for model, one in by_model.items()}
        said = by_model[FORECAST]
        made.append(
            ReadOutScore(
                origin_date,
                row,
                registry.targets[row.target].unit,
                scored[FORECAST],
                scored[REFERENCE],
                _ratio(scored[FORECAST].wis, scored[REFERENCE].wis),
                row.low <= said.at(0.975) and said.at(0.025) <= row.high,
                row.look(origin_date),
            )
        )
    return made


def _coverage(scores: Sequence[ReadOutScore]) -> tuple[tuple[float, int, int, float, float], ...]:
    if not scores:
        return ()
    rows = []
    for share in SHARES:
        hits = sum(one.forecast.inside[f"{share:g}"] for one in scores)
        counted = counted_share(hits, len(scores))
        rows.append((share, hits, len(scores), counted.low, counted.high))
    return tuple(rows)


def _ratio(own: float, other: float) -> float:
    return own / other if other > 0 else math.inf


def _below(forecast: QuantileForecast, value: float) -> float:
    """Return the share of a forecast at or below a value; 0.01 and 0.99 are the least and most it can say."""
    values = np.asarray(forecast.values)
    place = np.interp(value, values, np.asarray(LEVELS))
    return float(place)


def _within(value: float, least: float | None, most: float | None) -> bool:
    return (least is None or value >= least) and (most is None or value <= most)
