"""Steady states of a batch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eubiosis.engine.codegen.kernels import LoopKernel
from eubiosis.engine.initial import Values
from eubiosis.engine.library import KernelLibrary
from eubiosis.engine.solution import STATUS_WORDS, Tolerances
from eubiosis.engine.system import Array
from eubiosis.engine.threads import run_on_threads

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class SteadyState:
    """Steady states of a batch.

    ``values`` has shape (subjects, observables) and ``states`` (subjects, states); both are NaN for a subject
    without "ok" in ``status``. ``effort`` counts iterations and moves taken back, shape (subjects, 2).
    """

    observables: tuple[str, ...]
    values: Array
    states: Array
    status: tuple[str, ...]
    effort: Counts

    def __getitem__(self, observable: str) -> Array:
        """Return one observable, shape (subjects,)."""
        return np.asarray(self.values[:, self.observables.index(observable)])


def find_steady_states(
    library: KernelLibrary,
    kernel: LoopKernel,
    observables: tuple[str, ...],
    values: Values,
    tolerances: Tolerances,
    *,
    time: float,
    newton: bool,
    first_length: float,
    threads: int | None,
) -> SteadyState:
    """Run the kernel for all subjects; see ``Compiled.steady_state``."""
    system, program = library.system, kernel.program
    size, rows = values.subjects, len(program.rows)
    final, effort = np.empty((size, rows)), np.empty((size, 2), dtype=np.int64)
    status = np.empty(size, dtype=np.int64)
    none = np.zeros(1, dtype=np.int64)
    unused = ("record", "action_first", "action_count", "action_kind", "action_target", "value_first")
    block = {
        **dict.fromkeys(unused, none),
        **dict.fromkeys(("action_time", "value", "extremes"), np.zeros(1)),
        **values.block(program),
        "tolerances": tolerances.table(library.state_index, program),
        "times": np.array([time]),
        "times_count": 1,
        "record_count": int(newton),
        "out": np.array([first_length]),
        "status": status,
        "final": final,
        "effort": effort,
        "max_steps": tolerances.max_steps,
    }
    run_on_threads(lambda: kernel.run(block), threads, -(-size // kernel.width))
    states = final[:, [program.place[name] for name in system.states]]
    seen = np.full((size, len(observables), 1), np.nan)
    if observables:
        record = library.rows_for(observables)
        observer = library.columns(observables, record, quick=program.options.quick)
        given = states[:, [library.state_index[n] for n in record], None]
        own = values.parameter_rows(system.parameters)
        observer.run(np.array([time]), np.ascontiguousarray(given), own, seen)
        seen[status != 0] = np.nan
    words = tuple(STATUS_WORDS[code] for code in status)
    return SteadyState(observables, seen[:, :, 0], states, words, effort)
