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
from eubiosis.core.endpoints import ENDPOINTS

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class TwinSums:
    """Sums over the twins of one pair of worlds, (active arms, endpoints) each.

    ``first`` and ``second`` are means: of events under the arm and under control where they are counted,
    else of the effect and of the value under control; ``squares`` (..., 3) are sums of squares of the first,
    of both and of the second about these means.
    """

    gut_world: int
    host_world: int
    arms: tuple[str, ...]
    people: int
    first: Floats
    second: Floats
    squares: Floats

    @classmethod
    def of(cls, twins: Twins, control: str) -> TwinSums:
        """Sum over the twins of a block."""
        arms = tuple(name for name in twins.first if name != control)
        shape = (len(arms), len(ENDPOINTS))
        one, two, squares = np.empty(shape), np.empty(shape), np.empty((*shape, 3))
        for k, arm in enumerate(arms):
            for j, endpoint in enumerate(ENDPOINTS.values()):
                name = COLUMN_OF.get(endpoint.id, endpoint.id)
                treated, other = (np.asarray(twins.first[a][name], dtype=np.float64) for a in (arm, control))
                if endpoint.counted:
                    x, y = treated, other
                elif endpoint.score:
                    own, others = (np.asarray(twins.means[a][name], dtype=np.float64) for a in (arm, control))
                    x, y = own - others, other
                else:
                    x, y = np.log(treated) - np.log(other), np.log(other)
                one[k, j], two[k, j] = x.mean(), y.mean()
                dx, dy = x - one[k, j], y - two[k, j]
                squares[k, j] = (dx * dx).sum(), (dx * dy).sum(), (dy * dy).sum()
        key = twins.key
        return cls(key.gut_world, key.host_world, arms, len(twins.subjects), one, two, squares)

    def plus(self, more: TwinSums) -> TwinSums:
        """Return the sums over both groups of people."""
        people = self.people + more.people
        share = more.people / people
        dx, dy = more.first - self.first, more.second - self.second
        apart = np.stack([dx * dx, dx * dy, dy * dy], axis=-1) * (self.people * share)
        return TwinSums(
            self.gut_world, self.host_world, self.arms, people, self.first + dx * share,
            self.second + dy * share, self.squares + more.squares + apart,
        )  # fmt: skip


def effects_of_sums(parts: Sequence[TwinSums]) -> list[TrueEffect]:
    """Return the true effects of one pair of worlds from the sums of its blocks: active arms, endpoints."""
    sums = parts[0]
    for more in parts[1:]:
        sums = sums.plus(more)
    found = []
    for k, arm in enumerate(sums.arms):
        for j, endpoint in enumerate(ENDPOINTS.values()):
            first, second = float(sums.first[k, j]), float(sums.second[k, j])
            own, both, other = (float(value) / sums.people for value in sums.squares[k, j])
            if endpoint.counted:
                value, unit_sd = float(np.log(first / second)), 1.0
                variance = own / first**2 - 2 * both / (first * second) + other / second**2
            else:
                value, unit_sd, variance = first, float(np.sqrt(other)), own
            spread = float(np.sqrt(max(variance, 0.0) / sums.people))
            found.append(
                TrueEffect(sums.gut_world, sums.host_world, endpoint.id, arm, value, spread, unit_sd)
            )
    return found
