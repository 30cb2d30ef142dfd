"""Forward sensitivities: derivatives of observables by parameters, along a course."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from eubiosis.core.findings import unknown_word
from eubiosis.engine.codegen.program import derivative
from eubiosis.engine.expressions import symbols
from eubiosis.engine.initial import Values
from eubiosis.engine.inputs import Add, AtLeast, Input, Scale, Set
from eubiosis.engine.solution import Solution
from eubiosis.engine.system import Array, System

if TYPE_CHECKING:
    from eubiosis.engine.codegen.graph import Graph


@dataclass(frozen=True)
class Sensitivities:
    """Observables and their derivatives.

    ``derivatives`` has shape (subjects, times, observables, parameters), in the unit of the observable per
    unit of the parameter; ``solution`` holds the courses themselves.
    """

    solution: Solution
    parameters: tuple[str, ...]
    derivatives: Array

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
    for name in parameters:
        if name not in system.constants:
            raise KeyError(f"parameter {unknown_word(name, system.constants)}")
        if any(isinstance(item, Set) and item.name == name for item in inputs):
            message = f"{name} is set by an input; a sensitivity needs a parameter that is constant"
            raise ValueError(message)
    for item in inputs:
        if isinstance(item, AtLeast):
            message = f"{item.name}: an input that raises a state to a level has no derivative"
            raise ValueError(message)


def inputs_of_derivatives(system: System, parameters: Sequence[str], inputs: Sequence[Input]) -> list[Input]:
    """Return what inputs do to the derivatives of states: a scale scales them, a set ends them."""
    moving = set(system.moving)
    out: list[Input] = []
    for item in inputs:
        for parameter in parameters:
            if item.name not in moving or isinstance(item, Add):
                continue
            row = derivative(item.name, parameter)
            out.append(
                Scale(item.time, row, item.value) if isinstance(item, Scale) else Set(item.time, row, 0.0)
            )
    return out


def initial_derivatives(system: System, parameter: str, given: Values) -> dict[str, Array]:
    """Return the derivatives of initial states by a parameter, where the file initialises by mathematics.

    They are taken at the ``given`` values of the batch, each (1,) or (subjects,); a state that the caller
    gave depends on nothing. Raises ``ValueError`` where the parameter decides other parameters, or states
    without a rate, whose sensitivity would be left out.
    """
    from eubiosis.engine.codegen.graph import Graph

    graph = Graph()
    names = {name: graph.node("parameter", i) for i, name in enumerate(system.parameters)}
    names |= {name: graph.node("state", i) for i, name in enumerate(system.states)}
    leaves = {names[name]: name for name in (*system.parameters, *system.states)}
    following = {parameter}
    for name, expression in system.initial_rules.items():
        if name in given.given or following.isdisjoint(symbols(expression)):
            continue
        if name not in system.moving:
            kind = "parameter" if name in system.constants else "state"
            message = f"{parameter} initialises the {kind} {name}, which has no rate; give {name} a value"
            raise ValueError(message)
        names[name] = graph.build(expression, names)
        following.add(name)
    cuts = [names[name] for name in system.initial_rules if name in following]
    gradients = graph.gradients([], cuts, {names[parameter]: 0})
    slopes = {name: gradients[names[name]].get(0, graph.zero) for name in following - {parameter}}
    return {name: _at_each(graph, slope, leaves, given) for name, slope in slopes.items()}


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
