"""Our side of every workload, behind one small adapter.

Each function here is all that a workload knows of the engine. What the engine cannot do yet raises
``NotImplementedError``, and the workload then reports the peers alone.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.cases import Case
from benchmarks.people import People
from benchmarks.roadrunner_peer import Tolerance
from benchmarks.workers import Batch
from eubiosis.core.guilds import GUILDS
from eubiosis.model.model import Model
from eubiosis.model.niche import OK, solve_niche
from eubiosis.model.worlds import draw_gut_world

Array = NDArray[np.float64]
CACHE_VARIABLE = "XDG_CACHE_HOME"  # where compiled code may be kept between processes


def _engine() -> Any:
    return importlib.import_module("eubiosis.engine")


def available() -> bool:
    """Return whether the batched solver is there."""
    return hasattr(_engine(), "compile")


class Ours:
    """One compiled case; ``compile_seconds`` is the time from the text of the file to machine code.

    ``options`` go to the engine's ``solve``, such as another method.
    """

    def __init__(self, case: Case, threads: int, **options: Any) -> None:
        if not available():
            message = "eubiosis.engine.compile is not there yet"
            raise NotImplementedError(message)
        engine = _engine()
        self.case, self.threads, self.engine, self.options = case, threads, engine, options
        begin = time.perf_counter()
        self.compiled: Any = engine.compile(case.sbml)
        self.inputs = [engine.Set(c.time, c.parameter, c.value) for c in case.switches]
        if case.boluses is not None:
            boluses = case.boluses
            self.inputs += [engine.Add(float(t), boluses.state, boluses.amount) for t in boluses.times]
        self.solve(case.people.first(8), Tolerance(1e-3, tuple([1e-6] * len(case.states))))
        self.compile_seconds = time.perf_counter() - begin

    def solve(self, people: People, tolerance: Tolerance) -> Any:
        """Solve the case for other subjects; returns the engine's solution."""
        return self.compiled.solve(
            self.case.times,
            self.case.states,
            parameters=dict(zip(people.names, people.parameters.T, strict=True)),
            initial=dict(zip(people.states, people.initial.T, strict=True)),
            inputs=self.inputs,
            tolerances=self.engine.Tolerances(
                relative=tolerance.relative,
                absolute=np.asarray(tolerance.absolute),
                negative=float("inf"),  # the peers do not look at signs either
            ),
            threads=self.threads,
            **self.options,
        )

    def runner(self, size: int) -> Callable[[Tolerance], Batch]:
        """Return a function that solves ``size`` subjects at a tolerance and times it."""
        people = self.case.people.first(size)

        def run(tolerance: Tolerance) -> Batch:
            wall, processor = time.perf_counter(), time.process_time()
            solution = self.solve(people, tolerance)
            wall, processor = time.perf_counter() - wall, time.process_time() - processor
            values = np.asarray(solution.values)
            failed = np.array([word != OK for word in solution.status])
            if np.any(failed):
                values = np.where(failed[:, None, None], np.nan, values)
            return Batch(values, wall, processor)

        return run


def stream_population(
    model: Model, people: People, size: int, arms: int, threads: int, couplings: Sequence[str] = ("hand_fit",)
) -> Mapping[str, Array]:
    """Simulate ``size`` subjects in ``arms`` arms for two years and return endpoints only.

    The gut adaptive, the host in fixed explicit steps under each subject's own daily random drive (arms share
    it). Subjects go round the table of ``people``; arm 0 is placebo. Returns arrays (couplings, arms,
    subjects): ``relapses`` and ``lesions`` expected in two years, and the last value of ``host_NfL``. No
    array with both a subject and a time axis is kept.
    """
    message = "needs the engine's interface for a slow and a fast part under a daily drive"
    raise NotImplementedError(message)


def run_world(
    model: Model, number: int, subjects: int, arms: int, couplings: Sequence[str], threads: int
) -> Mapping[str, Array]:
    """Run one world of the study: niche factors of its subjects, then all arms under all couplings."""
    message = "needs the engine's interface for a slow and a fast part under a daily drive"
    raise NotImplementedError(message)


def niche_factors(model: Model, shares: Array, threads: int) -> tuple[Array, int]:
    """Return the niche factors that hold each composition, (people, guilds), and how many have none.

    To be replaced by the batched solution; this is the one-by-one loop on one core.
    """
    del threads
    world = draw_gut_world(model, 0, 0, vary=False)
    values = {k: v for k, v in world.values.items() if k in model.gut_kernel.parameter_index}
    scale = model.content.numbers["gut_w_scale"].value
    out = np.full((len(shares), len(GUILDS)), np.nan)
    unsolved = 0
    for i, row in enumerate(shares):
        niche = solve_niche(model.gut_kernel, values, row, geometric_mean=scale, start=world.healthy)
        out[i] = niche.factors
        unsolved += niche.status != OK
    return out, unsolved


def compile_full(model: Model) -> Any:
    """Compile the joined model, as a fresh process would."""
    if available():
        return _engine().compile(model.sbml())
    return model.kernel


def generated_code(case: Case) -> tuple[str, Mapping[str, float]]:
    """Return the generated code as LLVM text and how often a subject runs each function of it.

    For the machine's limit: operations = sum over functions of operations in it x calls. Needs step counts
    from the engine.
    """
    message = "needs the engine's generated code and its step counts"
    raise NotImplementedError(message)
