"""``eubiosis demo``: the main job on what the package itself carries."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("demo"),
    show_default=True,
    help="Folder for the page.",
)
def demo(out: Path) -> None:
    """Simulate a healthy person, one with MS and one with MS on inulin, and write one page."""
    from eubiosis.model import load
    from eubiosis.workflow.axis import write_axis_page

    def say(message: str) -> None:
        click.echo(message, err=True)

    say("loading the model")
    page = write_axis_page(load(), out / "axis.html", say=say)
    click.echo(str(page))
