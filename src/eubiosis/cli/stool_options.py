"""Options of every command that reads a stool table, and the sign of life while a large one is read."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar, cast

import click

from eubiosis.core.findings import FindingCollector
from eubiosis.population.stool.options import BLANKS, FORMATS
from eubiosis.population.stool.scale import SCALES
from eubiosis.population.stool.table import StoolTable, read_stool_table

if TYPE_CHECKING:
    from eubiosis.population.stool.checks import Orientation
    from eubiosis.population.stool.options import Blanks, Format, Progress
    from eubiosis.population.stool.scale import Scale

Command = TypeVar("Command", bound=Callable[..., Any])
_LONG = 20_000_000  # bytes of a file from which on progress is shown
_STEP = 0.25  # of a stage, where standard error is no terminal


class Reading(TypedDict):
    """What a user said about a table, by the names of ``reading_options``."""

    orientation: Orientation | None
    scale: Scale | None
    taxonomy: Path | None
    form: Format | None
    rank: str | None
    blanks: Blanks
    ignore: tuple[str, ...]
    platform: str


def reading_options(command: Command) -> Command:
    """Add the options that say what a stool table is."""
    options = (
        click.option("--orientation", type=click.Choice(["samples_in_rows", "samples_in_columns"]),
                     help="Which way round the table lies (else: seen from the names)."),
        click.option("--scale", type=click.Choice(SCALES), help="What the cells are (else: seen)."),
        click.option("--taxonomy", type=click.Path(path_type=Path), help="Second file: lineages."),
        click.option("--format", "form", type=click.Choice(FORMATS), help="What the file is (else: seen)."),
        click.option("--rank", type=click.Choice(("genus", "species", "family")),
                     help="Rank taken of a profile of many."),
        click.option("--blanks", type=click.Choice(BLANKS), default="refuse", help="What blank cells are."),
        click.option("--ignore", multiple=True, metavar="COLUMN", help="Leave a column out (repeatable)."),
        click.option("--platform", default="", metavar="TEXT", help="How the reads were made."),
    )  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


def read_table(
    path: Path, groups: str | None, said: Reading, findings: FindingCollector
) -> StoolTable | None:
    """Read a table with its groups (``FILE:COLUMN`` or a column of the table); findings are collected."""
    file, _, column = (groups or "").rpartition(":")
    return read_stool_table(
        path,
        findings,
        metadata=Path(file) if file else None,
        id_column="",
        group_column=column,
        orientation=said["orientation"],
        scale=said["scale"],
        taxonomy=said["taxonomy"],
        format=said["form"],
        rank=said["rank"] or "",
        blanks=said["blanks"],
        ignore=said["ignore"],
        platform=said["platform"],
        progress=progress_of(path),
    )


def reading(given: dict[str, object]) -> Reading:
    """Return the reading options out of a command's arguments."""
    return cast("Reading", {key: given[key] for key in Reading.__annotations__})


def progress_of(path: Path) -> Progress | None:
    """Return what shows on standard error how far a long reading is; None for a small file."""
    try:
        size = path.stat().st_size
    except OSError:
        return None
    if size < _LONG:
        return None
    terminal, shown = sys.stderr.isatty(), dict[str, float]()

    def show(doing: str, share: float) -> None:
        last = shown.get(doing, -1.0)
        if terminal:
            end = "\n" if share >= 1 else ""
            click.echo(f"\r{path.name}: {doing} {share:4.0%}", err=True, nl=False)
            click.echo(end, err=True, nl=False)
        elif last < 0 or share >= min(last + _STEP, 1.0) > last:
            click.echo(f"{path.name}: {doing} {share:.0%}", err=True)
        else:
            return
        shown[doing] = share

    return show
