"""Run a system that is not stiff through fixed explicit steps, driven by inputs that change on a grid."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from eubiosis.core.findings import unknown_word
from eubiosis.engine.codegen.march_kernel import MarchKernel
from eubiosis.engine.codegen.program import Options
from eubiosis.engine.initial import Values
from eubiosis.engine.library import KernelLibrary
from eubiosis.engine.solution import (
    Integral,
    Last,
    Maximum,
    Minimum,
    Reduction,
    Solution,
    Tolerances,
    names_of,
)
from eubiosis.engine.system import Array, System
from eubiosis.engine.threads import run_on_threads


def march(
    library: KernelLibrary,
    kernel: MarchKernel,
    grid: Array,
    record: Sequence[int],
    observables: tuple[str, ...],
    values: Values,
    held: Sequence[Array],
    linear: Sequence[Array],
    reductions: tuple[Reduction, ...],
    tolerances: Tolerances,
    *,
    steps: int,
    threads: int | None,
) -> Solution:
    """Run the kernel for all subjects; see ``Compiled.march``."""
    system, program, width = library.system, kernel.program, kernel.width
    size = values.subjects
    room = max(size, width)  # a group is as wide as the vector
    final, status = np.empty((room, len(program.rows))), np.empty(room, dtype=np.int64)
    out = np.empty((room, len(observables), len(record)))
    extremes = np.empty((room, 2 * len(program.options.extrema)))
    driven = [_by_line(array, size, room) for array in (*held, *linear)]
    block = {
        **values.block(program, room),
        "grid": grid,
        "driven": np.array([(a.ctypes.data, a.strides[0] // 8) for a in driven], dtype=np.int64),
        "out": out,
        "final": final,
        "extremes": extremes,
        "floors": tolerances.table(library.state_index, program)[1 + program.size :],
        "record": np.asarray(record, dtype=np.int64),
        "status": status,
        "intervals": len(grid) - 1,
        "steps": steps,
        "records": len(record),
    }
    run_on_threads(lambda: kernel.run(block), threads, -(-room // width))
    solution = Solution.empty(system, grid[list(record)], observables, reductions, size, out[:size])
    effort = np.full((size, 2), [steps * (len(grid) - 1), 0], dtype=np.int64)
    solution.take_in(slice(0, size), program, status[:size], final[:size], effort, extremes[:size])
    for reduction in reductions:
        if isinstance(reduction, Last):
            solution.reduced[reduction][:] = out[:size, observables.index(reduction.name), -1]
    return solution


def check_march(
    system: System,
    grid: Array,
    driven: Mapping[str, Array],
    record: Sequence[int] | None,
    steps: int,
    tolerances: Tolerances,
) -> None:
    """Raise ``KeyError`` for inputs that are no parameters, ``ValueError`` for wrong points or steps."""
    for name in driven:
        if name not in system.constants:
            raise KeyError(f"parameter {unknown_word(name, system.constants)}")
    if tolerances.scaled and math.isfinite(tolerances.negative):
        message = "an explicit run has no error control: give an absolute tolerance to say what is negative"
        raise ValueError(message)
    if steps < 1:
        message = f"steps is {steps}; allowed: 1 or more"
        raise ValueError(message)
    points = np.asarray(range(len(grid)) if record is None else record, dtype=int)
    if np.any(np.diff(points) <= 0) or np.any(points < 0) or np.any(points >= len(grid)):
        message = f"record must increase from 0 to at most {len(grid) - 1}"
        raise ValueError(message)


def _by_line(array: Array, size: int, room: int) -> Array:
    """Return inputs as (lines, subjects) with the subjects side by side; a copy only where it must be."""
    if array.ndim == 2 and size == room and array.shape[1] == size and array.strides[1] == array.itemsize:
        return np.asarray(array, dtype=float)
    out = np.empty((len(array), room))
    out[:, :size] = array if array.ndim == 2 else array[:, None]
    out[:, size:] = out[:, size - 1 : size]
    return out


def march_options(
    reductions: Sequence[Reduction], values: Values, driven: tuple[str, ...], held: int, *, quick: bool
) -> Options:
    """Return the options of an explicit kernel whose first ``held`` inputs are held.

    Raises ``ValueError`` for a parameter given twice.
    """
    for name in driven:
        if name in values.given:
            message = f"{name} is both a parameter and an input of the run"
            raise ValueError(message)
    return Options(
        integrals=names_of(reductions, Integral),
        extrema=names_of(reductions, Minimum, Maximum),
        driven=driven,
        held=held,
        quick=quick,
    )
