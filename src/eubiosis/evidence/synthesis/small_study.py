"""Small-study effects: Egger, Begg, trim and fill, and Rosenthal's file drawer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eubiosis.core import laws
from eubiosis.core.soundness import OK, USABLE, Soundness, Status, worst
from eubiosis.evidence.synthesis.combine import VANISHING, MetaFit, fit
from eubiosis.evidence.synthesis.heterogeneity import Array, Tau2Method

SAME = 1e-7  # values this close, relative to the largest, are one
MOST_ROUNDS = 100  # of trim and fill; metafor stops there too
ENOUGH_STUDIES = 10  # Cochrane Handbook 13.3.5.4: below ten studies an asymmetry test has too little power


@dataclass(frozen=True)
class AsymmetryTest:
    """A test of funnel asymmetry: its statistic, degrees of freedom (None: normal) and p value.

    Where ``status`` forbids the numbers they are NaN and ``reason`` says why.
    """

    name: str
    statistic: float
    df: int | None
    p_value: float
    intercept: float | None = None
    status: Status = "ok"
    reason: str = ""

    @property
    def usable(self) -> bool:
        """Say whether the numbers may be read."""
        return self.status in USABLE


def egger(y: Sequence[float], v: Sequence[float]) -> AsymmetryTest:
    """Regress the standardised estimate on precision; the intercept measures asymmetry (Egger 1997).

    Studies with the same standard error ("no_information") or on one line ("no_variance") have no test;
    fewer than three raise ``ValueError``.
    """
    y_, se = _checked(y, v)
    if not _spread(se).usable:
        return _no_test("Egger", _spread(se))
    precision = np.column_stack([np.ones(len(se)), 1 / se])
    b, *_ = np.linalg.lstsq(precision, y_ / se, rcond=None)
    df = len(y_) - 2
    residual = y_ / se - precision @ b
    if float(residual @ residual) <= VANISHING * float(np.sum((y_ / se) ** 2)):
        return _no_test("Egger", Soundness("no_variance", "the studies lie on one line"))
    covariance = float(residual @ residual) / df * np.linalg.inv(precision.T @ precision)
    t = float(b[0]) / math.sqrt(float(covariance[0, 0]))
    return AsymmetryTest("Egger", t, df, 2 * float(laws.t_sf(abs(t), df)), float(b[0]))


def egger_mixed(y: Sequence[float], v: Sequence[float], *, method: Tau2Method = "REML") -> AsymmetryTest:
    """Test the standard error as a moderator in a mixed-effects model (Sterne & Egger 2005)."""
    y_, se = _checked(y, v)
    if not _spread(se).usable:
        return _no_test("Egger, mixed effects", _spread(se))
    fitted = fit(y_, se**2, x=np.column_stack([np.ones(len(se)), se]), method=method)
    return AsymmetryTest(
        "Egger, mixed effects", float(fitted.statistics[1]), None, float(fitted.p_values[1]),
        float(fitted.coefficients[1]),
    )  # fmt: skip


def begg(y: Sequence[float], v: Sequence[float]) -> AsymmetryTest:
    """Correlate the standardised deviates with the variances by Kendall's tau (Begg & Mazumdar 1994).

    The p value is exact below 50 studies without ties, and asymptotic otherwise. Studies with the same
    standard error or the same estimate have no test.
    """
    y_, se = _checked(y, v)
    soundness = worst(
        _spread(se), OK if _spread(y_).usable else Soundness("no_variance", "all estimates are equal")
    )
    if not soundness.usable:
        return _no_test("Begg", soundness)
    v_ = se**2
    common = fit(y_, v_, method="FE")
    deviate = (y_ - common.estimate) / np.sqrt(v_ - float(common.covariance[0, 0]))
    tied = len(set(deviate)) < len(deviate) or len(set(v_)) < len(v_)
    from scipy import stats

    result = stats.kendalltau(deviate, v_, method="asymptotic" if tied or len(v_) >= 50 else "exact")
    return AsymmetryTest("Begg", float(result.statistic), None, float(result.pvalue))


@dataclass(frozen=True)
class TrimFill:
    """The studies that symmetry would add: how many, on which side, their values, and the new fit."""

    added: int
    side: str
    filled: Array
    filled_variances: Array
    fit: MetaFit


def trim_and_fill(y: Sequence[float], v: Sequence[float], *, method: Tau2Method = "REML") -> TrimFill:
    """Mirror the most extreme studies until the funnel is symmetric (Duval & Tweedie 2000, L0).

    A sensitivity analysis and not a correction: asymmetry has other causes than missing studies. Studies
    with the same standard error raise ``ValueError``: nothing says on which side studies are missing. The
    number to trim may go round in a circle: ``ArithmeticError`` says so after 100 rounds at the latest.
    """
    y_, se = _checked(y, v)
    if not _spread(se).usable:
        raise ValueError(_spread(se).reason)
    v_ = se**2
    slope = fit(y_, v_, x=np.column_stack([np.ones(len(se)), se]), method=method).coefficients[1]
    sign = -1.0 if slope < 0 else 1.0
    order = np.argsort(sign * y_, kind="stable")
    ys, vs = (sign * y_)[order], v_[order]
    k = len(ys)
    missing, before, centre = 0, -1, 0.0
    tried: list[int] = []
    while missing != before:
        if missing in tried or len(tried) >= MOST_ROUNDS:
            circle = ", ".join(str(n) for n in tried[-5:])
            message = f"trim and fill does not settle: it trims {circle} and then {missing} studies again"
            raise ArithmeticError(message)
        tried.append(missing)
        before = missing
        centre = fit(ys[: k - missing], vs[: k - missing], method=method).estimate
        deviation = ys - centre
        ranks = np.empty(k)
        ranks[np.argsort(np.abs(deviation), kind="stable")] = np.arange(1, k + 1)
        positive = float(ranks[deviation > 0].sum())
        missing = max(0, round((4 * positive - k * (k + 1)) / (2 * k - 1)))
    filled = sign * (2 * centre - ys[k - missing :])
    refit = fit(np.concatenate([y_, filled]), np.concatenate([v_, vs[k - missing :]]), method=method)
    return TrimFill(missing, "right" if sign < 0 else "left", filled, vs[k - missing :], refit)


def rosenthal_fail_safe(y: Sequence[float], v: Sequence[float], *, alpha: float = 0.05) -> int:
    """Count the unpublished null studies that would lift the one-sided Stouffer p above alpha."""
    y_, se = _checked(y, v)
    z = abs(float((y_ / se).sum())) / math.sqrt(len(y_))
    needed = len(y_) * (z / float(laws.normal_point(alpha))) ** 2 - len(y_)
    return max(0, math.ceil(needed))


def _checked(y: Sequence[float], v: Sequence[float]) -> tuple[Array, Array]:
    y_, v_ = np.asarray(y, dtype=float), np.asarray(v, dtype=float)
    if len(y_) < 3:
        message = f"a funnel needs at least three studies, not {len(y_)}"
        raise ValueError(message)
    if not np.all(np.isfinite(y_)) or not np.all(np.isfinite(v_) & (v_ > 0)):
        message = "estimates must be finite and variances positive"
        raise ValueError(message)
    return y_, np.sqrt(v_)


def _spread(values: Array) -> Soundness:
    """Say whether values differ by more than rounding."""
    if float(np.ptp(values)) > SAME * float(np.max(np.abs(values))):
        return OK
    return Soundness("no_information", "all studies have the same standard error: the funnel has no shape")


def _no_test(name: str, soundness: Soundness) -> AsymmetryTest:
    return AsymmetryTest(name, math.nan, None, math.nan, None, soundness.status, soundness.reason)
