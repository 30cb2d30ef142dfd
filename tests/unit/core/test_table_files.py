"""A table that grows on the disk reads back whole, and a failure is told once."""

import gc
import sys
from pathlib import Path

import pytest

from eubiosis.core.frame import Table, TableFile


def test_a_file_grows_by_row_groups(tmp_path):
    file = TableFile(tmp_path / "visits.parquet", {"origin": "simulated"})
    for week in (0, 12):
        file.add(Table({"week": [week]}, name="visits"))
    with pytest.raises(ValueError, match=r"schema|columns"):
        file.add(Table({"month": [1]}, name="visits"))
    file.close()
    table = Table.read_parquet(tmp_path / "visits.parquet")
    assert table["week"].tolist() == [0, 12]
    assert table.notes["origin"] == "simulated"
    with pytest.raises(ValueError, match="no tables"):
        TableFile(tmp_path / "none.parquet").close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_file_that_is_given_up_says_nothing_more(monkeypatch):
    said = []
    monkeypatch.setattr(sys, "unraisablehook", said.append)
    file = TableFile(Path("/dev/full"))
    with pytest.raises(OSError, match="No space left"):
        _grow(file)
    file.give_up()
    del file
    gc.collect()
    assert said == []


def _grow(file):
    for _ in range(50):
        file.add(Table({"week": list(range(5_000))}, name="visits"))
    file.close()
