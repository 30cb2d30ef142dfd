"""Doses and other inputs from outside the model: changes at known times, never root-found events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eubiosis.engine.codegen.driver import ADD, AT_LEAST, SCALE, SET_PARAMETER, SET_STATE
from eubiosis.engine.codegen.program import Program, derivative
from eubiosis.engine.expressions import Call, Expression, Number, Symbol
from eubiosis.engine.initial import Values
from eubiosis.engine.names import unfit_name
from eubiosis.engine.system import Array, System

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Input:
    """A change at ``time``; time and amount are numbers, or one for each subject, shape (subjects,)."""

    time: ArrayLike
    name: str
    value: ArrayLike


class Set(Input):
    """A parameter or state takes a value from a time on."""


class Add(Input):
    """A bolus: an amount is added to a species, whatever its unit, or to another state."""


class Scale(Input):
    """A state is multiplied by a factor."""


class AtLeast(Input):
    """A state is raised to a value if it lies below."""


@dataclass(frozen=True)
class Infuse(Input):
    """An infusion: ``value`` per unit of time, as an amount, goes into a state from ``time`` to ``stop``.

    All are numbers, or one for each subject, shape (subjects,). Infusions that overlap add up.
    """

    stop: ArrayLike

    @classmethod
    def amount(cls, time: ArrayLike, name: str, amount: ArrayLike, stop: ArrayLike) -> Infuse:
        """Return the infusion that gives an amount in all.

        >>> float(Infuse.amount(0.0, "blood", 250.0, stop=0.5).value)
        500.0
        """
        length = np.asarray(stop, dtype=float) - np.asarray(time, dtype=float)
        if not np.all(length > 0):
            message = f"{name}: an infusion has no length; allowed: a stop after the start"
            raise ValueError(message)
        return cls(time, name, np.asarray(amount, dtype=float) / length, stop)


def repeated(first: float, every: float, count: int, name: str, value: ArrayLike) -> list[Add]:
    """Return ``count`` boluses, the first at ``first`` and then one every so often.

    >>> [dose.time for dose in repeated(0.0, 12.0, 3, "gut", 250.0)]
    [0.0, 12.0, 24.0]
    """
    return [Add(first + k * every, name, value) for k in range(count)]


def piecewise(times: Sequence[ArrayLike], values: Sequence[ArrayLike], name: str) -> list[Set]:
    """Return the changes of a parameter that takes ``values[k]`` from ``times[k]`` on.

    >>> piecewise([0.0, 8.0], [2.0, 0.0], "infusion")[1]
    Set(time=8.0, name='infusion', value=0.0)
    """
    return [Set(time, name, value) for time, value in zip(times, values, strict=True)]


_KINDS = {Add: ADD, Scale: SCALE, AtLeast: AT_LEAST}


@dataclass(frozen=True)
class Actions:
    """The changes of a batch as the loop reads them: for each subject a run of entries sorted by time.

    ``first`` and ``count`` (subjects,) give each subject's entries of ``time``, ``kind`` and ``target``, and
    ``value_first`` where its values start; subjects with equal times share the entries.
    """

    first: Counts
    count: Counts
    time: Array
    kind: Counts
    target: Counts
    value_first: Counts
    value: Array


def input_targets(inputs: Sequence[Input], parameters: Sequence[str]) -> tuple[str, ...]:
    """Return the parameters that inputs change, in order of first mention."""
    known = {*parameters}
    return tuple(dict.fromkeys(i.name for i in inputs if isinstance(i, Set) and i.name in known))


def arrange(
    program: Program,
    inputs: Sequence[Input],
    end: float,
    subjects: int,
) -> Actions:
    """Sort inputs by time.

    Changes before the start take effect at the start and later than ``end`` not at all. Raises ``KeyError``
    for an unknown name and ``ValueError`` for a time that is not a number.
    """
    rows: list[tuple[Array, int, int, Array]] = []
    for item in inputs:
        time = np.atleast_1d(np.asarray(item.time, dtype=float))
        if np.isnan(time).any():
            message = f"{item.name}: the time of an input is not a number"
            raise ValueError(message)
        kind, target = _place(program, item)
        value = np.atleast_1d(np.asarray(item.value, dtype=float))
        for array in (time, value):
            if array.shape not in ((1,), (subjects,)):
                message = f"{item.name}: an input has shape {array.shape}; allowed (1,) or ({subjects},)"
                raise ValueError(message)
        rows.append((time, kind, target, value))
    if all(len(time) == 1 for time, *_ in rows):
        return _shared(rows, end, subjects)
    return _personal(rows, end, subjects)


def _place(program: Program, item: Input) -> tuple[int, int]:
    if isinstance(item, Set) and item.name in program.parameter:
        return SET_PARAMETER, program.parameter[item.name]
    if item.name not in program.place:
        check_target(program.system, item)
    return (SET_STATE if isinstance(item, Set) else _KINDS[type(item)]), program.place[item.name]


def check_target(system: System, item: Input) -> None:
    """Raise ``KeyError`` for an input into what is no state, or a set of what is no parameter either."""
    if item.name in system.initial or (isinstance(item, Set) and item.name in system.constants):
        return
    raise unfit_name("input", item.name, system, [*system.states, *system.amounts, *system.parameters])


def _shared(rows: Sequence[tuple[Array, int, int, Array]], end: float, subjects: int) -> Actions:
    """Arrange changes at the same times for everybody; values may differ."""
    times = np.array([float(time[0]) for time, *_ in rows])
    order = [k for k in np.argsort(times, kind="stable") if times[k] <= end]
    personal = any(len(rows[k][3]) > 1 for k in order)
    columns = [rows[k][3] for k in order]
    if personal:
        value = np.stack([np.broadcast_to(c, subjects) for c in columns], axis=1).ravel()
    else:
        value = np.array([float(c[0]) for c in columns])
    step = len(order) if personal else 0
    return Actions(
        np.zeros(subjects, dtype=np.int64),
        np.full(subjects, len(order), dtype=np.int64),
        times[order],
        np.array([rows[k][1] for k in order], dtype=np.int64),
        np.array([rows[k][2] for k in order], dtype=np.int64),
        np.arange(subjects, dtype=np.int64) * step,
        value,
    )


def _personal(rows: Sequence[tuple[Array, int, int, Array]], end: float, subjects: int) -> Actions:
    """Arrange changes at personal times."""
    times = np.stack([np.broadcast_to(time, subjects) for time, *_ in rows], axis=1)
    values = np.stack([np.broadcast_to(value, subjects) for *_, value in rows], axis=1)
    kinds = np.array([kind for _, kind, _, _ in rows], dtype=np.int64)
    targets = np.array([target for _, _, target, _ in rows], dtype=np.int64)
    idle = times > end
    order = np.argsort(np.where(idle, np.inf, times), axis=1, kind="stable")
    count = np.sum(~idle, axis=1).astype(np.int64)
    first = np.concatenate(([0], np.cumsum(count)[:-1])).astype(np.int64)
    kept = np.arange(times.shape[1]) < count[:, None]
    chosen = order[kept]
    who = np.repeat(np.arange(subjects), count)
    return Actions(
        first, count, times[who, chosen], kinds[chosen], targets[chosen], first, values[who, chosen]
    )


def values_in_force(
    inputs: Sequence[Input], names: Sequence[str], base: dict[str, Array], times: Array, subjects: int
) -> Array:
    """Return the parameters that inputs change, as they are at the times; shape (subjects, names, times)."""
    out = np.empty((subjects, len(names), len(times)))
    for k, name in enumerate(names):
        out[:, k, :] = base[name][:, None]
        own = [i for i in inputs if i.name == name]
        order = sorted(range(len(own)), key=lambda j: float(np.min(np.asarray(own[j].time))))
        if any(np.ndim(i.time) and np.size(i.time) > 1 for i in own):
            _in_force_personal(own, out[:, k, :], times)
            continue
        for j in order:
            late = times >= float(np.asarray(own[j].time).reshape(-1)[0])
            value = np.broadcast_to(np.asarray(own[j].value, dtype=float), subjects)
            out[:, k, late] = value[:, None]
    return out


def _in_force_personal(own: Sequence[Input], out: Array, times: Array) -> None:
    subjects = len(out)
    when = np.stack([np.broadcast_to(np.asarray(i.time, dtype=float), subjects) for i in own], axis=1)
    what = np.stack([np.broadcast_to(np.asarray(i.value, dtype=float), subjects) for i in own], axis=1)
    for s in range(subjects):
        for j in np.argsort(when[s], kind="stable"):
            out[s, times >= when[s, j]] = what[s, j]


def in_states(inputs: Sequence[Input], system: System, values: Values, by: Sequence[str] = ()) -> list[Input]:
    """Return inputs in terms of states: amounts of species that are concentrations divided by the size.

    ``by`` names what states are derived by. Raises ``ValueError`` where the size changes.
    """
    out: list[Input] = []
    changed = {item.name for item in inputs}
    for item in inputs:
        state, size = system.amounts.get(item.name, (item.name, ""))
        if state != item.name and isinstance(item, Set | AtLeast):
            message = f"{item.name}: its compartment changes; next: set the amount, {state}"
            raise ValueError(message)
        if not isinstance(item, Add) or not size:
            out.append(replace(item, name=state))
            continue
        if size not in system.constants or size in changed:
            message = f"{item.name} is a concentration with a rate rule, and the size of {size} changes"
            raise ValueError(f"{message}: it takes no dose; next: let reactions change {item.name}")
        volume = values.personal.get(size, np.array([values.shared[size]]))
        share = np.asarray(item.value, dtype=float) / volume
        out.append(Add(item.time, state, share))
        if size in by:
            out.append(Add(item.time, derivative(state, size), -share / volume))
    return out


def without_infusions(inputs: Sequence[Input]) -> tuple[list[Input], tuple[tuple[str, int], ...]]:
    """Return inputs with each infusion as two changes of a rate, and how many rates each state needs.

    Infusions into one state that do not overlap for any subject share a rate. Raises ``ValueError`` for one
    that stops before it starts.
    """
    out: list[Input] = []
    busy: dict[str, list[Array]] = {}
    order = sorted(inputs, key=lambda item: float(np.min(np.asarray(item.time, dtype=float))))
    for item in [i for i in order if isinstance(i, Infuse)]:
        start, stop = (np.asarray(t, dtype=float) for t in (item.time, item.stop))
        if not np.all(stop >= start):
            message = f"{item.name}: an infusion stops before it starts; allowed: a later stop"
            raise ValueError(message)
        until = busy.setdefault(item.name, [])
        lane = next((k for k, end in enumerate(until) if np.all(end <= start)), len(until))
        until[lane : lane + 1] = [stop]
        rate = infusion_rate(item.name, lane)
        # stops come before starts at the same time, so that the next infusion is not ended with this one
        given = np.where(stop > start, item.value, 0.0)
        out = [Set(item.stop, rate, 0.0), *out, Set(item.time, rate, given)]
    plain = [item for item in inputs if not isinstance(item, Infuse)]
    return [*out, *plain], tuple((name, len(until)) for name, until in busy.items())


def infusion_rate(name: str, lane: int) -> str:
    """Return the name of the parameter that is the rate of an infusion."""
    return f"{name}.infusion.{lane}"


def infused(system: System, lanes: Sequence[tuple[str, int]]) -> System:
    """Return the system with infusions into some states, whose rates are further parameters.

    Raises ``KeyError`` for what is no state or species.
    """
    rates, names = dict(system.rates), []
    for name, count in lanes:
        state, size = system.amounts.get(name, (name, ""))
        if state not in rates:
            raise unfit_name("input", name, system, [*system.states, *system.amounts, *system.parameters])
        own = [infusion_rate(name, lane) for lane in range(count)]
        names += own
        total: Expression = Call("+", tuple(map(Symbol, own))) if count > 1 else Symbol(own[0])
        inflow = Call("/", (total, Symbol(size))) if size else total
        rates[state] = inflow if rates[state] == Number(0.0) else Call("+", (rates[state], inflow))
    return replace(
        system,
        parameters=(*system.parameters, *names),
        constants={**system.constants, **dict.fromkeys(names, 0.0)},
        rates=rates,
    )
