"""The public face: compile a model once, then solve it for many subjects."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eubiosis.engine.initial import Values, subject_values
from eubiosis.engine.inputs import Input, arrange, input_targets, switch_times, values_in_force
from eubiosis.engine.kernels import (
    ColumnKernel,
    SolverKernel,
    column_kernel,
    needed_states,
    solver_kernel,
)
from eubiosis.engine.program import Options
from eubiosis.engine.solution import (
    STATUS_WORDS,
    Integral,
    Last,
    Maximum,
    Minimum,
    Reduction,
    Solution,
    Tolerances,
)
from eubiosis.engine.system import System
from eubiosis.engine.tableaus import TABLEAUS

Array = NDArray[np.float64]
_RECORD_BYTES = 64 * 2**20
_FEWEST = 64  # subjects in a chunk, so that lanes and threads have enough to do


@dataclass(frozen=True)
class Compiled:
    """A model ready to run; make it with ``compile``.

    Machine code is made when it is first needed, for what is asked: which parameters differ between
    subjects, and which reductions are wanted. It is kept on disk.
    """

    system: System
    _kernels: dict[Any, Any] = field(default_factory=dict, repr=False)

    # --- what there is --------------------------------------------------------------------------------

    @cached_property
    def state_index(self) -> Mapping[str, int]:
        """Position of each state."""
        return {name: i for i, name in enumerate(self.system.states)}

    @cached_property
    def parameter_index(self) -> Mapping[str, int]:
        """Position of each parameter."""
        return {name: i for i, name in enumerate(self.system.parameters)}

    @cached_property
    def assigned_index(self) -> Mapping[str, int]:
        """Position of each assigned quantity."""
        return {name: i for i, name in enumerate(self.system.assigned)}

    @cached_property
    def default_parameters(self) -> Array:
        """Parameter values of the file, shape (parameters,)."""
        return np.array([self.system.constants[name] for name in self.system.parameters], dtype=float)

    @cached_property
    def default_states(self) -> Array:
        """Initial values of the file, shape (states,)."""
        return np.array([self.system.initial[name] for name in self.system.states], dtype=float)

    @cached_property
    def identity(self) -> str:
        """A digest of everything the file says."""
        return hashlib.sha256(repr(self.system).encode()).hexdigest()

    # --- evaluation at given states -------------------------------------------------------------------

    def rates(self, time: float, states: Array, parameters: Array, out: Array) -> None:
        """Write d(states)/dt into ``out``; ``states`` and ``out`` have shape (states, subjects).

        ``parameters`` has shape (parameters, subjects), or one column for all subjects.
        """
        self._columns(self.system.states, rates=True)
        self._evaluate_columns(self._columns(self.system.states, rates=True), time, states, parameters, out)

    def assigned(self, time: float, states: Array, parameters: Array) -> Array:
        """Return every assigned quantity, shape (assigned, subjects)."""
        out = np.empty((len(self.system.assigned), states.shape[1]))
        self._evaluate_columns(self._columns(self.system.assigned), time, states, parameters, out)
        return out

    def _columns(self, outputs: tuple[str, ...], *, rates: bool = False) -> ColumnKernel:
        key = ("columns", outputs, rates)
        if key not in self._kernels:
            self._kernels[key] = column_kernel(
                self.system, outputs, self.system.states, self.identity, rates=rates
            )
        kernel: ColumnKernel = self._kernels[key]
        return kernel

    @staticmethod
    def _evaluate_columns(
        kernel: ColumnKernel, time: float, states: Array, parameters: Array, out: Array
    ) -> None:
        by_column = parameters.shape[1] > 1
        kernel.run(
            np.array([time]),
            np.ascontiguousarray(states)[None],
            np.ascontiguousarray(parameters)[None],
            out[None],
            parameter_columns=by_column,
        )

    # --- courses --------------------------------------------------------------------------------------

    def solve(
        self,
        times: Sequence[float] | Array,
        observables: Sequence[str] = (),
        *,
        parameters: Mapping[str, ArrayLike] | None = None,
        initial: Mapping[str, ArrayLike] | Array | None = None,
        inputs: Sequence[Input] = (),
        reductions: Sequence[Reduction] = (),
        tolerances: Tolerances | None = None,
        threads: int | None = None,
        method: str = "rodas4",
    ) -> Solution:
        """Integrate every subject.

        ``times`` increase and the first is the start. ``observables`` name states, assigned quantities and
        parameters. ``parameters`` and ``initial`` override the file's values: a number for everybody or an
        array (subjects,); ``initial`` may also be an array (subjects, states). ``inputs`` are changes from
        outside at known times, and ``reductions`` quantities accumulated on the way. At a time at which
        something changes, the values after the change are returned. ``threads`` defaults to the cores
        available. Numbers of a subject depend on nothing but what is asked for that subject.

        Raises ``KeyError`` for an unknown name and ``ValueError`` for times or shapes that do not fit. A
        subject that fails has its reason in ``status`` and NaN from the failure on.
        """
        grid = _checked_times(times)
        self._check_names([*observables, *(r.name for r in reductions)])
        values = subject_values(self.system, parameters or {}, initial, self.state_index)
        targets = input_targets(inputs, self.system.parameters)
        for item in inputs:
            values.grow(item.time, item.value, name=item.name)
        options = Options(
            varying=tuple(dict.fromkeys([*values.personal, *targets])),
            integrals=_names(reductions, Integral),
            extrema=_names(reductions, Minimum, Maximum),
            tableau=TABLEAUS[method],
        )
        job = _Job(self, self._solver(options), values, grid, inputs, tolerances or Tolerances(), threads)
        return job.run(tuple(observables), tuple(reductions), targets)

    def _solver(self, options: Options) -> SolverKernel:
        key = ("solver", options)
        if key not in self._kernels:
            self._kernels[key] = solver_kernel(self.system, options, self.identity)
        kernel: SolverKernel = self._kernels[key]
        return kernel

    def observer(self, observables: tuple[str, ...], moved: tuple[str, ...]) -> ColumnKernel:
        """Return the kernel that evaluates observables from the states they need and moved parameters."""
        key = ("observer", observables, moved)
        if key not in self._kernels:
            given = (*needed_states(self.system, observables), *moved)
            self._kernels[key] = column_kernel(self.system, observables, given, self.identity)
        kernel: ColumnKernel = self._kernels[key]
        return kernel

    def _check_names(self, names: Sequence[str]) -> None:
        for name in names:
            if not any(
                name in index for index in (self.state_index, self.assigned_index, self.parameter_index)
            ):
                raise KeyError(name)


def compile(source: str | Path | System) -> Compiled:
    """Read a model (SBML text, the path of an SBML file, or a ``System``) and make it ready to run.

    Raises ``UnsupportedSbmlError`` for what is not supported, naming the feature and its element, and
    ``ValueError`` where libSBML cannot read the text.
    """
    from eubiosis.engine.sbml import read_sbml

    if isinstance(source, System):
        return Compiled(source)
    text = source.read_text(encoding="utf-8") if isinstance(source, Path) else source
    return Compiled(read_sbml(text))


def available_threads() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass
class _Job:
    """One call of ``solve``."""

    compiled: Compiled
    kernel: SolverKernel
    values: Values
    grid: Array
    inputs: Sequence[Input]
    tolerances: Tolerances
    threads: int | None

    def run(
        self, observables: tuple[str, ...], reductions: tuple[Reduction, ...], targets: tuple[str, ...]
    ) -> Solution:
        subjects = self.values.subjects
        record = needed_states(self.compiled.system, observables)
        solution = Solution.empty(self.compiled.system, self.grid, observables, reductions, subjects)
        a_subject = max(1, 8 * len(self.grid) * (len(record) + len(observables)))
        chunk = max(_FEWEST, _RECORD_BYTES // a_subject)
        for first in range(0, subjects, chunk):
            rows = np.arange(first, min(first + chunk, subjects))
            self._chunk(rows, record, targets, solution)
        return solution

    def _chunk(
        self, rows: NDArray[np.int64], record: tuple[str, ...], targets: tuple[str, ...], solution: Solution
    ) -> None:
        program, own = self.kernel.program, self.values.take(rows)
        inputs = [_take(item, rows, self.values.subjects) for item in self.inputs]
        bounds = switch_times(self.compiled.system.bounds, own.shared, own.personal)
        actions = arrange(program, inputs, bounds, self.grid[0], self.grid[-1], len(rows))
        starts = own.start(program.rows)
        varying = own.table(self.kernel.program.options.varying)
        size, times = len(rows), len(self.grid)
        out = np.full((size, len(record), times), np.nan)
        final = np.empty((size, len(program.rows)))
        status, effort = np.empty(size, dtype=np.int64), np.empty((size, 2), dtype=np.int64)
        extremes = np.empty((size, 2 * len(program.options.extrema)))
        self._go(
            {
                "shared": np.array([own.shared[n] for n in self.compiled.system.parameters]),
                "tolerances": self.tolerances.table(self.compiled.state_index, program),
                "counter": np.zeros(1, dtype=np.int64),
                "subjects": size,
                "initial": starts,
                "initial_stride": starts.shape[1] if len(starts) > 1 else 0,
                "varying": varying,
                "varying_stride": varying.shape[1] if len(varying) > 1 else 0,
                "times": self.grid,
                "times_count": times,
                "record": np.array([program.place[n] for n in record], dtype=np.int64),
                "record_count": len(record),
                "out": out,
                "action_first": actions.first,
                "action_count": actions.count,
                "action_time": actions.time,
                "action_kind": actions.kind,
                "action_target": actions.target,
                "value_first": actions.value_first,
                "value": actions.value,
                "status": status,
                "final": final,
                "effort": effort,
                "extremes": extremes,
                "max_steps": self.tolerances.max_steps,
            },
            size,
        )
        solution.take_in(rows, program, status, final, effort, extremes)
        moved = values_in_force(inputs, targets, own.columns(targets), self.grid, size)
        self._observe(rows, record, targets, out, moved, own, solution)

    def _go(self, block: dict[str, Any], subjects: int) -> None:
        """Run the loop on as many threads as there is work for."""
        most = self.threads if self.threads is not None else available_threads()
        threads = max(1, min(most, -(-subjects // self.kernel.width)))
        if threads == 1:
            self.kernel.run(block)
            return
        with ThreadPoolExecutor(threads) as pool:
            for future in [pool.submit(self.kernel.run, block) for _ in range(threads)]:
                future.result()

    def _observe(
        self,
        rows: NDArray[np.int64],
        record: tuple[str, ...],
        targets: tuple[str, ...],
        out: Array,
        moved: Array,
        own: Values,
        solution: Solution,
    ) -> None:
        """Evaluate observables from the recorded states, and last values from the final states."""
        system = self.compiled.system
        parameters = own.parameter_rows(system.parameters)
        names = solution.observables
        if names == record:
            solution.values[rows] = out.transpose(0, 2, 1)
        elif names:
            seen = np.empty((len(rows), len(names), len(self.grid)))
            given = np.ascontiguousarray(np.concatenate((out, moved), axis=1))
            self.compiled.observer(names, targets).run(self.grid, given, parameters, seen)
            seen[np.isnan(out).any(axis=1)[:, None, :].repeat(len(names), axis=1)] = np.nan
            solution.values[rows] = seen.transpose(0, 2, 1)
        last = tuple(r.name for r in solution.reduced if isinstance(r, Last))
        if last:
            kernel = self.compiled.observer(last, targets)
            states = [self.compiled.state_index[n] for n in kernel.rows[: len(kernel.rows) - len(targets)]]
            given = np.concatenate((solution.states[rows][:, states, None], moved[:, :, -1:]), axis=1)
            seen = np.empty((len(rows), len(last), 1))
            kernel.run(self.grid[-1:], np.ascontiguousarray(given), parameters, seen)
            failed = np.isnan(solution.states[rows]).any(axis=1)
            seen[failed] = np.nan
            for k, name in enumerate(last):
                solution.reduced[Last(name)][rows] = seen[:, k, 0]


def _names(reductions: Sequence[Reduction], *kinds: type) -> tuple[str, ...]:
    return tuple(dict.fromkeys(r.name for r in reductions if isinstance(r, kinds)))


def _take(item: Input, rows: NDArray[np.int64], subjects: int) -> Input:
    def part(value: ArrayLike) -> Array:
        array = np.atleast_1d(np.asarray(value, dtype=float))
        return array[rows] if len(array) == subjects and subjects > 1 else array

    return type(item)(part(item.time), item.name, part(item.value))


def _checked_times(times: Sequence[float] | Array) -> Array:
    grid = np.ascontiguousarray(times, dtype=float)
    if grid.ndim != 1 or len(grid) < 1 or not np.all(np.isfinite(grid)) or np.any(np.diff(grid) <= 0):
        message = "times must be finite and increase"
        raise ValueError(message)
    return grid
