"""The power that a formula gives a trial, with the nuisance numbers of simulated ones.

Linear models: the noncentral t of an analysis of covariance. Counts: the normal law of the log rate ratio,
with the variance of a negative binomial law under the alternative, and under no effect at the pooled rate
(Zhu and Lakkis 2014, Statistics in Medicine 33:376, third approach). Rejections in either direction count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eubiosis.analysis.planning.laws import t_power
from eubiosis.analysis.surface.cells import ALPHA, SurfaceCell
from eubiosis.core import laws
from eubiosis.core.endpoints import ENDPOINTS
from eubiosis.core.laws import Floats


@dataclass(frozen=True)
class Nuisance:
    """What a closed form needs beside the size, one entry a pair of worlds (worlds,).

    ``effect`` on the analysis scale; ``active`` and ``control`` people analysed for each participant of the
    whole trial; ``spread`` residual variance or dispersion; ``rate`` and ``exposure`` a person, of a count.
    """

    counted: bool
    effect: Floats
    active: Floats
    control: Floats
    spread: Floats
    rate: Floats
    exposure: Floats

    @classmethod
    def of(cls, cells: Sequence[SurfaceCell]) -> Nuisance:
        """Pool the cells of one endpoint, arm, week and number of samples over sizes, by pair of worlds.

        Pairs in which no trial gave numbers are left out. Raises ``ValueError`` where none is left.
        """
        by_world: dict[tuple[int, int], list[SurfaceCell]] = {}
        for cell in cells:
            if np.isfinite(cell.spread):
                by_world.setdefault((cell.gut_world, cell.host_world), []).append(cell)
        if not by_world:
            message = "no trial of the surface gave numbers; ask for larger ones"
            raise ValueError(message)

        def pooled(name: str, *, over: str = "") -> Floats:
            """Return means over a world's cells, weighted by their people, of a value or of its share."""
            found = []
            for own in by_world.values():
                weights = np.array([float(cell.participants) for cell in own])
                values = np.array([float(getattr(cell, name)) for cell in own])
                if over:
                    values /= np.array([float(getattr(cell, over)) for cell in own])
                found.append(float(np.average(values, weights=weights)))
            return np.array(found)

        return cls(
            ENDPOINTS[cells[0].endpoint].counted,
            np.array([own[0].value for own in by_world.values()]),
            pooled("analysed", over="participants"),
            pooled("control", over="participants"),
            pooled("spread"),
            pooled("rate"),
            pooled("exposure"),
        )

    def errors(self, size: float, effect: Floats, factor: float = 1.0) -> tuple[Floats, Floats]:
        """Return standard errors of the estimate at effects (worlds,): under them, and under none.

        ``factor`` multiplies the control arm's rate.
        """
        active, control = self.active * size, self.control * size
        if not self.counted:
            error = np.sqrt(self.spread * (1 / active + 1 / control))
            return error, error
        mean = self.rate * factor * self.exposure
        share = active / (active + control)

        def variance(first: Floats, other: Floats) -> Floats:
            return np.asarray(
                (1 / first + self.spread) / active + (1 / other + self.spread) / control, dtype=np.float64
            )

        ratio = np.exp(effect)
        pooled = mean * (share * ratio + 1 - share)
        return np.sqrt(variance(mean * ratio, mean)), np.sqrt(variance(pooled, pooled))

    def power(self, size: float, factor: float = 1.0) -> float:
        """Return the power of a whole trial of ``size``, a mean over worlds; ``factor`` as in ``errors``."""
        return float(self.powers(size, factor).mean())

    def powers(self, size: float, factor: float = 1.0) -> Floats:
        """Return the power in every pair of worlds (worlds,)."""
        error, null = self.errors(size, self.effect, factor)
        if not self.counted:
            freedom = np.maximum((self.active + self.control) * size - 3, 1.0)
            shift = np.abs(self.effect) / error
            return np.asarray(t_power(freedom, shift, ALPHA) + t_power(freedom, -shift, ALPHA))
        reach = float(laws.normal_point(ALPHA / 2)) * null
        return np.asarray(
            laws.normal_cdf((self.effect - reach) / error) + laws.normal_cdf((-self.effect - reach) / error)
        )

    def typical_error(self, size: float, effect: float, factors: Floats) -> Floats:
        """Return the standard error at an effect for each factor of the control rate, (factors,).

        It is the root of the mean variance over worlds.
        """
        effects = np.full(len(self.effect), effect)
        return np.array([float(np.sqrt(np.mean(self.errors(size, effects, f)[0] ** 2))) for f in factors])


def size_for(nuisance: Nuisance, target: float, largest: int) -> int | None:
    """Return the smallest whole trial whose closed-form power reaches ``target``; None beyond ``largest``."""
    low, high = 4, largest
    if nuisance.power(high) < target:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if nuisance.power(middle) >= target else (middle, high)
    return high
