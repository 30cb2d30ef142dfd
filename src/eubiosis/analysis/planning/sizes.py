"""What a sample-size calculation returns, and the shared pieces of such calculations."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from eubiosis.core import laws


@dataclass(frozen=True)
class SampleSize:
    """How many participants an analysis needs.

    ``n_control`` and ``n_treated`` are whole numbers, each arm rounded up; ``n_control_exact`` is the
    unrounded solution, and ``power`` that of the rounded size. ``detail`` holds what the method adds:
    events, information, variances.
    """

    endpoint: str
    method: str
    n_control: int
    n_treated: int
    n_control_exact: float
    power: float
    target: float
    alpha: float
    detail: Mapping[str, float | int | str] = field(default_factory=dict)

    @property
    def n_total(self) -> int:
        """Return the number of participants of both arms."""
        return self.n_control + self.n_treated

    @property
    def n_per_arm(self) -> int:
        """Return the size of the larger arm, which is that of each at equal allocation."""
        return max(self.n_control, self.n_treated)


def quantiles(alpha: float, power: float) -> tuple[float, float]:
    """Return the standard normal points of a two-sided ``alpha`` and of the power.

    >>> [round(z, 3) for z in quantiles(0.05, 0.8)]
    [1.96, 0.842]
    """
    if not 0 < alpha < 1 or not alpha / 2 < power < 1:
        message = f"alpha {alpha}, power {power}; allowed: 0 < alpha < 1 and alpha / 2 < power < 1"
        raise ValueError(message)
    return float(laws.normal_point(alpha / 2)), float(laws.normal_quantile(power))


def round_up(size: float) -> int:
    """Round a sample size up, forgiving the last digits of a root finder.

    >>> round_up(175.385), round_up(132.0000000001)
    (176, 132)
    """
    return math.ceil(size - 1e-7)


def solve_size(power_at: Callable[[float], float], power: float, smallest: float) -> float:
    """Find the real-valued size at which an increasing power function reaches ``power``.

    Raises ``ValueError`` when ten million per arm do not reach it.
    """
    low, high = smallest, max(2 * smallest, 10.0)
    if power_at(low) >= power:
        return low
    while power_at(high) < power:
        low, high = high, 2 * high
        if high > 1e7:
            message = f"power {power} is not reached with ten million participants per arm"
            raise ValueError(message)
    return laws.root(lambda size: power_at(size) - power, low, high)


def positive(**values: float) -> None:
    """Raise ``ValueError`` naming every argument that is not a positive finite number."""
    wrong = [f"{name} {value}" for name, value in values.items() if not (math.isfinite(value) and value > 0)]
    if wrong:
        message = f"{', '.join(wrong)}; allowed: positive numbers"
        raise ValueError(message)
