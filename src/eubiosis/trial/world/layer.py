"""Numbers of the trial layer: measurement and placebo response, with their sources."""

from __future__ import annotations

from functools import cache

from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.provenance import SourcedNumber
from eubiosis.core.sourced_numbers import sourced_numbers

TABLE = PACKAGED_CONTENT / "trials" / "trial_layer.tsv"


@cache
def trial_numbers() -> dict[str, SourcedNumber]:
    """Read the numbers of the trial layer by id; raises ``FindingsError``."""
    return sourced_numbers(TABLE)
