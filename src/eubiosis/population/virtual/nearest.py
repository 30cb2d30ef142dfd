"""Distances between compositions: Hellinger's, which needs no replacement of zeros."""

from __future__ import annotations

import numpy as np


def roots_of_shares(counts: np.ndarray) -> np.ndarray:
    """Return the square roots of each person's shares over the square root of two, (people, taxa).

    Euclidean distances between its rows are Hellinger distances: 0 for equal shares, 1 for nothing in common.
    """
    return np.asarray(np.sqrt(counts / counts.sum(axis=1, keepdims=True) / 2))


def nearest_distances(points: np.ndarray, among: np.ndarray, *, rank: int = 1) -> np.ndarray:
    """Return the distance of each point (n, taxa) to the ``rank``-th nearest of ``among`` (m, taxa), (n,)."""
    from scipy.spatial import cKDTree  # half as much again as numpy, and few need it

    distances = cKDTree(among).query(points, k=[rank])[0]
    return np.asarray(distances[:, 0])
