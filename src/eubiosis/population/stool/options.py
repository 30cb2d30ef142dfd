"""What a user may say about a stool table that cannot be seen from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
Progress = Callable[[str, float], None]  # what is being done, and how much of it is (0-1)


@dataclass(frozen=True)
class ReadOptions:
    """Choices of the user; everything else is seen from the file.

    ``lineages`` gives the lineage of each feature id (a second file), ``rank`` the rank taken of a table that
    holds several, ``ignore`` columns to leave out, ``blanks`` what blank cells are; ``progress`` is told how
    far a long reading is.
    """

    format: Format | None = None
    orientation: Orientation | None = None
    blanks: Blanks = "refuse"
    ignore: tuple[str, ...] = ()
    group_column: str = ""
    rank: str = ""
    lineages: Mapping[str, str] = field(default_factory=dict)
    progress: Progress | None = None

    def tick(self, doing: str) -> Callable[[int, int], None] | None:
        """Return what tells ``progress`` how many of how many are done, or None where nobody listens."""
        tell = self.progress
        return None if tell is None else lambda done, whole: tell(doing, done / whole if whole else 1.0)
