"""Parquet that somebody sent: notes of any bytes, text that is none, few bytes that hold a billion cells."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from eubiosis.core import frame_arrow
from eubiosis.core.findings import FindingsError
from eubiosis.core.frame import Table


def written(folder, table):
    pq.write_table(table, folder / "t.parquet")
    return folder / "t.parquet"


def test_notes_that_are_no_text_are_read_as_far_as_they_go(tmp_path):
    field = pa.field("a", pa.float64(), metadata={b"unit": b"k\xe3(g"})
    table = pa.table([[1.5]], schema=pa.schema([field], metadata={b"by\xff": b"\xe3("}))
    back = Table.read_parquet(written(tmp_path, table))
    assert back["a"].tolist() == [1.5]
    assert back.units["a"] == "k\ufffd(g"
    assert back.notes == {"by\ufffd": "\ufffd("}


def test_text_that_is_none_is_a_finding(tmp_path):
    cells = pa.Array.from_buffers(
        pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"\xe3(")]
    )
    with pytest.raises(FindingsError, match="no parquet file that can be read"):
        Table.read_parquet(written(tmp_path, pa.table({"a": cells})))


def test_more_cells_than_anybody_needs_are_refused_before_they_are_unpacked(tmp_path, monkeypatch):
    path = written(tmp_path, pa.table({"a": [0.0] * 1000, "b": [0.0] * 1000}))
    monkeypatch.setattr(frame_arrow, "MOST_CELLS", 1999)
    with pytest.raises(FindingsError, match="1,000 rows of 2 columns; at most 1,999 cells"):
        Table.read_parquet(path)
    monkeypatch.setattr(frame_arrow, "MOST_CELLS", 2000)
    assert len(Table.read_parquet(path)) == 1000
