"""Cox's proportional hazards model: ties after Efron, Breslow or exact, strata, late entry, robust errors.

A row is an interval (start, stop] of one participant, with an event at its end or none; so recurrent
events are rows of the same participant (Andersen and Gill 1982), and the robust covariance summed by
participant makes the analysis that of Lin, Wei, Yang and Ying (2000, JRSS B 62:711).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from eubiosis.analysis.columns import Floats, inverse
from eubiosis.analysis.estimators.histories import Histories, Stratum, comparisons, competing
from eubiosis.analysis.guard import NEGLIGIBLE, SEES_ALL, Blind, all_finite, independent_columns, recession
from eubiosis.analysis.result import Statistic, chi_squared, no_statistic
from eubiosis.core.soundness import OK, Soundness, worst

Ties = Literal["Efron", "Breslow", "exact"]
MAX_ITERATIONS = 50
TOLERANCE = 1e-12  # of half the Newton decrement
DIVERGED = 15.0  # a linear predictor this steep per standard deviation means that there is no maximum
FLAT = 1e-10  # information per event, in standardised columns, that is rounding
NO_MAXIMUM = Soundness("not_converged", "the partial likelihood found no maximum")
STEEP = 8.0  # hazards this far apart on the log scale are looked at: has the likelihood a maximum at all?


@dataclass(frozen=True)
class CoxFit:
    """A fitted Cox model.

    ``coefficients`` (columns,), ``covariance`` the inverse information, ``robust`` the sandwich summed by
    participant; log-likelihoods at zero and at the fit; ``score`` the score test at zero. ``blind`` says
    which contrasts are undefined although the fit has numbers; their coefficients are zero.
    """

    coefficients: Floats
    covariance: Floats
    robust: Floats
    log_likelihood_null: float
    log_likelihood: float
    score: float
    iterations: int
    events: int
    soundness: Soundness = OK
    blind: Blind = SEES_ALL


def fit_cox(data: Histories, participant: NDArray[np.intp], ties: Ties = "Efron") -> CoxFit:
    """Fit by maximum partial likelihood; ``participant`` (rows,) numbers whom each row belongs to.

    Where a coefficient runs to infinity (an arm without events, arms apart in time) the likelihood of the
    rest is maximised: whoever has no chance left against the events leaves their risk sets. What then is
    undefined is ``blind``, as are columns that no risk set compares. No events at all give
    "too_few_events"; numbers are then NaN.
    """
    columns = data.matrix.shape[1]
    if not data.event.any():
        return no_fit(columns, 0, Soundness("too_few_events", "no events"), 0)
    centred = data.matrix - data.matrix.mean(axis=0)
    if np.all(centred.std(axis=0) > 0) and np.linalg.matrix_rank(centred) == columns:
        fit = _maximise(data, participant, ties)
        if fit.soundness.usable and float(np.ptp(data.matrix @ fit.coefficients)) < STEEP:
            return fit
    return _fit_defined(data, participant, ties)


def _fit_defined(data: Histories, participant: NDArray[np.intp], ties: Ties) -> CoxFit:
    """Fit what the risk sets define, and mark the other directions as blind."""
    columns, events, separated = data.matrix.shape[1], int(data.event.sum()), False
    for _ in range(columns):
        compared = comparisons(data)
        direction = recession(compared, np.zeros((0, columns)))
        if direction is None:
            break
        data, rows = competing(data, direction)
        participant, separated = participant[rows], True
    compared = comparisons(data)
    if separated:
        why = Soundness(
            "separated", "the events tell the groups apart completely: the hazard ratio is 0 or infinite"
        )
    else:
        why = Soundness("no_information", "no risk set compares both sides of the contrast")
    kept, blind = independent_columns(compared, why)
    if not len(kept):
        return no_fit(columns, events, why, 0)
    part = _maximise(replace(data, matrix=data.matrix[:, kept]), participant, ties)
    if ties == "exact" and not part.soundness.usable:
        part = replace(part, soundness=why if separated else part.soundness)
    place = np.ix_(kept, kept)
    beta, spread, robust = np.zeros(columns), np.zeros((columns, columns)), np.zeros((columns, columns))
    beta[kept], spread[place], robust[place] = part.coefficients, part.covariance, part.robust
    return replace(part, coefficients=beta, covariance=spread, robust=robust, blind=blind)


def _maximise(data: Histories, participant: NDArray[np.intp], ties: Ties) -> CoxFit:
    """Climb the partial likelihood of independent columns from zero."""
    columns = data.matrix.shape[1]
    events = int(data.event.sum())
    centred = data.matrix - data.matrix.mean(axis=0)
    scale = centred.std(axis=0)
    scaled = Histories(centred / scale, data.start, data.stop, data.event, data.stratum)
    parts = scaled.parts()
    beta = np.zeros(columns)
    null, score, information = _derivatives(parts, beta, ties)
    start_score = score, information
    value = null
    for iteration in range(1, MAX_ITERATIONS + 1):
        try:
            step = np.linalg.solve(information, score)
        except np.linalg.LinAlgError:
            return no_fit(columns, events, Soundness("singular", "the information is singular"), iteration)
        if 0.5 * float(step @ score) < TOLERANCE:
            break
        size = 1.0
        for _ in range(30):
            reached = _derivatives(parts, beta + size * step, ties)
            if reached[0] >= value - 1e-10 * abs(value):
                break
            size /= 2
        beta = beta + size * step
        value, score, information = reached
        if np.any(np.abs(beta) > DIVERGED):
            return no_fit(columns, events, NO_MAXIMUM, iteration)
    else:
        return no_fit(columns, events, NO_MAXIMUM, MAX_ITERATIONS)
    if float(np.linalg.eigvalsh(information)[0]) < FLAT * events:
        return no_fit(columns, events, Soundness("singular", "the information is singular"), iteration)
    covariance = inverse(information)
    spread = covariance
    if ties != "exact":
        sums = np.zeros((int(participant.max()) + 1, columns))
        np.add.at(sums, participant, score_residuals(scaled, beta, ties))
        spread = covariance @ (sums.T @ sums) @ covariance
    unit = np.outer(scale, scale)
    return CoxFit(
        beta / scale,
        covariance / unit,
        spread / unit if ties != "exact" else np.full((columns, columns), math.nan),
        null,
        value,
        float(start_score[0] @ np.linalg.solve(start_score[1], start_score[0])),
        iteration,
        events,
    )


def score_residuals(data: Histories, beta: Floats, ties: Ties = "Efron") -> Floats:
    """Return the score residuals (rows, columns), which sum to the score.

    Therneau and Grambsch (2000, Modeling Survival Data, chapter 4); for Efron's ties the average over
    the steps in which the tied events leave the risk set.
    """
    residuals = np.zeros_like(data.matrix)
    for part in data.parts():
        weight = np.exp(np.clip(part.matrix @ beta, -500.0, 500.0))
        hazard, mean, _ = _steps(part, beta, ties)
        fraction = part.fraction if ties == "Efron" else np.zeros(len(part.entry))
        count = len(part.times)
        jumps = np.zeros((count, 3, 1 + part.matrix.shape[1]))
        both = np.column_stack([hazard, hazard[:, None] * mean])
        np.add.at(jumps[:, 0], part.entry, both)
        np.add.at(jumps[:, 1], part.entry, both * fraction[:, None])
        np.add.at(jumps[:, 2, 1:], part.entry, mean)
        running = np.concatenate((np.zeros((1, jumps.shape[2])), np.cumsum(jumps[:, 0], axis=0)))
        seen = np.searchsorted(part.times, part.stop, side="right")
        before = np.searchsorted(part.times, part.start, side="right")
        total = running[seen] - running[before]
        total[part.event] -= jumps[part.time_of_event, 1]
        own = -weight[:, None] * (part.matrix * total[:, :1] - total[:, 1:])
        average = jumps[:, 2, 1:] / part.deaths[:, None]
        own[part.event] += part.matrix[part.event] - average[part.time_of_event]
        residuals[part.rows] = own
    return residuals


def proportional_hazards_tests(data: Histories, beta: Floats) -> tuple[Statistic, ...]:
    """Test each coefficient, and all together, for change over time (Grambsch and Therneau 1994).

    Score tests of adding each column times one minus the Kaplan-Meier estimate just before the event, as
    cox.zph of R's survival 3 does by default. The last statistic is the global one. Columns that the risk
    sets do not compare at more than one time have none.
    """
    columns = data.matrix.shape[1]
    labels = [*(f"column {j}" for j in range(columns)), "global"]
    freedoms = [*([1] * columns), columns]
    none = worst(all_finite(data.matrix, "columns"), all_finite(data.stop, "times"))
    if none.usable and not data.event.any():
        none = Soundness("too_few_events", "no events")
    if not none.usable:
        return tuple(no_statistic(label, df, none) for label, df in zip(labels, freedoms, strict=True))
    change, first, cross, second = _drift(data, beta)
    flat = Soundness("no_information", "the risk sets do not say how the effect changes with time")
    if np.linalg.matrix_rank(first, hermitian=True) < columns:
        return tuple(no_statistic(label, df, flat) for label, df in zip(labels, freedoms, strict=True))
    spread = second - cross @ np.linalg.solve(first, cross)
    tests = []
    for j in range(columns):
        if not spread[j, j] > NEGLIGIBLE * second[j, j]:
            tests.append(no_statistic(labels[j], 1, flat))
            continue
        variance = float(second[j, j] - cross[j] @ np.linalg.solve(first, cross[:, j]))
        tests.append(chi_squared(labels[j], float(change[j] ** 2) / variance, 1))
    if all(one.usable for one in tests) and np.linalg.matrix_rank(spread, hermitian=True) == columns:
        tests.append(chi_squared("global", float(change @ np.linalg.solve(spread, change)), columns))
    else:
        tests.append(no_statistic("global", columns, flat))
    return tuple(tests)


def _drift(data: Histories, beta: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Return the score of a change over time and the information in and between it and the coefficients."""
    parts = data.parts()
    pooled, left = _left_survival(data)
    columns = data.matrix.shape[1]
    pieces = []
    for part in parts:
        _, mean, spread = _steps(part, beta, "Efron", with_spread=True)
        pieces.append((1.0 - left[np.searchsorted(pooled, part.times)], part, mean, spread))
    events = sum(len(part.entry) for part in parts)
    centre = sum(float(g[part.entry].sum()) for g, part, _, _ in pieces) / events
    first, cross, second = (np.zeros((columns, columns)) for _ in range(3))
    change = np.zeros(columns)
    for g, part, mean, spread in pieces:
        at = g[part.entry] - centre
        first += spread.sum(axis=0)
        cross += np.einsum("e,eij->ij", at, spread)
        second += np.einsum("e,eij->ij", at**2, spread)
        observed = (g - centre) @ part.tied(part.matrix)
        change += observed - at @ mean
    return change, first, cross, second


def concordance(data: Histories, beta: Floats) -> float:
    """Return Harrell's concordance within strata, ties in the linear predictor counting one half."""
    better = comparable = 0.0
    risk = data.matrix @ beta
    for stratum in np.unique(data.stratum):
        rows = data.stratum == stratum
        time, event, score = data.stop[rows], data.event[rows], risk[rows]
        for i in np.flatnonzero(event):
            later = (time > time[i]) | ((time == time[i]) & ~event)
            better += float(np.sum(score[later] < score[i])) + 0.5 * float(np.sum(score[later] == score[i]))
            comparable += float(np.sum(later))
    return better / comparable if comparable else math.nan


def _left_survival(data: Histories) -> tuple[Floats, Floats]:
    """Return the event times of all strata and the Kaplan-Meier estimate just before each."""
    times, deaths = np.unique(data.stop[data.event], return_counts=True)
    risk = np.array([np.sum((data.stop >= t) & (data.start < t)) for t in times])
    after = np.cumprod(1.0 - deaths / risk)
    return times, np.concatenate(([1.0], after[:-1]))


def _steps(
    part: Stratum, beta: Floats, ties: Ties, *, with_spread: bool = False
) -> tuple[Floats, Floats, Floats]:
    """Return per event: one over the weight at risk, the weighted mean, and the weighted covariance."""
    weight = np.exp(np.clip(part.matrix @ beta, -500.0, 500.0))
    weighted = weight[:, None] * part.matrix
    total, first = part.at_risk(weight)[part.entry], part.at_risk(weighted)[part.entry]
    fraction = part.fraction if ties == "Efron" else np.zeros(len(part.entry))
    total = total - fraction * part.tied(weight)[part.entry]
    first = first - fraction[:, None] * part.tied(weighted)[part.entry]
    mean = first / total[:, None]
    spread = np.zeros((0, 0, 0))
    if with_spread:
        squares = weighted[:, :, None] * part.matrix[:, None, :]
        second = part.at_risk(squares)[part.entry] - fraction[:, None, None] * part.tied(squares)[part.entry]
        spread = second / total[:, None, None] - mean[:, :, None] * mean[:, None, :]
    return 1.0 / total, mean, spread


def _derivatives(parts: list[Stratum], beta: Floats, ties: Ties) -> tuple[float, Floats, Floats]:
    """Return the log partial likelihood, its score and its information."""
    if ties == "exact":
        return _exact_derivatives(parts, beta)
    value, columns = 0.0, len(beta)
    score, information = np.zeros(columns), np.zeros((columns, columns))
    for part in parts:
        hazard, mean, spread = _steps(part, beta, ties, with_spread=True)
        observed = part.matrix[part.event].sum(axis=0)
        value += float(observed @ beta) + float(np.sum(np.log(hazard)))
        score += observed - mean.sum(axis=0)
        information += spread.sum(axis=0)
    return value, score, information


def _exact_derivatives(parts: list[Stratum], beta: Floats) -> tuple[float, Floats, Floats]:
    """Do the same for the conditional likelihood: which of the risk set had the events, given how many.

    Sums over all subsets by the recursion of Gail, Lubin and Rubinstein (1981, Biometrika 68:703).
    """
    value, columns = 0.0, len(beta)
    score, information = np.zeros(columns), np.zeros((columns, columns))
    for part in parts:
        linear = part.matrix @ beta
        sums = part.tied(part.matrix)
        for k, time in enumerate(part.times):
            members = np.flatnonzero((part.stop >= time) & (part.start < time))
            top = float(linear[members].max())
            zero, one, two = _subset_sums(
                np.exp(linear[members] - top), part.matrix[members], int(part.deaths[k])
            )
            mean = one / zero
            value += float(sums[k] @ beta) - math.log(zero) - top * float(part.deaths[k])
            score += sums[k] - mean
            information += two / zero - np.outer(mean, mean)
    return value, score, information


def _subset_sums(weight: Floats, matrix: Floats, size: int) -> tuple[float, Floats, Floats]:
    """Sum the products of weights over all subsets of a size, with first and second moments."""
    columns = matrix.shape[1]
    zero, one = np.zeros(size + 1), np.zeros((size + 1, columns))
    two = np.zeros((size + 1, columns, columns))
    zero[0] = 1.0
    for w, x in zip(weight, matrix, strict=True):
        cross = one[:-1, :, None] * x[None, None, :]
        two[1:] += w * (
            two[:-1] + cross + cross.transpose(0, 2, 1) + zero[:-1, None, None] * np.outer(x, x)[None]
        )
        one[1:] += w * (one[:-1] + zero[:-1, None] * x[None])
        zero[1:] += w * zero[:-1]
    return float(zero[size]), one[size], two[size]


def no_fit(columns: int, events: int, soundness: Soundness, iterations: int = 0) -> CoxFit:
    """Return a fit without numbers."""
    empty, square = np.full(columns, math.nan), np.full((columns, columns), math.nan)
    return CoxFit(empty, square, square, math.nan, math.nan, math.nan, iterations, events, soundness)
