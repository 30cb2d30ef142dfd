"""What each person's own effect is, twin against twin: no trial could see it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from eubiosis.analysis.truth.effects import COLUMN_OF
from eubiosis.core.endpoints import Endpoint
from eubiosis.core.trial_stacks import LatentStack

Floats = NDArray[np.float64]
QUINTILES = 5


def individual_effects(truth: LatentStack, endpoint: Endpoint, arm: str, control: str) -> Floats:
    """Return each person's effect at the last visit of the first trial, in the analysis's scale, (people,).

    It is the difference of the same person under both arms with the same luck (of logarithms for ratios), of
    the variable that the estimand asks for where there are intercurrent events; not a number for people
    outside its stratum. Raises ``ValueError`` for counts: one person's count is luck.
    """
    if endpoint.counted:
        raise ValueError(f"{endpoint.id} is a count: a person has no effect on it that a twin would show")
    mine, other = truth.arms.index(arm), truth.arms.index(control)
    if truth.targets:
        values, weights = truth.targets[endpoint.id][:, :, 0]
        inside = (weights[mine] > 0) & (weights[other] > 0)
        return np.where(inside, values[mine] - values[other], np.nan)
    name = COLUMN_OF.get(endpoint.id, endpoint.id)
    levels = truth.of_trials[name][:, 0] if name in truth.of_trials else truth.of_world[name]
    levels = np.asarray(levels, dtype=np.float64)
    if not endpoint.score:
        levels = np.log(levels)
    return np.asarray(levels[mine] - levels[other])


def calibration(predicted: Floats, effects: Floats) -> Floats:
    """Return mean predicted and mean true effect by fifth of the prediction, lowest first, (2, 5).

    People without an effect are left out; not a number for fewer than five.
    """
    known = np.isfinite(effects)
    order = np.argsort(predicted[known], kind="stable")
    if len(order) < QUINTILES:
        return np.full((2, QUINTILES), np.nan)
    fifths = np.array_split(order, QUINTILES)
    return np.array([[values[known][rows].mean() for rows in fifths] for values in (predicted, effects)])
