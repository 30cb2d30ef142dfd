"""Worlds: draws of what nobody knows about the model and all subjects share.

A gut world draws gut and hand-over numbers and how much biomass stands behind a guild's reads, and rederives
the healthy references; a host world draws the gut-to-host couplings symmetric about zero and the share of the
Treg gain that counts in the CNS.
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
from eubiosis.model.held import HeldNiches, hold_niches
from eubiosis.model.model import Model
from eubiosis.model.niche import OK, Niche, solve_niche
from eubiosis.model.niche_sum import NichePrior

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
    steady state of the gut, shape (gut states,), under the niche ``factors`` (guilds,).
    """

    number: int
    values: Mapping[str, float]
    healthy: Array
    factors: Array

    @property
    def biomass_per_read(self) -> Array:
        """Biomass behind a read of each guild, relative to the other guilds, shape (guilds,)."""
        return np.array([self.values.get(f"{_PER_READ}{g}", 1.0) for g in GUILDS])

    def biomass_shares(self, read_shares: Array) -> Array:
        """Return shares of biomass (people, guilds) for shares of reads, rows summing to one."""
        return _closed(read_shares * self.biomass_per_read)

    def read_shares(self, biomass_shares: Array) -> Array:
        """Return shares of reads (..., guilds) for shares of biomass, rows summing to one."""
        return _closed(biomass_shares / self.biomass_per_read)


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

    A draw in which the healthy gut has no steady state is drawn again, at most 20 times; raises
    ``ArithmeticError`` after that.
    """
    scale = model.content.numbers["gut_w_scale"].value
    for attempt in range(_ATTEMPTS):
        values = _draw(model, "gut", number, seed, attempt) if vary and number else {}
        shares = reference_shares(model)
        if any(name.startswith(_PER_READ) for name in values):
            shares = _closed(shares * np.array([values[f"{_PER_READ}{g}"] for g in GUILDS]))
            values |= {f"gut_frac_{g}": float(s) for g, s in zip(GUILDS, shares, strict=True)}
        healthy = solve_niche(
            model.gut_kernel,
            {k: v for k, v in values.items() if k in model.gut_kernel.parameter_index},
            shares,
            geometric_mean=scale,
            start=_stored_healthy(model),
        )
        if healthy.status == OK:
            references = _references(model, values, healthy)
            return GutWorld(number, {**values, **references}, healthy.states, healthy.factors)
    message = f"gut world {number}: no healthy steady state in {_ATTEMPTS} draws"
    raise ArithmeticError(message)


def niche_prior(model: Model, world: GutWorld) -> NichePrior:
    """Return what the niche factors of people in a gut world are compared with."""
    numbers = model.content.numbers
    errors = [numbers.get(f"gut_niche_error_{g}", numbers["gut_niche_error"]).value for g in GUILDS]
    return NichePrior(
        world.factors,
        world.healthy,
        np.array(errors),
        np.full(len(GUILDS), numbers["gut_niche_spread"].value),
        far=numbers["gut_niche_far"].value,
        most=numbers["gut_niche_most"].value,
    )


def hold_people(
    model: Model, world: GutWorld, read_shares: Array, *, threads: int | None = None
) -> HeldNiches:
    """Hold people's compositions in a gut world, ``read_shares`` (people, guilds) as in a stool table.

    What is asked of the gut is the biomass that stands behind the reads in this world.
    """
    kernel = model.gut_kernel
    return hold_niches(
        kernel,
        {name: value for name, value in world.values.items() if name in kernel.parameter_index},
        world.biomass_shares(read_shares),
        niche_prior(model, world),
        threads=threads,
    )


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


_ATTEMPTS = 20
_PER_READ = "gut_biomass_per_read_"


def _closed(shares: Array) -> Array:
    return np.asarray(shares / shares.sum(axis=-1, keepdims=True))


def _draw(model: Model, part: str, number: int, seed: int, attempt: int) -> dict[str, float]:
    suffix = f"/{attempt}" if attempt else ""
    return {
        row.id: draw_number(
            model.content.numbers[row.id],
            float(stream(seed, f"world/{row.id}{suffix}", number).uniform(1e-6, 1 - 1e-6)),
        )
        for row in world_rows(model)
        if row.part == part
    }


def _stored_healthy(model: Model) -> Array:
    values = model.derived.of("healthy")
    return np.array([values[name] for name in model.gut_kernel.system.states])


def _references(model: Model, values: Mapping[str, float], healthy: Niche) -> dict[str, float]:
    factors = {f"gut_w_{g}": float(w) for g, w in zip(GUILDS, healthy.factors, strict=True)}
    own = {**model.derived.of("healthy"), **values, **factors}
    return healthy_references(model.upstream_kernel, model.gut_kernel, healthy, own)
