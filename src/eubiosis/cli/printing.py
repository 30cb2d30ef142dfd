"""What several commands print in the same way."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from eubiosis.core.findings import spelled_out

if TYPE_CHECKING:
    from eubiosis.core.record import Plain

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_NO_TEXT = re.compile("[\x7f-\x9f\ud800-\udfff]")  # moves a terminal, or has no form in UTF-8
is_json_option = click.option(
    "--json", "as_json", is_flag=True, expose_value=False, help="Print JSON (it always is)."
)


def print_json(data: object) -> None:
    """Print a result as JSON on standard output; a number that is not finite is null, as JSON has none."""
    from eubiosis.core.record import as_json, as_record

    text = as_json(_finite(as_record(data)))
    click.echo(_NO_TEXT.sub(lambda found: f"\\u{ord(found[0]):04x}", text))


def print_line(text: str) -> None:
    """Print what a file decides as one line; its control characters are spelled out."""
    click.echo(spelled_out(text).replace("\n", "\\n"))


def _finite(value: Plain) -> Plain:
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def print_written(paths: Iterable[Path], *, as_json: bool, **more: object) -> None:
    """Print the files that were written: a path a line, or ``{"wrote": [...]}`` and ``more``."""
    names = [str(path) for path in paths]
    if as_json:
        print_json({"wrote": names, **more})
    else:
        for name in names:
            click.echo(name)
