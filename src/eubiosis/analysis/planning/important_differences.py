"""Which difference matters to people, and which change of one person exceeds measurement error."""

from __future__ import annotations

from functools import cache
from typing import Literal

from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.findings import FindingCollector
from eubiosis.core.provenance import SourcedFact
from eubiosis.core.tables import read_table

TABLE = PACKAGED_CONTENT / "planning" / "important_differences.tsv"


class ImportantDifference(SourcedFact):
    """One number about an endpoint, in its unit; ``people`` behind it.

    ``important``: the smallest difference that matters (MCID); ``detectable``: the smallest change of one
    person beyond measurement error.
    """

    endpoint: str
    quantity: Literal["important", "detectable"]
    people: int


@cache
def load_important_differences() -> tuple[ImportantDifference, ...]:
    """Read the packaged table; its findings are raised together."""
    findings = FindingCollector()
    rows = read_table(TABLE, ImportantDifference, findings)
    findings.raise_if_any()
    return tuple(rows)


def important_difference(
    endpoint: str, quantity: Literal["important", "detectable"] = "important"
) -> ImportantDifference | None:
    """Return what our tables hold of an endpoint; None where they hold nothing.

    >>> important_difference("mfis").value, important_difference("edss")
    (4.0, None)
    """
    rows = load_important_differences()
    return next((row for row in rows if (row.endpoint, row.quantity) == (endpoint, quantity)), None)
