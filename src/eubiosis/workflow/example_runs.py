"""Run the shipped example of therapies from its text to its report, and say what came of each."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

from eubiosis.core.errors import NumericalFailuresError
from eubiosis.core.findings import FindingsError
from eubiosis.report.trial.page import trial_report
from eubiosis.therapy import product, products
from eubiosis.workflow.examples import example_workflow
from eubiosis.workflow.files.workflow_yaml import read_workflow
from eubiosis.workflow.trial_job import run_job
from eubiosis.workflow.workflow import Workflow


@dataclass(frozen=True)
class ExampleRun:
    """What came of one example: trials, endpoints whose true effect is a number, and size of the report.

    ``problem`` is empty where it ran; ``seconds`` are those of the processor.
    """

    therapy: str
    representable: str
    trials: int
    endpoints: int
    report_bytes: int
    seconds: float
    problem: str

    @property
    def ran(self) -> bool:
        """Whether the example ran to its end with a true effect on every endpoint."""
        return not self.problem


def run_examples(
    names: Sequence[str] | None = None,
    *,
    smaller: Callable[[Workflow], Workflow] = lambda workflow: workflow,
    say: Callable[[ExampleRun], None] = lambda _: None,
) -> tuple[ExampleRun, ...]:
    """Run the examples of some products, all where none are named, one after the other.

    ``smaller`` may change a workflow before it is run, ``say`` is told of each run. What a run refuses is in
    its ``problem``; anything else is an error of the software and is raised.

    >>> run_examples(())
    ()
    """
    found = []
    for name in products() if names is None else names:
        found.append(_run(name, smaller))
        say(found[-1])
    return tuple(found)


def _run(name: str, smaller: Callable[[Workflow], Workflow]) -> ExampleRun:
    begin, representable = process_time(), product(name).representable
    with TemporaryDirectory() as folder:
        path = Path(folder) / "workflow.yaml"
        path.write_text(example_workflow(name), encoding="utf-8", newline="\n")
        try:
            job = run_job(smaller(read_workflow(path)), progress=False)
        except (FindingsError, NumericalFailuresError, ArithmeticError) as error:
            return ExampleRun(name, representable, 0, 0, 0, process_time() - begin, str(error))
    page = trial_report(job.report_input)
    effects = job.report_input.effects
    known = sum(all(map(math.isfinite, row.truth)) for row in effects)
    lacking = [row.endpoint for row in effects if not all(map(math.isfinite, row.truth))]
    return ExampleRun(
        name,
        representable,
        int(job.facts["trials"]),
        known,
        len(page.encode()),
        process_time() - begin,
        f"no true effect: {', '.join(lacking)}" if lacking else "",
    )
