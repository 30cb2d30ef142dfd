"""The gut composition that each person is asked to have: presence, level, a centre, and bounds.

Presence and level are two things. Whoever does not carry a guild is asked for a trace of it; the others' log
levels are shrunk to the mean of those who carry it, since one sample shows a level with noise. Levels are put
on a geometric centre: the composition around which the people of the centre have the model's reference as
their *mean*. (Contrasts of logarithms put on an arithmetic mean would raise every guild that varies much:
Akkermansia more than twofold.) The centre is found by proportional fitting: columns are scaled to the wanted
means and rows closed to one in turn, until neither changes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.findings import FindingCollector
from eubiosis.core.guilds import GUILDS
from eubiosis.core.provenance import Basis, Read
from eubiosis.core.streams import stream
from eubiosis.core.tables import TableRow, read_table
from eubiosis.population.contrast import GuildContrast, closed_reference
from eubiosis.population.covariates import CONTROL
from eubiosis.population.reference import POPULATION_FOLDER, load_reference

_ROUNDS, _CLOSE = 2_000, 1e-12
_REFERENCE_DRAWS = 4_000
Flags = NDArray[np.bool_]


class ReliabilityRow(TableRow):
    """How much of a guild's log-ratio in one sample belongs to the person: between 0 and 1."""

    guild: str
    reliability: float
    people: int
    unit: str
    basis: Basis
    read: Read
    source: str
    note: str


class BoundRow(TableRow):
    """A bound of the share that a person is asked to have of a guild (all guilds where none is named)."""

    id: str
    guild: str | None = None
    value: float
    unit: str
    basis: Basis
    read: Read | None = None
    source: str = ""
    note: str


@dataclass(frozen=True)
class Bounds:
    """What is asked for of an absent guild, over its reference share, and the most of each, (guilds,)."""

    trace: float
    most: np.ndarray


def reliability() -> np.ndarray:
    """Return each guild's reliability in one sample, shape (guilds,); 1 where it is not known."""
    known = known_reliability()
    return np.where(np.isnan(known), 1.0, known)


def known_reliability() -> np.ndarray:
    """Return each guild's reliability in one sample, shape (guilds,); NaN where it is not known."""
    findings = FindingCollector()
    rows = read_table(POPULATION_FOLDER / "reliability.tsv", ReliabilityRow, findings)
    findings.raise_if_any()
    known = {row.guild: row.reliability for row in rows}
    return np.array([known.get(guild, np.nan) for guild in GUILDS])


@cache
def load_bounds() -> Bounds:
    """Read the bounds of asked shares."""
    findings = FindingCollector()
    rows = read_table(POPULATION_FOLDER / "bounds.tsv", BoundRow, findings)
    findings.raise_if_any()
    (trace,) = (row.value for row in rows if row.id == "trace")
    most = {row.guild: row.value for row in rows if row.id == "most"}
    return Bounds(trace, np.array([most.get(guild, 1.0) for guild in GUILDS]))


def asked_shares(
    contrast: GuildContrast, reference_fractions: Mapping[str, float], group: NDArray[np.intp]
) -> np.ndarray:
    """Return the share of each guild that people are asked to have, shape (n, 14), rows sum to 1.

    ``reference_fractions`` (guild -> fraction) is the mean that the people of the centre shall have, and
    ``group`` (positions) those to whose mean level each one's level is shrunk. Guilds that were not observed
    keep their reference fraction. Rows of unusable subjects are NaN. Raises ``ValueError`` as
    ``target_fractions`` does.
    """
    usable = ~np.isnan(contrast.log_ratios).any(axis=1)
    carried = _carried(contrast) & usable[:, None]
    levels = shrunk_levels(contrast.log_ratios, carried, group)
    members = usable if contrast.in_centre is None else contrast.in_centre & usable
    reference = closed_reference(reference_fractions)
    if not members.any():
        return np.full(contrast.log_ratios.shape, np.nan)
    centre = geometric_centre(levels[members], carried[members], contrast.observed, reference)
    return shares_around(centre, levels, carried, contrast.observed, reference)


def drawn_shares(contrast: GuildContrast, reference_fractions: Mapping[str, float], group: str) -> np.ndarray:
    """Return the same for subjects drawn from a ``group`` of the embedded reference population.

    Levels are shrunk to the group's own mean; the centre is the one around which its controls have the
    reference as their mean, over a fixed set of draws. A subject depends on nobody else.
    """
    population, reference = load_reference(), closed_reference(reference_fractions)
    carried = _carried(contrast)
    mean = population.contrasts[group]
    levels = mean + reliability() * (contrast.log_ratios - mean)
    return shares_around(
        _centre_of_controls(tuple(reference)), levels, carried, population.observed, reference
    )


@cache
def _centre_of_controls(reference: tuple[float, ...]) -> np.ndarray:
    population = load_reference()
    root = population.roots[CONTROL]
    normals = stream(0, "population.centre", 0).standard_normal((_REFERENCE_DRAWS, len(root)))
    log_ratios = np.zeros((_REFERENCE_DRAWS, len(GUILDS)))
    log_ratios[:, population.observed] = normals @ root
    carried = population.carried(CONTROL, log_ratios)
    levels = reliability() * log_ratios
    return geometric_centre(levels, carried, population.observed, np.array(reference))


def shrunk_levels(log_ratios: np.ndarray, carried: Flags, group: NDArray[np.intp]) -> np.ndarray:
    """Return log-ratios (n, guilds) moved towards the mean of those in ``group`` who carry the guild.

    The sums are exactly rounded, so that the order of people changes no bit.
    """
    centre = np.zeros(log_ratios.shape[1])
    for k in range(log_ratios.shape[1]):
        values = log_ratios[group, k][carried[group, k]]
        if len(values):
            centre[k] = math.fsum(values) / len(values)
    return np.asarray(centre + reliability() * (log_ratios - centre))


def geometric_centre(
    levels: np.ndarray, carried: Flags, observed: Flags, reference: np.ndarray
) -> np.ndarray:
    """Return the composition (guilds,) around which some people have the reference as their mean.

    ``levels`` (n, guilds) are log-ratios, ``carried`` (n, guilds) says who has a guild at all. A guild that
    none of them carries keeps its reference share, and so does one that is not observed.
    """
    used = observed & carried.any(axis=0)
    parts = np.where(carried, np.exp(levels), 0.0)[:, used]
    wanted = reference[used] / reference[used].sum()
    centre = wanted.copy()
    for _ in range(_ROUNDS):
        shares = parts * centre
        shares /= shares.sum(axis=1, keepdims=True)
        means = np.array([math.fsum(column) for column in shares.T]) / len(shares)
        moved = centre * wanted / means
        moved /= moved.sum()
        settled = np.max(np.abs(np.log(moved / centre))) < _CLOSE
        centre = moved
        if settled:
            break
    found = reference.copy()
    found[used] = centre * reference[used].sum()
    return found


def shares_around(
    centre: np.ndarray, levels: np.ndarray, carried: Flags, observed: Flags, reference: np.ndarray
) -> np.ndarray:
    """Put levels on a centre, within the bounds, shape (n, guilds); NaN where the levels are."""
    bounds = load_bounds()
    known = ~np.isnan(levels).any(axis=1)
    parts = np.where(carried[known], centre * np.exp(levels[known]), 0.0)[:, observed]
    parts /= parts.sum(axis=1, keepdims=True)
    here = reference[observed]
    total = float(here.sum())
    asked = np.full(levels.shape, np.nan)
    asked[known] = reference
    asked[np.ix_(known, observed)] = _within(
        parts * total, bounds.trace * here, np.maximum(bounds.most[observed], here)
    )
    return asked


def _within(shares: np.ndarray, least: np.ndarray, most: np.ndarray) -> np.ndarray:
    """Bring shares (n, parts) between bounds (parts,); what is not at a bound gives or takes in proportion.

    The sum of a row is kept, and where it can only be kept beyond a bound, all parts give way.
    """
    total = shares.sum(axis=1, keepdims=True)
    fixed, bounded = np.zeros(shares.shape, dtype=bool), shares
    for _ in range(shares.shape[1]):
        over, under = ~fixed & (bounded > most), ~fixed & (bounded < least)
        if not (over | under).any():
            break
        bounded = np.where(over, most, np.where(under, least, bounded))
        fixed |= over | under
        rest = total - np.sum(bounded, axis=1, keepdims=True, where=fixed)
        free = np.sum(bounded, axis=1, keepdims=True, where=~fixed)
        scale = np.where((free > 0) & (rest > 0), rest / np.where(free > 0, free, 1.0), 1.0)
        bounded = np.where(fixed, bounded, bounded * scale)
    return np.asarray(bounded * (total / bounded.sum(axis=1, keepdims=True)))


def _carried(contrast: GuildContrast) -> Flags:
    if contrast.carried is None:
        return np.ones(contrast.log_ratios.shape, dtype=bool)
    return np.asarray(contrast.carried | ~contrast.observed)
