"""Which numbers are drawn where: in worlds, for each person, or not at all, and then why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from fnmatch import fnmatchcase
from typing import Literal

from eubiosis.core.findings import FindingCollector
from eubiosis.core.provenance import SourcedNumber
from eubiosis.core.tables import TableRow, check_unique, read_table
from eubiosis.model.content import Content
from eubiosis.model.draws import TABLE as CORRELATIONS
from eubiosis.model.draws import CorrelationRow, whole_groups

WORLDS, HELD = "worlds.tsv", "parameters/held.tsv"
Standing = Literal["drawn in worlds", "drawn per person", "definition", "held between worlds"]
STANDINGS: tuple[Standing, ...] = (
    "drawn in worlds",
    "drawn per person",
    "definition",
    "held between worlds",
)
READ_IN_FULL = ("full_text", "table", "abstract", "data_file")


class WorldRow(TableRow):
    """A number that differs between worlds, and why."""

    id: str
    part: Literal["gut", "host"]
    note: str


class HeldRow(TableRow):
    """Why the assumed numbers whose ids match ``pattern`` (with * and ?) stay the same in every world."""

    pattern: str
    reason: str


def is_read(row: SourcedNumber) -> bool:
    """Whether the number itself was read: it is not assumed, and its source was read at first hand."""
    return row.basis != "assumed" and row.read in READ_IN_FULL


def shares_read(rows: Collection[SourcedNumber]) -> dict[str, float]:
    """Return the share of numbers by how far their source was read; an assumed number counts as not read."""
    words = ("full_text", "table", "abstract", "data_file", "secondary", "not read")
    counts = Counter(row.read if row.basis != "assumed" and row.read else "not read" for row in rows)
    return {word: counts[word] / max(len(rows), 1) for word in words}


def standing(row: SourcedNumber, drawn: Collection[str]) -> Standing:
    """Say where a number is drawn; ``drawn`` names those that worlds draw."""
    if row.level == "definition":
        return "definition"
    if row.id in drawn:
        return "drawn in worlds"
    return "drawn per person" if row.level in ("person", "visit") else "held between worlds"


def standings(content: Content, drawn: Collection[str]) -> dict[Standing, int]:
    """Count the assumed numbers of the model by where they are drawn."""
    rows = [row for row in content.numbers.values() if row.basis == "assumed"]
    counts = Counter(standing(row, drawn) for row in rows)
    return {word: counts[word] for word in STANDINGS}


def check_draws(content: Content, findings: FindingCollector) -> None:
    """Find numbers that are drawn though they have no law, groups drawn in part, and silent assumptions."""
    worlds = read_table(content.folder / WORLDS, WorldRow, findings)
    check_unique([(row.id, row.id) for row in worlds], content.file(WORLDS), "number", findings)
    drawn = {row.id for row in worlds}
    for row in worlds:
        number = content.numbers.get(row.id)
        if number is None:
            findings.add(content.file(WORLDS), row.id, "unknown number", next_step="correct the id")
        elif not number.uncertain:
            findings.add(
                content.file(WORLDS),
                row.id,
                "a number without uncertainty cannot be drawn",
                next_step=f"name its law and its range in {content.table_of[row.id]}",
            )
    _check_groups(content, drawn, findings)
    _check_held(content, drawn, findings)


def _check_groups(content: Content, drawn: Collection[str], findings: FindingCollector) -> None:
    complete = whole_groups(content.numbers)
    for group, members in complete.items():
        if len(members) == 1:
            findings.add(
                content.file(content.table_of[members[0]]),
                members[0],
                f"alone in {group}",
                allowed="two members or more",
                next_step="clear the column together, or name the group of another number too",
            )
        laws = {content.numbers[name].uncertainty for name in members}
        if group.startswith("whole:") and "dirichlet" in laws and len(laws) > 1:
            findings.add("parameters", group, "some members are dirichlet and some are not")
        missing = [name for name in members if name not in drawn]
        if missing and len(missing) < len(members):
            findings.add(
                content.file(WORLDS),
                group,
                f"drawn together, but without {', '.join(missing)}",
                next_step="list every member of the group, or none",
            )
    for pair in read_table(content.folder / CORRELATIONS, CorrelationRow, findings):
        for name in (pair.first, pair.second):
            if name not in complete.get(pair.group, ()):
                findings.add(content.file(CORRELATIONS), name, f"no member of {pair.group}")
        if not -1 < pair.correlation < 1:
            findings.add(
                content.file(CORRELATIONS), f"{pair.first}, {pair.second}", "correlation outside (-1, 1)"
            )


def _check_held(content: Content, drawn: Collection[str], findings: FindingCollector) -> None:
    """Every assumed number is drawn, a definition, or held for a reason; every reason holds something."""
    file = content.file(HELD)
    held = read_table(content.folder / HELD, HeldRow, findings)
    used: set[str] = set()
    for name, row in content.numbers.items():
        if row.basis != "assumed" or standing(row, drawn) != "held between worlds":
            continue
        match = next((each.pattern for each in held if fnmatchcase(name, each.pattern)), None)
        if match is None:
            findings.add(
                file,
                name,
                "assumed, yet the same in every world without a reason",
                allowed="a row in worlds.tsv, or a reason in held.tsv",
                next_step=f"draw {name} in worlds, or say why it is held",
            )
        else:
            used.add(match)
    for each in held:
        if each.pattern not in used:
            findings.add(file, each.pattern, "holds no number", next_step="remove the row")
