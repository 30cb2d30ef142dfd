"""``eubiosis forecast``: forecasts that were sealed before the answer: list, verify, seal, score."""

from __future__ import annotations

from pathlib import Path

import click

from eubiosis.cli.out_paths import NEW_FOLDER, OutPath
from eubiosis.cli.printing import print_json

_HUB = click.option(
    "--folder",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Another folder of sealed forecasts (default: the packaged one).",
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def forecast() -> None:
    """Forecasts of trials that have not read out, sealed beforehand.

    A forecast of a table's own people is made by `eubiosis profile --under`.
    """


@forecast.group()
def registry() -> None:
    """Sealed forecasts: dated, hashed distributions of what coming trials will print."""


@registry.command("list")
@_HUB
@_JSON
def list_(folder: Path | None, *, as_json: bool) -> None:
    """List every sealed forecast with its reference, the state of its trial and its hash."""
    from eubiosis.evidence.forecast.sealed_listing import forecast_lines, forecast_text

    lines = forecast_lines(folder)
    if as_json:
        print_json(lines)
    else:
        click.echo(forecast_text(lines))


@registry.command()
@_HUB
@click.option("--seal", "expected", default="", help="A seal that was noted elsewhere; it must be there.")
@_JSON
def verify(folder: Path | None, expected: str, *, as_json: bool) -> None:
    """Recompute every hash; exit 1 naming each forecast that is not as it was sealed."""
    from eubiosis.core.findings import FindingCollector
    from eubiosis.evidence.forecast.sealed_forecasts import FOLDER, read_seals
    from eubiosis.evidence.forecast.sealed_forecasts import verify as check

    findings = FindingCollector(check(folder or FOLDER, expected))
    findings.raise_if_any()
    seals = read_seals(folder or FOLDER)
    if as_json:
        print_json([{"sealed": s.date, "seal": s.seal, "forecasts": len(s.forecasts)} for s in seals])
        return
    for seal in seals:
        click.echo(f"{seal.date}: {len(seal.forecasts)} forecasts as they were sealed, {seal.seal}")


@registry.command()
@click.argument("folder", type=OutPath(folder=True, exists=True))
@click.option("--date", "origin_date", help="The day of sealing, which must be today (default: today).")
@_JSON
def seal(folder: Path, origin_date: str | None, as_json: bool) -> None:
    """Make and seal the forecasts of a FOLDER's registry, once for each day."""
    from datetime import UTC, datetime

    from eubiosis.evidence.forecast.sealed_forecasts import seal_forecasts

    today = datetime.now(tz=UTC).date()
    made = seal_forecasts(folder, origin_date or today.isoformat(), today=today)
    if as_json:
        print_json({"sealed": made.date, "seal": made.seal, "forecasts": len(made.forecasts)})
        return
    click.echo(f"{made.date}: {len(made.forecasts)} forecasts sealed, {made.seal}")


@registry.command()
@click.argument("read_outs", required=False, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@_HUB
@click.option("--out", type=NEW_FOLDER, help="Write a page and the read-outs for a hub here.")
@_JSON
def score(read_outs: Path | None, folder: Path | None, out: Path | None, *, as_json: bool) -> None:
    """Score read-outs on the sealed forecasts; READ_OUTS is a table with value, low and high.

    Without a table those of the folder are scored. Nothing is scored unless every hash fits.
    """
    from eubiosis.evidence.forecast.sealed_forecasts import FOLDER
    from eubiosis.workflow.forecast.read_outs import score_registry
    from eubiosis.workflow.forecast.registry_page import score_text, write_registry

    found = score_registry(read_outs, folder or FOLDER)
    if out is not None:
        click.echo(f"wrote {write_registry(out, found, folder or FOLDER)}", err=True)
    if as_json:
        print_json(found)
    else:
        click.echo(score_text(found))
