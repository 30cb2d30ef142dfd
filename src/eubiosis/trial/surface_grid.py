"""The grid of a power surface: which trials of a design are redrawn from its subjects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

from pydantic import Field

from eubiosis.core.endpoints import ENDPOINTS
from eubiosis.core.kinds import Words, plain
from eubiosis.core.spec import Problem, Spec, rule
from eubiosis.trial.design import Design

MOST_REDRAWN = 20_000  # people of a trial that is redrawn: bounds the memory
_ALWAYS = ("relapses", "mfis", "treg")  # beside the primary endpoint, where nothing else is asked for
Sizes = tuple[Annotated[int, Field(ge=4, le=MOST_REDRAWN)], ...]


class SurfaceGrid(Spec):
    """Which trials a power surface holds; what is left out follows from the design (``filled_for``).

    ``participants`` are sizes of whole trials; more than the pool of people that are simulated means that
    some come twice, each time with a luck of their own. ``weeks`` are last visits, visits of the design
    themselves. ``samples_per_visit`` says how many samples, or ratings, are averaged at each visit.
    ``replicates`` trials of each kind are drawn in every pair of worlds.

    >>> SurfaceGrid(participants=[60, 120]).replicates
    8
    """

    participants: Annotated[Sizes, Field(strict=False, max_length=20)] = ()
    weeks: Annotated[tuple[Annotated[float, Field(gt=0)], ...], Field(strict=False, max_length=20)] = ()
    samples_per_visit: Annotated[
        tuple[Annotated[int, Field(ge=1, le=50)], ...], Field(strict=False, min_length=1, max_length=10)
    ] = (1,)
    endpoints: Annotated[tuple[Annotated[str, *Words(tuple(ENDPOINTS)).marks], ...], Field(strict=False)] = ()
    replicates: Annotated[int, Field(ge=2, le=10_000)] = 8

    @staticmethod
    @rule("participants", "weeks", "samples_per_visit", "endpoints")
    def _nothing_twice(*axes: Sequence[object]) -> Iterator[Problem]:
        names = ("participants", "weeks", "samples_per_visit", "endpoints")
        for name, values in zip(names, axes, strict=True):
            twice = [value for k, value in enumerate(values) if value in values[:k]]
            if twice:
                yield Problem((name,), f"{twice[0]} comes twice", "each value once", "remove one")

    def filled_for(self, design: Design) -> SurfaceGrid:
        """Return the grid with what was left out: half, whole and twice the size; the middle and last visit.

        Endpoints are then the primary one, relapses, fatigue and regulatory T cells.
        """
        size, least = design.participants, design.block * sum(design.allocation)
        sizes = self.participants or tuple(
            sorted(
                {max(size // 2, least, 4), max(size, 4), 2 * size}
                if 2 * size <= MOST_REDRAWN
                else {MOST_REDRAWN}
            )
        )
        after = [week for week in design.visits if week > 0]
        middle = [week for week in after if week <= after[-1] / 2][-1:]
        weeks = self.weeks or (*middle, after[-1])
        return self.changed(
            participants=tuple(sorted(sizes)),
            weeks=tuple(sorted(weeks)),
            samples_per_visit=tuple(sorted(self.samples_per_visit)),
            endpoints=self.endpoints or tuple(dict.fromkeys((design.primary, *_ALWAYS))),
        )

    def problems_with(self, design: Design) -> Iterator[Problem]:
        """Yield what of the grid the design cannot give; places are those of the grid."""
        after = [week for week in design.visits if week > 0]
        for k, week in enumerate(self.weeks):
            if week not in after:
                yield Problem(
                    ("weeks", k),
                    f"week {plain(week)} is no visit of the design after entry",
                    ", ".join(plain(each) for each in after),
                    "choose one of these, or add the visit to the design",
                )
        least = design.block * sum(design.allocation)
        for k, size in enumerate(self.participants):
            if size < least:
                yield Problem(
                    ("participants", k),
                    f"{size} participants do not fill one block of {least}",
                    f"{least} or more",
                    "take more participants, or a smaller block in the design",
                )
