"""How far one measurement of a person lies from the next, therapy or not: from repeated cohorts."""

from __future__ import annotations

from dataclasses import dataclass

from eubiosis.analysis.planning.stool_variance import Kind, cohorts, markers, spread_of
from eubiosis.workflow.forecast.quantities import ForecastQuantity

# the cohort whose variances stand for anybody's; acids of stool and plasma come from one placebo arm
_COHORTS = {"guild": "baxter_control", "stool": "wbf011_placebo", "plasma": "wbf011_placebo"}
_KINDS: dict[str, Kind] = {"guild": "guild", "stool": "acid", "plasma": "acid"}


@dataclass(frozen=True)
class Noise:
    """Variances of a log measurement: ``between`` people, and ``within`` one from visit to visit.

    ``reliability`` is the share of the first in a single measurement: the slope of the follow-up on the
    baseline where nothing happens. ``source`` says where they were measured.
    """

    between: float
    within: float
    source: str

    @property
    def reliability(self) -> float:
        """The slope of a later measurement on an earlier one, between 0 and 1."""
        total = self.between + self.within
        return self.between / total if total > 0 else 0.0

    @property
    def no_change_variance(self) -> float:
        """The variance of a change when a person stays as they are."""
        return 2 * self.within

    @property
    def regression_variance(self) -> float:
        """The variance of a later measurement about its regression on the earlier one."""
        return (self.between + self.within) * (1 - self.reliability**2)


def noise_of(quantity: ForecastQuantity, *, samples: float = 1.0) -> Noise | None:
    """Return the noise of a quantity measured once a visit (or as a mean of ``samples``); None where unknown.

    >>> from eubiosis.workflow.forecast.quantities import GUILD_QUANTITIES
    >>> round(noise_of(GUILD_QUANTITIES[4]).reliability, 2)
    0.72
    """
    kind = _KINDS.get(quantity.place)
    marker = quantity.guild or quantity.id
    if kind is None or marker not in markers(kind):
        return None
    cohort = _COHORTS[quantity.place]
    if cohort not in cohorts(kind, marker):
        return None
    spread = spread_of(kind, marker, cohort)
    return Noise(spread.between, spread.period + spread.sample / samples, spread.rows[0].source)
