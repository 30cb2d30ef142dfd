"""Run the host half of many people under a daily random drive.

The host half is not stiff, and its drive changes every day: Heun's method with steps of half a day errs by
0.14 % of the peak infiltrate against an adaptive solver, and needs no restart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from eubiosis.engine.kernel import Array, Kernel
from eubiosis.model.natural_history.people import Drive, People

STEPS_PER_DAY = 2


def run_hosts(
    kernel: Kernel,
    people: People,
    drive: Drive,
    record: Sequence[str],
    *,
    start: Array | None = None,
    factors: Mapping[str, Array] | None = None,
    levels: Mapping[str, Array] | None = None,
    day0: int = 0,
) -> tuple[dict[str, Array], Array]:
    """Integrate everyone through the days of the drive.

    ``record`` names states to keep at the end of each day, shape (days, people) each. ``factors`` maps
    parameter names to multipliers of each person's own value for each day, ``levels`` to absolute values;
    both (days,) or (days, people). ``start`` is the state matrix (states, people), by default the initial
    values of the model for everyone; the drive is read from ``day0`` on. Returns the records and the final
    states.
    """
    size = len(people)
    states = np.repeat(kernel.default_states[:, None], size, axis=1) if start is None else start.copy()
    parameters = people.parameters.copy()
    scaled = [(kernel.parameter_index[name], path) for name, path in (factors or {}).items()]
    fixed = [(kernel.parameter_index[name], path) for name, path in (levels or {}).items()]
    tone, shot = kernel.parameter_index["host_Z"], kernel.parameter_index["host_shot"]
    keep = {name: kernel.state_index[name] for name in record}
    days = len(drive.tone) - day0
    out = {name: np.empty((days, size)) for name in record}
    first, second, trial = np.empty_like(states), np.empty_like(states), np.empty_like(states)
    step = 1.0 / STEPS_PER_DAY
    for day in range(days):
        parameters[tone] = drive.tone[day0 + day]
        parameters[shot] = drive.shots[day0 + day]
        for row, path in scaled:
            parameters[row] = people.parameters[row] * path[day]
        for row, path in fixed:
            parameters[row] = path[day]
        for _ in range(STEPS_PER_DAY):
            kernel.rates(0.0, states, parameters, first)
            np.multiply(first, step, out=trial)
            trial += states
            kernel.rates(0.0, trial, parameters, second)
            second += first
            second *= step / 2
            states += second
        for name, row in keep.items():
            out[name][day] = states[row]
    return out, states


def excess(infiltrate: Array, healthy: float, epsilon: float) -> Array:
    """Return the smoothed excess of the infiltrate over its healthy value, as the model defines it."""
    raw = infiltrate / healthy - 1.0
    return np.asarray((raw + np.sqrt(raw**2 + epsilon**2)) / 2)
