"""Operating characteristics: what an analysis does over many simulated trials whose truth is known.

Measures and their Monte Carlo standard errors as in Morris, White and Crowther (2019, Statistics in
Medicine 38:2074). A trial whose analysis gave no numbers is no rejection; it stays in the count.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from eubiosis.analysis.result import RATIO_SCALES, Estimate
from eubiosis.core.streams import stream


@dataclass(frozen=True)
class Scenario:
    """A way to make trials, one analysis, and the truth it should find.

    ``truth`` is on the scale of the estimate (a rate ratio of 1 is 1); ``null`` says that the arms do not
    differ, so that rejections are errors; ``planned_power`` is what a closed form promises, or None.
    """

    name: str
    method: str
    truth: float
    null: bool
    trial: Callable[[np.random.Generator], Estimate]
    planned_power: float | None = None
    level: float = 0.05


@dataclass(frozen=True)
class Measured:
    """A number with its Monte Carlo standard error."""

    value: float
    error: float


@dataclass(frozen=True)
class Performance:
    """How one analysis did in one scenario.

    ``rejected`` is type I error under the null and power otherwise, over all trials; bias, spread and
    coverage are on the analysis scale (log for ratios) over the trials with numbers; ``error_ratio`` is
    the mean standard error over the empirical one. ``failed`` counts trials without numbers and
    ``boundary`` those with the smaller model.
    """

    scenario: Scenario
    trials: int
    failed: int
    boundary: int
    rejected: Measured
    coverage: Measured
    bias: Measured
    empirical_error: Measured
    error_ratio: float


def run_scenario(scenario: Scenario, trials: int, seed: int, alpha: float = 0.05) -> Performance:
    """Simulate and analyse trials; trial number i always sees the same random numbers."""
    results = [scenario.trial(stream(seed, scenario.name, i)) for i in range(trials)]
    return summarise(scenario, results, alpha)


def summarise(scenario: Scenario, results: Sequence[Estimate], alpha: float = 0.05) -> Performance:
    """Summarise the analyses of simulated trials."""
    usable = [one for one in results if one.usable]
    ratio = bool(results) and results[0].scale in RATIO_SCALES
    truth = math.log(scenario.truth) if ratio else scenario.truth
    values = np.array([math.log(one.estimate) if ratio else one.estimate for one in usable])
    errors = np.array([one.standard_error for one in usable])
    covered = np.array([one.ci_low <= scenario.truth <= one.ci_high for one in usable], dtype=float)
    spread = float(values.std(ddof=1)) if len(values) > 1 else math.nan
    count = max(len(values), 1)
    return Performance(
        scenario,
        len(results),
        len(results) - len(usable),
        sum(one.status == "boundary" for one in results),
        _share(np.array([one.significant(alpha) for one in results], dtype=float)),
        _share(covered),
        Measured(float(values.mean()) - truth if len(values) else math.nan, spread / math.sqrt(count)),
        Measured(spread, spread / math.sqrt(2 * max(count - 1, 1))),
        float(np.sqrt(np.mean(errors**2))) / spread if len(values) > 1 and spread > 0 else math.nan,
    )


def as_markdown(rows: Iterable[Performance]) -> str:
    """Return the table of results in Markdown, Monte Carlo standard errors in brackets."""
    lines = [
        "| Scenario | Analysis | Trials | No numbers | Boundary | Rejected % | Closed form % "
        "| Coverage % | Bias | Empirical SE | Model SE / empirical |",
        "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for row in rows:
        one = row.scenario
        planned = "" if one.planned_power is None else f"{100 * one.planned_power:.1f}"
        if one.null:
            planned = f"{100 * one.level:.1f} (level)"
        lines.append(
            f"| {one.name} | {one.method} | {row.trials} | {row.failed} | {row.boundary} "
            f"| {100 * row.rejected.value:.1f} ({100 * row.rejected.error:.1f}) | {planned} "
            f"| {100 * row.coverage.value:.1f} ({100 * row.coverage.error:.1f}) "
            f"| {row.bias.value:+.4f} ({row.bias.error:.4f}) "
            f"| {row.empirical_error.value:.4f} ({row.empirical_error.error:.4f}) | {row.error_ratio:.3f} |"
        )
    return "\n".join(lines) + "\n"


def as_records(rows: Iterable[Performance]) -> list[dict[str, float | int | str | bool | None]]:
    """Return the results as flat records."""
    records: list[dict[str, float | int | str | bool | None]] = []
    for row in rows:
        record: dict[str, float | int | str | bool | None] = {
            "scenario": row.scenario.name,
            "method": row.scenario.method,
            "truth": row.scenario.truth,
            "null": row.scenario.null,
            "planned_power": row.scenario.planned_power,
            "trials": row.trials,
            "failed": row.failed,
            "boundary": row.boundary,
            "error_ratio": row.error_ratio,
        }
        for name in ("rejected", "coverage", "bias", "empirical_error"):
            measured = getattr(row, name)
            record[name] = measured.value
            record[f"{name}_mcse"] = measured.error
        records.append(record)
    return records


def _share(hits: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Measured:
    if len(hits) == 0:
        return Measured(math.nan, math.nan)
    share = float(hits.mean())
    return Measured(share, math.sqrt(share * (1 - share) / len(hits)))
