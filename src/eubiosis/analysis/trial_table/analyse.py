"""Analyse a real trial's table by its plan: the estimates, what was observed, and what was done, in words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from eubiosis.analysis.estimators.multiplicity import adjust, fixed_sequence
from eubiosis.analysis.trial_table.cells import Cells
from eubiosis.analysis.trial_table.match import Matched, check_columns, match
from eubiosis.analysis.trial_table.methods import methods_text
from eubiosis.analysis.trial_table.models import VisitEstimate, estimates_of, residuals_of
from eubiosis.analysis.trial_table.prepare import EndpointData, prepare
from eubiosis.analysis.trial_table.results import EndpointResult, PlannedEstimate, TrialAnalysis
from eubiosis.analysis.trial_table.summaries import curves_of, summaries_of
from eubiosis.core.findings import FindingCollector, FindingsError
from eubiosis.core.frame import Table
from eubiosis.core.trial_plan import TrialPlan


def analyse(
    frame: Table | Mapping[str, ArrayLike],
    plan: TrialPlan,
    *,
    file: str = "table",
    places: ArrayLike | None = None,
    place_word: Literal["row", "line"] = "row",
    how: str = "",
) -> TrialAnalysis:
    """Analyse a real trial's table by its plan.

    ``frame`` is a ``Table``, or columns by name (a data frame of pandas is that too); one row a participant,
    or one a participant and visit. Arms and visits are matched by the spellings of the plan, nothing is
    guessed. ``file``, ``places`` (rows,) and ``place_word`` say where the rows stand, for findings; ``how``
    how the file was read, for the methods. Raises ``FindingsError`` with every mismatch at once.

    >>> from eubiosis.core.trial_plan import PlannedEndpoint, PlannedEstimand, TrialPlan
    >>> words = PlannedEstimand(treatment="inulin or placebo", population="all randomised", variable="MFIS")
    >>> fatigue = PlannedEndpoint(name="fatigue", column="mfis", kind="score", model="ancova",
    ...                           missing_data="complete cases", estimand=words)
    >>> plan = TrialPlan(title="Made", columns={"participant": "id", "arm": "arm"}, endpoints=[fatigue],
    ...                  arms=[{"name": "placebo", "control": True}, {"name": "inulin"}], multiplicity="none")
    >>> table = {"id": ["a", "b", "c", "d", "e", "f"], "mfis": [40, 42, 44, 35, 38, 41],
    ...          "arm": ["placebo"] * 3 + ["inulin"] * 3}
    >>> found = analyse(table, plan)
    >>> found
    TrialAnalysis: 1 estimates, 1 with numbers; participants: placebo 3, inulin 3
    >>> found.to_table()["estimate"].round(6).tolist()
    [-4.0]
    """
    table = frame if isinstance(frame, Table) else Table({str(name): frame[name] for name in frame})
    findings = FindingCollector()
    cells = Cells(
        table,
        file,
        np.arange(1, len(table) + 1) if places is None else np.asarray(places, dtype=np.int64),
        place_word,
        plan.decimal,
        {one.column: one.codes for one in plan.missing},
        findings,
    )
    if not len(table):
        findings.add(
            file, "", "the table has no rows", allowed="one row or more", next_step="export it again"
        )
    if findings.findings or not check_columns(cells, plan):
        raise FindingsError(findings.findings)
    matched = match(cells, plan)
    data = [prepare(cells, plan, matched, k) for k in range(len(plan.endpoints))]
    if findings.findings:
        raise FindingsError(dict.fromkeys(findings.findings))
    found = [estimates_of(one, plan) for one in data]
    adjusted = _with_adjustment(plan, found)
    results = tuple(_result(one, plan, estimates) for one, estimates in zip(data, adjusted, strict=True))
    people = {arm.name: matched.arm.count(arm.name) for arm in plan.arms}
    bare = TrialAnalysis(
        plan,
        PurePath(file).name,
        len(table),
        int(matched.rows.sum()),
        people,
        results,
        (),
        _notes(cells, plan, matched),
    )
    return replace(bare, methods=methods_text(bare, how))


def _result(data: EndpointData, plan: TrialPlan, estimates: tuple[PlannedEstimate, ...]) -> EndpointResult:
    return EndpointResult(
        data.planned,
        estimates,
        summaries_of(data, plan),
        curves_of(data, plan),
        residuals_of(data, plan),
        data.set_missing,
    )


def _with_adjustment(
    plan: TrialPlan, found: Sequence[tuple[VisitEstimate, ...]]
) -> list[tuple[PlannedEstimate, ...]]:
    """Adjust the p-values of the family: primary and secondary endpoints, in the order of the plan."""
    family = [
        (k, j)
        for k, planned in enumerate(plan.endpoints)
        if planned.role != "exploratory"
        for j, one in enumerate(found[k])
        if one.visit == (planned.visit or "")
    ]
    raw = np.array([found[k][j].estimate.p_value for k, j in family])
    usable = np.array([found[k][j].estimate.usable for k, j in family], dtype=bool)
    raw[~usable] = math.nan
    values = np.full(len(raw), math.nan)
    if plan.multiplicity == "holm":
        values = adjust(raw, "holm")
    elif plan.multiplicity == "fixed sequence":
        values = fixed_sequence(raw)
    values = np.where(np.isnan(raw), math.nan, values)
    by_place = dict(zip(family, values.tolist(), strict=True))
    return [
        tuple(
            PlannedEstimate(one.visit, (k, j) in by_place, by_place.get((k, j), math.nan), one.estimate)
            for j, one in enumerate(estimates)
        )
        for k, estimates in enumerate(found)
    ]


def _notes(cells: Cells, plan: TrialPlan, matched: Matched) -> tuple[str, ...]:
    """Say what was left out, read as zero or as missing."""
    notes = [f"{count:,} rows were left out: {what}." for what, count in matched.left_out.items() if count]
    for column, count in cells.tiny.items():
        notes.append(
            f"{count:,} values of {column} are below 1e-78 in size and were read as 0: "
            "some libraries give 5.4e-79 for the zero of an XPT file."
        )
    for one in plan.missing:
        seen = {code: count for code, count in cells.coded.get(one.column, {}).items() if count}
        said = ", ".join(f"{code} ({count:,} times)" for code, count in seen.items())
        notes.append(
            f"Read as missing in {one.column}: {said}."
            if seen
            else f"No cell of {one.column} has a code for missing ({', '.join(one.codes)})."
        )
    return tuple(notes)
