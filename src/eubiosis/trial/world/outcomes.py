"""Relapses of a host course, and its states on given days."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from eubiosis.engine import Array
from eubiosis.model.clinical import ClinicalLaws
from eubiosis.trial.world.events import by_subject, clock_marks, cumulated, passages, without_refractory
from eubiosis.trial.world.host import TONE_DAYS, HostCourses


def relapse_days(
    host: HostCourses, laws: ClinicalLaws, arms: Sequence[str], subjects: Sequence[int], seed: int, label: str
) -> dict[str, Array]:
    """Return the days of relapse under each arm, one row a subject, padded with infinity.

    ``label`` names the replicate; a subject has the same luck in every arm.
    """
    clocks = {arm: cumulated(host.relapses[arm]) for arm in arms}
    until = np.max([clock[-1] for clock in clocks.values()], axis=0)
    marks = clock_marks(until, seed, f"trial/{label}/relapses", subjects)
    gap = laws.number["host_refractory"]
    return {
        arm: without_refractory(by_subject(*passages(clock, marks), len(subjects)), gap)
        for arm, clock in clocks.items()
    }


def on_days(host: HostCourses, arm: str, name: str, days: NDArray[np.int64]) -> Array:
    """Return a state at the end of ``days`` (any shape) of an arm, subjects last; day 0 lies before it."""
    values = host.after[arm][name][np.maximum(days - 1, 0)]
    early = days <= 0
    values[early] = host.before[name][days[early] - 1]
    return np.asarray(values)


def recent_tone(host: HostCourses, laws: ClinicalLaws, arm: str, days: NDArray[np.int64]) -> Array:
    """Return the mean inflammatory tone of the four weeks up to ``days``, shape (subjects, visits)."""
    window = days[:, None] - np.arange(TONE_DAYS)[::-1]
    states = {name: on_days(host, arm, name, window) for name in ("host_D", "host_T1", "host_T17")}
    subjects_first = np.ascontiguousarray(laws.tone(states).transpose(2, 0, 1))
    return np.asarray(subjects_first.mean(axis=2))
