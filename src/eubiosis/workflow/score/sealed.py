"""Forecasts as files with a content hash: written before a comparison, refused when they no longer fit.

``seals.tsv`` beside the files names every forecast with its date and hash, and the hash of what it was first
compared under. A file that says something else than its hash, a hash that is in no list, and a date after the
comparison are refused by name.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from eubiosis.core.findings import FindingCollector
from eubiosis.core.output import staged, write_whole
from eubiosis.core.record import as_record
from eubiosis.core.scoreboard import SealedForecast
from eubiosis.core.tables import TableRow, read_table, write_table

SEALS = "seals.tsv"


class SealRow(TableRow):
    """A sealed forecast: its file, hash and date; when it was compared, and what it said at the first time.

    ``first_said`` is the hash of its numbers at the first comparison: a forecast with other numbers is no
    first look, whatever its date.
    """

    study: str
    arm: str = ""
    file: str
    sha256: str
    predicted: str
    compared: str = ""
    first_said: str = ""


def digest(forecast: SealedForecast) -> str:
    """Return the hash of everything a forecast says.

    >>> digest(SealedForecast("s", "", "p", "2026-11-30", "v", "m", "d", "h", 1, 1.0, ()))[:8]
    '73638aba'
    """
    return hashlib.sha256(_text(forecast).encode()).hexdigest()


def said(forecast: SealedForecast) -> str:
    """Return the hash of a forecast's numbers alone, without its date, version and model."""
    record = as_record(replace(forecast, date="", version="", model="", design="", how=""))
    return hashlib.sha256(json.dumps(record, sort_keys=True, allow_nan=False).encode()).hexdigest()


def _text(forecast: SealedForecast) -> str:
    return json.dumps(as_record(forecast), sort_keys=True, ensure_ascii=False, allow_nan=False)


def seal(folder: Path, forecasts: Sequence[SealedForecast]) -> list[SealRow]:
    """Write forecasts and ``seals.tsv`` into ``folder``; earlier comparisons stay on record.

    Raises ``FindingsError`` for a study and arm given twice.
    """
    before = {(row.study, row.arm): row for row in _rows(folder)}
    findings = FindingCollector()
    rows: list[SealRow] = []
    texts: dict[str, str] = {}
    for forecast in forecasts:
        key = forecast.study, forecast.arm
        if key in {(row.study, row.arm) for row in rows}:
            findings.add(SEALS, forecast.name, "is forecast twice", next_step="keep one")
            continue
        old = before.pop(key, None)
        sha = digest(forecast)
        name = _file(forecast)
        record = {**json.loads(_text(forecast)), "sha256": sha}
        text = json.dumps(record, sort_keys=True, ensure_ascii=False, allow_nan=False)
        texts[name] = text + "\n"
        rows.append(
            SealRow(study=forecast.study, arm=forecast.arm, file=name, sha256=sha, predicted=forecast.date,
                    compared=old.compared if old and old.sha256 == sha else "",
                    first_said=old.first_said if old else "")
        )  # fmt: skip
    findings.raise_if_any()
    with staged(folder) as aside:
        for name, text in texts.items():
            write_whole(aside / name, text)
        write_table(aside / SEALS, rows, tuple(SealRow.model_fields))
    return rows


def read_sealed(folder: Path) -> list[tuple[SealedForecast, SealRow]]:
    """Read the sealed forecasts of a folder; raises ``FindingsError`` for every one that is not as sealed."""
    findings = FindingCollector()
    if not (folder / SEALS).is_file():
        findings.add(str(folder), SEALS, "the file is missing", next_step="predict first")
        findings.raise_if_any()
    found = []
    for row in _rows(folder):
        where = f"{row.study}, {row.arm}" if row.arm else row.study
        path = folder / row.file
        if not path.is_file():
            findings.add(SEALS, where, f"{row.file} is missing", next_step="restore the sealed file")
            continue
        forecast = _read(path, findings)
        if forecast is None:
            continue
        try:
            sha, held = digest(forecast), _held(path)
        except ValueError:  # a number that is none: no forecast was ever sealed with it
            sha = held = ""
        if sha != row.sha256 or held != row.sha256:
            findings.add(
                row.file, where,
                f"the forecast was changed after its date {row.predicted}: its hash does not fit",
                allowed=row.sha256[:16],
                next_step="restore the sealed file, or predict anew as a second look",
            )  # fmt: skip
        elif forecast.date != row.predicted or (row.compared and row.compared < row.predicted):
            said_so = f"dated {forecast.date}, listed {row.predicted}, compared {row.compared}"
            findings.add(row.file, where, said_so,
                         allowed="a forecast dated as listed, before its comparison")  # fmt: skip
        else:
            found.append((forecast, row))
    findings.raise_if_any()
    return found


def mark_compared(folder: Path, today: date) -> None:
    """Write down that the forecasts of a folder are compared now; what each said at its first stays."""
    rows = [
        row.model_copy(
            update={
                "compared": row.compared or today.isoformat(),
                "first_said": row.first_said or said(forecast),
            }
        )
        for forecast, row in read_sealed(folder)
    ]
    write_table(folder / SEALS, rows, tuple(SealRow.model_fields))


def _rows(folder: Path) -> list[SealRow]:
    if not (folder / SEALS).is_file():
        return []
    findings = FindingCollector()
    rows = read_table(folder / SEALS, SealRow, findings)
    findings.raise_if_any()
    return rows


def _held(path: Path) -> str:
    return str(json.loads(path.read_text(encoding="utf-8")).get("sha256", ""))


def _read(path: Path, findings: FindingCollector) -> SealedForecast | None:
    try:
        return TypeAdapter(SealedForecast).validate_json(path.read_bytes())
    except ValidationError as error:
        why = f"{error.error_count()} fields are not as a forecast has them"
        findings.add(path.name, "", f"is no sealed forecast: {why}", next_step="restore the sealed file")
        return None


def _file(forecast: SealedForecast) -> str:
    word = re.sub(r"[^a-z0-9]+", "_", forecast.name.lower()).strip("_")
    return f"{word}.json"


def status_now(forecast: SealedForecast, row: SealRow) -> SealedForecast:
    """Call what is fresh seen where a forecast with other numbers was compared before."""
    if not row.first_said or row.first_said == said(forecast):
        return forecast
    quantities = tuple(replace(q, status="seen") if q.status == "fresh" else q for q in forecast.quantities)
    return replace(forecast, quantities=quantities)
