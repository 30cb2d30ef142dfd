"""What a run says of its own credibility: ratings by rule, criteria with limits set beforehand, distances."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.credibility import (
    AssessmentTable,
    ChecklistAnswer,
    Credibility,
    CredibilityFactor,
    CredibilitySource,
    Level,
    RatedPart,
    TechnicalCriterion,
)
from eubiosis.core.endpoints import ENDPOINTS
from eubiosis.core.findings import FindingCollector
from eubiosis.core.report_input import EffectRow, TrialReportInput
from eubiosis.core.tables import read_table
from eubiosis.core.version import __version__
from eubiosis.core.world_intervals import ENOUGH_WORLDS
from eubiosis.workflow.applicability import applicability
from eubiosis.workflow.ethics import ethical_concerns
from eubiosis.workflow.forecast.skill import load_skill
from eubiosis.workflow.workflow import Workflow

FOLDER = PACKAGED_CONTENT / "credibility"
_LEVELS: tuple[Level, ...] = ("low", "medium", "high")
MOST_POWER_ERROR, MOST_ASSUMED, MOST_UNUSABLE = 0.05, 0.5, 0.05
COVERED = (0.925, 0.975)
_INFLUENCE = "high unless the workflow could say what else stands behind the decision, which it cannot"
_CONSEQUENCE = (
    "high where the design has a concern that must be justified or gives a transplant; else medium: a wrong "
    "trial burdens people and withholds means from a better one"
)
_RISK = "the higher of influence and consequence"
_IMPACT = (
    "high where the primary endpoint is clinical, since nobody plans such trials by a model like this; "
    "else medium"
)


@cache
def packaged_tables() -> tuple[
    tuple[CredibilityFactor, ...], tuple[ChecklistAnswer, ...], tuple[CredibilitySource, ...]
]:
    """Read factors, checklist and sources; raises ``FindingsError`` with everything wrong in them."""
    findings = FindingCollector()
    factors = read_table(FOLDER / "factors.tsv", CredibilityFactor, findings)
    answers = read_table(FOLDER / "checklist.tsv", ChecklistAnswer, findings)
    sources = read_table(FOLDER / "sources.tsv", CredibilitySource, findings)
    findings.raise_if_any()
    return tuple(factors), tuple(answers), tuple(sources)


def credibility(workflow: Workflow, shown: TrialReportInput, plan_sha256: str) -> Credibility:
    """Describe the credibility of a run from its workflow and what its report shows."""
    factors, answers, sources = packaged_tables()
    distances = shown.applicability or applicability(workflow)
    criteria = _criteria(workflow, shown, distances.worst)
    return Credibility(
        software=f"eubiosis {__version__}",
        analysis_plan_sha256=plan_sha256,
        assessment=_assessment(workflow, criteria),
        factors=factors,
        applicability=distances,
        checklist=answers,
        checklist_score=f"{sum(one.score for one in answers)} of {2 * len(answers)} by our own answers, "
        f"{sum(one.score == 0 for one in answers)} answered with no; unread rows are not scored",
        sources=sources,
    )


def _assessment(workflow: Workflow, criteria: Sequence[TechnicalCriterion]) -> AssessmentTable:
    influence = RatedPart(
        level="high", why="the workflow names no other evidence for the decision", rule=_INFLUENCE
    )
    consequence = _consequence(workflow)
    risk = _LEVELS[max(_LEVELS.index(influence.level), _LEVELS.index(consequence.level))]
    clinical = ENDPOINTS[workflow.design.primary].clinical
    label = ENDPOINTS[workflow.design.primary].label
    missed = [one.criterion for one in criteria if one.outcome != "met"]
    met = len(criteria) - len(missed)
    return AssessmentTable(
        question_of_interest=workflow.question,
        context_of_use=workflow.context_of_use,
        decision=workflow.decision,
        model_influence=influence,
        consequence_of_wrong_decision=consequence,
        model_risk=RatedPart(
            level=risk, why=f"influence {influence.level}, consequence {consequence.level}", rule=_RISK
        ),
        model_impact=RatedPart(
            level="high" if clinical else "medium",
            why=f"primary endpoint {label}, {'clinical' if clinical else 'biological'}",
            rule=_IMPACT,
        ),
        technical_criteria=tuple(criteria),
        evaluation=f"{met} of {len(criteria)} technical criteria met"
        + (f"; not met: {'; '.join(missed)}" if missed else ""),
        outcome="by rule: no decision can rest on this run while a criterion is missed or not tested; it may "
        "be discussed beside other evidence"
        if missed
        else "by rule: the criteria are met; whether the model is right for this use is not decided by them",
    )


def _consequence(workflow: Workflow) -> RatedPart:
    concerns = [words for _, words in ethical_concerns(workflow.design)]
    given = [part for arm in workflow.design.arms for part in arm.therapy.given]
    transplants = [part.record.label for part in given if part.record.group == "transplant"]
    high = concerns + transplants
    return RatedPart(
        level="high" if high else "medium",
        why="; ".join(high) or "no concern that must be justified, no transplant",
        rule=_CONSEQUENCE,
    )


def _criteria(workflow: Workflow, shown: TrialReportInput, worst: str) -> tuple[TechnicalCriterion, ...]:
    primary = [row for row in shown.effects if row.primary]
    assumed = shown.basis_shares.get("assumed", math.nan)
    worlds = workflow.simulation.worlds
    return (
        _judged("worlds behind intervals", f"{ENOUGH_WORLDS} or more", str(worlds), worlds >= ENOUGH_WORLDS),
        _of_rows(
            "Monte Carlo error of the power of the primary endpoint", f"{MOST_POWER_ERROR:g} at most",
            [row.power_error for row in primary], lambda error: error <= MOST_POWER_ERROR,
        ),
        _of_rows(
            "coverage of 95 % intervals of the primary endpoint", f"{COVERED[0]:g} to {COVERED[1]:g}",
            [row.coverage for row in primary], lambda share: COVERED[0] <= share <= COVERED[1],
        ),
        _of_rows(
            "fits of the primary endpoint that are not usable", f"{MOST_UNUSABLE:g} of all at most",
            [_unusable(row) for row in primary], lambda share: share <= MOST_UNUSABLE,
        ),
        _judged("numbers of the model that are assumed", f"less than {MOST_ASSUMED:g} of all",
                f"{assumed:.2f}", assumed < MOST_ASSUMED),
        _skill(workflow),
        _judged("largest distance from what was checked", "near", worst, worst in ("checked", "near")),
    )  # fmt: skip


def _skill(workflow: Workflow) -> TechnicalCriterion:
    """Ask whether the model has beaten every simple competitor under the same product in an unseen study."""
    name, limit = (
        "skill beyond simple competitors under the product, study neither fitted nor seen",
        "every such study",
    )
    products = {part.product for arm in workflow.design.active for part in arm.therapy.given}
    rows = [
        row for row in load_skill()
        if row.product in products and row.fitted == "no" and row.score == "crps"
    ]  # fmt: skip
    if not rows:
        return TechnicalCriterion(criterion=name, limit=limit, found="no such study", outcome="not tested")
    won = sum(row.beaten for row in rows)
    return _judged(name, limit, f"{won} of {len(rows)}", won == len(rows))


def _of_rows(name: str, limit: str, values: Sequence[float], good: object) -> TechnicalCriterion:
    assert callable(good)
    known = [value for value in values if math.isfinite(value)]
    if not known or len(known) < len(values):
        return TechnicalCriterion(criterion=name, limit=limit, found="not estimable", outcome="not tested")
    return _judged(name, limit, ", ".join(f"{value:.3g}" for value in known), all(map(good, known)))


def _judged(name: str, limit: str, found: str, met: bool) -> TechnicalCriterion:
    return TechnicalCriterion(criterion=name, limit=limit, found=found, outcome="met" if met else "missed")


def _unusable(row: EffectRow) -> float:
    return row.not_usable / row.trials if row.trials else math.nan


def tables_markdown(up: str = "../../") -> str:
    """Return factors and checklist as tables of the documentation; ``up`` leads from there to the root."""
    factors, answers, _ = packaged_tables()
    lines = ["| factor | level | why | what is missing |", "| --- | --- | --- | --- |"]
    lines += [
        f"| {one.group}: [{one.factor}]({up}{one.link}) | {one.level} | {one.rationale} | {one.missing} |"
        for one in factors
    ]
    lines += [
        "",
        f"Levels: {factors[0].gradation}.",
        "",
        "| question | score | answer |",
        "| --- | --- | --- |",
    ]
    lines += [
        f"| {one.criterion}: [{one.asks}]({up}{one.link}) | {one.score} | {one.answer} |" for one in answers
    ]
    total = sum(one.score for one in answers)
    return "\n".join([*lines, "", f"In all {total} of {2 * len(answers)}: 0 no, 1 in part, 2 yes."]) + "\n"
