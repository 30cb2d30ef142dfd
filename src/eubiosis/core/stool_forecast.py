"""The forecast of a group under a therapy and the scores of a finished study: what pages and JSON hold.

Changes are ratios of after over before. Nothing in here is about one person.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from eubiosis.core.record import HIDDEN

NOT_FOR_CARE = (
    "A group's forecast from a simulation: no medical device, not for the care of anybody, no ranking of "
    "therapies, and nothing about a single person."
)
Definition = Literal["mean_log_ratio", "ratio_of_means"]
DEFINITIONS: Mapping[str, str] = {
    "mean_log_ratio": "mean change of the (centred) log-ratio, as a ratio",
    "ratio_of_means": "ratio of group means",
}
METHODS = ("model", "model_tables", "no_change", "regression", "published", "others")
METHOD_WORDS: Mapping[str, str] = {
    "model": "model, over worlds",
    "model_tables": "model, the tables' numbers",
    "no_change": "no change",
    "regression": "regression to the mean",
    "published": "mean change of published trials",
    "others": "mean of the study's other people (has seen the study)",
}


@dataclass(frozen=True)
class PublishedChange:
    """One figure as a ratio (``low`` to ``high`` its 95 % interval), and what it is a figure of."""

    quantity: str
    value: float
    low: float | None
    high: float | None
    definition: Definition
    day: int
    over: str
    population: str
    source: str
    fitted: bool


@dataclass(frozen=True)
class Change:
    """A change as a ratio after over before: the middle and the 95 % interval, None where it is not known."""

    middle: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Competitors:
    """What three simple forecasts say of the mean change; None where one does not exist, with the reason."""

    no_change: Change
    regression_to_the_mean: Change | None
    published: PublishedChange | None
    published_reason: str


@dataclass(frozen=True)
class QuantityForecast:
    """One quantity: ``mean_log_ratio`` is the mean change of the (centred) log over people, as a ratio.

    ``tables`` is what the tables' own numbers give without sampling. ``ratio_of_means`` is the ratio of the
    group's arithmetic means, which some trials print. The three standard deviations are parts of the width on
    the log scale: between worlds, the named discrepancy, and sampling (people and visits); ``end_error`` is
    the Monte Carlo error of the world interval's ends. A ``sampling_sd`` of None: no repeated cohort measured
    it.
    """

    quantity: str
    label: str
    place: str
    mean_log_ratio: Change
    tables: float
    ratio_of_means: Change
    worlds_sd: float
    discrepancy_sd: float
    sampling_sd: float | None
    end_error: float
    competitors: Competitors


@dataclass(frozen=True)
class GroupForecast:
    """A group's forecast under one therapy; nothing in it is about one person."""

    not_for_care: str
    skill: str
    therapy: str
    phrase: str
    days: int
    people: int
    unusable: int
    not_run: int
    worlds: int
    enough_worlds: bool
    people_a_world: int
    not_observed: tuple[str, ...]
    quantities: tuple[QuantityForecast, ...]
    published_refused: tuple[str, ...]
    notes: tuple[str, ...]
    _by_id: dict[str, QuantityForecast] = field(default_factory=dict, metadata=HIDDEN, repr=False)

    def of(self, quantity: str) -> QuantityForecast:
        """Return the forecast of one quantity; raises ``KeyError`` for an unknown one."""
        return self._by_id[quantity]


@dataclass(frozen=True)
class QuantityScore:
    """One quantity over people: scores of every method (None: there is none), and rank correlations.

    ``rank`` is that of the whole forecast with the measured change, ``rank_regression`` that of regression
    alone, and ``rank_mechanism`` that of the model's part with what regression leaves.
    """

    quantity: str
    people: int
    mae: Mapping[str, float | None]
    crps: Mapping[str, float | None]
    measured_change: float
    forecast_change: float
    rank: float | None
    rank_regression: float | None
    rank_mechanism: float | None


@dataclass(frozen=True)
class ClassScore:
    """Several quantities as one multivariate score: means over people and quantities, by method.

    ``low`` and ``high`` of the model's score, ``gain`` over the ``best`` competitor with its interval (people
    resampled).
    """

    quantities: tuple[str, ...]
    people: int
    score: str
    by_method: Mapping[str, float | None]
    low: float
    high: float
    best: str
    gain: float
    gain_low: float
    gain_high: float


@dataclass(frozen=True)
class StudyScores:
    """All scores of a study; ``left_out`` says which quantities have none, and why."""

    people: int
    not_run: int
    quantities: tuple[QuantityScore, ...]
    classes: tuple[ClassScore, ...]
    left_out: tuple[str, ...]
