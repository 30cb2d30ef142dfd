#!/usr/bin/env python3
"""Time simulated trials, analysis included, against an older checkout, side by side in one run.

    python benchmarks/trials.py --peer PEER [--people 240] [--pairs 3] [--trials 320]

``--peer`` is a worktree of commit 610d205 (``git worktree add PEER 610d205``). Both run its 27 endpoints
on designs that both know: placebo and inulin with scans in weeks 24 and 48, and three arms with visits every
12 weeks. Each measurement is a process of its own, one world with few and with many replicates; the
difference of the CPU seconds, user and system, over that of the trials is the cost of one more trial,
without the subjects, simulated once in either. Both take turns, so that whatever else the machine does falls
on both. ``--whole N`` also times N trials of the first design over 36 worlds in two processes.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
DESIGNS = {
    "2 arms, 3 visits": (2, (0.0, 24.0, 48.0)),
    "3 arms, 5 visits": (3, (0.0, 12.0, 24.0, 36.0, 48.0)),
}
CHILD = """
import json, sys, time
people, few, many, arms, visits = json.loads(sys.argv[1])
end = visits[-1]
from eubiosis.trial.design import Arm, Design
try:
    from eubiosis.workflow.trial_worlds import Task, run_gut_world
    from eubiosis.therapy.therapy import inulin, placebo, propionate
    made = (Arm("placebo", placebo(stop_week=end), control=True),
            Arm("inulin", inulin("12 g/day", stop_week=end)),
            Arm("propionate", propionate("1000 mg/day", stop_week=end)))[:arms]
    def task(n):
        return Task(design=design, seed=2026, gut_world=0, host_worlds=1, replicates=n, couplings="symmetric",
                    group="MS")
    run = run_gut_world
except ImportError:
    from eubiosis.model import load
    from eubiosis.population.generate import generate
    from eubiosis.therapy import acid, placebo, prebiotic
    from eubiosis.trial.simulate import Task
    from eubiosis.trial.simulation import Simulation
    from eubiosis.workflow.trial_chunk import run_chunk
    week = f"week {end:g}"
    made = (Arm(name="placebo", therapy=placebo(stop=week), control=True),
            Arm(name="inulin", therapy=prebiotic("inulin", dose="12 g/day", stop=week)),
            Arm(name="propionate", therapy=acid("propionate", dose="1000 mg/day", stop=week)))[:arms]
    model = load()
    def task(n):
        return Task(design, generate(model, seed=2026), Simulation(gut_worlds=1, host_worlds=1, replicates=n),
                    2026, 0, model.content.folder)
    run = run_chunk
design = Design(arms=made, participants=people, visits=tuple(visits), allocation=(1,) * arms, primary="mfis")
def seconds(n):
    begin = time.process_time()
    found = run(task(n))
    return time.process_time() - begin, len(found.estimates) // (n * (arms - 1))
seconds(2)
less, _ = seconds(few)
more, endpoints = seconds(many)
print(json.dumps({"ms": 1000 * (more - less) / (many - few), "endpoints": endpoints}))
"""


def main() -> int:
    """Measure pairs in turn; print the medians and the ratio of each design."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peer", type=Path, required=True)
    parser.add_argument("--people", type=int, default=240)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--trials", type=int, default=320)
    parser.add_argument("--whole", type=int, default=0)
    chosen = parser.parse_args()
    for name, (arms, visits) in DESIGNS.items():
        ours, theirs = [], []
        for _ in range(chosen.pairs):
            theirs.append(one_more_trial(chosen.peer, chosen.people, 4, 20, arms, visits))
            ours.append(one_more_trial(HERE, chosen.people, 64, 64 + chosen.trials, arms, visits))
        assert {each["endpoints"] for each in (*ours, *theirs)} == {27}
        here, there = (statistics.median(each["ms"] for each in side) for side in (ours, theirs))
        ratios = sorted(t["ms"] / o["ms"] for o, t in zip(ours, theirs, strict=True))
        print(
            f"{name}: {here:.2f} ms of CPU a trial here, {there:.1f} there; "
            f"ratio of medians {there / here:.1f} (pairs {', '.join(f'{ratio:.1f}' for ratio in ratios)})",
            flush=True,
        )
    if chosen.whole:
        wall, cpu = whole(chosen.people, chosen.whole)
        print(f"{chosen.whole} trials in 2 processes: {wall:.1f} s of wall time, {cpu:.1f} of CPU")
    return 0


def one_more_trial(
    tree: Path, people: int, few: int, many: int, arms: int, visits: tuple[float, ...]
) -> dict[str, float]:
    """Return the CPU milliseconds of one more trial in a checkout, and how many endpoints were analysed."""
    asked = json.dumps([people, few, many, arms, visits])
    done = subprocess.run(
        [sys.executable, "-c", CHILD, asked],
        env=environment(tree), check=True, capture_output=True, text=True,
    )  # fmt: skip
    found: dict[str, float] = json.loads(done.stdout)
    return found


def environment(tree: Path) -> dict[str, str]:
    """Return the environment of a checkout: its sources, its own cache, one thread for matrix products."""
    cache = str(Path(tempfile.gettempdir()) / f"benchmark-trials-{tree.resolve().name}")
    own = {"PYTHONPATH": str(tree / "src"), "EUBIOSIS_CACHE_DIR": cache, "OPENBLAS_NUM_THREADS": "1"}
    return {**os.environ, **own}


def whole(people: int, trials: int) -> tuple[float, float]:
    """Return wall and CPU seconds of a job over 36 pairs of worlds: subjects, analysis and summary."""
    code = (
        "import json, sys\n"
        "from eubiosis.compute.executors import Executor\n"
        "from eubiosis.workflow.trial_job import run_job\n"
        "from eubiosis.workflow.workflow import Workflow\n"
        "run_job(Workflow(**json.loads(sys.argv[1])), executor=Executor(workers=2), progress=False)\n"
    )
    arms = [
        {"name": "placebo", "therapy": {"product": "placebo"}, "control": True},
        {"name": "inulin", "therapy": {"product": "inulin", "dose": "12 g/day"}},
    ]
    words = dict.fromkeys(("title", "question", "context_of_use", "decision"), "A benchmark.")
    design = {"arms": arms, "participants": people, "visits": [0, 24, 48], "primary": "mfis"}
    runs = {"gut_worlds": 6, "host_worlds": 6, "replicates": -(-trials // 36)}
    asked = json.dumps({**words, "design": design, "simulation": runs})
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, "-c", code, asked], env=environment(HERE), check=True)
    wall, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    raise SystemExit(main())
