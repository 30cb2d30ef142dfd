"""``eubiosis run``: the main job, a virtual trial and its report."""

from __future__ import annotations

from pathlib import Path

import click

from eubiosis.cli.running import processes_option, quiet_option, run_workflow


@click.command()
@click.argument("workflow", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="A new folder for the run.")
@processes_option
@quiet_option
def run(workflow: Path, out: Path, *, processes: int | None, quiet: bool) -> None:
    """Run the virtual trial that WORKFLOW (a workflow.yaml) describes.

    The run folder holds the resolved workflow, the analysis plan, tables, results, report, log and manifest.
    It appears when all of it is written; nothing is written elsewhere. Everything in it is simulated.
    """
    run_workflow(workflow, out, processes, quiet)
