"""A slow solver in plain Python: the meaning of a ``System`` step by step, independent of generated code.

Rates are nested closures; the integrator is LSODA with a dense output, restarted at every bound and event.
Events follow section 4.11.6 of SBML Level 3 Version 2: every trigger is tested again after each execution.
"""

import math
import random

import numpy as np
from scipy.integrate import LSODA, Radau

from eubiosis.engine.expressions import TIME, Call, Number, Symbol
from eubiosis.engine.sbml.ieee import evaluate_ieee
from eubiosis.engine.system import kept

MAX_CASCADE = 10_000
SAMPLES = 16  # points inside a step at which triggers are looked at


def closure(tree):
    """Turn a tree into a function of a mapping of values."""
    if isinstance(tree, Number):
        return lambda _, constant=tree.value: constant
    if isinstance(tree, Symbol):
        return lambda values, name=tree.name: values[name]
    parts = [closure(argument) for argument in tree.arguments]
    if tree.op == "piecewise":
        return lambda values: _piecewise(parts, values)
    fast = _FAST.get(tree.op)
    if fast is not None:
        return lambda values: fast([part(values) for part in parts])
    op = tree.op
    return lambda values: evaluate_ieee(Call(op, tuple(Number(part(values)) for part in parts)), {})


def _piecewise(parts, values):
    for value, condition in zip(parts[:-1:2], parts[1::2], strict=True):
        if condition(values):
            return value(values)
    return parts[-1](values)


def _divide(a):
    if a[1] == 0:
        return math.nan if a[0] == 0 or math.isnan(a[0]) else math.copysign(math.inf, a[0])
    return a[0] / a[1]


def _product(a):
    total = 1.0
    for value in a:
        total *= value
    return total


_FAST = {
    "+": sum,
    "-": lambda a: a[0] - a[1],
    "*": _product,
    "/": _divide,
    "neg": lambda a: -a[0],
    "<": lambda a: float(a[0] < a[1]),
    "<=": lambda a: float(a[0] <= a[1]),
    ">": lambda a: float(a[0] > a[1]),
    ">=": lambda a: float(a[0] >= a[1]),
    "==": lambda a: float(a[0] == a[1]),
    "!=": lambda a: float(a[0] != a[1]),
    "and": lambda a: float(all(a)),
    "or": lambda a: float(any(a)),
    "not": lambda a: float(not a[0]),
}


class PlainSolver:
    """The course of one system from its initial values on."""

    def __init__(self, system, relative=1e-10, absolute=1e-14, method="LSODA"):
        self.system, self.relative, self.absolute, self.method = system, relative, absolute, method
        self.moving = [name for name in system.states if system.rates[name] != Number(0.0)]
        self.rules = [(name, closure(system.rules[name])) for name in system.assigned]
        self.rates = [closure(system.rates[name]) for name in self.moving]
        self.triggers = [closure(event.trigger) for event in system.events]
        self.changes = [[(n, closure(tree)) for n, tree in event.assignments] for event in system.events]
        self.finishes = [[(n, closure(tree)) for n, tree in event.finish] for event in system.events]
        self.delays = [event.delay and closure(event.delay) for event in system.events]
        self.queue = []  # executions that wait: (time, number of the event, values taken or None)
        self.priorities = [event.priority and closure(event.priority) for event in system.events]
        self.base = {**system.constants, **system.initial}
        self.random = random.Random(1)  # events of equal priority are executed in a random order

    def values(self, time, y):
        """Return every quantity at a time, for the moving states ``y``."""
        values = {**self.base, TIME: time, **dict(zip(self.moving, y, strict=True))}
        for name, rule in self.rules:
            values[name] = rule(values)
        return values

    def solve(self, times, names):
        """Return the named quantities at the times, shape (times, names)."""
        times = [float(time) for time in times]
        bounds = {evaluate_ieee(bound, self.system.constants) for bound in self.system.bounds}
        stops = [s for s in sorted(bounds) if times[0] < s < times[-1]] + [times[-1]]
        rows = np.full((len(times), len(names)), np.nan)
        time = times[0]
        y = np.array([self.base[name] for name in self.moving])
        self.on = [event.initial_value for event in self.system.events]
        y = self._happen(time, y)
        done = self._set(rows, times, names, time, y, 0)
        while time < times[-1]:
            waiting = [entry[0] for entry in self.queue if time < entry[0] < times[-1]]
            stop = min([next(s for s in stops if s > time), *waiting])
            time, y, done = self._segment(time, stop, y, rows, times, names, done)
        return rows

    def _set(self, rows, times, names, time, y, done):
        """Write the row of a time at which events may have happened."""
        for k, at in enumerate(times):
            if at == time:
                values = self.values(time, y)
                rows[k] = [values[name] for name in names]
                done = max(done, k + 1)
        return done

    def _record(self, rows, times, names, done, end, path):
        """Write the rows before a time from a path."""
        while done < len(times) and times[done] < end:
            values = self.values(times[done], path(times[done]))
            rows[done] = [values[name] for name in names]
            done += 1
        return done

    def _segment(self, time, stop, y, rows, times, names, done):
        """Integrate up to the stop or the first event; return the time, states and rows done."""
        early, late = np.nextafter(time, np.inf), np.nextafter(stop, -np.inf)

        def rate(t, x):
            values = self.values(min(max(t, early), late), x)
            return [each(values) for each in self.rates]

        if not self.moving:
            path = lambda _: y  # noqa: E731
            return self._look(time, stop, path, rows, times, names, done) or self._arrive(
                stop, y, rows, times, names, self._record(rows, times, names, done, stop, path)
            )
        solver = {"LSODA": LSODA, "Radau": Radau}[self.method](
            rate, time, y, stop, rtol=self.relative, atol=self.absolute
        )
        while solver.status == "running":
            message = solver.step()
            assert solver.status != "failed", message
            path = solver.dense_output()
            found = self._look(solver.t_old, solver.t, path, rows, times, names, done)
            if found:
                return found
            done = self._record(rows, times, names, done, solver.t, path)
        return self._arrive(stop, solver.y, rows, times, names, done)

    def _arrive(self, time, y, rows, times, names, done):
        y = self._happen(time, np.array(y))
        return time, y, self._set(rows, times, names, time, y, done)

    def _conditions(self, time, y):
        values = self.values(time, y)
        return [bool(trigger(values)) for trigger in self.triggers]

    def _look(self, start, end, path, rows, times, names, done):
        """Follow the triggers inside a step; at the first that turns true, let the events happen."""
        if not self.triggers:
            return None
        before = start
        for now in np.linspace(start, end, SAMPLES + 1)[1:]:
            if now == end:
                break  # the end belongs to what follows
            on = self._conditions(now, path(now))
            if any(new and not old for new, old in zip(on, self.on, strict=True)):
                time = self._locate(before, now, path)
                done = self._record(rows, times, names, done, time, path)
                return self._arrive(time, path(time), rows, times, names, done)
            self.on = on
            before = now
        return self._look_at_end(before, end, path, rows, times, names, done)

    def _look_at_end(self, before, end, path, rows, times, names, done):
        on = self._conditions(end, path(end))
        if any(new and not old for new, old in zip(on, self.on, strict=True)):
            time = self._locate(before, end, path)
            if time < end:
                done = self._record(rows, times, names, done, time, path)
                return self._arrive(time, path(time), rows, times, names, done)
            return None  # at the end itself, when it is a stop
        self.on = on
        return None

    def _locate(self, low, high, path):
        """Return the first time at which a trigger is newly true, by bisection."""
        while True:
            middle = 0.5 * (low + high)
            if not low < middle < high:
                return high
            on = self._conditions(middle, path(middle))
            if any(new and not old for new, old in zip(on, self.on, strict=True)):
                high = middle
            else:
                low = middle

    def _happen(self, time, y):
        """Trigger and execute events until none is due; return the moving states after them."""
        y = self._trigger(time, y)
        for _ in range(MAX_CASCADE):
            due = [entry for entry in self.queue if entry[0] <= time * (1 + 1e-14)]
            if not due:
                return y
            chosen = self._first(time, y, due)
            self.queue.remove(chosen)
            y = self._execute(chosen, time, y)
            y = self._trigger(time, y)
        raise AssertionError("events never end")

    def _execute(self, entry, time, y):
        _, k, taken = entry
        values, event = self.values(time, y), self.system.events[k]
        new = {name: change(values) for name, change in self.changes[k]} if taken is None else taken
        if event.finish:
            values.update({kept(event.id, name): value for name, value in new.items()})
            new = {name: change(values) for name, change in self.finishes[k]}
        self.base.update(new)
        return np.array([new.get(name, old) for name, old in zip(self.moving, y, strict=True)])

    def _trigger(self, time, y):
        if not self.triggers:
            return y
        values = self.values(time, y)
        on = [bool(trigger(values)) for trigger in self.triggers]
        for k, event in enumerate(self.system.events):
            if on[k] and not self.on[k]:
                taken = None
                if event.use_trigger_values:
                    taken = {name: change(values) for name, change in self.changes[k]}
                delay = self.delays[k](values) if self.delays[k] else 0.0
                self.queue.append((time + delay, k, taken))
            if not on[k] and not event.persistent:
                self.queue = [entry for entry in self.queue if entry[1] != k]
        self.on = on
        return y

    def _first(self, time, y, due):
        values = self.values(time, y)
        rank = [self.priorities[k](values) if self.priorities[k] else -math.inf for _, k, _ in due]
        return self.random.choice([entry for entry, own in zip(due, rank, strict=True) if own == max(rank)])


def solve(system, times, names, relative=1e-10, absolute=1e-14, method="LSODA"):
    """Return the named quantities at the times, shape (times, names)."""
    return PlainSolver(system, relative, absolute, method).solve(times, names)
