"""What the control arm of a coming trial will show: relapses.

A mixed-effects meta-regression of the log annualised relapse rate (REML, Knapp-Hartung) on the year of
publication, an active or a placebo comparator, and entry after a relapse on that drug, over the control
arms of ``control_arm_rates.tsv``. A prediction is a true rate of a new arm; what n people will show in some
years scatters more. Arms whose rate was read only at second hand stay visible and do not decide: the fit
without them sizes trials.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import stats

from eubiosis.core.findings import FindingCollector
from eubiosis.core.provenance import SourcedNumber
from eubiosis.core.tables import read_table
from eubiosis.evidence.records.companions import ControlArmRate
from eubiosis.evidence.records.store import Evidence, load
from eubiosis.evidence.synthesis.combine import MetaFit, fit

TERMS = ("rate of a placebo arm in 2015", "per calendar year", "active drug", "breakthrough at entry")
ORIGIN = 2015
SECOND_HAND = ("secondary", "recalled")
NO_DRUG = "none"
PLATFORM = ("platform", "interferon_beta", "glatiramer", "teriflunomide")
UNSEEN = ("dimethyl_fumarate", "s1p_modulator", "cladribine", "natalizumab", "anti_cd20", "alemtuzumab")
BACKGROUNDS = (NO_DRUG, *PLATFORM, *UNSEEN)
BACKGROUND_LABELS = {
    NO_DRUG: "no drug",
    "platform": "a platform drug (interferon beta, glatiramer or teriflunomide)",
    "s1p_modulator": "S1P modulator",
    "anti_cd20": "anti-CD20",
}
PHENOTYPES = ("RRMS", "CIS", "SPMS", "PPMS", "mixed")
_GRID = 4001


@dataclass(frozen=True)
class ControlQuestion:
    """The control arm that is asked for.

    ``year`` is that of publication. ``background`` is the drug of the control arm, "platform" for
    interferon beta, glatiramer or teriflunomide, "none" for placebo without a drug. ``breakthrough``: a
    relapse on that drug is asked for at entry. ``relapses_last_year`` is the least number of relapses in
    the year before entry; ``mfis_from`` the lowest MFIS, or None.
    """

    year: int
    background: str = "platform"
    breakthrough: bool = False
    phenotype: str = "RRMS"
    relapses_last_year: int = 1
    mfis_from: float | None = None

    @property
    def active(self) -> bool:
        """Say whether the control arm has a drug."""
        return self.background != NO_DRUG

    @property
    def row(self) -> list[float]:
        """Return the row of the design matrix (4,)."""
        return [1.0, self.year - ORIGIN, float(self.active), float(self.breakthrough)]


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
    low: float
    high: float
    log_sd: float
    df: int
    arms: int
    extrapolated: tuple[str, ...] = ()

    def true_rates(self, points: int = _GRID) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Return equally probable true rates (points,)."""
        p = (np.arange(points) + 0.5) / points
        return np.asarray(
            np.exp(math.log(self.rate) + self.log_sd * stats.t.ppf(p, self.df)), dtype=np.float64
        )


@dataclass(frozen=True)
class Coverage:
    """How often arms that a fit had not seen lay inside their prediction interval."""

    inside: int
    arms: int
    outside: tuple[str, ...]


def read_assumptions(evidence: Evidence | None = None) -> dict[str, SourcedNumber]:
    """Read ``control_arm_assumptions.tsv`` by id; raises ``FindingsError`` where a row is invalid."""
    tables = evidence or load()
    findings = FindingCollector()
    rows = read_table(tables.folder / "control_arm_assumptions.tsv", SourcedNumber, findings)
    findings.raise_if_any()
    return {row.id: row for row in rows}


def rate_rows(evidence: Evidence | None = None, *, first_hand: bool = False) -> tuple[ControlArmRate, ...]:
    """Return the arms of the regression; ``first_hand`` drops those read only at second hand."""
    rows = (evidence or load()).table("control_arm_rates", ControlArmRate)
    return tuple(row for row in rows if not (first_hand and row.read in SECOND_HAND))


def log_rate_variance(row: ControlArmRate, dispersion: float) -> float:
    """Return the sampling variance of an arm's log rate: (1 / (rate x years) + k) / people.

    >>> from eubiosis.evidence.forecast.control_arms import rate_rows
    >>> affirm = next(row for row in rate_rows() if row.trial == "AFFIRM")
    >>> round(log_rate_variance(affirm, 0.81), 6)
    0.004746
    """
    return (1 / (row.arr * row.fu) + dispersion) / row.n_used


def fit_rates(rows: Sequence[ControlArmRate], dispersion: float) -> MetaFit:
    """Fit the meta-regression; its four coefficients are on the log scale, in the order of ``TERMS``."""
    y = [math.log(row.arr) for row in rows]
    v = [log_rate_variance(row, dispersion) for row in rows]
    return fit(y, v, x=_design(rows), test="knapp-hartung")


def forecast_rate(
    question: ControlQuestion,
    rows: Sequence[ControlArmRate],
    assumptions: dict[str, SourcedNumber],
) -> RateForecast:
    """Forecast the true relapse rate of a new control arm; wider, and marked, outside the rows."""
    dispersion = assumptions["arr_dispersion"].value
    fitted = fit_rates(rows, dispersion)
    plain = _predict(fitted, question.row)
    widths = _outside(question, rows, fitted, assumptions, plain.rate)
    return _widened(plain, widths)


def coefficients(fitted: MetaFit) -> list[dict[str, float | str]]:
    """Return the factors of a fit with their intervals and p values."""
    return [
        {"term": term, "factor": math.exp(b), "low": math.exp(low), "high": math.exp(high), "p": float(p)}
        for term, b, (low, high), p in zip(
            TERMS, fitted.coefficients, fitted.intervals, fitted.p_values, strict=True
        )
    ]


def leave_one_trial_out(rows: Sequence[ControlArmRate], dispersion: float) -> Coverage:
    """Predict each arm from a fit without any arm of its trial."""
    outside, arms = [], 0
    for trial in dict.fromkeys(row.trial for row in rows):
        held = [row for row in rows if row.trial == trial]
        fitted = fit_rates([row for row in rows if row.trial != trial], dispersion)
        arms += len(held)
        outside += _missed(fitted, held)
    return Coverage(arms - len(outside), arms, tuple(outside))


def fit_early_predict_late(
    rows: Sequence[ControlArmRate], dispersion: float, last_year: int = 2019
) -> Coverage:
    """Predict the arms published after ``last_year`` from those published until then."""
    late = [row for row in rows if row.year > last_year]
    fitted = fit_rates([row for row in rows if row.year <= last_year], dispersion)
    outside = _missed(fitted, late)
    return Coverage(len(late) - len(outside), len(late), tuple(outside))


def observed_interval(
    forecast: RateForecast, people: int, years: float, dispersion: float, level: float = 0.95
) -> tuple[float, float]:
    """Return between which rates an arm of n people will be seen: the true rate's spread and theirs.

    The relapses of n people are negative binomial given the true rate; the interval is that of the
    mixture over the forecast, so its ends are whole numbers of relapses over the person-years.
    """
    if people < 1 or years <= 0:
        message = f"people {people}, years {years}; allowed: at least one person, positive years"
        raise ValueError(message)
    true = forecast.true_rates(1001)
    size = people / dispersion
    law = stats.nbinom(size, size / (size + people * years * true))
    tail = (1 - level) / 2
    time = people * years
    return mixed_count_quantile(law, tail) / time, mixed_count_quantile(law, 1 - tail) / time


def mixed_count_quantile(law: Any, p: float) -> int:
    """Return the smallest count at which the mean of equally probable laws' distributions reaches ``p``.

    ``law`` is a frozen discrete law of scipy with one entry per component.

    >>> mixed_count_quantile(stats.binom(10, np.array([0.0, 1.0])), 0.5)
    0
    >>> mixed_count_quantile(stats.binom(10, np.array([0.0, 1.0])), 0.51)
    10
    """
    low, high = -1, 8
    while float(np.mean(law.cdf(high))) < p:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if float(np.mean(law.cdf(middle))) < p else (low, middle)
    return high


def relapse_free_share(rates: Any, years: float, dispersion: float) -> Any:
    """Return the share without a relapse after some years: (1 + k rate years)^(-1/k).

    >>> round(float(relapse_free_share(0.7, 1.0, 0.81)), 3)
    0.574
    """
    return (1 + dispersion * np.asarray(rates) * years) ** (-1 / dispersion)


def selected_rates(mean: float, dispersion: float, at_least: int) -> tuple[float, float]:
    """Return last year's and next year's mean relapses of people with ``at_least`` relapses last year.

    True rates are gamma distributed with this mean and squared coefficient of variation ``dispersion``,
    and stay the same. The difference is regression to the mean.

    >>> selected_rates(0.5, 0.81, 0)
    (0.5, 0.5)
    """
    if at_least == 0:
        return mean, mean
    shape = 1 / dispersion
    chance = shape / (shape + mean)
    counts = np.arange(at_least)
    below = stats.nbinom.pmf(counts, shape, chance)
    entered = 1 - float(below.sum())
    seen = (mean - float(counts @ below)) / entered
    # a person with c relapses has the true rate (shape + c) / (shape / mean + 1) on average
    true_below = float(((shape + counts) / (shape / mean + 1)) @ below)
    return seen, (mean - true_below) / entered


def regression_to_the_mean(rate: float, dispersion: float, at_least: int) -> dict[str, float]:
    """Split last year's relapses of an arm that shows ``rate`` on trial into selection and the rest.

    Finds the mean rate of the unselected people whose selected part has ``rate`` next year.
    """
    from scipy.optimize import brentq

    if at_least == 0:
        return {"before": rate, "unselected": rate, "on_trial": rate, "fall_without_treatment": 0.0}

    def excess(mean: float) -> float:
        return selected_rates(mean, dispersion, at_least)[1] - rate

    unselected = float(brentq(excess, 1e-4 * rate, rate, xtol=1e-12))
    before = selected_rates(unselected, dispersion, at_least)[0]
    return {
        "before": before,
        "unselected": unselected,
        "on_trial": rate,
        "fall_without_treatment": 1 - rate / before,
    }


def _design(rows: Iterable[ControlArmRate]) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array([[1.0, row.year - ORIGIN, float(row.active), float(row.brk)] for row in rows])


def _predict(fitted: MetaFit, row: Sequence[float]) -> RateForecast:
    assert fitted.df is not None
    mean, error = (float(part[0]) for part in fitted.predict(np.array([row], dtype=np.float64)))
    reach = float(stats.t.isf(0.025, fitted.df))
    spread = math.hypot(error, math.sqrt(fitted.tau2))
    low, high = (math.exp(mean + sign * reach * spread) for sign in (-1, 1))
    ci_low, ci_high = (math.exp(mean + sign * reach * error) for sign in (-1, 1))
    return RateForecast(math.exp(mean), ci_low, ci_high, low, high, spread, fitted.df, fitted.k)


def _widened(plain: RateForecast, widths: dict[str, float]) -> RateForecast:
    if not widths:
        return plain
    extra = math.sqrt(sum(width**2 for width in widths.values()))
    spread = math.hypot(plain.log_sd, extra)
    reach = float(stats.t.isf(0.025, plain.df))
    mean = math.log(plain.rate)
    error = math.hypot((math.log(plain.ci_high) - mean) / reach, extra)
    return replace(
        plain,
        ci_low=math.exp(mean - reach * error),
        ci_high=math.exp(mean + reach * error),
        low=math.exp(mean - reach * spread),
        high=math.exp(mean + reach * spread),
        log_sd=spread,
        extrapolated=tuple(widths),
    )


def _outside(
    question: ControlQuestion,
    rows: Sequence[ControlArmRate],
    fitted: MetaFit,
    assumptions: dict[str, SourcedNumber],
    rate: float,
) -> dict[str, float]:
    """Return the extra SD of the log rate for each reason why the rows do not reach the question."""
    widths: dict[str, float] = {}
    first, last = min(row.year for row in rows), max(row.year for row in rows)
    away = max(first - question.year, question.year - last)
    if away > assumptions["trend_reach"].value:
        slope = abs(float(fitted.coefficients[1]))
        widths[f"year {question.year}: rows from {first} to {last}; the trend may stop or double"] = (
            slope * away
        )
    unseen = assumptions["unseen_log_sd"].value
    if question.background in UNSEEN:
        widths[f"background {question.background}: no arm of the regression had it"] = unseen
    if question.phenotype != "RRMS":
        widths[f"{question.phenotype}: every arm of the regression is relapsing-remitting"] = unseen
    if question.breakthrough and not question.active:
        widths["breakthrough on no drug: every such row had a drug"] = unseen
    if question.relapses_last_year != 1:
        dispersion = assumptions["arr_dispersion"].value
        unselected = regression_to_the_mean(rate, dispersion, 1)["unselected"]
        other = selected_rates(unselected, dispersion, question.relapses_last_year)[1]
        asked = question.relapses_last_year
        widths[f"{asked} relapses in the last year at entry: nearly all rows asked for one"] = abs(
            math.log(other / rate)
        )
    return widths


def _missed(fitted: MetaFit, held: Sequence[ControlArmRate]) -> list[str]:
    missed = []
    for row in held:
        question = [1.0, row.year - ORIGIN, float(row.active), float(row.brk)]
        forecast = _predict(fitted, question)
        if not forecast.low <= row.arr <= forecast.high:
            band = f"{forecast.low:.3f} to {forecast.high:.3f}"
            missed.append(f"{row.trial} {row.arm} {row.year}: {row.arr:g} outside {band}")
    return missed
