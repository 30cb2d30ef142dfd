"""Observed changes of guilds and metabolites from each person's own entry, visit by visit.

Guilds are compared by centred log-ratios (Aitchison): the logarithm of a share less the mean logarithm of all
guild shares of the sample. All logarithms are to base 2.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from eubiosis.analysis.batched.linear import contrasts
from eubiosis.analysis.estimators.multiplicity import adjust
from eubiosis.core.endpoints import ENDPOINTS
from eubiosis.core.trial_stacks import TrialStack

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
GUILD_SHARES = tuple(name for name, row in ENDPOINTS.items() if row.place == "guild")
ACIDS = tuple(name for name, row in ENDPOINTS.items() if row.place in ("stool", "plasma"))
QUANTITIES = (*GUILD_SHARES, *ACIDS)
FALSE_DISCOVERIES = 0.05


def log2_levels(stack: TrialStack, k: int) -> Floats:
    """Return what the k-th trial recorded, (``QUANTITIES``, visits, people), as logarithms to base 2.

    Guilds as centred log-ratios. NaN where nothing was recorded or a value is not above zero; a sample with
    one such share has no centre.
    """
    values = np.array([stack.of_visits[name][:, k] for name in QUANTITIES], dtype=np.float64)
    values[:, ~stack.attended[:, k]] = np.nan
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log2(np.where(values > 0, values, np.nan))
    shares = logs[: len(GUILD_SHARES)]
    shares -= shares.mean(axis=0)
    return np.asarray(logs)


def discoveries(levels: Floats, arm: NDArray[np.int64], control: int, arms: int) -> Bools:
    """Say where an arm differs from control, (arms, quantities, visits after entry); never for the control.

    ``levels`` are those of ``log2_levels``, ``arm`` (people,). Each visit is regressed on arm and the level
    at entry; p-values of guilds and of acids are two families in each arm, over all visits, in which the
    false discovery rate is held under 5 % (Benjamini and Hochberg). A regression that has no answer counts
    as p = 1.
    """
    quantities, visits, people = levels.shape
    order = [control, *(k for k in range(arms) if k != control)]
    batch = quantities * (visits - 1)
    outcome = levels[:, 1:].reshape(batch, people)
    entry = np.repeat(levels[:, 0], visits - 1, axis=0)
    inside = np.stack([np.broadcast_to(arm == k, outcome.shape) for k in order])
    p_values = _p_values(outcome, entry, inside).reshape(quantities, visits - 1, arms - 1)
    found = np.zeros((arms, quantities, visits - 1), dtype=bool)
    for place, k in enumerate(order[1:]):
        for family in (slice(len(GUILD_SHARES)), slice(len(GUILD_SHARES), None)):
            own = p_values[family, :, place]
            found[k, family] = adjust(own.ravel(), "BH").reshape(own.shape) < FALSE_DISCOVERIES
    return found


def _p_values(outcome: Floats, entry: Floats, inside: Bools) -> Floats:
    """Return two-sided p-values of all arms against the first, (batch, arms - 1)."""
    from scipy.special import stdtr

    fit = contrasts(outcome, entry, inside)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = 2.0 * stdtr(fit.freedom[:, None], -np.abs(fit.difference / fit.error))
    return np.where(fit.regular[:, None] & np.isfinite(p), p, 1.0)


def median_changes(parts: Sequence[tuple[Floats, NDArray[np.int64]]], arms: int) -> Floats:
    """Return the median change from entry over people, (arms, quantities, visits after entry).

    ``parts`` are levels (``log2_levels``) and arms of the people of trials, who are put together.
    """
    changes = np.concatenate([levels[:, 1:] - levels[:, :1] for levels, _ in parts], axis=-1)
    arm = np.concatenate([own for _, own in parts])
    found = np.full((arms, *changes.shape[:2]), np.nan)
    for k in range(arms):
        rows = np.sort(changes[..., arm == k], axis=-1)  # NaN at the end
        known = np.count_nonzero(~np.isnan(rows), axis=-1)
        for quantity, visit in zip(*np.nonzero(known), strict=True):
            n = known[quantity, visit]
            found[k, quantity, visit] = rows[quantity, visit, [(n - 1) // 2, n // 2]].mean()
    return found
