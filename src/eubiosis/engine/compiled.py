"""The public face: compile a model once, then solve it for many subjects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from eubiosis.engine.batch import Batch
from eubiosis.engine.calls import Given, prepare
from eubiosis.engine.codegen.kernels import (
    ColumnKernel,
    solver_kernel,
)
from eubiosis.engine.codegen.program import Options, derivative
from eubiosis.engine.codegen.tableaus import TABLEAUS, Tableau
from eubiosis.engine.inputs import Input, check_target
from eubiosis.engine.library import KernelLibrary
from eubiosis.engine.march import check_march, march, march_options
from eubiosis.engine.sensitivity import (
    Sensitivities,
    initial_derivatives,
    inputs_of_derivatives,
    refuse_what_has_no_derivative,
)
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
from eubiosis.engine.steady import SteadyState, find_steady_states, refuse_what_never_rests
from eubiosis.engine.steady_course import Linear
from eubiosis.engine.system import Array, System
from eubiosis.engine.tables import html_of_model, line_of_model


@dataclass(frozen=True, eq=False, repr=False)
class Compiled:
    """A model ready to run; make it with ``compile``.

    ``library`` holds the system and its machine code, which is made when it is first needed.
    """

    library: KernelLibrary

    # --- what there is --------------------------------------------------------------------------------

    @property
    def system(self) -> System:
        """The flat system that the file means."""
        return self.library.system

    @property
    def states(self) -> tuple[str, ...]:
        """Names of the states: what changes by rates, reactions or events."""
        return self.system.states

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters: what keeps its value, species that nothing changes too."""
        return self.system.parameters

    @property
    def assigned(self) -> tuple[str, ...]:
        """Names of the assigned quantities: what follows a rule, reaction rates too."""
        return self.system.assigned

    @property
    def state_index(self) -> Mapping[str, int]:
        """Position of each state."""
        return self.library.state_index

    @property
    def parameter_index(self) -> Mapping[str, int]:
        """Position of each parameter."""
        return self.library.parameter_index

    @property
    def assigned_index(self) -> Mapping[str, int]:
        """Position of each assigned quantity."""
        return self.library.assigned_index

    @cached_property
    def default_parameters(self) -> Array:
        """Parameter values of the file, shape (parameters,)."""
        return np.array([self.system.constants[name] for name in self.system.parameters], dtype=float)

    @cached_property
    def default_states(self) -> Array:
        """Initial values of the file, shape (states,)."""
        return np.array([self.system.initial[name] for name in self.system.states], dtype=float)

    def __repr__(self) -> str:
        return f"<{line_of_model(self.system)}>"

    def _repr_html_(self) -> str:
        return html_of_model(self.system)

    # --- evaluation at given states -------------------------------------------------------------------

    def rates(self, time: float, states: Array, parameters: Array, out: Array) -> None:
        """Write d(states)/dt into ``out``; ``states`` and ``out`` have shape (states, subjects).

        ``parameters`` has shape (parameters, subjects), or one column for all subjects.
        """
        kernel = self.library.columns(
            self.system.states, self.system.states, rates=True, quick=self.library.quick(states.shape[1])
        )
        self._evaluate_columns(kernel, time, states, parameters, out)

    def assigned_at(self, time: float, states: Array, parameters: Array) -> Array:
        """Return every assigned quantity, shape (assigned, subjects)."""
        out = np.empty((len(self.system.assigned), states.shape[1]))
        kernel = self.library.columns(
            self.system.assigned, self.system.states, quick=self.library.quick(states.shape[1])
        )
        self._evaluate_columns(kernel, time, states, parameters, out)
        return out

    def linear(self, time: float, states: Array, parameters: Array) -> tuple[Array, Array]:
        """Return rates (subjects, moving) and Jacobians (subjects, moving, moving) at (subjects, states).

        ``parameters`` has shape (subjects, parameters), or one row for all subjects. Moving states are those
        that have a rate, in the order of the system.
        """
        return Linear(self.library, parameters, time).at(states)

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
        observables: Sequence[str] | None = None,
        *,
        values: Given | None = None,
        parameters: Given | None = None,
        initial: Given | Array | None = None,
        inputs: Sequence[Input] = (),
        reductions: Sequence[Reduction] = (),
        tolerances: Tolerances | None = None,
        threads: int | None = None,
        method: str = "rodas5p",
    ) -> Solution:
        """Integrate every subject.

        ``times`` increase and the first is the start. ``observables`` name states, assigned quantities,
        parameters and "time"; None stands for all states, and () for nothing, where only reductions or final
        states are wanted. ``values`` overrides the file's values of parameters and states, and of species
        whatever their state is: a number for everybody or an array (subjects,). ``parameters`` and
        ``initial`` do the same for one kind each; ``initial`` may also be an array (subjects, states).
        ``inputs`` are changes from outside at known times, and ``reductions`` quantities accumulated on the
        way. At a time at which something changes, the values after the change are returned. ``threads``
        defaults to the cores available. Numbers of a subject depend on nothing but what is asked for that
        subject.

        Raises ``KeyError`` for an unknown name and ``ValueError`` for times or shapes that do not fit. A
        subject that fails has its reason in ``status`` and NaN from the failure on.
        """
        names = self._seen(observables)
        wanted = tuple(reductions)
        self.library.checked([r.name for r in wanted])
        call = prepare(self.library, parameters, initial, values, inputs)
        control = tolerances or Tolerances()
        options = Options(
            integrals=names_of(wanted, Integral),
            extrema=names_of(wanted, Minimum, Maximum),
            tableau=_tableau(method),
            quick=self.library.quick(call.values.subjects),
            alone=call.values.subjects == 1,
            scaled=control.scaled,
        )
        kernel, grid = call.library.loop(solver_kernel, options), _checked_times(times)
        batch = Batch(call.library, kernel, call.values, grid, call.changes, control, threads)
        return batch.run(names, wanted, call.targets)

    def check(self, *, values: Given | None = None, inputs: Sequence[Input] = ()) -> None:
        """Check names and shapes of values and inputs as ``solve`` does, without solving.

        Raises ``KeyError`` for an unknown name and ``ValueError`` for what does not fit.
        """
        call = prepare(self.library, None, None, values, inputs)
        for item in call.changes:
            check_target(call.library.system, item)

    def _seen(self, observables: Sequence[str] | None) -> tuple[str, ...]:
        return self.states if observables is None else self.library.checked(observables)

    def steady_state(
        self,
        observables: Sequence[str] | None = None,
        *,
        values: Given | None = None,
        parameters: Given | None = None,
        initial: Given | Array | None = None,
        tolerances: Tolerances | None = None,
        time: float | None = None,
        newton: bool | None = None,
        first_length: float = 0.01,
        stability: bool = True,
        ignore_events: bool = False,
        threads: int | None = None,
    ) -> SteadyState:
        """Find the steady state that each subject's course leads to, and say whether it is stable.

        The course is integrated to ever later times, until the steady state nearest to its end is where it
        stays; a subject that comes to no rest up to 1e12 units of time is "unsettled". ``time`` holds the
        time at one value in a model whose rates mention it. Other arguments are those of ``solve``; the step
        limit counts the steps to each of the times.

        ``newton=True`` begins with damped Newton steps, and with pseudo-transient ones where these fail;
        ``newton=False`` goes straight to these, from a first step of ``first_length`` in the model's time.
        Both are faster and may end at a steady state that the course does not lead to, an unstable one with
        ``newton=True``. There a move below the tolerance (root mean square of move / (absolute + relative x
        size)) settles a subject, and the step limit counts iterations. Quantities that the model conserves
        keep their initial sums.

        Raises ``KeyError`` for an unknown name and ``ValueError`` for a model with SBML events, which
        ``ignore_events`` leaves out, or with rates that change with the time.
        """
        names = self._seen(observables)
        refuse_what_never_rests(self.system, time, ignore_events=ignore_events)
        return find_steady_states(
            self.library,
            names,
            prepare(self.library, parameters, initial, values).values,
            tolerances or Tolerances(max_steps=20_000 if newton is None else 1_000),
            time=time,
            newton=newton,
            first_length=first_length,
            stability=stability,
            threads=threads,
        )

    def march(
        self,
        grid: Sequence[float] | Array,
        observables: Sequence[str] | None = None,
        *,
        values: Given | None = None,
        parameters: Given | None = None,
        initial: Given | Array | None = None,
        held: Mapping[str, Array] | None = None,
        linear: Mapping[str, Array] | None = None,
        record: Sequence[int] | None = None,
        reductions: Sequence[Reduction] = (),
        steps: int = 1,
        tolerances: Tolerances | None = None,
        threads: int | None = None,
    ) -> Solution:
        """Run every subject through ``steps`` explicit steps in each interval of a grid.

        For systems that are not stiff and whose inputs change all the time. ``held`` gives parameters that
        keep a value in each interval, shape (intervals,) or (intervals, subjects), and ``linear`` those that
        run linearly between grid points, (points,) or (points, subjects). ``record`` lists the grid points at
        which observables are kept (default: all); a held parameter has there the value of the interval that
        ends, and at the start that of the first. There is no error control: the error is of order four in
        the step, and to be measured by halving it. Other arguments are those of ``solve``.

        Raises ``KeyError`` for an unknown name and ``ValueError`` for shapes that do not fit or SBML events.
        """
        names, times = self._seen(observables), _checked_times(grid)
        wanted, given = tuple(reductions), {**(held or {}), **(linear or {})}
        self.library.checked([r.name for r in wanted])
        control = tolerances or Tolerances()
        check_march(self.system, times, given, record, steps, control)
        own = prepare(self.library, parameters, initial, values).values
        for name, array in given.items():
            lines = len(times) - (name in (held or {}))
            if array.ndim not in (1, 2) or len(array) != lines:
                message = f"{name} has shape {array.shape}; allowed: ({lines},) or ({lines}, subjects)"
                raise ValueError(message)
            if array.ndim == 2:
                own.grow(array[0], name=name)
        options = march_options(
            wanted, own, tuple(given), len(held or {}), quick=self.library.quick(own.subjects)
        )
        points = range(len(times)) if record is None else [*record]
        lasts = [r.name for r in wanted if isinstance(r, Last)]
        if lasts:
            points = [*points, len(times) - 1] if not points or points[-1] != len(times) - 1 else points
            names = tuple(dict.fromkeys([*names, *lasts]))
        return march(
            self.library,
            self.library.march(options, names),
            times,
            list(points),
            names,
            own,
            list((held or {}).values()),
            list((linear or {}).values()),
            wanted,
            control,
            steps=steps,
            threads=threads,
        )

    def sensitivities(
        self,
        times: Sequence[float] | Array,
        observables: Sequence[str],
        with_respect_to: Sequence[str],
        *,
        values: Given | None = None,
        parameters: Given | None = None,
        initial: Given | Array | None = None,
        inputs: Sequence[Input] = (),
        tolerances: Tolerances | None = None,
        threads: int | None = None,
        method: str = "rodas5p",
    ) -> Sensitivities:
        """Integrate every subject together with derivatives by parameters and initial values.

        ``with_respect_to`` names parameters, and states for their initial values. Arguments are those of
        ``solve``. The derivatives are under the same error control, with the absolute tolerance of a state
        divided by the parameter's size.

        Raises ``KeyError`` for an unknown name and ``ValueError`` where there is no derivative: across SBML
        events, by a parameter that an input sets or that sets a time of the model.
        """
        names, by = self.library.checked(observables), self.library.checked(with_respect_to)
        refuse_what_has_no_derivative(self.system, by, inputs)
        call = prepare(self.library, parameters, initial, values, inputs, by)
        for parameter in by:
            for state, slope in initial_derivatives(self.system, parameter, call.values).items():
                call.values.set_start(derivative(state, parameter), slope)
        every = [*call.changes, *inputs_of_derivatives(self.system, by, call.changes)]
        control = tolerances or Tolerances()
        options = Options(
            sensitivities=by,
            tableau=_tableau(method),
            quick=self.library.quick(call.values.subjects),
            alone=call.values.subjects == 1,
            scaled=control.scaled,
        )
        kernel, grid = call.library.loop(solver_kernel, options), _checked_times(times)
        batch = Batch(call.library, kernel, call.values, grid, every, control, threads)
        return batch.run_sensitivities(names, call.targets)


def compile(source: str | Path | System, *, keep: bool = True, optimize: bool | None = None) -> Compiled:
    """Read a model (SBML text, the path of an SBML file, or a ``System``) and make it ready to run.

    ``keep`` says whether its machine code is kept on disk for later runs, and ``optimize`` whether it is
    optimised, which takes several times as long and lets it run about 1.5 times as fast, with the same bits;
    None: in calls for 64 subjects or more. Raises ``UnsupportedSbmlError`` for
    what is not supported, naming the feature and its element, ``FileNotFoundError`` for a path that is none,
    and ``ValueError`` where libSBML cannot read the text or mathematics is nested deeper than 200 operations.

    >>> from eubiosis import engine
    >>> from eubiosis.engine import Add, System
    >>> from eubiosis.engine.expressions import Call, Symbol
    >>> loss = Call("neg", (Call("*", (Symbol("k"), Symbol("x"))),))
    >>> decay = System("decay", ("x",), ("k",), (), {"x": loss}, {}, {"x": 1.0}, {"k": 0.5})
    >>> dose = Add(time=2, name="x", value=1)
    >>> course = engine.compile(decay).solve([0, 2, 4], ["x"], parameters={"k": [0.5, 1.0]}, inputs=[dose])
    >>> course["x"].round(4).tolist(), course.status
    ([[1.0, 1.3679, 0.5032], [1.0, 1.1353, 0.1537]], ('ok', 'ok'))
    """
    from eubiosis.engine.sbml import read_sbml

    if isinstance(source, System):
        system = source
    elif isinstance(source, str) and source.lstrip("\ufeff \t\r\n").startswith("<"):
        system = read_sbml(source)
    else:
        system = read_sbml(Path(source).read_text(encoding="utf-8"))
    system.check_depth()
    return Compiled(KernelLibrary(system, keep, optimize))


def _tableau(method: str) -> Tableau:
    if method not in TABLEAUS:
        message = f'method "{method}" is unknown; allowed: {", ".join(TABLEAUS)}'
        raise ValueError(message)
    return TABLEAUS[method]


def _checked_times(times: Sequence[float] | Array) -> Array:
    grid = np.ascontiguousarray(times, dtype=float)
    if grid.ndim != 1 or len(grid) < 1 or not np.all(np.isfinite(grid)) or np.any(np.diff(grid) <= 0):
        message = "times must be finite and increase"
        raise ValueError(message)
    return grid
