"""Each person's gut before and at the end of a therapy, over worlds: from the composition asked of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.guilds import GUILDS
from eubiosis.core.streams import stream
from eubiosis.engine import Add, Array, AtLeast, Input, Scale, Set, Tolerances
from eubiosis.model.model import Model
from eubiosis.model.niche import OK
from eubiosis.model.worlds import GutWorld, hold_people
from eubiosis.therapy import Therapy
from eubiosis.therapy.phrase import TherapyPhrase
from eubiosis.trial.world.gut import started_people, therapy_inputs
from eubiosis.workflow.forecast.quantities import GUILD_QUANTITIES, QUANTITIES

PERSON = "healthy"
_TOLERANCES = Tolerances(relative=1e-6, absolute=1e-10, negative=1e4)
_ROWS_AT_ONCE = 8_000
_SHARES = len(GUILD_QUANTITIES)
Rows = NDArray[np.int64]
InputsOf = Callable[[int, GutWorld], list[Input]]


@dataclass(frozen=True)
class Regimen:
    """What is done to the gut: inputs for so many people of a world, until day ``days``.

    ``acts`` is False for what the model knows nothing of, such as a placebo: nobody's gut moves, exactly.
    ``conditions`` are the named conditions of the model nearest to it, whose discrepancies count.
    """

    inputs: InputsOf
    days: int
    acts: bool
    conditions: tuple[str, ...]


def regimen_of(model: Model, phrase: TherapyPhrase) -> Regimen:
    """Return what a phrase does, the whole dose taken by everybody."""
    active = tuple(therapy for therapy in phrase.therapies if _acts(therapy))

    def inputs(people: int, _: GutWorld) -> list[Input]:
        return [
            change
            for therapy in active
            for change in therapy_inputs(
                model, therapy, np.full(people, _full_dose(therapy)), float(phrase.days)
            )
        ]

    compared = [therapy.record.compared for therapy in active]
    return Regimen(inputs, phrase.days, bool(active), tuple(c.condition for c in compared if c is not None))


def regimen_of_condition(model: Model, condition: str, days: int) -> Regimen:
    """Return what a named condition of the model does from day 0 on; transplants are a healthy donor's.

    Raises ``ValueError`` for a condition that fixes numbers or starts elsewhere: that is another person.
    """
    setting = model.condition(condition)
    if setting.fixed or setting.start:
        message = f"{condition} fixes {', '.join((*setting.fixed, *setting.start))}; allowed: inputs only"
        raise ValueError(message)
    upstream = model.upstream_kernel
    known = {*upstream.parameter_index, *upstream.state_index}

    def inputs(_: int, world: GutWorld) -> list[Input]:
        changes: list[Input] = [
            Set(day, name, value)
            for day, change in setting.schedule
            for name, value in change.items()
            if name in known
        ]
        for when, _engraftment in setting.transplants:
            engrafted = world.values.get("gut_fmt_E", model.content.value("gut_fmt_E"))
            changes.append(AtLeast(when, "gut_Efmt", engrafted))
            for guild in GUILDS:
                state = f"gut_B_{guild}"
                donor = float(world.healthy[model.gut_kernel.state_index[state]])
                changes += [Scale(when, state, 1 - engrafted), Add(when, state, engrafted * donor)]
        return changes

    return Regimen(inputs, days, True, (condition,))


@dataclass(frozen=True)
class Courses:
    """The logarithm of every quantity before and at the end, one row a person in a world.

    ``person`` (rows,) positions, ``before`` and ``after`` (rows, quantities) as in ``QUANTITIES``, shares of
    reads; NaN for who has no steady state or whose run failed.
    """

    person: Rows
    before: Array
    after: Array

    @property
    def change(self) -> Array:
        """The change of the logarithm, (rows, quantities)."""
        return np.asarray(self.after - self.before)


def run_courses(
    model: Model,
    asked: Array,
    regimen: Regimen,
    worlds: Sequence[GutWorld],
    rows: Sequence[Rows],
    *,
    threads: int | None = None,
) -> list[Courses]:
    """Run some people (positions ``rows`` of ``asked`` (people, guilds), one array a world) in each world.

    All worlds are solved together. Raises ``KeyError`` for an input that the model lacks.
    """
    found: list[Courses] = []
    waiting: list[tuple[GutWorld, Rows, _Started]] = []
    for world, members in zip(worlds, rows, strict=True):
        waiting.append((world, members, _start(model, world, asked[members], threads)))
        if sum(len(members) for _, members, _ in waiting) >= _ROWS_AT_ONCE:
            found += _solve(model, waiting, regimen, threads)
            waiting = []
    return found + (_solve(model, waiting, regimen, threads) if waiting else [])


def rotated(people: int, worlds: int, most: int) -> list[Rows]:
    """Return who is run in each world: everybody, or ``most`` of them in turn, in an order drawn once.

    >>> [rows.tolist() for rows in rotated(3, 2, 5)]
    [[0, 1, 2], [0, 1, 2]]
    """
    if people <= most:
        return [np.arange(people)] * worlds
    order = np.concatenate(
        [stream(0, "forecast.people", k).permutation(people) for k in range(-(-worlds * most // people))]
    )
    return [np.sort(np.unique(order[k * most : (k + 1) * most])) for k in range(worlds)]


@dataclass(frozen=True)
class _Started:
    """People of one world at rest: parameters by name, states, and who has a rest at all (positions)."""

    parameters: Mapping[str, Array]
    states: Array
    solved: Rows


def _start(model: Model, world: GutWorld, asked: Array, threads: int | None) -> _Started:
    usable = np.flatnonzero(np.isfinite(asked).all(axis=1))
    niches = hold_people(model, world, asked[usable], PERSON, threads=threads)
    people = started_people(model, world, niches, PERSON)
    fine = np.array([k for k, word in enumerate(people.status) if word == OK], dtype=np.int64)
    held = people.take(fine)
    given = {n: np.broadcast_to(v, (len(fine),)).astype(float) for n, v in held.parameters().items()}
    return _Started(given, held.states, usable[fine])


def _solve(
    model: Model, waiting: Sequence[tuple[GutWorld, Rows, _Started]], regimen: Regimen, threads: int | None
) -> list[Courses]:
    kernel, names = model.upstream_kernel, [quantity.source for quantity in QUANTITIES]
    parameters = _together([started.parameters for _, _, started in waiting])
    states = np.concatenate([started.states for _, _, started in waiting])
    changes: list[Input] = []
    if regimen.acts and len(states):
        changes = _joined(
            [regimen.inputs(len(started.solved), world) for world, _, started in waiting],
            [len(started.solved) for _, _, started in waiting],
        )
    values = np.full((len(states), 2, len(names)), np.nan)
    if len(states):
        times = [0.0, float(regimen.days)] if regimen.acts else [0.0]
        solution = kernel.solve(
            times, names, parameters=parameters, initial=states, inputs=changes, tolerances=_TOLERANCES,
            threads=threads,
        )  # fmt: skip
        well = np.array([word == OK for word in solution.status])
        values[well] = solution.values[well][:, [0, -1]]
    found, begin = [], 0
    for world, members, started in waiting:
        own = np.full((len(members), 2, len(names)), np.nan)
        part = values[begin : begin + len(started.solved)]
        begin += len(started.solved)
        own[started.solved] = part
        own[..., :_SHARES] = world.read_shares(own[..., :_SHARES])
        with np.errstate(invalid="ignore", divide="ignore"):
            logs = np.log(own)
        found.append(Courses(members, logs[:, 0], logs[:, 1]))
    return found


def _together(parts: Sequence[Mapping[str, Array]]) -> dict[str, Array]:
    """Join parameters of several worlds; each gives the same names."""
    names = dict.fromkeys(name for part in parts for name in part)
    missing = {name for name in names for part in parts if name not in part}
    if missing:
        message = f"worlds give different parameters: {', '.join(sorted(missing))}"
        raise KeyError(message)
    return {name: np.concatenate([part[name] for part in parts]) for name in names}


def _joined(parts: Sequence[list[Input]], sizes: Sequence[int]) -> list[Input]:
    """Join the inputs of several worlds, the same changes in each, with a value for every person."""
    joined: list[Input] = []
    for same in zip(*parts, strict=True):
        first = same[0]
        if any((type(one), one.name) != (type(first), first.name) for one in same):
            message = "worlds give different inputs"
            raise KeyError(message)
        times = np.concatenate([np.broadcast_to(o.time, (n,)) for o, n in zip(same, sizes, strict=True)])
        values = np.concatenate([np.broadcast_to(o.value, (n,)) for o, n in zip(same, sizes, strict=True)])
        joined.append(type(first)(times, first.name, values))
    return joined


def _acts(therapy: Therapy) -> bool:
    """Whether the model knows anything of what is taken."""
    return therapy.record.diet is not None or therapy.amount > 0


def _full_dose(therapy: Therapy) -> float:
    """Return the whole of a diet, or the dose in the model's unit."""
    return 1.0 if therapy.record.diet is not None else therapy.amount
