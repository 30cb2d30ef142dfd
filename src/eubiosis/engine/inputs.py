"""Doses and other inputs from outside the model: changes at known times, never root-found events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eubiosis.core.findings import unknown_word
from eubiosis.engine.codegen.driver import ADD, AT_LEAST, SCALE, SET_PARAMETER, SET_STATE
from eubiosis.engine.codegen.program import Program
from eubiosis.engine.system import Array

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
    """A bolus: an amount is added to a state."""


class Scale(Input):
    """A state is multiplied by a factor."""


class AtLeast(Input):
    """A state is raised to a value if it lies below."""


def repeated(first: float, every: float, count: int, name: str, value: ArrayLike) -> list[Add]:
    """Return ``count`` boluses, the first at ``first`` and then one every so often."""
    return [Add(first + k * every, name, value) for k in range(count)]


def piecewise(times: Sequence[ArrayLike], values: Sequence[ArrayLike], name: str) -> list[Set]:
    """Return the changes of a parameter that takes ``values[k]`` from ``times[k]`` on."""
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
    known = set(parameters)
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
        known = [*program.system.states, *program.system.parameters]
        raise KeyError(f"input {unknown_word(item.name, known)}")
    return (SET_STATE if isinstance(item, Set) else _KINDS[type(item)]), program.place[item.name]


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
