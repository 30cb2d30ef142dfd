"""Restricted maximum likelihood for correlated rows, with small-sample errors and degrees of freedom.

Rows belong to independent blocks (participants, clusters). Blocks of the same make-up share one
covariance matrix V; X'V^-1X, its derivatives P, and the terms Q and R are those of Kenward and Roger
(1997, Biometrics 53:983).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from eubiosis.analysis.columns import Floats, inverse
from eubiosis.analysis.guard import NEGLIGIBLE, SEES_ALL, Blind, independent_columns
from eubiosis.core.soundness import OK, Soundness, Status

Errors = Literal["adjusted", "adjusted linear", "unadjusted"]
GRADIENT = 1e-8  # largest score allowed at convergence, per relative change of the parameter
STEP = 1e-4  # of the differences that give the observed information
EDGE = 1e-6  # a variance below this share of the residual one lies at its bound of zero
NO_RESIDUAL = Soundness("no_variance", "the residuals vanish: a constant outcome or a perfect fit")
UNDEFINED = Soundness("singular", "the contrast depends on other columns of the design, or has no rows")


class Structure(Protocol):
    """A covariance matrix of a block as a function of parameters (parameters,)."""

    def start(self, blocks: Blocks, residuals: Floats) -> Floats:
        """Return starting values from least-squares residuals (rows,)."""

    def bounds(self) -> list[tuple[float | None, float | None]] | None:
        """Return the range of each parameter, or None when all are free."""

    def degenerate(self, theta: Floats) -> str:
        """Say which variance vanishes, of outcomes with residual variance one; empty where none does."""

    def rescale(self, theta: Floats, factor: float) -> Floats:
        """Return the parameters of outcomes that are ``factor`` times as large."""

    def covariance(self, theta: Floats, positions: NDArray[np.intp]) -> Floats:
        """Return the covariance (size, size) of the rows at the given positions of a block."""

    def slopes(self, theta: Floats, positions: NDArray[np.intp]) -> Floats:
        """Return the first derivatives (parameters, size, size)."""

    def curvatures(self, theta: Floats, positions: NDArray[np.intp]) -> Floats | None:
        """Return the second derivatives (parameters, parameters, size, size), None when all are zero."""


@dataclass(frozen=True)
class Pattern:
    """Blocks with rows at the same positions: matrix (blocks, size, columns), outcome (blocks, size)."""

    positions: NDArray[np.intp]
    matrix: Floats
    outcome: Floats

    @cached_property
    def products(self) -> Floats:
        """Sum over blocks the products of two entries of (matrix, outcome): (size^2, (columns + 1)^2)."""
        rows = np.concatenate([self.matrix, self.outcome[:, :, None]], axis=2)
        sums = np.einsum("nia,njb->ijab", rows, rows, optimize=True)
        return np.asarray(sums.reshape(sums.shape[0] ** 2, -1), dtype=np.float64)

    def between(self, weights: Floats) -> Floats:
        """Return the sum over blocks of X' W X for each W in ``weights`` (..., size, size)."""
        columns = self.matrix.shape[2] + 1
        flat = weights.reshape(-1, self.products.shape[0]) @ self.products
        result: Floats = flat.reshape(*weights.shape[:-2], columns, columns)[..., :-1, :-1]
        return result


@dataclass(frozen=True)
class Blocks:
    """Rows grouped by block and sorted by position; ``order`` maps them to the rows given."""

    patterns: tuple[Pattern, ...]
    rows: tuple[NDArray[np.intp], ...]
    count: int
    columns: int


@dataclass(frozen=True)
class MixedFit:
    """A fitted model.

    ``coefficients`` (columns,), ``covariance`` (columns, columns) with the covariance parameters taken
    as known, ``adjusted`` that of Kenward and Roger with the second derivatives of the covariance in its
    parameters, ``adjusted_linear`` that without them, which does not depend on the parameterisation and
    is theirs for parameters in which the covariance is linear. ``theta`` the covariance parameters with
    their covariance ``theta_covariance``; ``slopes`` (parameters, columns, columns) the derivatives P.
    Columns that depend on earlier ones have coefficient zero; ``blind`` says what that leaves undefined.
    """

    coefficients: Floats
    covariance: Floats
    adjusted: Floats
    adjusted_linear: Floats
    theta: Floats
    theta_covariance: Floats
    slopes: Floats
    log_likelihood: float
    soundness: Soundness
    blocks: int
    rows: int
    blind: Blind = SEES_ALL

    @property
    def status(self) -> Status:
        """Return the status of the fit as a whole."""
        return self.soundness.status

    def contrast(self, weights: Floats, errors: Errors = "adjusted") -> tuple[float, float, float]:
        """Return value, standard error and degrees of freedom of one linear combination.

        For a single contrast the degrees of freedom of Satterthwaite and of Kenward and Roger are the
        same: 2 v^2 over the variance of v, the unadjusted variance of the contrast.
        """
        choices = {
            "adjusted": self.adjusted,
            "adjusted linear": self.adjusted_linear,
            "unadjusted": self.covariance,
        }
        spread = choices[errors]
        variance = float(weights @ self.covariance @ weights)
        turned = self.covariance @ weights
        change = np.einsum("i,hij,j->h", turned, self.slopes, turned)
        uncertainty = float(change @ self.theta_covariance @ change)
        freedom = 2 * variance**2 / uncertainty if uncertainty > 0 else math.inf
        return (
            float(weights @ self.coefficients),
            math.sqrt(max(float(weights @ spread @ weights), 0.0)),
            freedom,
        )


def group_rows(
    outcome: Floats, matrix: Floats, block: NDArray[np.intp], position: NDArray[np.intp]
) -> Blocks:
    """Group rows by block and blocks by the positions they have; a position twice in a block raises."""
    if len(outcome) == 0:
        return Blocks((), (), 0, matrix.shape[1])
    order = np.lexsort((position, block))
    block, position = block[order], position[order]
    if np.any((np.diff(block) == 0) & (np.diff(position) == 0)):
        message = "a participant has two rows at the same visit"
        raise ValueError(message)
    edges = np.flatnonzero(np.diff(block, prepend=block[0] - 1))
    members: dict[tuple[int, ...], list[NDArray[np.intp]]] = {}
    for rows in np.split(np.arange(len(order)), edges[1:]):
        members.setdefault(tuple(position[rows].tolist()), []).append(order[rows])
    patterns, origins = [], []
    for positions, rows_of in members.items():
        rows = np.array(rows_of, dtype=np.intp)
        patterns.append(Pattern(np.array(positions, dtype=np.intp), matrix[rows], outcome[rows]))
        origins.append(rows)
    return Blocks(tuple(patterns), tuple(origins), len(edges), matrix.shape[1])


def fit_mixed(blocks: Blocks, structure: Structure, *, expected_information: bool = False) -> MixedFit:
    """Fit by restricted maximum likelihood.

    The covariance of the covariance parameters is the inverse of the observed information, or of the
    expected one where asked for and wherever a variance lies at zero: a parameter at its bound is still
    estimated, so the degrees of freedom follow the blocks and not the rows. Status "boundary" means that a
    variance lies at zero, "singular" that no column is left, "no_variance" that residuals vanish,
    "not_converged" that no maximum was found.
    """
    if not blocks.patterns:
        return _no_fit(blocks, 0, Soundness("too_few_participants", "no complete row"))
    stacked = np.concatenate([part.matrix.reshape(-1, blocks.columns) for part in blocks.patterns])
    rows = len(stacked)
    if rows > blocks.columns and np.linalg.matrix_rank(stacked) == blocks.columns:
        return _fit_independent(blocks, structure, stacked, expected_information=expected_information)
    kept, blind = independent_columns(stacked, UNDEFINED)
    if rows <= len(kept):
        few = Soundness("singular", f"{rows} complete rows for {len(kept)} independent columns")
        return _no_fit(blocks, rows, few)
    patterns = tuple(replace(part, matrix=part.matrix[:, :, kept]) for part in blocks.patterns)
    part = _fit_independent(
        replace(blocks, patterns=patterns, columns=len(kept)),
        structure,
        stacked[:, kept],
        expected_information=expected_information,
    )
    return _spread_out(part, kept, blind, blocks.columns)


def _spread_out(part: MixedFit, kept: NDArray[np.intp], blind: Blind, columns: int) -> MixedFit:
    """Return the fit of some columns as one of all, zero in the others."""

    def square(small: Floats) -> Floats:
        large = np.zeros((*small.shape[:-2], columns, columns))
        large[..., kept[:, None], kept] = small
        return large

    beta = np.zeros(columns)
    beta[kept] = part.coefficients
    return replace(
        part,
        coefficients=beta,
        covariance=square(part.covariance),
        adjusted=square(part.adjusted),
        adjusted_linear=square(part.adjusted_linear),
        slopes=square(part.slopes),
        blind=blind,
    )


def _fit_independent(
    blocks: Blocks, structure: Structure, stacked: Floats, *, expected_information: bool
) -> MixedFit:
    outcome = np.concatenate([part.outcome.ravel() for part in blocks.patterns])
    least = np.linalg.lstsq(stacked, outcome, rcond=None)[0]
    residuals = outcome - stacked @ least
    size = float(np.sqrt(np.mean(residuals**2)))
    if size <= NEGLIGIBLE * max(float(np.max(np.abs(outcome))), 1e-300):
        return _no_fit(blocks, len(outcome), NO_RESIDUAL)
    scaled = replace(
        blocks,
        patterns=tuple(
            replace(part, outcome=(part.outcome - part.matrix @ least) / size) for part in blocks.patterns
        ),
    )
    theta, at_edge, converged = _search(scaled, structure, structure.start(scaled, residuals / size))
    lost = structure.degenerate(theta)
    if lost:
        return _no_fit(blocks, len(outcome), Soundness("no_variance", lost))
    if not converged:
        return _no_fit(
            blocks, len(outcome), Soundness("not_converged", "the restricted likelihood found no maximum")
        )
    theta = structure.rescale(theta, size)
    # the differences of likelihoods that give the degrees of freedom drown in the offset of large outcomes
    left = tuple(replace(part, outcome=part.outcome - part.matrix @ least) for part in blocks.patterns)
    fit = _finish(
        replace(blocks, patterns=left), structure, theta, at_edge, expected_information=expected_information
    )
    return replace(fit, coefficients=fit.coefficients + least)


def _search(scaled: Blocks, structure: Structure, theta: Floats) -> tuple[Floats, NDArray[np.bool_], bool]:
    """Climb the restricted likelihood; return the parameters, which lie at a bound of zero, and success."""
    from scipy.optimize import minimize

    bounds = structure.bounds()

    def objective(point: Floats) -> tuple[float, Floats]:
        state = _evaluate(scaled, structure, point)
        return (1e10, np.zeros_like(point)) if state is None else (-state.value, -state.score)

    method = "BFGS" if bounds is None else "L-BFGS-B"
    found = minimize(objective, theta, jac=True, method=method, bounds=bounds, options={"maxiter": 500})
    theta = np.asarray(found.x, dtype=np.float64)
    at_edge = np.zeros(len(theta), dtype=bool)
    if bounds is not None:
        low = np.array([np.inf if bound[0] is None else bound[0] for bound in bounds])
        at_edge = (low == 0.0) & (theta <= EDGE)
        theta = np.where(at_edge, 0.0, theta)
    theta, converged = _polish(scaled, structure, theta, at_edge)
    return theta, at_edge, converged


def evaluate_at(blocks: Blocks, structure: Structure, theta: Floats) -> MixedFit:
    """Return the generalised least-squares fit at given covariance parameters, without a search.

    Parameters whose covariance is not positive definite raise ``ValueError``.
    """
    if _evaluate(blocks, structure, theta) is None:
        message = "the covariance is not positive definite"
        raise ValueError(message)
    return _finish(blocks, structure, theta, np.zeros(len(theta), dtype=bool), expected_information=False)


@dataclass(frozen=True)
class _State:
    value: float
    score: Floats
    coefficients: Floats
    covariance: Floats


def _evaluate(blocks: Blocks, structure: Structure, theta: Floats) -> _State | None:
    """Return the restricted log-likelihood and its score, or None where V is not positive definite."""
    columns = blocks.columns
    normal, log_determinant, rows = np.zeros((columns + 1, columns + 1)), 0.0, 0
    inverses = []
    for part in blocks.patterns:
        matrix = structure.covariance(theta, part.positions)
        try:
            factor = np.linalg.cholesky(matrix)
        except np.linalg.LinAlgError:
            return None
        log_determinant += 2 * float(np.sum(np.log(np.diag(factor)))) * len(part.outcome)
        back = inverse(matrix)
        inverses.append(back)
        normal += (back.ravel() @ part.products).reshape(columns + 1, columns + 1)
        rows += part.outcome.size
    sign, log_normal = np.linalg.slogdet(normal[:-1, :-1])
    if sign <= 0:
        return None
    covariance = inverse(normal[:-1, :-1])
    right = normal[:-1, -1]
    beta = covariance @ right
    constant = (rows - columns) * math.log(2 * math.pi)
    rest = float(normal[-1, -1] - right @ beta)
    value = -0.5 * (log_determinant + float(log_normal) + rest + constant)
    # the products of residuals, plus what the estimation of beta takes from them
    pair = np.append(-beta, 1.0)
    weights = np.outer(pair, pair)
    weights[:-1, :-1] += covariance
    score = np.zeros(len(theta))
    for part, back in zip(blocks.patterns, inverses, strict=True):
        spread = (part.products @ weights.ravel()).reshape(back.shape)
        gradient = -0.5 * (len(part.outcome) * back - back @ spread @ back)
        score += structure.slopes(theta, part.positions).reshape(len(theta), -1) @ gradient.ravel()
    return _State(value, score, beta, covariance)


def _polish(
    blocks: Blocks, structure: Structure, theta: Floats, at_edge: NDArray[np.bool_]
) -> tuple[Floats, bool]:
    """Take Newton steps in the free parameters until the score vanishes."""
    free = ~at_edge
    for _ in range(30):
        state = _evaluate(blocks, structure, theta)
        if state is None or np.any(state.score[at_edge] > GRADIENT):  # uphill into the inside
            return theta, False
        relative = np.ones_like(theta) if structure.bounds() is None else np.maximum(np.abs(theta), 1e-6)
        if not free.any() or float(np.max(np.abs(state.score * relative)[free])) < GRADIENT:
            return theta, True
        information = _observed_information(blocks, structure, theta)[np.ix_(free, free)]
        try:
            np.linalg.cholesky(information)
            step, size = np.linalg.solve(information, state.score[free]), 1.0
        except np.linalg.LinAlgError:
            return theta, False
        if not np.all(np.isfinite(step)):
            return theta, False
        for _ in range(30):
            candidate = theta.copy()
            candidate[free] += size * step
            reached = _evaluate(blocks, structure, candidate)
            if reached is not None and reached.value >= state.value - 1e-9 * abs(state.value):
                break
            size /= 2
        else:
            return theta, False
        theta = candidate
    return theta, False


def _observed_information(blocks: Blocks, structure: Structure, theta: Floats) -> Floats:
    """Differentiate the score numerically, forwards and backwards."""
    size = len(theta)
    information = np.zeros((size, size))
    for h in range(size):
        floor = 0.1 if structure.bounds() is None else 1e-8
        step = STEP * max(abs(float(theta[h])), floor)
        ahead, behind = theta.copy(), theta.copy()
        ahead[h] += step
        behind[h] -= step
        up, down = _evaluate(blocks, structure, ahead), _evaluate(blocks, structure, behind)
        if up is None or down is None:
            information[h] = math.nan
        else:
            information[h] = -(up.score - down.score) / (2 * step)
    return 0.5 * (information + information.T)


def _finish(
    blocks: Blocks,
    structure: Structure,
    theta: Floats,
    at_edge: NDArray[np.bool_],
    *,
    expected_information: bool,
) -> MixedFit:
    state = _evaluate(blocks, structure, theta)
    assert state is not None
    size, columns = len(theta), blocks.columns
    slopes, second = np.zeros((size, columns, columns)), np.zeros((size, size, columns, columns))
    bend, traces = np.zeros((size, size, columns, columns)), np.zeros((size, size))
    for part in blocks.patterns:
        back = inverse(structure.covariance(theta, part.positions))
        first = back @ structure.slopes(theta, part.positions)  # (parameters, size, size)
        slopes -= part.between(first @ back)
        product = first[:, None] @ first[None]
        second += part.between(product @ back)
        traces += len(part.outcome) * np.einsum("hgii->hg", product)
        curved = structure.curvatures(theta, part.positions)
        if curved is not None:
            bend += part.between(back @ curved @ back)
    spread = state.covariance
    if expected_information or at_edge.any():
        turned = slopes @ spread
        information = 0.5 * (
            traces - 2 * np.einsum("kl,hglk->hg", spread, second) + np.einsum("hkl,glk->hg", turned, turned)
        )
    else:
        information = _observed_information(blocks, structure, theta)
    try:
        # blocks of one row do not tell the variances apart, and need not: the smallest solution will do
        uncertainty = np.linalg.pinv(information, hermitian=True) if at_edge.any() else inverse(information)
    except np.linalg.LinAlgError:
        lost = Soundness("singular", "the information on the covariance is singular")
        return _no_fit(blocks, sum(part.outcome.size for part in blocks.patterns), lost)
    inner = second - (slopes @ spread)[:, None] @ slopes[None]
    linear, adjusted = (
        spread + 2 * spread @ np.einsum("hg,hgkl->kl", uncertainty, terms) @ spread
        for terms in (inner, inner - bend / 4)
    )
    return MixedFit(
        state.coefficients,
        spread,
        adjusted,
        linear,
        theta,
        uncertainty,
        slopes,
        state.value,
        Soundness("boundary", "a variance between blocks is estimated as zero") if at_edge.any() else OK,
        blocks.count,
        sum(part.outcome.size for part in blocks.patterns),
    )


def _no_fit(blocks: Blocks, rows: int, soundness: Soundness) -> MixedFit:
    empty, square = np.full(blocks.columns, math.nan), np.full((blocks.columns, blocks.columns), math.nan)
    none, nothing = np.full(0, math.nan), np.full((0, 0), math.nan)
    slopes = np.full((0, blocks.columns, blocks.columns), math.nan)
    return MixedFit(
        empty, square, square, square, none, nothing, slopes, math.nan, soundness, blocks.count, rows
    )
