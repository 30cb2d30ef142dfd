"""Say where the CPU seconds of the demo go: python benchmarks/main_job/parts.py [gut worlds] [--keep FILE].

One process runs the demo's gut worlds one after the other. Each part's own CPU time is counted, without the
parts that it calls. ``--keep`` writes the results of all worlds, so that two versions can be compared bit for
bit with ``--against FILE``.
"""

from __future__ import annotations

import argparse
import pickle
import time
from collections import defaultdict
from importlib import import_module
from pathlib import Path

BEGAN = time.process_time()

# part -> (module, attribute) of the functions that belong to it, where they are looked up
PARTS = {
    "niche": (("trial.gut", "_niche_batch"), ("model.worlds", "solve_niche")),
    "gut solve": (("trial.gut", "_solve_batch"),),
    "host run": (("trial.host", "run_hosts"),),
    "drive": (("trial.host", "draw_drive"), ("trial.host", "draw_people")),
    "event rates": (("trial.host", "_rates"),),
    "candidates": (("workflow.trial_worlds", "_candidates"),),
    "gut draws and tables": (("workflow.trial_worlds", "gut_courses"),),
    "screening": (("workflow.trial_worlds", "enrol"),),
    "replicate": (("workflow.trial_worlds", "replicate"),),
    "analysis": (("workflow.trial_worlds", "analyse_trial"),),
    "draw worlds": (
        ("workflow.trial_worlds", "draw_gut_world"),
        ("workflow.trial_worlds", "draw_host_world"),
    ),
    "collect": (("workflow.trial_worlds", "_collect"),),
    "report": (("workflow.trial_job", "_refuse_failures"), ("workflow.trial_job", "report_input")),
}


class Accounts:
    """Own CPU seconds of each part; the innermost running part is charged."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.open = ["rest"]
        self.mark = time.process_time()

    def charge(self) -> None:
        """Charge the time since the last mark to the part that is running."""
        now = time.process_time()
        self.seconds[self.open[-1]] += now - self.mark
        self.mark = now

    def within(self, part: str, function):
        """Wrap a function so that its time is charged to a part."""

        def timed(*arguments, **options):
            self.charge()
            self.open.append(part)
            try:
                return function(*arguments, **options)
            finally:
                self.charge()
                self.open.pop()

        return timed


def main() -> None:
    """Run the demo's worlds with every part wrapped, and print the accounts."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("worlds", type=int, nargs="?", default=0)
    options.add_argument("--keep", type=Path)
    options.add_argument("--against", type=Path)
    chosen = options.parse_args()
    accounts = Accounts()
    for part, places in PARTS.items():
        for module, name in places:
            home = import_module(f"eubiosis.{module}")
            if hasattr(home, name):
                setattr(home, name, accounts.within(part, getattr(home, name)))
    results, job = run(accounts, chosen.worlds)
    total = sum(accounts.seconds.values())
    for part, seconds in sorted(accounts.seconds.items(), key=lambda item: -item[1]):
        print(f"{part:24s} {seconds:8.2f} s  {100 * seconds / total:5.1f} %")
    print(f"{'all':24s} {total:8.2f} s")
    if chosen.keep:
        chosen.keep.write_bytes(pickle.dumps((results, job)))
    if chosen.against:
        theirs = chosen.against.read_bytes()
        print("identical" if theirs == pickle.dumps((results, job)) else "DIFFERENT results")


def run(accounts: Accounts, worlds: int) -> tuple[list[str], str]:
    """Run the worlds and the report; return their contents as text."""
    accounts.seconds["imports"] = time.process_time() - BEGAN
    accounts.mark = time.process_time()
    from eubiosis.workflow.files.spec import to_design

    from eubiosis.workflow import trial_job, trial_worlds
    from eubiosis.workflow.trial_run import DEMO, check_run

    spec = accounts.within("workflow file", check_run)(DEMO)
    design = to_design(spec)

    def prepare() -> None:
        model = trial_worlds._model()
        for name in ("upstream_kernel", "gut_kernel", "host_kernel"):
            getattr(model, name)

    accounts.within("model and kernels", prepare)()
    runs = spec.simulation
    kept = []

    def one_after_the_other(function, tasks, *_, **__):
        found = [function(task) for task in tasks[: worlds or None]]
        kept.extend(text(result) for result in found)
        return found

    trial_job.map_ordered = one_after_the_other
    assert runs.gut_worlds >= worlds
    job = trial_job.run_job(spec, design)
    page = import_module("eubiosis.report.trial.page")
    results = import_module("eubiosis.report.trial.results_json")

    def write() -> str:
        page.trial_report(job.report_input)
        return str(results.results_text(job.report_input))

    return kept, accounts.within("report", write)()


def text(value: object) -> str:
    """Write a result as text that shows every bit of every number."""
    import numpy as np

    if isinstance(value, np.ndarray):
        return f"{value.dtype}{value.shape}{value.tolist()!r}"
    if isinstance(value, dict):
        return "{" + ",".join(f"{key!r}:{text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, tuple | list):
        return "(" + ",".join(text(item) for item in value) + ")"
    if hasattr(value, "__dataclass_fields__"):
        fields = (f"{name}={text(getattr(value, name))}" for name in value.__dataclass_fields__)
        return "<" + ",".join(fields) + ">"
    return repr(value)


if __name__ == "__main__":
    main()
