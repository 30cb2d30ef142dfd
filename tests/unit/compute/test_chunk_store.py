"""A chunk is whole or missing, whatever happened to its file."""

import errno
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eubiosis.compute.chunk_store import ChunkStore


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
