"""The embedded reference population: summaries of a real cohort, and subjects drawn from them.

The package carries means, covariances and shares of groups of at least 100 people, shrunk and rounded; no
value of a single person. They were computed by ``validation/ms_imsms_2022/summarise.py``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.findings import FindingCollector, unknown_word
from eubiosis.core.provenance import Basis, Read
from eubiosis.core.streams import stream
from eubiosis.core.tables import RowProblem, TableRow, read_table
from eubiosis.population.contrast import GuildContrast
from eubiosis.population.covariates import (
    CONTROL,
    SMALLEST_GROUP,
    CovariateDraws,
    CovariateSummary,
    CovariateTable,
)
from eubiosis.population.taxa import GUILDS, Guild

POPULATION_FOLDER = PACKAGED_CONTENT / "population"


class GuildSummary(TableRow):
    """Mean centred log-ratio of a guild in a group, with the 95 % interval of the mean.

    Empty where the guild was not observed. Read fractions of the cohort's platform: only differences
    between groups are used.
    """

    group: str
    people: int
    guild: Guild
    detected_share: float
    mean: float | None = None
    low: float | None = None
    high: float | None = None
    unit: str
    basis: Basis
    read: Read
    source: str

    @model_validator(mode="after")
    def _group_is_large(self) -> GuildSummary:
        if self.people < SMALLEST_GROUP:
            raise RowProblem(f"a summary of {self.people} people", allowed=f"{SMALLEST_GROUP} people or more")
        return self


class GuildCovariance(TableRow):
    """Covariance of two guilds' log-ratios between the people of a group; one row a pair."""

    group: str
    guild_a: Guild
    guild_b: Guild
    covariance: float
    unit: str
    basis: Basis
    read: Read
    source: str


@dataclass(frozen=True)
class ReferencePopulation:
    """Group summaries of guild log-ratios (natural logarithm) and covariates.

    ``detected_share`` (14,) is that of the controls, ``detected`` group -> (14,) of each group.
    ``levels`` (14,) are the controls' mean centred log-ratios: read fractions of the cohort's platform, for
    tables that are made up only. ``contrasts`` group -> (14,), the mean difference from the controls (0 for
    the controls themselves); ``covariances`` group -> (14, 14). ``observed`` (14,) boolean; entries
    of guilds that were not observed are 0. ``roots`` holds a square root of each covariance over the observed
    guilds.
    """

    observed: np.ndarray
    detected_share: np.ndarray
    detected: Mapping[str, np.ndarray]
    levels: np.ndarray
    contrasts: Mapping[str, np.ndarray]
    covariances: Mapping[str, np.ndarray]
    roots: Mapping[str, np.ndarray]
    covariates: CovariateTable

    def groups(self) -> tuple[str, ...]:
        """Name the groups that can be drawn."""
        return tuple(self.contrasts)

    def draw_profiles(self, group: str, size: int, seed: int, *, first: int = 0) -> GuildContrast:
        """Draw the guild contrasts of subjects ``first`` to ``first + size - 1``, as from a stool table.

        Log-ratios are normal with the group's mean and covariance. Subject k depends on the seed, the
        group and k only. Raises ``ValueError`` for an unknown group or a negative size.
        """
        numbers = self._numbers(group, size, first)
        mean, root = self.contrasts[group][self.observed], self.roots[group]
        log_ratios = np.zeros((size, len(GUILDS)))
        for row, number in enumerate(numbers):
            # one subject at a time: its bits cannot depend on the size of the batch
            normals = stream(seed, f"population.profile.{group}", number).standard_normal(len(mean))
            drawn = mean + (root * normals).sum(axis=1)
            log_ratios[row, self.observed] = drawn - drawn.mean()
        return GuildContrast(
            subject_ids=tuple(f"{group}-{number}" for number in numbers),
            log_ratios=log_ratios,
            observed=self.observed,
            detected_share=self.detected_share,
            status=("ok",) * size,
            centre="reference_controls",
            carried=self.carried(group, log_ratios),
        )

    def carried(self, group: str, log_ratios: np.ndarray) -> NDArray[np.bool_]:
        """Return who carries a guild, (n, 14): all but the lowest, as many as had it undetected.

        The group's log-ratios hold replaced zeros in their lower end, so that is where its non-carriers are.
        """
        from scipy.special import ndtri

        spread = np.sqrt(np.diag(self.covariances[group]))
        lowest = self.contrasts[group] + spread * ndtri(1.0 - self.detected[group])
        return np.asarray((log_ratios > lowest) | ~self.observed)

    def draw_covariates(self, group: str, size: int, seed: int, *, first: int = 0) -> CovariateDraws:
        """Draw the covariates of subjects ``first`` onwards, independent of their stool profiles.

        Raises ``ValueError`` as ``draw_profiles`` does.
        """
        return self.covariates.draw(group, self._numbers(group, size, first), seed)

    def _numbers(self, group: str, size: int, first: int) -> range:
        if group not in self.contrasts:
            message = f"group {unknown_word(group, self.contrasts)}; allowed: {', '.join(self.contrasts)}"
            raise ValueError(message)
        if size < 0 or first < 0:
            message = f"size {size}, first {first}; allowed: 0 or more"
            raise ValueError(message)
        return range(first, first + size)


@cache
def load_reference(folder: Path = POPULATION_FOLDER) -> ReferencePopulation:
    """Load the packaged reference population; raises ``FindingsError`` when its tables are damaged.

    >>> load_reference().draw_profiles("MS", size=2, seed=1).subject_ids
    ('MS-0', 'MS-1')
    """
    findings = FindingCollector()
    guilds = read_table(folder / "guild_log_ratios.tsv", GuildSummary, findings)
    pairs = read_table(folder / "guild_covariances.tsv", GuildCovariance, findings)
    covariates = read_table(folder / "covariates.tsv", CovariateSummary, findings)
    groups = list(dict.fromkeys(row.group for row in guilds))
    if not findings.findings and CONTROL not in groups:
        findings.add("guild_log_ratios.tsv", "column group", f'there is no group "{CONTROL}"')
    findings.raise_if_any()
    means = {group: _vector([row for row in guilds if row.group == group]) for group in groups}
    covariances = {group: _matrix([row for row in pairs if row.group == group]) for group in groups}
    observed = np.isin(GUILDS, [row.guild for row in guilds if row.mean is not None])
    shares: dict[str, float] = {row.guild: row.detected_share for row in guilds if row.group == CONTROL}
    detected = {group: _detected([row for row in guilds if row.group == group]) for group in groups}
    return ReferencePopulation(
        observed=observed,
        detected_share=np.array([shares[guild] for guild in GUILDS]),
        detected=MappingProxyType(detected),
        levels=means[CONTROL],
        contrasts=MappingProxyType({group: means[group] - means[CONTROL] for group in groups}),
        covariances=MappingProxyType(covariances),
        roots=MappingProxyType(
            {group: square_root(covariances[group][np.ix_(observed, observed)]) for group in groups}
        ),
        covariates=CovariateTable(tuple(covariates)),
    )


def square_root(covariance: np.ndarray) -> np.ndarray:
    """Return the symmetric square root of a log-ratio covariance, shape (parts, parts), sums of rows 0.

    Rounding leaves row sums that are not quite 0; they are projected out. Raises ``ValueError`` where the
    rest has a variance below zero that rounding cannot explain.
    """
    parts = len(covariance)
    projection = np.eye(parts) - 1.0 / parts
    values, vectors = np.linalg.eigh(projection @ covariance @ projection)
    if values.min() < -1e-3 * values.max():
        message = f"the covariance has a negative variance ({values.min():.3g})"
        raise ValueError(message)
    return np.asarray((vectors * np.sqrt(np.clip(values, 0.0, None))) @ vectors.T)


def _vector(rows: Sequence[GuildSummary]) -> np.ndarray:
    vector = np.zeros(len(GUILDS))
    for row in rows:
        vector[GUILDS.index(row.guild)] = row.mean or 0.0
    return vector


def _detected(rows: Sequence[GuildSummary]) -> np.ndarray:
    vector = np.zeros(len(GUILDS))
    for row in rows:
        vector[GUILDS.index(row.guild)] = row.detected_share
    return vector


def _matrix(rows: Sequence[GuildCovariance]) -> np.ndarray:
    matrix = np.zeros((len(GUILDS), len(GUILDS)))
    for row in rows:
        a, b = GUILDS.index(row.guild_a), GUILDS.index(row.guild_b)
        matrix[a, b] = matrix[b, a] = row.covariance
    return matrix
