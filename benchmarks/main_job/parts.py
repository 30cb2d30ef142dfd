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
    "niche": (("trial.world.gut", "hold_people"), ("model.worlds", "solve_niche")),
    "gut solve": (("trial.world.gut", "_solve_batch"),),
    "host run": (("trial.world.host", "run_hosts"),),
    "drive": (("trial.world.host", "draw_drive"), ("trial.world.host", "draw_people")),
    "event rates": (("trial.world.enrolment", "event_scale"),),
    "candidates": (("population.generate", "Cohort.candidates"),),
    "gut draws": (("trial.world.enrolment", "gut_courses"),),
    "screening": (("trial.world.enrolment", "screened"),),
    "replicate": (("trial.world.host_world", "replicates"),),
    "draw worlds": (("trial.simulate", "draw_gut_world"), ("trial.simulate", "draw_host_world")),
    "tables of trials": (("workflow.trial_chunk", "gut_world_trials"),),
    "analysis": (("workflow.trial_chunk", "estimate"),),
    "true effects": (("workflow.trial_chunk", "effects_of_world"),),
    "reduction": (("workflow.trial_chunk", "reduced"),),
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
            *holders, last = name.split(".")
            for holder in holders:
                home = getattr(home, holder)
            setattr(home, last, accounts.within(part, getattr(home, last)))
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
    from eubiosis.core.content import PACKAGED_CONTENT
    from eubiosis.workflow import trial_job
    from eubiosis.workflow.trial_run import DEMO, check_run

    workflow = accounts.within("workflow file", check_run)(DEMO)

    def prepare() -> None:
        model = import_module("eubiosis.trial.simulate")._model(PACKAGED_CONTENT)
        for name in ("upstream_kernel", "gut_kernel", "host_kernel"):
            getattr(model, name)

    accounts.within("model and kernels", prepare)()
    kept = []

    def one_after_the_other(function, tasks, *_, **__):
        found = [function(task) for task in tasks[: worlds or None]]
        kept.extend(text(result) for result in found)
        return found

    trial_job.map_ordered = one_after_the_other
    assert workflow.simulation.gut_worlds >= worlds
    job = trial_job.run_job(workflow)
    page = import_module("eubiosis.report.trial.page")
    results = import_module("eubiosis.report.trial.results_json")

    def write() -> str:
        page.trial_report(job.report_input)
        return str(results.results_text(job.report_input))

    return kept, accounts.within("report", write)()


def text(value: object) -> str:
    """Write a result as text that shows every bit of every number."""
    import numpy as np

    from eubiosis.core.frame import Table

    if isinstance(value, Table):
        return text(value.to_pydict())
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
