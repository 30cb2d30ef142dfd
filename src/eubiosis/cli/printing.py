"""What several commands print in the same way."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
is_json_option = click.option(
    "--json", "as_json", is_flag=True, expose_value=False, help="Print JSON (it always is)."
)


def print_json(data: object) -> None:
    """Print a result as JSON on standard output."""
    from eubiosis.core.record import as_json

    click.echo(as_json(data))


def print_written(paths: Iterable[Path], *, as_json: bool, **more: object) -> None:
    """Print the files that were written: a path a line, or ``{"wrote": [...]}`` and ``more``."""
    names = [str(path) for path in paths]
    if as_json:
        print_json({"wrote": names, **more})
    else:
        for name in names:
            click.echo(name)
