"""``eubiosis calibration petab``: the fit problem of the gut for other tools."""

from __future__ import annotations

from pathlib import Path

import click

from eubiosis.cli.model_loading import CONTENT, load_model


@click.command("petab")
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="The folder to write; it must not exist."
)
@CONTENT
def petab_command(out: Path, content: Path | None) -> None:
    """Write the gut's fit rows, model, priors and noise as a PEtab 2 problem.

    Its README names what PEtab cannot say, and why.
    """
    from eubiosis.calibration.petab import write_petab

    written = write_petab(load_model(content), out)
    click.echo(
        f"wrote {out}: {len(written.said)} figures, {len(written.unsaid)} of the gut not said", err=True
    )
