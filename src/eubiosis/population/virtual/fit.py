"""Fit a generator to a stool table: taxa, likelihoods, correlations, and noise on every number."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.findings import Finding, FindingsError
from eubiosis.core.streams import stream
from eubiosis.population.stool.features import FeatureTable
from eubiosis.population.stool.table import StoolTable
from eubiosis.population.virtual.correlation import latent_correlation, positive
from eubiosis.population.virtual.generator import Generator, GroupModel, draw_together
from eubiosis.population.virtual.likelihoods import CountLikelihoods, Marginals

MOST_TAXA = 60
POOLED = "other taxa"
_SEEN_IN = 0.1  # of the people of a table: rarer taxa are pooled
_LEAST_PEOPLE = 5
_CALIBRATION_PEOPLE = 1_000
_ROUNDS = 3
_EDGE = 1e-3  # a probability to carry is kept this far from 0 and 1
_STEP = 0.5  # the most that one round moves a log level
ALL = "all"


@dataclass(frozen=True)
class FitData:
    """Counts that a generator is fitted to: (people, taxa), depths (people,), and the group of each."""

    taxa: tuple[str, ...]
    counts: np.ndarray
    depths: np.ndarray
    groups: tuple[str, ...]
    file: str
    platform: str

    def members(self, group: str) -> NDArray[np.intp]:
        """Return the positions of the people of a group."""
        return np.flatnonzero([own == group for own in self.groups])

    def names(self) -> tuple[str, ...]:
        """Name the groups, in the order in which they first appear."""
        return tuple(dict.fromkeys(self.groups))


def fit_data(stool: StoolTable, *, groups: Sequence[str] = (), most_taxa: int = MOST_TAXA) -> FitData:
    """Return the counts that a generator can be fitted to: usable samples, common taxa, the rest pooled.

    Taxa that fewer than a tenth of the people carry, or beyond the ``most_taxa`` largest, are added up: what
    few people carry tells who they are. Shares are taken as counts of the reads that their detection limit
    implies. Raises ``FindingsError`` for a table without taxa, for groups that it lacks, or too few people.
    """
    table = features_of(stool)
    own = stool.groups if stool.groups is not None else (ALL,) * len(stool.sample_ids)
    unknown = [group for group in groups if group not in own]
    keep = np.flatnonzero(
        [fine and group != "" and (not groups or group in groups)
         for fine, group in zip(stool.usable, own, strict=True)]
    )  # fmt: skip
    few = [g for g in dict.fromkeys(own[i] for i in keep) if sum(own[i] == g for i in keep) < _LEAST_PEOPLE]
    if unknown or few or not len(keep):
        problem = (
            f'the group "{unknown[0]}" is not in the table' if unknown
            else f'the group "{few[0]}" has fewer than {_LEAST_PEOPLE} usable samples' if few
            else "no usable sample in a group"
        )  # fmt: skip
        allowed = ", ".join(sorted({*own} - {""})) or "a table with groups"
        raise FindingsError([Finding(stool.file, "groups", problem, allowed, "name other groups")])
    values = table.values[keep]
    dense = np.asarray(values if isinstance(values, np.ndarray) else values.toarray(), dtype=float)
    counts = np.round(dense if stool.scale == "counts" else dense / stool.detection_limit[keep][:, None])
    counts = counts[:, counts.sum(axis=0) > 0]
    labels = [label for label, total in zip(table.labels, dense.sum(axis=0), strict=True) if total > 0]
    order = np.argsort(-counts.mean(axis=0), kind="stable")
    common = [j for j in order if (counts[:, j] > 0).mean() >= _SEEN_IN][:most_taxa]
    rest = np.setdiff1d(np.arange(counts.shape[1]), common)
    columns, names = [counts[:, j] for j in common], [labels[j] for j in common]
    if len(rest):
        columns, names = [*columns, counts[:, rest].sum(axis=1)], [*names, POOLED]
    chosen = np.column_stack(columns)
    return FitData(
        tuple(names), chosen, chosen.sum(axis=1), tuple(own[i] for i in keep), stool.file, stool.platform
    )


def fit_generator(
    stool: StoolTable,
    *,
    groups: Sequence[str] = (),
    most_taxa: int = MOST_TAXA,
    blur: float = 0.0,
    basis: str = "",
) -> Generator:
    """Return a generator fitted to a stool table, for every group of it or those named.

    Presence and level of each taxon are a zero-inflated Poisson-lognormal given the depth, co-occurrence a
    normal copula of both together, shrunk to independence. ``blur`` puts normal noise of so many standard
    errors on every number; it is the same for the same table. One sample a person is assumed. Nothing is
    exported here: see ``check_export``. Raises ``FindingsError`` as ``fit_data`` does.

    >>> from tempfile import TemporaryDirectory
    >>> from eubiosis.population import read_profiles, write_example_table
    >>> with TemporaryDirectory() as folder:
    ...     stool = read_profiles(write_example_table(f"{folder}/stool.tsv"))
    >>> fit_generator(stool, groups=["MS"], most_taxa=8).draw(3, seed=1).counts.shape
    (3, 9)
    """
    data = fit_data(stool, groups=groups, most_taxa=most_taxa)
    models = {}
    for name in data.names():
        rows = data.members(name)
        likelihoods = CountLikelihoods.of(data.counts[rows], data.depths[rows])
        model = fit_group(likelihoods, data.depths[rows], np.arange(len(rows)))
        model = blurred(model, blur, _key(data.counts[rows]))
        models[name] = calibrated(model, data.counts[rows])
    return Generator(data.taxa, models, PurePath(stool.file).name, stool.platform, blur, basis)


def fit_group(likelihoods: CountLikelihoods, depths: np.ndarray, rows: NDArray[np.intp]) -> GroupModel:
    """Fit a group to some of its people (positions ``rows``); ``depths`` are those of all of them."""
    marginals = likelihoods.fit(rows)
    scores, _ = likelihoods.scores(marginals, rows)
    logs = np.log(depths[rows])
    return GroupModel(len(rows), marginals, latent_correlation(scores), float(logs.mean()), float(logs.std()))


def blurred(model: GroupModel, blur: float, key: int) -> GroupModel:
    """Put normal noise of ``blur`` standard errors on every number of a group; the key gives the noise."""
    if not blur:
        return model
    random, own, n = stream(key, "population.virtual.blur"), model.marginals, model.people
    taxa = len(own.carried)
    carriers = np.maximum(n * own.carried, 1.0)
    near = (n * own.carried + 1) / (n + 2)  # a share of 0 or 1 has an error too
    shifted = own.carried + blur * random.standard_normal(taxa) * np.sqrt(near * (1 - near) / n)
    noise = np.triu(random.standard_normal((taxa, taxa)), 1) * (1 - model.correlation**2) / np.sqrt(n)
    return replace(
        model,
        marginals=Marginals(
            np.clip(shifted, _EDGE, 1 - _EDGE),
            own.level_mean + blur * own.level_sd * random.standard_normal(taxa) / np.sqrt(carriers),
            own.level_sd
            * np.exp(np.clip(blur * random.standard_normal(taxa) / np.sqrt(2 * carriers), -1, 1)),
        ),
        correlation=positive(np.clip(model.correlation + blur * (noise + noise.T), -0.99, 0.99)),
        log_depth_mean=model.log_depth_mean
        + blur * model.log_depth_sd * random.standard_normal() / np.sqrt(n),
    )


def calibrated(model: GroupModel, counts: np.ndarray) -> GroupModel:
    """Move log levels until the mean log share of those who carry a taxon is that of the table.

    Shares of a person are closed to one after they are drawn, which moves levels a little.
    """
    wanted = _mean_log_share(counts)
    for _ in range(_ROUNDS):
        drawn = draw_together(model, _CALIBRATION_PEOPLE, stream(0, "population.virtual.calibration"))
        step = np.nan_to_num(np.clip(wanted - _mean_log_share(drawn), -_STEP, _STEP))
        moved = replace(model.marginals, level_mean=model.marginals.level_mean + step)
        model = replace(model, marginals=moved)
    return model


def _mean_log_share(counts: np.ndarray) -> np.ndarray:
    shares = counts / counts.sum(axis=1, keepdims=True)
    seen = counts > 0
    logs = np.log(np.where(seen, shares, 1.0)).sum(axis=0)
    return np.where(seen.any(axis=0), logs / np.maximum(seen.sum(axis=0), 1), np.nan)


def features_of(stool: StoolTable) -> FeatureTable:
    """Return the taxa of a table; raises ``FindingsError`` where it was made without them."""
    if stool.features is None:
        raise FindingsError(
            [Finding(stool.file, "", "the table has no taxa", "a table that was read from a file",
                     "read it with read_profiles")]
        )  # fmt: skip
    return stool.features


def _key(counts: np.ndarray) -> int:
    """Return a number that the counts decide: one table always gets one noise, which no average removes."""
    digest = hashlib.sha256(np.ascontiguousarray(counts, dtype="<i8").tobytes()).digest()
    return int.from_bytes(digest[:4], "big")
