"""Events in continuous time by a change of clock, so that arms share a subject's luck.

A subject's unit exponentials are the same in every arm; an event falls where the arm's own cumulated rate
passes their partial sums. Equal rates give equal events, and a lower rate can only delay them.
"""

from __future__ import annotations

import numpy as np

from eubiosis.core.streams import stream
from eubiosis.engine.kernel import Array


def event_days(rate: Array, seed: int, decision: str, subject: int) -> Array:
    """Return the times (days, from 0) of the events of one subject; ``rate`` is per day, shape (days,)."""
    cumulated = np.concatenate(([0.0], np.cumsum(rate)))
    generator = stream(seed, decision, subject)
    marks = np.cumsum(generator.standard_exponential(_CHUNK))
    while marks[-1] < cumulated[-1]:
        marks = np.concatenate((marks, marks[-1] + np.cumsum(generator.standard_exponential(_CHUNK))))
    clock = np.arange(len(cumulated), dtype=float)
    return np.asarray(np.interp(marks[marks < cumulated[-1]], cumulated, clock))


def without_refractory(days: Array, refractory: float) -> Array:
    """Drop events that fall within ``refractory`` days of the last one kept."""
    kept: list[float] = []
    for day in days:
        if not kept or day >= kept[-1] + refractory:
            kept.append(float(day))
    return np.array(kept)


_CHUNK = 32
