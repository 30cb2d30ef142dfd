"""``eubiosis engine``: SBML models solved, and what the solver makes of the SBML semantic test suite."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from eubiosis.cli.engine_models import finite, info, run

if TYPE_CHECKING:
    from eubiosis.engine.conformance import Outcome


@click.group()
def engine() -> None:
    """The solver of SBML models."""


engine.add_command(info)
engine.add_command(run)


@engine.command()
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--cases", "names", default="", help="Only these cases, separated by commas: 00001,00107.")
@click.option(
    "--threads", type=click.IntRange(min=1), help="Threads to use (default: all cores that may be used)."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def conform(folder: Path, names: str, threads: int | None, as_json: bool) -> None:
    """Run the cases of the SBML semantic test suite in DIR and compare every number.

    Each case is a folder with a model, settings and results, named as in the suite or model.xml,
    settings.txt and results.csv. A case passes, is refused because of a feature that is named, or is
    wrong; exit status 1 when one is wrong.
    """
    from eubiosis.core.machine import available_cores
    from eubiosis.engine.conformance import count, find_cases, run_cases

    wanted = [name.strip() for name in names.split(",") if name.strip()]
    try:
        cases = find_cases(folder, wanted)
    except FileNotFoundError as error:
        raise click.UsageError(str(error)) from error
    outcomes = []
    for outcome in run_cases(cases, threads=threads or available_cores()):
        outcomes.append(outcome)
        if len(outcomes) % 100 == 0 or len(outcomes) == len(cases):
            click.echo(f"{len(outcomes)} of {len(cases)} cases", err=True)
    if as_json:
        click.echo(json.dumps(finite(count(outcomes)), indent=1))
    else:
        click.echo("\n".join(_lines(outcomes)))
    if any(outcome.verdict == "wrong" for outcome in outcomes):
        sys.exit(1)


def _lines(outcomes: Sequence[Outcome]) -> list[str]:
    """Write the counts, the features that cases were refused for, and every wrong case."""
    verdicts = Counter(outcome.verdict for outcome in outcomes)
    features = Counter(outcome.feature for outcome in outcomes if outcome.verdict == "refused")
    lines = [f"passed{verdicts['passed']:>8}", f"refused{verdicts['refused']:>7}"]
    lines += [f"{number:>14}  {feature}" for feature, number in features.most_common()]
    lines.append(f"wrong{verdicts['wrong']:>9}")
    for outcome in outcomes:
        if outcome.verdict == "wrong":
            first = outcome.difference
            text = f"  {outcome.case}  "
            if first is not None:
                text += f"{first.variable} at time {first.time:g}: got {first.got:.9g}, "
                text += f"expected {first.expected:.9g}; "
            lines.append(text + outcome.reason)
    return lines
