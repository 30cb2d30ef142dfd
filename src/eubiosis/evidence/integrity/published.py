"""Hold published pooled results against pools of our records: what fits and what is missing.

Some plain readings of the records are tried: all trials with numbers or every subset of at least two of a
handful, dispersions converted or as printed, fixed effect or DerSimonian-Laird. The closest is named; it is
a hint on how the published number came about and not a proof.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Literal, get_args

from eubiosis.core.evidence_report import Interval
from eubiosis.core.findings import FindingsError
from eubiosis.evidence.records.companions import MetaAnalysis
from eubiosis.evidence.records.store import Evidence
from eubiosis.evidence.synthesis.heterogeneity import Tau2Method
from eubiosis.evidence.synthesis.pooling import PooledEffect, pool_question
from eubiosis.evidence.synthesis.selection import Dispersions, PoolQuestion, select

METRICS = {"WMD": "MD", "MD": "MD", "SMD": "SMD", "RR": "RR", "OR": "OR"}
Status = Literal["reproduced", "close", "not reproduced", "inputs missing"]
REPRODUCED, CLOSE = (
    0.05,
    0.15,
)  # largest difference of estimate and limits, as a share of the interval's width
MOST_SUBSETS = 5  # of a handful of trials every subset is tried, of more only all together


@dataclass(frozen=True)
class PublishedComparison:
    """A published pool, the closest pool from our records, and how well they meet."""

    published: MetaAnalysis
    status: Status
    reason: str
    pooled: PooledEffect | None = None


def compare_published(evidence: Evidence) -> list[PublishedComparison]:
    """Compare every published pooled result of the table."""
    return [_compare(evidence, row) for row in evidence.table(MetaAnalysis)]


@dataclass(frozen=True)
class ComparisonLine:
    """A comparison in a list."""

    id: str
    published: str
    outcome: str
    intervention: str
    metric: str
    published_estimate: float | None
    published_low: float | None
    published_high: float | None
    status: Status
    our_estimate: float | None
    our_low: float | None
    our_high: float | None
    our_k: int
    reason: str
    source: str


def comparison_line(comparison: PublishedComparison) -> ComparisonLine:
    """Return a comparison as one row of a list."""
    row, pooled = comparison.published, comparison.pooled
    ours = pooled.headline if pooled else Interval("none")
    return ComparisonLine(
        row.id, f"{row.author} {row.year}", row.outcome, row.intervention, row.effect_metric, row.effect,
        row.ci_low, row.ci_high, comparison.status, ours.estimate, ours.low, ours.high,
        pooled.k if pooled else 0, comparison.reason, row.source,
    )  # fmt: skip


def _compare(evidence: Evidence, row: MetaAnalysis) -> PublishedComparison:
    missing = _why_impossible(evidence, row)
    if missing:
        return PublishedComparison(row, "inputs missing", missing)
    assert row.effect is not None
    assert row.ci_low is not None
    assert row.ci_high is not None
    printed = (row.effect, row.ci_low, row.ci_high)
    best: tuple[float, PooledEffect, str] | None = None
    for pooled, reading in _readings(evidence, row):
        ours = (pooled.headline.estimate, pooled.headline.low, pooled.headline.high)
        gap = max(abs(a - b) for a, b in zip(ours, printed, strict=True) if a is not None)
        if best is None or gap < best[0]:
            best = gap, pooled, reading
    if best is None:
        return PublishedComparison(
            row, "inputs missing", "no randomised trial in our records prints a usable number"
        )
    gap, pooled, reading = best
    share = gap / (row.ci_high - row.ci_low)
    status: Status = "reproduced" if share <= REPRODUCED else "close" if share <= CLOSE else "not reproduced"
    studies = ", ".join(one.study.id for one in pooled.selection.included)
    out = ", ".join(dict.fromkeys(x.study.id for x in pooled.selection.excluded))
    reason = f"largest difference {gap:.2f}, {100 * share:.0f} % of the width; "
    reason += f"closest reading: {reading}; {studies}"
    if status != "reproduced" and out:
        reason += f"; without usable numbers or not in this reading: {out}"
    return PublishedComparison(row, status, reason, pooled)


def _why_impossible(evidence: Evidence, row: MetaAnalysis) -> str:
    if row.read == "recalled":
        return "recalled: nobody has read the published number"
    if row.effect is None or row.ci_low is None or row.ci_high is None:
        return "the published estimate or interval is not readable"
    if row.species != "human" or row.effect_metric not in METRICS:
        return f"{row.species}, {row.effect_metric or 'no metric'}: no pool of trials in people"
    if row.network:
        return "a network meta-analysis; only direct comparisons are pooled here"
    try:
        evidence.outcome(row.outcome)
        evidence.intervention(row.intervention)
    except FindingsError:
        return f"{row.outcome} under {row.intervention} is not among our records"
    return ""


def _readings(evidence: Evidence, row: MetaAnalysis) -> Iterator[tuple[PooledEffect, str]]:
    metric = METRICS[row.effect_metric]
    methods: tuple[Tau2Method, ...] = ("FE", "DL")
    for dispersions in get_args(Dispersions):
        whole = PoolQuestion(row.outcome, row.intervention, metric=metric, dispersions=dispersions)
        for chosen in _subsets([one.study.id for one in select(evidence, whole).included]):
            question = PoolQuestion(
                row.outcome, row.intervention, studies=chosen, metric=metric, dispersions=dispersions
            )
            for method in methods:
                pooled = pool_question(evidence, question, tau2=method, ci="wald", sensitivity=False)
                yield pooled, f"{method}, dispersions {dispersions}"


def _subsets(names: list[str]) -> Iterator[tuple[str, ...]]:
    if len(names) > MOST_SUBSETS:
        yield tuple(names)
        return
    for size in range(len(names), min(len(names), 2) - 1, -1):
        if size:
            yield from combinations(names, size)
