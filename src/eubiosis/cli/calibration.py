"""``eubiosis calibration``: the worlds that published figures have not ruled out."""

from __future__ import annotations

import click


@click.group()
def calibration() -> None:
    """Worlds that published figures have not ruled out. Nothing here is calibrated in people with MS."""
