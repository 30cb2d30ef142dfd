"""A chunk is whole or missing, whatever happened to its file."""

import errno
import os
import shutil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eubiosis.compute.chunk_store import ChunkStore
from eubiosis.core.findings import FindingsError


@given(content=st.binary(max_size=200), place=st.floats(0, 1, exclude_max=True), change=st.integers(1, 255))
@settings(max_examples=60, deadline=None)
def test_a_flipped_byte_anywhere_makes_it_missing(tmp_path_factory, content, place, change):
    store = ChunkStore(tmp_path_factory.mktemp("store"), "key")
    store.write("a", content)
    assert store.read("a") == content
    file = store.folder / "a.chunk"
    damaged = bytearray(file.read_bytes())
    damaged[int(place * len(damaged))] ^= change
    file.write_bytes(damaged)
    assert store.read("a") is None
    file.write_bytes(file.read_bytes()[: int(place * len(damaged))])
    assert store.read("a") is None
    assert store.whole() == []
    assert store.names() == ["a"]


def test_another_key_and_another_name_are_missing(tmp_path):
    ChunkStore(tmp_path, "one").write("gut-00001", b"numbers")
    assert ChunkStore(tmp_path, "other").read("gut-00001") is None
    assert ChunkStore(tmp_path, "one").read("gut-00002") is None
    assert ChunkStore(tmp_path / "nowhere", "one").names() == []


def test_a_chunk_under_another_name_is_missing(tmp_path):
    store = ChunkStore(tmp_path, "key")
    store.write("gut-00001", b"numbers")
    shutil.copyfile(tmp_path / "gut-00001.chunk", tmp_path / "gut-00002.chunk")
    assert store.read("gut-00001") == b"numbers"
    assert store.read("gut-00002") is None
    with pytest.raises(FindingsError, match="chunk gut-00002: 1 finding"):
        store.demanded("gut-00002")


def test_a_file_with_no_name_of_a_chunk_is_none(tmp_path):
    store = ChunkStore(tmp_path, "key")
    store.write("a", b"1")
    for name in ("a (conflicted copy).chunk", ".a.chunk", "A.chunk", "a..b.chunk", "a.chunk.bak"):
        shutil.copyfile(tmp_path / "a.chunk", tmp_path / name)
    assert store.names() == store.whole() == ["a"]
    assert store.foreign() == []


def test_a_file_that_is_much_longer_than_a_chunk_is_not_read(tmp_path, monkeypatch):
    """Also where its head says so."""
    store = ChunkStore(tmp_path, "key")
    store.write("a", b"1234")
    store.write("b", b"1234")
    os.truncate(tmp_path / "a.chunk", 2**40)  # a hole
    monkeypatch.setattr("eubiosis.compute.chunk_store._MOST_BYTES", (tmp_path / "b.chunk").stat().st_size - 1)
    assert store.read("a") is None
    assert store.read("b") is None


def test_a_folder_that_is_a_link_is_neither_read_nor_written(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    ChunkStore(tmp_path / "elsewhere", "key").write("a", b"1")
    (tmp_path / "here").symlink_to(tmp_path / "elsewhere")
    store = ChunkStore(tmp_path / "here", "key")
    assert store.names() == []
    assert store.read("a") is None
    with pytest.raises(OSError, match="a link, where a folder of the run is expected"):
        store.write("b", b"2")
    assert [path.name for path in (tmp_path / "elsewhere").iterdir()] == ["a.chunk"]


@pytest.mark.parametrize("name", ["../a", "a/b", "", "A", "..", "a..b", "a\nb"])
def test_a_name_cannot_leave_the_folder(tmp_path, name):
    with pytest.raises(ValueError, match="no name of a chunk"):
        ChunkStore(tmp_path, "key").write(name, b"")


def test_a_full_disk_leaves_the_old_chunk_and_no_rest(tmp_path, monkeypatch):
    store = ChunkStore(tmp_path, "key")
    store.write("a", b"old")

    def full(handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        store.write("a", b"new")
    assert store.read("a") == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.chunk"]


def test_what_a_killed_writer_left_is_swept(tmp_path):
    store = ChunkStore(tmp_path, "key")
    store.write("a", b"1")
    (tmp_path / ".a.0123.new").write_bytes(b"half")
    store.sweep()
    assert [path.name for path in tmp_path.iterdir()] == ["a.chunk"]
