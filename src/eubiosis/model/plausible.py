"""Draw gut numbers jointly: a draw that contradicts the healthy reference is drawn again.

Numbers that nobody knows trade against each other (protein reaching the colon, what cells take of it,
ammonia; transit, volume, absorption), so independent draws describe no gut at all. Every draw is held at the
healthy composition and judged by the targets that say what a healthy gut is and how it answers less
carbohydrate; the first one that passes is kept. Candidates are judged many at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.guilds import GUILDS
from eubiosis.engine import Array
from eubiosis.model.content import TargetRow
from eubiosis.model.derived import GUT_REFERENCES
from eubiosis.model.laboratory import Held, Laboratory, distances, followers
from eubiosis.model.model import Model

BATCH, MOST = 32, 640
HEALTHY_MISSES, DIET_MISSES = 1, 2  # how many of the rows a draw may miss
_DIETS = ("healthy_medium_carbohydrate", "healthy_low_carbohydrate")
Draw = Callable[[int], Mapping[str, float]]


@dataclass(frozen=True)
class Plausible:
    """A draw that passed: its numbers and healthy references, the healthy state, and which draw it was.

    ``states`` has shape (gut states,), ``factors``, the healthy niche factors, (guilds,).
    """

    values: Mapping[str, float]
    states: Array
    factors: Array
    attempt: int


def healthy_rows(model: Model) -> tuple[TargetRow, ...]:
    """Return the targets of a healthy gut that somebody has read."""
    return tuple(
        row
        for row in model.content.targets
        if row.condition == "healthy" and row.observable.startswith("gut_") and row.read != "recalled"
    )


def diet_rows(model: Model) -> tuple[TargetRow, ...]:
    """Return the targets of a healthy gut on less carbohydrate."""
    return tuple(row for row in model.content.targets if row.condition in _DIETS)


def first_plausible(model: Model, draw: Draw, threads: int | None = None) -> Plausible:
    """Return the first of ``draw(0)``, ``draw(1)``, ... that the healthy gut does not contradict.

    Raises ``ArithmeticError`` when none of ``MOST`` passes.
    """
    for begin in range(0, MOST, BATCH):
        drawn = [draw(attempt) for attempt in range(begin, begin + BATCH)]
        sets = {name: np.array([one[name] for one in drawn]) for name in drawn[0]}
        rows, held = passing(model, sets, threads)
        if len(rows):
            return _kept(model, drawn[rows[0]], held, begin + int(rows[0]))
    message = f"none of {MOST} draws of the gut's numbers agrees with a healthy gut"
    raise ArithmeticError(message)


def held_draws(
    model: Model, draws: Sequence[Mapping[str, float]], attempts: Sequence[int]
) -> list[Plausible]:
    """Hold draws that are known to pass, all at once; ``attempts`` says which draw of its world each was.

    They are not judged again. Raises ``ArithmeticError`` where one has no healthy steady state.
    """
    sets = {name: np.array([one[name] for one in draws]) for name in draws[0]}
    held = Laboratory.of(model, healthy_rows(model)).healthy(sets)
    lost = np.flatnonzero(~held.solved)
    if len(lost):
        message = f"{len(lost)} of {len(draws)} draws have no healthy steady state"
        raise ArithmeticError(message)
    return [
        _kept(model, one, _part(held, np.array([k])), attempt)
        for k, (one, attempt) in enumerate(zip(draws, attempts, strict=True))
    ]


def passing(
    model: Model, sets: Mapping[str, Array], threads: int | None = None
) -> tuple[NDArray[np.int64], Held]:
    """Return which sets pass, in order, and those sets held at the healthy composition."""
    rest = Laboratory.of(model, healthy_rows(model), threads)
    everyone = rest.healthy(sets)
    good = _missed(rest, sets, everyone) <= HEALTHY_MISSES
    rows = np.flatnonzero(good & everyone.solved)
    diets = Laboratory.of(model, diet_rows(model), threads)
    some = {name: values[rows] for name, values in sets.items()}
    held = _part(everyone, rows)
    if len(rows):
        kept = np.flatnonzero(_missed(diets, some, held) <= DIET_MISSES)
        rows, held = rows[kept], _part(held, kept)
    return rows, held


def _missed(laboratory: Laboratory, sets: Mapping[str, Array], healthy: Held) -> NDArray[np.int64]:
    answers = laboratory.answers(sets, {"healthy": healthy})
    return np.asarray((distances(laboratory.rows, answers) > 0).sum(axis=0))


def _part(held: Held, rows: NDArray[np.int64]) -> Held:
    parameters = {name: values[rows] for name, values in held.parameters.items()}
    return Held(parameters, held.states[rows], held.solved[rows])


def _kept(model: Model, drawn: Mapping[str, float], held: Held, attempt: int) -> Plausible:
    references = {name: float(held.parameters[name][0]) for name in GUT_REFERENCES}
    gut, upstream = model.gut_kernel, model.upstream_kernel
    states = held.states[0, [upstream.state_index[name] for name in gut.system.states]]
    factors = np.array([float(held.parameters[f"gut_w_{g}"][0]) for g in GUILDS])
    return Plausible({**followers(model, drawn), **drawn, **references}, states, factors, attempt)
