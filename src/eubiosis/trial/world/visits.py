"""Who is there when: leaving the trial, and visits that are missed or not on their day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.calendar import DAYS_PER_YEAR
from eubiosis.core.trial_draws import TrialDraws
from eubiosis.engine import Array
from eubiosis.trial.design import Design
from eubiosis.trial.world.layer import trial_values


@dataclass(frozen=True)
class Presence:
    """``followed`` (trials, people) in days; ``attended`` (visits, trials, people) says who came.

    ``days`` (visits, trials, people) are those of the visits, counted from randomisation on day 0.
    """

    followed: Array
    attended: NDArray[np.bool_]
    days: Array


def presence(design: Design, people: int, draws: TrialDraws) -> Presence:
    """Let people leave at the design's hazard, miss visits after entry, and come within the window.

    The visit at entry and whatever lies after leaving are as they must be. Nobody comes on another day than
    planned where visits lie closer together than two windows. Courses are read on the planned days.
    """
    number = trial_values()
    planned = np.array([round(7 * week) for week in design.visits])
    hazard = max(design.dropout_per_year, 1e-12)
    leaves = draws.exponentials("dropout", people)[..., 0] * DAYS_PER_YEAR / hazard
    followed = np.minimum(leaves, float(design.days))
    attended = planned[:, None, None] <= followed + 1e-9
    days = np.broadcast_to(planned[:, None, None], attended.shape).astype(np.float64)
    window = int(number["trial_visit_window"])
    for v, week in enumerate(design.visits):
        if planned[v] == 0:
            continue
        luck = draws.uniforms(f"visit/week {week:g}", people, 2)
        attended[v] &= luck[..., 0] >= design.missed_visits
        if np.diff(planned, prepend=-(2**20))[v] > 2 * window:
            days[v] += np.floor((2 * window + 1) * luck[..., 1]) - window
    return Presence(followed, attended, days)
