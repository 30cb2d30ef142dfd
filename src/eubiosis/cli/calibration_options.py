"""Options that several commands of ``eubiosis calibration`` share."""

from __future__ import annotations

import click

HALF = click.option(
    "--half",
    type=click.Choice(["gut", "history", "both"]),
    default="both",
    show_default=True,
    help="Which worlds: of the gut, of the natural history and drug classes, or both.",
)
