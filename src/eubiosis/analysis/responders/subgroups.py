"""Effects in two groups of people and their difference, by analysis of covariance with an interaction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eubiosis.analysis.guard import NEGLIGIBLE
from eubiosis.analysis.responders.compared import ComparedArms, Floats
from eubiosis.core.laws import t_sf

LEAST = 3  # people of each arm in each group
_EFFECT_LOW, _EFFECT_HIGH = (-1.0, 0.0, 1.0, 0.0), (0.0, -1.0, 0.0, 1.0)  # over the cells arm x group


@dataclass(frozen=True)
class GroupContrasts:
    """The effect in the lower and the upper group of each moderator, and their difference, (moderators,).

    On the scale of the analysis; ``error`` is the standard error of the difference and ``p_value`` its
    two-sided p-value. Not a number where a group has fewer than three people of an arm, or nothing varies.
    """

    low: Floats
    high: Floats
    difference: Floats
    error: Floats
    p_value: Floats


def group_contrasts(data: ComparedArms) -> GroupContrasts:
    """Regress the outcome on baseline, arm, group and arm x group, for each moderator by itself.

    Arm and group make four cells, so the slope is that within cells, and every contrast is one of means less
    the slope times the same contrast of baselines: what least squares gives.
    """
    cell = 2 * data.treated + data.upper  # (moderators, people): control low, control high, treated low, ...
    inside = np.stack([cell == k for k in range(4)], axis=1).astype(float)  # (moderators, 4, people)
    number = inside.sum(axis=-1)
    y, x = data.outcome, data.baseline
    with np.errstate(divide="ignore", invalid="ignore"):
        y_means, x_means = (inside @ v / number for v in (y, x))
        y_own, x_own = (v - np.einsum("mcp,mc->mp", inside, m) for v, m in ((y, y_means), (x, x_means)))
        squares = np.sum(x_own * x_own, axis=-1)
        slope = np.sum(x_own * y_own, axis=-1) / squares
        left = y_own - slope[:, None] * x_own
        freedom = len(y) - 5.0
        variance = np.sum(left * left, axis=-1) / freedom
        adjusted = y_means - slope[:, None] * x_means
        low, high = adjusted @ np.array(_EFFECT_LOW), adjusted @ np.array(_EFFECT_HIGH)
        apart = np.array(_EFFECT_HIGH) - np.array(_EFFECT_LOW)
        error = np.sqrt(variance * (np.sum(1.0 / number, axis=-1) + (x_means @ apart) ** 2 / squares))
        p_value = 2 * t_sf(np.abs(high - low) / error, freedom)
    size = float(np.abs(y).max(initial=0.0))
    sound = (number.min(axis=-1) >= LEAST) & (variance > (NEGLIGIBLE * size) ** 2) & (squares > 0)
    return GroupContrasts(*(np.where(sound, v, np.nan) for v in (low, high, high - low, error, p_value)))
