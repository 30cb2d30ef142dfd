"""Numbers of the trial layer: measurement and placebo response, with their sources."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.provenance import SourcedNumber
from eubiosis.core.sourced_numbers import sourced_numbers

TABLE = PACKAGED_CONTENT / "trials" / "trial_layer.tsv"


@cache
def trial_numbers() -> dict[str, SourcedNumber]:
    """Read the numbers of the trial layer by id; raises ``FindingsError``."""
    return sourced_numbers(TABLE)


@cache
def trial_values() -> Mapping[str, float]:
    """Return the value of every number of the trial layer by id; raises ``FindingsError``."""
    return {name: row.value for name, row in trial_numbers().items()}
