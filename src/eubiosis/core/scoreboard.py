"""What a scoreboard is made of: sealed forecasts, read-outs, scores of studies, and groups of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

ScoreStatus = Literal["fitted", "seen", "fresh", "yours"]
STATUSES: tuple[ScoreStatus, ...] = ("fitted", "seen", "fresh")
STATUS_WORDS: Mapping[str, str] = {
    "fitted": "a number of the model was set with this study in sight, though it was left out here",
    "seen": "not fitted, but compared with the model before; a change since then makes it a second look",
    "fresh": "predicted and hashed before its first comparison",
    "yours": "your own study, from the table that you gave",
}
RULE = (
    "The sealed law is that of the true effect. A read-out is scored against it with the normal sampling "
    "error of the read-out added, in the same way for the model, the reference and what stands beside it."
)


@dataclass(frozen=True)
class NormalLaw:
    """A normal forecast of a true effect."""

    mean: float
    sd: float


@dataclass(frozen=True)
class SealedQuantity:
    """The forecast of one quantity of one arm: equally likely ``draws`` of the true effect, joint over it.

    ``reference`` is centred on no change with the spread of the other studies; None where there is no such
    thing as no change, or no other study. ``minus_baseline`` and ``regression`` stand beside it. ``others``
    counts the studies behind the reference's spread.
    """

    quantity: str
    label: str
    kind: str
    unit: str
    status: ScoreStatus
    draws: tuple[float, ...]
    reference: NormalLaw | None
    minus_baseline: NormalLaw | None = None
    regression: NormalLaw | None = None
    others: int = 0


@dataclass(frozen=True)
class SealedForecast:
    """The forecast of one arm (or contrast) of a study, as it is written before its comparison.

    ``how`` says what was left out and how; ``effective`` is the effective number of worlds behind it.
    """

    study: str
    arm: str
    population: str
    date: str
    version: str
    model: str
    design: str
    how: str
    worlds: int
    effective: float
    quantities: tuple[SealedQuantity, ...]

    @property
    def name(self) -> str:
        """Study and arm."""
        return f"{self.study}, {self.arm}" if self.arm else self.study


@dataclass(frozen=True)
class ReadOut:
    """What a study found: an estimate with its standard error, on the scale of the forecast."""

    study: str
    arm: str
    quantity: str
    estimate: float
    se: float
    people: int | None = None
    source: str = ""

    @property
    def null(self) -> bool:
        """Whether its 95 % interval holds no change."""
        return abs(self.estimate) <= 1.959963984540054 * self.se


@dataclass(frozen=True)
class ScoredQuantity:
    """One read-out against its forecasts; CRPS in units of the reference's predictive spread (``scale``).

    ``scale`` is None, and the ratios are missing, where there is no reference; CRPS is then in its own unit.
    ``width`` is that of the model's 90 % interval over the reference's. The yardstick is no change with the
    spread of all studies, the scored one among them.
    """

    study: str
    arm: str
    quantity: str
    label: str
    kind: str
    population: str
    unit: str
    status: ScoreStatus
    null: bool
    estimate: float
    se: float
    middle: float
    low: float
    high: float
    place: float
    crps: float
    crps_reference: float | None
    crps_minus_baseline: float | None
    crps_regression: float | None
    crps_yardstick: float | None
    scale: float | None
    width: float | None

    @property
    def in_50(self) -> bool:
        """Whether the central 50 % interval holds the read-out."""
        return 0.25 <= self.place <= 0.75

    @property
    def in_90(self) -> bool:
        """Whether the central 90 % interval holds the read-out."""
        return 0.05 <= self.place <= 0.95


@dataclass(frozen=True)
class StudyUnit:
    """One study as one score: means over its quantities, and the energy score of each arm as one vector.

    Scaled by the reference's spread; ``ratio`` and ``energy_ratio`` are the model over the reference.
    """

    study: str
    status: ScoreStatus
    population: str
    kinds: tuple[str, ...]
    quantities: int
    model: float
    reference: float
    ratio: float
    energy: float
    energy_reference: float
    energy_ratio: float
    in_50: int
    in_90: int


@dataclass(frozen=True)
class RatioSeen:
    """A ratio of mean scores with its interval over studies (None: too few to resample), and the verdict."""

    ratio: float
    low: float | None
    high: float | None
    studies: int
    verdict: str


@dataclass(frozen=True)
class CoverageSeen:
    """Coverage of an interval: exact limits as if quantities were independent, and over resampled studies."""

    nominal: float
    hits: int
    of: int
    share: float
    low: float
    high: float
    low_studies: float | None
    high_studies: float | None


@dataclass(frozen=True)
class BoardGroup:
    """Studies together: the ratio of CRPS and of the energy score, competitors, coverage and width.

    ``yardstick`` is the model over no change with a spread that has seen the studies: skill has to show there
    too, since a spread of the others alone is wrong just where a study is unlike them.
    """

    group: str
    what: str
    studies: int
    quantities: int
    crps: RatioSeen | None
    energy: RatioSeen | None
    minus_baseline: RatioSeen | None
    regression: RatioSeen | None
    yardstick: RatioSeen | None
    coverage_50: CoverageSeen
    coverage_90: CoverageSeen
    width: float | None
    width_low: float | None
    width_high: float | None


@dataclass(frozen=True)
class NotScored:
    """A study or row that is not scored, and why."""

    id: str
    what: str
    reason: str


@dataclass(frozen=True)
class SealSeen:
    """A forecast with the hash that it was compared under and when both happened."""

    study: str
    arm: str
    predicted: str
    compared: str
    sha256: str
    worlds: int
    effective: float
    how: str


@dataclass(frozen=True)
class RefitCheck:
    """Reweighted worlds beside worlds that were moved on without the study: how far their forecasts differ.

    ``difference`` is the root mean square difference of the medians over the quantities, ``spread`` that of
    the refitted worlds' own standard deviations (log ratios).
    """

    study: str
    effective: float
    tail: float
    difference: float
    spread: float
    largest: float
    used: str


@dataclass(frozen=True)
class Scoreboard:
    """Everything on the page."""

    title: str
    rule: str
    groups: tuple[BoardGroup, ...]
    studies: tuple[StudyUnit, ...]
    quantities: tuple[ScoredQuantity, ...]
    not_scored: tuple[NotScored, ...] = ()
    seals: tuple[SealSeen, ...] = ()
    refits: tuple[RefitCheck, ...] = ()
    notes: tuple[str, ...] = ()

    def group(self, name: str) -> BoardGroup:
        """Return a group by its name; raises ``KeyError``."""
        for each in self.groups:
            if each.group == name:
                return each
        raise KeyError(name)
