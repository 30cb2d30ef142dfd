"""Forward sensitivities: derivatives of observables by parameters and initial values, along a course."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from eubiosis.core.findings import unknown_word
from eubiosis.core.frame import Table
from eubiosis.core.solution_schemas import DERIVATIVES
from eubiosis.engine.codegen.program import derivative
from eubiosis.engine.expressions import TIME, symbols
from eubiosis.engine.initial import Values
from eubiosis.engine.inputs import Add, AtLeast, Input, Scale, Set
from eubiosis.engine.solution import Solution
from eubiosis.engine.system import Array, System
from eubiosis.engine.tables import course_columns

if TYPE_CHECKING:
    from eubiosis.engine.codegen.graph import Graph
    from eubiosis.engine.solution import Frame


@dataclass(frozen=True, repr=False)
class Sensitivities:
    """Observables and their derivatives.

    ``derivatives`` has shape (subjects, times, observables, parameters), in the unit of the observable per
    unit of the parameter; the name of a state among ``parameters`` stands for its initial value. ``solution``
    holds the courses themselves.
    """

    solution: Solution
    parameters: tuple[str, ...]
    derivatives: Array

    def __repr__(self) -> str:
        return f"<Sensitivities by {', '.join(self.parameters)} of {repr(self.solution)[1:-1]}>"

    def to_table(self) -> Table:
        """Return a row for each subject and time; columns are named "d(quantity)/d(parameter)"."""
        solution = self.solution
        names = [derivative(o, p) for o in solution.observables for p in self.parameters]
        flat = self.derivatives.reshape(*self.derivatives.shape[:2], len(names))
        return Table(course_columns(solution.times, names, flat, solution.status), schema=DERIVATIVES)

    def to_pandas(self) -> Frame:
        """Return ``to_table`` as a pandas table indexed by subject and time.

        Raises ``ImportError`` with the line that installs pandas where it is absent.
        """
        return self.to_table().to_pandas().set_index(["subject", "time"])

    def of(self, observable: str, parameter: str) -> Array:
        """Return the derivative of one observable by one parameter, shape (subjects, times)."""
        column = self.solution.observables.index(observable)
        return np.asarray(self.derivatives[:, :, column, self.parameters.index(parameter)])


def refuse_what_has_no_derivative(system: System, parameters: Sequence[str], inputs: Sequence[Input]) -> None:
    """Raise ``ValueError`` where a course does not depend smoothly on the parameters."""
    for event in system.events:
        if event.delay is not None or event.finish:
            reason = "a delay" if event.delay is not None else "a concentration set in a changing volume"
            message = (
                f"event {event.id}: sensitivities across {reason} are not supported; use finite differences"
            )
            raise ValueError(message)
    known = [*system.constants, *system.states]
    for name in parameters:
        if name not in known:
            raise KeyError(f"parameter or state {unknown_word(name, known)}")
        if name in system.constants and any(isinstance(item, Set) and item.name == name for item in inputs):
            message = f"{name} is set by an input; a sensitivity needs a parameter that is constant"
            raise ValueError(message)
    for item in inputs:
        if isinstance(item, AtLeast):
            message = f"{item.name}: an input that raises a state to a level has no derivative"
            raise ValueError(message)


def inputs_of_derivatives(system: System, parameters: Sequence[str], inputs: Sequence[Input]) -> list[Input]:
    """Return what inputs do to the derivatives of states: a scale scales them, a set ends them."""
    states = set(system.states)
    out: list[Input] = []
    for item in inputs:
        for parameter in parameters:
            if item.name not in states or isinstance(item, Add):
                continue
            row = derivative(item.name, parameter)
            out.append(
                Scale(item.time, row, item.value) if isinstance(item, Scale) else Set(item.time, row, 0.0)
            )
    return out


def initial_derivatives(system: System, parameter: str, given: Values) -> dict[str, Array]:
    """Return the derivatives of initial states by a parameter or by the initial value of a state.

    They come through mathematics that the file initialises by, and are taken at the ``given`` values of the
    batch, each (1,) or (subjects,); a state that the caller gave depends on nothing else. Raises
    ``ValueError`` where the parameter decides other parameters, whose sensitivity would be left out.
    """
    from eubiosis.engine.codegen.graph import Graph

    graph = Graph()
    names = {name: graph.node("parameter", i) for i, name in enumerate(system.parameters)}
    names |= {name: graph.node("state", i) for i, name in enumerate(system.states)}
    leaves = {names[name]: name for name in (*system.parameters, *system.states)}
    names[TIME] = graph.number(0.0)  # when a model begins
    following = {parameter}
    for name, expression in system.initial_rules.items():
        if name == parameter or name in given.given or following.isdisjoint(symbols(expression)):
            continue
        if name in system.constants:
            message = f"{parameter} initialises the parameter {name}, which it would act through; next: give"
            raise ValueError(f"{message} {name} a value")
        names[name] = graph.build(expression, names)
        following.add(name)
    cuts = [names[name] for name in system.initial_rules if name in following - {parameter}]
    gradients = graph.gradients([], cuts, {names[parameter]: 0})
    slopes = {name: gradients[names[name]].get(0, graph.zero) for name in following - {parameter}}
    own = {parameter: np.ones(1)} if parameter in system.initial else {}
    return own | {name: _at_each(graph, slope, leaves, given) for name, slope in slopes.items()}


def _at_each(graph: Graph, node: int, leaves: Mapping[int, str], given: Values) -> Array:
    """Evaluate a node at the values of the batch, (1,) or where they differ (subjects,)."""
    common = {**given.shared, **given.common}
    several = {**given.personal, **given.states}
    used = {n: leaves[n] for n in graph.needed([node]) if n in leaves}
    size = given.subjects if any(name in several for name in used.values()) else 1
    rows = (
        {n: float(several[name][k] if name in several else common[name]) for n, name in used.items()}
        for k in range(size)
    )
    return np.array([graph.evaluate(node, row) for row in rows])
