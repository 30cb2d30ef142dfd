"""The brief: what is known before anything is simulated, from the evidence tables alone."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from eubiosis import __version__
from eubiosis.analysis.planning.expectancy import excluded_risk, open_trial
from eubiosis.core.findings import Finding, FindingsError
from eubiosis.core.provenance import SourcedNumber
from eubiosis.core.tables import display_name
from eubiosis.evidence.forecast.control_arms import (
    ControlQuestion,
    forecast_rate,
    observed_interval,
    rate_rows,
    read_assumptions,
)
from eubiosis.evidence.forecast.control_endpoints import forecast_endpoint
from eubiosis.evidence.forecast.control_record import control_arm_record
from eubiosis.evidence.forecast.priors import prior as find_prior
from eubiosis.evidence.forecast.priors import read_discounts
from eubiosis.evidence.records.store import Evidence, load
from eubiosis.workflow.brief_evidence import (
    background_label,
    claims_of,
    estimand_of,
    harms_of,
    intercurrent_events,
    pooled_of,
)
from eubiosis.workflow.brief_sizes import (
    Level,
    Planned,
    assurances,
    dispersion_of,
    positive_level,
    priors_of,
    rate_level,
    sizes,
)
from eubiosis.workflow.files.question import COUNTED, TIMES, AskedEndpoint, BriefQuestion, read_question

NOTICE = (
    "Origin: published evidence, arithmetic on it, and stated assumptions; nothing here is simulated by the "
    "mechanistic model. No number on this page says that the therapy works, none may be quoted as an effect, "
    "and none is advice for any person."
)


def make_brief(path: Path | str) -> dict[str, Any]:
    """Answer a question file; JSON-ready. Raises ``FindingsError`` with everything wrong in it."""
    question = read_question(path)
    tables = load()
    assumptions = read_assumptions(tables)
    arm = control_question(question)
    longest = question.design.years[-1]
    people = question.design.recruitable_per_arm
    control = control_arm_record(arm, people=people, years=longest, evidence=tables)
    dropout, dropout_origin = _dropout(question, arm, assumptions, tables)
    endpoints = [
        _endpoint(question, k, arm, dropout, assumptions, tables) for k in range(len(question.endpoints))
    ]
    primary = next(one for one in endpoints if one["role"] == "primary")
    return {
        "schema": 1,
        "version": __version__,
        "file": display_name(Path(path)),
        "notice": NOTICE,
        "question": json.loads(question.model_dump_json()),
        "background": background_label(question.population.background),
        "control_arm": control,
        "control_observed": _observed(arm, question, assumptions, tables),
        "null_centred": _null_centred(tables),
        "dropout": {"per_year": dropout, "origin": dropout_origin,
                    "share": 1 - math.exp(-dropout * longest), "years": longest},
        "endpoints": endpoints,
        "claims": claims_of(question.intervention, [one["outcome"] for one in endpoints], tables),
        "harms": {"records": harms_of(question.intervention, tables), "people": people,
                  "excluded_risk": excluded_risk(people)},
        "recruitment": _recruitment(question, primary),
        "cost": _cost(question, primary),
        "estimands": [estimand_of(question, one) for one in endpoints if one["role"] == "primary"],
        "intercurrent_events": intercurrent_events(question, endpoints),
        "assumptions": _used_assumptions(assumptions),
    }  # fmt: skip


def _null_centred(tables: Evidence) -> dict[str, float]:
    """Return where 95 % of the null-centred prior lies, in SDs and as ratios."""
    discounts = read_discounts(tables)
    half = 1.959964 * discounts["null_sd_log"]
    return {
        "score": 1.959964 * discounts["null_sd_smd"],
        "ratio_low": math.exp(-half),
        "ratio_high": math.exp(half),
    }


def control_question(question: BriefQuestion) -> ControlQuestion:
    """Return the control arm that a question implies."""
    asked = question.population
    return ControlQuestion(
        question.year, asked.background, asked.breakthrough, asked.phenotype, asked.relapses_last_year,
        asked.mfis_from,
    )  # fmt: skip


def _dropout(
    question: BriefQuestion, arm: ControlQuestion, assumptions: Mapping[str, SourcedNumber], tables: Evidence
) -> tuple[float, str]:
    if question.design.dropout_per_year is not None:
        return question.design.dropout_per_year, "given in the question"
    found = forecast_endpoint("dropout", arm, question.design.years[-1], assumptions, tables)
    assert found.hazard is not None
    return found.hazard, f"{len(found.used)} control arms"


def _endpoint(
    question: BriefQuestion, place: int, arm: ControlQuestion, dropout: float,
    assumptions: Mapping[str, SourcedNumber], tables: Evidence,
) -> dict[str, Any]:  # fmt: skip
    asked = question.endpoints[place]
    kind, outcome = question.kind(asked, tables)
    pooled = pooled_of(outcome, question.intervention, tables)
    planned = Planned(
        asked, outcome, kind, _level(outcome, arm, question, assumptions, tables), dropout, question.design
    )
    known = "relapse_rate" if outcome in TIMES else outcome
    found = find_prior(known, question.intervention, metric="auto" if pooled["k"] else _metric(kind),
                       evidence=tables)  # fmt: skip
    if outcome in TIMES:  # no record speaks of confirmed progression: nothing but the null-centred part
        found = replace(found, basis="assumed")
    priors = priors_of(planned.benefit, kind, found, pooled.get("sd"), read_discounts(tables))
    planned = replace(planned, priors=priors)
    needed = sizes(planned)
    best = min(needed, key=lambda size: size["n_per_arm"])["years"]
    label = outcome if outcome in TIMES else tables.outcomes[outcome].label
    patient_reported = outcome not in TIMES and tables.outcomes[outcome].domain == "patient-reported"
    record = {
        "outcome": outcome,
        "asked_as": asked.outcome,
        "label": label,
        "role": asked.role,
        "kind": kind,
        "effect": asked.effect,
        "effect_text": _effect_text(asked, kind, pooled, assumptions["mfis_sd"].value),
        "relevant": asked.relevant,
        "patient_reported": patient_reported,
        "control_level": None if kind == "score" else _level_record(planned.level),
        "pooled": pooled,
        "evidence_prior_notes": list(found.notes),
        "evidence_prior_basis": found.basis,
        "sizes": needed,
        "best_years": best,
        "assurance": assurances(planned, best),
        "expectancy": None,
    }
    if patient_reported and question.design.blinding == "open":
        record["expectancy"] = _expectancy(planned, best, assumptions)
    return record


def _metric(kind: str) -> str:
    return "SMD" if kind == "score" else "rate-ratio"


def _level(
    outcome: str, arm: ControlQuestion, question: BriefQuestion, assumptions: Mapping[str, SourcedNumber],
    tables: Evidence,
) -> Level:  # fmt: skip
    if outcome not in COUNTED:
        return Level()
    if outcome == "relapse_rate":
        forecast = forecast_rate(arm, rate_rows(tables, first_hand=True), dict(assumptions))
        return rate_level(forecast, dispersion_of(outcome, assumptions))
    years = question.design.years[-1]
    found = forecast_endpoint(COUNTED[outcome][1], arm, years, assumptions, tables)
    if found.value is None or found.low is None or found.high is None:
        problem = f"no control arm read at first hand gives {outcome} for background {arm.background}"
        raise FindingsError(
            [Finding("question", "endpoints", problem, next_step="choose another endpoint or background")]
        )
    if outcome in TIMES:
        hazards = [-math.log1p(-share) / years for share in (found.value, found.low, found.high)]
        return positive_level(*hazards)
    return positive_level(found.value, found.low, found.high, dispersion_of(outcome, assumptions))


def _level_record(level: Level) -> dict[str, float]:
    return {"value": level.middle, "low": level.low, "high": level.high, "dispersion": level.dispersion}


def _effect_text(asked: AskedEndpoint, kind: str, pooled: Mapping[str, Any], mfis_sd: float) -> str:
    if kind == "count":
        return f"rate ratio {asked.effect:g}"
    if kind == "time":
        return f"hazard ratio {asked.effect:g}"
    if asked.outcome.upper() == "MFIS":
        return f"{asked.effect:g} SD ({asked.effect * mfis_sd:.2g} MFIS points)"
    if pooled.get("sd"):
        return f"{asked.effect:g} SD ({asked.effect * pooled['sd']:.2g} {pooled['unit']})"
    return f"{asked.effect:g} SD"


def _expectancy(planned: Planned, years: float, assumptions: Mapping[str, SourcedNumber]) -> dict[str, Any]:
    row = assumptions["expectancy"]
    assert row.low is not None
    assert row.high is not None
    staying = planned.design.recruitable_per_arm * math.exp(-planned.dropout * years)
    correlation = planned.asked.baseline_correlation or 0.0
    found = open_trial(
        staying,
        planned.benefit,
        expectancy_mean=row.value,
        expectancy_sd=(row.high - row.low) / (2 * 1.959964),
        unexplained=1 - correlation**2,
        power=planned.design.power,
        alpha=planned.design.alpha / 2,
    )
    record = asdict(found)
    record["n_corrected"] = (
        math.ceil(found.n_corrected / math.exp(-planned.dropout * years))
        if math.isfinite(found.n_corrected)
        else None
    )
    return {
        **record,
        "mean": row.value,
        "low": row.low,
        "high": row.high,
        "basis": row.basis,
        "review": [
            {"what": one.description, "value": one.value, "low": one.low, "high": one.high,
             "read": one.read, "source": one.source}
            for one in (assumptions["unblinded_all"], assumptions["unblinded_not_acupuncture"])
        ],
    }  # fmt: skip


def _observed(
    arm: ControlQuestion, question: BriefQuestion, assumptions: Mapping[str, SourcedNumber], tables: Evidence
) -> list[dict[str, Any]]:
    dispersion = assumptions["arr_dispersion"].value
    forecast = forecast_rate(arm, rate_rows(tables, first_hand=True), dict(assumptions))
    people = question.design.recruitable_per_arm
    rows = []
    for years in question.design.years:
        low, high = observed_interval(forecast, people, years, dispersion)
        rows.append({"years": years, "people": people, "low": low, "high": high,
                     "expected_relapses": forecast.rate * people * years})  # fmt: skip
    return rows


def _recruitment(question: BriefQuestion, primary: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    rate = question.recruitment.per_month
    if rate is None:
        return None
    rows = []
    for size in primary["sizes"]:
        total = 2 * min(size["n_per_arm"], question.design.recruitable_per_arm)
        rows.append({"years": size["years"], "participants": total, "needed": 2 * size["n_per_arm"],
                     "months": total / rate,
                     "calendar_years": total / rate / 12 + size["years"]})  # fmt: skip
    return rows


def _cost(question: BriefQuestion, primary: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    prices = question.prices
    if prices.fixed is None and prices.per_participant is None and prices.per_participant_year is None:
        return None
    rows = []
    for size in primary["sizes"]:
        total = 2 * min(size["n_per_arm"], question.design.recruitable_per_arm)
        each = (prices.per_participant or 0) + (prices.per_participant_year or 0) * size["years"]
        rows.append({"years": size["years"], "participants": total, "currency": prices.currency,
                     "cost": (prices.fixed or 0) + total * each})  # fmt: skip
    return rows


def _used_assumptions(assumptions: Mapping[str, SourcedNumber]) -> list[dict[str, Any]]:
    return [
        {"id": row.id, "what": row.description, "value": row.value, "unit": row.unit, "low": row.low,
         "high": row.high, "basis": row.basis, "read": row.read, "source": row.source, "note": row.note}
        for row in assumptions.values()
    ]  # fmt: skip


def write_brief(record: Mapping[str, Any], folder: Path) -> list[Path]:
    """Write brief.html, brief.md and brief.json to a folder; return their paths."""
    from eubiosis.report.brief.page import brief_html, brief_markdown

    folder.mkdir(parents=True, exist_ok=True)
    texts = {
        "brief.html": brief_html(record),
        "brief.md": brief_markdown(record),
        "brief.json": json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False),
    }
    paths = []
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
        paths.append(folder / name)
    return paths
