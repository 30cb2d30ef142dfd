"""A sample of ``benchmarks/fuzz.py``: malformed files of every kind are read or are findings."""

import random
from pathlib import Path

import pytest

fuzzing = pytest.importorskip("benchmarks.fuzz")
linux = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs an alarm clock")


@linux
def test_a_sample_of_malformed_files_ends_in_results_or_findings():
    counts, failures = fuzzing.fuzz(200, seed=17)
    assert failures == []
    assert len(counts) == len(fuzzing.seeds())
    assert set(counts.values()) == {20}


@linux
def test_what_must_not_happen_is_seen(tmp_path):
    def raises(folder, content):
        raise KeyError("no such column")

    def writes(folder, content):
        (tmp_path / "elsewhere").write_bytes(content)

    watch = fuzzing.Watch()
    assert fuzzing.attempt(raises, b"", watch).startswith("traceback: KeyError")
    assert fuzzing.attempt(writes, b"", watch) == f"write elsewhere: open {tmp_path / 'elsewhere'}"
    assert (
        fuzzing.attempt(lambda folder, content: (folder / "inside").write_bytes(content), b"", watch) == "ok"
    )
    assert len({fuzzing.mutated(b"good: 1\n", random.Random(k)) for k in range(50)}) > 30
