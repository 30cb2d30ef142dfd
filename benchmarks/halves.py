"""The error of running the gut and the host apart: what is handed over at grid points, and how often.

The gut goes implicitly at its own error control, the host in explicit steps under a daily random drive. The
reference solves the joined model in one piece at a tight tolerance, with the drive as changes of parameters
every day. A second part switches a feedback from the host to the gut on, which the model has as a prior
only, so that values cross both ways.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.cases import INULIN, THERAPY_OFF, THERAPY_ON, full_step
from benchmarks.curves import progress
from benchmarks.ours import ARMS, DAYS
from benchmarks.people import SEED, People, load_people
from eubiosis import engine
from eubiosis.core.streams import SubjectDraws
from eubiosis.engine import Integral, Last, Set, Solution, Split, System, Tolerances
from eubiosis.engine.expressions import Call, Symbol
from eubiosis.engine.sbml.ordering import dependencies, ordered
from eubiosis.model import load
from eubiosis.model.model import Model
from eubiosis.model.natural_history.people import HOST_INPUTS, draw_drive, draw_people
from eubiosis.trial.expected import exchange_days

Array = NDArray[np.float64]
Fixed = Mapping[str, Array]
Ends = Mapping[str, Array]  # endpoint -> one number for each subject
_TABLE = 200
_SUBJECTS = 16
_RELAPSES, _NFL = Integral("host_relapse_rate"), Last("host_NfL")
_REDUCTIONS = (_RELAPSES, _NFL)
_TOTAL = "bench_relapses"
_USUAL = Tolerances(relative=1e-6, absolute=1e-10)
_STREAMED = Tolerances(relative=1e-5, absolute=1e-9)  # those of trial.endpoints
_FEEDBACK = 0.3


@dataclass(frozen=True)
class Problem:
    """A joined system with its people: parameters and initial states by name, and the drive by day.

    ``drive`` holds the host's driven parameters, (days, subjects).
    """

    system: System
    parameters: Fixed
    initial: Fixed
    drive: Fixed

    @property
    def grid(self) -> Array:
        """Bounds of the days."""
        return np.arange(DAYS + 1.0)

    @property
    def doses(self) -> list[engine.Input]:
        """Inulin on and off."""
        return [Set(THERAPY_ON, "gut_dose_inulin", INULIN), Set(THERAPY_OFF, "gut_dose_inulin", 0.0)]

    def whole(self, relative: float) -> Ends:
        """Solve the joined system in one piece, with the drive as changes of parameters.

        The expected relapses are a state here, so that their error is controlled too.
        """
        changes: list[engine.Input] = [
            Set(float(day), name, values)
            for name, course in self.drive.items()
            for day, values in enumerate(course)
        ]
        system = replace(
            self.system,
            states=(*self.system.states, _TOTAL),
            rates={**self.system.rates, _TOTAL: Symbol(_RELAPSES.name)},
            initial={**self.system.initial, _TOTAL: 0.0},
        )
        solution = engine.compile(system).solve(
            [0.0, float(DAYS)],
            parameters=self.parameters,
            initial=self.initial,
            inputs=[*self.doses, *changes],
            reductions=[_NFL],
            tolerances=Tolerances(relative, relative * 1e-3),
        )
        return {"relapses": solution.states[:, -1], "nfl": solution.reduced[_NFL]}

    def apart(self, halves: Split, every: int, steps: int, sweeps: int = 2) -> Solution:
        """Run the two halves with exchange every so many days; returns the host's solution."""
        return halves.run(
            self.grid,
            parameters=self.parameters,
            initial=self.initial,
            inputs=self.doses,
            held=self.drive,
            reductions=_REDUCTIONS,
            steps=steps,
            every=every,
            sweeps=sweeps,
            record=() if not halves.back else None,
            tolerances=_USUAL,
        )[1]

    def streamed(self, halves: Split) -> Solution:
        """Run as ``trial.endpoints`` does: a step a day on daily means, from weekly or denser exchange."""
        gut, host, days = halves.implicit, halves.explicit, exchange_days(ARMS[1], DAYS)
        handed = gut.solve(
            days,
            halves.forward,
            parameters={n: v for n, v in self.parameters.items() if n in gut.parameter_index},
            initial={n: v for n, v in self.initial.items() if n in gut.state_index},
            inputs=self.doses,
            tolerances=_STREAMED,
        )
        noon = np.arange(DAYS) + 0.5  # of a line, the mean of a day is its value at noon
        means = {
            name: np.stack([np.interp(noon, days, own) for own in handed[name]], axis=1)
            for name in halves.forward
        }
        return host.march(
            self.grid,
            parameters={n: v for n, v in self.parameters.items() if n in host.parameter_index},
            initial={n: v for n, v in self.initial.items() if n in host.state_index},
            held={**self.drive, **means},
            record=(),
            reductions=_REDUCTIONS,
        )


def split(threads: int, *, quick: bool) -> dict[str, object]:
    """Measure the error of running gut and host apart, 16 subjects x 2 years, and what it takes."""
    model = load()
    problem = _problem(model, load_people(model, _TABLE).first(4 if quick else _SUBJECTS))
    truth, agreement = _reference(problem)
    halves = engine.split(problem.system, _host_states(problem.system))
    rows = []
    for every in (1, 5, 10):
        for steps in (1, 2):
            row = _measured(lambda e=every, s=steps: problem.apart(halves, e, s), truth)  # type: ignore[misc]
            rows.append({"every_days": every, "steps_a_day": steps, **row})
    streamed = _measured(lambda: problem.streamed(halves), truth)
    coupled = with_feedback(problem)
    truth_coupled, agreement_coupled = _reference(coupled)
    both = engine.split(coupled.system, _host_states(coupled.system))
    back = []
    for every in (5, 10) if quick else (1, 5, 10):
        for sweeps in (1, 2):
            row = _measured(lambda e=every, n=sweeps: coupled.apart(both, e, 2, n), truth_coupled)  # type: ignore[misc]
            back.append({"every_days": every, "sweeps": sweeps, **row})
    return {
        "threads": threads,
        "subjects": len(problem.initial[problem.system.states[0]]),
        "forward": list(halves.forward),
        "reference_agreement": agreement,
        "one_way": rows,
        "as_streamed": [streamed],
        "feedback": list(both.back),
        "effect_of_feedback": _largest(truth_coupled, truth),
        "reference_agreement_with_feedback": agreement_coupled,
        "both_ways": back,
        "error_ours": streamed["relapses_largest"],
        "ours_per_s": streamed["per_s"],
    }


def _problem(model: Model, people: People) -> Problem:
    """Take people of the table, with a drive of their own in place of its expected load."""
    system = engine.read_sbml(full_step(model, people).sbml)
    kernel, draws = model.host_kernel, SubjectDraws(SEED, tuple(range(len(people))))
    default = dict(zip(kernel.system.parameters, map(float, kernel.default_parameters), strict=True))
    driven = draw_people(
        model.content,
        kernel,
        {n: default[n] for n in HOST_INPUTS},
        {},
        draws,
        vary_inputs=False,
    )
    drive = draw_drive(model.content, driven, draws, days=DAYS)
    held = {"host_Z": drive.tone, "host_shot": drive.shots, "host_u": drive.hazard}
    parameters = dict(zip(people.names, people.parameters.T, strict=True))
    return Problem(
        system,
        {name: values for name, values in parameters.items() if name not in held},
        dict(zip(people.states, people.initial.T, strict=True)),
        held,
    )


def with_feedback(problem: Problem) -> Problem:
    """Return the problem with oxygen in the gut that follows the host's leak."""
    rules = dict(problem.system.rules)
    rules["gut_OX_host"] = Call("*", (Symbol("handover_OX_host"), Symbol("host_E")))
    order = ordered(rules, dependencies(rules), "rules")
    system = replace(problem.system, assigned=tuple(order), rules={name: rules[name] for name in order})
    size = len(problem.initial[system.states[0]])
    return replace(
        problem,
        system=system,
        parameters={**problem.parameters, "handover_OX_host": np.full(size, _FEEDBACK)},
    )


def _host_states(system: System) -> list[str]:
    return [name for name in system.states if name.startswith(("host_", "readout_"))]


def _reference(problem: Problem) -> tuple[Ends, Mapping[str, float]]:
    """Return the joined solution at 1e-10, and how far one at 1e-9 is from it."""
    begin = time.perf_counter()
    truth, rougher = problem.whole(1e-10), problem.whole(1e-9)
    progress(f"split: references in {time.perf_counter() - begin:.1f} s")
    return truth, _largest(rougher, truth)


def _largest(ends: Ends, truth: Ends) -> dict[str, float]:
    return {name: float(np.max(np.abs(values / truth[name] - 1))) for name, values in ends.items()}


def _measured(run: Callable[[], Solution], truth: Ends) -> dict[str, float]:
    """Run twice (the first compiles) and return relative errors of the endpoints, and the time."""
    run()
    begin, used = time.perf_counter(), time.process_time()
    solution = run()
    seconds, used = time.perf_counter() - begin, time.process_time() - used
    row: dict[str, float] = {"failed": float(sum(word != "ok" for word in solution.status))}
    for name, reduction in (("relapses", _RELAPSES), ("nfl", _NFL)):
        errors = np.abs(solution.reduced[reduction] / truth[name] - 1)
        row[f"{name}_median"], row[f"{name}_largest"] = float(np.median(errors)), float(np.max(errors))
    return {**row, "seconds": seconds, "cpu_seconds": used, "per_s": len(solution.status) / seconds}
