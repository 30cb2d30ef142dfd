"""Missing outcomes: Rubin's rules, and imputation at random or from a reference arm."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eubiosis.analysis.columns import (
    Bools,
    DesignMatrix,
    Floats,
    arm_column,
    build_design,
    demand_arm,
    inverse,
)
from eubiosis.analysis.estimators.linear import fit_least_squares
from eubiosis.analysis.guard import NEGLIGIBLE
from eubiosis.analysis.result import RATIO_SCALES, Estimate, failed, wald
from eubiosis.analysis.result import Counts as ArmCounts
from eubiosis.core.soundness import OK, Soundness, worst
from eubiosis.core.streams import stream

Strategy = Literal["MAR", "J2R", "CIR", "CR"]
BURN_IN = 100
THINNING = 20


@dataclass(frozen=True)
class Pooled:
    """Rubin's rules: estimate, within, between and total variance, and what is lost to missing data."""

    estimate: float
    within: float
    between: float
    total: float
    degrees_of_freedom: float
    relative_increase: float
    fraction_missing: float


def pool(estimates: ArrayLike, variances: ArrayLike, complete_degrees_of_freedom: float = math.inf) -> Pooled:
    """Pool the analyses of several imputed tables (Rubin 1987).

    The degrees of freedom are those of Barnard and Rubin (1999, Biometrika 86:948) where the complete
    data have finitely many. Fewer than two imputations, a value that is not finite or a variance that is
    not positive raise ``ValueError``.
    """
    q, u = np.asarray(estimates, dtype=np.float64), np.asarray(variances, dtype=np.float64)
    count = len(q)
    if count < 2 or len(u) != count:
        message = f"{count} estimates and {len(u)} variances; allowed: two or more of both"
        raise ValueError(message)
    if not np.all(np.isfinite(q)) or not np.all(np.isfinite(u) & (u > 0)):
        message = "allowed: finite estimates and positive variances"
        raise ValueError(message)
    within, between = float(u.mean()), float(q.var(ddof=1))
    total = within + (1 + 1 / count) * between
    share = (1 + 1 / count) * between / total
    freedom = (count - 1) / share**2 if share > 0 else math.inf
    if math.isfinite(complete_degrees_of_freedom):
        complete = complete_degrees_of_freedom
        seen = (complete + 1) / (complete + 3) * complete * (1 - share)
        freedom = seen if math.isinf(freedom) else freedom * seen / (freedom + seen)
    increase = (1 + 1 / count) * between / within
    lost = (increase + 2 / (freedom + 3)) / (increase + 1)
    return Pooled(float(q.mean()), within, between, total, freedom, increase, lost)


def _imputable(values: Floats, design: DesignMatrix) -> Soundness:
    """Say whether a table (participants, visits) carries the imputation model."""
    if np.isinf(values).any():
        person, visit = (int(i) + 1 for i in np.argwhere(np.isinf(values))[0])
        return Soundness(
            "not_finite", f"participant {person} of those kept, visit {visit}: an infinite outcome"
        )
    people, visits = values.shape
    if people <= design.matrix.shape[1] + visits:
        return Soundness("too_few_participants", f"{people} participants for {visits} visits")
    if np.linalg.matrix_rank(design.matrix) < design.matrix.shape[1]:
        return Soundness("singular", "columns of the design depend on each other")
    residuals = np.full(values.shape, math.nan)
    for visit in range(visits):
        seen = ~np.isnan(values[:, visit])
        if not seen.any():
            return Soundness("too_few_participants", f"nobody was seen at visit {visit + 1}")
        unseen = [name for name in design.arms if not np.any(seen & (design.arm == name))]
        if unseen:
            why = (
                f"nobody in {unseen[0]} was seen at visit {visit + 1}: what is imputed there rests on nothing"
            )
            return Soundness("no_information", why)
        outcome, matrix = values[seen, visit], design.matrix[seen]
        if np.linalg.matrix_rank(matrix) < matrix.shape[1]:
            return Soundness(
                "singular", f"the columns depend on each other among those seen at visit {visit + 1}"
            )
        residual = outcome - matrix @ np.linalg.lstsq(matrix, outcome, rcond=None)[0]
        if float(np.max(np.abs(residual))) <= NEGLIGIBLE * float(np.max(np.abs(outcome))):
            return Soundness("no_variance", f"the residuals of visit {visit + 1} vanish")
        residuals[seen, visit] = residual
    return _visits_apart(residuals)


def _visits_apart(residuals: Floats) -> Soundness:
    """Find two visits of which one determines the other in everybody seen at both."""
    visits = residuals.shape[1]
    for first in range(visits):
        for second in range(first + 1, visits):
            pair = residuals[:, [first, second]]
            pair = pair[~np.isnan(pair).any(axis=1)]
            if len(pair) > 2 and np.linalg.matrix_rank(pair, rtol=NEGLIGIBLE) < 2:
                return Soundness("no_variance", f"visit {first + 1} determines visit {second + 1}")
    return OK


def pool_estimates(estimates: Sequence[Estimate]) -> Estimate:
    """Pool the same analysis of several imputed tables into one estimate.

    An imputed table whose analysis gave no numbers makes the pooled result "not_converged".

    >>> from eubiosis.analysis.estimators.continuous import ancova
    >>> arm = ["active", "control"] * 4
    >>> one = ancova([26, 28, 30, 34, 35, 41, 22, 26], arm, treated="active", control="control")
    >>> two = ancova([27, 28, 30, 34, 35, 40, 22, 26], arm, treated="active", control="control")
    >>> round(pool_estimates([one, two]).estimate, 2)
    -3.75
    """
    first = estimates[0]
    counts = ArmCounts(first.n_treated, first.n_control, first.missing_treated, first.missing_control)
    method = f"{first.method}, multiple imputation"
    arms = (first.treated, first.control)
    broken = sum(not one.usable for one in estimates)
    if broken:
        return failed(
            Soundness("not_converged", f"{broken} of {len(estimates)} imputed tables gave no numbers"),
            endpoint=first.endpoint,
            method=method,
            arms=arms,
            scale=first.scale,
            counts=counts,
            level=first.level,
            detail={"imputations": len(estimates), "failed_imputations": broken},
        )
    values = np.array([one.estimate for one in estimates])
    if first.scale in RATIO_SCALES:
        values = np.log(values)
    errors = np.array([one.standard_error for one in estimates])
    pooled = pool(values, errors**2, first.degrees_of_freedom)
    return wald(
        pooled.estimate,
        math.sqrt(pooled.total),
        endpoint=first.endpoint,
        method=method,
        arms=arms,
        scale=first.scale,
        counts=counts,
        level=first.level,
        degrees_of_freedom=pooled.degrees_of_freedom,
        detail={"imputations": len(estimates), "fraction_missing": pooled.fraction_missing},
    )


def impute(
    outcomes: ArrayLike,
    arm: ArrayLike,
    *,
    control: str,
    strategy: Strategy = "MAR",
    covariates: Mapping[str, ArrayLike] | None = None,
    imputations: int = 20,
    delta: float = 0.0,
    seed: int,
) -> tuple[Floats, DesignMatrix]:
    """Impute the missing outcomes of a trial; return (imputations, participants, visits) and the design.

    ``outcomes`` is (participants, visits), NaN where missing. A multivariate normal regression on arm and
    covariates with one covariance for all arms is fitted by data augmentation. Gaps before a person's
    last observation are filled at random within the arm. After it the mean follows ``strategy``: "MAR"
    the own arm; "J2R" jumps to the control arm; "CIR" keeps the difference reached and then moves as the
    control arm; "CR" the control arm from the start (Carpenter, Roger and Kenward 2013, Journal of
    Biopharmaceutical Statistics 23:1352). ``delta`` is added to what is imputed after the last
    observation outside the control arm, for tipping points. Participants with a missing covariate are
    left out, counted in the design. A table that does not carry the model (too few participants, an arm
    never seen at a visit, residuals that vanish) raises ``ValueError``.
    """
    table = np.array(outcomes, dtype=np.float64)
    design = build_design(arm, control, required={}, covariates=covariates)
    values = table[design.kept]
    people, visits = values.shape
    soundness = worst(design.soundness, _imputable(values, design))
    if not soundness.usable:
        message = (
            f"{people} participants, {visits} visits, {design.matrix.shape[1]} columns: {soundness.status}, "
            f"{soundness.reason}; allowed: more participants than visits and columns, independent columns, "
            "every visit seen in every arm, residuals that vary"
        )
        raise ValueError(message)
    gaps = np.isnan(values)
    patterns, bread = _gap_patterns(gaps), inverse(design.matrix.T @ design.matrix)
    draw = stream(seed, f"impute {strategy}")
    later = np.cumsum(~gaps[:, ::-1], axis=1)[:, ::-1] == 0  # after the last observation
    filled = np.where(gaps, np.nanmean(values, axis=0), values)
    completed = np.empty((imputations, people, visits))
    for step in range(BURN_IN + imputations * THINNING):
        slopes, sigma = _draw_parameters(filled, design.matrix, bread, draw)
        mean = design.matrix @ slopes
        filled = _fill(values, patterns, mean, sigma, draw)
        if step >= BURN_IN and (step - BURN_IN) % THINNING == 0:
            imputed = filled
            if strategy != "MAR" or delta:
                shifted = _reference_mean(mean, design.with_arm(control) @ slopes, later, strategy)
                whole = _fill(values, patterns, shifted, sigma, draw)
                imputed = np.where(later, whole + delta * (design.arm != control)[:, None], filled)
                imputed = np.where((design.arm == control)[:, None], filled, imputed)
            completed[(step - BURN_IN) // THINNING] = imputed
    return completed, design


def reference_based_difference(
    outcomes: ArrayLike,
    arm: ArrayLike,
    *,
    treated: str,
    control: str,
    strategy: Strategy = "J2R",
    covariates: Mapping[str, ArrayLike] | None = None,
    imputations: int = 20,
    delta: float = 0.0,
    seed: int,
    endpoint: str = "score",
    level: float = 0.95,
) -> Estimate:
    """Estimate the mean difference at the last visit after imputation, by ANCOVA and Rubin's rules.

    Arguments as for ``impute``. With a reference-based strategy Rubin's variance keeps the information
    lost to missing data (Cro 2019, JRSS A 182:623) and so is larger than the spread of the estimate.
    ``detail`` counts the missing outcomes at the last visit. A table that does not carry the imputation has
    a status that says why; an arm that was never seen at a visit is "no_information".

    >>> import numpy as np
    >>> rng = np.random.default_rng(2)
    >>> arm = np.tile(["active", "control"], 15)
    >>> visits = rng.normal(size=(30, 3)) - (arm == "active")[:, None] * np.arange(3)
    >>> visits[:4, 2] = np.nan
    >>> found = reference_based_difference(visits, arm, treated="active", control="control", seed=1)
    >>> found.status, found.estimate < 0
    ('ok', True)
    """
    table = np.asarray(outcomes, dtype=np.float64)
    design = build_design(arm, control, required={}, covariates=covariates)
    demand_arm(treated, design.treated_arms)
    method = f"ANCOVA, multiple imputation {strategy}"
    soundness = worst(design.soundness, _imputable(table[design.kept], design))
    completed = np.zeros((0, *table.shape))
    if soundness.usable:
        try:
            completed, _ = impute(
                outcomes,
                arm,
                control=control,
                strategy=strategy,
                covariates=covariates,
                imputations=imputations,
                delta=delta,
                seed=seed,
            )
        except np.linalg.LinAlgError:
            soundness = Soundness("singular", "the outcomes of some visits determine those of another")
    if not soundness.usable:
        return failed(
            soundness,
            endpoint=endpoint,
            method=method,
            arms=(treated, control),
            scale="mean difference",
            counts=design.counts(treated),
            level=level,
        )
    column = design.column(arm_column(treated))
    estimates, variances, freedom = [], [], math.inf
    for imputed in completed:
        fit = fit_least_squares(imputed[:, -1], design.matrix)
        estimates.append(float(fit.coefficients[column]))
        variances.append(float(fit.covariance[column, column]))
        freedom = float(fit.degrees_of_freedom)
    pooled = pool(estimates, variances, freedom)
    last = np.isnan(table[design.kept, -1])
    return wald(
        pooled.estimate,
        math.sqrt(pooled.total),
        endpoint=endpoint,
        method=method,
        arms=(treated, control),
        scale="mean difference",
        counts=design.counts(treated),
        level=level,
        degrees_of_freedom=pooled.degrees_of_freedom,
        detail={
            "imputations": imputations,
            "imputed_treated": int(last[design.arm == treated].sum()),
            "imputed_control": int(last[design.arm == control].sum()),
            "fraction_missing": pooled.fraction_missing,
            "delta": delta,
        },
    )


@dataclass(frozen=True)
class _Gap:
    """Participants (rows) who lack the same visits: which are lost and which seen."""

    rows: NDArray[np.intp]
    lost: NDArray[np.intp]
    seen: NDArray[np.intp]


def _gap_patterns(gaps: Bools) -> list[_Gap]:
    patterns, number = np.unique(gaps, axis=0, return_inverse=True)
    return [
        _Gap(np.flatnonzero(number.ravel() == k), np.flatnonzero(pattern), np.flatnonzero(~pattern))
        for k, pattern in enumerate(patterns)
        if pattern.any()
    ]


def _draw_parameters(
    filled: Floats, matrix: Floats, bread: Floats, draw: np.random.Generator
) -> tuple[Floats, Floats]:
    """Draw slopes (columns, visits) and covariance from their posterior given complete data.

    Flat prior on the slopes, |Sigma|^-(visits+1)/2 on the covariance: inverse Wishart by Bartlett's
    decomposition, then normal. ``bread`` is the inverse of X'X.
    """
    people, columns = matrix.shape
    visits = filled.shape[1]
    centre = bread @ (matrix.T @ filled)
    residual = filled - matrix @ centre
    lower = np.tril(draw.standard_normal((visits, visits)), -1)
    np.fill_diagonal(lower, np.sqrt(draw.chisquare(people - columns - np.arange(visits))))
    factor = np.linalg.cholesky(residual.T @ residual) @ inverse(lower).T
    noise = draw.standard_normal(centre.shape)
    slopes: Floats = centre + np.linalg.cholesky(bread) @ noise @ factor.T
    return slopes, np.asarray(factor @ factor.T, dtype=np.float64)


def _fill(
    values: Floats, patterns: list[_Gap], mean: Floats, sigma: Floats, draw: np.random.Generator
) -> Floats:
    """Draw the missing entries given the observed ones, for means (participants, visits)."""
    filled = values.copy()
    noise = draw.standard_normal(values.shape)
    for gap in patterns:
        cells, lost, seen = np.ix_(gap.rows, gap.lost), gap.lost, gap.seen
        spread, centre = sigma[np.ix_(lost, lost)], mean[cells]
        if len(seen):
            weights = np.linalg.solve(sigma[np.ix_(seen, seen)], sigma[np.ix_(seen, lost)])
            known = np.ix_(gap.rows, seen)
            centre = centre + (values[known] - mean[known]) @ weights
            spread = spread - sigma[np.ix_(lost, seen)] @ weights
        filled[cells] = centre + noise[cells] @ np.linalg.cholesky(spread).T
    return filled


def _reference_mean(own: Floats, reference: Floats, later: Bools, strategy: Strategy) -> Floats:
    """Return the mean profile of each participant under a strategy, (participants, visits)."""
    if strategy == "MAR":
        return own
    if strategy == "CR":
        return reference
    if strategy == "J2R":
        return np.where(later, reference, own)
    last: NDArray[np.intp] = (~later).sum(axis=1) - 1
    rows = np.arange(len(own))
    reached = np.where(last >= 0, own[rows, last] - reference[rows, last], 0.0)
    return np.where(later, reference + reached[:, None], own)
