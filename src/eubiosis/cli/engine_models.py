"""``eubiosis engine run`` and ``engine info``: solve an SBML model, or say what is in it."""

from __future__ import annotations

import json
import math
import sys
import warnings
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from eubiosis.cli.out_paths import OUT_FILE
from eubiosis.core.errors import NumericalFailuresError
from eubiosis.core.findings import Finding, FindingsError
from eubiosis.core.json_data import Json, JsonRecord

if TYPE_CHECKING:
    from eubiosis.engine import Compiled
    from eubiosis.workflow.model_runs import Record

_MODEL = click.argument("model", metavar="MODEL", type=click.Path(dir_okay=False, path_type=Path))
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def _compile(model: Path) -> tuple[Compiled, list[str]]:
    """Compile a model file; returns it and the warnings of its reading."""
    from eubiosis.engine import compile
    from eubiosis.engine.sbml import SbmlWarning

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", SbmlWarning)
        try:
            compiled = compile(model)
        except FileNotFoundError as error:
            finding = Finding(str(model), "", "there is no such file", next_step="name an SBML file")
            raise FindingsError([finding]) from error
        except (ValueError, UnicodeDecodeError) as error:
            raise _refused(model, str(error)) from error
    return compiled, [str(w.message) for w in caught if issubclass(w.category, SbmlWarning)]


def _refused(model: Path, problem: str) -> FindingsError:
    step = "docs/reference/sbml.md lists what is handled"
    return FindingsError([Finding(str(model), "", problem, "SBML Level 1 to 3, core", step)])


@click.command()
@_MODEL
@_JSON
def info(model: Path, as_json: bool) -> None:
    """Say what an SBML MODEL contains: states, parameters, assigned quantities, events, and values.

    Exit status 1 when the model cannot be read or uses what is not supported.
    """
    compiled, notes = _compile(model)
    system = compiled.system
    record: JsonRecord = {
        "model": str(model),
        "name": system.name,
        "states": {name: system.initial[name] for name in system.states},
        "parameters": {name: system.constants[name] for name in system.parameters},
        "assigned": list(system.assigned),
        "events": [event.id for event in system.events],
        "changes_with_time": system.explicit_time,
        "warnings": [*notes],
    }
    if as_json:
        click.echo(json.dumps(finite(record), indent=1))
        return
    lines = [repr(compiled)[1:-1], ""]
    for kind, values in (("state", system.initial), ("parameter", system.constants)):
        lines += [f"{kind:<10} {name:<24} {values[name]:>14.6g}" for name in values]
    lines += [f"{'assigned':<10} {name}" for name in system.assigned]
    lines += [f"{'event':<10} {event.id}" for event in system.events]
    if system.explicit_time:
        lines.append("rates or rules change with the time")
    lines += [f"warning    {note}" for note in notes]
    click.echo("\n".join(lines))


@click.command()
@_MODEL
@click.option("--times", default="0:100:101", show_default=True, help="START:END:POINTS, or 0,1,5.")
@click.option("--observe", default="", help="Quantities, separated by commas (default: all states).")
@click.option("--set", "settings", multiple=True, metavar="NAME=NUMBER", help="A parameter or state.")
@click.option("--scan", "scans", multiple=True, metavar="SCAN", help="k=0.1:10:log:1000, k=0:1:lin:5, k=1,2.")
@click.option(
    "--dose", "doses", multiple=True, metavar="DOSE", help="gut=250@0, gut=250@0+12x4, blood=9@0..2."
)
@click.option(
    "--reduce", multiple=True, metavar="KIND:NAME", help="maximum:x; also minimum, integral and last."
)
@click.option("--relative", type=float, default=1e-8, show_default=True, help="Relative tolerance.")
@click.option("--absolute", type=float, help="Absolute tolerance (default: follows each state's size).")
@click.option("--out", type=OUT_FILE, help="Courses: .parquet or .csv.")
@click.option("--subjects", type=OUT_FILE, help="A row for each subject.")
@click.option("--plot", type=OUT_FILE, help="A picture: .svg, .png or .pdf.")
@click.option("--threads", type=click.IntRange(min=1), help="Threads to use (default: all cores).")
@_JSON
def run(
    model: Path,
    times: str,
    observe: str,
    settings: tuple[str, ...],
    scans: tuple[str, ...],
    doses: tuple[str, ...],
    reduce: tuple[str, ...],
    relative: float,
    absolute: float | None,
    out: Path | None,
    subjects: Path | None,
    plot: Path | None,
    threads: int | None,
    as_json: bool,
) -> None:
    """Solve an SBML MODEL for every combination of scanned values.

    Without --out, --subjects, --plot and --json the courses are printed as CSV. Doses are amounts, whatever
    the unit of the species. Exit status 1 when the model cannot be read, 2 for a wrong command line, 3 when a
    subject failed; what succeeded is written all the same.
    """
    from eubiosis.workflow.model_runs import Asked, plan, write_csv

    compiled, notes = _compile(model)
    for note in notes:
        click.echo(f"{model}: {note}", err=True)
    asked = Asked(times, observe, settings, scans, doses, reduce, relative, absolute, out, subjects, plot)
    try:
        planned = plan(compiled, asked)
    except FindingsError as error:
        raise click.UsageError(str(error)) from error
    solution = planned.solve(threads)
    files = planned.write()
    record = planned.record(str(model), files)
    if as_json:
        click.echo(json.dumps(finite(cast("JsonRecord", record)), indent=1))
    elif files:
        click.echo("\n".join(_lines(record)))
    else:
        write_csv(sys.stdout, planned.courses())
    failed = sum(word != "ok" for word in solution.status)
    if failed:
        raise NumericalFailuresError(failed, len(solution.codes), 0, Counter(solution.status))


def _lines(record: Record) -> list[str]:
    """Write how a run went."""
    words = ", ".join(f"{word} {number}" for word, number in record["status"].items())
    lines = [f"{record['subjects']} subjects, {record['times']} times; status: {words}"]
    for name, spread in (("steps", record["steps"]), *record["reduced"].items()):
        if spread:
            numbers = ", ".join(f"{word} {value:.6g}" for word, value in spread.items())
            lines.append(f"{name}: {numbers}")
    return [*lines, *(f"written: {file}" for file in record["files"])]


def finite(value: Json) -> Json:
    """Replace what JSON cannot hold, NaN and infinities, by their names."""
    if isinstance(value, Mapping):
        return {key: finite(each) for key, each in value.items()}
    if isinstance(value, list):
        return [finite(each) for each in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
