"""HDF5 is read at arm's length: the same table, and an end for what hangs, crashes or asks for all memory."""

import os
import time
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

import stool_files as made
from eubiosis.compute.bounded import ChildEnded, run_bounded
from eubiosis.core.findings import FindingCollector
from eubiosis.population.stool import hdf5_files
from eubiosis.population.stool.hdf5_child import read_held
from eubiosis.population.stool.options import ReadOptions
from eubiosis.population.stool.table import read_stool_table
from eubiosis.population.stool.unpack import MOST_BYTES, open_table

pytest.importorskip("h5py")
posix = pytest.mark.skipif(os.name != "posix", reason="limits of the kernel")
BEGIN = """\
import sys, time, os
sys.path.append(sys.argv[1])
from eubiosis.compute.bounded import limit_this_process
limit_this_process(float(sys.argv[2]), int(sys.argv[3]))
"""


def script(folder, text):
    path = folder / "child.py"
    path.write_text(BEGIN + text)
    return path


def run(path, *arguments, given=b"", seconds=60.0, memory=2**33):
    return run_bounded(path, arguments, given=given, seconds=seconds, memory=memory)


@pytest.mark.parametrize("name", ["hdf5.biom", "table.h5ad"])
def test_the_child_hands_over_what_the_libraries_read_to_the_bit(tmp_path, name):
    pytest.importorskip(made.LIBRARIES.get(name, "biom"))
    (tmp_path / name).write_bytes(made.EVERY[name]())
    findings = FindingCollector()
    opened = open_table(tmp_path / name, findings)
    table = hdf5_files.hdf5_features(opened, ReadOptions(), findings)
    here = read_held(str(tmp_path / name), group_column="", rank_pattern="genus$", most=MOST_BYTES)
    assert not findings.findings
    assert (table.samples, table.labels) == (here.samples, here.labels)
    for ours, theirs in zip((table.values.data, table.values.indices, table.values.indptr), here.arrays,
                            strict=True):  # fmt: skip
        assert ours.dtype == theirs.dtype
        assert ours.tobytes() == theirs.tobytes()
    assert table.values.toarray().tolist() == np.array(made.COUNTS, dtype=float).T.tolist()


def test_dense_cells_and_a_group_column_come_through(tmp_path):
    anndata = pytest.importorskip("anndata")
    import pandas as pd

    cells = np.random.default_rng(3).random((2, 3)) * 1e-300  # denormal numbers too
    obs = pd.DataFrame({"arm": ["a", "b"]}, index=["one", "two"])
    anndata.AnnData(cells, obs=obs, var=pd.DataFrame(index=list(made.GENERA))).write_h5ad(tmp_path / "t.h5ad")
    findings = FindingCollector()
    opened = open_table(tmp_path / "t.h5ad", findings)
    table = hdf5_files.hdf5_features(opened, ReadOptions(group_column="arm"), findings)
    assert not sparse.issparse(table.values)
    assert table.values.tobytes() == cells.tobytes()
    assert table.groups == ("a", "b")


def test_what_hangs_is_ended_and_is_one_finding_with_the_limit(tmp_path, monkeypatch):
    path = tmp_path / "t.biom"
    path.write_bytes(made.biom_hdf5())
    monkeypatch.setattr(hdf5_files, "CHILD", script(tmp_path, "time.sleep(600)"))
    monkeypatch.setattr(hdf5_files, "LEAST_SECONDS", 1.0)
    findings, began = FindingCollector(), time.monotonic()
    assert read_stool_table(path, findings) is None
    assert time.monotonic() - began < 60
    (finding,) = findings.findings
    assert finding.file == str(path)
    assert "no end within 1 s" in finding.problem
    assert "may take 1 s and" in finding.allowed
    assert "write it again" in finding.next_step


@posix
def test_a_child_without_a_parent_ends_by_the_kernels_clock(tmp_path):
    import subprocess
    import sys

    child = script(tmp_path, "while True: pass")
    root = str(Path(hdf5_files.__file__).parents[3])
    process = subprocess.Popen([sys.executable, "-P", str(child), root, "0.2", str(2**33)])
    assert process.wait(60) < 0  # nobody but its own limit ended it


@posix
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("held = bytearray(2**32)", "MemoryError"),
        ("os.abort()", r"crashed \(signal 6\)"),
        ("raise SystemExit('no such thing')", "no such thing"),
    ],
)
def test_memory_crashes_and_failures_are_told(tmp_path, text, said):
    with pytest.raises(ChildEnded, match=said):
        run(script(tmp_path, text), memory=2**31)


def test_a_child_imports_nothing_from_the_current_folder_and_answers_what_it_was_given(tmp_path, monkeypatch):
    (tmp_path / "json.py").write_text("raise RuntimeError('imported')")
    monkeypatch.chdir(tmp_path)
    text = "import json; sys.stdout.buffer.write(sys.stdin.buffer.read()[::-1] + sys.argv[4].encode())"
    assert run(script(tmp_path, text), "!", given=b"abc") == b"cba!"


def test_an_answer_that_is_none_is_a_finding(tmp_path, monkeypatch):
    path = tmp_path / "t.biom"
    path.write_bytes(made.biom_hdf5())
    monkeypatch.setattr(hdf5_files, "CHILD", script(tmp_path, "print('{}')"))
    findings = FindingCollector()
    assert read_stool_table(path, findings) is None
    assert "could not read this file" in findings.findings[0].problem
