"""A run killed with -9 at 60 % of its chunks, and what the resume costs: python benchmarks/resume.py.

One run is timed whole, another is killed when so many of its gut worlds are written down, and resumed; both
have to end in the same bytes. Prints JSON: CPU and wall seconds of both, and the share of the whole that the
resumed part took; exit status 1 where it is above the bar of 45 %. Bounded: some 6 CPU minutes, no network,
nothing is left behind. Wall times say something on an idle machine only.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from eubiosis.workflow.soak.processes import chunks, tables
from eubiosis.workflow.soak.small_run import small_workflow

BAR = 0.45
LONGEST = 1800.0  # seconds that a run may take


@dataclass(frozen=True)
class Seconds:
    """What a process and its children took."""

    cpu: float
    wall: float


def begin(workflow: Path, out: Path, processes: int) -> subprocess.Popen[bytes]:
    """Start a run in the background."""
    command = [sys.executable, "-m", "eubiosis", "run", str(workflow), "--out", str(out), "--resume", "-q"]
    return subprocess.Popen([*command, "--processes", str(processes)], stdout=subprocess.DEVNULL)


def timed(workflow: Path, out: Path, processes: int) -> Seconds:
    """Run to the end; raises ``RuntimeError`` where that fails or takes too long."""
    began, process = time.monotonic(), begin(workflow, out, processes)
    signal.alarm(int(LONGEST))
    try:
        _, status, usage = os.wait4(process.pid, 0)
    finally:
        signal.alarm(0)
    if status:
        message = f"the run ended with {os.waitstatus_to_exitcode(status)}"
        raise RuntimeError(message)
    return Seconds(usage.ru_utime + usage.ru_stime, time.monotonic() - began)


def kill_at(workflow: Path, out: Path, processes: int, most: int) -> int:
    """Kill a run with -9 when so many chunks are there; return how many there are then."""
    process, end = begin(workflow, out, processes), time.monotonic() + LONGEST
    while len(chunks(out)) < most and process.poll() is None and time.monotonic() < end:
        time.sleep(0.02)
    process.kill()
    process.wait()
    time.sleep(2.0)  # the workers look for their parent twice a second
    return len(chunks(out))


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--worlds", type=int, default=30, help="gut worlds, each a chunk")
    options.add_argument("--participants", type=int, default=1000, help="of each trial, in one block")
    options.add_argument("--processes", type=int, default=2)
    options.add_argument("--at", type=float, default=0.6, help="the share of chunks at which it is killed")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="eubiosis-resume-") as aside:
        folder = Path(aside)
        workflow = folder / "workflow.yaml"
        text = small_workflow(
            participants=chosen.participants, visits="every 12 weeks to week 48", gut_worlds=chosen.worlds,
            host_worlds=3, replicates=4, surface=True,
        )  # fmt: skip
        workflow.write_text(text, encoding="utf-8")
        whole = timed(workflow, folder / "whole", chosen.processes)
        kept = kill_at(workflow, folder / "run", chosen.processes, round(chosen.at * chosen.worlds))
        resumed = timed(workflow, folder / "run", chosen.processes)
        same = tables(folder / "whole") == tables(folder / "run")
    shares = {"cpu": resumed.cpu / whole.cpu, "wall": resumed.wall / whole.wall}
    print(
        json.dumps(
            {
                "processes": chosen.processes,
                "participants": chosen.participants,
                "chunks": chosen.worlds,
                "kept": kept,
                "whole": whole.__dict__,
                "resumed": resumed.__dict__,
                "share": shares,
                "bar": BAR,
                "same bytes": same,
                "load": os.getloadavg()[0],
            },
            indent=1,
        )
    )
    sys.exit(0 if same and shares["cpu"] <= BAR else 1)


if __name__ == "__main__":
    main()
