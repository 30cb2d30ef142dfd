"""Between- and within-person variances of stool endpoints, as estimated from repeated cohorts."""

from __future__ import annotations

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
    rows: tuple[StoolVariance, ...]


@cache
def load_stool_variances() -> tuple[StoolVariance, ...]:
    """Read the packaged table; its findings are raised together."""
    findings = FindingCollector()
    rows = read_table(TABLE, StoolVariance, findings)
    findings.raise_if_any()
    return tuple(rows)


def markers(kind: Kind) -> tuple[str, ...]:
    """Name the markers of a kind, in the order of the table.

    >>> markers("distance")
    ('bray_curtis', 'aitchison')
    """
    return tuple(dict.fromkeys(row.marker for row in load_stool_variances() if row.endpoint == kind))


def cohorts(kind: Kind, marker: str) -> tuple[str, ...]:
    """Name the cohorts in which a marker was measured repeatedly.

    >>> cohorts("guild", "BIF")[0]
    'baxter_control'
    """
    return tuple(
        dict.fromkeys(
            row.cohort for row in load_stool_variances() if row.endpoint == kind and row.marker == marker
        )
    )


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
    (2.75, True)
    """
    rows = find(kind, marker, cohort, ("between", "period", "sample", "visit"))
    if "sample" in rows:
        numbers = [rows[name].value for name in ("between", "period", "sample")]
        return Spread(numbers[0], numbers[1], numbers[2], True, tuple(rows.values()))
    if "visit" not in rows:
        findings = FindingCollector()
        findings.add("cohort", f"{kind} {marker}", f'"{cohort}" has no variance within people',
                     next_step="name another cohort, or give the variances")  # fmt: skip
        findings.raise_if_any()
    return Spread(rows["between"].value, 0.0, rows["visit"].value, False, tuple(rows.values()))
