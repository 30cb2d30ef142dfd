"""How much of what was planned is taken, day by day: the law, whose draws a trial makes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from eubiosis.core.design_defaults import default
from eubiosis.core.kinds import Share, plain
from eubiosis.core.spec import Problem, Spec, rule


class Adherence(Spec):
    """How much of what was planned is taken, day by day.

    ``mean`` and ``sd`` are those of a beta law of people's own propensities: the chance that a day's dose is
    taken. Missed days come in runs of ``missed_run`` days in the mean (0: a share of the dose every day
    and no day is missed), the propensity falls by ``fall_per_year`` of itself in a year, and at the rate
    ``reduced_per_year`` people go over to ``reduced_to`` of the dose and stay there.

    >>> Adherence(mean=0.7, sd=0.2).mean
    0.7
    """

    mean: Share = Field(default_factory=lambda: default("adherence_mean"))
    sd: Annotated[float, Field(ge=0, le=0.5)] = Field(default_factory=lambda: default("adherence_sd"))
    missed_run: Annotated[float, Field(ge=0, le=60)] = Field(
        default_factory=lambda: default("adherence_missed_run")
    )
    fall_per_year: Share = Field(default_factory=lambda: default("adherence_fall_per_year"))
    reduced_per_year: Annotated[float, Field(ge=0, le=5)] = Field(
        default_factory=lambda: default("adherence_reduced_per_year")
    )
    reduced_to: Share = Field(default_factory=lambda: default("adherence_reduced_to"))

    @staticmethod
    @rule("mean", "sd")
    def _some_law_has_them(mean: float, sd: float) -> Iterator[Problem]:
        if sd and sd**2 >= mean * (1 - mean):
            yield Problem(
                (),
                f"no share between 0 and 1 has mean {plain(mean)} and sd {plain(sd)}",
                "sd below the square root of mean x (1 - mean)",
                "make sd smaller",
            )

    @staticmethod
    @rule("missed_run")
    def _a_run_has_a_day(missed_run: float) -> Iterator[Problem]:
        if 0 < missed_run < 1:
            problem = f"a run of missed days lasts {plain(missed_run)} days"
            step = "write 0 for a share of each day's dose"
            yield Problem(("missed_run",), problem, "0, or 1 or more", step)

    @classmethod
    def full(cls) -> Adherence:
        """Return the adherence of people who take everything.

        >>> Adherence.full().mean
        1.0
        """
        return cls(mean=1.0, sd=0.0, missed_run=0.0, fall_per_year=0.0, reduced_per_year=0.0)

    @property
    def steady(self) -> bool:
        """Whether everybody takes the same share of the dose every day."""
        return self.missed_run == self.fall_per_year == self.reduced_per_year == 0
