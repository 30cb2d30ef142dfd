#!/usr/bin/env python3
"""Time `eubiosis trial analyse` on a large table against pandas and statsmodels, each a whole process.

    python benchmarks/trial_table.py [--people 250000] [--pairs 3]

Four visits a participant, so that the default is 1,000,000 rows. Both read the CSV and fit the analysis of
covariance of the last visit on the first; that they find the same estimate is checked. Ours also checks every
cell, matches arms and visits, and summarises every visit. CPU seconds, user and system.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

VISITS = ("Baseline", "Week 12", "Week 24", "Week 48")
PLAN = {
    "title": "Large and made",
    "columns": {"participant": "id", "arm": "arm", "visit": "visit"},
    "arms": [{"name": "Placebo", "control": True}, {"name": "Inulin"}],
    "visits": [{"name": name, "week": week} for name, week in zip(VISITS, (0, 12, 24, 48), strict=True)],
    "multiplicity": "none",
    "endpoints": [
        {
            "name": "fatigue",
            "column": "mfis",
            "kind": "score",
            "model": "ancova",
            "missing_data": "complete cases",
            "visit": "Week 48",
            "baseline_visit": "Baseline",
            "range": [0, 84],
            "estimand": {"treatment": "made", "population": "made", "variable": "MFIS"},
        }
    ],
}
PEER = """
import sys, pandas as pd, statsmodels.formula.api as smf
table = pd.read_csv(sys.argv[1])
wide = table.pivot(index=["id", "arm"], columns="visit", values="mfis").reset_index()
wide = wide.rename(columns={"Week 48": "end", "Baseline": "start"})
fit = smf.ols("end ~ C(arm, Treatment('Placebo')) + start", wide).fit()
print(repr(float(fit.params.iloc[1])))
"""


def main() -> int:
    """Run both in turn and print medians and their ratio."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=int, default=250_000)
    parser.add_argument("--pairs", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table, plan = folder / "table.csv", folder / "plan.yaml"
        make(table, asked.people)
        plan.write_text(json.dumps(PLAN))
        ours_command = ("-m", "eubiosis", "trial", "analyse", str(table), "--plan", str(plan))
        ours, theirs = [], []
        for _ in range(asked.pairs):
            seconds, said = timed(ours_command)
            ours.append(seconds)
            estimate = float(next(csv.DictReader(io.StringIO(said)))["estimate"])
            seconds, said = timed(("-c", PEER, str(table)))
            theirs.append(seconds)
            if abs(estimate - float(said)) > 1e-8 * abs(estimate):
                print(f"the estimates differ: {estimate} and {said}", file=sys.stderr)
                return 1
    here, there = statistics.median(ours), statistics.median(theirs)
    rows = 4 * asked.people
    print(f"{rows:,} rows, CPU seconds: ours {here:.1f}, pandas and statsmodels {there:.1f}")
    print(f"ours/theirs {here / there:.2f}")
    return 0


def make(path: Path, people: int) -> None:
    """Write the made table."""
    draw = np.random.default_rng(2026)
    level = draw.normal(38, 10, people)
    arms = ("Placebo", "Inulin")
    with path.open("w", encoding="utf-8") as out:
        out.write("id,arm,visit,mfis\n")
        for k, visit in enumerate(VISITS):
            scores = np.clip(np.round(level + draw.normal(0, 5, people) - k * (np.arange(people) % 2)), 0, 84)
            gone = draw.random(people) < 0.05 * k
            out.writelines(
                f"P{i},{arms[i % 2]},{visit},{'' if gone[i] else int(score)}\n"
                for i, score in enumerate(scores.tolist())
            )


def timed(command: tuple[str, ...]) -> tuple[float, str]:
    """Run Python with some arguments; return CPU seconds and standard output."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    said = subprocess.run([sys.executable, *command], check=True, capture_output=True, text=True).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, said


if __name__ == "__main__":
    sys.exit(main())
