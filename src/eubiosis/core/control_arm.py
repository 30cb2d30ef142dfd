"""What a control arm is asked, and what its forecast holds; the brief and the pages read it here."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from eubiosis.core import laws
from eubiosis.core.record import FLAT, HIDDEN, OPTIONAL, key
from eubiosis.core.spec import Spec

Background = Literal[
    "none", "platform", "interferon_beta", "glatiramer", "teriflunomide", "dimethyl_fumarate",
    "s1p_modulator", "cladribine", "natalizumab", "anti_cd20", "alemtuzumab",
]  # fmt: skip
Phenotype = Literal["RRMS", "CIS", "SPMS", "PPMS", "mixed"]
NO_DRUG: Background = "none"
PLATFORM: tuple[Background, ...] = ("platform", "interferon_beta", "glatiramer", "teriflunomide")
BACKGROUND_LABELS: Mapping[Background, str] = {
    "none": "no drug",
    "platform": "a platform drug (interferon beta, glatiramer or teriflunomide)",
    "interferon_beta": "interferon beta",
    "glatiramer": "glatiramer",
    "teriflunomide": "teriflunomide",
    "dimethyl_fumarate": "dimethyl fumarate",
    "s1p_modulator": "S1P modulator",
    "cladribine": "cladribine",
    "natalizumab": "natalizumab",
    "anti_cd20": "anti-CD20",
    "alemtuzumab": "alemtuzumab",
}
GRID = 4001  # equally probable points of a forecast
EndpointKind = Literal["hazard", "count", "points"]


class ControlQuestion(Spec):
    """The control arm that is asked for.

    ``year`` is that of publication. ``background`` is the drug of the control arm, "platform" for
    interferon beta, glatiramer or teriflunomide, "none" for placebo without a drug. ``breakthrough``: a
    relapse on that drug is asked for at entry. ``relapses_last_year`` is the least number of relapses in the
    year before entry, ``mfis_from`` the lowest MFIS or None. ``people`` are in the arm, followed ``years``.

    >>> ControlQuestion(year=2028, background="anti_cd20").people
    100
    """

    year: Annotated[int, Field(ge=1980, le=2100)]
    background: Background = "platform"
    breakthrough: bool = False
    phenotype: Phenotype = "RRMS"
    relapses_last_year: Annotated[int, Field(ge=0, le=5)] = 1
    mfis_from: Annotated[float | None, Field(ge=0, le=84)] = None
    people: Annotated[int, Field(ge=1)] = 100
    years: Annotated[float, Field(ge=0.05, le=10)] = 1.0

    @property
    def on_drug(self) -> bool:
        """Say whether the control arm has a drug."""
        return self.background != NO_DRUG


@dataclass(frozen=True)
class Coverage:
    """How often arms that a fit had not seen lay inside their 95 % prediction interval."""

    inside: int
    arms: int
    outside: tuple[str, ...]


@dataclass(frozen=True)
class Calibration:
    """How a forecast made without an arm's trial, sampling error included, met that arm.

    ``inside_*`` are shares of the ``arms`` inside their 50, 80 and 95 % intervals. ``later_ratio`` is the
    mean ratio of seen to forecast rates of the ``later_arms`` after 2012, forecast from the arms until then,
    and ``later_inside`` how many of those lie inside their 95 % interval.
    """

    arms: int
    inside_50: float
    inside_80: float
    inside_95: float
    later_arms: int
    later_inside: int
    later_ratio: float


@dataclass(frozen=True)
class Factor:
    """A factor of the regression of relapse rates, with its 95 % interval."""

    term: str
    factor: float
    low: float
    high: float
    p: float


@dataclass(frozen=True)
class RateForecast:
    """A forecast of the true relapse rate of a new arm, per year.

    ``ci_*`` bound the mean of such arms, ``low`` and ``high`` one new arm (95 %). ``log_sd`` is the scale of
    Student's t with ``df`` degrees of freedom around the log of ``rate``; ``extrapolated`` says why the
    rows do not reach this arm, and is empty where they do.
    """

    rate: float
    ci_low: float
    ci_high: float
    low: float = field(metadata=key("pi_low"))
    high: float = field(metadata=key("pi_high"))
    arms: int
    log_sd: float = field(repr=False, metadata=HIDDEN)
    df: int = field(repr=False, metadata=HIDDEN)
    extrapolated: tuple[str, ...] = ()

    def true_rates(self, points: int = GRID) -> laws.Floats:
        """Return equally probable true rates (points,)."""
        p = (np.arange(points) + 0.5) / points
        return np.exp(math.log(self.rate) + self.log_sd * laws.t_quantile(p, self.df))


@dataclass(frozen=True)
class RelapseForecast:
    """The rate of a new arm and what ``people`` will show, with the regression behind it."""

    forecast: RateForecast | None = field(metadata=FLAT)
    no_forecast: str  # why there is none; empty where there is one
    observed_low: float | None
    observed_high: float | None
    observed_approximate: tuple[float, float] | None
    expected_relapses: float | None
    tau: float
    coefficients: tuple[Factor, ...]
    leave_one_trial_out: Coverage
    fit_to_2019_predict_later: Coverage
    calibration: Calibration


@dataclass(frozen=True)
class Backtest:
    """An arm's printed relapse-free share and the one that its printed rate predicts."""

    trial: str
    arm: str
    printed: float
    predicted: float


@dataclass(frozen=True)
class RelapseFree:
    """The share free of relapses that the forecast rate implies."""

    share: float
    pi_low: float
    pi_high: float
    years: float
    how: str
    backtest: tuple[Backtest, ...]
    median_error_points: float


@dataclass(frozen=True)
class DecidingArm:
    """An arm behind the forecast of the relapse rate."""

    trial: str
    arm: str
    year: int
    rate: float
    read: str
    source: str


@dataclass(frozen=True)
class Relapses:
    """Relapse rates: the regression on every arm, and on those read at first hand, which decides.

    ``relapse_free`` is None where the rate has no usable forecast.
    """

    unit: str
    dispersion: float
    all_arms: RelapseForecast
    first_hand: RelapseForecast
    relapse_free: RelapseFree | None
    second_hand: tuple[str, ...]
    decides: str
    deciding_arms: tuple[DecidingArm, ...]


@dataclass(frozen=True)
class UsedArm:
    """A row behind the forecast of an endpoint."""

    trial: str
    arm: str
    year: int | None
    value: float
    unit: str
    read: str
    source: str


@dataclass(frozen=True)
class UnusedArm:
    """A row that does not decide, and why."""

    trial: str
    arm: str
    value: float
    reason: str


@dataclass(frozen=True)
class EndpointForecast:
    """A forecast of one endpoint in a new control arm.

    For a hazard the numbers are shares after ``years``, ``hazard`` the events a year behind them; for
    counts and points ``years`` does not matter. ``low`` and ``high`` bound a new trial's true value,
    ``observed_*`` what the people will show (95 %). Without a row there is no number, and ``note`` says why.
    """

    endpoint: str = field(metadata=HIDDEN)
    observed_low: float | None
    observed_high: float | None
    label: str
    unit: str
    kind: EndpointKind
    years: float
    value: float | None
    low: float | None = field(metadata=key("pi_low"))
    high: float | None = field(metadata=key("pi_high"))
    hazard: float | None
    rows: int
    extrapolated: tuple[str, ...]
    note: str
    used: tuple[UsedArm, ...]
    unused: tuple[UnusedArm, ...]
    true_values: tuple[float, ...] = field(
        default=(), repr=False, metadata=HIDDEN
    )  # equally probable, in the unit of ``value``


@dataclass(frozen=True)
class BetweenArms:
    """A ratio of neurofilament light between two arms."""

    trial: str
    ratio: float
    low: float | None
    high: float | None
    unit: str
    read: str


@dataclass(frozen=True)
class NeurofilamentLight:
    """Why neurofilament light has no forecast, and the rows that compare arms."""

    value: float | None
    note: str
    between_arms: tuple[BetweenArms, ...]


@dataclass(frozen=True)
class RelapseRegression:
    """Relapses a year of people chosen by their relapses: before entry, on trial, and unselected."""

    before: float
    unselected: float
    on_trial: float
    fall_without_treatment: float


@dataclass(frozen=True)
class MfisRegression:
    """Mean MFIS of people chosen by a threshold, at entry and asked again without any change."""

    threshold: float = field(metadata=key("from"))
    at_entry: float
    again: float
    fall: float
    reliability: float


@dataclass(frozen=True)
class BeforeAndOnTrial:
    """An arm that prints the relapses before entry and on trial."""

    trial: str
    arm: str
    year: int
    before: float
    on_trial: float
    ratio: float


@dataclass(frozen=True)
class RegressionToTheMean:
    """What choosing people does on its own."""

    relapses: RelapseRegression | None
    arms_with_both: tuple[BeforeAndOnTrial, ...]
    note: str
    mfis: MfisRegression | None = field(default=None, metadata=OPTIONAL)


@dataclass(frozen=True)
class ControlArmForecast:
    """Everything a control arm is expected to show, from published control arms alone."""

    question: ControlQuestion
    relapses: Relapses
    endpoints: Mapping[str, EndpointForecast]
    nfl: NeurofilamentLight
    regression_to_the_mean: RegressionToTheMean
    notice: str
