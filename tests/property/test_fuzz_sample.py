"""A sample of ``benchmarks/fuzz.py``: malformed files of every kind are read or are findings."""

import os
import random
import tempfile
import time
from pathlib import Path

import pytest

from eubiosis.compute import run_lock
from eubiosis.population.stool import hdf5_files

fuzzing = pytest.importorskip("benchmarks.fuzz")
mutations = pytest.importorskip("benchmarks.fuzzing.mutations")
watched = pytest.importorskip("benchmarks.fuzzing.watched")
linux = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs an alarm clock")
# a child that is forked has no other thread; JAX and the like are not loaded here
forks = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


@linux
@forks
def test_a_sample_of_malformed_files_ends_in_results_or_findings(capsys):
    began, settings = time.monotonic(), (run_lock._BEAT, hdf5_files.LEAST_SECONDS, hdf5_files._held)
    counts = fuzzing.fuzz(195, seed=17)
    # other tests run in this process
    assert (run_lock._BEAT, hdf5_files.LEAST_SECONDS, hdf5_files._held) == settings
    with capsys.disabled():
        print(f" [fuzz: 195 files of {len(counts)} kinds in {time.monotonic() - began:.0f} s] ", end="")
    assert [text for count in counts.values() for text in count.failures] == []
    assert len(counts) == len(fuzzing.kinds())
    assert {count.cases for count in counts.values()} == {5, 10}


@linux
@forks
def test_what_must_not_happen_is_seen(tmp_path, monkeypatch):
    def raises(folder, content):
        raise KeyError("no such column")

    def writes(folder, content):
        (tmp_path / "elsewhere").write_bytes(content)

    def sleeps(folder, content):
        time.sleep(60)

    def dies(folder, content):
        os.kill(os.getpid(), 9)

    def grows(folder, content):
        bytearray(2**33)

    watch = watched.Watch()
    assert watched.attempt(raises, b"", watch).startswith("traceback: KeyError")
    assert watched.attempt(writes, b"", watch) == f"write elsewhere: open {tmp_path / 'elsewhere'}"
    assert (
        watched.attempt(lambda folder, content: (folder / "inside").write_bytes(content), b"", watch) == "ok"
    )
    assert len({mutations.mutated(b"good: 1\n", random.Random(k)) for k in range(50)}) > 30
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    monkeypatch.setattr(watched, "HANG", 2)
    monkeypatch.setattr(watched, "GUARDED", 1.0)
    for reader, guarded, said in (
        (sleeps, False, "hang"),
        (sleeps, True, ""),
        (dies, False, "the process ended with -9"),
        (grows, False, "traceback: MemoryError"),
    ):
        count = watched.Count()
        kind = fuzzing.Kind(b"a: 1", reader, guarded=guarded)
        watched.run_batch("it", kind, 0, 1, 1, watch, count)
        assert (count.cases, count.ended) == (1, int(guarded))
        assert [said in text for text in count.failures] == [True] * bool(said)
    assert list((tmp_path / "temporary").iterdir()) == []  # of children that were ended, too


@linux
def test_a_case_is_the_same_whenever_it_is_drawn_and_a_tree_is_another_one():
    kind = fuzzing.kinds()["workflow, other trees"]
    once, again = (list(watched._contents(kind, 3, 1, 5)) for _ in range(2))
    assert once == again
    assert len(set(once)) > 1
    assert kind.good not in once
