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
import tempfile
import threading
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
from eubiosis.core.findings import ExecutorError, FindingsError
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
                        urlopen(f"http://127.0.0.1:{port}/{page}", timeout=300)


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


LACKS = """\
import sys
sys.modules["eubiosis"] = None
"""
TWO_RUNS = """\
import time
from pathlib import Path

def first(item):
    number, folder = item
    Path(folder, f"begun-{number}").touch()
    until = time.monotonic() + 60
    while not Path(folder, "go").exists() and time.monotonic() < until:
        time.sleep(0.05)
    return "first", number

def second(item):
    number, folder = item
    Path(folder, "go").touch()
    return "second", number

def slow(item):
    time.sleep(0.3)
    return item
"""


@contextlib.contextmanager
def ended_processes():
    """Yield a list of processes, which are ended with the block."""
    begun = []
    try:
        yield begun
    finally:
        for process in begun:
            process.kill()
        for process in begun:
            process.wait()


def waited_for(condition, process):
    until = time.monotonic() + 300
    while not condition():
        assert process.poll() is None, "the process has ended"
        assert time.monotonic() < until, "nothing within five minutes"
        time.sleep(0.05)


def start_scheduler(folder, certificates, environment=None):
    """Return the process of a scheduler and the file with its address, once it is there."""
    place = folder / "scheduler.json"
    options = ["--protocol", "tls", "--port", "0", "--scheduler-file", str(place)]
    process = start(folder, "scheduler", certificates, options, environment)
    waited_for(place.exists, process)
    waited_for(lambda: place.read_text().rstrip().endswith("}"), process)
    return process, place


def start(folder, what, certificates, options, environment=None):
    command = [sys.executable, "-m", f"distributed.cli.dask_{what}", "--host", "127.0.0.1", "--no-dashboard"]
    command += [f"--tls-ca-file={certificates}/ca.pem", f"--tls-cert={certificates}/cert.pem"]
    command += [f"--tls-key={certificates}/key.pem", *options]
    log = folder / f"{what}-{time.monotonic_ns()}.log"
    with log.open("wb") as said:
        process = subprocess.Popen(
            command, stdout=said, stderr=said, cwd=folder,
            env={**os.environ, "TMPDIR": str(folder), **(environment or {})},
        )  # fmt: skip
    if what == "worker":
        waited_for(lambda: b"Registered to" in log.read_bytes(), process)
    return process


def start_worker(folder, place, threads, environment):
    options = ["--scheduler-file", str(place), "--nthreads", str(threads), "--no-nanny"]
    options += ["--local-directory", str(folder)]
    return start(folder, "worker", folder / "ours", options, environment)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A scheduler that lacks our package and a worker of four threads; a function that starts one without."""
    folder = tmp_path_factory.mktemp("cluster")
    dask_pool.make_certificates(folder / "ours")
    (folder / "lacks").mkdir()
    (folder / "lacks" / "sitecustomize.py").write_text(LACKS)
    (folder / "two_runs.py").write_text(TWO_RUNS)
    with_us = {"PYTHONPATH": os.pathsep.join([str(folder), *sys.path])}
    without = {"PYTHONPATH": os.pathsep.join([str(folder / "lacks"), str(folder), *sys.path])}
    with ended_processes() as begun, pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        scheduler, place = start_scheduler(folder, folder / "ours", without)
        begun += [scheduler, start_worker(folder, place, 4, with_us)]
        yield SimpleNamespace(
            executor=executor_of(f"dask://{address_in(place)}", certificates=folder / "ours"),
            lacking=lambda: start_worker(folder, place, 1, without),
        )


def test_two_runs_on_one_cluster_get_their_own_results(cluster, tmp_path):
    """The first waits at work until the second has begun, which adds items to its list."""
    from two_runs import first, second

    items = [(number, str(tmp_path)) for number in range(2)]
    found, grown = {}, []

    def more(item, result):
        grown.append((item[0], result))
        return [(item[0] + 2, item[1])] if item[0] < 4 else []

    def run_first():
        found["first"] = cluster.executor.map_ordered(first, items, progress=False)

    other = threading.Thread(target=run_first)
    other.start()
    until = time.monotonic() + 300
    while not all((tmp_path / f"begun-{number}").exists() for number, _ in items):
        assert other.is_alive()
        assert time.monotonic() < until
        time.sleep(0.05)
    cluster.executor.work_through(second, items, more, progress=False)
    other.join()
    assert found == {"first": [("first", 0), ("first", 1)]}
    assert sorted(grown) == [(number, ("second", number)) for number in range(6)]


def test_a_result_of_another_task_is_none_of_ours():
    for answer in (("chunk-other-0", 5), 5, None):
        future = SimpleNamespace(key="chunk-own-0", result=lambda answer=answer: answer)
        with pytest.raises(ExecutorError, match="the result of another task"):
            dask_pool._own_result(future)
    assert dask_pool._own_result(SimpleNamespace(key="a", result=lambda: ("a", 5))) == 5


def test_a_worker_without_our_package_is_named_at_once_or_when_it_comes_later(cluster, monkeypatch):
    from two_runs import slow

    look, known = dask_pool._checked_workers, iter([1])

    def look_before_it_came(client, identify):
        return next(known, None) or look(client, identify)

    with ended_processes() as begun:
        begun.append(cluster.lacking())
        for _ in range(2):
            with pytest.raises(ExecutorError, match="No module named 'eubiosis") as refused:
                cluster.executor.map_ordered(slow, range(12), progress=False)
            (finding,) = refused.value.findings
            assert finding.place.startswith("tls://127.0.0.1:")
            assert "the worker cannot run eubiosis" in finding.problem
            monkeypatch.setattr(dask_pool, "AHEAD", 8)
            monkeypatch.setattr(dask_pool, "_checked_workers", look_before_it_came)


def test_a_worker_that_goes_before_it_says_what_it_has_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(dask_pool, "LOOK", 0.01)
    looks = iter([{"one": 1, "two": 1}, {"one": 1}])
    monkeypatch.setattr(dask_pool, "_threads", lambda _: next(looks))
    done = SimpleQueue()
    done.put(SimpleNamespace(key="is-one"))
    answers = dask_pool._answers(None, {"is-one": "one", "is-two": "two"}, done)
    assert [(future.key, address) for future, address in answers] == [("is-one", "one")]
    assert list(looks) == []


def test_a_scheduler_that_cannot_read_our_tasks_is_one_finding(monkeypatch):
    def unread():
        message = "Error during deserialization of the task graph. This frequently\noccurs"
        raise RuntimeError(message)

    future = SimpleNamespace(key="is", result=unread, add_done_callback=lambda put: put(future))
    client = SimpleNamespace(submit=lambda *_, **__: future)
    monkeypatch.setattr(dask_pool, "_threads", lambda _: {"tls://127.0.0.1:1": 1, "tls://127.0.0.1:2": 1})
    with pytest.raises(ExecutorError, match="the scheduler cannot read our tasks") as refused:
        dask_pool._checked_workers(client, None)
    assert len(refused.value.findings) == 1


def test_a_local_cluster_leaves_nothing_in_the_temporary_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert Executor("dask-local", 1).map_ordered(len, ["abc"], progress=False) == [3]
    assert [path.name for path in tmp_path.iterdir() if "dask" in path.name] == []


def test_a_scheduler_with_other_certificates_is_no_partner(tmp_path):
    from eubiosis.compute.dask_pool import make_certificates

    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    make_certificates(ours)
    make_certificates(theirs)
    with ended_processes() as begun:
        scheduler, place = start_scheduler(tmp_path, theirs)
        begun.append(scheduler)
        executor = executor_of(f"dask://{address_in(place)}", certificates=ours)
        with pytest.raises(FindingsError, match="no scheduler answers"):
            executor.map_ordered(len, ["a"], progress=False)


def address_in(place: Path) -> str:
    return json.loads(place.read_text())["address"].removeprefix("tls://")
