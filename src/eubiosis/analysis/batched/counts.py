"""Negative binomial regression of many outcomes at once, on arms alone.

With arms as the only columns the coefficients are the logarithms of the arms' rates, and the information is
an arrow: one entry for each arm, and a row for the logarithm of the dispersion that they share. Every Newton
step is then a handful of sums over participants, for all outcomes together. The likelihood, its derivatives
and the guards are those of ``estimators.negbin`` (NB2; Lawless 1987, Canadian Journal of Statistics 15:209).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eubiosis.analysis.estimators.negbin import (
    LARGEST_STEP,
    MAX_ITERATIONS,
    SMALLEST_ALPHA,
    TOLERANCE,
    shape_of_dispersion,
)

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
MOST_IN_ONE_ROW = 5_000  # above, a table of the integers below the largest count costs more than it saves
_HALVINGS = 40
_GRID = (0.1, 0.5, 2.0, 8.0)
_LARGEST_LOG = 100.0


@dataclass(frozen=True)
class Events:
    """Counts and exposure of a batch of outcomes, participants alike in both and in their arm taken together.

    ``counts``, ``years`` and ``arm`` (batch, rows), the control's arm 0; ``people`` (batch, rows) is how many
    are alike, 0 in rows that only fill up; ``inside`` (arms, batch, rows) says the same by arm. ``above``
    (batch, largest count + 1) counts the people whose count exceeds 0, 1, 2, ...; ``constant`` (batch,) is
    the sum of log(count!).
    """

    counts: Floats
    years: Floats
    arm: Ints
    people: Floats
    inside: Floats
    above: Floats
    constant: Floats

    @classmethod
    def of(cls, counts: Floats, years: Floats, arm: Ints, inside: Bools) -> Events:
        """Prepare a batch; rows without a count or exposure are left out."""
        from scipy.special import gammaln

        kept = inside.any(axis=0) & (years > 0) & np.isfinite(counts)
        size, arms = len(counts), len(inside)
        events = np.where(kept, counts, 0.0)
        width = int(events.max(initial=0.0)) + 1
        outcome, row = np.nonzero(kept)
        whole = events[outcome, row].astype(np.int64)
        tally = np.bincount(outcome * width + whole, minlength=size * width).reshape(size, width)
        above = tally.sum(axis=-1, keepdims=True) - np.cumsum(tally, axis=-1)
        times, time = np.unique(years[outcome, row], return_inverse=True)
        shape = (size, arms, len(times), width)
        alike, number = np.unique(
            np.ravel_multi_index((outcome, arm[outcome, row], time.reshape(-1), whole), shape),
            return_counts=True,
        )
        outcome, group, time, whole = np.unravel_index(alike, shape)
        factorials = gammaln(events + 1.0).sum(axis=-1)
        return cls.laid_out(outcome, (whole, times[time], group, number), arms, above, factorials)

    @classmethod
    def laid_out(
        cls,
        outcome: Ints,
        columns: tuple[NDArray[np.generic], ...],
        arms: int,
        above: NDArray[np.generic],
        factorials: Floats,
    ) -> Events:
        """Lay out groups of people who are alike, (groups,), as a row for each outcome.

        ``outcome`` is that of each group, in order; ``columns`` are its count, years, arm and people.
        ``above`` and ``factorials`` are those of ``Events``, by outcome.
        """
        size = len(above)
        first = np.searchsorted(outcome, np.arange(size))
        place = np.arange(len(outcome)) - first[outcome]
        table = np.zeros((4, size, int(place.max(initial=0)) + 1))
        for values, one in zip(table, columns, strict=True):
            values[outcome, place] = one
        own = table[2].astype(np.int64)
        inside = np.stack([table[3] * (own == k) for k in range(arms)])
        return cls(table[0], table[1], own, table[3], inside, above.astype(np.float64), factorials)

    def part(self, rows: Ints) -> Events:
        """Return some outcomes of the batch."""
        return Events(
            self.counts[rows],
            self.years[rows],
            self.arm[rows],
            self.people[rows],
            self.inside[:, rows],
            self.above[rows],
            self.constant[rows],
        )

    def means(self, logs: Floats) -> Floats:
        """Return expected counts (batch, rows) for the logarithms of the arms' rates (batch, arms)."""
        return np.asarray(np.take_along_axis(np.exp(logs), self.arm, axis=-1) * self.years)

    def by_arm(self, values: Floats) -> Floats:
        """Return sums over the people of each arm, (batch, arms)."""
        return np.stack([_summed(values * group) for group in self.inside], axis=-1)

    def over_all(self, values: Floats) -> Floats:
        """Return sums over all people, (batch,)."""
        return _summed(values * self.people)


@dataclass(frozen=True)
class RateRatios:
    """Log rate ratios of every arm against the control.

    (batch, arms - 1): ``log_ratio`` and ``error``; (batch, arms): ``events``, ``years``, ``analysed``;
    (batch,): ``dispersion`` (0 where there is no overdispersion: ``boundary``), its error,
    ``log_likelihood``, ``iterations``, and ``regular``, false where the single analysis has to judge.
    """

    log_ratio: Floats
    error: Floats
    events: Floats
    years: Floats
    analysed: Ints
    dispersion: Floats
    dispersion_error: Floats
    log_likelihood: Floats
    iterations: Ints
    boundary: Bools
    regular: Bools


def rate_ratios(data: Events) -> RateRatios:
    """Fit every outcome of a batch by maximum likelihood; Poisson where the dispersion goes to zero."""
    size, arms = len(data.counts), len(data.inside)
    events, years = data.by_arm(data.counts), data.by_arm(data.years)
    analysed = np.rint(data.inside.sum(axis=-1)).astype(np.int64).T
    regular = np.all(events > 0, axis=-1) & (analysed.sum(axis=-1) > arms)
    most = _maximum(data, events, years, regular)
    logs, log_alpha, iterations = most.logs, most.log_alpha, most.iterations
    regular &= most.converged
    boundary = regular & np.isneginf(log_alpha)
    error, dispersion_error = np.full((size, arms - 1), np.nan), np.full(size, np.nan)
    likelihood = np.full(size, np.nan)
    for some, poisson in ((boundary, True), (regular & ~boundary, False)):
        rows = np.flatnonzero(some)
        if not len(rows):
            continue
        part, own, spread = data.part(rows), logs[rows], np.exp(log_alpha[rows])
        likelihood[rows] = _log_likelihood(part, own, spread)
        if poisson:
            error[rows] = np.sqrt(1 / events[rows, 1:] + 1 / events[rows, :1])
            continue
        at = _derivatives(part, own, log_alpha[rows])
        lean = at.cross / at.diagonal
        variance = 1 / at.diagonal[:, 1:] + 1 / at.diagonal[:, :1]
        variance += (lean[:, 1:] - lean[:, :1]) ** 2 / at.schur[:, None]
        with np.errstate(invalid="ignore"):
            error[rows] = np.sqrt(variance)
            dispersion_error[rows] = spread / np.sqrt(at.schur)
        regular[rows] &= at.schur > 0
    ratio = logs[:, 1:] - logs[:, :1]
    regular &= np.all(np.isfinite(error), axis=-1)
    return RateRatios(
        ratio, error, events, years, analysed, np.exp(log_alpha), dispersion_error, likelihood, iterations,
        boundary & regular, regular,
    )  # fmt: skip


def fitted_rates(data: Events) -> tuple[Floats, Floats, Floats, Bools]:
    """Return rates (logarithms), log dispersion, log likelihood at the maximum, and whether it was found.

    Shapes (batch, arms), (batch,), (batch,) and (batch,); the log dispersion is minus infinity where Poisson
    is likelier than any overdispersion. An arm without events has no maximum.
    """
    events, years = data.by_arm(data.counts), data.by_arm(data.years)
    regular = np.all(events > 0, axis=-1)
    most = _maximum(data, events, years, regular)
    likelihood = _log_likelihood(data, most.logs, np.exp(most.log_alpha))
    return most.logs, most.log_alpha, likelihood, regular & most.converged


def _maximum(data: Events, events: Floats, years: Floats, regular: Bools) -> _Maximum:
    """Maximise the likelihood of the ``regular`` outcomes; minus infinity for a log dispersion of zero."""
    size = len(regular)
    logs = np.zeros(events.shape)
    np.log(np.divide(events, years, where=regular[:, None], out=np.ones_like(events)), out=logs)
    alpha, log_alpha = np.zeros(size), np.full(size, -np.inf)
    converged, iterations = np.ones(size, dtype=bool), np.zeros(size, dtype=np.int64)
    rows = np.flatnonzero(regular)
    alpha[rows] = _starting_alpha(data.part(rows), logs[rows])
    rows = np.flatnonzero(regular & (alpha > 0))
    if len(rows):
        found = _newton(data.part(rows), logs[rows], np.log(alpha[rows]))
        inner = np.exp(found.log_alpha) > SMALLEST_ALPHA
        converged[rows], iterations[rows] = found.converged, found.iterations
        logs[rows[inner]], log_alpha[rows[inner]] = found.logs[inner], found.log_alpha[inner]
    return _Maximum(logs, log_alpha, iterations, converged)


@dataclass(frozen=True)
class _Derivatives:
    score: Floats  # (batch, arms), of the logarithms of the rates
    score_alpha: Floats  # (batch,), of log alpha
    diagonal: Floats  # (batch, arms), of the observed information
    cross: Floats  # (batch, arms)
    corner: Floats  # (batch,)

    @property
    def schur(self) -> Floats:
        """Return the information on log alpha when the rates are estimated too."""
        return np.asarray(self.corner - (self.cross**2 / self.diagonal).sum(axis=-1))


def _derivatives(data: Events, logs: Floats, log_alpha: Floats) -> _Derivatives:
    alpha = np.exp(log_alpha)[:, None]
    mu = data.means(logs)
    shrink = 1.0 + alpha * mu
    left = (data.counts - mu) / shrink
    below = np.arange(data.above.shape[1], dtype=np.float64)
    each = below / (1.0 + alpha * below)
    height, slope = shape_of_dispersion(alpha * mu)
    first = _summed(data.above * each)
    first += data.over_all(mu**2 * height - data.counts * mu / shrink)
    second = data.over_all(mu**3 * slope + data.counts * (mu / shrink) ** 2)
    second -= _summed(data.above * each**2)
    a = alpha[:, 0]
    return _Derivatives(
        data.by_arm(left),
        a * first,
        data.by_arm(mu * (1.0 + alpha * data.counts) / shrink**2),
        a[:, None] * data.by_arm(left * mu / shrink),
        -(a**2 * second + a * first),
    )


def _summed(terms: Floats) -> Floats:
    """Return sums over the last axis, from first to last: zeros at its end change no bit."""
    return np.asarray(np.add.accumulate(terms, axis=-1)[..., -1])


def _log_likelihood(data: Events, logs: Floats, alpha: Floats) -> Floats:
    linear = np.take_along_axis(logs, data.arm, axis=-1) + np.log(np.where(data.years > 0, data.years, 1.0))
    mu = data.means(logs)
    poisson = data.over_all(data.counts * linear - mu)
    spread = np.where(alpha > 0, alpha, 1.0)[:, None]
    growth = np.log1p(spread * mu)
    below = np.arange(data.above.shape[1], dtype=np.float64)
    table = _summed(data.above * np.log1p(spread * below))
    other = table + data.over_all(data.counts * (linear - growth) - growth / spread)
    found: Floats = np.asarray(np.where(alpha > 0, other, poisson) - data.constant)
    return found


def _starting_alpha(data: Events, logs: Floats) -> Floats:
    """Return a start for alpha; zero where no positive alpha is likelier than Poisson, as looked for."""
    mu = data.means(logs)
    excess = data.over_all((data.counts - mu) ** 2 - data.counts)
    start: Floats = np.clip(excess / data.over_all(mu**2), 1e-4, 20.0)
    rows = np.flatnonzero(excess <= 0)
    if len(rows):
        part, own = data.part(rows), logs[rows]
        best, chosen = _log_likelihood(part, own, np.zeros(len(rows))), np.zeros(len(rows))
        for alpha in _GRID:
            spread = np.full(len(rows), alpha)
            fitted, converged = _rates_at(part, own, spread)
            reached = _log_likelihood(part, fitted, spread)
            better = converged & (reached > best + 1e-8)
            best, chosen = np.where(better, reached, best), np.where(better, alpha, chosen)
        start[rows] = chosen
    return start


def _rates_at(data: Events, logs: Floats, alpha: Floats) -> tuple[Floats, Bools]:
    """Maximise over the rates at known dispersions, where the arms do not touch each other."""
    logs = logs.copy()
    converged = np.zeros(len(logs), dtype=bool)
    for _ in range(MAX_ITERATIONS):
        mu = data.means(logs)
        shrink = 1.0 + alpha[:, None] * mu
        score = data.by_arm((data.counts - mu) / shrink)
        weight = data.by_arm(mu * (1.0 + alpha[:, None] * data.counts) / shrink**2)
        step = score / weight
        converged |= 0.5 * (step * score).sum(axis=-1) < TOLERANCE
        if converged.all():
            break
        step *= (LARGEST_STEP / np.maximum(np.abs(step).max(axis=-1), LARGEST_STEP))[:, None]
        step[converged] = 0.0
        scale, _ = _halved(_log_likelihood(data, logs, alpha), _along_rates(data, logs, step, alpha), 1e-10)
        logs += np.where(np.isnan(scale), 0.0, scale)[:, None] * step
    return logs, converged & np.all(np.abs(logs) < _LARGEST_LOG, axis=-1)


@dataclass(frozen=True)
class _Maximum:
    logs: Floats
    log_alpha: Floats
    iterations: Ints
    converged: Bools


def _newton(data: Events, logs: Floats, log_alpha: Floats) -> _Maximum:
    """Maximise over rates and log alpha by Newton steps with halving, each outcome until it has converged."""
    logs, log_alpha = logs.copy(), log_alpha.copy()
    converged = np.zeros(len(logs), dtype=bool)
    iterations = np.zeros(len(logs), dtype=np.int64)
    open_rows = np.arange(len(logs))
    reached = _log_likelihood(data, logs, np.exp(log_alpha))
    for _ in range(MAX_ITERATIONS):
        whole = len(open_rows) == len(logs)
        part = data if whole else data.part(open_rows)
        own, spread = logs[open_rows], log_alpha[open_rows]
        at = _derivatives(part, own, spread)
        iterations[open_rows] += 1
        schur = np.maximum(np.abs(at.schur), 1e-8)
        rest = at.score_alpha - (at.cross * at.score / at.diagonal).sum(axis=-1)
        along = rest / schur
        step = (at.score - at.cross * along[:, None]) / at.diagonal
        decrement = 0.5 * ((at.score * step).sum(axis=-1) + at.score_alpha * along)
        done = (decrement < TOLERANCE) | (np.exp(spread) <= SMALLEST_ALPHA)
        converged[open_rows[done]] = True
        go = np.flatnonzero(~done)
        if not len(go):
            break
        if len(go) < len(open_rows):
            open_rows, part, own, spread = open_rows[go], part.part(go), own[go], spread[go]
        step, along = step[go], along[go]
        largest = np.maximum(np.abs(step).max(axis=-1), np.abs(along))
        shorter = LARGEST_STEP / np.maximum(largest, LARGEST_STEP)
        step, along = step * shorter[:, None], along * shorter
        scale, higher = _halved(reached[open_rows], _along_all(part, own, step, spread, along), 1e-11)
        stuck = np.isnan(scale)
        reached[open_rows] = higher
        logs[open_rows] = own + np.where(stuck, 0.0, scale)[:, None] * step
        log_alpha[open_rows] = spread + np.where(stuck, 0.0, scale) * along
        open_rows = open_rows[~stuck]
        if not len(open_rows):
            break
    return _Maximum(logs, log_alpha, iterations, converged)


Along = Callable[[Floats, Ints], Floats]


def _along_rates(data: Events, logs: Floats, step: Floats, alpha: Floats) -> Along:
    def at(scale: Floats, rows: Ints) -> Floats:
        return _log_likelihood(data.part(rows), logs[rows] + scale[:, None] * step[rows], alpha[rows])

    return at


def _along_all(data: Events, logs: Floats, step: Floats, log_alpha: Floats, along: Floats) -> Along:
    def at(scale: Floats, rows: Ints) -> Floats:
        spread = np.exp(log_alpha[rows] + scale * along[rows])
        part = data if len(rows) == len(logs) else data.part(rows)
        return _log_likelihood(part, logs[rows] + scale[:, None] * step[rows], spread)

    return at


def _halved(now: Floats, at: Along, tolerance: float) -> tuple[Floats, Floats]:
    """Return the first of 1, 1/2, 1/4, ... at which the likelihood has not fallen, and what it is there.

    The step is not a number where there is none.
    """
    scale, higher = np.ones(len(now)), now.copy()
    rows = np.arange(len(now))
    for _ in range(_HALVINGS):
        reached = at(scale[rows], rows)
        risen = reached >= now[rows] - tolerance * np.abs(now[rows])
        higher[rows[risen]] = reached[risen]
        rows = rows[~risen]
        if not len(rows):
            return scale, higher
        scale[rows] /= 2
    scale[rows] = np.nan
    return scale, higher
