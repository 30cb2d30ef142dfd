"""Each person's gut before and at the end of a therapy, over worlds: from the composition asked of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eubiosis.core.findings import FindingCollector
from eubiosis.core.streams import stream
from eubiosis.engine import Array, Input, Set, Tolerances
from eubiosis.model.model import Model
from eubiosis.model.niche import OK
from eubiosis.model.worlds import GutWorld, hold_people
from eubiosis.therapy import Component
from eubiosis.therapy.phrase import TherapyPhrase
from eubiosis.trial.world.gut import HeldPeople, started_people
from eubiosis.trial.world.inputs import Donor, GutInputs, donors_of, engraftment_in, gut_inputs
from eubiosis.workflow.forecast.quantities import GUILD_QUANTITIES, QUANTITIES

PERSON = "healthy"
_TOLERANCES = Tolerances(relative=1e-6, absolute=1e-10, negative=1e4)
_ROWS_AT_ONCE = 8_000
_SHARES = len(GUILD_QUANTITIES)
Rows = NDArray[np.int64]
InputsOf = Callable[[GutWorld, HeldPeople], GutInputs]


@dataclass(frozen=True)
class Regimen:
    """What is done to the gut: inputs for people of a world, until day ``days``.

    ``acts`` is False for what the model knows nothing of, such as a placebo: nobody's gut moves, exactly.
    ``conditions`` are the named conditions of the model nearest to it, whose discrepancies count.
    """

    inputs: InputsOf
    days: int
    acts: bool
    conditions: tuple[str, ...]


def regimen_of(model: Model, phrase: TherapyPhrase) -> Regimen:
    """Return what a phrase does, the whole dose taken by everybody.

    Raises ``FindingsError`` for a product that reaches nothing in the gut: it cannot be forecast here.
    """
    findings = FindingCollector()
    therapy = phrase.therapy
    for part in therapy.components:
        if not _acts(part) and part.record.group != "placebo":
            why = f": {part.record.why}" if part.record.why else ""
            findings.add("therapy", part.product, f"it reaches nothing in the gut of the model{why}",
                         allowed="a product that moves guilds or acids, or a placebo",
                         next_step=f"see what is known: eubiosis therapy show {part.product}")  # fmt: skip
    findings.raise_if_any()

    def inputs(world: GutWorld, people: HeldPeople) -> GutInputs:
        engrafts = engraftment_in(model, world)
        donors = donors_of(model, world, therapy, Donor(people.factors, people.states, engrafts))
        whole = [np.ones((len(people.status), phrase.days))] * len(therapy.components)
        return gut_inputs(model, therapy, whole, donors, phrase.days, [float(phrase.days)], weekly=True)

    compared = [part.record.compared for part in therapy.components]
    acts = any(_acts(part) for part in therapy.components)
    return Regimen(inputs, phrase.days, acts, tuple(c.condition for c in compared if c is not None))


def regimen_of_condition(model: Model, condition: str, days: int) -> Regimen:
    """Return what a named condition of the model does from day 0 on.

    Raises ``ValueError`` for one that fixes numbers, starts elsewhere or transplants: that is no mere input.
    """
    setting = model.condition(condition)
    if setting.fixed or setting.start or setting.transplants:
        message = f"{condition} is more than inputs; allowed: a condition of inputs only"
        raise ValueError(message)
    known = model.upstream_kernel.parameter_index
    changes = tuple(
        Set(day, name, value)
        for day, change in setting.schedule
        for name, value in change.items()
        if name in known
    )

    def inputs(_: GutWorld, people: HeldPeople) -> GutInputs:
        return GutInputs(changes, {}, np.ones(len(people.status), dtype=bool))

    return Regimen(inputs, days, True, (condition,))


def _acts(part: Component) -> bool:
    """Whether a product reaches anything in the gut."""
    record = part.record
    driven = record.dose is not None and bool(record.dose.driven) and part.amount > 0
    return driven or record.diet is not None or part.transplant is not None


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
    waiting: list[_Started] = []
    for world, members in zip(worlds, rows, strict=True):
        waiting.append(_start(model, world, members, asked[members], threads))
        if sum(len(one.members) for one in waiting) >= _ROWS_AT_ONCE:
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
    """People of one world at rest, and who has a rest at all (positions among those asked for)."""

    world: GutWorld
    members: Rows
    people: HeldPeople
    solved: Rows


def _start(model: Model, world: GutWorld, members: Rows, asked: Array, threads: int | None) -> _Started:
    usable = np.flatnonzero(np.isfinite(asked).all(axis=1))
    niches = hold_people(model, world, asked[usable], PERSON, threads=threads)
    people = started_people(model, world, niches, PERSON)
    fine = np.array([k for k, word in enumerate(people.status) if word == OK], dtype=np.int64)
    return _Started(world, members, people.take(fine), usable[fine])


def _solve(model: Model, waiting: Sequence[_Started], regimen: Regimen, threads: int | None) -> list[Courses]:
    kernel, names = model.upstream_kernel, [quantity.source for quantity in QUANTITIES]
    some = [one for one in waiting if len(one.solved)]
    values = np.empty((0, 2, len(names)))
    if some:
        parameters = _together([one.people.parameters() for one in some], [len(one.solved) for one in some])
        changes: list[Input] = []
        if regimen.acts:
            given = [regimen.inputs(one.world, one.people) for one in some]
            sizes = [len(one.solved) for one in some]
            changes = _joined([one.inputs for one in given], sizes)
            parameters |= _together([one.parameters for one in given], sizes)
        solution = kernel.solve(
            [0.0, float(regimen.days)] if regimen.acts else [0.0],
            names,
            parameters=parameters,
            initial=np.concatenate([one.people.states for one in some]),
            inputs=changes,
            tolerances=_TOLERANCES,
            threads=threads,
        )
        well = np.array([word == OK for word in solution.status])
        values = np.where(well[:, None, None], solution.values[:, [0, -1]], np.nan)
    found, begin = [], 0
    for one in waiting:
        own = np.full((len(one.members), 2, len(names)), np.nan)
        own[one.solved] = values[begin : begin + len(one.solved)]
        begin += len(one.solved)
        own[..., :_SHARES] = one.world.read_shares(own[..., :_SHARES])
        with np.errstate(invalid="ignore", divide="ignore"):
            logs = np.log(own)
        found.append(Courses(one.members, logs[:, 0], logs[:, 1]))
    return found


def _together(parts: Sequence[Mapping[str, float | Array]], sizes: Sequence[int]) -> dict[str, Array]:
    """Join parameters of several worlds, a value for every person; each world gives the same names."""
    names = dict.fromkeys(name for part in parts for name in part)
    missing = {name for name in names for part in parts if name not in part}
    if missing:
        message = f"worlds give different parameters: {', '.join(sorted(missing))}"
        raise KeyError(message)
    return {
        name: np.concatenate([_for_all(part[name], n) for part, n in zip(parts, sizes, strict=True)])
        for name in names
    }


def _joined(parts: Sequence[Sequence[Input]], sizes: Sequence[int]) -> list[Input]:
    """Join the inputs of several worlds, the same changes in each, with a value for every person."""
    joined: list[Input] = []
    for same in zip(*parts, strict=True):
        first = same[0]
        if any((type(one), one.name) != (type(first), first.name) for one in same):
            message = "worlds give different inputs"
            raise KeyError(message)
        times = np.concatenate([_for_all(one.time, n) for one, n in zip(same, sizes, strict=True)])
        values = np.concatenate([_for_all(one.value, n) for one, n in zip(same, sizes, strict=True)])
        joined.append(type(first)(times, first.name, values))
    return joined


def _for_all(value: ArrayLike, people: int) -> Array:
    """Return a value for every person: one for all, or each one's own."""
    return np.broadcast_to(np.asarray(value, dtype=float), (people,))
