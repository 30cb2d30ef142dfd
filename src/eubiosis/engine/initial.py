"""Parameters and initial states of a batch: shared, personal, or following from mathematics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eubiosis.engine.expressions import TIME, Call, Expression, Symbol, symbols
from eubiosis.engine.names import unfit_name
from eubiosis.engine.sbml.ieee import evaluate_ieee
from eubiosis.engine.sbml.trees import replace
from eubiosis.engine.system import Array, System

if TYPE_CHECKING:
    from eubiosis.engine.codegen.program import Program

_GIVEN = "<given>"


@dataclass
class Values:
    """Values of a batch of ``subjects``: parameters shared or personal, and initial states.

    ``shared`` has every parameter's value (for a personal one, the file's); ``personal`` and ``states`` hold
    arrays (subjects,), and ``common`` the initial states that are equal for everybody. ``given`` names
    what the caller gave.
    """

    subjects: int
    shared: dict[str, float]
    personal: dict[str, Array]
    common: dict[str, float]
    states: dict[str, Array] = field(default_factory=dict)
    given: frozenset[str] = frozenset()

    def grow(self, *arrays: ArrayLike, name: str) -> None:
        """Take the number of subjects from arrays, where it is not known yet."""
        for array in arrays:
            self.subjects = _agreed(self.subjects, np.size(array), name)

    def set_start(self, name: str, value: Array) -> None:
        """Set an initial state, (1,) for everybody or (subjects,)."""
        if len(value) == 1:
            self.common[name] = float(value[0])
        else:
            self.states[name] = value

    def take(self, rows: slice) -> Values:
        """Return a run of the subjects."""
        return self._part(rows, rows.stop - rows.start)

    def chosen(self, rows: NDArray[np.intp]) -> Values:
        """Return some of the subjects."""
        return self._part(rows, len(rows))

    def _part(self, rows: slice | NDArray[np.intp], subjects: int) -> Values:
        return Values(
            subjects,
            self.shared,
            {name: column[rows] for name, column in self.personal.items()},
            self.common,
            {name: column[rows] for name, column in self.states.items()},
            self.given,
        )

    def start(self, rows: Sequence[str]) -> Array:
        """Return initial values of workspace rows, (subjects, rows) or (1, rows); unknown rows are zero."""
        size = self.subjects if self.states else 1
        table = np.zeros((size, len(rows)))
        for k, name in enumerate(rows):
            table[:, k] = self.states[name] if name in self.states else self.common.get(name, 0.0)
        return table

    def table(self, names: Sequence[str]) -> Array:
        """Return parameters as (subjects, names), or (1, names) where none of them is personal."""
        size = self.subjects if any(name in self.personal for name in names) else 1
        out = np.empty((size, len(names)))
        for k, name in enumerate(names):
            out[:, k] = self.personal.get(name, self.shared[name])
        return out

    def block(self, program: Program, room: int = 0) -> dict[str, Array | NDArray[np.int64] | int]:
        """Return what every loop reads of a batch: its values, its size, and where to take subjects from.

        Tables are filled up to ``room`` subjects by repeating the last one.
        """
        starts, varying = self.start(program.rows), self.table([*self.personal])
        starts, varying = (_filled(table, room) for table in (starts, varying))
        return {
            "shared": np.array([self.shared[name] for name in program.system.parameters]),
            "initial": starts,
            "initial_stride": starts.shape[1] if len(starts) > 1 else 0,
            "varying": varying,
            "varying_stride": varying.shape[1] if len(varying) > 1 else 0,
            "varied": np.array([program.parameter[name] for name in self.personal], dtype=np.int64),
            "varied_count": len(self.personal),
            "subjects": max(self.subjects, room),
            "counter": np.zeros(1, dtype=np.int64),
        }

    def columns(self, names: Sequence[str]) -> dict[str, Array]:
        """Return parameters as arrays (subjects,)."""
        return {n: np.broadcast_to(self.personal.get(n, self.shared[n]), self.subjects) for n in names}

    def parameter_rows(self, names: Sequence[str]) -> Array:
        """Return all parameters, (subjects, parameters), or (1, parameters) where none is personal."""
        size = self.subjects if self.personal else 1
        rows = np.repeat(np.array([[self.shared[name] for name in names]]), size, axis=0)
        index = {name: k for k, name in enumerate(names)}
        for name, column in self.personal.items():
            rows[:, index[name]] = column
        return rows


def subject_values(
    system: System,
    parameters: Mapping[str, ArrayLike],
    initial: Mapping[str, ArrayLike] | Array | None,
    either: Mapping[str, ArrayLike],
    index: Mapping[str, int],
) -> Values:
    """Collect the values of a batch from the file's and the caller's; ``either`` names parameters and states.

    What the file initialises by mathematics follows the caller's parameters, unless the caller gives it. A
    species whose state is the amount is given as what its symbol means. Raises ``KeyError`` for an unknown
    name and ``ValueError`` for one given twice and where arrays differ in length.
    """
    if isinstance(initial, np.ndarray):
        rows = np.atleast_2d(initial)
        if rows.shape[1] != len(index):
            message = f"initial has {rows.shape[1]} columns; allowed: {len(index)}, one for each state"
            raise ValueError(message)
        initial = {name: rows[:, i] for name, i in index.items()}
    for name in parameters:
        if name not in system.constants:
            raise unfit_name("parameter", name, system, system.constants)
    for name in initial or {}:
        if name not in index:
            raise unfit_name("state", name, system, index)
    species = {name for name, (state, _) in system.amounts.items() if state != name}
    for name in either:
        if name not in system.constants and name not in index and name not in species:
            raise unfit_name("parameter or state", name, system, [*system.constants, *index, *species])
        if name in parameters or name in (initial or {}):
            message = f"{name} is given twice, by values and by parameters or initial; next: keep one of them"
            raise ValueError(message)
    subjects, arrays = 1, {}
    for name, value in {**parameters, **(initial or {}), **either}.items():
        array = np.atleast_1d(np.asarray(value, dtype=float))
        if array.ndim != 1 or not len(array):
            message = f"{name} has shape {array.shape}; allowed: a number or (subjects,)"
            raise ValueError(message)
        arrays[name] = array
        subjects = _agreed(subjects, len(array), name)
    concentrations = {name: arrays.pop(name) for name in species & either.keys()}
    for name in concentrations:
        if system.amounts[name][0] in arrays:
            message = f"{name} and {system.amounts[name][0]} are given, which are the same; next: keep one"
            raise ValueError(message)
    given = frozenset([*arrays, *(system.amounts[name][0] for name in concentrations)])
    _follow_all(system, arrays, given)
    if concentrations:
        for name, array in concentrations.items():
            arrays[system.amounts[name][0]] = _amount(system, name, array, arrays)
        _follow_all(system, arrays, given)
    values = Values(subjects, dict(system.constants), {}, dict(system.initial), {}, given)
    for name, array in arrays.items():
        if name not in system.constants:
            values.set_start(name, array)
        elif len(array) == 1:
            values.shared[name] = float(array[0])
        else:
            values.personal[name] = array
    return values


def _filled(table: Array, room: int) -> Array:
    """Repeat the last row of a table until it has room; a single row stands for everybody."""
    if len(table) == 1 or len(table) >= room:
        return table
    return np.concatenate((table, np.repeat(table[-1:], room - len(table), axis=0)))


def _agreed(subjects: int, size: int, name: str) -> int:
    if size not in (1, subjects) and subjects != 1:
        message = f"{name} has values for {size} subjects, others for {subjects}"
        raise ValueError(message)
    return max(subjects, size)


def _follow_all(system: System, arrays: dict[str, Array], given: frozenset[str]) -> None:
    """Add what the file initialises by mathematics and was not given, where it needs what was."""
    for name, expression in system.initial_rules.items():
        if name not in given:
            follows = _follow(expression, arrays, {**system.constants, **system.initial})
            if follows is not None:
                arrays[name] = follows


def _amount(system: System, species: str, concentration: Array, arrays: Mapping[str, Array]) -> Array:
    """Return the amounts of a species for its concentrations, by the size of its compartment at the start."""
    size = system.rules[species]
    assert isinstance(size, Call), "the rule of such a species is its amount divided by the size"
    written: dict[str, Expression] = {}
    for name in system.assigned:
        written[name] = replace(system.rules[name], written)
    product = Call("*", (Symbol(_GIVEN), replace(size.arguments[1], written)))
    known = {**system.constants, **system.initial}
    follows = _follow(product, {**arrays, _GIVEN: concentration}, known)
    assert follows is not None, "the concentration is given"
    return follows


def _follow(expression: Expression, arrays: Mapping[str, Array], values: Mapping[str, float]) -> Array | None:
    """Re-evaluate an initial rule where something it needs was given; None where nothing was."""
    own = [name for name in set(symbols(expression)) if name in arrays]
    if not own:
        return None
    size = max(len(arrays[name]) for name in own)
    rows = ({n: float(arrays[n][k % len(arrays[n])]) for n in own} for k in range(size))
    start = {TIME: 0.0, **values}
    return np.array([evaluate_ieee(expression, {**start, **row}) for row in rows])
