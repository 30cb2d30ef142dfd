"""Observed changes of guilds and metabolites by week: what a chunk keeps, and the rows of a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eubiosis.analysis.change_by_week import QUANTITIES, discoveries, log2_levels, median_changes
from eubiosis.core.endpoints import ENDPOINTS
from eubiosis.core.guilds import GUILD_NAMES
from eubiosis.core.over_time import WeekChange
from eubiosis.core.trial_stacks import TrialStack
from eubiosis.trial.design import Design


@dataclass(frozen=True)
class KeptWeekChanges:
    """Of the first trials of pairs of worlds.

    ``median`` (gut worlds, arms, quantities, visits after entry) change over the people of all trials of a
    gut world; (arms, quantities, visits after entry): ``found`` in how many of the ``trials`` the arm differs
    from control, ``first`` whether it does in the first of all (None: not here). ``people`` (arms,)
    in all trials.
    """

    median: NDArray[np.float16]
    found: NDArray[np.int16]
    first: NDArray[np.bool_] | None
    people: NDArray[np.int64]
    trials: int


class WeekGatherer:
    """The first trials of pairs of worlds, as they come."""

    def __init__(self, control: str) -> None:
        self.control = control
        self._parts: dict[int, list[tuple[NDArray[np.float64], NDArray[np.int64]]]] = {}
        self._found: list[NDArray[np.bool_]] = []
        self._first: NDArray[np.bool_] | None = None

    def add(self, stack: TrialStack) -> None:
        """Take in the first trial of a stack; nothing where it has no stool or blood."""
        if not all(name in stack.of_visits for name in QUANTITIES):
            return
        levels, arm = log2_levels(stack, 0), stack.arm[0]
        self._parts.setdefault(stack.gut_world, []).append((levels, arm))
        self._found.append(discoveries(levels, arm, stack.arms.index(self.control), len(stack.arms)))
        if stack.gut_world == stack.host_world == int(stack.replicates[0]) == 0:
            self._first = self._found[-1]

    def changes(self) -> KeptWeekChanges | None:
        """Return what a chunk keeps; None where there was no trial."""
        if not self._parts:
            return None
        arms = len(self._found[0])
        return KeptWeekChanges(
            np.stack([median_changes(own, arms) for own in self._parts.values()]).astype(np.float16),
            np.sum(self._found, axis=0, dtype=np.int16),
            self._first,
            np.sum(
                [np.bincount(arm, minlength=arms) for own in self._parts.values() for _, arm in own], axis=0
            ),
            len(self._found),
        )


def week_rows(
    design: Design,
    chunks: Sequence[KeptWeekChanges | None],
    *,
    block_only: bool,
) -> tuple[WeekChange, ...]:
    """Return the rows of a report: guilds, stool, plasma; each quantity in each arm."""
    kept = [each for each in chunks if each is not None]
    if not kept or len(design.visits) < 2:
        return ()
    trials = sum(each.trials for each in kept)
    medians = np.concatenate([np.asarray(each.median, dtype=np.float64) for each in kept])
    found = np.sum([each.found for each in kept], axis=0) / trials
    people = np.sum([each.people for each in kept], axis=0) / trials
    first = next((each.first for each in kept if each.first is not None), None)
    rows = []
    for q, name in enumerate(QUANTITIES):
        for k, arm in enumerate(design.arms):
            rows.append(
                WeekChange(
                    group=ENDPOINTS[name].place,
                    endpoint=name,
                    quantity=GUILD_NAMES.get(ENDPOINTS[name].guild, ENDPOINTS[name].label),
                    arm=arm.name,
                    weeks=tuple(design.visits[1:]),
                    median=tuple(_median(medians[:, k, q, v]) for v in range(medians.shape[-1])),
                    found_in=() if arm.control else tuple(found[k, q].tolist()),
                    found_first=() if arm.control or first is None else tuple(first[k, q].tolist()),
                    trials=trials,
                    people=float(people[k]),
                    block_only=block_only,
                )
            )
    return tuple(rows)


def _median(values: NDArray[np.float64]) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else float("nan")
