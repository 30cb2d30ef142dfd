"""Participant flow as boxes from screening to completion, in the manner of a CONSORT diagram."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypedDict

from eubiosis.core.report_input import FlowRow, TrialReportInput
from eubiosis.report.trial.words import NOT_ESTIMABLE


class FlowBox(TypedDict):
    """One box: its heading and the lines under it; ``out`` marks those who left."""

    heading: str
    lines: list[str]
    out: bool


class FlowLevel(TypedDict):
    """One level of the diagram: one box for all, or one for each arm."""

    boxes: list[FlowBox]
    by_arm: bool


def flow_levels(report_input: TrialReportInput) -> list[FlowLevel]:
    """Return the levels, top to bottom: stages in all, reasons to leave, then the arms."""
    arms = [arm.name for arm in report_input.arms]
    levels: list[FlowLevel] = []
    for by_arm, out, rows in _grouped(report_input.flow):
        if by_arm:
            boxes = [_arm_box(arm, rows, out=out) for arm in arms]
        elif out:
            total = math.fsum(row.total for row in rows)
            boxes = [
                {"heading": f"not included: {whole(total)}", "lines": [_line(r) for r in rows], "out": True}
            ]
        else:
            boxes = [{"heading": _line(rows[0]), "lines": [], "out": False}]
        levels.append({"boxes": boxes, "by_arm": by_arm})
    return levels


def _grouped(flow: Sequence[FlowRow]) -> list[tuple[bool, bool, list[FlowRow]]]:
    """Gather rows that stand in one level: whether by arm, whether they left, and the rows."""
    levels: list[tuple[bool, bool, list[FlowRow]]] = []
    for row in flow:
        kind = (bool(row.by_arm), row.left)
        if row.left and levels and levels[-1][:2] == kind:
            levels[-1][2].append(row)
        else:
            levels.append((*kind, [row]))
    return levels


def _arm_box(arm: str, rows: Sequence[FlowRow], *, out: bool) -> FlowBox:
    lines = []
    for row in rows:
        value = row.by_arm.get(arm)
        note = f" ({row.note})" if row.note else ""
        lines.append(f"{row.stage}: {'–' if value is None else whole(value)}{note}")
    return {"heading": arm, "lines": lines, "out": out}


def _line(row: FlowRow) -> str:
    return f"{row.stage}: {whole(row.total)}" + (f" ({row.note})" if row.note else "")


def whole(value: float) -> str:
    """Write the mean count of a trial as a count; less than a half is said so.

    >>> whole(216.8), whole(0.2), whole(0.0)
    ('217', 'fewer than 1', '0')
    """
    if not math.isfinite(value):
        return NOT_ESTIMABLE
    return "fewer than 1" if 0 < value < 0.5 else f"{value:,.0f}"
