"""Draw gut numbers jointly: a draw that contradicts the healthy reference is drawn again.

Numbers that nobody knows trade against each other (protein reaching the colon, what cells take of it,
ammonia; transit, volume, absorption), so independent draws describe no gut at all. Every draw is held at the
healthy composition and judged by the targets that say what a healthy gut is and how it answers less
carbohydrate; the first one that passes is kept. Candidates of many worlds are judged at a time.
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

BATCH, MOST = 16, 640  # attempts at a world judged at a time, and at most
_TOGETHER = 512  # sets solved in one go
HEALTHY_MISSES, DIET_MISSES = 1, 2  # how many of the rows a draw may miss
_DIETS = ("healthy_medium_carbohydrate", "healthy_low_carbohydrate")
# (which world, attempts) -> numbers by id, each (attempts,)
Draw = Callable[[int, range], Mapping[str, Array]]


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


def first_plausible(
    model: Model, draw: Draw, worlds: int = 1, threads: int | None = None
) -> tuple[Plausible, ...]:
    """Return for each of ``worlds`` the first attempt that the healthy gut does not contradict.

    The sets of many worlds are solved together. Raises ``ArithmeticError`` when none of ``MOST`` attempts at
    a world passes.
    """
    found: dict[int, Plausible] = {}
    for begin in range(0, MOST, BATCH):
        left = [world for world in range(worlds) if world not in found]
        attempts = range(begin, begin + BATCH)
        many = _TOGETHER // BATCH
        for several in (left[k : k + many] for k in range(0, len(left), many)):
            found |= _first(model, draw, several, attempts, threads)
    if len(found) < worlds:
        message = f"none of {MOST} draws of the gut's numbers agrees with a healthy gut"
        raise ArithmeticError(message)
    return tuple(found[world] for world in range(worlds))


def held_healthy(
    model: Model, sets: Mapping[str, Array], threads: int | None = None
) -> list[Plausible | None]:
    """Hold the healthy composition under every set as it is; None for a set without a steady state."""
    held = Laboratory.of(model, (), threads).healthy(sets)
    return [_kept(model, sets, held, k, k, k) if held.solved[k] else None for k in range(len(held.solved))]


def _first(
    model: Model, draw: Draw, worlds: Sequence[int], attempts: range, threads: int | None
) -> dict[int, Plausible]:
    """Return those of ``worlds`` of which one of ``attempts`` passes, each with the first that does."""
    drawn = [draw(world, attempts) for world in worlds]
    sets = {name: np.concatenate([one[name] for one in drawn]) for name in drawn[0]}
    rows, held = passing(model, sets, threads)
    found: dict[int, Plausible] = {}
    for place, row in enumerate(rows):
        world, attempt = divmod(int(row), len(attempts))
        if worlds[world] not in found:
            found[worlds[world]] = _kept(model, sets, held, place, int(row), attempts[attempt])
    return found


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
    held = everyone.take(rows)
    if len(rows):
        kept = np.flatnonzero(_missed(diets, some, held) <= DIET_MISSES)
        rows, held = rows[kept], held.take(kept)
    return rows, held


def _missed(laboratory: Laboratory, sets: Mapping[str, Array], healthy: Held) -> NDArray[np.int64]:
    answers = laboratory.answers(sets, {"healthy": healthy})
    return np.asarray((distances(laboratory.rows, answers) > 0).sum(axis=0))


def _kept(
    model: Model, sets: Mapping[str, Array], held: Held, place: int, row: int, attempt: int
) -> Plausible:
    """Keep the set at ``row`` of ``sets``, which lies at ``place`` of ``held``."""
    references = {name: float(held.parameters[name][place]) for name in GUT_REFERENCES}
    drawn = {name: float(values[row]) for name, values in sets.items()}
    gut, upstream = model.gut_kernel, model.upstream_kernel
    states = held.states[place, [upstream.state_index[name] for name in gut.system.states]]
    factors = np.array([float(held.parameters[f"gut_w_{g}"][place]) for g in GUILDS])
    return Plausible({**followers(model, drawn), **drawn, **references}, states, factors, attempt)
