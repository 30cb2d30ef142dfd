"""What is known of the shipped worlds: how they were made, and how many of them meet each row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from eubiosis.calibration.roles import join, read_tables, roles_hash
from eubiosis.calibration.worlds import ROWS
from eubiosis.core.findings import FindingCollector
from eubiosis.core.tables import TableRow, read_table
from eubiosis.model.content import Content, TargetRow
from eubiosis.model.model import Model
from eubiosis.model.shipped import FOLDER, Shipped, shipped, targets_key


class MetRow(TableRow):
    """What a row of the target table meets among draws of the prior and among the worlds.

    The role is that of ``roles.tsv``.
    """

    id: str
    half: str
    role: str
    used: str
    prior_share: float | None = None
    share: float | None = None
    prior_low: float | None = None
    prior_median: float | None = None
    prior_high: float | None = None
    worlds_low: float | None = None
    worlds_median: float | None = None
    worlds_high: float | None = None


@dataclass(frozen=True)
class Shown:
    """The shipped worlds, what the rows say to them, and what has changed since they were made."""

    found: Shipped
    rows: tuple[tuple[TargetRow, MetRow], ...]
    remarks: tuple[str, ...]


def show(model: Model) -> Shown:
    """Return the shipped worlds with what each row says to them; raises ``FindingsError``."""
    content, findings = model.content, FindingCollector()
    found, met = shipped(model), _met(model.content, findings)
    findings.raise_if_any()
    joined = join(read_tables(content))
    now = {row.id: row.role for row in joined}
    by_id = {row.id: row for row in content.targets}
    remarks = [*found.reasons, *found.absent]
    rows_now = {"targets_key": targets_key(content), "roles_sha256": roles_hash(joined)}
    halves: tuple[tuple[Literal["gut", "history"], str], ...] = (
        ("gut", "the gut"),
        ("history", "the natural history"),
    )
    remarks += [
        f"the target table or the roles have changed since the worlds of {name} were made: shares are of the "
        "rows as they were"
        for half, name in halves
        if f"{half}_key" in found.made
        and any(found.how(half, word) != value for word, value in rows_now.items())
    ]
    rows = tuple(
        (by_id[row.id], row.model_copy(update={"role": now.get(row.id, row.role)}))
        for row in met
        if row.id in by_id
    )
    return Shown(found, rows, tuple(remarks))


def missed_by_all(rows: Sequence[tuple[TargetRow, MetRow]], most: float = 0.01) -> tuple[TargetRow, ...]:
    """Return the rows that at most this share of the worlds meets."""
    return tuple(target for target, met in rows if met.share is not None and met.share <= most)


def _met(content: Content, findings: FindingCollector) -> list[MetRow]:
    path = content.folder / FOLDER / ROWS
    return read_table(path, MetRow, findings) if path.is_file() else []
