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

from eubiosis.core.guilds import GUILDS
from eubiosis.engine.kernel import Array, Kernel

OK = "ok"
NICHE_UNSOLVED = "niche_unsolved"
_HORIZON = 400.0  # days of relaxation; the slowest microbial mode is about 0.1 a day
_SETTLED = 1e-7  # largest relative rate of change (per day) that counts as settled
_FIRST_STEP, _SMALLEST_STEP, _LARGEST_STEP, _MOST_STEPS = 0.01, 1e-8, 1e8, 200  # days, days, days
_ROUND_OFF = 1e-12


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
        self.seed = float(
            values[kernel.parameter_index["gut_iota0"]] * values[kernel.parameter_index["gut_immigration"]]
        )

    def factors(self, x: Array) -> tuple[Array, Array]:
        """Return niche factors at growth = loss, unscaled, and the losses (1/d); x is (states, columns)."""
        quantities = self.kernel.assigned(0.0, x, self.unit)
        immigration = self.seed * quantities[self.reference] / x[self.guild_rows]
        loss = quantities[self.lysis] + quantities[self.outflow] - immigration
        return loss / quantities[self.growth], loss

    def full(self, reduced: Array) -> Array:
        """Rebuild all states from (other states, log total biomass), columns side by side."""
        x = np.empty((len(self.guild_rows) + len(self.other_rows), reduced.shape[1]))
        x[self.other_rows] = reduced[:-1]
        x[self.guild_rows] = self.shares[:, None] * np.exp(reduced[-1])
        return x

    def reduced_rates(self, reduced: Array) -> Array:
        """Return d(other states, log total biomass)/dt with the factors that hold the composition."""
        x = self.full(reduced)
        factors, _ = self.factors(x)
        factors = factors * (self.geometric_mean / np.exp(np.mean(np.log(factors), axis=0)))
        parameters = np.repeat(self.unit, x.shape[1], axis=1)
        parameters[self.factor_rows] = factors
        rate = np.empty_like(x)
        self.kernel.rates(0.0, x, parameters, rate)
        out = np.empty_like(reduced)
        out[:-1] = rate[self.other_rows]
        out[-1] = rate[self.guild_rows].sum(axis=0) / x[self.guild_rows].sum(axis=0)
        return out

    def run(self, start: Array, total: float) -> Niche:
        reduced = np.append(start[self.other_rows], np.log(total))[:, None]
        with np.errstate(all="ignore"):
            settled = self._pseudo_transient(reduced)
            if settled is None:
                settled = self._relax(reduced)
            if settled is not None:
                x = self.full(settled)
                factors, loss = self.factors(x)
                if np.all(loss > 0) and np.all(factors > 0) and np.all(x >= -_ROUND_OFF):
                    return Niche(factors[:, 0], np.maximum(x[:, 0], 0.0), OK)
        size = len(start)
        return Niche(np.full(len(GUILDS), np.nan), np.full(size, np.nan), NICHE_UNSOLVED)

    def _settled(self, reduced: Array, rates: Array) -> bool:
        return bool(np.all(np.abs(rates) < _SETTLED * (np.abs(reduced) + 1e-3)))

    def _pseudo_transient(self, reduced: Array) -> Array | None:
        """Follow the relaxation by implicit Euler steps that grow as it settles, to a Newton step at last.

        Pseudo-transient continuation (Kelley and Keyes 1998, SIAM J Numer Anal 35:508). Returns None when a
        state turns negative or the iteration does not settle; the caller then integrates.
        """
        y = reduced.copy()
        rates = self.reduced_rates(y)
        size = _residual(rates, y)
        step = _FIRST_STEP
        identity = np.eye(len(y))
        for _ in range(_MOST_STEPS):
            if not np.isfinite(size):
                return None
            jacobian = self._jacobian(y, rates)
            try:
                change = np.linalg.solve(identity / step - jacobian, rates)
            except np.linalg.LinAlgError:
                return None
            trial = y + change
            if np.any(trial[:-1] < -_ROUND_OFF) or not np.all(np.isfinite(trial)):
                step *= 0.2
                if step < _SMALLEST_STEP:
                    return None
                continue
            y = trial
            rates = self.reduced_rates(y)
            new_size = _residual(rates, y)
            step = _grown(step, size, new_size)
            size = new_size
            if step > 1.0 and self._settled(y, rates):
                return self._polish(y, rates)
        return None

    def _polish(self, y: Array, rates: Array) -> Array:
        """Take two Newton steps, each only if it lowers the residual."""
        for _ in range(2):
            trial = y - np.linalg.solve(self._jacobian(y, rates), rates)
            new = self.reduced_rates(trial)
            if not np.linalg.norm(new) < np.linalg.norm(rates):
                break
            y, rates = trial, new
        return y

    def _jacobian(self, y: Array, rates: Array) -> Array:
        steps = 1e-7 * (np.abs(y[:, 0]) + 1e-3)
        shifted = y + np.diag(steps)
        return (self.reduced_rates(shifted) - rates) / (np.diag(shifted) - y[:, 0])

    def _relax(self, reduced: Array) -> Array | None:
        """Integrate the relaxation with a stiff solver."""
        from scipy.integrate import ODEintWarning, odeint

        with warnings.catch_warnings():
            warnings.simplefilter("error", ODEintWarning)
            try:
                path: Any = odeint(
                    lambda _, y: self.reduced_rates(y[:, None])[:, 0],
                    reduced[:, 0],
                    [0.0, _HORIZON],
                    tfirst=True,
                    rtol=1e-10,
                    atol=1e-13,
                    mxstep=5_000,
                )
            except ODEintWarning:
                return None
        end: Array = path[-1][:, None]
        return end if np.all(np.isfinite(end)) and self._settled(end, self.reduced_rates(end)) else None


def _residual(rates: Array, y: Array) -> float:
    return float(np.linalg.norm(rates / (np.abs(y) + 1e-3)))


def _grown(step: float, size: float, new_size: float) -> float:
    """Grow the step as the residual falls, by a fifth at least and tenfold at most."""
    if new_size == 0:
        return _LARGEST_STEP
    return min(step * max(min(size / new_size, 10.0), 1.2), _LARGEST_STEP)


def geometric_mean(values: Array) -> float:
    """Return the geometric mean of positive values."""
    return float(np.exp(np.mean(np.log(values))))
