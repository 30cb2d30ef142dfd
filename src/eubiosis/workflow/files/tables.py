"""Check the tables that a workflow names before anything is simulated."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from eubiosis.core.findings import FindingCollector, unknown_word
from eubiosis.population.contrast import guild_contrast
from eubiosis.population.source import PopulationSource
from eubiosis.population.stool.table import StoolTable, check_control, read_stool_table
from eubiosis.workflow.files.workflow_yaml import check_workflow, population_of
from eubiosis.workflow.workflow import Workflow


def check_all(workflow: Path, findings: FindingCollector) -> tuple[Workflow | None, StoolTable | None]:
    """Read a workflow and the tables it names and report all that is wrong with them at once.

    The tables are read also where other sections of the workflow are wrong. Returns None for what cannot be
    used.
    """
    spec = check_workflow(workflow, findings)
    population = spec.population if spec is not None else population_of(workflow)
    table = None if population is None else check_tables(population, findings)
    return spec, table


def check_tables(population: PopulationSource, findings: FindingCollector) -> StoolTable | None:
    """Read the stool table and metadata of a workflow and report all that is wrong with them.

    Returns the table, or None where there is none (``source: reference``) or where it cannot be read.
    """
    if population.table_path is None:
        return None
    table = read_stool_table(
        population.table_path,
        findings,
        metadata=population.metadata_path,
        id_column=population.id_column or "",
        group_column=population.group_column or "",
        orientation=population.orientation,
        scale=population.scale,
        taxonomy=population.taxonomy_path,
        format=population.format,
        rank=population.rank or "",
        blanks=population.blanks or "refuse",
        ignore=population.ignore or (),
    )
    if table is not None and table.groups is None and population.control is not None:
        findings.add(
            table.file,
            "population.control",
            f'the table has no groups, so "{population.control}" names none',
            next_step="add metadata, or name a column of the table in group_column",
        )
    if table is None or table.groups is None:
        return table
    if population.control is not None:
        check_control(table, population.control, findings)
    known = sorted({*table.groups} - {""})
    members = np.array([group == population.group for group in table.groups])
    if not members.any():
        findings.add(
            table.file,
            "population.group",
            f"group {unknown_word(population.group, known)}",
            allowed=", ".join(known),
            next_step="name the participants' group",
        )
    elif not (members & guild_contrast(table).usable).any():
        findings.add(
            table.file,
            "population.group",
            f'group "{population.group}" has no usable sample',
            allowed="at least one sample with known taxa",
            next_step="see: eubiosis profile TABLE",
        )
    return table
