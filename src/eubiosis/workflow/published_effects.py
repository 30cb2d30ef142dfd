"""Published trials on the axis of the simulated effects, where the evidence tables hold what that takes.

The axis is that of the forest: log ratios of rates for counts, differences over the standard deviation
between people at one visit for the rest. A published effect stands on it only where both are of one kind.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from eubiosis.core.endpoints import ENDPOINTS
from eubiosis.evidence.records.rows import StudyEstimate
from eubiosis.evidence.synthesis import effects
from eubiosis.evidence.synthesis.conversions import sd_from_se

RATE_RATIO, DIFFERENCES = "rate ratio", ("MD", "SMD")
_OTHER_RATIOS = {
    "HR": "a hazard ratio of the first event is no ratio of rates",
    "RR": "a ratio of shares of people is no ratio of rates",
    "OR": "an odds ratio is no ratio of rates",
}


@dataclass(frozen=True)
class OnAxis:
    """Low, estimate and high on the axis, and how; ``values`` is None where ``words`` say why not."""

    values: tuple[float, float, float] | None
    words: str


def on_axis(
    endpoint: str, metric: str, effect: tuple[float, float, float], row: StudyEstimate | None
) -> OnAxis:
    """Place low, estimate and high of a published effect, on the natural scale of ``metric``.

    ``row`` is its row of the evidence tables, which holds the standard deviations of the arms.

    >>> on_axis("relapses", "rate ratio", (0.25, 0.5, 1.0), None).values
    (-1.3862943611198906, -0.6931471805599453, 0.0)
    """
    if ENDPOINTS[endpoint].counted:
        if metric == RATE_RATIO and min(effect) > 0:
            low, middle, high = map(math.log, effect)
            return OnAxis((low, middle, high), "logarithm of the ratio of rates")
        return OnAxis(None, _OTHER_RATIOS.get(metric, f"a {metric} is no ratio of rates"))
    if metric not in DIFFERENCES:
        return OnAxis(None, f"a {metric} is no difference that a standard deviation could scale")
    if ENDPOINTS[endpoint].scale == "ratio":
        return OnAxis(None, "a difference of means is no log ratio, which the simulated effect is")
    kind = "" if row is None else row.quantity
    if kind == "change":
        return OnAxis(
            None,
            "its standard deviation is that of the change, and our tables hold no correlation of visits",
        )
    if kind != "level":
        return OnAxis(
            None, "our tables do not say whether its standard deviation is that of one visit or of the change"
        )
    if metric == "SMD":
        return OnAxis(effect, "standardised by its own arms at one visit")
    sd = None if row is None else pooled_sd(row)
    if sd is None:
        return OnAxis(None, "our tables hold no standard deviation of its arms")
    low, middle, high = (value / sd for value in effect)
    return OnAxis((low, middle, high), f"over the pooled SD of its arms at one visit, {sd:.3g}")


def pooled_sd(row: StudyEstimate) -> float | None:
    """Return the standard deviation pooled over both arms of a study; None where an arm lacks its own.

    A standard error becomes one by the root of the arm's people.
    """
    arms: list[float] = []
    for people, printed in ((row.n_treatment, row.treatment_sd), (row.n_control, row.control_sd)):
        if people is None or printed is None or people < 2:
            return None
        arms += [sd_from_se(printed, people) if row.dispersion_type == "SE" else printed, people]
    return None if arms[0] == arms[2] == 0 else effects.pooled_sd(*arms)
