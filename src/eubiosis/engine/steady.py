"""Steady states of a batch: where courses lead, or where Newton's method or pseudo-transient steps do."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.frame import Table
from eubiosis.core.solution_schemas import STEADY_STATES
from eubiosis.engine.codegen.kernels import steady_kernel
from eubiosis.engine.codegen.program import Options
from eubiosis.engine.expressions import TIME
from eubiosis.engine.initial import Values
from eubiosis.engine.library import KernelLibrary
from eubiosis.engine.sbml.ordering import closure
from eubiosis.engine.sbml.trees import names_in
from eubiosis.engine.solution import OK, STATUS_WORDS, Tolerances
from eubiosis.engine.steady_course import Arrivals, Linear, follow_courses, slowest_at, words_of
from eubiosis.engine.system import Array, System
from eubiosis.engine.tables import html_table, tally
from eubiosis.engine.threads import run_on_threads

if TYPE_CHECKING:
    from eubiosis.engine.solution import Frame

Counts = NDArray[np.int64]
_ABSOLUTE = 1e-12  # of Newton and pseudo-transient steps, where the caller gives none


@dataclass(frozen=True, repr=False)
class SteadyState:
    """Steady states of a batch.

    ``values`` has shape (subjects, observables) and ``states`` (subjects, states); both are NaN for a subject
    without "ok" in ``status``: "unsettled" is one whose course comes to no rest. ``stability`` is "stable",
    "unstable" or "marginal" (and empty where it was not asked for) by the sign of ``slowest`` (subjects,),
    the largest real part of the Jacobian's eigenvalues, those of conserved sums left out, per unit of the
    model's time. ``effort`` counts steps or iterations, and those taken back, shape (subjects, 2).
    """

    observables: tuple[str, ...]
    values: Array
    states: Array
    status: tuple[str, ...]
    stability: tuple[str, ...]
    slowest: Array
    effort: Counts

    def __getitem__(self, observable: str) -> Array:
        """Return one observable, shape (subjects,)."""
        return np.asarray(self.values[:, self.observables.index(observable)])

    def __repr__(self) -> str:
        size = f"{len(self.values)} subjects x {len(self.observables)} observables"
        return f"<SteadyState: {size}; {tally(self.status)}>"

    def _repr_html_(self) -> str:
        rows = [
            (word, stable, *(f"{value:.6g}" for value in row))
            for word, stable, row in zip(self.status[:8], self.stability[:8], self.values[:8], strict=True)
        ]
        return html_table(("status", "stability", *self.observables), rows, repr(self)[1:-1])

    def to_table(self) -> Table:
        """Return a table with a row for each subject: status, stability, slowest eigenvalue, observables."""
        columns = {
            "subject": np.arange(len(self.values)),
            "status": np.array(self.status, dtype=object),
            "stability": np.array(self.stability, dtype=object),
            "slowest": self.slowest,
        }
        taken = set(columns)
        for k, name in enumerate(self.observables):
            columns[f"{name}_" if name in taken else name] = self.values[:, k]
        return Table(columns, schema=STEADY_STATES)

    def to_pandas(self) -> Frame:
        """Return ``to_table`` as a pandas table indexed by subject.

        Raises ``ImportError`` with the line that installs pandas where it is absent.
        """
        return self.to_table().to_pandas().set_index("subject")


def refuse_what_never_rests(system: System, time: float | None, *, ignore_events: bool) -> None:
    """Raise ``ValueError`` for a system with SBML events, or one whose rates change with the time."""
    if system.events and not ignore_events:
        message = f"event {system.events[0].id}: a steady state takes no SBML events into account"
        raise ValueError(f"{message}; next: ignore_events=True leaves all events out")
    if time is None:
        needs = {name: names_in(rule) for name, rule in system.rules.items()}
        for name in system.moving:
            if TIME in closure(names_in(system.rates[name]), needs):
                message = f"the rate of {name} changes with the time, so nothing rests"
                raise ValueError(f"{message}; next: time=0.0, for one, holds the time at a value")


def find_steady_states(
    library: KernelLibrary,
    observables: tuple[str, ...],
    values: Values,
    tolerances: Tolerances,
    *,
    time: float | None,
    newton: bool | None,
    first_length: float,
    stability: bool,
    threads: int | None,
) -> SteadyState:
    """Find everybody's steady state; see ``Compiled.steady_state``."""
    held, at = library.held(time), 0.0 if time is None else time
    if newton is None:
        found = follow_courses(held, values, tolerances, at, threads)
    else:
        found = _iterate(held, values, tolerances, at, newton, first_length, threads)
        if stability:
            _add_stability(held, values, at, found)
    seen = np.full((values.subjects, len(observables), 1), np.nan)
    if observables:
        record = library.rows_for(observables)
        observer = library.columns(observables, record, quick=library.quick(values.subjects))
        given = found.states[:, [library.state_index[n] for n in record], None]
        own = values.parameter_rows(library.system.parameters)
        observer.run(np.array([at]), np.ascontiguousarray(given), own, seen)
        seen[[word != OK for word in found.status]] = np.nan
    slowest = found.slowest if stability else np.full(values.subjects, np.nan)
    return SteadyState(
        observables,
        seen[:, :, 0],
        found.states,
        tuple(found.status),
        words_of(slowest),
        slowest,
        found.effort,
    )


def _iterate(
    library: KernelLibrary,
    values: Values,
    tolerances: Tolerances,
    time: float,
    newton: bool,
    first_length: float,
    threads: int | None,
) -> Arrivals:
    """Run the loop of Newton and pseudo-transient steps for all subjects."""
    if tolerances.absolute is None:
        tolerances = replace(tolerances, absolute=_ABSOLUTE)
    kernel = library.loop(steady_kernel, Options(quick=library.quick(values.subjects)))
    program = kernel.program
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
    states = final[:, [program.place[name] for name in library.system.states]]
    return Arrivals(states, [STATUS_WORDS[code] for code in status], effort, np.full(size, np.nan))


def _add_stability(library: KernelLibrary, values: Values, time: float, found: Arrivals) -> None:
    """Find the slowest eigenvalues at steady states that iterations have found."""
    rows = np.flatnonzero([word == OK for word in found.status])
    if not len(rows):
        return
    moving = [library.state_index[name] for name in library.system.moving]
    linear = Linear(library, values.parameter_rows(library.system.parameters), time).take(rows)
    states = found.states[rows]
    found.slowest[rows] = slowest_at(linear, states, np.abs(states), moving)
