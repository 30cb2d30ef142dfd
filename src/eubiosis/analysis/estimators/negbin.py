"""Maximum likelihood for the negative binomial with variance mu + alpha mu^2 and a log link (NB2).

The likelihood and its derivatives are those of Lawless (1987, Canadian Journal of Statistics 15:209);
the terms in Gamma functions are sums over the integers below the count, which stay exact as alpha goes
to zero. Regression coefficients and log alpha are found together by a guarded Newton method.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from eubiosis.analysis.columns import Bools, Floats, inverse
from eubiosis.analysis.guard import SEES_ALL, Blind, finite_rows, independent_columns
from eubiosis.core.soundness import OK, Soundness, Status

MAX_ITERATIONS = 100
TOLERANCE = 1e-16  # of half the Newton decrement: the end is within 1e-7 of a standard error
SMALLEST_ALPHA = 1e-7
LARGEST_STEP = 3.0
NO_OVERDISPERSION = Soundness("boundary")
_SERIES_BELOW = 0.02
_SERIES = np.array([(-1.0) ** n * (n + 1) / (n + 2) for n in range(10)])
_SERIES_SLOPE = np.array([(-1.0) ** n * n * (n + 1) / (n + 2) for n in range(1, 10)])


MOST_EVENTS = 10_000_000  # in one row; the likelihood holds a number for each


@dataclass(frozen=True)
class CountFit:
    """A fitted count regression.

    ``coefficients`` is (columns,); ``covariance`` (columns, columns) comes from the full observed
    information, the dispersion being estimated, and ``covariance_fixed`` from the expected information
    with the dispersion held, as MASS reports it. ``dispersion`` is alpha in variance = mu + alpha mu^2,
    ``dispersion_se`` its standard error (NaN at the boundary). Soundness "boundary": no overdispersion, so
    this is the Poisson fit. ``blind`` says which contrasts are undefined although the fit has numbers;
    ``used`` (rows,) marks the rows that have a finite fitted value, None: all.
    """

    coefficients: Floats
    covariance: Floats
    covariance_fixed: Floats
    dispersion: float
    dispersion_se: float
    log_likelihood: float
    iterations: int
    soundness: Soundness = OK
    blind: Blind = SEES_ALL
    used: Bools | None = None

    @property
    def status(self) -> Status:
        """Return the status of the fit as a whole."""
        return self.soundness.status

    def standard_error(self, column: int) -> float:
        """Return the standard error of one coefficient from the full observed information."""
        return _root(self.covariance[column, column])


@dataclass(frozen=True)
class _Data:
    counts: NDArray[np.int64]
    matrix: Floats
    offset: Floats
    constant: float  # sum of log(count!)
    below: Floats  # 0, 1, ..., largest count - 1

    def means(self, beta: Floats) -> Floats:
        linear: Floats = np.exp(np.clip(self.matrix @ beta + self.offset, -500.0, 500.0))
        return linear


def fit_negative_binomial(counts: Floats, matrix: Floats, offset: Floats | None = None) -> CountFit:
    """Fit an NB2 regression by maximum likelihood; fall back to Poisson where alpha goes to zero.

    ``counts`` (rows,) non-negative integers, ``matrix`` (rows, columns) with its intercept, ``offset``
    (rows,) the logarithm of the follow-up in years. Rows that a coefficient without finite maximum fits
    perfectly (all counts along it are zero) are left out, as are columns that depend on others. Status
    "not_converged" or "singular" comes with NaN numbers; negative or fractional counts, and
    counts above ``MOST_EVENTS``, raise ``ValueError``.
    """
    return _fit_defined(counts, matrix, offset, _search)


def fit_poisson(counts: Floats, matrix: Floats, offset: Floats | None = None) -> CountFit:
    """Fit a Poisson regression by maximum likelihood; arguments as for the negative binomial."""
    fit = fit_fixed_dispersion(counts, matrix, offset, 0.0)
    return replace(fit, dispersion=0.0)


def fit_fixed_dispersion(counts: Floats, matrix: Floats, offset: Floats | None, alpha: float) -> CountFit:
    """Fit the coefficients of an NB2 regression whose dispersion is known (0: Poisson)."""
    return _fit_defined(counts, matrix, offset, lambda data: _fixed_fit(data, alpha))


def _fit_defined(
    counts: Floats, matrix: Floats, offset: Floats | None, search: Callable[[_Data], CountFit]
) -> CountFit:
    """Fit what the data define: finite coefficients and independent columns; mark the rest as blind."""
    columns = matrix.shape[1]
    scaled, back = _standardised(matrix)
    data = _prepare(counts, scaled, offset)
    seen = scaled[data.counts > 0]
    if len(seen) >= columns and np.linalg.matrix_rank(seen) == columns:
        return _transformed(search(data), back)
    rows = finite_rows(matrix, np.where(data.counts > 0, 0.0, -1.0))
    why = Soundness("singular", "the contrast depends on other columns of the design, or has no rows")
    if not rows.all():
        why = Soundness(
            "separated", "the counts along the contrast are all zero: the rate ratio is 0 or infinite"
        )
    kept, blind = independent_columns(matrix[rows], why)
    if not len(kept) or rows.sum() <= len(kept):
        return _no_fit(columns, why.status, 0)
    scaled, back = _standardised(matrix[rows][:, kept])
    data = _prepare(counts[rows], scaled, None if offset is None else offset[rows])
    part = _transformed(search(data), back)
    place = np.ix_(kept, kept)
    beta, spread, fixed = np.zeros(columns), np.zeros((columns, columns)), np.zeros((columns, columns))
    beta[kept], spread[place], fixed[place] = part.coefficients, part.covariance, part.covariance_fixed
    return replace(part, coefficients=beta, covariance=spread, covariance_fixed=fixed, blind=blind, used=rows)


def _fixed_fit(data: _Data, alpha: float) -> CountFit:
    columns = data.matrix.shape[1]
    beta, iterations, converged = _fit_fixed(data, alpha, _start(data))
    if not converged:
        return _no_fit(columns, "not_converged", iterations)
    mu = data.means(beta)
    weights = mu * (1 + alpha * data.counts) / (1 + alpha * mu) ** 2
    observed = (data.matrix * weights[:, None]).T @ data.matrix
    expected = (data.matrix * (mu / (1 + alpha * mu))[:, None]).T @ data.matrix
    try:
        covariance, fixed = inverse(observed), inverse(expected)
    except np.linalg.LinAlgError:
        return _no_fit(columns, "singular", iterations)
    likelihood = _log_likelihood(data, beta, alpha)
    return CountFit(beta, covariance, fixed, alpha, math.nan, likelihood, iterations)


def _search(data: _Data) -> CountFit:
    columns = data.matrix.shape[1]
    beta, iterations, converged = _fit_fixed(data, 0.0, _start(data))
    if not converged:
        return _no_fit(columns, "not_converged", iterations)
    alpha = _starting_alpha(data, beta)
    if alpha == 0.0:
        return _poisson(data, beta, iterations)
    theta, more, converged = _newton(data, np.append(beta, math.log(alpha)))
    iterations += more
    if not converged:
        return _no_fit(columns, "not_converged", iterations)
    if math.exp(theta[-1]) <= SMALLEST_ALPHA:
        return _poisson(data, beta, iterations)
    return _assemble(data, theta, iterations)


def _standardised(matrix: Floats) -> tuple[Floats, Floats]:
    """Scale the columns, centred where there is an intercept; return them and the way back.

    The coefficients of the matrix given are ``back`` times those of the scaled one.
    """
    spread = matrix.std(axis=0)
    varies = spread > 0
    back = np.diag(1.0 / np.where(varies, spread, 1.0))
    ones = np.flatnonzero(np.all(matrix == 1.0, axis=0))
    centre = np.zeros(matrix.shape[1])
    if len(ones):
        centre = np.where(varies, matrix.mean(axis=0), 0.0)
        back[ones[0]] -= centre @ back
    scaled: Floats = (matrix - centre) / np.where(varies, spread, 1.0)
    return scaled, back


def _transformed(fit: CountFit, back: Floats) -> CountFit:
    return replace(
        fit,
        coefficients=back @ fit.coefficients,
        covariance=back @ fit.covariance @ back.T,
        covariance_fixed=back @ fit.covariance_fixed @ back.T,
    )


def _prepare(counts: Floats, matrix: Floats, offset: Floats | None) -> _Data:
    from scipy.special import gammaln

    whole = np.rint(counts).astype(np.int64)
    if np.any(whole < 0) or np.any(np.abs(counts - whole) > 1e-9):
        message = "a count is negative or not whole; allowed: 0, 1, 2, ..."
        raise ValueError(message)
    offset = np.zeros(len(counts)) if offset is None else offset
    constant = float(np.sum(gammaln(whole + 1.0)))
    largest = int(whole.max(initial=0))
    if largest > MOST_EVENTS:
        message = f"a count of {largest}; allowed: up to {MOST_EVENTS} events in one row"
        raise ValueError(message)
    return _Data(whole, matrix, offset, constant, np.arange(max(largest, 1), dtype=float))


def _start(data: _Data) -> Floats:
    """Return least-squares coefficients of the log rates, a start on the right order of magnitude."""
    rate = float(np.sum(data.counts)) / float(np.sum(np.exp(data.offset)))
    guess = np.log((data.counts + max(rate, 1e-8)) / (np.exp(data.offset) + 1.0))
    weights = np.sqrt(np.exp(data.offset) + 1.0)
    beta: Floats = np.linalg.lstsq(data.matrix * weights[:, None], guess * weights, rcond=None)[0]
    return beta


def _log_likelihood(data: _Data, beta: Floats, alpha: float) -> float:
    linear = data.matrix @ beta + data.offset
    mu = np.exp(np.clip(linear, -500.0, 500.0))
    if alpha <= 0.0:
        return float(data.counts @ linear - np.sum(mu)) - data.constant
    table = np.concatenate(([0.0], np.cumsum(np.log1p(alpha * data.below))))
    growth = np.log1p(alpha * mu)
    return (
        float(np.sum(table[data.counts] + data.counts * (linear - growth) - growth / alpha)) - data.constant
    )


def _fit_fixed(data: _Data, alpha: float, beta: Floats) -> tuple[Floats, int, bool]:
    """Maximise over beta at a fixed alpha, where the log-likelihood is concave."""
    value = _log_likelihood(data, beta, alpha)
    for iteration in range(1, MAX_ITERATIONS + 1):
        mu = data.means(beta)
        shrink = 1.0 + alpha * mu
        score = data.matrix.T @ ((data.counts - mu) / shrink)
        weight = mu * (1.0 + alpha * data.counts) / shrink**2
        try:
            step = np.linalg.solve((data.matrix * weight[:, None]).T @ data.matrix, score)
        except np.linalg.LinAlgError:
            return beta, iteration, False
        if 0.5 * float(step @ score) < TOLERANCE:
            return beta, iteration, bool(np.all(np.abs(beta) < 100.0))
        largest = float(np.max(np.abs(step)))
        scale = min(1.0, LARGEST_STEP / largest)
        for _ in range(40):
            candidate = beta + scale * step
            reached = _log_likelihood(data, candidate, alpha)
            if reached >= value - 1e-10 * abs(value):
                break
            scale /= 2
        beta, value = candidate, reached
    return beta, MAX_ITERATIONS, False


def _starting_alpha(data: _Data, beta: Floats) -> float:
    """Return a start for alpha, or zero where no positive alpha is likelier than Poisson.

    The slope of the log-likelihood in alpha at zero is half the excess of the squared residuals over
    the counts. Where it is not positive a maximum away from zero is rare, and looked for on a grid.
    """
    mu = data.means(beta)
    excess = float(np.sum((data.counts - mu) ** 2 - data.counts))
    if excess > 0:
        return float(np.clip(excess / np.sum(mu**2), 1e-4, 20.0))
    best, best_alpha = _log_likelihood(data, beta, 0.0), 0.0
    for alpha in (0.1, 0.5, 2.0, 8.0):
        fitted, _, converged = _fit_fixed(data, alpha, beta)
        reached = _log_likelihood(data, fitted, alpha)
        if converged and reached > best + 1e-8:
            best, best_alpha = reached, alpha
    return best_alpha


def _newton(data: _Data, theta: Floats) -> tuple[Floats, int, bool]:
    """Maximise over (beta, log alpha) by Newton steps with halving; return the end and success."""
    value = _log_likelihood(data, theta[:-1], math.exp(theta[-1]))
    for iteration in range(1, MAX_ITERATIONS + 1):
        score, information = derivatives(data, theta)
        step, decrement = _direction(score, information)
        if decrement < TOLERANCE or math.exp(theta[-1]) <= SMALLEST_ALPHA:
            return theta, iteration, True
        scale = min(1.0, LARGEST_STEP / float(np.max(np.abs(step))))
        for _ in range(40):
            candidate = theta + scale * step
            reached = _log_likelihood(data, candidate[:-1], math.exp(candidate[-1]))
            if reached >= value - 1e-11 * abs(value):
                break
            scale /= 2
        else:
            return theta, iteration, False
        theta, value = candidate, reached
    return theta, MAX_ITERATIONS, False


def _direction(score: Floats, information: Floats) -> tuple[Floats, float]:
    """Return an uphill step and half its decrement: Newton's where the information is positive definite."""
    try:
        factor = np.linalg.cholesky(information)
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(information)
        lifted = np.maximum(np.abs(values), 1e-8 * max(float(np.max(np.abs(values))), 1.0))
        factor = np.linalg.cholesky((vectors * lifted) @ vectors.T)
    half = np.linalg.solve(factor, score)
    step: Floats = np.linalg.solve(factor.T, half)
    return step, 0.5 * float(half @ half)


def derivatives(data: _Data, theta: Floats) -> tuple[Floats, Floats]:
    """Return the score (columns + 1,) and observed information in (beta, log alpha)."""
    beta, alpha = theta[:-1], math.exp(theta[-1])
    counts, matrix = data.counts, data.matrix
    mu = data.means(beta)
    shrink = 1.0 + alpha * mu
    first = np.concatenate(([0.0], np.cumsum(data.below / (1.0 + alpha * data.below))))
    second = np.concatenate(([0.0], np.cumsum((data.below / (1.0 + alpha * data.below)) ** 2)))
    shape, slope = shape_of_dispersion(alpha * mu)
    by_alpha = float(np.sum(first[counts] + mu**2 * shape - counts * mu / shrink))
    by_alpha_twice = float(np.sum(-second[counts] + mu**3 * slope + counts * (mu / shrink) ** 2))
    score = np.append(matrix.T @ ((counts - mu) / shrink), alpha * by_alpha)
    size = len(theta)
    information = np.empty((size, size))
    weight = mu * (1.0 + alpha * counts) / shrink**2
    information[:-1, :-1] = (matrix * weight[:, None]).T @ matrix
    cross = alpha * (matrix.T @ ((counts - mu) * mu / shrink**2))
    information[-1, :-1] = information[:-1, -1] = cross
    information[-1, -1] = -(alpha**2 * by_alpha_twice + alpha * by_alpha)
    return score, information


def shape_of_dispersion(x: Floats) -> tuple[Floats, Floats]:
    """Return h(x) = (log(1+x) - x/(1+x)) / x^2 and its derivative; a series near zero."""
    small = x < _SERIES_BELOW
    safe = np.where(small, 1.0, x)
    value = (np.log1p(safe) - safe / (1.0 + safe)) / safe**2
    slope = 1.0 / (safe * (1.0 + safe) ** 2) - 2.0 * value / safe
    if np.any(small):
        near = np.where(small, x, 0.0)
        value = np.where(small, np.polynomial.polynomial.polyval(near, _SERIES), value)
        slope = np.where(small, np.polynomial.polynomial.polyval(near, _SERIES_SLOPE), slope)
    return value, slope


def _assemble(data: _Data, theta: Floats, iterations: int) -> CountFit:
    alpha = math.exp(theta[-1])
    _, information = derivatives(data, theta)
    mu = data.means(theta[:-1])
    expected = (data.matrix * (mu / (1.0 + alpha * mu))[:, None]).T @ data.matrix
    try:
        covariance, fixed = inverse(information), inverse(expected)
    except np.linalg.LinAlgError:
        return _no_fit(len(theta) - 1, "singular", iterations)
    return CountFit(
        theta[:-1],
        covariance[:-1, :-1],
        fixed,
        alpha,
        alpha * _root(covariance[-1, -1]),
        _log_likelihood(data, theta[:-1], alpha),
        iterations,
    )


def _poisson(data: _Data, beta: Floats, iterations: int) -> CountFit:
    information = (data.matrix * data.means(beta)[:, None]).T @ data.matrix
    try:
        covariance = inverse(information)
    except np.linalg.LinAlgError:
        return _no_fit(len(beta), "singular", iterations)
    likelihood = _log_likelihood(data, beta, 0.0)
    return CountFit(beta, covariance, covariance, 0.0, math.nan, likelihood, iterations, NO_OVERDISPERSION)


def _no_fit(columns: int, status: Status, iterations: int) -> CountFit:
    empty = np.full(columns, math.nan)
    square = np.full((columns, columns), math.nan)
    return CountFit(empty, square, square, math.nan, math.nan, math.nan, iterations, Soundness(status))


def _root(variance: float) -> float:
    return math.sqrt(variance) if variance > 0 else math.nan
