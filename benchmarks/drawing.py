"""CPU seconds of drawing a trial report, figure by figure, beside those of another commit of this project.

    python benchmarks/drawing.py --old ../old      # a checkout of the other commit, with tests and sources

Both draw the same made-up input (tests/unit/report/report_input_factory.py) in processes of their own,
several times in turn. Of the other commit the smallest time counts. A figure of this one is what a page with
it takes beyond a page without, words and numbers and its share of the template included: the median of pairs
drawn one after the other, and the standard error of that; the larger of the rounds counts. The whole page is
measured as well. Prints the load; exit status 1 where a ratio with two errors is above the bar.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

REPEATS = 2
BAR = 1 / 3
CHILD = """
import importlib.util, json, statistics, sys, time
PAIRS = 16
sys.path.insert(0, "tests/unit/report")
from report_input_factory import make_report_input
made = make_report_input()
old = importlib.util.find_spec("eubiosis.report.trial_figures") is not None
if old:
    from eubiosis.report import trial_figures as c
    from eubiosis.report.trial_flow import flow_figure
    from eubiosis.report.trial_forest import forest_figure
    from eubiosis.report.trial_report import trial_report
    parts = {"flow": flow_figure, "forest": forest_figure, "courses": c.course_figures,
             "change": c.change_figure, "variance": c.variance_figure, "basis": c.basis_figure}
else:
    from eubiosis.report.trial.page import trial_report
    import dataclasses
    nothing = dataclasses.replace(made, flow=(), effects=(), courses=(), changes=(), variance=(),
                                  basis_shares={}, assumptions=())
    names = {"flow": "flow", "forest": "effects", "courses": "courses", "change": "changes",
             "variance": "variance", "basis": "basis_shares"}
    inputs = {part: dataclasses.replace(nothing, **{name: getattr(made, name)})
              for part, name in names.items()}
    def whole(part):
        return lambda _: trial_report(inputs[part])
    parts = {part: whole(part) for part in names}
    empty = lambda _: trial_report(nothing)
    empty(made)
parts["page"] = trial_report
def taken(draw):
    start = time.process_time(); draw(made); return time.process_time() - start
found = {}
for name, draw in parts.items():
    draw(made)
    if old or name == "page":
        found[name] = [min(taken(draw) for _ in range(3)), 0.0]
        continue
    pairs = []
    for k in range(PAIRS):  # the first of a pair is the other one each time
        first, second = (empty, draw) if k % 2 else (draw, empty)
        pair = taken(first), taken(second)
        pairs.append(pair[1] - pair[0] if k % 2 else pair[0] - pair[1])
    spread = statistics.stdev(pairs) / len(pairs) ** 0.5
    found[name] = [statistics.median(pairs), 1.25 * spread]
print(json.dumps(found))
"""


def drawn(tree: Path) -> dict[str, tuple[float, float]]:
    """Return the CPU seconds of each figure and their standard error, drawn by the sources of a tree."""
    environment = os.environ | {"PYTHONPATH": str(tree / "src")}
    made = subprocess.run(
        [sys.executable, "-c", CHILD], cwd=tree, env=environment, capture_output=True, text=True, check=True
    )
    found: dict[str, list[float]] = json.loads(made.stdout)
    return {name: (seconds, error) for name, (seconds, error) in found.items()}


def main() -> None:
    """Print a table of both, with their ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--old", type=Path, required=True, help="checkout of the other commit")
    old_tree, new_tree = parser.parse_args().old, Path(__file__).resolve().parents[1]
    load = [os.getloadavg()[0]]
    old: dict[str, float] = {}
    new: dict[str, tuple[float, float]] = {}
    for _ in range(REPEATS):  # in turn, so that both meet the same load
        for name, (seconds, _error) in drawn(old_tree).items():
            old[name] = min(old.get(name, seconds), seconds)
        for name, own in drawn(new_tree).items():
            new[name] = max(new.get(name, own), own)
    load.append(os.getloadavg()[0])
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, load {load[0]:.1f} before and {load[1]:.1f} after")
    print("| figure | other commit, CPU s | this one, CPU s (error) | this over other | with two errors |")
    print("| --- | --: | --: | --: | --: |")
    most = 0.0
    for name, before in old.items():
        seconds, error = new[name]
        upper = (max(seconds, 0.0) + 2 * error) / before
        most = max(most, upper)
        print(
            f"| {name} | {before:.4f} | {seconds:.4f} ({error:.4f}) | {seconds / before:.3f} | {upper:.3f} |"
        )
    sys.exit(1 if most > BAR else 0)


if __name__ == "__main__":
    main()
