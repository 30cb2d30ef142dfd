"""People of a stool table who cannot take part: how many of how many, and which samples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from eubiosis.population.contrast import GuildContrast

MOST_LOST = 0.10  # of the people of a table; more is a warning
NAMED = 12  # samples that a warning names


@dataclass(frozen=True)
class LostProfiles:
    """What became of the participants' samples of a table.

    ``people`` is how many were tried: every sample that cannot be used, and every usable one that was asked
    to be held in the model. ``unusable`` maps ids to the reason; ``unheld`` lists the ids of samples that no
    steady state holds, in at least one of ``worlds`` gut worlds (0: nobody was asked). ``untried`` usable
    samples were never needed; they are not among ``people``.
    """

    people: int
    unusable: Mapping[str, str] = field(default_factory=dict)
    unheld: tuple[str, ...] = ()
    untried: int = 0
    worlds: int = 0

    @classmethod
    def of(
        cls,
        contrast: GuildContrast,
        rows: Sequence[int] | NDArray[np.int64],
        worlds: Sequence[tuple[Sequence[int], Sequence[int]]] | None = None,
    ) -> LostProfiles:
        """Count the samples ``rows`` (positions) of a table.

        ``worlds`` has for each gut world the positions of the samples that were tried, and of those that were
        not held; None where no sample was.
        """
        own = [int(row) for row in rows]
        unusable = {
            contrast.subject_ids[row]: contrast.status[row] for row in own if not contrast.usable[row]
        }
        usable = [row for row in own if contrast.usable[row]]
        if worlds is None:
            return cls(len(own), unusable)
        tried = {row for some, _ in worlds for row in some}.intersection(usable)
        unheld = {row for _, some in worlds for row in some}.intersection(tried)
        names = tuple(contrast.subject_ids[row] for row in usable if row in unheld)
        return cls(
            len(unusable) + len(tried), unusable, names, untried=len(usable) - len(tried), worlds=len(worlds)
        )

    @property
    def lost(self) -> int:
        """How many are lost."""
        return len(self.unusable) + len(self.unheld)

    @property
    def share(self) -> float:
        """The share of the people who were tried that is lost; 0 where nobody was."""
        return self.lost / self.people if self.people else 0.0

    def warning(self) -> str | None:
        """Return a sentence that names the samples where more than a tenth of the people are lost."""
        if self.share <= MOST_LOST:
            return None
        parts = []
        if self.unusable:
            reasons = Counter(self.unusable.values())
            why = ", ".join(f"{count} {word}" for word, count in sorted(reasons.items()))
            parts.append(f"{len(self.unusable):,} cannot be used ({why}): {_named(tuple(self.unusable))}")
        if self.unheld:
            where = "" if self.worlds == 1 else f" in at least one of {self.worlds:,} gut worlds"
            parts.append(
                f"{len(self.unheld):,} have a composition that no steady state holds{where}: "
                f"{_named(self.unheld)}"
            )
        untried = f" ({self.untried:,} more were not needed)" if self.untried else ""
        return (
            f"{self.lost:,} of {self.people:,} people of the stool table{untried} are lost, "
            f"{self.share:.0%} where {MOST_LOST:.0%} is the limit: {'; '.join(parts)}. Results are of the "
            "others, who may differ from them"
        )


def participants(contrast: GuildContrast, groups: Sequence[str] | None, group: str) -> NDArray[np.int64]:
    """Return the positions of the participants' samples: those of ``group``, or all without groups."""
    if groups is None:
        return np.arange(len(contrast.subject_ids), dtype=np.int64)
    return np.flatnonzero(np.array([name == group for name in groups], dtype=bool)).astype(np.int64)


def _named(ids: Sequence[str]) -> str:
    more = len(ids) - NAMED
    return ", ".join(ids[:NAMED]) + (f" and {more:,} more" if more > 0 else "")
