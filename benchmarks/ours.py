"""Our side of every workload, behind one small adapter: all that a workload knows of the engine."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.cases import INULIN, THERAPY_OFF, THERAPY_ON, Case
from benchmarks.people import SEED, People, draw_candidates
from benchmarks.roadrunner_peer import Tolerance
from benchmarks.workers import Batch
from eubiosis import engine
from eubiosis.engine.codegen.kernels import _solver_module
from eubiosis.engine.codegen.program import Program
from eubiosis.model.held import HeldNiches
from eubiosis.model.model import Model
from eubiosis.model.niche import OK
from eubiosis.model.worlds import Couplings, draw_gut_world, draw_host_world, hold_people
from eubiosis.trial.expected import Crowd, ExpectedEndpoints, Exposure, expected_endpoints

Array = NDArray[np.float64]

DAYS = 730
ARMS = (
    Exposure("placebo"),
    Exposure("inulin", "gut_dose_inulin", INULIN, THERAPY_ON, THERAPY_OFF),
    Exposure("resistant starch", "gut_dose_rs", 20.0, THERAPY_ON, THERAPY_OFF),
    Exposure("propionate", "handover_dose_propionate_salt", 1_000.0, THERAPY_ON, THERAPY_OFF),
)
_PIECE = 10_000  # candidates drawn at a time
_LOOSE = 1e-3


class Ours:
    """One compiled case; ``compile_seconds`` is the time from the text of the file to machine code.

    ``options`` go to the engine's ``solve``, such as another method.
    """

    def __init__(self, case: Case, threads: int, **options: Any) -> None:
        self.case, self.threads, self.options = case, threads, options
        begin = time.perf_counter()
        self.compiled = engine.compile(case.sbml)
        self.inputs: list[engine.Input] = [engine.Set(c.time, c.parameter, c.value) for c in case.switches]
        if case.boluses is not None:
            boluses = case.boluses
            self.inputs += [engine.Add(float(t), boluses.state, boluses.amount) for t in boluses.times]
        self.solve(case.people.first(8), Tolerance(_LOOSE, tuple([1e-6] * len(case.states))))
        self.compile_seconds = time.perf_counter() - begin

    def solve(self, people: People, tolerance: Tolerance) -> engine.Solution:
        """Solve the case for other subjects."""
        return self.compiled.solve(
            self.case.times,
            self.case.states,
            parameters=dict(zip(people.names, people.parameters.T, strict=True)),
            initial=dict(zip(people.states, people.initial.T, strict=True)),
            inputs=self.inputs,
            tolerances=engine.Tolerances(
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
            failed = np.array([word != OK for word in solution.status])
            return Batch(np.where(failed[:, None, None], np.nan, solution.values), wall, processor)

        return run

    def generated_code(self) -> tuple[str, int, int]:
        """Return the solver's LLVM text, how many rows its loops run over, and the stages of a step."""
        (kernel,) = self.compiled.library.loops
        program = Program(kernel.program.system, kernel.program.options)
        text = str(_solver_module(program, kernel.width).module)
        return text, program.size, program.options.tableau.stages


def stream_population(model: Model, size: int, arms: int, threads: int) -> ExpectedEndpoints:
    """Simulate ``size`` candidates with MS in the first ``arms`` arms for two years; endpoints only.

    Every candidate has a stool profile, an age, personal host numbers and a daily random drive of their own;
    niche factors are solved, the gut runs adaptively and the host in daily explicit steps. Candidates are
    drawn a few thousand at a time, and nothing with both a subject and a time axis is kept.
    """
    world = draw_gut_world(model, 0, SEED, vary=False)
    couplings = [draw_host_world(model, 0, SEED, "hand_fit")]
    values: list[Array] = []
    status: list[str] = []
    for first in range(0, size, _PIECE):
        crowd = _crowd(model, min(_PIECE, size - first), first)
        part = expected_endpoints(
            model, world, couplings, crowd, ARMS[:arms], days=DAYS, seed=SEED, threads=threads
        )
        values.append(part.values)
        status += part.status
    return ExpectedEndpoints(part.arms, part.endpoints, np.concatenate(values), tuple(status))


def run_world(
    model: Model, number: int, subjects: int, arms: int, couplings: Sequence[Couplings], threads: int
) -> ExpectedEndpoints:
    """Run one world of the study: niche factors of its subjects, then all arms under all couplings."""
    world = draw_gut_world(model, number, SEED)
    gains = [draw_host_world(model, number, SEED, word) for word in couplings]
    crowd = _crowd(model, subjects, 0)
    return expected_endpoints(model, world, gains, crowd, ARMS[:arms], days=DAYS, seed=SEED, threads=threads)


def _crowd(model: Model, size: int, first: int) -> Crowd:
    candidates = draw_candidates(model, size, first)
    return Crowd(candidates.numbers, candidates.shares, candidates.age)


def held_niches(model: Model, shares: Array, threads: int) -> HeldNiches:
    """Hold each composition, shares (people, guilds), in the world of the table values."""
    return hold_people(model, draw_gut_world(model, 0, SEED, vary=False), shares, threads=threads)


@dataclass(frozen=True)
class FirstSubject:
    """Seconds from SBML text to the first solved subject: reading it, and all the rest."""

    read: float
    compile_and_solve: float


def first_subject(case: Case) -> FirstSubject:
    """Read a case and solve its first subject, as a fresh process would."""
    begin = time.perf_counter()
    system = engine.read_sbml(case.sbml)
    read = time.perf_counter()
    compiled = engine.compile(system)
    people = case.people.first(1)
    compiled.solve(
        case.times,
        case.states,
        parameters=dict(zip(people.names, people.parameters.T, strict=True)),
        initial=dict(zip(people.states, people.initial.T, strict=True)),
        inputs=[engine.Set(c.time, c.parameter, c.value) for c in case.switches],
        tolerances=engine.Tolerances(relative=1e-6, absolute=1e-9),
        threads=1,
    )
    return FirstSubject(read - begin, time.perf_counter() - read)
