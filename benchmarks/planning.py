"""Planning tables of 1,000 cells against calling an older revision's functions a thousand times, in one run.

    git worktree add ../base 610d205
    .venv/bin/python benchmarks/planning.py --base ../base [--cells 1000] [--rounds 5] [--json]

Both sides run in a fresh process of their own, on one thread, in turns; a table counts from made plans to the
finished columns. Medians over the rounds. The sizes of both are compared cell by cell.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

AXES = """
import itertools, json, sys, time
cells = int(sys.argv[1])
third = max(round(cells ** (1 / 3)), 1)
def spaced(low, high, n):
    return [low + (high - low) * i / max(n - 1, 1) for i in range(n)]
rates, ratios, ks = spaced(0.1, 0.8, third), spaced(0.5, 0.9, third), spaced(0.2, 2.0, third)
effects, correlations, powers = spaced(0.2, 0.9, third), spaced(0.1, 0.8, third), spaced(0.6, 0.95, third)
found = {}
def timed(name, function):
    start = time.perf_counter()
    sizes = function()
    found[name] = [time.perf_counter() - start, [float(s) for s in sizes]]
"""
OLD = (
    AXES
    + """
try:
    from eubiosis.analysis.count_planning import FollowUp, negative_binomial_size
    from eubiosis.analysis import classic_planning as classic
except ImportError:
    from eubiosis.analysis.planning.counts import FollowUp, negative_binomial_size
    from eubiosis.analysis.planning import classic
classic.t_test_size(0.3); negative_binomial_size(0.3, 0.7, 1.0, FollowUp(2.0))
fixed, varied = FollowUp(2.0), FollowUp(1.5, 1.0, 0.1)
grid = list(itertools.product(rates, ratios, ks))
scores = list(itertools.product(effects, correlations, powers))
timed("rate ratio, fixed follow-up",
      lambda: [negative_binomial_size(a, b, c, fixed).n_control for a, b, c in grid])
timed("rate ratio, accrual and drop-out",
      lambda: [negative_binomial_size(a, b, c, varied).n_control for a, b, c in grid])
timed("t test", lambda: [classic.t_test_size(d, power=p).n_control for d, _, p in scores])
timed("hazard ratio", lambda: [
    classic.hazard_ratio_size(b, a, follow_up_years=2.0, accrual_years=1.0, power=p).n_control
    for (a, b, _), (_, _, p) in zip(grid, scores)])
timed("two shares", lambda: [
    classic.proportions_size(0.1 + 0.3 * a, 0.5 + 0.4 * b, power=p).n_control
    for (a, b, _), (_, _, p) in zip(grid, scores)])
if "--ancova" in sys.argv:
    few = scores[:: max(len(scores) // 20, 1)]
    timed("ANCOVA, exact", lambda: [
        classic.ancova_size(d, r, power=p, method="exact").n_control for d, r, p in few])
print(json.dumps(found))
"""
)
NEW = (
    AXES
    + """
from eubiosis.analysis.planning import RatePlan, RiskDifferencePlan, ScorePlan, TimePlan, size_table
from eubiosis.analysis.planning.tables import PlanTable
size_table(ScorePlan(effect=0.3, baseline_correlation=0.5), {})
rate = dict(control_rate=0.3, ratio=0.7, dispersion=1.0)
grid = {"control_rate": rates, "ratio": ratios, "dispersion": ks}
def sizes(plan, axes):
    return size_table(plan, axes).columns["n"]
timed("rate ratio, fixed follow-up", lambda: sizes(RatePlan(years=2.0, **rate), grid))
timed("rate ratio, accrual and drop-out", lambda: sizes(
    RatePlan(years=1.5, accrual_years=1.0, dropout_per_year=0.1, **rate), grid))
timed("t test", lambda: sizes(ScorePlan(effect=0.3), {
    "effect": effects, "baseline_correlation": [0.0] * third, "power": powers}))
timed("hazard ratio", lambda: sizes(
    TimePlan(hazard_ratio=0.7, control_hazard=0.2, years=2.0, accrual_years=1.0),
    {"control_hazard": rates, "hazard_ratio": ratios, "power": powers}))
timed("two shares", lambda: sizes(RiskDifferencePlan(control_share=0.3, difference=0.2),
    {"control_share": spaced(0.1, 0.4, third), "difference": spaced(0.1, 0.5, third), "power": powers}))
if "--ancova" in sys.argv:
    timed("ANCOVA, exact", lambda: sizes(ScorePlan(effect=0.3), {
        "effect": effects, "baseline_correlation": correlations, "power": powers}))
print(json.dumps(found))
"""
)
SAME = ("rate ratio, fixed follow-up", "rate ratio, accrual and drop-out", "t test")


def run(source: Path, program: str, *arguments: str) -> dict[str, tuple[float, list[float]]]:
    """Run a program with the package of ``source`` in a process of one thread."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    environment = {**os.environ, **threads, "PYTHONPATH": str(source / "src")}
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def main() -> int:
    """Print the ratios; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", type=Path, required=True, help="folder of the older revision")
    parser.add_argument("--cells", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    old: dict[str, list[float]] = {}
    new: dict[str, list[float]] = {}
    cells: dict[str, tuple[int, int]] = {}
    for number in range(asked.rounds):
        extra = ["--ancova"] if number == 0 else []
        before = run(asked.base, OLD, str(asked.cells), *extra)
        after = run(ROOT, NEW, str(asked.cells), *extra)
        for name, (seconds, sizes) in before.items():
            old.setdefault(name, []).append(seconds)
            new.setdefault(name, []).append(after[name][0])
            cells[name] = (len(sizes), len(after[name][1]))
            if name in SAME and sizes != after[name][1]:
                wrong = sum(a != b for a, b in zip(sizes, after[name][1], strict=True))
                print(f"{name}: {wrong} of {len(sizes)} sizes differ", file=sys.stderr)
                return 1
    rows = []
    for name, seconds_of_old in old.items():
        was = statistics.median(seconds_of_old) / cells[name][0]
        now = statistics.median(new[name]) / cells[name][1]
        rows.append({
            "table": name, "cells": cells[name][1], "old_cells_timed": cells[name][0],
            "old_us_per_cell": 1e6 * was, "new_us_per_cell": 1e6 * now, "ratio": was / now,
        })  # fmt: skip
    if asked.json:
        print(json.dumps(rows, indent=2))
        return 0
    for row in rows:
        print(
            f"{row['table']:34} {row['cells']:5} cells  {row['old_us_per_cell']:10.1f} us/cell  "
            f"{row['new_us_per_cell']:8.2f} us/cell  {row['ratio']:8.1f} x"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
