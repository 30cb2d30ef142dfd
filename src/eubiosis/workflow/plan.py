"""The analysis plan: what will be estimated and how, fixed and hashed before anything is simulated."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from eubiosis.core.endpoints import ENDPOINTS
from eubiosis.core.estimand import Estimand
from eubiosis.trial.estimands import estimands
from eubiosis.workflow.workflow import Workflow

ALPHA = 0.05


@dataclass(frozen=True)
class PlannedComparison:
    """One active arm against the control, in words."""

    arm: str
    control: str
    treatment: str


@dataclass(frozen=True)
class AnalysisPlan:
    """One primary endpoint, the estimand of each, the comparisons and alpha, and the whole design.

    ``relevant`` names endpoints beforehand, each with the smallest effect that would matter. ``design`` is
    every field of it, defaults filled in, as plain values: two plans of one digest are of one
    trial.
    """

    title: str
    question: str
    context_of_use: str
    decision: str
    primary: str
    comparisons: tuple[PlannedComparison, ...]
    alpha: float
    sides: int
    confidence_level: float
    multiplicity: str
    data: str
    estimands: tuple[Estimand, ...]
    relevant: Mapping[str, float]
    design: Mapping[str, object]

    def as_json(self) -> str:
        """Return the plan as canonical JSON: what ``digest`` is taken of."""
        return json.dumps(
            asdict(self), sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
        )

    @property
    def digest(self) -> str:
        """The SHA-256 of the plan, independent of how it is laid out."""
        return hashlib.sha256(self.as_json().encode()).hexdigest()


def analysis_plan(workflow: Workflow) -> AnalysisPlan:
    """Return the analysis plan of a workflow.

    The plan depends on the design and the primary endpoint, not on the seed or the number of simulated
    trials.

    >>> from eubiosis.core.content import PACKAGED_CONTENT
    >>> from eubiosis.workflow import read_workflow
    >>> plan = analysis_plan(read_workflow(PACKAGED_CONTENT / "trials" / "demo.yaml"))
    >>> plan.primary, len(plan.comparisons), len(plan.estimands)
    ('mfis', 2, 28)
    """
    design = workflow.design
    comparisons = tuple(
        PlannedComparison(
            arm.name,
            design.control.name,
            f"{arm.therapy.describe()} against {design.control.therapy.describe()}",
        )
        for arm in design.active
    )
    return AnalysisPlan(
        title=workflow.title,
        question=workflow.question,
        context_of_use=workflow.context_of_use,
        decision=workflow.decision,
        primary=design.primary,
        comparisons=comparisons,
        alpha=ALPHA,
        sides=2,
        confidence_level=1 - ALPHA,
        multiplicity=_multiplicity(design.primary, len(comparisons)),
        data="observed tables only; the latent truth is used to judge the analysis, never in it",
        estimands=estimands(design),
        relevant=dict(workflow.relevant),
        design=design.model_dump(mode="json"),
    )


def _multiplicity(primary: str, comparisons: int) -> str:
    statement = (
        f"{ENDPOINTS[primary].label} is the only primary endpoint; every other endpoint is "
        f"secondary and tested at {ALPHA:g} without adjustment, so its p values describe"
    )
    if comparisons == 1:
        return statement
    return (
        f"{statement}; the {comparisons} comparisons of the primary endpoint with the control are each "
        f"tested at {ALPHA:g} and are not adjusted for one another"
    )
