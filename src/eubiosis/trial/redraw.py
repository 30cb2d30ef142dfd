"""Trials of other sizes, lengths and samples per visit from subjects that are simulated already.

A trial is drawn from the pool of a world: people by lot, then randomisation, events, noise and drop-out of
its own. Nothing is solved again. A trial of more people than the pool has takes some twice, each copy with
its own luck, and the finite pool enters the Monte Carlo error of a surface.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.calendar import DAYS_PER_YEAR
from eubiosis.core.streams import stream
from eubiosis.core.trial_stacks import LatentStack, TrialStack
from eubiosis.model.clinical import ClinicalLaws
from eubiosis.model.model import Model
from eubiosis.trial.design import Design
from eubiosis.trial.world.courses import WorldCourses
from eubiosis.trial.world.host_world import (
    EnrolledWorld,
    clinical_laws,
    in_groups,
    latent_stack,
    relapse_columns,
)
from eubiosis.trial.world.interruptions import NOTHING
from eubiosis.trial.world.replicates import Replicates, replicates

SHARING = 8  # trials that share their people: more people are looked at with fewer


@dataclass(frozen=True)
class Pool:
    """The people of one pair of worlds, solved under every arm of ``design``; ``pair`` numbers the worlds."""

    laws: ClinicalLaws
    world: EnrolledWorld
    design: Design
    pair: tuple[int, int]

    @classmethod
    def of(cls, model: Model, world: EnrolledWorld, design: Design, pair: tuple[int, int]) -> Pool:
        """Take the enrolled people of a world as a pool."""
        return cls(clinical_laws(model), world, design, pair)

    def __len__(self) -> int:
        return len(self.world.subjects)

    def until(self, week: float) -> ShortPool:
        """Return the pool as trials see it whose last visit is in ``week``, a visit of the design.

        Intercurrent events of the design happen in none of them.

        Raises ``ValueError`` for another week.
        """
        if week not in self.design.visits[1:]:
            message = f"week {week:g} is no visit after entry; allowed: {self.design.visits[1:]}"
            raise ValueError(message)
        count = self.design.visits.index(week) + 1
        short = self.design.model_copy(update={"visits": self.design.visits[:count], "intercurrent": ()})
        courses = self.world.by_kept[NOTHING].until(count)
        return ShortPool(courses, short, self.laws, self.world.seed, self.world.label, self.pair)


@dataclass(frozen=True)
class ShortPool:
    """A pool up to the last visit of ``design``: what is the same in all trials drawn from it."""

    courses: WorldCourses
    design: Design
    laws: ClinicalLaws
    seed: int
    label: str
    pair: tuple[int, int]

    def trials(
        self,
        participants: int,
        numbers: Sequence[int],
        *,
        samples: int = 1,
        whole: bool = False,
        markers: bool = True,
        scans: bool = True,
    ) -> Iterator[tuple[TrialStack, LatentStack]]:
        """Draw the trials ``numbers`` of a size; ``samples`` are averaged at each visit.

        With ``whole`` every visit is measured and the days of relapses are kept, else the visits that an
        analysis looks at; without ``markers`` neither stool nor plasma is, without ``scans`` no lesions.

        A few trials at a time share their people. A trial has the same numbers whichever others are drawn, if
        they begin with the same multiple of ``SHARING``.
        """
        label = f"{self.label}/of {participants}"
        design = self.design.model_copy(update={"participants": participants})
        for begin in range(0, len(numbers), SHARING):
            group = numbers[begin : begin + SHARING]
            rows = people_by_lot(len(self.courses), participants, self.seed, label, group[0])
            courses = replace(self.courses.take(rows), numbers=np.arange(participants))
            for some in in_groups(group, participants):
                made = replicates(
                    courses,
                    design,
                    self.laws,
                    self.seed,
                    label,
                    some,
                    ends=not whole,
                    samples=samples,
                    markers=markers,
                    scans=scans,
                )
                yield (
                    self._seen(courses, design, made, whole=whole),
                    latent_stack(courses, made, self.pair, {}),
                )

    def _seen(self, courses: WorldCourses, design: Design, made: Replicates, *, whole: bool) -> TrialStack:
        there, at = made.presence, list(made.measured)
        columns = {
            "follow_up_years": there.followed / DAYS_PER_YEAR,
            "completed": there.followed >= design.days,
            **made.subjects,
        }
        return TrialStack(
            *self.pair, made.numbers, courses.numbers, courses.arms, made.arm,
            np.array(design.visits)[at], there.attended[at], columns, made.visits,
            relapses=relapse_columns(courses, made, self.pair) if whole else {},
        )  # fmt: skip


def people_by_lot(pool: int, wanted: int, seed: int, label: str, number: int) -> NDArray[np.int64]:
    """Return positions of ``wanted`` people of a pool: everybody as often as fits, the rest by lot.

    So up to the size of the pool nobody comes twice, and such a trial is a sample of the population that the
    pool itself was drawn from.

    >>> sorted(people_by_lot(3, 7, 1, "0.0", 0).tolist())[:2]
    [0, 0]
    """
    generator = stream(seed, f"trial/{label}/people", number)
    whole, rest = divmod(wanted, pool)
    rows = np.concatenate([np.tile(np.arange(pool), whole), generator.permutation(pool)[:rest]])
    return np.asarray(generator.permutation(rows), dtype=np.int64)
