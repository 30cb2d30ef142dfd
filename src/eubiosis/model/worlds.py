"""Worlds: draws of what nobody knows about the model and all subjects share.

A gut world draws gut and hand-over numbers and how much biomass stands behind a guild's reads, and rederives
the healthy references; a host world draws one total effect for each metabolite class, divides it over the
gut-to-host couplings, and draws the host's own numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np

from eubiosis.core.findings import FindingCollector
from eubiosis.core.guilds import GUILDS
from eubiosis.core.streams import stream
from eubiosis.core.tables import read_table
from eubiosis.engine import Array
from eubiosis.model.coupling_draws import posterior_couplings
from eubiosis.model.derived import healthy_references
from eubiosis.model.doubling import gain_ratios
from eubiosis.model.draws import CorrelationRow, draw_together, free_names, read_correlations
from eubiosis.model.held import HeldNiches, hold_niches
from eubiosis.model.model import Model
from eubiosis.model.niche import OK, Niche, solve_niche
from eubiosis.model.niche_sum import NichePrior
from eubiosis.model.numbers import WORLDS, WorldRow
from eubiosis.model.plausible import MOST, first_plausible

Couplings = Literal["symmetric", "zero", "hand_fit"]


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
    rows = read_table(model.content.folder / WORLDS, WorldRow, findings)
    for row in rows:
        if row.id not in model.content.numbers:
            findings.add(model.content.file(WORLDS), row.id, "unknown number", next_step="correct the id")
    findings.raise_if_any()
    return tuple(rows)


def coupling_names(model: Model) -> tuple[str, ...]:
    """Name the gut-to-host couplings that are drawn; paths known by their prior only stay 0."""
    return tuple(row.id for row in model.couplings.drawn)


def draw_gut_world(
    model: Model, number: int, seed: int, *, vary: bool = True, everything: bool = False
) -> GutWorld:
    """Draw gut world ``number`` from the prior; world 0 and ``vary=False`` keep the table values.

    See ``draw_gut_worlds``.
    """
    if vary and number:
        return draw_gut_worlds(model, (number,), seed, everything=everything)[0]
    return table_world(model, number)


def draw_gut_worlds(
    model: Model,
    numbers: Sequence[int],
    seed: int,
    *,
    everything: bool = False,
    threads: int | None = None,
) -> tuple[GutWorld, ...]:
    """Draw gut worlds by their ``numbers`` from the prior, many at a time.

    ``everything`` draws all uncertain numbers of the gut and the hand-over, not only those of worlds.tsv.
    Numbers are drawn together: a draw that a healthy gut contradicts is drawn again (``plausible``). Raises
    ``ArithmeticError`` when no draw passes.
    """
    names = _everything(model, "gut") if everything else gut_numbers(model)
    free = free_names(model.content.numbers, names)
    together = read_correlations(model.content.folder)

    @cache
    def places(world: int) -> dict[str, Array]:
        return {name: _places(name, numbers[world], seed, MOST) for name in free}

    def draw(world: int, attempts: range) -> dict[str, Array]:
        own = {name: at[attempts.start : attempts.stop] for name, at in places(world).items()}
        return drawn_sets(model, names, own, together)

    found = first_plausible(model, draw, len(numbers), threads)
    return tuple(
        GutWorld(number, one.values, one.states, one.factors)
        for number, one in zip(numbers, found, strict=True)
    )


def table_world(model: Model, number: int = 0) -> GutWorld:
    """Return the gut world of the table values; raises ``ArithmeticError`` where it has no steady state."""
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
    return GutWorld(number, _references(model, {}, healthy), healthy.states, healthy.factors)


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
    model: Model, world: GutWorld, read_shares: Array, person: str = "ms", *, threads: int | None = None
) -> HeldNiches:
    """Hold compositions of people of one kind in a gut world, ``read_shares`` (people, guilds) as in a table.

    What is asked of the gut is the biomass that stands behind the reads in this world.
    """
    kernel = model.gut_kernel
    own, shares = as_person(model, world, read_shares, person)
    return hold_niches(
        kernel,
        {name: value for name, value in own.items() if name in kernel.parameter_index},
        world.biomass_shares(shares),
        niche_prior(model, world),
        threads=threads,
    )


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


def draw_host_world(
    model: Model,
    number: int,
    seed: int,
    couplings: Couplings,
    *,
    shared: Mapping[str, float] | None = None,
    without: Iterable[str] = (),
    everything: bool = False,
    forms: bool = True,
    data: bool = True,
) -> dict[str, float]:
    """Draw host world ``number``: couplings from the total of each class, and the host's own numbers.

    Every pair of worlds has one form of the model, whose paths alone act; without ``forms`` all paths do.
    Couplings are drawn given the biomarkers of ``coupling_rows.tsv``, without ``data`` from the prior, where
    odd worlds mirror the totals of the even world before them. ``shared`` holds host numbers of the gut
    world, which change what a unit of a coupling does. ``without`` takes paths out (ids, classes or targets
    of ``couplings.tsv``): their share is gone, the others keep theirs. ``everything`` draws all uncertain
    numbers of the host and its clinic, not only those of worlds.tsv. Raises ``FindingsError`` for an
    unknown path.
    """
    names, out = coupling_names(model), model.couplings.without(without)
    if couplings == "zero":
        return dict.fromkeys(names, 0.0)
    if couplings == "hand_fit":
        return {name: 0.0 if name in out else model.content.numbers[name].value for name in names}
    listed = _everything(model, "host") if everything else _listed(model, "host")
    places = {
        name: float(_places(name, number // 2, seed, 1)[0])
        for name in free_names(model.content.numbers, listed)
    }
    own = _draw(model, listed, places, read_correlations(model.content.folder))
    ratios = gain_ratios(model, model.couplings, {**(shared or {}), **own})
    form = model.forms.of_world(number) if forms else None
    found = posterior_couplings(model, number, seed, form, ratios, model.coupling_data if data else None)
    return {**{name: 0.0 if name in out else value for name, value in found.items()}, **own}


def reference_shares(model: Model, values: Mapping[str, float] | None = None) -> Array:
    """Return the reference composition of the model or of a world, shape (guilds,), summing to one."""
    numbers, own = model.content.numbers, values or {}
    shares = np.array([own.get(f"gut_frac_{g}", numbers[f"gut_frac_{g}"].value) for g in GUILDS])
    return np.asarray(shares / shares.sum())


_TABLES = {"gut": ("gut", "gut_processes", "handover"), "host": ("host", "clinic")}
_PER_READ = "gut_biomass_per_read_"


def _closed(shares: Array) -> Array:
    return np.asarray(shares / shares.sum(axis=-1, keepdims=True))


def gut_numbers(model: Model) -> tuple[str, ...]:
    """Name the numbers that differ between gut worlds."""
    return _listed(model, "gut")


def drawn_sets(
    model: Model, names: Sequence[str], places: Mapping[str, Array], together: Sequence[CorrelationRow]
) -> dict[str, Array]:
    """Draw sets of the gut's numbers at ``places`` in their laws, id -> (sets,); see ``with_reference``."""
    return with_reference(model, draw_together(model.content.numbers, names, places, together))


def with_reference(model: Model, values: Mapping[str, Array]) -> dict[str, Array]:
    """Add the reference biomass: what stands behind a read turns the reference's reads into it."""
    if not any(name.startswith(_PER_READ) for name in values):
        return dict(values)
    numbers = model.content.numbers
    size = len(next(iter(values.values())))
    parts = [
        np.broadcast_to(
            values.get(f"gut_frac_{g}", numbers[f"gut_frac_{g}"].value) * values.get(f"{_PER_READ}{g}", 1.0),
            size,
        )
        for g in GUILDS
    ]
    shares = _closed(np.column_stack(parts))
    return {**values, **{f"gut_frac_{g}": shares[:, k] for k, g in enumerate(GUILDS)}}


def _draw(
    model: Model, names: tuple[str, ...], places: Mapping[str, float], together: Sequence[CorrelationRow]
) -> dict[str, float]:
    drawn = draw_together(model.content.numbers, names, places, together)
    return {name: float(drawn[name]) for name in names}


def _places(name: str, number: int, seed: int, attempts: int) -> Array:
    """Return where in its distribution a number lies in each attempt at a world, (attempts,)."""
    return np.asarray(stream(seed, f"world/{name}", number).uniform(1e-6, 1 - 1e-6, attempts))


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
