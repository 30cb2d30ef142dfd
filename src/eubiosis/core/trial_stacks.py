"""Trials of the same people, simulated together: arrays with one axis for the trials instead of long tables.

The tables of ``trial_tables`` are made from these only where somebody looks at them; an analysis of many
trials takes the arrays as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.columns import TableSchema
from eubiosis.core.frame import Table
from eubiosis.core.intercurrent import StrategyRule
from eubiosis.core.table_schemas import (
    TRIAL_ADVERSE_EVENTS,
    TRIAL_EXPOSURE,
    TRIAL_INTERCURRENT,
    TRIAL_LATENT,
    TRIAL_RELAPSES,
    TRIAL_SUBJECTS,
    TRIAL_VISITS,
)
from eubiosis.core.trial_tables import Columns, Latent, Observed, OneTrial, TrialKey

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Values = NDArray[np.generic]


@dataclass(frozen=True)
class TrialStack:
    """What R trials recorded of the same n people of one pair of worlds, at V planned visits.

    ``replicates`` (R,) numbers the trials, ``numbers`` (n,) the people, ``arm`` (R, n) is the position of
    each one's arm in ``arms``. ``attended`` (V, R, n) says which visits took place in ``weeks`` (V,).
    ``of_subjects`` maps columns to values (R, n), or (n,) where they are the same in every trial;
    ``of_visits`` to values (V, R, n), not a number where nothing was recorded. ``exposure`` (of the first
    trial of a pair of worlds, made by ``exposure_of`` where somebody asks), ``adverse_events``, ``relapses``
    and ``intercurrent`` are rows of their tables, with the keys of their trials; ``rules`` are the strategies
    for intercurrent events, by endpoint.
    """

    gut_world: int
    host_world: int
    replicates: Ints
    numbers: Ints
    arms: tuple[str, ...]
    arm: Ints
    weeks: Floats
    attended: Bools
    of_subjects: Mapping[str, Values]
    of_visits: Mapping[str, Values]
    exposure_of: Callable[[], Mapping[str, Values]] = dict
    adverse_events: Mapping[str, Values] = field(default_factory=dict)
    relapses: Mapping[str, Values] = field(default_factory=dict)
    intercurrent: Mapping[str, Values] = field(default_factory=dict)
    rules: tuple[StrategyRule, ...] = ()

    def __len__(self) -> int:
        return len(self.replicates)

    @cached_property
    def exposure(self) -> Mapping[str, Values]:
        """What people took, as rows of its table; empty where the first trial is not among these."""
        return self.exposure_of()

    def key(self, k: int) -> TrialKey:
        """Return which trial the k-th is."""
        return TrialKey(self.gut_world, self.host_world, int(self.replicates[k]))

    def column(self, name: str) -> Floats:
        """Return a column of the subjects, shape (trials, participants)."""
        return np.asarray(np.broadcast_to(self.of_subjects[name], self.arm.shape), dtype=np.float64)

    def take(self, trials: int) -> TrialStack:
        """Return the first so many trials."""
        subjects = {name: v if v.ndim == 1 else v[:trials] for name, v in self.of_subjects.items()}
        visits = {name: values[:, :trials] for name, values in self.of_visits.items()}
        return replace(
            self,
            replicates=self.replicates[:trials],
            arm=self.arm[:trials],
            attended=self.attended[:, :trials],
            of_subjects=subjects,
            of_visits=visits,
            adverse_events=_rows_of(self.adverse_events, self.replicates[:trials]),
            relapses=_rows_of(self.relapses, self.replicates[:trials]),
            intercurrent=_rows_of(self.intercurrent, self.replicates[:trials]),
        )

    def trial(self, k: int) -> OneTrial:
        """Return one trial as columns of its two tables."""
        subjects, visits = self._rows(np.array([k]))
        return OneTrial(self.key(k), _without_keys(subjects), _without_keys(visits))

    def subjects(self) -> dict[str, Values]:
        """Return the columns of the table of subjects, trials one under the other, with their keys."""
        return self._rows(np.arange(len(self)))[0]

    def visits(self) -> dict[str, Values]:
        """Return the columns of the table of visits that took place, with the keys of their trials."""
        return self._rows(np.arange(len(self)))[1]

    def _rows(self, some: Ints) -> tuple[dict[str, Values], dict[str, Values]]:
        shape = (len(some), len(self.numbers))
        names = np.array(self.arms)[self.arm[some]]
        keys = self._keys(self.replicates[some], shape[1])
        subjects = {**keys, "subject": np.tile(self.numbers, shape[0]), "arm": names.ravel()}
        for name, values in self.of_subjects.items():
            own = values if values.ndim == 1 else values[some]
            subjects[name] = np.broadcast_to(own, shape).ravel()
        seen = np.moveaxis(self.attended[:, some], 0, -1)  # trials, people, visits: the order of the rows
        trial, person, visit = np.nonzero(seen)
        visits: dict[str, Values] = {name: values[trial * shape[1]] for name, values in keys.items()}
        visits |= {"subject": self.numbers[person], "arm": names[trial, person], "week": self.weeks[visit]}
        for name, values in self.of_visits.items():
            visits[name] = np.moveaxis(values[:, some], 0, -1)[seen]
        return subjects, visits

    def _keys(self, replicates: Ints, people: int) -> dict[str, Values]:
        rows = len(replicates) * people
        return {
            "gut_world": np.full(rows, self.gut_world),
            "host_world": np.full(rows, self.host_world),
            "replicate": np.repeat(replicates, people),
        }


@dataclass(frozen=True)
class LatentStack:
    """The truth of the same trials.

    ``of_world`` (arms, n) is the same in every trial, ``of_trials`` (arms, R, n) is not. With intercurrent
    events ``targets`` (2, arms, R, n) by endpoint are value and weight of the variable that its estimand asks
    for (``trial.world.targets``).
    """

    gut_world: int
    host_world: int
    replicates: Ints
    numbers: Ints
    arms: tuple[str, ...]
    of_world: Mapping[str, Floats]
    of_trials: Mapping[str, Floats]
    targets: Mapping[str, Floats] = field(default_factory=dict)

    def take(self, trials: int) -> LatentStack:
        """Return the first so many trials."""
        of_trials = {name: values[:, :trials] for name, values in self.of_trials.items()}
        targets = {name: values[:, :, :trials] for name, values in self.targets.items()}
        return replace(self, replicates=self.replicates[:trials], of_trials=of_trials, targets=targets)

    def columns(self) -> dict[str, Values]:
        """Return the columns of the latent table: trials, then arms, then people."""
        trials, arms, people = len(self.replicates), len(self.arms), len(self.numbers)
        rows = trials * arms * people
        found: dict[str, Values] = {
            "gut_world": np.full(rows, self.gut_world),
            "host_world": np.full(rows, self.host_world),
            "replicate": np.repeat(self.replicates, arms * people),
            "subject": np.tile(self.numbers, trials * arms),
            "arm": np.tile(np.repeat(np.array(self.arms), people), trials),
        }
        for name, values in self.of_world.items():
            found[name] = np.tile(values.ravel(), trials)
        for name, values in self.of_trials.items():
            found[name] = np.moveaxis(values, 1, 0).ravel()
        return found


class StackedObserved(Observed):
    """Observed trials that are kept in stacks; the tables are made when they are asked for."""

    stacks: tuple[TrialStack, ...]

    def __init__(self, stacks: Sequence[TrialStack], control: str) -> None:
        object.__setattr__(self, "stacks", tuple(stacks))
        object.__setattr__(self, "control", control)

    @cached_property
    def subjects(self) -> Table:
        """The table of subjects."""
        return _table([stack.subjects() for stack in self.stacks], TRIAL_SUBJECTS)

    @cached_property
    def visits(self) -> Table:
        """The table of visits."""
        return _table([stack.visits() for stack in self.stacks], TRIAL_VISITS)

    @cached_property
    def exposure(self) -> Table | None:
        """What was taken in the first trial of each pair of worlds, where it was kept."""
        kept = [stack.exposure for stack in self.stacks if stack.exposure]
        return _table(kept, TRIAL_EXPOSURE) if kept else None

    @cached_property
    def adverse_events(self) -> Table | None:
        """The first event of each harm of each subject, where they were kept."""
        kept = [stack.adverse_events for stack in self.stacks if stack.adverse_events]
        return _table(kept, TRIAL_ADVERSE_EVENTS) if kept else None

    @cached_property
    def relapses(self) -> Table | None:
        """The day of every relapse that is counted, where they were kept."""
        kept = [stack.relapses for stack in self.stacks if stack.relapses]
        return _table(kept, TRIAL_RELAPSES) if kept else None

    @cached_property
    def intercurrent(self) -> Table | None:
        """Every intercurrent event that was recorded, where a design has any."""
        kept = [stack.intercurrent for stack in self.stacks if stack.intercurrent]
        return _table(kept, TRIAL_INTERCURRENT) if kept else None

    @cached_property
    def rules(self) -> tuple[StrategyRule, ...]:
        """The strategies for intercurrent events, by endpoint."""
        return self.stacks[0].rules if self.stacks else ()

    def trials(self) -> Iterator[OneTrial]:
        """Yield the trials one by one, in the order of the tables."""
        return (stack.trial(k) for stack in self.stacks for k in range(len(stack)))

    @cached_property
    def count(self) -> int:
        """How many trials there are."""
        return sum(len(stack) for stack in self.stacks)


class StackedLatent(Latent):
    """The truth of trials that are kept in stacks; the table of subjects is made when it is asked for."""

    stacks: tuple[LatentStack, ...]

    def __init__(self, stacks: Sequence[LatentStack], guts: Table, control: str, seed: int) -> None:
        for name, value in (("stacks", tuple(stacks)), ("guts", guts), ("control", control), ("seed", seed)):
            object.__setattr__(self, name, value)

    @cached_property
    def subjects(self) -> Table:
        """The table of every subject under every arm."""
        return _table([stack.columns() for stack in self.stacks], TRIAL_LATENT)


def _rows_of(columns: Mapping[str, Values], replicates: Ints) -> dict[str, Values]:
    if not columns:
        return {}
    rows = np.isin(columns["replicate"], replicates)
    return {name: values[rows] for name, values in columns.items()}


def columns_of(observed: Observed) -> tuple[Collection[str], Collection[str]]:
    """Return the columns of subjects and of visits, without making a table of stacks."""
    if not isinstance(observed, StackedObserved):
        return observed.subjects.columns, observed.visits.columns
    first = observed.stacks[0]
    return tuple(first.of_subjects), tuple(first.of_visits)


def _table(parts: Sequence[Columns], schema: TableSchema) -> Table:
    return Table({name: np.concatenate([part[name] for part in parts]) for name in parts[0]}, schema=schema)


def _without_keys(columns: Mapping[str, Values]) -> dict[str, Values]:
    return {n: v for n, v in columns.items() if n not in ("gut_world", "host_world", "replicate")}
