"""The scoreboard in two stages: predict and seal, then compare; each can be asked for alone."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path

from eubiosis.analysis.scoreboard import score_forecasts
from eubiosis.core.findings import FindingCollector
from eubiosis.core.output import check_place, copy_files, staged, write_whole
from eubiosis.core.record import as_json, as_record
from eubiosis.core.scoreboard import (
    ReadOut,
    RefitCheck,
    Scoreboard,
    SealSeen,
)
from eubiosis.core.tables import TableRow, read_table, write_table
from eubiosis.model import load
from eubiosis.workflow.score.predict import Forecaster, Say
from eubiosis.workflow.score.readouts import asked_quantities, not_scored
from eubiosis.workflow.score.sealed import SEALS, SealRow, mark_compared, read_sealed, seal, status_now
from eubiosis.workflow.score.tables import FORECASTS

REFITS = "refits.tsv"
Cell = str | int | float | None
TITLE = "Scoreboard: forecasts of finished studies"
_NOTES = (
    "Fresh is not unknown: what the held-out trials found had been published and lay in the tables of the "
    "evidence when their forecasts were made. No number of the model or of the forecast was set with it.",
    "A number is printed whatever it is. Skill is claimed only where the whole interval of a ratio lies "
    "below 1, against the yardstick too, from at least five studies; studies of people have no mark to pass.",
    "Read-outs of one study hang together, so the exact interval of a coverage is too narrow; the one over "
    "resampled studies stands beside it. With few studies both are rough.",
    "Arms of cohorts are predicted for the arm's mean person. Their errors are taken as independent between "
    "guilds in the energy score.",
    "The ratio of a drug's relapses is predicted with its own trial's lesions in the drug's factor: fitted.",
    "Levels of the natural history have no forecast of no change: they count in the coverage alone.",
)


class RefitRow(TableRow):
    """A check of reweighted worlds against worlds moved on; see ``RefitCheck``."""

    study: str
    effective: float
    tail: float
    difference: float
    spread: float
    largest: float
    used: str


def predict(folder: Path, *, today: date, say: Say, threads: int | None = None) -> list[SealRow]:
    """Forecast every finished study without it and seal the forecasts in ``folder``.

    What was compared before is taken from the packaged seals, so that a forecast with other numbers counts as
    a second look. Raises ``FindingsError`` where the shipped worlds do not fit the model.
    """
    check_place(folder, folder=True)
    forecaster = Forecaster(load(), asked_quantities(), today.isoformat(), say, threads)
    forecasts = forecaster.everything()
    checks = [RefitRow(**asdict(each)) for each in forecaster.refit_checks()]
    with staged(folder) as aside:
        earlier = folder if (folder / SEALS).is_file() else FORECASTS
        if (earlier / SEALS).is_file():
            shutil.copyfile(earlier / SEALS, aside / SEALS)
        rows = seal(aside, forecasts)
        write_table(aside / REFITS, checks, tuple(RefitRow.model_fields))
    return rows


def compare(
    folder: Path = FORECASTS, *, today: date | None = None, read_outs: Sequence[ReadOut] | None = None
) -> Scoreboard:
    """Return the scoreboard of the sealed forecasts in ``folder`` and what the studies found.

    With ``today`` the comparison is written down beside them. Raises ``FindingsError`` for a forecast that is
    not as it was sealed, and for read-outs that cannot be scored.
    """
    sealed = read_sealed(folder)
    found = [each.read_out for each in asked_quantities()] if read_outs is None else list(read_outs)
    forecasts = [status_now(forecast, row) for forecast, row in sealed]
    board = score_forecasts(forecasts, found, title=TITLE)
    if today is not None:
        mark_compared(folder, today)
        sealed = read_sealed(folder)
    seals = tuple(
        SealSeen(f.study, f.arm, row.predicted, row.compared, row.sha256, f.worlds, f.effective, f.how)
        for f, row in sealed
    )
    return replace(
        board, seals=seals, refits=tuple(_refits(folder)), notes=_NOTES,
        not_scored=not_scored() if read_outs is None else (),
    )  # fmt: skip


def _refits(folder: Path) -> list[RefitCheck]:
    if not (folder / REFITS).is_file():
        return []
    findings = FindingCollector()
    rows = read_table(folder / REFITS, RefitRow, findings)
    findings.raise_if_any()
    return [RefitCheck(**row.model_dump()) for row in rows]


def write_board(board: Scoreboard, folder: Path, *, forecasts: Path | None = None) -> list[Path]:
    """Write the page, JSON and tables of a scoreboard into a new folder; return its files.

    ``forecasts`` are sealed files that are copied beside it. Raises ``FindingsError`` for a folder that holds
    something.
    """
    from eubiosis.report.score_page import board_markdown, score_page

    contents = {
        "scoreboard.html": score_page(board),
        "scoreboard.json": as_json(board) + "\n",
        "scoreboard.md": board_markdown(board),
        **board_tables(board),
    }
    with staged(folder, new=True) as aside:
        for name, text in contents.items():
            write_whole(aside / name, text)
        if forecasts is not None:
            copy_files(forecasts, aside / "forecasts")
    return [folder / name for name in contents]


def board_tables(board: Scoreboard) -> dict[str, str]:
    """Return the tables of a scoreboard as tab-separated text, by file name."""
    parts = {
        "groups.tsv": [_flat(group) for group in board.groups],
        "studies.tsv": [_flat(unit) for unit in board.studies],
        "quantities.tsv": [_flat(each) for each in board.quantities],
        "not_scored.tsv": [_flat(each) for each in board.not_scored],
        "seals.tsv": [_flat(each) for each in board.seals],
    }
    return {name: _tsv(rows) for name, rows in parts.items() if rows}


def _flat(row: object) -> dict[str, Cell]:
    """Return a record as cells, without nesting: "crps.ratio" for a part of a part."""
    record = as_record(row)
    assert isinstance(record, dict)
    flat: dict[str, Cell] = {}
    for name, value in record.items():
        parts = {f".{part}": cell for part, cell in value.items()} if isinstance(value, dict) else {"": value}
        for part, cell in parts.items():
            plain = "; ".join(map(str, cell)) if isinstance(cell, list) else cell
            assert not isinstance(plain, dict)
            flat[name + part] = plain
    return flat


def _tsv(rows: Sequence[dict[str, Cell]]) -> str:
    names = tuple(dict.fromkeys(name for row in rows for name in row))
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter="\t", lineterminator="\n")
    writer.writerow(names)
    for row in rows:
        writer.writerow([_cell(row.get(name)) for name in names])
    return stream.getvalue()


def _cell(value: Cell) -> str:
    if value is None:
        return ""
    return f"{value:.5g}" if isinstance(value, float) else str(value)
