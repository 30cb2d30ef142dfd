"""Forecasts sealed before the answer: made, written in the shape of a hubverse hub, hashed, and verified.

The folder ``content/forecasts`` is a hub: ``hub-config``, ``model-metadata`` and ``model-output`` follow
the hubverse schemas v6.0.0. ``seals/DATE.json`` holds what was known, every hash and the seal before it, so
that no forecast and no seal can change unseen.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.findings import Finding, FindingCollector, FindingsError, unknown_word
from eubiosis.core.output import staged, write_whole
from eubiosis.core.record import Plain, as_record
from eubiosis.core.sealed import (
    COLUMNS,
    LEVELS,
    MODELS,
    TEAM,
    QuantileForecast,
    SealedRegistry,
    SealedTarget,
    SealedTask,
    SealedTrial,
    forecast_csv,
    rounded,
)
from eubiosis.core.tables import check_unique, display_name, read_table
from eubiosis.core.version import __version__
from eubiosis.evidence.forecast.hub_files import hub_files
from eubiosis.evidence.forecast.sealed_laws import evidence_quantiles, reference_quantiles
from eubiosis.evidence.records.store import Evidence, load

FOLDER = PACKAGED_CONTENT / "forecasts"
SCHEMA = "eubiosis.sealed_forecasts/1"
_TABLES = (
    "control_arm_rates.tsv", "control_arms.tsv", "control_arm_assumptions.tsv", "discounts.tsv",
    "estimates.tsv", "studies.tsv",
)  # fmt: skip
_MOST_BYTES = 5_000_000  # of a file of forecasts: more is none of ours
_AS_SEALED = "the file as it was sealed"
_RESTORE = "restore it from the history; a new forecast needs a new date"


@dataclass(frozen=True)
class Seal:
    """A seal: its date, hash, hashes of forecasts by key, of files by path, and the whole record."""

    date: str
    seal: str
    previous: str
    forecasts: Mapping[str, str]
    files: Mapping[str, str]
    record: Mapping[str, Plain]


def read_registry(folder: Path = FOLDER) -> SealedRegistry:
    """Read the tables of trials, targets and tasks; raises ``FindingsError`` with all that is wrong."""
    findings = FindingCollector()
    trials = read_table(folder / "trials.tsv", SealedTrial, findings)
    targets = read_table(folder / "targets.tsv", SealedTarget, findings)
    tasks = read_table(folder / "tasks.tsv", SealedTask, findings)
    check_unique([(row.trial, row.trial) for row in trials], "trials.tsv", "trial", findings)
    check_unique([(row.target, row.target) for row in targets], "targets.tsv", "target", findings)
    check_unique([(f"{t.trial}, {t.target}",) * 2 for t in tasks], "tasks.tsv", "task", findings)
    known = {row.trial: row for row in trials}, {row.target: row for row in targets}
    for task in tasks:
        for name, names, word in ((task.trial, known[0], "trial"), (task.target, known[1], "target")):
            if name not in names:
                findings.add(
                    "tasks.tsv", name, f"{word} {unknown_word(name, names)}", allowed=", ".join(names)
                )
    findings.raise_if_any()
    return SealedRegistry(*known, tuple(tasks))


def make_forecasts(
    registry: SealedRegistry, origin_date: str, evidence: Evidence | None = None
) -> tuple[QuantileForecast, ...]:
    """Make the forecast and the reference of every task; raises ``ValueError`` where there is none."""
    tables = evidence or load()
    made = []
    for model, law in zip(MODELS, (evidence_quantiles, reference_quantiles), strict=True):
        for task in registry.tasks:
            values = law(registry.trials[task.trial], registry.targets[task.target], tables)
            ready = tuple(rounded(value) for value in values)
            made.append(QuantileForecast(origin_date, model, task.target, task.trial, ready))
    return tuple(made)


def seal_forecasts(folder: Path, origin_date: str, *, today: date, evidence: Evidence | None = None) -> Seal:
    """Make every forecast of ``folder``'s registry, write hub files and the seal; return the seal.

    Raises ``FindingsError`` for a date that is not today, that is sealed already, or while an earlier seal
    does not hold.
    """
    findings = FindingCollector()
    _check_date(folder, origin_date, today, findings)
    findings.extend(_verify_seals(folder))
    findings.raise_if_any()
    tables, registry = evidence or load(), read_registry(folder)
    forecasts = make_forecasts(registry, origin_date, tables)
    files = {
        model_file(origin_date, model): forecast_csv(one for one in forecasts if one.model == model)
        for model in MODELS
    }
    earlier = read_seals(folder)
    record = {
        "schema": SCHEMA,
        "sealed": origin_date,
        "previous": earlier[-1].seal if earlier else "",
        "made_by": f"eubiosis {__version__}",
        "quantiles": list(LEVELS),
        "trials": [as_record(row) for row in registry.trials.values()],
        "targets": [as_record(row) for row in registry.targets.values()],
        "forecasts": {one.key: one.digest for one in forecasts},
        "files": {name: _sha(text.encode("utf-8")) for name, text in files.items()},
        "made_from": {name: _sha((tables.folder / name).read_bytes()) for name in _TABLES},
    }
    dates = [*(seal.date for seal in earlier), origin_date]
    with staged(folder) as aside:  # all of it or nothing: a forecast without its seal is none
        for name, text in {**files, **hub_files(registry, dates)}.items():
            write_whole(aside / name, text)
        write_whole(
            aside / "seals" / f"{origin_date}.json",
            json.dumps({**record, "seal": seal_of(record)}, indent=1, ensure_ascii=False) + "\n",
        )
    return read_seals(folder)[-1]


def model_file(origin_date: str, model: str) -> str:
    """Return the path of a model-output file inside the hub, as the hubverse names it.

    >>> model_file("2026-11-30", "evidence")
    'model-output/eubiosis-evidence/2026-11-30-eubiosis-evidence.csv'
    """
    name = f"{TEAM}-{model}"
    return f"model-output/{name}/{origin_date}-{name}.csv"


def seal_of(record: Mapping[str, object]) -> str:
    """Return the hash of a seal's record: keys in order, no spaces, UTF-8, without the seal itself."""
    own = {key: value for key, value in record.items() if key != "seal"}
    text = json.dumps(own, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return _sha(text.encode("utf-8"))


def read_seals(folder: Path = FOLDER) -> tuple[Seal, ...]:
    """Return the seals by date; raises ``FindingsError`` for a file that is none of ours."""
    found = []
    for path in sorted((folder / "seals").glob("*.json")):
        try:
            record = json.loads(path.read_text("utf-8")) if path.stat().st_size < _MOST_BYTES else None
        except (OSError, ValueError, RecursionError) as error:
            raise _refused(path, f"cannot be read ({error})") from error
        if not isinstance(record, dict) or record.get("schema") != SCHEMA:
            raise _refused(path, "is no seal that eubiosis wrote")
        parts = {key: record.get(key) for key in ("forecasts", "files")}
        texts = {key: record.get(key) for key in ("sealed", "seal", "previous")}
        if not all(isinstance(part, dict) for part in parts.values()) or not all(
            isinstance(text, str) for text in texts.values()
        ):
            raise _refused(path, "lacks its date, its hashes or its seal")
        found.append(
            Seal(str(texts["sealed"]), str(texts["seal"]), str(texts["previous"]), _words(parts["forecasts"]),
                 _words(parts["files"]), record)
        )  # fmt: skip
    return tuple(found)


def read_forecasts(path: Path, model: str) -> tuple[QuantileForecast, ...]:
    """Read a model-output file; raises ``FindingsError`` naming rows and quantiles that are wrong."""
    name, findings = display_name(path), FindingCollector()
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise _refused(path, "is larger than any of ours")
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise _refused(path, f"cannot be read ({error})") from error
    reader = csv.DictReader(text.splitlines())
    if tuple(reader.fieldnames or ()) != COLUMNS:
        raise _refused(path, f"columns {', '.join(reader.fieldnames or ())}", ", ".join(COLUMNS))
    values: dict[tuple[str, str, str], dict[float, float]] = {}
    for line, row in enumerate(reader, start=2):
        try:
            level, value = float(row["output_type_id"]), float(row["value"])
        except (TypeError, ValueError):
            findings.add(name, f"line {line}", "a level or value that is no number", allowed="numbers")
            continue
        own = values.setdefault((row["origin_date"], row["target"], row["trial"]), {})
        if row["output_type"] != "quantile" or level not in LEVELS or level in own:
            findings.add(name, f"line {line}", f"{row['output_type']} {level:g}, unknown or there already",
                         allowed="quantile, each of the 23 levels once")  # fmt: skip
            continue
        own[level] = value
    made = []
    for (origin_date, target, trial), own in values.items():
        try:
            ordered = tuple(own[level] for level in LEVELS)
            made.append(QuantileForecast(origin_date, model, target, trial, ordered))
        except (KeyError, ValueError) as error:
            problem = "levels are missing" if isinstance(error, KeyError) else str(error)
            findings.add(name, f"{trial}, {target}", problem, allowed="23 quantiles that do not fall")
    findings.raise_if_any()
    return tuple(made)


def sealed_forecasts(folder: Path = FOLDER) -> tuple[QuantileForecast, ...]:
    """Return every sealed forecast, verified; raises ``FindingsError`` where a hash does not fit."""
    findings = FindingCollector(verify(folder))
    findings.raise_if_any()
    return tuple(one for seal in read_seals(folder) for one in _forecasts_of(folder, seal))


def verify(folder: Path = FOLDER, expected: str = "") -> list[Finding]:
    """Return a finding for everything that is not as it was sealed; none where all hashes fit.

    ``expected`` is a seal that a reader wrote down elsewhere: it must be among those of the folder.
    """
    findings = _verify_seals(folder)
    if findings:
        return findings
    seals = read_seals(folder)
    if not seals:
        problem = "there is no seal: nothing here can be verified"
        findings.append(Finding(f"{display_name(folder)}/seals", "", problem, "a folder that was sealed",
                                "eubiosis forecast registry seal FOLDER, or restore the seals"))  # fmt: skip
    findings += _facts_changed(folder, seals)
    findings += _unsealed_files(folder, seals)
    if expected and expected not in {seal.seal for seal in seals}:
        problem = "no seal of this folder has the hash that was noted"
        findings.append(Finding("seals", expected[:16], problem, ", ".join(s.seal for s in seals), _RESTORE))
    return findings


def _verify_seals(folder: Path) -> list[Finding]:
    """Return what does not fit the seals themselves: their chain, the forecasts and the files they name."""
    findings: list[Finding] = []
    try:
        seals = read_seals(folder)
    except FindingsError as error:
        return list(error.findings)
    previous = ""
    for seal in seals:
        place = f"seals/{seal.date}.json"
        if seal.seal != seal_of(seal.record):
            problem = f"the hash does not fit: the seal was changed after {seal.date}"
            findings.append(Finding(place, "seal", problem, _AS_SEALED, _RESTORE))
        if seal.previous != previous:
            problem = "the seal before it is another one than it names"
            findings.append(Finding(place, "previous", problem, "an unbroken chain of seals", _RESTORE))
        previous = seal.seal
        findings += _changed(folder, seal)
    return findings


def _facts_changed(folder: Path, seals: Sequence[Seal]) -> list[Finding]:
    """Name the trials and targets of which the tables say something else than the latest seal."""
    if not seals:
        return []
    try:
        registry = read_registry(folder)
    except FindingsError as error:
        return list(error.findings)
    findings = []
    for part, rows in (("trials", registry.trials), ("targets", registry.targets)):
        sealed = seals[-1].record.get(part)
        held = {name: json.loads(json.dumps(as_record(row))) for name, row in rows.items()}
        for old in sealed if isinstance(sealed, list) else ():
            name = str(old.get(part[:-1])) if isinstance(old, dict) else ""
            now = held.get(name)
            if now != old:
                odd = (
                    [key for key in old if now and old[key] != now.get(key)] if isinstance(old, dict) else []
                )
                problem = f"{', '.join(odd) or 'the row'} changed after {seals[-1].date}"
                findings.append(Finding(f"{part}.tsv", name, problem, "the facts as they were sealed",
                                        "restore the row, or seal a new forecast on a new date"))  # fmt: skip
    return findings


def _unsealed_files(folder: Path, seals: Sequence[Seal]) -> list[Finding]:
    """Name the files of forecasts that no seal names: whoever reads the hub would take them for sealed."""
    known = {name for seal in seals for name in seal.files}
    held = (path.relative_to(folder).as_posix() for path in sorted((folder / "model-output").rglob("*.*")))
    return [
        Finding(name, "", "no seal names this file", "files of a seal", "take it out of model-output")
        for name in held
        if name not in known and (folder / name).is_file()
    ]


def _changed(folder: Path, seal: Seal) -> Iterator[Finding]:
    """Name the forecasts and files of one seal that changed, are missing or were added."""
    try:
        held = {one.key: one.digest for one in _forecasts_of(folder, seal)}
    except FindingsError as error:
        yield from error.findings
        return
    for key, digest in seal.forecasts.items():
        if key not in held:
            yield Finding(key, "", "the sealed forecast is missing", _AS_SEALED, _RESTORE)
        elif held[key] != digest:
            problem = f"the forecast was changed after {seal.date}: its hash does not fit"
            yield Finding(key, "", problem, _AS_SEALED, _RESTORE)
    for key in held.keys() - seal.forecasts.keys():
        problem = f"a forecast was added after {seal.date} under its date"
        yield Finding(key, "", problem, "forecasts of the seal", _RESTORE)
    for name, digest in seal.files.items():
        if _sha((folder / name).read_bytes()) != digest and all(
            held.get(key) == value for key, value in seal.forecasts.items()
        ):
            problem = f"the bytes were changed after {seal.date}"
            yield Finding(name, "", problem, _AS_SEALED, _RESTORE)


def _forecasts_of(folder: Path, seal: Seal) -> Sequence[QuantileForecast]:
    found: list[QuantileForecast] = []
    for model in MODELS:
        name = model_file(seal.date, model)
        if name not in seal.files:
            problem = f"the seal of {seal.date} does not name it"
            raise FindingsError([Finding(name, "", problem, _AS_SEALED, _RESTORE)])
        found += read_forecasts(folder / name, model)
    return found


def _check_date(folder: Path, origin_date: str, today: date, findings: FindingCollector) -> None:
    place = f"seals/{origin_date}.json"
    if origin_date != today.isoformat():
        problem = f"{origin_date} is not today ({today.isoformat()})"
        findings.add(
            "forecast", "date", problem, allowed="the day on which it is sealed: nothing is dated back"
        )
    if (folder / place).exists():
        findings.add(place, "", f"{origin_date} is sealed already: a sealed forecast does not change",
                     next_step="seal a new forecast under a new date")  # fmt: skip


def _words(part: Plain) -> dict[str, str]:
    return {str(key): str(value) for key, value in part.items()} if isinstance(part, dict) else {}


def _sha(content: bytes) -> str:
    """Return the hash of bytes whose line ends are line feeds, so that a checkout on Windows fits too."""
    return hashlib.sha256(content.replace(b"\r\n", b"\n")).hexdigest()


def _refused(path: Path, problem: str, allowed: str = _AS_SEALED) -> FindingsError:
    return FindingsError([Finding(display_name(path), "", problem, allowed, _RESTORE)])
