"""A run that is killed goes on where it was, and ends in the same bits."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from eubiosis.compute.run_folder import unfinished
from eubiosis.core.findings import FindingsError
from eubiosis.workflow.trial_run import run_trial
from tiny_runs import tiny_workflow

RUN = """\
import sys
import time
from pathlib import Path
from eubiosis.compute import pool
from eubiosis.compute.chunk_store import ChunkStore
from eubiosis.workflow.trial_run import run_trial

def write_one_and_wait(store, name, content, write=ChunkStore.write):
    write(store, name, content)
    while True:
        time.sleep(60)

ChunkStore.write = write_one_and_wait  # in the workers too, which read this file as well
pool._RESTS = 10**9  # looks at which a worker may rest
if __name__ == "__main__":
    run_trial(Path(sys.argv[1]), Path(sys.argv[2]), processes=2, progress=False, say=lambda text: None)
"""


def silent(text):
    """Say nothing."""


def tables(run):
    return {path.name: path.read_bytes() for path in sorted((run / "tables").iterdir())}


def children_of(process):
    """Return the processes that a process has started, as /proc knows them."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[1] == str(process) and fields[0] != "Z":
            found.append(int(path.parent.name))
    return found


def comes(there, seconds):
    """Say whether something comes; it is counted in looks, because a machine may stand still."""
    for _ in range(int(seconds / 0.05)):
        if there():
            return True
        time.sleep(0.05)
    return there()


def gone(process):
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
def test_after_kill_9_nobody_is_left_and_resume_ends_in_the_same_bits(tmp_path):
    workflow, script = tmp_path / "workflow.yaml", tmp_path / "run.py"
    workflow.write_text(tiny_workflow(gut_worlds=4))
    script.write_text(RUN)
    run_trial(workflow, tmp_path / "whole", processes=1, progress=False, say=silent)
    broken = tmp_path / "broken"
    process = subprocess.Popen(
        [sys.executable, str(script), str(workflow), str(broken)], stderr=subprocess.DEVNULL
    )
    chunks = unfinished(broken) / "chunks"
    first = comes(lambda: list(chunks.glob("*.chunk")) or process.poll() is not None, 300)
    workers, ended = children_of(process.pid), process.poll()
    process.kill()
    process.wait()
    assert ended is None, "the run ended before it could be killed"
    assert first, "no chunk within five minutes"
    assert comes(lambda: all(gone(worker) for worker in workers), 60), "workers outlive the run"
    assert workers, "there were no workers to end"
    there = sorted(path.name for path in chunks.glob("*.chunk"))
    assert 1 <= len(there) < 4
    assert not broken.exists()
    with pytest.raises(FindingsError, match="--resume"):
        run_trial(workflow, broken, progress=False, say=silent)
    *rest, last = (chunks / there[0]).read_bytes()
    (chunks / there[0]).write_bytes(bytes([*rest, last ^ 1]))  # and one is damaged
    said = []
    run_trial(workflow, broken, progress=False, say=said.append, resume=True)
    assert tables(broken) == tables(tmp_path / "whole")
    assert (broken / "results.json").read_bytes() == (tmp_path / "whole" / "results.json").read_bytes()
    assert any(f"{len(there) - 1} of 4 gut worlds are there" in line for line in said) == (len(there) > 1)
    assert not unfinished(broken).exists()
    assert "chunks" not in {path.name for path in broken.iterdir()}
    log = [json.loads(line)["event"] for line in (broken / "log.jsonl").read_text().splitlines()]
    assert ("resumed" in log) == (len(there) > 1)


def test_a_changed_workflow_makes_another_run(tmp_path, monkeypatch):
    workflow, out = tmp_path / "workflow.yaml", tmp_path / "run"
    workflow.write_text(tiny_workflow())

    def stop(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("eubiosis.workflow.trial_run._write_report", stop)
    with pytest.raises(KeyboardInterrupt):
        run_trial(workflow, out, progress=False, say=silent)
    monkeypatch.undo()
    workflow.write_text(tiny_workflow(seed=12))
    with pytest.raises(FindingsError, match="of another workflow"):
        run_trial(workflow, out, progress=False, say=silent, resume=True)
    assert len(list((unfinished(out) / "chunks").glob("*.chunk"))) == 1
