"""The tables of every simulated trial, written world by world: ``simulation.tables: all``.

A process turns the trials of a gut world into Parquet as they come, some at a time, and keeps only what is
compressed. The files of a table lie in one folder and are read as one data set.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from eubiosis.compute.chunk_store import ChunkStore
from eubiosis.compute.run_folder import table_stream
from eubiosis.core.columns import TableSchema
from eubiosis.core.frame import Table, TableStream
from eubiosis.core.table_schemas import (
    TRIAL_ADVERSE_EVENTS,
    TRIAL_EXPOSURE,
    TRIAL_INTERCURRENT,
    TRIAL_LATENT,
    TRIAL_RELAPSES,
    TRIAL_SUBJECTS,
    TRIAL_VISITS,
)
from eubiosis.core.trial_stacks import LatentStack, TrialStack
from eubiosis.trial.world.gut import MARKERS

ALL_TABLES: tuple[TableSchema, ...] = (
    TRIAL_SUBJECTS,
    TRIAL_VISITS,
    TRIAL_EXPOSURE,
    TRIAL_ADVERSE_EVENTS,
    TRIAL_RELAPSES,
    TRIAL_LATENT,
)


def tables_of(*, intercurrent: bool) -> tuple[TableSchema, ...]:
    """Return the tables of a run; that of intercurrent events only where its design has any."""
    return (*ALL_TABLES, TRIAL_INTERCURRENT) if intercurrent else ALL_TABLES


class WorldTables:
    """The tables of all trials of one gut world, growing while its trials are simulated.

    With ``real_profiles`` the latent table lacks the markers, which would give a person's composition away;
    ``intercurrent`` says whether the design has intercurrent events.
    """

    def __init__(self, *, real_profiles: bool, intercurrent: bool = False) -> None:
        self._real_profiles = real_profiles
        self._streams: dict[str, TableStream] = {
            schema.name: table_stream() for schema in tables_of(intercurrent=intercurrent)
        }

    def add(self, seen: TrialStack, truth: LatentStack) -> None:
        """Take in some trials."""
        latent = Table(truth.columns(), schema=TRIAL_LATENT)
        if self._real_profiles:
            latent = latent.select(*(name for name in latent.columns if name not in MARKERS))
        made = {
            TRIAL_SUBJECTS.name: Table(seen.subjects(), schema=TRIAL_SUBJECTS),
            TRIAL_VISITS.name: Table(seen.visits(), schema=TRIAL_VISITS),
            TRIAL_RELAPSES.name: Table(seen.relapses, schema=TRIAL_RELAPSES),
            TRIAL_LATENT.name: latent,
        }
        if seen.exposure:  # of the first trial of each pair of worlds
            made[TRIAL_EXPOSURE.name] = Table(seen.exposure, schema=TRIAL_EXPOSURE)
        if seen.adverse_events:
            made[TRIAL_ADVERSE_EVENTS.name] = Table(seen.adverse_events, schema=TRIAL_ADVERSE_EVENTS)
        if seen.intercurrent:
            made[TRIAL_INTERCURRENT.name] = Table(seen.intercurrent, schema=TRIAL_INTERCURRENT)
        for name, table in made.items():
            self._streams[name].add(table)

    def files(self) -> Mapping[str, bytes]:
        """Return a Parquet file for each table; nothing can be added afterwards."""
        return {name: stream.close() for name, stream in self._streams.items()}


def tables_store(chunks: ChunkStore) -> ChunkStore:
    """Return where the tables of finished gut worlds lie, beside their chunks."""
    return ChunkStore(chunks.folder / "tables", chunks.key)


def write_tables(store: ChunkStore, world: str, tables: WorldTables) -> None:
    """Write the tables of a gut world down; raises ``OSError`` where the disk does not take them."""
    for name, content in tables.files().items():
        store.write(_piece(world, name), content)


def are_whole(store: ChunkStore, world: str, *, intercurrent: bool = False) -> bool:
    """Say whether all tables of a gut world read back as they were written."""
    schemas = tables_of(intercurrent=intercurrent)
    return all(store.read(_piece(world, schema.name)) is not None for schema in schemas)


def files_of_run(
    chunks: ChunkStore, worlds: Iterator[str], *, intercurrent: bool = False
) -> Iterator[tuple[str, bytes]]:
    """Yield the path in a run folder and the content of every file, one at a time.

    Raises ``ExecutorError`` where one is gone that was there.
    """
    store = tables_store(chunks)
    for world in worlds:
        for schema in tables_of(intercurrent=intercurrent):
            content = store.demanded(_piece(world, schema.name))
            yield f"tables/all/{schema.name}/{world}.parquet", content


def _piece(world: str, table: str) -> str:
    return f"{world}.{table}"
