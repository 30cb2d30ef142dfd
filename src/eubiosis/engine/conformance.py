"""Run cases of the SBML semantic test suite and compare the numbers.

A case is a folder, at any depth, with a model, settings and expected results, either ``model.xml``,
``settings.txt`` and ``results.csv`` or, as the suite itself names them, ``NNNNN-sbml-l3v2.xml`` (the newest
level is taken), ``NNNNN-settings.txt`` and ``NNNNN-results.csv``. It passes when |u - s| <= absolute +
relative |s| for every variable at every time, u being our number and s the expected one; it is refused when
the reader names a feature that it does not handle; everything else, a crash included, is wrong.
"""

from __future__ import annotations

import csv
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.json_data import JsonRecord
from eubiosis.engine.compiled import compile
from eubiosis.engine.expressions import TIME_NAME
from eubiosis.engine.sbml import UnsupportedSbmlError, read_model
from eubiosis.engine.sbml.content import SbmlContent
from eubiosis.engine.sbml.errors import refuse
from eubiosis.engine.solution import Tolerances
from eubiosis.engine.system import System

Array = NDArray[np.float64]
Verdict = Literal["passed", "refused", "wrong"]

# times (increasing), names, relative and absolute tolerance -> values of shape (times, names)
Solver = Callable[[System, Array, Sequence[str], float, float], Array]

RELATIVE = 1e-9
MOST_STEPS = 5_000_000
ABSOLUTE_SHARE = 1e-6  # of the absolute difference that a case allows
_SUITE_MODEL = re.compile(r"-sbml-l(\d)v(\d)\.xml$")


@dataclass(frozen=True)
class Case:
    """The files of one case."""

    name: str
    model: Path
    settings: Path
    results: Path


@dataclass(frozen=True)
class Settings:
    """What a case asks for: output from ``start``, for ``duration``, in ``steps`` equal steps.

    A species among ``amount`` or ``concentration`` is compared as that, whatever its symbol stands for.
    """

    start: float
    duration: float
    steps: int
    variables: tuple[str, ...]
    absolute: float
    relative: float
    amount: frozenset[str]
    concentration: frozenset[str]

    @property
    def times(self) -> Array:
        """The times of output, shape (steps + 1,)."""
        count = max(self.steps, 0)
        return np.array([self.start + self.duration * k / max(count, 1) for k in range(count + 1)])


@dataclass(frozen=True)
class Difference:
    """The first number of a case that is not the expected one."""

    variable: str
    time: float
    got: float
    expected: float


@dataclass(frozen=True)
class Outcome:
    """What became of a case; ``reason`` says why it was refused (``feature``: for what) or is wrong."""

    case: str
    verdict: Verdict
    reason: str = ""
    feature: str = ""
    difference: Difference | None = None


def find_cases(folder: Path, names: Iterable[str] = ()) -> list[Case]:
    """Return the cases below a folder, sorted by name, all of them or those named.

    Raises ``FileNotFoundError`` when a named case, or any case at all, is absent, or a file of one is.
    """
    wanted = list(dict.fromkeys(names))
    below = sorted((p for p in folder.rglob("*") if p.is_dir()), key=lambda p: (p.name, p))
    named = {p.name: p for p in reversed(below)}
    folders = [named.get(name, folder / name) for name in wanted] if wanted else below
    cases = []
    for each in folders:
        model = _model_file(each)
        if model is None:
            if wanted:
                message = f"{each}: no model.xml or {each.name}-sbml-l3v2.xml"
                raise FileNotFoundError(message)
            continue
        prefix = "" if model.name == "model.xml" else f"{each.name}-"
        cases.append(Case(each.name, model, each / f"{prefix}settings.txt", each / f"{prefix}results.csv"))
    if not cases:
        message = f"{folder}: no cases; a case is a folder with model.xml, settings.txt and results.csv"
        raise FileNotFoundError(message)
    for case in cases:
        for file in (case.settings, case.results):
            if not file.is_file():
                message = f"{file}: the file is absent"
                raise FileNotFoundError(message)
    return cases


def _model_file(folder: Path) -> Path | None:
    """Return the model of a case: model.xml, or the newest level and version of the suite's files."""
    plain = folder / "model.xml"
    if plain.is_file():
        return plain
    if not folder.is_dir():
        return None
    found = [(match.groups(), path) for path in folder.iterdir() if (match := _SUITE_MODEL.search(path.name))]
    return max(found)[1] if found else None


def read_settings(text: str) -> Settings:
    """Read a settings file: ``key: value`` lines; lists are separated by commas and may be empty.

    Raises ``UnsupportedSbmlError`` when no times are given (the case is no time course), and ``ValueError``
    for a line without a colon and for a number that is missing or is none.
    """
    fields: dict[str, str] = {}
    for line in text.splitlines():
        if not line.strip():
            continue
        key, colon, value = line.partition(":")
        if not colon:
            message = f'settings: the line "{line.strip()}" is not "key: value"'
            raise ValueError(message)
        fields[key.strip().casefold()] = value.strip()
    if not any(fields.get(key) for key in ("start", "duration", "steps")):
        raise refuse("settings", "a case that is no time course")
    return Settings(
        start=_number(fields, "start"),
        duration=_number(fields, "duration"),
        steps=int(_number(fields, "steps")),
        variables=_list(fields, "variables"),
        absolute=_number(fields, "absolute"),
        relative=_number(fields, "relative"),
        amount=frozenset(_list(fields, "amount")),
        concentration=frozenset(_list(fields, "concentration")),
    )


def _number(fields: Mapping[str, str], key: str) -> float:
    try:
        return float(fields[key])
    except (KeyError, ValueError):
        message = f'settings: {key} is "{fields.get(key, "")}"; allowed: a number'
        raise ValueError(message) from None


def _list(fields: Mapping[str, str], key: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in fields.get(key, "").split(",") if word.strip())


def read_results(text: str, variables: Sequence[str]) -> Array:
    """Return the expected values of the variables, shape (times, variables); INF and NaN are numbers.

    Raises ``ValueError`` when a variable has no column or a row is too short.
    """
    rows = [row for row in csv.reader(text.splitlines()) if any(cell.strip() for cell in row)]
    header = [cell.strip() for cell in rows[0]]
    place = {name: k for k, name in reversed([*enumerate(header)][1:])}  # the first column is the time
    absent = [name for name in variables if name not in place]
    if absent:
        message = f"results: no column {absent[0]}"
        raise ValueError(message)
    columns = [place[name] for name in variables]
    short = next((i for i, row in enumerate(rows, start=1) if len(row) < len(header)), None)
    if short is not None:
        message = f"results: line {short} has fewer cells than the header"
        raise ValueError(message)
    return np.array([[float(row[column]) for column in columns] for row in rows[1:]]).reshape(
        len(rows) - 1, len(columns)
    )


def run_case(case: Case, solver: Solver) -> Outcome:
    """Read, solve and compare one case; no error of the case leaves this function."""
    try:
        settings = read_settings(case.settings.read_text(encoding="utf-8"))
        expected = read_results(case.results.read_text(encoding="utf-8"), settings.variables)
        content, system = read_model(case.model.read_text(encoding="utf-8"))
    except UnsupportedSbmlError as error:
        return Outcome(case.name, "refused", str(error), error.feature)
    except Exception as error:  # noqa: BLE001 - whatever stops a case makes it wrong, with its reason
        return Outcome(case.name, "wrong", f"{type(error).__name__}: {error}")
    try:
        got = _course(system, content, settings, solver)
    except Exception as error:  # noqa: BLE001
        return Outcome(case.name, "wrong", f"{type(error).__name__}: {error}")
    return _compare(case.name, settings, got, expected)


def _course(system: System, content: SbmlContent, settings: Settings, solver: Solver) -> Array:
    """Return the variables at the times of output, shape (times, variables).

    An SBML model begins at time zero (section 3.4.7); what lies before a later start is solved, not shown.
    """
    grid, row_of = np.unique(settings.times, return_inverse=True)
    head = 1 if grid[0] > 0 else 0
    plan = [_observe(name, system, content, settings) for name in settings.variables]
    names = list(dict.fromkeys(name for _, parts in plan for name in parts))
    times = np.concatenate(([0.0], grid)) if head else grid
    absolute = settings.absolute * ABSOLUTE_SHARE
    values = solver(system, times, names, RELATIVE, absolute)[head:][row_of]
    columns = [combine(*(values[:, names.index(name)] for name in parts)) for combine, parts in plan]
    return np.column_stack(columns) if columns else np.empty((len(row_of), 0))


Combination = tuple[Callable[..., Array], tuple[str, ...]]


def _observe(variable: str, system: System, content: SbmlContent, settings: Settings) -> Combination:
    """Say which quantities give a variable, and how: its symbol, or a species' amount or concentration."""
    known = {*system.states, *system.assigned, *system.parameters}
    if variable not in known:
        if variable.casefold() == TIME_NAME:
            return np.array, (TIME_NAME,)
        message = f"{variable} is not a quantity of the model"
        raise ValueError(message)
    species = content.species.get(variable)
    symbol: Combination = (np.array, (variable,))
    if species is None:
        return symbol
    compartment = content.compartments[species.compartment]
    sized = compartment.size is not None or not math.isnan(
        {**system.constants, **system.initial}.get(compartment.id, 0.0)
    )
    if compartment.point and not sized:
        return symbol
    if variable in settings.amount and not species.substance_only:
        if f"{variable}.amount" in known:
            return np.array, (f"{variable}.amount",)
        return np.multiply, (variable, compartment.id)
    if variable in settings.concentration and species.substance_only:
        return np.divide, (variable, compartment.id)
    return symbol


def _compare(case: str, settings: Settings, got: Array, expected: Array) -> Outcome:
    if got.shape != expected.shape:
        reason = f"{len(expected)} rows are expected, the settings ask for {len(got)}"
        return Outcome(case, "wrong", reason)
    with np.errstate(invalid="ignore"):
        near = np.abs(got - expected) <= settings.absolute + settings.relative * np.abs(expected)
    near &= np.isfinite(expected)
    same = (got == expected) | (np.isnan(got) & np.isnan(expected))
    wrong = np.argwhere(~(near | same))
    if len(wrong) == 0:
        return Outcome(case, "passed")
    row, column = wrong[0]
    difference = Difference(
        settings.variables[column],
        float(settings.times[row]),
        float(got[row, column]),
        float(expected[row, column]),
    )
    reason = f"{len(wrong)} of {expected.size} numbers differ"
    return Outcome(case, "wrong", reason, difference=difference)


def count(outcomes: Sequence[Outcome]) -> JsonRecord:
    """Count ``passed``, ``refused`` and ``wrong``, and show why, by feature and case."""
    verdicts = Counter(outcome.verdict for outcome in outcomes)
    features = Counter(outcome.feature for outcome in outcomes if outcome.verdict == "refused")
    return {
        "cases": len(outcomes),
        **{verdict: verdicts[verdict] for verdict in get_args(Verdict)},
        "refused_for": dict(features.most_common()),
        "refused_cases": {o.case: o.reason for o in outcomes if o.verdict == "refused"},
        "wrong_cases": [asdict(outcome) for outcome in outcomes if outcome.verdict == "wrong"],
    }


def solve_compiled(
    system: System,
    times: Array,
    names: Sequence[str],
    relative: float,
    absolute: float,
    max_steps: int = MOST_STEPS,
) -> Array:
    """Solve with the compiled kernel; ``ArithmeticError`` when the solution has another status than ok."""
    tolerances = Tolerances(relative, absolute, max_steps)
    solution = compile(system, keep=False).solve(times, names, tolerances=tolerances, threads=1)
    if solution.status != ("ok",):
        message = f"the solver ended with {solution.status[0]}"
        raise ArithmeticError(message)
    return np.asarray(solution.values[0])


def run_cases(cases: Sequence[Case], solver: Solver = solve_compiled, threads: int = 1) -> Iterator[Outcome]:
    """Run cases and yield their outcomes in the order of the cases."""
    if threads <= 1:
        yield from (run_case(case, solver) for case in cases)
        return
    with ThreadPoolExecutor(threads) as pool:
        yield from pool.map(lambda case: run_case(case, solver), cases)
