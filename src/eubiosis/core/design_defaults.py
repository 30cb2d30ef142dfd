"""What a trial design says where its author says nothing: numbers with unit, range, basis and source."""

from __future__ import annotations

from functools import cache

from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.provenance import SourcedNumber
from eubiosis.core.sourced_numbers import sourced_numbers

TABLE = PACKAGED_CONTENT / "trials" / "design_defaults.tsv"


@cache
def design_defaults() -> dict[str, SourcedNumber]:
    """Read the defaults by id; raises ``FindingsError``.

    >>> design_defaults()["dropout_per_year"].basis
    'assumed'
    """
    return sourced_numbers(TABLE)


def default(name: str) -> float:
    """Return the value of one default; raises ``KeyError`` for an unknown one."""
    return design_defaults()[name].value
