"""True effects from sums over blocks of people: what ``effects`` gives where all are held at once.

The standard error of a ratio of events is that of its logarithm to first order (the delta method), where
smaller trials draw bootstraps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eubiosis.analysis.truth.effects import COLUMN_OF, TrueEffect, Twins
from eubiosis.core.endpoints import ENDPOINTS, Endpoint

Floats = NDArray[np.float64]
_VARIABLES = 5


@dataclass(frozen=True)
class TwinSums:
    """Sums over the twins of one pair of worlds, (active arms, endpoints) first.

    ``means`` (..., 5) are those of five variables of each person: value and weight under the arm, the same
    under control, and the level under control; ``squares`` (..., 5, 5) are sums of squares and products about
    them. Of what is not counted, the first is the difference of both arms and the second pair is 0. Weights
    are 1, but for strategies that weigh people: by time, or in a stratum.
    """

    gut_world: int
    host_world: int
    arms: tuple[str, ...]
    people: int
    means: Floats
    squares: Floats

    @classmethod
    def of(cls, twins: Twins, control: str) -> TwinSums:
        """Sum over the twins of a block."""
        arms = tuple(name for name in twins.first if name != control)
        shape = (len(arms), len(ENDPOINTS), _VARIABLES)
        means, squares = np.empty(shape), np.empty((*shape, _VARIABLES))
        for k, arm in enumerate(arms):
            for j, endpoint in enumerate(ENDPOINTS.values()):
                values = _variables(twins, endpoint, arm, control)
                means[k, j] = values.mean(axis=1)
                apart = values - means[k, j][:, None]
                squares[k, j] = (apart[:, None] * apart).sum(axis=-1)
        key = twins.key
        return cls(key.gut_world, key.host_world, arms, len(twins.subjects), means, squares)

    def plus(self, more: TwinSums) -> TwinSums:
        """Return the sums over both groups of people."""
        people = self.people + more.people
        share = more.people / people
        apart = more.means - self.means
        between = apart[..., :, None] * apart[..., None, :] * (self.people * share)
        return TwinSums(
            self.gut_world, self.host_world, self.arms, people, self.means + apart * share,
            self.squares + more.squares + between,
        )  # fmt: skip


def _variables(twins: Twins, endpoint: Endpoint, arm: str, control: str) -> Floats:
    """Return the five variables of ``TwinSums`` of each person, (5, people)."""
    name = COLUMN_OF.get(endpoint.id, endpoint.id)
    treated, level = (np.asarray(twins.first[a][name], dtype=np.float64) for a in (arm, control))
    if not (endpoint.counted or endpoint.score):
        treated, level = np.log(treated), np.log(level)
    one, none = np.ones_like(level), np.zeros_like(level)
    if twins.targets.get(arm):
        (mine, weight), (theirs, others) = (twins.targets[a][endpoint.id] for a in (arm, control))
    elif endpoint.score:
        mine, theirs = (np.asarray(twins.means[a][name], dtype=np.float64) for a in (arm, control))
        weight, others = one, one
    else:
        mine, theirs, weight, others = treated, level, one, one
    if endpoint.counted:
        return np.stack([mine, weight, theirs, others, level])
    return np.stack([mine - theirs, weight, none, none, level])


def effects_of_sums(parts: Sequence[TwinSums]) -> list[TrueEffect]:
    """Return the true effects of one pair of worlds from the sums of its blocks: active arms, endpoints.

    The effect of a stratum in which nobody is, is not a number.
    """
    sums = parts[0]
    for more in parts[1:]:
        sums = sums.plus(more)
    found = []
    for k, arm in enumerate(sums.arms):
        for j, endpoint in enumerate(ENDPOINTS.values()):
            mine, weight, theirs, others, _ = sums.means[k, j]
            with np.errstate(divide="ignore", invalid="ignore"):
                if endpoint.counted:
                    value = np.log((mine / weight) / (theirs / others))
                    slopes = np.array([1 / mine, -1 / weight, -1 / theirs, 1 / others, 0.0])
                else:
                    value = mine / weight
                    slopes = np.array([1.0, -value, 0.0, 0.0, 0.0]) / weight
                variance = (slopes[:, None] * slopes * sums.squares[k, j]).sum() / sums.people
            spread = float(np.sqrt(max(variance, 0.0) / sums.people))
            unit_sd = 1.0 if endpoint.counted else float(np.sqrt(sums.squares[k, j, -1, -1] / sums.people))
            found.append(
                TrueEffect(sums.gut_world, sums.host_world, endpoint.id, arm, float(value), spread, unit_sd)
            )
    return found
