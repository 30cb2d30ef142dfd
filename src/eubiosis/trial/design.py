"""The design of a virtual trial."""

from __future__ import annotations

from dataclasses import dataclass, field

from eubiosis.therapy.therapy import Therapy


@dataclass(frozen=True)
class Arm:
    """One parallel arm."""

    name: str
    therapy: Therapy
    control: bool = False


@dataclass(frozen=True)
class Eligibility:
    """Who may enter; None switches a criterion off. Ages in years, relapses in the year before entry."""

    age: tuple[float, float] | None = (18.0, 60.0)
    edss: tuple[float, float] | None = (0.0, 5.5)
    relapses_last_year: int | None = None
    mfis_from: float | None = None


@dataclass(frozen=True)
class Background:
    """The level of the control arm, which the design states and the model does not predict.

    ``relapses_per_year`` and ``gd_lesions_per_scan`` are means over untreated eligible subjects.
    """

    relapses_per_year: float = 0.30
    gd_lesions_per_scan: float = 0.8


@dataclass(frozen=True)
class Design:
    """Two or three parallel arms with screening, permuted blocks, visits and dropout.

    ``visits`` in weeks from 0; the last is the end of follow-up. ``dropout_per_year`` is a hazard.
    ``allocation`` gives each arm's share of a block of size ``block`` x sum(allocation).
    """

    arms: tuple[Arm, ...]
    participants: int
    visits: tuple[float, ...] = (0.0, 12.0, 24.0, 36.0, 48.0)
    allocation: tuple[int, ...] = (1, 1)
    block: int = 2
    dropout_per_year: float = 0.12
    placebo_response_mfis: float = -4.0
    eligibility: Eligibility = field(default_factory=Eligibility)
    background: Background = field(default_factory=Background)
    primary: str = "mfis"

    @property
    def control(self) -> Arm:
        """The control arm."""
        return next(arm for arm in self.arms if arm.control)

    @property
    def active(self) -> tuple[Arm, ...]:
        """The other arms."""
        return tuple(arm for arm in self.arms if not arm.control)

    @property
    def days(self) -> int:
        """Days of follow-up."""
        return round(7 * self.visits[-1])
