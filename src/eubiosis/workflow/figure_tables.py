"""The tables behind the figures of a trial's report, made from what the report shows."""

from __future__ import annotations

from collections.abc import Sequence

from eubiosis.core.columns import TableSchema
from eubiosis.core.figure_schemas import FIGURE_CLOCKS, FIGURE_COURSES, FIGURE_LINES, FIGURE_WEEK_CHANGES
from eubiosis.core.frame import Table
from eubiosis.core.report_input import TrialReportInput

Cell = str | float | int | bool


def figure_tables(report_input: TrialReportInput) -> dict[str, Table]:
    """Return a table for each figure that the report has, by name; none for a figure without data."""
    made = (
        (FIGURE_CLOCKS, _clocks(report_input)),
        (FIGURE_COURSES, _courses(report_input)),
        (FIGURE_LINES, _lines(report_input)),
        (FIGURE_WEEK_CHANGES, _week_changes(report_input)),
    )
    return {schema.name: _table(schema, rows) for schema, rows in made if rows}


def _table(schema: TableSchema, rows: Sequence[tuple[Cell, ...]]) -> Table:
    columns = zip(*rows, strict=True)
    return Table({name: list(own) for name, own in zip(schema.names, columns, strict=True)}, schema=schema)


def _clocks(report_input: TrialReportInput) -> list[tuple[Cell, ...]]:
    return [
        (curve.outcome, curve.arm, *row)
        for curve in report_input.clocks
        for row in zip(
            curve.weeks, curve.median, curve.low, curve.high, curve.at_risk, curve.read, strict=True
        )
    ]


def _courses(report_input: TrialReportInput) -> list[tuple[Cell, ...]]:
    return [
        (band.endpoint, arm, week, level, value)
        for band in report_input.courses
        for arm, rows in band.by_arm.items()
        for week, quantiles in zip(band.weeks, rows, strict=True)
        for level, value in zip(band.levels, quantiles, strict=True)
    ]


def _lines(report_input: TrialReportInput) -> list[tuple[Cell, ...]]:
    return [
        (line.endpoint, line.arm, line.subject, week, value)
        for line in report_input.course_lines
        for week, value in zip(line.weeks, line.values, strict=True)
    ]


def _week_changes(report_input: TrialReportInput) -> list[tuple[Cell, ...]]:
    return [
        (
            row.endpoint,
            row.arm,
            week,
            row.median[v],
            row.found_in[v] if row.found_in else float("nan"),
            row.found_first[v] if row.found_first else False,
        )
        for row in report_input.week_changes
        for v, week in enumerate(row.weeks)
    ]
