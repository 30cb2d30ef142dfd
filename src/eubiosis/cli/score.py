"""``eubiosis score``: forecasts of finished studies against what they found; your own study; made worlds."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from eubiosis.cli.out_paths import OUT_FOLDER
from eubiosis.core.findings import Finding, FindingsError

if TYPE_CHECKING:
    from datetime import date

    from eubiosis.core.scoreboard import Scoreboard

_NO_CLAIM = "Scores of a model, not evidence that a therapy works."
Stage = Literal["both", "predict", "compare"]


@click.command("score")
@click.argument("table", required=False, type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--workflow", type=click.Path(dir_okay=False, path_type=Path), help="The workflow that TABLE's study was."
)
@click.option(
    "--plan", type=click.Path(dir_okay=False, path_type=Path), help="The analysis plan of TABLE (YAML)."
)
@click.option(
    "--out",
    type=OUT_FOLDER,
    help="Write page, JSON and tables into this new folder.",
)
@click.option(
    "--stage",
    type=click.Choice(["both", "predict", "compare"]),
    default="compare",
    show_default=True,
    help="Forecast and seal, compare sealed forecasts, or one after the other.",
)
@click.option(
    "--forecasts",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of sealed forecasts (compare: default, those that are shipped).",
)
@click.option(
    "--synthetic",
    is_flag=True,
    help="Score made worlds whose truth is known: is the scoreboard itself honest?",
)
@click.option("--json", "as_json_asked", is_flag=True, help="Print the scoreboard as JSON.")
def score(
    table: Path | None, workflow: Path | None, plan: Path | None, out: Path | None, stage: Stage,
    forecasts: Path | None, synthetic: bool, as_json_asked: bool,
) -> None:  # fmt: skip
    """Score forecasts of finished studies; with TABLE, of your own study.

    Without TABLE the shipped forecasts are compared with what the studies found; --stage both forecasts every
    study anew without it, seals the forecasts with a hash and compares them (about four minutes of CPU). With
    TABLE, --workflow and --plan, the workflow is forecast and sealed before the table is compared with it.
    A ratio below 1 is better than a forecast of no change; losing is printed as losing.
    """
    today = datetime.now(UTC).date()
    if synthetic:
        given = {
            "TABLE": table,
            "--workflow": workflow,
            "--plan": plan,
            "--out": out,
            "--forecasts": forecasts,
        }
        _check_synthetic({**given, "--stage": None if stage == "compare" else stage})
        _synthetic(as_json_asked)
        return
    _check_options(table, workflow, plan, out, stage, forecasts)
    if stage == "predict":
        from eubiosis.core.record import as_json
        from eubiosis.workflow.score.board import predict

        assert forecasts is not None
        rows = predict(forecasts, today=today, say=_say)
        if as_json_asked:
            click.echo(as_json(rows))
        else:
            click.echo(f"{len(rows)} forecasts sealed in {forecasts}")
        return
    with tempfile.TemporaryDirectory() as aside:
        folder = forecasts
        if table is not None:
            folder = folder or Path(aside) / "forecasts"
            board = _own(table, workflow, plan, folder, today)
        else:
            board, folder = _finished(stage, folder, Path(aside), today)
        _give(board, out, folder, as_json_asked)


def _own(table: Path, workflow: Path | None, plan: Path | None, folder: Path, today: date) -> Scoreboard:
    from eubiosis.workflow.score.own import own_board

    assert workflow is not None
    assert plan is not None
    return own_board(table, workflow, plan, folder, today=today, say=_say)


def _finished(stage: Stage, folder: Path | None, aside: Path, today: date) -> tuple[Scoreboard, Path]:
    from eubiosis.workflow.score.board import compare, predict
    from eubiosis.workflow.score.tables import FORECASTS

    if stage == "both":
        folder = folder or aside / "forecasts"
        predict(folder, today=today, say=_say)
        return compare(folder, today=today), folder
    return compare(folder or FORECASTS), folder or FORECASTS


def _give(board: Scoreboard, out: Path | None, folder: Path, as_json_asked: bool) -> None:
    from eubiosis.core.record import as_json
    from eubiosis.report.score_page import headline
    from eubiosis.workflow.score.board import write_board

    if out is not None:
        for path in write_board(board, out, forecasts=folder):
            click.echo(f"wrote {path}", err=True)
    if as_json_asked:
        click.echo(as_json(board))
        return
    for line in headline(board):
        click.echo(line)
    click.echo(_NO_CLAIM)


def _synthetic(as_json_asked: bool) -> None:
    from eubiosis.core.record import as_json
    from eubiosis.workflow.score.synthetic import synthetic_results

    found = synthetic_results()
    if as_json_asked:
        click.echo(as_json(found))
    for each in found if not as_json_asked else ():
        kept = {True: "kept", False: "MISSED", None: "no mark"}[each.kept]
        click.echo(
            f"{each.world} ({each.what}): ratio {each.ratio:.2f}; skill claimed on {each.claimed:.0%} of "
            f"{each.boards} boards ({each.claimed_low:.0%} to {each.claimed_high:.0%}); coverage "
            f"{each.coverage_50:.0%} and {each.coverage_90:.0%}; {kept}: {each.mark}"
        )
    if any(each.kept is False for each in found):
        raise SystemExit(1)


def _check_synthetic(given: dict[str, object]) -> None:
    """Raise ``FindingsError`` for what ``--synthetic`` would leave unread: it scores made worlds alone."""
    unread = [name for name, value in given.items() if value is not None]
    if unread:
        raise FindingsError(
            [Finding("eubiosis score", "--synthetic", f"does not go with {', '.join(unread)}",
                     "--synthetic alone, or with --json", "call it twice")]
        )  # fmt: skip


def _check_options(
    table: Path | None, workflow: Path | None, plan: Path | None, out: Path | None, stage: Stage,
    forecasts: Path | None,
) -> None:  # fmt: skip
    """Raise ``FindingsError`` for options that do not go together, and for an output folder that is taken."""
    from eubiosis.core.output import check_free

    findings = []
    if table is not None and (workflow is None or plan is None):
        findings.append(Finding("eubiosis score", "TABLE", "a table alone cannot be scored",
                                "TABLE with --workflow and --plan", "name both files"))  # fmt: skip
    if table is None and (workflow is not None or plan is not None):
        findings.append(Finding("eubiosis score", "TABLE", "there is no table",
                                "TABLE with --workflow and --plan", "name the observed table"))  # fmt: skip
    if stage == "predict" and (forecasts is None or table is not None or out is not None):
        findings.append(Finding("eubiosis score", "--stage predict",
                                "needs a folder and neither table nor --out",
                                "--forecasts FOLDER", "name the folder for the forecasts"))  # fmt: skip
    if stage == "both" and table is not None:
        findings.append(Finding("eubiosis score", "--stage both", "has no meaning with a table",
                                "a table is always forecast, sealed and compared",
                                "leave out --stage"))  # fmt: skip
    if findings:
        raise FindingsError(findings)
    if out is not None:
        check_free(out)


def _say(text: str) -> None:
    click.echo(text, err=True)
