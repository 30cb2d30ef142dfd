"""Measure what a run costs as it grows: python benchmarks/scale.py [--quick] [--costs] [--against SRC].

Each design runs in a process of its own through the public command. CPU seconds are those of the whole tree;
memory is the summed proportional memory (PSS) of the tree, looked at ten times a second (Linux). One JSON
object a design on standard output. The prediction that ``run`` prints stands beside what was measured;
``--costs`` fits the seconds and megabytes of ``content/planning/costs.tsv`` to the designs and prints them.
``--against SRC`` runs two designs of one gut world (the peak of a process is reached in each) with the
package in the folder SRC, of another revision, and with this one, and prints the ratios.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from eubiosis.workflow.feasibility import predicted_cost
from eubiosis.workflow.trial_run import check_run

WEEKS_PER_YEAR = 365.25 / 7


@dataclass(frozen=True)
class Size:
    """A design: participants in two arms, last visit in weeks, worlds, replicates, processes."""

    participants: int
    weeks: int
    gut_worlds: int
    host_worlds: int
    replicates: int
    processes: int = 1

    @property
    def text(self) -> str:
        """The workflow."""
        return (
            "title: Scale\nquestion: What does it cost?\ncontext_of_use: A benchmark.\ndecision: None.\n"
            "seed: 11\narms:\n  - {name: placebo, therapy: placebo}\n"
            "  - {name: inulin, therapy: inulin, dose: 12 g/day}\n"
            f"design: {{participants: {self.participants}, visits: [0, {self.weeks}]}}\n"
            "primary: stool_butyrate\nsimulation: {"
            f"gut_worlds: {self.gut_worlds}, host_worlds: {self.host_worlds}, replicates: {self.replicates}"
            "}\n"
        )

    @property
    def subject_years(self) -> float:
        """Participants times years, over all worlds (a host is solved in each), one arm each."""
        return self.participants * self.weeks / WEEKS_PER_YEAR * self.gut_worlds * self.host_worlds


@dataclass(frozen=True)
class Measured:
    """What one run took: seconds of processor and clock, megabytes of memory (PSS), chunks and folder."""

    cpu_seconds: float
    wall_seconds: float
    pss_mb: float
    chunk_mb: float
    folder_mb: float
    load: float


def measure(size: Size, folder: Path, source: Path | None = None) -> Measured:
    """Run a design in a new process and look at its tree while it works; ``source`` is another revision."""
    workflow, out = folder / "workflow.yaml", folder / "run"
    workflow.write_text(size.text, encoding="utf-8")
    command = [sys.executable, "-m", "eubiosis", "run", str(workflow), "--out", str(out), "-q"]
    if source is None:
        command.append("--large")
    around = dict(os.environ) if source is None else {**os.environ, "PYTHONPATH": str(source)}
    before, began, load = os.times(), time.monotonic(), os.getloadavg()[0]
    process = subprocess.Popen(
        [*command, "--processes", str(size.processes)], stdout=subprocess.DEVNULL, env=around
    )
    pss, chunk_mb = 0.0, 0.0
    while process.poll() is None:
        pss = max(pss, sum(map(pss_mb, tree(process.pid))))
        chunk_mb = max(chunk_mb, folder_mb(folder / ".run.partial" / "chunks"))
        time.sleep(0.1)
    after = os.times()
    if process.returncode:
        raise SystemExit(f"{size}: the run ended with {process.returncode}")
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return Measured(used, time.monotonic() - began, pss, chunk_mb, folder_mb(out), load)


def tree(process: int) -> list[int]:
    """Return a process and all below it."""
    found = [process]
    for each in found:
        try:
            text = Path(f"/proc/{each}/task/{each}/children").read_text(encoding="ascii")
        except OSError:
            continue
        found.extend(int(child) for child in text.split())
    return found


def pss_mb(process: int) -> float:
    """Return the proportional memory of a process; 0 when it has ended."""
    try:
        text = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii")
    except OSError:
        return 0.0
    return sum(float(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:")) / 1e3


def folder_mb(folder: Path) -> float:
    """Return the size of the files below a folder."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size
        except OSError:
            continue
    return total / 1e6


PAIRED = (Size(16, 48, 1, 1, 1), Size(300, 48, 1, 6, 8), Size(1000, 48, 1, 6, 8))


def against(source: Path) -> None:
    """Run designs with another revision and with this one; the first, small one fills the kernel caches."""
    for number, size in enumerate(PAIRED):
        found = []
        for each in (source, None):
            with tempfile.TemporaryDirectory() as aside:
                found.append(measure(size, Path(aside), each))
        if number:
            other, own = found
            rows = {"other": asdict(other), "this": asdict(own)}
            ratios = {
                "memory_times_less": round(other.pss_mb / own.pss_mb, 2),
                "cpu_ratio": round(own.cpu_seconds / other.cpu_seconds, 2),
            }
            print(json.dumps({**asdict(size), **rows, **ratios}), flush=True)


SIZES = (
    Size(16, 48, 2, 1, 2),
    Size(120, 48, 2, 3, 8),
    Size(120, 48, 2, 3, 8, processes=2),
    Size(600, 96, 2, 2, 2),
    Size(2000, 48, 2, 2, 2),
    Size(2000, 48, 2, 2, 2, processes=2),
    Size(120, 48, 6, 6, 8),
)


def main() -> None:
    """Measure every design, or two small ones."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true", help="two small designs")
    options.add_argument("--costs", action="store_true", help="fit costs.tsv to what was measured")
    options.add_argument("--against", type=Path, help="the src folder of another revision")
    chosen = options.parse_args()
    if chosen.against is not None:
        against(chosen.against)
        return
    rows = []
    for size in SIZES[:2] if chosen.quick else SIZES:
        with tempfile.TemporaryDirectory() as aside:
            found = measure(size, Path(aside))
            cost = predicted_cost(check_run(Path(aside) / "workflow.yaml"))
        rows.append((size, found))
        years = size.subject_years
        own = {
            "cpu_seconds_predicted": round(3600 * cost.cpu_hours, 1),
            "process_mb_predicted": round(cost.memory_mb),
            "cpu_ms_a_subject_year": round(1e3 * found.cpu_seconds / years, 3),
            "folder_bytes_a_participant": round(1e6 * found.folder_mb / size.participants),
        }
        numbers = {name: round(value, 2) for name, value in asdict(found).items()}
        print(json.dumps({**asdict(size), **numbers, **own}), flush=True)
    if chosen.costs:
        print(json.dumps(fitted(rows)))


def fitted(rows: list[tuple[Size, Measured]]) -> dict[str, list[float]]:
    """Return non-negative least squares of CPU seconds and megabytes on the terms of ``predicted_cost``."""
    from scipy.optimize import nnls

    rows = [row for row in rows if row[0].processes == 1]
    people = [2 * 2.2 * size.participants * size.weeks / WEEKS_PER_YEAR for size, _ in rows]
    terms = [
        (1.0, s.gut_worlds, s.gut_worlds * n, s.gut_worlds * s.host_worlds * n,
         s.gut_worlds * s.host_worlds * s.replicates * s.participants)
        for (s, _), n in zip(rows, people, strict=True)
    ]  # fmt: skip
    cpu = np.array([found.cpu_seconds for _, found in rows])
    pss = np.array([found.pss_mb for _, found in rows])
    memory = [
        (1.0, n, s.host_worlds * s.replicates * s.participants)
        for (s, _), n in zip(rows, people, strict=True)
    ]
    return {
        "seconds: run, gut world, gut person-year, host person-year, trial person": [
            float(f"{x:.3g}") for x in nnls(np.array(terms) / cpu[:, None], np.ones(len(cpu)))[0]
        ],
        "megabytes: base, person-year, trial person": [
            float(f"{x:.3g}") for x in nnls(np.array(memory) / pss[:, None], np.ones(len(pss)))[0]
        ],
    }


if __name__ == "__main__":
    main()
