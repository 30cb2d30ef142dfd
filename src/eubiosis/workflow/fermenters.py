"""Fermenter coverage: how many of a table's people carry the guilds that ferment a fibre, and how surely.

A stratification factor with its error rates. It is no exclusion: nobody is named, and there is no human
evidence of harm in those who lack fermenters.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np

from eubiosis.core.findings import Finding, FindingsError
from eubiosis.core.guilds import GUILD_NAMES, GUILDS
from eubiosis.core.laws import normal_cdf
from eubiosis.engine import Array
from eubiosis.model.model import Model
from eubiosis.population.stool.table import StoolTable
from eubiosis.therapy import Product, products
from eubiosis.therapy.harms import exact_interval
from eubiosis.trial.world.layer import trial_numbers

NO_HARM_KNOWN = (
    "There is no human evidence of harm in people without fermenters, and this is no criterion of exclusion. "
    "In germ-free mice, where nothing ferments it, beta-fructan worsened EAE, and children with MS carried "
    "fewer fermenters (news of 2026-05-18, an excerpt)."
)
SUBSTRATES = {"gut_dose_inulin": "IN", "gut_dose_rs": "RS", "gut_dose_pectin": "FS"}
_SPECIALIST = 0.5  # of the fastest uptake of a substrate per biomass
_NODES = 1201


@dataclass(frozen=True)
class GuildCoverage:
    """One guild, or any of the fermenters: samples in which it is seen, and that hold at least the level.

    ``missed`` is the chance that a sample of a person with just the level shows fewer reads than asked for,
    the mean over the depths of the table.
    """

    name: str
    seen: int
    carriers: int
    missed: float


@dataclass(frozen=True)
class FermenterCoverage:
    """How many of ``samples`` usable samples carry the fermenters of a fibre at a level.

    ``rows`` hold each fermenter and last any of them; ``low`` and ``high`` the exact 95 % interval of the
    share of carriers of any. ``above`` and ``below`` are the chances that one sample puts a person with
    twice, and with half, the level on the right side; ``changes`` the expected share of those seen who would
    change sides in a second sample.
    """

    fibre: str
    guilds: tuple[str, ...]
    level: float
    reads: int
    samples: int
    median_depth: float
    rows: tuple[GuildCoverage, ...]
    low: float
    high: float
    above: float
    below: float
    changes: float


def fermenters(model: Model, fibre: str) -> tuple[str, ...]:
    """Return the guilds that take up a fibre at least half as fast as the fastest, per biomass.

    Raises ``FindingsError`` for a product that is no fibre of the model.

    >>> from eubiosis import model
    >>> fermenters(model.load(), "inulin")
    ('BIF',)
    """
    substrate = _substrate(products().get(fibre), fibre)
    pattern = re.compile(rf"gut_vmax_([A-Z]{{3}})_{substrate}")
    rates = {
        found[1]: number.value
        for name, number in model.content.numbers.items()
        if (found := pattern.fullmatch(name)) and found[1] in GUILDS
    }
    fastest = max(rates.values())
    return tuple(guild for guild in GUILDS if rates.get(guild, 0.0) >= _SPECIALIST * fastest)


def fermenter_coverage(
    model: Model,
    table: StoolTable,
    fibre: str,
    *,
    level: float = 0.001,
    reads: int = 1,
    depth: int | None = None,
) -> FermenterCoverage:
    """Return the coverage of a stool table.

    ``level`` is the share of mapped reads from which a person carries a guild, ``reads`` the least reads that
    count as seen. A table without counts needs ``depth``. Raises ``FindingsError`` for these.
    """
    _check(table, level, reads, depth)
    guilds = fermenters(model, fibre)
    usable = table.usable
    shares = table.fractions[usable]
    mapped = (
        np.rint(table.guild_sums[usable].sum(axis=1))
        if table.scale == "counts"
        else np.full(len(shares), depth)
    )
    counts = shares * mapped[:, None]
    rows = []
    any_seen = any_carried = np.zeros(len(shares), dtype=bool)
    missed = np.array([_missed(float(n), level, reads) for n in mapped])
    for guild in guilds:
        k = GUILDS.index(guild)
        seen, carried = counts[:, k] >= reads - 1e-9, shares[:, k] >= level
        any_seen, any_carried = any_seen | seen, any_carried | (seen & carried)
        rows.append(
            GuildCoverage(
                GUILD_NAMES[guild], int(seen.sum()), int((seen & carried).sum()), float(missed.mean())
            )
        )
    rows.append(
        GuildCoverage("any of them", int(any_seen.sum()), int(any_carried.sum()), float(missed.mean()))
    )
    low, high = exact_interval(int(any_carried.sum()), len(shares))
    noise = trial_numbers()["trial_sd_ln_share"].value
    largest = shares[:, [GUILDS.index(guild) for guild in guilds]].max(axis=1)
    middle = float(np.median(mapped))
    return FermenterCoverage(
        fibre, guilds, level, reads, len(shares), middle, tuple(rows), low, high,
        above=_classed(2 * level, level, noise, middle, reads),
        below=1 - _classed(level / 2, level, noise, middle, reads),
        changes=_changes(largest[any_seen], level, noise),
    )  # fmt: skip


def _substrate(product: Product | None, fibre: str) -> str:
    if product is not None and product.dose is not None:
        for name in product.dose.driven:
            if name in SUBSTRATES:
                return SUBSTRATES[name]
    known = [
        name
        for name, each in products().items()
        if each.dose is not None and set(each.dose.driven) & set(SUBSTRATES)
    ]
    problem = f'"{fibre}" is no fibre of the model'
    raise FindingsError([Finding("coverage", "fibre", problem, ", ".join(known), "name one of these")])


def _check(table: StoolTable, level: float, reads: int, depth: int | None) -> None:
    found = []
    if not 0 < level < 1:
        found.append(
            Finding("coverage", "level", f"{level:g} is no share", "above 0 and below 1", "correct it")
        )
    if reads < 1:
        found.append(Finding("coverage", "reads", f"{reads} reads", "1 or more", "correct it"))
    if table.scale != "counts" and depth is None:
        problem = f"the table holds {table.scale}, which do not say how many reads stand behind them"
        found.append(Finding(table.file, "", problem, "counts, or a depth", "add --depth READS"))
    if not table.usable.any():
        found.append(
            Finding(table.file, "", "no sample can be used", "one at least", "see: eubiosis profile")
        )
    if found:
        raise FindingsError(found)


def _missed(depth: float, level: float, reads: int) -> float:
    """Return the chance of fewer than ``reads`` reads of a guild at ``level`` (binomial)."""
    from scipy.special import bdtr

    return float(bdtr(reads - 1, int(depth), level)) if depth >= reads else 1.0


def _classed(own: float, level: float, noise: float, depth: float, reads: int) -> float:
    """Return the chance that one sample of a person whose level is ``own`` is classed as a carrier.

    The level varies between samples with a log standard deviation of ``noise`` around the person's own
    median, and reads are binomial. The chance is nearly a step, so it is summed over a fine grid.
    """
    nodes = np.linspace(-6, 6, _NODES)
    weights = np.exp(-(nodes**2) / 2)
    least = max(reads, math.ceil(level * depth - 1e-9))
    levels = np.minimum(own * np.exp(noise * nodes), 1.0)
    chances = np.array([1 - _missed(depth, float(each), least) for each in levels])
    return float(chances @ weights / weights.sum())


def _changes(shares: Array, level: float, noise: float) -> float:
    """Return the expected share of samples whose person's next sample lies on the other side of the level."""
    if not len(shares):
        return float("nan")
    distance = np.abs(np.log(shares / level)) / (noise * math.sqrt(2))
    return float(np.mean(normal_cdf(-distance)))
