"""The observed tables of a run's first trial, some people at a time: nobody holds a large trial whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import numpy as np

from eubiosis.core.columns import TableSchema
from eubiosis.core.findings import Finding, FindingsError
from eubiosis.core.frame import Table
from eubiosis.core.table_schemas import (
    OBSERVED_ADVERSE_EVENTS,
    OBSERVED_RELAPSES,
    OBSERVED_SUBJECTS,
    OBSERVED_VISITS,
)

Observations: TypeAlias = tuple[Table, Table, Table, Table]
"""Subjects, visits, relapses and adverse events of the same people."""
_TOGETHER = 500  # people of a large trial


def observed_people(run: Path) -> Iterator[Observations]:
    """Yield what was observed of the people of a finished run, in the order of their entry.

    A trial that was not cut comes at once, one in parts some 500 people at a time. Raises ``FindingsError``
    where subjects or visits are missing; of the others there is none where nothing happened.
    """
    tables = run / "tables"
    if not (tables / OBSERVED_SUBJECTS.name).is_dir():
        yield _tables(run, "")
        return
    for path in sorted((tables / OBSERVED_SUBJECTS.name).glob("*.parquet")):
        subjects, *others = _tables(run, path.name)
        people = subjects["subject"]
        where = [np.searchsorted(np.sort(people), table["subject"]) for table in others]
        for begin in range(0, len(people), _TOGETHER):
            some = [
                table.filter((rows >= begin) & (rows < begin + _TOGETHER))
                for table, rows in zip(others, where, strict=True)
            ]
            rows = np.argsort(people, kind="stable")[begin : begin + _TOGETHER]
            yield (subjects.take(np.sort(rows)), some[0], some[1], some[2])


def _tables(run: Path, part: str) -> Observations:
    return (
        _read(run, OBSERVED_SUBJECTS, part, demanded=True),
        _read(run, OBSERVED_VISITS, part, demanded=True),
        _read(run, OBSERVED_RELAPSES, part),
        _read(run, OBSERVED_ADVERSE_EVENTS, part),
    )


def _read(run: Path, schema: TableSchema, part: str, *, demanded: bool = False) -> Table:
    name = f"tables/{schema.name}/{part}" if part else f"tables/{schema.name}.parquet"
    if (run / name).is_file():
        return Table.read_parquet(run / name)
    if demanded:
        raise FindingsError([Finding(str(run), name, "is missing", "a run of a trial")])
    return Table({column.name: [] for column in schema.columns if not column.optional}, schema=schema)
