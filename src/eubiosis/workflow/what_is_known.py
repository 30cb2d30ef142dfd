"""What published evidence says of a trial's question: the brief of each active arm, inside the report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import yaml

from eubiosis.core.brief import BriefData, BriefEndpoint
from eubiosis.core.calendar import DAYS_PER_YEAR
from eubiosis.core.clinical_prior import packaged_clinical
from eubiosis.core.control_arm import Background
from eubiosis.core.decisions import BENEFIT
from eubiosis.core.endpoints import ENDPOINTS
from eubiosis.core.findings import Finding, FindingsError
from eubiosis.core.json_data import JsonRecord
from eubiosis.core.question import LONGEST_YEARS, SHORTEST_YEARS
from eubiosis.core.trial_answer import KnownPart, PlainTable, PublishedEffect
from eubiosis.evidence import load
from eubiosis.trial.design import Arm, Design
from eubiosis.workflow.brief import Brief, brief
from eubiosis.workflow.published_effects import on_axis
from eubiosis.workflow.question import Question
from eubiosis.workflow.workflow import Workflow

PLANNING_YEAR = 2027  # of the control arm's forecast, where nobody says when the trial runs
# endpoint of the simulation -> outcome that a brief sizes
BRIEF_OUTCOMES = {
    "mfis": "MFIS",
    "relapses": "ARR",
    "t2_lesions": "new T2 lesions",
    "gd_lesions": "Gd lesions",
    "edss": "EDSS",
    "stool_scfa": "stool SCFA",
}
_BACKGROUNDS: Mapping[str, Background] = {
    "not stated": "platform",
    "none": "none",
    "stable": "platform",
    "high efficacy": "anti_cd20",
}
Content = JsonRecord
# asked where nothing was named that a brief sizes
_FALLBACK: Content = {"outcome": "ARR", "role": "primary", "effect": BENEFIT}
_STOOL: Content = {"outcome": BRIEF_OUTCOMES["stool_scfa"], "role": "primary", "effect": 0.5}


@dataclass(frozen=True)
class PublishedEvidence:
    """The parts for the page, the trials beside the forest, and what sizes rest on.

    ``rates`` are low, middle and high control levels by endpoint, ``questions`` the brief of each arm as a
    YAML text, ``refused`` why an arm has none.
    """

    parts: tuple[KnownPart, ...] = ()
    published: tuple[PublishedEffect, ...] = ()
    rates: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    questions: Mapping[str, str] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)


def what_is_known(workflow: Workflow, spreads: Mapping[str, float]) -> PublishedEvidence:
    """Return what the brief of each active arm says; an arm without an intervention of the evidence says so.

    ``spreads`` are the SDs between subjects by endpoint, to bring points to the scale of a brief.
    """
    parts: list[KnownPart] = []
    published: list[PublishedEffect] = []
    rates: dict[str, tuple[float, float, float]] = {}
    questions: dict[str, str] = {}
    refused: dict[str, str] = {}
    for arm in workflow.design.active:
        endpoints = list(_endpoints(workflow, spreads))
        content = _question(workflow, arm, endpoints or [_fallback(workflow)])
        try:
            made = brief(Question(**content))
        except FindingsError as error:
            refused[arm.name] = "; ".join(_why_not(finding, arm) for finding in error.findings)
            continue
        if endpoints:
            questions[arm.name] = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100)
        rates = rates or _rates(made)
        parts += _parts(made, arm)
        published += _published(made)
    return PublishedEvidence(tuple(parts), tuple(dict.fromkeys(published)), rates, questions, refused)


def _why_not(finding: Finding, arm: Arm) -> str:
    """Say why a brief refuses an arm, to somebody who wrote a workflow and no question."""
    if finding.place.endswith("intervention"):
        taken = " and ".join(part.record.label for part in arm.therapy.given)
        return f"no intervention of the evidence tables stands for {taken}"
    return finding.problem


def _fallback(workflow: Workflow) -> Content:
    """Return the outcome nearest to the primary endpoint: acids in stool for one of them, else relapses."""
    return _STOOL if ENDPOINTS[workflow.design.primary].place == "stool" else _FALLBACK


def _question(workflow: Workflow, arm: Arm, endpoints: Sequence[Content]) -> Content:
    """Return the question of one arm as ``eubiosis brief`` reads it."""
    design = workflow.design
    own = packaged_clinical().therapy(arm.therapy.product)
    return {
        "title": f"{workflow.title[:400]}: {arm.name}",
        "question": workflow.question,
        "decision": workflow.decision,
        "intervention": arm.therapy.product if own is None else own.intervention,
        "agent": arm.therapy.describe()[:500],
        "year": PLANNING_YEAR,
        "population": _population(design),
        "design": {
            "blinding": "double" if design.control.therapy.product == "placebo" else "open",
            "comparator": design.control.therapy.describe()[:500],
            "years": _years(design),
            "recruitable_per_arm": max(4, design.participants // len(design.arms)),
            "dropout_per_year": min(design.dropout_per_year, 3.0),
        },
        "endpoints": list(endpoints),
    }


def _population(design: Design) -> Content:
    rules = design.eligibility
    asked: Content = {"phenotype": "RRMS", "background": _BACKGROUNDS[rules.background]}
    if rules.relapses_last_year is not None:
        asked["relapses_last_year"] = min(rules.relapses_last_year, 5)
    if rules.mfis_from is not None:
        asked["mfis_from"] = rules.mfis_from
    return asked


def _years(design: Design) -> list[float]:
    years = 7 * design.visits[-1] / DAYS_PER_YEAR
    held = min(max(years, SHORTEST_YEARS), LONGEST_YEARS / 2)
    return [round(held, 3), round(2 * held, 3)]


def _endpoints(workflow: Workflow, spreads: Mapping[str, float]) -> Iterator[Content]:
    """Yield the endpoints that were named with a relevant effect, each planned with that effect."""
    primary = workflow.design.primary
    named = dict.fromkeys((primary, *workflow.relevant))
    given = [name for name in named if name in BRIEF_OUTCOMES and name in workflow.relevant]
    for name in given:
        relevant = workflow.relevant[name]
        if ENDPOINTS[name].scale == "difference":
            relevant = relevant / spreads[name]
        effect = round(min(max(relevant, 0.01), 3.0), 3)
        role = "primary" if name == (primary if primary in given else given[0]) else "secondary"
        yield {"outcome": BRIEF_OUTCOMES[name], "role": role, "effect": effect, "relevant": effect}


def _rates(made: Brief) -> dict[str, tuple[float, float, float]]:
    found = {}
    rate = made.control_arm.relapses.first_hand.forecast
    if rate is not None:
        found["relapses"] = (rate.low, rate.rate, rate.high)
    for one in made.endpoints:
        name = next((k for k, v in BRIEF_OUTCOMES.items() if v == one.asked_as), "")
        level = one.control_level
        if name in ("t2_lesions", "gd_lesions") and level is not None:
            found[name] = (level.low, level.value, level.high)
    return found


def _parts(made: Brief, arm: Arm) -> Iterator[KnownPart]:
    from eubiosis.report.brief.page import brief_blocks  # late: drawing words loads the report

    for block in brief_blocks(made):
        if block.title != "What is known":
            continue
        yield KnownPart(
            f"{block.title}: {arm.name}",
            block.paragraphs,
            tuple(PlainTable(table.title, table.columns, table.rows) for table in block.tables),
            (*block.items, *block.small),
        )


def _published(made: BriefData) -> Iterator[PublishedEffect]:
    for one in made.endpoints:
        name = next((k for k, v in BRIEF_OUTCOMES.items() if v == one.asked_as), "")
        if name:
            yield from _pooled(one, name, made.question.intervention)


def _pooled(one: BriefEndpoint, name: str, intervention: str) -> Iterator[PublishedEffect]:
    if one.pooled.pool is None:
        return
    summary = one.pooled.pool.summary
    rows = {row.id: row for row in load().estimates}
    for study in summary.included:
        effect = (study.ci_low, study.estimate, study.ci_high)
        placed = on_axis(name, summary.metric, effect, rows.get(study.estimate_id))
        yield PublishedEffect(
            endpoint=name,
            label=one.label,
            study=study.study,
            intervention=study.agent or intervention,
            scale=f"{summary.metric}{f' ({summary.unit})' if summary.unit else ''}",
            estimate=study.estimate,
            low=study.ci_low,
            high=study.ci_high,
            people=(study.n_treatment or 0) + (study.n_control or 0),
            read=study.read,
            source=study.source,
            doi=study.doi,
            standardised=placed.values,
            placed=placed.words,
        )
