"""Held niches: factors near a person's composition and near what is usual, at once.

Held exactly, some compositions ask for niche factors of 1e15, and some for what no factor gives. Here each
person's factors w minimise

    sum_g ((ln s_g - ln a_g) / error_g)^2 + sum_g ((ln w_g - ln w_ref_g) / spread_g)^2

where a are the shares asked for, s those that the gut then holds and w_ref the factors of the reference, with
the geometric mean of the factors kept at that of the reference. What is held differs from what was asked for
by a residual, which is reported.

The search runs over the logarithms of the biomasses: given these, the factors follow in closed form, and the
other states are moved to rest by the same Newton steps (Gauss-Newton on both sums, with Anderson's
extrapolation over one move). Who does not settle is searched for on states at rest only, with steps that must
lower the sum. The factors found are checked with the whole gut: where their rest does not last (the least
push would drive the gut away), the person has the state to which the composition asked for leads.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.machine import available_threads
from eubiosis.engine import Array, Compiled, Tolerances
from eubiosis.model.niche import NICHE_UNSOLVED, OK
from eubiosis.model.niche_sum import NichePrior, sum_at, terms_at
from eubiosis.model.niche_system import BIOMASS, FACTORS, Local, Relaxation, relaxation

FAR = "far"
HELD = (OK, FAR)
_CHUNK = 512
_ROUNDS, _CAREFUL_ROUNDS = 25, 20
_SETTLED = 2e-3  # largest move of a log biomass, and relative one of another state
_LONGEST = 3.0  # of a log biomass in one move
_LEAST, _MOST = -0.9, 9.0  # relative move of another state
_NEAR = 0.3  # moves shorter than this are extrapolated
_CAREFUL = 1.0  # longest move of the careful search
_DAMPED, _DAMPING = 1.0, 0.03  # moves longer than this are damped, by this share of the mean curvature
_HORIZON = 5_000.0  # days in which a gut leaves a state that does not last
_COURSE = Tolerances(relative=1e-7, absolute=1e-11, negative=1e4)
_REST = Tolerances(relative=1e-9, absolute=1e-11, max_steps=200, negative=0.1)


@dataclass(frozen=True)
class HeldNiches:
    """Factors that people get, n of them, and the guts that these hold.

    ``factors`` and ``shares`` (n, guilds), ``states`` (n, states) at rest. ``residual`` and
    ``residual_rms`` (n,) are the largest and the root mean square difference between the logarithms of
    the shares held and asked for; ``largest_factor`` (n,) the largest ratio of a factor to the reference's,
    or of the reference's to it. ``status`` is "ok", "far" or "niche_unsolved"; with the last all are NaN.
    ``settled`` (n,) says whose sum is the least; the others have the least that the rounds there are came to.
    """

    factors: Array
    states: Array
    shares: Array
    residual: Array
    residual_rms: Array
    largest_factor: Array
    settled: NDArray[np.bool_]
    status: tuple[str, ...]


def hold_niches(
    kernel: Compiled,
    parameters: Mapping[str, float],
    shares: Array,
    prior: NichePrior,
    *,
    threads: int | None = None,
) -> HeldNiches:
    """Find the penalised factors for ``shares`` (people, guilds), each row summing to one.

    ``parameters`` overrides the gut ``kernel``'s own. Shares that are not positive give "niche_unsolved", as
    does a search that comes to no end. Nobody's numbers depend on the others or on the threads.
    """
    near = relaxation(kernel, parameters, prior.states)
    asked = np.full(shares.shape, np.nan)
    usable = np.flatnonzero(np.all(shares > 0, axis=1))
    asked[usable] = np.log(shares[usable])
    task = _Task(near, prior, near.point(kernel, prior.states[None]))
    states = np.full((len(shares), len(prior.states)), np.nan)
    ln_factors = np.full(shares.shape, np.nan)
    workers = max(1, min(available_threads() if threads is None else threads, -(-len(usable) // _CHUNK)))
    with ThreadPoolExecutor(workers) as pool:
        chunks = [usable[i : i + _CHUNK] for i in range(0, len(usable), _CHUNK)]
        for rows, found in zip(chunks, pool.map(lambda r: _search(task, asked[r]), chunks), strict=True):
            states[rows] = _states_of(kernel, near, prior, found.points)
            ln_factors[rows] = np.where(found.settled[:, None], found.ln_factors, np.nan)
    late = usable[np.isnan(ln_factors[usable]).any(axis=1)]
    least = np.ones(len(shares), dtype=bool)
    if len(late):
        ln_factors[late], states[late], least[late] = _search_at_rest(
            kernel, parameters, task, asked[late], threads
        )
    ln_factors -= (ln_factors - np.log(prior.factors)).mean(axis=1, keepdims=True)  # to the last digit
    states, rests = _at_rest(kernel, parameters, ln_factors, states, threads)
    loose = np.flatnonzero(rests & ~_stable(kernel, near, states))
    if len(loose):
        ends = _course(kernel, parameters, ln_factors[loose], states[loose], asked[loose], threads)
        ends, rests[loose] = _at_rest(kernel, parameters, ln_factors[loose], ends, threads)
        states[loose] = ends
        rests[loose] &= _stable(kernel, near, ends)
    ln_factors[~rests] = np.nan
    return _judged(kernel, prior, asked, ln_factors, states, least)


@dataclass(frozen=True)
class _Task:
    """What is the same for everybody: the relaxation, the prior, and the reference's point (1, ...)."""

    near: Relaxation
    prior: NichePrior
    start: Array


@dataclass(frozen=True)
class _Found:
    """Where a search ended: points (n, ...), log factors (n, guilds), and who had settled (n,)."""

    points: Array
    ln_factors: Array
    settled: NDArray[np.bool_]


def _search(task: _Task, asked: Array) -> _Found:
    """Move everybody from the reference to the least sum; ``asked`` (n, guilds) are log shares."""
    people, others = len(asked), len(task.near.others)
    points = np.repeat(task.start, people, axis=0)
    ln_factors, size = np.empty(asked.shape), np.full(people, np.inf)
    before, moves = np.zeros(asked.shape), np.zeros(asked.shape)
    settled = np.zeros(people, dtype=bool)
    left = np.arange(people)
    first = task.near.at(task.start)  # the same for everybody
    with np.errstate(all="ignore"):
        for round_ in range(_ROUNDS):
            local = task.near.at(points[left]) if round_ else first.take(np.zeros(people, dtype=np.intp))
            rest, biomass = points[left, :others], points[left, others:]
            terms = terms_at(task.prior, local, biomass, asked[left])
            damping = np.where(size[left] > _DAMPED, _DAMPING, 0.0)
            move = terms.move(damping)
            moved = _others_move(local, move) / rest
            now = np.maximum(np.abs(move).max(axis=1), np.abs(moved).max(axis=1))
            step = move
            if round_:
                near = (now < _NEAR) & (size[left] < _NEAR)
                step = np.where(
                    near[:, None], _extrapolated(biomass - before[left], move, move - moves[left]), move
                )
            step = step * np.minimum(1.0, _LONGEST / np.abs(step).max(axis=1))[:, None]
            relative = np.clip(_others_move(local, step) / rest, _LEAST, _MOST)
            before[left], moves[left], size[left] = biomass, move, now
            ln_factors[left] = local.ln_factors + local.slopes[:, :, 0]
            ln_factors[left] += np.matmul(local.slopes[:, :, 1:], step[:, :, None])[:, :, 0]
            points[left] = np.hstack((rest * (1 + relative), biomass + step))
            settled[left] = (now < _SETTLED) & (damping == 0)
            left = left[np.isfinite(now) & ~settled[left]]
            if not len(left):
                break
    return _Found(points, ln_factors, settled)


def _others_move(local: Local, move: Array) -> Array:
    """Return how far the other states move with the log biomasses, (n, others)."""
    return np.asarray(local.others[:, :, 0] + np.matmul(local.others[:, :, 1:], move[:, :, None])[:, :, 0])


def _extrapolated(last: Array, move: Array, change: Array) -> Array:
    """Return the move corrected by what the last one has brought, (n, guilds)."""
    square = np.sum(change * change, axis=1)
    share = np.where(square > 0, np.sum(move * change, axis=1) / np.where(square > 0, square, 1.0), 0.0)
    return np.asarray(move - share[:, None] * (last + change))


def _search_at_rest(
    kernel: Compiled, parameters: Mapping[str, float], task: _Task, asked: Array, threads: int | None
) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Search over the factors with the gut at rest each time; every step taken lowers the sum.

    Returns log factors (n, guilds), states (n, states), and who has settled (n,).
    """
    people, near, reference = len(asked), task.near, np.log(task.prior.factors)
    factors, states = np.repeat(reference[None], people, 0), np.repeat(task.prior.states[None], people, 0)
    damping, settled = np.full(people, _DAMPING), np.zeros(people, dtype=bool)
    left = np.arange(people)
    with np.errstate(all="ignore"):
        for _ in range(_CAREFUL_ROUNDS):
            points = near.point(kernel, states[left])
            local, biomass = near.at(points), points[:, len(near.others) :]
            terms = terms_at(task.prior, local, biomass, asked[left], by_column=True)
            move = terms.move(damping[left])
            step = np.matmul(local.slopes[:, :, 1:], move[:, :, None])[:, :, 0]
            longest = np.maximum(np.abs(step), np.abs(move)).max(axis=1)
            step = step * np.minimum(1.0, _CAREFUL / longest)[:, None]
            tried = factors[left] + step
            tried -= (tried - reference).mean(axis=1, keepdims=True)
            ends, fine = _at_rest(kernel, parameters, tried, states[left], threads)
            total = sum_at(task.prior, tried, near.point(kernel, ends)[:, len(near.others) :], asked[left])
            better = fine & (total < terms.total)
            took = left[better]
            factors[took], states[took] = tried[better], ends[better]
            damping[left] = np.where(better, damping[left] / 3, damping[left] * 4)
            settled[left] = np.abs(terms.move(np.zeros(len(left)))).max(axis=1) < _SETTLED
            left = left[~settled[left] & np.isfinite(longest)]
            if not len(left):
                break
    return factors, states, settled


def _states_of(kernel: Compiled, near: Relaxation, prior: NichePrior, points: Array) -> Array:
    """Return gut states (n, states) of points; what a point leaves out is as in the reference."""
    states = np.repeat(prior.states[None], len(points), axis=0)
    count = len(near.others)
    states[:, [kernel.state_index[name] for name in near.others]] = points[:, :count]
    states[:, [kernel.state_index[name] for name in BIOMASS]] = np.exp(points[:, count:])
    return states


def _given(kernel: Compiled, parameters: Mapping[str, float], ln_factors: Array) -> dict[str, float | Array]:
    """Return the whole gut's parameters under log factors (n, guilds)."""
    given: dict[str, float | Array] = {n: v for n, v in parameters.items() if n in kernel.parameter_index}
    return given | {name: np.exp(ln_factors[:, k]) for k, name in enumerate(FACTORS)}


def _at_rest(
    kernel: Compiled,
    parameters: Mapping[str, float],
    ln_factors: Array,
    states: Array,
    threads: int | None,
) -> tuple[Array, NDArray[np.bool_]]:
    """Return where the whole gut rests under given factors, from ``states`` on, and who has such a rest."""
    ends, rests = np.full(states.shape, np.nan), np.zeros(len(states), dtype=bool)
    able = np.flatnonzero(np.isfinite(ln_factors).all(axis=1) & np.isfinite(states).all(axis=1))
    if not len(able):
        return ends, rests
    given = _given(kernel, parameters, ln_factors[able])
    found = kernel.steady_state(
        parameters=given,
        initial=states[able],
        tolerances=_REST,
        time=0.0,
        newton=True,
        stability=False,
        threads=threads,
    )
    rests[able] = [word == OK for word in found.status]
    biomass = found.states[:, [kernel.state_index[name] for name in BIOMASS]]
    rests[able] &= np.all(biomass > 0, axis=1)
    ends[able] = found.states
    return np.maximum(ends, 0.0), rests


def _stable(kernel: Compiled, near: Relaxation, states: Array) -> NDArray[np.bool_]:
    """Say which resting states (n, states) nothing drives away, (n,); NaN is not stable.

    With the other states at rest a guild grows by its loss times (ln w - ln w at its biomass), so the sign of
    the determinant of the slopes tells whether an odd number of directions leads away.
    """
    found = np.zeros(len(states), dtype=bool)
    known = np.flatnonzero(np.isfinite(states).all(axis=1))
    slopes = near.at(near.point(kernel, states[known])).slopes[:, :, 1:]
    found[known] = np.linalg.slogdet(slopes)[0] > 0
    return found


def _course(
    kernel: Compiled,
    parameters: Mapping[str, float],
    ln_factors: Array,
    states: Array,
    asked: Array,
    threads: int | None,
) -> Array:
    """Return where the gut goes from the composition asked for, under given factors, (n, states)."""
    rows = [kernel.state_index[name] for name in BIOMASS]
    begin = states.copy()
    begin[:, rows] = np.exp(asked) * states[:, rows].sum(axis=1, keepdims=True)
    given = _given(kernel, parameters, ln_factors)
    run = kernel.solve(
        [0.0, _HORIZON], (), parameters=given, initial=begin, tolerances=_COURSE, threads=threads
    )
    return run.states


def _judged(
    kernel: Compiled,
    prior: NichePrior,
    asked: Array,
    ln_factors: Array,
    states: Array,
    least: NDArray[np.bool_],
) -> HeldNiches:
    """Compare what is held with what was asked for; NaN log factors mark who has no niche.

    ``least`` says whose sum is the least that was looked for.
    """
    none = np.any(np.isnan(ln_factors), axis=1)
    states = np.where(none[:, None], np.nan, states)
    biomass = states[:, [kernel.state_index[name] for name in BIOMASS]]
    shares = biomass / biomass.sum(axis=1, keepdims=True)
    off = np.abs(np.log(shares) - asked)
    residual = off.max(axis=1)
    largest = np.exp(np.abs(ln_factors - np.log(prior.factors)).max(axis=1))
    far = (residual > prior.far) | (largest > prior.most)
    words = np.where(none, NICHE_UNSOLVED, np.where(far, FAR, OK))
    return HeldNiches(
        np.exp(ln_factors),
        states,
        shares,
        residual,
        np.sqrt(np.mean(off * off, axis=1)),
        largest,
        least & ~none,
        tuple(words.tolist()),
    )
