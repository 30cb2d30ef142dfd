"""Between- and within-person variances of stool endpoints, as estimated from repeated cohorts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.findings import FindingCollector, unknown_word
from eubiosis.core.provenance import SourcedFact
from eubiosis.core.tables import read_table

Kind = Literal["guild", "acid", "distance", "engraftment"]
Component = Literal[
    "between", "period", "sample", "visit", "dimension", "dimension_change", "shift_inulin", "share",
    "correlation", "mean", "mean_before",
]  # fmt: skip
TABLE = PACKAGED_CONTENT / "planning" / "stool_variances.tsv"
ONE_VISIT = PACKAGED_CONTENT / "population" / "variance_components.tsv"
POOLED = "pooled"


class StoolVariance(SourcedFact):
    """One component of one marker in one cohort.

    ``between`` people; ``period``, what a person differs by from one two-week period to the next;
    ``sample``, between samples of one period; ``visit``, the last two together where a cohort has one
    sample a visit. ``dimension`` is the effective number of axes of a distance, ``shift_inulin`` what
    inulin did beyond control in the same units (not squared), ``share`` and ``correlation`` how often a
    strain is found and how two visits agree. ``people`` and ``samples`` say how many are behind it.
    """

    endpoint: Kind
    marker: str
    component: Component
    cohort: str
    people: int
    samples: int


class OneVisitVariance(SourcedFact):
    """What one sample at one visit shows of a guild or an acid, in one cohort or pooled over several.

    ``between`` people, ``within`` a person (from visit to visit, with what samples of a visit differ by),
    and ``reliability``, the share of both that lies between people. ``licence`` is that of the cohort's
    files; the numbers are summaries over its people.
    """

    endpoint: Literal["guild", "acid"]
    marker: str
    component: Literal["between", "within", "reliability"]
    cohort: str
    people: int
    samples: int
    licence: str


Row = StoolVariance | OneVisitVariance


@dataclass(frozen=True)
class Spread:
    """The variances of a marker that a plan needs, and the rows that they come from.

    ``period`` is zero and ``sample`` the whole visit variance where a cohort has one sample a visit:
    ``separable`` is then False, and more samples a visit promise more than the cohort can show.
    """

    between: float
    period: float
    sample: float
    separable: bool
    rows: tuple[Row, ...]

    def reliability(self, samples: float = 1) -> float:
        """Return the share of the variance of a visit's mean of ``samples`` that lies between people.

        The mean of m samples of a visit has variance between + period + sample / m; NaN where nothing varies.

        >>> Spread(between=2.0, period=0.5, sample=1.5, separable=True, rows=()).reliability(3)
        0.6666666666666666
        """
        total = self.between + self.period + self.sample / samples
        return self.between / total if total > 0 else math.nan

    def samples_for(self, reliability: float) -> int | None:
        """Return how many samples a visit the mean needs to be so reliable; None where no number is enough.

        >>> Spread(between=2.0, period=0.5, sample=1.5, separable=True, rows=()).samples_for(0.7)
        5
        """
        if not 0 < reliability < 1:
            message = f"reliability {reliability:g}; allowed: above 0 and below 1"
            raise ValueError(message)
        left = self.between * (1 - reliability) / reliability - self.period
        if left <= 0 or self.between == 0:
            return 1 if self.sample == 0 and left == 0 and self.between > 0 else None
        return max(math.ceil(self.sample / left - 1e-9), 1)


@cache
def load_stool_variances() -> tuple[StoolVariance, ...]:
    """Read the packaged table; its findings are raised together."""
    findings = FindingCollector()
    rows = read_table(TABLE, StoolVariance, findings)
    findings.raise_if_any()
    return tuple(rows)


@cache
def load_one_visit() -> tuple[OneVisitVariance, ...]:
    """Read the packaged table of one sample at one visit; its findings are raised together."""
    findings = FindingCollector()
    rows = read_table(ONE_VISIT, OneVisitVariance, findings)
    findings.raise_if_any()
    return tuple(rows)


def one_visit(kind: Kind, marker: str, cohort: str = POOLED) -> dict[str, OneVisitVariance]:
    """Return the rows of a marker at one visit by component; empty where there are none.

    >>> round(one_visit("guild", "BIF")["reliability"].value, 1)
    0.6
    """
    return {
        row.component: row
        for row in load_one_visit()
        if (row.endpoint, row.marker, row.cohort) == (kind, marker, cohort)
    }


def markers(kind: Kind) -> tuple[str, ...]:
    """Name the markers of a kind, in the order of the table.

    >>> markers("distance")
    ('bray_curtis', 'aitchison')
    """
    return tuple(dict.fromkeys(row.marker for row in load_stool_variances() if row.endpoint == kind))


def cohorts(kind: Kind, marker: str) -> tuple[str, ...]:
    """Name the cohorts in which a marker was measured repeatedly.

    The last is "pooled" where several cohorts of people at rest are joined.

    >>> cohorts("guild", "BIF")[0]
    'baxter_control'
    """
    named = dict.fromkeys(
        row.cohort for row in load_stool_variances() if row.endpoint == kind and row.marker == marker
    )
    return (*named, POOLED) if one_visit(kind, marker) else tuple(named)


def find(kind: Kind, marker: str, cohort: str, components: Sequence[Component]) -> dict[str, StoolVariance]:
    """Return the rows of a marker in a cohort by component; unknown words raise ``FindingsError``."""
    findings = FindingCollector()
    known = markers(kind)
    if marker not in known:
        findings.add("marker", kind, unknown_word(marker, known), allowed=", ".join(known))
    elif cohort not in cohorts(kind, marker):
        allowed = cohorts(kind, marker)
        findings.add("cohort", f"{kind} {marker}", unknown_word(cohort, allowed), allowed=", ".join(allowed))
    findings.raise_if_any()
    return {
        row.component: row
        for row in load_stool_variances()
        if (row.endpoint, row.marker, row.cohort) == (kind, marker, cohort) and row.component in components
    }


def spread_of(kind: Kind, marker: str, cohort: str) -> Spread:
    """Return the variances of a marker in a cohort (natural logarithm squared for guilds and acids).

    >>> spread = spread_of("guild", "BIF", "baxter_control")
    >>> round(spread.between, 2), spread.separable
    (2.71, True)
    """
    rows = find(kind, marker, cohort, ("between", "period", "sample", "visit"))
    if cohort == POOLED:
        joined = one_visit(kind, marker)
        return Spread(joined["between"].value, 0.0, joined["within"].value, False, tuple(joined.values()))
    if "sample" in rows:
        numbers = [rows[name].value for name in ("between", "period", "sample")]
        return Spread(numbers[0], numbers[1], numbers[2], True, tuple(rows.values()))
    if "visit" not in rows:
        findings = FindingCollector()
        findings.add("cohort", f"{kind} {marker}", f'"{cohort}" has no variance within people',
                     next_step="name another cohort, or give the variances")  # fmt: skip
        findings.raise_if_any()
    return Spread(rows["between"].value, 0.0, rows["visit"].value, False, tuple(rows.values()))
