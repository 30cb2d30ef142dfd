"""``eubiosis calibration petab``: the fit problem of the gut for other tools."""

from __future__ import annotations

from pathlib import Path

import click

from eubiosis.cli.model_loading import CONTENT, JSON, load_model
from eubiosis.cli.out_paths import NEW_FOLDER
from eubiosis.cli.printing import print_json


@click.command("petab")
@click.option("--out", type=NEW_FOLDER, required=True, help="The folder to write; it must not exist.")
@CONTENT
@JSON
def petab_command(out: Path, content: Path | None, as_json: bool) -> None:
    """Write the gut's fit rows, model, priors and noise as a PEtab 2 problem.

    Its README names what PEtab cannot say, and why.
    """
    from eubiosis.calibration.petab import write_petab

    written = write_petab(load_model(content), out)
    click.echo(
        f"wrote {out}: {len(written.said)} figures, {len(written.unsaid)} of the gut not said", err=True
    )
    if as_json:
        print_json({"wrote": [out], "said": len(written.said), "unsaid": len(written.unsaid)})
