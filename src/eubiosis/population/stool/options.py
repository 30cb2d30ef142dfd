"""What a user may say about a stool table that cannot be seen from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from eubiosis.population.stool.features import Orientation

Blanks = Literal["refuse", "zero"]
Format = Literal[
    "text table",
    "metaphlan",
    "kraken",
    "bracken",
    "mothur",
    "biom",
    "qiime2",
    "h5ad",
    "excel",
]
FORMATS: tuple[str, ...] = get_args(Format)
BLANKS: tuple[str, ...] = get_args(Blanks)


@dataclass(frozen=True)
class ReadOptions:
    """Choices of the user; everything else is seen from the file.

    ``lineages`` gives the lineage of each feature id (a second file), ``rank`` the rank taken of a table that
    holds several, ``ignore`` columns to leave out, ``blanks`` what blank cells are.
    """

    format: Format | None = None
    orientation: Orientation | None = None
    blanks: Blanks = "refuse"
    ignore: tuple[str, ...] = ()
    group_column: str = ""
    rank: str = ""
    lineages: Mapping[str, str] = field(default_factory=dict)
