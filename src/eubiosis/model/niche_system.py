"""The relaxation of a gut at given guild biomasses, reduced to what decides it, and linearised.

With the biomass of every guild given, the niche factors follow from growth = loss in closed form, and a few
other states (substrates, acids, gases, mucus) have to come to rest. States that nothing moves without a dose
keep their value, and what only follows the rest (aromatics, bile acids, LPS) is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from eubiosis import engine
from eubiosis.core.guilds import GUILDS
from eubiosis.engine import Array, Compiled, System
from eubiosis.engine.expressions import Call, Expression, Number, Symbol, symbols

BIOMASS = tuple(f"gut_B_{g}" for g in GUILDS)
FACTORS = tuple(f"gut_w_{g}" for g in GUILDS)
_REST = 1e-12  # of a state's size (per day): no motion at all
_SHIFTS = (1.0, 1.3, 0.6)  # of the other states, to see whether anything moves a state


@dataclass(frozen=True)
class Local:
    """The relaxation near some points, one for each person, n of them.

    ``ln_factors`` (n, guilds) at the points. ``others`` (n, others, 1 + guilds): how far the other states
    are from rest, and their derivatives by the log biomasses once at rest. ``slopes`` (n, guilds, 1 +
    guilds): the same of the log factors. NaN where there is no rest nearby.
    """

    ln_factors: Array
    others: Array
    slopes: Array

    def take(self, rows: NDArray[np.intp]) -> Local:
        """Return some of the people."""
        return Local(self.ln_factors[rows], self.others[rows], self.slopes[rows])


@dataclass(frozen=True)
class Relaxation:
    """The reduced relaxation with its parameters, shape (1, parameters).

    A point is (others, ln biomasses): ``others`` names the states that come first.
    """

    compiled: Compiled
    others: tuple[str, ...]
    parameters: Array

    def point(self, kernel: Compiled, states: Array) -> Array:
        """Return the points (n, others + guilds) of gut states (n, states)."""
        index = kernel.state_index
        biomass = np.log(states[:, [index[name] for name in BIOMASS]])
        return np.hstack((states[:, [index[name] for name in self.others]], biomass))

    def at(self, points: Array) -> Local:
        """Evaluate and linearise at ``points`` (n, others + guilds)."""
        count = len(self.others)
        values, jacobian = self.compiled.linear(0.0, points, self.parameters)
        wanted = np.concatenate((values[:, :count, None], jacobian[:, :count, count:]), axis=2)
        others = -solved(jacobian[:, :count, :count], wanted)
        slopes = np.matmul(jacobian[:, count:, :count], others)
        slopes[:, :, 1:] += jacobian[:, count:, count:]
        return Local(values[:, count:], others, slopes)


def solved(matrices: Array, wanted: Array) -> Array:
    """Solve (n, k, k) systems for (n, k, m) right sides; NaN for a singular one."""
    try:
        return np.asarray(np.linalg.solve(matrices, wanted))
    except np.linalg.LinAlgError:
        found = np.full_like(wanted, np.nan)
        for i, matrix in enumerate(matrices):
            try:
                found[i] = np.linalg.solve(matrix, wanted[i])
            except np.linalg.LinAlgError:
                continue  # the row stays NaN
        return found


def relaxation(kernel: Compiled, parameters: Mapping[str, float], states: Array) -> Relaxation:
    """Return the reduced relaxation of a gut ``kernel`` around resting ``states`` (states,).

    ``parameters`` overrides the kernel's own.
    """
    resting = _resting(kernel, parameters, states)
    compiled, others = _reduced(kernel, resting)
    row = compiled.default_parameters.copy()
    for name, value in parameters.items():
        if name in compiled.parameter_index:
            row[compiled.parameter_index[name]] = value
    for name in resting:
        row[compiled.parameter_index[name]] = states[kernel.state_index[name]]
    return Relaxation(compiled, others, row[None])


def _resting(kernel: Compiled, parameters: Mapping[str, float], states: Array) -> tuple[str, ...]:
    """Name the states that stay where they are whatever the other states are."""
    row = kernel.default_parameters.copy()
    for name, value in parameters.items():
        if name in kernel.parameter_index:
            row[kernel.parameter_index[name]] = value
    count, pattern = len(states), 1.0 + 0.1 * (np.arange(len(states)) % 7)
    # one column for each state and shift: all others moved, the state itself left alone
    columns = np.concatenate([np.repeat((states * s * pattern**k)[:, None], count, 1)
                              for k, s in enumerate(_SHIFTS)], axis=1)  # fmt: skip
    own = np.tile(np.arange(count), len(_SHIFTS))
    columns[own, np.arange(len(own))] = states[own]
    rates = np.empty_like(columns)
    kernel.rates(0.0, columns, np.repeat(row[:, None], len(own), axis=1), rates)
    moved = np.abs(rates[own, np.arange(len(own))]).reshape(len(_SHIFTS), count)
    still = np.all(moved <= _REST * (np.abs(states) + 1e-6), axis=0)
    return tuple(name for name, rests in zip(kernel.system.states, still, strict=True) if rests)


@lru_cache(maxsize=16)
def _reduced(kernel: Compiled, resting: tuple[str, ...]) -> tuple[Compiled, tuple[str, ...]]:
    """Write and compile the relaxation; the rate of a guild's row is the logarithm of its factor."""
    system = kernel.system
    moving = _deciding(system, resting)
    others = tuple(name for name in moving if name not in BIOMASS)
    roots = [system.rates[name] for name in others]
    roots += [Symbol(f"gut_{word}_{g}") for g in GUILDS for word in ("ref", "lys", "mu")]
    roots.append(Symbol("gut_out"))
    used = _rules_of(system, roots)
    plain: dict[str, Expression] = {name: Call("exp", (Symbol(f"ln_{name}"),)) for name in BIOMASS}
    once, doubled, scaled = doubled_rules({n: r for n, r in system.rules.items() if n in used})

    def at_one(name: str) -> Expression:
        return Symbol(f"niche_unit_{name}" if name in scaled else name)

    rules = {**plain, **once, **doubled}
    for guild in GUILDS:
        rules[f"niche_loss_{guild}"] = loss_rule(guild, at_one)
        rules[f"gut_w_{guild}"] = Call("/", (Symbol(f"niche_loss_{guild}"), at_one(f"gut_mu_{guild}")))
    rules |= scaled
    rates: dict[str, Expression] = {name: system.rates[name] for name in others}
    rates |= {f"ln_{b}": Call("ln", (Symbol(w),)) for b, w in zip(BIOMASS, FACTORS, strict=True)}
    kept = tuple(name for name in system.parameters if name not in FACTORS)
    compiled = engine.compile(
        System(
            name="niche_points",
            states=tuple(rates),
            parameters=(*kept, *resting),
            assigned=tuple(rules),
            rates=rates,
            rules=rules,
            initial=dict.fromkeys(rates, 1.0),
            constants={n: system.constants[n] for n in kept} | {n: system.initial[n] for n in resting},
        )
    )
    return compiled, others


def doubled_rules(
    rules: Mapping[str, Expression],
) -> tuple[dict[str, Expression], dict[str, Expression], dict[str, Expression]]:
    """Return rules without niche factors, and those with them at factor one and as they are.

    The second have ``niche_unit_`` before their names.
    """
    unit: dict[str, Expression] = dict.fromkeys(FACTORS, Number(1.0))
    plain: dict[str, Expression] = {}
    doubled: dict[str, Expression] = {}
    scaled: dict[str, Expression] = {}
    for name, rule in rules.items():
        if any(s in unit or s in scaled for s in symbols(rule)):
            names: dict[str, Expression] = {**unit, **{s: Symbol(f"niche_unit_{s}") for s in scaled}}
            doubled[f"niche_unit_{name}"] = renamed(rule, names)
            scaled[name] = rule
        else:
            plain[name] = rule
    return plain, doubled, scaled


def loss_rule(guild: str, at_one: Callable[[str], Expression]) -> Expression:
    """Return what a guild loses for each unit of biomass, less what re-seeding brings (1/d)."""
    seed = Call("*", (Symbol("gut_iota0"), Symbol("gut_immigration")))
    brought = Call("*", (seed, at_one(f"gut_ref_{guild}")))
    arriving = Call("/", (brought, Symbol(f"gut_B_{guild}")))
    return Call("-", (Call("+", (at_one(f"gut_lys_{guild}"), at_one("gut_out"))), arriving))


def renamed(expression: Expression, names: Mapping[str, Expression]) -> Expression:
    """Return an expression with other expressions for some names."""
    if isinstance(expression, Symbol):
        return names.get(expression.name, expression)
    if isinstance(expression, Call):
        return Call(expression.op, tuple(renamed(a, names) for a in expression.arguments))
    return expression


def _rules_of(system: System, roots: list[Expression]) -> set[str]:
    """Name the rules that some expressions need."""
    used: set[str] = set()
    left = list(roots)
    while left:
        new = {s for s in symbols(left.pop()) if s in system.rules} - used
        used |= new
        left += [system.rules[name] for name in new]
    return used


def _deciding(system: System, resting: tuple[str, ...]) -> tuple[str, ...]:
    """Name the moving states on which the growth of the guilds depends, the guilds with them."""
    moving = set(system.states) - set(resting)
    wanted, left = set(BIOMASS), list(BIOMASS)
    while left:
        rate = system.rates[left.pop()]
        needs = set(symbols(rate)).union(*(symbols(system.rules[r]) for r in _rules_of(system, [rate])))
        new = (needs & moving) - wanted
        wanted |= new
        left += list(new)
    return tuple(name for name in system.states if name in wanted)
