"""Combine estimates: fixed and random effects, meta-regression, subgroups, intervals and predictions."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from eubiosis.core import laws
from eubiosis.core.soundness import Status
from eubiosis.evidence.synthesis.heterogeneity import (
    Array,
    Tau2Method,
    cochran_q,
    i2_h2,
    likelihood_maxima,
    q_profile,
    tau2_estimate,
    typical_variance,
)

VANISHING = 1e-20  # of the weighted sum of squares: what is left is rounding
Test = Literal["wald", "knapp-hartung", "knapp-hartung-adhoc"]


@dataclass(frozen=True)
class MetaFit:
    """A fitted random- or fixed-effects model with p coefficients for k estimates.

    ``coefficients``, ``standard_errors``, ``statistics``, ``p_values`` (p,); ``intervals`` (p, 2);
    ``covariance`` (p, p). ``df`` is None for normal tests. ``i2`` is a percentage. ``q`` is Cochran's Q
    of what the coefficients leave unexplained. ``tau2_maxima`` are all maxima of the likelihood (ML, REML),
    the highest, which is ``tau2``, first; ``notes`` says so where there are several. Status "no_variance":
    the residuals vanish, so Knapp and Hartung's errors are undefined and NaN.
    """

    method: Tau2Method
    test: Test
    level: float
    coefficients: Array
    standard_errors: Array
    statistics: Array
    p_values: Array
    intervals: Array
    covariance: Array
    df: int | None
    tau2: float
    tau2_se: float | None
    i2: float
    h2: float
    q: float
    q_p: float
    k: int
    tau2_maxima: tuple[float, ...] = ()
    notes: tuple[str, ...] = ()
    status: Status = "ok"

    @property
    def estimate(self) -> float:
        """Return the first coefficient: the mean effect of a model without moderators."""
        return float(self.coefficients[0])

    @property
    def interval(self) -> tuple[float, float]:
        """Return the interval of the first coefficient."""
        return float(self.intervals[0, 0]), float(self.intervals[0, 1])

    def prediction_interval(self, df: int | None = None) -> tuple[float, float]:
        """Return where the true effect of a new study is expected (mean of a model without moderators).

        ``df`` are the degrees of freedom of Student's t; None takes those of the test (normal for Wald).
        Higgins 2009 and the Cochrane Handbook take k - 2.
        """
        half = _critical(self.level, df if df is not None else self.df)
        half *= math.hypot(float(self.standard_errors[0]), math.sqrt(self.tau2))
        return self.estimate - half, self.estimate + half

    def predict(self, x: Array) -> tuple[Array, Array]:
        """Return means and standard errors (m,) at the rows of ``x`` (m, p), the intercept included."""
        return x @ self.coefficients, np.sqrt(np.einsum("ij,jk,ik->i", x, self.covariance, x))


@dataclass(frozen=True)
class ModeratorTest:
    """The joint test that all moderators are zero, and the share of tau2 they explain (percent)."""

    statistic: float
    df: int
    denominator_df: int | None
    p_value: float
    r2: float | None


def fit(
    y: Sequence[float] | Array,
    v: Sequence[float] | Array,
    *,
    x: Array | None = None,
    method: Tau2Method = "REML",
    test: Test = "wald",
    level: float = 0.95,
) -> MetaFit:
    """Fit y_i = x_i b + u_i + e_i with var(u) = tau2 and known var(e_i) = v_i.

    ``y``, ``v`` (k,); ``x`` (k, p) with its intercept column, or None for the mean alone. "knapp-hartung"
    scales the variance by the weighted residual mean square and uses t with k - p degrees of freedom
    (Hartung & Knapp 2001, Sidik & Jonkman 2002); the ad hoc form never lets that factor fall below 1.
    Where all residuals vanish that factor is zero and the errors are NaN. Raises ``ValueError`` for lengths
    that differ, estimates that are not finite, variances that are not positive, k < p, or columns that
    depend on each other.

    >>> fitted = fit([0.1, 0.3, 0.5], [0.01, 0.02, 0.03], method="FE")
    >>> round(fitted.estimate, 4), round(fitted.q, 3)
    (0.2273, 4.364)
    """
    y_, v_, x_ = _arrays(y, v, x)
    k, p = x_.shape
    tau2, tau2_se = tau2_estimate(y_, v_, x_, method)
    w = 1 / (v_ + tau2)
    covariance: Array = np.asarray(np.linalg.inv(x_.T @ (w[:, None] * x_)), dtype=np.float64)
    coefficients = covariance @ x_.T @ (w * y_)
    df: int | None = None
    status: Status = "ok"
    if test != "wald":
        df = k - p
        if df < 1:
            message = f"Knapp-Hartung needs more than {p} studies, not {k}"
            raise ValueError(message)
        factor = cochran_q(y_, v_, x_, tau2) / df
        if test == "knapp-hartung" and factor * df <= VANISHING * float(w @ y_**2):
            factor, status = math.nan, "no_variance"
        covariance = covariance * (max(1.0, factor) if test == "knapp-hartung-adhoc" else factor)
    errors: Array = np.sqrt(np.diag(covariance))
    statistics = coefficients / errors
    half = _critical(level, df) * errors
    q = cochran_q(y_, v_, x_)
    i2, h2 = i2_h2(tau2, q, v_, x_, method)
    tops = likelihood_maxima(y_, v_, x_, method, tau2)
    return MetaFit(
        method, test, level, coefficients, errors, statistics, _two_sided(statistics, df),
        np.column_stack([coefficients - half, coefficients + half]), covariance, df, tau2, tau2_se, i2, h2,
        q, float(laws.chi2_sf(q, k - p)) if k > p else 1.0, k, tops, _notes(method, tops), status,
    )  # fmt: skip


def _notes(method: Tau2Method, tops: tuple[float, ...]) -> tuple[str, ...]:
    if len(tops) < 2:
        return ()
    places = ", ".join(f"{top:.4g}" for top in tops)
    return (f"the {method} likelihood of tau2 has {len(tops)} maxima, at {places}; the first is the highest",)


def moderator_test(
    y: Sequence[float] | Array, v: Sequence[float] | Array, x: Array, fitted: MetaFit
) -> ModeratorTest:
    """Test all coefficients of ``fitted`` but the intercept; R2 = 1 - tau2/tau2 without moderators."""
    block = fitted.covariance[1:, 1:]
    b = fitted.coefficients[1:]
    wald = float(b @ np.linalg.solve(block, b))
    empty = fit(y, v, method=fitted.method)
    r2 = max(0.0, 100 * (empty.tau2 - fitted.tau2) / empty.tau2) if empty.tau2 > 0 else None
    df = x.shape[1] - 1
    if fitted.df is None:
        return ModeratorTest(wald, df, None, float(laws.chi2_sf(wald, df)), r2)
    return ModeratorTest(wald / df, df, fitted.df, float(laws.f_sf(wald / df, df, fitted.df)), r2)


def subgroups(
    y: Sequence[float], v: Sequence[float], groups: Sequence[Hashable], *, method: Tau2Method = "REML"
) -> tuple[dict[Hashable, MetaFit], ModeratorTest]:
    """Fit each subgroup with its own tau2, and test their difference in one model with a common tau2."""
    labels = sorted(set(groups), key=str)
    if len(labels) < 2:
        message = "a subgroup comparison needs at least two groups"
        raise ValueError(message)
    y_, v_ = np.asarray(y, float), np.asarray(v, float)
    member = np.array([[group == label for label in labels] for group in groups])
    fits = {label: fit(y_[member[:, j]], v_[member[:, j]], method=method) for j, label in enumerate(labels)}
    x = np.column_stack([np.ones(len(y_)), member[:, 1:].astype(float)])
    return fits, moderator_test(y_, v_, x, fit(y_, v_, x=x, method=method))


def tau2_interval(
    y: Sequence[float] | Array, v: Sequence[float] | Array, *, level: float = 0.95
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the Q-profile intervals of tau2 and of I2 (percent)."""
    y_, v_, x_ = _arrays(y, v, None)
    low, high = q_profile(y_, v_, x_, level=level)
    typical = typical_variance(v_, x_)
    return (low, high), (100 * low / (low + typical), 100 * high / (high + typical))


def leave_one_out(
    y: Sequence[float], v: Sequence[float], *, method: Tau2Method = "REML", test: Test = "wald"
) -> list[MetaFit]:
    """Fit k times, each time without one study, in their order."""
    y_, v_ = np.asarray(y, float), np.asarray(v, float)
    keep = ~np.eye(len(y_), dtype=bool)
    return [fit(y_[row], v_[row], method=method, test=test) for row in keep]


def cumulative(y: Sequence[float], v: Sequence[float], *, method: Tau2Method = "REML") -> list[MetaFit]:
    """Fit the first, the first two, ... studies in the order given."""
    return [fit(y[: i + 1], v[: i + 1], method=method) for i in range(len(y))]


@dataclass(frozen=True)
class Influence:
    """Leave-one-out diagnostics (k,): Cook's distance, hat values, externally studentised residuals."""

    cook_distance: Array
    hat: Array
    studentised_residual: Array


def influence(y: Sequence[float], v: Sequence[float], *, method: Tau2Method = "REML") -> Influence:
    """Show how much each study moves the mean (Viechtbauer & Cheung 2010)."""
    full = fit(y, v, method=method)
    w = 1 / (np.asarray(v, float) + full.tau2)
    without = leave_one_out(y, v, method=method)
    variance = float(full.covariance[0, 0])
    cook = np.array([(full.estimate - less.estimate) ** 2 / variance for less in without])
    residual = np.array(
        [
            (yi - less.estimate) / math.sqrt(vi + less.tau2 + float(less.covariance[0, 0]))
            for yi, vi, less in zip(y, v, without, strict=True)
        ]
    )
    return Influence(cook, w / w.sum(), residual)


def _arrays(
    y: Sequence[float] | Array, v: Sequence[float] | Array, x: Array | None
) -> tuple[Array, Array, Array]:
    y_, v_ = np.asarray(y, dtype=float), np.asarray(v, dtype=float)
    x_ = np.ones((len(y_), 1)) if x is None else np.asarray(x, dtype=float)
    if not len(y_) == len(v_) == len(x_):
        message = f"{len(y_)} estimates, {len(v_)} variances and {len(x_)} design rows"
        raise ValueError(message)
    if len(y_) < x_.shape[1]:
        message = f"{len(y_)} studies cannot carry {x_.shape[1]} coefficients"
        raise ValueError(message)
    if not (np.all(np.isfinite(y_)) and np.all(np.isfinite(v_) & (v_ > 0)) and np.all(np.isfinite(x_))):
        message = "estimates and moderators must be finite and variances positive"
        raise ValueError(message)
    length = np.linalg.norm(x_, axis=0)
    if np.linalg.matrix_rank(x_ / np.where(length > 0, length, 1.0)) < x_.shape[1]:
        message = f"the {x_.shape[1]} columns of the design depend on each other: leave a moderator out"
        raise ValueError(message)
    return y_, v_, x_


def _critical(level: float, df: int | None) -> float:
    tail = (1 - level) / 2
    return float(laws.normal_point(tail) if df is None else laws.t_point(tail, df))


def _two_sided(statistics: Array, df: int | None) -> Array:
    tail: Array = laws.normal_sf(np.abs(statistics)) if df is None else laws.t_sf(np.abs(statistics), df)
    return 2 * tail
