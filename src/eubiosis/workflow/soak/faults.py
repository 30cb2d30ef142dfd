"""The faults: how often each is injected for so many kills, and what does it."""

from __future__ import annotations

import signal
from collections.abc import Callable

from eubiosis.workflow.soak import faults_dask, faults_files, faults_processes
from eubiosis.workflow.soak.bench import Bench
from eubiosis.workflow.soak.outcomes import Outcome

KILLS = ("kill -9 of the main process", "kill -9 of a worker")
_HANGUP = getattr(signal, "SIGHUP", signal.SIGTERM)
_STOP = getattr(signal, "SIGSTOP", signal.SIGTERM)
FAULTS: dict[str, tuple[float, Callable[[Bench], Outcome]]] = {  # share of the kills, and what is done
    KILLS[0]: (0.7, faults_processes.kill_main),
    KILLS[1]: (0.3, faults_processes.kill_worker),
    "Ctrl-C (SIGINT)": (0.06, faults_processes.signalled(signal.SIGINT)),
    "SIGTERM": (0.06, faults_processes.signalled(signal.SIGTERM)),
    "closed terminal (SIGHUP)": (0.06, faults_processes.signalled(_HANGUP)),
    "workers that hang": (0.04, faults_processes.hang),
    "a worker without memory": (0.04, faults_processes.without_memory),
    "1 % of subjects fail, and a kill": (0.02, faults_processes.failing_subjects),
    "two runs into one folder": (0.04, faults_processes.two_writers),
    "a small disk that fills": (0.02, faults_files.disk_full),
    "no room for a chunk": (0.02, faults_files.file_too_large),
    "read-only folder": (0.02, faults_files.read_only),
    "chunks truncated, flipped, deleted": (0.06, faults_files.damaged("chunks")),
    "lock truncated, flipped, deleted": (0.06, faults_files.damaged("lock")),
    "kernels truncated, flipped, deleted": (0.02, faults_files.damaged("kernels")),
    "manifest truncated, flipped, deleted": (0.02, faults_files.manifest),
    "a chunk of another version": (0.02, faults_files.foreign_chunk),
    "a worker of another version": (0.02, faults_dask.other_worker),
    "a clock that jumps": (0.04, faults_files.clock),
    "kill -9 of a Dask worker": (0.04, faults_dask.to_dask_worker(signal.SIGKILL)),
    "a Dask worker that hangs": (0.04, faults_dask.to_dask_worker(_STOP)),
}
