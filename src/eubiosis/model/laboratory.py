"""Evaluate the gut's targets for many sets of numbers at once.

A set gives numbers by id, each an array (sets,); what it does not name keeps the table's value. Niche
factors are solved anew for every set, in health and in MS, so every set holds both compositions. Used to
reject worlds that contradict the healthy reference (``plausible``) and to refit the tables
(``validation/gut_refit``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.guilds import GUILDS
from eubiosis.engine import Add, Array, AtLeast, Input, Scale, Set, Tolerances
from eubiosis.model.content import TargetRow
from eubiosis.model.derived import GUT_REFERENCES
from eubiosis.model.model import Model
from eubiosis.model.niche import OK, fold_shares, solve_niches

HEALTHY = "healthy"
Sets = Mapping[str, Array]
At = Mapping[str, Array]
_TOLERANCES = Tolerances(relative=1e-5, absolute=1e-9, max_steps=20_000, negative=1e4)
_PRODUCTION, _EXCRETED = "gut_scfa_production", ("gut_stool_scfa", "gut_stool_wet")
_EXTRA = ("gut_scfa", _PRODUCTION, *_EXCRETED)
_NO_COURSE = ("population", "therapy", "bolus")
# sides of an open interval: the half-width is this share of the end that there is
_OPEN_HALF_WIDTH = 0.25
UNSOLVED_DISTANCE = 10.0


@dataclass(frozen=True)
class Held:
    """One kind of person under every set: parameters by name, each (sets,), and states (sets, states)."""

    parameters: Mapping[str, Array]
    states: Array
    solved: NDArray[np.bool_]

    def take(self, rows: NDArray[np.intp]) -> Held:
        """Return some of the sets."""
        parameters = {name: values[rows] for name, values in self.parameters.items()}
        return Held(parameters, self.states[rows], self.solved[rows])


@dataclass(frozen=True)
class Laboratory:
    """A model with those targets that a course of its gut and hand-over answers; unsolved sets give NaN."""

    model: Model
    rows: tuple[TargetRow, ...]
    threads: int | None = None

    @classmethod
    def of(
        cls, model: Model, rows: Sequence[TargetRow] | None = None, threads: int | None = None
    ) -> Laboratory:
        """Return a laboratory for all targets, or some, that gut and hand-over answer."""
        kernel = model.upstream_kernel
        known = {*kernel.system.states, *kernel.system.assigned}
        kept = tuple(
            row
            for row in (model.content.targets if rows is None else rows)
            if row.statistic not in _NO_COURSE and all(name in known for name in _names(row))
        )
        return cls(model, kept, threads)

    def healthy(self, sets: Sets, rows: NDArray[np.int64] | None = None) -> Held:
        """Hold the reference composition under every set; with the donor's factors and references."""
        if rows is not None:
            sets = {name: values[rows] for name, values in sets.items()}
        size = _size(sets)
        shares = np.column_stack([self._number(f"gut_frac_{g}", sets, size) for g in GUILDS])
        held = self._hold({}, shares / shares.sum(axis=1, keepdims=True), sets)
        donors = {f"gut_w_don_{g}": held.parameters[f"gut_w_{g}"] for g in GUILDS}
        at = self._at_once(held)
        references = {name: at[variable] for name, variable in GUT_REFERENCES.items()}
        return replace(held, parameters={**held.parameters, **donors, **references})

    def persons(self, sets: Sets, healthy: Held | None = None) -> dict[str, Held]:
        """Hold the healthy composition, and that of every kind of person the rows ask for, under every set.

        ``healthy`` is what ``healthy`` gave, where it has been asked.
        """
        healthy, size = healthy or self.healthy(sets), _size(sets)
        shares = np.column_stack([self._number(f"gut_frac_{g}", sets, size) for g in GUILDS])
        passed = {
            k: v for k, v in healthy.parameters.items() if k.startswith("gut_w_don_") or k in GUT_REFERENCES
        }
        people = {HEALTHY: healthy}
        for person in self._persons:
            settings = {
                row.target: self._number(row.value, sets, size)
                for row in self.model.content.persons
                if row.person == person
            }
            folds = np.column_stack([settings.pop(f"gut_share_{g}", np.ones(size)) for g in GUILDS])
            own = np.array([fold_shares(*pair) for pair in zip(shares, folds, strict=True)])
            held = self._hold(settings, own, sets)
            people[person] = replace(held, parameters={**held.parameters, **passed})
        return people

    def answers(self, sets: Sets, people: Mapping[str, Held] | None = None) -> dict[str, Array]:
        """Return target id -> what each set gives, shape (sets,)."""
        people = people or self.persons(sets)
        courses = {name: self._course(name, sets, people) for name in self._asked}
        before = {name: self._at_once(person) for name, person in people.items()}
        return {row.id: self._answer(row, courses, before) for row in self.rows}

    @cached_property
    def _asked(self) -> dict[str, list[float]]:
        """Conditions and the days on which they are looked at; a steady state needs no course."""
        asked: dict[str, set[float]] = {}
        for row in self.rows:
            if row.day is None and row.statistic != "ratio_to" and not self._doses(row.condition):
                continue
            for name in filter(None, (row.condition, row.other_condition)):
                day = row.day if row.day is not None else self.model.condition(name).days
                later = [day + 3.0] if row.statistic == "log10_fall_3d" else []
                asked.setdefault(name, set()).update([day, *later])
        return {name: sorted(days) for name, days in asked.items()}

    @cached_property
    def _persons(self) -> tuple[str, ...]:
        """Kinds of person in the conditions of the rows, the healthy one apart."""
        conditions = [name for row in self.rows for name in (row.condition, row.other_condition) if name]
        asked = dict.fromkeys(self.model.condition(name).person for name in conditions)
        return tuple(name for name in asked if name != HEALTHY)

    def _doses(self, condition: str) -> bool:
        setting = self.model.condition(condition)
        return bool(setting.pulses or setting.transplants or setting.fixed)

    @cached_property
    def _observables(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys([*(name for row in self.rows for name in _names(row)), *_EXTRA]))

    def _number(self, text: str, sets: Sets, size: int) -> Array:
        return np.asarray(sets[text]) if text in sets else np.full(size, self.model.content.value(text))

    def _hold(self, settings: Mapping[str, Array], shares: Array, sets: Sets) -> Held:
        gut, upstream, size = self.model.gut_kernel, self.model.upstream_kernel, _size(sets)
        given = {**followers(self.model, sets), **sets, **settings}
        niches = solve_niches(
            gut,
            {name: value for name, value in given.items() if name in gut.parameter_index},
            shares,
            geometric_mean=self.model.content.numbers["gut_w_scale"].value,
            start=self.model.states(HEALTHY, gut),
            threads=self.threads,
        )
        parameters = {name: value for name, value in given.items() if name in upstream.parameter_index}
        parameters |= {f"gut_w_{g}": niches.factors[:, k] for k, g in enumerate(GUILDS)}
        states = np.repeat(self.model.states(HEALTHY, upstream)[None], size, axis=0)
        states[:, [upstream.state_index[name] for name in gut.system.states]] = niches.states
        return Held(parameters, states, np.array([word == OK for word in niches.status]))

    def _at_once(self, held: Held) -> dict[str, Array]:
        """Return every state and assigned quantity of the held state."""
        kernel = self.model.upstream_kernel
        columns = np.repeat(kernel.default_parameters[:, None], len(held.states), axis=1)
        for name, value in held.parameters.items():
            columns[kernel.parameter_index[name]] = value
        states = np.ascontiguousarray(held.states.T)
        with np.errstate(all="ignore"):
            assigned = kernel.assigned_at(0.0, states, columns)
        return {name: states[i] for name, i in kernel.state_index.items()} | {
            name: assigned[i] for name, i in kernel.assigned_index.items()
        }

    def _course(self, name: str, sets: Sets, people: Mapping[str, Held]) -> dict[float, At]:
        setting, kernel = self.model.condition(name), self.model.upstream_kernel
        held, size = people[setting.person], _size(sets)
        names, days = self._observables, self._asked[name]
        doses: list[Input] = [Set(day, n, v) for day, change in setting.schedule for n, v in change.items()]
        for day, _ in setting.transplants:
            engrafted = self._number("gut_fmt_E", sets, size)
            doses.append(AtLeast(day, "gut_Efmt", engrafted))
            for biomass in (f"gut_B_{g}" for g in GUILDS):
                donor = people[HEALTHY].states[:, kernel.state_index[biomass]]
                doses += [Scale(day, biomass, 1 - engrafted), Add(day, biomass, engrafted * donor)]
        well = np.flatnonzero(held.solved & people[HEALTHY].solved)
        values = np.full((size, len(days), len(names)), np.nan)
        if len(well):
            fixed = {n: v for n, v in setting.fixed.items() if n in kernel.parameter_index}
            solution = kernel.solve(
                [0.0, *days],
                names,
                parameters={**{n: v[well] for n, v in held.parameters.items()}, **fixed},
                initial=held.states[well],
                inputs=[_part(dose, well) for dose in doses],
                tolerances=_TOLERANCES,
                threads=self.threads,
            )
            values[well] = solution.values[:, 1:]
        return {d: {n: values[:, k, j] for j, n in enumerate(names)} for k, d in enumerate(days)}

    def _answer(
        self, row: TargetRow, courses: Mapping[str, Mapping[float, At]], before: Mapping[str, At]
    ) -> Array:
        setting = self.model.condition(row.condition)
        day = row.day if row.day is not None else setting.days
        still = before[setting.person]
        at = courses[row.condition][day] if row.condition in courses else still
        value = _total(row, at)
        if row.statistic == "ratio":
            return value / _total(row, still)
        if row.statistic == "ratio_to":
            return value / _total(row, courses[str(row.other_condition)][day])
        if row.statistic == "over_healthy":
            return value / _total(row, before[HEALTHY])
        if row.statistic == "log10":
            return np.asarray(np.log10(np.maximum(value, 1e-300)))
        if row.statistic == "log10_fall_3d":
            later = _total(row, courses[row.condition][day + 3.0])
            return np.asarray(np.log10(value / np.maximum(later, 1e-300)))
        if row.statistic == "share_of_acids":
            return value / at["gut_scfa"]
        if row.statistic == "extra_per_g_itf":
            dose = next(pulse.level for pulse in setting.pulses if pulse.target == "gut_dose_inulin")
            grams = dose * self.model.content.numbers["gut_itf_fraction"].value
            return (at[_PRODUCTION] - still[_PRODUCTION]) / grams
        excreted = at[_EXCRETED[0]] * at[_EXCRETED[1]] / 1000
        return {"excreted": excreted, "absorbed_share": 1 - excreted / at[_PRODUCTION]}.get(
            row.statistic, value
        )


def followers(model: Model, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the inputs whose default is one of the numbers: a diet that does not name a food keeps it."""
    return {
        row.id: values[row.default]
        for row in model.content.interface
        if row.direction == "input" and row.default in values
    }


def distances(rows: Sequence[TargetRow], answers: Mapping[str, Array]) -> Array:
    """Return the distance outside each interval over its half-width, shape (rows with bounds, sets).

    Where an end is open the half-width is a quarter of the other end; an unsolved set is 10 half-widths away.
    """
    found = []
    for row in rows:
        low = -np.inf if row.low is None else row.low
        high = np.inf if row.high is None else row.high
        if np.isfinite(low) and np.isfinite(high):
            half = (high - low) / 2
        elif np.isfinite(low) or np.isfinite(high):
            half = _OPEN_HALF_WIDTH * abs(high if np.isfinite(high) else low)
        else:
            continue
        value = answers[row.id]
        outside = np.maximum(np.maximum(low - value, value - high), 0) / half
        found.append(np.where(np.isfinite(outside), outside, UNSOLVED_DISTANCE))
    return np.array(found)


def _names(row: TargetRow) -> list[str]:
    return [name.strip() for name in row.observable.split("+")]


def _total(row: TargetRow, at: At) -> Array:
    return np.asarray(np.sum([at[name] for name in _names(row)], axis=0))


def _size(sets: Sets) -> int:
    return len(next(iter(sets.values())))


def _part(dose: Input, rows: NDArray[np.int64]) -> Input:
    """Return the part of a change that concerns some sets."""
    return dose if np.ndim(dose.value) == 0 else replace(dose, value=np.asarray(dose.value)[rows])
