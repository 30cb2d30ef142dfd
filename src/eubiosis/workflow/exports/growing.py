"""Files of a table that grows: CSV and Parquet as one file, SAS transport cut where it grows large."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Literal, Protocol

from eubiosis.core.frame import Table, TableFile
from eubiosis.workflow.exports.adam_schemas import SIMULATED
from eubiosis.workflow.exports.transport import write_transport

Format = Literal["parquet", "csv", "xpt"]
MOST_ROWS = 200_000  # of a transport file, which is put together in memory


class Growing(Protocol):
    """A table on its way to the disk."""

    def add(self, table: Table) -> None:
        """Append rows; raises ``OSError`` where the disk refuses."""

    def close(self) -> list[str]:
        """Finish and return the names of the files."""

    def give_up(self) -> None:
        """Leave the files as they are."""


class GrowingCsv:
    """A header, then numbers with all their digits; a missing number is empty."""

    def __init__(self, folder: Path, name: str) -> None:
        self._path = folder / f"{name}.csv"

    def add(self, table: Table) -> None:
        """Append rows."""
        begun = self._path.exists()
        with self._path.open("a", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            if not begun:
                writer.writerow(table.columns)
            for row in zip(*table.to_pydict().values(), strict=True):
                writer.writerow("" if cell is None else cell for cell in row)

    def close(self) -> list[str]:
        """Finish."""
        return [self._path.name]

    def give_up(self) -> None:
        """Nothing is open."""


class GrowingParquet:
    """A row group for each table that is added."""

    def __init__(self, folder: Path, name: str) -> None:
        self._name = f"{name}.parquet"
        self._file = TableFile(folder / self._name, {"origin": SIMULATED})

    def add(self, table: Table) -> None:
        """Append rows."""
        self._file.add(table)

    def close(self) -> list[str]:
        """Finish."""
        self._file.close()
        return [self._name]

    def give_up(self) -> None:
        """Leave the file as it is."""
        self._file.give_up()


class GrowingTransport:
    """SAS transport: ``adlb.xpt``, or ``adlb1.xpt``, ``adlb2.xpt`` and so on of a table with many rows."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._stem = folder, name
        self._held: list[Table] = []
        self._names: list[str] = []

    def add(self, table: Table) -> None:
        """Append rows."""
        if self._held and sum(map(len, self._held)) + len(table) > MOST_ROWS:
            self._write(f"{self._stem}{len(self._names) + 1}.xpt")
        self._held.append(table)

    def close(self) -> list[str]:
        """Finish."""
        self._write(f"{self._stem}{len(self._names) + 1}.xpt" if self._names else f"{self._stem}.xpt")
        return self._names

    def give_up(self) -> None:
        """Nothing is open."""

    def _write(self, name: str) -> None:
        write_transport(Table.concat(self._held), self._folder / name)
        self._held = []
        self._names.append(name)


GROWING: dict[Format, Callable[[Path, str], Growing]] = {
    "parquet": GrowingParquet,
    "csv": GrowingCsv,
    "xpt": GrowingTransport,
}
