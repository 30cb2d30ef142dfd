"""What the analysis of a real trial's table gives: estimates, what was observed, and what was done."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from eubiosis.analysis.result import Estimate
from eubiosis.analysis.trial_table.models import Residuals
from eubiosis.analysis.trial_table.summaries import ArmCurve, ArmSummary
from eubiosis.core.frame import Table
from eubiosis.core.table_schemas import TRIAL_ANALYSIS, TRIAL_SUMMARIES
from eubiosis.core.trial_plan import PlannedEndpoint, TrialPlan


@dataclass(frozen=True)
class PlannedEstimate:
    """One estimate of the plan: at which visit, whether it is a hypothesis, and its adjusted p-value.

    ``p_adjusted`` is NaN outside the family of hypotheses and where the analysis gave no numbers.
    """

    visit: str
    hypothesis: bool
    p_adjusted: float
    estimate: Estimate


@dataclass(frozen=True)
class EndpointResult:
    """All of one endpoint: estimates, the arms as observed, survival curves, residuals.

    ``set_missing`` counts the values that the hypothetical strategy left out.
    """

    planned: PlannedEndpoint
    estimates: tuple[PlannedEstimate, ...]
    summaries: tuple[ArmSummary, ...]
    curves: tuple[ArmCurve, ...]
    residuals: Residuals
    set_missing: int

    @property
    def by_name(self) -> tuple[PlannedEstimate, ...]:
        """The contrasts that the plan names: one for each active arm."""
        return tuple(one for one in self.estimates if one.visit == (self.planned.visit or ""))


@dataclass(frozen=True)
class TrialAnalysis:
    """The analysis of a real trial's table.

    ``people`` counts the participants of each arm, ``rows`` and ``used`` the rows of the table and those that
    were analysed. ``methods`` are paragraphs that say what was done; ``notes`` what was read in a way that a
    reader must know.
    """

    plan: TrialPlan
    file: str
    rows: int
    used: int
    people: Mapping[str, int]
    endpoints: tuple[EndpointResult, ...]
    methods: tuple[str, ...]
    notes: tuple[str, ...]

    def to_table(self) -> Table:
        """Return one row for each estimate, in the order of the plan."""
        rows = [(result, one) for result in self.endpoints for one in result.estimates]
        columns: dict[str, ArrayLike] = {
            "endpoint": [result.planned.name for result, _ in rows],
            "role": [result.planned.role for result, _ in rows],
            "visit": [one.visit for _, one in rows],
            "week": np.array([self._week(one.visit) for _, one in rows]),
            "hypothesis": [one.hypothesis for _, one in rows],
            "p_adjusted": np.array([one.p_adjusted for _, one in rows]),
            "reason": [str(one.estimate.detail.get("reason", "")) for _, one in rows],
        }
        for name in TRIAL_ANALYSIS.names:
            if name not in columns:
                columns[name] = np.array([getattr(one.estimate, name) for _, one in rows])
        return Table(columns, schema=TRIAL_ANALYSIS)

    def summaries(self) -> Table:
        """Return what was observed: one row for each arm at each visit of each endpoint."""
        rows = [(result, one) for result in self.endpoints for one in result.summaries]
        columns: dict[str, ArrayLike] = {
            "endpoint": [result.planned.name for result, _ in rows],
            "role": [result.planned.role for result, _ in rows],
        }
        for name in TRIAL_SUMMARIES.names:
            if name not in columns:
                columns[name] = np.array([getattr(one, name) for _, one in rows])
        return Table(columns, schema=TRIAL_SUMMARIES)

    def _week(self, visit: str) -> float:
        return self.plan.week(visit) if visit else math.nan

    def __repr__(self) -> str:
        count = sum(len(result.estimates) for result in self.endpoints)
        usable = sum(one.estimate.usable for result in self.endpoints for one in result.estimates)
        people = ", ".join(f"{name} {number}" for name, number in self.people.items())
        return f"TrialAnalysis: {count} estimates, {usable} with numbers; participants: {people}"

    def _repr_html_(self) -> str:
        return self.to_table()._repr_html_()
