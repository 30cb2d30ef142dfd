"""Run the host half of many people under a daily random drive.

The host half is not stiff, and its drive changes every day: two explicit steps a day err by 0.014 % of the
peak infiltrate against an adaptive solver at 1e-9, and need no restart. Virtual trials make one: against
eight a day it errs by 0.6 % of a peak, by 0.04 % of the mean infiltrate, and by a thousandth of an arm's
effect.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from eubiosis.engine import Array, Compiled
from eubiosis.model.natural_history.people import Drive, People
from eubiosis.model.tolerances import STRICT

STEPS_PER_DAY = 2
FEWEST_STEPS_PER_DAY = 1  # in virtual trials, and where only effects are compared


def run_hosts(
    kernel: Compiled,
    people: People,
    drive: Drive,
    record: Sequence[str],
    *,
    start: Array | None = None,
    factors: Mapping[str, Array] | None = None,
    levels: Mapping[str, Array] | None = None,
    day0: int = 0,
    steps: int = STEPS_PER_DAY,
) -> tuple[dict[str, Array], Array]:
    """Integrate everyone through the days of the drive.

    ``record`` names states to keep at the end of each day, shape (days, people) each. ``levels`` maps
    parameter names to values, and ``factors`` to multipliers of each person's own value: for each day,
    (days,) or (days, people), or at the days' bounds, between which they run linearly, (days + 1,) or
    (days + 1, people). ``start`` is the state matrix (states, people), by default the initial values of
    the model for everyone; the drive is read from ``day0`` on. ``steps`` are made each day. Returns the
    records and the final states.
    """
    days = len(drive.tone) - day0
    paths = dict(levels or {})
    for name, path in (factors or {}).items():
        own = people.parameters[kernel.parameter_index[name]]
        paths[name] = own[None, :] * (path[:, None] if path.ndim == 1 else path)
    held = {"host_Z": drive.tone[day0:], "host_shot": drive.shots[day0:]}
    held |= {name: path for name, path in paths.items() if len(path) == days}
    linear = {name: path for name, path in paths.items() if len(path) != days}
    solution = kernel.march(
        np.arange(days + 1.0),
        tuple(record),
        parameters={n: v for n, v in people.values(kernel).items() if n not in held and n not in linear},
        initial=kernel.default_states[None] if start is None else start.T,
        held=held,
        linear=linear,
        record=range(1, days + 1) if record else (),
        steps=steps,
        tolerances=STRICT,
    )
    courses = {name: np.ascontiguousarray(solution[name].T) for name in record}
    return courses, np.ascontiguousarray(solution.states.T)
