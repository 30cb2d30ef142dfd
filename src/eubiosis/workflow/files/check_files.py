"""Check one file of a user, whatever it is: a workflow, a question, an analysis plan or a stool table."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from eubiosis.core.findings import FindingCollector
from eubiosis.core.from_yaml import check_yaml
from eubiosis.core.trial_plan import TrialPlan
from eubiosis.core.yaml_lines import read_yaml
from eubiosis.population.contrast import guild_contrast
from eubiosis.population.lost import LostProfiles, participants
from eubiosis.population.stool.table import StoolTable, read_stool_table
from eubiosis.workflow.feasibility import check_feasible, entry_of
from eubiosis.workflow.files.tables import check_all
from eubiosis.workflow.files.workflow_yaml import located
from eubiosis.workflow.question import Question
from eubiosis.workflow.workflow import Workflow

WORKFLOW_ENDINGS = (".yaml", ".yml")


def check_file(path: Path, findings: FindingCollector, *, large: bool = False) -> str:
    """Report all that is wrong with a file to ``findings`` and return what it is, in a few words.

    A name that ends in .yaml or .yml is a workflow, or the question of a brief where it asks about an
    ``intervention``, or an analysis plan where it names ``columns``; any other is a stool table. The tables
    that a workflow names are checked with it, and what its run is predicted to take; ``large`` says that a
    long run is meant.
    """
    if path.suffix.lower() not in WORKFLOW_ENDINGS:
        return _table(read_stool_table(path, findings))
    kind = _kind(path)
    if kind == "question":
        question = check_yaml(path, Question, findings)
        return "question" if question is None else f"question: {question.intervention}"
    if kind == "plan":
        plan = check_yaml(path, TrialPlan, findings)
        return "plan" if plan is None else f"analysis plan: {len(plan.endpoints)} endpoints"
    spec, table = check_all(path, findings)
    if spec is None:
        return "workflow"
    own = FindingCollector()
    cost = check_feasible(spec, own, large=large)
    findings.extend(located(own.findings, path))
    said = (
        f"{_workflow(spec)}; about {entry_of(spec).words} of the reference population would enter"
        + _little(spec)
        + ("" if table is None else f"; {_table(table, spec.population.group)}")
    )
    return f"{said}; a run takes {cost.words}"


def _kind(path: Path) -> Literal["workflow", "question", "plan"]:
    """Tell a question and a plan from a workflow by a key of theirs; a damaged file is a workflow."""
    document = read_yaml(path, FindingCollector())
    keys = document.content if document is not None and isinstance(document.content, dict) else {}
    if "arms" in keys and "columns" in keys:
        return "plan"
    return "question" if "intervention" in keys and "arms" not in keys else "workflow"


def _workflow(spec: Workflow) -> str:
    arms = ", ".join(arm.name for arm in spec.design.arms)
    return f"workflow: {spec.design.participants} subjects; arms {arms}; primary {spec.design.primary}"


def _little(spec: Workflow) -> str:
    """Warn of doses far below the usual one of their product; empty where there is none."""
    said = [
        f'; warning: arm "{arm.name}": {part.far_below_usual}'
        for arm in spec.design.arms
        for part in arm.therapy.given
        if part.far_below_usual
    ]
    return "".join(said)


def _table(table: StoolTable | None, group: str | None = None) -> str:
    """Count the samples that can be used, of ``group`` where the table has groups and one is named."""
    if table is None:
        return "stool table"
    contrast = guild_contrast(table)
    own = participants(contrast, table.groups if group is not None else None, group or "")
    said = f"stool table: {len(table.sample_ids)} samples, {int(contrast.usable.sum())} usable, {table.scale}"
    if group is not None and table.groups is not None:
        said += f'; group "{group}": {len(own)} samples, {int(contrast.usable[own].sum())} usable'
    warning = LostProfiles.of(contrast, own).warning()
    return said if warning is None else f"{said}; warning: {warning}"
