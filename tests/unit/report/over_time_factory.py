"""Made-up rows of clocks, changes by week and lines for a report. Nothing in them was simulated."""

from __future__ import annotations

import dataclasses

import numpy as np

from eubiosis.core.over_time import ClockCurve, CourseLine, WeekChange
from eubiosis.core.report_input import TrialReportInput

WEEKS = (0.0, 12.0, 24.0, 36.0, 48.0)
OUTCOMES = {
    "first_relapse": ("Free of relapse", "share of people"),
    "progression": ("Free of confirmed progression", "share of people"),
    "relapses": ("Cumulative relapses", "relapses a person"),
}


def with_over_time(made: TrialReportInput, **changes: object) -> TrialReportInput:
    """Return the report with clocks, changes by week and lines for each of its arms."""
    arms = [arm.name for arm in made.arms]
    clocks = tuple(_curve(outcome, arm, k) for outcome in OUTCOMES for k, arm in enumerate(arms))
    lines = tuple(
        CourseLine(
            "mfis", arm, 10 * k + j, WEEKS[: 5 - j], tuple(30.0 + 4 * j + w / 8 for w in WEEKS[: 5 - j])
        )
        for k, arm in enumerate(arms)
        for j in range(3)
    )
    changes_by_week = tuple(
        _change(row, arm, control=arm == arms[0])
        for row in (
            ("guild", "share_BIF", "Bifidobacterium", 1.2),
            ("guild", "share_ROS", "Roseburia and kin", -0.4),
            ("stool", "stool_butyrate", "Butyrate in stool", 0.1),
            ("plasma", "plasma_acetate", "Acetate in plasma", 0.0),
        )
        for arm in arms
    )
    added = {"clocks": clocks, "course_lines": lines, "week_changes": changes_by_week, **changes}
    return dataclasses.replace(made, **added)


def _curve(outcome: str, arm: str, k: int) -> ClockCurve:
    label, unit = OUTCOMES[outcome]
    fall = np.arange(5) * (0.05 + 0.01 * k)
    middle = fall if outcome == "relapses" else 1 - fall
    return ClockCurve(
        outcome=outcome, label=label, unit=unit, arm=arm, weeks=WEEKS,
        median=tuple(middle.tolist()),
        low=tuple(np.clip(middle - fall / 2, 0, 1).tolist()),
        high=tuple(np.clip(middle + fall / 2, 0, 1).tolist()),
        at_risk=(40.0, 38.2, 36.6, 34.4, 31.7), read=(400, 400, 400, 400, 399), trials=400, per_pair=10,
        replicates=10, people=40.0, events=8.2, note="a made-up event",
    )  # fmt: skip


def _change(row: tuple, arm: str, *, control: bool) -> WeekChange:
    group, endpoint, quantity, size = row
    values = tuple(0.02 if control else size * share for share in (0.7, 0.9, 1.0, 1.1))
    seen = () if control else tuple(abs(v) > 1 for v in values)
    return WeekChange(
        group, endpoint, quantity, arm, WEEKS[1:], values,
        () if control else tuple(0.8 * s for s in seen), seen, 40, 40.0, block_only=False,
    )  # fmt: skip
