"""``eubiosis demo``: the main job on what the package itself carries."""

from __future__ import annotations

from pathlib import Path

import click

from eubiosis.cli.out_paths import OUT_FOLDER
from eubiosis.cli.printing import json_option
from eubiosis.cli.running import processes_option, quiet_option, run_workflow


@click.command()
@click.option(
    "--out",
    type=OUT_FOLDER,
    default=Path("demo"),
    show_default=True,
    help="Folder for the run; an earlier demo in it is replaced.",
)
@processes_option
@quiet_option
@json_option
def demo(out: Path, *, processes: int | None, quiet: bool, as_json: bool) -> None:
    """Run the packaged trial: placebo, inulin 12 g/day and propionate 1000 mg/day for 48 weeks.

    120 subjects from the embedded reference population, in many simulated trials; everything that comes out
    is simulated.
    """
    from eubiosis.workflow.trial_run import DEMO

    run_workflow(DEMO, out, processes, quiet, replace=True, as_json=as_json)
