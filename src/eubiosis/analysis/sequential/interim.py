"""Decisions at interim looks: boundaries recomputed at the information that was observed.

Alpha is spent by the information seen, not by the look's number, so looks may come early, late or more
often than planned as long as their timing does not follow the effect (Lan and DeMets 1983).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from eubiosis.analysis.sequential.boundaries import Spending, boundaries, conditional_power


@dataclass(frozen=True)
class Look:
    """One look: information (inverse variance of the estimate) and z value, benefit positive."""

    information: float
    z: float


@dataclass(frozen=True)
class Decision:
    """What a look says: whether to stop, the efficacy boundary it was held against, and what may follow.

    ``fraction`` of the planned information, ``alpha_spent`` so far, ``conditional_power`` under the
    planned effect, the current trend and no effect; 1 or 0 at the last look.
    """

    stop: Literal["efficacy", "futility", "continue"]
    boundary: float
    fraction: float
    alpha_spent: float
    conditional_power_planned: float
    conditional_power_trend: float
    conditional_power_null: float


def decide(
    looks: Sequence[Look],
    planned_information: float,
    *,
    last: bool,
    rule: Spending = "LD-OBF",
    parameter: float | None = None,
    alpha: float = 0.025,
    power: float = 0.8,
    futility_below: float = 0.0,
) -> Decision:
    """Decide at the latest of the looks made so far.

    ``planned_information`` is the maximum the design needs; the ``last`` look spends all alpha that is
    left whatever its information. Where ``futility_below`` is positive an interim look stops for futility
    when the conditional power under the planned effect is below it; this is not binding: the efficacy
    boundary ignores it. Estimated information may fall between looks; it then counts as not having
    grown, and next to no alpha is spent. No look, or one without positive information, raises
    ``ValueError``.

    >>> decide([Look(information=50.0, z=1.0)], 100.0, last=False).stop
    'continue'
    """
    if not looks or not all(look.information > 0 for look in looks):
        message = "allowed: one look or more, each with positive information"
        raise ValueError(message)
    seen: list[float] = []
    for look in looks:
        seen.append(max(look.information, seen[-1] * (1 + 1e-6) if seen else 0.0))
    now = seen[-1]
    z = looks[-1].z
    if last or now >= planned_information:
        design = boundaries(seen, rule=rule, parameter=parameter, alpha=alpha, power=power)
        won = z > design.efficacy[-1]
        sure = float(won)
        return Decision(
            "efficacy" if won else "futility",
            design.efficacy[-1],
            now / planned_information,
            alpha,
            sure,
            sure,
            sure,
        )
    place = len(seen) - 1
    design = boundaries(
        [*seen, planned_information], rule=rule, parameter=parameter, alpha=alpha, power=power
    )
    trend = z / math.sqrt(design.information[place])
    chances = [conditional_power(design, place, z, drift) for drift in (design.drift, trend, 0.0)]
    stop: Literal["efficacy", "futility", "continue"] = "continue"
    if z > design.efficacy[place]:
        stop = "efficacy"
    elif chances[0] < futility_below:
        stop = "futility"
    return Decision(
        stop,
        design.efficacy[place],
        now / planned_information,
        design.alpha_spent[place],
        chances[0],
        chances[1],
        chances[2],
    )
