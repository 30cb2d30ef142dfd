"""Operating characteristics of simulated trials: what was estimated, held against the truth of its world."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eubiosis.analysis.estimates import Estimates, TrialEstimate
from eubiosis.analysis.result import RATIO_SCALES
from eubiosis.analysis.truth.effects import TrueEffect
from eubiosis.core.frame import Table
from eubiosis.core.table_schemas import OPERATING_CHARACTERISTICS
from eubiosis.core.world_intervals import Quantiles, interval, interval_error

Array = NDArray[np.float64]
_ALPHA = 0.05
_LEAST_SPREAD = 1e-6  # of the largest effect; a spread between people below it is rounding


@dataclass(frozen=True)
class Characteristic:
    """One endpoint in one active arm, over all worlds and trials.

    ``truth`` and ``estimate`` are quantiles on the scale of the estimate (a ratio as it is), ``standardised``
    the truth over the standard deviation between subjects (``unit_sd``). ``power`` is the share of trials
    with p < 0.05 in either direction; its error, that of the ``bias`` and the ``truth_error`` of each point
    of the truth are over gut worlds, which share neither people nor luck. ``variance`` splits the variance of
    an estimate into shares: worlds, subjects, one trial.
    """

    endpoint: str
    arm: str
    ratio: bool
    truth: Quantiles
    truth_error: Quantiles
    estimate: Quantiles
    standardised: Quantiles
    unit_sd: float
    power: float
    power_error: float
    coverage: float
    bias: float
    bias_error: float
    trials: int
    not_usable: int
    method: str
    variance: tuple[float, float, float]


@dataclass(frozen=True)
class OperatingCharacteristics:
    """What an analysis does over simulated trials of known truth: one row an endpoint and active arm."""

    rows: tuple[Characteristic, ...]

    def __iter__(self) -> Iterator[Characteristic]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def of(self, endpoint: str, arm: str) -> Characteristic:
        """Return one row; raises ``KeyError`` naming what there is."""
        for row in self.rows:
            if (row.endpoint, row.arm) == (endpoint, arm):
                return row
        known = ", ".join(f"{row.endpoint}/{row.arm}" for row in self.rows)
        message = f"{endpoint}/{arm} was not analysed; there are: {known}"
        raise KeyError(message)

    def to_table(self) -> Table:
        """Return one row for each endpoint and active arm."""
        columns: dict[str, list[object]] = {
            "endpoint": [row.endpoint for row in self.rows],
            "arm": [row.arm for row in self.rows],
            "scale": ["ratio" if row.ratio else "difference" for row in self.rows],
        }
        for name in ("truth", "estimate"):
            for k, at in enumerate(("q2.5", "q50", "q97.5")):
                columns[f"{name}_{at}"] = [getattr(row, name)[k] for row in self.rows]
        for k, at in enumerate(("q2.5", "q50", "q97.5")):
            columns[f"truth_{at}_error"] = [row.truth_error[k] for row in self.rows]
        for name in ("power", "power_error", "coverage", "bias", "bias_error", "trials", "not_usable"):
            columns[name] = [getattr(row, name) for row in self.rows]
        return Table({k: np.asarray(v) for k, v in columns.items()}, schema=OPERATING_CHARACTERISTICS)

    def __repr__(self) -> str:
        trials = max((row.trials for row in self.rows), default=0)
        return f"OperatingCharacteristics: {len(self.rows)} rows from {trials} simulated trials"

    def _repr_html_(self) -> str:
        return self.to_table()._repr_html_()


def operating_characteristics(estimates: Estimates, truths: Sequence[TrueEffect]) -> OperatingCharacteristics:
    """Hold the estimates of simulated trials against the true effects of their worlds.

    A trial whose analysis gave no numbers is no rejection and stays in the count. Measures as in Morris,
    White and Crowther (2019, Statistics in Medicine 38:2074). Raises ``ValueError`` for estimates without a
    truth.

    >>> len(operating_characteristics(Estimates(()), ()))
    0
    """
    by_key: dict[tuple[str, str], list[TrialEstimate]] = {}
    for row in estimates:
        by_key.setdefault((row.estimate.endpoint, row.estimate.treated), []).append(row)
    true: dict[tuple[str, str], list[TrueEffect]] = {}
    for each in truths:
        true.setdefault((each.endpoint, each.arm), []).append(each)
    lacking = [f"{endpoint}/{arm}" for endpoint, arm in by_key if (endpoint, arm) not in true]
    if lacking:
        message = f"estimates without a true effect: {', '.join(lacking)}; give the truths of the same trials"
        raise ValueError(message)
    return OperatingCharacteristics(
        tuple(_characteristic(key, true[key], rows) for key, rows in by_key.items())
    )


def _characteristic(
    key: tuple[str, str], truths: Sequence[TrueEffect], rows: Sequence[TrialEstimate]
) -> Characteristic:
    ratio = rows[0].estimate.scale in RATIO_SCALES
    values = np.array([t.value for t in truths])
    by_world = {(t.gut_world, t.host_world): t.value for t in truths}
    usable = [row for row in rows if row.estimate.usable]
    errors = np.array([_on_scale(r.estimate.estimate, ratio) - by_world[_world(r)] for r in usable])
    covered = [
        _on_scale(r.estimate.ci_low, ratio) <= by_world[_world(r)] <= _on_scale(r.estimate.ci_high, ratio)
        for r in usable
    ]
    unit = float(np.mean([t.unit_sd for t in truths]))
    power, power_error = _over_gut_worlds(
        [(r.trial.gut_world, float(r.estimate.significant(_ALPHA))) for r in rows]
    )
    bias, bias_error = _over_gut_worlds(
        [(r.trial.gut_world, error) for r, error in zip(usable, errors.tolist(), strict=True)]
    )
    return Characteristic(
        endpoint=key[0],
        arm=key[1],
        ratio=ratio,
        truth=interval(np.exp(values) if ratio else values),
        truth_error=interval_error(np.exp(values) if ratio else values, [t.gut_world for t in truths]),
        estimate=interval(np.array([r.estimate.estimate for r in usable])),
        standardised=_standardised(values, unit),
        unit_sd=unit,
        power=power,
        power_error=power_error,
        coverage=float(np.mean(covered)) if covered else float("nan"),
        bias=bias,
        bias_error=bias_error,
        trials=len(rows),
        not_usable=len(rows) - len(usable),
        method=rows[0].estimate.method,
        variance=_variance(truths, errors),
    )


def _standardised(values: Array, unit: float) -> Quantiles:
    """Return effects in standard deviations between participants; NaN where that spread is only rounding.

    An endpoint that is the same for everybody has a standard deviation of 1e-16 or so, and an effect divided
    by it says nothing: a spread below a millionth of the largest effect counts as none.
    """
    if not unit > _LEAST_SPREAD * float(np.max(np.abs(values), initial=0.0)):
        return (float("nan"),) * 3
    return interval(values / unit)


def _world(row: TrialEstimate) -> tuple[int, int]:
    return row.trial.gut_world, row.trial.host_world


def _over_gut_worlds(values: Sequence[tuple[int, float]]) -> tuple[float, float]:
    """Return the mean of the gut worlds' means and its Monte Carlo error."""
    by_world: dict[int, list[float]] = {}
    for world, value in values:
        by_world.setdefault(world, []).append(value)
    if not by_world:
        return float("nan"), float("nan")
    means = np.array([np.mean(each) for each in by_world.values()])
    error = float(np.std(means, ddof=1) / np.sqrt(len(means))) if len(means) > 1 else float("nan")
    return float(means.mean()), error


def _variance(truths: Sequence[TrueEffect], errors: Array) -> tuple[float, float, float]:
    """Split the variance of the estimates: worlds, subjects, and all that happens in one trial.

    Worlds: the variance of the true effects between worlds less what the draw of subjects adds to it; one
    trial: what is left of the mean squared distance of an estimate from the truth of its world.
    """
    subjects = float(np.mean([t.spread**2 for t in truths]))
    worlds = max(float(np.var([t.value for t in truths])) - subjects, 0.0)
    sampling = float(np.mean(np.square(errors))) if len(errors) else float("nan")
    total = worlds + subjects + sampling
    first, second, third = (x / total if total > 0 else float("nan") for x in (worlds, subjects, sampling))
    return first, second, third


def _on_scale(value: float, ratio: bool) -> float:
    return float(np.log(value)) if ratio else value
