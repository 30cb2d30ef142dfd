"""The packaged gut worlds: which draw of each is the first that a healthy gut does not contradict.

Finding that draw is the dear part of a world (some ten draws are judged for each that passes). The table
keeps its place, and beside it stands a hash of everything that the judgement rests on; where the hash does
not match, worlds are looked for anew.
"""

from __future__ import annotations

import hashlib

from eubiosis.core.findings import FindingCollector
from eubiosis.core.provenance import Basis
from eubiosis.core.tables import TableRow, read_table, write_table
from eubiosis.model.content import Content
from eubiosis.model.derived import content_key
from eubiosis.model.draws import TABLE as CORRELATIONS
from eubiosis.model.model import Model
from eubiosis.model.numbers import WORLDS
from eubiosis.model.plausible import diet_rows, healthy_rows
from eubiosis.model.worlds import GutWorld, draw_gut_world, gut_worlds_at, passed_attempt

SEED = 2026
COUNT = 200
TABLE = "parameters/gut_worlds.tsv"
KEY_FILE = "parameters/gut_worlds.sha256"


class PassedRow(TableRow):
    """The first draw of a world that passes, counted from 0."""

    world: int
    attempt: int
    unit: str
    basis: Basis
    source: str


def worlds_key(model: Model) -> str:
    """Hash what decides which draws pass: numbers, modules, worlds, correlations and the targets asked."""
    digest = hashlib.sha256(content_key(model.content).encode())
    for name in (WORLDS, CORRELATIONS, "conditions/changes.tsv"):
        digest.update(name.encode() + b"\0" + (model.content.folder / name).read_bytes() + b"\0")
    for row in (*healthy_rows(model), *diet_rows(model)):
        digest.update(f"{row.id} {row.observable} {row.statistic} {row.low} {row.high}\0".encode())
    return digest.hexdigest()


def packaged(model: Model) -> bool:
    """Say whether the packaged draws are those of this model."""
    key_file = model.content.folder / KEY_FILE
    return key_file.is_file() and key_file.read_text(encoding="utf-8").strip() == worlds_key(model)


def gut_worlds(model: Model, count: int = COUNT) -> tuple[GutWorld, ...]:
    """Return gut worlds 1 to ``count`` of the packaged seed.

    From the packaged draws where they are those of the model; otherwise each is looked for, which takes
    some tenths of a second a world. Raises ``ArithmeticError`` as ``draw_gut_world`` does.
    """
    attempts = _attempts(model.content)[:count] if packaged(model) else []
    known = range(1, len(attempts) + 1)
    found = gut_worlds_at(model, known, attempts, SEED) if attempts else ()
    return (*found, *(draw_gut_world(model, k, SEED) for k in range(len(attempts) + 1, count + 1)))


def write_packaged(model: Model, count: int = COUNT) -> None:
    """Look for the passing draws and write table and hash into the content folder; takes minutes."""
    rows = [
        PassedRow(
            world=k,
            attempt=passed_attempt(model, k, SEED),
            unit="1",
            basis="derived",
            source="the first draw that a healthy gut does not contradict",
        )
        for k in range(1, count + 1)
    ]
    write_table(model.content.folder / TABLE, rows, tuple(PassedRow.model_fields))
    (model.content.folder / KEY_FILE).write_text(worlds_key(model) + "\n", encoding="utf-8", newline="\n")


def _attempts(content: Content) -> list[int]:
    findings = FindingCollector()
    rows = read_table(content.folder / TABLE, PassedRow, findings)
    findings.raise_if_any()
    return [row.attempt for row in sorted(rows, key=lambda row: row.world)]
