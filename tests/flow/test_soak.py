"""The soak finds nothing lost, and would say so."""

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from eubiosis.cli.doctor import doctor
from eubiosis.core.findings import FindingsError
from eubiosis.workflow.soak import FaultCount, soak
from eubiosis.workflow.soak.bench import Bench
from eubiosis.workflow.soak.faults import FAULTS

KILL, DAMAGE = "kill -9 of the main process", "manifest truncated, flipped, deleted"
linux = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs signals and /proc")


@linux
def test_a_kill_and_damage_lose_nothing(tmp_path):
    arguments = ["--soak", "--kills", "2", "--only", KILL, "--only", DAMAGE, "--out", str(tmp_path / "soak")]
    done = CliRunner().invoke(doctor, arguments)
    assert done.exit_code == 0, done.output
    assert f"| {KILL} | 1 | 1 | 0 | 0 |" in done.stdout
    assert f"| {DAMAGE} | 1 | 0 | 1 | 0 |" in done.stdout
    assert done.stdout.endswith("2 faults, 0 LOST\n")


@linux
def test_what_is_lost_is_counted_with_its_words_and_ends_in_exit_1(tmp_path, monkeypatch):
    whole = {"estimates.parquet": b"numbers"}
    monkeypatch.setattr(Bench, "made", lambda folder, dice, _, end: Bench(folder, whole, 1.0, dice, end))

    def cut(bench):
        tables = bench.folder / "run-0" / "tables"
        tables.mkdir(parents=True)
        (tables / "estimates.parquet").write_bytes(b"other numbers")
        bench.check(bench.folder / "run-0")

    monkeypatch.setitem(FAULTS, KILL, (0.5, cut))
    done = CliRunner().invoke(
        doctor, ["--soak", "--kills", "1", "--only", KILL, "--out", str(tmp_path / "soak")]
    )
    assert done.exit_code == 1
    assert "run-0 has other tables than the undisturbed run |\n1 faults, 1 LOST" in done.stdout


def test_the_time_ends_the_soak_and_wrong_options_are_findings(tmp_path, monkeypatch):
    with pytest.raises(FindingsError, match='"flood" is no fault'):
        soak(tmp_path, only=["flood"], say=str)
    (tmp_path / "mine.txt").write_text("keep")
    if os.name == "posix":
        with pytest.raises(FindingsError, match="not empty"):
            soak(tmp_path, say=str)
    monkeypatch.setattr(Bench, "made", lambda folder, dice, *_: Bench(folder, {}, 1.0, dice, 0.0))
    if Path("/proc/self/stat").exists():
        assert soak(tmp_path / "new", only=[KILL], say=str) == (FaultCount(KILL, words="the time was over"),)
