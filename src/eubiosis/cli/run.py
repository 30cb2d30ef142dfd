"""``eubiosis run``: the main job, a virtual trial and its report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from eubiosis.cli.out_paths import OUT_FOLDER
from eubiosis.cli.printing import json_option
from eubiosis.cli.running import processes_option, quiet_option, run_workflow

if TYPE_CHECKING:
    from eubiosis.trial.simulation import TablesKept


@click.command()
@click.argument("workflow", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=OUT_FOLDER, help="A new folder for the run.")
@click.option(
    "--content",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Load the model from this folder, such as one of: eubiosis model use.",
)
@click.option(
    "--resume", is_flag=True, help="Go on with a run that was interrupted: its finished worlds stay."
)
@click.option("--large", is_flag=True, help="Begin also where more than a day of CPU time is predicted.")
@click.option(
    "--tables",
    type=click.Choice(["first", "all"]),
    help="Keep the tables of the first trial (default), or of all trials, in tables/all.",
)
@click.option("--executor", "where", help="Where: inline, processes:N, dask-local:N or dask://HOST:PORT.")
@click.option(
    "--certificates",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the certificates of a cluster; see: eubiosis certificates.",
)
@click.option("--remote", is_flag=True, help="The cluster may be on another machine.")
@processes_option
@quiet_option
@json_option
def run(
    workflow: Path,
    out: Path,
    *,
    content: Path | None,
    resume: bool,
    large: bool,
    tables: TablesKept | None,
    where: str | None,
    certificates: Path | None,
    remote: bool,
    processes: int | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Run the virtual trial that WORKFLOW (a workflow.yaml) describes.

    The run folder holds the resolved workflow, the analysis plan, tables, results, report, log and manifest.
    It appears when all of it is written; until then finished worlds lie in a hidden folder beside it, and
    --resume goes on with them. Nothing is written elsewhere, save what a local Dask cluster keeps in the
    system's temporary folder while it runs. Everything in the run folder is simulated.
    """
    from dataclasses import replace

    from eubiosis.compute.executors import executor_of
    from eubiosis.engine.codegen.native import kernel_identity

    if where is not None and processes is not None:
        raise click.UsageError("give --executor or --processes")
    executor = None
    if where is not None:
        found = executor_of(where, certificates=certificates, remote=remote)
        executor = replace(found, identify=kernel_identity)
    run_workflow(
        workflow,
        out,
        processes,
        quiet,
        content=content,
        resume=resume,
        large=large,
        executor=executor,
        tables=tables,
        as_json=as_json,
    )
