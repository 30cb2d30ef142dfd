"""Niche factors: the guild fitness that holds a person's own gut composition.

Uptake is linear in a guild's niche factor w, so with the composition held the other states and the total
biomass relax, and w follows in closed form from growth = loss. The common scale of the factors is nearly
free; it is fixed by holding their geometric mean at one value for everybody.

The relaxation is a system of its own, written from the gut's: shares are parameters, biomasses are share x
total, and factors are assigned. The engine finds its steady states, many people at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from eubiosis import engine
from eubiosis.core.guilds import GUILDS
from eubiosis.engine import Array, Compiled, System, Tolerances
from eubiosis.engine.expressions import Call, Expression, Number, Symbol
from eubiosis.model.niche_system import FACTORS, doubled_rules, loss_rule

OK = "ok"
NICHE_UNSOLVED = "niche_unsolved"
_HORIZON = 400.0  # days of relaxation; the slowest microbial mode is about 0.1 a day
_SETTLED = 1e-7  # largest relative rate of change (per day) that counts as settled
_FIRST_STEP, _MOST_STEPS = 0.01, 200  # days of pseudo-time, iterations
_ROUND_OFF = 1e-12
_TOTAL = "niche_total"
_STEADY = Tolerances(relative=1e-9, absolute=1e-11, max_steps=_MOST_STEPS, negative=_ROUND_OFF / 1e-11)
_COURSE = Tolerances(relative=1e-10, absolute=1e-13, max_steps=5_000, negative=np.inf)


@dataclass(frozen=True)
class Niche:
    """Niche factors of one person.

    ``factors`` has shape (guilds,) in the order of ``GUILDS``; ``states`` is the held steady state, shape
    (states,). With status ``niche_unsolved`` both hold NaN.
    """

    factors: Array
    states: Array
    status: str


@dataclass(frozen=True)
class Niches:
    """Niche factors of several people: ``factors`` (people, guilds) and ``states`` (people, states)."""

    factors: Array
    states: Array
    status: tuple[str, ...]


def fold_shares(reference: Array, folds: Array) -> Array:
    """Return shares of reference x fold, renormalised to sum to one; shapes (guilds,).

    On the log-ratio scale this adds the centred logarithm of the folds to the reference composition.
    """
    shares = reference * folds
    return np.asarray(shares / shares.sum())


def solve_niche(
    kernel: Compiled,
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
    niches = solve_niches(kernel, parameters, shares[None], geometric_mean=geometric_mean, start=start)
    return Niche(niches.factors[0], niches.states[0], niches.status[0])


def solve_niches(
    kernel: Compiled,
    parameters: Mapping[str, ArrayLike],
    shares: Array,
    *,
    geometric_mean: float,
    start: Array | None = None,
    threads: int | None = None,
) -> Niches:
    """Solve the niche factors of many people at once, ``shares`` (people, guilds); see ``solve_niche``.

    Pseudo-transient steps come first; who does not settle is followed through the relaxation's own course.
    """
    system, relaxation = kernel.system, _relaxation(kernel)
    people = len(shares)
    factors, states = np.full((people, len(GUILDS)), np.nan), np.full((people, len(system.states)), np.nan)
    status = [NICHE_UNSOLVED] * people
    if not people:
        return Niches(factors, states, ())
    first = kernel.default_states if start is None else start
    begin = dict(zip(system.states, map(float, first), strict=True))
    total = sum(begin.pop(f"gut_B_{g}") for g in GUILDS)
    settled = relaxation.steady_state(
        parameters=_given(relaxation, parameters, shares, geometric_mean),
        initial={**begin, _TOTAL: total},
        tolerances=_STEADY,
        time=0.0,
        newton=False,
        stability=False,
        first_length=_FIRST_STEP,
        threads=threads,
    )
    ends = settled.states.copy()
    slow = np.flatnonzero([word != OK for word in settled.status])
    if len(slow):
        ends[slow] = relaxation.solve(
            [0.0, _HORIZON],
            parameters=_given(relaxation, parameters, shares[slow], geometric_mean, rows=slow),
            initial={**begin, _TOTAL: total},
            tolerances=_COURSE,
            threads=threads,
        ).states
    with np.errstate(all="ignore"):
        fine, found, held = _judge(kernel, relaxation, parameters, shares, geometric_mean, ends)
    factors[fine], states[fine] = found[fine], held[fine]
    for i in np.flatnonzero(fine):
        status[i] = OK
    return Niches(factors, states, tuple(status))


def geometric_mean(values: Array) -> float:
    """Return the geometric mean of positive values."""
    return float(np.exp(np.mean(np.log(values))))


def _given(
    relaxation: Compiled,
    parameters: Mapping[str, ArrayLike],
    shares: Array,
    geometric_mean: float,
    rows: np.ndarray | None = None,
) -> dict[str, ArrayLike]:
    """Return the relaxation's parameters; those it assigns itself are left out."""
    own: dict[str, ArrayLike] = {}
    for name, value in parameters.items():
        if name in relaxation.parameter_index:
            own[name] = np.asarray(value)[rows] if rows is not None and np.ndim(value) else value
    own |= {f"niche_share_{g}": shares[:, k] for k, g in enumerate(GUILDS)}
    return {**own, "niche_scale": geometric_mean}


def _judge(
    kernel: Compiled,
    relaxation: Compiled,
    parameters: Mapping[str, ArrayLike],
    shares: Array,
    geometric_mean: float,
    ends: Array,
) -> tuple[np.ndarray, Array, Array]:
    """Return who is settled with positive factors and losses, everybody's factors, and the gut's states."""
    people = len(shares)
    given = _given(relaxation, parameters, shares, geometric_mean)
    columns = np.repeat(relaxation.default_parameters[:, None], people, axis=1)
    for name, value in given.items():
        columns[relaxation.parameter_index[name]] = value
    states = np.ascontiguousarray(ends.T)
    rates = np.empty_like(states)
    relaxation.rates(0.0, states, columns, rates)
    assigned = relaxation.assigned_at(0.0, states, columns)
    row = relaxation.assigned_index
    found = assigned[[row[f"niche_factor_{g}"] for g in GUILDS]].T
    losses = assigned[[row[f"niche_loss_{g}"] for g in GUILDS]].T
    held = np.empty((people, len(kernel.system.states)))
    for k, name in enumerate(kernel.system.states):
        held[:, k] = assigned[row[name]] if name in row else ends[:, relaxation.state_index[name]]
    still = np.all(np.abs(rates) < _SETTLED * (np.abs(states) + 1e-3), axis=0)
    fine = (
        still & np.all(losses > 0, axis=1) & np.all(found > 0, axis=1) & np.all(held >= -_ROUND_OFF, axis=1)
    )
    return fine, found, np.maximum(held, 0.0)


@lru_cache(maxsize=16)
def _relaxation(kernel: Compiled) -> Compiled:
    """Write the relaxation of a gut model and compile it.

    Every rule that depends on niche factors is there twice: with all factors one, from which the factors
    follow, and with the factors found.
    """
    system = kernel.system
    once, doubled, scaled = doubled_rules(system.rules)
    plain: dict[str, Expression] = {
        f"gut_B_{g}": _times(Symbol(f"niche_share_{g}"), Symbol(_TOTAL)) for g in GUILDS
    }
    plain |= once

    def at_one(name: str) -> Expression:
        return Symbol(f"niche_unit_{name}" if name in scaled else name)

    rules = {**plain, **doubled, **_factor_rules(at_one)}
    rules |= {f"gut_w_{g}": _times(Symbol(f"niche_raw_{g}"), Symbol("niche_common")) for g in GUILDS} | scaled
    rules |= {f"niche_factor_{g}": Symbol(f"niche_raw_{g}") for g in GUILDS}
    guilds = {f"gut_B_{g}" for g in GUILDS}
    others = tuple(name for name in system.states if name not in guilds)
    rates = {name: system.rates[name] for name in others}
    rates[_TOTAL] = Call("+", tuple(system.rates[name] for name in sorted(guilds)))
    own = (*(f"niche_share_{g}" for g in GUILDS), "niche_scale")
    parameters = tuple(n for n in system.parameters if n not in FACTORS) + own
    constants = {n: system.constants[n] for n in system.parameters if n not in FACTORS}
    return engine.compile(
        System(
            name="niche",
            states=(*others, _TOTAL),
            parameters=parameters,
            assigned=tuple(rules),
            rates=rates,
            rules=rules,
            initial={**{n: system.initial[n] for n in others}, _TOTAL: 1.0},
            constants={**constants, **dict.fromkeys(own, 1.0)},
        )
    )


def _factor_rules(at_one: Callable[[str], Expression]) -> dict[str, Expression]:
    """Return factors = loss / growth at factor one, and the common scale of their geometric mean."""
    rules: dict[str, Expression] = {}
    for guild in GUILDS:
        rules[f"niche_loss_{guild}"] = loss_rule(guild, at_one)
        growth = at_one(f"gut_mu_{guild}")
        rules[f"niche_raw_{guild}"] = Call("/", (Symbol(f"niche_loss_{guild}"), growth))
    logarithms = Call("+", tuple(Call("ln", (Symbol(f"niche_raw_{g}"),)) for g in GUILDS))
    mean = Call("exp", (Call("/", (logarithms, Number(float(len(GUILDS))))),))
    rules["niche_common"] = Call("/", (Symbol("niche_scale"), mean))
    return rules


def _times(left: Expression, right: Expression) -> Expression:
    return Call("*", (left, right))
