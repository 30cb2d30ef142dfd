#!/usr/bin/env python3
"""Type I error and coverage of every endpoint in a null world of the simulator.

    python validation/trials/operating.py [--trials 10000] [--sizes 30 60 120] [--processes 2] [--write]

Both arms are the placebo: nobody takes the therapy of the second, in worlds without couplings. Every gut
world has people of its own; each trial is randomised, measured and lost from anew. A cell is one endpoint at
one size: the share of all trials with p < 0.05, and the share of the intervals that hold "no effect".
``--write`` puts the table into docs/reference/operating_characteristics.md between its marks; without it, it
is printed.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path

from eubiosis.analysis.result import RATIO_SCALES
from eubiosis.compute.pool import map_ordered
from eubiosis.core.endpoints import ENDPOINTS
from eubiosis.model import load
from eubiosis.population.generate import generate
from eubiosis.therapy import Adherence, placebo, prebiotic
from eubiosis.trial.design import Arm, Design
from eubiosis.trial.simulate import Task
from eubiosis.trial.simulation import Simulation
from eubiosis.workflow.trial_chunk import run_chunk

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "operating_characteristics.md"
BEGIN, END = "<!-- null worlds: begin -->", "<!-- null worlds: end -->"
SHOWN = (
    "relapses",
    "gd_lesions",
    "t2_lesions",
    "edss",
    "mfis",
    "treg",
    "nfl",
    "stool_butyrate",
    "plasma_propionate",
)
SEED = 2026
Counts = dict[str, tuple[int, int, int, int]]  # endpoint -> trials, rejected, usable, covered


def main() -> int:
    """Run all sizes; say which cells lie outside 4 to 6 % or 93.5 to 96.5 % by more than their error."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--sizes", type=int, nargs="+", default=[30, 60, 120, 240, 300])
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--worlds", type=int, default=20)
    parser.add_argument("--write", action="store_true")
    chosen = parser.parse_args()
    cells = {size: null_counts(size, chosen.trials, chosen.worlds, chosen.processes) for size in chosen.sizes}
    text = markdown(cells)
    if chosen.write:
        from marked_page import put_between  # beside this script

        put_between(PAGE, BEGIN, END, text)
    else:
        print(text)
    return 0


def null_counts(size: int, trials: int, worlds: int, processes: int) -> Counts:
    """Count rejections and covered nulls by endpoint over trials of one size."""
    not_taken = prebiotic("inulin", dose="12 g/day").changed(adherence=Adherence(mean=0.0, sd=0.0))
    arms = (
        Arm(name="placebo", therapy=placebo(), control=True),
        Arm(name="nothing", therapy=not_taken),
    )
    design = Design(arms=arms, participants=size, primary="mfis", block=1)
    model = load()
    simulation = Simulation(
        gut_worlds=worlds, host_worlds=1, replicates=math.ceil(trials / worlds), couplings="zero"
    )
    cohort = generate(model, seed=SEED)
    tasks = [Task(design, cohort, simulation, SEED, g, model.content.folder) for g in range(worlds)]
    found: dict[str, list[int]] = {name: [0, 0, 0, 0] for name in ENDPOINTS}
    for counts in map_ordered(_counted, tasks, processes, None, label=f"{size} people"):
        for name, values in counts.items():
            found[name] = [a + b for a, b in zip(found[name], values, strict=True)]
    return {name: (v[0], v[1], v[2], v[3]) for name, v in found.items()}


def _counted(task: Task) -> Counts:
    found = {name: [0, 0, 0, 0] for name in ENDPOINTS}
    for row in run_chunk(task).estimates:
        one, null = row.estimate, 1.0 if row.estimate.scale in RATIO_SCALES else 0.0
        held = one.usable and one.ci_low <= null <= one.ci_high
        own = found[one.endpoint]
        for k, value in enumerate((1, one.significant(), one.usable, held)):
            own[k] += int(value)
    return {name: (v[0], v[1], v[2], v[3]) for name, v in found.items()}


def markdown(cells: dict[int, Counts]) -> str:
    """Return the table: one row an endpoint, two columns a size, and what lies outside the limits."""
    sizes = list(cells)
    lines = [
        f"| endpoint | {' | '.join(f'n = {n}: rejected % | coverage %' for n in sizes)} |",
        f"|---|{'--:|--:|' * len(sizes)}",
    ]
    outside = []
    for name in SHOWN:
        row = [ENDPOINTS[name].label]
        for n in sizes:
            trials, rejected, usable, held = cells[n][name]
            row += [_share(rejected, trials), _share(held, usable)]
        lines.append(f"| {' | '.join(row)} |")
    for n in sizes:
        for name, (trials, rejected, usable, held) in cells[n].items():
            error = math.sqrt(0.05 * 0.95 / trials)
            words = f"{name} at n = {n}"
            if not 0.04 - 2 * error <= rejected / trials <= 0.06 + 2 * error:
                outside.append(f"{words}: rejected {_share(rejected, trials)} %")
            if usable and not 0.935 - 2 * error <= held / usable <= 0.965 + 2 * error:
                outside.append(f"{words}: coverage {_share(held, usable)} %")
            if usable < 0.95 * trials:
                outside.append(f"{words}: no numbers in {_share(trials - usable, trials)} % of the trials")
    told = f"by more than two Monte Carlo errors, all {len(ENDPOINTS)} endpoints: "
    lines += ["", f"Outside 4 to 6 % or 93.5 to 96.5 % {told}" + ("; ".join(outside) or "none") + "."]
    return "\n".join(lines) + "\n"


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f}" if whole else "-"


def sample(sizes: Sequence[int], trials: int, worlds: int) -> dict[int, Counts]:
    """Return a small run in this process, for the tests."""
    return {size: null_counts(size, trials, worlds, 1) for size in sizes}


if __name__ == "__main__":
    raise SystemExit(main())
