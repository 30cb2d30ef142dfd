"""Make worlds as an older revision did and as this one does, on the same draws, in turns.

    python -m benchmarks.worlds --base FOLDER [--worlds 200] [--rounds 3]

FOLDER holds a checkout of the older revision (610d205). Both sides make worlds of the numbers that the older
one draws: healthy niche factors, the healthy state, the references that cross to the host. The older side
makes one world at a time, as its runs did; this one solves all of them together. One thread each; seconds
are processor time of the whole call, after one that compiles. The last column is this revision's own worlds,
where a draw that a healthy gut contradicts is drawn again.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
_OLD = """
import json, sys, time
from eubiosis.model import load
from eubiosis.model.worlds import draw_gut_world
model, count = load(), int(sys.argv[1])
draw_gut_world(model, 1, 2026)
for _ in sys.stdin:
    used = time.process_time()
    worlds = [draw_gut_world(model, number, 2026) for number in range(1, count + 1)]
    used = time.process_time() - used
    found = [{n: float(v) for n, v in w.values.items()} for w in worlds]
    print(json.dumps([used, found]), flush=True)
"""
_NEW = """
import json, sys, time
import numpy as np
from eubiosis.model import load
from eubiosis.model.plausible import held_healthy
from eubiosis.model.worlds import draw_gut_worlds
model, count = load(), int(sys.argv[1])
drawn = json.loads(sys.stdin.readline())
names = [n for n in drawn[0] if n in model.content.numbers]
sets = {n: np.array([one[n] for one in drawn]) for n in names}
held_healthy(model, {n: v[:2] for n, v in sets.items()}, 1)
draw_gut_worlds(model, (1,), 2026, threads=1)
print(json.dumps(len(names)), flush=True)
for _ in sys.stdin:
    used = time.process_time()
    worlds = held_healthy(model, sets, 1)
    used = time.process_time() - used
    own = time.process_time()
    draw_gut_worlds(model, range(1, count + 1), 2026, threads=1)
    own = time.process_time() - own
    print(json.dumps([used, own, sum(w is not None for w in worlds)]), flush=True)
"""


class Side:
    """One revision in a process of its own, with one thread."""

    def __init__(self, code: str, folder: Path, count: int) -> None:
        threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, str(count)],
            env={**os.environ, **threads, "PYTHONPATH": str(folder / "src")},
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, line: str = "go") -> Any:
        """Send a line and return the answer."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self) -> None:
        """End the process."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def main() -> None:
    """Measure and print one line a round, and the medians."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--base", type=Path, required=True)
    options.add_argument("--worlds", type=int, default=200)
    options.add_argument("--rounds", type=int, default=3)
    chosen = options.parse_args()
    old = Side(_OLD, chosen.base, chosen.worlds)
    new = Side(_NEW, ROOT, chosen.worlds)
    _, drawn = old.ask()
    shared = new.ask(json.dumps(drawn))
    print(f"{chosen.worlds} worlds of the older revision; {shared} of their numbers exist in both")
    ratios = []
    for _ in range(chosen.rounds):
        before, _ = old.ask()
        together, own, solved = new.ask()
        rates = [chosen.worlds / seconds for seconds in (before, together, own)]
        ratios.append((rates[1] / rates[0], rates[2] / rates[0]))
        print(
            f"worlds a CPU second: older {rates[0]:.1f}, same draws together {rates[1]:.1f} "
            f"({solved} with a steady state), own worlds with draws refused {rates[2]:.1f}"
        )
    print("median ratios:", " and ".join(f"{median(column):.1f}" for column in zip(*ratios, strict=True)))
    old.close()
    new.close()


if __name__ == "__main__":
    main()
