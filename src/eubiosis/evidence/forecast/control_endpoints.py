"""What the control arm of a coming trial will show: everything but the relapse rate.

Each endpoint has few rows, so one mean with a Bayesian random-effects spread between trials (half-normal
prior) is all they carry: no calendar trend, no covariates. The interval is that of a new trial's true
value. Only rows of relapsing-remitting arms with the drug class asked for, read at first hand and with a
readable length, decide; every other row is returned with the reason why it does not.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy import stats

from eubiosis.core.provenance import SourcedNumber
from eubiosis.evidence.forecast.control_arms import (
    NO_DRUG,
    PLATFORM,
    SECOND_HAND,
    ControlQuestion,
    mixed_count_quantile,
)
from eubiosis.evidence.records.companions import ControlArm
from eubiosis.evidence.records.store import Evidence, load
from eubiosis.evidence.synthesis.bayes import BayesFit, bayes_fit, mixture_quantile

Kind = Literal["hazard", "count", "points"]
WEEKS_PER_YEAR = 365.25 / 7


@dataclass(frozen=True)
class EndpointRule:
    """How the rows of an endpoint are read: ``event`` turns a printed share into that of the event."""

    label: str
    unit: str
    kind: Kind
    event: Literal["printed", "complement"] = "printed"


RULES: Mapping[str, EndpointRule] = {
    "relapse_free": EndpointRule("Free of relapses", "share", "hazard", "complement"),
    "CDP12": EndpointRule("Disability progression confirmed at 12 weeks", "share", "hazard"),
    "CDP24": EndpointRule("Disability progression confirmed at 24 weeks", "share", "hazard"),
    "Gd_per_scan": EndpointRule("Gd+ lesions", "lesions/scan", "count"),
    "newT2_per_year": EndpointRule("New or enlarging T2 lesions", "lesions/year", "count"),
    "MFIS_change": EndpointRule("Change of the MFIS total in the control arm", "points", "points"),
    "dropout": EndpointRule("Drop-out", "share", "hazard"),
}


@dataclass(frozen=True)
class UsedRow:
    """A row that decides, with its value and variance on the analysis scale."""

    row: ControlArm
    value: float
    variance: float


@dataclass(frozen=True)
class EndpointForecast:
    """A forecast of one endpoint in a new control arm.

    For a hazard the numbers are shares after ``years``, ``hazard*`` the events a year behind them; for
    counts and points ``years`` does not matter. ``low`` and ``high`` bound a new trial's true value.
    """

    endpoint: str
    label: str
    unit: str
    kind: Kind
    years: float
    value: float | None
    low: float | None
    high: float | None
    hazard: float | None
    used: tuple[UsedRow, ...]
    unused: tuple[tuple[ControlArm, str], ...]
    extrapolated: tuple[str, ...]
    note: str = ""
    true_values: tuple[float, ...] = ()  # equally probable, in the unit of ``value``


def forecast_endpoint(
    endpoint: str,
    question: ControlQuestion,
    years: float,
    assumptions: Mapping[str, SourcedNumber],
    evidence: Evidence | None = None,
) -> EndpointForecast:
    """Forecast one endpoint of ``RULES``; a forecast without a row has no numbers and says why."""
    rule = RULES[endpoint]
    used, unused = choose_rows(endpoint, question, assumptions, evidence or load())
    reasons = _outside(endpoint, question, used, assumptions["rows_too_old"].value)
    if not used:
        note = "no row that decides: the table gives no forecast for this arm"
        return EndpointForecast(
            endpoint, rule.label, rule.unit, rule.kind, years, None, None, None, None, (), tuple(unused),
            tuple(reasons), note,
        )  # fmt: skip
    longest = max((_years(one.row) or 0.0) for one in used)
    if rule.kind == "hazard" and years > 1.25 * longest:
        reasons.append(f"{years:g} years: the longest row lasts {longest:.1f}")
    points = rule.kind == "points"
    scale = assumptions["tau_scale_mfis" if points else "tau_scale_log"].value
    posterior = bayes_fit([one.value for one in used], [one.variance for one in used], tau_scale=scale)
    extra = 0.0
    if reasons:
        extra = scale if points else assumptions["unseen_log_sd"].value
    low, high = _bounds(posterior, extra)
    values = [_natural(x, rule, years) for x in (posterior.estimate, low, high)]
    ordered = sorted(values[1:])
    hazard = math.exp(posterior.estimate) if rule.kind == "hazard" else None
    return EndpointForecast(
        endpoint, rule.label, rule.unit, rule.kind, years, values[0], ordered[0], ordered[1], hazard,
        tuple(used), tuple(unused), tuple(reasons), _note(endpoint, len(used)),
        tuple(_natural(x, rule, years) for x in _spread_of(posterior, extra).tolist()),
    )  # fmt: skip


def observed_endpoint(
    forecast: EndpointForecast, people: int, assumptions: Mapping[str, SourcedNumber]
) -> tuple[float, float] | None:
    """Return between which values an arm of n people will be seen, 95 %; None without a forecast.

    The true value's spread and that of people: binomial for shares, negative binomial for lesions, and
    for the mean MFIS change the measurement error of two visits, which leaves out that people differ in
    how they change.
    """
    if forecast.value is None:
        return None
    true = np.asarray(forecast.true_values)
    if forecast.kind == "points":
        error = math.sqrt(2 / people) * assumptions["mfis_sem"].value
        mixture = (np.full(len(true), 1 / len(true)), true, np.full(len(true), error))
        return mixture_quantile(0.025, *mixture), mixture_quantile(0.975, *mixture)
    if forecast.kind == "hazard":
        law, unit = stats.binom(people, true), float(people)
    else:
        yearly = forecast.endpoint == "newT2_per_year"
        time = forecast.years if yearly else 1.0
        size = people / assumptions["t2_dispersion" if yearly else "gd_dispersion"].value
        law, unit = stats.nbinom(size, size / (size + people * time * true)), people * time
    return mixed_count_quantile(law, 0.025) / unit, mixed_count_quantile(law, 0.975) / unit


def _spread_of(posterior: BayesFit, extra: float) -> Any:
    """Return equally probable true values of a new trial on the analysis scale, (2001,)."""
    spread = np.hypot(posterior.predictive_sds, extra)
    far = 8 * float(posterior.weights @ spread) + float(np.ptp(posterior.means))
    grid = posterior.estimate + np.linspace(-far, far, 1501)
    below = stats.norm.cdf((grid[:, None] - posterior.means) / spread) @ posterior.weights
    return np.interp((np.arange(2001) + 0.5) / 2001, below, grid)


def choose_rows(
    endpoint: str, question: ControlQuestion, assumptions: Mapping[str, SourcedNumber], evidence: Evidence
) -> tuple[list[UsedRow], list[tuple[ControlArm, str]]]:
    """Split the rows of an endpoint into those that decide and the others with the reason."""
    used: list[UsedRow] = []
    unused: list[tuple[ControlArm, str]] = []
    # the longest follow-up of a trial's arm first, so that it is the one kept
    rows = [row for row in evidence.table("control_arms", ControlArm) if row.endpoint == endpoint]
    rows.sort(key=lambda row: -(_years(row) or 0.0))
    seen: set[tuple[str, str]] = set()
    for row in rows:
        reason = _why_unused(row, RULES[endpoint], question)
        if not reason and (row.trial, row.arm) in seen:
            reason = "the same arm again: its longest, first printed row is used"
        if reason:
            unused.append((row, reason))
            continue
        seen.add((row.trial, row.arm))
        used.append(_analysed(row, RULES[endpoint], assumptions))
    return used, unused


def people_in(row: ControlArm) -> float | None:
    """Return the size of an arm; half where the cell counts both arms, None where it has no number."""
    found = re.match(r"([0-9]+)", row.n)
    if found is None:
        return None
    return float(found[1]) / 2 if "both arms" in row.n else float(found[1])


def _why_unused(row: ControlArm, rule: EndpointRule, question: ControlQuestion) -> str:
    if row.read in SECOND_HAND:
        return "read only at second hand"
    try:
        float(row.value)
    except ValueError:
        return "no number in the row"
    if rule.kind == "points":
        return ""
    relapsing = row.population in ("RRMS", "mixed RRMS/CIS") or "RRMS 9" in row.population
    if not relapsing and not (row.endpoint == "dropout" and row.population == "mixed"):
        return f"population {row.population}"
    if rule.kind == "hazard" and _years(row) is None:
        return "no length of follow-up in the row"
    if row.endpoint == "dropout":  # leaving depends on the trial more than on the drug: all arms count
        return ""
    if (row.arm == "placebo" and not _has_drug(row)) is question.active:
        return "placebo without a drug" if question.active else "a drug in the control arm"
    if question.active and row.arm not in (*PLATFORM, "placebo") and not _has_drug(row):
        return f"the drug is {row.arm}"
    return ""


def _has_drug(row: ControlArm) -> bool:
    return not row.background_therapy.startswith("none") and row.background_therapy != ""


def _analysed(row: ControlArm, rule: EndpointRule, assumptions: Mapping[str, SourcedNumber]) -> UsedRow:
    people = people_in(row) or assumptions["assumed_size"].value
    value = float(row.value)
    if rule.kind == "hazard":
        years = _years(row)
        assert years is not None
        event = value / 100 if rule.event == "printed" else 1 - value / 100
        free = min(max(1 - event, 0.5 / people), 1 - 0.5 / people)
        lost = -math.log(free)
        return UsedRow(row, math.log(lost / years), (1 - free) / (people * free * lost**2))
    if rule.kind == "count":
        yearly = row.endpoint == "newT2_per_year"
        spread = assumptions["t2_dispersion" if yearly else "gd_dispersion"].value
        lesions = value * ((_years(row) or 1.0) if yearly else 1.0)
        return UsedRow(row, math.log(value), (1 / lesions + spread) / people)
    return UsedRow(row, value, 2 * assumptions["mfis_sem"].value ** 2 / people)


def _natural(value: float, rule: EndpointRule, years: float) -> float:
    if rule.kind == "points":
        return value
    if rule.kind == "count":
        return math.exp(value)
    lost = -math.expm1(-math.exp(value) * years)
    return lost if rule.event == "printed" else 1 - lost


def _years(row: ControlArm) -> float | None:
    """Return the years of follow-up of a row; the last number of a range, None without a number."""
    numbers = re.findall(r"[0-9]+(?:\.[0-9]+)?", row.followup_weeks)
    return float(numbers[-1]) / WEEKS_PER_YEAR if numbers else None


def _outside(endpoint: str, question: ControlQuestion, used: Sequence[UsedRow], too_old: float) -> list[str]:
    reasons: list[str] = []
    if endpoint in ("MFIS_change", "dropout"):
        return reasons
    if question.background not in (NO_DRUG, *PLATFORM):
        reasons.append(f"background {question.background}: the rows are of platform drugs")
    if question.phenotype != "RRMS":
        reasons.append(f"{question.phenotype}: the rows are relapsing-remitting")
    years = [one.row.year_published for one in used if one.row.year_published is not None]
    if years and question.year > max(years) + too_old:
        reasons.append(f"year {question.year}: the newest row is of {max(years)}")
    return reasons


def _bounds(posterior: BayesFit, extra: float) -> tuple[float, float]:
    spread = np.hypot(posterior.predictive_sds, extra)
    low, high = (mixture_quantile(p, posterior.weights, posterior.means, spread) for p in (0.025, 0.975))
    return low, high


def _note(endpoint: str, rows: int) -> str:
    few = f"{rows} rows, no calendar trend"
    if endpoint == "MFIS_change":
        return f"{few}; the designs differ (placebo, attention control, usual care; medians among them)"
    if endpoint == "dropout":
        return f"{few}; stopping treatment and leaving the trial are mixed"
    return few
