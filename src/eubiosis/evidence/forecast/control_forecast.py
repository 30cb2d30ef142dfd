"""The whole forecast of a control arm, each regression made once, and its text for the shell."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from eubiosis.core import laws
from eubiosis.core.calendar import WEEKS_PER_YEAR
from eubiosis.core.control_arm import (
    Backtest,
    BeforeAndOnTrial,
    BetweenArms,
    ControlArmForecast,
    ControlQuestion,
    DecidingArm,
    EndpointForecast,
    MfisRegression,
    NeurofilamentLight,
    RateForecast,
    RegressionToTheMean,
    RelapseForecast,
    RelapseFree,
    Relapses,
)
from eubiosis.core.kinds import how_many
from eubiosis.evidence.forecast.control_arms import (
    Assumptions,
    calibration,
    coefficients,
    fit_early_predict_late,
    fit_rates,
    fits_without_trials,
    forecast_rate,
    leave_one_trial_out,
    observed_interval,
    rate_rows,
    read_assumptions,
    regression_to_the_mean,
    relapse_free_share,
    why_no_rate,
)
from eubiosis.evidence.forecast.control_endpoints import RULES, forecast_endpoint
from eubiosis.evidence.records.control_arms import ControlArm, ControlArmRate
from eubiosis.evidence.records.store import Evidence, load

NOTICE = "A forecast from published control arms. It says nothing about the effect of any therapy."
SOURCE_OF_DISPERSION = "AFFIRM"  # whose relapse counts gave the dispersion


def control_arm(
    question: ControlQuestion, evidence: Evidence | None = None, assumptions: Assumptions | None = None
) -> ControlArmForecast:
    """Forecast every endpoint of a control arm from published control arms alone.

    ``relapses.all_arms`` is the regression on every arm, ``relapses.first_hand`` that on the arms read at
    first hand, which decides. Rates are per year, shares after ``question.years``.

    >>> found = control_arm(ControlQuestion(year=2026, people=60))
    >>> print(f"{found.relapses.first_hand.forecast.rate:.2f} relapses a year")
    0.16 relapses a year
    """
    tables = evidence or load()
    numbers = assumptions or read_assumptions(tables)
    relapses = _relapses(question, numbers, tables)
    return ControlArmForecast(
        question=question,
        relapses=relapses,
        endpoints={name: forecast_endpoint(name, question, numbers, tables) for name in RULES},
        nfl=_nfl(tables),
        regression_to_the_mean=_regression(
            question, relapses.first_hand.forecast, numbers, rate_rows(tables, first_hand=True)
        ),
        notice=NOTICE,
    )


def _relapses(question: ControlQuestion, assumptions: Assumptions, tables: Evidence) -> Relapses:
    dispersion = assumptions["arr_dispersion"].value
    every, first = rate_rows(tables), rate_rows(tables, first_hand=True)
    decisive = _relapse_forecast(question, first, assumptions)
    return Relapses(
        unit="relapses/year",
        dispersion=dispersion,
        all_arms=_relapse_forecast(question, every, assumptions),
        first_hand=decisive,
        relapse_free=None
        if decisive.forecast is None
        else _relapse_free(decisive.forecast, question.years, dispersion, tables),
        second_hand=tuple(
            f"{row.trial} {row.arm} {row.year_published}: {row.relapses_per_year:g}"
            for row in every
            if not row.first_hand
        ),
        decides="first_hand",
        deciding_arms=tuple(
            DecidingArm(row.trial, row.arm, row.year_published, row.relapses_per_year, row.read, row.source)
            for row in first
        ),
    )


def _relapse_forecast(
    question: ControlQuestion, rows: Sequence[ControlArmRate], assumptions: Assumptions
) -> RelapseForecast:
    dispersion, people, years = assumptions["arr_dispersion"].value, question.people, question.years
    fitted, apart = fit_rates(rows, dispersion), fits_without_trials(rows, dispersion)
    forecast = forecast_rate(question, rows, assumptions, fitted)
    why = why_no_rate(question, forecast, assumptions)
    low, high = (None, None) if why else observed_interval(forecast, people, years, dispersion)
    return RelapseForecast(
        forecast=None if why else forecast,
        no_forecast=why,
        observed_low=low,
        observed_high=high,
        observed_approximate=None if why else _approximately_observed(forecast, people, years, dispersion),
        expected_relapses=None if why else forecast.rate * people * years,
        tau=math.sqrt(fitted.tau2),
        coefficients=coefficients(fitted),
        leave_one_trial_out=leave_one_trial_out(apart),
        fit_to_2019_predict_later=fit_early_predict_late(rows, dispersion),
        calibration=calibration(rows, apart, dispersion),
    )


def _approximately_observed(
    forecast: RateForecast, people: int, years: float, dispersion: float
) -> tuple[float, float]:
    """Return the interval of the observed rate that treats its logarithm as Student's t."""
    sampling = (1 / (forecast.rate * years) + dispersion) / people
    half = float(laws.t_point(0.025, forecast.df)) * math.hypot(forecast.log_sd, math.sqrt(sampling))
    return forecast.rate * math.exp(-half), forecast.rate * math.exp(half)


def _relapse_free(forecast: RateForecast, years: float, dispersion: float, tables: Evidence) -> RelapseFree:
    value, low, high = (
        float(relapse_free_share(rate, years, dispersion))
        for rate in (forecast.rate, forecast.high, forecast.low)
    )
    misses = relapse_free_backtest(tables, dispersion)
    return RelapseFree(
        value, low, high, years, "negative binomial counts from the forecast rate and the dispersion", misses,
        100 * float(np.median([abs(one.predicted - one.printed) for one in misses])),
    )  # fmt: skip


def relapse_free_backtest(tables: Evidence, dispersion: float) -> tuple[Backtest, ...]:
    """Predict each printed relapse-free share from the same arm's relapse rate.

    Only relapsing-remitting adults read at first hand, with one fixed length; AFFIRM, which gave the
    dispersion, is left out.
    """
    first = [
        row for row in tables.table(ControlArm)
        if row.phenotype == "RRMS" and row.age_group == "adults" and row.first_hand
        and row.trial != SOURCE_OF_DISPERSION
    ]  # fmt: skip
    rates: dict[tuple[str, str], float] = {}
    for row in first:
        if row.endpoint == "ARR":
            rates.setdefault((row.trial, row.arm), row.value)
    found = []
    for row in first:
        rate = rates.get((row.trial, row.arm))
        fixed = row.followup_weeks if row.followup_is == "fixed" else None
        if row.endpoint != "relapse_free" or rate is None or fixed is None:
            continue
        predicted = float(relapse_free_share(rate, fixed / WEEKS_PER_YEAR, dispersion))
        found.append(Backtest(row.trial, row.arm, row.value / 100, predicted))
    return tuple(found)


def _nfl(tables: Evidence) -> NeurofilamentLight:
    rows = [row for row in tables.table(ControlArm) if row.endpoint == "NfL_ratio"]
    return NeurofilamentLight(
        None,
        "no row follows NfL within a control arm; the rows compare arms, so there is no forecast",
        tuple(BetweenArms(row.trial, row.value, row.ci_low, row.ci_high, row.unit, row.read) for row in rows),
    )


def _regression(
    question: ControlQuestion,
    forecast: RateForecast | None,
    assumptions: Assumptions,
    rows: Sequence[ControlArmRate],
) -> RegressionToTheMean:
    dispersion = assumptions["arr_dispersion"].value
    seen = tuple(
        BeforeAndOnTrial(
            row.trial, row.arm, row.year_published, row.relapses_year_before, row.relapses_per_year,
            row.relapses_per_year / row.relapses_year_before,
        )
        for row in rows if row.relapses_year_before is not None
    )  # fmt: skip
    threshold = question.mfis_from
    return RegressionToTheMean(
        None
        if forecast is None
        else regression_to_the_mean(forecast.rate, dispersion, question.relapses_last_year),
        seen,
        "true rates are taken as gamma distributed and constant; a drug started at entry adds to it",
        None if threshold is None else mfis_regression(threshold, assumptions),
    )


def mfis_regression(threshold: float, assumptions: Assumptions) -> MfisRegression:
    """Return the mean MFIS at entry and again for people chosen by a threshold, without any change.

    Normal scores with the mean, SD and measurement error of ``assumptions``.
    """
    mean, sd = assumptions["mfis_all_mean"].value, assumptions["mfis_all_sd"].value
    reliability = 1 - (assumptions["mfis_sem"].value / sd) ** 2
    z = (threshold - mean) / sd
    above = mean + sd * float(laws.normal_pdf(z) / laws.normal_sf(z))
    again = mean + reliability * (above - mean)
    return MfisRegression(threshold, above, again, above - again, reliability)


def control_arm_text(found: ControlArmForecast) -> str:
    """Write a forecast as lines for the shell."""
    asked, relapses = found.question, found.relapses
    lines = [
        f"Control arm published {asked.year}, background {asked.background}, {asked.phenotype}, "
        f"{how_many(asked.people, 'person', 'people')} for {asked.years:g} y",
        "",
        "Relapses a year",
        *_relapse_lines(relapses.all_arms, "all arms"),
        *_relapse_lines(relapses.first_hand, "read at first hand (decides)"),
    ]
    free = relapses.relapse_free
    if free is not None:
        lines.append(
            f"Free of relapses after {free.years:g} y, from the rate: {free.share:.0%} "
            f"({free.pi_low:.0%} to {free.pi_high:.0%}); median error in {len(free.backtest)} arms "
            f"{free.median_error_points:.1f} points"
        )
    lines += [_endpoint_line(one) for one in found.endpoints.values()]
    lines.append(f"NfL: {found.nfl.note}")
    fall, mfis = found.regression_to_the_mean.relapses, found.regression_to_the_mean.mfis
    if fall is not None:
        lines.append(
            f"Regression to the mean: {fall.before:.2f} relapses in the year before entry, "
            f"{fall.on_trial:.2f} a year after, if true rates stay as they are "
            f"({fall.fall_without_treatment:.0%} less)"
        )
    if mfis is not None:
        lines.append(f"  MFIS from {mfis.threshold:g}: {mfis.at_entry:.1f} at entry, {mfis.again:.1f} again")
    return "\n".join([*lines, "", found.notice])


def _relapse_lines(one: RelapseForecast, words: str) -> list[str]:
    rate = one.forecast
    coverages = (
        ("left out by trial", one.leave_one_trial_out),
        ("fitted to 2019, later arms", one.fit_to_2019_predict_later),
    )
    told = one.calibration
    numbers = [f"  {words}: {one.no_forecast}"]
    if rate is not None:
        numbers = [
            f"  {words}, {rate.arms} arms: {rate.rate:.3f}, mean of such arms {rate.ci_low:.3f} to "
            f"{rate.ci_high:.3f}, a new arm {rate.low:.3f} to {rate.high:.3f}",
            f"    this many people will observe {one.observed_low:.3f} to {one.observed_high:.3f}",
            *(f"    extrapolated: {reason}" for reason in rate.extrapolated),
        ]
    return [
        *numbers,
        f"    calibration, {told.arms} arms left out with their trial: {told.inside_50:.0%}, "
        f"{told.inside_80:.0%} and {told.inside_95:.0%} inside their 50, 80 and 95 % intervals; "
        f"fitted to 2012, later arms x{told.later_ratio:.2f}, {told.later_inside} of {told.later_arms} "
        "inside",
        *(
            f"    {c.term}: x{c.factor:.3f} [{c.low:.3f}, {c.high:.3f}], p {c.p:.2g}"
            for c in one.coefficients
        ),
        *(
            f"    {label}: {c.inside} of {c.arms} arms inside" + "".join(f"; {x}" for x in c.outside)
            for label, c in coverages
        ),
    ]


def _endpoint_line(one: EndpointForecast) -> str:
    numbers = (one.value, one.low, one.high, one.observed_low, one.observed_high)
    if one.value is None:
        return f"{one.label}: {one.note}"
    percent = one.kind == "hazard"
    value, low, high, *seen = (f"{x:.0%}" if percent else f"{x:.2f}" for x in numbers if x is not None)
    unit = f" after {one.years:g} y" if percent else f" {one.unit}"
    extra = "; extrapolated: " + "; ".join(one.extrapolated) if one.extrapolated else ""
    return (
        f"{one.label}: {value}{unit}, a new trial {low} to {high}, observed {' to '.join(seen)} "
        f"({one.note}{extra})"
    )
