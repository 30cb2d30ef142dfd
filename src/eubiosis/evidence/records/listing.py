"""Lists and plain text of the records, for the command line."""

from __future__ import annotations

from collections import Counter
from typing import Any

from eubiosis.evidence.integrity.trial_checks import check_trials
from eubiosis.evidence.records.rows import AgentTaxon, RiskOfBias
from eubiosis.evidence.records.store import Evidence


def list_studies(evidence: Evidence, outcome: str | None, intervention: str | None) -> list[dict[str, Any]]:
    """Return one row per study, limited to an outcome and an intervention where given."""
    wanted = evidence.outcome(outcome).id if outcome else None
    term = evidence.intervention(intervention).id if intervention else None
    counts = Counter(e.study_id for e in evidence.estimates if wanted in (None, e.outcome))
    return [
        {
            "id": study.id,
            "year": study.year,
            "species": study.species,
            "intervention": study.subclass or study.intervention,
            "agent": study.agent,
            "cohort": study.cohort_id,
            "integrity": study.integrity_status,
            "estimates": counts[study.id],
            "doi": study.doi,
        }
        for study in evidence.studies.values()
        if counts[study.id] and term in (None, study.intervention, study.subclass)
    ]


def list_outcomes(evidence: Evidence) -> list[dict[str, Any]]:
    """Return one row per outcome term with its other names and number of estimates."""
    counts = Counter(e.outcome for e in evidence.estimates)
    return [
        {"id": t.id, "label": t.label, "domain": t.domain, "estimates": counts[t.id], "aliases": t.aliases}
        for t in evidence.outcomes.values()
    ]


def list_interventions(evidence: Evidence) -> list[dict[str, Any]]:
    """Return one row per intervention term with its other names and number of studies."""
    counts = Counter(term for s in evidence.studies.values() for term in {s.intervention, s.subclass} if term)
    return [
        {"id": t.id, "label": t.label, "parent": t.parent, "studies": counts[t.id], "aliases": t.aliases}
        for t in evidence.interventions.values()
    ]


def show_study(evidence: Evidence, study_id: str) -> dict[str, Any]:
    """Return everything recorded about one study: other reports, taxa, estimates, checks made."""
    study = evidence.study(study_id)
    same = [s.id for s in evidence.studies.values() if s.cohort_id == study.cohort_id and s.id != study.id]
    risk = [
        row.model_dump() for row in evidence.table("risk_of_bias", RiskOfBias) if row.study_id == study.id
    ]
    return {
        **study.model_dump(),
        "same_cohort": ", ".join(same),
        "agent_taxa": [
            row.model_dump() for row in evidence.table("agents", AgentTaxon) if row.agent == study.agent
        ],
        "estimates": [e.model_dump() for e in evidence.estimates if e.study_id == study.id],
        "checks": [
            {"check": r.check, "estimate": r.estimate_id, "outcome": r.outcome, "detail": r.detail}
            for r in check_trials(evidence)
            if r.study_id == study.id and r.outcome != "not possible"
        ],
        "risk_of_bias": risk,
    }


def pool_text(record: dict[str, Any]) -> str:
    """Format a pool record as text."""
    unit = f" {record['unit']}" if record["unit"] else ""
    lines = [
        f"{record['outcome_label']} under {record['intervention_label']}: {record['metric']}{unit}, "
        f"{record['better']} is better; {record['k']} cohorts, {record['participants']} participants",
        "",
        f"  {record['ci_method']:<24} {_span(record)}   <- headline",
    ]
    for name, interval in record["intervals"].items():
        label = name.replace("_", "-")
        lines.append(f"  {label:<24} {_span(interval)}  {interval['note']}".rstrip())
    lines += [
        f"  {'prediction':<24} [{record['pi_low']:.2f}, {record['pi_high']:.2f}]  {record['pi_method']}",
        f"  tau2 {record['tau2']:.3g} ({record['tau2_method']}), I2 {record['I2']:.0f} %",
        "",
        "included",
    ]
    for x in record["included"]:
        lines.append(f"  {x['study']:<22} {_span(x)}  weight {100 * x['weight']:.0f} %  {x['how']}")
        lines.append(f"  {'':<22} {x['source']} (read: {x['read']})")
        if x["integrity_status"] != "none":
            lines.append(f"  {'':<22} MARKED {x['integrity_status']}: {x['integrity_reason']}")
    lines += ["", "excluded"]
    lines += [f"  {x['estimate_id']:<22} {x['reason']}" for x in record["excluded"]]
    lines += ["", "warnings", *(f"  {text}" for text in record["warnings"])]
    lines += ["", "if a choice were made differently"]
    lines += [f"  {_span(x)}  k {x['k']}  {x['change']}" for x in record["sensitivity"]]
    if "subgroups" in record:
        divided = record["subgroups"]
        lines += ["", f"divided by {divided['by']} ({divided['note']})"]
        lines += [f"  {_span(x)}  k {x['k']}  {x['group']}" for x in divided["groups"]]
        lines.append(f"  difference: p = {divided['difference']['p']:.3f}")
    certainty = record["certainty"]
    lines += ["", f"certainty: {certainty['level']}"]
    lines += [f"  {d['name']} -{d['steps_down']}: {d['reason']}" for d in certainty["domains"]]
    return "\n".join([*lines, "", record["notice"]])


def _span(record: dict[str, Any]) -> str:
    if record["estimate"] is None:
        return record.get("note") or "not defined"
    return f"{record['estimate']:.2f} [{record['ci_low']:.2f}, {record['ci_high']:.2f}]"
