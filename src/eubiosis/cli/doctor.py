"""``eubiosis doctor``: versions, cores, solves with a known answer, and bad days on purpose."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from eubiosis.cli.numbers import usage_error
from eubiosis.cli.out_paths import OUT_FILE, OUT_FOLDER
from eubiosis.cli.printing import json_option, print_json


@click.command()
@click.option("--soak", is_flag=True, help="Inject faults into a tiny run and count what is lost.")
@click.option("--kills", type=click.IntRange(1, 10_000), default=50, show_default=True, help="With --soak.")
@click.option(
    "--minutes", type=click.FloatRange(0, 10_000), default=30.0, show_default=True,
    help="Begin no fault after so long.",
)  # fmt: skip
@click.option("--only", multiple=True, help="One of the faults; may be given again.")
@click.option("--out", type=OUT_FOLDER, help="Keep what the soak writes in this new folder.")
@click.option(
    "--bom", type=OUT_FILE, metavar="FILE",
    help="Write a bill of materials (CycloneDX 1.6, JSON); - is standard output.",
)  # fmt: skip
@json_option
def doctor(
    *,
    soak: bool,
    kills: int,
    minutes: float,
    only: tuple[str, ...],
    out: Path | None,
    bom: Path | None,
    as_json: bool,
) -> None:
    """Show versions and cores, and solve two systems whose answer is known; exit status 1 if one fails.

    With --soak processes are killed, disks filled, files damaged and clocks moved under a tiny run; every
    time it has to end in the bytes of an undisturbed run, or in a clear word with nothing lost. Exit status 1
    if anything is. It needs no network and writes into a folder of its own.
    """
    if bom is not None:
        _bill(bom)
        return
    if soak:
        _soak(kills, minutes, only, out, as_json=as_json)
        return
    from eubiosis.workflow.doctor import environment, examine

    failed = False
    if as_json:
        results = list(examine())
        failed = not all(result.passed for result in results)
        print_json({"environment": dict(environment()), "checks": results})
    else:
        for name, value in environment():
            click.echo(f"{name:<20}{value}")
        for result in examine():
            click.echo(f"{'ok' if result.passed else 'FAILED':<20}{result.name}: {result.detail}")
            failed = failed or not result.passed
    if failed:
        click.echo("this installation cannot be trusted; install it anew: python3 run.py test", err=True)
        sys.exit(1)


def _bill(file: Path) -> None:
    """Write the bill of materials, whole or not at all."""
    import json

    from eubiosis.core.output import write_whole
    from eubiosis.workflow.bill import bill_of_materials

    if str(file) != "-" and not file.absolute().parent.is_dir():
        raise usage_error("doctor", [f"--bom: the folder {file.parent} does not exist"])
    text = json.dumps(bill_of_materials(), indent=1) + "\n"
    if str(file) == "-":
        click.echo(text, nl=False)
    else:
        click.echo(f"wrote {write_whole(file, text)}", err=True)


def _soak(kills: int, minutes: float, only: tuple[str, ...], out: Path | None, *, as_json: bool) -> None:
    """Print the table of counts; exit status 1 where something is lost."""
    from tempfile import TemporaryDirectory

    from eubiosis.cli.running import sayer
    from eubiosis.workflow.soak import soak

    with TemporaryDirectory(prefix="eubiosis-soak-") as aside:
        counts = soak(out or Path(aside), kills=kills, minutes=minutes, only=only, say=sayer(quiet=False))
    lost = sum(each.lost for each in counts)
    if as_json:
        print_json({"faults": counts, "lost": lost})
        sys.exit(1 if lost else 0)
    click.echo(
        "| fault | tried | same bytes | clear error, nothing lost | LOST | |\n|---|--:|--:|--:|--:|---|"
    )
    for each in counts:
        numbers = " | ".join(map(str, (each.tried, each.recovered, each.refused, each.lost)))
        click.echo(f"| {each.fault} | {numbers} | {each.words} |")
    click.echo(f"{sum(each.tried for each in counts)} faults, {lost} LOST")
    sys.exit(1 if lost else 0)
