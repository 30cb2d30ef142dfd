"""Put the estimated discrepancies into the table of named ones, in place of what was assumed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from eubiosis.calibration.discrepancy import Residual, estimate, responses
from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.findings import FindingCollector
from eubiosis.core.tables import TableRow, read_table, write_table
from eubiosis.model.content import Content
from eubiosis.model.discrepancy import TABLE, DiscrepancyRow, read_discrepancies

LEFT_OUT = "worlds_left_out.tsv"
CLASS_ROWS = {"guilds": "guild", "stool_acids": "stool_acid"}
# named discrepancy -> the target row that measured what it is of
NAMED = {
    "FAE_fibre": "N026",
    "CLO_fibre": "N032",
    "VEI_fibre": "N029",
    "RUM_fibre": "N023",
    "acetate_inulin": "N013",
    "ROS_inulin": "N011",
    "acetate_ms": "N041",
}


class LeftOutRow(TableRow):
    """One row against worlds that were not matched to its study, as logarithms; see ``Residual``."""

    id: str
    study: str
    kind: str
    log_off: float
    explained_variance: float
    predicted_log_ratio: float


class DiscrepancySeen(TableRow):
    """The discrepancy of a kind of quantity without a scored study ("" for none left out)."""

    kind: str
    scored_study: str = ""
    sd: float
    rows: int
    studies: int
    full_at: float


@cache
def discrepancies_seen() -> tuple[DiscrepancySeen, ...]:
    """Read the packaged discrepancies with each study left out in turn; raises ``FindingsError``."""
    findings = FindingCollector()
    path = PACKAGED_CONTENT / "calibration" / "worlds_discrepancy.tsv"
    rows = read_table(path, DiscrepancySeen, findings)
    findings.raise_if_any()
    return tuple(rows)


def read_left_out(folder: Path, content: Content) -> tuple[Residual, ...]:
    """Read the residuals that ``eubiosis calibration worlds`` wrote; raises ``FindingsError``."""
    findings = FindingCollector()
    rows = read_table(folder / LEFT_OUT, LeftOutRow, findings)
    targets = {row.id: row for row in content.targets}
    for row in rows:
        if row.id not in targets:
            findings.add(LEFT_OUT, row.id, "no such row in the target table", next_step="remake the worlds")
    findings.raise_if_any()
    return tuple(
        Residual(
            targets[row.id], row.study, row.kind, row.log_off, row.explained_variance, row.predicted_log_ratio
        )
        for row in rows
    )


def estimated(rows: Sequence[DiscrepancyRow], left_out: Sequence[Residual]) -> tuple[DiscrepancyRow, ...]:
    """Return the table with estimates in place of assumptions.

    A named row keeps its place where its own residual leaves more than its class has, and goes where the
    class covers it; what no residual measures stays as it is.
    """
    by_target = {each.row.id: each for each in left_out}
    sizes: dict[str, float] = {}
    found: list[DiscrepancyRow] = []
    for row in rows:
        if row.id in CLASS_ROWS:
            row = _of_class(row, left_out)  # noqa: PLW2901  # the row as it will stand
            sizes[row.quantity] = row.sd or 0.0
        elif NAMED.get(row.id) in by_target:
            named = _named(row, by_target[NAMED[row.id]], sizes)
            if named is None:
                continue
            row = named  # noqa: PLW2901
        found.append(row)
    return tuple(found)


def write_estimated(content: Content, folder: Path) -> tuple[DiscrepancyRow, ...]:
    """Write the table of a content with the estimates of a folder of worlds, and return it."""
    rows = estimated(read_discrepancies(content), read_left_out(folder, content))
    write_table(content.folder / TABLE, rows, tuple(DiscrepancyRow.model_fields))
    return rows


def _of_class(row: DiscrepancyRow, left_out: Sequence[Residual]) -> DiscrepancyRow:
    made = estimate(left_out, CLASS_ROWS[row.id])
    if made is None or made.sd <= 0:
        return row
    studies = sorted({each.study for each in responses(left_out, made.kind)})
    return row.model_copy(
        update={
            "sd": float(f"{made.sd:.2g}"),
            "basis": "derived",
            "source": f"calibration/{LEFT_OUT}: {made.rows} figures of {made.studies} studies",
            "note": "what worlds matched without a study leave of its figures, beyond their own error "
            f"and the spread of the worlds: {', '.join(studies)}",
            "full_at": float(f"{made.full_at:.2g}"),
        }
    )


def _named(row: DiscrepancyRow, own: Residual, sizes: Mapping[str, float]) -> DiscrepancyRow | None:
    sd = max(own.left, 0.0) ** 0.5
    contrast = own.row.statistic == "over_healthy"
    covered = 0.0 if contrast else sizes.get(own.kind, 0.0)
    if sd <= covered:
        return None
    return row.model_copy(
        update={
            "sd": float(f"{sd:.2g}"),
            "basis": "derived",
            "source": f"calibration/{LEFT_OUT}: {own.row.id}",
            "note": f"what worlds matched without {own.study} leave of its figure: predicted "
            f"{math.exp(own.moved):.2f}, measured {own.row.target:g}",
        }
    )
