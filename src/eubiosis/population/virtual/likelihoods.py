"""Counts of each taxon as a zero-inflated Poisson-lognormal: who carries it, and how much carriers have.

A person carries taxon j with probability ``carried[j]``; a carrier's log share is normal with
``level_mean[j]`` and ``level_sd[j]`` (natural logarithm), and the count is Poisson around share times depth.
So a zero is either an absence or a share too small for the depth, and deep samples show more taxa. The
likelihood of each count is tabulated once over a grid of log shares; fitting (expectation and maximisation)
and scoring are then products.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, ndtr, ndtri

_NODES = 48
_ROUNDS = 80
_BELOW = 0.1  # reads at the lower end of the grid, in the deepest sample
_ABOVE = 1.0  # log units over the largest share seen
_LARGEST_SD = 4.0
_EDGE = 1e-3  # probabilities are kept this far from 0 and 1
Rows = NDArray[np.intp]


@dataclass(frozen=True)
class Marginals:
    """The three numbers of each taxon, (taxa,) each: probability to carry, mean and sd of the log share."""

    carried: np.ndarray
    level_mean: np.ndarray
    level_sd: np.ndarray


@dataclass(frozen=True)
class CountLikelihoods:
    """Likelihoods of counts over a grid of log shares.

    ``nodes`` (taxa, K); ``given`` (taxa, people, K), each row over its largest entry, whose logarithm is
    ``scale`` (taxa, people); ``if_absent`` (taxa, people) the likelihood of the count where the taxon is
    absent, over the same entry: 0 unless the count is.
    """

    nodes: np.ndarray
    given: np.ndarray
    scale: np.ndarray
    if_absent: np.ndarray

    @classmethod
    def of(cls, counts: np.ndarray, depths: np.ndarray) -> CountLikelihoods:
        """Tabulate counts (people, taxa) at depths (people,) in reads."""
        top = np.log(np.max(counts / depths[:, None], axis=0) + 1.0 / depths.max()) + _ABOVE
        low = np.log(_BELOW / depths.max())
        nodes = low + (np.minimum(top, 0.0) - low)[:, None] * np.linspace(0.0, 1.0, _NODES)
        given = np.empty((counts.shape[1], len(depths), _NODES), dtype=np.float32)
        scale = np.empty(given.shape[:2])
        for j, column in enumerate(counts.T):
            expected = np.log(depths)[:, None] + nodes[j]
            logs = column[:, None] * expected - np.exp(expected) - gammaln(column + 1)[:, None]
            scale[j] = logs.max(axis=1)
            given[j] = np.exp(logs - scale[j][:, None])
        if_absent = np.where(counts.T == 0, np.exp(-scale), 0.0)
        return cls(nodes, given, scale, if_absent)

    def fit(self, rows: Rows) -> Marginals:
        """Return the most likely numbers of each taxon, given some of the people (positions)."""
        given, absent = self.given[:, rows], self.if_absent[:, rows]
        spacing = self.nodes[:, 1] - self.nodes[:, 0]
        seen = np.clip((absent == 0).mean(axis=1), _EDGE, 1 - _EDGE)
        carried, mean = seen, self._first_mean(rows)
        sd = np.ones(len(seen))
        for _ in range(_ROUNDS):
            weights = _node_weights(self.nodes, mean, sd)
            seen_there = np.matmul(given, weights[:, :, None])[:, :, 0]
            whole = carried[:, None] * seen_there + (1 - carried)[:, None] * absent
            carrier = carried[:, None] * seen_there / whole
            mass = weights * np.matmul((carrier / seen_there)[:, None, :], given)[:, 0, :]
            total = mass.sum(axis=1)
            carried = np.clip(carrier.mean(axis=1), _EDGE, 1 - _EDGE)
            mean = (mass * self.nodes).sum(axis=1) / total
            spread = (mass * (self.nodes - mean[:, None]) ** 2).sum(axis=1) / total
            sd = np.clip(np.sqrt(spread), 0.6 * spacing, _LARGEST_SD)
        return Marginals(carried, mean, sd)

    def scores(self, marginals: Marginals, rows: Rows) -> tuple[np.ndarray, np.ndarray]:
        """Return each person's expected normal score and log likelihood in each taxon, (people, taxa) each.

        The score stands for presence and level together: below the threshold of the carriers, or above it
        by the level.
        """
        weights = _node_weights(self.nodes, marginals.level_mean, marginals.level_sd)
        given, absent = self.given[:, rows], self.if_absent[:, rows]
        seen_there = np.matmul(given, weights[:, :, None])[:, :, 0]
        carried = marginals.carried[:, None]
        whole = carried * seen_there + (1 - carried) * absent
        level = ndtr((self.nodes - marginals.level_mean[:, None]) / marginals.level_sd[:, None])
        z = ndtri(np.clip(1 - carried + carried * level, _EDGE / 10, 1 - _EDGE / 10))
        mean_if_carried = np.matmul(given, (weights * z)[:, :, None])[:, :, 0] / seen_there
        threshold = ndtri(1 - carried)
        mean_if_absent = -np.exp(-0.5 * threshold**2) / np.sqrt(2 * np.pi) / (1 - carried)
        carrier = carried * seen_there / whole
        score = carrier * mean_if_carried + (1 - carrier) * mean_if_absent
        return score.T, (np.log(whole) + self.scale[:, rows]).T

    def _first_mean(self, rows: Rows) -> np.ndarray:
        best = np.take_along_axis(self.nodes, self.given[:, rows].argmax(axis=2), axis=1)
        seen = self.if_absent[:, rows] == 0
        total = np.where(seen, best, 0.0).sum(axis=1)
        return np.where(seen.any(axis=1), total / np.maximum(seen.sum(axis=1), 1), self.nodes[:, 0])


def _node_weights(nodes: np.ndarray, mean: np.ndarray, sd: np.ndarray) -> np.ndarray:
    logs = -0.5 * ((nodes - mean[:, None]) / sd[:, None]) ** 2
    weights = np.exp(logs - logs.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))
