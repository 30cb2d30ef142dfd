"""``eubiosis calibration``: the worlds that published figures have not ruled out."""

from __future__ import annotations

from pathlib import Path

import click

from eubiosis.cli.calibration_informed import informed_command
from eubiosis.cli.calibration_petab import petab_command
from eubiosis.cli.calibration_roles import leakage_command, roles_command
from eubiosis.cli.model_loading import CONTENT, load_model


@click.group()
def calibration() -> None:
    """Worlds that published figures have not ruled out. Nothing here is calibrated in people with MS."""


calibration.add_command(roles_command)
calibration.add_command(leakage_command)
calibration.add_command(petab_command)
calibration.add_command(informed_command)


@calibration.command("worlds")
@click.option(
    "--seed", type=int, default=2026, show_default=True, help="The same seed remakes the same worlds."
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="The folder to write into; content/calibration of a content folder makes runs use them.",
)
@click.option("--reduced", is_flag=True, help="A few worlds, quickly: to see that the command works.")
@click.option(
    "--half",
    type=click.Choice(["gut", "history", "both"]),
    default="both",
    show_default=True,
    help="Which worlds: of the gut, of the natural history and drug classes, or both.",
)
@CONTENT
def worlds_command(seed: int, out: Path, reduced: bool, half: str, content: Path | None) -> None:
    """Remake the worlds: match gut and natural history to the fitted rows of the target table."""
    from eubiosis.calibration import worlds as making
    from eubiosis.core.spec import checked_seed

    def say(text: str) -> None:
        click.echo(text, err=True)

    model, seed = load_model(content), checked_seed(seed)
    gut = history = None
    if half != "history":
        gut = making.gut_half(model, making.GUT_REDUCED if reduced else making.GUT_EFFORT, seed, say)
    if half != "gut":
        effort = making.HISTORY_REDUCED if reduced else making.HISTORY_EFFORT
        history = making.history_half(model, effort, seed, say)
    making.write_worlds(out, model, gut, history, seed, reduced=reduced)
    for name, made in (("gut", gut), ("natural history", history)):
        if made is not None:
            click.echo(
                f"{name}: {len(made.sample.weights)} worlds, effective sample size "
                f"{made.sample.effective:.0f}, {made.plausible:.0%} with no fitted row more than "
                f"3 spreads off; {made.seconds:.0f} s"
            )
    click.echo(f"written: {out}")
