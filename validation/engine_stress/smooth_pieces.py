"""The plain reference of the stress: SciPy's DOP853 on smooth pieces, crossings by Brent's method."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
from made import Floats, Guard, Part
from scipy.integrate import DOP853
from scipy.optimize import brentq

RELATIVE = 1e-11
_LOOKS = 24  # points of a step of the reference at which guards are looked at
_TOUCH = 1e-7  # a guard that comes as near to zero as this without crossing leaves the case undecided


class Undecided(Exception):
    """The case hangs on less than the tolerance: a guard that touches zero, or outputs at a jump."""


def reference(part: Part, end: float, times: Floats) -> Floats:
    """Return the states of a part at the times, shape (times, states)."""
    y, now, out = np.array(part.start), 0.0, np.full((len(times), len(part.start)), np.nan)
    stops = [t for t in part.times(end) if 1e-12 * end < t < end]
    for stop in stops:
        if np.min(np.abs(times - stop)) < 1e-9 * end:
            raise Undecided(f"an output at the jump at {stop}")
    sides = [_side(guard.value(0.0, y)) for guard in part.guards]
    for stop in [*stops, end]:
        while now < stop:
            now, y = _piece(part, now, stop, y, sides, times, out)
        if stop < end and part.at_time is not None:
            y = np.array(part.at_time(stop, y))
    out[times >= end] = y
    return out


def _side(value: float) -> int:
    return -1 if value <= 0 else 1


def _piece(
    part: Part, now: float, stop: float, y: Floats, sides: list[int], times: Floats, out: Floats
) -> tuple[float, Floats]:
    """Integrate up to the stop or the first crossing; write what lies before it."""
    absolute = np.array(part.scale) * 1e-14
    solver = DOP853(
        lambda t, x: np.array(part.rate(t, x)),
        now,
        y,
        stop,
        rtol=RELATIVE,
        atol=absolute,
        max_step=0.5 / part.fastest,  # its dense output is poor where stability limits the step
    )
    while solver.status == "running":
        message = solver.step()
        if solver.status == "failed":
            raise RuntimeError(message)
        path = solver.dense_output()
        cut = _first_crossing(part, solver.t_old, solver.t, path, sides)
        reach = solver.t if cut is None else cut[0]
        inside = (times >= solver.t_old) & (times < reach)
        if inside.any():
            out[inside] = path(times[inside]).T
        if cut is not None:
            time, number, direction = cut
            if np.min(np.abs(times - time)) < 1e-6 * max(stop, time) and part.text[-1].startswith("at "):
                raise Undecided(f"an output at the crossing at {time}")
            state = np.array(path(time))
            sides[number] = direction
            part.guards[number].act(time, state, direction)
            for k, guard in enumerate(part.guards):
                if k != number or abs(guard.value(time, state)) > 1e-6 * guard.scale:
                    sides[k] = _side(guard.value(time, state))
            return time, state
    return stop, np.array(solver.y)


def _first_crossing(
    part: Part, start: float, end: float, path: Callable[[float], Floats], sides: list[int]
) -> tuple[float, int, int] | None:
    found: list[tuple[float, int, int]] = []
    for number, guard in enumerate(part.guards):
        points = np.linspace(start, end, _LOOKS + 1)
        values = [guard.value(t, path(t)) * sides[number] for t in points]
        for k, (low, high) in enumerate(itertools.pairwise(points)):
            if values[k + 1] < 0 < values[k]:
                root = brentq(_along(guard, path), low, high, xtol=1e-15 * end, rtol=1e-14)
                found.append((float(root), number, -sides[number]))
                break
            if 0 < min(values[k : k + 2]) < _TOUCH * guard.scale and k and k + 2 <= _LOOKS:
                turned = values[k - 1] > values[k] < values[k + 1]
                if turned:
                    raise Undecided("a guard touches zero")
    return min(found, default=None)


def _along(guard: Guard, path: Callable[[float], Floats]) -> Callable[[float], float]:
    return lambda time: guard.value(time, path(time))
