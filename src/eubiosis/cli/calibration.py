"""``eubiosis calibration``: the worlds that published figures have not ruled out."""

from __future__ import annotations

import click

from eubiosis.cli.calibration_petab import petab_command
from eubiosis.cli.calibration_roles import leakage_command, roles_command


@click.group()
def calibration() -> None:
    """Worlds that published figures have not ruled out. Nothing here is calibrated in people with MS."""


calibration.add_command(roles_command)
calibration.add_command(leakage_command)
calibration.add_command(petab_command)
