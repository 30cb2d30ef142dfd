"""What the control arm of a coming trial will show: everything but the relapse rate.

Each endpoint has few rows, so one mean with a Bayesian random-effects spread between trials (half-normal
prior) is all they carry: no calendar trend, no covariates. The interval is that of a new trial's true
value. Only rows of relapsing-remitting arms with the drug class asked for, read at first hand and with a
readable length, decide; every other row is returned with the reason why it does not.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from eubiosis.core import laws
from eubiosis.core.control_arm import (
    BACKGROUND_LABELS,
    NO_DRUG,
    PLATFORM,
    ControlQuestion,
    EndpointForecast,
    EndpointKind,
    UnusedArm,
    UsedArm,
)
from eubiosis.evidence.forecast.control_arms import UNSEEN, Assumptions, mixed_count_interval
from eubiosis.evidence.records.control_arms import ControlArm
from eubiosis.evidence.records.store import Evidence, load
from eubiosis.evidence.synthesis.bayes import BayesFit, bayes_fit, mixture_quantile

ANY_BACKGROUND = ("MFIS_change", "dropout")  # endpoints that every background shares


@dataclass(frozen=True)
class EndpointRule:
    """How the rows of an endpoint are read: ``event`` turns a printed share into that of the event."""

    label: str
    unit: str
    kind: EndpointKind
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


def forecast_endpoint(
    endpoint: str, question: ControlQuestion, assumptions: Assumptions, evidence: Evidence | None = None
) -> EndpointForecast:
    """Forecast one endpoint of ``RULES``; a forecast without a row has no numbers and says why."""
    rule, years = RULES[endpoint], question.years
    used, unused = choose_rows(endpoint, question, assumptions, evidence or load())
    reasons = _outside(endpoint, question, used, assumptions["rows_too_old"].value)
    left = tuple(UnusedArm(row.trial, row.arm, row.value, reason) for row, reason in unused)
    if not used:
        note = "no row that decides: the table gives no forecast for this arm"
        return EndpointForecast(
            endpoint, None, None, rule.label, rule.unit, rule.kind, years, None, None, None, None, 0,
            tuple(reasons), note, (), left,
        )  # fmt: skip
    longest = max((one.row.years or 0.0) for one in used)
    if rule.kind == "hazard" and years > 1.25 * longest:
        reasons.append(f"{years:g} years: the longest row lasts {longest:.1f}")
    points = rule.kind == "points"
    scale = assumptions["tau_scale_mfis" if points else "tau_scale_log"].value
    posterior = bayes_fit([one.value for one in used], [one.variance for one in used], tau_scale=scale)
    extra = 0.0
    if reasons:
        extra = scale if points else assumptions["unseen_log_sd"].value
    low, high = _bounds(posterior, extra)
    value, *ends = (_natural(x, rule, years) for x in (posterior.estimate, low, high))
    shown = tuple(_shown(one.row) for one in used)
    why = _why_not_usable(rule, (low, high), ends, assumptions["widest_ratio"].value)
    if endpoint not in ANY_BACKGROUND and (why or question.background in UNSEEN):
        name = BACKGROUND_LABELS[question.background]
        if question.background in UNSEEN:
            why = f"no usable forecast: the rows are of platform drugs, not of {name}"
        return EndpointForecast(
            endpoint, None, None, rule.label, rule.unit, rule.kind, years, None, None, None, None, len(used),
            tuple(reasons), why, shown, left,
        )  # fmt: skip
    true = _natural_values(_spread_of(posterior, extra), rule, years)
    seen = observed_endpoint(endpoint, true, question, assumptions)
    hazard = math.exp(posterior.estimate) if rule.kind == "hazard" else None
    return EndpointForecast(
        endpoint, *seen, rule.label, rule.unit, rule.kind, years, value, min(ends), max(ends), hazard,
        len(used), tuple(reasons), _note(endpoint, len(used)), shown, left, tuple(true.tolist()),
    )  # fmt: skip


def _why_not_usable(
    rule: EndpointRule, bounds: tuple[float, float], ends: Sequence[float], widest: float
) -> str:
    """Say why an interval is too wide to be a forecast; ``bounds`` are logarithms of rates or hazards."""
    if rule.kind == "points" or bounds[1] - bounds[0] <= math.log(widest):
        return ""
    low, high = (f"{100 * end:.0f} %" if rule.kind == "hazard" else f"{end:.2g}" for end in sorted(ends))
    return f"no usable forecast: 95 % from {low} to {high}"


def _shown(row: ControlArm) -> UsedArm:
    return UsedArm(
        row.trial, row.arm, row.year_published, row.value, row.unit, row.read, row.source or row.where_read
    )


def observed_endpoint(
    endpoint: str, true: laws.Floats, question: ControlQuestion, assumptions: Assumptions
) -> tuple[float, float]:
    """Return between which values the people of an arm will be seen, 95 %.

    ``true`` (points,) are equally probable true values. Added to their spread is that of people: binomial
    for shares, negative binomial for lesions, and for the mean MFIS change the measurement error of two
    visits, which leaves out that people differ in how they change.
    """
    people, kind = question.people, RULES[endpoint].kind
    if kind == "points":
        error = math.sqrt(2 / people) * assumptions["mfis_sem"].value
        mixture = (np.full(len(true), 1 / len(true)), true, np.full(len(true), error))
        return mixture_quantile(0.025, *mixture), mixture_quantile(0.975, *mixture)
    yearly = endpoint == "newT2_per_year"
    time = question.years if yearly else 1.0
    size = people / assumptions["t2_dispersion" if yearly else "gd_dispersion"].value
    if kind == "hazard":
        least, most = mixed_count_interval(lambda k, one: laws.binomial_cdf(k, people, one), true)
        return least / people, most / people
    chance = size / (size + people * time * true)
    least, most = mixed_count_interval(lambda k, one: laws.negative_binomial_cdf(k, size, one), chance)
    return least / (people * time), most / (people * time)


def _spread_of(posterior: BayesFit, extra: float) -> laws.Floats:
    """Return equally probable true values of a new trial on the analysis scale, (2001,)."""
    spread = np.hypot(posterior.predictive_sds, extra)
    far = 8 * float(posterior.weights @ spread) + float(np.ptp(posterior.means))
    grid = posterior.estimate + np.linspace(-far, far, 1501)
    wanted = (np.arange(2001) + 0.5) / 2001
    ends = [mixture_quantile(p, posterior.weights, posterior.means, spread) for p in wanted[[0, -1]]]
    first, last = np.searchsorted(grid, ends)
    near = grid[max(first - 2, 0) : last + 2]  # the others change nothing
    parts = posterior.weights > 1e-14
    away = (near[:, None] - posterior.means[parts]) / spread[parts]
    return np.interp(wanted, laws.normal_cdf(away) @ posterior.weights[parts], near)


def choose_rows(
    endpoint: str, question: ControlQuestion, assumptions: Assumptions, evidence: Evidence
) -> tuple[list[UsedRow], list[tuple[ControlArm, str]]]:
    """Split the rows of an endpoint into those that decide and the others with the reason."""
    used: list[UsedRow] = []
    unused: list[tuple[ControlArm, str]] = []
    # the longest follow-up of a trial's arm first, so that it is the one kept
    rows = [row for row in evidence.table(ControlArm) if row.endpoint == endpoint]
    rows.sort(key=lambda row: -(row.years or 0.0))
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


def _why_unused(row: ControlArm, rule: EndpointRule, question: ControlQuestion) -> str:
    if not row.first_hand:
        return "read only at second hand"
    if rule.kind == "points":
        return ""
    leaving = row.endpoint == "dropout"  # it depends on the trial more than on the drug: all arms count
    if not row.relapsing and not (leaving and row.phenotype == "mixed"):
        return f"population {row.population}"
    if rule.kind == "hazard" and row.years is None:
        return "no length of follow-up in the row"
    if leaving:
        return ""
    if (row.arm == "placebo" and not row.on_drug) is question.on_drug:
        return "placebo without a drug" if question.on_drug else "a drug in the control arm"
    if question.on_drug and row.arm not in (*PLATFORM, "placebo") and not row.on_drug:
        return f"the drug is {row.arm}"
    return ""


def _analysed(row: ControlArm, rule: EndpointRule, assumptions: Assumptions) -> UsedRow:
    people = row.people or assumptions["assumed_size"].value
    if rule.kind == "hazard":
        years = row.years
        assert years is not None
        event = row.value / 100 if rule.event == "printed" else 1 - row.value / 100
        free = min(max(1 - event, 0.5 / people), 1 - 0.5 / people)
        lost = -math.log(free)
        return UsedRow(row, math.log(lost / years), (1 - free) / (people * free * lost**2))
    if rule.kind == "count":
        yearly = row.endpoint == "newT2_per_year"
        spread = assumptions["t2_dispersion" if yearly else "gd_dispersion"].value
        lesions = row.value * ((row.years or 1.0) if yearly else 1.0)
        return UsedRow(row, math.log(row.value), (1 / lesions + spread) / people)
    return UsedRow(row, row.value, 2 * assumptions["mfis_sem"].value ** 2 / people)


def _natural(value: float, rule: EndpointRule, years: float) -> float:
    return float(_natural_values(np.array([value]), rule, years)[0])


def _natural_values(values: laws.Floats, rule: EndpointRule, years: float) -> laws.Floats:
    if rule.kind == "points":
        return values
    if rule.kind == "count":
        return np.exp(values)
    lost = -np.expm1(-np.exp(values) * years)
    return np.asarray(lost if rule.event == "printed" else 1 - lost, dtype=np.float64)


def _outside(endpoint: str, question: ControlQuestion, used: Sequence[UsedRow], too_old: float) -> list[str]:
    reasons: list[str] = []
    if endpoint in ANY_BACKGROUND:
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
