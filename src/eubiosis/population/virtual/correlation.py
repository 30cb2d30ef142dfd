"""Correlations of normal scores: corrected for what counts hide, shrunk to independence, positive."""

from __future__ import annotations

import numpy as np

_LEAST_RELIABILITY = 0.3
_LARGEST = 0.95
_SMALLEST_EIGENVALUE = 1e-3


def latent_correlation(scores: np.ndarray) -> np.ndarray:
    """Return the correlation of the scores behind ``scores`` (people, taxa), expected values given counts.

    The covariance of expected scores is smaller than that of the scores by both their reliabilities (their
    variances), to first order in the correlation (Mehler's series). The result is shrunk towards the identity
    by the share of its squared entries that is sampling noise (Schaefer and Strimmer 2005, recalled).
    """
    centred = scores - scores.mean(axis=0)
    spread = np.maximum(centred.std(axis=0), 1e-9)
    reliability = np.maximum(spread**2, _LEAST_RELIABILITY)
    observed = centred / spread
    plain = observed.T @ observed / len(scores)
    noise = (observed**2).T @ (observed**2) / len(scores) - plain**2
    off = ~np.eye(len(plain), dtype=bool)
    signal = float((plain[off] ** 2).sum())
    shrink = min(1.0, float(noise[off].sum()) / max(len(scores) - 1, 1) / signal) if signal else 1.0
    corrected = plain * np.outer(spread, spread) / np.outer(reliability, reliability)
    return positive((1 - shrink) * np.clip(corrected, -_LARGEST, _LARGEST))


def positive(correlation: np.ndarray) -> np.ndarray:
    """Return the matrix with a unit diagonal and without negative eigenvalues."""
    matrix = (correlation + correlation.T) / 2
    np.fill_diagonal(matrix, 1.0)
    values, vectors = np.linalg.eigh(matrix)
    if values[0] >= _SMALLEST_EIGENVALUE:
        return np.asarray(matrix)
    lifted = (vectors * np.maximum(values, _SMALLEST_EIGENVALUE)) @ vectors.T
    scale = np.sqrt(np.diag(lifted))
    return np.asarray(lifted / np.outer(scale, scale))


def correlation_root(correlation: np.ndarray) -> np.ndarray:
    """Return the symmetric square root of a correlation matrix."""
    values, vectors = np.linalg.eigh(correlation)
    return np.asarray((vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T)
