"""Worlds: draws of what nobody knows about the model and all subjects share.

A gut world draws gut and hand-over numbers and rederives the healthy references; a host world draws the
gut-to-host couplings symmetric about zero and the share of the Treg gain that counts in the CNS.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from eubiosis.core.findings import FindingCollector
from eubiosis.core.guilds import GUILDS
from eubiosis.core.laws import Z975
from eubiosis.core.provenance import SourcedNumber
from eubiosis.core.streams import stream
from eubiosis.core.tables import TableRow, read_table
from eubiosis.engine import Array
from eubiosis.model.derived import healthy_references
from eubiosis.model.model import Model
from eubiosis.model.niche import OK, Niche, solve_niche
from eubiosis.model.plausible import MOST, first_plausible

TABLE = "worlds.tsv"
Couplings = Literal["symmetric", "zero", "hand_fit"]


class WorldRow(TableRow):
    """A number that differs between worlds, and why."""

    id: str
    part: Literal["gut", "host", "coupling"]
    note: str


@dataclass(frozen=True)
class GutWorld:
    """One draw of the gut and hand-over numbers.

    ``values`` overrides table values, with the healthy references of this world; ``healthy`` is the healthy
    steady state of the gut, shape (gut states,).
    """

    number: int
    values: Mapping[str, float]
    healthy: Array


def world_rows(model: Model) -> tuple[WorldRow, ...]:
    """Read which numbers differ between worlds."""
    findings = FindingCollector()
    rows = read_table(model.content.folder / TABLE, WorldRow, findings)
    for row in rows:
        if row.id not in model.content.numbers:
            findings.add(model.content.file(TABLE), row.id, "unknown number", next_step="correct the id")
    findings.raise_if_any()
    return tuple(rows)


def coupling_names(model: Model) -> tuple[str, ...]:
    """Name the gut-to-host couplings."""
    return tuple(row.id for row in world_rows(model) if row.part == "coupling")


def draw_gut_world(model: Model, number: int, seed: int, *, vary: bool = True) -> GutWorld:
    """Draw gut world ``number``; world 0 and ``vary=False`` keep the table values.

    Numbers are drawn together: a draw that a healthy gut contradicts is drawn again (``plausible``). Raises
    ``ArithmeticError`` when no draw passes, or the tables themselves have no healthy steady state.
    """
    if vary and number:
        numbers = [model.content.numbers[row.id] for row in world_rows(model) if row.part == "gut"]
        quantiles = [_quantiles(row.id, number, seed, MOST) for row in numbers]

        def draw(attempt: int) -> dict[str, float]:
            pairs = zip(numbers, quantiles, strict=True)
            return {row.id: draw_number(row, float(q[attempt])) for row, q in pairs}

        found = first_plausible(model, draw)
        return GutWorld(number, found.values, found.states)
    healthy = solve_niche(
        model.gut_kernel,
        {},
        reference_shares(model),
        geometric_mean=model.content.numbers["gut_w_scale"].value,
        start=_stored_healthy(model),
    )
    if healthy.status != OK:
        message = f"gut world {number}: the tables have no healthy steady state"
        raise ArithmeticError(message)
    return GutWorld(number, _references(model, {}, healthy), healthy.states)


def as_person(
    model: Model, world: GutWorld, shares: Array, person: str = "ms"
) -> tuple[dict[str, float], Array]:
    """Return gut parameters and compositions of people of one kind in one world.

    ``shares`` (people, guilds) are their compositions at the table's folds. A cohort's mean contrast is
    itself an estimate: in a world in which it is another, everybody's composition is shifted by as much.
    """
    numbers, values = model.content.numbers, dict(world.values)
    shift = np.ones(len(GUILDS))
    for row in model.content.persons:
        if row.person != person:
            continue
        value = world.values.get(row.value, model.content.value(row.value))
        if row.target in model.gut_kernel.parameter_index:
            values[row.target] = value
        elif row.target.startswith("gut_share_") and row.value in world.values:
            shift[GUILDS.index(row.target.removeprefix("gut_share_"))] = value / numbers[row.value].value
    shifted = shares * shift
    return values, shifted / shifted.sum(axis=1, keepdims=True)


def draw_host_world(model: Model, number: int, seed: int, couplings: Couplings) -> dict[str, float]:
    """Draw host world ``number``: couplings and the functional share of Treg.

    Odd worlds mirror the couplings of the even world before them, so every draw has its opposite.
    """
    names = coupling_names(model)
    if couplings == "zero":
        return dict.fromkeys(names, 0.0)
    if couplings == "hand_fit":
        return dict.fromkeys(names, 1.0)
    pair, mirrored = divmod(number, 2)
    sign = -1.0 if mirrored else 1.0
    drawn = {n: sign * float(stream(seed, f"world/{n}", pair).standard_normal()) for n in names}
    return {**drawn, **_draw(model, "host", pair, seed, 0)}


def draw_number(row: SourcedNumber, quantile: float) -> float:
    """Return the value of a sourced number at a quantile of its distribution.

    The value is the median and ``low`` and ``high`` are the 2.5 and 97.5 % points; where the value is not in
    the middle of them, the spread below it differs from the spread above it. For the uniform and loguniform
    law they are its ends, and the value plays no part. Without a range the spread is used. Beta is taken as
    normal within the range. Raises ``ValueError`` for a number with neither.
    """
    from scipy.special import ndtri

    z = float(ndtri(quantile))
    low, high = row.low, row.high
    if row.distribution in ("lognormal", "loguniform") and low and high:
        if row.distribution == "loguniform":
            return float(low * (high / low) ** quantile)
        width = np.log(high / row.value if z > 0 else row.value / low) / Z975
        return float(np.exp(np.log(row.value) + width * z))
    if row.distribution == "lognormal" and row.spread:
        return float(row.value * np.exp(row.spread * z))
    if low is not None and high is not None:
        if row.distribution == "uniform":
            return float(low + (high - low) * quantile)
        width = (high - row.value if z > 0 else row.value - low) / Z975
        return float(np.clip(row.value + width * z, low, high))
    message = f"{row.id} has neither a range nor a spread to draw from"
    raise ValueError(message)


def reference_shares(model: Model) -> Array:
    """Return the model's reference composition, shape (guilds,), summing to one."""
    shares = np.array([model.content.numbers[f"gut_frac_{g}"].value for g in GUILDS])
    return np.asarray(shares / shares.sum())


def _draw(model: Model, part: str, number: int, seed: int, attempt: int) -> dict[str, float]:
    return {
        row.id: draw_number(
            model.content.numbers[row.id],
            float(_quantiles(row.id, number, seed, attempt + 1)[attempt]),
        )
        for row in world_rows(model)
        if row.part == part
    }


def _quantiles(name: str, number: int, seed: int, attempts: int) -> Array:
    """Return where in its distribution a number lies in each attempt at a world, (attempts,)."""
    return np.asarray(stream(seed, f"world/{name}", number).uniform(1e-6, 1 - 1e-6, attempts))


def _stored_healthy(model: Model) -> Array:
    values = model.derived.of("healthy")
    return np.array([values[name] for name in model.gut_kernel.system.states])


def _references(model: Model, values: Mapping[str, float], healthy: Niche) -> dict[str, float]:
    factors = {f"gut_w_{g}": float(w) for g, w in zip(GUILDS, healthy.factors, strict=True)}
    own = {**model.derived.of("healthy"), **values, **factors}
    return healthy_references(model.upstream_kernel, model.gut_kernel, healthy, own)
