"""The steady state that a course leads to, and whether it is stable.

The course itself is integrated, to ever later times. At each the steady state nearest to where it has come is
found by Newton's method; a subject has arrived when the two agree and the steady state is not unstable, or
when it is the last of the times and the course has stayed where nothing drives it away.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eubiosis.engine.batch import Batch
from eubiosis.engine.codegen.kernels import solver_kernel
from eubiosis.engine.codegen.program import Options
from eubiosis.engine.codegen.sizes import SHARE
from eubiosis.engine.initial import Values
from eubiosis.engine.library import KernelLibrary
from eubiosis.engine.solution import LEAST_ABSOLUTE, OK, Tolerances
from eubiosis.engine.system import Array

Counts = NDArray[np.int64]
Flags = NDArray[np.bool_]
HORIZONS = 10.0 ** np.arange(0, 13, 2)  # in the model's time
UNSETTLED = "unsettled"
STABLE, UNSTABLE, MARGINAL = "stable", "unstable", "marginal"
_NEAR = 1e-3  # how well the end of the course must agree with the steady state, of the state's size
_NEAR_SEVERAL = 1e-7  # where it is one of many, and only the course tells which
_FAR, _SINGULAR, _SOLVED = 1e-2, 1e-11, 1e-6
_ITERATIONS = 30
_ROUNDING = 1e-14  # of what flows through a state while it turns over once
_SHIFTS = (0.0, 0.37, 1.61)


@dataclass
class Arrivals:
    """Where the courses of a batch lead: states (subjects, states) and what is known of them."""

    states: Array
    status: list[str]
    effort: Counts
    slowest: Array


@dataclass(frozen=True)
class Linear:
    """Rates and their derivatives by the moving states, of some subjects."""

    library: KernelLibrary
    parameters: Array
    time: float

    def take(self, rows: NDArray[np.intp]) -> Linear:
        """Return some of the subjects."""
        own = self.parameters if len(self.parameters) == 1 else self.parameters[rows]
        return Linear(self.library, own, self.time)

    def at(self, states: Array) -> tuple[Array, Array]:
        """Return rates (subjects, moving) and Jacobians (subjects, moving, moving) at (subjects, states)."""
        kernel, places = self.library.linear
        moving, subjects = len(self.library.system.moving), len(states)
        out = np.empty((1, moving + places.shape[1], subjects))
        given = np.ascontiguousarray(states.T)[None]
        personal = len(self.parameters) > 1
        parameters = np.ascontiguousarray(self.parameters.T)[None] if personal else self.parameters
        kernel.run(np.array([self.time]), given, parameters, out, parameter_columns=personal)
        jacobian = np.zeros((subjects, moving, moving))
        jacobian[:, places[0], places[1]] = out[0, moving:].T
        return out[0, :moving].T.copy(), jacobian


def follow_courses(
    library: KernelLibrary, values: Values, tolerances: Tolerances, time: float, threads: int | None
) -> Arrivals:
    """Follow everybody's course until it has arrived at a steady state."""
    system, size = library.system, values.subjects
    moving = [library.state_index[name] for name in system.moving]
    kernel = library.loop(solver_kernel, Options(quick=library.quick(size), scaled=tolerances.scaled))
    linear = Linear(library, values.parameter_rows(system.parameters), time)
    now = np.broadcast_to(values.start(system.states), (size, len(system.states))).copy()
    sizes = np.abs(now)
    arrived = Arrivals(
        np.full_like(now, np.nan), [UNSETTLED] * size, np.zeros((size, 2), np.int64), np.full(size, np.nan)
    )
    left = np.arange(size)
    for horizon in HORIZONS:
        at = values.chosen(left)
        for k, name in enumerate(system.states):
            at.states[name] = now[left, k]
        grid = np.array([time, time + horizon])
        course = Batch(library, kernel, at, grid, (), tolerances, threads).run((), (), ())
        arrived.effort[left] += course.effort
        fine = np.array([word == OK for word in course.status])
        for i, word in zip(left[~fine], np.array(course.status)[~fine], strict=True):
            arrived.status[i] = str(word)
        left, ends = left[fine], course.states[fine]
        if not len(left):
            break
        now[left] = ends
        sizes[left] = np.maximum(sizes[left], np.abs(ends))
        found, settled, slowest = settle(linear.take(left), ends, sizes[left], moving, tolerances)
        settled &= (slowest <= 0) | (horizon == HORIZONS[-1])
        arrived.states[left[settled]] = found[settled]
        arrived.slowest[left[settled]] = slowest[settled]
        for i in left[settled]:
            arrived.status[i] = OK
        left = left[~settled]
        if not len(left):
            break
    return arrived


def settle(
    linear: Linear, start: Array, sizes: Array, moving: list[int], tolerances: Tolerances
) -> tuple[Array, Flags, Array]:
    """Find steady states near ``start`` by Newton's method, with conserved sums kept.

    Returns states (subjects, states), whether the method came to rest not far from the start, and for those
    the real part of the slowest eigenvalue, zero where rounding does not tell its sign.
    """
    states, subjects = start.copy(), len(start)
    settled, slowest = np.zeros(subjects, dtype=bool), np.full(subjects, np.nan)
    kept = conserved(linear)
    active, before = np.arange(subjects), np.full(subjects, np.inf)
    absolute = (
        0.0 if tolerances.absolute is None else np.broadcast_to(tolerances.absolute, start.shape[1])[moving]
    )
    for _ in range(_ITERATIONS):
        own = linear.take(active)
        rates, jacobian = own.at(states[active])
        here = states[active][:, moving]
        scale, turnover = np.maximum(sizes[active][:, moving], np.abs(here)), _turnover(jacobian, here)
        move, several = _newton(
            rates,
            jacobian,
            np.maximum(scale, turnover),
            kept if len(kept) == 1 else [kept[i] for i in active],
        )
        rounding = _ROUNDING * turnover + LEAST_ABSOLUTE
        limit = tolerances.relative * (np.abs(here) + SHARE * scale) + absolute + rounding
        with np.errstate(all="ignore"):
            length = np.max(np.abs(move) / limit, axis=1, initial=0.0)
        fine = np.isfinite(length)
        states[np.ix_(active[fine], moving)] += move[fine]
        # at the end rounding errors move it about: a short move that no longer shrinks is one of them
        done = fine & ((length <= 1) | ((length <= 100) & (length >= before[active] / 2)))
        near = np.where(several, _NEAR_SEVERAL, _NEAR)[:, None]
        gap = np.abs(here - start[active][:, moving]) <= near * scale + 100 * rounding
        before[active] = length
        settled[active[done]] = np.all(gap[done], axis=1)
        active = active[fine & ~done]
        if not len(active):
            break
    rest = np.flatnonzero(settled)
    slowest[rest] = slowest_at(linear.take(rest), states[rest], sizes[rest], moving)
    return states, settled, slowest


def slowest_at(linear: Linear, states: Array, sizes: Array, moving: list[int]) -> Array:
    """Return the largest real part among the eigenvalues at some states, (subjects,).

    Those of conserved sums are left out. It is zero where rounding does not tell its sign.
    """
    if not len(states):
        return np.zeros(0)
    kept = conserved(linear)
    jacobian, here = linear.at(states)[1], np.abs(states[:, moving])
    scale = np.maximum(np.maximum(sizes[:, moving], here), _turnover(jacobian, here))
    inner, _, projection = _scaled(jacobian, scale, kept)
    count = inner.shape[1]
    if not count:
        return np.full(len(inner), -np.inf)
    largest = np.max(np.linalg.eigvals(inner - projection).real, axis=1)
    doubt = 64 * count * np.finfo(float).eps * np.max(np.abs(inner), axis=(1, 2))
    return np.where(np.abs(largest) <= doubt, 0.0, largest)


def _turnover(jacobian: Array, states: Array) -> Array:
    """Return how much flows through each state while it turns over once; cancelling flows count in full."""
    through = np.einsum("sij,sj->si", np.abs(jacobian), np.abs(states))
    speed = np.abs(np.diagonal(jacobian, axis1=1, axis2=2))
    speed = np.where(speed > 0, speed, np.max(np.abs(jacobian), axis=2, initial=0.0))
    flow: Array = np.divide(through, speed, out=np.abs(states), where=speed > 0)
    return flow


def conserved(linear: Linear) -> list[Array]:
    """Return for each subject a basis of the sums that its system keeps, each (sums, moving).

    A sum is kept when it vanishes for the rates and their derivatives at a few states that have nothing to do
    with the subject's own.
    """
    system = linear.library.system
    start = np.array([abs(system.initial[name]) for name in system.states])
    start = np.where(
        np.isfinite(start) & (start > 0), start, np.max(start, initial=0.0, where=start < np.inf) or 1.0
    )
    pattern = np.arange(len(start)) % 7 + 1.0
    tables = []
    for shift in _SHIFTS:
        subjects = len(linear.parameters)
        rates, jacobian = linear.at(np.repeat((start * (1 + shift * pattern / 7))[None], subjects, axis=0))
        tables.append(np.concatenate((rates[:, :, None], jacobian), axis=2))
    return [_kept(table) for table in np.concatenate(tables, axis=2)]


def _kept(table: Array) -> Array:
    """Return a basis of the sums of rows that vanish."""
    table = table[:, np.all(np.isfinite(table), axis=0)]
    if not table.size:
        return np.zeros((0, len(table)))
    rows = np.max(np.abs(table), axis=1)
    weights = np.where(rows > 0, rows, 1.0)
    left, singular, _ = np.linalg.svd(table / weights[:, None])
    rank = int(np.sum(singular > _SINGULAR * singular[0])) if singular[0] > 0 else 0
    return np.asarray((left[:, rank:] / weights[:, None]).T)


def _scaled(jacobian: Array, scale: Array, kept: list[Array]) -> tuple[Array, Array, Array]:
    """Return Jacobians in units of the states' sizes, these sizes, and projections on the conserved sums."""
    units = np.where(scale > 0, scale, 1.0)
    inner = jacobian * units[:, None, :] / units[:, :, None]
    projections = np.zeros_like(inner)
    for i, unit in enumerate(units):
        basis = np.linalg.qr((kept[i % len(kept)] * unit).T)[0]
        speed = np.max(np.abs(inner[i]), initial=0.0)
        projections[i] = basis @ basis.T * (speed if speed > 0 else 1.0)
    return inner, units, projections


def _newton(rates: Array, jacobian: Array, scale: Array, kept: list[Array]) -> tuple[Array, Flags]:
    """Return moves (subjects, moving) to where linearised rates vanish, none along conserved sums.

    Where a steady state is not alone the shortest move is taken; the second array says for whom.
    """
    inner, units, projection = _scaled(jacobian, scale, kept)
    moves, several = np.full_like(rates, np.nan), np.zeros(len(rates), dtype=bool)
    wanted = -rates / units
    for i, matrix in enumerate(inner + projection):
        if not (np.isfinite(matrix).all() and np.isfinite(wanted[i]).all()):
            continue  # the row stays NaN: there is no steady state near here
        try:
            moves[i] = np.linalg.solve(matrix, wanted[i])
        except np.linalg.LinAlgError:
            several[i] = True
        if several[i] or np.max(np.abs(moves[i]), initial=0.0) > _FAR:
            moves[i], _, rank, _ = np.linalg.lstsq(matrix, wanted[i], rcond=_SINGULAR)
            several[i] = rank < len(matrix)
            rest = np.max(np.abs(matrix @ moves[i] - wanted[i]), initial=0.0)
            if rest > _SOLVED * np.max(np.abs(wanted[i]), initial=0.0):
                moves[i] = np.nan  # nothing brings these rates to zero
    return moves * units, several


def words_of(slowest: Array) -> tuple[str, ...]:
    """Say what the slowest eigenvalues mean; an empty word where there is none."""
    return tuple(
        "" if np.isnan(x) else STABLE if x < 0 else UNSTABLE if x > 0 else MARGINAL for x in slowest.tolist()
    )
