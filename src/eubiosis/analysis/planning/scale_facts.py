"""What is known of a score's reliability, spread and course in control arms; for before-after designs."""

from __future__ import annotations

from functools import cache
from typing import Literal

from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.endpoints import ENDPOINTS
from eubiosis.core.findings import FindingCollector, unknown_word
from eubiosis.core.provenance import SourcedFact
from eubiosis.core.tables import read_table

TABLE = PACKAGED_CONTENT / "planning" / "scales.tsv"
Quantity = Literal["reliability", "population_mean", "population_sd", "control_change"]


class ScaleFact(SourcedFact):
    """One number about a scale; ``people`` behind it, ``entry`` the rule by which they were chosen."""

    scale: str
    quantity: Quantity
    people: int
    entry: str = ""


@cache
def load_scale_facts() -> tuple[ScaleFact, ...]:
    """Read the packaged table; its findings are raised together."""
    findings = FindingCollector()
    rows = read_table(TABLE, ScaleFact, findings)
    findings.raise_if_any()
    return tuple(rows)


def scale_bounds(scale: str | None) -> tuple[float, float] | None:
    """Return the lowest and the highest score of a scale in points; None where none are known.

    >>> scale_bounds("MFIS"), scale_bounds("T25FW")
    ((0.0, 84.0), None)
    """
    return {"MFIS": ENDPOINTS["mfis"].bounds, "FSS": (1.0, 7.0)}.get(
        scale or ""
    )  # FSS: the mean of its items


def scale_facts(scale: str) -> tuple[ScaleFact, ...]:
    """Return what is known of a scale; an unknown scale raises ``FindingsError``.

    >>> [fact.quantity for fact in scale_facts("FSS")]
    ['reliability', 'population_sd']
    """
    rows = tuple(row for row in load_scale_facts() if row.scale == scale)
    if not rows:
        known = tuple(dict.fromkeys(row.scale for row in load_scale_facts()))
        findings = FindingCollector()
        findings.add("scale", "", unknown_word(scale, known), allowed=", ".join(known),
                     next_step="or give reliability and SD yourself")  # fmt: skip
        findings.raise_if_any()
    return rows
