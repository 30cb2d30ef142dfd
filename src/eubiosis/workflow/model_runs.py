"""Runs of any SBML model from a command line: what is asked for is checked at once, solved and written."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TextIO, TypedDict, TypeVar

import numpy as np

from eubiosis.core.findings import FindingCollector
from eubiosis.core.frame import Table
from eubiosis.core.output import beside
from eubiosis.core.solution_schemas import COURSES, SOLVED_SUBJECTS
from eubiosis.engine import (
    Array,
    Compiled,
    Input,
    Integral,
    Last,
    Maximum,
    Minimum,
    Reduction,
    Solution,
    Tolerances,
)
from eubiosis.engine import experiments as written
from eubiosis.engine.tables import course_columns
from eubiosis.report.courses import FORMATS

Text = TypeVar("Text")
Value = TypeVar("Value")
TABLES = (".parquet", ".csv")
_REDUCTIONS: dict[str, type[Reduction]] = {
    "maximum": Maximum,
    "minimum": Minimum,
    "integral": Integral,
    "last": Last,
}
_PLACE = "command line"


class Record(TypedDict):
    """What is said about a run."""

    model: str
    subjects: int
    times: int
    observables: list[str]
    scanned: list[str]
    status: dict[str, int]
    steps: dict[str, float]
    reduced: dict[str, dict[str, float]]
    files: list[str]


@dataclass
class Asked:
    """What a command line asks of a model, as it was written; ``None`` files are not wanted."""

    times: str
    observe: str = ""
    settings: Sequence[str] = ()
    scans: Sequence[str] = ()
    doses: Sequence[str] = ()
    reduce: Sequence[str] = ()
    relative: float = 1e-8
    absolute: float | None = None
    out: Path | None = None
    subjects: Path | None = None
    plot: Path | None = None


@dataclass
class ModelRun:
    """A checked run: ``values`` by name, a number or (subjects,), of which ``scanned`` differ."""

    compiled: Compiled
    asked: Asked
    times: Array
    observables: tuple[str, ...]
    values: dict[str, float | Array]
    scanned: dict[str, Array]
    inputs: list[Input]
    reductions: tuple[Reduction, ...]
    tolerances: Tolerances
    solution: Solution = field(init=False)

    def solve(self, threads: int | None) -> Solution:
        """Solve every combination of scanned values."""
        self.solution = self.compiled.solve(
            self.times,
            self.observables,
            values={**self.values, **self.scanned},
            inputs=self.inputs,
            reductions=self.reductions,
            tolerances=self.tolerances,
            threads=threads,
        )
        return self.solution

    def write(self) -> list[str]:
        """Write the files that were asked for; returns their names."""
        written_files = []
        for path, table in ((self.asked.out, self.courses), (self.asked.subjects, self.subjects)):
            if path is not None:
                _write(path, table())
                written_files.append(str(path))
        if self.asked.plot is not None:
            from eubiosis.report.courses import draw_courses

            title = f"{repr(self.compiled)[1:-1]}; {len(self.solution.codes)} subjects"
            seen = self.solution
            draw_courses(self.asked.plot, seen.times, seen.values, seen.observables, title)
            written_files.append(str(self.asked.plot))
        return written_files

    def courses(self) -> Table:
        """Return a row for each subject and time: scanned values, status and observables."""
        seen = self.solution
        columns = course_columns(seen.times, seen.observables, seen.values, seen.status)
        return Table(_with_scanned(columns, self.scanned, len(self.times)), schema=COURSES)

    def subjects(self) -> Table:
        """Return a row for each subject: scanned values, status, steps and reductions."""
        return Table(_with_scanned(self.solution.by_subject(), self.scanned, 1), schema=SOLVED_SUBJECTS)

    def record(self, model: str, files: list[str]) -> Record:
        """Say how the run went."""
        solution = self.solution
        fine = solution.codes == 0
        return Record(
            model=model,
            subjects=len(solution.codes),
            times=len(solution.times),
            observables=list(solution.observables),
            scanned=list(self.scanned),
            status=dict(Counter(solution.status)),
            steps=_spread(solution.effort[:, 0]),
            reduced={
                f"{type(r).__name__.lower()}:{r.name}": _spread(solution.reduced[r][fine])
                for r in self.reductions
            },
            files=files,
        )


def plan(compiled: Compiled, asked: Asked) -> ModelRun:
    """Check everything that is asked for; raises ``FindingsError`` with all that is wrong."""
    found = FindingCollector()
    times = _read(found, "--times", [asked.times], written.read_times)
    settings = _read(found, "--set", asked.settings, written.read_setting)
    scans = _read(found, "--scan", asked.scans, written.read_scan)
    doses = _read(found, "--dose", asked.doses, written.read_dose)
    reductions = _read(found, "--reduce", asked.reduce, _read_reduction)
    scanned = _read(found, "--scan", [scans] if len(scans) == len(asked.scans) else [], written.combined)
    values: dict[str, float | Array] = {}
    for name, value in settings:
        if name in values or any(name == scan for scan, _ in scans):
            found.add(_PLACE, "--set", f"{name} is given twice", next_step="keep one of them")
        values[name] = value
    names = tuple(word.strip() for word in asked.observe.split(",") if word.strip())
    inputs = [item for dose in doses for item in dose]
    tolerances = _read(found, "--relative, --absolute", [asked], _tolerances)
    _check_names(found, compiled, names, [*values, *(n for n, _ in scans)], inputs, reductions)
    _check_files(found, asked)
    found.raise_if_any()
    return ModelRun(
        compiled,
        asked,
        times[0],
        names or compiled.states,
        values,
        scanned[0],
        inputs,
        tuple(dict.fromkeys(reductions)),
        tolerances[0],
    )


def _read(
    found: FindingCollector, option: str, texts: Sequence[Text], read: Callable[[Text], Value]
) -> list[Value]:
    """Read what an option was given, each time; what cannot be read is a finding."""
    values = []
    for text in texts:
        try:
            values.append(read(text))
        except ValueError as error:
            found.add(_PLACE, option, str(error))
    return values


def _tolerances(asked: Asked) -> Tolerances:
    return Tolerances(asked.relative, asked.absolute)


def _read_reduction(text: str) -> Reduction:
    kind, sign, name = text.partition(":")
    if not sign or kind.strip().casefold() not in _REDUCTIONS or not name.strip():
        kinds = ", ".join(f"{word}:NAME" for word in _REDUCTIONS)
        message = f'"{text}" cannot be read; allowed: {kinds}'
        raise ValueError(message)
    return _REDUCTIONS[kind.strip().casefold()](name.strip())


def _check_names(
    found: FindingCollector,
    compiled: Compiled,
    observables: Sequence[str],
    given: Sequence[str],
    inputs: Sequence[Input],
    reductions: Sequence[Reduction],
) -> None:
    """Look every name up, one by one, so that all that do not fit are said."""
    for option, names in (("--observe", observables), ("--reduce", [r.name for r in reductions])):
        for name in dict.fromkeys(names):
            _try(found, option, partial(compiled.library.checked, [name]))
    for name in dict.fromkeys(given):
        _try(found, "--set, --scan", partial(compiled.check, values={name: 0.0}))
    for name in dict.fromkeys(item.name for item in inputs):
        first = next(item for item in inputs if item.name == name)
        _try(found, "--dose", partial(compiled.check, inputs=[first]))


def _try(found: FindingCollector, option: str, check: Callable[[], object]) -> None:
    try:
        check()
    except (KeyError, ValueError) as error:
        found.add(_PLACE, option, str(error.args[0]))


def _check_files(found: FindingCollector, asked: Asked) -> None:
    pictures = tuple(f".{suffix}" for suffix in FORMATS)
    for option, path, allowed in (
        ("--out", asked.out, TABLES),
        ("--subjects", asked.subjects, TABLES),
        ("--plot", asked.plot, pictures),
    ):
        if path is None:
            continue
        if path.suffix not in allowed:
            found.add(_PLACE, option, f'"{path}" ends in no known format', allowed=", ".join(allowed))
        if path.exists():
            found.add(_PLACE, option, f'"{path}" exists already', next_step="name another file, or remove it")
        if not path.parent.is_dir():
            found.add(_PLACE, option, f"the folder {path.parent} does not exist", next_step="make it")


def _with_scanned(
    columns: dict[str, np.ndarray], scanned: dict[str, Array], times: int
) -> dict[str, np.ndarray]:
    """Put a column for each scanned name behind the one that says whose row it is."""
    own = {f"{n} (scanned)" if n in columns else n: np.repeat(v, times) for n, v in scanned.items()}
    return {"subject": columns["subject"], **own, **columns}


def _spread(values: np.ndarray) -> dict[str, float]:
    if not len(values):
        return {}
    least, middle, largest = np.percentile(values, [0, 50, 100]).tolist()
    return {"least": least, "median": middle, "largest": largest}


def _write(path: Path, table: Table) -> None:
    with beside(path) as temporary:
        if path.suffix == ".parquet":
            table.write_parquet(temporary)
        else:
            with temporary.open("x", encoding="utf-8", newline="") as stream:
                write_csv(stream, table)


def write_csv(stream: TextIO, table: Table) -> None:
    """Write a table as CSV; a missing value is an empty cell."""
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows(zip(*table.to_pydict().values(), strict=True))
