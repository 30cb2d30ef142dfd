"""Enrol the people of one gut world as candidates stream by: guts and hosts are reduced as they are made.

Candidates are held, run and screened some at a time; of who enters only what trials need is kept. Nobody's
numbers depend on the company, so how many are run together changes no bit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.machine import give_back_memory
from eubiosis.core.streams import KeptDraws, SubjectDraws
from eubiosis.engine import FAILURES
from eubiosis.model.held import FAR, HELD
from eubiosis.model.model import Model
from eubiosis.model.niche import NICHE_UNSOLVED, OK
from eubiosis.model.worlds import GutWorld
from eubiosis.population.generate import Cohort
from eubiosis.population.subjects import VirtualSubjects
from eubiosis.trial.design import Design
from eubiosis.trial.world.beyond import Beyond
from eubiosis.trial.world.courses import WorldCourses
from eubiosis.trial.world.direct import LogFactors
from eubiosis.trial.world.gut import GutCourses, HeldCandidates, gut_courses, hold_candidates
from eubiosis.trial.world.harms import harm_rates
from eubiosis.trial.world.host import EventScale, HostCourses, at_level, event_scale, relative_hosts
from eubiosis.trial.world.host_world import (
    LEAST_REFERENCE,
    MOST_REFERENCE,
    REFERENCE_POOL,
    EnrolledWorld,
    clinical_laws,
    early_reason,
    paper_reason,
    screened,
)
from eubiosis.trial.world.persons import rated

NUMBERS_A_WORLD = 1_000_000
_HELD_TOGETHER = 256  # candidates whose compositions are held together: bounds the memory, changes no number
RUN_TOGETHER = 128  # candidates at least whose guts and hosts are run together: likewise


@dataclass(frozen=True)
class Candidates:
    """The candidates of one gut world: how many were made, could not be held at all, and failed by status.

    ``held`` is how many have a gut of their own, ``far`` how many of these are far from their profile;
    ``largest_residual`` (log units) and ``largest_factor`` (over the reference's, or under it) are the
    largest among them, NaN where nobody is held. ``asked`` is how many were run at all, having passed
    screening on paper; ``tried`` and ``unheld`` are the positions in a stool table of the samples that these
    were made of, and of those that no steady state holds.
    """

    made: int
    unsolved: int
    failed: Mapping[str, int]
    held: int
    far: int
    largest_residual: float
    largest_factor: float
    asked: int = 0
    tried: tuple[int, ...] = ()
    unheld: tuple[int, ...] = ()

    @classmethod
    def of(cls, gut: GutCourses | Guts, samples: NDArray[np.int64] | None = None) -> Candidates:
        """Count the candidates of one gut world; ``samples`` (candidates,) says what each is made of."""
        asked = np.array([word != "" for word in gut.niche], dtype=bool)
        lost = np.array([word == NICHE_UNSOLVED for word in gut.niche], dtype=bool)
        held = np.array([word in HELD for word in gut.niche], dtype=bool)
        return cls(
            made=len(gut.status),
            unsolved=sum(word == NICHE_UNSOLVED for word in gut.status),
            failed=Counter(word for word in gut.status if word in FAILURES),
            held=int(held.sum()),
            far=sum(word == FAR for word in gut.niche),
            largest_residual=float(np.max(gut.residual[held])) if held.any() else float("nan"),
            largest_factor=float(np.max(gut.largest_factor[held])) if held.any() else float("nan"),
            asked=int(asked.sum()),
            tried=() if samples is None else tuple(np.unique(samples[asked]).tolist()),
            unheld=() if samples is None else tuple(np.unique(samples[lost]).tolist()),
        )

    @classmethod
    def together(cls, parts: Sequence[Candidates]) -> Candidates:
        """Count the candidates of several stretches of one gut world."""
        failed: Counter[str] = Counter()
        for part in parts:
            failed.update(part.failed)

        def largest(name: str) -> float:
            values = np.array([getattr(part, name) for part in parts])
            return float("nan") if np.all(np.isnan(values)) else float(np.nanmax(values))

        def union(name: str) -> tuple[int, ...]:
            return tuple(sorted({each for part in parts for each in getattr(part, name)}))

        return cls(
            made=sum(part.made for part in parts),
            unsolved=sum(part.unsolved for part in parts),
            failed=failed,
            held=sum(part.held for part in parts),
            far=sum(part.far for part in parts),
            largest_residual=largest("largest_residual"),
            largest_factor=largest("largest_factor"),
            asked=sum(part.asked for part in parts),
            tried=union("tried"),
            unheld=union("unheld"),
        )


@dataclass(frozen=True)
class Guts:
    """What became of the guts of a stretch of candidates, without their courses; see ``GutCourses``."""

    status: tuple[str, ...]
    niche: tuple[str, ...]
    residual: NDArray[np.float64]
    largest_factor: NDArray[np.float64]


@dataclass(frozen=True)
class Stretch:
    """Some candidates in the order of their numbers: why some are not run, and who is, with their guts.

    ``reasons`` (candidates,) are texts, empty for the n who are run at positions ``rows`` (n,). ``draws`` are
    the luck of these, the same in every host world.
    """

    reasons: NDArray[np.object_]
    rows: NDArray[np.intp]
    people: VirtualSubjects
    gut: GutCourses
    counts: Candidates
    draws: SubjectDraws


@dataclass(frozen=True)
class HostSetting:
    """One host world of a gut world: its label, model, numbers, and what acts beside the equations."""

    label: str
    model: Model
    values: Mapping[str, float]
    beyond: Beyond
    terms: LogFactors

    def relative(self, stretch: Stretch, design: Design) -> HostCourses:
        """Run the hosts of a stretch with event rates at scales of 1."""
        return relative_hosts(
            self.model, self.values, stretch.gut, stretch.people, design, stretch.draws, self.terms
        )


@dataclass(frozen=True)
class GutSetting:
    """One gut world and where its candidates come from."""

    model: Model
    world: GutWorld
    cohort: Cohort
    design: Design
    seed: int
    gut_world: int

    def stretches(self, begin: int, end: int, full: Callable[[], bool] = lambda: False) -> Iterator[Stretch]:
        """Make, hold and run candidates ``begin`` to ``end`` of the gut world, some at a time.

        As soon as ``full`` says that nobody else is wanted, the others are held and counted, but not run.
        """
        for first in range(begin, end, _HELD_TOGETHER):
            give_back_memory()
            yield from self._stretches(first, min(first + _HELD_TOGETHER, end), full)

    def _stretches(self, begin: int, end: int, full: Callable[[], bool]) -> Iterator[Stretch]:
        made = self.cohort.candidates(end - begin, first=self.number(begin))
        candidates = rated(made, clinical_laws(self.model), self.seed)
        wanted = np.array([paper_reason(candidates, self.design, i) == "" for i in range(len(candidates))])
        held = hold_candidates(self.model, self.world, candidates, wanted)
        pieces = np.array_split(held.rows, max(1, len(held.rows) // RUN_TOGETHER))
        bounds = [0, *(int(piece[0]) for piece in pieces[1:]), len(candidates)]
        for first, last in pairwise(bounds):
            yield self._stretch(candidates, held, np.arange(first, last), full)  # nothing of it stays here

    def _stretch(
        self,
        candidates: VirtualSubjects,
        held: HeldCandidates,
        every: NDArray[np.intp],
        full: Callable[[], bool],
    ) -> Stretch:
        """Run the guts of some of the candidates, at the positions ``every``."""
        some, own = candidates.take(every), held.take(every)
        if full():
            own = own.without_runs()
        run = gut_courses(
            self.model, self.world, some.take(own.rows), self.design, self.seed, held=own.take(own.rows)
        )
        status = np.array(own.status, dtype=object)
        status[own.rows] = run.status
        words = tuple(status.tolist())
        guts = Guts(words, own.fit.niche, own.fit.residual, own.fit.largest_factor)
        reasons = np.array(
            [early_reason(some, words, self.design, i) for i in range(len(some))], dtype=object
        )
        fine = np.flatnonzero([word == OK for word in run.status])
        who = some.take(own.rows[fine])
        return Stretch(
            reasons, own.rows[fine], who, run.take(fine), Candidates.of(guts, some.samples),
            KeptDraws(self.seed, who.numbers),
        )  # fmt: skip

    def number(self, candidate: int) -> int:
        """Return the subject number of a candidate: every gut world has people of its own."""
        millions, rest = divmod(candidate, NUMBERS_A_WORLD)
        return (millions * 1_000 + self.gut_world) * NUMBERS_A_WORLD + rest


@dataclass
class Gatherer:
    """Gather who enters in one host world until ``wanted`` have; the rest is screened no more.

    ``label`` names the streams of the people's luck.
    """

    setting: HostSetting
    design: Design
    seed: int
    label: str
    wanted: int
    scale: EventScale | None = None
    entered: int = 0
    screened: dict[str, int] = field(default_factory=dict)
    parts: list[EnrolledWorld] = field(default_factory=list)

    @property
    def full(self) -> bool:
        """Whether nobody else is wanted."""
        return self.entered >= self.wanted

    def add(self, stretch: Stretch, host: HostCourses | None = None) -> None:
        """Screen a stretch in the order of its candidates; ``host`` are its relative hosts, if run."""
        if self.full:
            return
        assert self.scale is not None
        reasons, setting = stretch.reasons.copy(), self.setting
        rows = np.array([], dtype=np.intp)
        seen = None
        if len(stretch.rows):
            relative = setting.relative(stretch, self.design) if host is None else host
            run = at_level(relative, self.scale, self.design, stretch.gut, setting.beyond)
            seen = screened(
                setting.model, self.label, stretch.people, stretch.gut, run, self.design, stretch.draws,
                setting.beyond,
            )  # fmt: skip
            reasons[stretch.rows] = seen.reasons
            rows = np.flatnonzero(seen.reasons == "")[: self.wanted - self.entered]
        if self.entered + len(rows) == self.wanted:
            reasons = reasons[: stretch.rows[rows[-1]] + 1]
        for reason in reasons.tolist():
            if reason:
                self.screened[reason] = self.screened.get(reason, 0) + 1
        if seen is not None and len(rows):
            harms = harm_rates(self.design, self.seed, setting.label)
            world = seen.world(rows, {}, harms)
            self.parts.append(EnrolledWorld.of(setting.model, world, self.design))
        self.entered += len(rows)

    def world(self) -> EnrolledWorld:
        """Return everybody who entered; at least one has to."""
        parts, self.parts = self.parts, []
        found = _together(parts, {"enrolled": self.entered, **self.screened})
        del parts
        give_back_memory()
        return found


def _together(parts: Sequence[EnrolledWorld], counts: Mapping[str, int]) -> EnrolledWorld:
    one = parts[0]
    return EnrolledWorld(
        one.label,
        VirtualSubjects.concat([part.subjects for part in parts]),
        counts,
        np.concatenate([part.relapses_before for part in parts]),
        one.seed,
        one.harms,
        one.beyond,
        {kept: WorldCourses.concat([part.by_kept[kept] for part in parts]) for kept in one.by_kept},
    )


def settle_scales(setting: GutSetting, most: int | None, mark: int | None = None) -> _Settled:
    """Run the first candidates, on whom the level of the two event rates is set in every host world.

    They are ``REFERENCE_POOL``, or twice or four times as many, ... where too few of them are eligible
    (``host_world.reference_size``), and no more than ``most``. No stretch goes over the candidate ``mark``.
    """
    stretches: list[Stretch] = []
    size, made = REFERENCE_POOL, 0
    while True:
        end = size if most is None else min(size, most)
        first = made if mark is None else min(max(mark, made), end)
        stretches += setting.stretches(made, first)
        stretches += setting.stretches(first, end)
        made = max(made, end)
        eligible = sum(len(each.rows) for each in stretches)
        if eligible >= LEAST_REFERENCE or size >= MOST_REFERENCE:
            return _Settled(tuple(stretches), made)
        size *= 2


@dataclass(frozen=True)
class _Settled:
    """The first stretches of a gut world, and how many candidates they hold."""

    stretches: tuple[Stretch, ...]
    made: int

    def enrol(self, gatherer: Gatherer, most: int | None = None) -> None:
        """Set the level of a host world and screen the stretches in it, the first ``most`` candidates."""
        setting, design = gatherer.setting, gatherer.design
        hosts = [setting.relative(each, design) if len(each.rows) else None for each in self.stretches]
        gatherer.scale = event_scale(setting.model, design, [host for host in hosts if host is not None])
        for k, stretch in enumerate(self.stretches[: self.before(most)]):
            gatherer.add(stretch, hosts[k])
            hosts[k] = None  # it has been looked at
        del hosts
        give_back_memory()

    def before(self, candidate: int | None) -> int:
        """Return how many stretches begin before a candidate; all of them where none is given."""
        begins = accumulate((len(each.reasons) for each in self.stretches[:-1]), initial=0)
        return sum(candidate is None or begin < candidate for begin in begins)
