"""Niche factors: the guild fitness that holds a person's own gut composition.

Uptake is linear in a guild's niche factor w, so with the composition held the other states and the total
biomass relax, and w follows in closed form from growth = loss. The common scale of the factors is nearly
free; it is fixed by holding their geometric mean at one value for everybody.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from eubiosis.engine.kernel import Array, Kernel
from eubiosis.model.content import GUILDS

OK = "ok"
NICHE_UNSOLVED = "niche_unsolved"
_HORIZON = 400.0  # days of relaxation; the slowest microbial mode is about 0.1 a day
_SETTLED = 1e-7  # largest relative rate of change (per day) that counts as settled


@dataclass(frozen=True)
class Niche:
    """Niche factors of one person.

    ``factors`` has shape (guilds,) in the order of ``GUILDS``; ``states`` is the held steady state, shape
    (states,). With status ``niche_unsolved`` both hold NaN.
    """

    factors: Array
    states: Array
    status: str


def fold_shares(reference: Array, folds: Array) -> Array:
    """Return shares of reference x fold, renormalised to sum to one; shapes (guilds,).

    On the log-ratio scale this adds the centred logarithm of the folds to the reference composition.
    """
    shares = reference * folds
    return np.asarray(shares / shares.sum())


def solve_niche(
    kernel: Kernel,
    parameters: Mapping[str, float],
    shares: Array,
    *,
    geometric_mean: float,
    start: Array | None = None,
) -> Niche:
    """Solve the niche factors that hold guild ``shares`` (shape (guilds,), summing to one).

    ``geometric_mean`` of the factors is held and the total biomass comes out. ``parameters`` overrides the
    kernel's own; ``start`` (states,) speeds the relaxation. A composition without a positive steady state
    returns status ``niche_unsolved``.
    """
    relaxation = _Relaxation(kernel, parameters, shares, geometric_mean)
    x = (kernel.default_states if start is None else start).copy()
    return relaxation.run(x, float(x[relaxation.guild_rows].sum()))


class _Relaxation:
    def __init__(
        self,
        kernel: Kernel,
        parameters: Mapping[str, float],
        shares: Array,
        geometric_mean: float,
    ) -> None:
        self.kernel, self.shares, self.geometric_mean = kernel, shares, geometric_mean
        index, assigned = kernel.state_index, kernel.assigned_index
        self.guild_rows = np.array([index[f"gut_B_{g}"] for g in GUILDS])
        self.other_rows = np.array([i for i in index.values() if i not in set(self.guild_rows)])
        self.growth = np.array([assigned[f"gut_mu_{g}"] for g in GUILDS])
        self.lysis = np.array([assigned[f"gut_lys_{g}"] for g in GUILDS])
        self.reference = np.array([assigned[f"gut_ref_{g}"] for g in GUILDS])
        self.outflow = assigned["gut_out"]
        self.factor_rows = np.array([kernel.parameter_index[f"gut_w_{g}"] for g in GUILDS])
        self.donor_rows = np.array([kernel.parameter_index[f"gut_w_don_{g}"] for g in GUILDS])
        values = kernel.default_parameters.copy()
        for name, value in parameters.items():
            values[kernel.parameter_index[name]] = value
        self.unit = values[:, None].copy()
        self.unit[self.factor_rows] = 1.0
        self.actual = values[:, None].copy()
        self.seed = float(
            values[kernel.parameter_index["gut_iota0"]] * values[kernel.parameter_index["gut_immigration"]]
        )
        self.column = np.empty((len(index), 1))
        self.rate = np.empty((len(index), 1))

    def factors(self, x: Array) -> tuple[Array, Array]:
        """Return niche factors at growth = loss, unscaled, and the losses (1/d)."""
        quantities = self.kernel.assigned(0.0, x[:, None], self.unit)[:, 0]
        immigration = self.seed * quantities[self.reference] / x[self.guild_rows]
        loss = quantities[self.lysis] + quantities[self.outflow] - immigration
        return loss / quantities[self.growth], loss

    def rates(self, x: Array) -> Array:
        """Return d(states)/dt with the factors that hold the composition."""
        factors, _ = self.factors(x)
        factors = factors * (self.geometric_mean / geometric_mean(factors))
        self.actual[self.factor_rows, 0] = factors
        self.column[:, 0] = x
        self.kernel.rates(0.0, self.column, self.actual, self.rate)
        return self.rate[:, 0]

    def full(self, reduced: Array) -> Array:
        """Rebuild all states from (other states, log total biomass)."""
        x = np.empty(len(self.guild_rows) + len(self.other_rows))
        x[self.other_rows] = reduced[:-1]
        x[self.guild_rows] = self.shares * np.exp(reduced[-1])
        return x

    def run(self, start: Array, total: float) -> Niche:
        from scipy.integrate import ODEintWarning, odeint

        size = len(start)
        unsolved = Niche(np.full(len(GUILDS), np.nan), np.full(size, np.nan), NICHE_UNSOLVED)

        def reduced_rates(_: float, reduced: Array) -> Array:
            x = self.full(reduced)
            rate = self.rates(x)
            out = np.empty(len(reduced))
            out[:-1] = rate[self.other_rows]
            out[-1] = rate[self.guild_rows].sum() / x[self.guild_rows].sum()
            return out

        y0 = np.append(start[self.other_rows], np.log(total))
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("error", ODEintWarning)
            try:
                path: Any = odeint(
                    reduced_rates, y0, [0.0, _HORIZON], tfirst=True, rtol=1e-10, atol=1e-13, mxstep=20_000
                )
            except ODEintWarning:
                return unsolved
            x = self.full(path[-1])
            factors, loss = self.factors(x)
            change = np.abs(reduced_rates(0.0, path[-1])) / (np.abs(path[-1]) + 1e-3)
        settled = np.all(np.isfinite(x)) and np.all(change < _SETTLED)
        if not settled or np.any(loss <= 0) or np.any(factors <= 0):
            return unsolved
        return Niche(factors, x, OK)


def geometric_mean(values: Array) -> float:
    """Return the geometric mean of positive values."""
    return float(np.exp(np.mean(np.log(values))))
