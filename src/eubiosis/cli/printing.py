"""What several commands print in the same way."""

from __future__ import annotations

import click


def print_json(data: object) -> None:
    """Print a result as JSON on standard output."""
    from eubiosis.core.record import as_json

    click.echo(as_json(data))
