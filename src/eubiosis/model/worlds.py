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
from eubiosis.core.streams import stream
from eubiosis.core.tables import read_table
from eubiosis.engine import Array
from eubiosis.model.derived import healthy_references
from eubiosis.model.draws import draw_together, free_names, read_correlations
from eubiosis.model.model import Model
from eubiosis.model.niche import OK, Niche, solve_niche
from eubiosis.model.numbers import WORLDS, WorldRow

Couplings = Literal["symmetric", "zero", "hand_fit"]


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
    rows = read_table(model.content.folder / WORLDS, WorldRow, findings)
    for row in rows:
        if row.id not in model.content.numbers:
            findings.add(model.content.file(WORLDS), row.id, "unknown number", next_step="correct the id")
    findings.raise_if_any()
    return tuple(rows)


def coupling_names(model: Model) -> tuple[str, ...]:
    """Name the gut-to-host couplings."""
    return tuple(row.id for row in world_rows(model) if row.part == "coupling")


def draw_gut_world(
    model: Model, number: int, seed: int, *, vary: bool = True, everything: bool = False
) -> GutWorld:
    """Draw gut world ``number``; world 0 and ``vary=False`` keep the table values.

    ``everything`` draws all uncertain numbers of the gut and the hand-over, not only those of worlds.tsv.
    A draw in which the healthy gut has no steady state is drawn again, at most 20 times; raises
    ``ArithmeticError`` after that.
    """
    scale = model.content.numbers["gut_w_scale"].value
    names = _everything(model, "gut") if everything else _listed(model, "gut")
    for attempt in range(_ATTEMPTS):
        values = _draw(model, names, number, seed, attempt) if vary and number else {}
        healthy = solve_niche(
            model.gut_kernel,
            {k: v for k, v in values.items() if k in model.gut_kernel.parameter_index},
            reference_shares(model, values),
            geometric_mean=scale,
            start=_stored_healthy(model),
        )
        if healthy.status == OK:
            return GutWorld(number, {**values, **_references(model, values, healthy)}, healthy.states)
    message = f"gut world {number}: no healthy steady state in {_ATTEMPTS} draws"
    raise ArithmeticError(message)


def draw_host_world(
    model: Model, number: int, seed: int, couplings: Couplings, *, everything: bool = False
) -> dict[str, float]:
    """Draw host world ``number``: couplings and the functional share of Treg.

    ``everything`` draws all uncertain numbers of the host and its clinic, not only those of worlds.tsv.

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
    listed = _everything(model, "host") if everything else _listed(model, "host")
    return {**drawn, **_draw(model, listed, pair, seed, 0)}


def reference_shares(model: Model, values: Mapping[str, float] | None = None) -> Array:
    """Return the reference composition of the model or of a world, shape (guilds,), summing to one."""
    numbers, own = model.content.numbers, values or {}
    shares = np.array([own.get(f"gut_frac_{g}", numbers[f"gut_frac_{g}"].value) for g in GUILDS])
    return np.asarray(shares / shares.sum())


_ATTEMPTS = 20
_TABLES = {"gut": ("gut", "gut_processes", "handover"), "host": ("host", "clinic")}


def _draw(model: Model, names: tuple[str, ...], number: int, seed: int, attempt: int) -> dict[str, float]:
    numbers, suffix = model.content.numbers, f"/{attempt}" if attempt else ""
    quantiles = {
        name: float(stream(seed, f"world/{name}{suffix}", number).uniform(1e-6, 1 - 1e-6))
        for name in free_names(numbers, names)
    }
    drawn = draw_together(numbers, names, quantiles, read_correlations(model.content.folder))
    return {name: float(drawn[name]) for name in names}


def _listed(model: Model, part: str) -> tuple[str, ...]:
    return tuple(row.id for row in world_rows(model) if row.part == part)


def _everything(model: Model, part: str) -> tuple[str, ...]:
    """Name every uncertain number of a part's tables, and what worlds.tsv lists for it from others."""
    content, listed = model.content, {row.id: row.part for row in world_rows(model)}
    tables = {f"parameters/{table}.tsv" for table in _TABLES[part]}
    return tuple(
        name
        for name, row in content.numbers.items()
        if row.uncertain and listed.get(name, part if content.table_of[name] in tables else "") == part
    )


def _stored_healthy(model: Model) -> Array:
    values = model.derived.of("healthy")
    return np.array([values[name] for name in model.gut_kernel.system.states])


def _references(model: Model, values: Mapping[str, float], healthy: Niche) -> dict[str, float]:
    factors = {f"gut_w_{g}": float(w) for g, w in zip(GUILDS, healthy.factors, strict=True)}
    own = {**model.derived.of("healthy"), **values, **factors}
    return healthy_references(model.upstream_kernel, model.gut_kernel, healthy, own)
