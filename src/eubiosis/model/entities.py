"""The entities of the field's picture: what each one is in this project, and in which file it lives.

``content/entities.tsv`` gives every entity of ``content/evidence/entities.tsv`` one status. A *state* has a
rate equation, a *rule* acts on states (an assigned quantity, a number, an input, a form of disease or a
condition), an *observable* is read out and acts on nothing, a *prior-only edge* is known by its direction
without a size and is off or in the knowledge graph alone, and a *name* is only named.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal, get_args

from eubiosis.core.findings import FindingCollector, unknown_word
from eubiosis.core.tables import TableRow, check_unique, display_name, read_table
from eubiosis.model.content import Content
from eubiosis.model.modules import AntimonyModule

TABLE = "entities.tsv"
NAMED = "evidence/entities.tsv"
Status = Literal["state", "rule", "observable", "prior-only edge", "name"]
STATUSES: tuple[Status, ...] = get_args(Status)


class EntityRow(TableRow):
    """An entity, its status, the quantity, form, condition, path or node that it is, and the file of that."""

    kind: str
    name: str
    id: str
    status: Status
    quantity: str = ""
    file: str
    note: str = ""


class NamedEntity(TableRow):
    """An entity as the evidence tables name it."""

    kind: str
    name: str
    id: str
    description: str = ""
    wrong_tag: str = ""
    note: str = ""


class _Node(TableRow):
    id: str
    label: str
    kind: str
    ontology_id: str = ""
    harm: str = ""
    names: str = ""


def read_entities(folder: Path, findings: FindingCollector | None = None) -> list[EntityRow]:
    """Read the statuses of a content folder; raises ``FindingsError`` when no collector is given."""
    own = findings if findings is not None else FindingCollector()
    rows = read_table(folder / TABLE, EntityRow, own)
    if findings is None:
        own.raise_if_any()
    return rows


def counts(rows: Iterable[EntityRow]) -> dict[str, int]:
    """Count the entities of each status, in the order of ``STATUSES``."""
    statuses = [row.status for row in rows]
    return {status: statuses.count(status) for status in STATUSES}


def sentence(rows: list[EntityRow]) -> str:
    """Say in one sentence how many entities are what."""
    first, *rest, last = (f"{n} {'an' if s == 'observable' else 'a'} {s}" for s, n in counts(rows).items())
    shares = ", ".join((first.replace(" ", " are ", 1), *rest))
    return f"Of {len(rows)} entities of the field's picture {shares} and {last}."


def check_entities(
    content: Content,
    modules: dict[str, AntimonyModule],
    prior_only: frozenset[str],
    findings: FindingCollector,
) -> list[EntityRow]:
    """Report entities without a status, and statuses whose quantity or file is not there.

    ``prior_only`` names the paths that are known without a size.
    """
    rows = read_entities(content.folder, findings)
    named = read_table(content.folder / NAMED, NamedEntity, findings)
    file = display_name(content.folder / TABLE)
    check_unique([(f"{row.name} ({row.id})", row.name) for row in rows], file, "entity", findings)
    given = {(row.name, row.id) for row in rows}
    for entity in named:
        if (entity.name, entity.id) not in given:
            findings.add(
                file,
                "",
                f"no status for {entity.name} ({entity.id})",
                allowed=", ".join(STATUSES),
                next_step=f"add a row for every entity of {NAMED}",
            )
    known = _known(content, modules, prior_only, findings)
    for row in rows:
        if not (content.folder / row.file).is_file():
            findings.add(file, row.name, f"there is no file {row.file}", next_step="correct the file")
        if row.status == "name":
            if row.quantity:
                findings.add(file, row.name, "a name with a quantity", next_step="empty the cell")
        elif row.quantity not in known[row.status]:
            findings.add(file, row.name, f"{row.status} {unknown_word(row.quantity, known[row.status])}")
    return rows


def _known(
    content: Content,
    modules: dict[str, AntimonyModule],
    prior_only: frozenset[str],
    findings: FindingCollector,
) -> dict[str, frozenset[str]]:
    states = frozenset(state for module in modules.values() for state in module.states)
    assigned = frozenset(t for module in modules.values() for t in module.defines) - states
    numbers = frozenset(content.numbers)
    inputs = frozenset(row.id for row in content.interface if row.direction == "input")
    forms = frozenset(form.person for form in content.forms)
    conditions = frozenset(row.condition for row in content.conditions)
    nodes = frozenset(n.id for n in read_table(content.folder / "evidence/nodes.tsv", _Node, findings))
    return {
        "state": states,
        "rule": assigned | numbers | inputs | forms | conditions,
        "observable": assigned | numbers,
        "prior-only edge": nodes | prior_only,
    }
