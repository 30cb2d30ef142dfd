"""Run a batch of subjects through a solver kernel, chunk by chunk, and evaluate what was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eubiosis.engine.codegen.kernels import LoopKernel
from eubiosis.engine.codegen.loop import NEGATIVE as LOOP_NEGATIVE
from eubiosis.engine.codegen.loop import OK as LOOP_OK
from eubiosis.engine.initial import Values
from eubiosis.engine.inputs import Input, arrange, values_in_force
from eubiosis.engine.library import KernelLibrary
from eubiosis.engine.sensitivity import Sensitivities
from eubiosis.engine.solution import Last, Reduction, Solution, Tolerances
from eubiosis.engine.system import Array
from eubiosis.engine.threads import run_on_threads

_RECORD_BYTES = 64 * 2**20
_EVALUATED = 32  # subjects whose quantities are evaluated at a time: bounds the memory, changes no number
_FEWEST = 64  # subjects in a chunk, so that lanes and threads have enough to do


@dataclass
class Batch:
    """One call of ``solve``: subjects in chunks, chunks on threads, recorded states into observables."""

    library: KernelLibrary
    kernel: LoopKernel
    values: Values
    grid: Array
    inputs: Sequence[Input]
    tolerances: Tolerances
    threads: int | None

    def run(
        self, observables: tuple[str, ...], reductions: tuple[Reduction, ...], targets: tuple[str, ...]
    ) -> Solution:
        """Solve everybody; ``targets`` are the parameters that inputs change."""
        return self._run(observables, reductions, targets, None)

    def run_sensitivities(self, observables: tuple[str, ...], targets: tuple[str, ...]) -> Sensitivities:
        """Solve everybody with the derivatives that the kernel carries."""
        by = self.kernel.program.options.sensitivities
        shape = (self.values.subjects, len(self.grid), len(observables), len(by))
        derivatives = np.full(shape, np.nan)
        solution = self._run(observables, (), targets, derivatives)
        return Sensitivities(solution, by, derivatives)

    def _run(
        self,
        observables: tuple[str, ...],
        reductions: tuple[Reduction, ...],
        targets: tuple[str, ...],
        derivatives: Array | None,
    ) -> Solution:
        subjects, by = self.values.subjects, self.kernel.program.options.sensitivities
        record = self.library.rows_for(observables, by)
        if observables and not record:
            record = self.library.system.moving[:1]  # it tells until when a subject went well
        solution = Solution.empty(self.library.system, self.grid, observables, reductions, subjects)
        a_subject = max(1, 8 * len(self.grid) * (len(record) + len(observables) * (1 + len(by))))
        chunk = max(_FEWEST, _RECORD_BYTES // a_subject)
        for first in range(0, subjects, chunk):
            rows = slice(first, min(first + chunk, subjects))
            self._chunk(rows, record, targets, solution, derivatives)
        return solution

    def _chunk(
        self,
        rows: slice,
        record: tuple[str, ...],
        targets: tuple[str, ...],
        solution: Solution,
        derivatives: Array | None,
    ) -> None:
        program, own = self.kernel.program, self.values.take(rows)
        inputs = [_take(item, rows, self.values.subjects) for item in self.inputs]
        size, times = own.subjects, len(self.grid)
        actions = arrange(program, inputs, self.grid[-1], size)
        if solution.observables == record:
            out = solution.values[rows].transpose(0, 2, 1)
        else:
            out = np.full((size, len(record), times), np.nan)
        final = np.empty((size, len(program.rows)))
        status, effort = np.empty(size, dtype=np.int64), np.empty((size, 2), dtype=np.int64)
        extremes = np.empty((size, 2 * len(program.options.extrema)))
        block = {
            **own.block(program),
            "tolerances": self.tolerances.table(self.library.state_index, program),
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
        }
        run_on_threads(lambda: self.kernel.run(block), self.threads, -(-size // self.kernel.width))
        solution.take_in(rows, program, status, final, effort, extremes)
        moved = values_in_force(inputs, targets, own.columns(targets), self.grid, size)
        parameters = own.parameter_rows(self.library.system.parameters)
        failed = ~np.isin(status, (LOOP_OK, LOOP_NEGATIVE))
        quick = program.options.quick
        seen = _Seen(self.library, record, targets, out, failed, moved, parameters, self.grid, quick)
        if solution.observables != record:
            seen.evaluate(solution.observables, (), into=solution.values[rows].transpose(0, 2, 1))
        if derivatives is not None:
            slopes = seen.evaluate(solution.observables, program.options.sensitivities)
            derivatives[rows] = slopes.reshape(size, times, len(solution.observables), -1)
        last = tuple(r.name for r in solution.reduced if isinstance(r, Last))
        if last:
            needed = self.library.rows_for(last, ())
            final_rows = np.ascontiguousarray(final[:, [program.place[n] for n in needed], None])
            now, then = moved[:, :, -1:], self.grid[-1:]
            end = _Seen(self.library, needed, targets, final_rows, failed, now, parameters, then, quick)
            column = end.evaluate(last, ())
            for k, name in enumerate(last):
                solution.reduced[Last(name)][rows] = np.where(failed, np.nan, column[:, 0, k])


@dataclass
class _Seen:
    """Recorded rows (subjects, rows, times) and what is needed to evaluate quantities from them.

    A subject that ``failed`` has NaN in all rows from the failure on; a row of another may hold a NaN that
    the model means.
    """

    library: KernelLibrary
    record: tuple[str, ...]
    targets: tuple[str, ...]
    out: Array
    failed: NDArray[np.bool_]
    moved: Array
    parameters: Array
    times: Array
    quick: bool

    def evaluate(self, names: tuple[str, ...], by: tuple[str, ...], into: Array | None = None) -> Array:
        """Return quantities, or with ``by`` their derivatives, as (subjects, times, names x parameters).

        They are written ``into`` an array (subjects, names x parameters, times), times side by side, where
        one is given.
        """
        if names == self.record and not by:
            return self.out.transpose(0, 2, 1)
        size = len(names) * max(1, len(by))
        seen = np.empty((len(self.out), size, len(self.times))) if into is None else into
        kernel = self.library.columns(
            names, (*self.record, *self.targets), sensitivities=by, quick=self.quick
        )
        for first in range(0, len(seen), _EVALUATED):
            rows = slice(first, first + _EVALUATED)
            out, some = self.out[rows], seen[rows]
            given = np.ascontiguousarray(np.concatenate((out, self.moved[rows]), axis=1))
            kernel.run(self.times, given, self.parameters[_rows_of(self.parameters, rows)], some)
            if self.record:
                lost = np.all(np.isnan(out), axis=1, keepdims=True) & self.failed[rows, None, None]
                some[np.broadcast_to(lost, some.shape)] = np.nan
        return seen.transpose(0, 2, 1)


def _rows_of(parameters: Array, rows: slice) -> slice:
    """Return which rows of a table belong to some subjects: all where one row is everybody's."""
    return rows if len(parameters) > 1 else slice(None)


def _take(item: Input, rows: slice, subjects: int) -> Input:
    def part(value: ArrayLike) -> Array:
        array = np.atleast_1d(np.asarray(value, dtype=float))
        return array[rows] if len(array) == subjects and subjects > 1 else array

    return type(item)(part(item.time), item.name, part(item.value))
