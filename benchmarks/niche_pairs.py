"""Compare the niches of 1,000 people with an older revision, side by side, in turns.

    python -m benchmarks.niche_pairs --base FOLDER [--people 1000] [--rounds 7] [--threads 2]

FOLDER holds a checkout of the older revision (610d205 had the exact solve). Each side runs in a process of
its own with its own sources and its own candidates (what a user of that revision had), and then with the
other's candidates too; the sides take turns, so that what else the machine does falls on both. Seconds are
wall and processor time of the whole call, after one that compiles.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
_CHILD = """
import json, sys, time
import numpy as np
from eubiosis.core.guilds import GUILDS
from eubiosis.model import load
from eubiosis.model.worlds import draw_gut_world, reference_shares
from eubiosis.population.subjects import subjects_from_reference

people, threads = int(sys.argv[1]), int(sys.argv[2])
model = load()
world = draw_gut_world(model, 0, 2026, vary=False)
try:
    from eubiosis.model.worlds import hold_people

    def solve(shares):
        return hold_people(model, world, shares, threads=threads)
except ImportError:
    from eubiosis.model.niche import solve_niches

    kernel = model.gut_kernel
    given = {k: v for k, v in world.values.items() if k in kernel.parameter_index}
    scale = model.content.numbers["gut_w_scale"].value

    def solve(shares):
        return solve_niches(
            kernel, given, shares, geometric_mean=scale, start=world.healthy, threads=threads
        )

reference = dict(zip(GUILDS, reference_shares(model).tolist()))
own = subjects_from_reference(reference, group="MS", size=people, seed=2026).shares
print(json.dumps(own.tolist()), flush=True)
sets = {"own": own}
for line in sys.stdin:
    name, _, rest = line.partition(" ")
    if name == "shares":
        sets["other"] = np.array(json.loads(rest))
        continue
    shares = sets[name.strip()]
    begin, used = time.perf_counter(), time.process_time()
    found = solve(shares)
    taken = time.perf_counter() - begin, time.process_time() - used
    print(json.dumps([*taken, {w: found.status.count(w) for w in set(found.status)}]), flush=True)
"""


class Side:
    """One revision in a process of its own."""

    def __init__(self, source: Path, people: int, threads: int) -> None:
        environment = {**os.environ, "PYTHONPATH": str(source), "OPENBLAS_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", _CHILD, str(people), str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        self.shares = self._line()

    def _line(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            message = f"the other process ended with status {self.process.wait()}"
            raise RuntimeError(message)
        return line

    def ask(self, text: str, *, answer: bool = True) -> list[object]:
        """Send a line and read the answer to it."""
        assert self.process.stdin is not None
        self.process.stdin.write(text.rstrip() + "\n")
        self.process.stdin.flush()
        return json.loads(self._line()) if answer else []

    def close(self) -> None:
        """End the process."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def main() -> None:
    """Run both sides in turns and print the medians and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--base", type=Path, required=True)
    parser.add_argument("--people", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    now = Side(ROOT / "src", options.people, options.threads)
    base = Side(options.base / "src", options.people, options.threads)
    now.ask(f"shares {base.shares}", answer=False)
    base.ask(f"shares {now.shares}", answer=False)
    for label, mine, theirs in (
        ("each with its own people", "own", "own"),
        ("both with the people of the older revision", "other", "own"),
        ("both with the people of this revision", "own", "other"),
    ):
        rows = []
        now.ask(mine), base.ask(theirs)  # compiles
        for _ in range(options.rounds):
            rows.append((now.ask(mine), base.ask(theirs)))
        wall = [(float(a[0]), float(b[0])) for a, b in rows]
        used = [(float(a[1]), float(b[1])) for a, b in rows]
        print(f"{label}: now {rows[-1][0][2]}, base {rows[-1][1][2]}")
        for kind, pairs in (("wall", wall), ("processor", used)):
            mine_s, theirs_s = (median(side) for side in zip(*pairs, strict=True))
            ratio = np.percentile([a / b for a, b in pairs], (0, 50, 100)).round(2).tolist()
            spread = f"ratio {ratio[1]} ({ratio[0]} to {ratio[2]})"
            print(f"  {kind}: {mine_s:.3f} s now, {theirs_s:.3f} s base; {spread}")
    now.close()
    base.close()


if __name__ == "__main__":
    main()
