"""The analysis plan: what will be estimated and how, fixed and hashed before anything is simulated."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from eubiosis.core.endpoints import ENDPOINTS, Endpoint
from eubiosis.core.kinds import plain
from eubiosis.workflow.files.spec import WorkflowSpec, to_design

ALPHA = 0.05
COUNTS = ("relapses", "gd_lesions", "t2_lesions")


def analysis_plan(spec: WorkflowSpec) -> dict[str, Any]:
    """Return the analysis plan of a workflow: one primary endpoint, the estimand of each, alpha.

    The attributes of an estimand are those of ICH E9(R1). The plan depends on the design and the primary
    endpoint, not on the seed or the number of simulated trials.
    """
    design = to_design(spec)
    control = design.control.name
    comparisons = [
        {
            "arm": arm.name,
            "control": control,
            "treatment": f"{arm.therapy.describe()} against {design.control.therapy.describe()}",
        }
        for arm in design.active
    ]
    return {
        "title": spec.title,
        "question": spec.question,
        "context_of_use": spec.context_of_use,
        "decision": spec.decision,
        "primary": spec.primary,
        "comparisons": comparisons,
        "alpha": ALPHA,
        "sides": 2,
        "confidence_level": 1 - ALPHA,
        "multiplicity": _multiplicity(spec, len(comparisons)),
        "data": "observed tables only; the latent truth is used to judge the analysis, never in it",
        "estimands": [_estimand(spec, ENDPOINTS[name]) for name in _ordered(spec.primary)],
    }


def plan_hash(plan: dict[str, Any]) -> str:
    """Return the SHA-256 of a plan, independent of how it is laid out."""
    text = json.dumps(plan, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _ordered(primary: str) -> list[str]:
    return [primary, *(name for name in ENDPOINTS if name != primary)]


def _multiplicity(spec: WorkflowSpec, comparisons: int) -> str:
    statement = (
        f"{ENDPOINTS[spec.primary].label} is the only primary endpoint; every other endpoint is "
        f"secondary and tested at {ALPHA:g} without adjustment, so its p values describe"
    )
    if comparisons == 1:
        return statement
    return (
        f"{statement}; the {comparisons} comparisons of the primary endpoint with the control are each "
        f"tested at {ALPHA:g} and are not adjusted for one another"
    )


def _estimand(spec: WorkflowSpec, endpoint: Endpoint) -> dict[str, Any]:
    last = plain(spec.design.visits[-1])
    counts = endpoint.id in COUNTS
    return {
        "endpoint": endpoint.id,
        "label": endpoint.label,
        "role": "primary" if endpoint.id == spec.primary else "secondary",
        "treatment": "assigned arm against control, whatever share of the dose is taken",
        "population": f"all randomised subjects ({_eligible(spec)})",
        "variable": _variable(endpoint, last),
        "intercurrent_events": _intercurrent(counts),
        "summary": _summary(endpoint, counts),
        "method": _method(endpoint, counts),
        "covariates": [] if counts else [_baseline(endpoint)],
        "missing_data": _missing(counts),
        "better": endpoint.better,
        "tested": endpoint.tested,
    }


def _eligible(spec: WorkflowSpec) -> str:
    rules = spec.eligibility
    parts = [
        f"{label} {plain(span[0])} to {plain(span[1])}"
        for label, span in (("age", rules.age), ("EDSS", rules.edss))
        if span is not None
    ]
    if rules.relapses_last_year is not None:
        parts.append(f"{rules.relapses_last_year} or more relapses in the year before entry")
    if rules.mfis_from is not None:
        parts.append(f"MFIS {plain(rules.mfis_from)} or more at screening")
    return "; ".join(parts) or "no entry criteria"


def _variable(endpoint: Endpoint, last: str) -> str:
    if endpoint.id == "relapses":
        return f"number of relapses from week 0 to week {last} or dropout"
    if endpoint.id in COUNTS:
        return f"number of {endpoint.label} on the scans from week 0 to week {last} or dropout"
    if endpoint.scale == "ratio":
        return f"logarithm of {endpoint.label} at week {last}"
    return f"{endpoint.label} at week {last}"


def _intercurrent(counts: bool) -> list[dict[str, str]]:
    dropout = "while observed" if counts else "hypothetical: as if the subject had stayed"
    rows = [
        {"event": "taking less than the full dose", "strategy": "treatment policy"},
        {"event": "dropout", "strategy": dropout},
    ]
    if not counts:
        rows.append({"event": "a relapse before the last visit", "strategy": "treatment policy"})
    return rows


def _summary(endpoint: Endpoint, counts: bool) -> str:
    if counts:
        return "rate ratio"
    return (
        "ratio of geometric means" if endpoint.scale == "ratio" else f"difference in means, {endpoint.unit}"
    )


def _method(endpoint: Endpoint, counts: bool) -> str:
    if counts:
        return (
            "negative binomial regression, logarithm of follow-up as offset; p-value of a randomisation test "
            "of the crude rates"
        )
    scale = " of the logarithm" if endpoint.scale == "ratio" else ""
    return f"analysis of covariance{scale} at the last visit"


def _baseline(endpoint: Endpoint) -> str:
    return f"{'logarithm of the ' if endpoint.scale == 'ratio' else ''}baseline value"


def _missing(counts: bool) -> str:
    if counts:
        return "follow-up ends at dropout; no imputation"
    return "subjects without a last visit are left out and counted; no imputation (missing at random)"
