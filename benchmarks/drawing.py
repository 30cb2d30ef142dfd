"""CPU seconds of drawing a trial report, figure by figure, beside those of another commit of this project.

    python benchmarks/drawing.py --old ../old      # a checkout of the other commit, with tests and sources

Both draw the same made-up input (tests/unit/report/report_input_factory.py) in processes of their own,
several times in turn; the smallest time counts. A part of the new page is its words and numbers together
with the share of the template that it fills; the whole page is measured as well.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

REPEATS = 2
CHILD = """
import importlib.util, json, sys, time
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
    parts["nothing"] = lambda _: trial_report(nothing)
parts["page"] = trial_report
found = {}
for name, draw in parts.items():
    draw(made)
    times = []
    for _ in range(3):
        start = time.process_time(); draw(made); times.append(time.process_time() - start)
    found[name] = min(times)
empty = found.pop("nothing", 0.0)
own = {name: value - (empty if name != "page" else 0.0) for name, value in found.items()}
print(json.dumps({name: max(value, 1e-6) for name, value in own.items()}))
"""


def drawn(tree: Path) -> dict[str, float]:
    """Return the CPU seconds of each figure, drawn by the sources of a tree."""
    environment = os.environ | {"PYTHONPATH": str(tree / "src")}
    made = subprocess.run(
        [sys.executable, "-c", CHILD], cwd=tree, env=environment, capture_output=True, text=True, check=True
    )
    found: dict[str, float] = json.loads(made.stdout)
    return found


def main() -> None:
    """Print a table of both, with their ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--old", type=Path, required=True, help="checkout of the other commit")
    old_tree, new_tree = parser.parse_args().old, Path(__file__).resolve().parents[1]
    old: dict[str, float] = {}
    new: dict[str, float] = {}
    for _ in range(REPEATS):  # in turn, so that both meet the same load
        for tree, kept in ((old_tree, old), (new_tree, new)):
            for name, seconds in drawn(tree).items():
                kept[name] = min(kept.get(name, seconds), seconds)
    print("| figure | other commit, CPU s | this one, CPU s | this over other |")
    print("| --- | --: | --: | --: |")
    for name, before in old.items():
        print(f"| {name} | {before:.4f} | {new[name]:.4f} | {new[name] / before:.3f} |")


if __name__ == "__main__":
    main()
