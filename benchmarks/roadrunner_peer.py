"""libRoadRunner (CVODE) on a case: one process for each thread, each with the model loaded and compiled once.

Doses go in as piecewise switches, as SBML events, or between calls of ``simulate``; the caller takes the
fastest. Between subjects the model is reset, and since ``reset`` keeps parameters that events have changed,
those are set again by hand.
"""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.cases import Case
from benchmarks.exports import event_parameters, export, with_events, with_switches

Array = NDArray[np.float64]
DOSES = ("switches", "events", "segments")
_MOST_STEPS = 1_000_000


@dataclass(frozen=True)
class Tolerance:
    """Relative tolerance, and the absolute one: one number or one for each state."""

    relative: float
    absolute: float | tuple[float, ...]


class RoadRunner:
    """One loaded model. ``load_seconds`` is the time to read the file and compile it."""

    def __init__(self, case: Case, form: str = "products", doses: str = "events") -> None:
        import roadrunner

        self.case, self.doses = case, doses
        sbml = peer_sbml(case, form, doses)
        roadrunner.Logger.setLevel(roadrunner.Logger.LOG_ERROR)
        config = roadrunner.Config
        config.setValue(config.LLVM_BACKEND, config.LLJIT)  # loads three times as fast, runs as fast
        begin = time.perf_counter()
        self.runner: Any = roadrunner.RoadRunner(sbml)
        self.load_seconds = time.perf_counter() - begin
        self.runner.timeCourseSelections = list(case.states)
        self.model = self.runner.model
        place = {name: i for i, name in enumerate(self.model.getGlobalParameterIds())}
        self.place = place
        self.personal = [place[name] for name in case.people.names]
        self.states = [place[name] for name in case.states]
        rates = [str(name) for name in self.runner.getRateRuleIds()]
        self.order = [case.states.index(name) for name in rates if name in case.states]
        self.segments = segments_of(case)
        ruled = {change.parameter for change in case.switches} if doses == "switches" else set()
        again = event_parameters(case).items()
        self.again = [(place[name], value) for name, value in again if name in place and name not in ruled]

    def set_tolerance(self, tolerance: Tolerance) -> None:
        """Set the tolerances and lift the step limit."""
        integrator = self.runner.integrator
        integrator.relative_tolerance = tolerance.relative
        absolute = tolerance.absolute
        if isinstance(absolute, tuple):
            integrator.setValue("absolute_tolerance", [absolute[i] for i in self.order])
        else:
            integrator.absolute_tolerance = absolute
        integrator.maximum_num_steps = _MOST_STEPS
        integrator.stiff = True

    def run(self, row: int) -> Array:
        """Simulate one subject; shape (times, states)."""
        people = self.case.people
        self.runner.reset()
        for again, value in self.again:
            self.model.setGlobalParameterValues([again], [value])
        self.model.setGlobalParameterValues(self.personal, people.parameters[row])
        self.model.setGlobalParameterValues(self.states, people.initial[row])
        if self.doses != "segments":
            return np.array(self.runner.simulate(times=self.case.times.tolist()))
        out = np.empty((len(self.case.times), len(self.states)))
        for segment in self.segments:
            for name, value in segment.switches:
                self.model.setGlobalParameterValues([self.place[name]], [value])
            if segment.bolus:
                assert self.case.boluses is not None
                place = [self.place[self.case.boluses.state]]
                (now,) = self.model.getGlobalParameterValues(place)
                self.model.setGlobalParameterValues(place, [now + self.case.boluses.amount])
            path = np.asarray(self.runner.simulate(times=segment.times))
            out[segment.rows] = path[segment.kept]
        return out


@dataclass(frozen=True)
class Segment:
    """The time between two doses: what changes at its start, and which of its points are output."""

    switches: tuple[tuple[str, float], ...]
    bolus: bool
    times: list[float]
    rows: NDArray[np.intp]
    kept: NDArray[np.bool_]


def segments_of(case: Case) -> list[Segment]:
    """Cut a case at its doses."""
    first, last = case.times[0], case.times[-1]
    boluses = set() if case.boluses is None else set(case.boluses.times.tolist())
    switched = {change.time for change in case.switches}
    bounds = sorted({first, last, *(t for t in boluses | switched if first <= t < last)})
    segments = []
    for left, right in itertools.pairwise(bounds):
        due = (case.times >= left) & ((case.times < right) | ((case.times == right) & (right == last)))
        points = np.union1d(case.times[due], [left, right])
        segments.append(
            Segment(
                tuple((c.parameter, c.value) for c in case.switches if c.time == left),
                left in boluses,
                points.tolist(),
                np.flatnonzero(due),
                np.isin(points, case.times[due]),
            )
        )
    return segments


def peer_sbml(case: Case, form: str, doses: str) -> str:
    """Return the file of a case with its doses inside, unless they are given between calls."""
    sbml = case.sbml
    if doses == "switches":
        sbml = with_events(with_switches(sbml, case), case, switches=False)
    elif doses == "events":
        sbml = with_events(sbml, case)
    keep = {*case.people.names, *(change.parameter for change in case.switches)}
    return export(sbml, form, keep)
