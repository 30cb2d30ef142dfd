"""Compare virtual with real people: shares, presence, spread, co-occurrence, diversity, distances."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import PurePath

import numpy as np

from eubiosis.core.findings import Finding, FindingsError
from eubiosis.core.population_description import (
    Both,
    GroupComparison,
    PairAgreement,
    PopulationDescription,
    TaxonComparison,
)
from eubiosis.core.streams import stream
from eubiosis.population.stool.table import StoolTable
from eubiosis.population.virtual.align import Aligned, aligned
from eubiosis.population.virtual.fit import ALL
from eubiosis.population.virtual.nearest import nearest_distances, roots_of_shares

LEAST_PEOPLE = 10
_COMMON = 0.1  # of either kind who carry a taxon, for its log-ratio and correlations
_EVER, _NEVER = 0.95, 0.05  # carried shares between which presence says something
_MOST_TAXA_PAIRED = 60
_MOST_TOLD = 400


def describe(virtual: StoolTable, real: StoolTable) -> PopulationDescription:
    """Return how virtual people compare with real ones, in every group that both tables have.

    Without groups in both, all people are one. Raises ``FindingsError`` for tables that share no group with
    ten people of each kind, or too few taxa.

    >>> from tempfile import TemporaryDirectory
    >>> from eubiosis.population import read_profiles, write_example_table
    >>> with TemporaryDirectory() as folder:
    ...     real = read_profiles(write_example_table(f"{folder}/a.tsv"))
    ...     virtual = read_profiles(write_example_table(f"{folder}/b.tsv", seed=1))
    >>> [(group.group, group.copies) for group in describe(virtual, real).groups]
    [('MS', 0), ('Control', 0)]
    """
    one, other = aligned(virtual, real)
    notes = []
    shared = [name for name in dict.fromkeys(one.groups) if name in other.groups]
    if virtual.groups is None or real.groups is None or not shared:
        one, other = (Aligned(t.taxa, t.counts, (ALL,) * len(t.groups)) for t in (one, other))
        shared, notes = [ALL], ["the two tables share no groups: all people are compared as one"]
    enough = [g for g in shared if min(len(one.of(g)), len(other.of(g))) >= LEAST_PEOPLE]
    if not enough:
        sizes = "; ".join(f"{g}: {len(one.of(g))} and {len(other.of(g))}" for g in shared)
        problem = f"too few people in every group ({sizes})"
        raise FindingsError(
            [Finding(virtual.file, "", problem, f"{LEAST_PEOPLE} of each kind", "draw or bring more people")]
        )
    notes += [f"group {g} is left out: fewer than {LEAST_PEOPLE} people" for g in shared if g not in enough]
    groups = tuple(_group(g, one.taxa, one.of(g), other.of(g)) for g in enough)
    return PopulationDescription(PurePath(virtual.file).name, PurePath(real.file).name, groups, tuple(notes))


def _group(name: str, taxa: tuple[str, ...], virtual: np.ndarray, real: np.ndarray) -> GroupComparison:
    kinds = (virtual, real)
    shares = [counts / counts.sum(axis=1, keepdims=True) for counts in kinds]
    carried = [(counts > 0).mean(axis=0) for counts in kinds]
    ratios = [_log_ratios(counts) for counts in kinds]
    common = np.flatnonzero(np.maximum(*carried) >= _COMMON)
    difference, sd_ratio = _standardised(*ratios)
    halves, scale = _halves(real, len(virtual))
    chance, _ = _standardised(*(_log_ratios(half) for half in halves))
    by_size = common[np.argsort(-shares[1][:, common].mean(axis=0))][:_MOST_TAXA_PAIRED]
    told = np.flatnonzero(np.all([(c > _NEVER) & (c < _EVER) for c in carried], axis=0))[:_MOST_TAXA_PAIRED]
    small = np.abs(difference[common])
    apart, distance, closer, copies = _distances(virtual, real)
    diversity = [_shannon(each) for each in shares]
    seen = [(counts > 0).sum(axis=1) for counts in kinds]
    return GroupComparison(
        group=name,
        people=Both(len(virtual), len(real)),
        pooled_share=_pair(shares, lambda each: each[:, -1].mean()),
        depth=_pair(kinds, lambda counts: np.median(counts.sum(axis=1))),
        zeros=_pair(kinds, lambda counts: (counts == 0).mean()),
        shannon=_pair(diversity, np.mean),
        shannon_sd=_pair(diversity, np.std),
        taxa_seen=_pair(seen, np.mean),
        taxa_seen_sd=_pair(seen, np.std),
        taxa=tuple(
            TaxonComparison(
                taxa[j],
                Both(*(float(each[:, j].mean()) for each in shares)),
                Both(*(float(each[j]) for each in carried)),
                float(difference[j]),
                float(sd_ratio[j]),
            )
            for j in common[np.argsort(-shares[1][:, common].mean(axis=0))]
        ),
        within_tenth=float((small <= 0.1).mean()),
        within_quarter=float((small <= 0.25).mean()),
        largest_difference=float(small.max()),
        largest_by_chance=float(np.abs(chance[common]).max() * scale),
        correlations=_agreement(virtual, real, halves, scale, by_size, _rank_correlations),
        presence=_agreement(virtual, real, halves, scale, told, _presence_correlations),
        told_apart=apart,
        distance=distance,
        closer_than_real=closer,
        copies=copies,
    )


def _pair(kinds: Sequence[np.ndarray], figure: Callable[[np.ndarray], float]) -> Both:
    """Return a figure of the virtual and of the real people."""
    virtual, real = kinds
    return Both(float(figure(virtual)), float(figure(real)))


def _log_ratios(counts: np.ndarray) -> np.ndarray:
    logs = np.log(counts + 0.5)
    return np.asarray(logs - logs.mean(axis=1, keepdims=True))


def _standardised(one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the differences of the means over the pooled standard deviation, and the ratio of the two."""
    first, second = (np.maximum(ratios.std(axis=0, ddof=1), 1e-9) for ratios in (one, other))
    pooled = np.sqrt((first**2 + second**2) / 2)
    return (one.mean(axis=0) - other.mean(axis=0)) / pooled, first / second


def _halves(real: np.ndarray, virtual_people: int) -> tuple[tuple[np.ndarray, np.ndarray], float]:
    """Return random halves of the real people, and what their difference has to be multiplied by.

    Two means of n / 2 people each differ by a variance of 4 / n, those of n and m by 1 / n + 1 / m.
    """
    order = stream(0, "population.describe.halves").permutation(len(real))
    half = len(real) // 2
    scale = np.sqrt((1 / len(real) + 1 / virtual_people) / (4 / len(real)))
    return (real[order[:half]], real[order[half:]]), float(scale)


def _shannon(shares: np.ndarray) -> np.ndarray:
    held = np.where(shares > 0, shares, 1.0)
    return np.asarray(-(held * np.log(held)).sum(axis=1))


def _agreement(
    virtual: np.ndarray,
    real: np.ndarray,
    halves: tuple[np.ndarray, np.ndarray],
    scale: float,
    columns: np.ndarray,
    correlate: Callable[[np.ndarray], np.ndarray],
) -> PairAgreement:
    pairs = np.triu_indices(len(columns), 1)
    if len(pairs[0]) < 3:
        return PairAgreement(len(pairs[0]), None, None, None, (), ())
    found = [correlate(counts[:, columns])[pairs] for counts in (virtual, real, *halves)]
    vary = min(np.std(found[0]), np.std(found[1])) > 0
    return PairAgreement(
        len(pairs[0]),
        float(np.sqrt(np.mean((found[0] - found[1]) ** 2))),
        float(np.corrcoef(found[0], found[1])[0, 1]) if vary else None,
        float(np.sqrt(np.mean((found[2] - found[3]) ** 2)) * scale),
        tuple(found[0].tolist()),
        tuple(found[1].tolist()),
    )


def _rank_correlations(counts: np.ndarray) -> np.ndarray:
    """Return Spearman's correlations of shares, (taxa, taxa); 0 where a taxon does not vary."""
    from scipy.stats import rankdata

    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return _correlations(rankdata(shares, axis=0))


def _presence_correlations(counts: np.ndarray) -> np.ndarray:
    """Return the correlations of presence (phi), (taxa, taxa); 0 where all or none carry a taxon."""
    return _correlations((counts > 0).astype(float))


def _correlations(values: np.ndarray) -> np.ndarray:
    centred = values - values.mean(axis=0)
    spread = centred.std(axis=0)
    scaled = np.divide(centred, spread, out=np.zeros_like(centred), where=spread > 0)
    return np.asarray(scaled.T @ scaled / len(values))


def _distances(virtual: np.ndarray, real: np.ndarray) -> tuple[float, Both, float, int]:
    """Return how well nearest neighbours tell the kinds apart, distances to real people, and copies."""
    to_real = nearest_distances(roots_of_shares(virtual), roots_of_shares(real))
    among_real = nearest_distances(roots_of_shares(real), roots_of_shares(real), rank=2)
    size = min(len(virtual), len(real), _MOST_TOLD)
    some = [
        counts[stream(0, f"population.describe.{kind}").permutation(len(counts))[:size]]
        for kind, counts in (("virtual", virtual), ("real", real))
    ]
    points = [roots_of_shares(counts) for counts in some]
    own = [nearest_distances(p, p, rank=2) for p in points]
    across = [nearest_distances(points[0], points[1]), nearest_distances(points[1], points[0])]
    votes = [np.where(a == b, 0.5, a < b).mean() for a, b in zip(own, across, strict=True)]
    closer = float((to_real < np.quantile(among_real, 0.05)).mean())
    distance = Both(float(np.median(to_real)), float(np.median(among_real)))
    return float(np.mean(votes)), distance, closer, int((to_real == 0).sum())
