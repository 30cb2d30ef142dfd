"""Between-study variance: nine estimators, the Q-profile interval, I2 and H2.

Throughout, y (k,) are estimates, v (k,) their sampling variances, X (k, p) the design matrix with its
intercept, W = diag(1/(v + tau2)) and P = W - W X (X'WX)^-1 X'W. Equations as in Viechtbauer 2005
(J Educ Behav Stat 30:261) and Veroniki 2016 (Res Synth Methods 7:55); numbers agree with metafor. ML and
REML take the highest maximum of their likelihood, tau2 = 0 included, where it has several.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from eubiosis.core import laws
from eubiosis.evidence.synthesis.likelihood import FLAT, log_likelihood, maxima, peaks

Array = NDArray[np.float64]
Tau2Method = Literal["FE", "DL", "HE", "HS", "SJ", "ML", "REML", "EB", "PM"]
TAU2_METHODS: tuple[str, ...] = get_args(Tau2Method)

_STEPS = 10_000
_TOLERANCE = 1e-12


def projection(v: Array, x: Array, tau2: float) -> Array:
    """Return P (k, k) for the weights 1/(v + tau2)."""
    return _projection(1 / (v + tau2), x)


def _projection(w: Array, x: Array) -> Array:
    wx = w[:, None] * x
    projected: Array = np.diag(w) - wx @ np.linalg.solve(x.T @ wx, wx.T)
    return projected


def cochran_q(y: Array, v: Array, x: Array, tau2: float = 0.0) -> float:
    """Return y'Py: Cochran's Q at tau2 = 0, the generalised Q elsewhere; rounding never makes it negative."""
    return max(0.0, float(y @ projection(v, x, tau2) @ y))


def tau2_estimate(y: Array, v: Array, x: Array, method: Tau2Method) -> tuple[float, float | None]:
    """Estimate tau2 and its standard error (None for the fixed-effect model).

    Negative estimates are set to zero. Raises ``ValueError`` for an unknown method and
    ``ArithmeticError`` when an iteration does not settle.
    """
    if method not in TAU2_METHODS:
        message = f'tau2 method "{method}" is unknown; allowed: {", ".join(TAU2_METHODS)}'
        raise ValueError(message)
    if method == "FE":
        return 0.0, None
    if len(y) <= x.shape[1]:
        return 0.0, None
    return _ESTIMATORS[method](y, v, x)


def _moment(y: Array, x: Array, w: Array, *, free: float, slope: float) -> tuple[float, Array]:
    """Solve E(y'Py) = free + slope tau2 for tau2, cut off at zero; return it with P."""
    p = _projection(w, x)
    return max(0.0, (float(y @ p @ y) - free) / slope), p


def _dl(y: Array, v: Array, x: Array) -> tuple[float, float]:
    df, trace = len(y) - x.shape[1], float(np.trace(projection(v, x, 0.0)))
    tau2, p = _moment(y, x, 1 / v, free=df, slope=trace)
    return tau2, math.sqrt(2 * df + 4 * tau2 * trace + 2 * tau2**2 * float((p * p).sum())) / trace


def _hs(y: Array, v: Array, x: Array) -> tuple[float, float]:
    df, weight = len(y) - x.shape[1], float((1 / v).sum())
    tau2, p = _moment(y, x, 1 / v, free=len(y), slope=weight)
    spread = 2 * df + 4 * tau2 * float(np.trace(p)) + 2 * tau2**2 * float((p * p).sum())
    return tau2, math.sqrt(spread) / weight


def _he(y: Array, v: Array, x: Array) -> tuple[float, float]:
    df = len(y) - x.shape[1]
    p = _projection(np.ones_like(v), x)
    pv = p * v
    tau2, _ = _moment(y, x, np.ones_like(v), free=float(np.trace(pv)), slope=df)
    spread = 2 * float((pv * pv.T).sum()) + 4 * tau2 * float(np.trace(pv)) + 2 * tau2**2 * df
    return tau2, math.sqrt(spread) / df


def _sj(y: Array, v: Array, x: Array) -> tuple[float, float]:
    df = len(y) - x.shape[1]
    start = float(np.var(y))
    if start == 0:
        return 0.0, 0.0
    p = projection(v, x, start)
    tau2 = start * float(y @ p @ y) / df
    pv = p * v
    spread = (
        2 * float((pv * pv.T).sum()) + 4 * tau2 * float((pv * p).sum()) + 2 * tau2**2 * float((p * p).sum())
    )
    return tau2, start / df * math.sqrt(spread)


def _pm(y: Array, v: Array, x: Array) -> tuple[float, float]:
    df = len(y) - x.shape[1]
    tau2 = _solve_q(y, v, x, df)
    return tau2, math.sqrt(2 * len(y) ** 2 / df) / float((1 / (v + tau2)).sum())


def _solve_q(y: Array, v: Array, x: Array, target: float) -> float:
    """Find the tau2 at which the generalised Q, which falls with tau2, meets ``target``; 0 if below."""

    def gap(tau2: float) -> float:
        return cochran_q(y, v, x, tau2) - target

    if gap(0.0) <= 0:
        return 0.0
    high = max(float(np.var(y)), float(v.max()))
    while gap(high) > 0:
        high *= 2
    return laws.root(gap, 0.0, high)


def _score_iteration(
    y: Array, v: Array, x: Array, step: Callable[[Array, Array, Array], float]
) -> tuple[float, Array, Array]:
    """Take Fisher-scoring steps, cut off at zero and damped more and more, until tau2 settles."""
    tau2, _ = _he(y, v, x)
    small = _TOLERANCE * float(v.mean())
    for iteration in range(_STEPS):
        w = 1 / (v + tau2)
        p = _projection(w, x)
        moved = max(0.0, tau2 + step(y, w, p) / (1 + iteration // 50))
        if abs(moved - tau2) <= small + _TOLERANCE * tau2:
            return tau2, w, p
        tau2 = moved
    message = "the likelihood iteration for tau2 did not settle; choose DL or PM"
    raise ArithmeticError(message)


def _ml(y: Array, v: Array, x: Array) -> tuple[float, float]:
    def step(y: Array, w: Array, p: Array) -> float:
        return float(y @ p @ p @ y - w.sum()) / float((w**2).sum())

    tau2 = _highest(y, v, x, step, restricted=False)
    return tau2, math.sqrt(2 / float(((v + tau2) ** -2).sum()))


def _reml(y: Array, v: Array, x: Array) -> tuple[float, float]:
    def step(y: Array, w: Array, p: Array) -> float:
        del w
        return float(y @ p @ p @ y - np.trace(p)) / float((p * p).sum())

    tau2 = _highest(y, v, x, step, restricted=True)
    p = projection(v, x, tau2)
    return tau2, math.sqrt(2 / float((p * p).sum()))


def _highest(
    y: Array, v: Array, x: Array, step: Callable[[Array, Array, Array], float], *, restricted: bool
) -> float:
    """Iterate to the maximum of the likelihood; take that of the whole surface where it is another."""
    try:
        found = _score_iteration(y, v, x, step)[0]
    except ArithmeticError:
        return maxima(y, v, x, restricted=restricted)[0][0]
    if _is_the_one_peak(y, v, x, found, restricted=restricted):
        return found
    (tau2, height), *others = maxima(y, v, x, restricted=restricted)
    reached = float(log_likelihood(y, v, x, np.array([found]), restricted=restricted)[0])
    return found if not others and reached > height - FLAT else tau2


def _is_the_one_peak(y: Array, v: Array, x: Array, tau2: float, *, restricted: bool) -> bool:
    """Say whether the likelihood has one peak and ``tau2`` lies on it, no lower than its grid."""
    (low, high, height), *others = peaks(y, v, x, restricted=restricted)
    if others or not low <= tau2 <= high:
        return False
    return float(log_likelihood(y, v, x, np.array([tau2]), restricted=restricted)[0]) > height - FLAT


def likelihood_maxima(y: Array, v: Array, x: Array, method: Tau2Method, tau2: float) -> tuple[float, ...]:
    """Return the tau2 of every maximum of the likelihood, the highest first; empty for other methods.

    ``tau2`` is the estimate of the method: where the likelihood has one peak, that is it.
    """
    if method not in ("ML", "REML") or len(y) <= x.shape[1]:
        return ()
    restricted = method == "REML"
    if _is_the_one_peak(y, v, x, tau2, restricted=restricted):
        return (tau2,)
    return tuple(top for top, _ in maxima(y, v, x, restricted=restricted))


_ESTIMATORS: dict[str, Callable[[Array, Array, Array], tuple[float, float]]] = {
    "DL": _dl,
    "HE": _he,
    "HS": _hs,
    "SJ": _sj,
    "ML": _ml,
    "REML": _reml,
    "EB": _pm,  # Morris's empirical Bayes and Paule-Mandel solve the same equation (Viechtbauer 2015)
    "PM": _pm,
}


def typical_variance(v: Array, x: Array) -> float:
    """Return the typical sampling variance (k - p)/tr(P), the s2 of Higgins & Thompson 2002."""
    df: int = len(v) - x.shape[1]
    return df / float(np.trace(projection(v, x, 0.0)))


def i2_h2(tau2: float, q: float, v: Array, x: Array, method: Tau2Method) -> tuple[float, float]:
    """Return I2 (percent) and H2, from tau2 and the typical variance; from Q for the fixed-effect model."""
    df = len(v) - x.shape[1]
    if df <= 0:
        return 0.0, 1.0
    if method == "FE":
        return (max(0.0, 100 * (q - df) / q) if q > 0 else 0.0), q / df
    typical: float = typical_variance(v, x)
    return 100 * tau2 / (tau2 + typical), tau2 / typical + 1


def q_profile(y: Array, v: Array, x: Array, *, level: float = 0.95) -> tuple[float, float]:
    """Return the Q-profile interval of tau2 (Viechtbauer 2007): where Q meets its chi-square quantiles."""
    df = len(y) - x.shape[1]
    if df <= 0:
        message = "a tau2 interval needs more studies than coefficients"
        raise ValueError(message)
    tail = (1 - level) / 2
    return (
        _solve_q(y, v, x, float(laws.chi2_point(tail, df))),
        _solve_q(y, v, x, float(laws.chi2_point(1 - tail, df))),
    )
