"""Numbers of every sample of a table: intervals from depth, named genera, diversity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eubiosis.analysis.estimators.ecology import alpha_diversity
from eubiosis.analysis.estimators.richness import chao1
from eubiosis.core.guilds import GUILDS
from eubiosis.population.stool.table import StoolTable

_PRIOR = 0.5  # reads added to each guild: Jeffreys' prior of a multinomial
_ROWS = 500
BUTYRATE_PRODUCERS = ("FAE", "ROS", "ANA")  # guilds whose main acid is butyrate; some of CLO make it too
SHARES_ONLY = "the table holds shares and no counts, so that a taxon that was not seen has no meaning"


def counted(table: StoolTable) -> bool:
    """Say whether the cells are whole reads, so that depth means something."""
    return table.scale == "counts" and bool(np.all(table.detection_limit == 1.0))


@dataclass(frozen=True)
class DepthPosterior:
    """What the number of reads leaves open of each sample's guild fractions, arrays (n, guilds).

    ``mean`` and ``sd`` are those of a Dirichlet law: the multinomial likelihood of the mapped reads under
    Jeffreys' prior; ``low`` and ``high`` the 2.5 and 97.5 % points of each guild's beta margin. It speaks
    of counting alone, not of extraction, amplification or the day of the sample.
    """

    mean: np.ndarray
    sd: np.ndarray
    low: np.ndarray
    high: np.ndarray


def depth_posterior(table: StoolTable) -> DepthPosterior | None:
    """Return the posterior of guild fractions from depth, or None for a table without counts."""
    from scipy.special import betaincinv

    if not counted(table):
        return None
    first = table.guild_sums + _PRIOR
    total = first.sum(axis=1, keepdims=True)
    mean = first / total
    sd = np.sqrt(mean * (1 - mean) / (total + 1))
    low, high = (betaincinv(first, total - first, tail) for tail in (0.025, 0.975))
    unusable = ~table.usable
    for values in (mean, sd, low, high):
        values[unusable] = np.nan
    return DepthPosterior(mean, sd, np.asarray(low), np.asarray(high))


@dataclass(frozen=True)
class Measure:
    """One number per sample, (n,), NaN where it is not defined; ``why_not`` where it never is.

    ``diverse`` marks those that say how diverse a sample is.
    """

    name: str
    unit: str
    values: np.ndarray
    why_not: str = ""
    diverse: bool = True


def diversities(table: StoolTable) -> tuple[Measure, ...]:
    """Return what says how diverse the samples are, over the taxa of the table as they are named there.

    Shannon and Simpson are defined for shares too. Richness, Chao1 and coverage need counts.
    """
    assert table.features is not None
    n = len(table.sample_ids)
    found: dict[str, np.ndarray] = {
        name: np.full(n, np.nan) for name in ("shannon", "simpson", "richness", "chao1", "coverage")
    }
    whole = counted(table)
    for start in range(0, n, _ROWS):
        rows = slice(start, start + _ROWS)
        part = _dense(table.features.values[rows])
        found["shannon"][rows] = alpha_diversity(part, "shannon")
        found["simpson"][rows] = alpha_diversity(part, "simpson")
        if whole:
            found["richness"][rows] = alpha_diversity(part, "richness")
            found["chao1"][rows] = chao1(part)
            total = part.sum(axis=1)
            alone = (part == 1).sum(axis=1)
            found["coverage"][rows] = 1 - np.divide(
                alone, total, out=np.full(len(total), np.nan), where=total > 0
            )
    for values in found.values():
        values[~table.usable] = np.nan
    no_singles = whole and not bool(np.any(found["coverage"] < 1))
    no_chao = SHARES_ONLY if not whole else _no_singletons(no_singles)
    return (
        Measure("Shannon", "nats", found["shannon"]),
        Measure("Simpson (1 - sum of squares)", "-", found["simpson"]),
        Measure("observed taxa", "-", found["richness"], "" if whole else SHARES_ONLY),
        Measure("Chao1, taxa", "-", found["chao1"], no_chao),
        Measure("coverage (Good)", "-", found["coverage"], no_chao),
    )


def _no_singletons(none: bool) -> str:
    if not none:
        return ""
    return (
        "no taxon was read exactly once in any sample: denoisers and filters remove such reads, and "
        "estimates of what was not seen rest on them"
    )


def _dense(values: object) -> np.ndarray:
    return values if isinstance(values, np.ndarray) else np.asarray(values.toarray())  # type: ignore[attr-defined]


def butyrate_producers(shares: np.ndarray) -> np.ndarray:
    """Return the plain sum of the butyrate-producing guilds' shares, (n,), from shares (n, guilds)."""
    columns = [GUILDS.index(guild) for guild in BUTYRATE_PRODUCERS]
    return np.asarray(shares[:, columns].sum(axis=1))
