"""What is not known about a number of an edited module: its law, and why worlds do not draw it."""

from __future__ import annotations

from collections.abc import Collection
from fnmatch import fnmatchcase
from pathlib import Path

from eubiosis.core.findings import FindingCollector
from eubiosis.core.tables import read_table
from eubiosis.model.content import Content
from eubiosis.model.exchange.tsv import append_row, drop_rows
from eubiosis.model.numbers import HELD, WORLDS, HeldRow, WorldRow, standing

DEFINITION = {
    "low": "",
    "high": "",
    "uncertainty": "none",
    "variability": "",
    "level": "definition",
    "together": "",
}
REASON = "given by an edited module without a range: the same in every world"


def assumed_law(value: float) -> tuple[dict[str, str], str]:
    """Return the cells of an assumed number that came without a range, and words about it for its note.

    Half to twice: lognormal above zero, uniform below. A zero has no half and no double: a definition.
    """
    if value == 0:
        return dict(DEFINITION), "zero without a range: a definition"
    law = "lognormal" if value > 0 else "uniform"
    low, high = sorted((value / 2, value * 2))
    cells = {"low": repr(low), "high": repr(high), "uncertainty": law}
    return cells, "range assumed: half to twice"


def hold_assumed(staged: Path, content: Content, gone: Collection[str], mine: Collection[str]) -> None:
    """Give numbers of an edited module that no world draws a reason; drop reasons that hold nothing any more.

    ``content`` is what was there before, ``gone`` the numbers that were dropped, ``mine`` the ids that the
    module changed or added. All of ``mine`` are assumed.
    """
    findings = FindingCollector()
    drawn = {row.id for row in read_table(content.folder / WORLDS, WorldRow, findings)}
    patterns = [row.pattern for row in read_table(content.folder / HELD, HeldRow, findings)]
    findings.raise_if_any()
    rows = content.numbers
    held = {n for n, row in rows.items() if row.basis == "assumed" and _silent(content, n, drawn)} - {*gone}
    own = [n for n in mine if n not in rows or _silent(content, n, drawn)]
    first = {n: next((p for p in patterns if fnmatchcase(n, p)), None) for n in (*held, *own)}
    drop_rows(staged / HELD, "pattern", {*patterns} - {*first.values()})
    for name in own:
        if first[name] is None:
            append_row(staged / HELD, {"pattern": name, "reason": REASON})


def _silent(content: Content, name: str, drawn: Collection[str]) -> bool:
    return standing(content.numbers[name], drawn) == "held between worlds"
