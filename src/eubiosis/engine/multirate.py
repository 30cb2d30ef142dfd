"""Two halves, each integrated as it deserves: a stiff smooth one implicitly, a driven one by explicit steps.

``split`` parts a system by its states. What the explicit half needs of the implicit one crosses forward, what
the implicit half needs of the explicit one crosses back. Quantities cross at the points of a grid: forward
they run linearly between points; back they are held within an interval, at the mean of its ends when an
interval is swept twice. Without anything crossing back the implicit half is solved first, in one go.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from eubiosis.core.findings import unknown_word
from eubiosis.engine.compiled import Compiled, compile
from eubiosis.engine.expressions import TIME, symbols
from eubiosis.engine.inputs import Input, Set
from eubiosis.engine.solution import Integral, Last, Reduction, Solution, Tolerances
from eubiosis.engine.system import Array, System

_SIGN = 1e-12  # the absolute tolerance by which the explicit half tells what is negative


@dataclass(frozen=True)
class Split:
    """The two halves of a system; ``forward`` and ``back`` name what crosses, parameters on arrival."""

    implicit: Compiled
    explicit: Compiled
    forward: tuple[str, ...]
    back: tuple[str, ...]

    def run(
        self,
        grid: Sequence[float] | Array,
        *,
        implicit_observables: Sequence[str] = (),
        explicit_observables: Sequence[str] = (),
        parameters: Mapping[str, ArrayLike] | None = None,
        initial: Mapping[str, ArrayLike] | None = None,
        inputs: Sequence[Input] = (),
        held: Mapping[str, Array] | None = None,
        reductions: Sequence[Reduction] = (),
        steps: int = 1,
        every: int = 1,
        sweeps: int = 2,
        record: Sequence[int] | None = None,
        tolerances: Tolerances | None = None,
        threads: int | None = None,
    ) -> tuple[Solution, Solution]:
        """Run both halves over a grid; returns the implicit half's solution and the explicit half's.

        ``parameters`` and ``initial`` name quantities of the whole system, numbers or (subjects,). ``inputs``
        act on the implicit half, ``held`` (intervals,) or (intervals, subjects) on the explicit one, which
        makes ``steps`` steps in each interval and carries the ``reductions``. Quantities cross at every
        ``every``-th point of the grid. ``record`` lists the points at which the explicit half's observables
        are kept (default: all); the implicit half's are kept at the points of exchange. ``sweeps`` counts how
        often an interval is gone through where something crosses back: once (first order in the interval) or
        twice (second order).

        A subject that fails in the implicit half has its reason in that half's status and NaN in the other.
        Raises ``KeyError`` for an unknown name and ``ValueError`` for arguments that do not fit.
        """
        times = np.asarray(grid, dtype=float)
        if (len(times) - 1) % every:
            message = f"{len(times) - 1} intervals cannot be exchanged every {every}; allowed: a divisor"
            raise ValueError(message)
        own = tolerances or Tolerances()
        signs = Tolerances(absolute=_SIGN, negative=own.negative)
        whole = _Whole(
            self, times, parameters or {}, initial or {}, list(inputs), held or {}, steps, threads, signs
        )
        if not self.back:
            stiff = whole.implicit(0, len(times) - 1, every, tuple(implicit_observables), {}, {}, own)
            driven = whole.explicit(
                0, len(times) - 1, every, stiff, tuple(explicit_observables), {}, tuple(reductions), record
            )
            return stiff, driven
        if implicit_observables or explicit_observables or record is not None:
            message = "where something crosses back only reductions and final states are kept"
            raise ValueError(message)
        return _exchange(whole, every, sweeps, tuple(reductions), own)


def split(system: System, explicit: Collection[str]) -> Split:
    """Part a system: ``explicit`` names the states of the half that is driven and not stiff.

    Raises ``KeyError`` for an unknown state and ``ValueError`` for a system with SBML events.

    >>> from eubiosis.engine.expressions import Call, Symbol
    >>> rates = {"x": Call("neg", (Symbol("x"),)), "y": Symbol("x")}
    >>> whole = System("two", ("x", "y"), (), (), rates, {}, {"x": 1.0, "y": 0.0}, {})
    >>> halves = split(whole, ["y"])
    >>> halves.implicit.states, halves.explicit.states, halves.forward, halves.back
    (('x',), ('y',), ('x',), ())
    """
    for name in explicit:
        if name not in system.states:
            raise KeyError(f"state {unknown_word(name, system.states)}")
    for event in system.events:
        message = f"event {event.id}: a system with SBML events cannot be split; give doses as inputs"
        raise ValueError(message)
    late = set(explicit)
    early = [name for name in system.states if name not in late]
    sides = _sides(system, late)
    implicit, back = _half(system, early, sides, "late", ())
    later = [name for name in system.states if name in late]
    driven, forward = _half(system, later, sides, "early", implicit.assigned)
    return Split(compile(implicit), compile(driven), forward, back)


def _sides(system: System, late: set[str]) -> dict[str, set[str]]:
    """Say of every quantity whether it depends on early states, late states, both or neither."""
    sides: dict[str, set[str]] = {name: set() for name in (*system.parameters, TIME)}
    sides |= {name: {"late" if name in late else "early"} for name in system.states}
    for name in system.assigned:
        sides[name] = set().union(*(sides[s] for s in symbols(system.rules[name])), set())
    return sides


def _half(
    system: System,
    states: Sequence[str],
    sides: Mapping[str, set[str]],
    foreign: str,
    taken: Collection[str],
) -> tuple[System, tuple[str, ...]]:
    """Return the system of some states; what depends on the other half alone becomes a parameter.

    Read-outs go where they can be computed: those of one side to it, mixed ones to the explicit half unless
    they are ``taken``.
    """
    needed: set[str] = set()
    crossing: dict[str, None] = {}
    todo = [s for name in states for s in symbols(system.rates[name])]
    todo += [n for n in system.assigned if foreign not in sides[n] and sides[n]]  # this half's own read-outs
    if foreign == "early":
        todo += [n for n in system.assigned if sides[n] == {"early", "late"} and n not in taken]
    while todo:
        name = todo.pop()
        if name in needed or name in crossing:
            continue
        if sides[name] == {foreign}:
            crossing[name] = None
            continue
        needed.add(name)
        if name in system.rules:
            todo.extend(symbols(system.rules[name]))
    assigned = tuple(name for name in system.assigned if name in needed)
    arriving = tuple(n for n in (*system.states, *system.assigned) if n in crossing)
    used = {name for rule in assigned for name in symbols(system.rules[rule])}
    used |= {name for state in states for name in symbols(system.rates[state])}
    used |= {name for bound in system.bounds for name in symbols(bound)}
    parameters = tuple(name for name in system.parameters if name in used)
    half = System(
        name=f"{system.name}_{'implicit' if foreign == 'late' else 'explicit'}",
        states=tuple(states),
        parameters=(*parameters, *arriving),
        assigned=assigned,
        rates={name: system.rates[name] for name in states},
        rules={name: system.rules[name] for name in assigned},
        initial={name: system.initial[name] for name in states},
        constants={**{name: system.constants[name] for name in parameters}, **dict.fromkeys(arriving, 0.0)},
        bounds=system.bounds,
    )
    return half, arriving


@dataclass
class _Whole:
    """What one run of both halves is given."""

    split: Split
    times: Array
    parameters: Mapping[str, ArrayLike]
    initial: Mapping[str, ArrayLike]
    inputs: list[Input]
    held: Mapping[str, Array]
    steps: int
    threads: int | None
    signs: Tolerances

    def _of(self, half: Compiled, extra: Mapping[str, ArrayLike]) -> dict[str, ArrayLike]:
        own = {n: v for n, v in self.parameters.items() if n in half.parameter_index}
        return {**own, **extra}

    def _starts(self, half: Compiled, given: Mapping[str, ArrayLike]) -> dict[str, ArrayLike]:
        own = {n: v for n, v in self.initial.items() if n in half.state_index}
        return {**own, **given}

    def implicit(
        self,
        first: int,
        last: int,
        every: int,
        observables: tuple[str, ...],
        states: Mapping[str, ArrayLike],
        back: Mapping[str, ArrayLike],
        tolerances: Tolerances,
    ) -> Solution:
        """Solve the implicit half between two grid points; what crosses forward comes first."""
        half, grid = self.split.implicit, self.times[first : last + 1 : every]
        names = tuple(dict.fromkeys((*self.split.forward, *observables)))
        return half.solve(
            grid,
            names,
            parameters=self._of(half, back),
            initial=self._starts(half, states),
            inputs=[
                item
                for item in (self._window(i, grid[0], grid[-1], last) for i in self.inputs)
                if item is not None
            ],
            tolerances=tolerances,
            threads=self.threads,
        )

    def _window(self, item: Input, start: float, end: float, last: int) -> Input | None:
        """Keep an input for one interval: a set from before still holds, a bolus is given once."""
        final = last == len(self.times) - 1
        time = np.asarray(item.time, dtype=float)
        late = time > end if final else time >= end
        early = np.zeros_like(late) if isinstance(item, Set) or start == self.times[0] else time < start
        if np.all(late | early):
            return None
        return replace(item, time=np.where(late | early, np.inf, time))

    def explicit(
        self,
        first: int,
        last: int,
        every: int,
        stiff: Solution,
        observables: tuple[str, ...],
        states: Mapping[str, ArrayLike],
        reductions: tuple[Reduction, ...],
        record: Sequence[int] | None,
    ) -> Solution:
        """March the explicit half between two grid points under what the implicit one hands over."""
        half, grid = self.split.explicit, self.times[first : last + 1]
        linear = {}
        for name in self.split.forward:
            points = stiff[name].T
            linear[name] = points if every == 1 else _interpolated(grid[::every], points, grid)
        return half.march(
            grid,
            observables,
            parameters=self._of(half, {}),
            initial=self._starts(half, states),
            held={name: path[first:last] for name, path in self.held.items()},
            linear=linear,
            record=record,
            reductions=reductions,
            steps=self.steps,
            tolerances=self.signs,
            threads=self.threads,
        )


def _interpolated(points: Array, values: Array, grid: Array) -> Array:
    """Interpolate linearly along the first axis."""
    place = np.clip(np.searchsorted(points, grid, side="right") - 1, 0, len(points) - 2)
    weight = ((grid - points[place]) / (points[place + 1] - points[place]))[:, None]
    return np.asarray((1 - weight) * values[place] + weight * values[place + 1])


def _exchange(
    whole: _Whole, every: int, sweeps: int, reductions: tuple[Reduction, ...], tolerances: Tolerances
) -> tuple[Solution, Solution]:
    """Go through the grid interval by interval, with values crossing both ways."""
    for reduction in reductions:
        if not isinstance(reduction, Integral | Last):
            message = f"{type(reduction).__name__} of {reduction.name}: allowed here are Integral and Last"
            raise ValueError(message)
    back = whole.split.back
    stiff_states: dict[str, ArrayLike] = {}
    driven_states: dict[str, ArrayLike] = {}
    returned = _returned(whole, whole._starts(whole.split.explicit, {}))
    totals: dict[Reduction, Array] = {}
    codes: tuple[np.ndarray, np.ndarray] | None = None
    last = len(whole.times) - 1
    for first in range(0, last, every):
        feedback = returned
        for sweep in range(sweeps):
            stiff = whole.implicit(first, first + every, every, (), stiff_states, feedback, tolerances)
            driven = whole.explicit(
                first, first + every, every, stiff, back, driven_states, reductions, [0, every]
            )
            ends = {name: driven[name][:, -1] for name in back}
            if sweep + 1 < sweeps:
                feedback = {name: (np.asarray(returned[name]) + ends[name]) / 2 for name in back}
        returned = {name: ends[name] for name in back}
        stiff_states = _by_name(whole.split.implicit, stiff)
        driven_states = _by_name(whole.split.explicit, driven)
        for reduction, values in driven.reduced.items():
            adds = isinstance(reduction, Integral) and reduction in totals
            totals[reduction] = totals[reduction] + values if adds else values
        codes = _worse(codes, stiff, driven)
    assert codes is not None, "a grid has at least one interval"
    ended = replace(driven, reduced={r: np.where(codes[1] == 0, v, np.nan) for r, v in totals.items()})
    return replace(stiff, codes=codes[0]), replace(ended, codes=codes[1])


def _by_name(half: Compiled, solution: Solution) -> dict[str, ArrayLike]:
    return {name: solution.states[:, i] for name, i in half.state_index.items()}


def _returned(whole: _Whole, states: Mapping[str, ArrayLike]) -> dict[str, ArrayLike]:
    """Evaluate what crosses back at the explicit half's initial states."""
    half, start = whole.split.explicit, whole.times[:1]
    parameters = whole._of(half, dict.fromkeys(whole.split.forward, 0.0))
    held = {n: p[0] for n, p in whole.held.items()}
    first = half.solve(start, whole.split.back, parameters={**parameters, **held}, initial=states)
    return {name: first[name][:, 0] for name in whole.split.back}


def _worse(
    codes: tuple[np.ndarray, np.ndarray] | None, stiff: Solution, driven: Solution
) -> tuple[np.ndarray, np.ndarray]:
    """Keep each subject's first failure in either half."""
    if codes is None:
        return stiff.codes, driven.codes
    return tuple(  # type: ignore[return-value]
        np.where(old != 0, old, np.broadcast_to(new, np.broadcast(old, new).shape))
        for old, new in zip(codes, (stiff.codes, driven.codes), strict=True)
    )
