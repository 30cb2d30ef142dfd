"""Where samples lie among the controls of the packaged reference population: Aitchison distances.

The Aitchison distance of two compositions is the Euclidean distance of their centred log-ratios (Aitchison
1982, cited as in ``contrast``). It is taken over the guilds that table and reference both observe, after
both are centred over these.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.findings import FindingCollector
from eubiosis.core.guilds import GUILDS
from eubiosis.core.streams import stream
from eubiosis.core.tables import read_table
from eubiosis.population.contrast import GuildContrast, centred_log_ratios, replace_zeros
from eubiosis.population.covariates import CONTROL
from eubiosis.population.reference import POPULATION_FOLDER, GuildSummary, load_reference
from eubiosis.population.stool.table import StoolTable

_DRAWS = 4_000


@dataclass(frozen=True)
class Position:
    """Distances of n samples and what they are compared with.

    ``distances`` (n,), NaN for a sample that cannot be used; ``reference`` (draws,), sorted, the distances
    of controls of the reference population from their mean; ``guilds`` those that entered.
    """

    distances: np.ndarray
    reference: np.ndarray
    guilds: tuple[str, ...]

    def percentiles(self, distances: np.ndarray | None = None) -> np.ndarray:
        """Return the share of the reference's controls that lie nearer than each distance, 0-1."""
        asked = self.distances if distances is None else np.asarray(distances)
        found = np.searchsorted(self.reference, asked, side="left") / len(self.reference)
        return np.where(np.isnan(asked), np.nan, found)


def aitchison(compositions: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """Return the Aitchison distance of each composition (n, parts) to a centre (parts,); parts positive.

    >>> float(aitchison(np.array([[2.0, 1.0]]), np.array([1.0, 1.0]))[0].round(4))  # ln 2 over root 2
    0.4901
    """
    away = centred_log_ratios(np.asarray(compositions, dtype=np.float64))
    away = away - centred_log_ratios(np.asarray(centre, dtype=np.float64)[None])
    return np.asarray(np.sqrt((away**2).sum(axis=1)))


def position_by_level(table: StoolTable, contrast: GuildContrast) -> Position:
    """Return distances to the mean of the reference's controls, with all that platforms differ by."""
    shared = contrast.observed & load_reference().observed
    replaced, _ = replace_zeros(table.guild_sums[:, shared], table.detection_limit)
    replaced[np.isnan(contrast.log_ratios).any(axis=1)] = np.nan
    mean = _control_means()[shared]
    return Position(aitchison(replaced, np.exp(mean)), _reference_distances(shared), _names(shared))


def position_by_contrast(contrast: GuildContrast) -> Position:
    """Return distances to the centre of the own table, beside those of controls from their own mean."""
    shared = contrast.observed & load_reference().observed
    away = contrast.log_ratios[:, shared]
    away = away - away.mean(axis=1, keepdims=True)
    distances = np.sqrt((away**2).sum(axis=1))
    return Position(distances, _reference_distances(shared), _names(shared))


def _names(flags: NDArray[np.bool_]) -> tuple[str, ...]:
    return tuple(guild for guild, flag in zip(GUILDS, flags, strict=True) if flag)


@cache
def _control_means() -> np.ndarray:
    """Return the mean log-ratio of the reference's controls on their own platform, (guilds,); 0: unseen."""
    findings = FindingCollector()
    rows = read_table(POPULATION_FOLDER / "guild_log_ratios.tsv", GuildSummary, findings)
    findings.raise_if_any()
    means: dict[str, float] = {row.guild: row.mean or 0.0 for row in rows if row.group == CONTROL}
    return np.array([means[guild] for guild in GUILDS])


def _reference_distances(shared: NDArray[np.bool_]) -> np.ndarray:
    return _sorted_distances(tuple(shared.tolist()))


@cache
def _sorted_distances(shared: tuple[bool, ...]) -> np.ndarray:
    """Return the sorted distances of drawn controls from their mean over some guilds, (draws,)."""
    population = load_reference()
    root = population.roots[CONTROL]
    normals = stream(0, "population.position", 0).standard_normal((_DRAWS, len(root)))
    away = np.zeros((_DRAWS, len(GUILDS)))
    away[:, population.observed] = normals @ root
    part = away[:, np.array(shared)]
    part -= part.mean(axis=1, keepdims=True)
    return np.asarray(np.sort(np.sqrt((part**2).sum(axis=1))))
