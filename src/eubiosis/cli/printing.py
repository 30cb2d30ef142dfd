"""What several commands print in the same way."""

from __future__ import annotations

import math

import click


def print_json(data: object) -> None:
    """Print a result as JSON on standard output."""
    from eubiosis.core.record import as_json

    click.echo(as_json(data))


def finite(value: object) -> object:
    """Replace what JSON cannot hold, NaN and infinities, by their names."""
    if isinstance(value, dict):
        return {key: finite(each) for key, each in value.items()}
    if isinstance(value, list):
        return [finite(each) for each in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
