"""Which drawn numbers the true effect on the primary endpoint goes back to, over the worlds of a run."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from eubiosis.analysis.truth.first_order import (
    between,
    bounded,
    cluster_means,
    clusters,
    first_order,
    halves,
    noise_level,
)
from eubiosis.core.endpoints import ENDPOINTS
from eubiosis.core.guilds import GUILD_NAMES
from eubiosis.core.streams import stream
from eubiosis.core.world_sensitivity import (
    LEAST_WORLDS,
    GroupIndex,
    NumberIndex,
    WorldSensitivity,
)
from eubiosis.model.model import Model
from eubiosis.trial.design import Design
from eubiosis.trial.world.drawn import DIRECT, TAXON
from eubiosis.workflow.trial_chunk import Chunk

Array = NDArray[np.float64]
_LISTED = 10
_GUT, _COUPLINGS, _HOST, _OUTSIDE = (
    "the gut",
    "the gut-to-host couplings",
    "the host",
    "what acts beside the mechanism",
)
_TERM = "outside the mechanism"


@dataclass(frozen=True)
class _Worlds:
    """The true effects (worlds,) of one arm, and what they were drawn with.

    ``pair`` (worlds,) numbers mirrored pairs of host worlds, ``gut`` gut worlds, ``form`` forms; ``parts``
    holds for each part of the numbers their names and values (worlds, numbers).
    """

    effects: Array
    gut: NDArray[np.int64]
    pair: NDArray[np.int64]
    form: NDArray[np.int64]
    parts: Mapping[str, tuple[tuple[str, ...], Array]]


def world_sensitivity(
    design: Design, chunks: Sequence[Chunk], model: Model, seed: int
) -> tuple[WorldSensitivity, ...]:
    """Return the first-order indices of the primary endpoint, one for each active arm.

    A number of which fewer than ``LEAST_WORLDS`` different draws stand behind the run has none of its own.
    Empty where trials were handed over whose worlds nobody kept.
    """
    if any(chunk.drawn is None for chunk in chunks):
        return ()
    return tuple(_of_arm(design, arm.name, chunks, model, seed) for arm in design.active)


def _of_arm(design: Design, arm: str, chunks: Sequence[Chunk], model: Model, seed: int) -> WorldSensitivity:
    worlds = _worlds(design, arm, chunks, model)
    label = ENDPOINTS[design.primary].label
    found = WorldSensitivity(design.primary, label, arm, len(worlds.effects), 0, (), (), None, None, ())
    if len(worlds.effects) < 2 or not np.ptp(worlds.effects) > 0:
        return replace(found, why_none=("The true effect is the same in every world: nothing moves it.",))
    luck = stream(seed, f"world shares/{design.primary}/{arm}")
    groups = tuple(_groups(worlds))
    rows: list[NumberIndex] = []
    levels: list[tuple[float, float]] = []
    few: list[str] = []
    asked = 0
    for part, (names, values) in worlds.parts.items():
        moving = np.ptp(values, axis=0) > 0 if len(names) else np.zeros(0, dtype=bool)
        if not moving.any():
            continue
        # a coupling of no size is drawn in many worlds, each a draw of its own
        single = part in (_COUPLINGS, _OUTSIDE)
        of = np.arange(len(values)) if single else clusters(values[:, moving])
        draws = int(of.max()) + 1
        if draws < LEAST_WORLDS:
            moved = int(moving.sum())
            few.append(
                f"{draws} different {'draw' if draws == 1 else 'draws'} of the "
                f"{'1 number' if moved == 1 else f'{moved} numbers'} of {part}"
            )
            continue
        asked += int(moving.sum())
        kept = [name for name, moves in zip(names, moving, strict=True) if moves]
        made, level = _part(part, kept, values[:, moving], of, worlds, luck)
        rows += [replace(row, label=_label(row.id, model)) for row in made]
        levels.append(level)
    noise = max((one for one, _ in levels), default=None)
    size_noise = max((one for _, one in levels), default=None)
    rows.sort(key=lambda row: -max(row.effect.share, row.size.share))
    return replace(
        found, asked=asked, numbers=tuple(rows[:_LISTED]), groups=groups, noise=noise, size_noise=size_noise,
        why_none=_too_few(few),
    )  # fmt: skip


def _too_few(few: Sequence[str]) -> tuple[str, ...]:
    if not few:
        return ()
    return (
        f"Too few worlds for single numbers: behind this run stand {'; '.join(few)}. At least {LEAST_WORLDS} "
        "different draws are needed.",
    )


def _part(
    part: str, names: Sequence[str], values: Array, of: NDArray[np.int64], worlds: _Worlds,
    luck: np.random.Generator,
) -> tuple[list[NumberIndex], tuple[float, float]]:  # fmt: skip
    """Return the largest numbers of a part, and the noise of the effect and of its size.

    Worlds with the same draw are one draw, with their mean effect.
    """
    draws = int(of.max()) + 1
    units = cluster_means(worlds.pair.astype(float), of).round().astype(np.int64)
    at = cluster_means(values, of)
    order = luck.permutation(draws)  # so that ties, as of couplings of no size, stand in a random order
    at, units = at[order], units[order]
    indices, levels = [], []
    for effects in (worlds.effects, np.abs(worlds.effects)):
        means = cluster_means(effects, of)[order]
        factor = _ratio(means, effects)
        shares = factor * first_order(at, means)
        errors = factor * halves(at, means, units, luck)
        levels.append(factor * noise_level(at, means, units, luck))
        indices.append((shares, errors))
    (shares, errors), (sizes, size_errors) = indices
    largest = np.argsort(-np.maximum(shares, sizes))[:_LISTED]
    rows = [
        NumberIndex(
            names[k], names[k], part, draws, bounded(float(shares[k]), float(errors[k])),
            bounded(float(sizes[k]), float(size_errors[k])),
            bool(shares[k] > levels[0] or sizes[k] > levels[1]),
        )
        for k in largest.tolist()
    ]  # fmt: skip
    return rows, (levels[0], levels[1])


def _ratio(means: Array, effects: Array) -> float:
    """Return the variance of the means over that of the effects: what an index of means is multiplied by."""
    total = float(np.var(effects))
    return float(np.var(means)) / total if total > 0 else math.nan


def _groups(worlds: _Worlds) -> Iterator[GroupIndex]:
    """Yield the index of the whole gut, and that of the form of the model where worlds are enough."""
    size = np.abs(worlds.effects)
    number = int(worlds.gut.max()) + 1
    if number > 1:
        yield GroupIndex(
            "all numbers of the gut together", number, between(worlds.effects, worlds.gut, worlds.pair),
            between(size, worlds.gut, worlds.pair),
        )  # fmt: skip
    forms = len(np.unique(worlds.form))
    if forms > 1 and len(worlds.effects) >= LEAST_WORLDS:
        yield GroupIndex(
            "the form of the model", forms, between(worlds.effects, worlds.form, worlds.pair),
            between(size, worlds.form, worlds.pair),
        )  # fmt: skip


def _worlds(design: Design, arm: str, chunks: Sequence[Chunk], model: Model) -> _Worlds:
    """Gather effects and draws of the worlds that gave a finite effect."""
    effects: list[float] = []
    gut: list[int] = []
    pair: list[int] = []
    forms: list[str] = []
    drawn: list[Mapping[str, float]] = []
    guts: list[Mapping[str, float]] = []
    outside: list[float] = []
    for chunk in chunks:
        assert chunk.drawn is not None
        about = {(row.gut_world, row.host_world): row for row in chunk.worlds if row.arm == arm}
        for one in chunk.truths:
            if (one.endpoint, one.arm) != (design.primary, arm) or not math.isfinite(one.value):
                continue
            g, h = one.gut_world, one.host_world
            effects.append(one.value)
            gut.append(g)
            pair.append((g * len(chunk.drawn.hosts) + h) // 2)
            drawn.append(chunk.drawn.hosts[h])
            guts.append(chunk.drawn.gut)
            forms.append(about[g, h].form)
            outside.append(about[g, h].outside_log_ratio)
    return _Worlds(
        np.array(effects), _codes(gut), np.array(pair, dtype=np.int64), _codes(forms),
        _parts(guts, drawn, outside, model),
    )  # fmt: skip


def _parts(
    guts: Sequence[Mapping[str, float]],
    drawn: Sequence[Mapping[str, float]],
    outside: Sequence[float],
    model: Model,
) -> dict[str, tuple[tuple[str, ...], Array]]:
    """Return the names and values (worlds, numbers) of each part; what a world lacks is as in the tables."""
    table = model.content.by_name
    rows = [{**row, _TERM: term} for row, term in zip(drawn, outside, strict=True)]
    names = dict.fromkeys(name for row in rows for name in row)
    own = {part: tuple(n for n in names if _part_of(n) == part) for part in (_COUPLINGS, _HOST, _OUTSIDE)}
    found = {_GUT: (tuple(guts[0]), np.array([list(row.values()) for row in guts]))} if guts else {}
    return found | {
        part: (held, np.array([[row.get(n, table.get(n, 0.0)) for n in held] for row in rows]))
        for part, held in own.items()
    }


def _part_of(name: str) -> str:
    if name == _TERM or name.startswith((TAXON, DIRECT)):
        return _OUTSIDE
    return _COUPLINGS if name.startswith("host_c_") else _HOST


def _codes(words: Sequence[str] | Sequence[int]) -> NDArray[np.int64]:
    known = {word: k for k, word in enumerate(dict.fromkeys(words))}
    return np.array([known[word] for word in words], dtype=np.int64)


def _label(name: str, model: Model) -> str:
    if name == _TERM:
        return "the therapy's term outside the mechanism, on relapses"
    if name.startswith(TAXON):
        guild = name.removeprefix(TAXON)
        return f"direct term of {GUILD_NAMES.get(guild, guild)} on relapses"
    if name.startswith(DIRECT):
        return f"direct term of {name.removeprefix(DIRECT)}"
    row = model.content.numbers.get(name)
    return name if row is None else row.description
