"""``eubiosis export``: a run's tables in the shapes that other programs expect."""

from __future__ import annotations

from pathlib import Path

import click

from eubiosis.cli.out_paths import NEW_FOLDER
from eubiosis.cli.printing import json_option, print_written

_FORMATS = ("parquet", "csv", "xpt")


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--to", required=True, type=NEW_FOLDER, help="A new folder.")
@click.option(
    "--format",
    "formats",
    type=click.Choice(_FORMATS),
    multiple=True,
    help="Only this format; repeat for more (default: all; xpt needs the extra eubiosis[xpt]).",
)
@json_option
def export(run: Path, *, to: Path, formats: tuple[str, ...], as_json: bool) -> None:
    """Write the first simulated trial of RUN as ADaM-shaped tables, every record marked SIMULATED.

    ADSL, ADTTE, ADQS, ADLB, ADMB, ADAE and ADMRI as Parquet, CSV and SAS transport of version 5, and what
    each variable is in variables.csv. The latent truth is not among them.
    """
    from eubiosis.workflow.exports.write import FORMATS, export_run

    chosen = [one for one in FORMATS if not formats or one in formats]
    print_written(export_run(run, to, chosen), as_json=as_json)
