"""One tiny run on every executor, and the digests of its tables: benchmarks/executors.py [--only NAME].

Runs ``eubiosis run`` in this process, in two processes, and on 1, 2 and 4 local Dask workers (loopback,
inside TLS), each into a folder of its own in a temporary one, and prints one digest over the bytes of every
table and of ``results.json``. Exit status 1 where one differs from the first, or a run fails.
"""

from __future__ import annotations

import argparse
import hashlib
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from eubiosis.workflow.soak.bench import WORKFLOW

EXECUTORS = ("inline", "processes:2", "dask-local:1", "dask-local:2", "dask-local:4")


def digest(run: Path) -> str:
    """Return one digest of all tables and results of a run, names and bytes."""
    found = hashlib.sha256()
    for path in (*sorted((run / "tables").glob("*.parquet")), run / "results.json"):
        found.update(path.name.encode() + b"\0" + path.read_bytes())
    return found.hexdigest()


def main() -> None:
    """Run them all and print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--only", action="append", default=[], help="one executor; may be given again")
    chosen = options.parse_args().only or EXECUTORS
    found = {}
    print("| executor | CPU s | wall s | digest of all tables and results |\n|---|--:|--:|---|")
    with tempfile.TemporaryDirectory(prefix="eubiosis-executors-") as aside:
        workflow = Path(aside) / "workflow.yaml"
        workflow.write_text(WORKFLOW, encoding="utf-8")
        for name in chosen:
            run, began, before = Path(aside) / name.replace(":", "-"), time.monotonic(), _cpu()
            command = [sys.executable, "-m", "eubiosis", "run", str(workflow), "--out", str(run), "-q"]
            done = subprocess.run(
                [*command, "--executor", name], capture_output=True, text=True, check=False, timeout=1800
            )
            found[name] = digest(run) if done.returncode == 0 else done.stderr.strip()[-200:] or "failed"
            used = _cpu() - before
            print(
                f"| {name} | {used:.0f} | {time.monotonic() - began:.0f} | {found[name][:32]} |", flush=True
            )
    same = len(set(found.values())) == 1 and "failed" not in found.values()
    print("the same bytes everywhere" if same else "NOT the same")
    sys.exit(0 if same else 1)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
