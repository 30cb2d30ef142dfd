"""Strategies for intercurrent events (ICH E9(R1)): from what was recorded to what is analysed.

The columns of every endpoint are changed as its strategies say, and the result is analysed like any other
trial, many together or one alone. What a hypothetical strategy sets missing is left to the analysis, which
takes it as missing at random.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.calendar import DAYS_PER_YEAR
from eubiosis.core.endpoints import ENDPOINTS, Endpoint
from eubiosis.core.intercurrent import POLICY, StrategyRule, rules_of
from eubiosis.core.trial_stacks import TrialStack
from eubiosis.core.trial_tables import KEYS, Columns, Observed, OneTrial

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Values = NDArray[np.generic]


def analysed(stack: TrialStack) -> TrialStack:
    """Return the trials of a stack as their strategies have them analysed; itself where nothing is to do.

    Raises ``ValueError`` where a strategy needs the lesions of each scan and only their sums were recorded.
    """
    rules = [rule for rule in stack.rules if rule.strategy != POLICY]
    if not rules or not stack.intercurrent:
        return stack
    events = _Events.of(stack)
    subjects, visits, attended = dict(stack.of_subjects), dict(stack.of_visits), stack.attended.copy()
    for endpoint in ENDPOINTS.values():
        own = rules_of(rules, endpoint.id)
        if not own:
            continue
        cut = events.under(own)
        if endpoint.counted:
            subjects |= _counted(stack, endpoint, cut)
        elif endpoint.id in visits:
            visits[endpoint.id] = _measured(stack, endpoint, cut)
            attended[-1] |= np.isfinite(visits[endpoint.id][-1])
    return replace(stack, of_subjects=subjects, of_visits=visits, attended=attended, rules=())


@dataclass(frozen=True)
class _Cut:
    """What the rules of one endpoint do to each person of each trial, all (trials, people).

    ``ends``: the day from which nothing counts any more, ``stopped``: whether that is since the treatment
    ended, so that the last value before it counts; ``failed``: whether a failure counts, and as which
    ``failure`` value; ``outside``: not in the stratum. ``gaps`` are stretches that do not count: row (trial,
    person), first day, first day after it.
    """

    ends: Floats
    stopped: Bools
    failed: Bools
    failure: float | None
    outside: Bools
    gaps: tuple[Ints, Ints, Floats, Floats]


@dataclass(frozen=True)
class _Events:
    """The recorded events of a stack: positions of trial and person, kind, and day (1 is the first)."""

    shape: tuple[int, int]
    trial: Ints
    person: Ints
    kind: NDArray[np.str_]
    day: Floats

    @classmethod
    def of(cls, stack: TrialStack) -> _Events:
        """Find the places of the events of a stack."""
        rows = stack.intercurrent
        trial, person = places(stack, rows)
        kind = np.asarray(rows["event"]).astype(np.str_)
        return cls(stack.arm.shape, trial, person, kind, np.asarray(rows["day"], dtype=np.float64))

    def first(self, kinds: set[str]) -> Floats:
        """Return the first day of events of some kinds, (trials, people), infinity for none."""
        found = np.full(self.shape, np.inf)
        rows = np.isin(self.kind, sorted(kinds))
        np.minimum.at(found, (self.trial[rows], self.person[rows]), self.day[rows])
        return found

    def under(self, rules: tuple[StrategyRule, ...]) -> _Cut:
        """Return what the rules of one endpoint do.

        What ends the record comes first: a failure after it is not seen.
        """

        def kinds(strategy: str, *, lasting: bool | None = None) -> set[str]:
            return {
                rule.event
                for rule in rules
                if rule.strategy == strategy and lasting in (None, not np.isfinite(rule.affects))
            }

        stops, missing = (
            self.first(kinds("while on treatment")),
            self.first(kinds("hypothetical", lasting=True)),
        )
        ends = np.minimum(stops, missing)
        failing = self.first(kinds("composite"))
        values = {rule.failure for rule in rules if rule.strategy == "composite"} - {None}
        affects = {rule.event: rule.affects for rule in rules if rule.strategy == "hypothetical"}
        rows = np.flatnonzero(np.isin(self.kind, sorted(kinds("hypothetical", lasting=False))))
        until = self.day[rows] + np.array([affects[kind] for kind in self.kind[rows].tolist()])
        return _Cut(
            ends,
            np.asarray(np.isfinite(stops) & (stops < missing)),
            np.asarray((failing < ends) & np.isfinite(failing)),
            next(iter(values), None),
            np.isfinite(self.first(kinds("principal stratum"))),
            (self.trial[rows], self.person[rows], self.day[rows], until),
        )


def places(stack: TrialStack, rows: Mapping[str, Values]) -> tuple[Ints, Ints]:
    """Return the positions of trial and person of the rows of a table of the stack."""
    order = np.argsort(stack.numbers, kind="stable")
    person = order[np.searchsorted(stack.numbers, rows["subject"], sorter=order)]
    by_trial = np.argsort(stack.replicates, kind="stable")
    trial = by_trial[np.searchsorted(stack.replicates, rows["replicate"], sorter=by_trial)]
    return np.asarray(trial, dtype=np.int64), np.asarray(person, dtype=np.int64)


def _left_out(cut: _Cut, days: Floats) -> Bools:
    """Say which ``days`` (..., trials, people) do not count: those after the end, and those in gaps."""
    found = np.asarray(days >= cut.ends)
    trial, person, begin, until = cut.gaps
    here = days[..., trial, person]
    inside = (here >= begin) & (here < until)
    for k in np.flatnonzero(inside.any(axis=tuple(range(inside.ndim - 1)))).tolist():
        found[..., trial[k], person[k]] |= inside[..., k]
    return found


def _counted(stack: TrialStack, endpoint: Endpoint, cut: _Cut) -> dict[str, Values]:
    if endpoint.id == "relapses":
        events, time = _relapses(stack, cut)
    else:
        events, time = _lesions(stack, endpoint, cut)
    events = events + cut.failed
    # a failure needs some time in which it happened
    time = np.where(cut.failed & (time <= 0), 1 / DAYS_PER_YEAR if endpoint.id == "relapses" else 1.0, time)
    events[cut.outside] = np.nan
    return {endpoint.events: events, endpoint.exposure: time}


def _relapses(stack: TrialStack, cut: _Cut) -> tuple[Floats, Floats]:
    """Return the relapses that count and the years in which they could happen, (trials, people)."""
    followed = stack.column("follow_up_years")
    trial, person = places(stack, stack.relapses)
    day = np.asarray(stack.relapses["day"], dtype=np.float64)
    out = _rows_left_out(cut, trial, person, day)
    events = np.zeros(stack.arm.shape)
    np.add.at(events, (trial[~out], person[~out]), 1.0)
    lost = np.zeros(stack.arm.shape)
    whole = np.minimum(followed * DAYS_PER_YEAR, np.maximum(cut.ends - 1.0, 0.0))
    for (i, j), stretches in _gaps_by_person(cut).items():
        end = float(whole[i, j])
        lost[i, j] = _length([(max(a - 1.0, 0.0), min(b - 1.0, end)) for a, b in stretches])
    untouched = np.isinf(cut.ends) & (lost == 0)
    return events, np.where(untouched, followed, (whole - lost) / DAYS_PER_YEAR)


def _rows_left_out(cut: _Cut, trial: Ints, person: Ints, day: Floats) -> Bools:
    """Say of events (rows,) which do not count."""
    out = np.asarray(day >= cut.ends[trial, person])
    gaps, people = _gaps_by_person(cut), cut.ends.shape[1]
    near = np.isin(trial * people + person, cut.gaps[0] * people + cut.gaps[1])
    for k in np.flatnonzero(near).tolist():
        out[k] |= any(a <= day[k] < b for a, b in gaps[int(trial[k]), int(person[k])])
    return out


def _gaps_by_person(cut: _Cut) -> dict[tuple[int, int], list[tuple[float, float]]]:
    found: dict[tuple[int, int], list[tuple[float, float]]] = {}
    for i, j, begin, until in zip(*(part.tolist() for part in cut.gaps), strict=True):
        found.setdefault((i, j), []).append((begin, until))
    return found


def _length(stretches: list[tuple[float, float]]) -> float:
    """Return the length of the union of stretches."""
    total, end = 0.0, -np.inf
    for a, b in sorted(stretches):
        total += max(b - max(a, end), 0.0)
        end = max(end, b)
    return total


def _lesions(stack: TrialStack, endpoint: Endpoint, cut: _Cut) -> tuple[Floats, Floats]:
    """Return the lesions on the scans that count, and the scans or the years up to the last of them."""
    name = "gd_lesions_on_scan" if endpoint.id == "gd_lesions" else "t2_lesions_so_far"
    if name not in stack.of_visits:
        message = f"a strategy of {endpoint.id} needs the column {name} of the visits"
        raise ValueError(message)
    seen = np.asarray(stack.of_visits[name], dtype=np.float64)
    out = _left_out(cut, days_of_visits(stack))
    if endpoint.id == "gd_lesions":
        counts = np.isfinite(seen) & ~out
        return np.where(counts, seen, 0.0).sum(axis=0), counts.sum(axis=0).astype(np.float64)
    # lesions add up, so that nothing after the first stretch that does not count can be told apart
    counts = np.isfinite(seen) & ~np.logical_or.accumulate(out, axis=0)
    weeks = stack.weeks[:, None, None]
    last = np.max(np.where(counts, 7.0 * weeks, 0.0), axis=0)
    events = np.max(np.where(counts, seen, 0.0), axis=0)
    return events, last / DAYS_PER_YEAR


def days_of_visits(stack: TrialStack) -> Floats:
    """Return the day of each visit, 1 being the first of the trial, (visits, trials, people).

    Where a visit was not recorded on a day it is the planned one.
    """
    planned = np.broadcast_to(7.0 * stack.weeks[:, None, None], stack.attended.shape)
    if "day" not in stack.of_visits:
        return planned + 1.0
    day = np.asarray(stack.of_visits["day"], dtype=np.float64)
    return np.asarray(np.where(np.isfinite(day), day, planned) + 1.0)


def _measured(stack: TrialStack, endpoint: Endpoint, cut: _Cut) -> Values:
    """Return the values of an endpoint that count, (visits, trials, people)."""
    kind = stack.of_visits[endpoint.id].dtype
    values = np.array(stack.of_visits[endpoint.id], dtype=np.float64)
    days = days_of_visits(stack)
    before = np.isfinite(values) & (days < cut.ends)
    last = len(values) - 1 - np.argmax(before[::-1], axis=0)
    carried = np.take_along_axis(values, last[None], axis=0)[0]
    out = _left_out(cut, days)
    out[0] = False
    values[out] = np.nan
    values[-1] = np.where(cut.stopped, carried, values[-1])
    if cut.failure is not None:
        values[-1] = np.where(cut.failed, cut.failure, values[-1])
    values[:, cut.outside] = np.nan
    return values.astype(kind)


def analysed_trials(observed: Observed) -> list[OneTrial]:
    """Return the trials of tables as their strategies have them analysed, in the order of the tables."""
    trials = list(observed.trials())
    if not observed.rules or observed.intercurrent is None:
        return trials
    tables = {"intercurrent": observed.intercurrent, "relapses": observed.relapses}
    if tables["relapses"] is None:
        message = "strategies for intercurrent events need the table of relapses"
        raise ValueError(message)
    found = []
    for trial in trials:
        rows = {}
        for name, table in tables.items():
            assert table is not None
            inside = np.all([table[key] == getattr(trial.key, key) for key in KEYS], axis=0)
            rows[name] = {column: table[column][inside] for column in table.columns}
        touched = len(rows["intercurrent"]["day"]) > 0
        found.append(analysed(_stack_of(trial, rows, observed.rules)).trial(0) if touched else trial)
    return found


def _stack_of(trial: OneTrial, rows: Mapping[str, Columns], rules: tuple[StrategyRule, ...]) -> TrialStack:
    """Lay one trial of tables out as a stack of one."""
    subjects, visits, key = trial.subjects, trial.visits, trial.key
    numbers = np.asarray(subjects["subject"], dtype=np.int64)
    arms, arm = np.unique(np.asarray(subjects["arm"]).astype(np.str_), return_inverse=True)
    weeks, week = np.unique(np.asarray(visits["week"], dtype=np.float64), return_inverse=True)
    order = np.argsort(numbers, kind="stable")
    place = order[np.searchsorted(numbers, visits["subject"], sorter=order)]
    attended = np.zeros((len(weeks), 1, len(numbers)), dtype=bool)
    attended[week, 0, place] = True

    def laid_out(values: Values) -> Values:
        empty = False if values.dtype.kind == "b" else np.nan
        kind = np.float64 if values.dtype.kind in "iu" else values.dtype
        found = np.full(attended.shape, empty, dtype=kind)
        found[week, 0, place] = values
        return found

    known = ("subject", "arm", "week")
    return TrialStack(
        key.gut_world, key.host_world, np.array([key.replicate]), numbers, tuple(arms.tolist()),
        arm.reshape(1, -1), weeks, attended,
        {name: np.asarray(values)[None] for name, values in subjects.items() if name not in known},
        {name: laid_out(np.asarray(v)) for name, v in visits.items() if name not in known},
        relapses=rows["relapses"], intercurrent=rows["intercurrent"], rules=rules,
    )  # fmt: skip
