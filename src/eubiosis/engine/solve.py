"""Solve a compiled system for many subjects: subjects x times x observables, with a status per subject.

The stiff integrator is LSODA (Petzold 1983; Hindmarsh 1983) as scipy ships it, with a Jacobian from
forward differences evaluated in one kernel call. Inputs change only at segment boundaries, where the
integrator restarts; nothing is stepped over and no root is sought.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eubiosis.engine.expressions import TIME, Call, Expression, Symbol, evaluate
from eubiosis.engine.kernel import Array, Kernel
from eubiosis.engine.system import SbmlEvent

OK = "ok"
STEP_LIMIT = "step_limit"
NON_FINITE = "non_finite"
NEGATIVE = "negative"
FAILURES = (STEP_LIMIT, NON_FINITE, NEGATIVE)


@dataclass(frozen=True)
class Tolerances:
    """Error control: relative, absolute (one number or one for each state), and the step limit.

    A state below ``-negative`` times its absolute tolerance makes the subject's status "negative".
    """

    relative: float = 1e-8
    absolute: float | Array = 1e-12
    max_steps: int = 100_000
    negative: float = 1e4


@dataclass(frozen=True)
class Jump:
    """A change of a subject's states at one time: ``change`` maps the state vector to a new one."""

    time: float
    change: Callable[[Array], Array]


@dataclass(frozen=True)
class Solution:
    """Observables of every subject at every time.

    ``values`` has shape (subjects, times, observables), in the order of ``observables``; a subject that
    failed has NaN from the start of the segment in which it failed. ``status`` has one word for each
    subject, ``states`` the final states, shape (subjects, states).
    """

    times: Array
    observables: tuple[str, ...]
    values: Array
    status: tuple[str, ...]
    states: Array

    def __getitem__(self, observable: str) -> Array:
        """Return one observable, shape (subjects, times)."""
        return np.asarray(self.values[:, :, self.observables.index(observable)])


def solve(
    kernel: Kernel,
    times: Sequence[float] | Array,
    observables: Sequence[str],
    *,
    states: Array | None = None,
    parameters: Array | None = None,
    schedule: Sequence[tuple[float, Mapping[str, float]]] = (),
    jumps: Sequence[Jump] = (),
    tolerances: Tolerances | None = None,
) -> Solution:
    """Integrate every subject and return the observables at the given times.

    ``times`` increase and the first is the start. ``states`` and ``parameters`` have shape (subjects,
    states) and (subjects, parameters) and default to one subject with the values of the file.
    ``schedule`` sets parameters of all subjects from a time on; events of the file become jumps.
    Raises ``KeyError`` for an unknown observable or parameter and ``ValueError`` for unordered times.
    """
    grid = np.asarray(times, dtype=float)
    if grid.ndim != 1 or len(grid) < 1 or np.any(np.diff(grid) <= 0):
        message = "times must increase"
        raise ValueError(message)
    unknown = [
        o
        for o in observables
        if o not in kernel.state_index and o not in kernel.assigned_index and o not in kernel.parameter_index
    ]
    if unknown:
        raise KeyError(unknown[0])
    start = np.atleast_2d(kernel.default_states if states is None else states)
    constants = np.atleast_2d(kernel.default_parameters if parameters is None else parameters)
    subjects = max(len(start), len(constants))
    start = np.broadcast_to(start, (subjects, start.shape[1]))
    constants = np.broadcast_to(constants, (subjects, constants.shape[1]))
    tolerances = tolerances or Tolerances()
    values = np.full((subjects, len(grid), len(observables)), np.nan)
    final = np.full(start.shape, np.nan)
    status: list[str] = []
    for i in range(subjects):
        events = [*jumps, *_file_events(kernel, constants[i])]
        course = _Course(kernel, grid, constants[i], schedule, events, tolerances)
        path, word = course.run(start[i])
        values[i] = _observe(kernel, grid, path, course.parameters_at, observables)
        final[i] = path[-1]
        status.append(word)
    return Solution(grid, tuple(observables), values, tuple(status), final)


class _Course:
    """The integration of one subject through its segments."""

    def __init__(
        self,
        kernel: Kernel,
        grid: Array,
        parameters: Array,
        schedule: Sequence[tuple[float, Mapping[str, float]]],
        jumps: Sequence[Jump],
        tolerances: Tolerances,
    ) -> None:
        self.kernel, self.grid, self.jumps, self.tolerances = kernel, grid, jumps, tolerances
        self.base = parameters
        self.schedule = sorted(schedule, key=lambda change: change[0])
        for _, change in self.schedule:
            for name in change:
                kernel.parameter_index[name]  # raises KeyError for an unknown name
        first, last = grid[0], grid[-1]
        own = dict(zip(kernel.system.parameters, parameters, strict=True))
        marks = {first, last, *(evaluate(bound, own) for bound in kernel.system.bounds)}
        marks |= {time for time, _ in self.schedule} | {jump.time for jump in jumps}
        self.bounds = sorted(mark for mark in marks if first <= mark <= last)

    def parameters_at(self, time: float) -> Array:
        """Parameters in force from ``time`` on, shape (parameters, 1)."""
        values = self.base.copy()
        for start, change in self.schedule:
            if start <= time:
                for name, value in change.items():
                    values[self.kernel.parameter_index[name]] = value
        return values[:, None]

    def run(self, start: Array) -> tuple[Array, str]:
        """Return the states at the grid, shape (times, states), and the status."""
        path = np.full((len(self.grid), len(start)), np.nan)
        y = self._jump(self.bounds[0], start.copy())
        path[self.grid == self.bounds[0]] = y
        for left, right in zip(self.bounds[:-1], self.bounds[1:], strict=True):
            inside = (self.grid > left) & (self.grid < right)
            y_all, word = self._segment(left, right, self.grid[inside], y)
            if word != OK:
                return path, word
            path[inside] = y_all[:-1]
            y = self._jump(right, y_all[-1])
            path[self.grid == right] = y
        word = OK if np.all(np.isfinite(path)) else NON_FINITE
        floor = -self.tolerances.negative * np.asarray(self.tolerances.absolute)
        if word == OK and np.any(path < floor):
            word = NEGATIVE
        return path, word

    def _jump(self, time: float, y: Array) -> Array:
        for jump in self.jumps:
            if jump.time == time:
                y = jump.change(y)
        return y

    def _segment(self, left: float, right: float, inner: Array, y: Array) -> tuple[Array, str]:
        from scipy.integrate import ODEintWarning, odeint

        kernel, parameters = self.kernel, self.parameters_at(left)
        last = np.nextafter(right, left)  # a condition that changes at the right bound has not changed yet
        n = len(y)
        rate, column = np.empty((n, 1)), np.empty((n, 1))
        wide_in, wide_out = np.empty((n, n + 1)), np.empty((n, n + 1))
        steps = np.empty(n)
        diagonal = np.arange(n)

        def rates(t: float, x: Array) -> Array:
            column[:, 0] = x
            kernel.rates(min(t, last), column, parameters, rate)
            return rate[:, 0]

        def jacobian(t: float, x: Array) -> Array:
            np.multiply(np.abs(x) + _SCALE, _STEP, out=steps)
            wide_in[:] = x[:, None]
            wide_in[diagonal, diagonal + 1] += steps
            kernel.rates(min(t, last), wide_in, parameters, wide_out)
            return (wide_out[:, 1:] - wide_out[:, :1]) / (wide_in[diagonal, diagonal + 1] - x)

        points = np.concatenate(([left], inner, [right]))
        with warnings.catch_warnings():
            warnings.simplefilter("error", ODEintWarning)
            try:
                path: Any
                details: Any
                path, details = odeint(
                    rates,
                    y,
                    points,
                    Dfun=jacobian,
                    tfirst=True,
                    rtol=self.tolerances.relative,
                    atol=self.tolerances.absolute,
                    mxstep=self.tolerances.max_steps,
                    tcrit=[right],
                    full_output=True,
                )
            except ODEintWarning as warning:
                word = STEP_LIMIT if "work" in str(warning) else NON_FINITE
                return np.empty((0, n)), word
        # near a pole the step shrinks until time stands still, and LSODA calls that a success
        arrived = np.all(details["tcur"] >= points[1:] - _LATE * (1 + abs(points[1:])))
        if not arrived or not np.all(np.isfinite(path)):
            return np.empty((0, n)), NON_FINITE
        return path[1:], OK


_STEP = 1e-7
_SCALE = 1e-6
_LATE = 1e-12


def _file_events(kernel: Kernel, parameters: Array) -> list[Jump]:
    """Turn the events of the file into jumps of one subject."""
    system = kernel.system
    constants = dict(zip(system.parameters, parameters, strict=True))
    jumps = []
    for event in system.events:

        def change(y: Array, event: Any = event) -> Array:
            values = {**constants, **dict(zip(system.states, y, strict=True))}
            new = y.copy()
            for name, expression in event.assignments:
                new[kernel.state_index[name]] = evaluate(expression, values)
            return new

        jumps.append(Jump(evaluate(_time_of(event), constants), change))
    return jumps


def _time_of(event: SbmlEvent) -> Expression:
    """Return the time at which an event happens, if its trigger is time >= constant."""
    trigger = event.trigger
    if isinstance(trigger, Call) and trigger.op == ">=" and trigger.arguments[0] == Symbol(TIME):
        return trigger.arguments[1]
    message = f"event {event.id}: a trigger other than time >= constant cannot be solved"
    raise ValueError(message)


def _observe(
    kernel: Kernel,
    grid: Array,
    path: Array,
    parameters_at: Callable[[float], Array],
    observables: Sequence[str],
) -> Array:
    """Evaluate the observables along a path; shape (times, observables)."""
    out = np.full((len(grid), len(observables)), np.nan)
    finite = np.all(np.isfinite(path), axis=1)
    parameters = [parameters_at(time) for time in grid]
    rows = np.full((len(grid), len(kernel.system.assigned)), np.nan)
    if any(name in kernel.assigned_index for name in observables):
        for points in _together(kernel, parameters, finite):
            time = float(grid[points[0]])
            rows[points] = kernel.assigned(time, path[points].T, parameters[points[0]]).T
    for j, name in enumerate(observables):
        if name in kernel.state_index:
            out[:, j] = path[:, kernel.state_index[name]]
        elif name in kernel.assigned_index:
            out[:, j] = rows[:, kernel.assigned_index[name]]
        else:
            out[:, j] = [values[kernel.parameter_index[name], 0] for values in parameters]
    return out


def _together(kernel: Kernel, parameters: Sequence[Array], finite: NDArray[np.bool_]) -> list[list[int]]:
    """Group grid points that can be evaluated in one call: equal parameters and no explicit time."""
    groups: list[list[int]] = []
    for k in np.flatnonzero(finite):
        same = (
            groups
            and not kernel.system.explicit_time
            and np.array_equal(parameters[groups[-1][-1]], parameters[int(k)])
        )
        if same:
            groups[-1].append(int(k))
        else:
            groups.append([int(k)])
    return groups
