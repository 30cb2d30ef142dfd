"""The forecast of a control arm as plain data, and as text for the shell."""

from __future__ import annotations

import math
from collections.abc import Mapping
from statistics import median
from typing import Any

from scipy import stats

from eubiosis.core.provenance import SourcedNumber
from eubiosis.evidence.forecast.control_arms import (
    BACKGROUNDS,
    PHENOTYPES,
    SECOND_HAND,
    ControlQuestion,
    Coverage,
    RateForecast,
    coefficients,
    fit_early_predict_late,
    fit_rates,
    forecast_rate,
    leave_one_trial_out,
    observed_interval,
    rate_rows,
    read_assumptions,
    regression_to_the_mean,
    relapse_free_share,
)
from eubiosis.evidence.forecast.control_endpoints import (
    RULES,
    EndpointForecast,
    forecast_endpoint,
    observed_endpoint,
)
from eubiosis.evidence.records.companions import ControlArm
from eubiosis.evidence.records.store import Evidence, load

NOTICE = "A forecast from published control arms. It says nothing about the effect of any therapy."


def control_arm_record(
    question: ControlQuestion, *, people: int, years: float, evidence: Evidence | None = None
) -> dict[str, Any]:
    """Forecast every endpoint of a control arm of ``people`` followed for ``years``; JSON-ready.

    Unknown words raise ``ValueError``. ``relapses.all_arms`` is the regression on every arm,
    ``relapses.first_hand`` that on the arms read at first hand, which decides.
    """
    for word, known in ((question.background, BACKGROUNDS), (question.phenotype, PHENOTYPES)):
        if word not in known:
            message = f"{word}; allowed: {', '.join(known)}"
            raise ValueError(message)
    tables = evidence or load()
    assumptions = read_assumptions(tables)
    return {
        "question": {
            "year": question.year, "background": question.background, "breakthrough": question.breakthrough,
            "phenotype": question.phenotype, "relapses_last_year": question.relapses_last_year,
            "mfis_from": question.mfis_from, "people": people, "years": years,
        },
        "relapses": _relapses(question, people, years, assumptions, tables),
        "endpoints": {
            name: _endpoint(
                forecast_endpoint(name, question, years, assumptions, tables), people, assumptions
            )
            for name in RULES
        },
        "nfl": _nfl(tables),
        "regression_to_the_mean": _regression_to_the_mean(question, assumptions, tables),
        "notice": NOTICE,
    }  # fmt: skip


def _relapses(
    question: ControlQuestion, people: int, years: float, assumptions: Mapping[str, SourcedNumber],
    tables: Evidence,
) -> dict[str, Any]:  # fmt: skip
    dispersion = assumptions["arr_dispersion"].value
    found: dict[str, Any] = {"unit": "relapses/year", "dispersion": dispersion}
    for name, first_hand in (("all_arms", False), ("first_hand", True)):
        rows = rate_rows(tables, first_hand=first_hand)
        forecast = forecast_rate(question, rows, dict(assumptions))
        fitted = fit_rates(rows, dispersion)
        low, high = observed_interval(forecast, people, years, dispersion)
        found[name] = {
            **_rate(forecast),
            "observed_low": low, "observed_high": high,
            "observed_approximate": list(_approximately_observed(forecast, people, years, dispersion)),
            "expected_relapses": forecast.rate * people * years,
            "tau": math.sqrt(fitted.tau2),
            "coefficients": coefficients(fitted),
            "leave_one_trial_out": _coverage(leave_one_trial_out(rows, dispersion)),
            "fit_to_2019_predict_later": _coverage(fit_early_predict_late(rows, dispersion)),
        }  # fmt: skip
        if first_hand:
            found["relapse_free"] = _relapse_free(forecast, years, dispersion, tables)
    second = [row for row in rate_rows(tables) if row.read in SECOND_HAND]
    found["second_hand"] = [f"{row.trial} {row.arm} {row.year}: {row.arr:g}" for row in second]
    found["decides"] = "first_hand"
    found["deciding_arms"] = [
        {"trial": row.trial, "arm": row.arm, "year": row.year, "rate": row.arr, "read": row.read,
         "source": row.source}
        for row in rate_rows(tables, first_hand=True)
    ]  # fmt: skip
    return found


def _rate(forecast: RateForecast) -> dict[str, Any]:
    return {
        "rate": forecast.rate, "ci_low": forecast.ci_low, "ci_high": forecast.ci_high,
        "pi_low": forecast.low, "pi_high": forecast.high, "arms": forecast.arms,
        "extrapolated": list(forecast.extrapolated),
    }  # fmt: skip


def _approximately_observed(
    forecast: RateForecast, people: int, years: float, dispersion: float
) -> tuple[float, float]:
    """Return the interval of the observed rate that treats its logarithm as Student's t."""
    sampling = (1 / (forecast.rate * years) + dispersion) / people
    half = float(stats.t.isf(0.025, forecast.df)) * math.hypot(forecast.log_sd, math.sqrt(sampling))
    return forecast.rate * math.exp(-half), forecast.rate * math.exp(half)


def _coverage(coverage: Coverage) -> dict[str, Any]:
    return {"inside": coverage.inside, "arms": coverage.arms, "outside": list(coverage.outside)}


def _relapse_free(
    forecast: RateForecast, years: float, dispersion: float, tables: Evidence
) -> dict[str, Any]:
    value, low, high = (
        float(relapse_free_share(rate, years, dispersion))
        for rate in (forecast.rate, forecast.high, forecast.low)
    )
    misses = relapse_free_backtest(tables, dispersion)
    return {
        "share": value, "pi_low": low, "pi_high": high, "years": years,
        "how": "negative binomial counts from the forecast rate and the dispersion",
        "backtest": misses,
        "median_error_points": median(abs(m["predicted"] - m["printed"]) for m in misses) * 100,
    }  # fmt: skip


def relapse_free_backtest(tables: Evidence, dispersion: float) -> list[dict[str, Any]]:
    """Predict each printed relapse-free share from the same arm's relapse rate.

    Only relapsing-remitting arms read at first hand, with a readable length; AFFIRM, which gave the
    dispersion, is left out.
    """
    records = tables.table("control_arms", ControlArm)
    first = [
        row for row in records
        if row.population == "RRMS" and row.read not in SECOND_HAND and row.trial != "AFFIRM"
    ]  # fmt: skip
    rates: dict[tuple[str, str], float] = {}
    for row in first:
        if row.endpoint == "ARR":
            rates.setdefault((row.trial, row.arm), float(row.value))
    found = []
    for row in first:
        rate = rates.get((row.trial, row.arm))
        if row.endpoint != "relapse_free" or rate is None or not row.followup_weeks.isdigit():
            continue
        years = float(row.followup_weeks) * 7 / 365.25
        predicted = float(relapse_free_share(rate, years, dispersion))
        found.append(
            {"trial": row.trial, "arm": row.arm, "printed": float(row.value) / 100, "predicted": predicted}
        )
    return found


def _endpoint(
    forecast: EndpointForecast, people: int, assumptions: Mapping[str, SourcedNumber]
) -> dict[str, Any]:
    observed = observed_endpoint(forecast, people, assumptions)
    return {
        "observed_low": None if observed is None else observed[0],
        "observed_high": None if observed is None else observed[1],
        "label": forecast.label, "unit": forecast.unit, "kind": forecast.kind, "years": forecast.years,
        "value": forecast.value, "pi_low": forecast.low, "pi_high": forecast.high,
        "hazard": forecast.hazard, "rows": len(forecast.used),
        "extrapolated": list(forecast.extrapolated), "note": forecast.note,
        "used": [
            {"trial": one.row.trial, "arm": one.row.arm, "year": one.row.year_published,
             "value": float(one.row.value), "unit": one.row.unit, "read": one.row.read,
             "source": one.row.source_doi_or_pmid or one.row.where_read}
            for one in forecast.used
        ],
        "unused": [
            {"trial": row.trial, "arm": row.arm, "value": row.value, "reason": reason}
            for row, reason in forecast.unused
        ],
    }  # fmt: skip


def _nfl(tables: Evidence) -> dict[str, Any]:
    rows = [row for row in tables.table("control_arms", ControlArm) if row.endpoint == "NfL_ratio"]
    return {
        "value": None,
        "note": "no row follows NfL within a control arm; the rows compare arms, so there is no forecast",
        "between_arms": [
            {"trial": row.trial, "ratio": float(row.value), "low": row.ci_low, "high": row.ci_high,
             "unit": row.unit, "read": row.read}
            for row in rows
        ],
    }  # fmt: skip


def _regression_to_the_mean(
    question: ControlQuestion, assumptions: Mapping[str, SourcedNumber], tables: Evidence
) -> dict[str, Any]:
    dispersion = assumptions["arr_dispersion"].value
    forecast = forecast_rate(question, rate_rows(tables, first_hand=True), dict(assumptions))
    seen = [
        {"trial": row.trial, "arm": row.arm, "year": row.year, "before": row.prior, "on_trial": row.arr,
         "ratio": row.arr / row.prior}
        for row in rate_rows(tables, first_hand=True) if row.prior is not None
    ]  # fmt: skip
    record: dict[str, Any] = {
        "relapses": regression_to_the_mean(forecast.rate, dispersion, question.relapses_last_year),
        "arms_with_both": seen,
        "note": "true rates are taken as gamma distributed and constant; a drug started at entry adds to it",
    }
    if question.mfis_from is not None:
        record["mfis"] = mfis_regression(question.mfis_from, assumptions)
    return record


def mfis_regression(threshold: float, assumptions: Mapping[str, SourcedNumber]) -> dict[str, float]:
    """Return the mean MFIS at entry and again for people chosen by a threshold, without any change.

    Normal scores with the mean, SD and measurement error of ``assumptions``.
    """
    mean, sd = assumptions["mfis_all_mean"].value, assumptions["mfis_all_sd"].value
    reliability = 1 - (assumptions["mfis_sem"].value / sd) ** 2
    z = (threshold - mean) / sd
    above = mean + sd * float(stats.norm.pdf(z) / stats.norm.sf(z))
    again = mean + reliability * (above - mean)
    return {"from": threshold, "at_entry": above, "again": again, "fall": above - again,
            "reliability": reliability}  # fmt: skip


def control_arm_text(record: Mapping[str, Any]) -> str:
    """Write a record as lines for the shell."""
    asked, relapses = record["question"], record["relapses"]
    lines = [
        f"Control arm published {asked['year']}, background {asked['background']}, {asked['phenotype']}, "
        f"{asked['people']} people for {asked['years']:g} y",
        "",
        "Relapses a year",
    ]
    for name, words in (("all_arms", "all arms"), ("first_hand", "read at first hand (decides)")):
        one = relapses[name]
        lines += [
            f"  {words}, {one['arms']} arms: {one['rate']:.3f}, mean of such arms {one['ci_low']:.3f} to "
            f"{one['ci_high']:.3f}, a new arm {one['pi_low']:.3f} to {one['pi_high']:.3f}",
            f"    this many people will observe {one['observed_low']:.3f} to {one['observed_high']:.3f}",
            *(f"    {c['term']}: x{c['factor']:.3f} [{c['low']:.3f}, {c['high']:.3f}], p {c['p']:.2g}"
              for c in one["coefficients"]),
            *(f"    {label}: {one[key]['inside']} of {one[key]['arms']} arms inside"
              + "".join(f"; {x}" for x in one[key]["outside"])
              for label, key in (("left out by trial", "leave_one_trial_out"),
                                 ("fitted to 2019, later arms", "fit_to_2019_predict_later"))),
            *(f"    extrapolated: {reason}" for reason in one["extrapolated"]),
        ]  # fmt: skip
    free = relapses["relapse_free"]
    lines.append(
        f"Free of relapses after {free['years']:g} y, from the rate: {free['share']:.0%} "
        f"({free['pi_low']:.0%} to {free['pi_high']:.0%}); median error in {len(free['backtest'])} arms "
        f"{free['median_error_points']:.1f} points"
    )
    lines += [_endpoint_line(one) for one in record["endpoints"].values()]
    lines.append(f"NfL: {record['nfl']['note']}")
    fall = record["regression_to_the_mean"]["relapses"]
    lines.append(
        f"Regression to the mean: {fall['before']:.2f} relapses in the year before entry, "
        f"{fall['on_trial']:.2f} a year after, if true rates stay as they are "
        f"({fall['fall_without_treatment']:.0%} less)"
    )
    if "mfis" in record["regression_to_the_mean"]:
        mfis = record["regression_to_the_mean"]["mfis"]
        lines.append(
            f"  MFIS from {mfis['from']:g}: {mfis['at_entry']:.1f} at entry, {mfis['again']:.1f} again"
        )
    return "\n".join([*lines, "", record["notice"]])


def _endpoint_line(one: Mapping[str, Any]) -> str:
    if one["value"] is None:
        return f"{one['label']}: {one['note']}"
    percent = one["kind"] == "hazard"
    keys = ("value", "pi_low", "pi_high", "observed_low", "observed_high")
    value, low, high, *seen = (f"{one[key]:.0%}" if percent else f"{one[key]:.2f}" for key in keys)
    unit = f" after {one['years']:g} y" if percent else f" {one['unit']}"
    extra = "; extrapolated: " + "; ".join(one["extrapolated"]) if one["extrapolated"] else ""
    return (
        f"{one['label']}: {value}{unit}, a new trial {low} to {high}, observed {' to '.join(seen)} "
        f"({one['note']}{extra})"
    )
