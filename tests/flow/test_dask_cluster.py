"""A cluster gives the bytes of one process, loses nothing with a worker, and is no partner of strangers."""

import contextlib
import itertools
import json
import multiprocessing
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from queue import SimpleQueue
from types import SimpleNamespace
from urllib.error import HTTPError
from urllib.request import urlopen

import numpy as np
import pytest

from eubiosis.compute import dask_pool
from eubiosis.compute.executors import Executor, executor_of
from eubiosis.core.findings import FindingsError
from eubiosis.workflow.trial_run import run_trial
from tiny_runs import tiny_workflow

pytest.importorskip("distributed", reason="needs eubiosis[dask]")
pytest.importorskip("cryptography", reason="needs eubiosis[dask]")

SCRIPT = """\
import sys
from pathlib import Path
from eubiosis.compute.executors import Executor
from work_of_the_cluster import slow_or_dead
if __name__ == "__main__":
    folder = Path(sys.argv[1])
    items = [(k, str(folder)) for k in range(6)]
    print(Executor("dask-local", 2).map_ordered(slow_or_dead, items, progress=False))
"""
WORK = """\
import os, signal
from pathlib import Path
def slow_or_dead(item):
    number, folder = item
    first = Path(folder) / f"died-{number}"
    if number == 3 and not first.exists():
        first.write_text("")
        os.kill(os.getpid(), signal.SIGKILL)
    return number ** 2
"""


def tables(run):
    return {path.name: path.read_bytes() for path in sorted((run / "tables").iterdir())}


def test_the_same_bytes_as_one_process(tmp_path):
    workflow = tmp_path / "workflow.yaml"
    workflow.write_text(tiny_workflow(gut_worlds=2))
    for name, executor in (("one", Executor()), ("cluster", Executor("dask-local", 2))):
        run_trial(workflow, tmp_path / name, executor=executor, progress=False, say=str)
    assert tables(tmp_path / "one") == tables(tmp_path / "cluster")
    assert (tmp_path / "one/results.json").read_bytes() == (tmp_path / "cluster/results.json").read_bytes()


@pytest.mark.skipif(os.name != "posix", reason="kills a process")
def test_a_worker_that_is_killed_loses_no_result(tmp_path):
    (tmp_path / "work_of_the_cluster.py").write_text(WORK)
    (tmp_path / "main.py").write_text(SCRIPT)
    paths = os.pathsep.join([str(tmp_path), *sys.path])
    done = subprocess.run(
        [sys.executable, str(tmp_path / "main.py"), str(tmp_path)],
        env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.stdout.strip() == "[0, 1, 4, 9, 16, 25]", done.stderr[-2000:]
    assert (tmp_path / "died-3").exists()


def test_a_cluster_takes_no_known_port_and_serves_no_pages():
    """Where somebody holds Dask's own port it begins without a word, and plain HTTP tells nothing of it."""
    with socket.socket() as other, contextlib.suppress(OSError):  # it may be taken already: as good
        other.bind(("127.0.0.1", 8787))
        other.listen()
        with dask_pool._client(1, "", None) as client:
            scheduler = client.cluster.scheduler
            (worker,) = scheduler.workers.values()
            ports = {scheduler.http_server.port, worker.services["dashboard"]}
            assert 8787 not in ports
            for port in ports:
                for page in ("health", "info/main/workers.html", "metrics", "json/index.html"):
                    with pytest.raises(HTTPError, match="404"):
                        urlopen(f"http://127.0.0.1:{port}/{page}", timeout=10)


def faults_of_arrays(count):
    """Return how many pages the system gives while arrays of 800 kB come and go."""
    for _ in range(20):
        np.ones(100_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(count):
        np.ones(100_000)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator is told")
def test_arrays_of_a_cluster_worker_reuse_their_pages():
    """Dask starts its workers with a setting under which every array over 128 kB gets pages of its own."""
    (faults,) = Executor("dask-local", 1).map_ordered(faults_of_arrays, [100], progress=False)
    assert faults < 1_000  # 196 an array otherwise


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="stops a process and needs /proc")
def test_a_worker_that_is_stopped_is_ended_at_work_and_at_the_end(monkeypatch):
    monkeypatch.setattr(dask_pool, "_REST", 1.0)
    monkeypatch.setattr(dask_pool, "_RESTS", 4)
    monkeypatch.setattr(dask_pool, "CLOSE", 3.0)
    over = []

    def stop(_, slept):
        over.append(slept)
        if len(over) in (3, 8):
            os.kill(multiprocessing.active_children()[0].pid, signal.SIGSTOP)
        return ()

    Executor("dask-local", 2).work_through(time.sleep, [0.2] * 8, stop, progress=False)
    assert over == [None] * 8
    # while a nanny's thread collects a process that has ended, join comes back at once and is_alive says True
    until = time.monotonic() + 60
    while multiprocessing.active_children() and time.monotonic() < until:
        time.sleep(0.05)
    assert multiprocessing.active_children() == []


def test_a_scheduler_that_is_silent_or_alone_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(dask_pool, "LOOK", 0.01)
    monkeypatch.setattr(dask_pool, "ALONE", 0.05)

    def asked(answer):
        def sync(_, callback_timeout):
            assert callback_timeout <= 60
            if answer is None:
                raise TimeoutError
            return answer

        return SimpleNamespace(sync=sync, scheduler=SimpleNamespace(ncores=None))

    with pytest.raises(FindingsError, match="the scheduler has not answered for 60 s"):
        dask_pool._next_done(asked(None), SimpleQueue())
    with pytest.raises(FindingsError, match="the cluster has had no worker"):
        dask_pool._next_done(asked({}), SimpleQueue())
    done = SimpleQueue()
    done.put("a task")
    assert dask_pool._next_done(asked(None), done) == "a task"


def test_a_machine_that_slept_has_not_been_alone_for_long(monkeypatch):
    """The clock went on meanwhile; the workers are back after two looks."""
    monkeypatch.setattr(dask_pool, "LOOK", 0.01)
    monkeypatch.setattr(time, "monotonic", itertools.count(0, 10_000).__next__)
    done = SimpleQueue()
    there = iter([{}, {}, {"a worker": 1}])

    def sync(*_, **__):
        threads = next(there)
        if threads:
            done.put("a task")
        return threads

    client = SimpleNamespace(sync=sync, scheduler=SimpleNamespace(ncores=None))
    assert dask_pool._next_done(client, done) == "a task"


def test_a_scheduler_with_other_certificates_is_no_partner(tmp_path):
    from eubiosis.compute.dask_pool import make_certificates

    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    make_certificates(ours)
    make_certificates(theirs)
    place = tmp_path / "scheduler.json"
    command = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--protocol", "tls"]
    command += ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(place)]
    command += [f"--tls-ca-file={theirs}/ca.pem", f"--tls-cert={theirs}/cert.pem"]
    command += [f"--tls-key={theirs}/key.pem"]
    scheduler = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=tmp_path)
    try:
        until = time.monotonic() + 120
        while not place.exists():
            assert scheduler.poll() is None, "the scheduler did not start"
            assert time.monotonic() < until, "no scheduler within two minutes"
            time.sleep(0.1)
        time.sleep(0.5)
        address = address_in(place)
        executor = executor_of(f"dask://{address}", certificates=ours)
        with pytest.raises(FindingsError, match="no scheduler answers"):
            executor.map_ordered(len, ["a"], progress=False)
    finally:
        scheduler.send_signal(signal.SIGTERM)
        scheduler.wait(60)


def address_in(place: Path) -> str:
    return json.loads(place.read_text())["address"].removeprefix("tls://")
