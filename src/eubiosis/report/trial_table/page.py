"""The analysis of a real trial's table as one page, its figures and data inside."""

from __future__ import annotations

import json
from typing import TypedDict

from eubiosis.analysis.trial_table.results import EndpointResult, PlannedEstimate, TrialAnalysis
from eubiosis.core.record import Plain, as_record
from eubiosis.core.soundness import MEANING
from eubiosis.report.pages import render
from eubiosis.report.trial_table.figures import figures_of, missing_shares
from eubiosis.report.trial_table.words import interval, number, p_text, sentence, status_text

NOTICE = (
    "This page analyses a table that was handed in, by the plan that was handed in with it. Nothing on it is "
    "simulated and nothing of it enters the evidence of this software. It is no medical advice; whether the "
    "table and the plan are right, and whether the plan was fixed before the data were seen, it cannot tell."
)


class _Cells(TypedDict):
    endpoint: str
    role: str
    arm: str
    scale: str
    estimate: str
    interval: str
    p_value: str
    p_adjusted: str
    n: str
    missing: str
    status: str
    usable: bool


class _Section(TypedDict):
    name: str
    role: str
    figures: list[tuple[str, str]]
    observed: list[list[str]]
    statistic: str
    complete: bool
    by_visit: list[_Cells]


def analysis_page(analysis: TrialAnalysis) -> str:
    """Return the page as HTML text that needs nothing beside itself; every text is escaped.

    The same analysis gives the same bytes.
    """
    from markupsafe import Markup

    hypotheses = [(r, one) for r in analysis.endpoints for one in r.by_name]
    data = json.dumps(analysis_record(analysis), ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")
    return render(
        "trial_table.html",
        a=analysis,
        notice=NOTICE,
        level=f"{100 * (1 - analysis.plan.alpha):g} %",
        says=[sentence(r, one, analysis) for r, one in hypotheses if r.planned.role == "primary"],
        rows=[_cells(r, one, analysis) for r, one in hypotheses],
        meanings=[f"{word}: {MEANING[word]}" for word in _doubts(analysis)],
        sections=[_section(analysis, k) for k in range(len(analysis.endpoints))],
        plan=json.dumps(as_record(analysis.plan), ensure_ascii=False, indent=1),
        data=Markup(data),
    )


def _doubts(analysis: TrialAnalysis) -> list[str]:
    """Return the statuses other than ok that the page shows, each once."""
    found = [one.estimate.status for result in analysis.endpoints for one in result.estimates]
    return [word for word in dict.fromkeys(found) if word != "ok"]


def analysis_record(analysis: TrialAnalysis) -> Plain:
    """Return the analysis as plain data: plan, estimates, summaries, methods and notes."""
    return as_record(
        {
            "plan": analysis.plan,
            "file": analysis.file,
            "rows": analysis.rows,
            "rows_analysed": analysis.used,
            "participants": analysis.people,
            "estimates": _finite(analysis.to_table().to_pydict()),
            "summaries": _finite(analysis.summaries().to_pydict()),
            "methods": analysis.methods,
            "notes": analysis.notes,
        }
    )


def _finite(columns: dict[str, list[str | float | int | bool | None]]) -> list[dict[str, Plain]]:
    """Turn columns into rows; JSON has no infinity, so that it is written as text."""
    rows: list[dict[str, Plain]] = []
    for values in zip(*columns.values(), strict=True):
        pairs = zip(columns, values, strict=True)
        rows.append({name: _written(value) for name, value in pairs})
    return rows


def _written(value: str | float | int | bool | None) -> Plain:
    return str(value) if value in (float("inf"), float("-inf")) else value


def _cells(result: EndpointResult, one: PlannedEstimate, analysis: TrialAnalysis) -> _Cells:
    found = one.estimate
    at = f", {one.visit}" if one.visit else ""
    in_family = one.hypothesis and analysis.plan.multiplicity != "none"
    unit = f" [{result.planned.unit}]" if result.planned.unit and found.scale == "mean difference" else ""
    return {
        "endpoint": f"{result.planned.name}{at}",
        "role": result.planned.role,
        "arm": f"{found.treated} against {found.control}",
        "scale": f"{found.scale}{unit}",
        "estimate": number(found.estimate),
        "interval": interval(found),
        "p_value": p_text(found.p_value),
        "p_adjusted": p_text(one.p_adjusted) if in_family else "",
        "n": f"{found.n_treated:,} / {found.n_control:,}",
        "missing": f"{found.missing_treated:,} / {found.missing_control:,}",
        "status": status_text(found),
        "usable": found.usable,
    }


def _section(analysis: TrialAnalysis, number_of: int) -> _Section:
    result = analysis.endpoints[number_of]
    observed = [
        [one.visit, one.arm, f"{one.n:,}", f"{one.missing:,}", number(one.value),
         f"{number(one.low)} to {number(one.high)}"]
        for one in sorted(result.summaries, key=lambda one: one.week)
    ]  # fmt: skip
    others = [one for one in result.estimates if one not in result.by_name]
    return {
        "name": result.planned.name,
        "role": result.planned.role,
        "figures": figures_of(analysis, number_of),
        "observed": observed,
        "statistic": result.summaries[0].statistic if result.summaries else "",
        "complete": not missing_shares(analysis, result)[1].any(),
        "by_visit": [_cells(result, one, analysis) for one in others],
    }
