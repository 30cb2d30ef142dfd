"""Check one file of a user, whatever it is: a workflow or a stool table."""

from __future__ import annotations

from pathlib import Path

from eubiosis.core.findings import FindingCollector
from eubiosis.population.contrast import guild_contrast
from eubiosis.population.lost import LostProfiles, participants
from eubiosis.population.stool.table import StoolTable, read_stool_table
from eubiosis.workflow.feasibility import check_feasible
from eubiosis.workflow.files.tables import check_all
from eubiosis.workflow.workflow import Workflow

WORKFLOW_ENDINGS = (".yaml", ".yml")


def check_file(path: Path, findings: FindingCollector, *, large: bool = False) -> str:
    """Report all that is wrong with a file to ``findings`` and return what it is, in a few words.

    A name that ends in .yaml or .yml is a workflow, any other a stool table. The tables that a workflow
    names are checked with it, and what its run is predicted to take; ``large`` says that a long run is meant.
    """
    if path.suffix.lower() not in WORKFLOW_ENDINGS:
        return _table(read_stool_table(path, findings))
    spec, table = check_all(path, findings)
    if spec is None:
        return "workflow"
    cost = check_feasible(spec, findings, large=large)
    return f"{_workflow(spec)}; {cost.words}" + (
        "" if table is None else f"; {_table(table, spec.population.group)}"
    )


def _workflow(spec: Workflow) -> str:
    arms = ", ".join(arm.name for arm in spec.design.arms)
    return f"workflow: {spec.design.participants} subjects; arms {arms}; primary {spec.design.primary}"


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
