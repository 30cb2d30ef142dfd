"""``eubiosis doctor``: versions, cores, and solves with a known answer."""

from __future__ import annotations

import sys

import click


@click.command()
def doctor() -> None:
    """Show versions and cores, and solve two systems whose answer is known; exit status 1 if one fails."""
    from eubiosis.workflow.doctor import environment, examine

    for name, value in environment():
        click.echo(f"{name:<20}{value}")
    failed = False
    for result in examine():
        click.echo(f"{'ok' if result.passed else 'FAILED':<20}{result.name}: {result.detail}")
        failed = failed or not result.passed
    if failed:
        click.echo("this installation cannot be trusted; install it anew: python3 run.py test", err=True)
        sys.exit(1)
