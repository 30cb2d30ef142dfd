"""What a trial leaves behind: the observed tables, and apart from them the truth that no trial could see."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.frame import Table
from eubiosis.core.intercurrent import StrategyRule

KEYS = ("gut_world", "host_world", "replicate")
Columns = Mapping[str, NDArray[np.generic]]


@dataclass(frozen=True)
class TrialKey:
    """Which simulated trial: its gut world, its host world, and its number in that pair."""

    gut_world: int
    host_world: int
    replicate: int

    @property
    def world(self) -> str:
        """The pair of worlds in words, for display and for the names of random streams."""
        return f"{self.gut_world}.{self.host_world}"


@dataclass(frozen=True)
class OneTrial:
    """The observed columns of one trial: one entry a subject, and one a visit that took place."""

    key: TrialKey
    subjects: Columns
    visits: Columns


@dataclass(frozen=True)
class Observed:
    """What trials record: one row a subject and one row a visit, with the keys of the trial in front.

    ``control`` names the control arm. Rows of one trial lie together, in the same order in both tables.
    ``exposure`` holds what the subjects of the first trial of each pair of worlds took, and
    ``adverse_events`` the first event of each harm of each subject, where they were kept; ``relapses`` the
    day of every relapse that is counted, ``intercurrent`` every intercurrent event, and ``rules`` the
    strategies for them by endpoint.
    """

    subjects: Table
    visits: Table
    control: str
    exposure: Table | None = None
    adverse_events: Table | None = None
    relapses: Table | None = None
    intercurrent: Table | None = None
    rules: tuple[StrategyRule, ...] = ()

    def trials(self) -> Iterator[OneTrial]:
        """Yield the trials one by one, in the order of the tables.

        Raises ``ValueError`` where the rows of a trial lie apart, or where one of the tables lacks a trial.
        """
        visits = dict(self._parts(self.visits))
        subjects = dict(self._parts(self.subjects))
        if set(visits) != set(subjects):
            apart = sorted(set(visits) ^ set(subjects), key=lambda key: (key.gut_world, key.host_world))
            message = f"{len(apart)} trials are in one table only, the first: {apart[0]}"
            raise ValueError(message)
        for key, columns in subjects.items():
            yield OneTrial(key, columns, visits[key])

    @cached_property
    def count(self) -> int:
        """How many trials there are."""
        return sum(1 for _ in self._parts(self.subjects))

    @staticmethod
    def _parts(table: Table) -> Iterator[tuple[TrialKey, Columns]]:
        for rows, key in parts(table):
            columns = {name: table[name][rows] for name in table.columns if name not in KEYS}
            yield TrialKey(*key), columns

    def __repr__(self) -> str:
        return f"Observed: {self.count} trials, {len(self.subjects)} subjects, {len(self.visits)} visits"


@dataclass(frozen=True)
class Latent:
    """The truth of simulated trials, which only ``analysis.truth`` may read.

    ``subjects`` has one row for each trial, arm and subject: what would have happened to everybody in every
    arm. ``guts`` has the true markers at the first and the last visit, by gut world, arm and subject.
    """

    subjects: Table
    guts: Table
    control: str
    seed: int


def parts(table: Table, keys: tuple[str, ...] = KEYS) -> Iterator[tuple[slice, tuple[int, ...]]]:
    """Yield the stretches of rows that share their keys, in order, with the keys.

    Raises ``ValueError`` where rows with the same keys lie apart.
    """
    if not len(table):
        return
    columns = np.stack([np.asarray(table[name], dtype=np.int64) for name in keys])
    starts = np.flatnonzero(np.any(np.diff(columns, axis=1) != 0, axis=0)) + 1
    bounds = [0, *starts.tolist(), len(table)]
    seen: set[tuple[int, ...]] = set()
    for begin, end in pairwise(bounds):
        found = tuple(int(value) for value in columns[:, begin])
        if found in seen:
            named = ", ".join(f"{name} {value}" for name, value in zip(keys, found, strict=True))
            message = f"rows of {named} lie apart; sort the table by {', '.join(keys)}"
            raise ValueError(message)
        seen.add(found)
        yield slice(begin, end), found


def made_trial(generator: np.random.Generator, *, people: int, difference: float) -> Observed:
    """Make one small observed trial by simple laws, for examples and tests: two arms, two visits, one score.

    ``difference`` is the true effect on MFIS in points. It describes nobody.
    """
    arm = np.array(["control", "active"])[np.arange(people) % 2]
    level = generator.normal(35.0, 12.0, people)
    end = level + generator.normal(0.0, 6.0, people) + difference * (arm == "active")
    key = {name: np.zeros(people, dtype=np.int64) for name in KEYS}
    rate = generator.gamma(2.0, 0.15, people)
    subjects: dict[str, NDArray[np.generic]] = {
        **key,
        "subject": np.arange(people),
        "arm": arm,
        "follow_up_years": np.ones(people),
        "relapses": generator.poisson(rate).astype(float),
        "scans": np.full(people, 2.0),
        "gd_lesions": generator.poisson(2 * rate).astype(float),
        "t2_years": np.ones(people),
        "t2_lesions": generator.poisson(3 * rate).astype(float),
    }
    visits: dict[str, NDArray[np.generic]] = {
        **{name: np.zeros(2 * people, dtype=np.int64) for name in KEYS},
        "subject": np.tile(np.arange(people), 2),
        "arm": np.tile(arm, 2),
        "week": np.repeat([0.0, 48.0], people),
        "mfis": np.concatenate([level, end]),
    }
    return Observed(Table(subjects, name="subjects"), Table(visits, name="visits"), "control")
