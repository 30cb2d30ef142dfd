"""``eubiosis calibration``: the worlds that published figures have not ruled out."""

from __future__ import annotations

from pathlib import Path

import click

from eubiosis.cli.calibration_decide import decide_command
from eubiosis.cli.calibration_informed import informed_command
from eubiosis.cli.calibration_options import HALF
from eubiosis.cli.calibration_petab import petab_command
from eubiosis.cli.calibration_roles import leakage_command, roles_command
from eubiosis.cli.model_loading import CONTENT, JSON, load_model
from eubiosis.cli.out_paths import OUT_FOLDER
from eubiosis.cli.printing import print_json


@click.group()
def calibration() -> None:
    """Worlds that published figures have not ruled out. Nothing here is calibrated in people with MS."""


calibration.add_command(decide_command)
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
    type=OUT_FOLDER,
    required=True,
    help="The folder to write into; content/calibration of a content folder makes runs use them.",
)
@click.option("--reduced", is_flag=True, help="A few worlds, quickly: to see that the command works.")
@HALF
@CONTENT
@JSON
def worlds_command(
    seed: int, out: Path, reduced: bool, half: str, content: Path | None, as_json: bool
) -> None:
    """Remake the worlds: match gut and natural history to the fitted rows of the target table."""
    from eubiosis.calibration import worlds as making
    from eubiosis.core.spec import checked_seed

    def say(text: str) -> None:
        click.echo(text, err=True)

    making.check_folder(out)
    model, seed = load_model(content), checked_seed(seed)
    gut = history = None
    if half != "history":
        gut = making.gut_half(model, making.GUT_REDUCED if reduced else making.GUT_EFFORT, seed, say)
    if half != "gut":
        effort = making.HISTORY_REDUCED if reduced else making.HISTORY_EFFORT
        history = making.history_half(model, effort, seed, say)
    making.write_worlds(out, model, gut, history, seed, reduced=reduced)
    if as_json:
        halves = {
            name: {"worlds": len(made.sample.weights), "effective": made.sample.effective,
                   "plausible": made.plausible, "seconds": made.seconds}
            for name, made in (("gut", gut), ("natural history", history))
            if made is not None
        }  # fmt: skip
        print_json({"wrote": [out], "halves": halves})
        return
    for name, made in (("gut", gut), ("natural history", history)):
        if made is not None:
            click.echo(
                f"{name}: {len(made.sample.weights)} worlds, effective sample size "
                f"{made.sample.effective:.0f}, {made.plausible:.0%} with no fitted row more than "
                f"3 spreads off; {made.seconds:.0f} s"
            )
    click.echo(f"written: {out}")


@calibration.command("show")
@click.option(
    "--rows", is_flag=True, help="Every row of the target table, not only those that most worlds miss."
)
@CONTENT
@JSON
def show_command(rows: bool, content: Path | None, as_json: bool) -> None:
    """Show the shipped worlds: effective sample size, and the share that meets each row, before and after."""
    import json

    from eubiosis.calibration.worlds_show import missed_by_all, show

    shown = show(load_model(content))
    halves = {"gut": shown.found.gut, "natural history": shown.found.history}
    if as_json:
        record = {
            "made": dict(shown.found.made),
            "remarks": list(shown.remarks),
            "worlds": {n: len(w.weights) for n, w in halves.items() if w is not None},
            "effective": {n: round(w.effective, 1) for n, w in halves.items() if w is not None},
            "rows": [{**met.model_dump(), "quantity": target.quantity} for target, met in shown.rows],
        }
        click.echo(json.dumps(record, indent=1))
        return
    for name, found in halves.items():
        if found is not None:
            click.echo(f"{name}: {len(found.weights)} worlds, effective sample size {found.effective:.0f}")
    for remark in shown.remarks:
        click.echo(f"note: {remark}")
    everything = list(shown.rows)
    wanted = everything if rows else [pair for pair in everything if (pair[1].share or 0.0) < 0.5]
    click.echo(
        f"{'row':6}{'role':8}{'used':6}{'prior':>7}{'worlds':>8}{'interval':>18}{'median':>9}  quantity"
    )
    for target, met in wanted:
        shares = [f"{x:.0%}" if x is not None else "-" for x in (met.prior_share, met.share)]
        ends = [f"{x:g}" if x is not None else "" for x in (target.low, target.high)]
        middle = "-" if met.worlds_median is None else f"{met.worlds_median:.3g}"
        click.echo(
            f"{target.id:6}{met.role:8}{met.used:6}{shares[0]:>7}{shares[1]:>8}{' to '.join(ends):>18}"
            f"{middle:>9}  {target.quantity}, {target.condition}"
        )
    lost = [t for t, _ in everything if t in missed_by_all(everything)]
    click.echo(f"met by at most 1 % of the worlds: {', '.join(t.id for t in lost) or 'none'}")
    click.echo("Nothing here is calibrated in people with MS: a row's share is no verdict on a therapy.")


@calibration.command("discrepancy")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--write", is_flag=True, help="Write them into the discrepancies.tsv of the content.")
@CONTENT
@JSON
def discrepancy_command(folder: Path, write: bool, content: Path | None, as_json: bool) -> None:
    """Show the discrepancies that the worlds in FOLDER leave, or put them in place of assumed ones."""
    from eubiosis.calibration.discrepancy_table import estimated, read_left_out, write_estimated
    from eubiosis.core.content import PACKAGED_CONTENT
    from eubiosis.core.output import check_place
    from eubiosis.model.discrepancy import read_discrepancies

    if write:
        check_place(content or PACKAGED_CONTENT, folder=True)
    loaded = load_model(content).content
    if write:
        rows = write_estimated(loaded, folder)
    else:
        rows = estimated(read_discrepancies(loaded), read_left_out(folder, loaded))
    if as_json:
        print_json(rows)
        return
    for row in rows:
        full = "" if row.full_at is None else f", in full from a disturbance of {row.full_at:g}"
        click.echo(f"{row.id:22}{row.sd:6g}  {row.basis:8} {row.quantity}, {row.scope}{full}")
