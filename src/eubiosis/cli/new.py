"""``eubiosis new``: a folder with a commented file to start from, for each kind of use."""

from __future__ import annotations

from pathlib import Path

import click

from eubiosis.cli.out_paths import OUT_FOLDER
from eubiosis.cli.printing import json_option, print_json, print_written


@click.command()
@click.argument("name", type=OUT_FOLDER, required=False)
@click.option("--from", "start", default="trial", show_default=True, help="One of those that --list names.")
@click.option("--list", "listed", is_flag=True, help="List what one can start from, and make nothing.")
@json_option
def new(name: Path | None, *, start: str, listed: bool, as_json: bool) -> None:
    """Make the folder NAME with a commented file: a workflow, the question of a brief, or a plan.

    Beside a workflow stands a made stool.tsv. Nothing else is touched.
    """
    from eubiosis.workflow.template import new_workflow, starts

    if listed:
        if as_json:
            print_json([{"id": each.id, "kind": each.kind, "what": each.what} for each in starts()])
            return
        for each in starts():
            click.echo(f"{each.id:30} {each.kind:9} {each.what}")
        return
    if name is None:
        raise click.UsageError("Missing argument NAME: give a new folder, or --list")
    print_written([new_workflow(name, start)], as_json=as_json)
