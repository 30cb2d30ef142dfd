"""``eubiosis new``: a folder with a commented workflow.yaml to start from."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("name", type=click.Path(path_type=Path))
def new(name: Path) -> None:
    """Make the folder NAME with a commented workflow.yaml and a made stool.tsv; nothing else is touched."""
    from eubiosis.workflow.template import new_workflow

    click.echo(str(new_workflow(name)))
