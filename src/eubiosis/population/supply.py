"""How much carbohydrate reaches a person's colon, inferred from their composition by the mechanism alone.

A composition may be held with the model's own diet and unusual niche factors, or with another diet and more
usual ones. What a held niche makes least is twice a negative log density, so a supply is the likelier the
smaller that sum; beside it stands how much people differ in what they eat. Nothing measured of acids is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from eubiosis.core.findings import FindingCollector
from eubiosis.core.provenance import Basis, Read
from eubiosis.core.tables import TableRow, read_table
from eubiosis.engine import Array
from eubiosis.model.held import HeldNiches, hold_niches
from eubiosis.model.model import Model
from eubiosis.model.worlds import GutWorld, as_person, niche_prior
from eubiosis.population.reference import POPULATION_FOLDER

SUBSTRATES = ("RS", "FS", "FI", "IN", "SU")  # starch, fibre soluble and not, fructans, sugars
_AWAY = (-2.0, -1.35, -0.65, 0.0, 0.65, 1.35, 2.0)  # points of the supply, in standard deviations


class SupplyRow(TableRow):
    """How much people differ in the carbohydrate that reaches the colon."""

    id: str
    value: float
    unit: str
    people: int
    basis: Basis
    read: Read
    source: str
    note: str


@dataclass(frozen=True)
class InferredSupply:
    """Supplies that explain people's compositions, and how likely each is.

    ``points`` (points,) are logs of supply over the model's own diet; ``weights`` (people, points) sum to one
    over the points, NaN for who is held by none; ``held`` are the niches at each point, and ``parameters``
    the gut's own there.
    """

    points: Array
    weights: Array
    held: tuple[HeldNiches, ...]
    parameters: tuple[Mapping[str, float], ...]

    @property
    def log_supply(self) -> Array:
        """Each person's mean log supply over the model's own diet, (people,)."""
        return np.asarray(self.weights @ self.points)

    def mean(self, values: Array) -> Array:
        """Return each person's mean of ``values`` (points, people) over the supplies."""
        return np.asarray(np.sum(self.weights.T * np.where(self.weights.T > 0, values, 0.0), axis=0))


@cache
def supply_sd() -> float:
    """Return the standard deviation between people of the log of the supply."""
    findings = FindingCollector()
    rows = read_table(POPULATION_FOLDER / "supply.tsv", SupplyRow, findings)
    findings.raise_if_any()
    (value,) = (row.value for row in rows if row.id == "supply_sd")
    return value


def infer_supply(
    model: Model,
    world: GutWorld,
    read_shares: Array,
    person: str = "healthy",
    *,
    sd: float | None = None,
    threads: int | None = None,
) -> InferredSupply:
    """Hold people's compositions, ``read_shares`` (people, guilds), at seven supplies and weigh these.

    ``sd`` is the spread of the log supply between people, that of the content where None; with 0 everybody
    has the model's own diet. Raises ``ValueError`` for a negative one.
    """
    spread = supply_sd() if sd is None else sd
    if spread < 0:
        message = f"sd {spread:g}; allowed: 0 or more"
        raise ValueError(message)
    kernel, prior = model.gut_kernel, niche_prior(model, world)
    own, shares = as_person(model, world, read_shares, person)
    asked = world.biomass_shares(shares)
    away = np.array(_AWAY if spread else (0.0,))
    held, parameters, sums = [], [], []
    for point in spread * away:
        given = {n: v for n, v in own.items() if n in kernel.parameter_index}
        for name in (f"gut_F_{substrate}" for substrate in SUBSTRATES):
            given[name] = float(own.get(name, model.content.value(name)) * np.exp(point))
        found = hold_niches(kernel, given, asked, prior, threads=threads)
        with np.errstate(invalid="ignore", divide="ignore"):
            off = (np.log(found.shares) - np.log(asked)) / prior.error
            unusual = (np.log(found.factors) - np.log(prior.factors)) / prior.spread
        sums.append((off**2).sum(axis=1) + (unusual**2).sum(axis=1))
        held.append(found)
        parameters.append(given)
    log_density = -0.5 * (np.array(sums).T + away**2)
    log_density = np.where(np.isfinite(log_density), log_density, -np.inf)
    most = log_density.max(axis=1, keepdims=True)
    with np.errstate(invalid="ignore"):
        weights = np.exp(log_density - most)
        weights /= weights.sum(axis=1, keepdims=True)
    return InferredSupply(spread * away, weights, tuple(held), tuple(parameters))
