"""Faults of a Dask cluster, on loopback only."""

from __future__ import annotations

import importlib.util
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from eubiosis.workflow.soak.bench import Bench
from eubiosis.workflow.soak.outcomes import NotHere, Outcome, resumed
from eubiosis.workflow.soak.processes import Lost, chunks, ended, none_left, rest, send, until, workers

_OTHER = """\
import eubiosis.compute.dask_pool as pool

pool.__version__ = "0.0.0"
"""


def to_dask_worker(number: signal.Signals) -> Callable[[Bench], Outcome]:
    """Return a fault: end or stop one of two workers; it is replaced, and the run does not stop."""

    def inject(bench: Bench) -> Outcome:
        _demand_dask()
        run, _ = bench.begun(1)
        process = bench.start(run, "--executor", "dask-local:2")
        until(lambda: len(workers(process.pid)) >= 2 or process.poll() is not None)
        rest(process, bench.dice.uniform(0.0, bench.seconds / 2))
        hands = workers(process.pid)
        for worker in hands[:1]:
            send(worker, number)
        code = ended(process)
        said = bench.said()
        none_left(hands)
        if code == 1 and "next:" in said and chunks(run):  # lost before it had come forward
            return resumed(bench, run)
        if code != 0:
            raise Lost(f"the run ended with {code}: {said[:200]}")
        bench.check(run)
        return "recovered"

    return inject


def other_worker(bench: Bench) -> Outcome:
    """Give a run a cluster whose worker is of another version."""
    _demand_dask()
    from eubiosis.compute.dask_pool import make_certificates

    run, hidden = bench.begun(1)
    folder = bench.folder / f"cluster-{bench.turn}"
    make_certificates(folder)
    (folder / "other.py").write_text(_OTHER, encoding="utf-8")
    before = chunks(run)
    with _cluster(folder) as address:
        options = ("--executor", f"dask://{address}", "--certificates", str(folder))
        code, said = ended(bench.start(run, *options)), bench.said()
    if code != 1 or "0.0.0" not in said or chunks(run) != before:
        raise Lost(f"a worker of another version: the run ended with {code}: {said[:200]}")
    del hidden
    return "refused"


@contextmanager
def _cluster(folder: Path) -> Iterator[str]:
    """Yield HOST:PORT of a scheduler with one worker, inside the TLS of the folder's certificates."""
    tls = [f"--tls-ca-file={folder}/ca.pem", f"--tls-cert={folder}/cert.pem", f"--tls-key={folder}/key.pem"]
    place = folder / "scheduler.json"
    loopback = ["--host", "127.0.0.1", "--no-dashboard", *tls]
    commands = (
        ["distributed.cli.dask_scheduler", "--protocol", "tls", "--port", "0",
         "--scheduler-file", str(place)],
        ["distributed.cli.dask_worker", "--scheduler-file", str(place), "--nthreads", "1", "--no-nanny",
         "--preload", str(folder / "other.py"), "--local-directory", str(folder)],
    )  # fmt: skip
    begun: list[subprocess.Popen[bytes]] = []
    try:
        for command in commands:
            with (folder / "said").open("ab") as said:
                begun.append(
                    subprocess.Popen(
                        [sys.executable, "-m", *command, *loopback], cwd=folder, stdout=said, stderr=said
                    )
                )
            until(lambda: place.exists() or begun[0].poll() is not None)
        until(lambda: b"Registered to" in (folder / "said").read_bytes() or begun[1].poll() is not None)
        yield json.loads(place.read_text(encoding="utf-8"))["address"].removeprefix("tls://")
    finally:
        for process in reversed(begun):
            process.terminate()
            ended(process)


def _demand_dask() -> None:
    if any(importlib.util.find_spec(name) is None for name in ("distributed", "cryptography")):
        raise NotHere("Dask is not installed")
