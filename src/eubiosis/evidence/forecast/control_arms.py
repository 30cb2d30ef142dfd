"""What the control arm of a coming trial will show: relapses.

A mixed-effects meta-regression of the log annualised relapse rate (REML, Knapp-Hartung) on the year of
publication, an active or a placebo comparator, and entry after a relapse on that drug, over the control
arms of ``control_arm_rates.tsv``. A prediction is a true rate of a new arm; what n people will show in some
years scatters more. Arms whose rate was read only at second hand stay visible and do not decide: the fit
without them sizes trials.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from eubiosis.core import laws
from eubiosis.core.control_arm import (
    BACKGROUND_LABELS,
    NO_DRUG,
    PLATFORM,
    Calibration,
    ControlQuestion,
    Coverage,
    Factor,
    RateForecast,
    RelapseRegression,
)
from eubiosis.core.findings import FindingCollector
from eubiosis.core.provenance import SourcedNumber
from eubiosis.core.tables import read_table
from eubiosis.evidence.records.control_arms import ControlArmRate
from eubiosis.evidence.records.store import Evidence, load
from eubiosis.evidence.synthesis.combine import MetaFit, fit

Assumptions = Mapping[str, SourcedNumber]
Row = tuple[float, ...]

TERMS = ("rate of a placebo arm in 2015", "per calendar year", "active drug", "breakthrough at entry")
ORIGIN = 2015
UNSEEN = tuple(name for name in BACKGROUND_LABELS if name != NO_DRUG and name not in PLATFORM)


def read_assumptions(evidence: Evidence | None = None) -> Assumptions:
    """Read ``control_arm_assumptions.tsv`` by id; raises ``FindingsError`` where a row is invalid."""
    tables = evidence or load()
    findings = FindingCollector()
    rows = read_table(tables.folder / "control_arm_assumptions.tsv", SourcedNumber, findings)
    findings.raise_if_any()
    return {row.id: row for row in rows}


def rate_rows(evidence: Evidence | None = None, *, first_hand: bool = False) -> tuple[ControlArmRate, ...]:
    """Return the arms of the regression; ``first_hand`` drops those read only at second hand."""
    rows = (evidence or load()).table(ControlArmRate)
    return tuple(row for row in rows if row.first_hand or not first_hand)


def log_rate_variance(row: ControlArmRate, dispersion: float) -> float:
    """Return the sampling variance of an arm's log rate: (1 / (rate x years) + k) / people.

    >>> from eubiosis.evidence.forecast.control_arms import rate_rows
    >>> affirm = next(row for row in rate_rows() if row.trial == "AFFIRM")
    >>> round(log_rate_variance(affirm, 0.81), 6)
    0.004746
    """
    return (1 / (row.relapses_per_year * row.followup_years) + dispersion) / row.participants_used


def fit_rates(rows: Sequence[ControlArmRate], dispersion: float) -> MetaFit:
    """Fit the meta-regression; its four coefficients are on the log scale, in the order of ``TERMS``."""
    y = tuple(math.log(row.relapses_per_year) for row in rows)
    v = tuple(log_rate_variance(row, dispersion) for row in rows)
    return _fitted(y, v, tuple(map(tuple, _design(rows).tolist())))


@lru_cache(maxsize=256)
def _fitted(y: Row, v: Row, x: tuple[Row, ...]) -> MetaFit:
    """Return the fit of some arms; a report asks for the same ones three times."""
    return fit(y, v, x=np.array(x), test="knapp-hartung")


def forecast_rate(
    question: ControlQuestion,
    rows: Sequence[ControlArmRate],
    assumptions: Assumptions,
    fitted: MetaFit | None = None,
) -> RateForecast:
    """Forecast the true relapse rate of a new control arm; wider, and marked, outside the rows.

    ``fitted`` is the fit of the rows, where it has been made already.
    """
    made = fitted or fit_rates(rows, assumptions["arr_dispersion"].value)
    plain = _predict(made, _row(question.year, question.on_drug, question.breakthrough))
    return _widened(plain, _outside(question, rows, made, assumptions, plain.rate))


def coefficients(fitted: MetaFit) -> tuple[Factor, ...]:
    """Return the factors of a fit with their intervals and p values."""
    return tuple(
        Factor(term, math.exp(b), math.exp(low), math.exp(high), float(p))
        for term, b, (low, high), p in zip(
            TERMS, fitted.coefficients, fitted.intervals, fitted.p_values, strict=True
        )
    )


def why_no_rate(question: ControlQuestion, forecast: RateForecast, assumptions: Assumptions) -> str:
    """Say why a rate has no usable forecast; empty where it has one.

    A background drug that no arm had has no centre: the drug of the rows is another one. An interval wider
    than ``widest_ratio`` says nothing that a size could rest on.
    """
    if question.background in UNSEEN:
        name = BACKGROUND_LABELS[question.background]
        return (
            f"no usable forecast: no arm read at first hand had {name}, and those of platform drugs cannot "
            "stand for it"
        )
    if forecast.high / forecast.low > assumptions["widest_ratio"].value:
        return f"no usable forecast: 95 % from {forecast.low:.2f} to {forecast.high:.2f} a year"
    return ""


def calibration(
    rows: Sequence[ControlArmRate],
    apart: Sequence[tuple[ControlArmRate, MetaFit]],
    dispersion: float,
    last_year: int = 2012,
) -> Calibration:
    """Hold every arm against a forecast made without its trial, and later arms against earlier ones."""
    places = [_place(fitted, row, dispersion) for row, fitted in apart]
    away = 2 * np.abs(np.array(places) - 0.5)
    half, most, nearly = (float(np.mean(away <= level)) for level in (0.5, 0.8, 0.95))
    late = [row for row in rows if row.year_published > last_year]
    fitted = fit_rates([row for row in rows if row.year_published <= last_year], dispersion)
    inside = sum(abs(_place(fitted, row, dispersion) - 0.5) <= 0.475 for row in late)
    ratios = [math.log(row.relapses_per_year) - _mean_and_spread(fitted, row, dispersion)[0] for row in late]
    ratio = math.exp(float(np.mean(ratios)))
    return Calibration(len(places), half, most, nearly, len(late), inside, ratio)


def _mean_and_spread(fitted: MetaFit, row: ControlArmRate, dispersion: float) -> tuple[float, float]:
    """Return mean and scale of an arm's seen log rate, sampling error included."""
    place = _row(row.year_published, row.on_drug, row.relapse_on_drug)
    mean, error = (float(part[0]) for part in fitted.predict(np.array([place], dtype=np.float64)))
    return mean, math.sqrt(error**2 + fitted.tau2 + log_rate_variance(row, dispersion))


def _place(fitted: MetaFit, row: ControlArmRate, dispersion: float) -> float:
    """Return the probability of a lower rate than the one seen."""
    assert fitted.df is not None
    mean, spread = _mean_and_spread(fitted, row, dispersion)
    return 1 - float(laws.t_sf((math.log(row.relapses_per_year) - mean) / spread, fitted.df))


def fits_without_trials(
    rows: Sequence[ControlArmRate], dispersion: float
) -> tuple[tuple[ControlArmRate, MetaFit], ...]:
    """Return every arm with a fit that has no arm of its trial."""
    fits = {
        trial: fit_rates([row for row in rows if row.trial != trial], dispersion)
        for trial in dict.fromkeys(row.trial for row in rows)
    }
    return tuple((row, fits[row.trial]) for row in rows)


def leave_one_trial_out(apart: Sequence[tuple[ControlArmRate, MetaFit]]) -> Coverage:
    """Predict each arm from its fit without any arm of its trial."""
    outside = [missed for row, fitted in apart for missed in _missed(fitted, [row])]
    return Coverage(len(apart) - len(outside), len(apart), tuple(outside))


def fit_early_predict_late(
    rows: Sequence[ControlArmRate], dispersion: float, last_year: int = 2019
) -> Coverage:
    """Predict the arms published after ``last_year`` from those published until then."""
    late = [row for row in rows if row.year_published > last_year]
    fitted = fit_rates([row for row in rows if row.year_published <= last_year], dispersion)
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
    chance, time = size / (size + people * years * true), people * years
    least, most = mixed_count_interval(
        lambda count, one: laws.negative_binomial_cdf(count, size, one), chance, level
    )
    return least / time, most / time


def mixed_count_interval(
    law: Callable[[int, laws.Floats], laws.Floats], chances: laws.Floats, level: float = 0.95
) -> tuple[int, int]:
    """Return between which counts a mixture of equally probable laws lies: two of its quantiles.

    ``law`` gives the distribution function of a count at each of ``chances`` (components,). Every tenth
    component finds the neighbourhood, all of them the count.

    >>> mixed_count_interval(lambda k, p: laws.binomial_cdf(k, 10, p), np.array([0.0, 1.0]))
    (0, 10)
    """
    few, tail = chances[:: max(1, len(chances) // 200)], (1 - level) / 2
    ends = []
    for p in (tail, 1 - tail):
        near = count_quantile(lambda k: float(np.mean(law(k, few))), p, 8)
        ends.append(count_quantile(lambda k: float(np.mean(law(k, chances))), p, near))
    return ends[0], ends[1]


def count_quantile(below: Callable[[int], float], p: float, near: int = 8) -> int:
    """Return the smallest count at which a distribution function of counts reaches ``p``.

    The search begins at ``near`` and doubles its steps away from it.

    >>> count_quantile(lambda count: float(laws.binomial_cdf(count, 10, 0.5)), 0.5)
    5
    """
    low, high, step = near - 1, near, 1
    while below(high) < p:
        low, high, step = high, high + step, 2 * step
    while low >= 0 and low != high and below(low) >= p:
        high, low, step = low, max(low - step, -1), 2 * step
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if below(middle) < p else (low, middle)
    return high


def relapse_free_share(rates: ArrayLike, years: float, dispersion: float) -> laws.Floats:
    """Return the share without a relapse after some years: (1 + k rate years)^(-1/k).

    >>> round(float(relapse_free_share(0.7, 1.0, 0.81)), 3)
    0.574
    """
    share = (1 + dispersion * np.asarray(rates, dtype=np.float64) * years) ** (-1 / dispersion)
    return np.asarray(share, dtype=np.float64)


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
    below = laws.negative_binomial_pmf(counts, shape, chance)
    entered = 1 - float(below.sum())
    seen = (mean - float(counts @ below)) / entered
    # a person with c relapses has the true rate (shape + c) / (shape / mean + 1) on average
    true_below = float(((shape + counts) / (shape / mean + 1)) @ below)
    return seen, (mean - true_below) / entered


def regression_to_the_mean(rate: float, dispersion: float, at_least: int) -> RelapseRegression:
    """Split last year's relapses of an arm that shows ``rate`` on trial into selection and the rest.

    Finds the mean rate of the unselected people whose selected part has ``rate`` next year.
    """
    if at_least == 0:
        return RelapseRegression(rate, rate, rate, 0.0)

    def excess(mean: float) -> float:
        return selected_rates(mean, dispersion, at_least)[1] - rate

    unselected = laws.root(excess, 1e-4 * rate, rate)
    before = selected_rates(unselected, dispersion, at_least)[0]
    return RelapseRegression(before, unselected, rate, 1 - rate / before)


def _row(year: int, on_drug: bool, relapse_on_drug: bool) -> list[float]:
    return [1.0, year - ORIGIN, float(on_drug), float(relapse_on_drug)]


def _design(rows: Iterable[ControlArmRate]) -> laws.Floats:
    return np.array([_row(row.year_published, row.on_drug, row.relapse_on_drug) for row in rows])


def _predict(fitted: MetaFit, row: Sequence[float]) -> RateForecast:
    assert fitted.df is not None
    mean, error = (float(part[0]) for part in fitted.predict(np.array([row], dtype=np.float64)))
    reach = float(laws.t_point(0.025, fitted.df))
    spread = math.hypot(error, math.sqrt(fitted.tau2))
    low, high = (math.exp(mean + sign * reach * spread) for sign in (-1, 1))
    ci_low, ci_high = (math.exp(mean + sign * reach * error) for sign in (-1, 1))
    return RateForecast(math.exp(mean), ci_low, ci_high, low, high, fitted.k, spread, fitted.df)


def _widened(plain: RateForecast, widths: dict[str, float]) -> RateForecast:
    if not widths:
        return plain
    extra = math.sqrt(sum(width**2 for width in widths.values()))
    spread = math.hypot(plain.log_sd, extra)
    reach = float(laws.t_point(0.025, plain.df))
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
    assumptions: Assumptions,
    rate: float,
) -> dict[str, float]:
    """Return the extra SD of the log rate for each reason why the rows do not reach the question."""
    widths: dict[str, float] = {}
    years = [row.year_published for row in rows]
    first, last = min(years), max(years)
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
    if question.breakthrough and not question.on_drug:
        widths["breakthrough on no drug: every such row had a drug"] = unseen
    if question.relapses_last_year != 1:
        dispersion = assumptions["arr_dispersion"].value
        unselected = regression_to_the_mean(rate, dispersion, 1).unselected
        other = selected_rates(unselected, dispersion, question.relapses_last_year)[1]
        asked = question.relapses_last_year
        widths[f"{asked} relapses in the last year at entry: nearly all rows asked for one"] = abs(
            math.log(other / rate)
        )
    return widths


def _missed(fitted: MetaFit, held: Sequence[ControlArmRate]) -> list[str]:
    missed = []
    for row in held:
        forecast = _predict(fitted, _row(row.year_published, row.on_drug, row.relapse_on_drug))
        if not forecast.low <= row.relapses_per_year <= forecast.high:
            band = f"{forecast.low:.3f} to {forecast.high:.3f}"
            arm = f"{row.trial} {row.arm} {row.year_published}"
            missed.append(f"{arm}: {row.relapses_per_year:g} outside {band}")
    return missed
