"""``eubiosis report``: the report of a finished run, rendered once more from its folder."""

from __future__ import annotations

from pathlib import Path

import click

from eubiosis.cli.out_paths import OutPath
from eubiosis.cli.printing import json_option, print_written
from eubiosis.core.output import Page


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=OutPath(folder=False, page=Page.TRIAL),
    default=Path("report.html"),
    show_default=True,
    help="The page to write; an earlier report is replaced.",
)
@json_option
def report(run: Path, *, out: Path, as_json: bool) -> None:
    """Render the report of RUN, a finished run folder, with the templates of this version.

    Nothing is simulated and the folder is left as it is. A folder that is damaged or of something else is
    refused with what is wrong.
    """
    from eubiosis.workflow.rerender import rerender

    print_written([rerender(run, out)], as_json=as_json)
