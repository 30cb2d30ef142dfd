"""``eubiosis calibration informed``: which numbers and predictions the data moved."""

from __future__ import annotations

from pathlib import Path

import click

from eubiosis.cli.calibration_options import HALF
from eubiosis.cli.model_loading import CONTENT, JSON, load_model
from eubiosis.cli.out_paths import OutPath
from eubiosis.core.output import Page


def _two_or_none(_: click.Context, __: click.Parameter, sets: int) -> int:
    """Return the number of sets; one has no spread and is refused."""
    if sets == 1:
        raise click.BadParameter("1 set has no spread; allowed: 0, or 2 to 4000")
    return sets


@click.command("informed")
@click.option(
    "--out",
    type=OutPath(folder=False, page=Page.INFORMED),
    help="The page to write; an earlier one is replaced.",
)
@HALF
@click.option(
    "--sets",
    type=click.IntRange(0, 4000),
    callback=_two_or_none,
    default=200,
    show_default=True,
    help="Worlds of the gut, and draws of its prior, to run for predictions (minutes); 0 runs none.",
)
@click.option("--seed", type=int, default=2026, show_default=True)
@JSON
@CONTENT
def informed_command(
    out: Path | None, half: str, sets: int, seed: int, as_json: bool, content: Path | None
) -> None:
    """Compare the shipped worlds with draws of the prior: shrinkage, what was not informed, profiles."""
    from eubiosis.core.spec import checked_seed
    from eubiosis.workflow.informed_page import informed_halves, write_informed_page

    if out is None and not as_json:
        raise click.UsageError("give --out PAGE.html, --json, or both")
    halves = ("gut", "history") if half == "both" else (half,)
    found = informed_halves(
        load_model(content),
        halves,  # type: ignore[arg-type]  # click gives the words of the choice
        sets=sets,
        seed=checked_seed(seed),
        say=lambda text: click.echo(text, err=True),
    )
    if out is not None:
        click.echo(f"wrote {write_informed_page(out, found)}", err=True)
    if as_json:
        from eubiosis.cli.printing import print_json

        print_json(dict(found))
