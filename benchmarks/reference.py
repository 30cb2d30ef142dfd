"""Reference solutions, and how well two independent programs agree on them.

The reference is CVODE (through libRoadRunner, doses between calls) at a relative tolerance of 1e-11. It is
checked on a few subjects against ODEPACK's LSODA and against Radau IIA, both as scipy ships them, on rates
that are written out in plain Python from the SBML file: another reader, other arithmetic, other integrators.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.cases import Case
from benchmarks.errors import SHARE, typical
from benchmarks.people import scratch
from benchmarks.roadrunner_peer import RoadRunner, Tolerance, segments_of
from benchmarks.workers import PeerPool

Array = NDArray[np.float64]
RELATIVE = 1e-11
_PILOTS = 8
_SMALLEST = 1e-6  # no state's tolerance is finer than this times the relative one and SHARE


@dataclass(frozen=True)
class Reference:
    """Reference of a case: values (subjects, times, states) and the size of every state, shape (states,)."""

    values: Array
    size: Array

    def tolerance(self, relative: float) -> Tolerance:
        """Return a tolerance in the terms of the error: absolute = relative x SHARE x size of the state."""
        return Tolerance(relative, tuple(map(float, relative * SHARE * self.size)))


def reference(case: Case, subjects: int, processes: int) -> Reference:
    """Return the reference of the first subjects, from the scratch folder where it is there."""
    digest = hashlib.sha256(case.sbml.encode())
    digest.update(repr((case.switches, case.boluses, subjects, RELATIVE)).encode())
    for array in (case.people.parameters[:subjects], case.people.initial[:subjects], case.times):
        digest.update(np.ascontiguousarray(array).tobytes())
    file = scratch() / f"reference_{case.name}_{subjects}_{digest.hexdigest()[:16]}.npz"
    if file.is_file():
        with np.load(file) as table:
            return Reference(table["values"], table["size"])
    with PeerPool(RoadRunner, case, processes, form="products", doses="segments") as pool:
        flat = Tolerance(1e-6, tuple([1e-9] * len(case.states)))
        pilot = pool.run(min(_PILOTS, subjects), flat).values
        pilot = pilot[np.all(np.isfinite(pilot), axis=(1, 2))]
        size = np.maximum(typical(pilot), _SMALLEST)
        absolute = tuple(map(float, RELATIVE * SHARE * size))
        values = pool.run(subjects, Tolerance(RELATIVE, absolute)).values
    partial = file.with_suffix(".part.npz")
    np.savez(partial, values=values, size=size)
    partial.replace(file)
    return Reference(values, size)


def independent(case: Case, row: int, tolerance: Tolerance, method: str = "LSODA") -> Array:
    """Solve one subject with scipy on rates in plain Python; shape (times, states)."""
    from scipy.integrate import solve_ivp

    names, rates = plain_rates(case.sbml)
    order = [case.states.index(name) for name in names]
    values = dict(zip(case.people.names, case.people.parameters[row], strict=True))
    y = case.people.initial[row][order]
    absolute = np.broadcast_to(tolerance.absolute, (len(case.states),))[order]
    out = np.empty((len(case.times), len(case.states)))
    for segment in segments_of(case):
        values |= dict(segment.switches)
        if segment.bolus:
            assert case.boluses is not None
            y[names.index(case.boluses.state)] += case.boluses.amount
        own = rates(values)
        solution: Any = solve_ivp(
            own,
            (segment.times[0], segment.times[-1]),
            y,
            method=method,
            t_eval=segment.times,
            rtol=tolerance.relative,
            atol=absolute,
        )
        if not solution.success:
            raise ArithmeticError(solution.message)
        for rank, place in enumerate(order):
            out[segment.rows, place] = solution.y[rank][segment.kept]
        y = solution.y[:, -1].copy()
    return out


def plain_rates(sbml: str) -> tuple[list[str], Callable[[dict[str, float]], Callable[[float, Array], Array]]]:
    """Write the rates of an SBML file of rules as Python: states, and parameters -> f(time, y).

    The text is executed, so the file must be one of ours: no file of a user comes here.
    """
    import libsbml

    document: Any = libsbml.readSBMLFromString(sbml)
    model = document.getModel()
    rules = list(model.getListOfRules())
    states = [rule.getVariable() for rule in rules if rule.isRate()]
    assigned = {rule.getVariable(): rule.getMath() for rule in rules if rule.isAssignment()}
    ruled = {*states, *assigned}
    numbers = {p.getId(): p.getValue() for p in model.getListOfParameters() if p.getId() not in ruled}

    def text(math_tree: Any) -> str:
        return str(libsbml.formulaToL3String(_without_units(math_tree))).replace("^", "**")

    lines = [f"    ({', '.join(states)},) = y.tolist()"]
    lines += [f"    {name} = {text(assigned[name])}" for name in _in_order(assigned)]
    rates = {rule.getVariable(): rule.getMath() for rule in rules if rule.isRate()}
    lines.append(f"    return array([{', '.join(text(rates[name]) for name in states)}])")
    code = compile("\n".join(["def rates(t, y):", *lines]), "<rates>", "exec")

    def bind(values: dict[str, float]) -> Callable[[float, Array], Array]:
        scope: dict[str, Any] = {**numbers, **values, "array": np.array}
        scope |= {name: getattr(math, name) for name in ("exp", "sqrt", "log10")} | {"ln": math.log}
        exec(code, scope)
        function: Callable[[float, Array], Array] = scope["rates"]
        return function

    return states, bind


def _without_units(tree: Any) -> Any:
    copy = tree.deepCopy()
    copy.unsetUnits()
    for i in range(copy.getNumChildren()):
        copy.replaceChild(i, _without_units(copy.getChild(i)))
    return copy


def _in_order(assigned: dict[str, Any]) -> list[str]:
    """Return the assigned quantities, each after those that it needs."""
    done: dict[str, None] = {}

    def visit(name: str) -> None:
        if name in assigned and name not in done:
            for other in _mentioned(assigned[name]):
                visit(other)
            done[name] = None

    for name in assigned:
        visit(name)
    return list(done)


def _mentioned(tree: Any) -> list[str]:
    names = [tree.getName()] if tree.isName() else []
    for i in range(tree.getNumChildren()):
        names += _mentioned(tree.getChild(i))
    return names
